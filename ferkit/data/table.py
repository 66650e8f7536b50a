"""Tables as people save them, and the files that they name.

Excel, LibreOffice, pandas and R write tables with commas, semicolons or tabs, in UTF-8, UTF-16 or
Windows-1252, with or without a first line `sep=;`, and with or without a column of row numbers.
"""

import codecs
import csv
import io
import os
import re
import unicodedata
import warnings
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from ferkit.data.reports import require_columns

_FORMULA = re.compile(r"'*[=+@\t\r-]")
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Table:
    """The rows of a table whose columns have names."""

    columns: tuple[str, ...]  # in lower case
    rows: list[tuple[int, dict[str, str]]]  # line in the file, and its cells by column


def read_table(path: Path, required: Collection[str] = ()) -> Table:
    """Read a table whose first line names the columns.

    Columns without a name, such as the row numbers of pandas, are left out; missing cells are
    empty. Raises FileNotFoundError, and ValueError for a file that is no table, two columns of one
    name, a missing column that is `required`, and surplus cells.
    """
    lines = read_rows(path)
    _, header = next(lines, (0, []))
    names = [name.lower() for name in header]
    columns = tuple(name for name in names if name)
    if repeated := [name for name in dict.fromkeys(columns) if columns.count(name) > 1]:
        raise ValueError(
            f"{path} has two columns {', '.join(repeated)}; rename or delete one of them"
        )
    require_columns(path, required, columns)
    rows = []
    short_lines = []
    for line, cells in lines:
        if any(cells[len(names) :]):
            raise ValueError(
                f"{path} line {line} has more cells than the first line has columns; "
                "put cells that contain a separator in quotes"
            )
        if len(cells) < len(names):
            short_lines.append(line)
        padded = cells + [""] * (len(names) - len(cells))
        by_name = dict(zip(names, padded, strict=False))
        by_name.pop("", None)
        rows.append((line, by_name))
    if short_lines:
        warnings.warn(
            f"{path} has fewer cells than columns in {len(short_lines)} of its rows, first in line "
            f"{short_lines[0]}; missing cells are taken as empty. Is the table whole?",
            stacklevel=2,
        )
    return Table(columns, rows)


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the line and the cells of each row that is not empty, without blanks around cells."""
    text = _read_text(path)
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.lower().startswith("sep=") and len(first.rstrip("\r")) == len("sep=;"):
        delimiter = first[4]
        text = rest
        skipped = 1
    else:
        delimiter = max(",;\t", key=first.count)
    most = csv.field_size_limit(len(text) + 1)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        rows = [(reader.line_num + skipped, cells) for cells in reader]
    except csv.Error as error:
        raise ValueError(f"{path} line {reader.line_num + skipped}: {error}") from None
    finally:
        csv.field_size_limit(most)
    for line, cells in rows:
        stripped = [_unquote_formula(cell.strip()) for cell in cells]
        if any(stripped):
            yield line, stripped


def quote_formula(text: str) -> str:
    """Put an apostrophe before what a spreadsheet runs as a formula; `read_rows` removes it."""
    return f"'{text}" if _FORMULA.match(text) else text


def _unquote_formula(text: str) -> str:
    return text[1:] if text.startswith("'") and _FORMULA.match(text) else text


def named_file(table: Path, written: str) -> Path:
    """Return the file that a cell of a table names, whether it exists or not.

    Its path is absolute or relative to the table's folder. Backslashes may stand for slashes, and
    names may be in another Unicode form than on the disk (macOS writes é as e and an accent).
    """
    exact = table.parent / written
    if os.path.lexists(exact):
        return exact
    return _find_form(table.parent / written.replace("\\", "/"))


def _find_form(path: Path) -> Path:
    """The path as the disk spells it, `path` itself where there is none."""
    found = Path(path.anchor)
    for name in path.parts[bool(path.anchor) :]:
        forms = (name, unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name))
        existing = [found / form for form in forms if os.path.lexists(found / form)]
        if not existing:
            return path
        found = existing[0]
    return found


def _read_text(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"no table {path}, or it is not an ordinary file")
    content = path.read_bytes()
    encoding = _guess_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise ValueError(
            f"{path} is not a text file ({error.reason} at byte {error.start}); "
            "save the table as CSV in UTF-8"
        ) from None
    if "\0" in text:
        raise ValueError(f"{path} is not a text file; save the table as CSV in UTF-8")
    if encoding == "cp1252":
        warnings.warn(
            f"{path} is not in UTF-8 and was read as Windows-1252; check its accents", stacklevel=4
        )
    return text


def _guess_encoding(content: bytes) -> str:
    """UTF-16 by its mark or its many zeros, UTF-8 where it can be decoded, else Windows-1252."""
    if content.startswith(_UTF16_MARKS):
        return "utf-16"
    zeros = content.count(0)
    if zeros > len(content) / 4:
        return "utf-16-le" if content[1::2].count(0) > zeros / 2 else "utf-16-be"
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"

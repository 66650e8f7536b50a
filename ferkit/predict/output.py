"""Write the table of predictions, and report what it holds."""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from ferkit.core.files import write_text
from ferkit.data.listing import is_video
from ferkit.data.table import quote_formula
from ferkit.faces.detect import SMALLEST_FACE
from ferkit.predict.unfinished import partial_path

_TEXTS = ("path", "person", "emotion")  # columns


def check_output(out: Path, path: Path, overwrite: bool = False) -> None:
    """Check that the table can be written and replaces nothing that is read.

    ValueError or OSError, before hours of reading.
    """
    if out.suffix.lower() not in (".csv", ".json") or out.is_dir():
        raise ValueError(f"--out {out}: expected a file that ends in .csv or .json")
    if out.exists() and out.samefile(path):
        raise ValueError(f"--out {out} would replace the table that is read: name another file")
    if out.exists() and not overwrite and not partial_path(out).exists():
        raise _refusal(out)
    check_place(out.parent, f"--out {out}")


def check_place(folder: Path, option: str) -> None:
    """Check that files can be written into a folder, which may not exist yet.

    NotADirectoryError or PermissionError names the `option`, before hours of reading.
    """
    existing = folder.absolute()
    while not os.path.lexists(existing):
        existing = existing.parent
    if not existing.is_dir():
        raise NotADirectoryError(f"{option}: {existing} is not a folder")
    if not os.access(existing, os.W_OK):
        raise PermissionError(f"{option}: no permission to write in {existing}")


def write_table(table: pd.DataFrame, out: Path, overwrite: bool = True) -> None:
    """Write the table as CSV or JSON, by the suffix of `out` (see `table_text`).

    ValueError when `out` has other content, unless `overwrite`.
    """
    text = table_text(table, out.suffix)
    if not overwrite and out.exists() and out.read_bytes() != text.encode():
        raise _refusal(out)
    write_text(out, text)


def table_text(table: pd.DataFrame, suffix: str) -> str:
    """The table as CSV or, for the suffix .json, as a list of rows with null for NaN."""
    if suffix.lower() == ".json":
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    # pandas quotes a text with a line feed, but not one with a carriage return.
    returns = [table[name].astype(str).str.contains("\r").any() for name in _TEXTS if name in table]
    quoting = csv.QUOTE_NONNUMERIC if any(returns) else csv.QUOTE_MINIMAL
    return _quote_formulas(table).to_csv(index=False, quoting=quoting)


def _quote_formulas(table: pd.DataFrame) -> pd.DataFrame:
    quoted = {name: table[name].map(quote_formula) for name in _TEXTS if name in table}
    return table.assign(**quoted).rename(columns=quote_formula)


def _refusal(out: Path) -> ValueError:
    return ValueError(f"--out {out} exists: name another file, or add --overwrite")


def missing_faces(table: pd.DataFrame) -> Iterator[str]:
    """Name every picture without a face, count such frames of each video, say what was not seen."""
    rows = _classify(table)
    for path in rows["path"][rows["empty"] & rows["picture"]]:
        yield f"no face found in {path}"
    frames = rows[rows["frame"].notna()]
    for path, frames_of_video in frames.groupby("path", sort=False):
        empty = int(frames_of_video["empty"].sum())
        if empty:
            count = frames_of_video["frame"].nunique()
            yield f"no face found in {empty} of {count} frames of {path}"
    smallest = table.attrs.get("smallest", 0)
    if smallest > SMALLEST_FACE:
        yield f"some pictures were searched only for faces of {smallest:.0f} pixels or more"


def count_findings(table: pd.DataFrame) -> Iterator[str]:
    """Count pictures, frames and their faces, and the files that cannot be read."""
    rows = _classify(table)
    for noun, found in (("picture", rows[rows["picture"]]), ("frame", rows[rows["frame"].notna()])):
        count = len(found.drop_duplicates(["path", "frame"]))
        empty = int(found["empty"].sum())
        if count:
            faces = _count(len(found) - empty, "face")
            yield f"{_count(count, noun)}, {faces}, {empty} without a face"
    unreadable = rows[rows["unreadable"]]
    for noun, found in (
        ("picture", unreadable[~unreadable["video"]]),
        ("video", unreadable[unreadable["video"]]),
    ):
        if len(found):
            yield f"{_count(len(found), noun)} that cannot be read"


def _classify(table: pd.DataFrame) -> pd.DataFrame:
    """The table's paths and frames, and of each row what kind it is."""
    video = table["path"].map(lambda name: is_video(Path(name))).astype(bool)
    unreadable = table["path"].isin(table.attrs.get("unreadable", ()))
    return pd.DataFrame(
        {
            "path": table["path"],
            "frame": table["frame"] if "frame" in table else None,
            "empty": table["emotion"].isna() | (table["emotion"] == ""),
            "video": video,
            "unreadable": unreadable,
            "picture": ~video & ~unreadable,
        }
    )


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

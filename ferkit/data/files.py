"""What every reader does with the files it finds: which it skips, how it sorts them, how it says what is missing."""

import csv
import os
import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

P = TypeVar("P", str, Path)

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FILMS = (".avi", ".flv", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".wmv")
ARCHIVES = (".7z", ".gz", ".rar", ".tar", ".tgz", ".zip")
JUNK = (".ds_store", "thumbs.db", "desktop.ini", "__macosx")


def is_junk(name: str) -> bool:
    """Whether an operating system left this entry: AppleDouble twins (`._001_03.jpg`), `.DS_Store`, `__MACOSX` ..."""
    return name.startswith("._") or name.lower() in JUNK


def is_film(path: Path) -> bool:
    """Whether a file is a film: it is listed as one frame, and its pictures are counted when it is decoded."""
    return path.suffix.lower() in FILMS


def natural(text: str) -> tuple[tuple[str | int, ...], str]:
    """A key that sorts by the numbers in a name: `a2` before `a10`."""
    parts = re.split(r"([0-9]+)", text)
    return tuple(int(part) if i % 2 else part for i, part in enumerate(parts)), text


def image_files(folder: Path, suffixes: Collection[str] = IMAGES) -> list[Path]:
    """The pictures directly in `folder`, by number; junk is skipped, the case of suffixes ignored."""
    found = (path for path in folder.iterdir() if path.suffix.lower() in suffixes and not is_junk(path.name))
    return sorted((path for path in found if path.is_file()), key=lambda path: natural(path.name))


def folders(folder: Path) -> list[Path]:
    """The folders directly in `folder`, by number; stray files and hidden folders are passed over."""
    with os.scandir(folder) as entries:  # knows the kind of an entry without asking for each: some folders hold 300 000
        found = [entry.name for entry in entries if entry.is_dir()]
    return [folder / name for name in sorted(found, key=natural) if not name.startswith(".") and not is_junk(name)]


def pictures_and_folders(
    folder: Path, suffixes: Collection[str] = IMAGES, verify: str = "warn"
) -> tuple[list[Path], list[Path]]:
    """The pictures directly in `folder` and the folders directly in it; neither, and a report, where it may not be read."""
    try:
        return image_files(folder, suffixes), folders(folder)
    except PermissionError:
        report(f"left out: {folder} may not be read", verify)
        return [], []


def nested(root: Path, name: str) -> Path | None:
    """The folder `name` under `root`, `root` itself when that is its name, or None.

    Archives are often unpacked one level too deep: of `name/name` the inner is taken, unless the outer holds pictures.
    """
    outer = root if root.name == name and not (root / name).is_dir() else root / name
    if not outer.is_dir():
        return None
    inner = outer / name
    return inner if inner.is_dir() and not image_files(outer) else outer


def below(root: Path, *names: str, depth: int = 2) -> Path | None:
    """The folder of the first of these names that is found: `root` itself, else the one nearest below it, or None.

    Case is ignored, `depth` levels are looked through, and of a doubled level the inner is taken, as in `nested`.
    """
    for name in names:
        for level in _levels(root, depth):
            for folder in level:
                if folder.name.lower() == name.lower():
                    return nested(folder, folder.name)
    return None


def find_file(root: Path, *names: str, depth: int = 2) -> Path | None:
    """The file of the first of these names that is found in `root` or up to `depth` levels below it, or None."""
    for name in names:
        for level in _levels(root, depth):
            for path in (folder / name for folder in level):
                if path.is_file():
                    return path
    return None


def files_below(root: Path, suffixes: Collection[str] = IMAGES, depth: int = 2) -> list[Path]:
    """The pictures (or files of other `suffixes`) in `root` and up to `depth` levels below it, the nearest first."""
    return [path for level in _levels(root, depth) for folder in level for path in image_files(folder, suffixes)]


def _levels(root: Path, depth: int) -> Iterator[list[Path]]:
    """`root`, then the folders in it, then those in these ..."""
    level = [root] if root.is_dir() else []
    yield level
    for _ in range(depth):
        level = [inner for folder in level for inner in folders(folder)]
        yield level


def text_lines(path: Path) -> list[str]:
    """The lines of a text file without trailing blanks; LF or CRLF, with or without a byte-order mark."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not a text file in UTF-8 ({error.reason} at byte {error.start})") from None
    return [line.rstrip() for line in text.splitlines()]


def table_rows(path: Path) -> csv.DictReader:
    """The rows of a table in UTF-8, its cells between commas, semicolons or tabs; the columns' names in small letters.

    Where a row has cells too many they are at "", where it has too few these are empty.
    """
    lines = text_lines(path)
    between = max(",;\t", key=(lines[0] if lines else "").count)
    reader = csv.DictReader(lines, delimiter=between, restkey="", restval="")
    reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
    return reader


def shorten(items: Iterable[object], most: int = 10) -> str:
    """The first items as text, and how many more there are."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def usable(paths: Iterable[P], dataset: str, verify: str) -> list[P]:
    """The files among `paths` that exist, may be looked at and are not empty, in the same order; the others are reported.

    No picture is opened: one that is damaged inside is found when it is prepared.
    """
    good: list[P] = []
    missing: list[P] = []
    locked: list[P] = []
    empty: list[P] = []
    for path in paths:
        try:
            size = os.stat(path).st_size
        except (FileNotFoundError, NotADirectoryError):
            missing.append(path)
        except PermissionError:
            locked.append(path)
        else:
            (good if size else empty).append(path)
    problems = {
        "do not exist": missing,
        "lie in a folder that may not be read": locked,
        "are empty (zero bytes)": empty,
    }
    for problem, skipped in problems.items():
        if skipped:
            report(f"{dataset}: {len(skipped)} file(s) skipped, they {problem}: {shorten(skipped)}", verify)
    return good


def report(message: str, verify: str) -> None:
    """Say that something was left out: a warning, and a ValueError in `strict`. `off` only stops counting."""
    if verify == "strict":
        raise ValueError(message)
    warnings.warn(message, stacklevel=3)


def not_found(what: str, root: Path, expected: str, where: str) -> FileNotFoundError:
    """The error for a wrong root: what was looked for, where, whether it is still packed, and where the data comes from."""
    state = "" if root.is_dir() else ", which is not a folder"
    variable = os.environ.get("FERKIT_DATA") or "not set"
    packed = [path.name for path in files_below(root, ARCHIVES, depth=1)]
    hint = f"; not unpacked yet: {shorten(packed, 3)}" if packed else ""
    return FileNotFoundError(f"no {what} in {root}{state} (FERKIT_DATA={variable}){hint}. Expected {expected}; {where}")

"""List the input files of a prediction: pictures and videos, from a path, a folder or a table."""

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

from ferkit.data.listing import TABLES, describe_others, is_video, list_tree
from ferkit.data.table import named_file, read_table


@dataclass(frozen=True)
class InputFile:
    """A picture or video, its name in the table of predictions, and its person where known."""

    path: Path
    name: str
    person: str | None = None

    @property
    def is_video(self) -> bool:
        """Whether the file is a video, by its suffix."""
        return is_video(self.path)


def list_inputs(path: str | Path, out_folder: Path | None = None) -> list[InputFile]:
    """List the files of a path: a picture, a video, a folder, or a CSV.

    A folder stands for all pictures and videos in it and its subfolders, a CSV for the files in its
    column `path` (with the persons in its column `person`). With `out_folder`, the folder of the
    table of predictions, names are relative to it, or absolute for files elsewhere, so that this
    table can be an input itself. FileNotFoundError for a missing path and for a folder without
    pictures; ValueError for a table without paths.
    """
    path = Path(path)
    if path.is_dir():
        files = _files_in_folder(path)
    elif not path.is_file():
        raise FileNotFoundError(f"no picture, video, folder or table {path}")
    elif path.suffix.lower() in TABLES:
        files = _files_in_table(path)
    else:
        files = [InputFile(path, as_text(path))]
    if out_folder:
        files = [replace(file, name=_name_from(out_folder, file.path)) for file in files]
    return files


def _name_from(folder: Path, path: Path) -> str:
    file = Path(os.path.abspath(path))
    base = os.path.abspath(folder)
    return as_text(file.relative_to(base) if file.is_relative_to(base) else file)


def _files_in_folder(folder: Path) -> list[InputFile]:
    tree = list_tree(folder)
    others = describe_others(tree.others) if tree.others else ""
    if not tree.files:
        passed_over = f"; {others}" if others else ""
        raise FileNotFoundError(
            f"no pictures in {folder}; expected files such as .jpg or .png, or videos such as "
            f".mp4, in the folder or its subfolders{passed_over}"
        )
    if others:
        warnings.warn(others, stacklevel=3)
    return [InputFile(file, as_text(file)) for file in tree.files]


def _files_in_table(path: Path) -> list[InputFile]:
    table = read_table(path, ("path",))
    rows = [row for _, row in table.rows if row["path"]]
    if not rows:
        raise ValueError(f"{path}: the column `path` is empty")
    files = [
        InputFile(named_file(path, row["path"]), row["path"], row.get("person") or None)
        for row in rows
    ]
    # A table of predictions has a row for every face and frame.
    is_predictions = {"face", "x0", "emotion"}.issubset(table.columns)
    return list(dict.fromkeys(files)) if is_predictions else files


def as_text(path: Path) -> str:
    """The path as valid UTF-8, other bytes escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")

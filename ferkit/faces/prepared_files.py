"""The files of a prepared set, written row by row so that a killed run continues.

    prepared/<data sets>-<size>-<hash>/
        made.json       what made it, and hashes of the files; written last, when all is complete
        table.parquet   one row for every picture: path, found, reason, score
        faces.npy       (N,) of `RECORD`: landmarks, box, score, and whether the row is done
        images.npy      (N, S, S, 3) uint8, or (N, S, S) when grey; absent when not kept

A row is marked done once its picture is on the disk. A picture that could not be opened is tried
again each time the set is opened. A file that no longer has its hash is made again.
"""

import errno
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap

from ferkit.core.files import (
    explain_errors,
    find_damaged,
    hash_files,
    read_hashes,
    warn_damaged,
    write_text,
    write_whole,
)
from ferkit.faces import prepared

RECORD = np.dtype(
    [
        # Found again on the aligned face, in its pixels; NaN without a face.
        ("landmarks", "f4", (68, 2)),
        ("original", "f4", (68, 2)),  # in the file's own pixels
        ("box", "f4", (4,)),  # in the file's own pixels
        ("score", "f4"),  # the detector's
        ("done", "i4"),  # 0 still to do, else 1 + the index in `REASONS`
    ]
)
# Values of `done` for rows that stay as they are; a picture may be opened another time.
_SETTLED = [1 + reason for reason in range(len(prepared.REASONS)) if reason != prepared.MISSING]


@dataclass(frozen=True)
class PreparedFiles:
    """Where the files of a set lie, and what they hold."""

    folder: Path
    size: int
    grey: bool
    keep_images: bool

    @property
    def picture_shape(self) -> tuple[int, ...]:
        return (self.size, self.size) if self.grey else (self.size, self.size, 3)

    @property
    def names(self) -> list[str]:
        return ["table.parquet", "faces.npy"] + ["images.npy"] * self.keep_images

    def arrays(self, count: int) -> dict[Path, tuple[tuple[int, ...], np.dtype]]:
        """The array files, their shapes and types; the faces, which say what is done, last."""
        arrays: dict[Path, tuple[tuple[int, ...], np.dtype]] = {}
        if self.keep_images:
            arrays[self.folder / "images.npy"] = ((count, *self.picture_shape), np.dtype(np.uint8))
        arrays[self.folder / "faces.npy"] = ((count,), RECORD)
        return arrays


def is_complete(files: PreparedFiles) -> bool:
    """Tell whether a set is undamaged and every picture could be opened."""
    hashes = read_hashes(files.folder / "made.json")
    if not hashes or find_damaged(files.folder, files.names, hashes):
        return False
    table = pd.read_parquet(files.folder / "table.parquet", columns=["reason"])
    return prepared.REASONS[prepared.MISSING] not in set(table["reason"])


def delete_damaged(files: PreparedFiles) -> None:
    """Delete the damaged files of a folder that was complete, and say so."""
    made = files.folder / "made.json"
    if hashes := read_hashes(made):
        for name in find_damaged(files.folder, files.names, hashes):
            warn_damaged(files.folder / name)
            (files.folder / name).unlink(missing_ok=True)
    made.unlink(missing_ok=True)


def create_arrays(files: PreparedFiles, count: int) -> np.ndarray:
    """Create the array files unless they are there; return the rows still to do.

    OSError when the disk has no room for them.
    """
    arrays = files.arrays(count)
    faces = files.folder / "faces.npy"
    damaged = [path for path, (shape, dtype) in arrays.items() if not _is_array(path, shape, dtype)]
    todo = np.arange(count)
    if not damaged:
        todo = np.flatnonzero(~np.isin(np.load(faces)["done"], _SETTLED))
    elif faces.exists():
        warn_damaged(damaged[0])
        faces.unlink()
    row_bytes = sum(int(np.prod(shape[1:])) * dtype.itemsize for shape, dtype in arrays.values())
    needed = len(todo) * row_bytes
    free = shutil.disk_usage(files.folder).free
    if free < needed:
        message = (
            f"{len(todo)} faces to prepare need {needed / 1e6:.0f} MB, "
            f"only {free / 1e6:.0f} MB are free"
        )
        raise OSError(errno.ENOSPC, message, str(files.folder))
    if damaged:
        for path, (shape, dtype) in arrays.items():  # they take no room until written
            write_whole(path, partial(open_memmap, mode="w+", dtype=dtype, shape=shape))
    return todo


def _is_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether a file is an array of this shape and type."""
    try:
        with explain_errors(path):
            array = open_memmap(path, mode="r")
    except (FileNotFoundError, ValueError, OverflowError):
        return False
    return array.shape == shape and array.dtype == dtype


def write_rows(path: Path, rows: Sequence[int], values: Sequence[np.ndarray]) -> None:
    """Write rows of an array file and flush them to the disk.

    Ordinary writes: a full disk is an OSError here, in a memory map a crash.
    """
    array = np.load(path, mmap_mode="r")
    stride = array[:1].nbytes
    with explain_errors(path), open(path, "r+b") as file:
        for row, value in zip(rows, values, strict=True):
            file.seek(array.offset + row * stride)
            file.write(np.ascontiguousarray(value).tobytes())
        file.flush()
        os.fsync(file.fileno())


def mark_complete(files: PreparedFiles, paths: Sequence[Path], made_from: dict) -> None:
    """Write the table and, last, the file that marks the folder as complete."""
    folder = files.folder
    faces = np.load(folder / "faces.npy")
    reasons = np.array(prepared.REASONS, dtype=object)[faces["done"] - 1]
    table = pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "found": reasons == "",
            "reason": reasons,
            "score": faces["score"],
        }
    )
    counts = {reason or "found": int((reasons == reason).sum()) for reason in prepared.REASONS}
    write_whole(folder / "table.parquet", lambda part: table.to_parquet(part, index=False))
    made = made_from | {"counts": counts, "files": hash_files(folder, files.names)}
    text = json.dumps(made, indent=1) + "\n"
    write_text(folder / "made.json", text)

"""Prepared faces: the aligned pictures and landmarks of clips, with a table of their labels."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit.data.clip import Clip

# Why a picture has no prepared face, and the indices of the reasons.
REASONS = (
    "",
    "no face found",
    "face cannot be aligned",
    "picture cannot be decoded",
    "file cannot be opened",
)
FOUND, NO_FACE, NOT_ALIGNED, BROKEN, MISSING = range(len(REASONS))


@dataclass(frozen=True, eq=False)
class Prepared:
    """Prepared faces, one row for every frame of the clips, found or not.

    `table` has the columns clip (index in the given list), frame, dataset, person, name, emotion,
    complementary, path, found, reason, score. `images` is `(N, S, S, 3)` or `(N, S, S)` uint8,
    memory-mapped, or None when not kept; `landmarks` `(N, 68, 2)` are in aligned pixels, `original`
    `(N, 68, 2)` and `boxes` `(N, 4)` in the file's own.
    """

    folder: Path
    size: int
    table: pd.DataFrame
    images: np.ndarray | None
    landmarks: np.ndarray
    original: np.ndarray
    boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    def select(self, rows: np.ndarray | pd.Series) -> "Prepared":
        """The rows of a mask `(N,)` or of a list; their pictures are copied into memory."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        return replace(
            self,
            table=self.table.iloc[rows].reset_index(drop=True),
            images=None if self.images is None else np.asarray(self.images[rows]),
            landmarks=self.landmarks[rows],
            original=self.original[rows],
            boxes=self.boxes[rows],
        )

    def summary(self) -> pd.DataFrame:
        """Count pictures, faces, pictures without a face and unreadable ones of each data set."""
        reason = self.table["reason"]
        counts = {
            "pictures": np.ones(len(self), dtype=bool),
            "found": reason == REASONS[FOUND],
            "no face": reason.isin(REASONS[NO_FACE:BROKEN]),
            "unreadable": reason.isin(REASONS[BROKEN:]),
        }
        return pd.DataFrame(counts).astype(int).groupby(self.table["dataset"]).sum()


def open_prepared(folder: Path, size: int, clips: Sequence[Clip]) -> Prepared:
    """Open the arrays of a complete folder with the labels of `clips`.

    Warns when some pictures have no face.
    """
    rows = []
    for index, clip in enumerate(clips):
        labels = (clip.dataset, clip.person, clip.name, clip.emotion, clip.complementary)
        rows += [(index, frame, *labels, str(path)) for frame, path in enumerate(clip.frames)]
    columns = ["clip", "frame", "dataset", "person", "name", "emotion", "complementary", "path"]
    results = pd.read_parquet(folder / "table.parquet", columns=["found", "reason", "score"])
    table = pd.concat([pd.DataFrame(rows, columns=columns), results], axis=1)
    lost = int((~table["found"]).sum())
    if lost:
        unreadable = int(table["reason"].isin(REASONS[BROKEN:]).sum())
        warnings.warn(
            f"{lost} of {len(table)} pictures have no prepared face "
            f"({lost - unreadable} without a face found, {unreadable} unreadable); "
            "`summary()` counts them, `table` names them",
            stacklevel=3,
        )
    faces = np.load(folder / "faces.npy")
    images = None
    if (folder / "images.npy").is_file():
        images = np.load(folder / "images.npy", mmap_mode="r")
    points = [np.ascontiguousarray(faces[name]) for name in ("landmarks", "original", "box")]
    return Prepared(folder, size, table, images, *points)

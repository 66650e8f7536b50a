"""Faces as a network that aligns them itself sees them: upright grey crops, with every landmark that is known of them.

Convention
- Landmarks are in pixels of the crop (`faces.crops`), errors in distances between the eye centres.
- Three classes are those of `labels.to_three`; surprise is left out.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ferkit.baselines import centred, linear_softmax
from ferkit.data.clips import Clip
from ferkit.data.london import read_tem, tem_to_68
from ferkit.data.protocols import stills
from ferkit.faces import align
from ferkit.faces.crops import grey_crops
from ferkit.faces.store import REASONS, prepare
from ferkit.labels import SEVEN, THREE, LabelSet, to_three
from ferkit.landmarks import inter_ocular, mirror

CLASSES = {7: LabelSet(SEVEN), 3: LabelSet(THREE)}
SAME_POINTS = (36, 39, 42, 45, 48, 54, 51, 57, 30, 33)  # that London's hand-placed points and the 68 define alike


@dataclass(frozen=True, eq=False)
class Faces:
    """Crops of faces with what is known of them, one row each.

    `pictures` `(N, 1, S, S)` uint8; `points` `(N, 68, 2)` the drawn truth, nan where nobody knows; `dlib` `(N, 68, 2)` dlib's, nan
    where it found no face; `matrices` `(N, 2, 3)` from the file's pixels to the crop's; `table` has the columns dataset,
    person, name, emotion, found, intensity (of the expression, where drawn; else nan).
    """

    pictures: Tensor
    points: np.ndarray
    dlib: np.ndarray
    matrices: np.ndarray
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def people(self) -> np.ndarray:
        """Who is seen `(N,)`, different in different data sets."""
        return (self.table["dataset"] + "/" + self.table["person"]).to_numpy(dtype=str)

    def select(self, rows: np.ndarray) -> "Faces":
        """The rows where a mask `(N,)` is true, or those listed."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        parts = self.pictures[torch.from_numpy(rows)], self.points[rows], self.dlib[rows], self.matrices[rows]
        return Faces(*parts, self.table.iloc[rows].reset_index(drop=True))

    def named(self, classes: int) -> tuple["Faces", list[str]]:
        """The faces that have one of 7 or 3 classes, and its name."""
        emotions = self.table["emotion"].tolist()
        names = [(to_three(name) if classes == 3 and name else name) or "" for name in emotions]
        known = np.array([name in CLASSES[classes].names for name in names], dtype=bool)
        return self.select(known), [name for name in names if name in CLASSES[classes].names]


def faces_of(
    clips: Sequence[Clip], size: int, *, shaken_by: Sequence[int] | None = None, progress: bool = True
) -> Faces:
    """The faces in pictures, and in sequences their stills (`protocols.stills`), as grey crops of `size` pixels; see `grey_crops`.

    Where no face is found the crop is the whole picture; unreadable files are left out. ValueError without any.
    """
    clips = stills(clips)
    prepared = prepare(clips, 64, keep_images=False, progress=progress)
    rows = np.flatnonzero(prepared.table["reason"].isin(REASONS[:3]))
    if not len(rows):
        raise ValueError(f"none of {len(clips)} pictures can be read")
    prepared, clips = prepared.select(rows), [clips[row] for row in rows]
    pictures, matrices = grey_crops(prepared, size, shaken_by=shaken_by)
    truth = np.stack([_drawn(clip, "landmarks", np.full((68, 2), np.nan)) for clip in clips])
    points = align.apply(matrices, truth).astype(np.float32)
    dlib = align.apply(matrices, prepared.original).astype(np.float32)
    table = prepared.table[["dataset", "person", "name", "emotion", "found"]].assign(
        intensity=[float(_drawn(clip, "intensity", np.nan)) for clip in clips]
    )
    return Faces(torch.from_numpy(pictures[:, None]), points, dlib, matrices, table)


def mirrored(faces: Faces) -> Faces:
    """The same faces in a mirror; their matrices stay those of the unmirrored crops."""
    size = faces.pictures.shape[-1]
    points, dlib = (mirror(each, size).astype(np.float32) for each in (faces.points, faces.dlib))
    return replace(faces, pictures=faces.pictures.flip(3), points=points, dlib=dlib)


def _drawn(clip: Clip, key: str, unknown: float | np.ndarray) -> np.ndarray:
    """What is known of a drawn picture, or `unknown`: other data sets' `extra` means other things by the same names."""
    value = clip.extra.get(key)
    return np.asarray(value[0] if isinstance(value, np.ndarray) else unknown, dtype=float)


def joined(a: Faces, b: Faces) -> Faces:
    """The rows of both."""
    points, dlib, matrices = (np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("points", "dlib", "matrices"))
    table = pd.concat([a.table, b.table], ignore_index=True)
    return Faces(torch.cat([a.pictures, b.pictures]), points, dlib, matrices, table)


def errors(points: np.ndarray, truth: np.ndarray, which: Sequence[int] = range(68)) -> np.ndarray:
    """The mean distance of some landmarks from the truth `(N, 68, 2)`, over the distance of its eye centres, `(N,)`."""
    return np.linalg.norm(points - truth, axis=2)[:, list(which)].mean(1) / inter_ocular(truth)


def hand_placed(faces: Faces, clips: Sequence[Clip]) -> np.ndarray:
    """London's hand-placed points as the 68 `(N, 68, 2)`, in pixels of the crops; nan where a face has none."""
    files = {clip.name: clip.landmarks for clip in clips}
    points = np.full((len(faces), 68, 2), np.nan)
    for row, name in enumerate(faces.table["name"]):
        if file := files.get(name):
            points[row] = align.apply(faces.matrices[row], tem_to_68(read_tem(file)))
    return points


def landmark_classifier(points: np.ndarray, emotions: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    """What tells emotions from landmarks `(N, 68, 2)` alone, linearly, laid on their mean shape; faces without landmarks are left out."""
    known = np.isfinite(points).all((1, 2))
    mean = points[known].mean(0)
    model = linear_softmax(C=0.01).fit(centred(points[known], mean), np.asarray(emotions)[known])
    return lambda others: model.predict(centred(others, mean))

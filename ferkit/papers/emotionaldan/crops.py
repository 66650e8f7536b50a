"""Faces as upright squares, cut where the detector saw them, for networks that align themselves.

Where no face was found the square lies around the landmarks that the data set knows (drawn faces,
AffectNet), else it is the whole picture (I. Tautkute and T. Trzcinski, Fundamenta Informaticae
2019, section 4.2, whose detector missed under 2 % of the faces).

Convention
- A matrix `(2, 3)` takes points of the file's pixels to points of the crop, as in `faces.align`.
- Beyond the edge of the picture its outermost pixels are repeated.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ferkit.core.labels import SEVEN, THREE, LabelSet, to_three
from ferkit.core.landmarks import mean_face_residuals
from ferkit.data.clip import Clip
from ferkit.data.sets import affectnet
from ferkit.data.sets.london import read_tem, tem_to_68
from ferkit.data.stills import stills
from ferkit.faces import align
from ferkit.faces import pictures as faces_pictures
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import REASONS
from ferkit.papers.emotionaldan.loss import landmark_error
from ferkit.training.linear import linear_softmax

CLASSES = {7: LabelSet(SEVEN), 3: LabelSet(THREE)}
# The landmarks that London's hand-placed points and the 68 define alike.
SAME_POINTS = (36, 39, 42, 45, 48, 54, 51, 57, 30, 33)
# The square around the detector's box, which ends at brows and chin, in sides of the box.
SQUARE_SIDES = 1.6
SQUARE_RISE = 0.08  # from the box's centre up to the square's
# The detector's box around landmarks: its side, and how far its centre lies above their mean, in
# the geometric mean of their width and height. Medians of the faces of `wild` that it found.
_BOX_SIDE = 1.07
_BOX_RISE = 0.07
# Where a square comes from.
SQUARES = ("detector", "landmarks", "whole picture")


# Squares


def landmark_boxes(landmarks: np.ndarray) -> np.ndarray:
    """Return the boxes `(N, 4)` that the detector would draw around landmarks `(N, 68, 2)`."""
    width, height = np.ptp(landmarks, axis=1).T
    extent = np.sqrt(width * height)[:, None]
    centre = landmarks.mean(1) - (0, _BOX_RISE) * extent
    half = _BOX_SIDE / 2 * extent
    return np.concatenate([centre - half, centre + half], axis=1)


def face_square(box: np.ndarray, shape: tuple[float, float]) -> tuple[np.ndarray, float]:
    """Return centre `(2,)` and side of the square to cut around a box `(4,)`.

    Without a box (NaN) it holds the whole picture of this (height, width).
    """
    if not np.isfinite(box).all():
        height, width = shape
        return np.array([width / 2, height / 2]), max(shape)
    side = box[3] - box[1]
    centre = (box[:2] + box[2:]) / 2
    return centre - (0, SQUARE_RISE * side), SQUARE_SIDES * side


def cut_grey(paths: Sequence[str], boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a square of each picture in grey: `(N, size, size)` uint8, and matrices `(N, 2, 3)`.

    `boxes` `(N, 4)` are NaN where there is no face. All files must be readable.
    """

    def cut(row: int) -> tuple[np.ndarray, np.ndarray]:
        picture = faces_pictures.read_picture(paths[row], 8 * size)
        grey = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY)
        height, width = np.array(grey.shape) / picture.scale
        centre, side = face_square(boxes[row], (height, width))
        matrix = align.square_matrix(centre, np.array(side), size)
        scale = picture.scale
        return align.align(grey, matrix * (1 / scale, 1 / scale, 1), size), matrix

    crops = np.empty((len(paths), size, size), np.uint8)
    matrices = np.empty((len(paths), 2, 3))
    with ThreadPoolExecutor() as pool:
        for row, (crop, matrix) in enumerate(pool.map(cut, range(len(paths)))):
            crops[row] = crop
            matrices[row] = matrix
    return crops, matrices


# Crops with what is known of their faces


@dataclass(frozen=True, eq=False)
class FaceCrops:
    """Crops of N faces with their landmarks, one row each.

    `pictures` `(N, 1, S, S)` uint8; `points` `(N, 68, 2)` as the data set knows them, NaN where it
    does not; `dlib` `(N, 68, 2)` as dlib found them, NaN where it found no face; `matrices`
    `(N, 2, 3)` from the file's pixels to the crop's; `table` has the columns dataset, person, name,
    emotion, found (by dlib), square (one of SQUARES), intensity (of the expression, where drawn;
    else NaN).
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
        """The person of each face `(N,)`, different in different data sets."""
        return (self.table["dataset"] + "/" + self.table["person"]).to_numpy(dtype=str)

    def select(self, rows: np.ndarray) -> "FaceCrops":
        """Select the rows where a mask `(N,)` is true, or those listed."""
        rows = np.asarray(rows)
        if rows.dtype == bool:
            rows = np.flatnonzero(rows)
        return FaceCrops(
            self.pictures[torch.from_numpy(rows)],
            self.points[rows],
            self.dlib[rows],
            self.matrices[rows],
            self.table.iloc[rows].reset_index(drop=True),
        )

    def named(self, classes: int) -> tuple["FaceCrops", list[str]]:
        """Select the faces that show one of 7 or 3 classes; return their class names too."""
        names = self.table["emotion"].tolist()
        if classes == 3:
            names = [to_three(name) if name else None for name in names]
        known = np.array([name in CLASSES[classes].names for name in names], dtype=bool)
        return self.select(known), np.array(names, dtype=object)[known].tolist()


def crop_faces(clips: Sequence[Clip], size: int, *, progress: bool = True) -> FaceCrops:
    """Crop the faces of pictures, and of sequences' stills, in grey.

    The square is as the module says; unreadable files are left out. ValueError without any picture.
    """
    clips = stills(clips)
    prepared = prepare(clips, 64, keep_images=False, progress=progress)
    readable = np.flatnonzero(prepared.table["reason"].isin(REASONS[:3]))
    if not len(readable):
        raise ValueError(f"none of {len(clips)} pictures can be read")
    prepared = prepared.select(readable)
    clips = [clips[row] for row in readable]
    points = known_landmarks(clips)
    is_found = np.isfinite(prepared.boxes).all(1)
    boxes = np.where(is_found[:, None], prepared.boxes, landmark_boxes(points))
    pictures, matrices = cut_grey(prepared.table["path"].tolist(), boxes, size)
    origin = np.where(np.isfinite(boxes).all(1), SQUARES[1], SQUARES[2])
    table = prepared.table[["dataset", "person", "name", "emotion", "found"]]
    return FaceCrops(
        torch.from_numpy(pictures[:, None]),
        align.apply(matrices, points).astype(np.float32),
        align.apply(matrices, prepared.original).astype(np.float32),
        matrices,
        table.assign(
            square=np.where(is_found, SQUARES[0], origin),
            intensity=[float(_drawn_value(clip, "intensity", np.nan)) for clip in clips],
        ),
    )


def known_landmarks(clips: Sequence[Clip]) -> np.ndarray:
    """Return the landmarks that the data set knows of each picture, `(N, 68, 2)`, else NaN.

    Drawn faces know the truth, AffectNet what its makers found.
    """
    unknown = np.full((68, 2), np.nan)
    points = np.stack([_drawn_value(clip, "landmarks", unknown) for clip in clips])
    rows = [row for row, clip in enumerate(clips) if clip.dataset == "affectnet"]
    if rows:
        points[rows] = affectnet.read_landmarks([clips[row] for row in rows])
    return points


def _drawn_value(clip: Clip, key: str, unknown: float | np.ndarray) -> np.ndarray:
    """Read the truth of a drawn picture; other sets give the same keys another meaning."""
    value = clip.extra.get(key)
    return np.asarray(value[0] if isinstance(value, np.ndarray) else unknown, dtype=float)


# Landmarks


def landmark_errors(
    points: np.ndarray, truth: np.ndarray, which: Sequence[int] = range(68)
) -> np.ndarray:
    """Return `loss.landmark_error` of arrays, `(N,)`."""
    return landmark_error(torch.from_numpy(points), torch.from_numpy(truth), which).numpy()


def read_hand_placed(faces: FaceCrops, clips: Sequence[Clip]) -> np.ndarray:
    """Read London's hand-placed points as the 68 `(N, 68, 2)`, in pixels of the crops.

    NaN where a face has none.
    """
    files = {clip.name: clip.landmarks for clip in clips}
    points = np.full((len(faces), 68, 2), np.nan)
    for row, name in enumerate(faces.table["name"]):
        file = files.get(name)
        if file:
            points[row] = align.apply(faces.matrices[row], tem_to_68(read_tem(file)))
    return points


def fit_landmark_classifier(
    points: np.ndarray, emotions: Sequence[str]
) -> Callable[[np.ndarray], np.ndarray]:
    """Fit a linear classifier of landmarks `(N, 68, 2)`, aligned to their mean shape.

    Returns a function from landmarks to emotions. Faces without landmarks are left out.
    """
    known = np.isfinite(points).all((1, 2))
    mean = points[known].mean(0)
    model = linear_softmax(C=0.01)
    model.fit(mean_face_residuals(points[known], mean), np.asarray(emotions)[known])
    return lambda others: model.predict(mean_face_residuals(others, mean))

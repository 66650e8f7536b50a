"""The 68 landmarks: regions, subsets, mirroring, normalisation, residuals and features.

Convention
- Points are 0-based iBUG points `(x, y)`. "Left" and "right" are the subject's own, so `right_eye`
  (36-41) lies on the left of a picture that is not mirrored. 30 is the tip of the nose, 33 lies
  under it.
- Pixel centres lie at integer + 0.5, so flipping a picture of width W maps x to W - x: in a picture
  of width 4 the first pixel's centre, 0.5, goes to 3.5, the last one's centre. (The map is
  W - 1 - x where centres lie at integers.)
- Functions that take points tell the scheme from their number: 68, 49 (SUBSET_49) or 5
  (`five_points`).
"""

import warnings
from collections.abc import Sequence
from itertools import product

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

REGIONS = {
    "jaw": slice(0, 17),
    "right_brow": slice(17, 22),
    "left_brow": slice(22, 27),
    "nose": slice(27, 36),
    "right_eye": slice(36, 42),
    "left_eye": slice(42, 48),
    "mouth": slice(48, 68),
}


# Columns of a table that holds one face a row, in the order of `flatten`.
LANDMARK_COLUMNS = tuple(f"{axis}{point}" for point, axis in product(range(68), "xy"))


def _table(values: Sequence[int]) -> np.ndarray:
    table = np.array(values, dtype=np.intp)
    table.setflags(write=False)
    return table


# The 49 points of IntraFace (`dtagn`): no jaw, no inner mouth corners 60 and 64.
SUBSET_49 = _table([*range(17, 60), 61, 62, 63, 65, 66, 67])

# Point i of a mirrored face is point MIRROR[i] of the face.
MIRROR = _table(
    [16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0]  # jaw
    + [26, 25, 24, 23, 22, 21, 20, 19, 18, 17]  # brows
    + [27, 28, 29, 30, 35, 34, 33, 32, 31]  # nose
    + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]  # eyes
    + [54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55]  # outer lip
    + [64, 63, 62, 61, 60, 67, 66, 65]  # inner lip
)

_MIRRORS = {
    68: MIRROR,
    49: _table([SUBSET_49.tolist().index(point) for point in MIRROR[SUBSET_49]]),
    5: _table([1, 0, 2, 4, 3]),
}
_RIGHT_EYE = {68: slice(36, 42), 49: slice(19, 25)}
_LEFT_EYE = {68: slice(42, 48), 49: slice(25, 31)}
_NOSE_TIP = {68: 30, 49: 13}
_MOUTH_CORNERS = {68: [48, 54], 49: [31, 37]}


def five_points(points: ArrayLike) -> np.ndarray:
    """Reduce points `(..., 68 or 49, 2)` to five, `(..., 5, 2)`.

    In order: right eye centre, left eye centre, nose tip, right and left mouth corner. An eye
    centre is the mean of its six lid points, not the pupil.
    """
    points, count = _check_points(points, _NOSE_TIP)
    right_eye = points[..., _RIGHT_EYE[count], :].mean(-2, keepdims=True)
    left_eye = points[..., _LEFT_EYE[count], :].mean(-2, keepdims=True)
    nose_and_mouth = points[..., [_NOSE_TIP[count], *_MOUTH_CORNERS[count]], :]
    return np.concatenate([right_eye, left_eye, nose_and_mouth], axis=-2)


def inter_ocular(points: ArrayLike) -> np.ndarray:
    """Return the distance between the eye centres, `(...)`.

    `points` is `(..., 68 or 49, 2)`. The distance is not that of the outer eye corners.
    """
    five = five_points(points)
    return np.linalg.norm(five[..., 0, :] - five[..., 1, :], axis=-1)


def mirror(points: ArrayLike, width: float) -> np.ndarray:
    """Mirror points with their picture, left and right exchanged.

    Points are `(..., 68, 49 or 5, 2)`; `width` is the picture's, in pixels; 0 mirrors points that
    are relative to a centre, such as those of `normalise`.
    """
    points, count = _check_points(points, _MIRRORS)
    mirrored = points[..., _MIRRORS[count], :]
    mirrored[..., 0] = width - mirrored[..., 0]
    return mirrored


def normalise(points: ArrayLike) -> np.ndarray:
    """Centre points on the nose tip and divide by their standard deviation.

    Equation 3 of `dtagn`; points are `(..., 49 or 68, 2)`. Each frame and each axis has its own
    (population) standard deviation. A frame without a face (NaN) stays NaN. ValueError when all
    points of a frame agree on an axis.
    """
    points, count = _check_points(points, _NOSE_TIP)
    flat = points.max(-2) == points.min(-2)
    if flat.any():
        *frame, axis = np.argwhere(flat)[0].tolist()
        place = f"frame {tuple(frame)}" if frame else "the points"
        raise ValueError(
            f"all {count} points of {place} have the same {'xy'[axis]}: not a face, leave it out"
        )
    nose = points[..., [_NOSE_TIP[count]], :]
    return (points - nose) / points.std(-2, keepdims=True)


def residuals(
    landmarks: ArrayLike, people: ArrayLike, fallback: ArrayLike | None = None
) -> np.ndarray:
    """Subtract each person's mean landmarks (`multimodal`, equations 1 and 2).

    `landmarks` is `(N, L, 2)` or `(N, D)`, the result has the same shape; `people` `(N,)` names the
    person of each. People of two data sets need different names. No label is used, but the
    person's other pictures are: report such results as such.

    A person with a single picture gets `fallback`, one face (the mean face of the training part),
    in place of the mean, with a warning. ValueError where that is missing, and for a picture
    without landmarks (NaN).
    """
    values = np.asarray(landmarks, dtype=np.float64)
    codes, names = pd.factorize(np.asarray(people))
    if values.ndim not in (2, 3) or codes.shape != values.shape[:1]:
        raise ValueError(
            "expected landmarks (N, L, 2) or (N, D) and N people, "
            f"got {values.shape} and {codes.shape}"
        )
    flat = values.reshape(len(values), -1)
    unusable = ~np.isfinite(flat).all(1) | (codes < 0)
    if unusable.any():
        raise ValueError(
            f"{unusable.sum()} of {len(flat)} rows lack landmarks or a person, "
            f"first {unusable.argmax()}: leave them out"
        )
    counts = np.bincount(codes, minlength=len(names))
    sums = np.zeros((len(names), flat.shape[1]))
    np.add.at(sums, codes, flat)
    means = sums / counts[:, None]
    single = counts == 1
    if single.any():
        means[single] = _check_fallback(fallback, names[single], flat.shape[1])
    return (flat - means[codes]).reshape(values.shape)


# --- features ---


def flatten(landmarks: ArrayLike) -> np.ndarray:
    """Lay out landmarks as x0, y0, ... y67, `(N, 136)`.

    They are `(N, 68, 2)`; ValueError for a face without landmarks (NaN).
    """
    return _check_faces(landmarks).reshape(-1, 136)


def person_residuals(
    landmarks: ArrayLike, people: ArrayLike, fallback: ArrayLike | None = None
) -> np.ndarray:
    """Return `residuals` of landmarks `(N, 68, 2)` as features `(N, 136)`."""
    return residuals(_check_faces(landmarks), people, fallback).reshape(-1, 136)


def mean_face_residuals(landmarks: ArrayLike, mean_face: ArrayLike) -> np.ndarray:
    """Subtract the mean face of other people after alignment, `(N, 136)`.

    Faces are `(N, 68, 2)`, the mean face is `(68, 2)`. Each face is first laid on the mean face by
    the least-squares similarity over all 68 points. (Subtracting one face from all would not change
    a linear classifier of scaled features.)
    """
    # Points as complex numbers x + iy: one complex factor then scales and turns a face.
    faces = _check_faces(landmarks) @ (1, 1j)  # (N, 68)
    (mean,) = _check_faces(np.asarray(mean_face)[None]) @ (1, 1j)  # (68,)
    faces = faces - faces.mean(1, keepdims=True)
    mean = mean - mean.mean()
    similarity = (faces.conj() @ mean) / (np.abs(faces) ** 2).sum(1)
    differences = faces * similarity[:, None] - mean
    return np.stack([differences.real, differences.imag], axis=-1).reshape(-1, 136)


# --- checks ---


def _check_points(points: ArrayLike, schemes: dict) -> tuple[np.ndarray, int]:
    """Return points as floats, and how many there are of each face."""
    array = np.asarray(points, dtype=np.float64)
    if array.ndim < 2 or array.shape[-1] != 2 or array.shape[-2] not in schemes:
        known = " or ".join(str(count) for count in schemes)
        raise ValueError(f"expected points of shape (..., {known}, 2), got {array.shape}")
    return array, array.shape[-2]


def _check_faces(landmarks: ArrayLike) -> np.ndarray:
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim != 3 or points.shape[1:] != (68, 2):
        raise ValueError(f"expected landmarks (N, 68, 2), got {points.shape}")
    missing = ~np.isfinite(points).all((1, 2))
    if missing.any():
        raise ValueError(
            f"{missing.sum()} of {len(points)} faces have no landmarks (NaN), "
            f"first {missing.argmax()}: leave them out"
        )
    return points


def _check_fallback(fallback: ArrayLike | None, people: np.ndarray, size: int) -> np.ndarray:
    """Return the face used for people with one picture."""
    fault = f"people with a single picture, too few for a mean: {len(people)} (first: {people[0]})"
    if fallback is None:
        raise ValueError(
            f"{fault}; give the training part's mean face as `fallback` or leave them out"
        )
    face = np.asarray(fallback, dtype=np.float64).ravel()
    if face.size != size or not np.isfinite(face).all():
        raise ValueError(
            f"`fallback` must be one face of {size} finite numbers, got shape {np.shape(fallback)}"
        )
    warnings.warn(f"{fault}; the face given as `fallback` takes its place", stacklevel=3)
    return face

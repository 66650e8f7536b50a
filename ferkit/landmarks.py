"""The 68-point scheme: regions, subsets, mirroring, per-frame normalisation and residuals.

Convention
- Points are 0-based iBUG points `(x, y)`; "left" and "right" are the subject's own, so `right_eye` (36-41) lies on
  the left of a picture that is not mirrored. 30 is the tip of the nose, 33 lies under it.
- Pixel centres lie at integer + 0.5, so flipping a picture of width W maps x to W - x: the centre of the first pixel
  of a picture 4 wide, 0.5, goes to 3.5, the centre of the last. (It is W - 1 - x where centres lie at integers.)
- Functions that take points know the scheme from their number: 68, 49 (SUBSET_49) or 5 (`five_points`).
"""

import warnings
from collections.abc import Sequence

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
    """Right eye centre, left eye centre, nose tip, right and left mouth corner, `(..., 5, 2)`.

    `points` is `(..., 68 or 49, 2)`. An eye centre is the mean of its six lid points, not the pupil.
    """
    points, n = _points(points, _NOSE_TIP)
    eyes = [points[..., eye[n], :].mean(-2, keepdims=True) for eye in (_RIGHT_EYE, _LEFT_EYE)]
    return np.concatenate([*eyes, points[..., [_NOSE_TIP[n], *_MOUTH_CORNERS[n]], :]], axis=-2)


def inter_ocular(points: ArrayLike) -> np.ndarray:
    """The distance between the two eye centres (not the outer corners), `(...)` from points `(..., 68 or 49, 2)`."""
    five = five_points(points)
    return np.linalg.norm(five[..., 0, :] - five[..., 1, :], axis=-1)


def mirror(points: ArrayLike, width: float) -> np.ndarray:
    """The points `(..., 68, 49 or 5, 2)` of the picture flipped left to right, right and left points swapped.

    `width` is the picture's, in pixels; 0 flips points that are relative to a centre, such as `normalise`'s.
    """
    points, n = _points(points, _MIRRORS)
    flipped = points[..., _MIRRORS[n], :]
    flipped[..., 0] = width - flipped[..., 0]
    return flipped


def normalise(points: ArrayLike) -> np.ndarray:
    """Points `(..., 49 or 68, 2)` relative to the nose tip, over their standard deviation (`dtagn`, equation 3).

    Each frame and each axis has its own (population) standard deviation. A frame without a face (NaN) stays NaN;
    ValueError when all points of a frame agree on an axis.
    """
    points, n = _points(points, _NOSE_TIP)
    flat = points.max(-2) == points.min(-2)
    if flat.any():
        *frame, axis = np.argwhere(flat)[0].tolist()
        place = f"frame {tuple(frame)}" if frame else "the points"
        raise ValueError(f"all {n} points of {place} have the same {'xy'[axis]}: not a face, leave it out")
    return (points - points[..., [_NOSE_TIP[n]], :]) / points.std(-2, keepdims=True)


def residuals(landmarks: ArrayLike, people: ArrayLike, fallback: ArrayLike | None = None) -> np.ndarray:
    """Landmarks minus their person's mean: lr = l - lm(i), same shape (`multimodal`, equations 1 and 2).

    `landmarks` is `(N, L, 2)` or `(N, D)`, `people` `(N,)` the person of each; persons of two data sets need different
    names. No label is used, but the person's other pictures are: report such results as such. A person with a single
    picture gets `fallback` (the mean face of the training part, one face) in place of the mean, with a warning.
    ValueError when there is none, and when a picture has no landmarks (NaN).
    """
    values = np.asarray(landmarks, dtype=np.float64)
    codes, names = pd.factorize(np.asarray(people))
    if values.ndim not in (2, 3) or codes.shape != values.shape[:1]:
        raise ValueError(f"expected landmarks (N, L, 2) or (N, D) and N people, got {values.shape} and {codes.shape}")
    flat = values.reshape(len(values), -1)
    if (bad := np.flatnonzero(~np.isfinite(flat).all(1) | (codes < 0))).size:
        raise ValueError(f"{bad.size} of {len(flat)} rows lack landmarks or a person, first {bad[0]}: leave them out")
    counts = np.bincount(codes, minlength=len(names))
    sums = np.zeros((len(names), flat.shape[1]))
    np.add.at(sums, codes, flat)
    means = sums / counts[:, None]
    if (alone := counts == 1).any():
        means[alone] = _mean_face(fallback, names[alone], flat.shape[1])
    return (flat - means[codes]).reshape(values.shape)


def _mean_face(fallback: ArrayLike | None, alone: np.ndarray, size: int) -> np.ndarray:
    who = f"{len(alone)} people have one picture only (first: {alone[0]}), so no mean of their own"
    if fallback is None:
        raise ValueError(f"{who}; give the training part's mean face as `fallback` or leave them out")
    face = np.asarray(fallback, dtype=np.float64).ravel()
    if face.size != size or not np.isfinite(face).all():
        raise ValueError(f"`fallback` must be one face of {size} finite numbers, got shape {np.shape(fallback)}")
    warnings.warn(f"{who}; the fallback face stands in for it", stacklevel=3)
    return face


def _points(points: ArrayLike, schemes: dict) -> tuple[np.ndarray, int]:
    array = np.asarray(points, dtype=np.float64)
    if array.ndim < 2 or array.shape[-1] != 2 or array.shape[-2] not in schemes:
        known = " or ".join(str(n) for n in schemes)
        raise ValueError(f"expected points of shape (..., {known}, 2), got {array.shape}")
    return array, array.shape[-2]

"""What the face model sees of a face: the shape of its landmarks, and distances and angles in it.

None of it depends on where the face is, how large it is or how it leans, so faces need not be
aligned first.

Convention
- Landmarks are `(N, 68, 2)`, in pixels of any picture, y down.
- Distances are in units of the distance between the eye centres, and coordinates in which the eye
  centres are level. A height is how far up a point lies from another one.
"""

import numpy as np
from numpy.typing import ArrayLike

_CORNERS = (48, 54)  # of the mouth; the subject's right one first

# Pairs of points.
_DISTANCES = (
    # brows: between them and how long
    *((21, 22), (17, 19), (26, 24)),
    # eyes: open and wide
    *((37, 41), (38, 40), (43, 47), (44, 46), (36, 39), (42, 45)),
    # mouth: wide, open, and the thickness of the lips
    *((48, 54), (60, 64), (51, 57), (62, 66), (61, 67), (63, 65), (50, 52), (56, 58)),
    *((51, 62), (66, 57)),
    # nose, mouth and chin
    *((33, 51), (33, 48), (33, 54), (33, 57), (31, 35), (57, 8), (33, 8), (31, 48), (35, 54)),
    *((30, 33), (27, 33)),
    # eyes, nose and mouth
    *((48, 36), (54, 45), (31, 39), (35, 42)),
)
# Pairs of points: how far the first lies above the second.
_HEIGHTS = (
    # brows above the eyes
    *((17, 36), (18, 37), (19, 37), (20, 38), (21, 39)),
    *((22, 42), (23, 43), (24, 44), (25, 44), (26, 45)),
    # the slope of the brows
    *((17, 21), (26, 22), (19, 21), (24, 22)),
    # mouth corners, against the inner and the outer lips
    *((corner, lip) for corner in _CORNERS for lip in (62, 66, 51, 57)),
    # the bow of the lips
    *((50, 51), (52, 51), (58, 57), (56, 57)),
)
# Pairs of points: the angle at which the first lies below the second.
_ANGLES = (
    *((corner, middle) for corner in _CORNERS for middle in (51, 57, 33)),
    *((17, 19), (26, 24), (19, 21), (24, 22)),
)
FEATURES = 2 * 68 + len(_DISTANCES) + len(_HEIGHTS) + len(_ANGLES)


def geometry_features(landmarks: ArrayLike) -> np.ndarray:
    """Compute what the face model sees of faces, `(N, FEATURES)`.

    ValueError for landmarks of another shape, that are NaN or infinite, or of which all, or both
    eye centres, coincide.
    """
    points = level_eyes(landmarks)
    return np.concatenate([_shapes(points), _measures(points)], axis=1)


def level_eyes(landmarks: ArrayLike) -> np.ndarray:
    """Landmarks as complex numbers `(N, 68)`, x + iy, with the eye centres level and 1 apart."""
    values = np.asarray(landmarks, dtype=np.float64)
    if values.ndim != 3 or values.shape[1:] != (68, 2):
        raise ValueError(f"expected landmarks (N, 68, 2), got {values.shape}")
    points = values @ (1, 1j)
    between_eyes = points[:, 42:48].mean(1) - points[:, 36:42].mean(1)
    unusable = np.flatnonzero(~np.isfinite(points).all(1) | (between_eyes == 0))
    if unusable.size:
        raise ValueError(
            f"{unusable.size} of {len(points)} faces have landmarks that are NaN or infinite, or "
            f"eyes in one place, first {unusable[0]}: leave them out"
        )
    return points / between_eyes[:, None]


def _shapes(points: np.ndarray) -> np.ndarray:
    """All coordinates `(N, 136)`, centred on their mean, with a mean square radius of 1."""
    centred = points - points.mean(1, keepdims=True)
    radius = np.sqrt((np.abs(centred) ** 2).mean(1, keepdims=True))
    shapes = centred / radius
    return np.concatenate([shapes.real, shapes.imag], axis=1)


def _measures(points: np.ndarray) -> np.ndarray:
    first, second = _pairs(points, _DISTANCES)
    distances = np.abs(first - second)
    first, second = _pairs(points, _HEIGHTS)
    heights = (second - first).imag
    first, second = _pairs(points, _ANGLES)
    between = first - second
    angles = np.arctan2(between.imag, np.abs(between.real) + 1e-6)
    return np.concatenate([distances, heights, angles], axis=1)


def _pairs(points: np.ndarray, pairs: tuple[tuple[int, int], ...]) -> tuple[np.ndarray, np.ndarray]:
    """The first and the second points of pairs, `(N, P)` each."""
    first, second = np.array(pairs).T
    return points[:, first], points[:, second]

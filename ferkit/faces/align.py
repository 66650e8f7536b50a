"""Bringing a face to a fixed place: a similarity transform from two points, eye centre and upper lip.

Guo et al., "Multi-modality network with visual and geometrical information for micro emotion recognition", FG 2017,
section IV.B: "use the two points of eyes center and upper lip to do similar transform to crop and align the face". Two
points fix shift, turn and size, nothing else: the result is weakly aligned, as the paper says.

Convention
- Points are `(x, y)`, pixel centres at integer + 0.5, so they scale with the size of the picture: a point at (112, 72)
  in the 224-pixel picture is at (32, 20.57) in the 64-pixel one.
- A matrix `(2, 3)` maps points of the original to points of the aligned picture: `x' = M[:, :2] @ x + M[:, 2]`.
- Example: eyes at (50, 40) and upper lip at (50, 68) in the original, size 100: the template wants them at (50, 30) and
  (50, 58), so the matrix is [[1, 0, 0], [0, 1, -10]].

Where we differ
- The paper does not say which point of the upper lip it takes, nor where the two points land. Ours is landmark 51, the
  middle of the upper lip's upper edge, and `TEMPLATE`, which keeps the face from above the brows to below the chin.
- The centre of the eyes is the middle of the two eyes' centres, each the mean of its six lid points.
- Beyond the edge of the original its outermost pixels are repeated.
"""

import cv2
import numpy as np

from ferkit.faces.detect import resize
from ferkit.landmarks import five_points

TEMPLATE = {"eyes": (0.5, 0.30), "upper_lip": (0.5, 0.58)}  # where the two points land, parts of the size
UPPER_LIP = 51


def anchors(points: np.ndarray) -> np.ndarray:
    """The two points of the template, eye centre and upper lip: `(..., 68, 2)` to `(..., 2, 2)`."""
    points = np.asarray(points, dtype=float)
    if points.shape[-2:] != (68, 2):
        raise ValueError(f"expected 68 landmarks (..., 68, 2), got {points.shape}")
    eyes = five_points(points)[..., :2, :].mean(axis=-2)
    return np.stack([eyes, points[..., UPPER_LIP, :]], axis=-2)


def alignment(points: np.ndarray, size: int) -> np.ndarray:
    """The similarity that brings landmarks `(..., 68, 2)` to the template in a picture of `size` pixels: `(..., 2, 3)`.

    Raises ValueError when eye centre and upper lip coincide or are not finite.
    """
    eyes, lip = np.moveaxis(anchors(points), -2, 0) @ (1, 1j)
    wanted_eyes, wanted_lip = (complex(*TEMPLATE[name]) * size for name in ("eyes", "upper_lip"))
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = (wanted_lip - wanted_eyes) / (lip - eyes)  # size and angle as one complex number
    if not np.isfinite(turn).all():
        raise ValueError("landmarks cannot be aligned: eye centre and upper lip coincide or are not finite")
    shift = wanted_eyes - turn * eyes
    return np.stack(
        [np.stack([turn.real, -turn.imag, shift.real], axis=-1), np.stack([turn.imag, turn.real, shift.imag], axis=-1)],
        axis=-2,
    )


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points `(..., N, 2)` moved by a matrix `(..., 2, 3)`."""
    matrix = np.asarray(matrix)
    return np.asarray(points) @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]


def invert(matrix: np.ndarray) -> np.ndarray:
    """The matrix `(..., 2, 3)` that undoes `matrix`: from aligned pixels back to the original's."""
    matrix = np.asarray(matrix, dtype=float)
    back = np.linalg.inv(matrix[..., :2])
    return np.concatenate([back, -back @ matrix[..., 2:]], axis=-1)


def after(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The matrix `(2, 3)` that moves points by `first` and then by `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]])


def scale(matrix: np.ndarray) -> np.ndarray:
    """By how much a similarity `(..., 2, 3)` enlarges."""
    return np.hypot(matrix[..., 0, 0], matrix[..., 1, 0])


def apply_box(matrix: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The upright box `(4,)` in the aligned picture that a box of the original becomes: its middle moved, its sides scaled."""
    box = np.asarray(box, dtype=float)
    middle = apply(matrix, (box[None, :2] + box[None, 2:]) / 2)[0]
    half = (box[2:] - box[:2]) / 2 * scale(matrix)
    return np.concatenate([middle - half, middle + half])


def align(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """The aligned picture `(size, size, 3)` or `(size, size)`, from a picture and the matrix of its face.

    Where the face shrinks, the picture is first brought to the final scale by averaging areas, so nothing is skipped.
    """
    height, width = image.shape[:2]
    corners = apply(invert(matrix), np.array([[0, 0], [size, 0], [0, size], [size, size]]))
    margin = 2 + 2 / scale(matrix)
    low = np.clip(np.floor(corners.min(axis=0) - margin), 0, (width - 1, height - 1)).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + margin), low + 1, (width, height)).astype(int)
    part, factor = resize(image[low[1] : high[1], low[0] : high[0]], min(1.0, float(scale(matrix))))
    # From pixel indices of `part` to pixel indices of the result: both are half a pixel off our points.
    warp = np.asarray(matrix, dtype=float).copy()
    warp[:, 2] += warp[:, :2] @ low
    warp[:, :2] /= factor
    warp[:, 2] += warp[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(part, warp, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

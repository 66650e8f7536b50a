"""Move a face to a fixed place by a similarity transform of two points, eye centre and upper lip.

Guo et al., "Multi-modality network with visual and geometrical information for micro emotion
recognition", FG 2017, section IV.B: "use the two points of eyes center and upper lip to do similar
transform to crop and align the face". Two points fix shift, rotation and size, nothing else: the
result is weakly aligned, as the paper says.

Convention
- Points are `(x, y)`, pixel centres at integer + 0.5, so they scale with the size of the picture: a
  point at (112, 72) in the 224-pixel picture is at (32, 20.57) in the 64-pixel one.
- A matrix `(2, 3)` maps points of the original to points of the aligned picture:
  `x' = M[:, :2] @ x + M[:, 2]`.
- Example: eyes at (50, 40) and upper lip at (50, 68) in the original, size 100: the template wants
  them at (50, 30) and (50, 58), so the matrix is [[1, 0, 0], [0, 1, -10]].

Where we differ
- The paper does not say which point of the upper lip it takes, nor where the two points land. Ours
  is landmark 51, the middle of the upper lip's upper edge, and `TEMPLATE`, which keeps the face
  from above the brows to below the chin.
- The eye centre is the midpoint of the two eyes' centres, each the mean of its six lid points.
- Beyond the edge of the original its outermost pixels are repeated.
"""

from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from numpy.typing import ArrayLike

from ferkit.core.landmarks import five_points
from ferkit.core.processes import count_processors
from ferkit.faces.pictures import resize

# Where the two points land, in shares of the aligned picture's size.
TEMPLATE = {"eyes": (0.5, 0.30), "upper_lip": (0.5, 0.58)}
UPPER_LIP = 51


def anchors(landmarks: np.ndarray) -> np.ndarray:
    """The two points of the template, eye centre and upper lip: `(..., 68, 2)` to `(..., 2, 2)`."""
    landmarks = np.asarray(landmarks, dtype=float)
    if landmarks.shape[-2:] != (68, 2):
        raise ValueError(f"expected 68 landmarks (..., 68, 2), got {landmarks.shape}")
    eyes = five_points(landmarks)[..., :2, :].mean(axis=-2)
    return np.stack([eyes, landmarks[..., UPPER_LIP, :]], axis=-2)


def alignment(landmarks: np.ndarray, size: int) -> np.ndarray:
    """The similarity `(..., 2, 3)` that aligns landmarks `(..., 68, 2)` in `size` pixels.

    ValueError when eye centre and upper lip coincide or are not finite.
    """
    targets = np.array([TEMPLATE["eyes"], TEMPLATE["upper_lip"]]) * size
    matrix = similarity_from_points(anchors(landmarks), targets)
    if not np.isfinite(matrix).all():
        raise ValueError(
            "landmarks cannot be aligned: eye centre and upper lip coincide or are not finite"
        )
    return matrix


def similarity_from_points(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The similarity `(..., 2, 3)` that moves two points `(..., 2, 2)` to two targets `(2, 2)`.

    NaN or infinite where the two points coincide.
    """
    first, second = np.moveaxis(np.asarray(points, dtype=float), -2, 0) @ (1, 1j)
    first_target, second_target = np.asarray(targets) @ (1, 1j)
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = (second_target - first_target) / (second - first)
        return similarity(turn, first_target - turn * first)


def similarity(turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """The matrices `(..., 2, 3)` of `x -> turn * x + shift` in complex numbers, x + iy.

    The absolute value of `turn` is the enlargement, its angle the rotation.
    """
    x = np.stack([turn.real, -turn.imag, shift.real], axis=-1)
    y = np.stack([turn.imag, turn.real, shift.imag], axis=-1)
    return np.stack([x, y], axis=-2)


def square_matrix(centre: np.ndarray, side: np.ndarray, size: int) -> np.ndarray:
    """The matrices `(..., 2, 3)` that bring upright squares to pictures of `size` pixels.

    Squares have their centre `(..., 2)` and side `(...)` in pixels of the original.
    """
    ratio = size / np.asarray(side, dtype=float)
    shift = size / 2 - ratio[..., None] * np.asarray(centre)
    return similarity(ratio + 0j, shift @ (1, 1j))


def apply(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points `(..., N, 2)` moved by a matrix `(..., 2, 3)`."""
    matrix = np.asarray(matrix)
    return np.asarray(points) @ np.swapaxes(matrix[..., :2], -1, -2) + matrix[..., None, :, 2]


def invert(matrix: np.ndarray) -> np.ndarray:
    """The matrix `(..., 2, 3)` that undoes `matrix`: from aligned pixels back to the original's."""
    matrix = np.asarray(matrix, dtype=float)
    back = np.linalg.inv(matrix[..., :2])
    return np.concatenate([back, -back @ matrix[..., 2:]], axis=-1)


def compose(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The matrix `(2, 3)` that moves points by `first` and then by `second`."""
    linear = second[:, :2] @ first[:, :2]
    shift = second[:, :2] @ first[:, 2] + second[:, 2]
    return np.column_stack([linear, shift])


def scale(matrix: np.ndarray) -> np.ndarray:
    """By how much a similarity `(..., 2, 3)` enlarges."""
    return np.hypot(matrix[..., 0, 0], matrix[..., 1, 0])


def apply_box(matrix: np.ndarray, box: np.ndarray) -> np.ndarray:
    """Map a box `(4,)` of the original to an upright box of the aligned picture.

    Its centre is moved and its sides are scaled.
    """
    box = np.asarray(box, dtype=float)
    centre = apply(matrix, (box[None, :2] + box[None, 2:]) / 2)[0]
    half = (box[2:] - box[:2]) / 2 * scale(matrix)
    return np.concatenate([centre - half, centre + half])


def align(image: np.ndarray, matrix: np.ndarray, size: int) -> np.ndarray:
    """Align a picture by the matrix of its face: `(size, size, 3)` or `(size, size)`.

    Where the face shrinks, the picture is first reduced by averaging areas, so that no pixel is
    skipped.
    """
    height, width = image.shape[:2]
    corners = apply(invert(matrix), np.array([[0, 0], [size, 0], [0, size], [size, size]]))
    enlargement = float(scale(matrix))
    margin = 2 + 2 / enlargement
    low = np.floor(corners.min(axis=0) - margin)
    low = np.clip(low, 0, (width - 1, height - 1)).astype(int)
    high = np.ceil(corners.max(axis=0) + margin)
    high = np.clip(high, low + 1, (width, height)).astype(int)
    part, factor = resize(image[low[1] : high[1], low[0] : high[0]], min(1.0, enlargement))
    # From pixel indices of `part` to those of the result: both are half a pixel off our points.
    warp = np.asarray(matrix, dtype=float).copy()
    warp[:, 2] += warp[:, :2] @ low
    warp[:, :2] /= factor
    warp[:, 2] += warp[:, :2] @ (0.5, 0.5) - 0.5
    return cv2.warpAffine(
        part, warp, (size, size), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )


def cut_boxes(
    images: np.ndarray, boxes: ArrayLike, side: int, *, workers: int | None = None
) -> np.ndarray:
    """Cut boxes `(N, P, 4)` of pictures `(N, S, S[, 3])` uint8 as squares of `side` pixels.

    Returns `(N, P, side, side[, 3])` uint8, one bilinear sample a pixel. `workers` threads share
    the pictures (default: one for each processor).
    """
    boxes = _check_boxes(np.asarray(boxes, dtype=np.float64), len(images), side)
    squares = np.empty((*boxes.shape[:2], side, side, *images.shape[3:]), np.uint8)
    with ThreadPoolExecutor(workers or count_processors()) as pool:
        list(pool.map(_cut_into, images, boxes, squares))
    return squares


def _cut_into(image: np.ndarray, boxes: np.ndarray, squares: np.ndarray) -> None:
    side = squares.shape[1]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for (x0, y0, x1, y1), square in zip(boxes, squares, strict=True):
        across = (x1 - x0) / side
        down = (y1 - y0) / side
        matrix = np.array([[across, 0, x0 + across / 2 - 0.5], [0, down, y0 + down / 2 - 0.5]])
        cv2.warpAffine(
            image,
            matrix,
            (side, side),
            dst=square,
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        )


def _check_boxes(boxes: np.ndarray, count: int, side: int) -> np.ndarray:
    if boxes.ndim != 3 or boxes.shape[0] != count or boxes.shape[2] != 4:
        raise ValueError(
            f"expected boxes ({count}, P, 4), one row for each picture, got {boxes.shape}"
        )
    if side < 1:
        raise ValueError(f"patches need at least one pixel, got {side}")
    x0, y0, x1, y1 = np.moveaxis(boxes, -1, 0)
    if (x1 == x0).any() or (y1 <= y0).any():  # x1 may lie left of x0: such a box is mirrored
        raise ValueError("a box has no width, or its y1 is not below its y0")
    return boxes

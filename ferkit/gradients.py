"""What an aligned picture shows beyond its landmarks: histograms of oriented gradients of the face.

N. Dalal and B. Triggs, "Histograms of oriented gradients for human detection", CVPR 2005. The picture is blurred first and the cells
are large, so that teeth, folds and the shape of the eyes count, and neither pores nor the camera.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from skimage.feature import hog

BOX = (0.16, 0.10, 0.84, 0.84)  # the face in the aligned picture: brows to chin, cheek to cheek; shares of its size
SIDE = 96  # pixels the box is brought to
BLUR = 1.5  # standard deviation, pixels
CELL, BLOCK, DIRECTIONS = 16, 2, 8
LENGTH = (SIDE // CELL - BLOCK + 1) ** 2 * BLOCK**2 * DIRECTIONS


def gradients(images: Iterable[np.ndarray], mirrored: bool = False) -> np.ndarray:
    """The histograms `(N, LENGTH)` of aligned pictures, each `(S, S, 3)` or `(S, S)` uint8; with `mirrored`, of their mirror images."""

    def one(image: np.ndarray) -> np.ndarray:
        face = _face(np.asarray(image))
        return _histograms(face[:, ::-1] if mirrored else face)

    with ThreadPoolExecutor(2) as pool:
        return np.array(list(pool.map(one, images)), dtype=np.float32).reshape(-1, LENGTH)


def _face(image: np.ndarray) -> np.ndarray:
    size = len(image) if image.ndim else 0
    if image.shape not in ((size, size), (size, size, 3)) or image.dtype != np.uint8 or not size:
        raise ValueError(
            f"expected aligned pictures, each (S, S, 3) or (S, S) of uint8, got {image.shape} of {image.dtype}"
        )
    return image


def _histograms(image: np.ndarray) -> np.ndarray:
    size = image.shape[0]
    left, top, right, bottom = (round(share * size) for share in BOX)
    face = np.ascontiguousarray(image[top:bottom, left:right])
    grey = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY) if face.ndim == 3 else face
    small = cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    blurred = cv2.GaussianBlur(small, (0, 0), BLUR)
    return hog(blurred, orientations=DIRECTIONS, pixels_per_cell=(CELL, CELL), cells_per_block=(BLOCK, BLOCK))

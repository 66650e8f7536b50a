"""Faces as upright squares, cut where a detector saw them and not turned: for networks that align faces themselves.

Where no face was found the square is the whole picture (I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4.2).

Convention
- A matrix `(2, 3)` takes points of the file's pixels to points of the crop, as in `faces.align`.
- Beyond the edge of the picture its outermost pixels are repeated.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np

from ferkit.faces import align, detect
from ferkit.faces.store import Prepared

SIDE = 1.6  # of the square, in sides of the detector's box, which ends at brows and chin
UP = 0.08  # how far the square's middle lies above the box's, in sides of the box
TURN, SHIFT, ZOOM = 15.0, 0.06, 0.12  # shaken: at most so many degrees, shares of the square's side, and of its size


def squares(boxes: np.ndarray, shapes: np.ndarray) -> np.ndarray:
    """Middle x, middle y and side `(N, 3)` of what is cut, from boxes `(N, 4)` (nan: no face) and pictures' (height, width) `(N, 2)`."""
    boxes, shapes = np.asarray(boxes, dtype=float), np.asarray(shapes, dtype=float)
    side = boxes[:, 3] - boxes[:, 1]
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2 - np.stack([np.zeros(len(boxes)), UP * side], axis=1)
    found = np.concatenate([middle, SIDE * side[:, None]], axis=1)
    whole = np.concatenate([shapes[:, ::-1] / 2, shapes.max(1, keepdims=True)], axis=1)
    return np.where(np.isfinite(boxes).all(1, keepdims=True), found, whole)


def matrices(cut: np.ndarray, size: int) -> np.ndarray:
    """The matrices `(N, 2, 3)` that bring squares `(N, 3)` to pictures of `size` pixels."""
    scale = size / cut[:, 2]
    return _similarities(scale + 0j, size / 2 * (1 + 1j) - scale * (cut[:, :2] @ (1, 1j)))


def shaken(matrix: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """The matrices `(N, 2, 3)`, each turned about the crop's middle, shifted and scaled at random: what detectors do, and more."""
    count, middle = len(matrix), size / 2 * (1 + 1j)
    angle = np.deg2rad(rng.uniform(-TURN, TURN, count))
    turn = np.exp(rng.uniform(-ZOOM, ZOOM, count) + 1j * angle)
    shift = size * (rng.uniform(-SHIFT, SHIFT, (count, 2)) @ (1, 1j))
    again = np.concatenate(
        [_similarities(turn, middle + shift - turn * middle), np.tile([0, 0, 1.0], (count, 1, 1))], 1
    )
    square = np.concatenate([matrix, np.tile([0, 0, 1.0], (count, 1, 1))], axis=1)
    return (again @ square)[:, :2]


def grey_crops(
    prepared: Prepared, size: int, *, shaken_by: Sequence[int] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Grey pictures `(N, size, size)` uint8 and their matrices `(N, 2, 3)`, of all rows, faces found or not.

    With `shaken_by`, numbers that seed it, each square is turned, shifted and scaled at random. Files that cannot be read are to be left
    out before (`reason` in the table).
    """
    with ThreadPoolExecutor() as pool:
        read = list(pool.map(lambda path: _grey(path, 8 * size), prepared.table["path"]))
    factors = np.array([factor for _, factor in read])
    shapes = np.array([picture.shape for picture, _ in read]) / factors[:, None]
    matrix = matrices(squares(prepared.boxes, shapes), size)
    if shaken_by is not None:
        matrix = shaken(matrix, size, np.random.default_rng(list(shaken_by)))
    own = (
        matrix * np.stack([1 / factors, 1 / factors, np.ones(len(factors))], axis=-1)[:, None]
    )  # of the reduced pictures
    return np.stack([align.align(picture, one, size) for (picture, _), one in zip(read, own, strict=True)]), matrix


def _grey(path: str, longest: int) -> tuple[np.ndarray, float]:
    picture, factor = detect.read_reduced(path, longest)
    return cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), factor


def _similarities(turn: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Matrices `(N, 2, 3)` of `x -> turn x + shift` in complex numbers."""
    rows = [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)

"""What a network sees of a face in a picture: cut as its training faces were, and where in the picture it lies.

A `View` says it in words that can be kept with the network; `see` does it. Pixels are uint8 as everywhere: networks get them in
0..1, and what they subtract from them is part of the network (`models.layers.Standardise`).

| cut | |
|---|---|
| aligned | the face aligned at `face` pixels (`faces.align`), brought to the view's size (`loaders.pictures`) |
| box | the detector's box, wider by `margin` of its side all around and `up` of it higher, as it stands in the picture |
| patch | one of the 60 patches of the aligned face (`faces.patches`), cut at `side` pixels, of which the middle is seen |
| points | the 68 landmarks found again on the aligned face, in its pixels |

A `window` (x0, y0, x1, y1) leaves a part of the square alone, in its pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ferkit.faces import align, detect
from ferkit.faces.patches import COUNT, boxes, cut, number
from ferkit.loaders import pictures

CUTS = ("aligned", "box", "patch", "points")


@dataclass(frozen=True)
class View:
    """How one input of a network is cut from a face: a square of `size` pixels, or a window of it."""

    size: int
    cut: str = "aligned"
    grey: bool = False
    face: int = 224  # pixels of the aligned face that it is cut from
    window: tuple[int, int, int, int] | None = None
    margin: float = 0.0  # of a box
    up: float = 0.0  # of a box
    patch: int = number("face")  # of a patch, in the order of all 60
    side: int = 0  # of a patch before its middle is taken; 0: `size`

    def __post_init__(self) -> None:
        if self.cut not in CUTS:
            raise ValueError(f"unknown cut {self.cut!r} of a view; known: {', '.join(CUTS)}")
        if self.size < 1 or self.margin < 0 or not 0 <= self.patch < COUNT:
            raise ValueError(f"expected a positive size, a margin of 0 or more and a patch of 0..59: {self}")
        if self.window:
            object.__setattr__(self, "window", tuple(self.window))  # JSON knows lists only
        x0, y0, x1, y1 = self.part
        if not (0 <= x0 < x1 <= self.size and 0 <= y0 < y1 <= self.size):
            raise ValueError(f"a window (x0, y0, x1, y1) lies in the square of {self.size} pixels, got {self.window}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what `see` gives."""
        x0, y0, x1, y1 = self.part
        return (68, 2) if self.cut == "points" else (1 if self.grey else 3, y1 - y0, x1 - x0)

    @property
    def part(self) -> tuple[int, int, int, int]:
        """The window, or all of the square."""
        return self.window or (0, 0, self.size, self.size)


def see(image: np.ndarray, face: detect.Face, view: View) -> tuple[np.ndarray, np.ndarray]:
    """What a network is shown of a face: `(C, H, W)` uint8, or points `(68, 2)` float; and the matrix `(2, 3)` that brings points
    of the picture to its pixels.

    ValueError when the face cannot be aligned.
    """
    image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if view.grey else image
    if view.cut == "box":
        matrix = _box_matrix(face.box, view)
        square = align.align(image, matrix, view.size)
    else:
        matrix = align.alignment(face.landmarks, view.face)
        aligned = align.align(image, matrix, view.face)
        if view.cut == "points":
            return detect.landmarks_in(aligned, align.apply_box(matrix, face.box)), matrix
        square, inner = _patch(aligned, matrix, face, view) if view.cut == "patch" else _brought(aligned, view)
        matrix = align.after(inner, matrix)
    x0, y0, x1, y1 = view.part
    pixels = square[y0:y1, x0:x1]
    channels = pixels[None] if view.grey else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(channels), matrix - np.array([[0, 0, x0], [0, 0, y0]])


def aligned_face(image: np.ndarray, face: detect.Face, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The face's picture aligned at `size` pixels, and its landmarks `(68, 2)` found again there, as in prepared sets."""
    matrix = align.alignment(face.landmarks, size)
    aligned = align.align(image, matrix, size)
    return aligned, detect.landmarks_in(aligned, align.apply_box(matrix, face.box))


def _brought(aligned: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The aligned face at the view's size, and the matrix from its pixels."""
    small = pictures(aligned[None], view.size)[0].numpy()
    ratio = view.size / view.face
    return small[0] if view.grey else small.transpose(1, 2, 0), np.array([[ratio, 0, 0], [0, ratio, 0]])


def _patch(aligned: np.ndarray, matrix: np.ndarray, face: detect.Face, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a patch of the aligned face, and the matrix from its pixels."""
    points = detect.landmarks_in(aligned, align.apply_box(matrix, face.box))
    where = boxes(points[None], view.face)[:, [view.patch]]
    side = view.side or view.size
    edge = (side - view.size) // 2
    x0, y0, x1, y1 = where[0, 0]
    across, down = side / (x1 - x0), side / (y1 - y0)
    inner = np.array([[across, 0, -across * x0 - edge], [0, down, -down * y0 - edge]])
    patch = cut(aligned[None], where, side, workers=1)[0, 0]
    return patch[edge : edge + view.size, edge : edge + view.size], inner


def _box_matrix(box: np.ndarray, view: View) -> np.ndarray:
    side = box[3] - box[1]
    middle = (box[:2] + box[2:]) / 2 - (0, view.up * side)
    ratio = view.size / ((1 + 2 * view.margin) * side)
    return np.column_stack([ratio * np.eye(2), view.size / 2 - ratio * middle])

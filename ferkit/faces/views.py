"""What a network sees of a face: the cut from the picture, as in training, and where it lies.

A `View` describes the cut in words that can be kept with the network; `see` makes it. Pixels are
uint8 as everywhere: networks receive them in 0..1, and what they subtract is part of the network
(`training.normalisation.Standardise`).

| cut | |
|---|---|
| aligned | the face aligned at `face` pixels (`faces.align`), resized to `size` |
| box | the detector's box, not turned, widened by `margin` of its side and raised by `up` of it |
| region | the middle of a rectangle of the aligned face that is cut at `side` pixels |
| points | the 68 landmarks found again on the aligned face, in its pixels |

A `window` (x0, y0, x1, y1) keeps only a part of the square, in its pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from ferkit.core.checks import is_number, is_whole
from ferkit.faces import align, detect
from ferkit.faces.load import resize_pictures

CUTS = ("aligned", "box", "region", "points")
_LARGEST = 1024  # pixels of a side
_WIDEST = 4  # sides of the detector's box


@dataclass(frozen=True)
class View:
    """The cut of one input of a network: a square of `size` pixels, or a window of it."""

    size: int
    cut: str = "aligned"
    grey: bool = False
    face: int = 224  # pixels of the aligned face that it is cut from
    window: tuple[int, int, int, int] | None = None
    margin: float = 0.0  # of a box
    up: float = 0.0  # of a box
    # Centre x and y, width and height of a region, in shares of the aligned face's side.
    region: tuple[float, float, float, float] | None = None
    side: int = 0  # pixels of a region before its middle is taken; 0: `size`

    def __post_init__(self) -> None:
        # JSON knows lists only.
        for name in ("window", "region"):
            if value := getattr(self, name):
                object.__setattr__(self, name, tuple(value))
        if self.cut not in CUTS:
            raise ValueError(f"unknown cut {self.cut!r} of a view; known: {', '.join(CUTS)}")
        if (self.cut == "region") != (self.region is not None):
            raise ValueError(f"a region (x, y, width, height) goes with the cut 'region': {self}")
        self._check_numbers()
        x0, y0, x1, y1 = self.part
        if not (0 <= x0 < x1 <= self.size and 0 <= y0 < y1 <= self.size):
            raise ValueError(
                f"a window (x0, y0, x1, y1) lies in the square of {self.size} pixels, "
                f"got {self.window}"
            )

    def _check_numbers(self) -> None:
        """ValueError for a number that no network needs, as in a damaged file."""
        for name, least in (("size", 1), ("face", 16), ("side", 0)):
            if not is_whole(getattr(self, name), least, _LARGEST):
                raise ValueError(f"expected {name} of {least} to {_LARGEST} pixels: {self}")
        if 0 < self.side < self.size:
            raise ValueError(f"the side of a region must not be less than its size: {self}")
        if not (is_number(self.margin, 0, _WIDEST) and is_number(self.up, -_WIDEST, _WIDEST)):
            raise ValueError(f"margin and up of a box are shares of its side: {self}")
        if not isinstance(self.grey, bool):
            raise ValueError(f"grey must be true or false: {self}")
        if len(self.part) != 4 or not all(is_whole(edge, 0, _LARGEST) for edge in self.part):
            raise ValueError(f"a window has four whole numbers, got {self.window}")
        region = self.region or (0.5,) * 4
        if len(region) != 4 or not all(is_number(share, 0.01, 1) for share in region):
            raise ValueError(f"a region has four shares of the face's side, got {self.region}")

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what `see` cuts."""
        if self.cut == "points":
            return (68, 2)
        x0, y0, x1, y1 = self.part
        return (1 if self.grey else 3, y1 - y0, x1 - x0)

    @property
    def part(self) -> tuple[int, int, int, int]:
        """The window, or all of the square."""
        return self.window or (0, 0, self.size, self.size)


def see(image: np.ndarray, face: detect.Face, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Cut what a network sees of a face; return it with the matrix from the picture to its pixels.

    It is `(C, H, W)` uint8, or landmarks `(68, 2)` float; the matrix is `(2, 3)`. ValueError when
    the face cannot be aligned.
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
        cut = _cut_region if view.cut == "region" else _resize
        square, inner = cut(aligned, view)
        matrix = align.compose(inner, matrix)
    x0, y0, x1, y1 = view.part
    pixels = square[y0:y1, x0:x1]
    channels = pixels[None] if view.grey else pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(channels), matrix - np.array([[0, 0, x0], [0, 0, y0]])


def _resize(aligned: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The aligned face at the view's size, and the matrix from its pixels."""
    small = resize_pictures(aligned[None], view.size)[0].numpy()
    square = small[0] if view.grey else small.transpose(1, 2, 0)
    ratio = view.size / view.face
    return square, np.array([[ratio, 0, 0], [0, ratio, 0]])


def _cut_region(aligned: np.ndarray, view: View) -> tuple[np.ndarray, np.ndarray]:
    """The middle of a region of the aligned face, and the matrix from its pixels."""
    x, y, width, height = np.array(view.region) * view.face
    box = np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])
    side = view.side or view.size
    edge = (side - view.size) // 2
    across = side / width
    down = side / height
    matrix = np.array([[across, 0, -across * box[0] - edge], [0, down, -down * box[1] - edge]])
    square = align.cut_boxes(aligned[None], box[None, None], side, workers=1)[0, 0]
    return square[edge : edge + view.size, edge : edge + view.size], matrix


def _box_matrix(box: np.ndarray, view: View) -> np.ndarray:
    """The matrix from the picture to the detector's box, widened and raised."""
    side = box[3] - box[1]
    centre = (box[:2] + box[2:]) / 2 - (0, view.up * side)
    return align.square_matrix(centre, (1 + 2 * view.margin) * side, view.size)

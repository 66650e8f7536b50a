"""Draw boxes, labels and heat maps on pictures."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ferkit.faces import align

LIGHT = (255, 214, 0)  # of lines and letters
DARK = (20, 20, 20)  # around lines and behind letters, to set them off from any picture
# A picture whose longer side has fewer pixels is enlarged, so that there is room for letters.
_LEAST_SIDE = 160
_HEAT_OPACITY = 0.6  # of the heat map's colour where the map is highest
_FONT = cv2.FONT_HERSHEY_SIMPLEX


@dataclass(frozen=True, eq=False)
class Mark:
    """What is drawn on one face: its box `(4,)`, a text, and optionally a heat map.

    The map `(H, W)` is in 0..1, its matrix `(2, 3)` leads from the picture's pixels to the map's.
    """

    box: np.ndarray
    text: str
    heat: np.ndarray | None = None
    matrix: np.ndarray | None = None

    def enlarged(self, times: int) -> "Mark":
        """The mark for the picture enlarged by a whole factor."""
        matrix = None if self.matrix is None else self.matrix / (times, times, 1)
        return Mark(self.box * times, self.text, self.heat, matrix)


def draw_marks(image: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """Draw marks on a copy of a picture `(H, W, 3)` uint8; all other pixels stay.

    In a small picture each pixel first becomes a square, so that the longer side has at least 160.
    """
    times = -(-_LEAST_SIDE // max(image.shape[:2]))
    copy = image.repeat(times, 0).repeat(times, 1)
    marks = [mark.enlarged(times) for mark in marks]
    for mark in marks:
        if mark.heat is not None and mark.matrix is not None:
            copy = overlay_heat(copy, mark.heat, mark.matrix)
    for mark in marks:
        width = line_width(mark.box)
        _draw_box(copy, mark.box, width + 2, DARK)
        _draw_box(copy, mark.box, width, LIGHT)
    for mark in marks:
        _draw_text(copy, mark)
    return copy


def line_width(box: np.ndarray) -> int:
    """The width in pixels of a box's line, without the dark pixel on either side."""
    return max(1, round((box[2] - box[0]) / 70))


def label_place(mark: Mark, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Where the text stands, (x0, y0, x1, y1), in a picture of this shape.

    It stands above the box, or inside it where there is no room above.
    """
    (width, height), baseline = cv2.getTextSize(mark.text, _FONT, _font_scale(mark), 1)
    width += 4
    height += baseline + 4
    left, top = np.rint(mark.box[:2]).astype(int).tolist()
    above = top - height - line_width(mark.box)
    y0 = above if above >= 0 else max(0, top)
    x0 = max(0, min(left, shape[1] - width))
    return x0, y0, x0 + width, y0 + height


def overlay_heat(image: np.ndarray, heat: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Lay a heat map over its place in a picture."""
    back = align.invert(matrix)
    back[:, 2] += back[:, :2] @ (0.5, 0.5) - 0.5  # pixel centres are at integer + 0.5
    spread = cv2.warpAffine(heat.astype(np.float32), back, image.shape[1::-1])
    spread = np.clip(spread, 0, 1)
    levels = np.rint(255 * spread).astype(np.uint8)
    colour = cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1]  # BGR to RGB
    opacity = _HEAT_OPACITY * spread[..., None]
    return np.rint((1 - opacity) * image + opacity * colour).astype(np.uint8)


def _draw_box(out: np.ndarray, box: np.ndarray, width: int, colour: tuple[int, ...]) -> None:
    """Draw a line centred on the outermost pixels of the box.

    It is exactly `width` pixels wide; OpenCV's own line is 5 pixels wide when asked for 3.
    """
    x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
    outside = width // 2
    inside = width - outside
    ring = np.zeros(out.shape[:2], np.uint8)
    outer = (x0 - outside, y0 - outside), (x1 - 1 + outside, y1 - 1 + outside)
    inner = (x0 + inside, y0 + inside), (x1 - 1 - inside, y1 - 1 - inside)
    cv2.rectangle(ring, *outer, 1, cv2.FILLED)
    cv2.rectangle(ring, *inner, 0, cv2.FILLED)
    out[ring == 1] = colour


def _font_scale(mark: Mark) -> float:
    return float(np.clip((mark.box[2] - mark.box[0]) / 250, 0.35, 2.0))


def _draw_text(out: np.ndarray, mark: Mark) -> None:
    scale = _font_scale(mark)
    x0, y0, x1, y1 = label_place(mark, out.shape)
    _, baseline = cv2.getTextSize(mark.text, _FONT, scale, 1)
    cv2.rectangle(out, (x0, y0), (x1 - 1, y1 - 1), DARK, cv2.FILLED)
    place = (x0 + 2, y1 - 2 - baseline)
    cv2.putText(out, mark.text, place, _FONT, scale, LIGHT, 1, cv2.LINE_AA)

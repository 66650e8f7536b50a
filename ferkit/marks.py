"""Pictures with what was read from them: a box around each face, its emotion, and a heat map over it.

Nothing here opens a window: pictures and films go to files.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from ferkit.faces import align
from ferkit.paths import write_whole

LIGHT, DARK = (255, 214, 0), (20, 20, 20)  # of lines and letters, and what sets them off from any picture
SMALL = 160  # pixels: a picture whose longer side is below is enlarged, so that there is room for letters
STRENGTH = 0.6  # share of a heat map's colour where it is highest
FONT = cv2.FONT_HERSHEY_SIMPLEX
CODEC = "mp4v"


@dataclass(frozen=True, eq=False)
class Mark:
    """What is drawn of one face: its box `(4,)`, a text, and where wanted a heat map `(H, W)` in 0..1 with the matrix `(2, 3)`
    from the picture's pixels to the map's."""

    box: np.ndarray
    text: str
    heat: np.ndarray | None = None
    matrix: np.ndarray | None = None

    def enlarged(self, times: int) -> "Mark":
        """The mark in the same picture, so many times as large."""
        matrix = None if self.matrix is None else self.matrix / (times, times, 1)
        return Mark(self.box * times, self.text, self.heat, matrix)


def annotated(image: np.ndarray, marks: Sequence[Mark]) -> np.ndarray:
    """A copy of a picture `(H, W, 3)` uint8 with these marks; beyond boxes, texts and maps every pixel stays.

    Of a small picture every pixel becomes a square of so many that the longer side has 160 or more.
    """
    times = -(-SMALL // max(image.shape[:2]))
    out, marks = image.repeat(times, 0).repeat(times, 1), [mark.enlarged(times) for mark in marks]
    for mark in marks:
        if mark.heat is not None and mark.matrix is not None:
            out = _heated(out, mark.heat, mark.matrix)
    for mark in marks:
        thick = line_width(mark.box)
        _write_edge(out, mark.box, thick + 2, DARK)
        _write_edge(out, mark.box, thick, LIGHT)
    for mark in marks:
        _write_text(out, mark)
    return out


def line_width(box: np.ndarray) -> int:
    """How many pixels wide a box is drawn, before the dark pixel on either side."""
    return max(1, round((box[2] - box[0]) / 70))


def label_place(mark: Mark, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Where the text stands, (x0, y0, x1, y1) in a picture of this shape: above the box, or in it where there is no room."""
    scale = _letters(mark)
    (width, height), below = cv2.getTextSize(mark.text, FONT, scale, 1)
    x0, top = (int(v) for v in np.rint(mark.box[:2]))
    high = height + below + 4
    y0 = top - high - line_width(mark.box) if top - high - line_width(mark.box) >= 0 else max(0, top)
    x0 = max(0, min(x0, shape[1] - width - 4))
    return x0, y0, x0 + width + 4, y0 + high


def save_picture(image: np.ndarray, path: Path) -> Path:
    """Writes a picture, JPEG or PNG by its ending; never half of it."""
    kind = {"format": "JPEG", "quality": 95} if path.suffix.lower() in (".jpg", ".jpeg") else {"format": "PNG"}
    write_whole(path, lambda part: Image.fromarray(image).save(part, **kind))  # type: ignore[arg-type]
    return path


@contextmanager
def film_writer(path: Path, fps: float) -> Iterator[Callable[[np.ndarray], None]]:
    """A function that adds a frame `(H, W, 3)` uint8 to a film; the film is there when the block has ended well.

    All frames have the size of the first. Encoders want even sizes, so an odd last column or row stands there twice. OSError when
    the film cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.stem}.{os.getpid()}.partial{path.suffix}")
    writers: list[cv2.VideoWriter] = []

    def add(frame: np.ndarray) -> None:
        height, width = frame.shape[:2]
        frame = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        if not writers:
            writers.append(cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*CODEC), fps, frame.shape[1::-1]))
            if not writers[0].isOpened():
                raise OSError(f"the film {path} cannot be written as {CODEC}")
        writers[0].write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))

    try:
        try:
            yield add
        finally:
            for writer in writers:
                writer.release()
        if writers:
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _heated(image: np.ndarray, heat: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The picture with a map laid over the place it is of."""
    back = align.invert(matrix)
    back[:, 2] += back[:, :2] @ (0.5, 0.5) - 0.5  # pixel centres are at integer + 0.5
    spread = cv2.warpAffine(heat.astype(np.float32), back, image.shape[1::-1], flags=cv2.INTER_LINEAR)
    spread = np.clip(spread, 0, 1)
    colour = cv2.applyColorMap(np.rint(255 * spread).astype(np.uint8), cv2.COLORMAP_INFERNO)[..., ::-1]
    share = STRENGTH * spread[..., None]
    return np.rint((1 - share) * image + share * colour).astype(np.uint8)


def _write_edge(out: np.ndarray, box: np.ndarray, wide: int, colour: tuple[int, ...]) -> None:
    """A line exactly so wide, its middle on the outermost pixels of the box; OpenCV's own is 5 pixels wide when asked for 3."""
    x0, y0, x1, y1 = (int(v) for v in np.rint(box))
    out_by, in_by = wide // 2, wide - wide // 2
    ring = np.zeros(out.shape[:2], np.uint8)
    cv2.rectangle(ring, (x0 - out_by, y0 - out_by), (x1 - 1 + out_by, y1 - 1 + out_by), 1, cv2.FILLED)
    cv2.rectangle(ring, (x0 + in_by, y0 + in_by), (x1 - 1 - in_by, y1 - 1 - in_by), 0, cv2.FILLED)
    out[ring == 1] = colour


def _letters(mark: Mark) -> float:
    return float(np.clip((mark.box[2] - mark.box[0]) / 250, 0.35, 2.0))


def _write_text(out: np.ndarray, mark: Mark) -> None:
    x0, y0, x1, y1 = label_place(mark, out.shape)
    (_, below) = cv2.getTextSize(mark.text, FONT, _letters(mark), 1)
    cv2.rectangle(out, (x0, y0), (x1 - 1, y1 - 1), DARK, cv2.FILLED)
    cv2.putText(out, mark.text, (x0 + 2, y1 - 2 - below), FONT, _letters(mark), LIGHT, 1, cv2.LINE_AA)

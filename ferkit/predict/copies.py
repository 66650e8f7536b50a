"""Annotated copies of pictures and videos: each face's box, its emotion, and a heat map over it."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ferkit.core.files import create_partial, digest, write_whole
from ferkit.faces import align
from ferkit.faces.videos import decode_frames
from ferkit.predict.frames import InputFrame
from ferkit.predict.inputs import InputFile
from ferkit.predict.priors import name_answers
from ferkit.predict.read_faces import FrameFaces

if TYPE_CHECKING:
    from ferkit.training.spec import Network

LIGHT = (255, 214, 0)  # of lines and letters
DARK = (20, 20, 20)  # around lines and behind letters, to set them off from any picture
# A picture whose longer side has fewer pixels is enlarged, so that there is room for letters.
_LEAST_SIDE = 160
_HEAT_OPACITY = 0.6  # of the heat map's colour where the map is highest
_FONT = cv2.FONT_HERSHEY_SIMPLEX
# VP8 in WebM: browsers and JupyterLab play it, and OpenCV writes it four times faster than VP9.
_CODEC = "VP80"
_VIDEO_SUFFIX = ".webm"
_LONGEST_NAME = 200  # bytes of a copy's name; file systems allow 255, with our endings
_LEAST_RATE = 0.1  # frames a second; players refuse slower videos


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


def copy_paths(path: Path, files: Sequence[InputFile], folder: Path) -> dict[Path, Path]:
    """Choose the path of each file's copy, placed in `folder` as the file is in `path`.

    ValueError where a copy would lie among the inputs, or replace one of them or another copy.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder for --annotated")
    if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
        raise ValueError(
            f"{folder} lies in the folder that is read, {path}: "
            "name a folder elsewhere for --annotated"
        )
    base = path if path.is_dir() else path.parent
    copies = {file.path: folder / _relative_copy(file, base) for file in files}
    originals = {copy: original for original, copy in copies.items()}
    for original, copy in copies.items():
        if originals[copy] != original:
            raise ValueError(
                f"{original} and {originals[copy]} would both be written as {copy}: "
                "rename one of them"
            )
    inputs = {file.path.resolve() for file in files}
    for copy in copies.values():
        if copy.resolve() in inputs:
            raise ValueError(f"{copy.resolve()} would be replaced: name another --annotated folder")
    return copies


def _relative_copy(file: InputFile, base: Path) -> Path:
    """The path of a file's copy in its folder, with another suffix where ours is not written."""
    relative = Path(*file.path.parts[file.path.is_absolute() :])
    if file.path.is_relative_to(base):
        relative = file.path.relative_to(base)
    inside = Path(*(part for part in relative.parts if part != ".."))
    written = (_VIDEO_SUFFIX,) if file.is_video else (".png", ".jpg", ".jpeg")
    suffix = file.path.suffix if file.path.suffix.lower() in written else written[0]
    name = inside.name.removesuffix(suffix)
    if len(os.fsencode(name)) > _LONGEST_NAME:
        start = os.fsencode(name)[:_LONGEST_NAME].decode(errors="ignore")
        name = f"{start}-{digest(name)}"
    return inside.with_name(name + suffix)


def write_copies(
    predictions: Sequence[FrameFaces],
    frames: Iterable[InputFrame],
    names: Sequence[str],
    copies: Mapping[Path, Path],
    network: "Network | None" = None,
    target: str | None = None,
    unsure: float = 0.0,
    progress: bool = True,
) -> None:
    """Write each picture and video to its copy, each face with its box, emotion and probability.

    `frames` are those of the predictions, with their pixels, `names` the classes. With `network`, a
    Grad-CAM map lies over each face, of the class `target` (which the text then names) or else of
    the predicted one. Below the probability `unsure` the text says "unsure". Copies of videos have
    the sampled frames only, at their pace. What cannot be read is left out.
    """
    pairs = zip(frames, predictions, strict=True)
    bar = tqdm(pairs, "annotated", len(predictions), disable=not progress, unit="picture")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they were shown when the frames were first read
        for _, frames_of_file in groupby(bar, key=lambda pair: id(pair[0].file)):
            drawn = _draw_frames(frames_of_file, names, network, target, unsure)
            _write_file(drawn, copies, predictions)


def _draw_frames(
    frames: Iterable[tuple[InputFrame, FrameFaces]],
    names: Sequence[str],
    network: "Network | None",
    target: str | None,
    unsure: float,
) -> Iterator[tuple[InputFrame, np.ndarray]]:
    """Yield the readable frames of one file with their marked pictures."""
    for frame, found in frames:
        try:
            image = frame.read().pixels
        except (OSError, ValueError):
            continue
        yield frame, draw_marks(image, _marks(image, found, names, network, target, unsure))


def _marks(
    image: np.ndarray,
    found: FrameFaces,
    names: Sequence[str],
    network: "Network | None",
    target: str | None,
    unsure: float,
) -> list[Mark]:
    if not found.faces or found.probabilities is None:
        return []
    heats = heat_maps(image, found, network, target)
    explanation = f", map: {target}" if target else ""
    answers = name_answers(found.probabilities, names, unsure)
    marks = []
    for face, answer, probability, heat in zip(
        found.faces, answers, found.probabilities.max(1), heats, strict=True
    ):
        text = f"{answer} {probability:.2f}{explanation}"
        marks.append(Mark(face.box, text, *heat))
    return marks


def heat_maps(
    image: np.ndarray, found: FrameFaces, network: "Network | None", target: str | None
) -> Sequence[tuple]:
    """Explain each face: its Grad-CAM map and matrix as of `network_maps`, or () without a network.

    Of the class `target`, or else of the predicted one.
    """
    if network is None or found.probabilities is None:
        return [()] * len(found.faces)
    from ferkit.explain.grad_cam import network_maps  # takes seconds

    explained = found.probabilities.argmax(1).tolist()
    if target is not None:
        explained = [network.class_index(target)] * len(found.faces)
    return network_maps(network, [(image, face) for face in found.faces], explained)


def _write_file(
    pictures: Iterator[tuple[InputFrame, np.ndarray]],
    copies: Mapping[Path, Path],
    predictions: Sequence[FrameFaces],
) -> None:
    """Write the pictures of one file: a single picture, or all of them as a video."""
    for frame, picture in pictures:
        copy = copies[frame.file.path]
        if not frame.file.is_video:
            _save_picture(picture, copy)
            continue
        with video_writer(copy, _frame_rate(frame.file, predictions)) as add:
            add(picture)
            for _, following in pictures:
                add(following)


def _frame_rate(file: InputFile, predictions: Sequence[FrameFaces]) -> float:
    """Sampled frames of a video a second, not too few for a player; 1 where there is only one."""
    frames = [found.frame for found in predictions if found.frame.file is file]
    times = [frame.time for frame in frames if frame.time is not None]
    if len(times) < 2:
        return 1.0
    return max(_LEAST_RATE, (len(times) - 1) / (times[-1] - times[0]))


def _save_picture(image: np.ndarray, path: Path) -> None:
    """Write a picture whole or not at all, as JPEG or PNG by its suffix."""
    kind = "PNG" if path.suffix.lower() == ".png" else "JPEG"
    # PNG ignores the quality.
    write_whole(path, lambda part: Image.fromarray(image).save(part, kind, quality=95))


@contextmanager
def video_writer(path: Path, fps: float) -> Iterator[Callable[[np.ndarray], None]]:
    """Give a function that adds a frame `(H, W, 3)` uint8 to a video.

    The file appears once the block has ended without an error. All frames have the size of the
    first. Encoders need even sizes, so an odd last column or row is doubled. OSError when the video
    cannot be written whole; OpenCV says nothing, so its frames are counted.
    """
    part = create_partial(path)
    writer = cv2.VideoWriter()
    added = 0

    def add(frame: np.ndarray) -> None:
        nonlocal added
        added += 1
        height, width = frame.shape[:2]
        even = cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
        if not writer.isOpened():
            codec = cv2.VideoWriter.fourcc(*_CODEC)
            with _silent_stderr():
                opened = writer.open(str(part.absolute()), codec, fps, even.shape[1::-1])
            if not opened:
                raise OSError(f"the video {path} cannot be written as {_CODEC}")
        writer.write(cv2.cvtColor(even, cv2.COLOR_RGB2BGR))

    try:
        try:
            yield add
        finally:
            writer.release()
        if added:
            if _count_frames(part) < added:
                raise OSError(
                    f"the video {path} was not written whole: the disk may be full; "
                    "free some space and try again"
                )
            os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def _silent_stderr() -> Iterator[None]:
    """Hide what C code says: OpenCV prints a remark on the codec's tag for each WebM file."""
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _count_frames(video: Path) -> int:
    try:
        return sum(1 for _ in decode_frames(video))
    except ValueError:
        return 0


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

"""Annotated copies of pictures and videos: each face's box, its emotion, and a heat map over it."""

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image
from tqdm import tqdm

from ferkit.core.files import create_partial, digest, write_whole
from ferkit.faces.videos import decode_frames
from ferkit.predict.frames import InputFrame
from ferkit.predict.inputs import InputFile
from ferkit.predict.marks import Mark, draw_marks
from ferkit.predict.priors import name_answers
from ferkit.predict.read_faces import FrameFaces

if TYPE_CHECKING:
    from ferkit.training.spec import Network

# VP8 in WebM: browsers and JupyterLab play it, and OpenCV writes it four times faster than VP9.
_CODEC = "VP80"
_VIDEO_SUFFIX = ".webm"
_LONGEST_NAME = 200  # bytes of a copy's name; file systems allow 255, with our endings
_LEAST_RATE = 0.1  # frames a second; players refuse slower videos


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

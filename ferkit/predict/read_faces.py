"""Find the faces in frames and predict their emotions, a few frames at a time."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from tqdm import tqdm

from ferkit.core.processes import count_processors
from ferkit.faces import detect
from ferkit.predict.frames import InputFrame
from ferkit.predict.predictors import Predictor

FRAMES_PER_BATCH = 16


@dataclass(frozen=True, eq=False)
class FrameFaces:
    """The faces of one frame, without its pixels.

    `faces` are in pixels of what `InputFrame.read` returns, `scale` of them to one of the file's,
    and `smallest` is the width of the smallest faces that were searched for, in the file's pixels.
    `inputs` are what the model sees of each face; once the model has predicted they are dropped and
    `probabilities` `(faces, K)` are known.
    """

    frame: InputFrame
    scale: float
    faces: list[detect.Face]
    inputs: list[Any] = field(repr=False)
    smallest: float = 0.0
    probabilities: np.ndarray | None = None


def read_faces(
    frames: Iterable[InputFrame],
    predictor: Predictor,
    total: int,
    progress: bool,
    restore: Callable[[InputFrame], FrameFaces | None] = lambda frame: None,
) -> Iterator[list[FrameFaces]]:
    """Find the faces in frames; yield them in batches of 16 frames.

    `restore` returns the faces of frames that were searched earlier, and None for the others.
    A frame that cannot be read and a face that cannot be aligned are left out with a warning.
    """
    frames = iter(frames)
    bar = tqdm(desc="faces", total=total, disable=not progress, unit="picture")
    with ThreadPoolExecutor(count_processors()) as pool, bar:
        while frames_of_batch := list(islice(frames, FRAMES_PER_BATCH)):
            batch = []
            earlier = [restore(frame) for frame in frames_of_batch]
            for faces in pool.map(partial(_find_faces, predictor), frames_of_batch, earlier):
                batch.append(faces)
                bar.update()
            yield batch


def predict_emotions(
    batches: Iterable[list[FrameFaces]],
    predictor: Predictor,
    keep: Callable[[list[FrameFaces]], object] = lambda batch: None,
) -> list[FrameFaces]:
    """Add each face's probabilities, batch by batch or, where the model needs it, at the end.

    `keep` receives every batch as soon as it is ready.
    """
    done: list[FrameFaces] = []
    for batch in batches:
        if not predictor.needs_all_frames:
            batch = _predict(predictor, batch)
        keep(batch)
        done += batch
    return _predict(predictor, done) if predictor.needs_all_frames else done


def _predict(predictor: Predictor, batch: Sequence[FrameFaces]) -> list[FrameFaces]:
    """Add probabilities where they are not known yet."""
    inputs = []
    frames = []
    for found in batch:
        inputs += found.inputs
        frames += [found.frame] * len(found.inputs)
    probabilities = np.empty((0, len(predictor.names)))
    if inputs:
        probabilities = predictor.predict(inputs, frames)
    predicted = []
    first = 0
    for found in batch:
        # The shape of no probabilities is lost in an unfinished output, so it is made again.
        if found.faces and found.probabilities is not None:
            predicted.append(found)
            continue
        last = first + len(found.faces)
        predicted.append(replace(found, inputs=[], probabilities=probabilities[first:last]))
        first = last
    return predicted


def _find_faces(predictor: Predictor, frame: InputFrame, earlier: FrameFaces | None) -> FrameFaces:
    if earlier and earlier.probabilities is not None:
        return earlier
    try:
        picture = frame.read()
    except (OSError, ValueError) as error:
        warnings.warn(f"left out: {error}", stacklevel=2)
        unreadable = replace(frame, image=None, problem=str(error) or type(error).__name__)
        return FrameFaces(unreadable, 1.0, [], [])
    found = earlier.faces if earlier else detect.find_faces(picture.pixels)
    if predictor.needs_all_frames:
        found = found[:1]
    faces = []
    inputs = []
    for face in found:
        try:
            if picture.lacks(face.box):
                raise ValueError("the file is cut off, and what it lacks touches the face")
            inputs.append(predictor.look(picture.pixels, face))
        except ValueError as error:  # also where landmarks are so wrong that eyes and lip coincide
            warnings.warn(f"left out a face in {frame.file.path}: {error}", stacklevel=2)
        else:
            faces.append(face)
    smallest = detect.smallest_face(picture.pixels.shape) / picture.scale
    return FrameFaces(frame.without_image(), picture.scale, faces, inputs, smallest)

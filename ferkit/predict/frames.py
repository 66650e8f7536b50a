"""Read the frames of input files: every picture, and the sampled frames of every video."""

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ferkit.faces.pictures import Picture, read_picture
from ferkit.faces.videos import container_info, sample_frames
from ferkit.predict.inputs import InputFile

_DEFAULT_FPS = 5.0  # frames read from each second of a video


@dataclass(frozen=True)
class Sampling:
    """Which frames of a video are read: each `every`-th, or `fps` a second (default 5).

    ValueError for impossible values, and for both at once.
    """

    every: int | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        if self.every is not None and self.fps is not None:
            raise ValueError("videos are sampled by --every or by --fps, not by both")
        if self.every is not None and self.every < 1:
            raise ValueError(f"--every must be 1 or more frames, got {self.every}")
        if self.fps is not None and not 0 < self.fps < math.inf:
            raise ValueError(f"--fps must be more than 0 frames a second, got {self.fps}")
        if self.every is None and self.fps is None:
            object.__setattr__(self, "fps", _DEFAULT_FPS)


@dataclass(frozen=True, eq=False)
class InputFrame:
    """A picture, or a frame of a video with its number (from 0) and its time in seconds.

    `problem` says why it cannot be read.
    """

    file: InputFile
    number: int | None = None
    time: float | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    problem: str = ""

    def read(self) -> Picture:
        """Return the picture. OSError or ValueError when the frame cannot be read."""
        if self.problem:
            raise ValueError(self.problem)
        if self.image is None:
            return read_picture(self.file.path)
        return Picture(self.image)

    def without_image(self) -> "InputFrame":
        """The frame without its pixels."""
        return replace(self, image=None)


def read_frames(files: Sequence[InputFile], sampling: Sampling) -> Iterator[InputFrame]:
    """Yield a frame for each picture and the sampled frames of each video.

    Pictures are read later, by `InputFrame.read`; an unreadable video yields one frame that names
    the problem.
    """
    for file in files:
        if not file.is_video:
            yield InputFrame(file)
            continue
        try:
            for number, time, image in sample_frames(file.path, sampling.every, sampling.fps):
                yield InputFrame(file, number, time, image)
        except (OSError, ValueError) as error:
            yield InputFrame(file, problem=str(error))


def check_readable(files: Sequence[InputFile], sampling: Sampling) -> None:
    """OSError when no file can be read at all; it stops at the first that can."""
    problems = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # they are shown when the files are read
        for file in files:
            try:
                for frame in read_frames([file], sampling):
                    frame.read()
                    return
            except (OSError, ValueError) as error:
                problems.append(str(error))
    shown = "; ".join(problems[:3])
    raise OSError(f"none of {len(files)} files can be read: {shown or 'no frames'}")


def count_frames(files: Sequence[InputFile], sampling: Sampling) -> int:
    """Estimate how many frames `read_frames` will yield, from the containers of the videos."""
    return round(sum(_frames_in(file, sampling) for file in files))


def _frames_in(file: InputFile, sampling: Sampling) -> float:
    # `Path.is_file` raises for names that are too long.
    if not file.is_video or not os.path.isfile(file.path):
        return 1
    try:
        count, fps = container_info(file.path)
    except (OSError, ValueError):
        return 1
    if sampling.every:
        return max(1, count / sampling.every)
    if sampling.fps and fps:
        return max(1, count * min(1, sampling.fps / fps))
    return max(1, count)

"""Finding faces and their landmarks.

Pictures a second, and the share of that time that dlib takes. `prepare` also aligns each face.
"""

import time
from pathlib import Path

import cv2
import dlib
import numpy as np
import pytest
from bench.bench_drawing import draw_some
from PIL import Image

from ferkit.data.clip import Clip
from ferkit.faces import detect
from ferkit.faces.prepare import prepare

COUNTS = {64: 12, 224: 12, 1200: 3}  # pictures in one measured round

each_size = pytest.mark.parametrize("size", COUNTS)


@pytest.fixture(scope="module")
def pictures() -> dict[int, list[np.ndarray]]:
    """Drawn faces of each size."""
    cv2.setNumThreads(1)
    return {
        size: [frame.image for frame in draw_some(size, count)] for size, count in COUNTS.items()
    }


def as_usual(picture: np.ndarray) -> np.ndarray:
    """Search the enlarged picture, then place landmarks, as tutorials do."""
    boxes = USUAL(picture, 1)
    return (
        np.array([(p.x, p.y) for p in detect.predictor()(picture, boxes[0]).parts()])
        if boxes
        else np.empty(0)
    )


USUAL = dlib.get_frontal_face_detector()


class Timed:
    """Stands before dlib's detector or predictor and adds up the time spent inside."""

    def __init__(self, inner):
        self.inner, self.seconds = inner, 0.0

    def run(self, *arguments):
        return self._time(self.inner.run, arguments)

    def __call__(self, *arguments):
        return self._time(self.inner, arguments)

    def _time(self, function, arguments):
        start = time.perf_counter()
        result = function(*arguments)
        self.seconds += time.perf_counter() - start
        return result


@each_size
def bench_the_usual_way(size, pictures, speed):
    speed(
        f"{size} px, dlib as in tutorials",
        lambda: [as_usual(p) for p in pictures[size]],
        COUNTS[size],
    )


@each_size
def bench_find_face(size, pictures, speed, remark, monkeypatch):
    usual = f"{size} px, dlib as in tutorials"
    speed(
        f"{size} px, find_face",
        lambda: [detect.find_face(p) for p in pictures[size]],
        COUNTS[size],
        usual,
    )
    timed = Timed(detect._detector()), Timed(detect.predictor())
    monkeypatch.setattr(detect, "_detector", lambda: timed[0])
    monkeypatch.setattr(detect, "predictor", lambda: timed[1])
    start = time.perf_counter()
    assert all(detect.find_face(p) for p in pictures[size])
    share = [part.seconds / (time.perf_counter() - start) for part in timed]
    remark(f"{size} px, share of dlib in find_face", f"{sum(share):.0%}")
    remark(f"{size} px, its detector, its landmarks", " + ".join(f"{part:.0%}" for part in share))


@each_size
def bench_landmarks_in(size, pictures, speed):
    boxes = [detect.find_face(p).box for p in pictures[size]]
    work = list(zip(pictures[size], boxes, strict=True))
    speed(
        f"{size} px, landmarks in a known box",
        lambda: [detect.landmarks_in(*pair) for pair in work],
        COUNTS[size],
    )


@pytest.mark.parametrize("workers", [1, None])
def bench_prepare(workers, pictures, speed, tmp_path):
    """Files to aligned faces of 224 pixels: decode, find, align, find landmarks again, write."""
    clips = []
    for i in range(6 * COUNTS[224]):
        path = tmp_path / f"{i}.jpg"
        Image.fromarray(pictures[224][i % COUNTS[224]]).save(path)
        clips.append(Clip("bench", f"p{i}", path.name, "neutral", (path,)))
    rounds = iter(range(100))

    def work() -> None:
        prepare(
            clips,
            224,
            cache=Path(tmp_path) / f"round {next(rounds)}",
            workers=workers,
            progress=False,
        )

    what = {1: "224 px, prepare, one worker", None: "224 px, prepare, all cores"}
    speed(what[workers], work, len(clips), what[1] if workers is None else None, rounds=2)

"""Predicting emotions on one core.

Faces a second: one that has been found, and a photograph from its pixels.
"""

import time
from collections.abc import Callable

import cv2
import numpy as np
import pytest
import torch
from bench.bench_drawing import draw_some

from ferkit.faces import detect
from ferkit.predict.predictors import FaceModelPredictor
from ferkit.predict.shipped import load_model

FACES = 12


@pytest.fixture(scope="module")
def predictor() -> FaceModelPredictor:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    return FaceModelPredictor(load_model())


@pytest.fixture(scope="module")
def photographs() -> list[np.ndarray]:
    """Drawn pictures of 640 x 480 pixels with one face each."""
    squares = [frame.image for frame in draw_some(480, FACES)]
    photographs = [np.pad(square, ((0, 0), (80, 80), (0, 0)), "edge") for square in squares]
    return [photograph for photograph in photographs if detect.find_face(photograph)]


def answer(predictor: FaceModelPredictor, photograph: np.ndarray, face: detect.Face) -> None:
    seen = predictor.look(photograph, face)
    predictor.model.probabilities(seen[None])


def median_time(function: Callable, items: list) -> float:
    """The median of three rounds, in milliseconds an item."""
    seconds = []
    for item in items * 3:
        start = time.perf_counter()
        function(item)
        seconds.append(time.perf_counter() - start)
    return 1000 * float(np.median(seconds))


def bench_predictor(predictor, photographs, speed, remark):
    found = [(photograph, detect.find_face(photograph)) for photograph in photographs]
    speed(
        "predictor, one core, the face found",
        lambda: [answer(predictor, *pair) for pair in found],
        len(found),
    )
    took = median_time(lambda pair: answer(predictor, *pair), found)
    remark("predictor, one face already found", f"{took:.2f} ms")


def bench_photograph(predictor, photographs, speed, remark):
    """dlib alone: find faces as `ferkit predict` does, and their landmarks."""

    def whole(photograph: np.ndarray) -> None:
        for face in detect.find_faces(photograph):
            answer(predictor, photograph, face)

    speed("640 x 480 px, to emotions", lambda: [whole(p) for p in photographs], len(photographs))
    took = median_time(whole, photographs)
    alone = median_time(detect.find_faces, photographs)
    remark(
        "640 x 480 px, one face: all steps, and finding the face alone",
        f"{took:.1f} ms, {alone:.1f} ms",
    )

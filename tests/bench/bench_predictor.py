"""Reading an emotion from a face already found: alignment, its landmarks, its gradients, the probabilities."""

import time

import cv2
import numpy as np
import pytest
import torch
from bench_drawing import draw_some

from ferkit import face_model, predict
from ferkit.baselines import raw
from ferkit.faces import detect
from ferkit.gradients import gradients
from ferkit.labels import SEVEN
from ferkit.views import aligned_face

GOAL = 15  # milliseconds a face, on one core
FACES = 12


@pytest.fixture(scope="module")
def found() -> list[tuple[np.ndarray, detect.Face]]:
    """Drawn pictures of 224 pixels and the face in each."""
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    pictures = [frame.image for frame in draw_some(224, FACES)]
    return [(picture, face) for picture in pictures if (face := detect.find_face(picture))]


def told(picture: np.ndarray, face: detect.Face) -> dict[str, np.ndarray]:
    """What the model is told of a face."""
    aligned, points = aligned_face(picture, face, predict.SIZE)
    return {"landmarks": raw(points[None])[0], "gradients": gradients([aligned])[0]}


def made_up(picture: np.ndarray, face: detect.Face) -> face_model.FaceModel:
    """A model of the right shape; what it says does not matter here."""
    rng, experts = np.random.default_rng(0), {}
    for name, row in told(picture, face).items():
        weights, ones = rng.normal(size=(len(SEVEN), len(row))), np.ones(len(row))
        experts[name] = face_model.Expert(weights, np.zeros(len(SEVEN)), 0 * ones, ones, 0 * ones)
    return face_model.FaceModel(experts, dict.fromkeys(experts, 1.0), SEVEN, predict.SIZE)


def bench_predictor(found, speed, remark):
    model = made_up(*found[0])

    def each(picture: np.ndarray, face: detect.Face) -> np.ndarray:
        return model.probabilities({name: row[None] for name, row in told(picture, face).items()})

    speed("predictor, one core, the face found", lambda: [each(*pair) for pair in found], len(found))
    seconds = []
    for pair in found * 3:
        start = time.perf_counter()
        each(*pair)
        seconds.append(time.perf_counter() - start)
    remark(f"predictor, a face (goal: under {GOAL} ms)", f"{1000 * np.median(seconds):.1f} ms")

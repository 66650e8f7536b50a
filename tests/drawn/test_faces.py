"""Drawn faces as dlib sees them: it finds them, and its landmarks agree with the exact ones."""

from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import pytest

from ferkit.core.labels import EMOTIONS
from ferkit.core.landmarks import inter_ocular
from ferkit.drawn.draw import draw
from ferkit.drawn.expressions import sample_expression
from ferkit.drawn.head import load_head
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.scene import STUDIO, sample_scene
from ferkit.faces.detect import find_face, predictor

COUNT = 40


@cache
def drawable(seed: int) -> PersonModel:
    return make_person_model(
        make_person(seed, load_head()), load_head()
    )  # the same up to 256 pixels


def distance(index: int, size: int) -> float | None:
    """Measure the mean error of dlib's landmarks in inter-ocular distances.

    None when it finds no face.
    """
    head, rng = load_head(), np.random.default_rng(index)
    amounts, _ = sample_expression(
        EMOTIONS[index % len(EMOTIONS)], head.action_names, rng, person_seed=7000 + index
    )
    frame = draw(drawable(7000 + index), head, amounts, sample_scene(rng, STUDIO), size, seed=index)
    found = find_face(frame.image)
    if found is None:
        return None
    return float(
        np.linalg.norm(found.landmarks - frame.landmarks, axis=1).mean()
        / inter_ocular(frame.landmarks)
    )


def test_the_faces_are_of_all_skin_tones():
    tones = np.histogram(
        [make_person(7000 + i, load_head()).melanin for i in range(COUNT)], 4, (0, 1)
    )[0]
    assert tones.min() >= COUNT // 8


@pytest.mark.parametrize("size", [224, 64])
def test_dlib_finds_the_faces_and_agrees_with_their_landmarks(size):
    predictor()
    with ThreadPoolExecutor(2) as pool:
        distances = list(pool.map(distance, range(COUNT), [size] * COUNT))
    found = [d for d in distances if d is not None]
    assert len(found) >= 0.99 * COUNT
    assert np.mean(found) < 0.06
    assert max(found) < 0.2

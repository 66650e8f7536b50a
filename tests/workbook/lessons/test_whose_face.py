"""Distances of landmarks within and between people."""

import numpy as np
import pytest

from ferkit.core.landmarks import inter_ocular
from ferkit.workbook.lessons import whose_face

FACE = np.random.default_rng(0).normal(100, 30, (68, 2))
GROUPS = {
    "one person, two neutral pictures": np.array([0.5, 0.7]),
    "one person, neutral and smiling": np.repeat([6.0, 7.0, 8.0], 36),
    "each person and the most similar other": np.array([2.0, 3.0]),
    "any two people": np.array([5.0, 8.0, 9.0, 10.0]),
}


def test_place_and_size_of_a_face_do_not_count():
    assert whose_face.landmark_distance(FACE, 3 * FACE + (20, -7)) == pytest.approx(0, abs=1e-9)


def test_one_moved_point_counts_as_its_share():
    moved = FACE.copy()
    moved[30, 1] += inter_ocular(FACE)  # the tip of the nose, by 100 %
    assert whose_face.landmark_distance(FACE, moved) == pytest.approx(100 / np.sqrt(68))


def test_a_smile_is_a_larger_step_than_another_neutral_picture():
    groups = whose_face.identity_distances(6, 1, seed=0)
    assert len(groups["any two people"]) == 15
    nearest = groups["each person and the most similar other"]
    assert nearest.min() == groups["any two people"].min()
    smile = groups["one person, neutral and smiling"]
    assert np.median(smile) > 3 * np.median(groups["one person, two neutral pictures"])


def test_the_lesson_follows_the_medians():
    text = whose_face.describe_identity(GROUPS)
    assert "moves a face by 7.0 % (95 % interval over 3 people: 6.0 to 8.0)" in text
    assert "who you are moves your landmarks at least as much as a full smile does" in text
    assert "25% of all pairs" in text
    for others, lesson in (([1.0, 2.0], "a smile moves landmarks more"), ([7.5], "not shown")):
        groups = GROUPS | {"any two people": np.array(others)}
        assert lesson in whose_face.describe_identity(groups)


def test_a_claim_that_fails_is_said_to_fail():
    shown = whose_face.show_drawn_claims(
        same_pixels=True, nearest=1.9, same_person=1.1, found=0.98, redraws=18
    )
    lines = shown.data.splitlines()[2:]
    assert [line.endswith("**yes** |") for line in lines] == [True, True, False, True]

"""Landmarks computed without pictures."""

import numpy as np

from ferkit.core.landmarks import residuals
from ferkit.workbook.studies import undrawn

PEOPLE = range(70_000, 70_003)
SHAPES = undrawn.rest_shapes(PEOPLE)


def make(**options):
    return undrawn.make_landmarks(PEOPLE, SHAPES, emotions=("neutral", "happiness"), **options)


def test_the_same_seed_gives_the_same_numbers_and_another_gives_others():
    first = make(seed=1).landmarks
    assert np.array_equal(first, make(seed=1).landmarks)
    assert not np.allclose(first, make(seed=2).landmarks)


def test_takes_and_frames_are_named():
    made = make(takes=2, frames=3)
    assert made.features.shape == (3 * 2 * 2 * 3, 136)
    assert len(set(made.clips)) == 3 * 2 * 2
    assert set(made.emotions) == {"neutral", "happiness"}


def test_spread_moves_people_apart_about_the_same_mean():
    wide = undrawn.spread_shapes(SHAPES, 2)
    assert np.allclose(wide.mean(0), SHAPES.mean(0))
    assert np.allclose(wide[0] - wide[1], 2 * (SHAPES[0] - SHAPES[1]))
    assert np.allclose(undrawn.spread_shapes(SHAPES, 0), SHAPES.mean(0))


def test_residuals_of_people_have_no_mean():
    made = make()
    assert np.allclose(residuals(made.features, made.people)[:2].mean(0), 0)


def test_neutral_faces_depend_on_the_shape_alone():
    neutral = undrawn.neutral_landmarks(SHAPES)
    assert neutral.shape == (3, 68, 2)
    same = undrawn.neutral_landmarks(undrawn.spread_shapes(SHAPES, 0))
    assert np.allclose(same, same[0])
    assert not np.allclose(neutral[0], neutral[1], atol=1)


def test_faces_may_be_spread_about_the_mean_of_others():
    other = SHAPES.mean(0) + 1
    assert np.allclose(undrawn.spread_shapes(SHAPES, 0, other), other)

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferkit.core.labels import SEVEN
from ferkit.predict import priors


def test_a_worked_example():
    """Even 0.6 and 0.4, and a prior of 0.2 and 0.8: 0.12 against 0.32."""
    found = priors.with_prior([[0.6, 0.4]], [0.2, 0.8])
    assert np.allclose(found, [[0.12 / 0.44, 0.32 / 0.44]])


def test_everyday_faces_are_neutral_or_happy():
    prior = dict(zip(SEVEN, priors.everyday_prior(SEVEN), strict=True))
    assert prior["neutral"] == prior["happiness"] == pytest.approx(0.3)
    assert prior["fear"] == pytest.approx(0.4 / 5)
    assert priors.everyday_prior(("yes", "no")).tolist() == [0.5, 0.5]
    assert priors.everyday_prior(("neutral", "happiness")).tolist() == [0.5, 0.5]
    assert np.allclose(priors.everyday_prior(("neutral", "fear")), [0.3, 0.7])


def test_the_even_prior_changes_nothing():
    even = np.array([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
    assert np.allclose(priors.with_prior(even, priors.find_prior("even", "abc", even)), even)


def test_the_frequencies_of_the_faces_given_are_found_again():
    """Two classes as Gaussians around 0 and 2; nine tenths are of the first."""
    rng = np.random.default_rng(0)
    truth = (rng.random(4000) > 0.9).astype(int)
    seen = rng.normal(2 * truth, 1)
    density = np.exp(-0.5 * (seen[:, None] - np.array([0.0, 2.0])) ** 2)
    even = density / density.sum(1, keepdims=True)
    prior = priors.estimate_prior(even)
    assert prior == pytest.approx([0.9, 0.1], abs=0.02)
    right = [(found.argmax(1) == truth).mean() for found in (even, priors.with_prior(even, prior))]
    assert right[1] > right[0] + 0.03


def test_the_estimate_of_faces_that_say_nothing_is_even():
    assert np.allclose(priors.estimate_prior(np.full((5, 4), 0.25)), 0.25)
    assert np.allclose(priors.estimate_prior(np.empty((0, 4))), 0.25)


@given(st.lists(st.lists(st.floats(0.01, 1), min_size=3, max_size=3), min_size=1, max_size=9))
def test_probabilities_sum_to_one(values):
    even = np.array(values) / np.sum(values, axis=1, keepdims=True)
    for kind in priors.PRIORS:
        prior = priors.find_prior(kind, SEVEN[:3], even)
        assert prior.sum() == pytest.approx(1)
        assert np.allclose(priors.with_prior(even, prior).sum(1), 1)


def test_a_prior_that_rules_out_all_that_is_possible_leaves_everything_open():
    assert priors.with_prior([[1.0, 0.0]], [0.0, 1.0]).tolist() == [[0.5, 0.5]]


def test_a_face_that_is_not_probable_enough_is_unsure():
    found = np.array([[0.6, 0.4], [0.45, 0.55]])
    assert priors.name_answers(found, ("a", "b")) == ["a", "b"]
    assert priors.name_answers(found, ("a", "b"), 0.6) == ["a", "unsure"]


def test_bad_values_are_named():
    with pytest.raises(ValueError, match="unknown prior 'uniform'; known: even, everyday, est"):
        priors.find_prior("uniform", SEVEN, np.empty((0, 7)))
    for least in (-0.1, 1.0, float("nan")):
        with pytest.raises(ValueError, match="--unsure must be 0 or more and less than 1"):
            priors.check_unsure(least)

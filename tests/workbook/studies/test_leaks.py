"""Leaks that see copies or labels inflate, and honest variants keep people apart."""

import numpy as np
import pytest

from ferkit.workbook.studies import leaks
from ferkit.workbook.studies.leaks import Faces


def make_noise(seed: int = 0, people: int = 20, pictures: int = 4) -> Faces:
    """Faces that tell nothing about emotions: an honest score is at chance."""
    rng = np.random.default_rng(seed)
    count = people * pictures
    emotions = rng.choice(["anger", "fear", "happiness"], count)
    return Faces(rng.normal(0, 5, (count, 136)), emotions, np.repeat(range(people), pictures), seed)


NOISE = make_noise()


def test_a_person_is_in_one_fold_by_person_and_in_several_by_picture():
    folds = [set(NOISE.by_person[NOISE.people == p]) for p in np.unique(NOISE.people)]
    assert all(len(fold) == 1 for fold in folds)
    assert any(len(set(NOISE.by_picture[NOISE.people == p])) > 1 for p in NOISE.people)


@pytest.mark.parametrize(
    "leak", [leaks.augment_then_split, leaks.one_network_for_all_folds, leaks.projection_on_all]
)
def test_copies_and_labels_inflate_what_is_at_chance(leak):
    honest, leaky = leak(NOISE)
    assert honest.mean() < 0.55
    assert leaky.mean() > honest.mean() + 0.25


@pytest.mark.parametrize("leak", [leaks.normalise_on_all, leaks.components_on_all])
def test_steps_without_labels_find_nothing_where_nothing_is(leak):
    honest, leaky = leak(NOISE)
    assert abs(leaky.mean() - honest.mean()) < 0.2
    assert leaky.mean() < 0.55


def test_the_same_seed_gives_the_same_numbers():
    first, second = (leaks.augment_then_split(make_noise(3)) for _ in range(2))
    assert np.array_equal(first, second)


def test_copies_belong_to_the_person_and_emotion_of_their_face():
    more = leaks.add_copies(NOISE)
    count = len(NOISE.people)
    assert np.array_equal(more.features[:count], NOISE.features)
    assert np.array_equal(more.people[count : 2 * count], NOISE.people)
    assert np.abs(more.features[count : 2 * count] - NOISE.features).max() < 3


def test_the_mean_of_the_other_pictures_leaves_the_own_one_out():
    features, people = np.array([[1.0], [3.0], [8.0]]), np.array([0, 0, 0])
    assert leaks.minus_other_pictures(features, people).ravel() == pytest.approx([-4.5, -1.5, 6])


def test_the_known_emotions_are_distributed():
    scores = np.array([[2.0, 1.9], [1.0, -1.0]])
    names, emotions = np.array(["a", "b"]), np.array(["b", "a"])
    assert leaks.assign(scores, names, emotions, np.array([0, 0])).tolist() == ["b", "a"]


def test_each_fold_takes_its_best_epoch():
    right = np.array([[True, False], [False, True]])
    picked = leaks.pick_by_fold(right, np.array([[0.9, 0.1], [0.2, 0.8]]), np.array([0, 1]))
    assert picked.tolist() == [True, True]

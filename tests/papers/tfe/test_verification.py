"""Same person or not: pairs whose folds share nobody, thresholds from other folds, the ROC."""

import numpy as np
import pytest
from sklearn.metrics import roc_curve

from ferkit.papers.tfe.verification import (
    Pairs,
    best_threshold,
    cosine_similarity,
    make_pairs,
    pair_score,
    roc,
    verify,
)

PEOPLE = np.repeat([f"p{i:02d}" for i in range(40)], 4)


def features(people: np.ndarray, noise: float, seed: int = 0) -> np.ndarray:
    """A direction for each person, shaken."""
    rng = np.random.default_rng(seed)
    names, codes = np.unique(people, return_inverse=True)
    return rng.normal(size=(len(names), 8))[codes] + noise * rng.normal(size=(len(people), 8))


def test_folds_share_nobody_and_have_as_many_pairs_of_both_kinds():
    count = 24  # six pairs of each of four people
    pairs = make_pairs(PEOPLE, 10)
    assert len(pairs) == 10 * 2 * count
    assert (pairs.same == (PEOPLE[pairs.first] == PEOPLE[pairs.second])).all()
    where = {}
    for i, j, fold in zip(pairs.first, pairs.second, pairs.fold, strict=True):
        assert where.setdefault(PEOPLE[i], fold) == where.setdefault(PEOPLE[j], fold) == fold
    assert [(pairs.same[pairs.fold == f].sum(), (pairs.fold == f).sum()) for f in range(10)] == [
        (count, 2 * count)
    ] * 10
    assert len({frozenset(pair) for pair in zip(pairs.first, pairs.second, strict=True)}) == len(
        pairs
    )
    again, other = make_pairs(PEOPLE, 10), make_pairs(PEOPLE, 10, seed=1)
    assert np.array_equal(again.first, pairs.first)
    assert not np.array_equal(other.first, pairs.first)


def test_two_pictures_each_are_enough():
    people = np.repeat(np.arange(102), 2)
    pairs = make_pairs(people)
    assert pairs.same.sum() == 102
    assert len(pairs) == 204


def test_cosine_of_a_worked_example():
    pairs = Pairs(np.array([0, 0]), np.array([1, 2]), np.array([True, False]), np.array([0, 1]))
    assert cosine_similarity([[3, 4], [30, 40], [-4, 3]], pairs).tolist() == pytest.approx([1, 0])
    with pytest.raises(ValueError, match="1 of 3 features are 0"):
        cosine_similarity([[3, 4], [0, 0], [1, 1]], pairs)


def test_the_threshold_is_the_best_of_all():
    rng = np.random.default_rng(0)
    for _ in range(30):
        same = rng.random(25) < 0.5
        values = np.round(rng.normal(size=25) + same, 1)  # with ties
        found = best_threshold(values, same)
        slow = max(((values >= t) == same).sum() for t in [*values, 99])
        assert ((values >= found) == same).sum() == slow
    assert best_threshold([0.1, 0.2, 0.6, 0.8], [False, False, True, True]) == pytest.approx(0.4)


def test_a_folds_own_pairs_do_not_choose_its_threshold():
    rng = np.random.default_rng(0)
    pairs = make_pairs(PEOPLE)
    values = pairs.same * 1.0 + rng.normal(size=len(pairs)) * 0.1
    found = verify(values, pairs, PEOPLE)
    changed = np.where(pairs.fold == 3, -values, values)
    again = verify(changed, pairs, PEOPLE)
    assert again.thresholds[3] == found.thresholds[3]
    assert found.correct.all()
    assert not again.correct[pairs.fold == 3].all()
    for fold, threshold in enumerate(found.thresholds):
        mine = pairs.fold == fold
        assert threshold == best_threshold(values[~mine], pairs.same[~mine])
        assert ((values[mine] >= threshold) == pairs.same[mine]).all()


def test_good_features_verify_and_random_ones_do_not():
    pairs = make_pairs(PEOPLE)
    good, none = (
        verify(cosine_similarity(features(PEOPLE, noise), pairs), pairs, PEOPLE).score
        for noise in (0.3, 1000)
    )
    assert good.value > 0.9
    assert none.low < 0.5 < none.high + 0.05
    assert (good.n, good.people) == (480, 40)


def test_the_interval_is_of_people_not_of_pairs():
    """One person in ten always fails: the interval is about that of 40 people, not of 480 pairs."""
    pairs = make_pairs(PEOPLE)
    codes = np.unique(PEOPLE, return_inverse=True)[1]
    failing = (codes[pairs.first] % 10 == 0) | (codes[pairs.second] % 10 == 0)
    score = pair_score(~failing, pairs, PEOPLE)
    by_pairs = 2 * 1.96 * np.sqrt(failing.mean() * (1 - failing.mean()) / len(pairs))
    assert score.low < score.value < score.high
    assert score.high - score.low > 2 * by_pairs
    whole = pair_score(np.ones(len(pairs), bool), pairs, PEOPLE)
    assert (whole.low, whole.high) == (1, 1)
    with pytest.raises(ValueError, match="`people` do not belong to these pairs"):
        pair_score(~failing, pairs, PEOPLE[::-1][np.argsort(np.arange(160) % 7)])


def test_the_curve_is_scikit_learns():
    rng = np.random.default_rng(1)
    same = rng.random(200) < 0.4
    values = np.round(rng.normal(size=200) + same, 1)
    curve = roc(values, same)
    false, true, thresholds = roc_curve(same, values, drop_intermediate=False)
    assert np.allclose(curve, np.stack([thresholds, false, true], 1))
    with pytest.raises(ValueError, match="pairs of one person and pairs of two"):
        roc(values, np.ones(200, bool))


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: make_pairs(["a", "a", "b", "b"], 10),
            "10 folds with two people each cannot be made of 2 people",
        ),
        (lambda: make_pairs(["a", "b", "c", "d"], 2), "fold 0 has no two pictures of one person"),
        (lambda: make_pairs(["a", None, "b", "b"], 2), "1 of 4 pictures lack a person"),
        (lambda: verify([0.1], make_pairs(PEOPLE), PEOPLE), "a similarity for each of 480 pairs"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from ferkit.evaluation.intervals import bootstrap, compare_paired
from ferkit.evaluation.scores import (
    accuracy,
    confusion,
    hits,
    open_and_present,
    recalls,
    score,
    top_k,
    top_k_metrics,
)

NAMES = ("anger", "fear", "sadness")
codes = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


def right_and_people(
    n: int = 200, people: int = 20, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    who = rng.integers(people, size=n)
    return rng.random(n) < rng.random(people)[who], np.array([f"p{i}" for i in who])


@given(codes)
def test_scores_agree_with_scikit_learn(pairs):
    truth, guess = np.array(pairs).T
    assert accuracy(truth, guess) == pytest.approx(sk.accuracy_score(truth, guess))
    assert np.array_equal(
        confusion(truth, guess, NAMES), sk.confusion_matrix(truth, guess, labels=range(3))
    )
    people = np.arange(len(truth)) % 5
    expected = sk.recall_score(truth, guess, labels=range(3), average=None, zero_division=np.nan)
    assert np.allclose(
        recalls(truth, guess, NAMES, people, repeats=10)["value"], expected, equal_nan=True
    )


def test_confusion_by_hand():
    truth = ["anger", "anger", "fear", "fear", "fear", "sadness"]
    guess = ["anger", "fear", "fear", "fear", "anger", "anger"]
    table = confusion(truth, guess, NAMES)
    assert table.to_numpy().tolist() == [[1, 1, 0], [1, 2, 0], [1, 0, 0]]
    assert table.loc["fear", "anger"] == 1
    assert (table.index.name, table.columns.name) == ("true", "predicted")
    assert table.equals(confusion([0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 0, 0], NAMES))


def test_an_absent_class_has_no_recall():
    table = recalls(
        ["anger", "fear", "fear"], ["anger", "anger", "fear"], NAMES, ["a", "a", "b"], repeats=50
    )
    assert table["value"].tolist()[:2] == [1, 0.5]
    assert table.loc["sadness", ["value", "low", "high"]].isna().all()
    assert table["n"].tolist() == [1, 2, 0]


def test_nothing_has_no_accuracy():
    assert math.isnan(accuracy([], []))
    assert math.isnan(top_k(np.zeros((0, 3)), np.zeros(0, int), 1))


def test_top_k_agrees_with_scikit_learn_and_grows():
    rng = np.random.default_rng(0)
    scores, truth = rng.normal(size=(60, 7)), rng.integers(7, size=60)
    found = [top_k(scores, truth, k) for k in range(1, 8)]
    expected = [sk.top_k_accuracy_score(truth, scores, k=k, labels=range(7)) for k in range(1, 7)]
    assert found[:6] == pytest.approx(expected)
    assert found == sorted(found)
    assert found[0] == accuracy(truth, scores.argmax(1))
    assert found[-1] == 1


def test_equal_scores_earn_nothing():
    truth = np.arange(5).repeat(3)
    assert [top_k(np.zeros((15, 5)), truth, k) for k in (1, 2, 5)] == [0.2, 0.4, 1]


def test_a_class_without_a_score_is_last():
    scores = np.array([[-np.inf, -5.0, -4.0]])
    assert [hits(scores, [0], k)[0] for k in (1, 2, 3)] == [False, False, True]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: accuracy([0, 1], [0]), "one length"),
        (lambda: accuracy([0, 1], ["anger", "fear"]), "on both sides"),
        (lambda: hits([[0.0, np.nan]], [0]), "1 of 1 samples have scores that are NaN"),
        (lambda: hits([[0.0, 1.0]], [0], 3), r"k must lie in 1..2"),
        (lambda: hits([[0.0, 1.0]], [2]), r"class indices must lie in 0..1"),
        (lambda: hits([[0.0, 1.0]], ["anger"]), "N class indices"),
        (lambda: confusion(["joy"], ["fear"], NAMES), "'joy' is not a class"),
        (lambda: confusion([3], [0], NAMES), r"class indices must lie in 0..2"),
        (lambda: bootstrap([1.0, 0.0], ["a"]), "N people"),
        (lambda: bootstrap([1.0, 0.0], ["a", None]), "1 of 2 samples lack a person"),
        (lambda: compare_paired([True], [True, False], ["a"]), "same samples twice"),
    ],
)
def test_bad_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_metric_is_what_run_records_hold():
    right, people = right_and_people()
    assert list(score(right, people)) == ["value", "low", "high", "n"]
    scores = np.eye(3)[[0, 1, 2, 2]]
    metrics = top_k_metrics(scores, [0, 1, 2, 0], ["a", "a", "b", "b"])
    assert list(metrics) == ["top1", "top2", "top3"]
    assert [metrics[name]["value"] for name in metrics] == [0.75, 1, 1]


def test_open_and_present_by_hand():
    scores = [[0.9, 0.0, 0.1], [0.1, 0.0, 0.9], [0.2, 0.7, 0.3], [0.2, 0.7, 0.1]]
    found = open_and_present(
        scores, NAMES, ["anger", "sadness", "sadness", "anger"], ["a", "a", "b", "b"]
    )
    assert (found["open"].value, found["present"].value) == (0.5, 1)
    with pytest.raises(ValueError, match="'joy' is not a class"):
        open_and_present(scores, NAMES, ["anger", "joy", "anger", "anger"], ["a", "a", "b", "b"])

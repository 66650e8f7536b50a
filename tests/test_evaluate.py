import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as sk

from ferkit.evaluate import (
    accuracy,
    bootstrap,
    compare_paired,
    confusion,
    hits,
    mcnemar,
    open_and_present,
    over_trainings,
    recalls,
    score,
    top_k,
    top_k_metrics,
)

NAMES = ("anger", "fear", "sadness")
codes = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=1, max_size=30)


def right_and_people(n: int = 200, people: int = 20, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    who = rng.integers(people, size=n)
    return rng.random(n) < rng.random(people)[who], np.array([f"p{i}" for i in who])


# --- scores ---


@given(codes)
def test_scores_agree_with_scikit_learn(pairs):
    truth, guess = np.array(pairs).T
    assert accuracy(truth, guess) == pytest.approx(sk.accuracy_score(truth, guess))
    assert np.array_equal(confusion(truth, guess, NAMES), sk.confusion_matrix(truth, guess, labels=range(3)))
    people = np.arange(len(truth)) % 5
    expected = sk.recall_score(truth, guess, labels=range(3), average=None, zero_division=np.nan)
    assert np.allclose(recalls(truth, guess, NAMES, people, repeats=10)["value"], expected, equal_nan=True)


def test_confusion_by_hand():
    truth = ["anger", "anger", "fear", "fear", "fear", "sadness"]
    guess = ["anger", "fear", "fear", "fear", "anger", "anger"]
    table = confusion(truth, guess, NAMES)
    assert table.to_numpy().tolist() == [[1, 1, 0], [1, 2, 0], [1, 0, 0]]
    assert table.loc["fear", "anger"] == 1
    assert (table.index.name, table.columns.name) == ("true", "predicted")
    assert table.equals(confusion([0, 0, 1, 1, 1, 2], [0, 1, 1, 1, 0, 0], NAMES))


def test_an_absent_class_has_no_recall():
    table = recalls(["anger", "fear", "fear"], ["anger", "anger", "fear"], NAMES, ["a", "a", "b"], repeats=50)
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
        (lambda: hits([[0.0, np.nan]], [0]), "1 of 1 samples have scores that are nan"),
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


# --- intervals ---


def test_the_interval_equals_a_slow_one():
    right, people = right_and_people()
    fast = bootstrap(right, people, repeats=200)
    slow = bootstrap(right, people, repeats=200, statistic=lambda values: float(sum(values)) / len(values))
    assert (fast.value, fast.n, fast.people) == (right.mean(), 200, 20)
    assert [slow.value, slow.low, slow.high] == pytest.approx([fast.value, fast.low, fast.high])


def test_blocks_of_repeats_change_nothing(monkeypatch):
    right, people = right_and_people()
    whole = bootstrap(right, people, repeats=100)
    monkeypatch.setattr("ferkit.evaluate.BLOCK", 60)
    assert bootstrap(right, people, repeats=100) == whole


def test_more_pictures_of_the_same_people_do_not_narrow_the_interval():
    right, people = right_and_people()
    once = bootstrap(right, people)
    often = bootstrap(np.tile(right, 10), np.tile(people, 10))
    alone = bootstrap(np.tile(right, 10), np.arange(2000))
    assert (often.value, often.low, often.high) == pytest.approx((once.value, once.low, once.high))
    assert alone.high - alone.low < 0.5 * (once.high - once.low)


def test_the_order_of_samples_does_not_matter_and_the_seed_does():
    right, people = right_and_people()
    order = np.random.default_rng(1).permutation(len(right))
    assert bootstrap(right[order], people[order]) == bootstrap(right, people)
    assert bootstrap(right, people, seed=1) != bootstrap(right, people)


def test_the_interval_covers_the_truth_about_95_times_of_100():
    covered = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        ability = rng.beta(2, 2, size=40)  # people differ; the truth is 0.5
        right = rng.random((40, 5)) < ability[:, None]
        found = bootstrap(right.ravel(), np.arange(40).repeat(5), repeats=200, seed=seed)
        covered += found.low <= 0.5 <= found.high
    assert 0.90 <= covered / 200 <= 0.99


@pytest.mark.parametrize("right", [True, False])
def test_all_alike_gives_the_exact_interval_over_people(right):
    found = bootstrap(np.full(24, right), np.arange(12).repeat(2))
    exact = binomtest(12 * right, 12).proportion_ci()
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high))


def test_one_person_gives_no_interval():
    found = bootstrap(np.array([True, False]), ["a", "a"])
    assert found.value == 0.5
    assert np.isnan([found.low, found.high]).all()
    nobody = bootstrap(np.zeros(0, bool), [])
    assert np.isnan([nobody.value, nobody.low]).all()


def test_a_metric_is_what_run_records_hold():
    right, people = right_and_people()
    assert list(score(right, people)) == ["value", "low", "high", "n"]
    scores = np.eye(3)[[0, 1, 2, 2]]
    metrics = top_k_metrics(scores, [0, 1, 2, 0], ["a", "a", "b", "b"])
    assert list(metrics) == ["top1", "top2", "top3"]
    assert [metrics[name]["value"] for name in metrics] == [0.75, 1, 1]


def test_open_and_present_by_hand():
    scores = [[0.9, 0.0, 0.1], [0.1, 0.0, 0.9], [0.2, 0.7, 0.3], [0.2, 0.7, 0.1]]
    found = open_and_present(scores, NAMES, ["anger", "sadness", "sadness", "anger"], ["a", "a", "b", "b"])
    assert (found["open"].value, found["present"].value) == (0.5, 1)
    with pytest.raises(ValueError, match="'joy' is not a class"):
        open_and_present(scores, NAMES, ["anger", "joy", "anger", "anger"], ["a", "a", "b", "b"])


# --- pairs ---


def test_a_paired_difference_is_the_difference_of_accuracies():
    (a, people), (b, _) = right_and_people(seed=0), right_and_people(seed=1)
    found, back = compare_paired(a, b, people), compare_paired(b, a, people)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.low < found.value < found.high
    assert (back.value, back.low, back.high) == pytest.approx((-found.value, -found.high, -found.low))


def test_pairing_removes_what_people_have_in_common():
    right, people = right_and_people()
    better = right | (np.random.default_rng(1).random(200) < 0.1)
    paired, alone = compare_paired(better, right, people), bootstrap(right, people)
    assert paired.low > 0
    assert paired.high - paired.low < 0.5 * (alone.high - alone.low)


def test_two_equal_methods_may_still_differ_on_other_people():
    right, people = right_and_people()
    found = compare_paired(right, right, people)
    assert found.value == 0
    assert -found.low == found.high == pytest.approx(1 - 0.025 ** (1 / 20))


def test_mcnemar_counts_what_only_one_got_right():
    a = np.array([1, 1, 1, 1, 1, 1, 0, 0], bool)
    b = np.array([1, 0, 0, 0, 0, 0, 1, 0], bool)
    found = mcnemar(a, b)
    assert (found.only_a, found.only_b) == (5, 1)
    assert found.p == pytest.approx(2 * (1 + 6) / 2**6)
    assert mcnemar(b, a).p == found.p
    assert mcnemar(a, a).p == 1


# --- people and trainings ---


def test_one_training_has_the_interval_over_people():
    right, people = right_and_people()
    assert over_trainings(right[None], people) == bootstrap(right.astype(float), people)
    assert over_trainings(np.stack([right] * 4), people).value == right.mean()


def test_the_interval_over_trainings_holds_the_chance_of_both():
    """Accuracies of S trainings on P people, each with an effect of its own: the interval is as wide as the mean varies."""
    rng = np.random.default_rng(1)
    trainings, count, spread = 6, 60, {"people": 0.3, "trainings": 0.1}
    values = rng.normal(0, spread["people"], count) + rng.normal(0, spread["trainings"], (trainings, 1))
    found = over_trainings(values, np.arange(count), repeats=20_000)
    both = np.hypot(values.mean(0).std() / count**0.5, values.mean(1).std(ddof=1) / trainings**0.5)
    assert found.high - found.low == pytest.approx(2 * 1.96 * both, rel=0.1)
    alone = bootstrap(values.mean(0), np.arange(count))
    assert found.value == alone.value
    assert found.high - found.low > 1.2 * (alone.high - alone.low)


def test_an_interval_over_trainings_covers_what_is_true():
    """Of repeated studies with a true value of 0, some 95 % have it in their interval; drawing people alone, far fewer."""
    rng, covered, alone = np.random.default_rng(2), [], []
    for _ in range(150):
        values = rng.normal(0, 0.2, 40) + rng.normal(0, 0.1, (5, 1)) + rng.normal(0, 0.1, (5, 40))
        both = over_trainings(values, np.arange(40), repeats=400)
        covered.append(both.low <= 0 <= both.high)
        people = bootstrap(values[0], np.arange(40), repeats=400)
        alone.append(people.low <= 0 <= people.high)
    assert 0.85 < np.mean(covered) < 1
    assert np.mean(alone) < 0.7


@pytest.mark.parametrize(
    ("values", "people"), [(np.ones(3), [0, 1, 2]), (np.ones((2, 3)), [0, 1]), (np.ones((0, 3)), [0, 1, 2])]
)
def test_trainings_that_do_not_fit_are_refused(values, people):
    with pytest.raises(ValueError, match=r"expected values \(S, N\)"):
        over_trainings(values, people)

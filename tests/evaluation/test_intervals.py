import numpy as np
import pytest
from scipy.stats import binomtest

from ferkit.evaluation.intervals import bootstrap, compare_paired, mcnemar, over_trainings


def right_and_people(
    n: int = 200, people: int = 20, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    who = rng.integers(people, size=n)
    return rng.random(n) < rng.random(people)[who], np.array([f"p{i}" for i in who])


def test_the_interval_equals_a_slow_one():
    right, people = right_and_people()
    fast = bootstrap(right, people, repeats=200)
    slow = bootstrap(
        right, people, repeats=200, statistic=lambda values: float(sum(values)) / len(values)
    )
    assert (fast.value, fast.n, fast.people) == (right.mean(), 200, 20)
    assert [slow.value, slow.low, slow.high] == pytest.approx([fast.value, fast.low, fast.high])


def test_blocks_of_repeats_change_nothing(monkeypatch):
    right, people = right_and_people()
    whole = bootstrap(right, people, repeats=100)
    monkeypatch.setattr("ferkit.evaluation.intervals._BLOCK", 60)
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


def test_a_paired_difference_is_the_difference_of_accuracies():
    (a, people), (b, _) = right_and_people(seed=0), right_and_people(seed=1)
    found, back = compare_paired(a, b, people), compare_paired(b, a, people)
    assert found.value == pytest.approx(a.mean() - b.mean())
    assert found.low < found.value < found.high
    assert (back.value, back.low, back.high) == pytest.approx(
        (-found.value, -found.high, -found.low)
    )


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


def test_mcnemar_refuses_shares_of_trainings():
    with pytest.raises(ValueError, match=r"right \(1\) or wrong \(0\), got 0\.6; .*compare_paired"):
        mcnemar([1, 0, 1], [1, 0.6, 0])


def test_one_training_has_the_interval_over_people():
    right, people = right_and_people()
    assert over_trainings(right[None], people) == bootstrap(right.astype(float), people)
    assert over_trainings(np.stack([right] * 4), people).value == right.mean()


def test_the_interval_over_trainings_holds_the_chance_of_both():
    """Trainings and people each have an effect: the interval is as wide as the mean varies."""
    rng = np.random.default_rng(1)
    trainings, count, spread = 6, 60, {"people": 0.3, "trainings": 0.1}
    values = rng.normal(0, spread["people"], count) + rng.normal(
        0, spread["trainings"], (trainings, 1)
    )
    found = over_trainings(values, np.arange(count), repeats=20_000)
    both = np.hypot(values.mean(0).std() / count**0.5, values.mean(1).std(ddof=1) / trainings**0.5)
    assert found.high - found.low == pytest.approx(2 * 1.96 * both, rel=0.1)
    alone = bootstrap(values.mean(0), np.arange(count))
    assert found.value == alone.value
    assert found.high - found.low > 1.2 * (alone.high - alone.low)


def test_trainings_that_all_agree_leave_room_for_other_people():
    right = np.ones((5, 18), bool)
    people = np.repeat(range(6), 3)
    assert over_trainings(right, people, bounds=(0, 1)) == bootstrap(right[0], people)
    assert over_trainings(right, people, bounds=(0, 1)).low == pytest.approx(0.025 ** (1 / 6))
    difference = over_trainings(np.zeros((5, 18)), people, bounds=(-1, 1))
    assert difference.low == -difference.high < -0.4


def test_an_interval_over_trainings_covers_what_is_true():
    """About 95 % of repeated studies hold the true value 0; drawing people alone, far fewer."""
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
    ("values", "people"),
    [(np.ones(3), [0, 1, 2]), (np.ones((2, 3)), [0, 1]), (np.ones((0, 3)), [0, 1, 2])],
)
def test_trainings_that_do_not_fit_are_refused(values, people):
    with pytest.raises(ValueError, match=r"expected values \(S, N\)"):
        over_trainings(values, people)

"""Ranking of methods: Holm's correction, differences of all pairs, ranks, methods alike."""

import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation.ranking import compare_all, holm, join_similar, rank_probabilities

PEOPLE = np.repeat(np.arange(40), 5)


def decisions(*shares: float, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    names = "abcdefgh"[: len(shares)]
    columns = [rng.random(len(PEOPLE)) < share for share in shares]
    return pd.DataFrame(dict(zip(names, columns, strict=True))).astype(int)


def test_holm_on_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]).tolist() == [1, 1]
    assert holm([0.02]).tolist() == [0.02]
    assert holm([]).tolist() == []


def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni():
    p = np.random.default_rng(0).random(30)
    adjusted = holm(p)
    assert (np.diff(adjusted[np.argsort(p)]) >= 0).all()
    assert (adjusted >= p).all()
    assert (adjusted <= np.minimum(1, 30 * p) + 1e-12).all()


def test_large_differences_are_told_apart_and_none_are_not():
    table = compare_all(decisions(0.9, 0.5, 0.5), PEOPLE).set_index(["first", "second"])
    assert table.loc[("a", "b"), "adjusted"] < 0.01
    assert table.loc[("a", "c"), "value"] == pytest.approx(0.4, abs=0.1)
    assert table.loc[("b", "c"), "adjusted"] > 0.05


def test_the_test_exchanges_people_not_samples():
    """One person's hundred samples count as one decision."""
    people = np.repeat(np.arange(4), 100)
    right = pd.DataFrame({"a": np.repeat([1, 1, 1, 0], 100), "b": np.repeat([0, 0, 0, 1], 100)})
    assert compare_all(right, people)["p"].item() > 0.1


def test_equal_methods_have_p_one():
    right = decisions(0.5)
    assert compare_all(right.assign(b=right["a"]), PEOPLE)["p"].item() == 1


def test_shares_of_trainings_are_compared_too():
    shares = pd.DataFrame({"a": [0.5] * 200, "b": [0.0] * 200, "c": [1.0] * 200})
    table = compare_all(shares, PEOPLE)
    assert table["value"].tolist() == [0.5, -0.5, -1.0]
    assert (table["adjusted"] < 0.01).all()
    assert compare_all(shares[["a"]], PEOPLE).empty


def test_false_differences_stay_rare_among_equal_methods():
    found = 0
    for seed in range(20):
        table = compare_all(decisions(0.6, 0.6, 0.6, 0.6, seed=seed), PEOPLE, seed=seed)
        found += bool((table["adjusted"] < 0.05).any())
    assert found <= 4  # one in twenty is expected


def test_rank_probabilities_sum_to_one_and_know_the_best():
    ranks = rank_probabilities(decisions(0.95, 0.5, 0.45), PEOPLE)
    assert ranks.sum(axis=0).to_numpy() == pytest.approx(np.ones(3))
    assert ranks.sum(axis=1).to_numpy() == pytest.approx(np.ones(3))
    assert ranks.loc["a", 1] == 1


def test_equal_methods_share_their_ranks():
    right = decisions(0.5)
    ranks = rank_probabilities(right.assign(b=right["a"]), PEOPLE)
    assert ranks.to_numpy() == pytest.approx(np.full((2, 2), 0.5))


def test_equal_shares_in_another_order_share_their_ranks():
    shares = {"a": np.tile([0.2, 0.4, 0.6], 12), "b": np.tile([0.6, 0.4, 0.2], 12)}
    ranks = rank_probabilities(pd.DataFrame(shares), np.repeat(np.arange(12), 3))
    assert ranks.to_numpy() == pytest.approx(np.full((2, 2), 0.5))


def test_methods_alike_are_joined_in_the_longest_runs():
    accuracies = pd.Series({"c": 0.7, "a": 0.9, "b": 0.8, "d": 0.1})
    pairs = [("a", "b", 0.5), ("a", "c", 0.01), ("b", "c", 0.2)]
    pairs += [("a", "d", 0.0), ("b", "d", 0.0), ("c", "d", 0.0)]
    comparisons = pd.DataFrame(pairs, columns=["first", "second", "adjusted"])
    assert join_similar(accuracies, comparisons) == [["a", "b"], ["b", "c"]]
    assert join_similar(accuracies, comparisons.assign(adjusted=1.0)) == [["a", "b", "c", "d"]]
    assert join_similar(accuracies, comparisons.assign(adjusted=0.0)) == []

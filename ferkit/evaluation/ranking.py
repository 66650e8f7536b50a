"""Rank methods on the same samples: which differences are safe, and how sure is each rank.

`right` is a table `(N, M)` of samples by methods: 1 where a method is right, 0 where it is wrong,
the share of right trainings where it was trained several times. `people` `(N,)` is the person of
each sample. People, not samples, are what is drawn and exchanged.
"""

from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from ferkit.evaluation.intervals import compare_paired

_EXCHANGES = 9999  # of people's signs
_DRAWS = 2000
LEVEL = 0.05  # of Holm's adjusted p below which two methods are told apart


def holm(p_values: ArrayLike) -> np.ndarray:
    """Adjust p-values for how many there are (Holm 1979).

    The smallest is multiplied by their number n, the next by n - 1, and so on; none falls below
    one that was smaller before. Where all n hypotheses are true, the chance that any adjusted p
    is below 0.05 is at most 0.05.
    """
    p_values = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p_values)
    factors = np.arange(len(p_values), 0, -1)
    adjusted = np.maximum.accumulate(p_values[order] * factors)
    result = np.empty_like(p_values)
    result[order] = np.minimum(adjusted, 1)
    return result


def compare_all(right: pd.DataFrame, people: ArrayLike, *, seed: int = 0) -> pd.DataFrame:
    """Compare each pair of methods on the same samples.

    Columns first, second, value (accuracy of first minus second), low, high (95 % over people), p
    (the sign of each person's difference exchanged at random) and adjusted (`holm`).
    """
    people = np.asarray(people)
    p_values = _sign_tests(right, people, seed)
    rows = []
    for (first, second), p in zip(combinations(right.columns, 2), p_values, strict=True):
        difference = compare_paired(right[first], right[second], people, seed=seed)
        rows.append((first, second, difference.value, difference.low, difference.high, p))
    table = pd.DataFrame(rows, columns=["first", "second", "value", "low", "high", "p"])
    return table.assign(adjusted=holm(table["p"]))


def rank_probabilities(right: pd.DataFrame, people: ArrayLike, *, seed: int = 0) -> pd.DataFrame:
    """Estimate how probable each rank is for each method, `(M, M)`.

    People are drawn with replacement and the methods ranked by accuracy, 1 for the best; methods
    that tie share their ranks. Rows are methods, columns ranks from 1.
    """
    codes, names = pd.factorize(np.asarray(people), sort=True)
    per_person = right.groupby(codes).sum().to_numpy(dtype=np.float64)
    rng = np.random.default_rng(seed)
    draws = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_DRAWS)
    # The number of samples divides all methods alike. Sums of the same shares in another order
    # differ by rounding.
    totals = (draws @ per_person).round(9)  # (draws, M)
    methods = right.shape[1]
    counts = np.zeros((methods, methods))
    best = rankdata(-totals, method="min", axis=1).astype(int)
    worst = rankdata(-totals, method="max", axis=1).astype(int)
    for rank in range(1, methods + 1):
        holds = (best <= rank) & (rank <= worst)
        counts[:, rank - 1] = (holds / (worst - best + 1)).sum(0)
    ranks = pd.RangeIndex(1, methods + 1, name="rank")
    return pd.DataFrame(counts / _DRAWS, index=right.columns, columns=ranks)


def join_similar(accuracies: pd.Series, comparisons: pd.DataFrame) -> list[list[str]]:
    """List the longest runs of methods, best first, in which no two can be told apart.

    `comparisons` is as of `compare_all`. A method that differs from all others is in no run.
    """
    ordered = accuracies.sort_values(ascending=False, kind="stable").index.tolist()
    separated = set()
    for row in comparisons[comparisons["adjusted"] < LEVEL].itertuples():
        separated |= {(row.first, row.second), (row.second, row.first)}
    runs: list[list[str]] = []
    for start in range(len(ordered)):
        end = start + 1
        while end < len(ordered) and not any(
            (ordered[end], member) in separated for member in ordered[start:end]
        ):
            end += 1
        run = ordered[start:end]
        is_new = not runs or not set(run) <= set(runs[-1])
        if len(run) > 1 and is_new:
            runs.append(run)
    return runs


def _sign_tests(right: pd.DataFrame, people: np.ndarray, seed: int) -> np.ndarray:
    """Test for each pair whether people's sums of differences lie around zero; return the p's.

    Their signs are exchanged at random, for all pairs alike. Equal methods have a p of 1.
    """
    sums = right.astype(float).groupby(people).sum().to_numpy()  # (P, M)
    first, second = np.triu_indices(right.shape[1], 1)
    by_person = sums[:, first] - sums[:, second]  # (P, pairs)
    rng = np.random.default_rng(seed)
    signs = rng.choice([-1.0, 1.0], size=(_EXCHANGES, len(sums)))
    exchanged = np.abs(signs @ by_person)
    # Sums of the same numbers in another order differ by rounding.
    reached = (exchanged >= np.abs(by_person.sum(0)) - 1e-9).sum(0)
    return (reached + 1) / (_EXCHANGES + 1)

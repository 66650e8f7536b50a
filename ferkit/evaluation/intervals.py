"""Confidence intervals over people, and paired comparisons of two methods.

`people` `(N,)` is the person of each sample; where unknown, the picture's name.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binomtest

REPEATS = 2000  # of the bootstrap
_LEVEL = 0.95  # of confidence
TAILS = ((1 - _LEVEL) / 2, (1 + _LEVEL) / 2)  # the quantiles at the ends of an interval
INTERVAL = ("value", "low", "high", "n")
_BLOCK = 4_000_000  # resampled counts in memory at once


@dataclass(frozen=True)
class Score:
    """A value with its confidence interval, from `n` samples of `people` people."""

    value: float
    low: float
    high: float
    n: int
    people: int

    def metric(self) -> dict[str, float]:
        """Return the score as an entry of a run record."""
        return {name: getattr(self, name) for name in INTERVAL}

    def __str__(self) -> str:
        interval = f"[{self.low:.3f}, {self.high:.3f}]"
        return f"{self.value:.3f} {interval}, n = {self.n} of {self.people} people"


@dataclass(frozen=True)
class McNemar:
    """Samples that one method alone got right, and the exact p."""

    only_a: int
    only_b: int
    p: float


def bootstrap(
    values: ArrayLike,
    people: ArrayLike,
    *,
    statistic: Callable[[np.ndarray], float] = np.mean,
    repeats: int = REPEATS,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> Score:
    """Compute a statistic of samples and its 95 % interval over people.

    The interval is the percentile interval from drawing whole people with replacement. Samples of
    one person resemble each other, so resampling pictures would give intervals that are too narrow;
    with fewer than some twenty people even these are. `values` is `(N, ...)`. One person gives no
    interval (NaN).

    Where all values are the same, resampling says nothing about other people. Then, for bool values
    or with `bounds`, the interval is the exact one (Clopper and Pearson) for how many people may
    differ, as if each were one sample.
    """
    values = np.asarray(values)
    people = np.asarray(people)
    if people.shape != values.shape[:1]:
        raise ValueError(
            f"expected values (N, ...) and N people, got {values.shape} and {people.shape}"
        )
    codes, names = pd.factorize(people, sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"{(codes < 0).sum()} of {len(codes)} samples lack a person; "
            "where unknown, use the picture's name"
        )
    if not len(values):
        return Score(math.nan, math.nan, math.nan, 0, 0)
    value = float(statistic(values))
    if bounds is None and values.dtype == bool:
        bounds = (0, 1)
    low = high = math.nan
    if len(names) > 1:
        if bounds and (values == values[0]).all():
            differing = 1 - TAILS[0] ** (1 / len(names))
            low, high = (value + differing * (bound - value) for bound in bounds)
        else:
            resampled = _resample(values, codes, statistic, repeats, seed)
            low, high = np.nanquantile(resampled, TAILS).tolist()
    return Score(value, low, high, len(values), len(names))


def over_trainings(
    values: ArrayLike,
    people: ArrayLike,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> Score:
    """Average several trainings, with an interval over people and trainings.

    `values` is `(S, N)`: a row is one training of the same method. Each repeat draws whole people
    and, independently, trainings with replacement. Of S trainings S - 1 are drawn, so that the mean
    over them varies as that of S does (Rao and Wu 1988). One training gives the interval of
    `bootstrap`, which ignores the variation between trainings; with two to five the interval is a
    rough one. Where all values are the same, it is that of `bootstrap` too; see there for `bounds`.
    """
    values = np.asarray(values, dtype=np.float64)
    people = np.asarray(people)
    if values.ndim != 2 or not values.size or people.shape != values.shape[1:]:
        raise ValueError(
            "expected values (S, N), S at least 1, and N people, "
            f"got {values.shape} and {people.shape}"
        )
    over_people = bootstrap(values.mean(0), people, repeats=repeats, seed=seed, bounds=bounds)
    trainings = len(values)
    if trainings == 1 or over_people.people == 1 or (values == values[0, 0]).all():
        return over_people
    codes = pd.factorize(people, sort=True)[0]
    rng = np.random.default_rng(seed)
    person_draws = _draw_counts(rng, over_people.people, repeats)
    sums = np.stack([np.bincount(codes, weights=row) for row in values], 1)
    means = (person_draws @ sums) / (person_draws @ np.bincount(codes))[:, None]  # (repeats, S)
    chances = np.full(trainings, 1 / trainings)
    weights = rng.multinomial(trainings - 1, chances, size=repeats) / (trainings - 1)
    low, high = np.quantile((means * weights).sum(1), TAILS).tolist()
    return replace(over_people, low=low, high=high)


def compare_paired(
    correct_a: ArrayLike, correct_b: ArrayLike, people: ArrayLike, *, seed: int = 0
) -> Score:
    """Subtract the second accuracy from the first on the same samples.

    A sample is 1 (right) or 0, or the share of several trainings that are right.
    """
    a, b = _paired(correct_a, correct_b)
    return bootstrap(a - b, people, seed=seed, bounds=(-1, 1))


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> McNemar:
    """Make McNemar's exact test of two methods on the same samples, each right or wrong.

    It takes samples as independent, which pictures of one person are not: trust `compare_paired`
    where the two disagree. ValueError for shares of several trainings.
    """
    a, b = _paired(correct_a, correct_b)
    values = np.concatenate([a, b])
    shares = values[(values != 0) & (values != 1)]
    if shares.size:
        raise ValueError(
            f"McNemar's test counts samples that are right (1) or wrong (0), got {shares[0]:.3g}; "
            "compare shares of several trainings by compare_paired"
        )
    only_a = int((a > b).sum())
    only_b = int((b > a).sum())
    p = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, float(p))


def _draw_counts(rng: np.random.Generator, people: int, repeats: int) -> np.ndarray:
    """Draw people with replacement; count each, `(repeats, people)`."""
    return rng.multinomial(people, np.full(people, 1 / people), size=repeats)


def _resample(
    values: np.ndarray,
    codes: np.ndarray,
    statistic: Callable[[np.ndarray], float],
    repeats: int,
    seed: int,
) -> np.ndarray:
    """Compute the statistic of `repeats` draws of people, `(repeats,)`."""
    rng = np.random.default_rng(seed)
    people = codes.max() + 1
    block = max(1, _BLOCK // people)
    results = []
    for start in range(0, repeats, block):
        draws = _draw_counts(rng, people, min(block, repeats - start))
        if statistic is np.mean and values.ndim == 1:
            sums = draws @ np.bincount(codes, weights=values)
            results.append(sums / (draws @ np.bincount(codes)))
        else:
            samples = (np.repeat(values, counts[codes], axis=0) for counts in draws)
            results.append(np.array([statistic(sample) for sample in samples], dtype=float))
    return np.concatenate(results)


def _paired(correct_a: ArrayLike, correct_b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a = np.asarray(correct_a, dtype=np.float64)
    b = np.asarray(correct_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(
            f"a paired comparison needs the same samples twice, got {a.shape} and {b.shape}"
        )
    return a, b

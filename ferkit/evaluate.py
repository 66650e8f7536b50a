"""Scores, with intervals over people, and paired comparisons: arrays in, numbers out.

Convention
- `truth` and `guess` are `(N,)`, names or class indices; `scores` `(N, K)` with one column per class; `people` `(N,)` the person
  of each sample (the picture's own name where nobody knows; persons of two data sets need different names).
- What is undefined is nan and stays in the table.
- A metric is what run records hold: a dict of `value`, `low`, `high` and `n`, under a name such as "stills/50/raw/top1".
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import binomtest

from ferkit.labels import LabelSet

REPEATS = 2000
LEVEL = 0.95
INTERVAL = ("value", "low", "high", "n")
BLOCK = 4_000_000  # drawn counts held in memory at once


@dataclass(frozen=True)
class Score:
    """A value with its interval, from `n` samples of `people` people."""

    value: float
    low: float
    high: float
    n: int
    people: int

    def metric(self) -> dict[str, float]:
        """The score as an entry of a run record."""
        return {name: getattr(self, name) for name in INTERVAL}

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n} of {self.people} people"


@dataclass(frozen=True)
class McNemar:
    """How many samples only the first, and only the second, got right, and the two-sided exact probability."""

    only_a: int
    only_b: int
    p: float


# --- scores ---


def accuracy(truth: ArrayLike, guess: ArrayLike) -> float:
    """The share of right guesses; nan without samples."""
    right = _correct(truth, guess)
    return float(right.mean()) if right.size else math.nan


def hits(scores: ArrayLike, truth: ArrayLike, k: int = 1) -> np.ndarray:
    """Whether the true class is among the k highest scores, `(N,)` bool; of equal scores the earlier class is higher.

    `truth` are class indices. ValueError for a score that is nan and for a k outside 1..K.
    """
    scores, truth = np.asarray(scores, dtype=np.float64), np.asarray(truth)
    if scores.ndim != 2 or truth.shape != scores.shape[:1] or not np.issubdtype(truth.dtype, np.integer):
        raise ValueError(
            f"expected scores (N, K) and N class indices, got {scores.shape} and {truth.dtype} {truth.shape}"
        )
    if np.isnan(scores).any():
        raise ValueError(
            f"{np.isnan(scores).any(1).sum()} of {len(scores)} samples have scores that are nan: leave them out"
        )
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k must lie in 1..{classes}, the number of classes; got {k}")
    if ((truth < 0) | (truth >= classes)).any():
        raise ValueError(f"class indices must lie in 0..{classes - 1}, got {truth.min()}..{truth.max()}")
    own = scores[np.arange(len(truth)), truth][:, None]
    earlier = np.arange(classes) < truth[:, None]
    return ((scores > own) | ((scores == own) & earlier)).sum(1) < k


def top_k(scores: ArrayLike, truth: ArrayLike, k: int) -> float:
    """The share of samples whose true class is among the k highest scores (see `hits`); nan without samples."""
    found = hits(scores, truth, k)
    return float(found.mean()) if found.size else math.nan


def confusion(truth: ArrayLike, guess: ArrayLike, names: Iterable[str]) -> pd.DataFrame:
    """Counts, a row for each true class and a column for each guess, in the order of `names`."""
    names = tuple(names)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (_codes(truth, names), _codes(guess, names)), 1)
    return pd.DataFrame(counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted"))


def recalls(
    truth: ArrayLike,
    guess: ArrayLike,
    names: Iterable[str],
    people: ArrayLike,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> pd.DataFrame:
    """The share of each true class that was guessed right, with its interval: value, low, high, n, people by class.

    A class that does not occur has nan.
    """
    names, people = tuple(names), np.asarray(people)
    truth, right = _codes(truth, names), _codes(truth, names) == _codes(guess, names)
    of_class = (truth == code for code in range(len(names)))
    rows = [bootstrap(right[mine], people[mine], repeats=repeats, seed=seed) for mine in of_class]
    return pd.DataFrame([vars(row) for row in rows], index=pd.Index(names, name="true"))


# --- intervals ---


def bootstrap(
    values: ArrayLike,
    people: ArrayLike,
    *,
    statistic: Callable[[np.ndarray], float] = np.mean,
    repeats: int = REPEATS,
    seed: int = 0,
    bounds: tuple[float, float] | None = None,
) -> Score:
    """`statistic` of the samples, with the 95 % percentile interval from drawing whole people with replacement.

    `values` is `(N, ...)`. Samples of one person resemble each other, so resampling pictures would give intervals that are
    too narrow; with under some twenty people even these are. One person gives no interval (nan). Where all values are the
    same, resampling knows nothing of other people: then, for bool values or with `bounds`, the interval is the exact one
    (Clopper and Pearson) for how many people may differ, as if each were one sample.
    """
    values, people = np.asarray(values), np.asarray(people)
    if people.shape != values.shape[:1]:
        raise ValueError(f"expected values (N, ...) and N people, got {values.shape} and {people.shape}")
    codes, who = pd.factorize(people, sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"{(codes < 0).sum()} of {len(codes)} samples lack a person; where unknown, use the picture's name"
        )
    if not len(values):
        return Score(math.nan, math.nan, math.nan, 0, 0)
    value = float(statistic(values))
    if len(who) == 1:
        low = high = math.nan
    elif (bounds or values.dtype == bool) and (values == values[0]).all():
        differ = 1 - ((1 - LEVEL) / 2) ** (1 / len(who))
        low, high = (value + differ * (end - value) for end in bounds or (0, 1))
    else:
        tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low, high = np.nanquantile(_resampled(values, codes, statistic, repeats, seed), tails).tolist()
    return Score(value, low, high, len(values), len(who))


def over_trainings(values: ArrayLike, people: ArrayLike, *, repeats: int = REPEATS, seed: int = 0) -> Score:
    """The mean of values `(S, N)`, a row for each training of one method, with the 95 % interval over people *and* trainings.

    Each repeat draws whole people and, independently, trainings with replacement. Of S trainings S - 1 are drawn, so that the
    mean over them varies as that of S does (Rao and Wu 1988). With one training it is `bootstrap`, which knows nothing of the chance of
    training; with two to five the interval is a rough one.
    """
    values, people = np.asarray(values, dtype=np.float64), np.asarray(people)
    if values.ndim != 2 or not values.size or people.shape != values.shape[1:]:
        raise ValueError(f"expected values (S, N), S at least 1, and N people, got {values.shape} and {people.shape}")
    whole = bootstrap(values.mean(0), people, repeats=repeats, seed=seed)
    trainings, codes = len(values), pd.factorize(people, sort=True)[0]
    if trainings == 1 or whole.people == 1:
        return whole
    rng, count = np.random.default_rng(seed), codes.max() + 1
    sums = np.stack([np.bincount(codes, weights=row) for row in values], 1)
    times = rng.multinomial(count, np.full(count, 1 / count), size=repeats)
    means = (times @ sums) / (times @ np.bincount(codes))[:, None]
    drawn = rng.multinomial(trainings - 1, np.full(trainings, 1 / trainings), size=repeats) / (trainings - 1)
    low, high = np.quantile((means * drawn).sum(1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return replace(whole, low=low, high=high)


def score(correct: ArrayLike, people: ArrayLike, *, repeats: int = REPEATS, seed: int = 0) -> dict[str, float]:
    """The share of right answers as a metric: value, its interval over people, and n."""
    return bootstrap(np.asarray(correct, dtype=bool), people, repeats=repeats, seed=seed).metric()


def top_k_metrics(
    scores: ArrayLike, truth: ArrayLike, people: ArrayLike, k: int = 5, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """The metrics top1 to top`k` (as far as there are classes)."""
    most = min(k, np.shape(scores)[1])
    return {f"top{i}": score(hits(scores, truth, i), people, seed=seed) for i in range(1, most + 1)}


def open_and_present(
    scores: ArrayLike, names: Iterable[str], truth: Sequence[str], people: ArrayLike, *, seed: int = 0
) -> dict[str, Score]:
    """The accuracy of choosing among all classes ("open"), and among those that occur in `truth` ("present")."""
    right = right_among(scores, names, truth)
    return {choice: bootstrap(correct, people, seed=seed) for choice, correct in right.items()}


def right_among(scores: ArrayLike, names: Iterable[str], truth: Sequence[str]) -> dict[str, np.ndarray]:
    """Which samples are right `(N,)` when choosing among all classes ("open"), and among those in `truth` ("present").

    For a model of more classes than the test data shows; `truth` are names, ValueError where the model lacks one.
    """
    scores, names = np.asarray(scores, dtype=np.float64), LabelSet(tuple(names))
    codes = names.encode(truth)
    present = np.isin(np.arange(len(names)), codes)
    return {"open": hits(scores, codes), "present": hits(np.where(present, scores, -np.inf), codes)}


def compare_paired(correct_a: ArrayLike, correct_b: ArrayLike, people: ArrayLike, *, seed: int = 0) -> Score:
    """How much larger the first share of right answers is on the same samples, with its interval over people."""
    a, b = _paired(correct_a, correct_b)
    return bootstrap(a.astype(int) - b, people, seed=seed, bounds=(-1, 1))


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> McNemar:
    """McNemar's exact test on the samples that one of two methods got right.

    It takes samples as independent. Pictures of one person are not: trust `compare_paired` where they disagree.
    """
    a, b = _paired(correct_a, correct_b)
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    p = binomtest(only_a, only_a + only_b).pvalue if only_a + only_b else 1.0
    return McNemar(only_a, only_b, float(p))


def _resampled(
    values: np.ndarray, codes: np.ndarray, statistic: Callable[[np.ndarray], float], repeats: int, seed: int
) -> np.ndarray:
    """The statistic of each of `repeats` drawn sets of people."""
    rng, people = np.random.default_rng(seed), codes.max() + 1
    drawn, step = [], max(1, BLOCK // people)
    sizes = np.bincount(codes)
    for start in range(0, repeats, step):
        times = rng.multinomial(people, np.full(people, 1 / people), size=min(step, repeats - start))
        if statistic is np.mean and values.ndim == 1:
            drawn.append((times @ np.bincount(codes, weights=values)) / (times @ sizes))
        else:
            drawn.append(np.array([statistic(np.repeat(values, row[codes], axis=0)) for row in times], dtype=float))
    return np.concatenate(drawn)


def _codes(values: ArrayLike, names: tuple[str, ...]) -> np.ndarray:
    array = np.asarray(values)
    if not array.size:
        return np.zeros(0, dtype=np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        return LabelSet(names).encode(array.tolist())
    if array.min() < 0 or array.max() >= len(names):
        raise ValueError(f"class indices must lie in 0..{len(names) - 1}, got {array.min()}..{array.max()}")
    return array.astype(np.int64)


def _correct(truth: ArrayLike, guess: ArrayLike) -> np.ndarray:
    truth, guess = np.asarray(truth), np.asarray(guess)
    if truth.shape != guess.shape or truth.ndim != 1:
        raise ValueError(f"expected truth and guess of one length, got {truth.shape} and {guess.shape}")
    if truth.size and np.issubdtype(truth.dtype, np.number) != np.issubdtype(guess.dtype, np.number):
        raise ValueError(f"expected names or class indices on both sides, got {truth.dtype} and {guess.dtype}")
    return truth == guess


def _paired(correct_a: ArrayLike, correct_b: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    a, b = np.asarray(correct_a, dtype=bool), np.asarray(correct_b, dtype=bool)
    if a.shape != b.shape or a.ndim != 1:
        raise ValueError(f"a paired comparison needs the same samples twice, got {a.shape} and {b.shape} answers")
    return a, b

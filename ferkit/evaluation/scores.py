"""Accuracy, top k, confusion counts and recalls, with confidence intervals.

Convention
- `truth` and `predicted` are `(N,)`, class names or indices; `scores` `(N, K)` has a column for
  each class; `people` `(N,)` is the person of each sample (where unknown, the picture's name;
  people of two data sets need different names).
- What is undefined is NaN and stays in the table.
- A metric is an entry of a run record: a dict of `value`, `low`, `high` and `n`, under a name such
  as "stills/50/raw/top1".
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.core.labels import LabelSet
from ferkit.evaluation.intervals import REPEATS, Score, bootstrap


def accuracy(truth: ArrayLike, predicted: ArrayLike) -> float:
    """Return the share of correct predictions; NaN without samples."""
    truth = np.asarray(truth)
    predicted = np.asarray(predicted)
    if truth.shape != predicted.shape or truth.ndim != 1:
        raise ValueError(
            "expected true and predicted classes of one length, "
            f"got {truth.shape} and {predicted.shape}"
        )
    are_indices = [np.issubdtype(classes.dtype, np.number) for classes in (truth, predicted)]
    if truth.size and are_indices[0] != are_indices[1]:
        raise ValueError(
            "expected names or class indices on both sides, "
            f"got {truth.dtype} and {predicted.dtype}"
        )
    return _mean(truth == predicted)


def hits(scores: ArrayLike, truth: ArrayLike, k: int = 1) -> np.ndarray:
    """Tell whether the true class is among the k best, `(N,)`.

    Of equal scores that of the earlier class counts as higher. `truth` are class indices.
    ValueError for a score that is NaN and for a k outside 1..K.
    """
    scores = np.asarray(scores, dtype=np.float64)
    truth = np.asarray(truth)
    are_indices = np.issubdtype(truth.dtype, np.integer)
    if scores.ndim != 2 or truth.shape != scores.shape[:1] or not are_indices:
        raise ValueError(
            "expected scores (N, K) and N class indices, "
            f"got {scores.shape} and {truth.dtype} {truth.shape}"
        )
    undefined = np.isnan(scores).any(1)
    if undefined.any():
        raise ValueError(
            f"{undefined.sum()} of {len(scores)} samples have scores that are NaN: leave them out"
        )
    classes = scores.shape[1]
    if not 1 <= k <= classes:
        raise ValueError(f"k must lie in 1..{classes}, the number of classes; got {k}")
    _check_indices(truth, classes)
    true_scores = scores[np.arange(len(truth)), truth][:, None]
    is_earlier = np.arange(classes) < truth[:, None]
    is_higher = (scores > true_scores) | ((scores == true_scores) & is_earlier)
    return is_higher.sum(1) < k


def top_k(scores: ArrayLike, truth: ArrayLike, k: int) -> float:
    """Return the share of samples that are `hits`; NaN without samples."""
    return _mean(hits(scores, truth, k))


def confusion(truth: ArrayLike, predicted: ArrayLike, names: Iterable[str]) -> pd.DataFrame:
    """Count samples by true class (rows) and predicted class (columns)."""
    names = tuple(names)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (_encode(truth, names), _encode(predicted, names)), 1)
    return pd.DataFrame(
        counts, index=pd.Index(names, name="true"), columns=pd.Index(names, name="predicted")
    )


def recalls(
    truth: ArrayLike,
    predicted: ArrayLike,
    names: Iterable[str],
    people: ArrayLike,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> pd.DataFrame:
    """Tabulate each true class's share of correct predictions, with its interval.

    The columns are value, low, high, n and people. A class that does not occur has NaN.
    """
    names = tuple(names)
    people = np.asarray(people)
    truth = _encode(truth, names)
    correct = truth == _encode(predicted, names)
    rows = []
    for code in range(len(names)):
        of_class = truth == code
        recall = bootstrap(correct[of_class], people[of_class], repeats=repeats, seed=seed)
        rows.append(vars(recall))
    return pd.DataFrame(rows, index=pd.Index(names, name="true"))


def score(
    correct: ArrayLike, people: ArrayLike, *, repeats: int = REPEATS, seed: int = 0
) -> dict[str, float]:
    """Return the share of correct predictions as a metric."""
    return bootstrap(np.asarray(correct, dtype=bool), people, repeats=repeats, seed=seed).metric()


def top_k_metrics(
    scores: ArrayLike, truth: ArrayLike, people: ArrayLike, k: int = 5, *, seed: int = 0
) -> dict[str, dict[str, float]]:
    """Return the metrics top1 to top`k`, as far as classes go."""
    most = min(k, np.shape(scores)[1])
    return {f"top{i}": score(hits(scores, truth, i), people, seed=seed) for i in range(1, most + 1)}


def open_and_present(
    scores: ArrayLike,
    names: Iterable[str],
    truth: Sequence[str],
    people: ArrayLike,
    *,
    seed: int = 0,
) -> dict[str, Score]:
    """Return the accuracies of both choices of `right_among`, with intervals."""
    right = right_among(scores, names, truth)
    return {choice: bootstrap(correct, people, seed=seed) for choice, correct in right.items()}


def right_among(
    scores: ArrayLike, names: Iterable[str], truth: Sequence[str]
) -> dict[str, np.ndarray]:
    """Tell which samples are right `(N,)` with two choices of classes.

    "open" chooses among all classes of the model, "present" among those that occur in `truth`, for
    a model with more classes than the test data. `truth` are names; ValueError for one that the
    model lacks.
    """
    scores = np.asarray(scores, dtype=np.float64)
    labels = LabelSet(tuple(names))
    codes = labels.encode(truth)
    is_present = np.isin(np.arange(len(labels)), codes)
    present_scores = np.where(is_present, scores, -np.inf)
    return {"open": hits(scores, codes), "present": hits(present_scores, codes)}


# --- steps and checks ---


def _mean(correct: np.ndarray) -> float:
    return float(correct.mean()) if correct.size else math.nan


def _encode(classes: ArrayLike, names: tuple[str, ...]) -> np.ndarray:
    """Return the indices of classes given by name or index."""
    array = np.asarray(classes)
    if not array.size:
        return np.zeros(0, dtype=np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        return LabelSet(names).encode(array.tolist())
    _check_indices(array, len(names))
    return array.astype(np.int64)


def _check_indices(indices: np.ndarray, classes: int) -> None:
    if indices.size and (indices.min() < 0 or indices.max() >= classes):
        raise ValueError(
            f"class indices must lie in 0..{classes - 1}, got {indices.min()}..{indices.max()}"
        )

"""Are two pictures the same person? Pairs of people never seen, ten folds, a threshold chosen on nine, and the ROC.

M. Li et al. 2021, section 4.4, after LFW's protocol: every fold holds as many pairs of one person as of two, and no person is in
two folds.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.evaluate import LEVEL, REPEATS, Score


@dataclass(frozen=True, eq=False)
class Pairs:
    """P pairs of pictures: `first` and `second` (P,) are places among the pictures, `same` (P,) bool, `fold` (P,) 0, 1, ..."""

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray

    def __len__(self) -> int:
        return len(self.same)


@dataclass(frozen=True, eq=False)
class Verified:
    """Whether each pair was told right, `(P,)` bool, with its fold's threshold, `(folds,)`; the accuracy with its interval."""

    correct: np.ndarray
    thresholds: np.ndarray
    score: Score


def make_pairs(people: ArrayLike, folds: int = 10, per_fold: int | None = None, seed: int = 0) -> Pairs:
    """Pairs of the pictures whose persons are given, `(N,)`: in each fold all pairs of one person, at most `per_fold`, drawn
    evenly, and as many of two persons of the same fold.

    ValueError when a fold would have no pair of one kind.
    """
    people, rng = np.asarray(people), np.random.default_rng(seed)
    codes, who = pd.factorize(people, sort=True)
    if (codes < 0).any():
        raise ValueError(f"{(codes < 0).sum()} of {len(codes)} pictures lack a person: leave them out")
    if not 2 <= folds <= len(who) // 2:
        raise ValueError(f"{folds} folds with two people each cannot be made of {len(who)} people")
    fold_of = rng.permutation(len(who))[codes] % folds
    rows = []
    for fold in range(folds):
        here = np.flatnonzero(fold_of == fold)
        i, j = (here[side] for side in np.triu_indices(len(here), 1))
        same, different = (np.flatnonzero(side) for side in ((codes[i] == codes[j]), (codes[i] != codes[j])))
        count = min(len(same), len(different), per_fold or len(same))
        if not count:
            raise ValueError(f"fold {fold} has no two pictures of one person; make fewer folds, or give more pictures")
        for chosen, kind in ((rng.choice(same, count, False), True), (rng.choice(different, count, False), False)):
            rows.append(np.stack([i[chosen], j[chosen], np.full(count, kind), np.full(count, fold)], axis=1))
    first, second, kinds, fold_ids = np.concatenate(rows).T
    return Pairs(first, second, kinds.astype(bool), fold_ids)


def cosine(features: ArrayLike, pairs: Pairs) -> np.ndarray:
    """The cosine of the angle between the features `(N, D)` of each pair, `(P,)`; ValueError for a feature that is all 0."""
    rows = np.asarray(features, dtype=np.float64)
    length = np.linalg.norm(rows, axis=1)
    if not (np.isfinite(length) & (length > 0)).all():
        raise ValueError(
            f"{int((~(length > 0)).sum())} of {len(rows)} features are 0 or no numbers: they have no direction"
        )
    rows = rows / length[:, None]
    return np.einsum("ij,ij->i", rows[pairs.first], rows[pairs.second])


def best_threshold(similarity: ArrayLike, same: ArrayLike) -> float:
    """The threshold with most pairs right when pairs from it on count as one person: midway between two similarities.

    Of equally good ones the middle one, so that a fold's threshold hangs on no single pair.
    """
    values, kinds = np.asarray(similarity, dtype=np.float64), np.asarray(same, dtype=bool)
    order = np.argsort(values, kind="stable")
    values, kinds = values[order], kinds[order]
    # right with the threshold below the first, between the next two, ..., above the last
    right = np.concatenate([[0], np.cumsum(~kinds)]) + kinds.sum() - np.concatenate([[0], np.cumsum(kinds)])
    edges = np.concatenate([[values[0]], (values[1:] + values[:-1]) / 2, [np.nextafter(values[-1], np.inf)]])
    apart = np.concatenate([[True], values[1:] > values[:-1], [True]])  # none lies between equal similarities
    best = np.flatnonzero(apart & (right == right[apart].max()))
    return float(edges[best[len(best) // 2]])


def verify(similarity: ArrayLike, pairs: Pairs, people: ArrayLike, *, seed: int = 0) -> Verified:
    """Each fold's pairs told with the threshold that is best on the other folds; `people` are the pictures' persons, `(N,)`."""
    values = np.asarray(similarity, dtype=np.float64)
    if values.shape != pairs.same.shape:
        raise ValueError(f"expected a similarity for each of {len(pairs)} pairs, got {values.shape}")
    names = np.unique(pairs.fold)
    thresholds = np.array([best_threshold(values[pairs.fold != f], pairs.same[pairs.fold != f]) for f in names])
    told = values >= thresholds[np.searchsorted(names, pairs.fold)]
    correct = told == pairs.same
    return Verified(correct, thresholds, pair_score(correct, pairs, people, seed=seed))


def pair_score(correct: ArrayLike, pairs: Pairs, people: ArrayLike, *, repeats: int = REPEATS, seed: int = 0) -> Score:
    """The share of pairs told right, with its 95 % interval from drawing people with replacement.

    A pair counts as often as its person was drawn, a pair of two as often as the one was times the other. Pairs share people,
    so drawing pairs would give intervals that are too narrow. n is the number of pairs.
    """
    right, rng = np.asarray(correct, dtype=np.float64), np.random.default_rng(seed)
    codes, who = pd.factorize(np.asarray(people), sort=True)
    one, two = codes[pairs.first], codes[pairs.second]
    if ((one == two) != pairs.same).any():
        raise ValueError(
            "the pairs are not of these pictures: some that are of one person are not, or the other way round"
        )
    used = np.unique(np.concatenate([one, two]))
    times = np.zeros(len(who))
    drawn = []
    for _ in range(repeats):
        times[used] = rng.multinomial(len(used), np.full(len(used), 1 / len(used)))
        weights = np.where(pairs.same, times[one], times[one] * times[two])
        drawn.append((weights @ right) / weights.sum() if weights.any() else np.nan)
    low, high = np.nanquantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return Score(float(right.mean()), low, high, len(right), len(used))


def roc(similarity: ArrayLike, same: ArrayLike) -> pd.DataFrame:
    """The ROC: threshold, false_accepts and true_accepts, from the strictest threshold to the loosest.

    false_accepts is the share of pairs of two people that reach the threshold, true_accepts that of pairs of one.
    """
    values, kinds = np.asarray(similarity, dtype=np.float64), np.asarray(same, dtype=bool)
    if kinds.all() or not kinds.any():
        raise ValueError("a ROC needs pairs of one person and pairs of two")
    order = np.argsort(-values, kind="stable")
    values, kinds = values[order], kinds[order]
    last = np.append(values[1:] < values[:-1], True)  # equal similarities are accepted together
    false, true = (np.append(0, np.cumsum(side)[last] / side.sum()) for side in (~kinds, kinds))
    thresholds = np.append(np.inf, values[last])
    return pd.DataFrame({"threshold": thresholds, "false_accepts": false, "true_accepts": true})


def area(curve: pd.DataFrame) -> float:
    """The area under a ROC: the chance that a pair of one person is more similar than a pair of two."""
    return float(np.trapezoid(curve["true_accepts"], curve["false_accepts"]))

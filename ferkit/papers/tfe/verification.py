"""Verification: do two pictures show the same person?

M. Li et al. 2021, section 4.4, after LFW's protocol. Pairs are of people never seen, in ten folds;
every fold holds as many pairs of one person as of two, and no person is in two folds. Nine folds
choose a threshold, the tenth is tested with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.metrics import roc_curve

from ferkit.data.clip import Clip
from ferkit.data.reports import count_noun, shorten
from ferkit.data.sets.lfw import Pair
from ferkit.evaluation.intervals import REPEATS, TAILS, Score


@dataclass(frozen=True, eq=False)
class Pairs:
    """P pairs of pictures.

    `first` and `second` `(P,)` are row numbers of pictures, `same` `(P,)` bool says whether they
    show one person, `fold` `(P,)` counts from 0.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray

    def __len__(self) -> int:
        return len(self.same)


@dataclass(frozen=True, eq=False)
class Verified:
    """Whether each pair was judged correctly, `(P,)` bool, and the accuracy with its interval.

    `thresholds` `(folds,)` are those with which the folds were tested.
    """

    correct: np.ndarray
    thresholds: np.ndarray
    score: Score


def lfw_pairs(pairs: Sequence[Pair], clips: Sequence[Clip]) -> Pairs:
    """Find the pictures of LFW's listed pairs among `clips` (section 4.1).

    The 6 000 pairs of view 2 are in ten folds of 600. ValueError for pairs of one fold, which are
    view 1, and for pairs of pictures that are not among the clips.
    """
    rows = {clip.name: row for row, clip in enumerate(clips)}
    names = {pair.first for pair in pairs} | {pair.second for pair in pairs}
    if missing := sorted(names - rows.keys()):
        pictures = count_noun(missing, "picture")
        raise ValueError(f"{pictures} of the pairs not among the clips: {shorten(missing)}")
    fold = np.array([pair.fold - 1 for pair in pairs])
    if len(np.unique(fold)) < 2:
        raise ValueError("expected pairs in several folds, as read_pairs(root) gives; got one fold")
    return Pairs(
        first=np.array([rows[pair.first] for pair in pairs]),
        second=np.array([rows[pair.second] for pair in pairs]),
        same=np.array([pair.same for pair in pairs]),
        fold=fold,
    )


def make_pairs(people: ArrayLike, folds: int = 10, seed: int = 0) -> Pairs:
    """Pair pictures in folds that share no person; `people` `(N,)` are the pictures' persons.

    Each fold has as many pairs of one person as of two, drawn evenly: all pairs of the rarer kind.
    ValueError when a fold would have no pair of one kind.
    """
    codes, names = pd.factorize(np.asarray(people), sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"{(codes < 0).sum()} of {len(codes)} pictures lack a person; leave them out"
        )
    if not 2 <= folds <= len(names) // 2:
        raise ValueError(
            f"{folds} folds with two people each cannot be made of {len(names)} people"
        )
    rng = np.random.default_rng(seed)
    fold_of = rng.permutation(len(names))[codes] % folds
    parts = []
    for fold in range(folds):
        pictures = np.flatnonzero(fold_of == fold)
        upper = np.triu_indices(len(pictures), 1)
        first = pictures[upper[0]]
        second = pictures[upper[1]]
        same = codes[first] == codes[second]
        count = min(same.sum(), (~same).sum())
        if not count:
            raise ValueError(
                f"fold {fold} has no two pictures of one person; "
                "make fewer folds, or give more pictures"
            )
        for kind in (same, ~same):
            chosen = rng.choice(np.flatnonzero(kind), count, replace=False)
            part = {"first": first[chosen], "second": second[chosen], "same": same[chosen]}
            parts.append(pd.DataFrame(part).assign(fold=fold))
    table = pd.concat(parts)
    return Pairs(*(table[name].to_numpy() for name in ("first", "second", "same", "fold")))


def cosine_similarity(features: ArrayLike, pairs: Pairs) -> np.ndarray:
    """The cosine of the angle between the features `(N, D)` of each pair, `(P,)`.

    ValueError for a feature that is all 0 or not finite.
    """
    rows = np.asarray(features, dtype=np.float64)
    length = np.linalg.norm(rows, axis=1)
    usable = np.isfinite(length) & (length > 0)
    if not usable.all():
        raise ValueError(
            f"{(~usable).sum()} of {len(rows)} features are 0 or NaN and have no direction; "
            "check the network's weights"
        )
    directions = rows / length[:, None]
    return np.einsum("ij,ij->i", directions[pairs.first], directions[pairs.second])


def best_threshold(similarity: ArrayLike, same: ArrayLike) -> float:
    """The threshold that judges most pairs correctly, midway between two similarities.

    Pairs from it on count as one person. Of equally good thresholds it is the middle one, so that
    no single pair decides.
    """
    values = np.asarray(similarity, dtype=np.float64)
    kinds = np.asarray(same, dtype=bool)
    order = np.argsort(values, kind="stable")
    values = values[order]
    kinds = kinds[order]
    # With the threshold below the first pair, between the next two, ..., above the last.
    rejected = np.concatenate([[0], np.cumsum(~kinds)])
    accepted = kinds.sum() - np.concatenate([[0], np.cumsum(kinds)])
    correct = rejected + accepted
    middles = (values[1:] + values[:-1]) / 2
    edges = np.concatenate([[values[0]], middles, [np.nextafter(values[-1], np.inf)]])
    # No threshold lies between equal similarities.
    apart = np.concatenate([[True], values[1:] > values[:-1], [True]])
    best = np.flatnonzero(apart & (correct == correct[apart].max()))
    return float(edges[best[len(best) // 2]])


def verify(similarity: ArrayLike, pairs: Pairs, people: ArrayLike, *, seed: int = 0) -> Verified:
    """Judge each fold's pairs with the threshold that is best on the other folds.

    `people` `(N,)` are the pictures' persons.
    """
    values = np.asarray(similarity, dtype=np.float64)
    if values.shape != pairs.same.shape:
        raise ValueError(
            f"expected a similarity for each of {len(pairs)} pairs, got {values.shape}"
        )
    folds = np.unique(pairs.fold)
    thresholds = np.empty(len(folds))
    judged_same = np.empty(len(pairs), dtype=bool)
    for number, fold in enumerate(folds):
        test = pairs.fold == fold
        thresholds[number] = best_threshold(values[~test], pairs.same[~test])
        judged_same[test] = values[test] >= thresholds[number]
    correct = judged_same == pairs.same
    return Verified(correct, thresholds, pair_score(correct, pairs, people, seed=seed))


def pair_score(correct: ArrayLike, pairs: Pairs, people: ArrayLike, *, seed: int = 0) -> Score:
    """The share of pairs judged correctly, with its 95 % confidence interval over people.

    People are drawn with replacement. A pair of one person counts as often as this person was
    drawn, a pair of two as often as the one was drawn times the other. Pairs share people, so
    drawing pairs would give intervals that are too narrow. n is the number of pairs.
    """
    correct = np.asarray(correct, dtype=np.float64)
    codes, names = pd.factorize(np.asarray(people), sort=True)
    first = codes[pairs.first]
    second = codes[pairs.second]
    if ((first == second) != pairs.same).any():
        raise ValueError(
            "`people` do not belong to these pairs: some pairs marked as one person are of two, "
            "or the other way round; give the persons of the same pictures"
        )
    rng = np.random.default_rng(seed)
    used = np.unique(np.concatenate([first, second]))
    evenly = np.full(len(used), 1 / len(used))
    times = np.zeros(len(names))
    shares = []
    for _ in range(REPEATS):
        times[used] = rng.multinomial(len(used), evenly)
        weights = np.where(pairs.same, times[first], times[first] * times[second])
        total = weights.sum()
        shares.append((weights @ correct) / total if total else np.nan)
    low, high = np.nanquantile(shares, TAILS).tolist()
    return Score(float(correct.mean()), low, high, len(correct), len(used))


def roc(similarity: ArrayLike, same: ArrayLike) -> pd.DataFrame:
    """The ROC curve: threshold, false_accepts and true_accepts, strictest threshold first.

    false_accepts is the share of pairs of two people that reach the threshold, true_accepts that of
    pairs of one.
    """
    kinds = np.asarray(same, dtype=bool)
    if kinds.all() or not kinds.any():
        raise ValueError("a ROC curve needs pairs of one person and pairs of two")
    false, true, thresholds = roc_curve(kinds, similarity, drop_intermediate=False)
    return pd.DataFrame({"threshold": thresholds, "false_accepts": false, "true_accepts": true})

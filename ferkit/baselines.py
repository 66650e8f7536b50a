"""Landmarks as features, and linear classifiers by folds of people.

The SVM is the paper's (`multimodal`, section III): one class against the rest with the squared ("L2") hinge loss.

Convention
- Landmarks are `(N, 68, 2)` on aligned faces (`faces.align`), features `(N, D)`, scores `(N, K)` in the order of `names`.
- A person's pictures are never on both sides of a split; scaling is fitted on the training people only.
- `raw` and `centred` look at one picture. `residual` uses the person's other pictures: report such results as such.

The softmax stands beside it to compare: it trains faster, does as well on seven classes and better on the fifty, which share
their parts.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from ferkit.data.folds import Fold
from ferkit.evaluate import hits
from ferkit.labels import LabelSet
from ferkit.landmarks import residuals

GRID = (0.001, 0.003, 0.01)
INNER_FOLDS = 3

# Folds run side by side; threads of the linear algebra inside them would only wait for each other (measured: 50 times slower).
one_thread = threadpool_limits.wrap(limits=1)

Classifier = Callable[..., Pipeline]  # takes C and seed
Features = ArrayLike | Callable[[np.ndarray], ArrayLike]


# --- features ---


def raw(landmarks: ArrayLike) -> np.ndarray:
    """The landmarks `(N, 68, 2)` as they are, `(N, 136)`. ValueError for a face without landmarks (nan)."""
    return _faces(landmarks).reshape(-1, 136)


def residual(landmarks: ArrayLike, people: ArrayLike, fallback: ArrayLike | None = None) -> np.ndarray:
    """The landmarks minus their person's mean, `(N, 136)`; see `landmarks.residuals` for `fallback`."""
    return residuals(_faces(landmarks), people, fallback).reshape(-1, 136)


def centred(landmarks: ArrayLike, mean_face: ArrayLike) -> np.ndarray:
    """What one picture differs by from the mean face `(68, 2)` of other people, `(N, 136)`.

    Each face is first laid on the mean face by the similarity of least squares over all 68 points. (Subtracting one face
    from all would change nothing for a linear classifier of scaled features.)
    """
    points, mean = _faces(landmarks) @ (1, 1j), _faces(np.asarray(mean_face)[None])[0] @ (1, 1j)
    points, middle = points - points.mean(1, keepdims=True), mean.mean()
    turn = (points.conj() @ (mean - middle)) / (np.abs(points) ** 2).sum(1)  # size and angle as one complex number
    apart = points * turn[:, None] - (mean - middle)
    return np.stack([apart.real, apart.imag], axis=-1).reshape(-1, 136)


# --- classifiers ---


def linear_svm(C: float = 0.003, seed: int = 0) -> Pipeline:
    """Scaling and a linear SVM, one class against the rest, squared hinge loss.

    The best C falls with the number of samples: about 0.01 for 500 faces, 0.001 for 5 000. The intercept is scaled up,
    since liblinear penalises it too, which hurts where each class is a fiftieth of the samples. It is solved in the primal:
    the dual draws from one generator that threads would share, so folds trained side by side would not repeat.
    """
    svm = LinearSVC(C=C, dual=False, tol=1e-3, intercept_scaling=10, max_iter=5000, random_state=seed)
    return make_pipeline(StandardScaler(), svm)


def linear_softmax(C: float = 0.1, seed: int = 0) -> Pipeline:
    """Scaling and multinomial logistic regression (softmax cross-entropy)."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000, random_state=seed))


# --- folds ---


@dataclass(frozen=True, eq=False)
class Answers:
    """What a classifier said of people it had not seen, in the order of the samples it was given.

    `scores` (N, K), `truth` (N,) class indices, `people` (N,), `fold` (N,) the fold each was tested in; `chosen` is each
    fold's C. A class that a fold could not train has the score -inf there.
    """

    names: tuple[str, ...]
    scores: np.ndarray
    truth: np.ndarray
    people: np.ndarray
    fold: np.ndarray
    chosen: Mapping[Any, float | None]

    @property
    def guess(self) -> np.ndarray:
        """The class index with the highest score, `(N,)`."""
        return self.scores.argmax(1)

    def correct(self, k: int = 1) -> np.ndarray:
        """Whether the truth is among the k highest scores, `(N,)` bool."""
        return hits(self.scores, self.truth, k)

    def select(self, rows: np.ndarray) -> "Answers":
        """The answers on some samples, a mask `(N,)` or their positions."""
        return replace(self, **{name: getattr(self, name)[rows] for name in ("scores", "truth", "people", "fold")})


def random_folds(people: ArrayLike, k: int, seed: int = 0) -> np.ndarray:
    """The fold 0..k-1 in which each sample is tested, `(N,)`: everybody in one, people drawn by `seed`, parts even."""
    codes, who = _people(people)
    if not 2 <= k <= len(who):
        raise ValueError(f"{k} folds cannot be made of {len(who)} people; choose 2 to {len(who)}")
    return np.random.default_rng(seed).permutation(len(who))[codes] % k


def listed_folds(people: ArrayLike, folds: Iterable[Fold]) -> np.ndarray:
    """The name of the fold of `data.folds` in which each sample is tested, `(N,)`; ValueError for people in none.

    `people` are the clips' persons, so the folds are of one data set.
    """
    fold_of = {clip.person: fold.name for fold in folds for clip in fold.test}
    if missing := sorted({str(who) for who in np.asarray(people).tolist() if who not in fold_of}):
        raise ValueError(
            f"{len(missing)} people are tested in no fold (first: {missing[0]}); make folds for all samples"
        )
    return np.array([fold_of[who] for who in np.asarray(people).tolist()])


@one_thread
def cross_validate(
    features: Features,
    labels: Sequence[str],
    people: ArrayLike,
    folds: int | ArrayLike = 5,
    *,
    names: Iterable[str] | None = None,
    classifier: Classifier = linear_svm,
    C: float | Sequence[float] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Answers:
    """Every sample's scores from a classifier that saw nobody of its fold.

    `features` are `(N, D)`, or a function that makes them from the training part, a mask `(N,)`, where they depend on it.
    `folds` is how many, or for each sample the fold that tests it, which must not split a person (ValueError). `names`
    orders the classes (sorted otherwise). Of several `C` each fold takes the best in `INNER_FOLDS` folds of its training
    people, which takes that much longer; None is the classifier's own.
    """
    shown, people = np.asarray(labels), np.asarray(people)
    classes, truth = _classes(shown, names, shown)
    fold = np.asarray(folds)
    fold = _whole_people(fold, people) if fold.ndim else random_folds(people, int(fold), seed)
    make = partial(classifier, seed=seed)

    def tested(name: Any) -> tuple[np.ndarray, float | None]:
        train = fold != name
        rows = _rows(features(train) if callable(features) else features, shown, people)
        chosen = _choose(make, C, rows[train], shown[train], people[train], classes, seed)
        return scores_of(fit(make, chosen, rows[train], shown[train]), rows[~train], classes), chosen

    scores, chosen, names_of_folds = np.empty((len(shown), len(classes))), {}, np.unique(fold).tolist()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(names_of_folds))) as pool:  # liblinear lets other threads run
        found = tqdm(pool.map(tested, names_of_folds), "folds", len(names_of_folds), disable=not progress)
        for name, (part, chosen[name]) in zip(names_of_folds, found, strict=True):
            scores[fold == name] = part
    return Answers(classes, scores, truth, people, fold, chosen)


@one_thread
def train_test(
    train: tuple[ArrayLike, Sequence[str], ArrayLike],
    test: tuple[ArrayLike, Sequence[str], ArrayLike],
    *,
    names: Iterable[str] | None = None,
    classifier: Classifier = linear_svm,
    C: float | None = None,
    seed: int = 0,
) -> Answers:
    """The scores of one data set's samples from a classifier trained on another's.

    Both are (features, labels, people). `names` are the classes (those of `train`, sorted, otherwise). ValueError where
    `test` shows another, and where a person is in both.
    """
    shown, people = np.asarray(test[1]), np.asarray(test[2])
    if shared := sorted(set(people.tolist()) & set(np.asarray(train[2]).tolist())):
        raise ValueError(f"{len(shared)} people are in training and test (first: {shared[0]}): test other people")
    classes, truth = _classes(shown, names, np.asarray(train[1]))
    model = fit(partial(classifier, seed=seed), C, train[0], train[1])
    scores = scores_of(model, _rows(test[0], shown, people), classes)
    return Answers(classes, scores, truth, people, np.zeros(len(shown), dtype=int), {0: C})


def fit(classifier: Classifier, C: float | None, features: ArrayLike, labels: ArrayLike) -> Pipeline:
    """The classifier trained on all samples; a C of None is its own."""
    made = classifier() if C is None else classifier(C)
    return made.fit(np.asarray(features, dtype=np.float64), np.asarray(labels))


def scores_of(model: Pipeline, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """One score per class `(N, K)` in the order of `names`, two classes included; -inf for one the model never saw."""
    found = model.decision_function(features)
    found = np.stack([-found, found], axis=1) if found.ndim == 1 else found
    scores = np.full((len(found), len(names)), -np.inf)
    scores[:, LabelSet(tuple(names)).encode(model.classes_.tolist())] = found
    return scores


def _choose(
    make: Classifier,
    C: float | Sequence[float] | None,
    features: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    names: tuple[str, ...],
    seed: int,
) -> float | None:
    """The C with most right answers on inner folds of people; the smaller of equal ones."""
    if C is None or isinstance(C, int | float):
        return C
    inner, right = random_folds(people, INNER_FOLDS, seed), dict.fromkeys(sorted(C), 0)
    truth = LabelSet(names).encode(labels)
    for value in right:
        for name in range(INNER_FOLDS):
            test = inner == name
            scores = scores_of(fit(make, value, features[~test], labels[~test]), features[test], names)
            right[value] += int(hits(scores, truth[test]).sum())
    return max(right, key=right.__getitem__)


def _faces(landmarks: ArrayLike) -> np.ndarray:
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim != 3 or points.shape[1:] != (68, 2):
        raise ValueError(f"expected landmarks (N, 68, 2), got {points.shape}")
    if (bad := np.flatnonzero(~np.isfinite(points).all((1, 2)))).size:
        raise ValueError(f"{bad.size} of {len(points)} faces have no landmarks (nan), first {bad[0]}: leave them out")
    return points


def _people(people: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    codes, who = pd.factorize(np.asarray(people), sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"{(codes < 0).sum()} of {len(codes)} samples lack a person; where unknown, use the picture's name"
        )
    return codes, who


def _classes(labels: np.ndarray, names: Iterable[str] | None, of: np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    chosen = tuple(np.unique(of).tolist() if names is None else names)
    return chosen, LabelSet(chosen).encode(labels.tolist())


def _rows(features: ArrayLike, labels: np.ndarray, people: np.ndarray) -> np.ndarray:
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or not labels.shape == people.shape == rows.shape[:1]:
        raise ValueError(
            f"expected features (N, D), N labels and N people, got {rows.shape}, {labels.shape}, {people.shape}"
        )
    return rows


def _whole_people(fold: np.ndarray, people: np.ndarray) -> np.ndarray:
    if fold.shape != people.shape:
        raise ValueError(
            f"folds must be a number or one fold for each of {len(people)} samples, got shape {fold.shape}"
        )
    codes, who = _people(people)
    pairs = np.unique(np.stack([codes, np.unique(fold, return_inverse=True)[1]]), axis=1)[0]
    if (split := who[np.bincount(pairs) > 1]).size:
        raise ValueError(f"{split.size} people are in several folds (first: {split[0]}): a fold holds whole people")
    return fold

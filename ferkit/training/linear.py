"""Linear classifiers of features, by folds of people.

The SVM is the paper's (`multimodal`, section III): one class against the rest with the squared
("L2") hinge loss. The softmax is there for comparison: it trains faster, does as well on seven
classes and better on the fifty, which share their parts.

Convention
- Features are `(N, D)`, such as those of `core.landmarks` from aligned faces; scores are `(N, K)`
  in the order of `names`.
- A person's pictures are never on both sides of a split; scaling is fitted on the training people
  only.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from skimage.feature import hog
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from threadpoolctl import threadpool_limits

from ferkit.core.labels import LabelSet
from ferkit.core.processes import count_processors
from ferkit.data.folds import Fold
from ferkit.data.reports import count_noun
from ferkit.evaluation.predictions import Predictions

# Folds run side by side. Threads of the linear algebra within them would only wait for each other
# (50 times slower where it was measured).
one_thread = threadpool_limits.wrap(limits=1)

Classifier = Callable[..., Pipeline]  # takes C, and draws nothing
UNTESTED = ""  # the fold of samples that are only trained on


# --- classifiers ---


def linear_svm(C: float = 0.003) -> Pipeline:
    """Make a linear SVM behind scaling.

    It has one class against the rest and the squared hinge loss. The best C falls with the number
    of samples: about 0.01 for 500 faces, 0.001 for 5 000. The intercept is scaled up, since
    liblinear penalises it too, which does harm where each class is a fiftieth of the samples. The
    primal is solved, since the dual draws from one generator that threads would share: folds
    trained side by side would not repeat.
    """
    svm = LinearSVC(C=C, dual=False, tol=1e-3, intercept_scaling=10, max_iter=5000)
    return make_pipeline(StandardScaler(), svm)


def linear_softmax(C: float = 0.1) -> Pipeline:
    """Make a multinomial logistic regression (softmax cross-entropy) behind scaling."""
    return make_pipeline(StandardScaler(), LogisticRegression(C=C, max_iter=2000))


def linear_discriminant(C: float = 0.3) -> Pipeline:
    """Make a linear discriminant analysis behind scaling, for classes that are equally frequent.

    Here `C` is the shrinkage of the covariance within classes towards a multiple of the identity,
    from 0 to 1.
    """
    return make_pipeline(StandardScaler(), _EvenDiscriminant(solver="lsqr", shrinkage=C))


class _EvenDiscriminant(LinearDiscriminantAnalysis):
    """A discriminant analysis whose classes are equally probable, however many samples each has."""

    def fit(self, features: np.ndarray, labels: np.ndarray) -> "_EvenDiscriminant":
        count = len(np.unique(labels))
        self.priors = np.full(count, 1 / count)
        return super().fit(features, labels)


def fit_classifier(
    classifier: Classifier, C: float | None, features: ArrayLike, labels: ArrayLike
) -> Pipeline:
    """Train the classifier; with a C of None it keeps its own.

    ValueError unless two classes are shown.
    """
    shown = sorted(set(np.asarray(labels).tolist()))
    if len(shown) < 2:
        raise ValueError(
            "a classifier needs training samples of two classes or more, got "
            f"{len(np.asarray(labels))} samples of {shown}; give pictures of more people"
        )
    pipeline = classifier() if C is None else classifier(C)
    return pipeline.fit(np.asarray(features, dtype=np.float64), np.asarray(labels))


def scores_of(model: Pipeline, features: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Return class scores `(N, K)` in the order of `names`.

    Two classes have a score each, too. A class that the model was not trained on has -inf.
    """
    decisions = model.decision_function(features)
    if decisions.ndim == 1:
        decisions = np.stack([-decisions, decisions], axis=1)
    scores = np.full((len(decisions), len(names)), -np.inf)
    scores[:, LabelSet(tuple(names)).encode(model.classes_.tolist())] = decisions
    return scores


def linear_ridge(C: float = 1e-5) -> Pipeline:
    """Make a ridge classifier behind scaling; `C` is the inverse of its penalty."""
    return make_pipeline(StandardScaler(), RidgeClassifier(alpha=1 / C))


# --- pictures ---


def hog_features(pictures: ArrayLike) -> np.ndarray:
    """Describe grey pictures by histograms of oriented gradients, `(N, D)` float32.

    Pictures are `(N, S, S)`, or `(N, T, S, S)` of T frames, whose histograms lie side by side.
    """
    images = np.asarray(pictures)
    if images.ndim not in (3, 4):
        raise ValueError(
            f"expected grey pictures (N, S, S) or (N, T, S, S), got {images.shape}; "
            "average the colours"
        )
    frames = images.reshape(-1, *images.shape[-2:])
    cells = {"pixels_per_cell": (8, 8), "cells_per_block": (2, 2)}
    features = np.stack([hog(frame, **cells) for frame in frames])
    return features.reshape(len(images), -1).astype(np.float32)


def hog_ridge(
    pictures: ArrayLike,
    labels: Sequence[str],
    people: ArrayLike,
    folds: Iterable[Fold],
    *,
    names: Iterable[str] | None = None,
    C: float | None = None,
) -> Predictions:
    """Score the folds' test people by HOG of their pictures with a ridge classifier.

    It is what a network of pictures has to beat. Pictures are as of `hog_features`. Validation
    people are trained on.
    """
    tested_in = listed_folds(people, folds, all_tested=False)
    features = hog_features(pictures)
    return cross_validate(
        features, labels, people, tested_in, names=names, classifier=linear_ridge, C=C
    )


# --- folds ---


def random_folds(people: ArrayLike, k: int, seed: int = 0) -> np.ndarray:
    """Draw the fold 0..k-1 that tests each sample, `(N,)`.

    A person is in one fold, and folds have equally many people or differ by one.
    """
    codes, names = _encode_people(people)
    if not 2 <= k <= len(names):
        choice = f"choose 2 to {len(names)}" if len(names) > 1 else "give pictures of more people"
        raise ValueError(
            f"{k} folds cannot be made of {count_noun(names, 'person', 'people')}; {choice}"
        )
    return np.random.default_rng(seed).permutation(len(names))[codes] % k


def listed_folds(
    people: ArrayLike, folds: Iterable[Fold], *, all_tested: bool = True
) -> np.ndarray:
    """Name the fold of `data.folds` that tests each sample, `(N,)`.

    `people` are the clips' persons, so the folds are of one data set. ValueError for people whom no
    fold tests, unless `all_tested` is False: their fold is "".
    """
    fold_of: dict[str, str] = {}
    for fold in folds:
        fold_of |= dict.fromkeys((clip.person for clip in fold.test), fold.name)
    persons = np.asarray(people).tolist()
    missing = sorted({str(person) for person in persons if person not in fold_of})
    if missing and all_tested:
        raise ValueError(
            f"{len(missing)} people are tested in no fold (first: {missing[0]}); "
            "make folds for all samples"
        )
    return np.array([fold_of.get(person, UNTESTED) for person in persons])


@one_thread
def cross_validate(
    features: ArrayLike,
    labels: Sequence[str],
    people: ArrayLike,
    folds: int | ArrayLike = 5,
    *,
    names: Iterable[str] | None = None,
    classifier: Classifier = linear_svm,
    C: float | None = None,
    seed: int = 0,
) -> Predictions:
    """Score every sample by a classifier trained on the other folds.

    `folds` is their number, for folds that `seed` draws, or for each sample the fold that tests it,
    which must not split a person (ValueError); samples of the fold "" are trained on and not
    tested. `names` orders the classes (default: sorted). With a C of None the classifier keeps its
    own.
    """
    shown = np.asarray(labels)
    people = np.asarray(people)
    classes, truth = _encode_labels(shown, names, shown)
    rows = _check_features(features, shown, people)
    fold = np.asarray(folds)
    if fold.ndim:
        _check_whole_people(fold, people)
    else:
        fold = random_folds(people, int(fold), seed)

    def score_fold(name: Any) -> np.ndarray:
        train = fold != name
        model = fit_classifier(classifier, C, rows[train], shown[train])
        return scores_of(model, rows[~train], classes)

    fold_names = [name for name in np.unique(fold).tolist() if name != UNTESTED]
    if not fold_names:
        raise ValueError(
            f"no fold tests any of these {len(shown)} samples; name the fold that tests each"
        )
    scores = np.empty((len(shown), len(classes)))
    # liblinear lets other threads run.
    with ThreadPoolExecutor(min(count_processors(), len(fold_names))) as pool:
        for name, fold_scores in zip(fold_names, pool.map(score_fold, fold_names), strict=True):
            scores[fold == name] = fold_scores
    return Predictions(classes, scores, truth, people, fold).select(np.isin(fold, fold_names))


@one_thread
def train_test(
    train: tuple[ArrayLike, Sequence[str], ArrayLike],
    test: tuple[ArrayLike, Sequence[str], ArrayLike],
    *,
    names: Iterable[str] | None = None,
    C: float | None = None,
) -> Predictions:
    """Score one data set's samples by a linear SVM trained on another's.

    Both are (features, labels, people). `names` are the classes (default: those of `train`,
    sorted). ValueError where `test` has another class, and where a person is in both.
    """
    labels = np.asarray(test[1])
    people = np.asarray(test[2])
    if shared := sorted(set(people.tolist()) & set(np.asarray(train[2]).tolist())):
        raise ValueError(
            f"{len(shared)} people are in training and test (first: {shared[0]}): test other people"
        )
    classes, truth = _encode_labels(labels, names, np.asarray(train[1]))
    model = fit_classifier(linear_svm, C, train[0], train[1])
    scores = scores_of(model, _check_features(test[0], labels, people), classes)
    return Predictions(classes, scores, truth, people, np.zeros(len(labels), dtype=int))


# --- checks ---


def _encode_people(people: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return a number for each sample's person, and the people's names."""
    codes, names = pd.factorize(np.asarray(people), sort=True)
    if (codes < 0).any():
        raise ValueError(
            f"{(codes < 0).sum()} of {len(codes)} samples lack a person; "
            "where unknown, use the picture's name"
        )
    return codes, names


def _encode_labels(
    labels: np.ndarray, names: Iterable[str] | None, training_labels: np.ndarray
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the classes, and the class index of each label."""
    classes = tuple(np.unique(training_labels).tolist() if names is None else names)
    return classes, LabelSet(classes).encode(labels.tolist())


def _check_features(features: ArrayLike, labels: np.ndarray, people: np.ndarray) -> np.ndarray:
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or not labels.shape == people.shape == rows.shape[:1]:
        raise ValueError(
            "expected features (N, D), N labels and N people, "
            f"got {rows.shape}, {labels.shape}, {people.shape}"
        )
    return rows


def _check_whole_people(fold: np.ndarray, people: np.ndarray) -> None:
    """Raise ValueError when a person is in several folds."""
    if fold.shape != people.shape:
        raise ValueError(
            f"folds must be a number or one fold for each of {len(people)} samples, "
            f"got shape {fold.shape}"
        )
    codes, names = _encode_people(people)
    fold_counts = pd.Series(fold).groupby(codes).nunique()
    split = names[fold_counts.index[fold_counts > 1]]
    if split.size:
        raise ValueError(
            f"{split.size} people are in several folds (first: {split[0]}): "
            "a fold holds whole people"
        )

"""Fourteen leaks: the same faces scored honestly, and with test faces where they must not be.

Each leak is a short function of faces that returns which of them are right, honestly and with the
leak, `(N,)` and `(N,)`. Notebook 11 shows these functions, so they are written to be read.

Convention
- A test face is right when a classifier trained on the other folds names its emotion.
- `by_person` are five folds of whole people, `by_picture` five folds of single pictures.
- All faces are those of `Faces`: aligned landmarks, so no leak needs a picture.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.decomposition import PCA
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import PredefinedSplit, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.pipeline import make_pipeline as pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from ferkit.core.landmarks import residuals
from ferkit.explain.tsne import embed
from ferkit.training.linear import random_folds

_FOLDS = 5
_COPIES = 4  # of each face, where faces are augmented
COPY_NOISE = 0.4  # pixels by which the points of a copy differ
_EPOCHS = 60
COMPONENTS = 20


@dataclass(frozen=True, eq=False)
class Faces:
    """Faces `(N, 136)` with their emotions and people `(N,)`."""

    features: np.ndarray
    emotions: np.ndarray
    people: np.ndarray
    seed: int = 0

    @cached_property
    def by_person(self) -> np.ndarray:
        """The fold that tests each face; a person is in one fold."""
        return random_folds(self.people, min(_FOLDS, len(set(self.people.tolist()))), self.seed)

    @cached_property
    def by_picture(self) -> np.ndarray:
        """The fold that tests each face, whoever it shows."""
        return np.random.default_rng(self.seed).permutation(len(self.people)) % _FOLDS

    def of_people(self, count: int) -> "Faces":
        """The faces of the first `count` people."""
        rows = np.isin(self.people, np.unique(self.people)[:count])
        return Faces(self.features[rows], self.emotions[rows], self.people[rows], self.seed)


# --- classifiers and the score ---


def svm(C: float = 0.003) -> Pipeline:
    """A linear SVM behind scaling, as in notebook 02."""
    return pipeline(StandardScaler(), bare_svm(C))


def bare_svm(C: float = 0.003) -> LinearSVC:
    """The same without scaling."""
    return LinearSVC(C=C, dual=False, tol=1e-3, intercept_scaling=10, max_iter=5000)


def nearest(k: int = 1) -> KNeighborsClassifier:
    """The emotion of the nearest training faces."""
    return KNeighborsClassifier(k)


def network() -> MLPClassifier:
    """A small network of 64 hidden units, always with the same first weights."""
    return MLPClassifier(
        64, max_iter=200, tol=0, n_iter_no_change=200, learning_rate_init=3e-3, random_state=0
    )


# Among which `best_settings_on_test` chooses.
SETTINGS = (
    *(svm(C) for C in (1e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 0.1)),
    *(pipeline(StandardScaler(), nearest(k)) for k in (1, 2, 3, 5, 7, 10, 15)),
)


def test(
    model: BaseEstimator, features: np.ndarray, emotions: np.ndarray, folds: np.ndarray
) -> np.ndarray:
    """Train on all folds but one, test on that one; tell which faces are right, `(N,)`."""
    return cross_val_predict(model, features, emotions, cv=PredefinedSplit(folds)) == emotions


# --- copies of test faces ---


def folds_by_picture(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Split pictures at random, so that everybody is in training and test."""
    honest = test(svm(), faces.features, faces.emotions, folds=faces.by_person)
    leaky = test(svm(), faces.features, faces.emotions, folds=faces.by_picture)
    return honest, leaky


def folds_by_frame(frames: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Split the last three frames of sequences at random: neighbours are nearly copies."""
    honest = test(nearest(), frames.features, frames.emotions, folds=frames.by_person)
    leaky = test(nearest(), frames.features, frames.emotions, folds=frames.by_picture)
    return honest, leaky


def augment_then_split(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Make four noisy copies of each face first, and split originals and copies at random."""
    more = add_copies(faces)
    honest = test(nearest(), more.features, more.emotions, folds=more.by_person)
    leaky = test(nearest(), more.features, more.emotions, folds=more.by_picture)
    return honest[: len(faces.people)], leaky[: len(faces.people)]


def augment_then_split_linear(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """The same with a linear SVM, which cannot remember single faces."""
    more = add_copies(faces)
    honest = test(svm(), more.features, more.emotions, folds=more.by_person)
    leaky = test(svm(), more.features, more.emotions, folds=more.by_picture)
    return honest[: len(faces.people)], leaky[: len(faces.people)]


def data_sets_share_people(
    faces: Faces, of_others: Faces, of_same: Faces
) -> tuple[np.ndarray, np.ndarray]:
    """Train on a second data set: of other people, or of the people who are tested."""
    honest = svm().fit(of_others.features, of_others.emotions).predict(faces.features)
    leaky = svm().fit(of_same.features, of_same.emotions).predict(faces.features)
    return honest == faces.emotions, leaky == faces.emotions


# --- test labels ---


def one_network_for_all_folds(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Train one network on everybody; make folds only for the SVM on its features."""
    learnt = HiddenLayer().fit_transform(faces.features, faces.emotions)
    honest = test(pipeline(HiddenLayer(), svm()), faces.features, faces.emotions, faces.by_person)
    leaky = test(svm(), learnt, faces.emotions, faces.by_person)
    return honest, leaky


def projection_on_all(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Choose the directions that separate the emotions with everybody's labels."""
    projected = LinearDiscriminantAnalysis().fit_transform(faces.features, faces.emotions)
    model = pipeline(LinearDiscriminantAnalysis(), nearest(5))
    honest = test(model, faces.features, faces.emotions, faces.by_person)
    leaky = test(nearest(5), projected, faces.emotions, faces.by_person)
    return honest, leaky


def known_set_of_emotions(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Predict a person's pictures together, knowing which emotions they show."""
    scores, names = score_folds(svm(), faces.features, faces.emotions, faces.by_person)
    honest = names[scores.argmax(1)] == faces.emotions
    leaky = assign(scores, names, faces.emotions, faces.people) == faces.emotions
    return honest, leaky


# --- choices made on test people ---


def best_epoch_on_test(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Stop each fold's training where its test accuracy is highest."""
    right, on_validation, on_test = train_epochs(faces)  # (epochs, N), (epochs, folds) twice
    honest = pick_by_fold(right, on_validation, faces.by_person)
    leaky = pick_by_fold(right, on_test, faces.by_person)
    return honest, leaky


def best_settings_on_test(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Try fourteen settings and report the one that tests best."""
    right = [test(model, faces.features, faces.emotions, faces.by_person) for model in SETTINGS]
    honest = choose_within(SETTINGS, faces)
    leaky = max(right, key=np.mean)
    return honest, leaky


# --- other test pictures, without their labels ---


def normalise_on_all(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Take mean and standard deviation of the features from all faces."""
    scaled = StandardScaler().fit_transform(faces.features)
    honest = test(
        pipeline(StandardScaler(), bare_svm()), faces.features, faces.emotions, faces.by_person
    )
    leaky = test(bare_svm(), scaled, faces.emotions, faces.by_person)
    return honest, leaky


def components_on_all(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Find principal components of all faces."""
    reduced = PCA(COMPONENTS).fit_transform(faces.features)
    honest = test(pipeline(PCA(COMPONENTS), svm()), faces.features, faces.emotions, faces.by_person)
    leaky = test(svm(), reduced, faces.emotions, faces.by_person)
    return honest, leaky


def mean_with_the_test_picture(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Subtract each person's mean face, in which the tested picture itself takes part."""
    others = minus_other_pictures(faces.features, faces.people)
    whole = residuals(faces.features, faces.people)
    honest = test(svm(), others, faces.emotions, faces.by_person)
    leaky = test(svm(), whole, faces.emotions, faces.by_person)
    return honest, leaky


def map_of_all(faces: Faces) -> tuple[np.ndarray, np.ndarray]:
    """Place all faces in the plane by t-SNE, and classify there."""
    plane = embed(faces.features, perplexity=min(30, len(faces.people) // 3))
    honest = test(nearest(5), faces.features, faces.emotions, faces.by_person)
    leaky = test(nearest(5), plane, faces.emotions, faces.by_person)
    return honest, leaky


# --- steps of the leaks ---


class HiddenLayer(TransformerMixin, BaseEstimator):
    """What a small network, trained on the faces given to `fit`, makes of faces `(N, 64)`."""

    def fit(self, features: np.ndarray, emotions: np.ndarray) -> "HiddenLayer":
        """Train the network."""
        self.scaler_ = StandardScaler().fit(features)
        with warnings.catch_warnings():
            # It always trains for the same number of epochs.
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network_ = network().fit(self.scaler_.transform(features), emotions)
        return self

    def transform(self, features: np.ndarray) -> np.ndarray:
        """Return the hidden units behind the ReLU."""
        weights, bias = self.network_.coefs_[0], self.network_.intercepts_[0]
        return np.maximum(self.scaler_.transform(features) @ weights + bias, 0)


def add_copies(faces: Faces) -> Faces:
    """Append `_COPIES` noisy copies of each face, of the same emotion and person."""
    rng = np.random.default_rng(faces.seed)
    copies = np.tile(faces.features, (_COPIES, 1))
    copies = copies + rng.normal(0, COPY_NOISE, copies.shape)
    features = np.concatenate([faces.features, copies])
    emotions, people = (np.tile(a, _COPIES + 1) for a in (faces.emotions, faces.people))
    return Faces(features, emotions, people, faces.seed)


def score_folds(
    model: Pipeline, features: np.ndarray, emotions: np.ndarray, folds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Score each face by a model trained on the other folds: `(N, K)`, and names `(K,)`."""
    split = PredefinedSplit(folds)
    scores = cross_val_predict(model, features, emotions, cv=split, method="decision_function")
    return scores, np.unique(emotions)


def assign(
    scores: np.ndarray, names: np.ndarray, emotions: np.ndarray, people: np.ndarray
) -> np.ndarray:
    """Distribute each person's emotions, as known, over the person's pictures, `(N,)`."""
    assigned = np.empty_like(emotions)
    for person in np.unique(people):
        rows = np.flatnonzero(people == person)
        known = np.sort(emotions[rows])
        picture, place = linear_sum_assignment(
            scores[rows][:, np.searchsorted(names, known)], maximize=True
        )
        assigned[rows[picture]] = known[place]
    return assigned


def train_epochs(faces: Faces) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Train a network in each fold; tell after each epoch who is right.

    Returns which faces are right `(E, N)`, and the accuracies `(E, F)` on the fold's validation
    people, a fifth of its training people, and on its test people.
    """
    folds, classes = np.unique(faces.by_person), np.unique(faces.emotions)
    right = np.zeros((_EPOCHS, len(faces.people)), dtype=bool)
    on_validation = np.zeros((_EPOCHS, len(folds)))
    on_test = np.zeros((_EPOCHS, len(folds)))
    for number, fold in enumerate(folds):
        tested = faces.by_person == fold
        validation = np.isin(faces.people, np.unique(faces.people[~tested])[::_FOLDS])
        train = ~tested & ~validation
        features = StandardScaler().fit(faces.features[train]).transform(faces.features)
        model = network()
        for epoch in range(_EPOCHS):
            model.partial_fit(features[train], faces.emotions[train], classes=classes)
            correct = model.predict(features) == faces.emotions
            right[epoch, tested] = correct[tested]
            on_validation[epoch, number] = correct[validation].mean()
            on_test[epoch, number] = correct[tested].mean()
    return right, on_validation, on_test


def pick_by_fold(right: np.ndarray, accuracy: np.ndarray, folds: np.ndarray) -> np.ndarray:
    """Which faces are right `(N,)` at each fold's epoch of highest `accuracy` `(E, F)`."""
    picked = np.zeros(right.shape[1], dtype=bool)
    for number, fold in enumerate(np.unique(folds)):
        rows = folds == fold
        picked[rows] = right[accuracy[:, number].argmax(), rows]
    return picked


def choose_within(models: Sequence[BaseEstimator], faces: Faces) -> np.ndarray:
    """Which faces are right when inner folds of training people choose the model, `(N,)`."""
    right = np.zeros(len(faces.people), dtype=bool)
    for fold in np.unique(faces.by_person):
        tested = faces.by_person == fold
        features, emotions = faces.features[~tested], faces.emotions[~tested]
        inner = random_folds(faces.people[~tested], 3, faces.seed)
        accuracies = [test(model, features, emotions, inner).mean() for model in models]
        best = clone(models[int(np.argmax(accuracies))]).fit(features, emotions)
        right[tested] = best.predict(faces.features[tested]) == faces.emotions[tested]
    return right


def minus_other_pictures(features: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Subtract from each picture the mean of the person's other pictures."""
    _, codes, counts = np.unique(people, return_inverse=True, return_counts=True)
    count = counts[codes][:, None]
    return residuals(features, people) * count / (count - 1)

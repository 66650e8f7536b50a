"""Tell a classifier who is in the picture, and measure what it gains when people differ more.

Four inputs of a linear SVM, all from landmarks of people who are not drawn:

- the landmarks as they are;
- minus the mean of the person's pictures, which needs other pictures of the tested person;
- beside a *naming feature*: the hidden layer of a small network that names other people, as in
  paper 5 (M. Li et al. 2021);
- minus a *predicted neutral face*: a regression, learnt on other people, predicts from one picture
  how the person looks at rest.

The last two see one picture of the tested person. What they know of identity is from others.
"""

import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import Ridge
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from ferkit.core.landmarks import residuals
from ferkit.evaluation.intervals import compare_paired
from ferkit.training.linear import one_thread
from ferkit.workbook.studies import undrawn
from ferkit.workbook.studies.landmark_sweeps import choose_people, predict_held_out, sweep_row
from ferkit.workbook.studies.undrawn import LandmarkSet

LANDMARKS = "landmarks"
MEAN = "minus the person's mean"
NAMING = "beside a naming feature"
PREDICTED_NEUTRAL = "minus a predicted neutral face"
_GROUP = 3  # the other people
_HIDDEN = 64  # units of the naming network
_EPOCHS = 60
_PENALTY = 10.0  # of the regression


@dataclass(frozen=True, eq=False)
class IdentityFaces:
    """Faces whose emotions are named, faces of other people, and these people's neutral faces.

    `others_neutral` `(N, 136)` has a row for each face of the others.
    """

    tested: LandmarkSet
    others: LandmarkSet
    others_neutral: np.ndarray


def make_faces(people: int, others: int, spread: float, seed: int = 0) -> IdentityFaces:
    """Make faces of `people` and of `others`, who all differ `spread` times as much as usual.

    Both groups lie around the mean face of the first.
    """
    who = choose_people(people, seed)
    shapes = undrawn.rest_shapes(who)
    mean = shapes.mean(0)
    tested = undrawn.make_landmarks(who, undrawn.spread_shapes(shapes, spread, mean), seed=seed)
    who = choose_people(others, seed, _GROUP)
    shapes = undrawn.spread_shapes(undrawn.rest_shapes(who), spread, mean)
    faces = undrawn.make_landmarks(who, shapes, seed=seed)
    neutral = undrawn.neutral_landmarks(shapes).reshape(others, -1)
    return IdentityFaces(tested, faces, neutral[np.searchsorted(who, faces.people)])


@one_thread
def naming_feature(others: LandmarkSet, faces: LandmarkSet, seed: int = 0) -> np.ndarray:
    """Train a network to name the `others`; return its hidden layer for `faces`, `(N, 64)`."""
    network: Pipeline = make_pipeline(
        StandardScaler(),
        MLPClassifier((_HIDDEN,), max_iter=_EPOCHS, alpha=1e-3, random_state=seed),
    )
    with warnings.catch_warnings():
        # The number of epochs is fixed.
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(others.features, others.people)
    layers = network[-1]
    hidden = network[0].transform(faces.features) @ layers.coefs_[0] + layers.intercepts_[0]
    return np.maximum(hidden, 0)


@one_thread
def predict_neutral(faces: IdentityFaces) -> np.ndarray:
    """Predict the neutral face `(N, 136)` of each tested face by what is learnt on the others."""
    regression = make_pipeline(StandardScaler(), Ridge(alpha=_PENALTY))
    regression.fit(faces.others.features, faces.others_neutral)
    return regression.predict(faces.tested.features)


def measure_features(
    people: int, others: int, spread: float, seed: int = 0
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Return which of N faces are named rightly with each input, and the person of each face.

    Held-out people are tested. Expressions, views and noise do not depend on `spread`.
    """
    faces = make_faces(people, others, spread, seed)
    tested = faces.tested
    landmarks = tested.features
    naming = naming_feature(faces.others, tested, seed)
    inputs = {
        LANDMARKS: landmarks,
        MEAN: residuals(landmarks, tested.people),
        NAMING: np.hstack([landmarks, naming]),
        PREDICTED_NEUTRAL: landmarks - predict_neutral(faces),
    }
    right = {name: predict_held_out(rows, tested, seed) for name, rows in inputs.items()}
    return right, tested.people


def sweep_features(
    people: int, others: int, spreads: Iterable[float], seed: int = 0
) -> pd.DataFrame:
    """Tabulate what each input gains over the landmarks, for several spreads of identity.

    Columns x, series, value, low, high, n, of the paired difference, and accuracy.
    """
    rows = []
    for spread in spreads:
        right, who = measure_features(people, others, spread, seed)
        for name in (MEAN, NAMING, PREDICTED_NEUTRAL):
            gain = compare_paired(right[name], right[LANDMARKS], who)
            row = sweep_row(spread, name, gain)
            rows.append({**row, "accuracy": float(right[name].mean())})
    return pd.DataFrame(rows)

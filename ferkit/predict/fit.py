"""Fit a face model: a linear discriminant analysis, and the temperature of its probabilities."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from sklearn.pipeline import Pipeline

from ferkit.evaluation.predictions import Predictions
from ferkit.predict.face_model import FaceModel, Training
from ferkit.training.linear import cross_validate, linear_discriminant, one_thread


@one_thread
def fit_face_model(
    rows: np.ndarray,
    labels: Sequence[str],
    people: ArrayLike,
    *,
    names: tuple[str, ...],
    shrinkage: float,
    training: Training,
    origin: np.ndarray | None = None,
    folds: int = 5,
) -> tuple[FaceModel, Predictions]:
    """Train a model on everybody; return it with its predictions on held-out people.

    The predictions come from `folds` models, each of which did not see the people it is tested on.
    The temperature is fitted on them, so that probabilities match how often the model is right.
    `rows` are features, or with the `origin` of a residual model those of `with_residuals`.
    """
    predictions = cross_validate(
        rows,
        labels,
        people,
        folds,
        names=names,
        classifier=linear_discriminant,
        C=shrinkage,
        seed=training.seed,
    )
    pipeline = linear_discriminant(shrinkage).fit(rows, np.asarray(labels))
    weights, bias = linear_arrays(pipeline, names)
    model = FaceModel(
        weights,
        bias,
        rows.mean(0) if origin is None else origin,
        names,
        training,
        residual=origin is not None,
        temperature=fit_temperature(predictions.scores, predictions.truth),
    )
    return model, predictions


def linear_arrays(pipeline: Pipeline, names: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """The weights `(K, D)` and bias `(K,)` of a fitted linear pipeline, classes as in `names`.

    The scaling before the classifier becomes a part of them.
    """
    scaler = pipeline[0]
    linear = pipeline[-1]
    if set(pipeline.classes_) != set(names):
        raise ValueError(
            f"the model's classes {', '.join(pipeline.classes_)} "
            f"are not the same as {', '.join(names)}"
        )
    weights = linear.coef_
    bias = linear.intercept_
    if len(weights) == 1:  # of two classes scikit-learn keeps the second alone
        weights = np.concatenate([-weights, weights])
        bias = np.concatenate([-bias, bias])
    order = [pipeline.classes_.tolist().index(name) for name in names]
    scaled = weights[order] / scaler.scale_
    return scaled, bias[order] - scaled @ scaler.mean_


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """Find the divisor of scores `(N, K)` that makes the classes `(N,)` most likely."""
    scores = np.maximum(np.asarray(scores, dtype=np.float64), -1e6)
    truth = np.asarray(truth)

    def loss(logarithm: float) -> float:
        log_probabilities = log_softmax(scores / np.exp(logarithm), axis=1)
        return -float(log_probabilities[np.arange(len(truth)), truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))

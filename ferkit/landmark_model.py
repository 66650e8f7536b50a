"""A linear classifier of landmarks that can be kept: plain arrays, trained by `baselines`, asked by `predict`."""

import json
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.pipeline import Pipeline

from ferkit.baselines import Answers, Classifier, centred, cross_validate, fit, linear_svm, one_thread, raw, residual

FORMAT = "ferkit landmark model 1"
ARRAYS = ("weights", "bias", "mean", "scale", "mean_face")
WORDS = ("names", "feature", "size", "temperature", "about")
FEATURES: dict[str, Callable[[ArrayLike, Any, np.ndarray], np.ndarray]] = {
    "raw": lambda landmarks, people, mean_face: raw(landmarks),
    "residual": lambda landmarks, people, mean_face: residual(landmarks, people, mean_face),
    "centred": lambda landmarks, people, mean_face: centred(landmarks, mean_face),
}


@dataclass(frozen=True, eq=False)
class LandmarkModel:
    """A linear classifier of landmarks, as plain arrays.

    Shapes: `weights` (K, 136), `bias` (K,), `mean` and `scale` (136,) of the features, `mean_face` (68, 2) of the training
    part (what `centred` subtracts, and what stands in for a person with one picture).
    """

    weights: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    mean_face: np.ndarray
    names: tuple[str, ...]
    feature: str  # one of FEATURES
    size: int  # of the aligned faces whose landmarks it takes, pixels
    temperature: float = 1.0  # scores are divided by it before the softmax
    about: str = ""  # what it was trained on

    def __post_init__(self) -> None:
        if self.feature not in FEATURES:
            raise ValueError(f"unknown feature {self.feature!r}; known: {', '.join(FEATURES)}")
        k = len(self.names)
        wanted = {"weights": (k, 136), "bias": (k,), "mean": (136,), "scale": (136,), "mean_face": (68, 2)}
        for name, shape in wanted.items():
            if np.shape(getattr(self, name)) != shape:
                raise ValueError(
                    f"a landmark model of {k} classes needs {name} {shape}, got {np.shape(getattr(self, name))}"
                )

    @property
    def uses_person(self) -> bool:
        """Whether it needs the person's other pictures."""
        return self.feature == "residual"

    def scores(self, landmarks: ArrayLike, people: ArrayLike | None = None) -> np.ndarray:
        """One score per class `(N, K)` of faces `(N, 68, 2)` aligned at `size`; `people` `(N,)` for the residual model."""
        if self.uses_person and people is None:
            raise ValueError("this model subtracts each person's mean face: say who is on each picture (`people`)")
        features = FEATURES[self.feature](landmarks, people, self.mean_face)
        return (features - self.mean) / self.scale @ self.weights.T + self.bias

    def probabilities(self, landmarks: ArrayLike, people: ArrayLike | None = None) -> np.ndarray:
        """The softmax `(N, K)` of the scores over the temperature; rows sum to 1."""
        return softmax(self.scores(landmarks, people) / self.temperature, axis=1)

    def save(self, path: str | Path) -> Path:
        """Writes the model as safetensors, its words as JSON in the header; never half of it."""
        path = Path(path)
        words = {name: getattr(self, name) for name in WORDS}
        arrays = {name: np.ascontiguousarray(getattr(self, name), dtype=np.float64) for name in ARRAYS}
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".{path.name}.{os.getpid()}.partial")
        part.write_bytes(save(arrays, {"format": FORMAT, "model": json.dumps(words)}))
        os.replace(part, path)
        return path

    @classmethod
    def load(cls, path: str | Path) -> "LandmarkModel":
        """The model that `save` wrote. FileNotFoundError, and ValueError for another kind of file."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"no landmark model {path}; `ferkit run 02_landmark_residuals` trains one")
        try:
            with safe_open(path, "numpy") as file:
                header = file.metadata() or {}
                if header.get("format") != FORMAT:
                    raise ValueError(f"{path} is not a landmark model ({header.get('format')!r}, expected {FORMAT!r})")
                words = json.loads(header["model"])
                arrays = {name: file.get_tensor(name) for name in ARRAYS}
        except SafetensorError as error:
            raise ValueError(f"{path} is damaged or no safetensors file ({error}); train it again") from error
        return cls(**arrays, **words | {"names": tuple(words["names"])})


@one_thread
def train(
    landmarks: ArrayLike,
    labels: Sequence[str],
    people: ArrayLike,
    *,
    feature: str,
    size: int,
    names: Iterable[str] | None = None,
    classifier: Classifier = linear_svm,
    C: float | None = None,
    folds: int = 5,
    seed: int = 0,
    about: str = "",
) -> tuple[LandmarkModel, Answers]:
    """A model trained on everybody, and the answers of `folds` models like it on people they had not seen.

    The temperature is fitted on those answers, so probabilities are as sure as the classifier is right.
    """
    if feature not in FEATURES:
        raise ValueError(f"unknown feature {feature!r}; known: {', '.join(FEATURES)}")
    points = np.asarray(landmarks, dtype=np.float64)

    def features(part: np.ndarray) -> np.ndarray:
        return FEATURES[feature](points, people, points[part].mean(0))

    answers = cross_validate(features, labels, people, folds, names=names, classifier=classifier, C=C, seed=seed)
    everybody = np.ones(len(points), dtype=bool)
    fitted = fit(partial(classifier, seed=seed), C, features(everybody), np.asarray(labels))
    temperature = fit_temperature(answers.scores, answers.truth)
    return from_pipeline(fitted, points.mean(0), answers.names, feature, size, temperature, about), answers


def from_pipeline(
    model: Pipeline,
    mean_face: np.ndarray,
    names: Sequence[str],
    feature: str,
    size: int,
    temperature: float = 1.0,
    about: str = "",
) -> LandmarkModel:
    """The fitted pipeline of `linear_svm` or `linear_softmax` as plain arrays, classes in the order of `names`."""
    scaler, linear = model[0], model[-1]
    weights, bias = linear.coef_, linear.intercept_
    if len(weights) == 1:
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    if set(model.classes_) != set(names):
        raise ValueError(f"the model knows {', '.join(model.classes_)}, not the same as {', '.join(names)}")
    order = [model.classes_.tolist().index(name) for name in names]
    arrays = weights[order], bias[order], scaler.mean_, scaler.scale_, np.asarray(mean_face, dtype=np.float64)
    return LandmarkModel(*arrays, tuple(names), feature, size, temperature, about)


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """The number to divide scores `(N, K)` by so that their softmax is likeliest, given class indices `(N,)`."""
    scores, truth = np.maximum(np.asarray(scores, dtype=np.float64), -1e6), np.asarray(truth)

    def loss(logarithm: float) -> float:
        return -float(log_softmax(scores / np.exp(logarithm), axis=1)[np.arange(len(truth)), truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))

"""Emotions of one face from two sides, its landmarks and its picture: two linear experts whose scores add up.

Each expert is a softmax classifier of its own features, kept as plain arrays; a face's scores are the weighted sum of theirs, so one
that is unsure says little. `baselines` trains them, `predict` asks them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.pipeline import Pipeline

from ferkit.baselines import Answers, Classifier, cross_validate, fit, linear_softmax, one_thread
from ferkit.landmarks import residuals
from ferkit.paths import write_whole

FORMAT = "ferkit face model 2"
ARRAYS = ("weights", "bias", "mean", "scale", "origin")
WORDS = ("names", "weigh", "residual", "size", "temperature", "about", "people")
Features = Mapping[str, ArrayLike]  # the expert's name -> its features (N, D)


@dataclass(frozen=True, eq=False)
class Expert:
    """A linear classifier: `weights` (K, D), `bias` (K,), `mean` and `scale` (D,) of the features, `origin` (D,) their mean in training."""

    weights: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    scale: np.ndarray
    origin: np.ndarray

    def __post_init__(self) -> None:
        k, d = np.shape(self.weights) if np.ndim(self.weights) == 2 else (0, 0)
        wanted = {"bias": (k,), "mean": (d,), "scale": (d,), "origin": (d,)}
        for name, shape in wanted.items():
            if np.shape(getattr(self, name)) != shape or not k:
                raise ValueError(
                    f"an expert with weights {np.shape(self.weights)} needs {name} {shape}, got {np.shape(getattr(self, name))}"
                )

    def scores(self, features: ArrayLike) -> np.ndarray:
        """One score per class `(N, K)` of features `(N, D)`."""
        rows = np.asarray(features, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.mean):
            raise ValueError(f"expected features (N, {len(self.mean)}), got {rows.shape}")
        if (bad := np.flatnonzero(~np.isfinite(rows).all(1))).size:
            raise ValueError(
                f"{bad.size} of {len(rows)} faces have features that are nan or infinite, first {bad[0]}: leave them out"
            )
        return (rows - self.mean) / self.scale @ self.weights.T + self.bias


@dataclass(frozen=True, eq=False)
class FaceModel:
    """Experts by the name of what they look at, and how much each one's scores count (`weigh`)."""

    experts: Mapping[str, Expert]
    weigh: Mapping[str, float]
    names: tuple[str, ...]
    size: int  # of the aligned faces it takes, pixels
    residual: bool = False  # whether each person's mean is subtracted first: it needs several pictures of a person
    temperature: float = 1.0  # scores are divided by it before the softmax
    about: str = ""  # what it was trained on
    people: int | None = None  # how many of them; not known of older files

    def __post_init__(self) -> None:
        if set(self.experts) != set(self.weigh):
            raise ValueError(f"experts {', '.join(self.experts)} need a weight each, got {', '.join(self.weigh)}")
        if not self.experts:
            raise ValueError("a face model needs at least one expert, got none")
        for name, expert in self.experts.items():
            if len(expert.bias) != len(self.names):
                raise ValueError(f"the expert {name} knows {len(expert.bias)} classes, the model {len(self.names)}")

    def scores(self, features: Features, people: ArrayLike | None = None) -> np.ndarray:
        """One score per class `(N, K)`; `people` `(N,)` for a residual model, where one picture of a person stands for itself."""
        if self.residual and people is None:
            raise ValueError("this model subtracts each person's mean face: say who is on each picture (`people`)")
        if absent := set(self.experts) - set(features):
            raise ValueError(f"features of {', '.join(sorted(absent))} are missing, got {', '.join(features)}")
        counts = {name: len(np.asarray(features[name])) for name in self.experts}
        if len(set(counts.values())) > 1:
            raise ValueError(f"expected features of the same faces, got {counts}")
        total = []
        for name, expert in self.experts.items():
            seen = features[name]
            rows = seen if people is None or not self.residual else residuals(seen, people, expert.origin)
            total.append(self.weigh[name] * expert.scores(rows))
        return np.sum(total, axis=0)

    def probabilities(self, features: Features, people: ArrayLike | None = None) -> np.ndarray:
        """The softmax `(N, K)` of the scores over the temperature; rows sum to 1."""
        return softmax(self.scores(features, people) / self.temperature, axis=1)

    def only(self, *names: str) -> "FaceModel":
        """The model with some of its experts alone; ValueError for one it lacks."""
        if absent := [name for name in names if name not in self.experts]:
            raise ValueError(f"no expert {', '.join(absent)}; known: {', '.join(self.experts)}")
        return replace(self, experts={n: self.experts[n] for n in names}, weigh={n: self.weigh[n] for n in names})

    def save(self, path: str | Path) -> Path:
        """Writes the model as safetensors, its words as JSON in the header; never half of it."""
        path = Path(path)
        words = {name: getattr(self, name) for name in WORDS}
        arrays = {
            f"{name}.{part}": np.ascontiguousarray(getattr(expert, part), dtype=np.float32)
            for name, expert in self.experts.items()
            for part in ARRAYS
        }
        content = save(arrays, {"format": FORMAT, "model": json.dumps(words)})
        write_whole(path, lambda part: part.write_bytes(content))
        return path

    @classmethod
    def load(cls, path: str | Path) -> "FaceModel":
        """The model that `save` wrote. FileNotFoundError, and ValueError for another kind of file."""
        if not Path(path).is_file():
            raise FileNotFoundError(f"no face model {path}; `ferkit run 02_landmark_residuals` trains one")
        try:
            with safe_open(path, "numpy") as file:
                header = file.metadata() or {}
                if header.get("format") != FORMAT:
                    raise ValueError(f"{path} is not a face model ({header.get('format')!r}, expected {FORMAT!r})")
                words = json.loads(header["model"])
                experts = {
                    n: Expert(*(file.get_tensor(f"{n}.{part}").astype(np.float64) for part in ARRAYS))
                    for n in words["weigh"]
                }
            return cls(experts, **words | {"names": tuple(words["names"])})
        except (SafetensorError, json.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError(f"{path} is damaged or no safetensors file ({error}); train it again") from error


@one_thread
def train(
    features: Features,
    labels: Sequence[str],
    people: ArrayLike,
    *,
    weigh: Mapping[str, float],
    C: Mapping[str, float],
    size: int,
    names: Iterable[str] | None = None,
    residual: bool = False,
    classifier: Classifier = linear_softmax,
    folds: int = 5,
    seed: int = 0,
    about: str = "",
) -> tuple[FaceModel, Answers]:
    """A model trained on everybody, and the answers of `folds` models like it on people they had not seen.

    The temperature is fitted on those answers, so probabilities are as sure as the model is right. `weigh` and `C` name the experts.
    """
    if absent := [name for name in weigh if name not in features or name not in C]:
        raise ValueError(f"each expert needs features and a C; missing for {', '.join(absent)}")
    if not weigh:
        raise ValueError("a face model needs at least one expert, got none in `weigh`")
    experts, answers = {}, []
    for name in weigh:
        given = np.asarray(features[name], dtype=np.float64)
        rows = residuals(given, people, given.mean(0)) if residual else given
        answers.append(
            cross_validate(rows, labels, people, folds, names=names, classifier=classifier, C=C[name], seed=seed)
        )
        fitted = fit(partial(classifier, seed=seed), C[name], rows, np.asarray(labels))
        experts[name] = from_pipeline(fitted, answers[-1].names, given.mean(0))
    total = np.sum([weight * each.scores for weight, each in zip(weigh.values(), answers, strict=True)], axis=0)
    together = replace(answers[0], scores=total)
    temperature = fit_temperature(total, together.truth)
    return FaceModel(
        experts, dict(weigh), together.names, size, residual, temperature, about, len(np.unique(people))
    ), together


def from_pipeline(model: Pipeline, names: Sequence[str], origin: np.ndarray) -> Expert:
    """The fitted pipeline of `linear_svm` or `linear_softmax` as plain arrays, classes in the order of `names`."""
    scaler, linear = model[0], model[-1]
    weights, bias = linear.coef_, linear.intercept_
    if len(weights) == 1:
        weights, bias = np.concatenate([-weights, weights]), np.concatenate([-bias, bias])
    if set(model.classes_) != set(names):
        raise ValueError(f"the model knows {', '.join(model.classes_)}, not the same as {', '.join(names)}")
    order = [model.classes_.tolist().index(name) for name in names]
    return Expert(weights[order], bias[order], scaler.mean_, scaler.scale_, np.asarray(origin, dtype=np.float64))


def fit_temperature(scores: ArrayLike, truth: ArrayLike) -> float:
    """The number to divide scores `(N, K)` by so that their softmax is likeliest, given class indices `(N,)`."""
    scores, truth = np.maximum(np.asarray(scores, dtype=np.float64), -1e6), np.asarray(truth)

    def loss(logarithm: float) -> float:
        return -float(log_softmax(scores / np.exp(logarithm), axis=1)[np.arange(len(truth)), truth].mean())

    return float(np.exp(minimize_scalar(loss, bounds=(-5, 5), method="bounded").x))

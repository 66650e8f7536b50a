"""Predict the emotion of a face from the geometry of its landmarks, with a linear classifier.

The classifier is a linear discriminant analysis with a shrunk covariance, trained for an even prior
and kept as plain arrays: what it needs to know is small, and an answer takes microseconds.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ferkit.core.checks import check_class_names, is_number, is_whole
from ferkit.core.landmarks import residuals
from ferkit.core.sealed import DamagedFileError, read_header, read_sealed, write_sealed

_FORMAT = "ferkit face model 3"
_ARRAYS = ("weights", "bias", "origin")
_LARGEST = 1e6  # temperature that a model may have


@dataclass(frozen=True)
class Training:
    """What a model was trained on: so many people of a drawn set, and how they were drawn."""

    people: int
    faces: int
    seed: int = 0
    level: str = ""  # of the drawn set
    drawing: str = ""  # the fingerprint of the drawing code

    def __post_init__(self) -> None:
        for name in ("people", "faces"):
            if not is_whole(getattr(self, name), 1, 10**9):
                raise ValueError(f"the number of {name} must be 1 or more")
        if not is_whole(self.seed, 0, 2**32 - 1):
            raise ValueError(f"`seed` must be a whole number from 0 to 2**32 - 1, got {self.seed}")
        if not (isinstance(self.level, str) and isinstance(self.drawing, str)):
            raise ValueError("`level` and `drawing` must be texts")


@dataclass(frozen=True, eq=False)
class FaceModel:
    """A linear classifier of features `(N, D)`, such as those of `geometry_features`.

    `weights` (K, D) and `bias` (K,). A residual model sees each feature twice, first minus the mean
    of the person's pictures and then as it is, so its weights are (K, 2 D); of a person with a
    single picture it subtracts `origin` (D,), the mean of the training faces.
    """

    weights: np.ndarray
    bias: np.ndarray
    origin: np.ndarray
    names: tuple[str, ...]
    training: Training
    residual: bool = False
    temperature: float = 1.0  # scores are divided by it before the softmax

    def __post_init__(self) -> None:
        check_class_names(self.names)
        if not isinstance(self.residual, bool):
            raise ValueError(f"`residual` must be true or false, got {self.residual!r}")
        if not is_number(self.temperature, 1 / _LARGEST, _LARGEST):
            raise ValueError(f"the temperature must be more than 0, got {self.temperature}")
        classes = len(self.names)
        width = len(self.origin)
        seen = 2 * width if self.residual else width
        expected = {"weights": (classes, seen), "bias": (classes,), "origin": (width,)}
        for name, shape in expected.items():
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"a face model needs {name} {shape}, got {array.shape}")
            if not np.isfinite(array).all():
                raise ValueError(f"the {name} of a face model are NaN or infinite")

    def scores(self, features: ArrayLike, people: ArrayLike | None = None) -> np.ndarray:
        """One score per class `(N, K)` of features `(N, D)`; a residual model needs `people` (N,).

        ValueError for other features, and for those that are NaN or infinite.
        """
        rows = np.asarray(features, dtype=np.float64)
        if rows.ndim != 2 or rows.shape[1] != len(self.origin):
            raise ValueError(f"expected features (N, {len(self.origin)}), got {rows.shape}")
        bad = np.flatnonzero(~np.isfinite(rows).all(1))
        if bad.size:
            raise ValueError(
                f"{bad.size} of {len(rows)} faces have features that are NaN or infinite, "
                f"first {bad[0]}: leave them out"
            )
        if self.residual:
            if people is None:
                raise ValueError(
                    "this model subtracts each person's mean face: "
                    "say who is on each picture (`people`)"
                )
            rows = with_residuals(rows, people, self.origin)
        return rows @ self.weights.T + self.bias

    def probabilities(self, features: ArrayLike, people: ArrayLike | None = None) -> np.ndarray:
        """The softmax `(N, K)` of the scores over the temperature, for an even prior."""
        # Not SciPy's softmax, which would be all that `ferkit predict` needs of SciPy's 150 MB.
        scores = self.scores(features, people) / self.temperature
        return np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))

    def save(self, path: str | Path) -> Path:
        """Write the model as safetensors, whole or not at all, with a JSON header."""
        path = Path(path)
        header = {
            "names": self.names,
            "training": asdict(self.training),
            "residual": self.residual,
            "temperature": self.temperature,
        }
        arrays = {name: np.asarray(getattr(self, name), dtype=np.float32) for name in _ARRAYS}
        write_sealed(path, arrays, {"format": _FORMAT, "model": json.dumps(header)})
        return path

    @classmethod
    def load(cls, path: str | Path) -> "FaceModel":
        """Load the model that `save` wrote.

        FileNotFoundError for a missing file; ValueError for another kind of file, and
        DamagedFileError for one that is not as it was written.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(
                f"no face model {path}; `ferkit run 02_landmark_residuals` trains one"
            )
        try:
            written = read_header(path).get("format")
            if written != _FORMAT:
                raise ValueError(f"{path} is not a face model ({written!r}, expected {_FORMAT!r})")
            header, arrays = read_sealed(path, "model")
        except DamagedFileError as error:
            raise DamagedFileError(f"{error}; make it again") from error
        try:
            values: dict[str, Any] = {name: arrays[name].astype(np.float64) for name in _ARRAYS}
            values |= header
            values["names"] = tuple(header["names"])
            values["training"] = Training(**header["training"])
            return cls(**values)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise DamagedFileError(f"{path} is damaged ({error}); make it again") from error


def with_residuals(
    features: ArrayLike, people: ArrayLike, fallback: ArrayLike | None = None
) -> np.ndarray:
    """What a residual model sees `(N, 2 D)`: residuals of features `(N, D)`, and these."""
    rows = np.asarray(features, dtype=np.float64)
    return np.concatenate([residuals(rows, people, fallback), rows], axis=1)

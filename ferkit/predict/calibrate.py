"""Predictions for a person whose neutral face is known, and what moves a prediction.

A face is compared with one neutral picture of the same person: the residual face model then sees
the pair, each picture minus the mean of the two, as in its training.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferkit.core.landmarks import inter_ocular
from ferkit.faces.detect import Face, find_face
from ferkit.faces.pictures import read_picture
from ferkit.predict.face_model import FaceModel
from ferkit.predict.frames import InputFrame
from ferkit.predict.geometry import geometry_features

_STEP = 0.002  # by which a landmark is moved, in units of the distance between the eyes


@dataclass(frozen=True, eq=False)
class CalibratedPredictor:
    """The residual face model, with the features `(D,)` of a neutral face of the person."""

    model: FaceModel
    neutral: np.ndarray

    def __post_init__(self) -> None:
        if not self.model.residual:
            raise ValueError(
                "calibration needs the residual face model, which compares pictures of a person"
            )

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names

    @property
    def needs_all_frames(self) -> bool:
        return False

    def look(self, image: np.ndarray | None, face: Face) -> np.ndarray:
        return geometry_features(face.landmarks[None])[0]

    def predict(self, inputs: Sequence[np.ndarray], frames: Sequence[InputFrame]) -> np.ndarray:
        return self.probabilities(np.stack(inputs))

    def probabilities(self, features: np.ndarray) -> np.ndarray:
        """The probabilities `(N, K)` of features `(N, D)`, each compared with the neutral face.

        The neutral face itself is neutral: the person said so, and a pair of two equal pictures is
        nothing that the model has learnt.
        """
        count = len(features)
        pairs = np.concatenate([np.tile(self.neutral, (count, 1)), features])
        probabilities = self.model.probabilities(pairs, np.tile(np.arange(count), 2))[count:]
        is_same = (features == self.neutral).all(1)
        probabilities[is_same] = np.eye(len(self.names))[self.names.index("neutral")]
        return probabilities


def calibrate(model: FaceModel, neutral: Face) -> CalibratedPredictor:
    """Compare the faces of a person with this neutral face; `model` is the residual one."""
    return CalibratedPredictor(model, geometry_features(neutral.landmarks[None])[0])


def calibrate_with_picture(model: FaceModel, picture: str | Path) -> CalibratedPredictor:
    """Compare the faces of a person with a neutral picture of this person.

    ValueError when the picture shows no face, or not the whole face.
    """
    read = read_picture(picture)
    face = find_face(read.pixels)
    if face is None:
        raise ValueError(f"--neutral {picture}: no face found in it; give another picture")
    if read.lacks(face.box):
        raise ValueError(
            f"--neutral {picture}: the file is cut off, and what it lacks touches the face; give "
            "another picture"
        )
    return calibrate(model, face)


def landmark_gradient(
    probabilities: Callable[[np.ndarray], np.ndarray], landmarks: np.ndarray, k: int
) -> np.ndarray:
    """By how much each landmark's movement raises the log odds of class `k`, `(68, 2)`.

    `probabilities` maps features `(N, D)` to `(N, K)`. The values are for a movement by 1 % of the
    distance between the eyes, along x and along y (down). This is the slope at this face, and says
    nothing of larger movements.
    """
    points = np.asarray(landmarks, dtype=np.float64)
    step = _STEP * float(inter_ocular(points))
    moves = step * np.eye(points.size).reshape(-1, *points.shape)  # (136, 68, 2)
    moved = np.concatenate([points + moves, points - moves])
    chances = np.clip(probabilities(geometry_features(moved))[:, k], 1e-12, 1 - 1e-12)
    log_odds = np.log(chances) - np.log1p(-chances)
    slopes = (log_odds[: points.size] - log_odds[points.size :]) / (2 * _STEP)
    return slopes.reshape(points.shape) / 100

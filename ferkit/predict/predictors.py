"""Models that predict emotions from faces, and which file holds which kind of model.

Most models predict each face on its own, so a few frames at a time are enough and long videos need
little memory. The residual face model needs a person's other pictures and a network of sequences a
video's other frames; they predict once all frames have been searched.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from ferkit.faces.detect import Face
from ferkit.predict.face_model import FaceModel
from ferkit.predict.frames import InputFrame
from ferkit.predict.geometry import FEATURES, geometry_features
from ferkit.predict.inputs import InputFile
from ferkit.predict.model_header import NETWORK_FORMAT, model_header
from ferkit.predict.shipped import load_model, model_path

NO_MAPS = "Grad-CAM needs a convolutional network: name one with --model; the face model is linear"


class Predictor(Protocol):
    """A trained model of either kind.

    `names` are its classes. With `needs_all_frames` a prediction uses the other frames of the same
    person or video, and only the best face of each frame counts.
    """

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def needs_all_frames(self) -> bool: ...

    def look(self, image: np.ndarray, face: Face) -> Any:
        """Return the model's input for a face. ValueError when it cannot be aligned."""

    def predict(self, inputs: Sequence[Any], frames: Sequence[InputFrame]) -> np.ndarray:
        """Return the probabilities `(N, K)` of N inputs, given the frame of each."""


@dataclass(frozen=True, eq=False)
class FaceModelPredictor:
    """A face model, which sees landmarks."""

    model: FaceModel

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names

    @property
    def needs_all_frames(self) -> bool:
        return self.model.residual

    def look(self, image: np.ndarray, face: Face) -> np.ndarray:
        return geometry_features(face.landmarks[None])[0]

    def predict(self, inputs: Sequence[np.ndarray], frames: Sequence[InputFrame]) -> np.ndarray:
        people = np.array([frame.file.person for frame in frames])
        return self.model.probabilities(np.stack(inputs), people if self.model.residual else None)


def load_predictor(
    model: str | Path | None, residual: bool, files: Sequence[InputFile]
) -> Predictor:
    """Load a model file, or the face model that comes with the package.

    ValueError when the model does not suit the option `residual` or the files.
    """
    header = model_header(model) if model else {}
    if "training" in header:
        raise ValueError(
            f"{model} is the state of a training; "
            "keep its network with ferkit.predict.network_file.save_network"
        )
    if model and header.get("format") == NETWORK_FORMAT:
        # Only now is torch needed, which takes seconds to import.
        from ferkit.predict.network_predictor import load_network_predictor

        return load_network_predictor(model, residual, files)
    if model:
        face_model = FaceModel.load(model)
    else:
        face_model = load_model("residual" if residual else "single")
    if face_model.residual and not residual:
        raise ValueError(f"the model {model} subtracts each person's mean: add --residual")
    if residual and not face_model.residual:
        raise ValueError(f"the model {model} looks at one picture: leave --residual out")
    if len(face_model.origin) != FEATURES:
        raise ValueError(
            f"the model {model} needs other features than ferkit computes: "
            f"{len(face_model.origin)} instead of {FEATURES}; train it again"
        )
    return FaceModelPredictor(face_model)


def model_hash(model: str | Path | None, residual: bool) -> str:
    """The hash in a model file, or in that of the package's face model."""
    default = model_path("residual" if residual else "single")
    return model_header(model or default).get("hash", "")

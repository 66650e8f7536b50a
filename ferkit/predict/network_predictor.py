"""Networks as predictors, of single pictures or of the best faces of a video's frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferkit.explain.grad_cam import cam_layer
from ferkit.faces.detect import Face
from ferkit.predict.frames import InputFrame
from ferkit.predict.inputs import InputFile
from ferkit.predict.network_file import load_network
from ferkit.predict.predictors import NO_MAPS, Predictor
from ferkit.training.spec import Network, Seen


@dataclass(frozen=True, eq=False)
class NetworkPredictor:
    """A network of single pictures, or of sequences: the best faces of a video's frames."""

    network: Network

    @property
    def names(self) -> tuple[str, ...]:
        return self.network.names

    @property
    def needs_all_frames(self) -> bool:
        return self.network.frames > 1

    def look(self, image: np.ndarray, face: Face) -> Seen:
        return self.network.look(image, face)

    def predict(self, inputs: Sequence[Seen], frames: Sequence[InputFrame]) -> np.ndarray:
        if self.network.frames == 1:
            return self.network.probabilities(inputs)
        # A video may be listed twice, so videos are told apart by identity, not by path.
        videos: dict[int, list[Seen]] = {}
        for seen, frame in zip(inputs, frames, strict=True):
            videos.setdefault(id(frame.file), []).append(seen)
        return np.concatenate([self.network.video_probabilities(seen) for seen in videos.values()])


def load_network_predictor(
    model: str | Path, residual: bool, files: Sequence[InputFile]
) -> NetworkPredictor:
    """Load a network; ValueError when it does not suit the option `residual` or the files."""
    network = load_network(model)
    if residual:
        raise ValueError(f"the network {model} subtracts no person's mean: leave --residual out")
    pictures = [file for file in files if not file.is_video]
    if network.frames > 1 and pictures:
        raise ValueError(
            f"the network {model} looks at sequences of {network.frames} frames: "
            f"give it a video, not {pictures[0].name}"
        )
    return NetworkPredictor(network)


def explained_network(predictor: Predictor, target: str | None) -> Network:
    """Return the predictor's network for Grad-CAM of the class `target`.

    ValueError when Grad-CAM cannot explain this model or it has no such class.
    """
    if not isinstance(predictor, NetworkPredictor):
        raise ValueError(NO_MAPS)
    if target is not None:
        predictor.network.class_index(target)
    cam_layer(predictor.network)
    return predictor.network

"""Specifications of a paper's networks, and trained networks.

Each paper lists its networks as `NetworkSpec` records. Network files, Grad-CAM,
`workbook.networks` and the studies loop over these records and therefore know no paper by name.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.special import softmax
from torch import Tensor, nn

from ferkit.core.landmarks import SUBSET_49, normalise
from ferkit.faces.detect import Face
from ferkit.faces.resample import resample
from ferkit.faces.views import View, see
from ferkit.training.loop import scores
from ferkit.training.recipe import Trained

Seen = tuple[np.ndarray, ...]  # what a network sees of one face, an array for each view


@dataclass(frozen=True)
class NetworkSpec:
    """How a network is built, shown a face, explained and trained."""

    name: str  # in files and records
    title: str  # in tables and figures
    build: Callable[..., nn.Module]  # called with the arguments that the network file keeps
    views: Callable[..., tuple[View, ...]]  # what the network sees of a face
    cam_layer: str | None = None  # the layer for Grad-CAM; None for networks of sequences
    window: bool = False  # whether the network sees several frames of a video at once
    # Leaves only the scores of the emotions, where a network has other outputs as well.
    emotion_scores: Callable[[nn.Module], nn.Module] | None = None
    # Brings a heat map back to the network's input, where a layer sees a transformed face.
    place_map: Callable[[nn.Module, str, tuple[Tensor, ...], np.ndarray], np.ndarray] | None = None
    dataset: str = ""  # the drawn set that `train` trains it on
    # train(level, seed, out, **options) trains it as the notebook does and returns the paper's
    # networks, this one among them. None when only a notebook trains it.
    train: "Callable[..., list[Network]] | None" = None


@dataclass(frozen=True, eq=False)
class Network:
    """A trained network with its specification, builder arguments, classes, views and frames."""

    spec: NetworkSpec
    arguments: Mapping[str, Any]
    names: tuple[str, ...]
    views: tuple[View, ...]
    module: nn.Module
    frames: int = 1  # that it sees at once
    about: str = ""  # what it was trained on

    @property
    def kind(self) -> str:
        """The name of the network's specification."""
        return self.spec.name

    @property
    def scorer(self) -> nn.Module:
        """The module whose outputs are the scores of the classes alone."""
        if self.spec.emotion_scores is None:
            return self.module
        return self.spec.emotion_scores(self.module)

    def look(self, image: np.ndarray, face: Face) -> Seen:
        """Cut what the network sees of a face from an image.

        The image is `(H, W, 3)` uint8. ValueError when the face cannot be aligned.
        """
        return tuple(see(image, face, view)[0] for view in self.views)

    def probabilities(self, seen: Sequence[Seen]) -> np.ndarray:
        """Return softmax probabilities `(N, K)` of N faces or windows of frames."""
        outputs = scores(self.scorer, stack_inputs(seen), precision="32")
        return softmax(outputs.astype(np.float64), axis=1)

    def video_probabilities(self, seen: Sequence[Seen]) -> np.ndarray:
        """Return probabilities `(M, K)` of the M faces of a video.

        Those of one window are equal.
        """
        count = max(1, round(len(seen) / self.frames))
        windows = np.array_split(np.arange(len(seen)), count)
        inputs = []
        for window in windows:
            inputs.append(self._window([seen[row] for row in window]))
        lengths = [len(window) for window in windows]
        return self.probabilities(inputs).repeat(lengths, axis=0)

    def _window(self, seen: Sequence[Seen]) -> Seen:
        """Resample frames to as many as the network sees."""
        inputs = []
        for view, frames in zip(self.views, zip(*seen, strict=True), strict=True):
            resampled = resample(np.stack(frames), self.frames)
            if view.cut == "points":
                inputs.append(normalise(resampled[:, SUBSET_49]).astype(np.float32))
            else:
                inputs.append(resampled[:, 0])
        return tuple(inputs)

    def class_index(self, name: str) -> int:
        """Return the index of a class; ValueError for one it lacks."""
        if name not in self.names:
            raise ValueError(f"the network has no class {name!r}; it has {', '.join(self.names)}")
        return self.names.index(name)


@dataclass(frozen=True, eq=False)
class Restart:
    """What one restart of a study gives: its predictions, and how its networks trained."""

    predictions: pd.DataFrame  # as of `evaluation.predictions.sample_rows`
    trainings: pd.DataFrame  # as of `training_rows`


@dataclass(frozen=True)
class Study:
    """A comparison of a paper's methods over several trainings, `workbook.studies.study`."""

    name: str  # of the tables; figures lie in the paper's folder
    folder: str  # under figures/
    title: str
    measure: str  # what is measured, below the axis
    pairs: tuple[tuple[str, str], ...]  # methods whose difference is drawn: first minus second
    # Trains one restart, given (level, seed, start, out, **options).
    train_restart: Callable[..., Restart]
    plans: Mapping[str, Any]  # of each level: dataclasses of how its networks learn
    titles: Mapping[str, str]  # of methods whose name is not their title
    # The method without a network that a network of pictures has to beat on the same folds, before
    # anything is concluded from it; None where no network sees pictures.
    baseline: str | None = None
    # What is measured on data sets where it is something else than `measure`.
    other_measures: Mapping[str, str] = field(default_factory=dict)

    def measure_on(self, data: str) -> str:
        """Say what is measured on a data set."""
        return self.other_measures.get(data, self.measure)

    def pair_title(self, pair: str) -> str:
        """Write a pair such as "joint minus joint_l3" with the titles of its methods."""
        methods = []
        for method in pair.split(" minus "):
            name, comma, state = method.partition(", ")
            methods.append(self.titles.get(name, name) + comma + state)
        return " minus ".join(methods)


def training_rows(data: str, method: str, start: int, trained: Iterable[Trained]) -> pd.DataFrame:
    """Tabulate how a method's networks trained, a row for each fold.

    Columns data, method, start, fold, epochs, best_epoch, val_loss and val_accuracy (of the best
    epoch) and seconds.
    """
    rows = []
    for fold, one in enumerate(trained):
        history = one.history.set_index("epoch")
        best = history.loc[one.best_epoch]
        row = {
            "data": data,
            "method": method,
            "start": start,
            "fold": fold,
            "epochs": len(history),
            "best_epoch": one.best_epoch,
            "val_loss": best["val_loss"],
            "val_accuracy": best["val_accuracy"],
            "seconds": round(float(history["seconds"].sum()), 1),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def stack_inputs(seen: Sequence[Seen]) -> tuple[Tensor, ...]:
    """Stack the views of all faces into one tensor each."""
    return tuple(torch.from_numpy(np.stack(arrays)) for arrays in zip(*seen, strict=True))

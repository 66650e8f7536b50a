"""DTAN of one or three frames: does its first layer follow change, and does the network use it?

H. Jung et al., ICCV 2015, section 4.1, figures 3 to 6. The measurements are ours: the paper looks
at pictures of filters.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ferkit.evaluation.intervals import bootstrap
from ferkit.evaluation.predictions import Predictions
from ferkit.explain.face_maps import mean_change
from ferkit.papers.dtagn.data import SequenceSet, choose_frames
from ferkit.papers.dtagn.experiment import build_networks
from ferkit.papers.dtagn.look_inside import (
    average_windows,
    edge_strength,
    first_filters,
    first_responses,
    map_agreement,
    partial_agreement,
)
from ferkit.papers.dtagn.plans import PLANS
from ferkit.papers.dtagn.sequences import vary_sequences
from ferkit.training.by_folds import cross_train, part_rows
from ferkit.training.loop import scores as network_scores

EDGES = "edges"
CHANGE = "change of pixels"
MOTION = "true motion"


@dataclass(frozen=True, eq=False)
class FewFrames:
    """DTAN on few frames of each sequence, before and after training on the first fold.

    `pictures` are `(N, T, H, W)`, `tested` `(N,)` tells which sequences the fold tests, and
    `predictions` are for these.
    """

    pictures: Tensor
    tested: np.ndarray
    untrained: nn.Module
    trained: nn.Module
    predictions: Predictions


def train_few_frames(
    count: int, loaded: SequenceSet, level: str, *, seed: int = 0, **options: Any
) -> FewFrames:
    """Train DTAN on `count` frames of each sequence, on the first fold alone.

    `options` go to `cross_train`: folder, device, precision, progress.
    """
    plan = PLANS[level]
    data, folds = loaded.data, loaded.folds[:1]
    pictures = choose_frames(data.pictures, count)
    notation = plan.dtan_notation(loaded.kind)
    untrained = build_networks(notation, pictures, data.people, folds, seed)
    trained = cross_train(
        untrained,
        plan.dtan_of(loaded.kind),
        (pictures,),
        data.labels,
        data.people,
        folds,
        seed=seed,
        augment=vary_sequences,
        **options,
    )
    return FewFrames(
        pictures,
        part_rows(data.people, folds[0])["test"],
        untrained[0],
        trained.trained[0].network,
        trained.predictions(loaded.classes),
    )


# Which part of a picture a first feature map follows


def reference_maps(pictures: Tensor, peak: int, motion: np.ndarray | None) -> dict[str, np.ndarray]:
    """Map edges and change of sequences `(N, T, H, W)`, each `(N, H, W)`.

    Edges are those of frame `peak`. `motion` `(N, H, W)` is the true motion, None where unknown.
    """
    maps = {EDGES: edge_strength(pictures[:, peak]), CHANGE: mean_change(pictures)}
    return maps if motion is None else {**maps, MOTION: motion}


def measure_agreement(
    few: Mapping[int, FewFrames],
    references: Mapping[str, np.ndarray],
    rows: np.ndarray,
    people: ArrayLike,
    *,
    seed: int = 0,
) -> pd.DataFrame:
    """Correlate the first feature maps of some sequences with reference maps, over places.

    `few` holds DTANs by their number of frames, `rows` numbers the sequences, of `people`, that
    the references belong to. Columns frames, state ("before training" or "trained"), quantity,
    value, low, high and n, the interval over people. "..., edges fixed" are partial correlations.
    """
    table = []
    for frames, one in few.items():
        for state, network in (("before training", one.untrained), ("trained", one.trained)):
            window = first_filters(network).shape[-1]
            seen = {name: average_windows(values, window) for name, values in references.items()}
            agreement = _agreements(first_responses(network, one.pictures[rows]), seen)
            defined = ~np.isnan(np.stack(list(agreement.values()))).any(0)
            for quantity, values in agreement.items():
                score = bootstrap(values[defined], np.asarray(people)[defined], seed=seed)
                labels = {"frames": frames, "state": state, "quantity": quantity}
                table.append({**labels, **score.metric()})
    return pd.DataFrame(table)


def _agreements(maps: np.ndarray, seen: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Correlate feature maps `(N, n, h, w)` with references `(N, h, w)`: `(N,)`, mean over maps."""
    agreement = {name: map_agreement(maps, values) for name, values in seen.items()}
    for name in [name for name in seen if name != EDGES]:
        between = map_agreement(seen[EDGES][:, None], seen[name])
        agreement[f"{name}, edges fixed"] = partial_agreement(
            agreement[name], agreement[EDGES], between
        )
    with warnings.catch_warnings():
        # Maps that are zero everywhere correlate with nothing.
        warnings.simplefilter("ignore", RuntimeWarning)
        return {name: np.nanmean(values, axis=1) for name, values in agreement.items()}


# What the whole network uses


def trick_sequences(pictures: Tensor, peak: int) -> dict[str, Tensor]:
    """Show sequences `(N, T, H, W)` as they are, standing still at frame `peak`, and backwards."""
    frames = pictures.shape[1]
    return {
        "as they are": pictures,
        "standing still": pictures[:, [peak] * frames],
        "backwards": pictures.flip(1),
    }


def correct_when_tricked(few: FewFrames, peak: int) -> dict[str, np.ndarray]:
    """Tell which test sequences the trained network has right each way, `(n,)` bool."""
    tested = torch.from_numpy(few.tested)
    correct = {}
    for name, pictures in trick_sequences(few.pictures[tested], peak).items():
        outputs = network_scores(few.trained, (pictures,), precision="32")
        correct[name] = outputs.argmax(1) == few.predictions.truth
    return correct

"""Steps of notebook 09 about t-SNE and what neighbours share."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import nn

from ferkit.data.folds import Fold
from ferkit.evaluation.intervals import Score, bootstrap
from ferkit.explain.features import layer_outputs
from ferkit.explain.tsne import same_neighbours
from ferkit.papers.dtagn.network import SequenceNetwork
from ferkit.papers.dtagn.sequences import Sequences


def hidden_features(network: nn.Module, data: Sequences) -> dict[str, np.ndarray]:
    """Return DTGN's input and the rectified output of its second hidden layer, `(N, D)` each."""
    assert isinstance(network, SequenceNetwork)
    dense = [module for module in network.hidden.modules() if isinstance(module, nn.Linear)]
    hidden = layer_outputs(network, dense[-1], (data.points,)).clip(min=0)
    flat = data.points.numpy().reshape(len(data.people), -1)
    return {"input": flat, "second hidden layer": hidden}


def label_sequences(data: Sequences, classes: Sequence[str], fold: Fold) -> dict[str, np.ndarray]:
    """Return the emotion, the person and the part (training or test) of each sequence."""
    tested = np.isin(data.people, [clip.person for clip in fold.test])
    return {
        "emotion": np.array(classes)[np.asarray(data.labels)],
        "person": np.asarray(data.people),
        "part": np.where(tested, "test", "training"),
    }


def same_emotion(features: np.ndarray, points: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return for each test sequence the share of its nearest ones with the same emotion."""
    tested = points["part"] == "test"
    neighbours = min(10, int(tested.sum()) - 1)
    return same_neighbours(features[tested], points["emotion"][tested], k=neighbours)


def neighbour_scores(
    features: Mapping[str, np.ndarray], points: Mapping[str, np.ndarray], seed: int
) -> dict[str, Score]:
    """Average `same_emotion` over people; under "difference" the last features less the first."""
    shares = {name: same_emotion(values, points) for name, values in features.items()}
    first, *_, last = shares.values()
    people = points["person"][points["part"] == "test"]
    shares["difference"] = last - first
    return {name: bootstrap(share, people, seed=seed) for name, share in shares.items()}


def neighbour_chance(points: Mapping[str, np.ndarray]) -> float:
    """The share of random test sequences that show the same emotion."""
    emotions = points["emotion"][points["part"] == "test"]
    _, counts = np.unique(emotions, return_counts=True)
    return float(((counts / counts.sum()) ** 2).sum())


def neighbour_metrics(shares: Mapping[str, Score], chance: float, prefix: str) -> dict[str, Any]:
    """Return the metrics PREFIX/input, PREFIX/second_hidden_layer and so on, and chance."""
    metrics: dict[str, Any] = {f"{prefix}/chance": {"value": chance}}
    for name, value in shares.items():
        metrics[f"{prefix}/{name.replace(' ', '_')}"] = value.metric()
    return metrics


def choose_perplexity(count: int) -> float:
    """The usual perplexity of 30, or 5 where there are few points."""
    return 30.0 if count >= 90 else 5.0

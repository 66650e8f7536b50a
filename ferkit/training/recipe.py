"""Examples, the recipe of a training, and the trained network."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn

from ferkit.training.layers import cross_entropy

Augment = Callable[[tuple[Tensor, ...], torch.Generator], tuple[Tensor, ...]]
# Changes inputs and labels alike, such as landmarks that move with their picture.
AugmentBoth = Callable[
    [tuple[Tensor, ...], Tensor, torch.Generator], tuple[tuple[Tensor, ...], Tensor]
]
Loss = Callable[[Any, Tensor], Tensor]

_OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs and labels of N examples.

    Inputs are `(N, ...)` each; uint8 becomes float / 255 on the device. Labels are `(N,)` int64
    classes, or float `(N, ...)`.
    """

    inputs: tuple[Tensor, ...]
    labels: Tensor

    def __post_init__(self) -> None:
        tensors = (*self.inputs, self.labels)
        if not isinstance(self.inputs, tuple) or not all(isinstance(x, Tensor) for x in tensors):
            raise TypeError(
                "expected a tuple of tensors and a tensor of labels, "
                f"got {type(self.inputs).__name__} and {type(self.labels).__name__}; "
                "see torch.from_numpy"
            )
        lengths = [len(x) for x in tensors]
        if len(set(lengths)) != 1 or not self.inputs:
            raise ValueError(
                f"inputs and labels must have the same length, got {lengths[:-1]} and {lengths[-1]}"
            )
        if not len(self.labels):
            raise ValueError(
                "examples must not be empty; leave `validation` out when no people are held out"
            )


@dataclass(frozen=True)
class Recipe:
    """One paper's training settings."""

    epochs: int  # passes over the training examples, unless `iterations` says when to stop
    batch: int = 32  # examples
    rate: float = 0.01  # the learning rate
    momentum: float = 0.9  # of SGD
    weight_decay: float = 5e-4
    optimiser: str = "sgd"  # or "adam", "adamw"
    rate_factor: float = 1.0  # the learning rate is multiplied by it ...
    rate_every: int = 0  # ... every so many iterations; 0: never
    # The learning rate of an iteration, counted from 0; it replaces the three fields above.
    schedule: Callable[[int], float] | None = None
    # Iterations without improvement on the validation examples after which the training stops;
    # without validation examples it does not stop early.
    patience_iterations: int | None = None
    patience_after: int = 0  # iterations before the waiting begins
    iterations: int | None = None  # the training's exact length, in place of `epochs`
    loss: Loss = cross_entropy  # (outputs, labels) -> the mean over the batch
    top_k: int = 1  # the history also holds whether the truth is among the first 2 .. k classes
    # (outputs, labels) -> which predictions are right, `(N,)` bool, where labels hold more than
    # classes: the accuracy on the validation examples.
    is_right: Callable[[Any, Tensor], Tensor] | None = None

    def __post_init__(self) -> None:
        if self.optimiser not in _OPTIMISERS:
            raise ValueError(
                f"unknown optimiser {self.optimiser!r}; known: {', '.join(_OPTIMISERS)}"
            )
        counts = (self.epochs, self.batch, self.patience_iterations, self.iterations, self.top_k)
        if min(count for count in counts if count is not None) < 1:
            raise ValueError(
                "epochs, batch, patience_iterations, iterations and top_k must be positive, "
                f"got {self}"
            )
        if self.rate <= 0 or self.rate_every < 0 or self.patience_after < 0:
            raise ValueError(
                "rate must be positive, rate_every and patience_after must not be negative, "
                f"got {self}"
            )

    def rate_at(self, iteration: int) -> float:
        """Return the learning rate of an iteration, counted from 0."""
        if self.schedule:
            return self.schedule(iteration)
        falls = iteration // self.rate_every if self.rate_every else 0
        return self.rate * self.rate_factor**falls

    def batch_count(self, count: int) -> int:
        """Return how many batches an epoch of `count` examples has."""
        return math.ceil(count / self.batch)

    def epoch_count(self, count: int) -> int:
        """Return how many epochs, the last perhaps cut short, `count` examples are trained for."""
        if self.iterations is None:
            return self.epochs
        return math.ceil(self.iterations / self.batch_count(count))

    def build_optimiser(self, network: nn.Module) -> torch.optim.Optimizer:
        """Build the optimiser of the parameters that are not frozen."""
        trainable = [p for p in network.parameters() if p.requires_grad]
        momentum = {"momentum": self.momentum} if self.optimiser == "sgd" else {}
        kind = _OPTIMISERS[self.optimiser]
        return kind(trainable, lr=self.rate, weight_decay=self.weight_decay, fused=True, **momentum)


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network and its history.

    The weights are those of the best epoch, without validation those of the last. `history` has a
    row for each epoch: epoch, iteration, rate, train_loss, val_loss, val_accuracy, seconds.
    """

    network: nn.Module
    history: pd.DataFrame
    best_epoch: int

"""EmotionalDAN's labels, losses and learning rate.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4.2 and equation 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ferkit.papers.emotionaldan.network import COORDINATES, split_outputs
from ferkit.training.layers import cross_entropy

LEARNING_RATES = (0.0001, 0.05)  # the ends of the triangular learning rate


def join_labels(points: Tensor, classes: Tensor) -> Tensor:
    """Join landmarks `(N, 68, 2)` and classes `(N,)` in one tensor, `(N, 137)` float32."""
    if points.shape != (len(classes), 68, 2) or classes.ndim != 1:
        raise ValueError(
            "expected points (N, 68, 2) and N classes, "
            f"got {tuple(points.shape)} and {tuple(classes.shape)}"
        )
    return torch.cat([points.flatten(1).float(), classes[:, None].float()], dim=1)


def split_labels(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Split labels `(N, 137)` into landmarks `(N, 68, 2)` and classes `(N,)`."""
    if labels.ndim != 2 or labels.shape[1] != COORDINATES + 1:
        raise ValueError(
            f"expected labels (N, 137), landmarks and class, got {tuple(labels.shape)}"
        )
    return labels[:, :-1].reshape(-1, 68, 2), labels[:, -1].long()


def is_right(outputs: Tensor, labels: Tensor) -> Tensor:
    """Tell for which faces the emotion with the highest score is the true one, `(N,)` bool."""
    return split_outputs(outputs)[0].argmax(1) == split_labels(labels)[1]


def landmark_error(points: Tensor, truth: Tensor, which: Sequence[int] = range(68)) -> Tensor:
    """Return the mean distance of landmarks `(N, 68, 2)` from the truth, `(N,)`.

    In distances between the true eye centres. `which` names the landmarks that count.
    """
    distance = (points - truth).norm(dim=2)[:, list(which)]
    return distance.mean(1) / eye_distance(truth)


def eye_distance(points: Tensor) -> Tensor:
    """Return the distance of the two eye centres, `(N,)`, of landmarks `(N, 68, 2)`."""
    return (points[:, 36:42].mean(1) - points[:, 42:48].mean(1)).norm(dim=1)


@dataclass(frozen=True)
class DanLoss:
    """`alpha |S - S*| / d + beta cross-entropy`, averaged over the batch (equation 2).

    `|S - S*|` is the norm of all 136 differences, as the equation reads, or with `mean` the mean
    distance of a landmark. Outputs are as of `split_outputs`, labels as of `join_labels`.
    """

    alpha: float = 0.4
    beta: float = 0.6
    mean: bool = False

    def __call__(self, outputs: Tensor, labels: Tensor) -> Tensor:
        truth, classes = split_labels(labels)
        scores, points = split_outputs(outputs)
        if self.beta and not scores.shape[1]:
            raise ValueError(
                "this network has no emotion head; train it on landmarks alone, "
                "with DanLoss(1, 0, mean=True)"
            )
        if self.mean:
            error = landmark_error(points, truth)
        else:
            error = (points - truth).flatten(1).norm(dim=1) / eye_distance(truth)
        loss = self.alpha * error.mean()
        if self.beta:
            loss = loss + self.beta * cross_entropy(scores, classes)
        return loss


LOSSES = {"as_paper": DanLoss(), "as_authors_code": DanLoss(0.5, 0.5, mean=True)}


@dataclass(frozen=True)
class Triangular:
    """A learning rate that rises from `low` to `high` in `half` iterations and falls in as many.

    It repeats (section 4.2), or stays at `low` after so many `cycles`. torch's CyclicLR does the
    same on an optimiser; a recipe's schedule is a function of the iteration.
    """

    low: float = LEARNING_RATES[0]
    high: float = LEARNING_RATES[1]
    half: int = 10_000
    cycles: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high or self.half < 1:
            raise ValueError(
                f"expected 0 < low <= high and half of at least 1 iteration, got {self}"
            )

    def __call__(self, iteration: int) -> float:
        """Return the learning rate of an iteration, counted from 0."""
        if self.cycles is not None and iteration >= 2 * self.half * self.cycles:
            return self.low
        share = abs((iteration / self.half + 1) % 2 - 1)
        return self.low + (self.high - self.low) * share

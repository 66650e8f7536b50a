"""A compact network of today, for the benchmark: depthwise separable convolutions.

Some 32 000 weights, after MobileNet (Howard et al. 2017), on grey pictures of 48 pixels.
"""

from collections.abc import Sequence

import numpy as np
from torch import nn

from ferkit.data.folds import Fold
from ferkit.faces.load import resize_pictures
from ferkit.training.augment import mirror_turn_and_shift
from ferkit.training.by_folds import CrossTrained, cross_train, part_rows
from ferkit.training.learning import Learning

_SIDE = 48
_CHANNELS = (16, 32, 64, 128, 128)
_EPOCHS = {"smoke": 2, "lesson": 60, "study": 120, "paper": 120}


def build_compact(classes: int) -> nn.Sequential:
    """Build the network: a usual convolution, then blocks that halve the picture each."""
    layers: list[nn.Module] = [
        nn.Conv2d(1, _CHANNELS[0], 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(_CHANNELS[0]),
        nn.ReLU(),
    ]
    for narrow, wide in zip(_CHANNELS, _CHANNELS[1:], strict=False):
        layers += _separable(narrow, wide)
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(_CHANNELS[-1], classes)]
    return nn.Sequential(*layers)


def train_compact(
    pictures: np.ndarray,
    labels: np.ndarray,
    people: np.ndarray,
    folds: Sequence[Fold],
    level: str,
    *,
    seed: int = 0,
    folder: str | None = None,
) -> CrossTrained:
    """Train the network by folds of people; pictures are grey, `(N, S, S)` uint8.

    The last epoch is kept, since no people are held back to choose another.
    """
    if pictures.ndim != 3:
        raise ValueError(f"expected grey pictures (N, S, S), got {pictures.shape}")
    small = resize_pictures(pictures, _SIDE)  # (N, 1, _SIDE, _SIDE)
    classes = int(labels.max()) + 1
    epochs = _EPOCHS[level]
    count = int(part_rows(people, folds[0])["train"].sum())
    learning = Learning(epochs, 0.003, 32, "adamw", weight_decay=0.01, cycle=epochs)
    return cross_train(
        lambda: build_compact(classes),
        learning.recipe(count),
        (small,),
        labels,
        people,
        folds,
        seed=seed,
        augment=mirror_turn_and_shift,
        folder=folder,
        precision="32",  # with so few channels bf16 takes more than twice as long
        progress=False,
    )


def _separable(narrow: int, wide: int) -> list[nn.Module]:
    """A depthwise convolution that halves the picture, then one of 1 x 1."""
    return [
        nn.Conv2d(narrow, narrow, 3, stride=2, padding=1, groups=narrow, bias=False),
        nn.BatchNorm2d(narrow),
        nn.ReLU(),
        nn.Conv2d(narrow, wide, 1, bias=False),
        nn.BatchNorm2d(wide),
        nn.ReLU(),
    ]

"""What each level trains in paper 2: how large patches and network are, and for how long.

The paper gives neither the batch size nor the number of iterations; its learning rate falls every
50 000 iterations (section 3.3).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ferkit.core.files import digest
from ferkit.papers.i2cnn.network import AlexNet
from ferkit.training.recipe import Recipe
from ferkit.training.seeds import seeded


@dataclass(frozen=True)
class Plan:
    """How large patches and network are, and how the network is trained."""

    face: int  # pixels of the aligned face
    side: int  # of a patch
    crop: int  # of the part that the network sees: at random in training, the middle in testing
    width: float  # of AlexNet's convolutions
    dense: int  # numbers in its two dense layers, and so in the feature
    iterations: Mapping[int, int]  # at most, one batch each, for each k
    batch: int  # patches
    rate: float  # the learning rate
    rate_after: float  # share of the iterations after which the rate is divided by 10, each time
    patience: int | None = None  # iterations without improvement on validation people
    val_share: float = 0.0  # of the people, who choose the epoch in each fold
    dropout: float = 0.5
    weight_decay: float = 5e-4
    start: str = "caffe"  # of the weights
    standardise: bool = False  # whether each patch is brought to mean 0 and unit contrast
    batch_norm: bool = False  # whether it replaces response normalisation
    optimiser: str = "sgd"
    folds: int = 10
    sequence_folds: int = 2  # of the study's sequences; 0: none

    def val_people(self, count: int) -> int:
        """How many of `count` people validate in each fold: at least one, or none at all."""
        return max(1, round(self.val_share * count)) if self.val_share else 0

    def recipe(self, k: int) -> Recipe:
        """The recipe for k patches of each face.

        The learning rate falls after the share `rate_after` of the iterations, and again. Patience
        counts from the first fall, so no training ends before it.
        """
        rate_every = round(self.rate_after * self.iterations[k])
        return Recipe(
            epochs=1,
            iterations=self.iterations[k],
            batch=self.batch,
            rate=self.rate,
            rate_factor=0.1,
            rate_every=rate_every,
            weight_decay=self.weight_decay,
            optimiser=self.optimiser,
            patience_iterations=self.patience,
            patience_after=rate_every,
        )

    def shape(self, classes: int) -> dict[str, Any]:
        """The arguments of AlexNet for patches of `crop` pixels."""
        return {
            "classes": classes,
            "size": self.crop,
            "width": self.width,
            "dense": self.dense,
            "dropout": self.dropout,
            "start": self.start,
            "standardise": self.standardise,
            "batch_norm": self.batch_norm,
        }

    def network(self, classes: int, seed: int) -> AlexNet:
        """Build a new AlexNet for patches of `crop` pixels."""
        return seeded(lambda: AlexNet(**self.shape(classes)), seed)

    @property
    def mark(self) -> str:
        """Eight hexadecimal digits that change with any of these numbers."""
        return digest(self, length=8)


_QUICK: dict[str, Any] = {
    "start": "he",
    "standardise": True,
    "optimiser": "adam",
    "weight_decay": 0.0,
    "dropout": 0.2,
}
# Patches are as small as the trunk allows. Chosen on a fold's validation person: after 1 200 such
# steps the network of 60 patches had stopped improving, at an eighth of AlexNet's filters and with
# batch normalisation; with response normalisation it still learnt after 600.
_SMALL: dict[str, Any] = {
    "face": 96,
    "side": 48,
    "crop": 43,
    "width": 0.125,
    "dense": 128,
    "batch": 128,
    "rate": 0.003,
    "rate_after": 0.5,
    **_QUICK,
    "dropout": 0.0,
    "batch_norm": True,
}
# Every k of `study` is trained for equally many steps, at most. A step takes 20 to 60 ms of a core.
# Where the rate fell after 540 of 1 800 steps, the network of 60 patches names 0.57 of the
# validation people's patches of `sequences`; where it falls after 2 160 of 3 600, 0.60, but in half
# of the trainings the last epoch was the best.
_EQUAL = dict.fromkeys((1, 5, 60), 5400)
_UNHURRIED: dict[str, Any] = {"rate_after": 0.4, "patience": 1200}
_FEW = dict.fromkeys((1, 5, 60), 6)
_PAPER = dict.fromkeys((1, 5, 60), 150_000)
PLANS = {
    "smoke": Plan(64, 48, 43, 0.06, 16, _FEW, 32, 0.001, 0.75, **_QUICK, folds=2, sequence_folds=0),
    "lesson": Plan(iterations={1: 60, 5: 100, 60: 200}, folds=3, **_SMALL),
    "study": Plan(iterations=_EQUAL, val_share=0.1, folds=3, **_SMALL | _UNHURRIED),
    # It stops when a whole step of the learning rate brings nothing.
    "paper": Plan(
        224, 256, 227, 1.0, 4096, _PAPER, 128, 0.01, 1 / 3, patience=50_000, val_share=0.1
    ),
}

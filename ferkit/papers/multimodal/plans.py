"""What each level trains in paper 1: how large the networks are, how they learn, and who is tested.

J. Guo et al., FG 2017, section IV. Optimiser, learning rates and epochs of the smaller levels are
ours: with so few batches the paper's rate of 0.0005 would hardly move the weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, fold_held_out, folds_random, people
from ferkit.papers.multimodal.network import VisualOptions
from ferkit.training.layers import hinge
from ferkit.training.learning import Learning, one_cycle
from ferkit.training.recipe import Recipe

_TESTED_PEOPLE = 9
_TOP_K = 5  # figures 8 and 10 follow top-1 to top-5 over the training
_ITERATIONS = 100_000  # section IV-C
_BATCH = 32
_RATE = 0.0005
_AUTHORS_FALL = 20_000  # iterations after which the learning rate of the authors' code falls


@dataclass(frozen=True)
class Plan:
    """How large the networks of one level are, and how long they train."""

    size: int  # pixels of the pictures
    width: float  # of AlexNet's convolutions
    dropout: float
    start: str  # of the weights
    folds: int  # of people; 1 is the paper's split
    val_people: int  # of each training part; they choose the epoch
    learning: Learning | None  # of all designs; None: the paper's
    augment: bool = (
        True  # whether pictures are mirrored, turned and shifted, as the paper's are not
    )
    # The rest is ours and not the paper's: it learns from fewer pictures.
    tested_people: int = _TESTED_PEOPLE  # of the one split
    batch_norm: bool = False

    @property
    def shape(self) -> VisualOptions:
        """The arguments that all networks share."""
        return {
            "size": self.size,
            "width": self.width,
            "dropout": self.dropout,
            "start": self.start,
            "batch_norm": self.batch_norm,
        }

    def recipes(self, count: int) -> dict[str, Recipe]:
        """The recipes for `count` training faces, by the names of notebook 03.

        "authors" is the recipe of the authors' code, whose learning rate falls, at `paper`.
        """
        if self.learning:
            usual = self.learning.recipe(count, top_k=_TOP_K)
        else:
            usual = Recipe(1, _BATCH, _RATE, iterations=_ITERATIONS, top_k=_TOP_K)
        by_hinge = replace(usual, loss=hinge)
        return {
            "pictures alone": usual,
            "both, hinge": by_hinge,
            "both, cross-entropy": usual,
            "authors": replace(by_hinge, rate_factor=0.75, rate_every=_AUTHORS_FALL),
        }

    @property
    def rate(self) -> float:
        """The learning rate; a cycle begins and ends lower."""
        return self.learning.rate if self.learning else _RATE

    def make_folds(self, clips: Sequence[Clip], seed: int = 0) -> list[Fold]:
        """Split the people: the paper's split, or random folds where there are several."""
        if self.folds == 1:
            return multimodal_folds(
                clips, tested=self.tested_people, val_people=self.val_people, seed=seed
            )
        return folds_random(clips, self.folds, seed, val_people=self.val_people)


# How networks learn from thousands of pictures instead of the paper's tens of thousands.
_FROM_FEW_PICTURES: dict[str, Any] = {"width": 0.25, "start": "he", "batch_norm": True}


def _learning(epochs: int, patience: int | None = None) -> Learning:
    return one_cycle(epochs, 0.002, _BATCH, weight_decay=5e-4, patience=patience)


PLANS = {
    "smoke": Plan(48, 0.0625, 0.5, "he", 2, 1, _learning(1)),
    "lesson": Plan(
        size=64,
        dropout=0.5,
        folds=3,
        val_people=4,
        learning=_learning(14),
        **_FROM_FEW_PICTURES,
    ),
    # A fifth of the people are tested. Of the validation people's faces both branches name 0.40 by
    # cross-entropy; under SGD at one rate, from trained pictures alone, they had 0.32.
    "study": Plan(
        size=96,
        dropout=0.5,
        folds=1,
        val_people=10,
        tested_people=23,
        learning=_learning(60, patience=20),
        **_FROM_FEW_PICTURES,
    ),
    "paper": Plan(224, 1.0, 0.8, "caffe", 1, 9, learning=None, augment=False),
}


def multimodal_folds(
    clips: Sequence[Clip], *, tested: int = _TESTED_PEOPLE, val_people: int = 0, seed: int = 0
) -> list[Fold]:
    """The paper's one split: the last nine people by id are tested (section IV).

    Of iCV-MEFED's 92 labelled people these are 2 250 of 22 969 pictures. The paper validates on
    them; here `val_people` of the training people choose the epoch. Another number of people may be
    `tested`; ValueError when there are no others to train on.
    """
    everybody = people(clips)
    if len(everybody) <= tested:
        raise ValueError(
            f"the paper tests the last {tested} people, but the clips show only "
            f"{len(everybody)}; give clips of more people"
        )
    name = f"last {tested}"
    return [fold_held_out(clips, everybody[-tested:], name, val_people=val_people, seed=seed)]

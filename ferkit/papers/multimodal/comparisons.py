"""What paper 1's network is compared with: rejected designs, other rates, and swapped inputs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike

from ferkit.core.labels import COMPOUND
from ferkit.data.folds import Fold
from ferkit.evaluation.predictions import Predictions
from ferkit.papers.multimodal.data import CompoundFaces
from ferkit.papers.multimodal.experiment import train_design, training_count
from ferkit.papers.multimodal.network import (
    TwoBranches,
    TwoHeads,
    TwoNetworks,
    VisualOptions,
    sum_over_heads,
)
from ferkit.papers.multimodal.plans import Plan
from ferkit.training.by_folds import CrossTrained, part_rows
from ferkit.training.layers import cross_entropy
from ferkit.training.loop import scores

OWN = "own picture and residual"
OTHERS_PICTURE = "somebody else's picture"
OTHERS_RESIDUAL = "somebody else's residual"


def train_rejected(
    plan: Plan, faces: CompoundFaces, folds: Sequence[Fold], **options: Any
) -> dict[str, CrossTrained]:
    """Train, in the first fold, the designs that the paper rejected, and two variants.

    The variants are the other dropout of the paper, and the network of the authors' code. Options
    are those of `train_design`.
    """
    recipes = plan.recipes(training_count(faces, folds))
    as_published: VisualOptions = {**plan.shape, "dropout": 0.8, "variant": "as_authors_code"}
    authors = partial(TwoBranches, **as_published)
    task = (plan, faces, folds[:1])
    return {
        **train_by_emotion(*task, **options),
        f"both, hinge, dropout {other_dropout(plan)}": train_other_dropout(*task, **options),
        "both, as_authors_code": train_design(
            *task, "authors", authors, recipes["authors"], **options
        ),
    }


def train_by_emotion(
    plan: Plan, faces: CompoundFaces, folds: Sequence[Fold], **options: Any
) -> dict[str, CrossTrained]:
    """Train the designs that name both emotions apart: two networks, and one with two heads.

    They see pictures alone (section III-B). Options are those of `train_design`.
    """
    recipe = plan.recipes(training_count(faces, folds))["pictures alone"]
    recipe = replace(recipe, loss=sum_over_heads(cross_entropy))
    task = (plan, faces, folds)
    options["pictures_only"] = True
    networks = partial(TwoNetworks, **plan.shape)
    heads = partial(TwoHeads, **plan.shape)
    return {
        "two networks": train_design(*task, "two networks", networks, recipe, **options),
        "two heads": train_design(*task, "two heads", heads, recipe, **options),
    }


def train_other_dropout(
    plan: Plan, faces: CompoundFaces, folds: Sequence[Fold], **options: Any
) -> CrossTrained:
    """Train both branches with the hinge loss and the paper's other dropout.

    Options are those of `train_design`.
    """
    recipe = plan.recipes(training_count(faces, folds))["both, hinge"]
    shape: VisualOptions = {**plan.shape, "dropout": other_dropout(plan)}
    build = partial(TwoBranches, **shape)
    return train_design(plan, faces, folds, "other dropout", build, recipe, **options)


def accuracy_gap(trained: CrossTrained, faces: CompoundFaces, fold: Fold) -> np.ndarray:
    """How far each test face's accuracy, 0 or 1, lies below that of the training people, `(n,)`.

    `trained` are both branches, whose first fold is this one. The mean grows with overfitting.
    """
    network = trained.trained[0].network
    right = {}
    for part in ("train", "test"):
        seen = select_inputs(faces, fold, part)
        inputs = (seen.pictures, seen.residuals)
        outputs = scores(network, inputs, device=trained.device, precision=trained.precision)
        predicted = outputs.argmax(1)
        right[part] = predicted == seen.classes
    return right["train"].mean() - right["test"]


def other_dropout(plan: Plan) -> float:
    """Return the dropout of the paper that the plan does not use."""
    return 0.8 if plan.dropout == 0.5 else 0.5


def try_rates(
    plan: Plan, faces: CompoundFaces, folds: Sequence[Fold], rates: Iterable[float], **options: Any
) -> pd.Series:
    """Train both branches with the hinge loss for two epochs; say how each rate went."""
    outcomes = {}
    for rate in rates:
        try:
            run = train_briefly(plan, faces, folds, rate, **options)
            outcomes[rate] = f"training loss {run.history['train_loss'].iloc[-1]:.2f}"
        except FloatingPointError as error:
            outcomes[rate] = str(error).split(";")[0].replace("nan", "NaN")
    return pd.Series(outcomes, name="in the second epoch").rename_axis("learning rate")


def train_briefly(
    plan: Plan, faces: CompoundFaces, folds: Sequence[Fold], rate: float, **options: Any
) -> CrossTrained:
    """Train both branches with the hinge loss for two epochs of SGD, in the first fold.

    FloatingPointError when the loss is no longer a number.
    """
    recipe = plan.recipes(training_count(faces, folds))["both, hinge"]
    short = replace(recipe, epochs=2, iterations=None, rate=rate, schedule=None, optimiser="sgd")
    build = partial(TwoBranches, **plan.shape)
    return train_design(plan, faces, folds[:1], f"rate {rate}", build, short, **options)


# --- swapped inputs ---


def rows_of_others(people: ArrayLike, seed: int = 0) -> np.ndarray:
    """Choose for each sample a sample of another person, each sample once, `(N,)`.

    ValueError when a person has more than half of the samples.
    """
    people = np.asarray(people)
    order = np.random.default_rng(seed).permutation(len(people))
    order = order[np.argsort(people[order], kind="stable")]  # one person after the other
    most = np.unique(people, return_counts=True)[1].max(initial=0)
    if not _can_swap(people):
        raise ValueError(f"one person has {most} of {len(people)} samples: others are too few")
    chosen = np.empty(len(people), dtype=np.intp)
    chosen[order] = np.roll(order, most)
    return chosen


def _can_swap(people: np.ndarray) -> bool:
    """Whether nobody has more than half of the samples."""
    return 2 * np.unique(people, return_counts=True)[1].max(initial=0) <= len(people)


@dataclass(frozen=True, eq=False)
class FoldInputs:
    """What both branches see of the people in a part of a fold, and their classes."""

    pictures: torch.Tensor  # (n, 3, S, S)
    residuals: torch.Tensor  # (n, 136), scaled as in training
    classes: np.ndarray  # (n,)
    people: np.ndarray  # (n,)


def select_inputs(faces: CompoundFaces, fold: Fold, part: str) -> FoldInputs:
    """Select the inputs of a fold's part: "train", "val" or "test"."""
    parts = part_rows(faces.people, fold)
    rows = np.flatnonzero(parts[part])
    pictures, residuals = faces.both(parts["train"])
    return FoldInputs(pictures[rows], residuals[rows], faces.classes[rows], faces.people[rows])


def predict_swapped(
    trained: CrossTrained, faces: CompoundFaces, folds: Sequence[Fold], seed: int = 0
) -> dict[str, Predictions]:
    """Predict the test people with their own inputs, and with one input of somebody else.

    Where a fold tests too few people to swap, there are only own inputs.
    """
    inputs = [select_inputs(faces, fold, "test") for fold in folds]
    names = [OWN]
    if all(_can_swap(own.people) for own in inputs):
        names += [OTHERS_PICTURE, OTHERS_RESIDUAL]
    tested: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for fold_trained, own in zip(trained.trained, inputs, strict=True):
        for name, parts in tested.items():
            same = np.arange(len(own.people))
            others = same if name == OWN else rows_of_others(own.people, seed)
            pictures = own.pictures[others if name == OTHERS_PICTURE else same]
            residuals = own.residuals[others if name == OTHERS_RESIDUAL else same]
            swapped = (pictures, residuals)
            outputs = scores(
                fold_trained.network, swapped, device=trained.device, precision=trained.precision
            )
            parts.append(outputs)
    truth = np.concatenate([own.classes for own in inputs])
    people = np.concatenate([own.people for own in inputs])
    tested_in = np.repeat([fold.name for fold in folds], [len(own.people) for own in inputs])
    return {
        name: Predictions(COMPOUND.names, np.concatenate(parts), truth, people, tested_in)
        for name, parts in tested.items()
    }

"""Paper 1's experiment: pictures alone, and both branches with either loss, by folds of people.

J. Guo et al., FG 2017, section IV.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from ferkit.data.folds import Fold
from ferkit.papers.multimodal.data import CompoundFaces
from ferkit.papers.multimodal.network import SingleBranch, TwoBranches
from ferkit.papers.multimodal.plans import Plan
from ferkit.training.augment import mirror_turn_and_shift
from ferkit.training.by_folds import CrossTrained, Inputs, cross_train, part_rows
from ferkit.training.recipe import Recipe


def train_design(
    plan: Plan,
    faces: CompoundFaces,
    folds: Sequence[Fold],
    name: str,
    build: Callable[[], nn.Module],
    recipe: Recipe,
    *,
    folder: Path,
    pictures_only: bool = False,
    **options: Any,
) -> CrossTrained:
    """Train one design in each fold and score the fold's test people.

    The trainings are kept in `folder`, under the design's name.
    The other options, such as seed and device, go to `cross_train`.
    """
    inputs: Inputs = (faces.pictures,) if pictures_only else faces.both
    return cross_train(
        build,
        recipe,
        inputs,
        faces.classes,
        faces.people,
        folds,
        augment=mirror_turn_and_shift if plan.augment else None,
        folder=folder / name.replace(",", "").replace(" ", "_"),
        **options,
    )


def train_designs(
    plan: Plan,
    faces: CompoundFaces,
    folds: Sequence[Fold],
    **options: Any,
) -> dict[str, CrossTrained]:
    """Train pictures alone, and both branches with either loss.

    Options are those of `train_design`.
    """
    recipes = plan.recipes(training_count(faces, folds))
    task = (plan, faces, folds)
    name = "pictures alone"
    alone = partial(SingleBranch, **plan.shape)
    designs = {name: train_design(*task, name, alone, recipes[name], pictures_only=True, **options)}
    both = partial(TwoBranches, **plan.shape)
    for name in ("both, hinge", "both, cross-entropy"):
        designs[name] = train_design(*task, name, both, recipes[name], **options)
    return designs


def training_count(faces: CompoundFaces, folds: Sequence[Fold]) -> int:
    """How many faces the first fold trains on."""
    return int(part_rows(faces.people, folds[0])["train"].sum())

"""Networks trained by folds of people, and scores of held-out people.

    result = cross_train(build, recipe, inputs, labels, people, folds)
    result.predictions(names).correct()

The networks of all folds start from one seed, or each from a given network. The best epoch is
chosen on the fold's validation people; its test people are scored once, at the end.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ferkit.data.folds import FOLD_PARTS, Fold
from ferkit.evaluation.predictions import Predictions
from ferkit.training.batched_folds import pays, train_folds
from ferkit.training.checkpoints import training_key
from ferkit.training.loop import scores
from ferkit.training.recipe import Augment, Examples, Recipe, Trained
from ferkit.training.seeds import seeded

Inputs = tuple[Tensor, ...] | Callable[[np.ndarray], tuple[Tensor, ...]]


@dataclass(frozen=True, eq=False)
class CrossTrained:
    """Scores of held-out people, and the networks of all folds.

    `scores` `(N, K)` are in the order of the samples, NaN for those that no fold tests; `fold`
    `(N,)` names the fold that tested each. `history` has the rows of `recipe.Trained` and the
    column fold; `trained` is in the order of the folds. The scores are computed on `device` in
    `precision`, as of `cross_train`.
    """

    scores: np.ndarray
    labels: np.ndarray
    people: np.ndarray
    fold: np.ndarray
    history: pd.DataFrame
    trained: tuple[Trained, ...]
    device: str = "auto"
    precision: str = "auto"

    def predictions(self, names: Iterable[str]) -> Predictions:
        """Return the predictions for the samples that a fold tested.

        `names` are the classes in the order of the outputs.
        """
        every = Predictions(tuple(names), self.scores, self.labels, self.people, self.fold)
        return every.select(self.fold != "")


def part_rows(people: ArrayLike, fold: Fold) -> dict[str, np.ndarray]:
    """Return masks `(N,)` of the fold's training, validation and test people.

    ValueError for people in no part.
    """
    people = np.asarray(people, dtype=str)
    rows = {}
    for part in FOLD_PARTS:
        members = [clip.person for clip in getattr(fold, part)]
        rows[part] = np.isin(people, members)
    missing = np.unique(people[~np.any(list(rows.values()), axis=0)])
    if len(missing):
        raise ValueError(
            f"fold {fold.name} lacks {len(missing)} people (first: {missing[0]}); "
            "make folds for all samples"
        )
    return rows


def cross_train(
    build: Callable[[], nn.Module] | Sequence[nn.Module],
    recipe: Recipe,
    inputs: Inputs,
    labels: ArrayLike,
    people: ArrayLike,
    folds: Sequence[Fold],
    *,
    seed: int = 0,
    augment: Augment | None = None,
    folder: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    progress: bool = True,
) -> CrossTrained:
    """Train `build()` once a fold and score the fold's test people.

    In place of `build` a network for each fold may be given, to continue trainings of the same
    folds, or to start from what was measured on the fold's training people. `inputs` are tensors of
    all samples, or a function that makes them from the mask of the training people `(N,)`, for what
    is measured on these alone (scaling). `labels` `(N,)` are class indices.

    `folder` keeps each training under the fold's name and its `training_key`. The other options are
    those of `train_folds`. ValueError where people, folds and networks do not fit;
    FloatingPointError where a trained network's scores of test people are not finite.
    """
    truth = torch.as_tensor(np.asarray(labels, dtype=np.int64))
    people = np.asarray(people, dtype=str)
    networks = [seeded(build, seed)] * len(folds) if callable(build) else list(build)
    if len(networks) != len(folds) or not folds:
        raise ValueError(
            f"{len(networks)} networks cannot start {len(folds)} folds; "
            "give at least one fold, and a network for each"
        )
    together = len(folds) > 1 and devices == 1 and pays(networks[0])
    # Trained apart, only one fold's examples are in memory at a time.
    group_size = len(folds) if together else 1
    trained: list[Trained] = []
    test_scores: list[np.ndarray] = []
    for first in range(0, len(folds), group_size):
        group = slice(first, first + group_size)
        parts = [_select_examples(fold, inputs, truth, people) for fold in folds[group]]
        settings = (seed, augment, device, precision, devices)
        folders = _fold_folders(folder, folds[group], networks[group], recipe, parts, settings)
        trained += train_folds(
            networks[group],
            recipe,
            [part.train for part in parts],
            [part.val for part in parts],
            seeds=[seed] * len(parts),
            augment=augment,
            device=device,
            precision=precision,
            devices=devices,
            folder=folders,
            progress=progress,
        )
        for fold_trained, part in zip(trained[group], parts, strict=True):
            test_inputs = part.test.inputs
            fold_scores = scores(
                fold_trained.network, test_inputs, device=device, precision=precision
            )
            test_scores.append(fold_scores)
    tested = _collect(folds, trained, test_scores, truth.numpy(), people)
    return replace(tested, device=device, precision=precision)


class _Parts(NamedTuple):
    """The examples of a fold."""

    train: Examples
    val: Examples | None
    test: Examples


def _select_examples(fold: Fold, inputs: Inputs, truth: Tensor, people: np.ndarray) -> _Parts:
    """Return a fold's examples; ValueError if no people train or are tested."""
    rows = part_rows(people, fold)
    tensors = inputs(rows["train"]) if callable(inputs) else inputs
    if not rows["train"].any() or not rows["test"].any():
        raise ValueError(
            f"fold {fold.name} has no people to train or to test among "
            f"these {len(people)} samples; "
            "leave the fold out or give samples of its people"
        )

    def select(part: str) -> Examples:
        selected = torch.from_numpy(np.flatnonzero(rows[part]))
        return Examples(tuple(x[selected] for x in tensors), truth[selected])

    return _Parts(select("train"), select("val") if rows["val"].any() else None, select("test"))


def _fold_folders(
    folder: str | Path | None,
    folds: Sequence[Fold],
    networks: Sequence[nn.Module],
    recipe: Recipe,
    parts: Sequence[_Parts],
    settings: tuple[Any, ...],
) -> list[Path] | None:
    """Name the folder of each fold's training by `training_key`."""
    if not folder:
        return None
    folders = []
    for fold, network, part in zip(folds, networks, parts, strict=True):
        key = training_key(network, recipe, part.train, part.val, *settings)
        folders.append(Path(folder) / f"{fold.name}-{key}")
    return folders


def _collect(
    folds: Sequence[Fold],
    trained: Sequence[Trained],
    test_scores: Sequence[np.ndarray],
    labels: np.ndarray,
    people: np.ndarray,
) -> CrossTrained:
    """Bring the scores of all folds into the order of the samples."""
    count = len(people)
    all_scores = np.full((count, test_scores[0].shape[1]), np.nan, dtype=np.float32)
    tested_in = np.full(count, "", dtype=object)
    histories = []
    for fold, fold_trained, fold_scores in zip(folds, trained, test_scores, strict=True):
        _check_finite(fold, fold_scores)
        rows = part_rows(people, fold)["test"]
        all_scores[rows] = fold_scores
        tested_in[rows] = fold.name
        histories.append(fold_trained.history.assign(fold=fold.name))
    history = pd.concat(histories, ignore_index=True)
    return CrossTrained(all_scores, labels, people, tested_in, history, tuple(trained))


def _check_finite(fold: Fold, fold_scores: np.ndarray) -> None:
    """Raise FloatingPointError for scores that are NaN or infinite."""
    broken = (~np.isfinite(fold_scores)).any(1).sum()
    if broken:
        raise FloatingPointError(
            f"fold {fold.name}: the scores of {broken} of {len(fold_scores)} test samples are NaN "
            "or infinite; look for such numbers in the inputs, or try a lower learning rate"
        )

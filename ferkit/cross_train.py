"""Networks trained by folds of people: one network a fold, the scores of people it never saw.

    result = cross_train(build, recipe, inputs, labels, people, folds)
    result.answers(names).correct()

The networks of all folds start from one seed, or each from one given; the best epoch is chosen on the fold's `val` people, its
`test` people are read once.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ferkit import checkpoints
from ferkit.baselines import Answers
from ferkit.data.folds import PARTS, Fold
from ferkit.foldwise import pays, train_folds
from ferkit.models.layers import seeded
from ferkit.train import Augment, Examples, Recipe, Trained, scores

Inputs = tuple[Tensor, ...] | Callable[[np.ndarray], tuple[Tensor, ...]]


@dataclass(frozen=True, eq=False)
class CrossTrained:
    """What the networks of all folds said of their test people, `scores` `(N, K)` in the order of the samples, and how they learnt.

    `history` has the rows of `train.Trained` and the column fold; `trained` is in the order of the folds.
    """

    scores: np.ndarray
    labels: np.ndarray
    people: np.ndarray
    fold: np.ndarray
    history: pd.DataFrame
    trained: tuple[Trained, ...]

    def answers(self, names: Iterable[str]) -> Answers:
        """The scores as answers, for classes called `names` in the order of the outputs; of the samples that a fold tested."""
        tested = np.isfinite(self.scores).all(1)
        scores, labels, people, fold = (each[tested] for each in (self.scores, self.labels, self.people, self.fold))
        return Answers(tuple(names), scores, labels, people, fold, {})


def parts_of(people: ArrayLike, fold: Fold) -> dict[str, np.ndarray]:
    """The rows `(N,)` bool of the fold's training, validation and test people. ValueError for somebody who is in none."""
    who = np.asarray(people, dtype=str)
    rows = {part: np.isin(who, [clip.person for clip in getattr(fold, part)]) for part in PARTS}
    if len(missing := np.unique(who[~np.any(list(rows.values()), axis=0)])):
        raise ValueError(
            f"fold {fold.name} knows nothing of {len(missing)} people (first: {missing[0]}); make folds for all samples"
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
    **how: object,
) -> CrossTrained:
    """Trains `build()` once a fold and scores its test people; samples that none of the folds tests have the score nan.

    In place of `build` a network for each fold may be given, to go on from trainings of the same folds, or to start from
    what was measured on the fold's training people. It is copied, not changed.
    `inputs` are tensors of all samples, or a function that makes them from the rows of the training people `(N,)` bool,
    for what is measured on these alone (scaling). `labels` `(N,)` class indices. In `folder` each training is kept under
    the fold's name and a hash of all it was made from: the same call finds it again, another makes its own. `how` goes to
    `foldwise.train_folds` (device, precision, devices, progress), which trains all folds at once where that is faster.
    ValueError where people, folds and networks do not fit.
    """
    truth, who = torch.as_tensor(np.asarray(labels, dtype=np.int64)), np.asarray(people, dtype=str)
    starts = [seeded(build, seed)] * len(folds) if callable(build) else list(build)
    if len(starts) != len(folds) or not folds:
        raise ValueError(
            f"{len(starts)} networks cannot start {len(folds)} folds; give at least one fold, and a network for each"
        )
    found: np.ndarray | None = None
    tested_in, histories, trained = np.full(len(who), "", dtype=object), [], []
    pairs = list(zip(folds, starts, strict=True))
    together = len(folds) > 1 and how.get("devices", 1) == 1 and pays(starts[0], str(how.get("device", "auto")))
    groups = [pairs] if together else [[pair] for pair in pairs]  # apart, one fold's examples are in memory at a time
    for group in groups:
        parts = [_parts(fold, inputs, truth, who) for fold, _ in group]
        keys = [_key(start, recipe, mine, seed, augment, how) for (_, start), mine in zip(group, parts, strict=True)]
        done = train_folds(
            [start for _, start in group],
            recipe,
            [mine["train"] for mine in parts],
            [mine.get("val") for mine in parts],
            seeds=[seed] * len(group),
            augment=augment,
            folder=[Path(folder) / f"{f.name}-{key}" for (f, _), key in zip(group, keys, strict=True)]
            if folder
            else None,
            **how,  # type: ignore[arg-type]
        )
        for (fold, _), mine, one in zip(group, parts, done, strict=True):
            rows = parts_of(who, fold)["test"]
            part = scores(one.network, mine["test"].inputs, device=str(how.get("device", "auto")))
            found = np.full((len(who), part.shape[1]), np.nan, dtype=np.float32) if found is None else found
            found[rows], tested_in[rows] = part, fold.name
            histories.append(one.history.assign(fold=fold.name))
        trained += done
    assert found is not None
    return CrossTrained(found, truth.numpy(), who, tested_in, pd.concat(histories, ignore_index=True), tuple(trained))


def _parts(fold: Fold, inputs: Inputs, truth: Tensor, people: np.ndarray) -> dict[str, Examples]:
    """The examples of each part that has people. ValueError without anybody to train or to test."""
    rows = parts_of(people, fold)
    tensors = inputs(rows["train"]) if callable(inputs) else inputs
    chosen = {part: torch.from_numpy(np.flatnonzero(mask)) for part, mask in rows.items() if mask.any()}
    if "train" not in chosen or "test" not in chosen:
        raise ValueError(f"fold {fold.name} has nobody to train or to test among these {len(people)} samples")
    return {part: Examples(tuple(x[here] for x in tensors), truth[here]) for part, here in chosen.items()}


def said(recipe: Recipe) -> list[object]:
    """What a recipe says, to be told from others by: functions by name, since their addresses differ from process to process."""
    plain = [value for name, value in vars(recipe).items() if name not in ("loss", "schedule")]
    return [*plain, *(getattr(each, "__qualname__", each) for each in (recipe.loss, recipe.schedule))]


def _key(
    start: nn.Module,
    recipe: Recipe,
    parts: dict[str, Examples],
    seed: int,
    augment: Augment | None,
    how: dict[str, object],
) -> str:
    """A hash of what a training is made from."""
    settings, called = said(recipe), [getattr(augment, "__qualname__", augment)]
    data = [checkpoints.fingerprint(*part.inputs, part.labels) for part in parts.values()]
    first = checkpoints.fingerprint(*start.state_dict().values())
    frozen = [name for name, value in start.named_parameters() if not value.requires_grad]
    asked = [*settings, *called, seed, how.get("precision"), how.get("devices"), *data, first, start, *frozen]
    return hashlib.sha256("\n".join(map(str, asked)).encode()).hexdigest()[:10]

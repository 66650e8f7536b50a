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
from ferkit.models.layers import seeded
from ferkit.train import Augment, Examples, Recipe, Trained, scores, train

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
    `train.train` (device, precision, devices, progress). ValueError where people, folds and networks do not fit.
    """
    truth, who = torch.as_tensor(np.asarray(labels, dtype=np.int64)), np.asarray(people, dtype=str)
    found: np.ndarray | None = None
    tested_in, rows_of_history, trained = np.full(len(who), "", dtype=object), [], []
    starts = [seeded(build, seed)] * len(folds) if callable(build) else build
    if len(starts) != len(folds):
        raise ValueError(f"{len(starts)} networks cannot start {len(folds)} folds; give one for each")
    for fold, start in zip(folds, starts, strict=True):
        rows = parts_of(who, fold)
        tensors = inputs(rows["train"]) if callable(inputs) else inputs
        parts = {part: _examples(tensors, truth, mask) for part, mask in rows.items()}
        if parts["train"] is None or parts["test"] is None:
            raise ValueError(f"fold {fold.name} has nobody to train or to test among these {len(who)} samples")
        done = train(
            start,
            recipe,
            parts["train"],
            parts["val"],
            seed=seed,
            augment=augment,
            folder=Path(folder) / f"{fold.name}-{_key(start, recipe, parts, seed, augment, how)}" if folder else None,
            **how,  # type: ignore[arg-type]
        )
        part = scores(done.network, parts["test"].inputs, device=str(how.get("device", "auto")))
        found = np.full((len(who), part.shape[1]), np.nan, dtype=np.float32) if found is None else found
        found[rows["test"]], tested_in[rows["test"]] = part, fold.name
        rows_of_history.append(done.history.assign(fold=fold.name))
        trained.append(done)
    if found is None:
        raise ValueError("no folds: nothing was trained")
    return CrossTrained(
        found, truth.numpy(), who, tested_in, pd.concat(rows_of_history, ignore_index=True), tuple(trained)
    )


def _key(
    start: nn.Module,
    recipe: Recipe,
    parts: dict[str, Examples | None],
    seed: int,
    augment: Augment | None,
    how: dict[str, object],
) -> str:
    """A hash of what a training is made from."""
    settings = [value for name, value in vars(recipe).items() if name != "loss"]
    called = [getattr(each, "__qualname__", each) for each in (recipe.loss, augment)]
    data = [checkpoints.fingerprint(*part.inputs, part.labels) for part in parts.values() if part]
    first = checkpoints.fingerprint(*start.state_dict().values())
    words = map(str, [*settings, *called, seed, how.get("precision"), how.get("devices"), *data, first, start])
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:10]


def _examples(tensors: tuple[Tensor, ...], truth: Tensor, mask: np.ndarray) -> Examples | None:
    """The samples of one part; None when there are none."""
    chosen = torch.from_numpy(np.flatnonzero(mask))
    return Examples(tuple(x[chosen] for x in tensors), truth[chosen]) if len(chosen) else None

"""K folds, or K seeds, of one architecture trained as one network.

That takes less time where `pays` says so.

Each fold has its own first weights, examples, order of batches, dropout, learning rate, best epoch
and early stopping, all as `training.loop.train` has them with its seed, so the results are the same
within rounding. The folds' checkpoints are those of `train`: a training begun together can
continue apart, and the other way round.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn
from tqdm import tqdm

from ferkit.training.devices import (
    fabric_for,
)
from ferkit.training.epochs import check_training
from ferkit.training.loop import train
from ferkit.training.recipe import Augment, Examples, Recipe, Trained
from ferkit.training.stacked import check_alike
from ferkit.training.stacked_folds import FoldTask, train_together


def train_folds(
    networks: Sequence[nn.Module],
    recipe: Recipe,
    examples: Sequence[Examples],
    validations: Sequence[Examples | None] | None = None,
    *,
    seeds: Sequence[int],
    augment: Augment | None = None,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    folder: str | Path | Sequence[str | Path] | None = None,
    progress: bool = True,
    together: bool | None = None,
) -> list[Trained]:
    """Train each fold as `train` does, together where that is faster.

    `together` says whether to train as one network; None decides by `pays`, and is no with several
    `devices`. In `folder` each fold keeps its training in a folder of its own (or in those listed),
    and the same call continues from there. A network whose own `forward`, outside its layers,
    combines the examples of a batch would mix folds: it needs `together=False`.

    ValueError for numbers of folds that differ, examples of different shapes, networks of different
    architectures, a layer that cannot be stacked, and all that `train` refuses.
    """
    count = len(networks)
    if validations is None:
        validations = [None] * count
    _check_folds(networks, recipe, examples, validations, seeds)
    folders = _fold_folders(folder, count)
    if together is None:
        together = count > 1 and devices == 1 and pays(networks[0])
    folds = list(map(FoldTask, networks, examples, validations, seeds, folders))
    if not together:
        return [
            train(
                fold.network,
                recipe,
                fold.examples,
                fold.validation,
                seed=fold.seed,
                augment=augment,
                device=device,
                precision=precision,
                devices=devices,
                folder=fold.folder,
                progress=progress,
            )
            for fold in tqdm(folds, desc="folds", leave=False, disable=not progress)
        ]
    if devices > 1:
        raise ValueError(
            f"folds trained as one network take one device, got {devices}; leave `together` out"
        )
    check_alike(networks)
    fabric = fabric_for(networks[0], examples[0].inputs, device, precision)
    return train_together(folds, recipe, augment, fabric, progress)


def pays(network: nn.Module) -> bool:
    """Tell whether folds of this network train faster as one.

    They do without convolutions; tests/bench/bench_foldwise.py measures it. On a CPU a convolution
    in many groups is slower than many convolutions; on other devices this has not been measured.
    """
    try:
        check_alike([network])
    except ValueError:
        return False
    return not any(isinstance(layer, nn.Conv2d) for layer in network.modules())


def _fold_folders(
    folder: str | Path | Sequence[str | Path] | None, count: int
) -> Sequence[Path | None]:
    if not folder:
        return [None] * count
    if isinstance(folder, str | Path):
        return [Path(folder) / f"fold_{number:02d}" for number in range(count)]
    if len(folder) != count:
        raise ValueError(f"expected a folder, or one for each of {count} folds, got {len(folder)}")
    return [Path(fold_folder) for fold_folder in folder]


def _check_folds(
    networks: Sequence[nn.Module],
    recipe: Recipe,
    examples: Sequence[Examples],
    validations: Sequence[Examples | None],
    seeds: Sequence[int],
) -> None:
    """Raise ValueError for folds that do not fit or cannot be trained."""
    lengths = {
        "networks": len(networks),
        "examples": len(examples),
        "validations": len(validations),
        "seeds": len(seeds),
    }
    if len(set(lengths.values())) != 1 or not networks:
        raise ValueError(f"expected as many of each as there are folds, got {lengths}")
    kinds = [_kinds(fold_examples) for fold_examples in examples]
    for number, kind in enumerate(kinds):
        if kind != kinds[0]:
            raise ValueError(
                f"examples of all folds must have the same shapes and types; "
                f"the examples of fold {number} are {kind}, and those of fold 0 {kinds[0]}"
            )
    for network, fold_examples, validation in zip(networks, examples, validations, strict=True):
        check_training(network, fold_examples, validation)


def _kinds(examples: Examples) -> list[tuple[torch.Size, torch.dtype]]:
    """Return shape and type of one example: inputs and label."""
    return [(x.shape[1:], x.dtype) for x in (*examples.inputs, examples.labels)]

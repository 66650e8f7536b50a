"""K folds, or K seeds, of one architecture trained as one network: the same results as one by one, sooner.

Each fold has its own start weights, examples, order of batches, dropout, rate, best epoch and early stopping, all as
`ferkit.train.train` has them with its seed. A fold with fewer batches in an epoch waits for the others, untouched; one that has
ended leaves. The folds' checkpoints are those of `train`, so that a training begun together can go on apart, and the other way round.
"""

import copy
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from ferkit import train as training
from ferkit.models.layers import as_floats, mixed, set_keys
from ferkit.models.stacked import check_alike, stack
from ferkit.train import Augment, Course, Examples, Recipe, Trained


@dataclass(eq=False)
class Fold:
    """One fold's own part of a training together."""

    number: int
    network: nn.Module  # its weights are slices of the stacked ones
    optimiser: torch.optim.Optimizer
    course: Course
    inputs: tuple[Tensor, ...]
    labels: Tensor
    validation: Examples | None
    seed: int
    generator: torch.Generator
    file: Path | None
    asked: dict[str, Any]
    epoch: int = 0  # counted from 1
    order: tuple[Tensor, ...] = ()  # the rows of each batch of the epoch
    losses: list[Tensor] = field(default_factory=list)  # of the epoch's batches

    def begin(self, recipe: Recipe) -> None:
        """Goes on to the next epoch."""
        self.epoch, self.losses = len(self.course.rows) + 1, []
        self.order = training.batches(recipe, len(self.labels), self.seed, self.epoch)

    def iteration(self, step: int) -> int:
        """The iteration, counted from 0, of a step of the epoch."""
        return (self.epoch - 1) * len(self.order) + step

    def key(self, step: int) -> int:
        """What dropout and augmentation of a step depend on."""
        return mixed(self.seed, self.iteration(step), 0)

    def learn(self, gradients: Sequence[Tensor | None], loss: Tensor, rate: float) -> None:
        """One step of the fold's optimiser along these gradients, one for each parameter that learns."""
        (group,) = self.optimiser.param_groups
        group["lr"] = rate
        for parameter, gradient in zip(group["params"], gradients, strict=True):
            parameter.grad = (
                gradient if gradient is None else gradient.contiguous()
            )  # as fused optimisers take for granted
        self.optimiser.step()
        self.losses.append(loss)

    def row(self, recipe: Recipe, fabric: Fabric) -> dict[str, float]:
        """The epoch's row of history, without the time it took."""
        steps, whose = len(self.order), f" of fold {self.number}"
        row = {"epoch": self.epoch, "iteration": self.epoch * steps, "rate": recipe.rate_at(self.iteration(steps - 1))}
        row["train_loss"] = training.mean_loss(torch.stack(self.losses), self.epoch, steps, whose)
        return row | training.measured(self.network, recipe, self.validation, fabric)


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
    """`[train(network, recipe, examples, validation, seed=seed, ...) for each fold]`, as one network where that pays.

    `together` says whether to train as one network; None asks `pays`, and is no with several `devices`. The results are
    the same within rounding. In `folder` each fold keeps its training in a folder of its own (or in those listed), and the
    same call goes on from there. What treats examples of a batch together in a network's own `forward`, outside its
    layers, would mix folds: such a network needs `together=False`.
    ValueError for numbers of folds that differ, examples of different shapes, networks of different architectures, a layer that
    cannot be stacked, and all that `train` refuses.
    """
    validations = [None] * len(networks) if validations is None else validations
    _check(networks, recipe, examples, validations, seeds)
    files = _folders(folder, len(networks))
    how: dict[str, Any] = {"augment": augment, "device": device, "precision": precision}
    if together is None:
        together = len(networks) > 1 and devices == 1 and pays(networks[0], device)
    parts = zip(networks, examples, validations, seeds, files, strict=True)
    if together and devices > 1:
        raise ValueError(f"folds trained as one network take one device, got {devices}; leave `together` out")
    if together:
        check_alike(networks)
        return _train_together(list(parts), recipe, progress=progress, **how)
    bar = tqdm(parts, total=len(networks), desc="folds", leave=False, disable=not progress)
    how |= {"devices": devices, "progress": progress}
    return [
        training.train(network, recipe, mine, validation, seed=seed, folder=file, **how)
        for network, mine, validation, seed, file in bar
    ]


def pays(network: nn.Module, device: str = "auto") -> bool:
    """Whether folds of this network are trained as one when `together` is left open: those without convolutions.

    tests/bench/bench_foldwise.py measures it. On a CPU a convolution in many groups is slower than many convolutions; on other
    devices this has not been measured yet.
    """
    try:
        check_alike([network])
    except ValueError:
        return False
    return not any(isinstance(m, nn.Conv2d) for m in network.modules())


def _folders(folder: str | Path | Sequence[str | Path] | None, count: int) -> list[Path | None]:
    """A folder for each fold."""
    if isinstance(folder, str | Path):
        return [Path(folder) / f"fold_{number:02d}" for number in range(count)]
    if folder is not None and len(folder) != count:
        raise ValueError(f"expected a folder, or one for each of {count} folds, got {len(folder)}")
    return [Path(each) for each in folder] if folder else [None] * count


def _train_together(
    parts: list[tuple], recipe: Recipe, *, augment: Augment | None, device: str, precision: str, progress: bool
) -> list[Trained]:
    """`train_folds` as one network."""
    fabric = training.fabric_for(parts[0][0], parts[0][1].inputs, device, precision)
    folds = [_fold(number, part, recipe, augment, fabric) for number, part in enumerate(parts)]
    begun = sum(len(fold.course.rows) for fold in folds)
    bar = tqdm(total=recipe.epochs * len(folds), initial=begun, desc="epochs", leave=False, disable=not progress)
    running: list[Fold] = []
    with bar, training.reproducible(fabric):
        while left := [fold for fold in folds if not fold.course.done]:
            if len(left) != len(running):
                running, network = left, stack([fold.network for fold in left])
            _epoch(network, running, recipe, augment, fabric)
            bar.update(len(running))
    return [fold.course.end(copy.deepcopy(part[0])) for fold, part in zip(folds, parts, strict=True)]


def _fold(number: int, part: tuple, recipe: Recipe, augment: Augment | None, fabric: Fabric) -> Fold:
    """A fold at its start, or where its checkpoint left it."""
    network, examples, validation, seed, folder = part
    file = folder and folder / "training.safetensors"
    asked = training.asked_of((network, recipe, examples, validation, seed, augment), fabric) if file else {}
    network = training.copied(network, fabric).to(memory_format=torch.contiguous_format)  # as slices of a stack are
    optimiser = recipe.optimiser_of(network)
    course = Course.resumed(file, asked, network, optimiser)
    inputs, labels = training.on_device(examples, fabric)
    generator = torch.Generator(fabric.device)
    return Fold(number, network, optimiser, course, inputs, labels, validation, seed, generator, file, asked)


def _epoch(network: nn.Module, folds: list[Fold], recipe: Recipe, augment: Augment | None, fabric: Fabric) -> None:
    """One epoch of every fold: its steps, its row of history and its checkpoint."""
    begun = time.perf_counter()
    network.train()
    learnt = [p for p in network.parameters() if p.requires_grad]
    for fold in folds:
        fold.begin(recipe)
    for step in range(max(len(fold.order) for fold in folds)):
        _step(network, learnt, folds, step, recipe, augment, fabric)
    rows = [fold.row(recipe, fabric) for fold in folds]
    share = {"seconds": (time.perf_counter() - begun) / len(folds)}  # they add up to the time of all
    for fold, row in zip(folds, rows, strict=True):
        fold.course.add(row | share, fold.network, recipe)
        if fold.file:
            fold.course.keep(fold.file, fold.asked, fold.network, fold.optimiser)


def _step(
    network: nn.Module,
    learnt: Sequence[Tensor],
    folds: list[Fold],
    step: int,
    recipe: Recipe,
    augment: Augment | None,
    fabric: Fabric,
) -> None:
    """One step of every fold that has a batch left; the others stay as they are."""
    active = [place for place, fold in enumerate(folds) if step < len(fold.order)]
    waiting = [buffer for place, fold in enumerate(folds) if place not in active for buffer in fold.network.buffers()]
    before = [buffer.clone() for buffer in waiting]
    set_keys(network, [fold.key(step) for fold in folds])
    batch, labels = _batch(folds, step, augment)
    with fabric.autocast():
        outputs = network(*batch)
    losses = [recipe.loss(*mine) for mine in zip(_apart(outputs, len(folds)), labels, strict=True)]
    total = torch.stack([losses[place] for place in active]).sum()
    gradients = torch.autograd.grad(total, learnt, allow_unused=True)
    slices = [[None] * len(folds) if g is None else g.unbind() for g in gradients]
    for place in active:
        folds[place].learn(
            [s[place] for s in slices], losses[place].detach(), recipe.rate_at(folds[place].iteration(step))
        )
    for buffer, value in zip(waiting, before, strict=True):
        buffer.copy_(value)


def _batch(folds: list[Fold], step: int, augment: Augment | None) -> tuple[tuple[Tensor, ...], list[Tensor]]:
    """The folds' inputs one after another, and the labels of each; a fold that waits shows its last batch again."""
    device = folds[0].generator.device
    rows = [fold.order[min(step, len(fold.order) - 1)].to(fold.labels.device) for fold in folds]
    labels = [fold.labels[here].to(device) for fold, here in zip(folds, rows, strict=True)]
    inputs = []
    for sources in zip(*(fold.inputs for fold in folds), strict=True):
        whole = sources[0].new_empty((len(folds) * len(rows[0]), *sources[0].shape[1:]))
        for source, here, place in zip(sources, rows, whole.chunk(len(folds)), strict=True):
            torch.index_select(source, 0, here, out=place)
        inputs.append(whole.to(device))
    batch = as_floats(tuple(inputs))
    if augment:
        parts = zip(*(x.chunk(len(folds)) for x in batch), strict=True)
        changed = [augment(p, f.generator.manual_seed(f.key(step))) for f, p in zip(folds, parts, strict=True)]
        batch = tuple(torch.cat(xs) for xs in zip(*changed, strict=True))
    return batch, labels


def _apart(outputs: Any, k: int) -> list[Any]:
    """The outputs of each fold, float32, several as a tuple."""
    if isinstance(outputs, tuple | list):
        return list(zip(*(_apart(o, k) for o in outputs), strict=True))
    return list(outputs.float().unflatten(0, (k, -1)).unbind())


def _check(
    networks: Sequence[nn.Module],
    recipe: Recipe,
    examples: Sequence[Examples],
    validations: Sequence[Examples | None],
    seeds: Sequence[int],
) -> None:
    """ValueError when the folds do not fit together, or one of them cannot be trained."""
    counts = {"networks": networks, "examples": examples, "validations": validations, "seeds": seeds}
    lengths = {name: len(given) for name, given in counts.items()}
    if len(set(lengths.values())) != 1 or not networks:
        raise ValueError(f"expected as many of each as there are folds, got {lengths}")
    kinds = [[(x.shape[1:], x.dtype) for x in (*mine.inputs, mine.labels)] for mine in examples]
    if others := [place for place, kind in enumerate(kinds) if kind != kinds[0]]:
        raise ValueError(f"the examples of fold {others[0]} are {kinds[others[0]]}, and those of fold 0 {kinds[0]}")
    for network, mine, validation in zip(networks, examples, validations, strict=True):
        training.check(network, recipe, mine, validation)

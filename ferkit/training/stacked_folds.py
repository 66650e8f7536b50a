"""The loop of several folds trained as one network.

A fold with fewer batches in an epoch waits for the others, unchanged; one that has ended leaves.
"""

import copy
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from ferkit.training.checkpoints import TrainingState, describe_training
from ferkit.training.devices import (
    copy_to_device,
    move_to_device,
    precision_of,
    reproducible,
)
from ferkit.training.epochs import mean_loss, shuffle_batches, validate
from ferkit.training.layers import as_floats, set_keys
from ferkit.training.recipe import Augment, Examples, Recipe, Trained
from ferkit.training.seeds import mixed
from ferkit.training.stacked import stack

# --- one fold ---


class FoldTask(NamedTuple):
    """What one fold is trained from."""

    network: nn.Module
    examples: Examples
    validation: Examples | None
    seed: int
    folder: Path | None


@dataclass(eq=False)
class FoldTraining:
    """One fold's own part of a training together."""

    number: int
    network: nn.Module  # its weights are slices of the stacked ones
    optimiser: torch.optim.Optimizer
    state: TrainingState
    inputs: tuple[Tensor, ...]
    labels: Tensor
    validation: Examples | None
    seed: int
    generator: torch.Generator
    file: Path | None
    description: dict[str, Any]
    epoch: int = 0  # counted from 1
    first: int = 0  # its first iteration, counted from 0
    batches: tuple[Tensor, ...] = ()  # the rows of each batch of the epoch
    losses: list[Tensor] = field(default_factory=list)  # of the epoch's batches

    def begin_epoch(self, recipe: Recipe) -> None:
        self.epoch = len(self.state.rows) + 1
        self.losses = []
        self.first = (self.epoch - 1) * recipe.batch_count(len(self.labels))
        self.batches = shuffle_batches(recipe, len(self.labels), self.seed, self.epoch)

    def iteration(self, step: int) -> int:
        """Return the iteration, counted from 0, of a step of the epoch."""
        return self.first + step

    def key(self, step: int) -> int:
        """Return the number that decides dropout and augmentation of a step."""
        return mixed(self.seed, self.iteration(step), 0)

    def learn(self, gradients: Sequence[Tensor | None], loss: Tensor, rate: float) -> None:
        """Make one step along the gradients of all parameters not frozen."""
        (group,) = self.optimiser.param_groups
        group["lr"] = rate
        for parameter, gradient in zip(group["params"], gradients, strict=True):
            # Fused optimisers require contiguous gradients.
            parameter.grad = None if gradient is None else gradient.contiguous()
        self.optimiser.step()
        self.losses.append(loss)

    def end_epoch(self, recipe: Recipe, fabric: Fabric) -> dict[str, float]:
        """Return the epoch's row of history, without the time it took."""
        steps = len(self.batches)
        return {
            "epoch": self.epoch,
            "iteration": self.first + steps,
            "rate": recipe.rate_at(self.iteration(steps - 1)),
            "train_loss": mean_loss(
                torch.stack(self.losses), self.epoch, self.first, f" of fold {self.number}"
            ),
            **validate(self.network, recipe, self.validation, fabric),
        }


def _begin_fold(
    number: int, task: FoldTask, recipe: Recipe, augment: Augment | None, fabric: Fabric
) -> FoldTraining:
    """Set up a fold, as its checkpoint left it if there is one."""
    network, examples, validation, seed, folder = task
    file = None
    description = {}
    if folder:
        file = folder / "training.safetensors"
        description = describe_training(
            network, recipe, examples, validation, seed, augment, precision_of(fabric), 1
        )
    # Slices of a stack are contiguous.
    network = copy_to_device(network, fabric).to(memory_format=torch.contiguous_format)
    optimiser = recipe.build_optimiser(network)
    state = TrainingState.resume(file, description, network, optimiser)
    inputs, labels = move_to_device(examples.inputs, examples.labels, fabric)
    return FoldTraining(
        number,
        network,
        optimiser,
        state,
        inputs,
        labels,
        validation,
        seed,
        torch.Generator(fabric.device),
        file,
        description,
    )


# --- all folds ---


def train_together(
    tasks: Sequence[FoldTask],
    recipe: Recipe,
    augment: Augment | None,
    fabric: Fabric,
    progress: bool,
) -> list[Trained]:
    """Train the folds as one network, each to its own end."""
    folds = [
        _begin_fold(number, task, recipe, augment, fabric) for number, task in enumerate(tasks)
    ]
    bar = tqdm(
        total=sum(recipe.epoch_count(len(fold.labels)) for fold in folds),
        initial=sum(len(fold.state.rows) for fold in folds),
        desc="epochs",
        leave=False,
        disable=not progress,
    )
    stacked: list[FoldTraining] = []
    with bar, reproducible(fabric):
        while running := [fold for fold in folds if not fold.state.done]:
            if len(running) != len(stacked):
                stacked = running
                network = stack([fold.network for fold in stacked])
            _train_epoch(network, stacked, recipe, augment, fabric)
            bar.update(len(stacked))
    return [
        fold.state.finish(copy.deepcopy(task.network))
        for fold, task in zip(folds, tasks, strict=True)
    ]


def _train_epoch(
    network: nn.Module,
    folds: list[FoldTraining],
    recipe: Recipe,
    augment: Augment | None,
    fabric: Fabric,
) -> None:
    """Train one epoch of every fold; add its row and save."""
    begun = time.perf_counter()
    network.train()
    for fold in folds:
        fold.begin_epoch(recipe)
    for step in range(max(len(fold.batches) for fold in folds)):
        _train_step(network, folds, step, recipe, augment, fabric)
    rows = [fold.end_epoch(recipe, fabric) for fold in folds]
    seconds = (time.perf_counter() - begun) / len(folds)  # the folds' times add up to the whole
    for fold, row in zip(folds, rows, strict=True):
        fold.state.add_epoch(row | {"seconds": seconds}, fold.network, recipe)
        if fold.file and fold.state.should_save():
            fold.state.save(fold.file, fold.description, fold.network, fold.optimiser)


def _train_step(
    network: nn.Module,
    folds: list[FoldTraining],
    step: int,
    recipe: Recipe,
    augment: Augment | None,
    fabric: Fabric,
) -> None:
    """Make one step of every fold that has a batch left."""
    active = [number for number, fold in enumerate(folds) if step < len(fold.batches)]
    waiting = [fold for fold in folds if step >= len(fold.batches)]
    set_keys(network, [fold.key(step) for fold in folds])
    batch, labels = _batch(folds, step, augment)
    with _buffers_kept(waiting):
        with fabric.autocast():
            outputs = _split_outputs(network(*batch), len(folds))
        losses = [recipe.loss(outputs[number], labels[number]) for number in active]
        parameters = [p for p in network.parameters() if p.requires_grad]
        gradients = torch.autograd.grad(torch.stack(losses).sum(), parameters, allow_unused=True)
        of_folds = [[None] * len(folds) if g is None else g.unbind() for g in gradients]
        for number, loss in zip(active, losses, strict=True):
            fold = folds[number]
            rate = recipe.rate_at(fold.iteration(step))
            fold.learn([slices[number] for slices in of_folds], loss.detach(), rate)


@contextmanager
def _buffers_kept(folds: list[FoldTraining]) -> Iterator[None]:
    """Restore the buffers of waiting folds, such as batch means."""
    buffers: list[Tensor] = []
    for fold in folds:
        buffers += fold.network.buffers()
    values = [buffer.clone() for buffer in buffers]
    yield
    for buffer, value in zip(buffers, values, strict=True):
        buffer.copy_(value)


def _batch(
    folds: list[FoldTraining], step: int, augment: Augment | None
) -> tuple[tuple[Tensor, ...], list[Tensor]]:
    """Return the folds' inputs, one after the other, and each fold's labels.

    A fold that waits repeats its last batch.
    """
    device = folds[0].generator.device
    inputs_of_folds = []
    labels_of_folds = []
    for fold in folds:
        rows = fold.batches[min(step, len(fold.batches) - 1)].to(fold.labels.device)
        labels_of_folds.append(fold.labels[rows].to(device))
        inputs = as_floats(tuple(x.index_select(0, rows).to(device) for x in fold.inputs))
        if augment:
            inputs = augment(inputs, fold.generator.manual_seed(fold.key(step)))
        inputs_of_folds.append(inputs)
    batch = tuple(torch.cat(parts) for parts in zip(*inputs_of_folds, strict=True))
    return batch, labels_of_folds


def _split_outputs(outputs: Any, count: int) -> list[Any]:
    """Split the outputs of `count` folds, float32.

    Several outputs become a tuple for each fold.
    """
    if isinstance(outputs, tuple | list):
        split = [_split_outputs(output, count) for output in outputs]
        return list(zip(*split, strict=True))
    return list(outputs.float().unflatten(0, (count, -1)).unbind())

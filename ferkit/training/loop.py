"""The training loop: tensors in, a trained network and its history out.

Convention
- Every batch is full: the last one is filled up from the beginning of the epoch's order, as Caffe's
  data layer does.
- All randomness is a function of `seed`, the epoch (order) and the iteration (dropout,
  augmentation), and a CPU computes in one thread: on one kind of device the same call gives the
  same weights, and a training that was interrupted ends like one that was not.
- Learning rate, momentum and weight decay are Caffe's. Biases decay like weights, although Caffe's
  models often spare them.
- The validation examples choose the best epoch: that of the highest accuracy, of equal ones that of
  the lowest loss (the loss alone where labels are not classes and the recipe does not say what is
  right). Of several outputs of a network the first is the prediction.
"""

import copy
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from ferkit.training.checkpoints import TrainingState, describe_training, training_key
from ferkit.training.devices import (
    copy_to_device,
    fabric_for,
    move_to_device,
    precision_of,
    reproducible,
    single_threaded,
)
from ferkit.training.epochs import (
    batch_outputs,
    check_training,
    mean_loss,
    shuffle_batches,
    validate,
)
from ferkit.training.layers import as_floats, first_output, set_keys
from ferkit.training.recipe import Augment, AugmentBoth, Examples, Recipe, Trained
from ferkit.training.seeds import mixed


def train(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    validation: Examples | None = None,
    *,
    seed: int = 0,
    augment: Augment | None = None,
    augment_both: AugmentBoth | None = None,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Trained:
    """Train a copy of the network.

    `augment` changes the inputs of a training batch on the device, `augment_both` inputs and
    labels. `folder` keeps a checkpoint, written at most once a minute: the same call continues from
    there, or returns at once when the training had ended.
    With several `devices` each takes its share of every batch (batch normalisation then sees the
    share alone) in a process of its own, so everything given must be picklable.

    ValueError for examples, recipes and checkpoints that do not fit; FloatingPointError when the
    loss becomes NaN or infinite.
    """
    check_training(network, examples, validation)
    if recipe.batch % devices:
        raise ValueError(f"a batch of {recipe.batch} cannot be shared evenly by {devices} devices")
    fabric = fabric_for(network, examples.inputs, device, precision, devices)
    file = Path(folder) / "training.safetensors" if folder else None
    task = _Task(network, recipe, examples, validation, seed, augment, augment_both, file, progress)
    run = partial(_train, task)
    state = fabric.launch(run) if devices > 1 else run(fabric)
    return state.finish(copy.deepcopy(network))


def train_kept(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    validation: Examples | None,
    name: str,
    *,
    seed: int,
    folder: str | Path | None,
    augment: Augment | None = None,
    augment_both: AugmentBoth | None = None,
    device: str = "auto",
    precision: str = "auto",
    **options: Any,
) -> Trained:
    """Train as `train` does, and keep the training in a folder of its own within `folder`.

    That folder is named by `name` and a hash of the training.
    """
    training = (network, recipe, examples, validation)
    key = training_key(*training, seed, augment_both or augment, device, precision)
    return train(
        *training,
        seed=seed,
        augment=augment,
        augment_both=augment_both,
        device=device,
        precision=precision,
        folder=Path(folder) / f"{name}-{key}" if folder else None,
        **options,
    )


@torch.no_grad()
def scores(
    network: nn.Module,
    inputs: tuple[Tensor, ...],
    *,
    batch: int = 256,
    device: str = "auto",
    precision: str = "auto",
) -> np.ndarray:
    """Return the first output in evaluation mode, `(N, K)` float32."""
    if not isinstance(inputs, tuple) or not all(isinstance(x, Tensor) for x in inputs):
        raise TypeError(
            f"expected a tuple of tensors, got {type(inputs).__name__}; give one input x as (x,)"
        )
    fabric = fabric_for(network, inputs, device, precision)
    network = copy_to_device(network, fabric).eval()
    with single_threaded(fabric):
        outputs = [
            first_output(part).cpu() for part in batch_outputs(network, inputs, fabric, batch)
        ]
    return torch.cat(outputs).numpy()


@dataclass(frozen=True, eq=False)
class _Task:
    """The arguments of `train` that its processes share."""

    network: nn.Module
    recipe: Recipe
    examples: Examples
    validation: Examples | None
    seed: int
    augment: Augment | None
    augment_both: AugmentBoth | None
    file: Path | None
    progress: bool


def _train(task: _Task, fabric: Fabric) -> TrainingState:
    """Train in one process."""
    recipe = task.recipe
    description = _describe(task, fabric) if task.file else {}
    network = copy_to_device(task.network, fabric)  # processes share the memory of what is given
    optimiser = recipe.build_optimiser(network)
    state = TrainingState.resume(task.file, description, network, optimiser)
    module, optimiser = fabric.setup(network, optimiser)
    inputs, labels = move_to_device(task.examples.inputs, task.examples.labels, fabric)
    examples = Examples(inputs, labels)
    bar = tqdm(
        total=recipe.epoch_count(len(labels)),
        initial=len(state.rows),
        desc="epochs",
        leave=False,
        disable=not (task.progress and fabric.is_global_zero),
    )
    with bar, reproducible(fabric):
        while not state.done:
            epoch = len(state.rows) + 1
            begun = time.perf_counter()
            network.train()
            first = (epoch - 1) * recipe.batch_count(len(labels))
            losses = _train_epoch(task, fabric, module, optimiser, examples, epoch)
            row = {
                "epoch": epoch,
                "iteration": first + len(losses),
                "rate": recipe.rate_at(first + len(losses) - 1),
                "train_loss": mean_loss(losses, epoch, first),
                **validate(network, recipe, task.validation, fabric),
                "seconds": time.perf_counter() - begun,
            }
            state.add_epoch(row, network, recipe)
            bar.update()
            if task.file and fabric.is_global_zero and state.should_save():
                state.save(task.file, description, network, optimiser)
    if fabric.world_size > 1:
        # Else its threads may abort the process when it ends.
        torch.distributed.destroy_process_group()
    return state


def _describe(task: _Task, fabric: Fabric) -> dict[str, Any]:
    return describe_training(
        task.network,
        task.recipe,
        task.examples,
        task.validation,
        task.seed,
        task.augment_both or task.augment,
        precision_of(fabric),
        fabric.world_size,
    )


def _train_epoch(
    task: _Task,
    fabric: Fabric,
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    examples: Examples,
    epoch: int,
) -> Tensor:
    """Train one epoch and return the losses of its iterations."""
    recipe = task.recipe
    rank = fabric.global_rank
    generator = torch.Generator(fabric.device)
    torch.manual_seed(mixed(task.seed, epoch, rank))  # for layers that use torch's own generator
    batches = shuffle_batches(recipe, len(examples.labels), task.seed, epoch)
    losses = []
    first = (epoch - 1) * recipe.batch_count(len(examples.labels))
    for iteration, batch_rows in enumerate(batches, start=first):
        key = mixed(task.seed, iteration, rank)
        set_keys(module, [key])
        rows = batch_rows[rank :: fabric.world_size].to(examples.labels.device)
        selected = tuple(x.index_select(0, rows).to(fabric.device) for x in examples.inputs)
        batch = as_floats(selected)
        if task.augment:
            batch = task.augment(batch, generator.manual_seed(key))
        batch_labels = examples.labels[rows].to(fabric.device)
        if task.augment_both:
            batch, batch_labels = task.augment_both(batch, batch_labels, generator.manual_seed(key))
        for group in optimiser.param_groups:
            group["lr"] = recipe.rate_at(iteration)
        optimiser.zero_grad()
        loss = recipe.loss(module(*batch), batch_labels)
        fabric.backward(loss)
        optimiser.step()
        losses.append(loss.detach())
    return torch.as_tensor(fabric.all_reduce(torch.stack(losses)))

"""The training loop: tensors in, a trained network and its history out. The only module that chooses devices.

Convention
- Every batch is full: a last one is filled up from the beginning of the epoch's order, as Caffe's data layer goes round.
- All randomness is a function of `seed`, the epoch (order) and the iteration (dropout, augmentation): on one device the
  same call gives the same weights, and a training that was killed ends as an unbroken one.
- Rate, momentum and weight decay are Caffe's; biases decay like weights, where Caffe's models often spare them.
- The validation examples choose the best epoch: highest accuracy, of equal ones the lowest loss (the loss alone where labels
  are no classes). Of several outputs the first is the prediction.
"""

import copy
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from tqdm import tqdm

from ferkit import checkpoints
from ferkit.models.layers import as_floats, cross_entropy, first, mixed, set_keys
from ferkit.models.layers import hinge as hinge

Augment = Callable[[tuple[Tensor, ...], torch.Generator], tuple[Tensor, ...]]
Loss = Callable[[Any, Tensor], Tensor]

OPTIMISERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed"}


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs, each `(N, ...)`, and labels: `(N,)` int64 classes, or float `(N, ...)`. uint8 becomes float / 255 on the device."""

    inputs: tuple[Tensor, ...]
    labels: Tensor

    def __post_init__(self) -> None:
        if not isinstance(self.inputs, tuple) or not all(isinstance(x, Tensor) for x in (*self.inputs, self.labels)):
            got = f"{type(self.inputs).__name__} and {type(self.labels).__name__}"
            raise TypeError(f"expected a tuple of tensors and a tensor of labels, got {got}; see torch.from_numpy")
        lengths = [len(x) for x in (*self.inputs, self.labels)]
        if len(set(lengths)) != 1 or not self.inputs:
            raise ValueError(f"inputs and labels must have the same length, got {lengths[:-1]} and {lengths[-1]}")
        if not len(self.labels):
            raise ValueError("there are no examples; leave `validation` out when nobody is held back")


@dataclass(frozen=True)
class Recipe:
    """One paper's training settings. With `patience` a training stops after so many epochs without improvement."""

    epochs: int  # passes over the training examples
    batch: int = 32  # examples
    rate: float = 0.01
    momentum: float = 0.9  # of SGD
    weight_decay: float = 5e-4
    optimiser: str = "sgd"  # or "adam", "adamw"
    rate_factor: float = 1.0  # the rate is multiplied by it ...
    rate_every: int = 0  # ... every so many iterations; 0: never
    schedule: Callable[[int], float] | None = (
        None  # the rate of an iteration, counted from 0, in place of the three above
    )
    patience: int | None = None  # epochs
    loss: Loss = cross_entropy  # (outputs, labels) -> the mean over the batch

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise ValueError(f"unknown optimiser {self.optimiser!r}; known: {', '.join(OPTIMISERS)}")
        if min(self.epochs, self.batch) < 1 or self.rate <= 0 or self.rate_every < 0:
            raise ValueError(f"epochs, batch and rate must be positive and rate_every not negative: {self}")

    def rate_at(self, iteration: int) -> float:
        """The learning rate of an iteration, counted from 0."""
        if self.schedule:
            return self.schedule(iteration)
        return self.rate * self.rate_factor ** (iteration // self.rate_every if self.rate_every else 0)

    def optimiser_of(self, network: nn.Module) -> torch.optim.Optimizer:
        """The optimiser of the parameters that are not frozen."""
        learnt = [p for p in network.parameters() if p.requires_grad]
        momentum = {"momentum": self.momentum} if self.optimiser == "sgd" else {}
        kind = OPTIMISERS[self.optimiser]
        return kind(learnt, lr=self.rate, weight_decay=self.weight_decay, fused=True, **momentum)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with the weights of its best epoch (without validation the last), and its history.

    One row an epoch: epoch, iteration, rate, train_loss, val_loss, val_accuracy, seconds.
    """

    network: nn.Module
    history: pd.DataFrame
    best_epoch: int


@dataclass
class Course:
    """How one training has gone so far: rows of history and the weights of the best epoch."""

    rows: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, np.ndarray] = field(default_factory=dict)
    best_epoch: int = 0
    done: bool = False

    def add(self, row: dict[str, float], network: nn.Module, recipe: Recipe) -> None:
        """Takes in the row of an epoch and keeps the weights when they are the best so far."""
        self.rows.append(row)
        if not self.best or math.isnan(row["val_loss"]) or _merit(row) > _merit(self.rows[self.best_epoch - 1]):
            self.best_epoch = int(row["epoch"])
            self.best = {name: value.detach().cpu().numpy().copy() for name, value in network.state_dict().items()}
        waited = row["epoch"] - self.best_epoch
        self.done = row["epoch"] >= recipe.epochs or (recipe.patience is not None and waited >= recipe.patience)

    def keep(self, file: Path, asked: dict[str, Any], network: nn.Module, optimiser: Any) -> None:
        """Writes the state of the training; of one that has ended, the best weights alone."""
        tensors = {f"best/{name}": torch.from_numpy(value) for name, value in self.best.items()}
        if not self.done:
            tensors |= {f"last/{name}": value for name, value in network.state_dict().items()}
            for number, state in optimiser.state_dict()["state"].items():
                tensors |= {f"optimiser/{number}/{name}": v for name, v in state.items() if isinstance(v, Tensor)}
        told = {"asked": asked, "rows": self.rows, "best_epoch": self.best_epoch, "done": self.done}
        checkpoints.write(file, told, tensors)

    @classmethod
    def resumed(cls, file: Path | None, asked: dict[str, Any], network: nn.Module, optimiser: Any) -> "Course":
        """The training kept in the file, its weights and optimiser's state put in place; a new one when there is no file."""
        if not (file and file.is_file()):
            return cls()
        told, tensors = checkpoints.read(file, asked)
        if not told["done"]:
            network.load_state_dict(checkpoints.part(tensors, "last/"))
            learnt = [p for group in optimiser.param_groups for p in group["params"]]
            kept: dict[int, dict[str, Tensor]] = {}
            for name, value in checkpoints.part(tensors, "optimiser/").items():
                number, key = name.split("/")
                like = learnt[
                    int(number)
                ]  # a fused optimiser takes for granted that its state lies in memory as the weights do
                value = torch.empty_like(like).copy_(value) if value.shape == like.shape else value
                kept.setdefault(int(number), {})[key] = value
            optimiser.load_state_dict({**optimiser.state_dict(), "state": kept})
        best = {name: value.numpy() for name, value in checkpoints.part(tensors, "best/").items()}
        return cls(told["rows"], best, told["best_epoch"], told["done"])

    def end(self, network: nn.Module) -> Trained:
        """The result: the network with the best weights, on the CPU in evaluation mode."""
        network = network.cpu().to(memory_format=torch.contiguous_format)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in self.best.items()})
        return Trained(network.eval(), pd.DataFrame(self.rows), self.best_epoch)


def train(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    validation: Examples | None = None,
    *,
    seed: int = 0,
    augment: Augment | None = None,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
    folder: str | Path | None = None,
    progress: bool = True,
) -> Trained:
    """A copy of the network, trained; the given one stays as it is.

    `augment` changes the inputs of a training batch on the device. In `folder` the training is kept after each epoch: the same
    call goes on from there, or returns at once when it had ended. With several `devices` each takes its share of every batch
    (batch normalisation then sees the share alone) in a process of its own, so everything given must be picklable.
    ValueError for examples, recipes and checkpoints that do not fit; FloatingPointError when the loss is no number.
    """
    check(network, recipe, examples, validation)
    if recipe.batch % devices:
        raise ValueError(f"a batch of {recipe.batch} cannot be shared evenly by {devices} devices")
    fabric = fabric_for(network, examples.inputs, device, precision, devices)
    file = Path(folder) / "training.safetensors" if folder else None
    run = partial(_train, (network, recipe, examples, validation, seed, augment, file, progress))
    return (fabric.launch(run) if devices > 1 else run(fabric)).end(copy.deepcopy(network))


def _train(given: tuple, fabric: Fabric) -> Course:
    """`train` in one process."""
    network, recipe, examples, validation, seed, augment, file, progress = given
    asked = asked_of(given, fabric) if file else {}
    network = copied(network, fabric)  # processes share the memory of what they are given
    optimiser = recipe.optimiser_of(network)
    course = Course.resumed(file, asked, network, optimiser)
    module, optimiser = fabric.setup(network, optimiser)
    inputs, labels = on_device(examples, fabric)
    generator = torch.Generator(fabric.device)
    steps, share = math.ceil(len(labels) / recipe.batch), slice(fabric.global_rank, None, fabric.world_size)
    bar = tqdm(
        total=recipe.epochs,
        initial=len(course.rows),
        desc="epochs",
        leave=False,
        disable=not (progress and fabric.is_global_zero),
    )
    with bar, reproducible(fabric):
        while not course.done:
            epoch, begun, losses = len(course.rows) + 1, time.perf_counter(), []
            torch.manual_seed(mixed(seed, epoch, fabric.global_rank))  # for layers that ask torch's own generator
            network.train()
            for step, rows in enumerate(batches(recipe, len(labels), seed, epoch)):
                iteration = (epoch - 1) * steps + step
                rate = recipe.rate_at(iteration)
                here = rows[share].to(labels.device)
                set_keys(network, [mixed(seed, iteration, fabric.global_rank)])
                batch = as_floats(tuple(x.index_select(0, here).to(fabric.device) for x in inputs))
                if augment:
                    batch = augment(batch, generator.manual_seed(mixed(seed, iteration, fabric.global_rank)))
                for group in optimiser.param_groups:
                    group["lr"] = rate
                optimiser.zero_grad()
                loss = recipe.loss(module(*batch), labels[here].to(fabric.device))
                fabric.backward(loss)
                optimiser.step()
                losses.append(loss.detach())
            train_loss = mean_loss(torch.as_tensor(fabric.all_reduce(torch.stack(losses))), epoch, steps)
            row = {"epoch": epoch, "iteration": epoch * steps, "rate": rate, "train_loss": train_loss}
            row |= measured(network, recipe, validation, fabric) | {"seconds": time.perf_counter() - begun}
            course.add(row, network, recipe)
            bar.update()
            if file and fabric.is_global_zero:
                course.keep(file, asked, network, optimiser)
    if fabric.world_size > 1:
        torch.distributed.destroy_process_group()  # or its threads may abort the process when it ends
    return course


@torch.no_grad()
def scores(
    network: nn.Module, inputs: tuple[Tensor, ...], *, batch: int = 256, device: str = "auto", precision: str = "auto"
) -> np.ndarray:
    """The network's outputs in evaluation mode, `(N, K)` float32; of several outputs the first."""
    if not isinstance(inputs, tuple) or not all(isinstance(x, Tensor) for x in inputs):
        raise TypeError(f"expected a tuple of tensors, got {type(inputs).__name__}; one input x is given as (x,)")
    fabric = fabric_for(network, inputs, device, precision)
    outputs = _outputs(copied(network, fabric).eval(), inputs, fabric, batch)
    return torch.cat([first(part).cpu() for part in outputs]).numpy()


def check(network: nn.Module, recipe: Recipe, examples: Examples, validation: Examples | None) -> None:
    """ValueError when recipe, examples and network do not fit together."""
    if recipe.patience is not None and validation is None:
        raise ValueError("`patience` waits for improvement on validation people, and there are none; give `validation`")
    if not any(p.requires_grad for p in network.parameters()):
        raise ValueError("the network has no parameter that is not frozen: there is nothing to train")
    for part, name in ((examples, "training"), (validation, "validation")):
        if part is None or part.labels.is_floating_point() or part.labels.ndim != 1:
            continue
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            probe = copy.deepcopy(network).cpu().eval()
            outputs = first(probe(*as_floats(tuple(x[:1].cpu() for x in part.inputs))))
        low, high = int(part.labels.min()), int(part.labels.max())
        if low < 0 or high >= outputs.shape[1]:
            raise ValueError(f"{name} labels must lie in 0..{outputs.shape[1] - 1}, one output each; got {low}..{high}")


def choose_device(device: str = "auto") -> str:
    """`cuda` or `cpu`: what `device` asks for, or with "auto" what there is."""
    if device not in ("auto", "cpu", "cuda"):
        raise ValueError(f"unknown device {device!r}; known: auto, cpu, cuda")
    if device == "cuda" and not torch.cuda.is_available():
        raise ValueError("device 'cuda' was asked for, but PyTorch finds no CUDA device here; use auto or cpu")
    return "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"


def fabric_for(network: nn.Module, inputs: tuple[Tensor, ...], device: str, precision: str, devices: int = 1) -> Fabric:
    """Lightning Fabric for this device and precision."""
    chosen = choose_device(device)
    if precision == "auto":
        pictures = any(x.ndim == 4 for x in inputs) and any(isinstance(m, nn.Conv2d) for m in network.modules())
        fast = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
        precision = "bf16" if chosen == "cpu" and pictures and fast else "32"
    if precision not in PRECISIONS:
        raise ValueError(f"unknown precision {precision!r}; known: auto, {', '.join(PRECISIONS)}")
    strategy = "ddp_spawn" if devices > 1 else "auto"
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it tells the precision each time
    return Fabric(accelerator=chosen, devices=devices, precision=PRECISIONS[precision], strategy=strategy)  # type: ignore[arg-type]


def copied(network: nn.Module, fabric: Fabric) -> nn.Module:
    """A copy of the network on the device; with bf16 the weights of convolutions lie channels last, where that is fast."""
    bf16 = fabric._precision.precision == PRECISIONS["bf16"]
    kind = torch.channels_last if bf16 else torch.contiguous_format
    return copy.deepcopy(network).to(fabric.device).to(memory_format=kind)


@contextmanager
def reproducible(fabric: Fabric) -> Iterator[None]:
    """Algorithms that give the same result each time; torch's generators are as before when it ends."""
    forked = [fabric.device] if fabric.device.type == "cuda" else []
    with torch.random.fork_rng(devices=forked), torch.backends.cudnn.flags(deterministic=True, benchmark=False):
        yield


def on_device(examples: Examples, fabric: Fabric) -> tuple[tuple[Tensor, ...], Tensor]:
    """Inputs and labels on the device when they fill less than half of it, else where they are."""
    size = sum(x.nbytes for x in (*examples.inputs, examples.labels))
    if fabric.device.type == "cuda" and size > torch.cuda.mem_get_info(fabric.device)[0] / 2:
        return examples.inputs, examples.labels
    return tuple(x.to(fabric.device) for x in examples.inputs), examples.labels.to(fabric.device)


def batches(recipe: Recipe, count: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """The rows of each batch of an epoch, all of one size; the last is filled up from the beginning of the order."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(mixed(seed, epoch)))
    places = torch.arange(math.ceil(count / recipe.batch) * recipe.batch) % count
    return order[places].split(recipe.batch)


def mean_loss(losses: Tensor, epoch: int, steps: int, whose: str = "") -> float:
    """The mean of an epoch's losses; FloatingPointError naming the iteration when one is no number."""
    bad = (~losses.isfinite()).nonzero()
    if len(bad):
        at = int(bad[0, 0])
        raise FloatingPointError(
            f"the loss{whose} became {losses[at].item()} in epoch {epoch}, iteration {(epoch - 1) * steps + at + 1}; "
            "try a lower rate, precision='32', or look for inputs that are no numbers"
        )
    return float(losses.mean())


@torch.no_grad()
def measured(network: nn.Module, recipe: Recipe, validation: Examples | None, fabric: Fabric) -> dict[str, float]:
    """`val_loss` and `val_accuracy`, nan where there is nothing to measure."""
    if validation is None:
        return {"val_loss": math.nan, "val_accuracy": math.nan}
    network.eval()
    labels, total, right, done = validation.labels.to(fabric.device), 0.0, 0, 0
    for outputs in _outputs(network, validation.inputs, fabric, 256):
        mine = labels[done : done + len(first(outputs))]
        total += float(recipe.loss(outputs, mine)) * len(mine)
        if classes := mine.ndim == 1 and not mine.is_floating_point():
            right += int((first(outputs).argmax(1) == mine).sum())
        done += len(mine)
    return {"val_loss": total / done, "val_accuracy": right / done if classes else math.nan}


def _outputs(network: nn.Module, inputs: tuple[Tensor, ...], fabric: Fabric, batch: int) -> Iterator[Any]:
    """The outputs of one batch after the other, float32."""
    for parts in zip(*(x.split(batch) for x in inputs), strict=True):
        with fabric.autocast():
            outputs = network(*as_floats(tuple(x.to(fabric.device) for x in parts)))
        yield tuple(o.float() for o in outputs) if isinstance(outputs, tuple | list) else outputs.float()


def _merit(row: dict[str, float]) -> tuple[float, float]:
    """What is larger for the better epoch."""
    accuracy = row["val_accuracy"]
    return (-1.0 if math.isnan(accuracy) else accuracy, -row["val_loss"])


def asked_of(given: tuple, fabric: Fabric) -> dict[str, Any]:
    """What a checkpoint must have been made from to be continued, of (network, recipe, examples, validation, seed, augment)."""
    network, recipe, examples, validation, seed, augment = given[:6]
    parts = {"examples": examples, "validation": validation}
    data: dict[str, Any] = {
        name: part and checkpoints.fingerprint(*part.inputs, part.labels) for name, part in parts.items()
    }
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    data |= {"architecture": shapes, "first weights": checkpoints.fingerprint(*network.state_dict().values())}
    data |= {"seed": seed, "precision": fabric._precision.precision, "devices": fabric.world_size}
    return {
        **asdict(recipe),
        **data,
        "loss": str(getattr(recipe.loss, "__qualname__", recipe.loss)),
        "schedule": str(getattr(recipe.schedule, "__qualname__", recipe.schedule)),
        "augment": str(getattr(augment, "__qualname__", augment)),
    }

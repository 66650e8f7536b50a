"""Steps of an epoch, for one training and for several folds at once.

Checks before a training, shuffled batches, losses and validation.
"""

import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from ferkit.training.layers import as_floats, first_output
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import mixed

_SCORED = 256  # examples at once in validation


def check_training(network: nn.Module, examples: Examples, validation: Examples | None) -> None:
    """Raise ValueError when examples and network do not fit together."""
    if not any(p.requires_grad for p in network.parameters()):
        raise ValueError("all parameters of the network are frozen: there is nothing to train")
    _check_classes(network, examples, "training")
    if validation is not None:
        _check_classes(network, validation, "validation")


def _check_classes(network: nn.Module, examples: Examples, name: str) -> None:
    """Raise ValueError when a class has no output."""
    if not _are_classes(examples.labels):
        return
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        probe = copy.deepcopy(network).cpu().eval()
        one = tuple(x[:1].cpu() for x in examples.inputs)
        classes = first_output(probe(*as_floats(one))).shape[1]
    low = int(examples.labels.min())
    high = int(examples.labels.max())
    if low < 0 or high >= classes:
        raise ValueError(
            f"{name} labels must lie in 0..{classes - 1}, one output each; got {low}..{high}"
        )


def _are_classes(labels: Tensor) -> bool:
    return labels.ndim == 1 and not labels.is_floating_point()


def shuffle_batches(recipe: Recipe, count: int, seed: int, epoch: int) -> tuple[Tensor, ...]:
    """Draw the rows of each batch of an epoch, counted from 1.

    All batches have one size; the last is filled up from the beginning of the order. The last epoch
    ends with the recipe's last iteration.
    """
    generator = torch.Generator().manual_seed(mixed(seed, epoch))
    order = torch.randperm(count, generator=generator)
    places = torch.arange(recipe.batch_count(count) * recipe.batch) % count
    batches = order[places].split(recipe.batch)
    if recipe.iterations is None:
        return batches
    return batches[: recipe.iterations - (epoch - 1) * len(batches)]


def mean_loss(losses: Tensor, epoch: int, first: int, fold: str = "") -> float:
    """Average an epoch's losses; FloatingPointError names the iteration of one not finite.

    `first` is the epoch's first iteration, counted from 0.
    """
    infinite = ~losses.isfinite()
    if infinite.any():
        step = int(infinite.nonzero()[0, 0])
        iteration = first + step + 1
        raise FloatingPointError(
            f"the loss{fold} became {losses[step].item()} in epoch {epoch}, "
            f"iteration {iteration}; try a lower learning rate, precision='32', "
            "or look for inputs that are NaN"
        )
    return float(losses.mean())


@torch.no_grad()
def validate(
    network: nn.Module, recipe: Recipe, validation: Examples | None, fabric: Fabric
) -> dict[str, float]:
    """Return `val_loss`, `val_accuracy` and, up to the recipe's k, `val_top_2` and so on.

    They are NaN where they are undefined. FloatingPointError when the loss of validation people is.
    """
    names = ["val_accuracy", *(f"val_top_{k}" for k in range(2, recipe.top_k + 1))]
    if validation is None:
        return dict.fromkeys(["val_loss", *names], math.nan)
    network.eval()
    labels = validation.labels.to(fabric.device)
    is_right = recipe.is_right or (_is_best_class if _are_classes(labels) else None)
    total = 0.0
    correct = torch.zeros(recipe.top_k, dtype=torch.int64)
    batches = labels.split(_SCORED)
    outputs_of_batches = batch_outputs(network, validation.inputs, fabric, _SCORED)
    for outputs, batch_labels in zip(outputs_of_batches, batches, strict=True):
        total += float(recipe.loss(outputs, batch_labels)) * len(batch_labels)
        if is_right:
            hits = _count_hits(outputs, batch_labels, recipe.top_k)
            hits[0] = is_right(outputs, batch_labels).sum()
            correct += hits
    if math.isnan(total):
        raise FloatingPointError(
            "the loss of the validation people became nan; try a lower learning rate, "
            "precision='32', or look for inputs that are NaN"
        )
    count = len(labels)
    shares = (correct / count).tolist() if is_right else [math.nan] * recipe.top_k
    return {"val_loss": total / count, **dict(zip(names, shares, strict=True))}


def _count_hits(outputs: Any, labels: Tensor, k: int) -> Tensor:
    """Count how often the true class is the first, among the first two, ... k, `(k,)`."""
    if k == 1:
        return torch.zeros(1, dtype=torch.int64)
    scores = first_output(outputs)
    true_scores = scores.gather(1, labels[:, None])
    ahead = (scores > true_scores).sum(1)  # classes before the true one, (B,)
    among = ahead[:, None] < torch.arange(1, k + 1, device=scores.device)
    return among.sum(0).cpu()


def _is_best_class(outputs: Any, labels: Tensor) -> Tensor:
    return first_output(outputs).argmax(1) == labels


def batch_outputs(
    network: nn.Module, inputs: tuple[Tensor, ...], fabric: Fabric, batch: int
) -> Iterator[Any]:
    """Yield the outputs of one batch after the other, float32."""
    for parts in zip(*(x.split(batch) for x in inputs), strict=True):
        moved = tuple(x.to(fabric.device) for x in parts)
        with fabric.autocast():
            outputs = network(*as_floats(moved))
        if isinstance(outputs, tuple | list):
            yield tuple(output.float() for output in outputs)
        else:
            yield outputs.float()

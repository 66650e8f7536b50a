"""Checkpoints: the state of a training, its description and its file.

The file is in the safetensors format and is written completely or not at all. Its header holds a
hash, so that a damaged one is noticed and the training repeated.
"""

import hashlib
import json
import math
import time
import warnings
from collections import defaultdict
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ferkit.core.files import digest
from ferkit.core.sealed import DamagedFileError, read_sealed, write_sealed
from ferkit.training.devices import choose_precision
from ferkit.training.recipe import Augment, AugmentBoth, Examples, Recipe, Trained

SAVED_EVERY = 60.0  # seconds; large networks take seconds to write


# --- what a training is made from ---


def hash_tensors(*tensors: Tensor) -> str:
    """Hash shapes, types and all values of the tensors."""
    parts: list[object] = []
    for tensor in tensors:
        array = tensor.detach().cpu().contiguous().numpy()
        parts += [tuple(tensor.shape), tensor.dtype, hashlib.sha256(array.data).hexdigest()]
    return digest(*parts, length=16)


def describe_training(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    validation: Examples | None,
    seed: int,
    augment: Augment | AugmentBoth | None,
    precision: str,
    devices: int,
) -> dict[str, Any]:
    """Describe all that decides how a training ends.

    JSON can hold the values. Functions are described by their names, since their addresses differ
    between processes.
    """
    weights = network.state_dict()
    return {
        **vars(recipe),
        "examples": hash_tensors(*examples.inputs, examples.labels),
        "validation": validation and hash_tensors(*validation.inputs, validation.labels),
        "architecture": {name: list(value.shape) for name, value in weights.items()},
        "first weights": hash_tensors(*weights.values()),
        "seed": seed,
        "precision": precision,
        "devices": devices,
        "loss": _name(recipe.loss),
        "schedule": _name(recipe.schedule),
        "is_right": recipe.is_right and _name(recipe.is_right),
        "augment": _name(augment),
    }


def training_key(
    network: nn.Module,
    recipe: Recipe,
    examples: Examples,
    validation: Examples | None,
    seed: int,
    augment: Augment | AugmentBoth | None = None,
    device: str = "auto",
    precision: str = "auto",
    devices: int = 1,
) -> str:
    """Hash a training, to name its folder.

    The precision "auto" is hashed as what it means on this computer.
    """
    chosen = choose_precision(network, examples.inputs, device, precision)
    description = describe_training(
        network, recipe, examples, validation, seed, augment, chosen, devices
    )
    frozen = [name for name, value in network.named_parameters() if not value.requires_grad]
    return digest(json.dumps(description), network, *frozen)


def _name(function: object) -> str:
    return str(getattr(function, "__qualname__", function))


# --- the state of a training ---


@dataclass
class TrainingState:
    """The history of a training and the weights of its best epoch."""

    rows: list[dict[str, float]] = field(default_factory=list)
    best: dict[str, np.ndarray] = field(default_factory=dict)
    best_epoch: int = 0
    done: bool = False
    last_saved: float = field(default_factory=time.monotonic)

    @classmethod
    def resume(
        cls,
        file: Path | None,
        description: dict[str, Any],
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
    ) -> "TrainingState":
        """Load a checkpoint, and put its weights and optimiser state in place.

        Without a file, or with a damaged one, the training starts from the beginning. ValueError
        when the checkpoint has another description.
        """
        if not (file and file.is_file()):
            return cls()
        try:
            metadata, tensors = read_checkpoint(file, description)
        except DamagedFileError as error:
            warnings.warn(f"{error}; training from the beginning", stacklevel=2)
            return cls()
        if not metadata["done"]:
            network.load_state_dict(with_prefix(tensors, "last/"))
            _load_optimiser(optimiser, with_prefix(tensors, "optimiser/"))
        best = {name: value.numpy() for name, value in with_prefix(tensors, "best/").items()}
        return cls(metadata["rows"], best, metadata["best_epoch"], metadata["done"])

    def add_epoch(self, row: dict[str, float], network: nn.Module, recipe: Recipe) -> None:
        """Add an epoch's row; keep the weights if they are best."""
        self.rows.append(row)
        is_best = (
            not self.best
            or math.isnan(row["val_loss"])
            or _merit(row) > _merit(self.rows[self.best_epoch - 1])
        )
        if is_best:
            self.best_epoch = int(row["epoch"])
            weights = network.state_dict()
            self.best = {name: w.detach().cpu().numpy().copy() for name, w in weights.items()}
        self.done = self._is_last(row, recipe)

    def _is_last(self, row: dict[str, float], recipe: Recipe) -> bool:
        """Whether a training ends with this epoch."""
        best = self.rows[self.best_epoch - 1]
        waited = row["iteration"] - max(best["iteration"], recipe.patience_after)
        if recipe.patience_iterations is not None and waited >= recipe.patience_iterations:
            return True
        if recipe.iterations is not None:
            return row["iteration"] >= recipe.iterations
        return row["epoch"] >= recipe.epochs

    def should_save(self) -> bool:
        """Whether a checkpoint is due: at the end, and a minute after the last one."""
        return self.done or time.monotonic() - self.last_saved >= SAVED_EVERY

    def save(
        self,
        file: Path,
        description: dict[str, Any],
        network: nn.Module,
        optimiser: torch.optim.Optimizer,
    ) -> None:
        """Write a checkpoint; after the end, the best weights alone."""
        tensors = {f"best/{name}": torch.from_numpy(value) for name, value in self.best.items()}
        if not self.done:
            tensors |= {f"last/{name}": value for name, value in network.state_dict().items()}
            for number, state in optimiser.state_dict()["state"].items():
                values = {name: value for name, value in state.items() if isinstance(value, Tensor)}
                tensors |= {f"optimiser/{number}/{name}": v for name, v in values.items()}
        metadata = {
            "description": description,
            "rows": self.rows,
            "best_epoch": self.best_epoch,
            "done": self.done,
        }
        write_checkpoint(file, metadata, tensors)
        self.last_saved = time.monotonic()

    def finish(self, network: nn.Module) -> Trained:
        """Return the network with the best weights, in evaluation mode."""
        network = network.cpu().to(memory_format=torch.contiguous_format)
        weights = {name: torch.from_numpy(value) for name, value in self.best.items()}
        network.load_state_dict(weights)
        return Trained(network.eval(), pd.DataFrame(self.rows), self.best_epoch)


def _merit(row: dict[str, float]) -> tuple[float, float]:
    """Return what is larger for the better epoch."""
    accuracy = -1.0 if math.isnan(row["val_accuracy"]) else row["val_accuracy"]
    return accuracy, -row["val_loss"]


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Load an optimiser's state from tensors named by parameter number and kind."""
    groups = optimiser.param_groups
    parameters = list(chain.from_iterable(group["params"] for group in groups))
    state: dict[int, dict[str, Tensor]] = defaultdict(dict)
    for name, value in tensors.items():
        number, kind = name.split("/")
        parameter = parameters[int(number)]
        # A fused optimiser requires that its state lies in memory as the weights do.
        if value.shape == parameter.shape:
            value = torch.empty_like(parameter).copy_(value)
        state[int(number)][kind] = value
    optimiser.load_state_dict({**optimiser.state_dict(), "state": dict(state)})


# --- files ---


def write_checkpoint(file: Path, metadata: dict[str, Any], tensors: dict[str, Tensor]) -> None:
    """Write tensors, with metadata that JSON can hold."""
    arrays = {name: value.detach().cpu().numpy() for name, value in tensors.items()}
    write_sealed(file, arrays, {"training": json.dumps(metadata)})


def read_checkpoint(
    file: Path, description: dict[str, Any]
) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """Read metadata and tensors.

    DamagedFileError; ValueError when the training has another description.
    """
    metadata, arrays = read_sealed(file, "training")
    tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
    written = metadata["description"]
    names = dict.fromkeys([*written, *description])
    differing = [name for name in names if written.get(name) != description.get(name)]
    if differing:
        differences = [
            f"{name}: {str(written.get(name))[:80]} there, {str(description.get(name))[:80]} now"
            for name in differing
        ]
        raise ValueError(
            f"{file} is another training ({'; '.join(differences)}); use another folder, "
            "or delete it to train from the beginning"
        )
    return metadata, tensors


def with_prefix(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Select the tensors whose names begin with the prefix, which is removed."""
    selected = [name for name in tensors if name.startswith(prefix)]
    return {name.removeprefix(prefix): tensors[name] for name in selected}

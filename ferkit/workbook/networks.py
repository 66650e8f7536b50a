"""Find trained networks in a run's folder; train those that are missing.

    networks = load_or_train("build/run", "lesson", seed=0)
    networks["CNN (5)"].probabilities(...)

Notebooks leave them as OUT/models/NAME.safetensors, with the data, level and seed they were trained
on in their `about`; those of another level or seed are trained again.
"""

from pathlib import Path
from typing import Any

from ferkit.papers import network_specs
from ferkit.predict.network_file import load_network, save_network
from ferkit.training.spec import Network


def training_of(dataset: str, level: str, seed: int) -> str:
    """What a kept network was trained on, in words."""
    return f"{dataset}, {level}, seed {seed}"


def network_path(out: str | Path, name: str) -> Path:
    """Where a run keeps the network of this name."""
    return Path(out) / "models" / f"{name}.safetensors"


def keep_networks(out: str | Path, networks: list[Network]) -> list[Path]:
    """Write each network where other notebooks and `ferkit predict` find it."""
    return [save_network(network_path(out, network.kind), network) for network in networks]


def load_or_train(
    out: str | Path, level: str, *, seed: int = 0, **options: Any
) -> dict[str, Network]:
    """Load the networks of single pictures by title; train missing ones.

    A network that only a notebook trains is left out until the notebook has trained it. `options`
    are device and precision of the training.
    """
    networks = {}
    for spec in network_specs().values():
        if not spec.dataset:
            continue
        about = training_of(spec.dataset, level, seed)
        network = _load_if(network_path(out, spec.name), about)
        if network is None and spec.train:
            keep_networks(out, spec.train(level, seed, Path(out), about, **options))
            network = _load_if(network_path(out, spec.name), about)
        if network is not None:
            networks[spec.title] = network
    return networks


def _load_if(path: Path, about: str) -> Network | None:
    """Load a network; None unless it was trained on what `about` says."""
    try:
        network = load_network(path)
    except (FileNotFoundError, ValueError):  # missing, damaged, or of another version
        return None
    return network if network.about == about else None

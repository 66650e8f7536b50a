"""Keep a trained network in one safetensors file that says how to build it and what to show it.

    save_network("resnet.safetensors", network)
    network = load_network("resnet.safetensors")
    network.probabilities([network.look(image, face)])

The header is JSON: the name of the network's specification, the arguments of its builder, the names
of its classes, the views of a face that are its inputs (`faces.views.View`), and for a network of
sequences how many frames it sees. Nothing in it is executed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ferkit.core.checks import check_class_names, is_whole
from ferkit.core.landmarks import SUBSET_49
from ferkit.core.sealed import DamagedFileError, read_sealed, write_sealed
from ferkit.faces.views import View
from ferkit.papers import network_specs
from ferkit.predict.model_header import NETWORK_FORMAT, model_header
from ferkit.training.layers import as_floats, first_output
from ferkit.training.seeds import seeded
from ferkit.training.spec import Network, NetworkSpec, Seen, stack_inputs

# What a header with wrong words leads to when the network is built or asked.
_UNFIT = (
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    MemoryError,
    ArithmeticError,
    LookupError,
    AssertionError,
)


def save_network(path: str | Path, network: Network) -> Path:
    """Write a trained network, whole or not at all, after a trial build from its description.

    ValueError when the module is another network than its specification and arguments build, or
    does not fit the class names or the views.
    """
    path = Path(path)
    words = {
        "kind": network.kind,
        "arguments": dict(network.arguments),
        "names": list(network.names),
        "frames": network.frames,
        "about": network.about,
        "views": [asdict(view) for view in network.views],
    }
    state = {name: value.detach().cpu() for name, value in network.module.state_dict().items()}
    build_network(path, words, state, {network.kind: network.spec})
    arrays = {name: value.numpy() for name, value in state.items()}
    write_sealed(path, arrays, {"format": NETWORK_FORMAT, "network": json.dumps(words)})
    return path


def load_network(path: str | Path) -> Network:
    """Read the network that `save_network` wrote, in evaluation mode.

    FileNotFoundError; ValueError for another kind of file, and where weights, architecture, classes
    and views do not agree.
    """
    path = Path(path)
    written = model_header(path).get("format")
    if written != NETWORK_FORMAT:
        raise ValueError(
            f"{path} holds no network that can be built ({written!r}, expected {NETWORK_FORMAT!r})"
        )
    try:
        words, arrays = read_sealed(path, "network")
        state = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return build_network(path, words, state, network_specs())
    except (DamagedFileError, KeyError, TypeError) as error:
        raise DamagedFileError(
            f"{path} is damaged, or of another version of ferkit ({error}); train it again"
        ) from error


def build_network(
    path: Path,
    words: Mapping[str, Any],
    state: dict[str, Tensor],
    specs: Mapping[str, NetworkSpec],
) -> Network:
    """Build the network that a header and weights describe, and try it on an empty picture.

    Shapes are compared before any memory is taken. ValueError naming `path` when the parts do not
    fit together.
    """
    kind = words["kind"]
    arguments = words["arguments"]
    if kind not in specs:
        raise ValueError(f"{path}: unknown kind of network {kind!r}; known: {', '.join(specs)}")
    try:
        check_class_names(words["names"])
        views = tuple(View(**view) for view in words["views"])
        if not is_whole(words["frames"], 1, 1000):
            raise ValueError(f"a network sees 1 to 1000 frames, got {words['frames']}")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
    try:
        with torch.device("meta"):  # tensors without memory
            wanted = specs[kind].build(**arguments).state_dict()
        wrong = _describe_differences(wanted, state)
        module = nn.Module() if wrong else seeded(partial(specs[kind].build, **arguments), 0)
    except _UNFIT as error:
        raise ValueError(f"{path}: {kind} cannot be built from {arguments}: {error}") from error
    if wrong:
        raise ValueError(
            f"{path}: the weights are of another architecture than {kind} with "
            f"{dict(arguments)}: {wrong}"
        )
    if not all(value.isfinite().all() for value in state.values()):
        raise ValueError(
            f"{path}: the weights are not finite, as after a training that diverged; train it again"
        )
    module.load_state_dict(state)
    network = Network(
        specs[kind],
        arguments,
        tuple(words["names"]),
        views,
        module.eval(),
        words["frames"],
        str(words["about"]),
    )
    _check_answer(path, network)
    return network


def _describe_differences(wanted: Mapping[str, Tensor], got: Mapping[str, Tensor]) -> str:
    """Say how two sets of weights differ; empty where they do not."""
    missing = [name for name in wanted if name not in got]
    unknown = [name for name in got if name not in wanted]
    reshaped = [name for name in wanted if name in got and wanted[name].shape != got[name].shape]
    parts = []
    if missing:
        parts.append(f"{len(missing)} missing, first {missing[0]}")
    if unknown:
        parts.append(f"{len(unknown)} unknown, first {unknown[0]}")
    if reshaped:
        name = reshaped[0]
        shapes = f"{tuple(got[name].shape)} in place of {tuple(wanted[name].shape)}"
        parts.append(f"{len(reshaped)} of another shape, first {name}, {shapes}")
    return "; ".join(parts)


def _check_answer(path: Path, network: Network) -> None:
    """ValueError when the network gives an empty face no score, or not one for each name."""
    try:
        with torch.no_grad():
            outputs = first_output(network.scorer(*as_floats(stack_inputs([_empty_face(network)]))))
    except _UNFIT as error:
        raise ValueError(
            f"{path}: {network.kind} cannot be shown {network.views}: {error}"
        ) from error
    if not outputs.isfinite().all():
        raise ValueError(f"{path}: the scores of an empty picture are not finite; train it again")
    count = outputs.shape[1]
    if count != len(network.names):
        raise ValueError(
            f"{path}: another label set: the network gives {count} scores, "
            f"but {len(network.names)} classes are named: {', '.join(network.names)}"
        )


def _empty_face(network: Network) -> Seen:
    """What the network would see of a black picture, or of a video of black pictures."""
    arrays = []
    for view in network.views:
        if network.frames == 1:
            dtype = np.float64 if view.cut == "points" else np.uint8
            arrays.append(np.zeros(view.shape, dtype))
        elif view.cut == "points":
            arrays.append(np.zeros((network.frames, len(SUBSET_49), 2), np.float32))
        else:
            arrays.append(np.zeros((network.frames, *view.shape[1:]), np.uint8))
    return tuple(arrays)

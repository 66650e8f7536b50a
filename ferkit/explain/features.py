"""Record what a layer of a network puts out.

Nothing here changes a network: hooks live in a `with` block.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from ferkit.training.layers import as_floats


@contextmanager
def record_outputs(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the outputs of `layer` while the block runs, one tensor a call."""
    outputs: list[Tensor] = []
    handle = layer.register_forward_hook(
        lambda _module, _inputs, output: outputs.append(output.detach().clone())
    )
    try:
        yield outputs
    finally:
        handle.remove()


def layer_outputs(network: nn.Module, layer: nn.Module, inputs: tuple[Tensor, ...]) -> np.ndarray:
    """Return the outputs of `layer` for these inputs, `(N, ...)` float32.

    The network runs in evaluation mode, on its own device. ValueError when the layer is not
    reached, or more than once.
    """
    device = next(network.parameters()).device
    was_training = network.training
    with record_outputs(layer) as outputs, torch.no_grad():
        network.eval()(*as_floats(tuple(tensor.to(device) for tensor in inputs)))
    network.train(was_training)
    if len(outputs) != 1:
        raise ValueError(
            f"the layer must run once in a pass, it ran {len(outputs)} times: {layer}; "
            "name a layer that does"
        )
    return outputs[0].float().cpu().numpy()


def find_first_layer(network: nn.Module, kind: type[nn.Module]) -> nn.Module:
    """Find the network's first layer of this kind; ValueError when it has none."""
    for layer in network.modules():
        if isinstance(layer, kind):
            return layer
    raise ValueError(f"the network has no {kind.__name__}: {network}")

"""What several networks share and torch lacks: losses, starting weights, dropout.

Dropout is a function of given numbers, so that networks trained together equal networks trained
apart.
"""

from collections.abc import Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.training.seeds import mixed

_STEPS = 1 << 24  # dropout compares 24 bits of a hash with the share to drop


def count_parameters(network: nn.Module, *, trainable: bool = False) -> int:
    """Count a network's parameters; with `trainable` those not frozen."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad or not trainable)


def layer_table(network: nn.Sequential, x: Tensor) -> list[dict[str, Any]]:
    """Tabulate the layers of a chain as a paper's table does.

    `x` is an input `(1, ...)`. A row holds layer, output (its shape without the batch) and
    parameters.
    """
    rows: list[dict[str, Any]] = []
    with torch.no_grad():
        for layer in network:
            x = layer(x)
            shape = tuple(x.shape[1:])
            parameters = count_parameters(layer)
            rows.append({"layer": str(layer), "output": shape, "parameters": parameters})
    return rows


def start_gaussian(layer: nn.Conv2d | nn.Linear, spread: float = 0.01, bias: float = 0.0) -> None:
    """Draw normally distributed weights and set biases to one value.

    In Caffe's prototxt of AlexNet the spread is 0.01 for convolutions and the last layer, 0.005 for
    the two dense layers before it. The bias is 0.1 for dense layers and the second, fourth and
    fifth convolution (1 in the paper of 2012), 0 elsewhere.
    """
    nn.init.normal_(layer.weight, std=spread)
    if layer.bias is not None:
        nn.init.constant_(layer.bias, bias)


def start_he(layer: nn.Conv2d | nn.Linear) -> None:
    """Draw weights as He et al. 2015 propose for ReLU; set biases to 0."""
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    """Average the softmax cross-entropy of scores `(N, K)` and classes `(N,)`."""
    return F.cross_entropy(outputs, labels)


def hinge(outputs: Tensor, labels: Tensor) -> Tensor:
    """Average the L2 hinge loss of one class against the rest.

    Guo et al. 2017: it is `sum_k max(0, 1 - t_k s_k)^2` for the scores s `(N, K)`, where t is 1 for
    the true class and -1 otherwise: Caffe's HingeLoss with norm L2. Zero scores give K.
    """
    is_true = labels[:, None] == torch.arange(outputs.shape[1], device=labels.device)
    t = 2 * is_true.to(outputs.dtype) - 1
    return (1 - t * outputs).clamp_min(0).square().sum(1).mean()


def constant_hinge(labels: Tensor, classes: int) -> float:
    """Return the lowest `hinge` of scores that are the same for all examples.

    With the share p_k of a class the best constant score is 2 p_k - 1, so the loss is the sum of
    4 p_k (1 - p_k): 3.92 for 50 equally frequent classes. A network has learnt nothing above it.
    """
    shares = torch.bincount(labels, minlength=classes) / len(labels)
    return float((4 * shares * (1 - shares)).sum())


def as_floats(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Turn uint8 pictures into floats in 0..1; leave all else unchanged."""
    return tuple(x.float() / 255 if x.dtype == torch.uint8 else x for x in inputs)


def first_output(outputs: Any) -> Tensor:
    """Return the first of several outputs, or the only one."""
    return outputs[0] if isinstance(outputs, tuple | list) else outputs


class Dropout(nn.Module):
    """Dropout that can be repeated.

    In training the share `p` of inputs becomes zero; the others are scaled by 1 / (1 - p). A hash
    of a key and the place in the batch decides what is dropped, so it is the same on every device.
    `set_keys` sets the keys: one, or K for K networks whose batches `(B, ...)` lie one after
    another.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        if not 0 <= p < 1:
            raise ValueError(f"the share of inputs to drop must lie in [0, 1), got {p}")
        self.p = p
        self.calls = 0
        self.keys: tuple[int, ...] = (0,)

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.p:
            return x
        self.calls += 1
        keys = [mixed(key, self.calls) & 0x7FFFFFFF for key in self.keys]
        bits = _hash(keys, prod(x.shape) // len(keys), x.device).view(x.shape)
        is_kept = bits >= round(self.p * _STEPS)
        return x * (is_kept.to(x.dtype) / (1 - self.p))

    def extra_repr(self) -> str:
        return f"p={self.p}"


def set_keys(network: nn.Module, keys: Sequence[int]) -> None:
    """Set the keys of every `Dropout`, mixed with its number."""
    layers = [module for module in network.modules() if isinstance(module, Dropout)]
    for number, layer in enumerate(layers):
        layer.keys = tuple(mixed(key, number) for key in keys)
        layer.calls = 0


def _hash(keys: Sequence[int], count: int, device: torch.device) -> Tensor:
    """Return 24 well-mixed bits for each key and place, `(len(keys), count)` int32."""
    places = _scramble(torch.arange(count, dtype=torch.int32, device=device))
    columns = torch.tensor(keys, dtype=torch.int32, device=device)[:, None]
    return _scramble(places ^ columns) & _STEPS - 1


def _scramble(x: Tensor) -> Tensor:
    """Hash 32 bits one to one, in place (C. Wellons' lowbias32).

    The masks make shifts of signed numbers logical.
    """
    x ^= (x >> 16) & 0xFFFF
    x *= 0x7FEB352D
    x ^= (x >> 15) & 0x1FFFF
    x *= 0x846CA68B - (1 << 32)
    x ^= (x >> 16) & 0xFFFF
    return x


class FeatureReader(nn.Module):
    """A network whose output is what another network's `features` returns.

    `training.loop.scores` then reads the features of any number of faces.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network.features(*inputs)  # type: ignore[operator]

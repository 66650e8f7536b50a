"""K networks of one architecture as one: layers with stacked weights.

Convention
- Batches `(B, ...)` of the K networks lie one after another, `(K B, ...)`, so that a network's own
  `forward` still works: whatever treats each example alone (activations, pooling, flattening,
  joining features) needs no change.
- Weights are `(K, ...)`: the first axis is the network.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.training.layers import Dropout
from ferkit.training.normalisation import LocalContrastNorm

# Layers that treat each example alone and have no weights; Dropout takes a key for each network.
_UNCHANGED = (
    nn.ReLU,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Identity,
    nn.Flatten,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.AdaptiveAvgPool2d,
    nn.LocalResponseNorm,
    LocalContrastNorm,
    Dropout,
)


class Stacked(nn.Module):
    """One layer's settings, and the weights and buffers of all K."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.k = len(layers)
        # In a tuple, so that the layer's own weights are not registered here.
        self.settings: tuple[Any, ...] = (layers[0],)
        for name, weight in layers[0]._parameters.items():
            if weight is None:
                self.register_parameter(name, None)
            else:
                stacked = nn.Parameter(_stack_tensors(layers, name), weight.requires_grad)
                self.register_parameter(name, stacked)
        for name, buffer in layers[0]._buffers.items():
            self.register_buffer(name, None if buffer is None else _stack_tensors(layers, name))


class Linear(Stacked):
    """`(K B, ..., in)` to `(K B, ..., out)`; weights `(K, out, in)`."""

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        y = Affine.apply(x.reshape(self.k, -1, x.shape[-1]), self.weight)
        if self.bias is not None:
            y = y + self.bias[:, None]
        return y.reshape(*x.shape[:-1], -1)


class Affine(torch.autograd.Function):
    """Compute `x W'` for each network.

    Shapes are `(K, B, in)` and `(K, out, in)` to `(K, B, out)`. It is torch.bmm, but the gradient
    comes out in the order of the weights, without a copy.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.bmm(x, weight.mT)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (gradient,) = gradients
        x, weight = ctx.saved_tensors
        dtype = gradient.dtype  # bfloat16 when the forward pass was
        of_x = of_weight = None
        if ctx.needs_input_grad[0]:
            of_x = torch.bmm(gradient, weight.to(dtype)).to(x.dtype)
        if ctx.needs_input_grad[1]:
            of_weight = torch.bmm(gradient.mT, x.to(dtype)).to(weight.dtype)
        return of_x, of_weight


class Conv2d(Stacked):
    """One convolution in K times as many groups.

    `(K B, C, H, W)` to `(K B, C', H', W')`.
    """

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        (layer,) = self.settings
        weight = self.weight.flatten(0, 1)
        bias = None if self.bias is None else self.bias.flatten()
        shape = (layer.stride, layer.padding, layer.dilation, self.k * layer.groups)
        return _below(F.conv2d(_beside(x, self.k), weight, bias, *shape), self.k)


class BatchNorm(Stacked):
    """Normalise `(K B, C, ...)` by each network's own batch."""

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        (layer,) = self.settings
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        mean, variance, weight, bias = (
            None if value is None else value.view(-1)
            for value in (self.running_mean, self.running_var, self.weight, self.bias)
        )
        y = F.batch_norm(
            _beside(x, self.k),
            mean,
            variance,
            weight,
            bias,
            self.training or mean is None,  # whether mean and variance are those of the batch
            layer.momentum,
            layer.eps,
        )
        return _below(y, self.k)


class PReLU(Stacked):
    """x above zero and a x below, `(K B, C, ...)`.

    Slopes a are `(K, 1)` or `(K, C)`.
    """

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(0, (self.k, -1))
        slope = self.weight.view(self.k, 1, -1, *[1] * (x.ndim - 3))
        return torch.where(x > 0, x, slope * x).flatten(0, 1)


class Each(nn.Module):
    """A layer without weights, applied to each network's own batch."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        batches = x.chunk(len(self.layers))
        return torch.cat([layer(batch) for layer, batch in zip(self.layers, batches, strict=True)])


_STACKED = {
    nn.Linear: Linear,
    nn.Conv2d: Conv2d,
    nn.BatchNorm1d: BatchNorm,
    nn.BatchNorm2d: BatchNorm,
    nn.PReLU: PReLU,
}


def stack(networks: Sequence[nn.Module]) -> nn.Module:
    """Build one network from K, with their stacked weights.

    The networks' weights become slices of the stacked ones: what one learns or loads, the other
    has. ValueError names a layer that cannot be stacked.
    """
    check_alike(networks)
    return _stack_layers(list(networks), {})


def check_alike(networks: Sequence[nn.Module]) -> None:
    """Raise ValueError when the networks cannot be stacked.

    They may differ in the values of their weights only, and each layer must have a stacked form.
    """
    if not networks:
        raise ValueError("at least one network is needed, got none")
    first = _describe(networks[0])
    for number, network in enumerate(networks):
        if _describe(network) != first:
            raise ValueError(
                "the networks must be of one architecture, with the same parts frozen; "
                f"number {number} differs from number 0"
            )
    for name, layer in networks[0].named_modules():
        if reason := _obstacle(layer):
            raise ValueError(
                f"layer {name or 'network'!r} ({type(layer).__name__}) cannot be stacked: "
                f"{reason}; train fold by fold instead, with together=False"
            )


def _describe(network: nn.Module) -> tuple:
    """Return what stacked networks have in common."""
    weights = [(name, w.shape, w.dtype) for name, w in network.state_dict().items()]
    return str(network), weights, [p.requires_grad for p in network.parameters()]


def _obstacle(layer: nn.Module) -> str:
    """Say why a layer cannot be stacked; nothing when it can."""
    if isinstance(layer, nn.Conv2d) and layer.padding_mode != "zeros":
        return f"its padding is {layer.padding_mode!r}, and only 'zeros' is known here"
    if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.momentum is None:
        return "it has no momentum (a plain mean over all batches)"
    if isinstance(layer, nn.modules.dropout._DropoutNd):
        return (
            "it draws from torch's own generator; "
            "ferkit.training.layers.Dropout drops by a key for each network"
        )
    has_weights = bool(layer._parameters or layer._buffers)
    if type(layer) not in _STACKED and layer._modules and has_weights:
        return "it has weights of its own beside its layers"
    if type(layer) not in _STACKED and layer._parameters:
        return "no stacked form of it is known"
    return ""


def _stack_layers(layers: list[nn.Module], done: dict[int, nn.Module]) -> nn.Module:
    """Stack one part of the networks, once if used twice."""
    first = layers[0]
    if id(first) not in done:
        # Flattening from the first axis would join examples.
        treats_examples_alone = getattr(first, "start_dim", 1) > 0
        if type(first) in _STACKED:
            done[id(first)] = _STACKED[type(first)](layers)
        elif type(first) in _UNCHANGED and treats_examples_alone:
            done[id(first)] = copy.deepcopy(first)
        elif not first._modules:
            done[id(first)] = Each(layers)
        else:
            whole = copy.copy(first)
            done[id(first)] = whole
            whole._modules = dict(first._modules)
            for name, child in first._modules.items():
                if child is not None:
                    children = [layer.get_submodule(name) for layer in layers]
                    whole._modules[name] = _stack_layers(children, done)
    return done[id(first)]


def _stack_tensors(layers: Sequence[nn.Module], name: str) -> Tensor:
    """Stack one weight or buffer; the layers' own become slices."""
    stacked = torch.stack([getattr(layer, name).detach() for layer in layers])
    for layer, part in zip(layers, stacked, strict=True):
        getattr(layer, name).data = part
    return stacked


def _beside(x: Tensor, k: int) -> Tensor:
    """Lay networks side by side, `(K B, C, ...)` to `(B, K C, ...)`."""
    return x.unflatten(0, (k, -1)).transpose(0, 1).flatten(1, 2)


def _below(x: Tensor, k: int) -> Tensor:
    """Lay networks one after another, `(B, K C, ...)` to `(K B, C, ...)`."""
    return x.unflatten(1, (k, -1)).transpose(0, 1).flatten(0, 1)

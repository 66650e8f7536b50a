"""K networks of one architecture as one: layers whose weights are stacked, so that one call works for all K.

Convention
- Batches `(B, ...)` of the K networks lie one after another, `(K B, ...)`, so that a network's own `forward` goes on working:
  whatever treats each example alone (activations, pooling, flattening, joining features) needs no change.
- Weights are `(K, ...)`: the first axis is the network.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.models.layers import Dropout, LocalContrastNorm

# Layers that treat each example alone and learn nothing; Dropout takes a key for each network.
AS_THEY_ARE = (
    *(nn.ReLU, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Identity, nn.Flatten),
    *(nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.LocalResponseNorm, LocalContrastNorm, Dropout),
)


class Stacked(nn.Module):
    """What stacked layers share: one layer's settings and the stacked weights, biases and buffers of all K."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.k = len(layers)
        self.settings: tuple[Any, ...] = (layers[0],)  # in a tuple, so that its own weights stay out
        for name, value in layers[0]._parameters.items():
            joined = None if value is None else nn.Parameter(_joined(layers, name), value.requires_grad)
            self.register_parameter(name, joined)
        for name, buffer in layers[0]._buffers.items():
            self.register_buffer(name, None if buffer is None else _joined(layers, name))


class Linear(Stacked):
    """`(K B, ..., in)` to `(K B, ..., out)`; weights `(K, out, in)`."""

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        y = Affine.apply(x.reshape(self.k, -1, x.shape[-1]), self.weight)
        y = y if self.bias is None else y + self.bias[:, None]
        return y.reshape(*x.shape[:-1], -1)


class Affine(torch.autograd.Function):
    """`x W'` for each network, `(K, B, in)` and `(K, out, in)` to `(K, B, out)`.

    As torch.bmm, but the gradient comes out in the order of the weights, without a copy.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return torch.bmm(x, weight.mT)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (gradient,), (x, weight) = gradients, ctx.saved_tensors
        kind = gradient.dtype  # bfloat16 when the forward pass was
        of_x = torch.bmm(gradient, weight.to(kind)).to(x.dtype) if ctx.needs_input_grad[0] else None
        of_weight = torch.bmm(gradient.mT, x.to(kind)).to(weight.dtype) if ctx.needs_input_grad[1] else None
        return of_x, of_weight


class Conv2d(Stacked):
    """`(K B, C, H, W)` to `(K B, C', H', W')`: one convolution in K times as many groups."""

    weight: Tensor
    bias: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        (one,) = self.settings
        bias = None if self.bias is None else self.bias.flatten()
        y = F.conv2d(
            _beside(x, self.k),
            self.weight.flatten(0, 1),
            bias,
            one.stride,
            one.padding,
            one.dilation,
            self.k * one.groups,
        )
        return _below(y, self.k)


class BatchNorm(Stacked):
    """`(K B, C, ...)` to the same shape, each network by the mean and variance of its own batch."""

    weight: Tensor | None
    bias: Tensor | None
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def forward(self, x: Tensor) -> Tensor:
        (one,) = self.settings
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked += 1
        mean, variance, weight, bias = (
            None if value is None else value.view(-1)
            for value in (self.running_mean, self.running_var, self.weight, self.bias)
        )
        from_batch = self.training or mean is None
        return _below(
            F.batch_norm(_beside(x, self.k), mean, variance, weight, bias, from_batch, one.momentum, one.eps), self.k
        )


class PReLU(Stacked):
    """`x` above zero and `a x` below, `(K B, C, ...)` to the same shape; slopes `(K, 1)` or `(K, C)`."""

    weight: Tensor

    def forward(self, x: Tensor) -> Tensor:
        x = x.unflatten(0, (self.k, -1))
        slope = self.weight.view(self.k, 1, -1, *[1] * (x.ndim - 3))
        return torch.where(x > 0, x, slope * x).flatten(0, 1)


class Each(nn.Module):
    """A layer without weights of which nothing is known: each network's own, on its own batch."""

    def __init__(self, layers: Sequence[nn.Module]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([layer(mine) for layer, mine in zip(self.layers, x.chunk(len(self.layers)), strict=True)])


STACKED = {
    nn.Linear: Linear,
    nn.Conv2d: Conv2d,
    nn.BatchNorm1d: BatchNorm,
    nn.BatchNorm2d: BatchNorm,
    nn.PReLU: PReLU,
}


def stack(networks: Sequence[nn.Module]) -> nn.Module:
    """One network that does what the K do, its weights the stacked weights; from now on theirs are slices of its own.

    What one learns, or loads, the other one has. ValueError that names the layer which cannot be stacked.
    """
    check_alike(networks)
    return _stacked(list(networks), {})


def check_alike(networks: Sequence[nn.Module]) -> None:
    """ValueError when the networks differ in more than the values of their weights, or cannot be stacked."""
    if not networks:
        raise ValueError("there are no networks")
    told = [
        (str(n), [(k, v.shape, v.dtype) for k, v in n.state_dict().items()], [p.requires_grad for p in n.parameters()])
        for n in networks
    ]
    if others := [place for place, what in enumerate(told) if what != told[0]]:
        raise ValueError(
            f"the networks must be of one architecture, with the same parts frozen; number {others[0]} differs from number 0"
        )
    for name, layer in networks[0].named_modules():
        if reason := _why_not(layer):
            raise ValueError(
                f"layer {name or 'network'!r} ({type(layer).__name__}) cannot be stacked: {reason}; "
                "train fold by fold instead, with together=False"
            )


def _why_not(layer: nn.Module) -> str:
    """Why a layer cannot be stacked; empty when it can."""
    kind = type(layer)
    if kind in STACKED:
        if isinstance(layer, nn.Conv2d) and layer.padding_mode != "zeros":
            return f"its padding is {layer.padding_mode!r}, and only 'zeros' is known here"
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d) and layer.momentum is None:
            return "it has no momentum (a plain mean over all batches)"
        return ""
    if isinstance(layer, nn.modules.dropout._DropoutNd):
        return "it draws from torch's own generator; ferkit.models.layers.Dropout drops by a key for each network"
    if any(True for _ in layer.children()):
        return "it has weights of its own beside its layers" if layer._parameters or layer._buffers else ""
    return "no stacked form of it is known" if layer._parameters else ""


def _stacked(layers: list[nn.Module], done: dict[int, nn.Module]) -> nn.Module:
    """The stacked form of one part of the K networks, made once for a part that is used twice."""
    one = layers[0]
    if id(one) not in done:
        if type(one) in STACKED:
            done[id(one)] = STACKED[type(one)](layers)
        elif type(one) in AS_THEY_ARE and getattr(one, "start_dim", 1) > 0:  # flattening may join examples
            done[id(one)] = copy.deepcopy(one)
        elif not one._modules:
            done[id(one)] = Each(layers)
        else:
            done[id(one)] = whole = copy.copy(one)
            whole._modules = {
                name: child if child is None else _stacked([layer.get_submodule(name) for layer in layers], done)
                for name, child in one._modules.items()
            }
    return done[id(one)]


def _joined(layers: Sequence[nn.Module], name: str) -> Tensor:
    """One weight or buffer of all layers, stacked; the layers' own become slices of it."""
    joined = torch.stack([getattr(layer, name).detach() for layer in layers])
    for layer, mine in zip(layers, joined, strict=True):
        getattr(layer, name).data = mine
    return joined


def _beside(x: Tensor, k: int) -> Tensor:
    """`(K B, C, ...)` to `(B, K C, ...)`: the networks' maps beside one another."""
    return x.unflatten(0, (k, -1)).transpose(0, 1).flatten(1, 2)


def _below(x: Tensor, k: int) -> Tensor:
    """`(B, K C, ...)` back to `(K B, C, ...)`."""
    return x.unflatten(1, (k, -1)).transpose(0, 1).flatten(0, 1)

"""DTAN, DTGN and their joint fine-tuning.

H. Jung et al., "Joint Fine-Tuning in Deep Neural Networks for Facial Expression Recognition", ICCV 2015, sections 3 and
5.1. Networks are written in the paper's notation: I64 is a sequence of 64 x 64 pictures, D1176 a vector of 1176 numbers,
C(5,64) a convolution with 64 filters of 5 x 5, L5 a local contrast normalisation with a window of 5 x 5, P2 a 2 x 2 max
pooling, FC500 a fully connected layer, S7 the softmax layer with seven outputs (its logits are what comes out).

Where we differ
- Convolutions are not padded and pooling drops an odd last row (the paper does not say). All pooling has stride 2, P3 too,
  as the paper writes.
- Dropout of one half stands after each fully connected hidden layer (the paper gives neither place nor rate).
- L is subtractive and divisive, with a Gaussian window over all maps, see `layers.LocalContrastNorm` (the paper only
  gives the window's size).
- MMI's DTGN ends in S6 where the paper prints FC6; DTAN has as many frames as DTGN (the paper gives DTGN's twelve only).
- In the concatenation both networks stay frozen and only the new layer learns, as in joint fine-tuning (the paper does
  not say). Its dropout is the one each network already has on its top hidden activations.
- `centred` subtracts the training people's mean input and divides by one spread, of which the paper says nothing. The same
  functions can be learnt without it, as it only rewrites the first layer; but by equation 3 people and frames share one large
  constant face, so the first layer's gradient is nearly constant, and plain inputs hardly train.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ferkit.models.layers import Dropout, LocalContrastNorm, as_floats, cross_entropy

DTAN = {
    "ckplus": "I64-C(5,64)-L5-P2-C(5,64)-L3-P2-FC500-FC500-S7",
    "oulu": "I64-C(5,64)-L5-P2-C(5,64)-L3-P2-FC500-FC500-S6",
    "mmi": "I64-C(5,32)-P3-C(3,32)-FC30-S6",
}
DTGN = {
    "ckplus": "D1176-FC100-FC600-S7",
    "oulu": "D1176-FC100-FC600-S6",
    "mmi": "D1176-FC100-FC200-S6",
}
LAMBDAS = (1.0, 1.0, 0.1)  # equation 8

TOKEN = re.compile(r"(?P<kind>FC|[IDLPS])(?P<size>[1-9]\d*)|(?P<conv>C)\((?P<k>[1-9]\d*),(?P<n>[1-9]\d*)\)")


@dataclass(frozen=True)
class Layer:
    """One layer of the notation: I, D, C, L, P, FC or S, its size, and for C the number of filters."""

    kind: str
    size: int
    filters: int = 0


class Network(nn.Module):
    """A network in two parts: `hidden`, up to the top hidden activations, and `top`, the linear layer of the logits."""

    def __init__(self, hidden: nn.Sequential, top: nn.Linear) -> None:
        super().__init__()
        self.hidden, self.top = hidden, top

    def forward(self, x: Tensor) -> Tensor:
        """Logits `(N, K)` of picture sequences `(N, T, H, W)` or of trajectories `(N, T, n, 2)`."""
        return self.top(self.hidden(x))


class Centre(nn.Module):
    """`(x - mean) / scale`, with the mean of one input `(...)` and one number for all. Neither is learnt."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale


def centred(network: Network, examples: Tensor) -> Network:
    """The network behind a `Centre` that gives the training `examples` `(N, ...)` mean zero and root mean square one.

    Layers are shared with the network given. It comes after augmentation, which so stays the paper's. ValueError when all
    examples are the same.
    """
    (x,) = as_floats((examples,))
    mean = x.mean(0)
    scale = (x - mean).square().mean().sqrt()
    if not scale > 1e-6:  # rounding
        raise ValueError(f"{len(x)} examples that are all the same have no spread to divide by")
    return Network(nn.Sequential(Centre(mean, scale), *network.hidden), network.top)


def parse(notation: str) -> list[Layer]:
    """The layers the notation names; ValueError that says which one is wrong."""
    layers = []
    for place, text in enumerate(notation.split("-"), start=1):
        if not (found := TOKEN.fullmatch(text)):
            raise _wrong(notation, place, "expected I64, D1176, C(5,64), L5, P2, FC500 or S7")
        layers.append(
            Layer("C", int(found["k"]), int(found["n"])) if found["conv"] else Layer(found["kind"], int(found["size"]))
        )
    kinds = [layer.kind for layer in layers]
    for place, kind in enumerate(kinds, start=1):
        if (kind in "ID") != (place == 1):
            raise _wrong(notation, place, "the input, I or D, stands first and nowhere else")
        if (kind == "S") != (place == len(kinds)):
            raise _wrong(notation, place, "the softmax layer S stands last and nowhere else")
        if kind in "CLP" and (kinds[0] == "D" or "FC" in kinds[:place]):
            raise _wrong(notation, place, "C, L and P need pictures: they follow I and stand before the first FC")
    return layers


def build(notation: str, frames: int = 1, dropout: float = 0.5) -> Network:
    """The network the notation describes, untrained; for I `frames` is how many pictures a sequence has.

    ValueError that says which layer is wrong.
    """
    source, *inner, softmax = parse(notation)
    maps, side = (frames, source.size) if source.kind == "I" else (source.size, 1)
    hidden: list[nn.Module] = [nn.Flatten()] if source.kind == "D" else []
    flat = source.kind == "D"
    for place, layer in enumerate(inner, start=2):
        if layer.kind in "CP" and layer.size > side:
            raise _wrong(notation, place, f"it is larger than the {side} x {side} maps it sees")
        if layer.kind == "C":
            hidden += [nn.Conv2d(maps, layer.filters, layer.size), nn.ReLU()]
            maps, side = layer.filters, side - layer.size + 1
        elif layer.kind == "L":
            if layer.size % 2 == 0:
                raise _wrong(notation, place, "the window of a contrast normalisation is odd")
            hidden += [LocalContrastNorm(layer.size)]
        elif layer.kind == "P":
            hidden += [nn.MaxPool2d(layer.size, stride=2)]
            side = (side - layer.size) // 2 + 1
        else:
            hidden += [] if flat else [nn.Flatten()]
            hidden += [nn.Linear(maps * side**2, layer.size), nn.ReLU(), Dropout(dropout)]
            maps, side, flat = layer.size, 1, True
    hidden += [] if flat else [nn.Flatten()]
    return Network(nn.Sequential(*hidden), nn.Linear(maps * side**2, softmax.size))


def weighted_sum(p: np.ndarray, q: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """`o = alpha p + (1 - alpha) q` of softmax outputs `(N, K)` of DTAN and DTGN (equation 7)."""
    if np.shape(p) != np.shape(q) or not 0 <= alpha <= 1:
        raise ValueError(
            f"expected outputs of one shape and alpha in [0, 1], got {np.shape(p)}, {np.shape(q)} and {alpha}"
        )
    return alpha * np.asarray(p) + (1 - alpha) * np.asarray(q)


class Joint(nn.Module):
    """Two trained networks of which only the top linear layers still learn (section 3.5.2, figure 2).

    Its outputs are the sum of their logits, which is the prediction (equations 10 and 11), and the logits of each.
    """

    def __init__(self, dtan: Network, dtgn: Network) -> None:
        super().__init__()
        self.dtan, self.dtgn = dtan, dtgn
        freeze(self, except_for=(dtan.top, dtgn.top))

    def forward(self, pictures: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        one, two = self.dtan(pictures), self.dtgn(points)
        return one + two, one, two


class Concatenated(nn.Module):
    """One linear layer on the top hidden activations of two trained, frozen networks (section 6)."""

    def __init__(self, dtan: Network, dtgn: Network) -> None:
        super().__init__()
        self.dtan, self.dtgn = dtan.hidden, dtgn.hidden
        self.top = nn.Linear(dtan.top.in_features + dtgn.top.in_features, dtan.top.out_features)
        freeze(self, except_for=(self.top,))

    def forward(self, pictures: Tensor, points: Tensor) -> Tensor:
        return self.top(torch.cat([self.dtan(pictures), self.dtgn(points)], dim=1))


@dataclass(frozen=True)
class JointLoss:
    """`l1 L1 + l2 L2 + l3 L3`, cross-entropies of DTAN's logits, DTGN's and their sum (equations 8 to 10)."""

    lambdas: tuple[float, float, float] = LAMBDAS

    def __call__(self, outputs: tuple[Tensor, Tensor, Tensor], labels: Tensor) -> Tensor:
        third, one, two = (cross_entropy(logits, labels) for logits in outputs)
        l1, l2, l3 = self.lambdas
        return l1 * one + l2 * two + l3 * third


def freeze(network: nn.Module, except_for: Sequence[nn.Module]) -> None:
    """Stops all parameters from learning except those of the modules named. Dropout stays on while training."""
    network.requires_grad_(False)
    for module in except_for:
        module.requires_grad_(True)


def _wrong(notation: str, place: int, why: str) -> ValueError:
    return ValueError(f"{notation}: layer {place}, {notation.split('-')[place - 1]!r}: {why}")

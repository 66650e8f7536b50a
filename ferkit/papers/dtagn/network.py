"""DTAN, DTGN and their joint fine-tuning.

H. Jung et al., "Joint Fine-Tuning in Deep Neural Networks for Facial Expression Recognition", ICCV
2015, sections 3 and 5.1. Networks are written in the paper's notation: I64 is a sequence of 64 x 64
pictures, D1176 a vector of 1176 numbers, C(5,64) a convolution with 64 filters of 5 x 5, L5 a local
contrast normalisation with a window of 5 x 5, P2 a 2 x 2 max pooling, FC500 a fully connected
layer, S7 the softmax layer with seven outputs (the network returns its logits).

Where we differ
- Convolutions are not padded and pooling drops an odd last row (the paper does not say). All
  pooling has stride 2, P3 too, as the paper writes.
- Dropout of one half follows each fully connected hidden layer (the paper gives neither its place
  nor its probability).
- L is subtractive and divisive, with a Gaussian window over all maps, see
  `layers.LocalContrastNorm` (the paper gives the window's size only).
- MMI's DTGN ends in S6 where the paper prints FC6; DTAN has as many frames as DTGN (the paper
  gives DTGN's twelve only).
- In the concatenation both networks stay frozen and only the new layer learns, as in joint
  fine-tuning (the paper does not say). Its dropout is the one that each network already has on its
  top hidden activations.
- `centre_inputs` subtracts the training people's mean input and divides by one standard deviation,
  which the paper does not mention. The same functions can be learnt without it, since it only
  rewrites the first layer. But after equation 3 all people and frames share one large constant
  face, so the first layer's gradient is nearly constant, and networks on plain inputs hardly train
  (MMI's small DTAN, which has no contrast normalisation, does).
"""

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ferkit.training.layers import Dropout, as_floats, cross_entropy
from ferkit.training.normalisation import LocalContrastNorm

DTAN_NOTATION = {
    "ckplus": "I64-C(5,64)-L5-P2-C(5,64)-L3-P2-FC500-FC500-S7",
    "oulu": "I64-C(5,64)-L5-P2-C(5,64)-L3-P2-FC500-FC500-S6",
    "mmi": "I64-C(5,32)-P3-C(3,32)-FC30-S6",
}
DTGN_NOTATION = {
    "ckplus": "D1176-FC100-FC600-S7",
    "oulu": "D1176-FC100-FC600-S6",
    "mmi": "D1176-FC100-FC200-S6",
}
_LANDMARKS = 49  # of a trajectory, without the outline of the jaw
_LAMBDAS = (1.0, 1.0, 0.1)  # equation 8
_DROPOUT = 0.5
_TOKEN = re.compile(
    r"(?P<kind>FC|[IDLPS])(?P<size>[1-9]\d*)|(?P<conv>C)\((?P<k>[1-9]\d*),(?P<n>[1-9]\d*)\)"
)


@dataclass(frozen=True)
class NotationLayer:
    """One layer of the notation: I, D, C, L, P, FC or S, its size, and for C its filters."""

    kind: str
    size: int
    filters: int = 0


class SequenceNetwork(nn.Module):
    """DTAN or DTGN: `hidden`, up to the top hidden activations, and `top`, the linear layer."""

    def __init__(self, hidden: nn.Sequential, top: nn.Linear) -> None:
        super().__init__()
        self.hidden = hidden
        self.top = top

    def forward(self, x: Tensor) -> Tensor:
        """Return logits `(N, K)` of sequences `(N, T, H, W)` or trajectories `(N, T, n, 2)`."""
        return self.top(self.hidden(x))


class Centre(nn.Module):
    """`(x - mean) / scale`, with the mean of one input `(...)` and a single scale, not learnt."""

    mean: Tensor
    scale: Tensor

    def __init__(self, mean: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("scale", scale)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale


def centre_inputs(network: SequenceNetwork, examples: Tensor) -> SequenceNetwork:
    """Put a `Centre` before a network, so that training examples have mean 0 and spread 1.

    `examples` are `(N, ...)`. Layers are shared with the network given. Centring follows
    augmentation, which therefore stays the paper's. ValueError when all examples are equal.
    """
    (x,) = as_floats((examples,))
    mean = x.mean(0)
    scale = (x - mean).square().mean().sqrt()
    if not scale > 1e-6:  # rounding
        raise ValueError(f"the {len(x)} examples are all equal, with no spread to divide by")
    return SequenceNetwork(nn.Sequential(Centre(mean, scale), *network.hidden), network.top)


def parse_notation(notation: str) -> list[NotationLayer]:
    """Split the notation into layers; ValueError that says which one is wrong."""
    layers = []
    for place, text in enumerate(notation.split("-"), start=1):
        token = _TOKEN.fullmatch(text)
        if not token:
            raise _layer_error(notation, place, "expected I64, D1176, C(5,64), L5, P2, FC500 or S7")
        if token["conv"]:
            layers.append(NotationLayer("C", int(token["k"]), int(token["n"])))
        else:
            layers.append(NotationLayer(token["kind"], int(token["size"])))
    kinds = [layer.kind for layer in layers]
    for place, kind in enumerate(kinds, start=1):
        if (kind in "ID") != (place == 1):
            raise _layer_error(notation, place, "the input, I or D, stands first and nowhere else")
        if (kind == "S") != (place == len(kinds)):
            raise _layer_error(notation, place, "the softmax layer S stands last and nowhere else")
        if kind in "CLP" and (kinds[0] == "D" or "FC" in kinds[:place]):
            raise _layer_error(
                notation,
                place,
                "C, L and P need pictures: they follow I and stand before the first FC",
            )
    return layers


def build(notation: str, frames: int = 1) -> SequenceNetwork:
    """Build the network that the notation describes, untrained.

    For I, `frames` is the number of pictures in a sequence. ValueError that says which layer is
    wrong.
    """
    source, *inner, softmax = parse_notation(notation)
    hidden: list[nn.Module] = []
    maps = frames if source.kind == "I" else source.size
    side = source.size if source.kind == "I" else 1
    pictures = source.kind == "I"
    if not pictures:
        hidden.append(nn.Flatten())
    for place, layer in enumerate(inner, start=2):
        size = layer.size
        if layer.kind in "CP" and size > side:
            reason = f"it is larger than the {side} x {side} maps it sees"
            raise _layer_error(notation, place, reason)
        match layer.kind:
            case "C":
                hidden += [nn.Conv2d(maps, layer.filters, size), nn.ReLU()]
                maps = layer.filters
                side += 1 - size
            case "L":
                if size % 2 == 0:
                    reason = "the window of a contrast normalisation must be odd"
                    raise _layer_error(notation, place, reason)
                hidden.append(LocalContrastNorm(size))
            case "P":
                hidden.append(nn.MaxPool2d(size, stride=2))
                side = (side - size) // 2 + 1
            case "FC":
                if pictures:
                    hidden.append(nn.Flatten())
                    pictures = False
                hidden += [nn.Linear(maps * side**2, size), nn.ReLU(), Dropout(_DROPOUT)]
                maps = size
                side = 1
    if pictures:
        hidden.append(nn.Flatten())
    return SequenceNetwork(nn.Sequential(*hidden), nn.Linear(maps * side**2, softmax.size))


def _layer_error(notation: str, place: int, reason: str) -> ValueError:
    return ValueError(f"{notation}: layer {place}, {notation.split('-')[place - 1]!r}: {reason}")


# Both networks together


def weighted_sum(p: np.ndarray, q: np.ndarray, alpha: float = 0.5) -> np.ndarray:
    """Add softmax outputs `(N, K)`: `o = alpha p + (1 - alpha) q` (equation 7)."""
    if np.shape(p) != np.shape(q) or not 0 <= alpha <= 1:
        raise ValueError(
            "expected outputs of one shape and alpha in [0, 1], "
            f"got {np.shape(p)}, {np.shape(q)} and {alpha}"
        )
    return alpha * np.asarray(p) + (1 - alpha) * np.asarray(q)


class Joint(nn.Module):
    """Two trained networks whose top linear layers alone still learn (section 3.5.2, figure 2).

    It returns the sum of their logits, which is the prediction (equations 10 and 11), and the
    logits of each.
    """

    def __init__(self, dtan: SequenceNetwork, dtgn: SequenceNetwork) -> None:
        super().__init__()
        self.dtan = dtan
        self.dtgn = dtgn
        freeze(self, except_for=(dtan.top, dtgn.top))

    def forward(self, pictures: Tensor, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        appearance = self.dtan(pictures)
        geometry = self.dtgn(points)
        return appearance + geometry, appearance, geometry


def join_without_dropout(dtan: SequenceNetwork, dtgn: SequenceNetwork) -> Joint:
    """Join two trained networks whose hidden activations are all kept in fine-tuning (section 6).

    Copies them, since the dropout of the given networks stays.
    """
    joint = copy.deepcopy(Joint(dtan, dtgn))
    for layer in joint.modules():
        if isinstance(layer, Dropout):
            layer.p = 0.0
    return joint


class Concatenated(nn.Module):
    """One linear layer on the top hidden activations of two frozen networks (section 6)."""

    def __init__(self, dtan: SequenceNetwork, dtgn: SequenceNetwork) -> None:
        super().__init__()
        self.dtan = dtan.hidden
        self.dtgn = dtgn.hidden
        self.top = nn.Linear(dtan.top.in_features + dtgn.top.in_features, dtan.top.out_features)
        freeze(self, except_for=(self.top,))

    def forward(self, pictures: Tensor, points: Tensor) -> Tensor:
        return self.top(torch.cat([self.dtan(pictures), self.dtgn(points)], dim=1))


@dataclass(frozen=True)
class JointLoss:
    """`l1 L1 + l2 L2 + l3 L3`, cross-entropies of DTAN, DTGN and their sum (equations 8 to 10)."""

    lambdas: tuple[float, float, float] = _LAMBDAS

    def __call__(self, outputs: tuple[Tensor, Tensor, Tensor], labels: Tensor) -> Tensor:
        loss3, loss1, loss2 = (cross_entropy(logits, labels) for logits in outputs)
        lambda1, lambda2, lambda3 = self.lambdas
        return lambda1 * loss1 + lambda2 * loss2 + lambda3 * loss3


def freeze(network: nn.Module, except_for: Sequence[nn.Module]) -> None:
    """Freeze all parameters except those of some modules; dropout stays on while training."""
    network.requires_grad_(False)
    for module in except_for:
        module.requires_grad_(True)


# Builders of network files


def build_centred(notation: str, frames: int, centred: bool = True) -> SequenceNetwork:
    """Build DTAN or DTGN, with `centred` behind a `Centre` that the file's weights replace."""
    network = build(notation, frames)
    if not centred:
        return network
    source = parse_notation(notation)[0]
    if source.kind == "I":
        shape = (frames, source.size, source.size)
    else:
        shape = (frames, _LANDMARKS, 2)
    centre = Centre(torch.zeros(shape), torch.ones(()))
    return SequenceNetwork(nn.Sequential(centre, *network.hidden), network.top)


def build_joint(dtan: str, dtgn: str, frames: int, centred: bool = True) -> Joint:
    """Build the joint network of DTAN and DTGN, both in the paper's notation."""
    return Joint(build_centred(dtan, frames, centred), build_centred(dtgn, frames, centred))

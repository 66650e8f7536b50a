"""AlexNet-256 on the picture, the landmark residual beside it, and the two rejected designs.

J. Guo et al., "Multi-modality Network with Visual and Geometrical Information for Micro Emotion
Recognition", FG 2017, section III.

| part | as_paper | as_authors_code |
|---|---|---|
| trunk | AlexNet's five convolutions as in Caffe, ReLU, normalised before pooling | PReLU, \
normalised after pooling |
| dense | 256 ReLU, 256 ReLU, dropout | 256 without activation |
| picture alone | 50 | 50 |
| with the residual | 256 + 136 = 392, then 50 | 392, then 256 PReLU, dropout, then 50 |

Where we differ
- One number is subtracted from the pixels, where Caffe subtracts the training set's mean picture.
- The caller divides the residual by a number measured on the training people: the paper does not
  say how it scaled pixels.
- In Caffe, weights start with a standard deviation of 0.01. Small pictures leave the dense layers
  fewer inputs, so these layers start as He et al. 2015 propose for ReLU, and smaller networks learn
  too. The trunk starts as in Caffe, and sees grey levels, unless `start="he"`.
- With `batch_norm` the trunk has batch normalisation in place of response normalisation, to learn
  from fewer pictures.
"""

from collections.abc import Callable
from typing import TypedDict, Unpack

import torch
from torch import Tensor, nn

from ferkit.training.alexnet import PixelScale, alexnet_side, alexnet_trunk
from ferkit.training.layers import Dropout, start_he

_VARIANTS = ("as_paper", "as_authors_code")
_CLASSES = 50
_HEAD_CLASSES = 8  # of each head of the rejected designs: neutral and the seven codes
_VISUAL = 256
_GEOMETRY = 136

Outputs = tuple[Tensor, Tensor, Tensor]  # of the rejected designs: all classes, then each head


class VisualOptions(TypedDict, total=False):
    """The options of `Visual`, which every network here passes on."""

    size: int
    width: float
    variant: str
    dropout: float
    start: str
    batch_norm: bool


class Visual(nn.Module):
    """The visual branch: pictures `(N, 3, S, S)` in 0..1 to features `(N, 256)`."""

    def __init__(
        self,
        size: int = 224,
        width: float = 1.0,
        variant: str = "as_paper",
        dropout: float = 0.8,
        start: str = "caffe",
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        if variant not in _VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(_VARIANTS)}")
        self.size = size
        self.variant = variant
        self.pixels = PixelScale(start)
        authors = variant == "as_authors_code"
        self.trunk = alexnet_trunk(
            width, prelu=authors, norm_first=not authors, batch_norm=batch_norm
        )
        convolutions = [layer for layer in self.trunk.modules() if isinstance(layer, nn.Conv2d)]
        first = nn.Linear(convolutions[-1].out_channels * alexnet_side(size) ** 2, _VISUAL)
        started: list[nn.Conv2d | nn.Linear] = [first]
        if authors:
            self.dense = nn.Sequential(first)
        else:
            second = nn.Linear(_VISUAL, _VISUAL)
            self.dense = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), Dropout(dropout))
            started.append(second)
        if start == "he":
            started += convolutions
        for layer in started:
            start_he(layer)

    def forward(self, picture: Tensor) -> Tensor:
        if picture.shape[1:] != (3, self.size, self.size):
            expected = f"(N, 3, {self.size}, {self.size})"
            raise ValueError(f"expected pictures {expected}, got {tuple(picture.shape)}")
        maps = self.trunk(self.pixels(picture))
        return self.dense(maps.flatten(1))


class SingleBranch(nn.Module):
    """The picture alone: `(N, 3, S, S)` to scores `(N, classes)` (section III-B, figure 2)."""

    def __init__(self, classes: int = _CLASSES, **options: Unpack[VisualOptions]) -> None:
        super().__init__()
        self.visual = Visual(**options)
        self.top = nn.Linear(_VISUAL, classes)

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.visual(picture))


class TwoBranches(nn.Module):
    """Picture `(N, 3, S, S)` and residual `(N, 136)` to scores `(N, classes)`.

    Section III-C, figure 2.
    """

    def __init__(self, classes: int = _CLASSES, **options: Unpack[VisualOptions]) -> None:
        super().__init__()
        self.visual = Visual(**options)
        both = _VISUAL + _GEOMETRY
        if self.visual.variant == "as_paper":
            self.top: nn.Module = nn.Linear(both, classes)
        else:
            self.top = nn.Sequential(
                nn.Linear(both, _VISUAL),
                nn.PReLU(),
                Dropout(options.get("dropout", 0.8)),
                nn.Linear(_VISUAL, classes),
            )

    def forward(self, picture: Tensor, residual: Tensor) -> Tensor:
        if residual.shape != (len(picture), _GEOMETRY):
            raise ValueError(
                f"expected residuals ({len(picture)}, {_GEOMETRY}), got {tuple(residual.shape)}"
            )
        return self.top(torch.cat([self.visual(picture), residual], dim=1))  # (N, 392)


class TwoHeads(nn.Module):
    """The rejected multi-task design: one visual branch, one head for each emotion.

    Gives the scores of the 50 classes as of `combine_heads`, then those of the complementary and
    the dominant emotion, `(N, 8)` each.
    """

    def __init__(self, **options: Unpack[VisualOptions]) -> None:
        super().__init__()
        self.visual = Visual(**options)
        self.complementary = nn.Linear(_VISUAL, _HEAD_CLASSES)
        self.dominant = nn.Linear(_VISUAL, _HEAD_CLASSES)

    def forward(self, picture: Tensor) -> Outputs:
        features = self.visual(picture)
        complementary = self.complementary(features)
        dominant = self.dominant(features)
        return combine_heads(complementary, dominant), complementary, dominant


class TwoNetworks(nn.Module):
    """The other rejected design: one network for each emotion. Outputs as of `TwoHeads`.

    The two share no weights, so training them side by side with `sum_over_heads` is the same as
    training them apart on the same batches.
    """

    def __init__(self, **options: Unpack[VisualOptions]) -> None:
        super().__init__()
        self.complementary = SingleBranch(_HEAD_CLASSES, **options)
        self.dominant = SingleBranch(_HEAD_CLASSES, **options)

    def forward(self, picture: Tensor) -> Outputs:
        complementary = self.complementary(picture)
        dominant = self.dominant(picture)
        return combine_heads(complementary, dominant), complementary, dominant


def split_compound(classes: Tensor) -> tuple[Tensor, Tensor]:
    """Split classes `(N,)` into their codes (complementary, dominant), 0..7 each.

    Class n = 7 (c - 1) + d; neutral, class 0, has the codes 0 and 0 (section III-B).
    """
    complementary = (classes + 6) // 7
    dominant = torch.where(classes == 0, 0, (classes - 1) % 7 + 1)
    return complementary, dominant


def sum_over_heads(
    loss: Callable[[Tensor, Tensor], Tensor],
) -> Callable[[Outputs, Tensor], Tensor]:
    """The loss of the rejected designs: `loss(scores, codes)` summed over both emotions.

    Labels are classes 0..49.
    """

    def summed(outputs: Outputs, labels: Tensor) -> Tensor:
        complementary, dominant = split_compound(labels)
        return loss(outputs[1], complementary) + loss(outputs[2], dominant)

    # Trainings are found again by the name of their loss.
    summed.__qualname__ = f"sum_over_heads({getattr(loss, '__qualname__', loss)})"
    return summed


def combine_heads(complementary: Tensor, dominant: Tensor) -> Tensor:
    """Combine the scores of two heads, `(N, 8)` each, into scores of the 50 classes, `(N, 50)`.

    The score of class (c, d) is the sum of their log-probabilities; the paper does not say how it
    combined them. A pair that is no class, neutral with an emotion, cannot be predicted.
    """
    c, d = split_compound(torch.arange(_CLASSES, device=dominant.device))
    return complementary.log_softmax(1)[:, c] + dominant.log_softmax(1)[:, d]

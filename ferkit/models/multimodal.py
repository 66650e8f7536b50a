"""AlexNet-256 on the picture, the landmark residual beside it, and the two designs the paper rejected.

J. Guo et al., "Multi-modality Network with Visual and Geometrical Information for Micro Emotion Recognition", FG 2017, section III.

| part | as_paper | as_authors_code |
|---|---|---|
| trunk | AlexNet's five convolutions as in Caffe, ReLU, normalised before pooling | PReLU, normalised after pooling |
| dense | 256 ReLU, 256 ReLU, dropout | 256 without activation |
| picture alone | 50 | 50 |
| with the residual | 256 + 136 = 392, then 50 | 392, then 256 PReLU, dropout, then 50 |

Where we differ
- Pictures are scaled to mean 0 and about unit spread (Caffe subtracts the training set's mean, in grey levels).
- The residual comes divided by a number that the caller chooses on the training people: the paper does not say how pixels were scaled.
- Caffe starts weights at a spread of 0.01; the dense layers here, whose inputs are fewer when pictures are small, start as He et al. 2015
  for ReLU, so that smaller networks learn too. The trunk starts as in Caffe unless `start="he"`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ferkit.models.layers import Dropout, alexnet_side, alexnet_trunk

VARIANTS = ("as_paper", "as_authors_code")
CLASSES, VISUAL, GEOMETRY = 50, 256, 136
EMOTIONS = 8  # of each head of the rejected designs: neutral and the seven codes
MIDDLE, SPREAD = 0.45, 0.25  # of the pictures' values in 0..1


class Visual(nn.Module):
    """The visual branch: pictures `(N, 3, S, S)` in 0..1 to features `(N, 256)`."""

    def __init__(
        self, size: int = 224, width: float = 1.0, variant: str = "as_paper", dropout: float = 0.8, start: str = "caffe"
    ) -> None:
        super().__init__()
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
        if start not in ("caffe", "he"):
            raise ValueError(f"unknown start of the weights {start!r}; known: caffe, he")
        ours = variant == "as_authors_code"
        self.size = size
        self.trunk = alexnet_trunk(width, prelu=ours, norm_first=not ours)
        convolutions = [layer for layer in self.trunk if isinstance(layer, nn.Conv2d)]
        inputs = convolutions[-1].out_channels * alexnet_side(size) ** 2
        if ours:
            self.dense = nn.Sequential(nn.Linear(inputs, VISUAL))
        else:
            self.dense = nn.Sequential(
                nn.Linear(inputs, VISUAL), nn.ReLU(), nn.Linear(VISUAL, VISUAL), nn.ReLU(), Dropout(dropout)
            )
        for layer in (*self.dense, *(convolutions if start == "he" else ())):
            if isinstance(layer, nn.Linear | nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]

    def forward(self, picture: Tensor) -> Tensor:
        if picture.shape[1:] != (3, self.size, self.size):
            raise ValueError(f"expected pictures (N, 3, {self.size}, {self.size}), got {tuple(picture.shape)}")
        return self.dense(self.trunk((picture - MIDDLE) / SPREAD).flatten(1))


class SingleBranch(nn.Module):
    """The picture alone (section III-B, the upper part of figure 2): `(N, 3, S, S)` to scores `(N, classes)`."""

    def __init__(self, classes: int = CLASSES, **visual: object) -> None:
        super().__init__()
        self.visual = Visual(**visual)  # type: ignore[arg-type]
        self.top = nn.Linear(VISUAL, classes)

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.visual(picture))


class TwoBranches(nn.Module):
    """Picture and residual (section III-C, figure 2): `(N, 3, S, S)` and `(N, 136)` to scores `(N, classes)`."""

    def __init__(
        self, classes: int = CLASSES, variant: str = "as_paper", dropout: float = 0.8, **visual: object
    ) -> None:
        super().__init__()
        self.visual = Visual(variant=variant, dropout=dropout, **visual)  # type: ignore[arg-type]
        both = VISUAL + GEOMETRY
        if variant == "as_paper":
            self.top: nn.Module = nn.Linear(both, classes)
        else:
            self.top = nn.Sequential(nn.Linear(both, VISUAL), nn.PReLU(), Dropout(dropout), nn.Linear(VISUAL, classes))

    def forward(self, picture: Tensor, residual: Tensor) -> Tensor:
        if residual.shape != (len(picture), GEOMETRY):
            raise ValueError(f"expected residuals ({len(picture)}, {GEOMETRY}), got {tuple(residual.shape)}")
        return self.top(torch.cat([self.visual(picture), residual], dim=1))


class TwoHeads(nn.Module):
    """The rejected multi-task design: one visual branch, and a head each for the complementary and the dominant emotion.

    Gives the scores of the 50 classes as of `combined`, then those of the heads, `(N, 8)` each.
    """

    def __init__(self, **visual: object) -> None:
        super().__init__()
        self.visual = Visual(**visual)  # type: ignore[arg-type]
        self.complementary, self.dominant = nn.Linear(VISUAL, EMOTIONS), nn.Linear(VISUAL, EMOTIONS)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        seen = self.visual(picture)
        complementary, dominant = self.complementary(seen), self.dominant(seen)
        return combined(complementary, dominant), complementary, dominant


class TwoNetworks(nn.Module):
    """The other rejected design: a network for the complementary emotion and one for the dominant emotion. Outputs as of `TwoHeads`.

    They share no weight, so learning side by side with `both_heads` is learning apart, on the same batches.
    """

    def __init__(self, **visual: object) -> None:
        super().__init__()
        self.complementary, self.dominant = SingleBranch(EMOTIONS, **visual), SingleBranch(EMOTIONS, **visual)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        complementary, dominant = self.complementary(picture), self.dominant(picture)
        return combined(complementary, dominant), complementary, dominant


def parts_of(classes: Tensor) -> tuple[Tensor, Tensor]:
    """The codes (complementary, dominant), 0..7 each, of classes n = 7 (c - 1) + d, `(N,)`; 0 for neutral (section III-B)."""
    return (classes + 6) // 7, torch.where(classes == 0, 0, (classes - 1) % 7 + 1)


def both_heads(loss: Callable[[Tensor, Tensor], Tensor]) -> Callable[[tuple[Tensor, Tensor, Tensor], Tensor], Tensor]:
    """The loss of the rejected designs: the sum of `loss(scores, codes)` over both emotions, for labels that are classes 0..49."""

    def summed(outputs: tuple[Tensor, Tensor, Tensor], labels: Tensor) -> Tensor:
        complementary, dominant = parts_of(labels)
        return loss(outputs[1], complementary) + loss(outputs[2], dominant)

    summed.__qualname__ = f"both_heads({getattr(loss, '__qualname__', loss)})"
    return summed


def combined(complementary: Tensor, dominant: Tensor) -> Tensor:
    """Scores of the 50 classes `(N, 50)` from those of two answers, `(N, 8)` each: their log-probabilities' sum for class (c, d).

    The paper does not say how it combined them; a pair that is no class, neutral
    with an emotion, cannot be answered.
    """
    c, d = parts_of(torch.arange(CLASSES, device=dominant.device))
    return complementary.log_softmax(1)[:, c] + dominant.log_softmax(1)[:, d]

"""The AlexNet that all patches share, and its 4096 numbers a patch.

C. Zhang et al., "Identity-aware Convolutional Neural Networks for Facial Expression Recognition", 2017, section 3.2.

| layer | |
|---|---|
| trunk | Caffe's AlexNet: five convolutions, 227 x 227 to 256 x 6 x 6 |
| dense | 4096 ReLU, dropout 0.5, 4096 ReLU, dropout 0.5 |
| top | 6 or 7 classes, softmax |

Where we differ
- The paper does not say what is subtracted from the pixels (Caffe: the training set's mean picture). Here: one number.

The feature is the second dense layer's output: 60 patches make 60 x 4096 = 245 760 numbers a face.
"""

import torch
from torch import Tensor, nn

from ferkit.models.layers import Dropout, alexnet_side, alexnet_trunk, start_gaussian

MIDDLE, SPREAD = 0.45, 0.25  # of the pictures' values in 0..1
FLAT = 0.02


class AlexNet(nn.Module):
    """Patches `(N, 3, size, size)` in 0..1 to scores `(N, classes)`; `size`, `width` and `dense` below 227, 1 and 4096 make it smaller.

    `start` "he" and `standardise`, which brings each patch to its own mean and contrast, let it learn in fewer iterations.
    """

    def __init__(
        self,
        classes: int,
        size: int = 227,
        width: float = 1.0,
        dense: int = 4096,
        dropout: float = 0.5,
        start: str = "caffe",
        standardise: bool = False,
    ) -> None:
        super().__init__()
        if start not in ("caffe", "he"):
            raise ValueError(f"unknown start of the weights {start!r}; known: caffe, he")
        self.size, self.standardise = size, standardise
        self.trunk = alexnet_trunk(width)
        maps = [layer.out_channels for layer in self.trunk if isinstance(layer, nn.Conv2d)][-1]
        first = nn.Linear(maps * alexnet_side(size) ** 2, dense)
        second = nn.Linear(dense, dense)
        self.dense = nn.Sequential(first, nn.ReLU(), Dropout(dropout), second, nn.ReLU(), Dropout(dropout))
        self.top = nn.Linear(dense, classes)
        start_gaussian(self.top)
        start_gaussian(first, 0.005, 0.1)
        start_gaussian(second, 0.005, 0.1)
        for layer in self.modules() if start == "he" else ():
            if isinstance(layer, nn.Linear | nn.Conv2d) and layer is not self.top:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.constant_(layer.bias, 0.0)  # type: ignore[arg-type]

    def features(self, patch: Tensor) -> Tensor:
        """The penultimate output, `(N, dense)`."""
        if patch.shape[1:] != (3, self.size, self.size):
            raise ValueError(f"expected patches (N, 3, {self.size}, {self.size}), got {tuple(patch.shape)}")
        middle, spread = _own(patch) if self.standardise else (MIDDLE, SPREAD)
        return self.dense(self.trunk((patch - middle) / spread).flatten(1))

    def forward(self, patch: Tensor) -> Tensor:
        return self.top(self.features(patch))


def _own(patch: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and contrast of each patch; a flat patch keeps some contrast."""
    spread, middle = torch.std_mean(patch, (1, 2, 3), keepdim=True)
    return middle, spread + FLAT


def random_crop(inputs: tuple[Tensor, ...], generator: torch.Generator, size: int = 227) -> tuple[Tensor, ...]:
    """A crop of `size` pixels at random, another for each patch of the batch (section 3.3): training's augmentation."""
    patches = inputs[0]
    room = patches.shape[-1] - size
    if room < 0:
        raise ValueError(f"patches of {patches.shape[-1]} pixels are too small for a crop of {size}")
    at = torch.randint(room + 1, (2, len(patches), 1), generator=generator, device=patches.device)
    rows, columns = at + torch.arange(size, device=patches.device)
    which = torch.arange(len(patches), device=patches.device)[:, None, None]
    crops = patches.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None, :]]
    return (crops.permute(0, 3, 1, 2), *inputs[1:])


def centre_crop(patches: Tensor, size: int = 227) -> Tensor:
    """The middle `size` pixels of patches `(N, 3, S, S)` (section 3.3): for testing."""
    edge = (patches.shape[-1] - size) // 2
    if edge < 0:
        raise ValueError(f"patches of {patches.shape[-1]} pixels are too small for a crop of {size}")
    return patches[..., edge : edge + size, edge : edge + size]

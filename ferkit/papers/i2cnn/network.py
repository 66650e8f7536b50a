"""The AlexNet that all patches share, and its 4096 numbers a patch.

C. Zhang et al., "Identity-aware Convolutional Neural Networks for Facial Expression Recognition",
2017, section 3.2.

| layer | |
|---|---|
| trunk | Caffe's AlexNet: five convolutions, 227 x 227 to 256 x 6 x 6 |
| dense | 4096 ReLU, dropout 0.5, 4096 ReLU, dropout 0.5 |
| top | 6 or 7 classes, softmax |

The feature is the second dense layer's output: 60 patches make 60 x 4096 = 245 760 numbers a face.

Where we differ
- The paper does not say what is subtracted from the pixels. (Caffe subtracts the training set's
  mean picture.) Here it is one number. Pixels are grey levels, unless `start="he"`.
"""

import torch
from torch import Tensor, nn

from ferkit.training.alexnet import PixelScale, alexnet_side, alexnet_trunk
from ferkit.training.layers import Dropout, start_gaussian, start_he

_LEAST_SPREAD = 0.02  # is added to that of each patch, so that a flat patch stays flat


class AlexNet(nn.Module):
    """Patches `(N, 3, size, size)` in 0..1 to scores `(N, classes)`.

    `size`, `width` and `dense` below 227, 1 and 4096 make it smaller. It learns in fewer iterations
    with `start="he"`, with `standardise`, which brings each patch to mean 0 and unit contrast, and
    with `batch_norm` in place of response normalisation.
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
        batch_norm: bool = False,
    ) -> None:
        super().__init__()
        self.size = size
        self.pixels = PixelScale(start)
        self.standardise = standardise
        self.trunk = alexnet_trunk(width, batch_norm=batch_norm)
        convolutions = [layer for layer in self.trunk.modules() if isinstance(layer, nn.Conv2d)]
        first = nn.Linear(convolutions[-1].out_channels * alexnet_side(size) ** 2, dense)
        second = nn.Linear(dense, dense)
        self.dense = nn.Sequential(
            first, nn.ReLU(), Dropout(dropout), second, nn.ReLU(), Dropout(dropout)
        )
        self.top = nn.Linear(dense, classes)
        start_gaussian(self.top)
        start_gaussian(first, 0.005, 0.1)
        start_gaussian(second, 0.005, 0.1)
        if start == "he":
            started: list[nn.Conv2d | nn.Linear] = [*convolutions, first, second]
            for layer in started:
                start_he(layer)

    def features(self, patch: Tensor) -> Tensor:
        """The output of the second dense layer, `(N, dense)`."""
        if patch.shape[1:] != (3, self.size, self.size):
            expected = f"(N, 3, {self.size}, {self.size})"
            raise ValueError(f"expected patches {expected}, got {tuple(patch.shape)}")
        if self.standardise:
            spread, middle = torch.std_mean(patch, (1, 2, 3), keepdim=True)
            patch = (patch - middle) / (spread + _LEAST_SPREAD)
        else:
            patch = self.pixels(patch)
        return self.dense(self.trunk(patch).flatten(1))

    def forward(self, patch: Tensor) -> Tensor:
        return self.top(self.features(patch))


def random_crop(
    inputs: tuple[Tensor, ...], generator: torch.Generator, size: int = 227
) -> tuple[Tensor, ...]:
    """Crop each patch of a training batch to `size` pixels at a random place (section 3.3)."""
    patches = inputs[0]
    room = _room(patches, size)
    corners = torch.randint(
        room + 1, (2, len(patches), 1), generator=generator, device=patches.device
    )
    rows, columns = corners + torch.arange(size, device=patches.device)  # (N, size) each
    number = torch.arange(len(patches), device=patches.device)[:, None, None]
    crops = patches.permute(0, 2, 3, 1)[number, rows[:, :, None], columns[:, None, :]]
    return (crops.permute(0, 3, 1, 2), *inputs[1:])


def centre_crop(patches: Tensor, size: int = 227) -> Tensor:
    """Crop patches `(N, 3, S, S)` to their middle `size` pixels, for testing (section 3.3)."""
    edge = _room(patches, size) // 2
    return patches[..., edge : edge + size, edge : edge + size]


def _room(patches: Tensor, size: int) -> int:
    """How many pixels patches are larger than a crop; ValueError when they are smaller."""
    side = patches.shape[-1]
    if side < size:
        raise ValueError(f"patches of {side} pixels are too small for a crop of {size}")
    return side - size

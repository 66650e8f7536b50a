"""The networks EmotionalDAN is compared with: grey pictures `(N, 1, S, S)` in 0..1 to scores `(N, classes)`.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, sections 2 and 4.3, which names them and gives no layers.

| name | here |
|---|---|
| CNN (2) | A. Lopes et al. 2017: 5 x 5, 32 maps, pooling; 7 x 7, 64 maps, pooling; 256 |
| CNN (5) | ours: five 3 x 3 convolutions of 32, 64, 96, 128, 128 maps, pooling after the first, second and fifth; 256 |
| EmotionNet 2 | "builds on the ResNet architecture": torchvision's, with one basic block in each of its four stages |
| Inception-V3 | torchvision's, without its second classifier |

Both plain networks have batch normalisation after each ReLU, as the authors' EmotionalDAN: without it five convolutions
learn next to nothing in the time that EmotionalDAN needs. All see pictures standardised pixel by pixel.
Where convolutional layers of 3 colours are needed, grey is given three times.
"""

from collections.abc import Mapping
from urllib.error import URLError

import torch
from torch import Tensor, nn
from torchvision.models import Inception3, Inception_V3_Weights
from torchvision.models.resnet import BasicBlock
from torchvision.models.resnet import ResNet as TorchvisionResNet

from ferkit.models.layers import Dropout, Standardise

CNN2 = ((5, 32, 0, True), (7, 64, 0, True))  # kernel, maps, padding, whether 2 x 2 pooling follows
CNN5 = tuple((3, maps, 1, pooled) for maps, pooled in ((32, True), (64, True), (96, False), (128, False), (128, True)))


class PlainCNN(nn.Module):
    """Convolutions, each with ReLU and batch normalisation, some with 2 x 2 pooling, a dense layer of 256 with dropout, and the classes."""

    def __init__(
        self, rows: tuple[tuple[int, int, int, bool], ...], classes: int, size: int, width: float = 1.0
    ) -> None:
        super().__init__()
        self.standardise, layers, maps, side = Standardise(1, size, size), [], 1, size
        for kernel, n, padding, pooled in rows:
            filters = max(1, round(width * n))
            convolution = nn.Conv2d(maps, filters, kernel, padding=padding)
            pool = nn.MaxPool2d(2) if pooled else nn.Identity()
            layers.append(nn.Sequential(convolution, nn.ReLU(), nn.BatchNorm2d(filters), pool))
            maps, side = filters, (side - kernel + 1 + 2 * padding) // (2 if pooled else 1)
            if side < 1:
                raise ValueError(f"pictures of {size} pixels are too small for {len(rows)} convolutions with pooling")
        self.convolutions = nn.Sequential(*layers)
        dense = max(8, round(width * 256))
        self.dense = nn.Sequential(
            nn.Flatten(), nn.Linear(maps * side**2, dense), nn.ReLU(), nn.BatchNorm1d(dense), Dropout(0.5)
        )
        self.top = nn.Linear(dense, classes)
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(
                    layer.weight, nonlinearity="relu"
                )  # from torch's own smaller weights CNN (5) does not learn
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.dense(self.convolutions(self.standardise(picture))))


class Grey(nn.Module):
    """A network of three colours that is given grey pictures, standardised."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.standardise, self.network = Standardise(1, size, size), network

    def forward(self, picture: Tensor) -> Tensor:
        return self.network(self.standardise(picture).expand(-1, 3, -1, -1))


def cnn2(classes: int, size: int = 32, width: float = 1.0) -> PlainCNN:
    """CNN (2); its own paper's pictures are 32 x 32."""
    return PlainCNN(CNN2, classes, size, width)


def cnn5(classes: int, size: int = 224, width: float = 1.0) -> PlainCNN:
    """CNN (5)."""
    return PlainCNN(CNN5, classes, size, width)


def emotionnet2(classes: int, size: int = 224) -> Grey:
    """A residual network of ten layers in the place of EmotionNet 2."""
    return Grey(TorchvisionResNet(BasicBlock, [1, 1, 1, 1], num_classes=classes), size)


def inception_v3(classes: int, size: int = 224, weights: Mapping[str, Tensor] | None = None) -> Grey:
    """Inception-V3 from `imagenet_weights`, or from random ones; the layer of the classes is new. At least 75 pixels."""
    if size < 75:
        raise ValueError(f"Inception-V3 needs pictures of at least 75 pixels, got {size}")
    network = Inception3(num_classes=classes, aux_logits=False, init_weights=weights is None)
    if weights is not None:
        kept = {name: value for name, value in weights.items() if not name.startswith(("fc.", "AuxLogits."))}
        if unexpected := network.load_state_dict(kept, strict=False).unexpected_keys:
            raise ValueError(f"these are no weights of Inception-V3: it has no {unexpected[0]}")
        if missing := [n for n in network.state_dict() if n not in kept and not n.startswith("fc.")]:
            raise ValueError(f"the weights lack {len(missing)} of Inception-V3's, first {missing[0]}")
    return Grey(network, size)


def imagenet_weights() -> dict[str, Tensor] | None:
    """Inception-V3's weights from ImageNet, fetched once by torchvision (104 MB); None where they cannot be had.

    Results without them are to be marked as such: `{"weights": "random"}`.
    """
    try:
        state = Inception_V3_Weights.IMAGENET1K_V1.get_state_dict(check_hash=True, weights_only=True)
    except (URLError, OSError):
        return None
    return {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}

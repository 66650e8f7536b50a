"""The networks EmotionalDAN is compared with: grey pictures `(N, 1, S, S)` to scores `(N, K)`.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, sections 2 and 4.3, which names them and
gives no layers.

| name | here |
|---|---|
| CNN (2) | A. Lopes et al. 2017: 5 x 5, 32 maps, pooling; 7 x 7, 64 maps, pooling; 256 |
| CNN (5) | ours: five 3 x 3 convolutions of 32, 64, 96, 128, 128 maps, three poolings; 256 |
| EmotionNet 2 | "builds on the ResNet architecture": torchvision's, one basic block a stage |
| Inception-V3 | torchvision's, without its second classifier |

Both plain networks have batch normalisation after each ReLU, like the authors' EmotionalDAN:
without it five convolutions learn next to nothing in the time that EmotionalDAN needs. All
standardise their pictures pixel by pixel. Where convolutions take 3 colours, grey is repeated.
"""

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor, nn
from torchvision.models import Inception3, Inception_V3_Weights
from torchvision.models.resnet import BasicBlock
from torchvision.models.resnet import ResNet as TorchvisionResNet

from ferkit.training.layers import Dropout
from ferkit.training.normalisation import Standardise

# Kernel, maps, padding, whether 2 x 2 pooling follows.
_Rows = tuple[tuple[int, int, int, bool], ...]
_CNN2: _Rows = ((5, 32, 0, True), (7, 64, 0, True))
_CNN5: _Rows = (
    (3, 32, 1, True),
    (3, 64, 1, True),
    (3, 96, 1, False),
    (3, 128, 1, False),
    (3, 128, 1, True),
)


class PlainCNN(nn.Module):
    """Convolutions, a dense layer of 256 with dropout, and the scores of the classes.

    ReLU and batch normalisation follow each layer, 2 x 2 pooling some convolutions.
    """

    def __init__(self, rows: _Rows, classes: int, size: int, width: float = 1.0) -> None:
        super().__init__()
        self.standardise = Standardise(1, size, size)
        self.convolutions = nn.Sequential()
        maps = 1
        side = size
        for kernel, full_maps, padding, pooled in rows:
            filters = max(1, round(width * full_maps))
            convolution = nn.Conv2d(maps, filters, kernel, padding=padding)
            pool = nn.MaxPool2d(2) if pooled else nn.Identity()
            layers = (convolution, nn.ReLU(), nn.BatchNorm2d(filters), pool)
            self.convolutions.append(nn.Sequential(*layers))
            maps = filters
            side += 2 * padding - kernel + 1
            if pooled:
                side //= 2
            if side < 1:
                raise ValueError(
                    f"pictures of {size} pixels are too small for {len(rows)} convolutions with "
                    "pooling; take larger ones"
                )
        dense = max(8, round(width * 256))
        self.dense = nn.Sequential(
            nn.Flatten(),
            nn.Linear(maps * side**2, dense),
            nn.ReLU(),
            nn.BatchNorm1d(dense),
            Dropout(0.5),
        )
        self.top = nn.Linear(dense, classes)
        # From torch's own smaller weights CNN (5) does not learn.
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.dense(self.convolutions(self.standardise(picture))))


class Grey(nn.Module):
    """A network of three colours that is given grey pictures, standardised."""

    def __init__(self, network: nn.Module, size: int) -> None:
        super().__init__()
        self.standardise = Standardise(1, size, size)
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return self.network(self.standardise(picture).expand(-1, 3, -1, -1))


def cnn2(classes: int, size: int = 32, width: float = 1.0) -> PlainCNN:
    """Build CNN (2); its own paper's pictures are 32 x 32."""
    return PlainCNN(_CNN2, classes, size, width)


def cnn5(classes: int, size: int = 224, width: float = 1.0) -> PlainCNN:
    """Build CNN (5)."""
    return PlainCNN(_CNN5, classes, size, width)


def emotionnet2(classes: int, size: int = 224) -> Grey:
    """Build a residual network of ten layers in the place of EmotionNet 2."""
    return Grey(TorchvisionResNet(BasicBlock, [1, 1, 1, 1], num_classes=classes), size)


def inception_v3(
    classes: int, size: int = 224, weights: Mapping[str, Tensor] | None = None
) -> Grey:
    """Build Inception-V3 from `imagenet_weights`, or from random ones, with a new last layer.

    Pictures have at least 75 pixels.
    """
    if size < 75:
        raise ValueError(f"Inception-V3 needs pictures of at least 75 pixels, got {size}")
    network = Inception3(num_classes=classes, aux_logits=False, init_weights=weights is None)
    if weights is not None:
        dropped = ("fc.", "AuxLogits.")
        kept = {name: w for name, w in weights.items() if not name.startswith(dropped)}
        keys = network.load_state_dict(kept, strict=False)
        if keys.unexpected_keys:
            raise ValueError(
                f"these are no weights of Inception-V3: it has no {keys.unexpected_keys[0]}"
            )
        missing = [name for name in keys.missing_keys if not name.startswith("fc.")]
        if missing:
            raise ValueError(
                f"the weights lack {len(missing)} of Inception-V3's, first {missing[0]}"
            )
    return Grey(network, size)


@lru_cache(maxsize=1)
def imagenet_weights() -> dict[str, Tensor]:
    """Load Inception-V3's ImageNet weights, fetched once by torchvision (104 MB).

    OSError where they cannot be had: from random weights it would be another method.
    """
    weights = Inception_V3_Weights.IMAGENET1K_V1
    try:
        state = weights.get_state_dict(check_hash=True, weights_only=True)
    except OSError as error:
        raise OSError(
            f"Inception-V3 starts from ImageNet weights, which could not be fetched ({error}); "
            "repeat this with a connection, or save "
            f"{weights.url} in {torch.hub.get_dir()}/checkpoints"
        ) from error
    return {name: value for name, value in state.items() if isinstance(value, Tensor)}

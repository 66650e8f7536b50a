"""The identity network, the emotion network and the tandem feature of both.

M. Li et al., "Facial Expression Recognition with Identity and Emotion Joint Learning", IEEE Transactions on Affective
Computing 2021, section 3; the identity network is the ConvNet of Y. Sun et al. ("DeepID2", NIPS 2014, figure 1).

Where we differ
- The paper gives no input size for the identity network: 55 x 47 x 3 is DeepID2's. Its third and fourth layers share their
  weights over the whole map, where DeepID2's do so locally or not at all. Both pictures are the same face, cut twice.
- The 160 numbers have no activation: the paper's threshold of 0.15 for their cosine needs numbers of either sign (DeepID2
  has a ReLU there).
- The blocks of ResNet18 and ResNet12 are read from section 3.1 (figure 3 is not in the text we have). The shortcut's 1 x 1
  convolution is batch-normalised too, and convolutions have no bias where batch normalisation follows. Weights start as in
  He et al. 2015.
- After the tandem feature stand a fully connected layer of 224 with ReLU and one of the classes (the paper says "fully
  connected layers"). The dropout of 0.4 stays with the identity feature, after its batch normalisation.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.models.layers import Dropout, Standardise

# The identity network's rows: kernel, maps, whether 2 x 2 max pooling with stride 2 follows.
CONVNET = (
    (4, 20, True),  # 55 x 47 to 52 x 44, pooled to 26 x 22
    (3, 40, True),  # 24 x 20, pooled to 12 x 10
    (3, 60, True),  # 10 x 8, pooled to 5 x 4: 1200 numbers for the feature
    (2, 80, False),  # 4 x 3: 960 more
)
INPUT = (55, 47)  # height, width
IDENTITY = 160

# The emotion networks' blocks after a first convolution of 16 maps, and how many maps each has.
RESNETS = {
    "resnet18": (
        ("identity", 16),
        ("identity", 16),
        ("project", 16),
        ("identity", 16),
        ("project", 32),
        ("identity", 32),
        ("project", 64),
        ("identity", 64),
    ),
    "resnet12": (("identity", 16), ("project", 16), ("project", 16), ("project", 32), ("project", 64)),
}
STEM = 16


class ConvNet(nn.Module):
    """The identity network: pictures `(N, 3, H, W)` in 0..1 to scores `(N, identities)`.

    `size` is (H, W); `width` scales the numbers of maps, `feature` is how many numbers describe a face.
    """

    def __init__(
        self, identities: int, size: tuple[int, int] = INPUT, width: float = 1.0, feature: int = IDENTITY
    ) -> None:
        super().__init__()
        self.standardise = Standardise(3, *size)
        layers: list[nn.Conv2d] = []
        maps, (height, across) = 3, size
        for kernel, n, pool in CONVNET:
            filters = max(1, round(width * n))
            layers.append(nn.Conv2d(maps, filters, kernel))
            third = maps * height * across  # what the last pooled layer holds
            maps, height, across = filters, height - kernel + 1, across - kernel + 1
            if pool:
                height, across = height // 2, across // 2
            if min(height, across) < 1:
                raise ValueError(f"pictures of {size[0]} x {size[1]} pixels are too small; at least 23 x 23 are needed")
        self.conv1, self.conv2, self.conv3, self.conv4 = layers
        self.feature = nn.Linear(third + maps * height * across, feature)
        self.dropout = Dropout(0.4)
        self.top = nn.Linear(feature, identities)
        for layer in layers:
            _start(layer)
        _start(self.feature)

    def features(self, picture: Tensor) -> Tensor:
        """The numbers that describe whose face it is, `(N, feature)`: fed by the third, pooled, and the fourth layer."""
        x = self.standardise(picture)
        for layer in (self.conv1, self.conv2, self.conv3):
            x = F.max_pool2d(F.relu(layer(x)), 2)
        return self.feature(torch.cat([x.flatten(1), F.relu(self.conv4(x)).flatten(1)], dim=1))

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.dropout(self.features(picture)))


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (figure 4): "identity" keeps maps and sizes, "project" halves the sizes."""

    def __init__(self, kind: str, before: int, maps: int) -> None:
        super().__init__()
        if kind not in ("identity", "project") or (kind == "identity" and before != maps):
            raise ValueError(f"expected an identity block of {before} maps or a project block, got {kind!r} of {maps}")
        stride = 2 if kind == "project" else 1
        self.first, self.second = _normalised(before, maps, 3, stride), _normalised(maps, maps, 3)
        self.shortcut = _normalised(before, maps, 1, 2) if kind == "project" else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.second(F.relu(self.first(x))) + self.shortcut(x))


class ResNet(nn.Module):
    """The emotion network: pictures `(N, channels, size, size)` in 0..1 to scores `(N, classes)`; `kind` is one of RESNETS.

    `width` scales the numbers of maps, of which the last, 64, is the feature's.
    """

    def __init__(
        self, classes: int, kind: str = "resnet18", size: int = 48, width: float = 1.0, channels: int = 3
    ) -> None:
        super().__init__()
        if kind not in RESNETS:
            raise ValueError(f"unknown network {kind!r}; known: {', '.join(RESNETS)}")
        self.standardise = Standardise(channels, size, size)
        maps = max(1, round(width * STEM))
        self.stem, blocks = _normalised(channels, maps, 3), []
        for block, n in RESNETS[kind]:
            blocks.append(Block(block, maps, max(1, round(width * n))))
            maps = max(1, round(width * n))
        self.blocks = nn.Sequential(*blocks)
        self.top = nn.Linear(maps, classes)

    def features(self, picture: Tensor) -> Tensor:
        """The global average of the last maps, `(N, 64)` at full width."""
        return self.blocks(F.relu(self.stem(self.standardise(picture)))).mean((2, 3))

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.features(picture))


class Tandem(nn.Module):
    """Both trained networks joined: an identity picture and an emotion picture to scores `(N, classes)` (sections 3.1, 3.2).

    The features are batch-normalised, concatenated to 160 + 64 = 224 numbers and read by new fully connected layers. The
    whole network learns; with `frozen` only the new layers do, and the features stay those of the pre-training.
    """

    def __init__(self, identity: ConvNet, emotion: ResNet, classes: int, frozen: bool = False) -> None:
        super().__init__()
        self.identity, self.emotion, self.frozen = identity, emotion, frozen
        sizes = identity.feature.out_features, emotion.top.in_features
        self.norms = nn.ModuleList([nn.BatchNorm1d(size) for size in sizes])
        self.dropout = Dropout(0.4)
        self.top = nn.Sequential(nn.Linear(sum(sizes), sum(sizes)), nn.ReLU(), nn.Linear(sum(sizes), classes))
        unused = (identity.top, emotion.top)  # the layers of the pre-training
        for module in (identity, emotion) if frozen else unused:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> "Tandem":
        """Frozen networks stay in evaluation mode, or their batch normalisation would go on learning."""
        super().train(mode)
        if self.frozen:
            self.identity.eval(), self.emotion.eval()
        return self

    def features(self, face: Tensor, picture: Tensor) -> Tensor:
        """The tandem feature, `(N, 224)`."""
        whose, what = (
            norm(part)
            for norm, part in zip(
                self.norms, (self.identity.features(face), self.emotion.features(picture)), strict=True
            )
        )
        return torch.cat([self.dropout(whose), what], dim=1)

    def forward(self, face: Tensor, picture: Tensor) -> Tensor:
        return self.top(self.features(face, picture))


class Features(nn.Module):
    """What a network's `features` gives, as a network: for `train.scores`, which then reads features of any number of faces."""

    def __init__(self, network: ConvNet | ResNet | Tandem) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network.features(*inputs)


def _normalised(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    _start(convolution)
    return nn.Sequential(convolution, nn.BatchNorm2d(after))


def _start(layer: nn.Conv2d | nn.Linear) -> None:
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)

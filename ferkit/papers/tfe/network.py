"""The identity network, the emotion network and the tandem feature of both.

M. Li et al., "Facial Expression Recognition with Identity and Emotion Joint Learning", IEEE
Transactions on Affective Computing 2021, section 3; the identity network is the ConvNet of Y. Sun
et al. ("DeepID2", NIPS 2014, figure 1).

Where we differ
- The paper gives no input size for the identity network: 55 x 47 x 3 is DeepID2's. Here the third
  and fourth layers share their weights over the whole map; DeepID2's do so locally or not at all.
  Both pictures show the same face, cut twice.
- The 160 numbers have no activation: the paper's threshold of 0.15 for their cosine needs numbers
  of either sign. (DeepID2 has a ReLU there.)
- The blocks of ResNet18 and ResNet12 are our reading of section 3.1; figure 3 is not in the text we
  have. The shortcut's 1 x 1 convolution is batch-normalised too, and convolutions have no bias
  where batch normalisation follows. Weights start as in He et al. 2015.
- After the tandem feature come a fully connected layer of 224 with ReLU and one of the classes; the
  paper says "fully connected layers". The dropout of 0.4 stays with the identity feature, after its
  batch normalisation.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.training.layers import Dropout, start_he
from ferkit.training.normalisation import Standardise

# The identity network's rows: kernel, maps, whether 2 x 2 max pooling with stride 2 follows.
_CONVNET = (
    (4, 20, True),  # 55 x 47 to 52 x 44, pooled to 26 x 22
    (3, 40, True),  # 24 x 20, pooled to 12 x 10
    (3, 60, True),  # 10 x 8, pooled to 5 x 4: 1200 numbers for the feature
    (2, 80, False),  # 4 x 3: 960 more
)
IDENTITY_INPUT = (55, 47)  # height, width
_IDENTITY_FEATURE = 160
_DROPOUT = 0.4

# The emotion networks' blocks after a first convolution of 16 maps, and how many maps each has.
_STEM_MAPS = 16
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
    "resnet12": (
        ("identity", 16),
        ("project", 16),
        ("project", 16),
        ("project", 32),
        ("project", 64),
    ),
}


class ConvNet(nn.Module):
    """The identity network: pictures `(N, 3, H, W)` in 0..1 to scores `(N, identities)`.

    `size` is (H, W); `width` scales the numbers of maps; `feature` numbers describe a face.
    """

    def __init__(
        self,
        identities: int,
        size: tuple[int, int] = IDENTITY_INPUT,
        width: float = 1.0,
        feature: int = _IDENTITY_FEATURE,
    ) -> None:
        super().__init__()
        self.standardise = Standardise(3, *size)
        convolutions: list[nn.Conv2d] = []
        lengths = []  # of each layer's output when it is flattened
        maps = 3
        rows, columns = size
        for kernel, full_maps, pooled in _CONVNET:
            filters = max(1, round(width * full_maps))
            convolutions.append(nn.Conv2d(maps, filters, kernel))
            stride = 2 if pooled else 1
            maps = filters
            rows = (rows - kernel + 1) // stride
            columns = (columns - kernel + 1) // stride
            if min(rows, columns) < 1:
                raise ValueError(
                    f"pictures of {size[0]} x {size[1]} pixels are too small; "
                    "at least 23 x 23 are needed"
                )
            lengths.append(maps * rows * columns)
        self.conv1, self.conv2, self.conv3, self.conv4 = convolutions
        self.feature = nn.Linear(lengths[2] + lengths[3], feature)
        self.dropout = Dropout(_DROPOUT)
        self.top = nn.Linear(feature, identities)
        for convolution in convolutions:
            start_he(convolution)
        start_he(self.feature)

    def features(self, picture: Tensor) -> Tensor:
        """The numbers that describe a person's face, `(N, feature)`.

        They are computed from the third layer, pooled, and the fourth.
        """
        x = self.standardise(picture)
        for convolution in (self.conv1, self.conv2, self.conv3):
            x = F.max_pool2d(F.relu(convolution(x)), 2)
        fourth = F.relu(self.conv4(x))
        return self.feature(torch.cat([x.flatten(1), fourth.flatten(1)], dim=1))

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.dropout(self.features(picture)))


class Block(nn.Module):
    """Two 3 x 3 convolutions and a shortcut (figure 4).

    An "identity" block keeps maps and sizes, a "project" block halves the sizes.
    """

    def __init__(self, kind: str, before: int, maps: int) -> None:
        super().__init__()
        if kind not in ("identity", "project") or (kind == "identity" and before != maps):
            raise ValueError(
                f"expected an identity block of {before} maps or a project block, "
                f"got {kind!r} of {maps}"
            )
        stride = 2 if kind == "project" else 1
        self.first = _normalised(before, maps, 3, stride)
        self.second = _normalised(maps, maps, 3)
        self.shortcut: nn.Module = nn.Identity()
        if kind == "project":
            self.shortcut = _normalised(before, maps, 1, 2)

    def forward(self, x: Tensor) -> Tensor:
        convolved = self.second(F.relu(self.first(x)))
        return F.relu(convolved + self.shortcut(x))


class ResNet(nn.Module):
    """The emotion network: pictures `(N, channels, size, size)` in 0..1 to scores `(N, classes)`.

    `kind` is one of RESNETS. `width` scales the numbers of maps; the last, 64, is that of the
    feature.
    """

    def __init__(
        self,
        classes: int,
        kind: str = "resnet18",
        size: int = 48,
        width: float = 1.0,
        channels: int = 3,
    ) -> None:
        super().__init__()
        if kind not in RESNETS:
            raise ValueError(f"unknown network {kind!r}; known: {', '.join(RESNETS)}")
        self.standardise = Standardise(channels, size, size)
        before = max(1, round(width * _STEM_MAPS))
        self.stem = _normalised(channels, before, 3)
        blocks = []
        for block, full_maps in RESNETS[kind]:
            maps = max(1, round(width * full_maps))
            blocks.append(Block(block, before, maps))
            before = maps
        self.blocks = nn.Sequential(*blocks)
        self.top = nn.Linear(before, classes)

    def features(self, picture: Tensor) -> Tensor:
        """The global average of the last maps, `(N, 64)` at full width."""
        maps = self.blocks(F.relu(self.stem(self.standardise(picture))))
        return maps.mean((2, 3))

    def forward(self, picture: Tensor) -> Tensor:
        return self.top(self.features(picture))


class Tandem(nn.Module):
    """Both trained networks joined: two pictures of a face to scores `(N, classes)`.

    The identity picture and the emotion picture give one feature each. These are batch-normalised,
    concatenated to 160 + 64 = 224 numbers and read by new fully connected layers (sections 3.1 and
    3.2). The whole network learns; with `frozen` only the new layers do, and the features stay
    those of the pre-training.
    """

    def __init__(
        self, identity: ConvNet, emotion: ResNet, classes: int, frozen: bool = False
    ) -> None:
        super().__init__()
        self.identity = identity
        self.emotion = emotion
        self.frozen = frozen
        sizes = [identity.feature.out_features, emotion.top.in_features]
        both = sum(sizes)
        self.norms = nn.ModuleList([nn.BatchNorm1d(size) for size in sizes])
        self.dropout = Dropout(_DROPOUT)
        self.top = nn.Sequential(nn.Linear(both, both), nn.ReLU(), nn.Linear(both, classes))
        # The last layers of the pre-training are not used.
        fixed = [identity, emotion] if frozen else [identity.top, emotion.top]
        for module in fixed:
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> "Tandem":
        """Keep frozen networks in evaluation mode.

        Otherwise their batch normalisation would go on learning.
        """
        super().train(mode)
        if self.frozen:
            self.identity.eval()
            self.emotion.eval()
        return self

    def features(self, face: Tensor, picture: Tensor) -> Tensor:
        """The tandem feature, `(N, 224)`."""
        identity = self.norms[0](self.identity.features(face))
        emotion = self.norms[1](self.emotion.features(picture))
        return torch.cat([self.dropout(identity), emotion], dim=1)

    def forward(self, face: Tensor, picture: Tensor) -> Tensor:
        return self.top(self.features(face, picture))


def build_tandem(classes: int, identity: Mapping[str, Any], emotion: Mapping[str, Any]) -> Tandem:
    """Build the joint network from the arguments of its identity and its emotion network."""
    return Tandem(ConvNet(**identity), ResNet(**emotion), classes)


def _normalised(before: int, after: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """A convolution without bias, and batch normalisation."""
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False)
    start_he(convolution)
    return nn.Sequential(convolution, nn.BatchNorm2d(after))

"""EmotionalDAN: a network that finds landmarks in two stages and classifies the emotion.

I. Tautkute and T. Trzcinski, "Classifying and Visualizing Emotions with Emotional DAN", Fundamenta
Informaticae 2019, sections 3 and 4.2; what it leaves open follows M. Kowalski et al. ("Deep
Alignment Network", CVPR workshops 2017).

| part | as_paper | as_authors_code |
|---|---|---|
| after a convolution and fc1 | ReLU | ReLU, then batch normalisation; also on stage 2's planes |
| dropout 0.5 | after each pooling | once, before fc1 |
| fc2_landmark gives | sixteenths of the picture's side | pixels |
| first weights | He et al. 2015 | Glorot and Bengio 2010 |
| stage 1 | landmarks and emotion | landmarks alone |
| training stage 2 | all weights of both stages | stage 2's weights, stage 1 as in evaluation |
| loss | 0.4 and 0.6; norm of all 136 differences | 0.5 and 0.5; mean distance of a landmark |
| learning rate | triangular, 0.0001 to 0.05 | stage 1 Adam at 0.001; stage 2 half a cycle of SGD |

Half a cycle of the authors' triangular learning rate has 10 000 steps, without momentum.

Convention
- Outputs are one tensor `(N, K + 136)`: the scores of K classes, then the landmarks x0, y0, ... in
  pixels of the picture. So class k is output k, and `split_outputs` separates the two. Labels are
  `(N, 137)`: landmarks, then the class (`loss.join_labels`).
- Points and similarities are as in `geometry`.

Where we differ
- d is in both variants the distance of the eye centres (means of six points): the 68 points have
  no pupils.
- Equation (1) maps with T alone; as in the alignment network, the offset is added in canonical
  space and mapped back.
- as_paper's fc2_landmark gives offsets in sixteenths of the picture's side, so that a learning rate
  means the same at every size, and starts with small weights, at the mean shape (the paper does not
  say; the alignment network gives pixels).
- as_paper trains all weights in stage 2 (the paper: "second stage is added and trained"), except
  stage 1's emotion head, on which nothing depends any more.
"""

import copy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.papers.emotionaldan.geometry import (
    fit_similarity,
    heat_map,
    in_float32,
    invert_similarity,
    transform,
    warp,
)
from ferkit.training.layers import Dropout, as_floats
from ferkit.training.normalisation import Standardise

DAN_VARIANTS = ("as_paper", "as_authors_code")
COORDINATES = 136  # of 68 landmarks

# Table 1, at 224 x 224: name, maps, whether 2 x 2 max pooling with stride 2 follows. All kernels
# are 3 x 3, padded to the same size.
STAGE_LAYERS = (
    ("conv1a", 64, False),  # 224 x 224
    ("conv1b", 64, True),  # 224 x 224, pool1 to 112 x 112
    ("conv2a", 128, False),  # 112 x 112
    ("conv2b", 128, True),  # 112 x 112, pool2 to 56 x 56
    ("conv3a", 256, False),  # 56 x 56
    ("conv3b", 256, True),  # 56 x 56, pool3 to 28 x 28
    ("conv4a", 512, False),  # 28 x 28
    ("conv4b", 512, True),  # 28 x 28, pool4 to 14 x 14
)
_FC1 = 256


def split_outputs(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Split outputs `(N, K + 136)` into scores `(N, K)` and landmarks `(N, 68, 2)`.

    K is 0 without an emotion head.
    """
    return outputs[:, :-COORDINATES], outputs[:, -COORDINATES:].reshape(-1, 68, 2)


class Stage(nn.Module):
    """Table 1: planes `(N, planes, size, size)` to fc1, landmark offsets and class scores.

    fc1 is `(N, 256)`, the offsets `(N, 68, 2)` are in pixels, the scores `(N, classes)`. Layers
    are attributes with the table's names, conv1a to fc2_emotion; `conv4a` and the like include the
    activation.
    """

    def __init__(
        self, planes: int, classes: int, size: int, width: float, variant: str, dropout: float
    ) -> None:
        super().__init__()
        normed = variant == "as_authors_code"
        self.pool = nn.MaxPool2d(2)
        maps = planes
        for name, full_maps, pooled in STAGE_LAYERS:
            filters = max(1, round(width * full_maps))
            convolution = nn.Sequential(nn.Conv2d(maps, filters, 3, padding=1), nn.ReLU())
            if normed:
                convolution.append(nn.BatchNorm2d(filters))
            self.add_module(name, convolution)
            if pooled:
                self.add_module(_dropout_name(name), nn.Identity() if normed else Dropout(dropout))
            maps = filters
        dense = max(8, round(width * _FC1))
        layers = [nn.Linear(maps * (size // 16) ** 2, dense), nn.ReLU()]
        if normed:
            layers = [Dropout(dropout), *layers, nn.BatchNorm1d(dense)]
        self.fc1 = nn.Sequential(*layers)
        self.fc2_landmark = nn.Linear(dense, COORDINATES)
        self.fc2_emotion = nn.Linear(dense, classes) if classes else None
        self.unit = 1.0 if normed else size / 16
        _initialise(self, normed)
        if not normed:
            nn.init.normal_(self.fc2_landmark.weight, std=0.001)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        for name, _, pooled in STAGE_LAYERS:
            x = getattr(self, name)(x)
            if pooled:
                x = getattr(self, _dropout_name(name))(self.pool(x))
        fc1 = self.fc1(x.flatten(1))
        with in_float32(fc1):
            # Cast for each head, so that each head's gradient is rounded by itself.
            offset = self.unit * self.fc2_landmark(fc1.float()).view(-1, 68, 2)
            if self.fc2_emotion is None:
                scores = offset.new_zeros(len(fc1), 0)
            else:
                scores = self.fc2_emotion(fc1.float())
        return fc1, offset, scores


class FirstStage(nn.Module):
    """Stage 1: grey pictures `(N, 1, size, size)` in 0..1 to outputs `(N, K + 136)`.

    Landmarks are offsets from the mean shape `(68, 2)`, in pixels. `classes` 0 is a stage without
    an emotion head, as the authors' first. `size` is a multiple of 16; `width` scales the numbers
    of maps and fc1, and a narrow network bears less `dropout`.
    """

    mean_shape: Tensor

    def __init__(
        self,
        classes: int,
        mean_shape: Tensor,
        size: int = 224,
        width: float = 1.0,
        variant: str = "as_paper",
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        if variant not in DAN_VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(DAN_VARIANTS)}")
        if size < 16 or size % 16:
            raise ValueError(f"the size must be a multiple of 16 pixels, got {size}")
        if mean_shape.shape != (68, 2):
            raise ValueError(f"expected the mean shape (68, 2), got {tuple(mean_shape.shape)}")
        self.size = size
        self.width = width
        self.variant = variant
        self.dropout = dropout
        self.standardise = Standardise(1, size, size)
        self.register_buffer("mean_shape", mean_shape.float().clone())
        self.stage1 = Stage(1, classes, size, width, variant, dropout)

    def seen(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Return the standardised picture, and stage 1's fc1, landmarks `(N, 68, 2)`, scores."""
        x = self.standardise(picture)
        fc1, offset, scores = self.stage1(x)
        return x, fc1, self.mean_shape + offset, scores

    def forward(self, picture: Tensor) -> Tensor:
        _, _, points, scores = self.seen(picture)
        return torch.cat([scores, points.flatten(1)], dim=1)


class EmotionalDAN(nn.Module):
    """Both stages: grey pictures `(N, 1, size, size)` in 0..1 to outputs `(N, classes + 136)`.

    Stage 2 sees the picture warped to the mean shape, the heat map of stage 1's landmarks there,
    and a feature image made of stage 1's fc1. The trained first stage is copied, so that its own
    outputs can still be measured; `first` gives those of the copy.
    """

    def __init__(self, first: FirstStage, classes: int) -> None:
        super().__init__()
        normed = first.variant == "as_authors_code"
        size = first.size
        self.first = copy.deepcopy(first)
        dense = first.stage1.fc2_landmark.in_features
        self.feature = nn.Sequential(nn.Linear(dense, (size // 2) ** 2), nn.ReLU())
        self.planes = nn.BatchNorm2d(3) if normed else nn.Identity()
        self.stage2 = Stage(3, classes, size, first.width, first.variant, first.dropout)
        _initialise(self.feature, normed)
        frozen = self.first if normed else self.first.stage1.fc2_emotion
        if frozen is not None:
            frozen.requires_grad_(False)

    def train(self, mode: bool = True) -> "EmotionalDAN":
        """Set the mode; in the authors' variant stage 1 stays in evaluation mode."""
        super().train(mode)
        if self.first.variant == "as_authors_code":
            self.first.eval()
        return self

    def seen(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return what stage 2 sees: three planes, the similarity, and stage 1's landmarks.

        Planes `(N, 3, size, size)`, similarity `(N, 2, 3)`, canonical landmarks `(N, 68, 2)`.
        """
        x, fc1, points, _ = self.first.seen(picture)
        image = self.feature(fc1).unflatten(1, (1, self.first.size // 2, -1))
        with in_float32(x):
            matrix = fit_similarity(points, self.first.mean_shape)
            points = transform(points, matrix)
            image = F.interpolate(image.float(), scale_factor=2)
            planes = torch.cat([warp(x, matrix), heat_map(points, self.first.size), image], dim=1)
        return self.planes(planes), matrix, points

    def forward(self, picture: Tensor) -> Tensor:
        planes, matrix, points = self.seen(picture)
        _, offset, scores = self.stage2(planes)
        with in_float32(planes):
            points = transform(points + offset, invert_similarity(matrix))
        return torch.cat([scores, points.flatten(1)], dim=1)


class EmotionScores(nn.Module):
    """A network's scores `(N, K)` alone, so that no landmark is taken for a class."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return split_outputs(self.network(picture))[0]


def _dropout_name(convolution: str) -> str:
    return convolution.replace("conv", "dropout")


def _initialise(network: nn.Module, glorot: bool) -> None:
    """Draw first weights after Glorot and Bengio 2010 or He et al. 2015; biases are 0."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            if glorot:
                nn.init.xavier_uniform_(layer.weight)
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


# Builders of network files


def build_first_stage(classes: int, **arguments: Any) -> FirstStage:
    """Build stage 1 with a mean shape that the weights of a file replace."""
    return FirstStage(classes, torch.zeros(68, 2), **arguments)


def build_both_stages(classes: int, first_classes: int, **arguments: Any) -> EmotionalDAN:
    """Build both stages, the first with an emotion head of `first_classes` classes (0: none)."""
    return EmotionalDAN(build_first_stage(first_classes, **arguments), classes)


def place_map(
    module: nn.Module, layer: str, inputs: tuple[Tensor, ...], heat: np.ndarray
) -> np.ndarray:
    """Bring heat maps `(N, H, W)` of a stage-2 layer back to the pictures.

    The second stage sees the face turned to the mean shape; maps of stage 1 stay as they are.
    """
    if layer.startswith("first"):
        return heat
    with torch.no_grad():
        _, matrix, _ = module.seen(*as_floats(inputs))  # type: ignore[operator]
        planes = torch.from_numpy(heat)[:, None]
        return warp(planes, invert_similarity(matrix))[:, 0].numpy()

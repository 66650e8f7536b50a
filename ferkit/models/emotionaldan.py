"""EmotionalDAN: a network that finds landmarks in two stages and the emotion from what it then sees.

I. Tautkute and T. Trzcinski, "Classifying and Visualizing Emotions with Emotional DAN", Fundamenta Informaticae 2019,
sections 3 and 4.2; what it leaves open is M. Kowalski et al.'s ("Deep Alignment Network", CVPR workshops 2017).

| part | as_paper | as_authors_code |
|---|---|---|
| after a convolution and fc1 | ReLU | ReLU, then batch normalisation; also on the three planes of stage 2 |
| dropout 0.5 | after each pooling | once, before fc1 |
| fc2_landmark gives | sixteenths of the picture's side | pixels |
| first weights | He et al. 2015 | Glorot and Bengio 2010 |
| stage 1 | landmarks and emotion | landmarks alone |
| training stage 2 | all weights of both stages | the weights of stage 2, stage 1 as in evaluation |
| loss | 0.4 and 0.6; the norm of all 136 differences | 0.5 and 0.5; the mean distance of a landmark |
| rate | triangular, 0.0001 to 0.05 | stage 1 Adam at 0.001; stage 2 triangular, half a cycle of 10 000 steps, SGD without momentum |

Convention
- Outputs are one tensor `(N, K + 136)`: the scores of K classes, then the landmarks x0, y0, ... in pixels of the picture. So
  class k is output k, and `outputs_of` tells both apart. Labels are `(N, 137)`: landmarks, then the class (`labels_of`).
- Points are `(N, 68, 2)`, pixel centres at integer + 0.5. A similarity is `(N, 2, 3)`: `x -> A x + t` of points of the picture
  to canonical ones, those of the mean shape.

Where we differ
- d is in both variants the distance of the eye centres (means of six points): the 68 points have no pupils.
- Equation (1) maps with T alone; as in the alignment network, the offset is added in canonical space and mapped back.
- as_paper's fc2_landmark gives offsets in sixteenths of the picture's side, so that a rate means the same at every size, and
  starts with small weights, at the mean shape (the paper does not say; the alignment network gives pixels).
- as_paper trains all weights in stage 2 (the paper: "second stage is added and trained"), but stage 1's emotion head, which
  nothing depends on any more.
"""

import copy
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.models.layers import Dropout, Standardise, cross_entropy

VARIANTS = ("as_paper", "as_authors_code")
LANDMARKS = 136

# Table 1, at 224 x 224: name, maps, whether 2 x 2 max pooling with stride 2 follows. All kernels are 3 x 3, padded to the same size.
STAGE = (
    ("conv1a", 64, False),  # 224 x 224
    ("conv1b", 64, True),  # 224 x 224, pool1 to 112 x 112
    ("conv2a", 128, False),  # 112 x 112
    ("conv2b", 128, True),  # 112 x 112, pool2 to 56 x 56
    ("conv3a", 256, False),  # 56 x 56
    ("conv3b", 256, True),  # 56 x 56, pool3 to 28 x 28
    ("conv4a", 512, False),  # 28 x 28
    ("conv4b", 512, True),  # 28 x 28, pool4 to 14 x 14
)
FC1 = 256
RATES = (0.0001, 0.05)  # between which the triangular rate goes, section 4.2


# Labels, outputs, loss, rate


def labels_of(points: Tensor, classes: Tensor) -> Tensor:
    """Landmarks `(N, 68, 2)` and classes `(N,)` in one tensor, `(N, 137)` float32."""
    if points.shape != (len(classes), 68, 2) or classes.ndim != 1:
        raise ValueError(
            f"expected points (N, 68, 2) and N classes, got {tuple(points.shape)} and {tuple(classes.shape)}"
        )
    return torch.cat([points.flatten(1).float(), classes[:, None].float()], dim=1)


def outputs_of(outputs: Tensor) -> tuple[Tensor, Tensor]:
    """Scores `(N, K)` and landmarks `(N, 68, 2)` of the network's outputs `(N, K + 136)`; K is 0 without an emotion head."""
    return outputs[:, :-LANDMARKS], outputs[:, -LANDMARKS:].reshape(-1, 68, 2)


def landmark_error(points: Tensor, truth: Tensor) -> Tensor:
    """The mean distance of landmarks `(N, 68, 2)` from the truth over the distance of its eye centres, `(N,)`."""
    return (points - truth).norm(dim=2).mean(1) / eye_distance(truth)


def eye_distance(points: Tensor) -> Tensor:
    """The distance of the two eye centres, `(N,)`, of landmarks `(N, 68, 2)`."""
    return (points[:, 36:42].mean(1) - points[:, 42:48].mean(1)).norm(dim=1)


@dataclass(frozen=True)
class DanLoss:
    """`alpha |S - S*| / d + beta cross-entropy`, averaged over the batch (equation 2), of outputs and labels as above.

    `|S - S*|` is the norm of all 136 differences, as the equation reads, or with `mean` the mean distance of a landmark.
    """

    alpha: float = 0.4
    beta: float = 0.6
    mean: bool = False

    def __call__(self, outputs: Tensor, labels: Tensor) -> Tensor:
        if labels.ndim != 2 or labels.shape[1] != LANDMARKS + 1:
            raise ValueError(f"expected labels (N, 137), landmarks and class, got {tuple(labels.shape)}")
        scores, points = outputs_of(outputs)
        if self.beta and not scores.shape[1]:
            raise ValueError(
                "this network has no emotion head; train it with DanLoss(1, 0, mean=True), on landmarks alone"
            )
        truth = labels[:, :-1].reshape(-1, 68, 2)
        error = (
            landmark_error(points, truth)
            if self.mean
            else (points - truth).flatten(1).norm(dim=1) / eye_distance(truth)
        )
        loss = self.alpha * error.mean()
        return loss + self.beta * cross_entropy(scores, labels[:, -1].long()) if self.beta else loss


LOSSES = {"as_paper": DanLoss(), "as_authors_code": DanLoss(0.5, 0.5, mean=True)}


@dataclass(frozen=True)
class Triangular:
    """A rate that climbs from `low` to `high` in `half` iterations and comes down in as many, again and again (section 4.2)."""

    low: float = RATES[0]
    high: float = RATES[1]
    half: int = 10_000

    def __post_init__(self) -> None:
        if not 0 < self.low <= self.high or self.half < 1:
            raise ValueError(f"expected 0 < low <= high and half of at least 1 iteration, got {self}")

    def __call__(self, iteration: int) -> float:
        """The rate of an iteration, counted from 0."""
        way = abs((iteration / self.half + 1) % 2 - 1)
        return self.low + (self.high - self.low) * way


# Geometry between the stages


def similarity(points: Tensor, shape: Tensor) -> Tensor:
    """The similarity `(N, 2, 3)` that brings points `(N, L, 2)` nearest to a shape `(L, 2)`, by least squares.

    With the middles taken off, `x -> a x` in complex numbers, `a = sum(conj(x) s) / sum |x|^2`.
    """
    middle, goal = points.mean(1, keepdim=True), shape.mean(0)
    x, s = points - middle, shape - goal
    size = x.square().sum((1, 2))
    cos = (x * s).sum((1, 2)) / size
    sin = (x[..., 0] * s[:, 1] - x[..., 1] * s[:, 0]).sum(1) / size
    turn = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    return torch.cat([turn, goal[:, None] - turn @ middle.transpose(1, 2)], dim=2)


def transformed(points: Tensor, matrix: Tensor) -> Tensor:
    """The points `(N, L, 2)` moved by similarities `(N, 2, 3)`."""
    return points @ matrix[..., :2].transpose(1, 2) + matrix[..., 2][:, None]


def inverse(matrix: Tensor) -> Tensor:
    """The similarities `(N, 2, 3)` that undo these. The inverse of `a` times a rotation is the transpose over `a^2`."""
    turn = matrix[..., :2]
    back = turn.transpose(1, 2) / turn[:, 0].square().sum(1)[:, None, None]
    return torch.cat([back, -back @ matrix[..., 2:]], dim=2)


def warp(pictures: Tensor, matrix: Tensor) -> Tensor:
    """The pictures `(N, C, S, S)` seen in canonical space, sampled bilinearly; 0 where they end. Differentiable in both."""
    size = pictures.shape[-1]
    back = inverse(matrix)
    turn, shift = back[..., :2], back[..., 2]
    middle = turn.sum(2) + 2 / size * shift - 1  # from pixels to coordinates from -1 to 1
    theta = torch.cat([turn, middle[..., None]], dim=2)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode="zeros", align_corners=False)


def heat_map(points: Tensor, size: int) -> Tensor:
    """`1 / (1 + distance to the nearest point)` at every pixel's centre, `(N, 1, size, size)`, of points `(N, L, 2)`."""
    line = torch.arange(size, device=points.device, dtype=points.dtype) + 0.5
    pixels = torch.cartesian_prod(line, line).flip(1)  # (x, y), row by row
    with torch.no_grad():  # which is nearest, one face at a time: all distances of a batch would fill gigabytes
        nearest = torch.stack([torch.cdist(pixels, face).argmin(1) for face in points])
    own = points.gather(1, nearest[..., None].expand(-1, -1, 2))
    return 1 / (1 + (pixels - own).norm(dim=2)).view(len(points), 1, size, size)


# The network


class Stage(nn.Module):
    """Table 1: planes `(N, planes, size, size)` to fc1 `(N, 256)`, landmark offsets `(N, 68, 2)` in pixels and scores `(N, classes)`.

    Layers are attributes with the table's names, conv1a to fc2_emotion; `conv4a` and the like include the activation.
    """

    def __init__(self, planes: int, classes: int, size: int, width: float, variant: str, dropout: float) -> None:
        super().__init__()
        normed = variant == "as_authors_code"
        self.pool, maps = nn.MaxPool2d(2), planes
        for name, n, pool in STAGE:
            filters = max(1, round(width * n))
            norm = [nn.BatchNorm2d(filters)] if normed else []
            self.add_module(name, nn.Sequential(nn.Conv2d(maps, filters, 3, padding=1), nn.ReLU(), *norm))
            if pool and not normed:
                self.add_module(_dropout(name), Dropout(dropout))
            maps = filters
        dense = max(8, round(width * FC1))
        layers = [Dropout(dropout)] if normed else []
        layers += [nn.Linear(maps * (size // 16) ** 2, dense), nn.ReLU()]  # type: ignore[list-item]
        self.fc1 = nn.Sequential(*layers, *([nn.BatchNorm1d(dense)] if normed else []))
        self.fc2_landmark, self.fc2_emotion = (
            nn.Linear(dense, LANDMARKS),
            nn.Linear(dense, classes) if classes else None,
        )
        self.unit = 1.0 if normed else size / 16
        self.apply(_glorot if normed else _he)
        if not normed:
            nn.init.normal_(self.fc2_landmark.weight, std=0.001)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        for name, _, pool in STAGE:
            x = getattr(self, name)(x)
            if pool:
                x = getattr(self, _dropout(name), nn.Identity())(self.pool(x))
        x = self.fc1(x.flatten(1))
        with exactly(x):
            offset = self.unit * self.fc2_landmark(x.float()).view(-1, 68, 2)
            scores = self.fc2_emotion(x.float()) if self.fc2_emotion else x.new_zeros(len(x), 0, dtype=torch.float32)
        return x, offset, scores


class FirstStage(nn.Module):
    """Grey pictures `(N, 1, size, size)` in 0..1 to outputs `(N, K + 136)`: offsets from the mean shape `(68, 2)`, in pixels.

    `classes` 0 is a stage without an emotion head, as the authors' first. `size` is a multiple of 16, `width` scales the numbers
    of maps and fc1; a narrow network bears less `dropout`.
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
        if variant not in VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(VARIANTS)}")
        if size < 16 or size % 16:
            raise ValueError(f"the size must be a multiple of 16 pixels, got {size}")
        if mean_shape.shape != (68, 2):
            raise ValueError(f"expected the mean shape (68, 2), got {tuple(mean_shape.shape)}")
        self.size, self.width, self.variant, self.dropout = size, width, variant, dropout
        self.standardise = Standardise(1, size, size)
        self.register_buffer("mean_shape", mean_shape.float().clone())
        self.stage1 = Stage(1, classes, size, width, variant, dropout)

    def seen(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The standardised picture, and fc1, landmarks `(N, 68, 2)` and scores of stage 1."""
        x = self.standardise(picture)
        fc1, offset, scores = self.stage1(x)
        return x, fc1, self.mean_shape + offset, scores

    def forward(self, picture: Tensor) -> Tensor:
        _, _, points, scores = self.seen(picture)
        return torch.cat([scores, points.flatten(1)], dim=1)


class EmotionalDAN(nn.Module):
    """Both stages, the first one trained: grey pictures `(N, 1, size, size)` in 0..1 to outputs `(N, classes + 136)`.

    Stage 2 sees the picture warped to the mean shape, the heat map of stage 1's landmarks there, and a feature image made of
    stage 1's fc1. The first stage is copied, so that its outputs can still be measured; `first` gives those of the copy.
    """

    def __init__(self, first: FirstStage, classes: int) -> None:
        super().__init__()
        self.first, size, normed = copy.deepcopy(first), first.size, first.variant == "as_authors_code"
        dense = first.stage1.fc2_landmark.in_features
        self.feature = nn.Sequential(nn.Linear(dense, (size // 2) ** 2), nn.ReLU())
        self.planes = nn.BatchNorm2d(3) if normed else nn.Identity()
        self.stage2 = Stage(3, classes, size, first.width, first.variant, first.dropout)
        self.feature.apply(_glorot if normed else _he)
        head = self.first.stage1.fc2_emotion
        for module in (self.first,) if normed else (head,) if head else ():
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> "EmotionalDAN":
        """As the authors train it, stage 1 stays as in evaluation."""
        super().train(mode)
        if self.first.variant == "as_authors_code":
            self.first.eval()
        return self

    def seen(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """The three planes `(N, 3, size, size)` of stage 2, the similarity `(N, 2, 3)`, and stage 1's landmarks there."""
        x, fc1, points, _ = self.first.seen(picture)
        image = self.feature(fc1).unflatten(1, (1, self.first.size // 2, -1))
        with exactly(x):
            matrix = similarity(points, self.first.mean_shape)
            points = transformed(points, matrix)
            image = F.interpolate(image.float(), scale_factor=2)
            planes = torch.cat([warp(x, matrix), heat_map(points, self.first.size), image], dim=1)
        return self.planes(planes), matrix, points

    def forward(self, picture: Tensor) -> Tensor:
        planes, matrix, points = self.seen(picture)
        _, offset, scores = self.stage2(planes)
        with exactly(planes):
            points = transformed(points + offset, inverse(matrix))
        return torch.cat([scores, points.flatten(1)], dim=1)


class Emotions(nn.Module):
    """The scores `(N, K)` of a network alone: for Grad-CAM and accuracies, where a landmark must not pass for a class."""

    def __init__(self, network: FirstStage | EmotionalDAN) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> Tensor:
        return outputs_of(self.network(picture))[0]


def brightness_and_contrast(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Pictures in 0..1, each brighter or darker by up to 0.2 and with 0.8 to 1.2 of its contrast: the authors' augmentation.

    The amounts are ours.
    """
    pictures = inputs[0]
    light, contrast = 0.4 * torch.rand(2, len(pictures), 1, 1, 1, generator=generator, device=pictures.device) - 0.2
    middle = pictures.mean((1, 2, 3), keepdim=True)
    return ((middle + (1 + contrast) * (pictures - middle) + light).clamp(0, 1), *inputs[1:])


def exactly(x: Tensor) -> torch.autocast:
    """A block that computes in float32: in bfloat16 a landmark at 200 pixels would be known to a whole pixel only."""
    return torch.autocast(x.device.type, enabled=False)


def _dropout(name: str) -> str:
    return name.replace("conv", "dropout")


def _he(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]


def _glorot(layer: nn.Module) -> None:
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.xavier_uniform_(layer.weight)
        nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

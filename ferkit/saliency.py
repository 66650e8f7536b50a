"""Grad-CAM of any network and layer, mean maps and the landmarks they light up, and scores against what truly moved.

R. Selvaraju et al. 2017, equations 1 and 2; I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 5. The maps are
made by the package pytorch-grad-cam.

Convention
- Maps are `(N, H, W)` float32 at the size of the picture. The package stretches each map to its own range, from 0 to 1, and
  enlarges it bilinearly: how strong two maps are cannot be compared, mean maps weigh every face alike, and a map that is the
  same everywhere becomes 0.
- Landmarks are `(N, 68, 2)` in pixels of the maps, pixel centres at integer + 0.5.
"""

import copy
import math
from collections.abc import Iterable

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from scipy.stats import rankdata
from torch import Tensor, nn
from tqdm import tqdm

from ferkit.labels import RELATED
from ferkit.models.layers import as_floats, first, mixed
from ferkit.train import choose_device

OUTER_CORNERS = [36, 45]  # of the eyes: right corner of the right, left corner of the left eye
MOVED = 1.0  # pixels from which on a place counts as moved


def grad_cam(
    network: nn.Module,
    layer: nn.Module,
    x: Tensor | tuple[Tensor, ...],
    target: int | ArrayLike,
    *,
    batch: int = 32,
    device: str = "auto",
    progress: bool = False,
) -> np.ndarray:
    """Where in the pictures `layer` finds what speaks for class `target`: maps `(N, H, W)` in 0..1.

    `x` is `(N, C, H, W)`, uint8 or float, or the tuple of a network's inputs, of which the first is explained; `target` is a class
    index or one a picture. `layer` is a module of the network that gives `(N, maps, h, w)` once in a pass, and the maps are its
    output's: where a function follows in place, such as torchvision's ReLU, name the module that has both. The network given
    stays as it is: a copy is asked. ValueError for a layer or a class that the network does not have.
    """
    inputs = as_floats(x if isinstance(x, tuple) else (x,))
    targets = np.broadcast_to(np.asarray(target), len(inputs[0]))
    if not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(f"a class is asked for by its index, got {target!r}")
    where = next((name for name, module in network.named_modules() if module is layer), None)
    if where is None:
        raise ValueError(f"the layer is no part of the network: {layer}")
    asked = _Asked(copy.deepcopy(network)).to(choose_device(device)).eval()
    inside = asked.network.get_submodule(where)
    if len(targets):
        _check(asked, inside, tuple(part[:1] for part in inputs), targets)
    maps = np.zeros((len(targets), *inputs[0].shape[-2:]), np.float32)
    with GradCAM(asked, [inside]) as cam:
        for start in tqdm(range(0, len(targets), batch), "Grad-CAM", disable=not progress):
            rows = slice(start, start + batch)
            picture, *asked.others = (part[rows].to(cam.device) for part in inputs)
            wanted = [ClassifierOutputTarget(int(k)) for k in targets[rows]]
            maps[rows] = cam(picture.detach().clone().requires_grad_(), wanted)
    return maps


class _Asked(nn.Module):
    """A network with one output and, after `others` is set, one input: what the package can explain."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.others: list[Tensor] = []

    def forward(self, picture: Tensor) -> Tensor:
        return first(self.network(picture, *self.others))


def _check(asked: _Asked, layer: nn.Module, one: tuple[Tensor, ...], targets: np.ndarray) -> None:
    """ValueError when the layer or a class cannot be explained: else the package fails in its own words, or answers wrongly."""
    seen: list[Tensor] = []
    then: list[Tensor] = []

    def look(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        seen.append(output)
        then.append(output.detach().clone())

    device = next(asked.parameters()).device
    handle = layer.register_forward_hook(look)
    try:
        with torch.enable_grad():
            picture, *asked.others = (part.to(device) for part in one)
            scores = asked(picture.detach().clone().requires_grad_())
    finally:
        handle.remove()
    if scores.ndim != 2 or targets.min() < 0 or targets.max() >= scores.shape[1]:
        known = f"0..{scores.shape[1] - 1}" if scores.ndim == 2 else f"none, with outputs {tuple(scores.shape)}"
        raise ValueError(f"the network has the classes {known}, asked for {targets.min()}..{targets.max()}")
    if len(seen) != 1 or not isinstance(seen[0], Tensor) or seen[0].ndim != 4:
        got = [tuple(o.shape) if isinstance(o, Tensor) else type(o).__name__ for o in seen]
        raise ValueError(
            f"Grad-CAM needs a layer that gives (N, maps, h, w) once in a pass, this one gives {got}: {layer}"
        )
    if not torch.equal(seen[0], then[0]):
        raise ValueError(f"what follows changes this layer's output in place; explain the module around both: {layer}")
    if not seen[0].requires_grad or torch.autograd.grad(scores.sum(), seen[0], allow_unused=True)[0] is None:
        raise ValueError(f"the scores do not depend on this layer, or not by a gradient: {layer}")


def placed(layers: Iterable[nn.Module], side: int) -> np.ndarray:
    """The matrix `(2, 3)` from a picture's pixels, `side` x `side`, to those of a map of the last of these layers, stretched to that size.

    Convolutions and poolings without padding do not look at a picture's edge: their map shows what lies inside, larger. `layers`
    follow each other from the picture on, kernels are square; others than convolutions and max poolings move nothing.
    """
    middle, step, cells = 0.5, 1, side  # of the first cell, to the next one, how many
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            kernel, stride, padding = (
                int(np.ravel(size)[0]) for size in (layer.kernel_size, layer.stride, layer.padding)
            )
            middle, step = middle + step * ((kernel - 1) / 2 - padding), step * stride
            cells = (cells + 2 * padding - kernel) // stride + 1
    ratio = side / cells / step
    shift = side / cells / 2 - ratio * middle
    return np.array([[ratio, 0, shift], [0, ratio, shift]])


def randomised(network: nn.Module, seed: int = 0) -> nn.Module:
    """A copy in which the numbers of every weight tensor stand in another order: a network that has learnt nothing.

    What its maps score is what they would without training (J. Adebayo et al. 2018, "Sanity checks for saliency maps").
    """
    shuffled, generator = copy.deepcopy(network), torch.Generator().manual_seed(mixed(seed))
    with torch.no_grad():
        for weights in shuffled.parameters():
            order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
            weights.copy_(weights.flatten()[order].view_as(weights))
    return shuffled


# Maps of many faces, and landmarks


def frontal(landmarks: ArrayLike, epsilon: float) -> np.ndarray:
    """Which faces look forward, `(N,)` bool: both outer eye corners within `epsilon` pixels of their means (equation 5)."""
    corners = np.asarray(landmarks, dtype=np.float64)[:, OUTER_CORNERS]
    return (np.linalg.norm(corners - corners.mean(0), axis=2) < epsilon).all(1)


def mean_maps(maps: np.ndarray, labels: Iterable[str], names: Iterable[str]) -> dict[str, np.ndarray]:
    """The mean map `(H, W)` of each of the emotions `names` (equation after 6); one that does not occur has none."""
    shown = np.asarray(list(labels))
    if len(shown) != len(maps):
        raise ValueError(f"expected a label for each map, got {len(maps)} maps and {len(shown)} labels")
    return {name: maps[shown == name].mean(0) for name in names if (shown == name).any()}


def nearest_face(maps: np.ndarray, mean: np.ndarray) -> int:
    """The place of the map that is nearest to a mean map, in the squares of their differences (figure 6)."""
    return int(((maps - mean) ** 2).sum((1, 2)).argmin())


def activated(heat: np.ndarray, points: ArrayLike, k: int) -> np.ndarray:
    """The `k` landmarks of `points` `(68, 2)` at which the map `(H, W)` is highest, `(k,)`, the highest first.

    A landmark has the value of its pixel, one outside the picture comes last; of equal ones the smaller index comes first.
    """
    column, row = np.floor(np.asarray(points, dtype=np.float64)).astype(int).T
    height, width = heat.shape
    inside = (0 <= row) & (row < height) & (0 <= column) & (column < width)
    values = np.full(len(row), -np.inf)
    values[inside] = heat[row[inside], column[inside]]
    return np.argsort(-values, kind="stable")[:k]


def related_share(heat: np.ndarray, points: ArrayLike, emotion: str, version: str = "as_paper") -> float:
    """The share of an emotion's related landmarks among as many most activated ones (section 5.2, table 5).

    `version` is one of `labels.RELATED`; nan for an emotion without related landmarks there (neutral, contempt).
    """
    if version not in RELATED:
        raise ValueError(f"unknown version {version!r}; known: {', '.join(RELATED)}")
    related = RELATED[version].get(emotion, ())
    return float(np.isin(activated(heat, points, len(related)), related).mean()) if related else math.nan


def related_table(means: dict[str, np.ndarray], points: ArrayLike) -> pd.DataFrame:
    """`related_share` of mean maps: a row for each emotion that has related landmarks, a column for each version.

    Beside them stands `chance`, the share a random choice finds: the number of related landmarks over 68 (of as_paper).
    """
    rows = {
        emotion: {version: related_share(heat, points, emotion, version) for version in RELATED}
        | {"chance": len(RELATED["as_paper"][emotion]) / 68}
        for emotion, heat in means.items()
        if emotion in RELATED["as_paper"]
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("emotion")


# Against what truly moved


def moved_auc(heat: np.ndarray, motion: np.ndarray, within: np.ndarray | None = None, least: float = MOVED) -> float:
    """The chance that the map is higher at a pixel that moved than at one that did not: 0.5 for a map that knows nothing.

    `motion` is how many pixels the expression moved each place, `(H, W)`, and `within` (bool) where the comparison is made:
    without it a map that merely finds the face in the picture scores well. nan where nothing, or everything, moved.
    """
    heat, moved = _compared(heat, motion, within, least)
    yes, no = int(moved.sum()), int((~moved).sum())
    return float((rankdata(heat)[moved].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else math.nan


def pointing(heat: np.ndarray, motion: np.ndarray, within: np.ndarray | None = None, least: float = MOVED) -> float:
    """Whether the map's highest pixel is one that moved (the pointing game, J. Zhang et al. 2016); of several, their share."""
    heat, moved = _compared(heat, motion, within, least)
    return float(moved[heat == heat.max()].mean()) if moved.any() else math.nan


def against_motion(
    maps: np.ndarray, motion: np.ndarray, within: np.ndarray | None = None, least: float = MOVED
) -> pd.DataFrame:
    """A row for each of N faces: auc and pointing of its map, and `moved`, the share of pixels that did: pointing's chance."""
    if maps.shape != motion.shape or (within is not None and within.shape != maps.shape):
        got = [np.shape(part) for part in (maps, motion, within) if part is not None]
        raise ValueError(f"expected maps, motion and `within` of one shape (N, H, W), got {got}")
    rows = []
    for i, (heat, moves) in enumerate(zip(maps, motion, strict=True)):
        inside = None if within is None else within[i]
        auc, point = (score(heat, moves, inside, least) for score in (moved_auc, pointing))
        rows.append((auc, point, float(_compared(heat, moves, inside, least)[1].mean())))
    return pd.DataFrame(rows, columns=["auc", "pointing", "moved"])


def _compared(
    heat: np.ndarray, motion: np.ndarray, within: np.ndarray | None, least: float
) -> tuple[np.ndarray, np.ndarray]:
    inside = np.ones(heat.shape, dtype=bool) if within is None else within
    if not inside.any():
        raise ValueError("`within` is empty: there is no pixel to compare at")
    return heat[inside], motion[inside] >= least

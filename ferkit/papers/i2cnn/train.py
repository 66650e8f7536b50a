"""Paper 2's network: trained on patches of the training people, then read for its features.

C. Zhang et al. 2017, section 3. Patches are cut when they are needed: those of the training faces
for a training, one patch of all faces for its features.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ferkit.faces.align import cut_boxes
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn.data import FoldRows
from ferkit.papers.i2cnn.network import AlexNet, centre_crop, random_crop
from ferkit.papers.i2cnn.patches import PATCHES_OF_K, patch_boxes
from ferkit.papers.i2cnn.plans import Plan
from ferkit.training.layers import FeatureReader
from ferkit.training.loop import scores, train_kept
from ferkit.training.recipe import Examples, Trained

PatchFeatures = Callable[[int], np.ndarray]  # the features (N, D) of one patch of every face


def patch_examples(
    faces: Prepared, rows: ArrayLike, labels: ArrayLike, k: int, side: int
) -> Examples:
    """Cut k patches of each of these faces, `(n k, 3, side, side)` uint8, labelled as the face.

    `labels` `(N,)` are those of all faces.
    """
    rows = np.asarray(rows)
    patches = _cut_patches(faces, rows, PATCHES_OF_K[k], side)
    codes = torch.as_tensor(np.asarray(labels)[rows])
    return Examples((patches,), codes.repeat_interleave(len(PATCHES_OF_K[k])))


def train_patches(
    network: AlexNet,
    plan: Plan,
    faces: Prepared,
    labels: ArrayLike,
    fold: FoldRows,
    k: int,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    folder: Path | None = None,
) -> Trained:
    """Train a copy of the network on k patches of one fold's training faces.

    `labels` `(N,)` are class indices of all faces. Validation faces, where there are any, choose
    the epoch. `folder` keeps each training in a folder of its own.
    """
    examples = patch_examples(faces, fold.train, labels, k, plan.side)
    validation = None
    if len(fold.val):
        whole = patch_examples(faces, fold.val, labels, k, plan.side)
        validation = Examples((centre_crop(whole.inputs[0], plan.crop),), whole.labels)
    trained = train_kept(
        _CentreCropped(network, plan.crop),
        plan.recipe(k),
        examples,
        validation,
        f"k{k}",
        seed=seed,
        folder=folder,
        augment=_RandomCrop(plan.crop),
        device=device,
        precision=precision,
        progress=False,
    )
    cropped = trained.network
    assert isinstance(cropped, _CentreCropped)
    return replace(trained, network=cropped.network)


def patch_features(
    network: nn.Module,
    plan: Plan,
    faces: Prepared,
    *,
    device: str = "auto",
    precision: str = "auto",
) -> PatchFeatures:
    """Return the function that reads the features `(N, dense)` of one patch of every face."""

    def features_of(patch: int) -> np.ndarray:
        pixels = _cut_patches(faces, slice(None), [patch], plan.side)
        middle = centre_crop(pixels, plan.crop)
        return scores(FeatureReader(network), (middle,), device=device, precision=precision)

    return features_of


class ProbabilityMean:
    """Passes features on, and averages the probabilities that the network gives for them."""

    def __init__(self, network: nn.Module, features_of: PatchFeatures) -> None:
        assert isinstance(network, AlexNet)
        self.top = network.top
        self.features_of = features_of
        self.count = 0
        self.total = np.zeros(())

    def __call__(self, patch: int) -> np.ndarray:
        features = self.features_of(patch)
        with torch.no_grad():
            probabilities = self.top(torch.from_numpy(features)).softmax(1)
        self.total = self.total + probabilities.numpy()
        self.count += 1
        return features

    @property
    def mean(self) -> np.ndarray:
        """The mean over the patches so far, `(N, K)`."""
        return self.total / self.count


class _RandomCrop:
    """`random_crop` of one size, as an augmentation whose name says that size."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.__qualname__ = f"random_crop of {size}"

    def __call__(
        self, inputs: tuple[Tensor, ...], generator: torch.Generator
    ) -> tuple[Tensor, ...]:
        return random_crop(inputs, generator, self.size)


class _CentreCropped(nn.Module):
    """A network that sees the middle of larger patches."""

    def __init__(self, network: AlexNet, crop: int) -> None:
        super().__init__()
        self.network = network
        self.crop = crop

    def forward(self, patch: Tensor) -> Tensor:
        return self.network(centre_crop(patch, self.crop))


def _cut_patches(
    faces: Prepared, rows: np.ndarray | slice, patches: Sequence[int], side: int
) -> Tensor:
    """Cut some patches of some faces, `(n p, 3, side, side)` uint8, all of one face together."""
    if faces.images is None or faces.images.ndim != 4:
        raise ValueError(
            "patches are cut from aligned colour pictures; prepare the faces without `grey`"
        )
    boxes = patch_boxes(faces.landmarks[rows], faces.size)[:, list(patches)]
    pixels = torch.from_numpy(cut_boxes(faces.images[rows], boxes, side))  # (n, p, side, side, 3)
    return pixels.flatten(0, 1).permute(0, 3, 1, 2)

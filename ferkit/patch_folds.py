"""Paper 2 fold by fold: a network trained on patches of the training people, and the machine on its features (`i2cnn`, section 3).

Convention
- k = 1, 5 or 60 is how many patches of a face there are, for the network's training and for its features alike. The paper's tables 3
  and 4 give one number to "CNN" and "k = 1", so k = 1 is a network that never saw any other patch; so is k = 5.
- Nothing of a test face is used before it is tested: the network and the machine see the fold's other faces.
- Patches are cut when they are needed: those of the training faces for a training, one patch of all faces for its features.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from tqdm import tqdm

from ferkit import patch_svm
from ferkit.baselines import Answers
from ferkit.cross_train import parts_of
from ferkit.data.folds import Fold
from ferkit.faces.patches import CHOSEN, boxes, cut
from ferkit.faces.store import Prepared
from ferkit.labels import LabelSet
from ferkit.models.i2cnn import AlexNet, centre_crop, random_crop
from ferkit.models.layers import mixed, seeded
from ferkit.portable import save_network
from ferkit.train import Examples, Recipe, Trained, scores, train
from ferkit.views import View


@dataclass(frozen=True)
class Setup:
    """How large patches and network are, and how the network is trained."""

    face: int  # pixels of the aligned face
    side: int  # of a patch
    crop: int  # of what the network sees of it: anywhere in training, the middle in testing
    width: float  # of AlexNet's convolutions
    dense: int  # numbers in its two dense layers, and so in the feature
    iterations: Mapping[int, int]  # at most, one batch each, for each k: fewer patches are learnt sooner
    batch: int  # patches
    rate: float
    rate_after: float  # share of the iterations after which the rate is divided by 10, each time
    patience: int | None = None  # epochs; asks for validation people
    dropout: float = 0.5
    weight_decay: float = 5e-4
    start: str = "caffe"  # of the weights
    standardise: bool = False  # each patch brought to its own mean and contrast
    optimiser: str = "sgd"
    folds: int = 10

    def recipe(self, k: int, count: int) -> Recipe:
        """The recipe for `count` training patches, k of each face; the rate falls after `rate_after` of the iterations, and again."""
        epochs = max(1, round(self.iterations[k] / -(-count // self.batch)))  # every batch is full
        return Recipe(
            epochs,
            batch=self.batch,
            rate=self.rate,
            rate_factor=0.1,
            rate_every=round(self.rate_after * self.iterations[k]),
            weight_decay=self.weight_decay,
            optimiser=self.optimiser,
            patience=self.patience,
        )

    def shape(self, classes: int) -> dict[str, Any]:
        """The arguments of AlexNet for patches of `crop` pixels."""
        same = ("width", "dense", "dropout", "start", "standardise")
        return {"classes": classes, "size": self.crop, **{name: getattr(self, name) for name in same}}

    def network(self, classes: int, seed: int) -> AlexNet:
        """A new AlexNet for patches of `crop` pixels."""
        return seeded(lambda: AlexNet(**self.shape(classes)), seed)  # type: ignore[return-value]

    @property
    def mark(self) -> str:
        """Eight hexadecimal digits that change with any of these numbers."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:8]


QUICK: dict[str, Any] = {"start": "he", "standardise": True, "optimiser": "adam", "weight_decay": 0.0, "dropout": 0.2}
SETUPS = {
    "smoke": Setup(64, 48, 43, 0.06, 16, dict.fromkeys((1, 5, 60), 6), 32, 0.001, 0.75, **QUICK, folds=2),
    "lesson": Setup(96, 56, 51, 0.25, 128, {1: 100, 5: 200, 60: 600}, 128, 0.001, 0.75, **QUICK, folds=5),
    "paper": Setup(224, 256, 227, 1.0, 4096, dict.fromkeys((1, 5, 60), 150_000), 128, 0.01, 1 / 3, patience=10),
}  # the paper gives no size of a batch and no number of iterations; its rate falls every 50 000


@dataclass(frozen=True, eq=False)
class Rows:
    """The faces of one fold, by row number."""

    name: str
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


@dataclass(frozen=True, eq=False)
class Found:
    """What the folds gave for one k: answers by name, and the history of each training (a column `fold`).

    "machine" is the paper's method, "softmax" the network's own answer, its probabilities averaged over the patches.
    """

    answers: dict[str, Answers]
    history: pd.DataFrame


@dataclass
class _Collected:
    names: tuple[str, ...]
    scores: dict[str, np.ndarray] = field(default_factory=dict)
    chosen: dict[str, dict[str, float]] = field(default_factory=dict)

    def add(self, what: str, fold: Rows, found: np.ndarray, C: float | None = None) -> None:
        self.scores[what][fold.test] = found
        if C is not None:
            self.chosen.setdefault(what, {})[fold.name] = C


def rows_of(people: ArrayLike, folds: Iterable[Fold]) -> list[Rows]:
    """Folds of people as row numbers of faces whose persons are `people` `(N,)`; the clips are of one data set."""
    return [
        Rows(fold.name, **{part: np.flatnonzero(rows) for part, rows in parts_of(people, fold).items()})
        for fold in folds
    ]


def leaky_rows(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[Rows]:
    """Folds by image, (train, test) as of `image_folds_leaky`, as rows: everybody is on both sides. Only to show the leak."""
    nobody = np.zeros(0, dtype=int)
    return [Rows(str(number), train, nobody, test) for number, (train, test) in enumerate(pairs, start=1)]


def tested_in(folds: Iterable[Rows], count: int) -> np.ndarray:
    """The name of the fold that tests each of `count` faces, `(count,)`; ValueError for faces that none tests."""
    fold_of = np.full(count, "", dtype=object)
    for fold in folds:
        fold_of[fold.test] = fold.name
    if (fold_of == "").any():
        raise ValueError(f"{(fold_of == '').sum()} of {count} faces are tested in no fold")
    return fold_of.astype(str)


def patch_examples(faces: Prepared, rows: ArrayLike, labels: ArrayLike, k: int, side: int) -> Examples:
    """k patches of each of these faces, as pictures `(n k, 3, side, side)` uint8, each with the label of its face `(N,)`."""
    chosen, codes = np.asarray(rows), torch.as_tensor(np.asarray(labels)[np.asarray(rows)])
    where = boxes(faces.landmarks[chosen], faces.size)[:, list(CHOSEN[k])]
    patches = torch.from_numpy(cut(_pictures(faces)[chosen], where, side)).flatten(0, 1)
    return Examples((patches.permute(0, 3, 1, 2),), codes.repeat_interleave(where.shape[1]))


def train_patches(
    network: AlexNet,
    setup: Setup,
    faces: Prepared,
    labels: ArrayLike,
    fold: Rows,
    k: int,
    *,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    folder: str | Path | None = None,
) -> Trained:
    """The network, trained on k patches of one fold's training faces; kept in `folder` as by `train`.

    `labels` `(N,)` are class indices of all faces. Validation faces, where there are any, choose the epoch.
    """
    examples = patch_examples(faces, fold.train, labels, k, setup.side)
    validation = None
    if len(fold.val):
        whole = patch_examples(faces, fold.val, labels, k, setup.side)
        validation = Examples((centre_crop(whole.inputs[0], setup.crop),), whole.labels)
    return train(
        _Cropped(network, setup.crop),
        setup.recipe(k, len(examples.labels)),
        examples,
        validation,
        seed=seed,
        augment=_Crop(setup.crop),
        device=device,
        precision=precision,
        folder=folder,
        progress=False,
    )


def features_of(
    network: nn.Module, setup: Setup, faces: Prepared, *, device: str = "auto", precision: str = "auto"
) -> Callable[[int], np.ndarray]:
    """The function that gives the feature `(N, dense)` of one patch of every face, for `patch_svm.gram`."""
    alexnet = network.network if isinstance(network, _Cropped) else network
    where, pictures = boxes(faces.landmarks, faces.size), _pictures(faces)

    def of_patch(patch: int) -> np.ndarray:
        pixels = torch.from_numpy(cut(pictures, where[:, [patch]], setup.side)[:, 0]).permute(0, 3, 1, 2)
        return scores(_Features(alexnet), (centre_crop(pixels, setup.crop),), device=device, precision=precision)

    return of_patch


def by_folds(
    setup: Setup,
    faces: Prepared,
    labels: Sequence[str],
    people: ArrayLike,
    folds: Sequence[Rows],
    k: int,
    *,
    names: Iterable[str],
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    folder: str | Path | None = None,
    subsets: Mapping[str, Sequence[int]] | None = None,
) -> Found:
    """Every face's scores from a network and a machine that saw nobody of its fold; see `Found`.

    `people` `(N,)` also make the machine's inner folds. `subsets` names further choices of patches, by their numbers, whose features of
    the same network get a machine of their own. Trainings are kept in `folder`, one folder each.
    """
    known, who = tuple(names), np.asarray(people, dtype=str)
    codes = LabelSet(known).encode(labels)
    parts = {**(subsets or {}), "machine": CHOSEN[k]}
    collected = _Collected(known, {name: np.full((len(codes), len(known)), np.nan) for name in (*parts, "softmax")})
    networks = [setup.network(len(known), mixed(seed, number)) for number in range(len(folds))]
    options = {"device": device, "precision": precision}

    def one(number: int) -> pd.DataFrame:
        fold = folds[number]
        place = Path(folder) / f"k{k}" / fold.name if folder else None
        trained = train_patches(
            networks[number], setup, faces, codes, fold, k, seed=mixed(seed, number), folder=place, **options
        )
        feature = features_of(trained.network, setup, faces, **options)
        votes = _Votes(trained.network.network.top, feature)  # type: ignore[union-attr, arg-type]
        seen = np.concatenate([fold.train, fold.val])
        for name, chosen in parts.items():
            kernel = patch_svm.gram(votes if name == "machine" else feature, chosen)
            fitted = patch_svm.fit(kernel, labels, who, seen, fold.test, names=known, seed=seed)
            collected.add(name, fold, fitted.scores, fitted.C)
        collected.add("softmax", fold, votes.mean[fold.test])
        return trained.history.assign(fold=fold.name)

    histories = list(tqdm(map(one, range(len(folds))), f"k = {k}, folds", len(folds), leave=False))
    return Found(_answers(collected, codes, who, folds), pd.concat(histories, ignore_index=True))


def kept_in(out: str | Path, dataset: str, level: str, seed: int) -> Path:
    """Where a run keeps these trainings, in a folder for each number of classes."""
    return Path(out) / "networks" / "04" / f"{dataset}-{level}-{seed}-{SETUPS[level].mark}"


def keep_network(
    path: str | Path,
    setup: Setup,
    faces: Prepared,
    labels: Sequence[str],
    folds: Sequence[Rows],
    *,
    names: Iterable[str],
    seed: int = 0,
    folder: str | Path | None = None,
    about: str = "",
    **options: str,
) -> Path:
    """Writes the network of 60 patches of the first fold, to be asked about the whole-face patch (`portable.save_network`).

    Where `by_folds` kept its trainings in `folder`, this one is found there, else it is trained.
    """
    known, first = tuple(names), folds[0]
    place = Path(folder) / "k60" / first.name if folder else None
    network, seed = setup.network(len(known), mixed(seed, 0)), mixed(seed, 0)
    codes = LabelSet(known).encode(labels)
    trained = train_patches(network, setup, faces, codes, first, 60, seed=seed, folder=place, **options)
    view = View(setup.crop, "patch", face=setup.face, side=setup.side)
    alexnet = trained.network.network
    return save_network(path, "patch_alexnet", setup.shape(len(known)), alexnet, known, [view], about=about)  # type: ignore[arg-type]


def _answers(collected: _Collected, codes: np.ndarray, who: np.ndarray, folds: Sequence[Rows]) -> dict[str, Answers]:
    fold_of, chosen = tested_in(folds, len(codes)), collected.chosen
    return {
        name: Answers(collected.names, found, codes, who, fold_of, dict(chosen.get(name, {})))
        for name, found in collected.scores.items()
    }


class _Crop:
    """`random_crop` of one size, as an augmentation whose name says that size."""

    def __init__(self, size: int) -> None:
        self.size, self.__qualname__ = size, f"random_crop of {size}"

    def __call__(self, inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
        return random_crop(inputs, generator, self.size)


class _Cropped(nn.Module):
    """A network that takes the middle of larger patches."""

    def __init__(self, network: AlexNet, crop: int) -> None:
        super().__init__()
        self.network, self.crop = network, crop

    def forward(self, patch: Tensor) -> Tensor:
        return self.network(centre_crop(patch, self.crop))


class _Features(nn.Module):
    """A network whose output is its penultimate layer's."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, patch: Tensor) -> Tensor:
        return self.network.features(patch)  # type: ignore[operator]


class _Votes:
    """Passes features on, and adds up the probabilities that the network's top layer gives them."""

    def __init__(self, top: nn.Linear, features: Callable[[int], np.ndarray]) -> None:
        self.top, self.features, self.count, self.total = top, features, 0, np.zeros(())

    def __call__(self, patch: int) -> np.ndarray:
        found = self.features(patch)
        with torch.no_grad():
            self.total = self.total + self.top(torch.from_numpy(found)).softmax(1).numpy()
        self.count += 1
        return found

    @property
    def mean(self) -> np.ndarray:
        return self.total / self.count


def _pictures(faces: Prepared) -> np.ndarray:
    if faces.images is None or faces.images.ndim != 4:
        raise ValueError("patches are cut from aligned colour pictures: prepare the faces with them")
    return faces.images

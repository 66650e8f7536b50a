"""Paper 4's experiment: trained on one set of faces, tested on others; how long each level trains, and the landmarks of each stage.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4. The drawn set `wild` stands for AffectNet: some of its
people train, some choose the epoch, and those of the "test" part are never seen.

    trained = train_dan("lesson", seed=0, folder="build/run/networks/08")
    scores, points = predicted(trained.both, faces_of(clips, trained.both.first.size))
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ferkit import checkpoints
from ferkit.cropped import CLASSES, Faces, faces_of, joined, mirrored
from ferkit.cross_train import said
from ferkit.data.folds import PARTS, Fold, fold_held_out, people
from ferkit.faces.crops import SIDE, UP
from ferkit.loaders import load_clips, load_photographs
from ferkit.models import compared
from ferkit.models import emotionaldan as dan
from ferkit.models.layers import restarted, seeded
from ferkit.portable import save_network
from ferkit.train import Examples, Recipe, Trained, scores, train
from ferkit.views import View

LANDMARKS_ALONE, EMOTION_ALONE = dan.DanLoss(1, 0, mean=True), dan.DanLoss(0, 1, mean=True)
SMALL = ("cnn2", "cnn5", "emotionnet2")  # what EmotionalDAN is compared with at every level
TESTED, VALIDATED = 5, 10  # a fifth of the people is tested, a tenth of the others chooses the epoch


@dataclass(frozen=True)
class Plan:
    """What one level trains: networks for pictures of `size` pixels, and how each of them learns."""

    size: int
    width: float  # of the numbers of maps and of fc1
    dropout: float
    as_paper: tuple[Recipe, Recipe]  # of stage 1 and stage 2; the losses are those of the variant
    as_authors_code: tuple[Recipe, Recipe]
    plain: Recipe  # of the plain networks it is compared with
    residual: Recipe  # of the deeper ones
    plain_width: float = 1.0  # of the plain networks among them
    versions: int = 1  # of each training face beside the one that was found: shaken, every other one in a mirror
    compared: tuple[str, ...] = SMALL

    def recipes(self, variant: str) -> tuple[Recipe, Recipe]:
        """The recipes of both stages with their losses."""
        if variant not in dan.VARIANTS:
            raise ValueError(f"unknown variant {variant!r}; known: {', '.join(dan.VARIANTS)}")
        first, second = getattr(self, variant)
        loss = dan.LOSSES[variant]
        return replace(first, loss=loss if variant == "as_paper" else LANDMARKS_ALONE), replace(second, loss=loss)


def _adam(epochs: int, high: float, half: int, batch: int = 64) -> Recipe:
    """Adam under a triangular rate; the paper names no optimiser."""
    schedule = dan.Triangular(high / 20, high, half)
    return Recipe(epochs, batch=batch, optimiser="adam", weight_decay=0.0, schedule=schedule)


# At `lesson` epochs and rates are ours, found on another drawing of `wild` (seed 1) by its validation people.
_SGD = partial(Recipe, batch=64, weight_decay=0.0, schedule=dan.Triangular())
PLANS = {
    "smoke": Plan(
        32,
        0.125,
        0.0,
        as_paper=(_adam(2, 0.002, 2, 16), _adam(1, 0.002, 2, 16)),
        as_authors_code=(_adam(2, 0.002, 2, 16), _adam(1, 0.002, 2, 16)),
        plain=_adam(1, 0.002, 2, 16),
        residual=_adam(1, 0.002, 2, 16),
        plain_width=0.25,
    ),
    "lesson": Plan(
        48,
        0.25,
        0.0,
        as_paper=(_adam(4, 0.001, 176), _adam(5, 0.001, 220)),
        as_authors_code=(_adam(4, 0.003, 176), _adam(7, 0.012, 308)),
        plain=_adam(8, 0.004, 352),
        residual=_adam(5, 0.002, 220),
        plain_width=0.5,
        versions=3,
    ),
    "paper": Plan(
        224,
        1.0,
        0.5,
        as_paper=(_SGD(60, patience=8), _SGD(60, patience=8)),
        as_authors_code=(
            Recipe(60, batch=64, rate=0.001, optimiser="adam", weight_decay=0.0, patience=8),
            _SGD(60, momentum=0.0, patience=8),
        ),
        plain=_adam(40, 0.001, 5000),
        residual=_adam(40, 0.001, 5000),
        versions=3,
        compared=(*SMALL, "inception"),
    ),
}


# Who is trained on


@lru_cache(maxsize=2)
def wild_fold(level: str, seed: int) -> Fold:
    """Who of the drawn set `wild` trains, chooses the epoch, and is tested."""
    clips = load_clips("wild", level, seed)
    everybody = people(clips)
    tested = everybody[-len(everybody) // TESTED :]
    return fold_held_out(clips, tested, "wild", val_people=max(1, len(everybody) // VALIDATED), seed=seed)


@lru_cache(maxsize=2)
def wild_parts(level: str, seed: int) -> dict[str, Faces]:
    """The faces of each part of `wild_fold`; those that train are followed by their other versions."""
    fold, size = wild_fold(level, seed), PLANS[level].size
    parts = {part: faces_of(getattr(fold, part), size) for part in PARTS}
    for version in range(PLANS[level].versions):
        again = faces_of(fold.train, size, shaken_by=(seed, version))
        parts["train"] = joined(parts["train"], again if version % 2 else mirrored(again))
    return parts


# Training


@dataclass(frozen=True, eq=False)
class TrainedDan:
    """Both stages of one variant, and how each learnt (`histories`: train.Trained's, stage 1 and stage 2)."""

    first: dan.FirstStage
    both: dan.EmotionalDAN
    names: tuple[str, ...]
    histories: tuple[pd.DataFrame, pd.DataFrame]


def train_dan(
    level: str,
    seed: int = 0,
    classes: int = 7,
    variant: str = "as_paper",
    *,
    start: int = 0,
    loss: dan.DanLoss | None = None,
    folder: str | Path | None = None,
    **how: Any,
) -> TrainedDan:
    """EmotionalDAN trained on `wild`, stage by stage. In `folder` both trainings are kept, and found again by the same call.

    Another `start` is another training on the same faces: other first weights, another order. `loss` replaces that of the variant in
    stage 2. `how` goes to `train.train` (device, precision, progress).
    """
    recipes, examples = PLANS[level].recipes(variant), examples_of(level, seed, classes)
    known = (
        classes if variant == "as_paper" else 7
    )  # the authors' stage 1 knows of no class, so it learns from all faces
    first, own = untrained_first(level, seed, known, variant, start), restarted(seed, start)
    one = fit(first, recipes[0], examples_of(level, seed, known), own, folder, f"{variant}-{known}-stage1", **how)
    both = seeded(lambda: dan.EmotionalDAN(one.network, classes), own)  # type: ignore[arg-type]
    second = replace(recipes[1], loss=loss) if loss else recipes[1]
    two = fit(both, second, examples, own, folder, f"{variant}-{classes}-stage2", **how)
    return TrainedDan(one.network, two.network, CLASSES[classes].names, (one.history, two.history))  # type: ignore[arg-type]


def untrained_first(
    level: str, seed: int, classes: int = 7, variant: str = "as_paper", start: int = 0
) -> dan.FirstStage:
    """Stage 1 before training, with the mean shape, mean and deviation of the faces it will be trained on."""
    plan, faces = PLANS[level], wild_parts(level, seed)["train"].named(classes)[0]
    mean, head = torch.from_numpy(faces.points.mean(0)), classes if variant == "as_paper" else 0
    own = restarted(seed, start)
    network = seeded(lambda: dan.FirstStage(head, mean, plan.size, plan.width, variant, plan.dropout), own)
    network.standardise.learn(faces.pictures.float() / 255)  # type: ignore[operator, union-attr]
    return network  # type: ignore[return-value]


def train_compared(
    name: str,
    level: str,
    seed: int = 0,
    classes: int = 7,
    *,
    start: int = 0,
    folder: str | Path | None = None,
    **how: Any,
) -> Trained:
    """One of `Plan.compared` trained on the same faces, for the emotion alone; see `train_dan`."""
    plan, examples = PLANS[level], examples_of(level, seed, classes)
    builders: Mapping[str, Callable[[], nn.Module]] = {
        "cnn2": lambda: compared.cnn2(classes, plan.size, plan.plain_width),
        "cnn5": lambda: compared.cnn5(classes, plan.size, plan.plain_width),
        "emotionnet2": lambda: compared.emotionnet2(classes, plan.size),
        "inception": lambda: compared.inception_v3(classes, plan.size, inception_weights()),
    }
    if name not in builders:
        raise ValueError(f"unknown network {name!r}; known: {', '.join(builders)}")
    own = restarted(seed, start)
    network = seeded(builders[name], own)
    alone = {part: Examples(each.inputs, each.labels[:, -1].long()) for part, each in examples.items()}
    network.standardise.learn(alone["train"].inputs[0].float() / 255)  # type: ignore[operator, union-attr]
    recipe = plan.plain if name in ("cnn2", "cnn5") else plan.residual
    return fit(network, recipe, alone, own, folder, f"{name}-{classes}", **how)


def keep_networks(
    folder: str | Path, level: str, trained: TrainedDan, others: Mapping[str, Trained], about: str = ""
) -> list[Path]:
    """Writes both stages and the networks they are compared with, each as KIND.safetensors in `folder`, for use elsewhere.

    A first stage without an emotion head, the authors', is not written.
    """
    plan, first = PLANS[level], trained.first
    view = View(plan.size, "box", grey=True, margin=(SIDE - 1) / 2, up=UP)
    shape = {"size": plan.size, "width": plan.width, "variant": first.variant, "dropout": plan.dropout}
    count, heads = len(trained.names), len(trained.names) if first.variant == "as_paper" else 0
    kept: dict[str, tuple[dict[str, Any], nn.Module]] = {
        "emotionaldan": ({"classes": count, "first_classes": heads, **shape}, trained.both)
    }
    if heads:
        kept["emotionaldan_stage1"] = ({"classes": heads, **shape}, first)
    for name, one in others.items():
        width = {} if name in ("emotionnet2", "inception") else {"width": plan.plain_width}
        kept[name] = ({"classes": count, "size": plan.size, **width}, one.network)
    return [
        save_network(Path(folder) / f"{kind}.safetensors", kind, arguments, network, trained.names, [view], about=about)
        for kind, (arguments, network) in kept.items()
    ]


def train_and_keep(
    models: str | Path, level: str, seed: int = 0, *, start: int = 0, about: str = "", **how: Any
) -> list[Path]:
    """EmotionalDAN as in the authors' code, which learns more at `lesson`, and SMALL, trained and written by `keep_networks`."""
    trained = train_dan(level, seed, variant="as_authors_code", start=start, **how)
    others = {name: train_compared(name, level, seed, start=start, **how) for name in SMALL}
    return keep_networks(models, level, trained, others, about)


@lru_cache(maxsize=1)
def inception_weights() -> dict[str, Tensor] | None:
    """Inception-V3's weights from ImageNet, or None where they cannot be had: then it starts from random ones."""
    return compared.imagenet_weights()


def examples_of(level: str, seed: int, classes: int) -> dict[str, Examples]:
    """The training and validation examples, labels as of `emotionaldan.labels_of`; three classes are `balanced`."""
    found = {}
    for part in ("train", "val"):
        faces, names = wild_parts(level, seed)[part].named(classes)
        codes = CLASSES[classes].encode(names)
        if part == "train" and classes == 3:  # two thirds of the seven classes' faces are negative
            rows = balanced(codes, seed)
            faces, codes = faces.select(rows), codes[rows]
        found[part] = Examples(
            (faces.pictures,), dan.labels_of(torch.from_numpy(faces.points), torch.from_numpy(codes))
        )
    return found


def balanced(codes: np.ndarray, seed: int) -> np.ndarray:
    """As many rows as there are codes `(N,)`, equally many of each: of frequent ones some are left out, rare ones come again."""
    order = np.random.default_rng(seed).permutation(len(codes))
    kinds = np.unique(codes)
    return np.concatenate([np.resize(order[codes[order] == kind], len(codes) // len(kinds)) for kind in kinds])


def fit(
    network: nn.Module,
    recipe: Recipe,
    examples: Mapping[str, Examples],
    seed: int,
    folder: str | Path | None,
    name: str,
    **how: Any,
) -> Trained:
    """The network trained on `examples`, kept in `folder` under the name and a hash of all it was made from."""
    data = [checkpoints.fingerprint(*each.inputs, each.labels) for each in examples.values()]
    first = checkpoints.fingerprint(*network.state_dict().values())
    words = map(str, [*said(recipe), seed, *data, first, network, how.get("precision")])
    key = hashlib.sha256("\n".join(words).encode()).hexdigest()[:10]
    place = Path(folder) / f"{name}-{key}" if folder else None
    augment = dan.brightness_and_contrast
    return train(network, recipe, examples["train"], examples["val"], seed=seed, augment=augment, folder=place, **how)


# What becomes of stage 2

TRIALS = {  # how the second stage may be trained, in place of the plan's own way
    "SGD, the authors' rate": {"optimiser": "sgd", "momentum": 0.0, "schedule": dan.Triangular()},
    "SGD, 0.001": {"optimiser": "sgd", "momentum": 0.0, "schedule": None, "rate": 0.001},
    "Adam, 0.05": {"optimiser": "adam", "schedule": None, "rate": 0.05},
    "Adam, 0.001": {"optimiser": "adam", "schedule": None, "rate": 0.001},
}


def stage_two_trials(
    first: dan.FirstStage, level: str, seed: int, variant: str, epochs: int, *, folder: str | Path | None, **how: Any
) -> dict[str, Trained | None]:
    """Stage 2 on a trained stage 1 and the unshaken faces, in each way of `TRIALS`; None where the loss became no number."""
    recipe, examples = PLANS[level].recipes(variant)[1], examples_of(level, seed, 7)
    unshaken = len(examples["train"].labels) // (1 + PLANS[level].versions)
    examples["train"] = Examples((examples["train"].inputs[0][:unshaken],), examples["train"].labels[:unshaken])
    found: dict[str, Trained | None] = {}
    for name, changed in TRIALS.items():
        both = seeded(lambda: dan.EmotionalDAN(first, 7), seed)
        own = replace(recipe, epochs=epochs, patience=None, **changed)  # type: ignore[arg-type]
        try:
            found[name] = fit(both, own, examples, seed, folder, f"trial-{variant}", **how)
        except FloatingPointError:
            found[name] = None
    return found


# Measuring


def predicted(network: nn.Module, faces: Faces, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores `(N, K)` (K is 0 without an emotion head) and landmarks `(N, 68, 2)`, in pixels of the crops."""
    outputs = torch.from_numpy(scores(network, (faces.pictures,), **how))
    emotions, points = dan.outputs_of(outputs)
    return emotions.numpy(), points.numpy()


def faces_tested(
    dataset: str, level: str, seed: int, data_root: str | Path | None = None, *, progress: bool = True
) -> dict[str, Faces]:
    """The faces tested: the kept-out people of `wild`, those of `dataset`, and the photographs at hand (`load_photographs`)."""
    size = PLANS[level].size
    found = {"wild": wild_parts(level, seed)["test"]}
    named = {} if dataset == "wild" else {dataset: load_clips(dataset, level, seed, data_root)}
    for name, clips in (named | load_photographs()).items():
        found[name] = faces_of(clips, size, progress=progress)
    return found

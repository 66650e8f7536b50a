"""Paper 4's experiment: trained on one set of faces, tested on others; how long each level trains, and the landmarks of each stage.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4. The drawn set `wild` stands for AffectNet: some of its
people train, some choose the epoch, and those of the "test" part are never seen.

    trained = train_dan("lesson", seed=0, folder="build/run/networks/08")
    scores, points = predicted(trained.both, faces_of(clips, trained.both.first.size))

Convention
- Landmarks are in pixels of the crop (`faces.crops`), errors in distances between the eye centres.
- Three classes are the seven of `labels.to_three`: surprise is left out, in training and in testing.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ferkit import checkpoints
from ferkit.baselines import centred, linear_softmax
from ferkit.data.clips import Clip
from ferkit.data.folds import PARTS, Fold, fold_held_out, people
from ferkit.data.london import read_tem, tem_to_68
from ferkit.data.protocols import stills
from ferkit.faces import align
from ferkit.faces.crops import grey_crops
from ferkit.faces.store import REASONS, prepare
from ferkit.labels import SEVEN, THREE, LabelSet, to_three
from ferkit.landmarks import inter_ocular, mirror
from ferkit.loaders import load_clips, load_photographs
from ferkit.models import compared
from ferkit.models import emotionaldan as dan
from ferkit.models.layers import seeded
from ferkit.train import Examples, Recipe, Trained, scores, train

CLASSES = {7: LabelSet(SEVEN), 3: LabelSet(THREE)}
LANDMARKS_ALONE = dan.DanLoss(1, 0, mean=True)
SAME_POINTS = (36, 39, 42, 45, 48, 54, 51, 57, 30, 33)  # that London's hand-placed points and the 68 define alike
TESTED, VALIDATED = 5, 10  # a fifth of the people is tested, a tenth of the others chooses the epoch


@dataclass(frozen=True)
class Plan:
    """What one level trains: networks for pictures of `size` pixels, and how each of them learns."""

    size: int
    width: float  # of the numbers of maps and of fc1
    dropout: float
    as_paper: tuple[Recipe, Recipe]  # of stage 1 and stage 2; the losses are those of the variant
    as_authors_code: tuple[Recipe, Recipe]
    others: Recipe  # of the networks it is compared with
    plain_width: float = 1.0  # of the plain networks among them
    versions: int = 1  # of each training face beside the one that was found: shaken, every other one in a mirror
    compared: tuple[str, ...] = ("cnn2", "cnn5", "emotionnet2")

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


_SGD = partial(Recipe, batch=64, weight_decay=0.0, schedule=dan.Triangular())
PLANS = {
    "smoke": Plan(
        32,
        0.125,
        0.0,
        as_paper=(_adam(2, 0.002, 2, 16), _adam(1, 0.002, 2, 16)),
        as_authors_code=(_adam(2, 0.002, 2, 16), _adam(1, 0.002, 2, 16)),
        others=_adam(1, 0.002, 2, 16),
        plain_width=0.25,
    ),
    "lesson": Plan(
        48,
        0.25,
        0.1,
        as_paper=(_adam(4, 0.002, 210), _adam(4, 0.002, 210)),
        as_authors_code=(_adam(4, 0.003, 210), _adam(7, 0.003, 368)),
        others=_adam(7, 0.002, 368),
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
        others=_adam(40, 0.001, 5000),
        versions=3,
        compared=("cnn2", "cnn5", "emotionnet2", "inception"),
    ),
}


# Faces


@dataclass(frozen=True, eq=False)
class Faces:
    """Crops of faces with what is known of them, one row each.

    `pictures` `(N, 1, S, S)` uint8; `points` `(N, 68, 2)` the drawn truth, nan where nobody knows; `dlib` `(N, 68, 2)` dlib's, nan
    where it found no face; `matrices` `(N, 2, 3)` from the file's pixels to the crop's; `table` has the columns dataset,
    person, name, emotion, found.
    """

    pictures: Tensor
    points: np.ndarray
    dlib: np.ndarray
    matrices: np.ndarray
    table: pd.DataFrame

    def __len__(self) -> int:
        return len(self.table)

    @property
    def people(self) -> np.ndarray:
        """Who is seen `(N,)`, different in different data sets."""
        return (self.table["dataset"] + "/" + self.table["person"]).to_numpy(dtype=str)

    def select(self, rows: np.ndarray) -> "Faces":
        """The rows where a mask `(N,)` is true, or those listed."""
        rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows)
        parts = self.pictures[torch.from_numpy(rows)], self.points[rows], self.dlib[rows], self.matrices[rows]
        return Faces(*parts, self.table.iloc[rows].reset_index(drop=True))

    def named(self, classes: int) -> tuple["Faces", list[str]]:
        """The faces that have one of 7 or 3 classes, and its name."""
        emotions = self.table["emotion"].tolist()
        names = [(to_three(name) if classes == 3 and name else name) or "" for name in emotions]
        known = np.array([name in CLASSES[classes].names for name in names], dtype=bool)
        return self.select(known), [name for name in names if name in CLASSES[classes].names]


def faces_of(
    clips: Sequence[Clip], size: int, *, shaken_by: Sequence[int] | None = None, progress: bool = True
) -> Faces:
    """The faces in pictures, and in sequences their stills (`protocols.stills`), as grey crops of `size` pixels; see `grey_crops`.

    Where no face is found the crop is the whole picture; unreadable files are left out. ValueError without any.
    """
    clips = stills(clips)
    prepared = prepare(clips, 64, keep_images=False, progress=progress)
    rows = np.flatnonzero(prepared.table["reason"].isin(REASONS[:3]))
    if not len(rows):
        raise ValueError(f"none of {len(clips)} pictures can be read")
    prepared, clips = prepared.select(rows), [clips[row] for row in rows]
    pictures, matrices = grey_crops(prepared, size, shaken_by=shaken_by)
    truth = np.stack([_truth(clip) for clip in clips])
    points = align.apply(matrices, truth).astype(np.float32)
    dlib = align.apply(matrices, prepared.original).astype(np.float32)
    table = prepared.table[["dataset", "person", "name", "emotion", "found"]]
    return Faces(torch.from_numpy(pictures[:, None]), points, dlib, matrices, table)


def mirrored(faces: Faces) -> Faces:
    """The same faces in a mirror; their matrices stay those of the unmirrored crops."""
    size = faces.pictures.shape[-1]
    points, dlib = (mirror(each, size).astype(np.float32) for each in (faces.points, faces.dlib))
    return replace(faces, pictures=faces.pictures.flip(3), points=points, dlib=dlib)


def _truth(clip: Clip) -> np.ndarray:
    return np.asarray(clip.extra.get("landmarks", np.full((1, 68, 2), np.nan))[0], dtype=float)


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
        parts["train"] = _joined(parts["train"], again if version % 2 else mirrored(again))
    return parts


def _joined(a: Faces, b: Faces) -> Faces:
    points, dlib, matrices = (np.concatenate([getattr(a, k), getattr(b, k)]) for k in ("points", "dlib", "matrices"))
    table = pd.concat([a.table, b.table], ignore_index=True)
    return Faces(torch.cat([a.pictures, b.pictures]), points, dlib, matrices, table)


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
    folder: str | Path | None = None,
    **how: Any,
) -> TrainedDan:
    """EmotionalDAN trained on `wild`, stage by stage. In `folder` both trainings are kept, and found again by the same call.

    `how` goes to `train.train` (device, precision, progress).
    """
    recipes, examples = PLANS[level].recipes(variant), examples_of(level, seed, classes)
    known = (
        classes if variant == "as_paper" else 7
    )  # the authors' stage 1 knows of no class, so it learns from all faces
    first = untrained_first(level, seed, known, variant)
    one = fit(first, recipes[0], examples_of(level, seed, known), seed, folder, f"{variant}-{known}-stage1", **how)
    both = seeded(lambda: dan.EmotionalDAN(one.network, classes), seed)  # type: ignore[arg-type]
    two = fit(both, recipes[1], examples, seed, folder, f"{variant}-{classes}-stage2", **how)
    return TrainedDan(one.network, two.network, CLASSES[classes].names, (one.history, two.history))  # type: ignore[arg-type]


def untrained_first(level: str, seed: int, classes: int = 7, variant: str = "as_paper") -> dan.FirstStage:
    """Stage 1 before training, with the mean shape, mean and deviation of the faces it will be trained on."""
    plan, faces = PLANS[level], wild_parts(level, seed)["train"].named(classes)[0]
    mean, head = torch.from_numpy(faces.points.mean(0)), classes if variant == "as_paper" else 0
    network = seeded(lambda: dan.FirstStage(head, mean, plan.size, plan.width, variant, plan.dropout), seed)
    network.standardise.learn(faces.pictures.float() / 255)  # type: ignore[operator, union-attr]
    return network  # type: ignore[return-value]


def train_compared(
    name: str, level: str, seed: int = 0, classes: int = 7, *, folder: str | Path | None = None, **how: Any
) -> Trained:
    """One of `Plan.compared` trained on the same faces, for the emotion alone; see `train_dan`."""
    plan, examples = PLANS[level], examples_of(level, seed, classes)
    builders: Mapping[str, Callable[[], nn.Module]] = {
        "cnn2": lambda: compared.cnn2(classes, plan.size, plan.plain_width),
        "cnn5": lambda: compared.cnn5(classes, plan.size, plan.plain_width),
        "emotionnet2": lambda: compared.emotionnet2(classes, plan.size),
        "inception": lambda: compared.inception_v3(classes, plan.size, compared.imagenet_weights()),
    }
    if name not in builders:
        raise ValueError(f"unknown network {name!r}; known: {', '.join(builders)}")
    network = seeded(builders[name], seed)
    alone = {part: Examples(each.inputs, each.labels[:, -1].long()) for part, each in examples.items()}
    network.standardise.learn(alone["train"].inputs[0].float() / 255)  # type: ignore[operator, union-attr]
    return fit(network, plan.others, alone, seed, folder, f"{name}-{classes}", **how)


def examples_of(level: str, seed: int, classes: int) -> dict[str, Examples]:
    """The training and validation examples, labels as of `emotionaldan.labels_of`."""
    found = {}
    for part in ("train", "val"):
        faces, names = wild_parts(level, seed)[part].named(classes)
        codes = torch.from_numpy(CLASSES[classes].encode(names))
        found[part] = Examples((faces.pictures,), dan.labels_of(torch.from_numpy(faces.points), codes))
    return found


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
    words = map(str, [recipe, seed, *data, first, network, how.get("precision")])
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
) -> pd.DataFrame:
    """Stage 2 on a trained stage 1 and the unshaken faces, in each way of `TRIALS`: name, epoch, iteration, val_loss, train_loss, error.

    `error` is the landmark error on the validation faces after the last epoch. A training whose loss is no longer a number
    has one row, of nan.
    """
    recipe, examples = PLANS[level].recipes(variant)[1], examples_of(level, seed, 7)
    unshaken = len(examples["train"].labels) // (1 + PLANS[level].versions)
    examples["train"] = Examples((examples["train"].inputs[0][:unshaken],), examples["train"].labels[:unshaken])
    validation, found = wild_parts(level, seed)["val"], []
    for name, changed in TRIALS.items():
        both = seeded(lambda: dan.EmotionalDAN(first, 7), seed)
        own = replace(recipe, epochs=epochs, patience=None, **changed)  # type: ignore[arg-type]
        try:
            one = fit(both, own, examples, seed, folder, f"trial-{variant}", **how)
        except FloatingPointError:
            found.append(pd.DataFrame({"name": [name], "epoch": [1], "val_loss": [np.nan], "error": [np.nan]}))
            continue
        error = errors(predicted(one.network, validation)[1], validation.points).mean()
        found.append(one.history.assign(name=name, error=error))
    return pd.concat(found, ignore_index=True)


# Measuring


def predicted(network: nn.Module, faces: Faces, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """Scores `(N, K)` (K is 0 without an emotion head) and landmarks `(N, 68, 2)`, in pixels of the crops."""
    outputs = torch.from_numpy(scores(network, (faces.pictures,), **how))
    emotions, points = dan.outputs_of(outputs)
    return emotions.numpy(), points.numpy()


def errors(points: np.ndarray, truth: np.ndarray, which: Sequence[int] = range(68)) -> np.ndarray:
    """The mean distance of some landmarks from the truth `(N, 68, 2)`, over the distance of its eye centres, `(N,)`."""
    return np.linalg.norm(points - truth, axis=2)[:, list(which)].mean(1) / inter_ocular(truth)


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


def hand_placed(faces: Faces, clips: Sequence[Clip]) -> np.ndarray:
    """London's hand-placed points as the 68 `(N, 68, 2)`, in pixels of the crops; nan where a face has none."""
    files = {clip.name: clip.landmarks for clip in clips}
    points = np.full((len(faces), 68, 2), np.nan)
    for row, name in enumerate(faces.table["name"]):
        if file := files.get(name):
            points[row] = align.apply(faces.matrices[row], tem_to_68(read_tem(file)))
    return points


def landmark_classifier(points: np.ndarray, emotions: Sequence[str]) -> Callable[[np.ndarray], np.ndarray]:
    """What tells emotions from landmarks `(N, 68, 2)` alone, linearly, laid on their mean shape; faces without landmarks are left out."""
    known = np.isfinite(points).all((1, 2))
    mean = points[known].mean(0)
    model = linear_softmax(C=0.01).fit(centred(points[known], mean), np.asarray(emotions)[known])
    return lambda others: model.predict(centred(others, mean))

"""Notebook 04's comparisons: numbers of patches, training against features, and leaky folds.

C. Zhang et al. 2017, tables 2 to 4. The leak is ours: folds by image put one person's pictures on
both sides.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit.core.labels import EMOTIONS
from ferkit.data.folds import image_folds_leaky
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import SETS, Size
from ferkit.evaluation.predictions import Predictions
from ferkit.papers.i2cnn import textures
from ferkit.papers.i2cnn.data import FoldRows, leaky_rows, tested_fold
from ferkit.papers.i2cnn.experiment import PatchResult, train_by_folds
from ferkit.papers.i2cnn.patches import PATCHES_OF_K
from ferkit.papers.i2cnn.plans import Plan
from ferkit.papers.i2cnn.task import PatchTask, make_task

SEPARATE = "separate pictures"
SEQUENCE_ENDS = "last three frames of sequences"
BY_PERSON = "folds by person"
BY_IMAGE = "folds by image"
_SEQUENCE_PEOPLE = {"smoke": 12, "lesson": 20, "study": 20, "paper": 20}
LEAK_ITERATIONS = 10_000  # at most: folds by image leave no people who stop the training
# Of the network that was trained on all 60.
_FEWER_FEATURES = {"1 patch": PATCHES_OF_K[1], "5 patches": PATCHES_OF_K[5]}


@dataclass(frozen=True, eq=False)
class Comparison:
    """What all methods predict of the same held-out people.

    `methods` are the SVMs "k1", "k5" and "k60", "cnn" (the softmax of the network for k = 1), "lbp"
    and "gabor". `steps` lead from one patch to 60: (patches in training, patches the SVM gets).
    `softmax` is the mean of the 60 softmax outputs; `trainings` are the trainings by k.
    """

    methods: dict[str, Predictions]
    steps: dict[tuple[int, int], Predictions]
    softmax: Predictions
    trainings: dict[int, PatchResult]


def compare_methods(
    plan: Plan,
    task: PatchTask,
    *,
    folder: Path,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
) -> Comparison:
    """Train on 1, 5 and 60 patches by folds, and SVMs on textures of the whole face."""
    trainings = {}
    for k in (1, 5, 60):
        trainings[k] = train_by_folds(
            plan,
            task.faces,
            task.labels,
            task.people,
            task.rows,
            k,
            names=task.names,
            seed=seed,
            device=device,
            precision=precision,
            folder=folder,
            subsets=_FEWER_FEATURES if k == 60 else {},
        )
    methods = {f"k{k}": result.predictions["svm"] for k, result in trainings.items()}
    methods["cnn"] = trainings[1].predictions["softmax"]
    methods |= textures.cross_validate_textures(
        task.images, task.labels, task.people, task.tested, names=task.names
    )
    of_60 = trainings[60].predictions
    steps = {
        (1, 1): methods["k1"],
        (60, 1): of_60["1 patch"],
        (60, 5): of_60["5 patches"],
        (60, 60): methods["k60"],
    }
    return Comparison(methods, steps, of_60["softmax"], trainings)


def draw_sequences(plan: Plan, level: str, seed: int = 0) -> PatchTask:
    """Draw a few sequences and take from each, as from CK+, the first and the last three frames."""
    size = Size(_SEQUENCE_PEOPLE[level], 1, 12)
    few = replace(SETS["sequences"], name="few-sequences", levels={level: size})
    clips = read_drawn(draw_set(few, level, seed), dataset="sequences")
    return make_task(plan, clips, plan.folds, seed=seed)


def compare_folds(
    plan: Plan,
    tasks: Mapping[str, PatchTask],
    *,
    folder: Path,
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
) -> dict[tuple[str, str, str], Predictions]:
    """Predict the faces of each task by folds of people and by leaky folds of images.

    The keys are the name of the task, the method ("k1", "lbp" or "gabor") and BY_PERSON or
    BY_IMAGE. Folds by image have no validation people.
    """
    short = replace(plan, iterations={1: min(plan.iterations[1], LEAK_ITERATIONS)})
    predictions = {}
    for place, task in tasks.items():
        pictures = task.faces.table["name"].to_numpy(dtype=str)
        by_image = image_folds_leaky(list(pictures), len(task.folds), seed)
        # By image, every picture counts as if it were of somebody else.
        kinds = ((BY_PERSON, task.rows, task.people), (BY_IMAGE, leaky_rows(by_image), pictures))
        for kind, rows, groups in kinds:
            whole_face = train_by_folds(
                short,
                task.faces,
                task.labels,
                groups,
                rows,
                1,
                names=task.names,
                seed=seed,
                device=device,
                precision=precision,
                folder=folder / "leak" / place / kind.removeprefix("folds by "),
            )
            predictions[place, "k1", kind] = whole_face.predictions["svm"]
            for name, result in _predict_textures(task, rows, groups).items():
                predictions[place, name, kind] = result
    return predictions


def _predict_textures(
    task: PatchTask, rows: list[FoldRows], groups: np.ndarray
) -> dict[str, Predictions]:
    tested = tested_fold(rows, len(task.labels))
    return textures.cross_validate_textures(
        task.images, task.labels, groups, tested, names=task.names
    )


def loss_table(comparison: Comparison) -> pd.DataFrame:
    """Tabulate each k's training loss in its first and last epoch, averaged over folds.

    Columns first, last and chance, the loss of equal probabilities for all classes.
    """
    rows = {}
    for k, result in comparison.trainings.items():
        losses = result.history.groupby("fold")["train_loss"].agg(["first", "last"]).mean()
        classes = len(result.predictions["svm"].names)
        rows[k] = {**losses, "chance": np.log(classes)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("k")


def basic_classes(task: PatchTask) -> list[list[str]]:
    """List the sets of classes of the paper: all that are shown, and those without neutral."""
    shown = [name for name in EMOTIONS if name in task.names]
    return [shown, [name for name in shown if name != "neutral"]] if "neutral" in shown else [shown]

"""One restart of paper 2's comparison: k = 1, 5 and 60 patches in equally many steps.

Data "posed" stands for JAFFE, "sequences" for CK+. On "identity spread" the faces of `posed` are
drawn again with people who differ more than usual, and what 60 patches gain over one is compared
between the two.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from PIL import Image

from ferkit.core.files import write_whole
from ferkit.data.clip import Clip
from ferkit.drawn.draw_sets import set_fingerprint
from ferkit.evaluation.predictions import Predictions, sample_rows
from ferkit.explain.drawn_faces import redraw_peak_frames
from ferkit.faces.load import load_clips
from ferkit.papers.i2cnn import textures
from ferkit.papers.i2cnn.experiment import PatchResult, train_by_folds, training_folder
from ferkit.papers.i2cnn.plans import PLANS, Plan
from ferkit.papers.i2cnn.task import PatchTask, make_task
from ferkit.training.linear import hog_ridge
from ferkit.training.seeds import restart_seed
from ferkit.training.spec import Restart, training_rows

WIDE = 2.0  # times the usual differences of shape between people


def restart_patches(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
    """Train and test all methods from the first weights of one restart.

    `options` go to `train_by_folds`. Trainings are kept under `out`.
    """
    options.pop("progress", None)
    options["seed"] = restart_seed(seed, start)
    plan = PLANS[level]
    posed = load_clips("posed", level, seed)
    tasks = {"posed": make_task(plan, posed, plan.folds, seed=seed)}
    if plan.sequence_folds:
        sequences = load_clips("sequences", level, seed)
        tasks["sequences"] = make_task(plan, sequences, plan.sequence_folds, seed=seed)
    folder = training_folder(out, "study", level, seed) / f"start-{start}"
    wide = draw_spread(posed, level, seed, WIDE, Path(out) / "identity_spread")
    tasks["wide"] = make_task(plan, wide, plan.folds, seed=seed)
    predictions = []
    trainings = []
    svms: dict[tuple[str, int], Predictions] = {}
    for data, task in tasks.items():
        ks = (1, 60) if data == "wide" else (1, 5, 60)
        results = train_methods(plan, task, ks, folder=folder / data, **options)
        svms |= {(data, k): result.predictions["svm"] for k, result in results.items()}
        methods = {f"k{k}": svms[data, k] for k in ks}
        methods["cnn"] = results[1].predictions["softmax"]
        methods |= texture_methods(task)
        for method, result in methods.items():
            predictions.append(sample_rows(data, method, start, result.correct(), task.people))
        if data == "sequences":
            compared = {name: methods[name] for name in ("k60", "lbp")}
            predictions += expression_rows(data, start, compared, task)
        for k, one in results.items():
            trainings.append(training_rows(data, f"k{k}", start, one.trained))
    predictions += tabulate_gains(svms, tasks, start)
    return Restart(
        pd.concat(predictions, ignore_index=True), pd.concat(trainings, ignore_index=True)
    )


def expression_rows(
    data: str, start: int, methods: Mapping[str, Predictions], task: PatchTask
) -> list[pd.DataFrame]:
    """Tabulate which faces of each emotion alone the methods have right."""
    rows = []
    for emotion in task.names:
        shown = np.array(task.labels) == emotion
        for method, result in methods.items():
            correct = result.correct()[shown]
            rows.append(
                sample_rows(f"{data}/{emotion}", method, start, correct, task.people[shown])
            )
    return rows


def tabulate_gains(
    svms: Mapping[tuple[str, int], Predictions], tasks: Mapping[str, PatchTask], start: int
) -> list[pd.DataFrame]:
    """Tabulate what 60 patches gain over one (1, 0 or -1) on each face, with both spreads.

    Faces that were not found with both spreads are left out.
    """
    gains = {}
    for data in ("posed", "wide"):
        correct = {k: svms[data, k].correct().astype(int) for k in (1, 60)}
        names = tasks[data].faces.table["name"].to_numpy()
        gains[f"gain, {data}"] = pd.Series(correct[60] - correct[1], index=names)
    together = pd.DataFrame(gains).dropna()
    posed = tasks["posed"]
    person = dict(zip(posed.faces.table["name"], posed.people, strict=True))
    shown = [person[name] for name in together.index]
    return [sample_rows("identity spread", name, start, together[name], shown) for name in together]


def train_methods(
    plan: Plan, task: PatchTask, ks: Iterable[int], *, folder: Path, **options: Any
) -> dict[int, PatchResult]:
    """Train a network and an SVM in each fold, for each k."""
    arguments = (plan, task.faces, task.labels, task.people, task.rows)
    return {
        k: train_by_folds(*arguments, k, names=task.names, folder=folder, **options) for k in ks
    }


def texture_methods(task: PatchTask) -> dict[str, Predictions]:
    """Predict by LBP, Gabor and HOG features of the whole face, in the same folds."""
    methods = textures.cross_validate_textures(
        task.images, task.labels, task.people, task.tested, names=task.names
    )
    grey = np.stack([cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in task.images])
    methods["hog"] = hog_ridge(grey, task.labels, task.people, task.folds, names=task.names)
    return methods


def draw_spread(
    clips: Sequence[Clip], level: str, seed: int, spread: float, folder: Path
) -> list[Clip]:
    """Draw stills again with people of another spread; return their clips.

    Pictures that are in `folder` already are not drawn again.
    """
    folder = folder / f"{spread:g}-{set_fingerprint(clips[0].dataset, level, seed)}"
    files = [folder / f"{clip.name}.png" for clip in clips]
    missing = [row for row, file in enumerate(files) if not file.is_file()]
    todo = [clips[row] for row in missing]
    frames = redraw_peak_frames(todo, level, seed, spread=spread)
    for row, frame in zip(missing, frames, strict=True):
        write_whole(files[row], Image.fromarray(frame.image).save)
    return [replace(clip, frames=(file,)) for clip, file in zip(clips, files, strict=True)]

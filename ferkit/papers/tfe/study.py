"""Paper 5's studies: joint learning and its controls, trained several times.

M. Li et al. 2021, section 4.5. Data "sequences" are the pictures of notebook 07, "wider identities"
the same with people whose faces lie SPREAD times as far from the mean face.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, tested_clips
from ferkit.evaluation.predictions import Predictions, sample_rows
from ferkit.faces.load import load_clips
from ferkit.papers.tfe.data import TandemFaces, cut_faces, expression_folds, spread_faces
from ferkit.papers.tfe.experiment import fit_identity_svm, train_emotion
from ferkit.papers.tfe.identity import identity_faces, load_identities, train_identity
from ferkit.papers.tfe.neutral import load_neutral_shapes, train_neutral
from ferkit.papers.tfe.plans import Plan, plan_for
from ferkit.training.by_folds import CrossTrained
from ferkit.training.linear import hog_ridge
from ferkit.training.recipe import Trained
from ferkit.training.seeds import restart_seed
from ferkit.training.spec import Restart, training_rows

SPREAD = 2.0


def restart_on_drawn(level: str, seed: int, start: int, folder: Path, **options: Any) -> Restart:
    """Train all networks of paper 5 from restart number `start`.

    The predictions tell which faces each method has right; those of the data "validation" are the
    highest accuracies on each fold's validation people, at which joint learning arrives in fewer
    epochs than the ResNet (figure 5).
    """
    options |= {"seed": restart_seed(seed, start), "folder": folder}
    task = _make_task(level, seed, options)
    faces = cut_faces(task.shown, task.plan.size)
    results = task.train(faces, ("joint", "untrained", "neutral", "longer"))
    svm = fit_identity_svm(task.identity.network, faces, task.folds)
    rows = _method_rows("sequences", start, faces, task.folds, results, svm=svm)
    rows += [_validation_rows(name, start, results[name]) for name in ("resnet", "joint")]
    trainings = [
        training_rows("identities", "deepid", start, [task.identity]),
        training_rows("identities", "neutral", start, [task.neutral]),
        *(training_rows("sequences", name, start, one.trained) for name, one in results.items()),
    ]
    return Restart(pd.concat(rows, ignore_index=True), pd.concat(trainings, ignore_index=True))


def restart_on_wider(level: str, seed: int, start: int, folder: Path, **options: Any) -> Restart:
    """Train joint learning with each identity network on people who differ more.

    The identity networks are those of `restart_on_drawn`.
    """
    options |= {"seed": restart_seed(seed, start), "folder": folder}
    task = _make_task(level, seed, options)
    faces = spread_faces(task.shown, task.clips, task.plan.size, level, seed, SPREAD)
    results = task.train(faces, ("joint", "untrained", "neutral"))
    data = "wider identities"
    rows = _method_rows(data, start, faces, task.folds, results)
    trainings = [training_rows(data, name, start, one.trained) for name, one in results.items()]
    return Restart(pd.concat(rows, ignore_index=True), pd.concat(trainings, ignore_index=True))


@dataclass(frozen=True, eq=False)
class _Task:
    """The pictures, folds and identity networks of a restart."""

    plan: Plan
    clips: list[Clip]
    shown: list[Clip]
    folds: list[Fold]
    identity: Trained
    neutral: Trained
    options: Mapping[str, Any]

    def train(self, faces: TandemFaces, phases: Sequence[str]) -> dict[str, CrossTrained]:
        """Train the emotion network and the second phases."""
        return train_emotion(
            self.plan,
            self.identity.network,
            faces,
            self.folds,
            phases,
            neutral=self.neutral.network,
            **self.options,
        )


def _make_task(level: str, seed: int, options: Mapping[str, Any]) -> _Task:
    """Load pictures and train the identity networks; `seed` is that of the drawn faces."""
    plan = plan_for(level, "sequences")
    people = identity_faces(load_identities("identities", level, seed), seed)
    shapes = load_neutral_shapes(level, seed)
    clips = load_clips("sequences", level, seed)
    folds = expression_folds(clips, plan.folds, seed)
    return _Task(
        plan,
        clips,
        tested_clips(folds),
        folds,
        train_identity(plan.identity, people, **options),
        train_neutral(plan.identity, people, shapes, **options),
        options,
    )


def _method_rows(
    data: str,
    start: int,
    faces: TandemFaces,
    folds: list[Fold],
    results: Mapping[str, CrossTrained],
    **others: Predictions,
) -> list[pd.DataFrame]:
    """Tabulate which faces each method has right, HOG with a ridge classifier among them."""
    methods = {name: one.predictions(faces.classes) for name, one in results.items()}
    methods |= {**others, "hog": predict_faces_by_hog(faces, folds)}
    rows = []
    for name, predictions in methods.items():
        rows.append(sample_rows(data, name, start, predictions.correct(), predictions.people))
    return rows


def predict_faces_by_hog(faces: TandemFaces, folds: list[Fold]) -> Predictions:
    """Predict by a ridge classifier on HOG features of the emotion network's pictures, in grey."""
    grey = faces.picture.float().mean(1).round().to(torch.uint8)
    return hog_ridge(grey, faces.emotion.tolist(), faces.people, folds, names=faces.classes)


def _validation_rows(method: str, start: int, result: CrossTrained) -> pd.DataFrame:
    best = result.history.groupby("fold", sort=False)["val_accuracy"].max()
    return sample_rows("validation", method, start, best.to_numpy(), np.array(best.index))

"""One restart of paper 1's comparison: networks, and the linear classifiers beside them.

The networks and the classifiers of data "stills" predict the same test people. Raw landmarks and
residuals, which need no network, are also compared on everybody ("stills, five folds"): there each
restart draws other folds.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferkit.core.labels import COMPOUND
from ferkit.core.landmarks import flatten, mean_face_residuals, person_residuals
from ferkit.data.folds import Fold
from ferkit.evaluation.predictions import Predictions, sample_rows
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.papers.multimodal.comparisons import (
    accuracy_gap,
    other_dropout,
    train_briefly,
    train_by_emotion,
    train_other_dropout,
)
from ferkit.papers.multimodal.data import CompoundFaces, compound_faces
from ferkit.papers.multimodal.experiment import train_designs
from ferkit.papers.multimodal.plans import PLANS, Plan
from ferkit.training import linear
from ferkit.training.by_folds import CrossTrained, part_rows
from ferkit.training.seeds import restart_seed
from ferkit.training.spec import Restart, training_rows

_ALIGNED = 224  # pixels of the faces in which landmarks are found
_LINEAR_FOLDS = 5
_USUAL_RATE = 0.001  # of SGD with the hinge loss: with the paper's half two epochs learn little
_METHODS = {
    "pictures alone": "alexnet",
    "both, hinge": "both_hinge",
    "both, cross-entropy": "both_cross_entropy",
    "two networks": "two_networks",
    "two heads": "two_heads",
}


def restart_branches(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
    """Train and test all methods from the first weights of one restart.

    `options` go to `cross_train`. Trainings are kept under `out`.
    """
    plan = PLANS[level]
    clips = load_clips("stills", level, seed)
    faces = compound_faces(prepare(clips, _ALIGNED), plan.size)
    folds = plan.make_folds(clips, seed)
    new_seed = restart_seed(seed, start)
    folder = Path(out) / "networks" / "multimodal"
    options |= {"seed": new_seed, "folder": folder}
    designs = train_designs(plan, faces, folds, **options)
    designs |= train_by_emotion(plan, faces, folds, **options)
    predictions = linear_methods(faces, folds)
    trainings = []
    for name, method in _METHODS.items():
        predictions[method] = designs[name].predictions(COMPOUND.names)
        trainings.append(training_rows("stills", method, start, designs[name].trained))
    rows = _tabulate("stills", start, predictions, ks=(1, 5))
    rows += _tabulate("stills, five folds", start, landmark_methods(faces, new_seed), ks=(1,))
    rows += _chance_of_five(predictions["hog"], start)
    rows += rate_rows(plan, faces, folds, start, **options)
    other = train_other_dropout(plan, faces, folds, **options)
    for dropout, trained in ((plan.dropout, designs["both, hinge"]), (other_dropout(plan), other)):
        rows.append(gap_rows(faces, folds[0], start, dropout, trained))
    trainings.append(training_rows("stills", "other_dropout", start, other.trained))
    return Restart(pd.concat(rows, ignore_index=True), pd.concat(trainings, ignore_index=True))


def _chance_of_five(tested: Predictions, start: int) -> list[pd.DataFrame]:
    """Tabulate five guesses in the dark, for the people whom others are tested on."""
    chance = np.full(len(tested.truth), 5 / len(tested.names))
    return [sample_rows("stills, top 5", "chance", start, chance, tested.people)]


def gap_rows(
    faces: CompoundFaces, fold: Fold, start: int, dropout: float, trained: CrossTrained
) -> pd.DataFrame:
    """Tabulate by how much test people fall behind training people, at one dropout."""
    gap = accuracy_gap(trained, faces, fold)
    people = faces.people[part_rows(faces.people, fold)["test"]]
    return sample_rows("stills/gap", f"dropout {dropout}", start, gap, people)


def rate_rows(
    plan: Plan, faces: CompoundFaces, folds: list[Fold], start: int, **options: Any
) -> list[pd.DataFrame]:
    """Tabulate top-1 after two epochs of both branches by SGD, at a usual rate and a higher one.

    A training whose loss is no longer a number is right about one picture in fifty: chance.
    """
    tested = part_rows(faces.people, folds[0])["test"]
    rows = []
    for name, factor in (("usual rate", 1), ("ten times the rate", 10)):
        try:
            trained = train_briefly(plan, faces, folds, factor * _USUAL_RATE, **options)
            correct = trained.predictions(COMPOUND.names).correct().astype(np.float64)
        except FloatingPointError:
            correct = np.full(tested.sum(), 1 / len(COMPOUND.names))
        rows.append(sample_rows("stills/rate", name, start, correct, faces.people[tested]))
    return rows


def linear_methods(faces: CompoundFaces, folds: list[Fold]) -> dict[str, Predictions]:
    """Predict the folds' test people without a network; validation people are trained on."""
    grey = faces.pictures.float().mean(1).round().byte().numpy()
    names = COMPOUND.names
    hog = linear.hog_ridge(grey, faces.labels, faces.people, folds, names=names)
    tested = linear.listed_folds(faces.people, folds, all_tested=False)
    task = (faces.labels, faces.people, tested)
    residuals = faces.residuals.numpy()
    softmax = {"classifier": linear.linear_softmax, "C": 0.01}
    return {
        "hog": hog,
        "svm_raw": linear.cross_validate(flatten(faces.landmarks), *task, names=names),
        "svm_residual": linear.cross_validate(residuals, *task, names=names),
        "softmax_residual": linear.cross_validate(residuals, *task, names=names, **softmax),
    }


def landmark_methods(faces: CompoundFaces, seed: int) -> dict[str, Predictions]:
    """Predict everybody by a linear SVM on landmarks, in random folds of people.

    "svm_residual_aligned" aligns all 68 points to the mean face before the residual is taken, where
    the paper aligns two points (section IV-B).
    """
    aligned = mean_face_residuals(faces.landmarks, faces.landmarks.mean(0)).reshape(-1, 68, 2)
    features = {
        "svm_raw": flatten(faces.landmarks),
        "svm_residual": faces.residuals.numpy(),
        "svm_residual_aligned": person_residuals(aligned, faces.people),
    }
    count = min(_LINEAR_FOLDS, len(set(faces.people)))
    tested = linear.random_folds(faces.people, count, seed)
    return {
        name: linear.cross_validate(values, faces.labels, faces.people, tested)
        for name, values in features.items()
    }


def _tabulate(
    data: str, start: int, predictions: dict[str, Predictions], ks: Iterable[int]
) -> list[pd.DataFrame]:
    """Tabulate top-k for each method; k above 1 is named in the data."""
    tables = []
    for k in ks:
        name = data if k == 1 else f"{data}, top {k}"
        for method, result in predictions.items():
            correct = result.correct(k).astype(np.float64)
            tables.append(sample_rows(name, method, start, correct, result.people))
    return tables

"""Test landmark classifiers on given faces and on photographs: within each set, and across sets.

Across sets, the models have learnt from drawn faces only (`predict.train`). The figures are those
of notebook 02.
"""

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from ferkit.core.labels import SEVEN
from ferkit.core.landmarks import flatten, person_residuals
from ferkit.evaluation import scores
from ferkit.evaluation.calibration import calibration_error
from ferkit.faces.prepared import Prepared
from ferkit.papers.multimodal.landmark_svm import GROUPS, RAW, RESIDUAL, LandmarkFaces
from ferkit.predict import train
from ferkit.predict.face_model import FaceModel
from ferkit.predict.shipped import load_model
from ferkit.training import linear
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.studies import predictor
from ferkit.workbook.words import say

_TRAINED_ON = "portraits"
_NOISY = "press"  # its labels are noisy
# Notebooks 02 and 11 read the same people, who are drawn once.
LESSON_PEOPLE = 60
_MODEL_INPUTS = {"single": RAW, "residual": RESIDUAL}
_SHIPPED = "shipped"
_CHOICES = {"open": "of all seven emotions", "present": "of those it shows"}


def find_photographs(data_root: str) -> dict[str, Prepared]:
    """Prepare the development photographs that are there, without those that show no face."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*have no prepared face.*")
        return predictor.development_faces(data_root)


def tested_faces(
    faces: LandmarkFaces, dataset: str, development: Mapping[str, Prepared]
) -> dict[str, Prepared]:
    """Collect what models of drawn faces are tested on: this data set, and photographs.

    `development` are as of `predictor.development_faces`; `press` is left out. Of this data set,
    faces of one of SEVEN emotions take part; `portraits` does not, since it trains the models.
    """
    photographs = {name: found for name, found in development.items() if name != _NOISY}
    is_seven = np.isin(faces.classes, SEVEN)
    if dataset == _TRAINED_ON or dataset in photographs or not is_seven.any():
        return photographs
    return {dataset: faces.prepared.select(is_seven), **photographs}


def within_metrics(
    tested: Mapping[str, Prepared], dataset: str, folds: int, *, seed: int
) -> dict[str, Any]:
    """Measure raw landmarks and residuals within each set but `dataset`, in folds of people.

    People of whom a face was found in one picture alone have no residual and are left out.
    """
    metrics = {}
    for data, everybody in tested.items():
        if data == dataset:
            continue
        pictures = everybody.table.groupby("person")["person"].transform("size")
        found = everybody.select((pictures > 1).to_numpy())
        people = found.table["person"].to_numpy(dtype=str)
        emotions = found.table["emotion"].tolist()
        features = {
            RAW: flatten(found.landmarks),
            RESIDUAL: person_residuals(found.landmarks, people),
        }
        for name, rows in features.items():
            result = linear.cross_validate(rows, emotions, people, folds, seed=seed)
            metrics[f"{data}/{name}/top1"] = scores.score(result.correct(), people, seed=seed)
    return metrics


def drawn_only_metrics(
    models: Mapping[str, FaceModel], tested: Mapping[str, Prepared], *, seed: int
) -> dict[str, Any]:
    """Test models of drawn faces on each data set, by metric name.

    A residual model is tested where everybody has several pictures.
    """
    metrics = {}
    for data, found in tested.items():
        people = found.table["person"].to_numpy(dtype=str)
        emotions = found.table["emotion"].tolist()
        features = train.face_features(found)
        fewest = np.unique(people, return_counts=True)[1].min()
        for kind, model in models.items():
            if model.residual and fewest == 1:
                continue
            predicted = model.scores(features, people)
            measured = scores.open_and_present(predicted, SEVEN, emotions, people, seed=seed)
            for choice, value in measured.items():
                metrics[f"drawn_to_{data}/{kind}/{choice}"] = value.metric()
    return metrics


def held_out_metrics(trained: Mapping[str, train.TrainedFaceModel], *, seed: int) -> dict[str, Any]:
    """Return each model's accuracy on the drawn people left out of its training."""
    metrics = {}
    for kind, one in trained.items():
        found = one.predictions
        metrics[f"portraits/{kind}/top1"] = scores.score(found.correct(), found.people, seed=seed)
    return metrics


# --- figures ---


def draw_within(run: NotebookRun, tested: Iterable[str]) -> Figure | Markdown:
    """Draw both inputs within each photographed set, or say that there is none."""
    rows = [
        {"name": data, "group": group, **run.metrics[f"{data}/{name}/top1"]}
        for data in tested
        for name, group in GROUPS.items()
        if f"{data}/{name}/top1" in run.metrics
    ]
    if not rows:
        return say("No other photographs were found: set FERKIT_DATA to see them.")
    size = (7, 0.3 * len(rows) + 1.3)
    title = "Photographs, trained on other people of the same set"
    table = pd.DataFrame(rows)
    return run.figure("plot_grouped_intervals", table, "photographs", size=size, title=title)


def train_drawn_only(
    run: NotebookRun, tested: Mapping[str, Prepared], level: str, seed: int
) -> dict[str, train.TrainedFaceModel]:
    """Train the models of `ferkit predict` on drawn faces, keep and test them.

    At `lesson` they see fewer people than the model of the package, which is tested beside them.
    """
    people = LESSON_PEOPLE if level == "lesson" else None
    faces = train.portraits(level, seed, people)
    trained = train.train_face_models(faces, seed, level)
    train.save_models(trained, run.out)
    models = {kind: one.model for kind, one in trained.items()} | {_SHIPPED: load_model()}
    run.metrics.update(held_out_metrics(trained, seed=seed))
    run.metrics.update(drawn_only_metrics(models, tested, seed=seed))
    return trained


def draw_drawn_only(run: NotebookRun, tested: Iterable[str]) -> Figure:
    """Draw the accuracy of models of drawn faces on each data set."""
    rows = []
    for kind, name in _MODEL_INPUTS.items():
        held_out = run.metrics[f"portraits/{kind}/top1"]
        rows.append({"name": "other drawn people", "group": GROUPS[name], **held_out})
        for data in tested:
            for choice, words in _CHOICES.items():
                if metric := run.metrics.get(f"drawn_to_{data}/{kind}/{choice}"):
                    rows.append({"name": f"{data}, {words}", "group": GROUPS[name], **metric})
    table = pd.DataFrame(rows)
    size = (7, 0.5 * table["name"].nunique() + 1.3)
    title = "Trained on drawn faces only, seven emotions"
    return run.figure("plot_grouped_intervals", table, "drawn_to_real", size=size, title=title)


def say_shipped_model(
    run: NotebookRun, trained: Mapping[str, train.TrainedFaceModel], tested: Iterable[str]
) -> Markdown:
    """Say what the model of the package recognises on the same faces, from one picture."""
    ours = trained["single"].model.training.people
    theirs = load_model().training.people
    sentences = [
        f"The models above have learnt from {ours} drawn people, the one that comes with the "
        f"package from {theirs}."
    ]
    for data in tested:
        own = run.metrics[f"drawn_to_{data}/single/open"]["value"]
        shipped = run.metrics[f"drawn_to_{data}/{_SHIPPED}/open"]["value"]
        sentences.append(
            f"From one picture of `{data}`, ours recognises {own:.0%} and the package's "
            f"{shipped:.0%}."
        )
    return say(*sentences)


def draw_calibration(
    run: NotebookRun, trained: train.TrainedFaceModel, tested: Mapping[str, Prepared]
) -> Figure:
    """Draw whether probabilities are right, and keep the calibration errors."""
    table = predictor.measure_calibration(trained, tested)
    for name, rows in table.groupby("name", sort=False):
        run.metrics[f"calibration_error/{name}"] = {"value": calibration_error(rows)}
    title = "Are probabilities right? One picture, seven emotions"
    return run.figure("plot_reliability", table, "reliability", size=(6.4, 4), title=title)


def say_calibration(run: NotebookRun) -> Markdown:
    """Say how large the calibration errors are that `draw_calibration` kept."""
    errors = {
        name.removeprefix("calibration_error/"): metric["value"]
        for name, metric in run.metrics.items()
        if name.startswith("calibration_error/")
    }
    found = ", ".join(f"{error:.2f} on `{name}`" for name, error in errors.items())
    return say(f"The expected calibration error is {found}.")

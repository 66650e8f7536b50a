"""Paper 1's designs on made-up faces: who is compared with whom, and what starts from what."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from ferkit.core.labels import COMPOUND
from ferkit.core.landmarks import residuals
from ferkit.data.clip import Clip
from ferkit.papers.multimodal import study
from ferkit.papers.multimodal.comparisons import (
    OWN,
    predict_swapped,
    select_inputs,
    train_other_dropout,
)
from ferkit.papers.multimodal.data import CompoundFaces
from ferkit.papers.multimodal.experiment import train_designs, training_count
from ferkit.papers.multimodal.plans import PLANS
from ferkit.papers.multimodal.study import landmark_methods, linear_methods, rate_rows

PEOPLE = np.repeat([f"p{number}" for number in range(6)], 5)
LABELS = [COMPOUND.names[number] for number in (0, 1, 8, 20, 49)] * 6
PLAN = replace(PLANS["smoke"], folds=1, tested_people=2, batch_norm=True)
QUIET = {"device": "cpu", "precision": "32", "progress": False}


@pytest.fixture(scope="module")
def faces() -> CompoundFaces:
    """People whose landmarks differ more than their expressions do."""
    rng = np.random.default_rng(0)
    expression = np.tile(3 * rng.normal(size=(5, 68, 2)), (6, 1, 1))
    person = np.repeat(30 * rng.normal(size=(6, 68, 2)), 5, axis=0)
    points = 100 + person + expression + rng.normal(size=(30, 68, 2))
    flat = torch.from_numpy(residuals(points, PEOPLE).reshape(-1, 136)).float()
    pictures = torch.from_numpy(rng.integers(0, 255, (30, 3, 48, 48), dtype=np.uint8))
    return CompoundFaces(pictures, points, flat, LABELS, PEOPLE)


@pytest.fixture
def folds():
    clips = [
        Clip("drawn", person, f"{person}/{row}", "fear", (Path("a.jpg"),))
        for row, person in enumerate(PEOPLE)
    ]
    return PLAN.make_folds(clips)


def test_residuals_are_scaled_on_the_training_people_alone(faces):
    training = np.isin(PEOPLE, ["p0", "p1"])
    pictures, scaled = faces.both(training)
    assert pictures is faces.pictures
    assert float(scaled[torch.from_numpy(training)].std()) == pytest.approx(1)
    changed = replace(
        faces, residuals=faces.residuals * torch.from_numpy(1.0 + 4 * ~training)[:, None]
    )
    spread = faces.residuals[0, 0] / scaled[0, 0]
    assert float(changed.both(training)[1][0, 0]) == pytest.approx(
        float(faces.residuals[0, 0] / spread)
    )


def test_all_methods_predict_the_same_people(faces, folds, tmp_path):
    assert training_count(faces, folds) == 15  # three people train, one chooses the epoch
    designs = train_designs(PLAN, faces, folds, folder=tmp_path, **QUIET)
    predictions = {name: run.predictions(COMPOUND.names) for name, run in designs.items()}
    predictions |= linear_methods(faces, folds)
    for result in predictions.values():
        assert result.people.tolist() == ["p4"] * 5 + ["p5"] * 5
        assert result.truth.tolist() == COMPOUND.encode(LABELS[20:]).tolist()
    assert {"val_top_5", "val_accuracy"} <= set(designs["both, hinge"].history)


def test_residuals_tell_more_where_people_differ_more_than_expressions(faces):
    found = landmark_methods(faces, 0)
    assert all(result.people.tolist() == PEOPLE.tolist() for result in found.values())
    assert found["svm_residual"].correct().mean() > found["svm_raw"].correct().mean() + 0.3


def test_a_training_that_breaks_counts_as_chance(faces, folds, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "_USUAL_RATE", 1e6)
    broken = replace(PLAN, batch_norm=False)
    rows = pd.concat(rate_rows(broken, faces, folds, 0, folder=tmp_path, **QUIET))
    assert rows["value"].eq(1 / 50).all()
    monkeypatch.undo()
    usual, higher = rate_rows(PLAN, faces, folds, 0, folder=tmp_path, **QUIET)
    assert usual["person"].tolist() == higher["person"].tolist() == ["p4"] * 5 + ["p5"] * 5
    assert usual["value"].isin([0, 1]).all()


def test_the_gap_is_training_peoples_accuracy_minus_each_test_faces(faces, folds, tmp_path):
    other = train_other_dropout(PLAN, faces, folds, folder=tmp_path, **QUIET)
    assert "p=0.8" in str(other.trained[0].network.visual)
    rows = study.gap_rows(faces, folds[0], 2, 0.8, other)
    seen = select_inputs(faces, folds[0], "train")
    network = other.trained[0].network.eval()
    with torch.no_grad():
        said = network(seen.pictures.float() / 255, seen.residuals).argmax(1).numpy()
    correct = other.predictions(COMPOUND.names).correct()
    expected = (said == seen.classes).mean() - correct
    assert rows["value"].to_numpy() == pytest.approx(expected)
    assert rows["person"].tolist() == ["p4"] * 5 + ["p5"] * 5
    assert rows["method"].eq("dropout 0.8").all()


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_own_inputs_are_scored_as_in_the_training(faces, folds, precision, tmp_path):
    how = {**QUIET, "precision": precision}
    trained = train_other_dropout(PLAN, faces, folds, folder=tmp_path, **how)
    own = predict_swapped(trained, faces, folds)[OWN]
    tested = trained.predictions(COMPOUND.names)
    np.testing.assert_array_equal(own.scores, tested.scores)


def test_paper_takes_no_liberties():
    paper = PLANS["paper"]
    assert not any((paper.augment, paper.batch_norm, paper.learning))
    recipe = paper.recipes(count=20_719)["both, hinge"]
    assert (paper.start, recipe.optimiser, recipe.rate_at(90_000)) == ("caffe", "sgd", 0.0005)
    assert recipe.iterations == 100_000

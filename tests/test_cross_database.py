"""Trained on one set of faces, tested on others: who is where, that points follow pictures, and what is kept."""

import warnings

import numpy as np
import pytest
import torch

from ferkit import cropped
from ferkit import cross_database as cross
from ferkit.labels import THREE
from ferkit.models import emotionaldan as dan
from ferkit.train import Recipe

HOW = {"progress": False, "device": "cpu", "precision": "32"}
pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face.*")


@pytest.fixture(scope="module")
def parts() -> dict[str, cropped.Faces]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cross.wild_parts("smoke", 0)


# Faces


def test_nobody_is_in_two_parts_and_training_faces_come_in_versions(parts):
    people = {part: set(faces.people) for part, faces in parts.items()}
    assert sorted(people) == ["test", "train", "val"]
    assert sum(map(len, people.values())) == len(set.union(*people.values())) == 10
    fold = cross.wild_fold("smoke", 0)
    assert len(parts["train"]) == (1 + cross.PLANS["smoke"].versions) * len(fold.train)
    assert len(parts["test"]) == len(fold.test)


def test_the_drawn_truth_lies_where_dlib_finds_the_face(parts):
    for part, faces in parts.items():
        known = faces.table["found"].to_numpy()
        assert np.isnan(faces.dlib).any((1, 2)).tolist() == (~known).tolist()
        apart = cropped.errors(faces.dlib, faces.points)[known]
        assert np.median(apart) < 0.15, part
        assert len(faces.pictures) == len(faces.points) == len(faces.table)


# Training


def test_the_recipes_have_the_losses_of_their_variant():
    for plan in cross.PLANS.values():
        assert [recipe.loss for recipe in plan.recipes("as_paper")] == [dan.LOSSES["as_paper"]] * 2
        first, second = plan.recipes("as_authors_code")
        assert first.loss == cross.LANDMARKS_ALONE
        assert second.loss == dan.LOSSES["as_authors_code"]
    with pytest.raises(ValueError, match="unknown variant 'mine'"):
        plan.recipes("mine")


def test_the_papers_settings_are_at_paper():
    first, second = cross.PLANS["paper"].as_paper
    assert [(r.schedule.low, r.schedule.high) for r in (first, second)] == [(0.0001, 0.05)] * 2
    assert cross.PLANS["paper"].as_authors_code[1].schedule.half == 10_000
    assert (cross.PLANS["paper"].size, cross.PLANS["paper"].width, cross.PLANS["paper"].dropout) == (224, 1, 0.5)
    assert "inception" in cross.PLANS["paper"].compared


def test_a_training_is_found_again_and_both_class_sets_share_the_authors_first_stage(parts, tmp_path):
    seven = cross.train_dan("smoke", 0, 7, "as_authors_code", folder=tmp_path, **HOW)
    kept = {path.name for path in tmp_path.iterdir()}
    again = cross.train_dan("smoke", 0, 7, "as_authors_code", folder=tmp_path, **HOW)
    assert kept == {path.name for path in tmp_path.iterdir()}
    assert all(
        torch.equal(a, b)
        for a, b in zip(seven.both.state_dict().values(), again.both.state_dict().values(), strict=True)
    )
    assert again.histories[1].equals(seven.histories[1])  # seconds too: nothing was trained
    three = cross.train_dan("smoke", 0, 3, "as_authors_code", folder=tmp_path, **HOW)
    assert three.names == THREE
    assert len({path.name for path in tmp_path.iterdir()} - kept) == 1  # a second stage alone
    scores, points = cross.predicted(three.both, parts["test"], **{k: v for k, v in HOW.items() if k != "progress"})
    assert scores.shape == (len(parts["test"]), 3)
    assert points.shape == (len(parts["test"]), 68, 2)
    assert cross.predicted(seven.first, parts["test"])[0].shape[1] == 0


def test_the_first_stage_knows_what_its_faces_are_like(parts):
    network = cross.untrained_first("smoke", 0, 3)
    faces = parts["train"].named(3)[0]
    assert torch.allclose(network.mean_shape, torch.from_numpy(faces.points.mean(0)), atol=1e-4)
    seen = network.standardise(faces.pictures.float() / 255)
    assert float(seen.mean()) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", cross.PLANS["smoke"].compared)
def test_what_it_is_compared_with_learns_the_emotion_alone(parts, name):
    one = cross.train_compared(name, "smoke", 0, 3, **HOW)
    assert one.network(parts["test"].pictures.float() / 255).shape == (len(parts["test"]), 3)
    assert one.history["val_accuracy"].between(0, 1).all()


def test_unknown_networks_are_refused(parts):
    with pytest.raises(ValueError, match="unknown network 'vgg'; known: cnn2"):
        cross.train_compared("vgg", "smoke", 0, **HOW)


def test_a_second_stage_that_explodes_is_told_from_one_that_trains(parts, monkeypatch):
    ways = {
        "explodes": {"optimiser": "sgd", "schedule": None, "rate": 1e30},
        "trains": {"schedule": None, "rate": 0.001},
    }
    monkeypatch.setattr(cross, "TRIALS", ways)
    first = cross.untrained_first("smoke", 0, 7, "as_authors_code")
    found = cross.stage_two_trials(first, "smoke", 0, "as_authors_code", 2, folder=None, **HOW)
    assert found["explodes"] is None
    assert found["trains"].history["epoch"].tolist() == [1, 2]
    assert np.isfinite(found["trains"].history["val_loss"]).all()
    assert all(set(way) <= set(Recipe.__dataclass_fields__) for way in cross.TRIALS.values())


def test_three_classes_are_equally_many_in_training(parts):
    codes = np.array([0] * 40 + [1] * 10 + [2] * 10)
    rows = cross.balanced(codes, 1)
    assert np.bincount(codes[rows]).tolist() == [20, 20, 20]
    assert len(np.unique(rows[codes[rows] == 0])) == 20
    assert np.bincount(rows[codes[rows] == 1])[40:50].tolist() == [2] * 10
    labels = cross.examples_of("smoke", 0, 3)["train"].labels[:, -1].long()
    assert len(set(torch.bincount(labels).tolist())) == 1

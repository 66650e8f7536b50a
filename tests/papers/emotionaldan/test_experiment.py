"""Training on one set of faces and testing on others: who is where, and what is kept."""

import math
import warnings
from dataclasses import replace

import face_trees
import numpy as np
import pytest
import torch

from ferkit.core.labels import THREE
from ferkit.drawn.sets import SETS
from ferkit.papers.emotionaldan import crops, data, experiment, loss, plans, train
from ferkit.training.recipe import Recipe

HOW = {"progress": False, "device": "cpu", "precision": "32"}
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*have no prepared face.*"),
    pytest.mark.filterwarnings("ignore:.*not the complete set.*"),
]


@pytest.fixture(scope="module")
def parts() -> dict[str, crops.FaceCrops]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return data.crop_parts("smoke", 0)


@pytest.fixture(scope="module")
def examples(parts):
    return data.make_examples(parts, 7, 0)


# Faces


def test_nobody_is_in_two_parts(parts):
    people = {part: set(faces.people) for part, faces in parts.items()}
    assert sorted(people) == ["test", "train", "val"]
    assert sum(map(len, people.values())) == len(set.union(*people.values())) == 10
    fold = data.split_people("smoke", 0)
    assert {part: len(faces) for part, faces in parts.items()} == {
        part: len(getattr(fold, part)) for part in people
    }


def test_the_drawn_truth_lies_where_dlib_finds_the_face(parts):
    for part, faces in parts.items():
        known = faces.table["found"].to_numpy()
        assert np.isnan(faces.dlib).any((1, 2)).tolist() == (~known).tolist()
        apart = crops.landmark_errors(faces.dlib, faces.points)[known]
        assert np.median(apart) < 0.15, part
        assert len(faces.pictures) == len(faces.points) == len(faces.table)


def test_a_face_that_dlib_misses_is_cut_around_its_landmarks(parts):
    faces = parts["train"]
    missed = ~faces.table["found"].to_numpy()
    assert missed.any()
    assert (faces.table["square"] == np.where(missed, "landmarks", "detector")).all()
    low, high = faces.points.min(1), faces.points.max(1)
    middle = (low + high) / 2 / faces.pictures.shape[-1]
    assert np.abs(middle - 0.5).max() < 0.25
    assert (high - low).max() < faces.pictures.shape[-1]
    # As large as where the detector saw it.
    sizes = (high - low).prod(1) ** 0.5
    assert sizes[missed].mean() == pytest.approx(sizes[~missed].mean(), rel=0.2)


@pytest.mark.parametrize("make", ["affectnet"])
def test_affectnet_trains_with_its_landmarks_and_its_validation_part_is_halved(make, tmp_path):
    face_trees.TREES[make](tmp_path)
    fold = data.split_people("smoke", 0, "affectnet", tmp_path)
    assert {clip.split for clip in fold.train} == {"train"}
    assert {clip.split for clip in (*fold.val, *fold.test)} == {"val"}
    assert len(fold.val)
    assert len(fold.test)
    faces = crops.crop_faces(fold.val, 32, progress=False)
    assert np.isfinite(faces.points).all()
    assert set(faces.table["square"]) <= {"detector", "landmarks"}


def test_several_data_sets_are_tested_in_one_run(tmp_path):
    for name in ("jaffe", "ckplus"):
        face_trees.TREES[name](tmp_path)
    face_trees.TREES["london"](tmp_path / "london")  # photographs are tested where they are found
    tested = data.load_tested_faces(("jaffe", "ckplus", "posed"), "smoke", 0, tmp_path)
    assert set(tested) == {"wild", "london", "jaffe", "ckplus", "posed"}
    for name in ("london", "jaffe", "ckplus", "posed"):
        assert set(tested[name].table["dataset"]) == {name}
    assert "neutral" in set(tested["ckplus"].table["emotion"])  # the first frames


def test_without_known_landmarks_those_of_dlib_are_learnt(parts):
    faces = parts["train"]
    unknown = replace(faces, points=np.full_like(faces.points, np.nan))
    unknown = dict.fromkeys(("train", "val"), unknown)
    labels = data.make_examples(unknown, 7, 0)["train"].labels
    points, _ = loss.split_labels(labels)
    found = faces.table["found"].to_numpy()
    assert len(points) == found.sum()
    assert np.allclose(points, faces.dlib[found])


# Training


def test_the_recipes_have_the_losses_of_their_variant():
    for plan in plans.PLANS.values():
        for recipe in plan.recipes("as_paper"):
            assert recipe.loss == loss.LOSSES["as_paper"]
            assert recipe.is_right is loss.is_right
        first, second = plan.recipes("as_authors_code")
        assert (first.loss, first.is_right) == (plans.LANDMARKS_ALONE, None)
        assert (second.loss, second.is_right) == (loss.LOSSES["as_authors_code"], loss.is_right)
    with pytest.raises(ValueError, match="unknown variant 'mine'"):
        plan.recipes("mine")


def test_each_learning_rate_of_a_lesson_rises_and_falls_once():
    size = SETS["wild"].size("lesson")
    training_faces = 0.7 * size.people * size.takes
    plan = plans.PLANS["lesson"]
    for recipe in (*plan.as_paper, *plan.as_authors_code, plan.plain, plan.residual):
        iterations = recipe.epochs * math.ceil(training_faces / recipe.batch)
        assert iterations == 2 * recipe.schedule.half


def test_the_papers_settings_are_at_paper():
    plan = plans.PLANS["paper"]
    for recipe in (*plan.as_paper, plan.as_authors_code[1]):
        assert (recipe.schedule.low, recipe.schedule.high) == (0.0001, 0.05)
        assert recipe.schedule.half == 10_000
        assert recipe.momentum == 0  # nobody states any
        assert recipe.patience_iterations >= 2 * recipe.schedule.half
    assert (plan.size, plan.width, plan.dropout) == (224, 1, 0.5)
    assert plan.augmentation("as_paper") is None
    assert plan.augmentation("as_authors_code").turn == 0
    assert "inception" in plan.rivals


def test_the_best_epoch_of_every_method_is_that_of_the_highest_accuracy(parts):
    one = train.train_dan(parts, "smoke", 7, "as_authors_code", **HOW)
    rival = train.train_rival("cnn2", parts, "smoke", 7, **HOW)
    for trained in (one.stages[1], rival):
        accuracy = trained.history["val_accuracy"]
        assert accuracy.between(0, 1).all()
        assert accuracy[trained.best_epoch - 1] == accuracy.max()
    assert one.stages[0].history["val_accuracy"].isna().all()  # no emotion head
    # The history is that of the network that is returned.
    scores, _ = experiment.predict_faces(one.both, parts["val"])
    names = crops.CLASSES[7].decode(scores.argmax(1))
    right = (np.array(names) == parts["val"].table["emotion"].to_numpy()).mean()
    assert right == one.stages[1].history["val_accuracy"].max()


def test_a_training_is_found_again_and_both_class_sets_share_the_authors_first_stage(
    parts, tmp_path
):
    seven = train.train_dan(parts, "smoke", 7, "as_authors_code", folder=tmp_path, **HOW)
    kept = {path.name for path in tmp_path.iterdir()}
    again = train.train_dan(parts, "smoke", 7, "as_authors_code", folder=tmp_path, **HOW)
    assert kept == {path.name for path in tmp_path.iterdir()}
    assert all(
        torch.equal(a, b)
        for a, b in zip(
            seven.both.state_dict().values(), again.both.state_dict().values(), strict=True
        )
    )
    # Seconds too: nothing was trained.
    assert again.stages[1].history.equals(seven.stages[1].history)
    three = train.train_dan(parts, "smoke", 3, "as_authors_code", folder=tmp_path, **HOW)
    assert three.names == THREE
    assert len({path.name for path in tmp_path.iterdir()} - kept) == 1  # a second stage alone
    scores, points = experiment.predict_faces(three.both, parts["test"])
    assert scores.shape == (len(parts["test"]), 3)
    assert points.shape == (len(parts["test"]), 68, 2)
    assert experiment.predict_faces(seven.first, parts["test"])[0].shape[1] == 0


def test_the_first_stage_knows_what_its_faces_are_like(parts):
    examples = data.make_examples(parts, 3, 0)["train"]
    points, _ = loss.split_labels(examples.labels)
    network = train.build_first(examples, "smoke", 3)
    assert torch.allclose(network.mean_shape, points.mean(0), atol=1e-4)
    seen = network.standardise(examples.inputs[0].float() / 255)
    assert float(seen.mean()) == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize("name", plans.PLANS["smoke"].rivals)
def test_what_it_is_compared_with_learns_the_emotion_alone(parts, name):
    one = train.train_rival(name, parts, "smoke", 3, **HOW)
    assert one.network(parts["test"].pictures.float() / 255).shape == (len(parts["test"]), 3)
    assert one.history["val_accuracy"].between(0, 1).all()


def test_unknown_networks_are_refused(parts):
    with pytest.raises(ValueError, match="unknown network 'vgg'; known: cnn2"):
        train.train_rival("vgg", parts, "smoke", **HOW)


def test_a_second_stage_that_explodes_is_told_from_one_that_trains(parts, examples, monkeypatch):
    ways = {
        "explodes": {"optimiser": "sgd", "schedule": None, "rate": 1e30},
        "trains": {"schedule": None, "rate": 0.001},
    }
    monkeypatch.setattr(train, "STAGE_TWO_TRIALS", ways)
    first = train.build_first(examples["train"], "smoke", 7, "as_authors_code")
    found = train.try_stage_two(
        first, parts, "smoke", "as_authors_code", 2, seed=0, folder=None, **HOW
    )
    assert found["explodes"] is None
    assert found["trains"].history["epoch"].tolist() == [1, 2]
    assert np.isfinite(found["trains"].history["val_loss"]).all()
    assert all(
        set(way) <= set(Recipe.__dataclass_fields__) for way in train.STAGE_TWO_TRIALS.values()
    )


def test_three_classes_are_equally_many(parts):
    codes = np.array([0] * 40 + [1] * 10 + [2] * 10)
    rows = data.balance_classes(codes, 1)
    assert np.bincount(codes[rows]).tolist() == [20, 20, 20]
    assert len(np.unique(rows[codes[rows] == 0])) == 20
    assert np.bincount(rows[codes[rows] == 1])[40:50].tolist() == [2] * 10
    for examples in data.make_examples(parts, 3, 0).values():  # training and validation
        assert len(set(torch.bincount(examples.labels[:, -1].long()).tolist())) == 1

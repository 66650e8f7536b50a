"""Trained on one set of faces, tested on others: who is where, that points follow pictures, and what is kept."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ferkit import cross_database as cross
from ferkit.data.clips import Clip
from ferkit.labels import SEVEN, THREE
from ferkit.landmarks import inter_ocular
from ferkit.models import emotionaldan as dan
from ferkit.train import Recipe

HOW = {"progress": False, "device": "cpu", "precision": "32"}
pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face.*")


@pytest.fixture(scope="module")
def parts() -> dict[str, cross.Faces]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cross.wild_parts("smoke", 0)


def made_up(emotions: list[str]) -> cross.Faces:
    n, rng = len(emotions), np.random.default_rng(0)
    points = rng.uniform(0, 32, (n, 68, 2)).astype(np.float32)
    table = pd.DataFrame(
        {"dataset": "d", "person": [f"p{i}" for i in range(n)], "name": "", "emotion": emotions, "found": True}
    )
    pictures = torch.from_numpy(rng.integers(0, 255, (n, 1, 32, 32), dtype=np.uint8))
    return cross.Faces(pictures, points, points + 1, np.zeros((n, 2, 3)), table)


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
        apart = cross.errors(faces.dlib, faces.points)[known]
        assert np.median(apart) < 0.15, part
        assert len(faces.pictures) == len(faces.points) == len(faces.table)


def test_three_classes_leave_surprise_out():
    faces = made_up(["happiness", "surprise", "fear", "", "neutral", "contempt"])
    three, names = faces.named(3)
    assert names == ["positive", "negative", "neutral", "positive"]
    assert three.table["emotion"].tolist() == ["happiness", "fear", "neutral", "contempt"]
    assert torch.equal(three.pictures[1], faces.pictures[2])
    assert faces.named(7)[1] == ["happiness", "surprise", "fear", "neutral"]  # no contempt, nothing unlabelled
    assert [cross.CLASSES[k].names for k in (7, 3)] == [SEVEN, THREE]


def test_a_mirror_moves_pictures_and_points_alike():
    faces = made_up(["fear", "anger"])
    for i, (x, y) in enumerate(faces.points[:, 36]):
        faces.pictures[i, 0, int(y), int(x)] = 255
    seen = cross.mirrored(faces)
    for i, (x, y) in enumerate(seen.points[:, 45]):  # the other eye's corner now
        assert seen.pictures[i, 0, int(y), int(x)] == 255
    back = cross.mirrored(seen)
    assert torch.equal(back.pictures, faces.pictures)
    assert np.allclose(back.points, faces.points, atol=1e-4)


def test_where_no_face_is_found_the_whole_picture_is_seen(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    clips = [Clip("affectnet", name, name, "fear", (tmp_path / f"{name}.png",)) for name in "ab"]
    faces = cross.faces_of(clips, 20, progress=False)
    assert faces.table["name"].tolist() == ["a"]
    assert not faces.table["found"].any()
    assert faces.matrices[0] == pytest.approx(np.array([[0.5, 0, 0], [0, 0.5, 0]]))
    assert np.isnan(faces.points).all()
    with pytest.raises(ValueError, match="none of 1 pictures can be read"):
        cross.faces_of(clips[1:], 20, progress=False)


def test_errors_are_in_distances_between_the_eyes():
    truth = np.random.default_rng(0).uniform(0, 48, (3, 68, 2))
    moved = truth.copy()
    moved[:, 48:] += (3, 4)
    assert cross.errors(moved, truth, range(48, 68)) == pytest.approx(5 / inter_ocular(truth))
    assert cross.errors(moved, truth) == pytest.approx(5 * 20 / 68 / inter_ocular(truth))


def test_hand_placed_points_are_brought_to_the_crop(tmp_path):
    rng = np.random.default_rng(0)
    placed = rng.uniform(100, 900, (189, 2)).round(2)
    (tmp_path / "1.tem").write_text("189\n" + "\n".join(f"{x} {y}" for x, y in placed) + "\n0\n")
    faces = replace(made_up(["neutral"] * 2), matrices=np.array([[[0.1, 0, 2], [0, 0.1, 3]]] * 2))
    faces.table["name"] = ["one", "two"]
    clips = [Clip("london", "1", "one", "neutral", (tmp_path / "1.jpg",), landmarks=tmp_path / "1.tem")]
    points = cross.hand_placed(faces, clips)
    assert points[0, 36] == pytest.approx(0.1 * placed[18] + (2, 3))
    assert np.isnan(points[1]).all()


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
    table = cross.stage_two_trials(first, "smoke", 0, "as_authors_code", 2, folder=None, **HOW).set_index("name")
    assert np.isnan(table.loc["explodes", ["val_loss", "error"]].astype(float)).all()
    assert table.loc["trains", "epoch"].tolist() == [1, 2]
    assert np.isfinite(table.loc["trains", "val_loss"]).all()
    assert all(set(way) <= set(Recipe.__dataclass_fields__) for way in cross.TRIALS.values())

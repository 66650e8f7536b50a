"""Upright crops with what is known of their faces: classes, points, and what is not known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from ferkit.core.labels import SEVEN, THREE
from ferkit.core.landmarks import inter_ocular
from ferkit.data.clip import Clip
from ferkit.faces import align
from ferkit.papers.emotionaldan import crops

pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face.*")


def made_up(emotions: list[str]) -> crops.FaceCrops:
    n, rng = len(emotions), np.random.default_rng(0)
    points = rng.uniform(0, 32, (n, 68, 2)).astype(np.float32)
    table = pd.DataFrame(
        {
            "dataset": "d",
            "person": [f"p{i}" for i in range(n)],
            "name": "",
            "emotion": emotions,
            "found": True,
        }
    )
    pictures = torch.from_numpy(rng.integers(0, 255, (n, 1, 32, 32), dtype=np.uint8))
    return crops.FaceCrops(pictures, points, points + 1, np.zeros((n, 2, 3)), table)


def test_three_classes_leave_surprise_out():
    faces = made_up(["happiness", "surprise", "fear", "", "neutral", "contempt"])
    three, names = faces.named(3)
    assert names == ["positive", "negative", "neutral", "positive"]
    assert three.table["emotion"].tolist() == ["happiness", "fear", "neutral", "contempt"]
    assert torch.equal(three.pictures[1], faces.pictures[2])
    assert faces.named(7)[1] == [
        "happiness",
        "surprise",
        "fear",
        "neutral",
    ]  # no contempt, nothing unlabelled
    assert [crops.CLASSES[k].names for k in (7, 3)] == [SEVEN, THREE]


def test_where_no_face_is_found_the_whole_picture_is_seen(tmp_path):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"no picture")
    clips = [Clip("folder", name, name, "fear", (tmp_path / f"{name}.png",)) for name in "ab"]
    faces = crops.crop_faces(clips, 20, progress=False)
    assert faces.table["name"].tolist() == ["a"]
    assert not faces.table["found"].any()
    assert faces.table["square"].tolist() == ["whole picture"]
    assert faces.matrices[0] == pytest.approx(np.array([[0.5, 0, 0], [0, 0.5, 0]]))
    assert np.isnan(faces.points).all()
    with pytest.raises(ValueError, match="none of 1 pictures can be read"):
        crops.crop_faces(clips[1:], 20, progress=False)


def test_errors_are_in_distances_between_the_eyes():
    truth = np.random.default_rng(0).uniform(0, 48, (3, 68, 2))
    moved = truth.copy()
    moved[:, 48:] += (3, 4)
    assert crops.landmark_errors(moved, truth, range(48, 68)) == pytest.approx(
        5 / inter_ocular(truth)
    )
    assert crops.landmark_errors(moved, truth) == pytest.approx(5 * 20 / 68 / inter_ocular(truth))


def test_hand_placed_points_are_brought_to_the_crop(tmp_path):
    rng = np.random.default_rng(0)
    placed = rng.uniform(100, 900, (189, 2)).round(2)
    (tmp_path / "1.tem").write_text("189\n" + "\n".join(f"{x} {y}" for x, y in placed) + "\n0\n")
    faces = replace(made_up(["neutral"] * 2), matrices=np.array([[[0.1, 0, 2], [0, 0.1, 3]]] * 2))
    faces.table["name"] = ["one", "two"]
    clips = [
        Clip("london", "1", "one", "neutral", (tmp_path / "1.jpg",), landmarks=tmp_path / "1.tem")
    ]
    points = crops.read_hand_placed(faces, clips)
    assert points[0, 36] == pytest.approx(0.1 * placed[18] + (2, 3))
    assert np.isnan(points[1]).all()


def test_what_is_known_of_drawn_faces_is_not_read_into_others(tmp_path):
    Image.fromarray(np.zeros((40, 40, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    truth = np.random.default_rng(0).uniform(5, 35, (1, 68, 2))
    drawn = {"landmarks": truth, "intensity": np.array([0.5])}
    clips = [Clip("wild", "a", "a", "fear", (tmp_path / "a.png",), extra=drawn)]
    clips.append(
        Clip("ised", "b", "b", "fear", (tmp_path / "a.png",), extra={"intensity": "strong"})
    )
    faces = crops.crop_faces(clips, 20, progress=False)
    assert faces.table["intensity"].tolist() == pytest.approx([0.5, np.nan], nan_ok=True)
    assert np.allclose(faces.points[:1], align.apply(faces.matrices[:1], truth), atol=1e-4)
    assert faces.table["square"].tolist() == ["landmarks", "whole picture"]
    assert np.isnan(faces.points[1]).all()


def test_a_linear_classifier_reads_landmarks_however_they_are_turned():
    rng = np.random.default_rng(0)
    face = rng.uniform(0, 48, (68, 2))
    faces = face + rng.normal(0, 0.5, (80, 68, 2))
    faces[40:, 48:, 1] += 4
    emotions = ["fear"] * 40 + ["anger"] * 40
    faces[5] = np.nan  # nobody found it
    predict = crops.fit_landmark_classifier(faces, emotions)
    turn = 0.8 * np.array([[np.cos(0.4), np.sin(0.4)], [-np.sin(0.4), np.cos(0.4)]])
    others = (np.stack([face, face + np.where(np.arange(68)[:, None] > 47, (0, 4), 0)]) @ turn) + (
        9,
        -3,
    )
    assert predict(others).tolist() == ["fear", "anger"]

"""Notebook 07's tables say which classes are never recognised and compare on the same faces."""

import numpy as np
import pandas as pd
import pytest
import torch

from ferkit.evaluation.predictions import Predictions
from ferkit.papers.tfe.data import TandemFaces
from ferkit.workbook.lessons import identity_and_emotion as lesson
from ferkit.workbook.lessons import identity_and_emotion_inside as inside
from ferkit.workbook.notebook_run import start_run

CLASSES = ("neutral", "fear", "happiness")
TRUTH = np.tile([0, 1, 2], 8)
PEOPLE = np.repeat([f"p{i}" for i in range(8)], 3)


def predictions(predicted) -> Predictions:
    scores = np.eye(3)[np.asarray(predicted)]
    return Predictions(CLASSES, scores, TRUTH, PEOPLE, np.full(len(TRUTH), "1"))


@pytest.fixture
def run(tmp_path):
    return start_run("07_identity_and_emotion", "tfe", out=tmp_path, dataset="made", seed=0)


@pytest.fixture
def measured() -> lesson.Measured:
    """Joint learning recognises all but fear, in one of two starts; the others only neutral."""
    predicted = {name: predictions(np.zeros(24, int)) for name in lesson.METHODS}
    predicted["joint"] = predictions(np.where(TRUTH == 1, 0, TRUTH))
    right = {name: one.correct()[None].astype(float) for name, one in predicted.items()}
    right["joint"] = np.stack([right["joint"][0], right["resnet"][0]])
    return lesson.Measured(CLASSES, predicted, right)


def test_differences_are_means_over_starts_on_the_same_faces(run, measured):
    differences = lesson.compare(run, "made", measured, 0)
    assert differences["joint", "resnet"].value == pytest.approx(1 / 6)  # half of happiness
    assert differences["longer", "resnet"].value == 0
    assert run.metrics["made/joint_minus_resnet"]["value"] == pytest.approx(1 / 6)
    table = lesson.differences_table(differences)
    assert list(table["name"])[0] == "joint learning\nminus ResNet alone"
    said = lesson.describe_differences(differences)
    assert said.startswith("Joint learning beats the ResNet alone by 16.7 points")
    assert lesson.describe_starts(measured) == (
        "Over 2 trainings of phase 2, joint learning recognises 33.3 to 66.7 % of the faces."
    )


def test_a_class_that_is_never_recognised_is_named(run, measured):
    table = lesson.recall_table(run, "made", measured, 0)
    assert run.metrics["made/joint/recall/fear"]["value"] == 0
    text = lesson.describe_recalls(table)
    assert "less often than chance would: fear (0 of 8 pictures)" in text
    assert "rises most for happiness (+100) and falls most for no class" in text


def test_nothing_is_missing_where_every_class_is_recognised(run, measured):
    table = lesson.recall_table(run, "made", measured, 0).assign(value=0.9)
    assert "every class more often than chance" in lesson.describe_recalls(table)


def test_chance_is_the_most_frequent_class(run, measured):
    run.metrics.update({f"made/{name}": {"value": 0.5} for name in lesson.METHODS})
    table = lesson.methods_table(run, "made", measured)
    assert table["chance"].unique() == pytest.approx([1 / 3])


def test_missing_pictures_of_a_person_stay_blank():
    emotion = np.array(["neutral", "fear", "happiness", "neutral", "fear"])
    people = np.array(["a", "a", "a", "b", "b"])
    picture = torch.zeros(5, 3, 8, 8, dtype=torch.uint8)
    names = np.array([f"{i}" for i in range(5)])
    faces = TandemFaces(picture, picture, people, emotion, names)
    ax = inside.draw_people_and_emotions(faces, "sequences")
    image = ax.images[0].get_array()
    assert image.shape == (16, 24, 3)
    assert image[8:, 16:].min() == 230  # b shows no happiness
    assert image[:8].max() == 0


def test_other_neutral_faces_need_named_people(run):
    picture = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    names = np.array(["x", "y"])
    faces = TandemFaces(picture, picture, names, np.array(["neutral", "fear"]), names)
    figure, text = inside.show_other_faces(run, "fer2013", None, faces, (), 0)
    assert figure is None
    assert "`fer2013` has no neutral picture" in text


def test_other_neutral_faces_need_two_people_in_a_fold(run, monkeypatch):
    nothing = lambda *args: pd.DataFrame()  # noqa: E731
    monkeypatch.setattr(inside.experiment, "predict_with_other_faces", nothing)
    picture = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    one = np.array(["x", "x"])
    faces = TandemFaces(picture, picture, one, np.array(["neutral", "fear"]), one)
    figure, text = inside.show_other_faces(run, "folder", None, faces, (), 0)
    assert figure is None
    assert text == "No fold of `folder` tests two people with a neutral picture."


def test_the_plan_of_the_paper_stands_beside_that_of_the_level():
    table = lesson.plan_table("lesson", "sequences")
    assert table.loc[("identity network", "paper"), "epochs, at most"] == 200
    assert table.loc[("identity network", "lesson"), "epochs, at most"] < 200
    assert len(lesson.plan_table("paper", "sequences")) == 3

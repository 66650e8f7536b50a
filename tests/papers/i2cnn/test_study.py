"""Tables of paper 2's study: single expressions, and what patches gain over the whole face."""

import numpy as np
import pandas as pd
import pytest

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn.study import expression_rows, tabulate_gains
from ferkit.papers.i2cnn.task import PatchTask

LABELS = ["neutral", "anger", "fear"] * 2
NAMES = ["neutral", "anger", "fear"]
PEOPLE = np.repeat(["p0", "p1"], 3)


def make_task(names: list[str]) -> PatchTask:
    table = pd.DataFrame({"person": PEOPLE, "emotion": LABELS, "name": names})
    blank = np.zeros((6, 68, 2), dtype=np.float32)
    faces = Prepared(None, 48, table, None, blank, blank, np.zeros((6, 4)))
    clips = [
        Clip("d", who, name, "fear", ("x.png",)) for who, name in zip(PEOPLE, names, strict=True)
    ]
    return PatchTask(faces, LABELS, PEOPLE, folds_ascending(clips, 2))


def predict(said: list[int]) -> Predictions:
    return Predictions(tuple(NAMES), np.eye(3)[said], np.tile([0, 1, 2], 2), PEOPLE, PEOPLE)


@pytest.fixture
def task() -> PatchTask:
    return make_task([f"{who}/{number}" for number, who in enumerate(PEOPLE)])


def test_each_expression_is_counted_alone(task):
    methods = {"k60": predict([0, 1, 0, 0, 0, 2]), "lbp": predict([2, 2, 2, 2, 2, 2])}
    rows = pd.concat(expression_rows("sequences", 3, methods, task))
    right = rows.groupby(["data", "method"])["value"].agg(list)
    assert right["sequences/anger", "k60"] == [1, 0]
    assert right["sequences/fear", "k60"] == [0, 1]
    assert right["sequences/fear", "lbp"] == [1, 1]
    assert right["sequences/neutral", "lbp"] == [0, 0]
    assert rows["person"].tolist() == ["p0", "p1"] * 6
    assert rows["start"].eq(3).all()


def test_gains_are_of_faces_found_with_both_spreads(task):
    """The faces of the other spread come in another order, and one was not found."""
    names = task.faces.table["name"].tolist()
    order = [1, 0, 2, 3, 4, 5]
    wide = make_task([names[row] for row in order[:5]] + ["p1/lost"])
    right = [0, 1, 2, 0, 1, 2]
    wrong = [1, 2, 0, 1, 2, 0]
    svms = {
        ("posed", 1): predict(wrong),
        ("posed", 60): predict(right),
        ("wide", 1): predict([0, 2, 0, 1, 2, 0]),  # right about the first row alone
        ("wide", 60): predict(right),
    }
    rows = pd.concat(tabulate_gains(svms, {"posed": task, "wide": wide}, 0))
    gains = rows.pivot(index="sample", columns="method", values="value")
    assert len(gains) == 5
    assert gains["gain, posed"].tolist() == [1] * 5
    assert gains["gain, wide"].tolist() == [1, 0, 1, 1, 1]  # p0/1 stands in the first row there

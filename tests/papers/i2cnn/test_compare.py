"""Comparisons of notebook 04: the same held-out people for all methods, two kinds of folds."""

import numpy as np
import pandas as pd
import pytest

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn import compare
from ferkit.papers.i2cnn.plans import Plan
from ferkit.papers.i2cnn.task import PatchTask

NAMES = ("neutral", "anger", "fear")
PEOPLE = np.repeat([f"p{i}" for i in range(4)], 6)
LABELS = list(NAMES) * 8
ITERATIONS = dict.fromkeys((1, 5, 60), 2)
SMALL = Plan(48, 43, 43, 0.06, 8, ITERATIONS, 24, 0.05, 1.0, dropout=0.0, start="he", folds=2)
OPTIONS = {"seed": 1, "device": "cpu", "precision": "32"}


@pytest.fixture(scope="module")
def task() -> PatchTask:
    """24 noisy pictures whose brightness tells the class, with landmarks somewhere inside."""
    rng = np.random.default_rng(0)
    shade = np.tile([40, 120, 200], 8)[:, None, None, None]
    images = (shade + rng.integers(-30, 30, (24, 48, 48, 3))).astype(np.uint8)
    points = rng.uniform(12, 36, (24, 68, 2)).astype(np.float32)
    names = [f"{who}/{i}" for i, who in enumerate(PEOPLE)]
    table = pd.DataFrame({"person": PEOPLE, "emotion": LABELS, "name": names})
    faces = Prepared(None, 48, table, images, points, points, np.zeros((24, 4)))
    clips = [
        Clip("d", who, name, "fear", ("x.png",)) for who, name in zip(PEOPLE, names, strict=True)
    ]
    return PatchTask(faces, LABELS, PEOPLE, folds_ascending(clips, 2))


def test_fewer_classes_keep_their_folds(task):
    assert compare.basic_classes(task) == [["neutral", "anger", "fear"], ["anger", "fear"]]
    fewer = task.of_classes(["anger", "fear"])
    assert fewer.names == ["anger", "fear"]
    kept = np.array(LABELS) != "neutral"
    assert fewer.tested.tolist() == task.tested[kept].tolist()
    assert np.array_equal(fewer.images, task.images[kept])
    assert compare.basic_classes(fewer) == [["anger", "fear"]]


def test_all_methods_predict_the_same_held_out_people(task, tmp_path):
    found = compare.compare_methods(SMALL, task, folder=tmp_path, **OPTIONS)
    assert set(found.methods) == {"k1", "k5", "k60", "cnn", "lbp", "gabor"}
    for predictions in (*found.methods.values(), *found.steps.values(), found.softmax):
        assert predictions.people.tolist() == PEOPLE.tolist()
        assert predictions.fold.tolist() == task.tested.tolist()
    assert found.steps[1, 1] is found.methods["k1"]
    assert found.steps[60, 60] is found.methods["k60"]
    losses = compare.loss_table(found)
    assert losses.index.tolist() == [1, 5, 60]
    assert losses["chance"].tolist() == pytest.approx([np.log(3)] * 3)


def test_only_folds_by_image_train_on_the_tested_people(task, tmp_path):
    leak = compare.compare_folds(SMALL, {"here": task}, folder=tmp_path, **OPTIONS)
    assert len(leak) == 6
    for (_, _, kind), predictions in leak.items():
        folds_of = [set(predictions.fold[PEOPLE == who]) for who in set(PEOPLE)]
        shared = [len(folds) > 1 for folds in folds_of]
        assert any(shared) if kind == compare.BY_IMAGE else not any(shared)

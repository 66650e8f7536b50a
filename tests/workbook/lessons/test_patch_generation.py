"""Tables and sentences of notebook 04."""

import numpy as np
import pytest

from ferkit.evaluation.predictions import Predictions
from ferkit.papers.i2cnn.compare import BY_IMAGE, BY_PERSON, Comparison
from ferkit.papers.i2cnn.patches import PATCH_COUNT
from ferkit.workbook.exercises import check
from ferkit.workbook.lessons import patch_generation as lesson
from ferkit.workbook.lessons.leak_pairs import LeakPair

NAMES = ("anger", "fear")
PEOPLE = np.repeat([f"p{i}" for i in range(20)], 4)
TRUTH = np.tile([0, 1], 40)


def predict(share: float) -> Predictions:
    """Predictions of which this share is right for every person."""
    right = np.tile(np.arange(4) < 4 * share, 20)
    scores = np.eye(2)[np.where(right, TRUTH, 1 - TRUTH)]
    return Predictions(NAMES, scores, TRUTH, PEOPLE, PEOPLE)


@pytest.fixture
def comparison() -> Comparison:
    shares = {"k1": 0.25, "k5": 0.5, "k60": 1.0, "cnn": 0.5, "lbp": 0.75, "gabor": 0.75}
    methods = {name: predict(share) for name, share in shares.items()}
    steps = {(1, 1): 0.25, (60, 1): 0.5, (60, 5): 0.75, (60, 60): 1.0}
    trained = {key: predict(share) for key, share in steps.items()}
    return Comparison(methods, trained, predict(0.75), {})


def test_metrics_have_the_names_that_the_papers_table_knows(comparison):
    metrics = lesson.method_metrics(comparison, "jaffe/7", 0)
    assert metrics["jaffe/7/k60/top1"]["value"] == 1
    assert metrics["jaffe/7/k60_minus_k1"]["value"] == 0.75
    assert metrics["jaffe/7/relative_gain"]["value"] == 3
    assert metrics["jaffe/7/why/trained_on_60_svm_on_5"]["value"] == 0.75
    assert metrics["jaffe/7/k1/recall/anger"]["n"] == 40
    table = lesson.method_table(metrics, "jaffe/7").set_index("name")
    assert table.loc["all patches, k = 60", "paper"] == pytest.approx(0.752806)
    assert table["chance"].unique() == pytest.approx([1 / 7])
    assert len(lesson.step_table(metrics, "jaffe/7")) == 5


def test_training_and_features_are_told_apart(comparison):
    training, features = lesson.describe_steps(comparison, 0)
    assert "Training on 60 patches beats training on one by 25.0 points" in training
    assert "An SVM on 60 patches beats an SVM on one by 50.0 points" in features
    assert check("04.3", "features", steps=comparison.steps).right
    assert not check("04.3", "training", steps=comparison.steps).right


def test_the_two_kinds_of_folds_of_a_method_stand_together(comparison):
    class Task:
        people = PEOPLE

    shares = {BY_PERSON: 0.25, BY_IMAGE: 1.0}
    leak = {
        ("frames", name, kind): predict(share)
        for kind, share in shares.items()
        for name in ("k1", "lbp", "gabor")
    }
    leak["frames", "gabor", BY_IMAGE] = predict(0.25)
    pairs = lesson.pair_folds(leak, {"frames": Task()}, 0)
    metrics = lesson.leak_metrics(pairs, "posed")
    assert metrics["posed/leak/frames/k1/leaky"]["value"] == 1
    assert metrics["posed/leak/frames/k1/added"]["value"] == 0.75
    table = lesson.leak_table(pairs)
    assert table["name"].tolist() == ["whole face"] * 2 + ["LBP"] * 2 + ["Gabor"] * 2
    assert table["panel"].unique() == ["frames"]
    (sentence,) = lesson.describe_leak(pairs)
    assert "whole face +75.0 points" in sentence
    assert sentence.endswith("A rise is shown for 2 of 3 methods.")
    turned = {key: LeakPair(pair.leaky, pair.honest, pair.people) for key, pair in pairs.items()}
    (sentence,) = lesson.describe_leak(turned)
    assert sentence.endswith("A rise is shown for 0 of 3 methods, a fall for 2.")


def test_only_expressions_with_a_shown_difference_are_named(comparison):
    text = lesson.describe_recalls(comparison, 0)
    assert "better with 60 patches than by LBP, with intervals above zero: fear;" in text
    assert "recognised better by LBP: no expression." in text
    assert text.endswith("are 0 to 34 points wide.")


def test_only_settings_that_differ_from_the_papers_are_listed():
    steps = "training steps for k = 1, 5, 60"  # which the paper does not give
    assert lesson.settings_table("paper").index.tolist() == [steps]
    table = lesson.settings_table("lesson")
    assert table.loc["features of one face", "paper"] == f"{PATCH_COUNT * 4096:,}"


def test_the_mouth_has_eighteen_patches():
    assert len(set(lesson.mouth_patches())) == 18

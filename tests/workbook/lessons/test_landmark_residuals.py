"""Notebook 02's choices: emotions that a data set has, and intervals as histograms."""

import numpy as np
import pandas as pd
import pytest

from ferkit.papers.multimodal.landmark_svm import RAW, RESIDUAL, LandmarkFaces
from ferkit.workbook.lessons import landmark_residuals as lesson
from ferkit.workbook.notebook_run import start_run


def faces_of(classes: list[str]) -> LandmarkFaces:
    points = np.random.default_rng(0).normal(112, 20, (len(classes), 68, 2))
    people = np.array([f"p{number // 2}" for number in range(len(classes))])

    class Rows:
        def select(self, rows):
            return self

    names = np.array(classes)
    return LandmarkFaces(Rows(), points, points, people, names, np.ones(len(classes), bool))


@pytest.fixture
def run(tmp_path):
    return start_run("02_landmark_residuals", "multimodal", out=tmp_path, level="smoke", seed=0)


def test_emotions_keep_their_usual_order_and_mixes_are_left_out():
    assert lesson.emotions_of(["surprise", "angrily sad", "neutral"]) == ["neutral", "surprise"]


@pytest.mark.parametrize(
    ("classes", "chosen", "two"),
    [
        (["neutral", "happiness", "sadness", "fear"], "happiness", {"happiness", "sadness"}),
        (["neutral", "happiness"], "happiness", {"neutral", "happiness"}),
        (["neutral", "fear"], "fear", {"neutral", "fear"}),
    ],
)
def test_the_emotions_shown_are_those_that_the_data_set_has(classes, chosen, two):
    faces = faces_of(classes)
    assert lesson.choose_emotion(faces) == chosen
    assert set(lesson.two_emotions(faces).classes) == two


def test_histograms_of_draws_hold_all_draws_and_the_quantiles(run):
    draws = {"people": np.linspace(0, 1, 1001), "pictures": np.linspace(0.4, 0.6, 1001)}
    lesson.draw_resampled(run, draws, np.arange(1000) % 2 == 0)
    table = pd.read_csv(run.figures / "bootstrap.csv")
    for name, low in (("people", 0.025), ("pictures", 0.405)):
        own = table[table["name"] == name]
        assert own["share"].sum() == pytest.approx(1, abs=1e-3)
        assert own["low"].iloc[0] == pytest.approx(low, abs=1e-3)
        assert own["value"].iloc[0] == 0.5
        widths = own["right"] - own["left"]
        assert np.allclose(widths, 25 / 1000, atol=1e-4)  # equally many multiples of 1 / N


def test_the_gain_over_trainings_is_their_mean(run):
    rng = np.random.default_rng(0)
    correct = {RAW: rng.random((5, 60)) < 0.4, RESIDUAL: rng.random((5, 60)) < 0.7}
    lesson.draw_trainings(run, correct, np.repeat(np.arange(20), 3))
    first, over = pd.read_csv(run.figures / "five_divisions.csv")["value"]
    gains = correct[RESIDUAL].mean(1) - correct[RAW].mean(1)
    assert first == pytest.approx(gains[0], abs=1e-4)
    assert over == pytest.approx(gains.mean(), abs=1e-4)


def test_the_mix_of_emotions_begins_with_the_most_frequent():
    assert lesson.class_mix(["fear", "neutral", "neutral"]) == "neutral 2, fear 1"

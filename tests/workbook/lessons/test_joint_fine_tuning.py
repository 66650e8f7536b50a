"""Notebook 06: tables of methods that were right and wrong on known sequences."""

import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation.predictions import Predictions
from ferkit.papers.study_records import load_study
from ferkit.workbook.lessons import joint_fine_tuning as lesson

CLASSES = ("anger", "fear")
TRUTH = np.tile([0, 1], 10)
PEOPLE = np.repeat(np.arange(10).astype(str), 2)


def predictions(right: np.ndarray) -> Predictions:
    said = np.where(right, TRUTH, 1 - TRUTH)
    return Predictions(CLASSES, 5.0 * np.eye(2)[said], TRUTH, PEOPLE, PEOPLE)


@pytest.fixture
def methods():
    """DTAN right on the first half, DTGN on the last three quarters, the others on all."""
    places = np.arange(20)
    always = predictions(places >= 0)
    known = dict.fromkeys(lesson.COMBINATIONS, always)
    return known | {"dtan": predictions(places < 10), "dtgn": predictions(places >= 5)}


def test_the_table_counts_what_there_is_to_gain(methods):
    table = lesson.count_right(methods)
    assert table.loc["right", "right"] == 5
    assert table.loc["right", "wrong"] == 5
    assert table.loc["wrong", "right"] == 10
    assert table.loc["wrong", "wrong"] == 0
    assert lesson.score_either(methods["dtan"], methods["dtgn"], 0)["value"] == 1


def test_differences_are_paired_and_named_as_before(methods):
    table, metrics = lesson.compare_combinations(methods, lesson.COMPARED, "d", 0)
    assert len(table) == len(lesson.COMPARED)
    assert metrics["d/joint_minus_dtan"]["value"] == 0.5
    assert metrics["d/joint_minus_weighted_sum"]["value"] == 0
    assert metrics["d/joint_minus_weighted_sum/p"]["value"] == 1
    row = table.set_index("name").loc["joint, three losses minus DTGN"]
    assert (row["only first"], row["only second"]) == (5, 0)
    assert row["p"] == pytest.approx(2 / 2**5)


def test_recalls_are_those_of_each_emotion(methods):
    table, metrics = lesson.emotion_recalls(methods, "d", 0)
    assert len(table) == 6
    assert metrics["d/dtan/anger"]["value"] == 0.5
    assert metrics["d/joint/fear"]["value"] == 1
    assert set(table["group"]) == {"DTAN", "DTGN", "joint, three losses"}


def test_methods_stand_beside_the_papers_numbers(methods):
    metrics = lesson.score_methods(methods, "sequences", 0)
    table = lesson.method_rows(metrics, "sequences", "ckplus").set_index("name")
    assert table.loc["joint, three losses", "paper"] == pytest.approx(0.9725)
    assert np.isnan(table.loc["logits added", "paper"])
    assert table.loc["DTAN", "value"] == 0.5
    assert 0 <= lesson.axis_start(table) <= table["low"].min()
    assert lesson.compare_sets(metrics, ["sequences"]).loc["DTAN", "sequences"].startswith("50.0")


def test_alpha_is_described_by_its_highest_point_and_by_one_half():
    alpha = np.arange(101) / 100
    sweep = pd.DataFrame({"alpha": alpha, "value": 0.9 - (alpha - 0.3) ** 2})
    metrics = lesson.alpha_metrics(sweep, "d")
    assert metrics["d/alpha/highest"]["value"] == pytest.approx(0.3)
    assert metrics["d/alpha/lost_at_half"]["value"] == pytest.approx(0.04)


def test_the_papers_confusions_stand_beside_ours(methods):
    panels = lesson.joint_confusions(methods, "ckplus")
    assert set(panels["panel"]) == {"ours, joint", "the paper's, CK+"}
    assert set(lesson.joint_confusions(methods, "none")["panel"]) == {"ours, joint"}


def test_below_study_small_networks_are_those_of_the_kept_study():
    metrics = lesson.measure_small_networks("lesson", seed=0, centred=True)
    kept = load_study("dtagn").predictions
    means = kept[kept["data"] == "sequences-mmi"].groupby("method")["value"].mean()
    found = {name: metrics[f"sequences-mmi/{name}"]["value"] for name in lesson.COMBINATIONS}
    assert found == pytest.approx({name: means[name] for name in lesson.COMBINATIONS})
    gain = metrics["sequences-mmi/joint_minus_weighted_sum"]
    assert gain["value"] == pytest.approx(means["joint"] - means["weighted_sum"])
    assert gain["low"] < gain["value"] < gain["high"]

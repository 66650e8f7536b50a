"""Comparisons of methods and inputs in the notebook of controlled experiments."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from ferkit.workbook.exercises import check
from ferkit.workbook.lessons import controlled_methods as lesson
from ferkit.workbook.studies.picture_methods import FACE_FOUND, tabulate_methods

PEOPLE = np.arange(40)


@pytest.fixture
def judged():
    """Two panels: A is right on all unspoiled pictures and on no others, B on half of all."""
    every = np.ones(40, bool)
    half = PEOPLE % 2 == 0
    clean = {FACE_FOUND: every, "A": every, "B": half}
    spoiled = {FACE_FOUND: every, "A": ~every, "B": half}
    return {panel: {0.0: clean, 5.0: spoiled} for panel in ("blur, pixels", "noise")}


def test_what_is_said_names_the_best_before_and_after(judged):
    studio = SimpleNamespace(seen=SimpleNamespace(people=PEOPLE))
    said = lesson.say_methods(judged, studio).data
    assert "at the mildest settings *A* is best (100 %)" in said
    assert "at the strongest settings *B* (50 %" in said
    assert "*B* beats *A* by 50.0 points" in said
    assert "*A* loses most: 100.0 points" in said


def test_metrics_name_panel_setting_and_method(judged):
    metrics = lesson.methods_metrics(tabulate_methods(judged, PEOPLE))
    assert metrics["methods/blur/5/A"]["value"] == 0
    assert metrics["methods/noise/5/face_found"]["value"] == 1
    assert not [key for key in metrics if " " in key]


def test_gains_are_said_for_the_smallest_and_the_largest_spread():
    rows = [(x, "minus", x / 10, x / 20, x / 5) for x in (0, 1, 4)]
    table = pd.DataFrame(rows, columns=["x", "series", "value", "low", "high"])
    said = lesson.say_features(table).data
    assert "At a spread of 0: +0.0 minus (0.0 to 0.0)." in said
    assert "At a spread of 4: +40.0 minus (20.0 to 80.0)." in said
    assert "spread of 1" not in said


def test_the_most_robust_method_is_judged_on_spoiled_settings(judged):
    methods = tabulate_methods(judged, PEOPLE)
    panels = ("blur, pixels", "noise")
    assert check("13.6", dict.fromkeys(panels, "B"), methods=methods).right
    assert not check("13.6", dict.fromkeys(panels, "A"), methods=methods).right
    assert not check("13.6", dict.fromkeys(panels, FACE_FOUND), methods=methods).right
    assert "missing" in check("13.6", {"noise": "B"}, methods=methods).text


def test_equally_robust_methods_are_both_right(judged):
    judged["noise"][5.0]["A"] = judged["noise"][5.0]["B"]
    methods = tabulate_methods(judged, PEOPLE)
    for method in ("A", "B"):
        answer = {"blur, pixels": "B", "noise": method}
        assert check("13.6", answer, methods=methods).right

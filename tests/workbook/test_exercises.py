"""Exercises: the kinds of checks, hints, and that each notebook's are complete."""

import ast
from pathlib import Path

import nbformat
import numpy as np
import pytest
from exercise_trials import SOLUTIONS, find_exercises, load_trials

from ferkit.core import files
from ferkit.core.landmarks import residuals
from ferkit.workbook import exercises
from ferkit.workbook.exercises import all_exercises, check, checks, hint
from ferkit.workbook.exercises.checks import Exercise

NOTEBOOKS = sorted((files.PROJECT / "notebooks").glob("*.ipynb"))
each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
HINTS = ("Look again.", "Look there.", "It is b.")


def placed(path: Path) -> list:
    return find_exercises(nbformat.read(path, as_version=4))


def with_judge(monkeypatch, judge):
    known = {"99.1": Exercise("Which?", judge, HINTS, "b")}
    monkeypatch.setattr(exercises, "all_exercises", lambda: known)


@each
def test_its_exercises_are_known_and_numbered(path):
    numbers = [exercise.number for exercise in placed(path)]
    number = path.name[:2]
    assert numbers == [f"{number}.{k}" for k in range(1, len(numbers) + 1)]
    assert numbers == [name for name in all_exercises() if name.startswith(number)]
    assert 4 <= len(numbers) <= 6


@each
def test_it_is_committed_without_answers(path):
    notebook = nbformat.read(path, as_version=4)
    for exercise in find_exercises(notebook):
        cell = notebook.cells[exercise.position - 1]
        assert ast.unparse(ast.parse(cell.source).body[-1]) == "answer = None"
        output = notebook.cells[exercise.position].outputs[0].data["text/plain"]
        assert output == f'{exercise.number}: no answer yet; hint("{exercise.number}", 1) helps'


@each
def test_each_exercise_has_a_solution_and_three_wrong_answers(path):
    trials = load_trials(path.name[:2])
    assert list(trials) == [exercise.number for exercise in placed(path)]
    for answers in trials.values():
        assert len(set(answers["wrong"])) >= 3
        for source in (answers["solution"], *answers["wrong"]):
            assert "answer" in source
            ast.parse(source)


def test_solutions_lie_outside_the_package():
    assert not SOLUTIONS.is_relative_to(Path(exercises.__file__).parents[2])


def test_hints_are_three_different_sentences():
    for number, exercise in all_exercises().items():
        assert len(set(exercise.hints)) == 3, number
        assert exercise.question
        assert exercise.expected


def test_a_choice_is_judged_without_showing_the_right_one(monkeypatch):
    with_judge(monkeypatch, checks.choice("abc", checks.digest_of("b")))
    assert repr(check("99.1", None)) == '99.1: no answer yet; hint("99.1", 1) helps'
    assert repr(check("99.1", " B ")) == "99.1: right"
    assert repr(check("99.1", "a")) == '99.1: not yet: that is not it; hint("99.1", 1) helps'
    assert "expected one of a, b, c, got 'd'" in check("99.1", "d").text


def test_a_number_may_be_off_by_the_tolerance(monkeypatch):
    with_judge(monkeypatch, checks.number(lambda scores: np.mean(scores), 0.01))
    assert check("99.1", 0.505, scores=[0, 1]).right
    assert "too small" in check("99.1", 0.4, scores=[0, 1]).text
    assert "too large" in check("99.1", 0.6, scores=[0, 1]).text
    assert "NaN" in check("99.1", float("nan"), scores=[0, 1]).text
    assert "expected one number" in check("99.1", [1, 2], scores=[0, 1]).text
    assert "ValueError" in check("99.1", "half", scores=[0, 1]).text


def _points_and_people(rng):
    return rng.normal(size=(6, 68, 2)), np.array(["a", "a", "b", "b", "b", "a"])


def test_a_function_is_compared_with_the_package(monkeypatch):
    with_judge(monkeypatch, checks.same_function(residuals, _points_and_people))

    def mine(points, people):
        means = {name: points[people == name].mean(0) for name in set(people)}
        return points - np.stack([means[name] for name in people])

    assert check("99.1", mine).right
    wrong = check("99.1", lambda points, people: points - points.mean(0))
    assert "the shape is right, but 100% of the values differ" in wrong.text
    assert "shape (6, 68, 2), got (68, 2)" in check("99.1", lambda p, _: p.mean(0)).text
    assert "it stops with ZeroDivisionError" in check("99.1", lambda p, _: 1 / 0).text
    assert "expected a function" in check("99.1", 3).text


def test_predictions_must_be_shown_to_be_better(monkeypatch):
    judge = checks.better_than_baseline(
        lambda truth, **_: truth, lambda truth, **_: np.roll(truth, 1)
    )
    with_judge(monkeypatch, judge)
    truth, people = np.arange(40) % 4, np.arange(40) // 4
    assert check("99.1", truth, truth=truth, people=people).right
    assert not check("99.1", np.roll(truth, 1), truth=truth, people=people).right
    assert "40 predictions" in check("99.1", truth[1:], truth=truth, people=people).text


def test_an_unknown_exercise_or_hint_is_refused():
    with pytest.raises(ValueError, match="unknown exercise '77.1'; known: "):
        check("77.1", 1)
    with pytest.raises(ValueError, match="unknown exercise '77.1'"):
        hint("77.1")


def test_hints_come_one_by_one(monkeypatch):
    with_judge(monkeypatch, checks.choice("ab", "x"))
    assert hint("99.1", 2).data == "99.1, hint 2 of 3: Look there."
    with pytest.raises(ValueError, match="hints 1, 2 and 3, got 4"):
        hint("99.1", 4)

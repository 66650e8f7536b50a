"""The teacher's page has every exercise as the code defines it."""

import json

from ferkit.workbook.exercises import all_exercises
from ferkit.workbook.exercises.checks import Exercise
from ferkit.workbook.reading_order import READING_ORDER
from ferkit.workbook.teaching_page import PAGE, exercise_list, with_exercises


def exercise(question: str) -> Exercise:
    return Exercise(question, lambda answer: "", ("one", "two", "three"), f"yes, {question}")


def test_the_page_is_as_the_code_writes_it():
    """After a change: write_page() writes the list anew."""
    text = PAGE.read_text(encoding="utf-8")
    assert with_exercises(text) == text
    assert text.count("*Expected:*") == len(all_exercises())


def test_exercises_stand_under_their_notebooks_in_the_order_of_reading(tmp_path):
    known = {"03.1": exercise("b?"), "11.1": exercise("a?"), "11.2": exercise("c?")}
    names = ("03_two_branches", "11_leak_laboratory", "12_your_own_faces")
    for name in names:
        heading = {"cell_type": "markdown", "source": [f"# {name[:2]} · Title\n", "\n", "Text"]}
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [heading]}))
    text = exercise_list(known, tmp_path.glob("*.ipynb"))
    order = ["### 11 · Title", "**11.1** a?", "yes, a?", "**11.2**", "### 03 · Title"]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert "(../notebooks/11_leak_laboratory.ipynb)" in text
    assert "12" not in text


def test_the_order_and_times_have_every_notebook():
    table = PAGE.read_text(encoding="utf-8").partition("## Order and times")[2]
    numbers = [line[2:4] for line in table.splitlines() if line[:2] == "| " and line[2:4].isdigit()]
    assert sorted(numbers) == sorted(READING_ORDER)

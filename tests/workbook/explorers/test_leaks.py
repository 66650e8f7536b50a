"""The quiz about leaks."""

import numpy as np

from ferkit.workbook.explorers import leaks
from ferkit.workbook.lessons.leak_list import HONEST_LINES, LEAKS, NO_LEAK
from ferkit.workbook.lessons.leak_pairs import LeakPair

PEOPLE = np.repeat(range(5), 2)
MEASURED = {"folds_by_frame": LeakPair(np.zeros(10, bool), np.ones(10, bool), PEOPLE)}


def test_the_table_asks_of_every_leak_and_of_honest_lines():
    table = leaks.quiz_table(MEASURED)
    assert len(table) == len(LEAKS) + len(HONEST_LINES)
    assert set(table["line"][table["leak"] == NO_LEAK]) == set(HONEST_LINES)
    row = table[table["line"] == LEAKS["folds_by_frame"].line].iloc[0]
    assert row["added"].startswith("+100.0 points")


def test_the_quiz_tells_what_a_leak_adds_only_after_the_right_answer():
    quiz = leaks.leak_quiz(MEASURED)
    row = leaks.quiz_table(MEASURED).iloc[1]
    quiz.controls["question"].value = 2
    assert row["line"] in quiz.view.value
    quiz.controls["answer"].value = NO_LEAK
    assert "points" not in quiz.text.value
    quiz.controls["answer"].value = row["leak"]
    assert row["added"] in quiz.text.value
    quiz.controls["question"].value = 3
    assert quiz.controls["answer"].value == "choose"

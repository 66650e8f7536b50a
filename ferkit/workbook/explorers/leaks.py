"""A quiz about leaks: what is wrong with a line of code, and what it adds."""

from collections.abc import Mapping

import pandas as pd

from ferkit.workbook.explorers.base import Explorer, assemble, load_ipywidgets, make_text
from ferkit.workbook.lessons.leak_list import (
    HONEST_LINES,
    KINDS,
    LEAKS,
    NO_LEAK,
)
from ferkit.workbook.lessons.leak_pairs import LeakPair, added_in_words

_NOT_ANSWERED = "choose"


def quiz_table(measured: Mapping[str, LeakPair]) -> pd.DataFrame:
    """Tabulate the quiz with its answers: line, leak (its kind) and added (points).

    Leaks that were not measured add "not measured".
    """
    rows = []
    for name, leak in LEAKS.items():
        added = "not measured"
        if name in measured:
            added = added_in_words(measured[name])
        rows.append((leak.line, leak.kind, added))
    # Honest lines stand among the others, at every fifth place.
    for place, line in enumerate(HONEST_LINES, start=1):
        rows.insert(5 * place, (line, NO_LEAK, "nothing"))
    return pd.DataFrame(rows, columns=["line", "leak", "added"])


def leak_quiz(measured: Mapping[str, LeakPair]) -> Explorer:
    """Ask of one line after another what leaks; show the measured difference once answered.

    Controls: `question`, counted from 1, and `answer`.
    """
    w = load_ipywidgets()
    table = quiz_table(measured)
    controls = {
        "question": w.IntSlider(1, min=1, max=len(table), description="question"),
        "answer": w.RadioButtons(
            options=[_NOT_ANSWERED, *KINDS],
            description="leak",
            layout={"width": "auto", "max_width": "420px"},
        ),
    }
    view = w.HTML()
    text = make_text()

    def show_question(_: object = None) -> None:
        controls["answer"].value = _NOT_ANSWERED
        line = table["line"][controls["question"].value - 1]
        view.value = f"<pre>{line}</pre>"

    def judge(_: object = None) -> None:
        row = table.iloc[controls["question"].value - 1]
        answer = controls["answer"].value
        if answer == _NOT_ANSWERED:
            text.value = "What is wrong with this line, if anything?"
        elif answer == row["leak"]:
            text.value = f"<b>Right.</b> It adds: {row['added']}."
        else:
            text.value = "Not that. Ask which step has seen the test people."

    controls["question"].observe(show_question, "value")
    show_question()
    return assemble(controls, view, text, judge)

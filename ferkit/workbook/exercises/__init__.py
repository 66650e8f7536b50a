"""Exercises of the notebooks: check an answer, ask for a hint.

    answer = "b"
    check("02.1", answer)
    hint("02.1", 1)

Each notebook's exercises are a module of this folder, under the notebook's name without its number.
Checks need no network and no solutions file; an answer that is missing or wrong never stops a
notebook.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from IPython.display import Markdown

from ferkit.workbook.exercises.checks import Exercise

_SHARED_MODULES = ("__init__", "checks")


@dataclass(frozen=True)
class Verdict:
    """Whether an answer is right, and what to say about it."""

    right: bool
    text: str

    def __repr__(self) -> str:
        return self.text


def check(number: str, answer: Any, **facts: Any) -> Verdict:
    """Judge the answer to an exercise such as "02.1".

    `facts` are values of the notebook that the judge compares with. A mistake in the answer, an
    exception included, becomes the text of the verdict. ValueError for an unknown exercise.
    """
    exercise = _find(number)
    help_text = f'hint("{number}", 1) helps'
    if answer is None:
        return Verdict(False, f"{number}: no answer yet; {help_text}")
    try:
        problem = exercise.judge(answer, **facts)
    except Exception as error:  # the student's function may raise anything
        problem = f"it stops with {type(error).__name__}: {error}"
    if problem:
        return Verdict(False, f"{number}: not yet: {problem}; {help_text}")
    return Verdict(True, f"{number}: right")


def hint(number: str, step: int = 1) -> Markdown:
    """Return, for display, one of an exercise's three hints; the third almost gives the answer.

    ValueError for an unknown exercise or step.
    """
    hints = _find(number).hints
    if step not in (1, 2, 3):
        raise ValueError(f"an exercise has hints 1, 2 and 3, got {step!r}")
    return Markdown(f"{number}, hint {step} of 3: {hints[step - 1]}")


@cache
def all_exercises() -> Mapping[str, Exercise]:
    """All exercises by number, in the order of the notebooks."""
    folder = Path(__file__).parent
    names = sorted(file.stem for file in folder.glob("*.py") if file.stem not in _SHARED_MODULES)
    found: dict[str, Exercise] = {}
    for name in names:
        found |= import_module(f"{__name__}.{name}").EXERCISES
    return dict(sorted(found.items()))


def _find(number: str) -> Exercise:
    exercises = all_exercises()
    if number not in exercises:
        raise ValueError(f"unknown exercise {number!r}; known: {', '.join(exercises)}")
    return exercises[number]

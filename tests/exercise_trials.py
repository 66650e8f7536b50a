"""Exercises in notebooks, and copies of notebooks with answers tried in them.

tests/solutions/NN.toml holds for each exercise a solution and three wrong answers, as source of the
cell tagged `exercise`.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

SOLUTIONS = Path(__file__).parent / "solutions"
_CHECK = re.compile(r'^check\(\s*"(\d\d\.\d)",\s*answer[,)]')


@dataclass(frozen=True)
class PlacedExercise:
    """An exercise of a notebook: its number, the position of its check, and the check."""

    number: str
    position: int
    check: str


def find_exercises(notebook: nbformat.NotebookNode) -> list[PlacedExercise]:
    """Find cells tagged `exercise`; ValueError where no check of a number follows."""
    found = []
    cells = notebook.cells
    for position, cell in enumerate(cells):
        if "exercise" not in cell.metadata.get("tags", ()):
            continue
        check = cells[position + 1].source
        match = _CHECK.match(check)
        if match is None:
            raise ValueError(f"after the exercise {cell.source!r} comes no check but {check!r}")
        found.append(PlacedExercise(match[1], position + 1, check))
    return found


def load_trials(number: str) -> dict[str, dict]:
    """Read the solutions and wrong answers of a notebook such as "02"."""
    file = SOLUTIONS / f"{number}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def add_trials(copy: Path, number: str) -> None:
    """Insert a cell for each solution and wrong answer after its check, in a copy of a notebook."""
    notebook = nbformat.read(copy, as_version=4)
    trials = load_trials(number)
    for exercise in reversed(find_exercises(notebook)):
        answers = trials[exercise.number]
        sources = [f"{answers['solution']}\nassert ({exercise.check}).right, 'a solution'"]
        sources += [
            f"{wrong}\nassert not ({exercise.check}).right, 'a wrong answer'"
            for wrong in answers["wrong"]
        ]
        cells = [new_code_cell(source) for source in sources]
        notebook.cells[exercise.position + 1 : exercise.position + 1] = cells
    nbformat.write(notebook, copy)

"""The teacher's page, docs/teaching.md: its list of exercises is written from their definitions.

`write_page()` writes the list anew; the text before the marker is written by hand.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from ferkit.core.files import PROJECT, write_text
from ferkit.workbook.exercises import all_exercises
from ferkit.workbook.exercises.checks import Exercise
from ferkit.workbook.reading_order import sort_for_reading

PAGE = PROJECT / "docs" / "teaching.md"
_BEGIN = "<!-- written by ferkit.workbook.teaching_page -->"


def exercise_list(exercises: Mapping[str, Exercise], notebooks: Iterable[Path]) -> str:
    """List the exercises of each notebook with what a good answer says, as Markdown."""
    files = {path.stem: path for path in notebooks}
    lines = []
    for name in sort_for_reading(files):
        number = name[:2]
        chosen = {key: one for key, one in exercises.items() if key.startswith(f"{number}.")}
        if not chosen:
            continue
        title = _read_title(files[name])
        lines += [f"### {title}", "", f"[Notebook](../notebooks/{name}.ipynb)", ""]
        for key, exercise in chosen.items():
            lines += [f"**{key}** {exercise.question}", "", f"*Expected:* {exercise.expected}", ""]
    return "\n".join(lines).strip()


def _read_title(notebook: Path) -> str:
    """Read the first heading of a notebook, such as "06 · Joint fine-tuning"."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    first_line = "".join(cells[0]["source"]).partition("\n")[0]
    return first_line.removeprefix("# ")


def with_exercises(text: str) -> str:
    """Return the page with the list as the code has it, after the text written by hand."""
    before = text.partition(_BEGIN)[0]
    notebooks = (PROJECT / "notebooks").glob("[0-9]*.ipynb")
    return f"{before}{_BEGIN}\n\n{exercise_list(all_exercises(), notebooks)}".rstrip() + "\n"


def write_page() -> Path:
    """Write the list of exercises anew; return the page."""
    write_text(PAGE, with_exercises(PAGE.read_text(encoding="utf-8")))
    return PAGE

"""Make the cells of an executed notebook ready for a page without a kernel.

Widgets become a remark (each has a static picture beside it), exercises a folded remark, and every
picture gets a text for those who cannot see it.
"""

import ast
import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass

import nbformat

from ferkit.workbook.parameters import plain_python

WIDGET = "application/vnd.jupyter.widget-view+json"
REMARK = "(interactive: open the notebook in JupyterLab)"
EXERCISE_TAG = "exercise"
_CHECK = re.compile(r'^\s*check\("(\d\d\.\d+)"')
_BAR_TIMES = re.compile(r"\[\d+:\d\d(:\d\d)?[<,]")  # of a tqdm bar, such as [00:12<00:30
_PICTURES = {"image/png": ".png", "image/jpeg": ".jpg"}


@dataclass(frozen=True)
class ShownPicture:
    """A picture file and what it shows."""

    content: bytes
    suffix: str
    alt: str


def prepare_cells(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Change a notebook for display: no widgets, folded exercises, described pictures."""
    _remove_widgets(notebook)
    for _ in describe_pictures(notebook):
        pass
    notebook.cells = list(_fold_exercises(notebook.cells))
    return notebook


def _remove_widgets(notebook: nbformat.NotebookNode) -> None:
    """Remove widgets, which need a kernel, and papermill's error cells."""
    cells = []
    for cell in notebook.cells:
        if "papermill-error-cell-tag" in cell.metadata.get("tags", ()):
            continue
        cells.append(cell)
        if "outputs" not in cell:
            continue
        cell.outputs = [output for output in cell.outputs if not is_progress(output)]
        for output in cell.outputs:
            drop_widget(output)
    notebook.cells = cells


def drop_widget(output: nbformat.NotebookNode) -> None:
    """Remove a widget, which needs a kernel; its raw Python becomes a remark.

    A picture beside it stays alone. JupyterLab would report a widget without a kernel as an error.
    """
    data = output.get("data", {})
    if data.pop(WIDGET, None) and set(data) <= {"text/plain"}:
        data["text/plain"] = REMARK


def is_progress(output: nbformat.NotebookNode) -> bool:
    """Whether this is a state of a tqdm bar: a widget without its kernel, or text of its own."""
    data = output.get("data", {})
    if output.get("name") == "stderr":
        states = re.split(r"[\r\n]|\x1b\[A", output.text)  # a bar below another moves up again
        return all(_BAR_TIMES.search(state) or not state.strip() for state in states)
    return WIDGET in data and "%|" in data.get("text/plain", "")


def _fold_exercises(cells: list[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Replace each exercise's cell and the check after it by a folded remark."""
    place = 0
    while place < len(cells):
        cell = cells[place]
        place += 1
        if EXERCISE_TAG not in cell.metadata.get("tags", ()):
            yield cell
            continue
        check = _CHECK.match(cells[place].source) if place < len(cells) else None
        if check:
            place += 1
        title = f"Answer {check[1]} in JupyterLab" if check else "Answer in JupyterLab"
        lines = [f'<details class="exercise"><summary>{title}</summary>', ""]
        lines += ["The notebook has this cell for your answer, and says whether it is right:", ""]
        lines += ["```python", cell.source, "```", "", "</details>"]
        yield nbformat.v4.new_markdown_cell("\n".join(lines), id=cell.get("id"))


def describe_pictures(notebook: nbformat.NotebookNode) -> Iterator[ShownPicture]:
    """Give every picture among the outputs an `alt` text that it lacks; yield the pictures.

    The text names the section and what the cell calls the figure.
    """
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if re.match(r"#+ ", line)]
            heading = titles[-1].lstrip("# ") if titles else heading
        for output in cell.get("outputs", ()):
            for kind in _PICTURES.keys() & output.get("data", {}).keys():
                about = output.metadata.setdefault(kind, {})
                names = ", ".join(dict.fromkeys(_names_of_figures(cell.source)))
                parts = [part for part in (heading, names) if part]
                about.setdefault("alt", f"Figure: {'. '.join(parts)}" if parts else "Figure")
                content = base64.b64decode(output.data[kind])
                yield ShownPicture(content, _PICTURES[kind], about["alt"])


# Which argument of a call is the name under which it saves a figure.
_PLACES_OF_NAMES = {"save_picture": 2, "picture": 1, "figure": 2}


def _names_of_figures(source: str) -> Iterator[str]:
    """Yield what a cell calls its figures: titles, or else the names they are saved under."""
    try:
        nodes = ast.walk(ast.parse(plain_python(source)))
    except SyntaxError:
        return
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    titles = [key.value for call in calls for key in call.keywords if key.arg == "title"]
    names = []
    for call in calls:
        function = ast.unparse(call.func).split(".")[-1]
        place = _PLACES_OF_NAMES.get(function, len(call.args))
        names += call.args[place : place + 1]
    for value in titles or names:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value.replace("_", " ")

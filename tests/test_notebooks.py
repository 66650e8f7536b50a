"""The committed notebooks: run once in order at `lesson`, readable, and running at `smoke`."""

import ast
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import nbformat
import pytest
from exercise_trials import add_trials
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ferkit.core import files
from ferkit.workbook import kernels
from ferkit.workbook.parameters import copy_with_literals, plain_python, read_notebook

pytestmark = pytest.mark.loopback

NOTEBOOKS = sorted((files.PROJECT / "notebooks").glob("*.ipynb"))
LONGEST_CELL = 30  # lines, imports not counted
DEFINITIONS = 3  # functions and classes in one notebook; more belong in the package
COMPARED = "# NBVAL_CHECK_OUTPUT"
ABSOLUTE = re.compile(
    r"(?<![\w.~-])/(home|root|tmp|work|workspace|Users|mnt|opt|srv|var|usr|private|data)/"
    r"|\b[A-Z]:\\{1,2}(Users|home|Program|Windows|data)"
)

each = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path: Path) -> list[nbformat.NotebookNode]:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


def texts(path: Path) -> Iterable[str]:
    """Yield all text of a notebook: sources and outputs, without pictures."""
    for cell in nbformat.read(path, as_version=4).cells:
        yield cell.source
        for output in cell.get("outputs", ()):
            yield output.get("text", "")
            yield from output.get("traceback", ())
            yield from (
                str(data)
                for kind, data in output.get("data", {}).items()
                if not kind.startswith("image/")
            )


def figures_without_picture(outputs: Iterable[nbformat.NotebookNode]) -> list[str]:
    """The figures that a reader sees as text, `<Figure size ...>`."""
    found = []
    for output in outputs:
        contents = output.get("data", {})
        text = contents.get("text/plain", "")
        if text.startswith("<Figure") and not any(kind.startswith("image/") for kind in contents):
            found.append(text)
    return found


def absolute_paths(path: Path) -> list[str]:
    return [
        match.group()
        for text in texts(path)
        for match in ABSOLUTE.finditer(re.sub(r"data:image/[^\"')]*", "", text))
    ]


def lines_without_imports(source: str) -> int:
    """Count the lines of a cell without its import statements."""
    body = ast.parse(plain_python(source)).body
    imported = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    return len(source.splitlines()) - sum(n.end_lineno - n.lineno + 1 for n in imported)


def level_dependent(cells: Iterable[str]) -> list[int]:
    """Find the cells marked for comparison whose values depend on `level`.

    A name depends on `level` when a statement that assigns it, or calls one of its methods, reads
    `level` or a name that depends on it. Modules never do. This is stricter than necessary.
    """
    tainted, modules, found = {"level"}, set(), []
    for position, source in enumerate(cells):
        body = ast.parse(plain_python(source)).body
        depends = False
        for statement in body:
            nodes = list(ast.walk(statement))
            modules |= {
                (a.asname or a.name).split(".")[0]
                for n in nodes
                if isinstance(n, ast.Import | ast.ImportFrom)
                for a in n.names
            }
            names = [node for node in nodes if isinstance(node, ast.Name)]
            stored = {name.id for name in names if not isinstance(name.ctx, ast.Load)}
            stored |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
            if tainted & {name.id for name in names if isinstance(name.ctx, ast.Load)}:
                depends = True
                touched = {
                    n.value.id
                    for n in nodes
                    if isinstance(n, ast.Attribute | ast.Subscript)
                    and isinstance(n.value, ast.Name)
                }
                tainted |= (stored | touched) - modules
            elif isinstance(statement, ast.Assign) and position > 0:
                tainted -= stored - {"level"}
        if depends and COMPARED in source:
            found.append(position)
    return found


@each
def test_it_was_run_once_from_top_to_bottom(path):
    cells = code_cells(path)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))


@each
def test_its_outputs_are_there_and_none_is_an_error(path):
    cells = code_cells(path)
    assert any(cell.outputs for cell in cells)
    assert not [cell.source for cell in cells if COMPARED in cell.source and not cell.outputs]
    assert not [
        cell.source for cell in cells for output in cell.outputs if output.output_type == "error"
    ]


@each
def test_every_figure_among_its_outputs_is_a_picture(path):
    outputs = [output for cell in code_cells(path) for output in cell.outputs]
    assert not figures_without_picture(outputs)


@each
def test_it_has_no_absolute_paths(path):
    assert not absolute_paths(path)


@each
def test_its_parameters_are_literals_of_a_lesson_and_all_are_read(path):
    notebook = read_notebook(path)  # refuses anything but literals
    assert notebook.parameters["level"] == "lesson"
    assert notebook.parameters["seed"] == 0
    assert notebook.parameters["out"] == ""
    assert not notebook.unread


@each
def test_compared_outputs_do_not_depend_on_the_level(path):
    assert not level_dependent([cell.source for cell in code_cells(path)])


@each
def test_it_tells_a_story_and_defines_almost_nothing(path):
    first = nbformat.read(path, as_version=4).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    sources = [cell.source for cell in code_cells(path)]
    assert max(map(lines_without_imports, sources)) <= LONGEST_CELL
    trees = [ast.walk(ast.parse(plain_python(source))) for source in sources]
    defined = [
        node.name
        for tree in trees
        for node in tree
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert len(defined) <= DEFINITIONS, defined


def run_nbval(path: Path, out: Path) -> subprocess.CompletedProcess:
    if not (path.parent / "conftest.py").exists():
        shutil.copy(files.PROJECT / "notebooks" / "conftest.py", path.parent)
    words = [
        "--nbval",
        "--nbval-current-env",
        "--nbval-cell-timeout=300",
        "--maxfail=3",  # each cell after one that hangs would wait as long
        "-q",
        path.name,
    ]
    return subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=path.parent,
        env=kernels.kernel_variables(out),
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.notebooks
@each
def test_a_copy_runs_at_smoke_with_its_outputs_and_solutions(path, tmp_path):
    copy = copy_with_literals(
        path, tmp_path / "notebooks" / path.name, level="smoke", out=str(tmp_path / "run")
    )
    add_trials(copy, path.name[:2])
    result = run_nbval(copy, tmp_path / "run")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.notebooks
def test_papermill_alone_writes_to_the_folder_of_runs(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    words = [str(NOTEBOOKS[1]), "done.ipynb", "-p", "level", "smoke", "-k", kernels.OUR_KERNEL]
    subprocess.run(
        [sys.executable, "-m", "papermill", *words],
        cwd=tmp_path / "elsewhere",
        env=kernels.kernel_variables(tmp_path / "run"),
        capture_output=True,
        check=True,
    )
    assert [file.name for file in tmp_path.glob("elsewhere/*")] == ["done.ipynb"]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["elsewhere", "run"]
    assert (tmp_path / "run" / "metrics" / f"{NOTEBOOKS[1].stem}.json").is_file()


# The checks above must be able to fail.


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        (["level = 1", f"{COMPARED}\nprint(level)"], [1]),
        (
            [
                "level = 1",
                "n = {'smoke': 1}[level]",
                "rows = list(range(n))",
                f"{COMPARED}\nlen(rows)",
            ],
            [3],
        ),
        (["level = 1", "import numpy as np\nx = np.zeros(level)", f"{COMPARED}\nnp.pi"], []),
        (
            [
                "level = 1",
                "rows = []\nfor i in range(3):\n    rows.append(level)",
                f"{COMPARED}\nrows",
            ],
            [2],
        ),
        (["level = 1", "table = {}\ntable['n'] = level", f"{COMPARED}\ntable"], [2]),
        (["level = 1", "def f():\n    return level", f"{COMPARED}\nf()"], [2]),
        (["level = 1", "x = level", "x = 3", f"{COMPARED}\nx"], []),
        (["level = 1", "%matplotlib inline\nprint(level)", f"{COMPARED}\nprint(seed)"], []),
    ],
)
def test_dependence_on_the_level_is_found(cells, found):
    assert level_dependent(cells) == found


def test_a_figure_without_a_picture_is_found():
    text = {"text/plain": "<Figure size 640x400 with 1 Axes>"}
    outputs = [
        new_output("display_data", data=text),
        new_output("display_data", data=text | {"image/png": "iVBO"}),
        new_output("stream", text="<Figure"),
    ]
    assert figures_without_picture(outputs) == [text["text/plain"]]


@pytest.mark.parametrize(
    ("text", "bad"),
    [
        ("open('/home/me/faces')", True),
        ("C:\\Users\\me", True),
        ("see /tmp/pictures", True),
        ("https://example.org/home/me", False),
        ("../build/run/home/x", False),
        (r"$L:\mathbb{R}/\mathrm{d}x$", False),
        ('<img src="data:image/png;base64,AA/tmp/BB">', False),
    ],
)
def test_absolute_paths_are_found(tmp_path, text, bad):
    for cell in (
        new_markdown_cell(text),
        new_code_cell("1", outputs=[new_output("stream", text=text)]),
    ):
        nbformat.write(new_notebook(cells=[cell]), tmp_path / "a.ipynb")
        assert bool(absolute_paths(tmp_path / "a.ipynb")) == bad


@pytest.mark.notebooks
def test_a_wrong_output_or_an_error_fails_the_copy(tmp_path):
    shown = [new_output("stream", text="0\n")]
    cells = [
        new_code_cell(
            'level = "lesson"\nn = 1', metadata={"tags": ["parameters"]}, execution_count=1
        ),
        new_code_cell(f"{COMPARED}\nprint(0)", outputs=shown, execution_count=2),
        new_code_cell(f"{COMPARED}\nprint(n)", outputs=shown, execution_count=3),
        new_code_cell("assert level == 'smoke'", execution_count=4),
    ]
    nbformat.write(new_notebook(cells=cells), tmp_path / "a.ipynb")
    result = run_nbval(
        copy_with_literals(tmp_path / "a.ipynb", tmp_path / "copy" / "a.ipynb", level="smoke"),
        tmp_path,
    )
    assert result.returncode == 1
    assert "1 failed, 3 passed" in result.stdout

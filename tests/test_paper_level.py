"""Every notebook runs at level `paper`, on miniature sets and networks (`make test-slow`)."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from ferkit.core import files
from ferkit.workbook import kernels
from ferkit.workbook.parameters import copy_with_literals

pytestmark = [pytest.mark.loopback, pytest.mark.slow]

TESTS = Path(__file__).parent
CHECKED = (
    "03_two_branches",
    "04_patch_generation",
    "05_temporal_networks",
    "06_joint_fine_tuning",
    "07_identity_and_emotion",
    "08_emotional_dan",
    "09_visualization",
)
LONGEST_CELL = 600  # seconds


@pytest.mark.parametrize("name", CHECKED)
def test_the_paper_branch_of_a_notebook_runs(name, tmp_path):
    out = tmp_path / "run"
    source = files.PROJECT / "notebooks" / f"{name}.ipynb"
    copy = copy_with_literals(source, tmp_path / source.name, level="paper", out=str(out))
    notebook = nbformat.read(copy, as_version=4)
    lines = ("import sys", f"sys.path.insert(0, {str(TESTS)!r})", "import paper_level")
    shrink = "\n".join((*lines, "paper_level.shrink()"))
    first_code = next(i for i, cell in enumerate(notebook.cells) if cell.cell_type == "code")
    notebook.cells.insert(first_code + 1, new_code_cell(shrink))
    client = NotebookClient(notebook, timeout=LONGEST_CELL, km=kernels.create_manager())
    client.execute(**kernels.start_options(source.parent, out))  # raises what a cell raises
    assert (out / "metrics" / f"{name}.json").is_file()

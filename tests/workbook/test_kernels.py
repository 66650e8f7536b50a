"""Kernels: which one is started, and what it inherits."""

import sys

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

from ferkit.workbook import kernels

pytestmark = pytest.mark.loopback

THREADS = """
import cv2, torch
print(torch.get_num_threads(), cv2.getNumThreads())
"""
FIGURE = """
import pandas as pd
from ferkit import plots
table = pd.DataFrame({"name": ["fear"], "votes": [3]})
plots.save_figure("plot_votes", table, "figures", "votes", made_by={})
"""


@pytest.fixture(scope="module")
def outputs(tmp_path_factory) -> list[nbformat.NotebookNode]:
    """What a kernel that never opens a figure of pyplot's shows for both cells."""
    folder = tmp_path_factory.mktemp("kernel")
    notebook = new_notebook(cells=[new_code_cell(THREADS), new_code_cell(FIGURE)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "4")
        patch.delenv("OPENCV_FOR_THREADS_NUM", raising=False)
        client = NotebookClient(notebook, km=kernels.create_manager(), timeout=120)
        client.execute(**kernels.start_options(folder, folder))
    return [cell.outputs[-1] for cell in notebook.cells]


def test_a_kernel_computes_in_one_thread_whatever_the_environment_says(outputs):
    assert outputs[0].text.split() == ["1", "1"]


def test_a_cell_that_only_saves_a_figure_shows_it(outputs):
    assert "image/png" in outputs[1].data


def test_our_kernel_is_this_python_and_others_must_be_installed():
    assert kernels.kernel_command(None) == sys.executable
    with pytest.raises(
        ValueError, match="no kernel 'pyhton3' is installed, did you mean 'python3'"
    ):
        kernels.kernel_command("pyhton3")

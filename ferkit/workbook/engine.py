"""Execute a notebook with papermill, in a kernel that can be stopped and with its own bar."""

import textwrap
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from jupyter_core.utils import ensure_event_loop
from nbformat import NotebookNode
from papermill import execute_notebook
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine, NotebookExecutionManager, papermill_engines
from tqdm import tqdm

from ferkit.workbook import kernels

_HEADING_WIDTH = 40  # characters
_BAR = "{desc} |{bar:10}| {n_fmt}/{total_fmt} cells [{elapsed}]"


class _StoppableEngine(Engine):
    """Run the cells in a kernel of ours, and name the section that is running."""

    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: NotebookExecutionManager,
        kernel_name: str,
        *,
        kernel: str | None,
        folder: Path,
        out: Path,
        stop: threading.Event,
        name: str,
        **_: Any,
    ) -> None:
        headings = name_sections(nb_man.nb)
        manager = kernels.create_manager(kernel)
        bar = tqdm(total=len(headings), desc=name, bar_format=_BAR, leave=False, disable=None)

        def show(cell: NotebookNode, cell_index: int) -> None:
            bar.n = cell_index
            bar.set_description_str(f"{name}: {headings[cell_index]}")

        client = PapermillNotebookClient(
            nb_man, km=manager, extra_arguments=kernels.QUIET, on_cell_start=show
        )
        # jupyter_core keeps a loop for each thread, and leaves it open when the thread ends.
        loop = closing(ensure_event_loop())
        with loop, bar, kernels.killed_on(stop, manager):
            client.execute(**kernels.start_options(folder, out))


papermill_engines.register("ferkit", _StoppableEngine)


def name_sections(notebook: NotebookNode) -> list[str]:
    """Return for each cell the heading that it stands under, shortened."""
    headings = []
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            title = cell.source.splitlines()[0].lstrip("# ")
            heading = textwrap.shorten(title, _HEADING_WIDTH, placeholder=" ...")
        headings.append(heading)
    return headings


def execute(
    notebook: Path,
    executed: Path,
    parameters: Mapping[str, Any],
    out: Path,
    kernel: str | None,
    stop: threading.Event,
    name: str,
) -> None:
    """Execute `notebook` in its folder; write it to `executed` after each cell.

    `name` stands on its progress bar. Raises what papermill raises for a failing cell, and an error
    once `stop` is set, which kills the kernel.
    """
    execute_notebook(
        _unformatted(notebook),
        _unformatted(executed),
        parameters=dict(parameters),
        engine_name="ferkit",
        kernel_name=kernel or kernels.OUR_KERNEL,
        language="python",
        progress_bar=False,
        kernel=kernel,
        folder=notebook.parent,
        out=out,
        stop=stop,
        name=name,
    )


def _unformatted(path: Path) -> str:
    """The path for papermill, which would fill in words between braces."""
    return str(path).replace("{", "{{").replace("}", "}}")

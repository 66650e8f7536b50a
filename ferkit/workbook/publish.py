"""Run the committed notebooks in place and copy their figures to `figures`."""

import re
import shutil
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from ferkit.core import files
from ferkit.plots.saved import shrink_png
from ferkit.workbook import kernels
from ferkit.workbook.page_cells import drop_widget, is_progress
from ferkit.workbook.tasks import choose_notebooks

# Larger pictures in a notebook have 256 colours, and 64 where that is not enough: pages stay small.
_FULL_COLOUR_BYTES = 30_000
_MANY_COLOURS_BYTES = 40_000


def publish(names: Sequence[str] = (), figures: Path | None = None) -> list[Path]:
    """Run notebooks in place, keep their outputs, and return their files.

    Their figures go to `figures`, by default the project's folder of that name. A notebook that
    fails raises and keeps its old outputs.
    """
    out = files.PROJECT / "build" / "run"
    paths = choose_notebooks(names)
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        client = NotebookClient(notebook, km=kernels.create_manager(), timeout=None)
        client.execute(**kernels.start_options(path.parent, out))
        files.write_whole(path, partial(nbformat.write, _without_traces(notebook, path.stem)))
    if (out / "figures").is_dir():
        shutil.copytree(out / "figures", figures or files.PROJECT / "figures", dirs_exist_ok=True)
    return paths


def _without_traces(notebook: nbformat.NotebookNode, name: str) -> nbformat.NotebookNode:
    """Remove warnings, progress bars, times, widgets' states and this computer's kernel.

    Large pictures are reduced to few colours, and tables have the same names in every run.
    """
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type != "code":
            continue
        outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
        cell.outputs = [output for output in outputs if not is_progress(output)]
        for output in cell.outputs:
            drop_widget(output)
            _name_tables(files.digest(name, cell.id, length=5), output)
            if picture := output.get("data", {}).get("image/png"):
                small = shrink_png(b64decode(picture), _FULL_COLOUR_BYTES)
                small = shrink_png(small, _MANY_COLOURS_BYTES, colours=64)
                output.data["image/png"] = b64encode(small).decode()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook


def _name_tables(name: str, output: nbformat.NotebookNode) -> None:
    """Name a styled table of pandas "T_NAME", instead of at random and by its address."""
    data = output.get("data", {})
    for kind in ("text/html", "text/plain"):
        if kind in data:
            named = re.sub(r"\bT_[0-9a-f]{5}(?=[_\W])", f"T_{name}", data[kind])
            data[kind] = re.sub(r"(?<=Styler)( object)? at 0x[0-9a-f]+", "", named)

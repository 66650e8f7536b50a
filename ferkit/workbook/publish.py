"""The committed notebooks and figures: run once from a fresh kernel at `lesson`, outputs kept, figures copied to `figures`."""

import shutil
from base64 import b64decode, b64encode
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from ferkit import paths
from ferkit.plots.saved import small_png
from ferkit.workbook import kernels
from ferkit.workbook.runner import choose


def publish(names: Sequence[str] = (), figures: Path | None = None) -> list[Path]:
    """Runs the chosen notebooks where they are, as they stand, and returns them; progress bars and widgets' states are left out.

    Their pictures go to `figures` (the project's folder of that name). A notebook that fails raises and stays as it was.
    """
    out = paths.PROJECT / "build" / "run"
    done = choose(names)
    with kernels.environment(out):
        for path in done:
            notebook = nbformat.read(path, as_version=4)
            client = NotebookClient(
                notebook, timeout=None, kernel_name=kernels.OURS, resources={"metadata": {"path": str(path.parent)}}
            )
            client.execute()
            paths.write_whole(path, partial(nbformat.write, _lean(notebook)))
    if (out / "figures").is_dir():
        shutil.copytree(out / "figures", figures or paths.PROJECT / "figures", dirs_exist_ok=True)
    return done


def _lean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Without what only this run would need: progress on stderr, times of execution, the state of widgets, this computer's kernel.

    Large pictures get few colours, as saved figures do.
    """
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [
                each for each in cell.outputs if not (each.output_type == "stream" and each.name == "stderr")
            ]
            for each in cell.outputs:
                if picture := each.get("data", {}).get("image/png"):
                    each.data["image/png"] = b64encode(small_png(b64decode(picture))).decode()
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return notebook

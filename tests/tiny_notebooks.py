"""Tiny notebooks for the tests of the runner."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = 'level = "lesson"\nseed = 0\nout = "../build/tiny"'


def write(path: Path, *cells: str, parameters: str = PARAMETERS) -> Path:
    """Write a title, the tagged cell, and these code cells, which need not read parameters."""
    first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    reads = new_code_cell(
        f"_ = [{', '.join(line.split(' = ')[0] for line in parameters.splitlines())}]"
    )
    text = new_markdown_cell(f"# {path.stem}")
    path.parent.mkdir(parents=True, exist_ok=True)
    node = new_notebook(cells=[text, first, reads, *(new_code_cell(source) for source in cells)])
    node.metadata.kernelspec = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(node, path)
    return path


def tree(folder: Path) -> dict[str, bytes]:
    """All files below a folder with their contents."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }

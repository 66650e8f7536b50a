"""Show how the package does something, on the notebook's page."""

import ast
import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from IPython.display import Markdown


def show_source(function: Callable[..., Any] | type) -> Markdown:
    """Return the code of a function or class for display, without its docstrings."""
    source = textwrap.dedent(inspect.getsource(function))
    module = inspect.getmodule(function)
    place = f"# {module.__name__}" if module else ""
    return Markdown(f"```python\n{place}\n{_without_docstrings(source)}\n```")


def _without_docstrings(source: str) -> str:
    """Remove the docstrings of a function or class and of what it defines."""
    lines = source.splitlines()
    dropped: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            continue
        if ast.get_docstring(node) is None:
            continue
        text = node.body[0]
        dropped.update(range(text.lineno - 1, text.end_lineno or text.lineno))
    return "\n".join(line for place, line in enumerate(lines) if place not in dropped).strip()

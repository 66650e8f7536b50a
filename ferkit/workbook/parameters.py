"""Read a notebook's parameters from its tagged cell without running it.

Convention: the first code cell of a notebook, and no other, is tagged `parameters`. It holds only
lines `name = literal`, since papermill replaces only names written there: a value derived in that
cell would keep its old value. Papermill merely warns about an unknown name, so everything is
checked here before anything runs.
"""

import ast
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import nbformat

from ferkit.core.checks import suggestion
from ferkit.core.files import write_whole

HIGHEST_SEED = 2**32 - 1  # NumPy's and scikit-learn's
LEVELS = ("smoke", "lesson", "study", "paper")
_DEVICES = ("auto", "cpu", "cuda")
_PRECISIONS = ("auto", "32", "bf16")
_CHOICES = {"level": LEVELS, "device": _DEVICES, "precision": _PRECISIONS}
_TAG = "parameters"


@dataclass(frozen=True)
class Notebook:
    """A notebook as it lies on disk."""

    path: Path
    parameters: Mapping[str, Any]  # name -> literal, in the order of the tagged cell
    unread: tuple[str, ...]  # parameters that no later cell reads
    source: str  # hash of all cells' text

    @property
    def name(self) -> str:
        return self.path.stem


def read_notebook(path: Path) -> Notebook:
    """Read the notebook in `path`.

    FileNotFoundError when there is none. ValueError when it is not a notebook or its parameters
    cell holds anything but literals; the message has the line.
    """
    cells = _load(path).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    declared = {name: value for name, value, _ in _assignments(_tagged(code, path).source, path)}
    read = names_read(cell.source for cell in code[1:])
    text = "\0".join(f"{cell.cell_type}\1{cell.source}" for cell in cells)
    unread = tuple(name for name in declared if name not in read)
    return Notebook(path, declared, unread, hashlib.sha256(text.encode()).hexdigest())


def names_read(sources: Iterable[str]) -> set[str]:
    """Collect the names that cells read.

    Every word of a cell that is not Python, such as a shell magic, counts as read.
    """
    names: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(plain_python(source))
        except SyntaxError:
            names.update(re.findall(r"\w+", source))
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                names.add(node.id)
            elif isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return names


def plain_python(source: str) -> str:
    """Blank the IPython magics of a cell; line numbers stay."""
    return "\n".join(
        "" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()
    )


def parse_value(name: str, text: str, literal: Any) -> Any:
    """Convert `text` to the type of `literal`; ValueError when impossible.

    A whole number fits a float. When the literal is None, any Python literal is accepted, and other
    text is a string.
    """
    if isinstance(literal, str):
        return text
    if isinstance(literal, bool):
        if text.lower() not in ("true", "false"):
            raise _misfit(name, text, literal, "true or false")
        return text.lower() == "true"
    if isinstance(literal, (int, float)):
        try:
            number = type(literal)(text)
        except ValueError:
            number = math.nan
        if not -math.inf < number < math.inf:  # math.isfinite refuses very long whole numbers
            raise _misfit(
                name, text, literal, "a whole number" if isinstance(literal, int) else "a number"
            )
        return number
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        if literal is None:
            return text
        raise _misfit(name, text, literal, f"a {type(literal).__name__}") from None
    if (literal is not None and type(value) is not type(literal)) or not _is_json(value):
        raise _misfit(name, text, literal, f"a {type(literal).__name__}")
    return value


def settle_parameters(
    notebooks: Sequence[Notebook], overrides: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Combine each notebook's literals with the user's `overrides`, name to text.

    ValueError for a name that no notebook declares or whose text does not fit, for a declared
    parameter that the notebook never reads, for an unknown level or device, and for CUDA where
    there is none.
    """
    known = set().union(*(notebook.parameters for notebook in notebooks))
    for name in overrides:
        if name not in known:
            names = ", ".join(notebook.name for notebook in notebooks)
            verb = "declares" if len(notebooks) == 1 else "declare"
            raise ValueError(
                f"unknown parameter {name!r}{suggestion(name, known)}; "
                f"{names} {verb}: {', '.join(sorted(known)) or 'none'}"
                f"{_name_users(name, notebooks[0].path.parent)}"
            )
        if overrides[name] != overrides[name].encode(errors="replace").decode():
            raise ValueError(f"parameter {name}={overrides[name]!r} is not UTF-8 text")
    settled = []
    for notebook in notebooks:
        if notebook.unread:
            raise ValueError(
                f"{notebook.path}: {', '.join(notebook.unread)} declared in the parameters cell "
                "but read by no later cell, so setting it would change nothing; use it or remove it"
            )
        values = dict(notebook.parameters)
        for name, text in overrides.items():
            if name in values:
                values[name] = parse_value(name, text, values[name])
        _check_choices(notebook.name, values)
        settled.append(values)
    return settled


def _name_users(parameter: str, folder: Path) -> str:
    """The notebooks of a folder that declare a parameter, as the end of a sentence."""
    notebooks = [read_notebook(path) for path in sorted(folder.glob("[0-9][0-9]_*.ipynb"))]
    users = [notebook.name for notebook in notebooks if parameter in notebook.parameters]
    return f"; these notebooks have it: {', '.join(users)}" if users else ""


def copy_with_literals(notebook: Path, copy: Path, **values: Any) -> Path:
    """Copy a notebook with other literals; comments and outputs stay.

    For tools that cannot set parameters, such as nbval. ValueError for a name that the cell does
    not declare.
    """
    node = _load(notebook)
    cell = _tagged([cell for cell in node.cells if cell.cell_type == "code"], notebook)
    places = {name: place for name, _, place in _assignments(cell.source, notebook)}
    for name in values:
        if name not in places:
            raise ValueError(f"{notebook}: no parameter {name!r}{suggestion(name, places)}")
    text = cell.source.encode()  # ast counts columns in bytes
    lines = list(accumulate(map(len, text.splitlines(keepends=True)), initial=0))
    # From the last, so that earlier positions stay right.
    for name, place in reversed(places.items()):
        if name in values:
            start = lines[place.lineno - 1] + place.col_offset
            end = lines[(place.end_lineno or 0) - 1] + (place.end_col_offset or 0)
            text = text[:start] + repr(values[name]).encode() + text[end:]
    cell.source = text.decode()
    write_whole(copy, lambda part: nbformat.write(node, part))
    return copy


def _load(path: Path) -> nbformat.NotebookNode:
    if not path.is_file():
        raise FileNotFoundError(f"no notebook {path}")
    try:
        return nbformat.read(path, as_version=4)
    except (
        nbformat.reader.NotJSONError,
        nbformat.ValidationError,
        AttributeError,
        KeyError,
        RecursionError,
        TypeError,
        UnicodeDecodeError,
    ) as error:
        raise ValueError(
            f"{path} is not a Jupyter notebook: {str(error).splitlines()[0]}"
        ) from error


def _tagged(code: Sequence[nbformat.NotebookNode], path: Path) -> nbformat.NotebookNode:
    tagged = [
        number for number, cell in enumerate(code, start=1) if _TAG in cell.metadata.get("tags", ())
    ]
    if tagged != [1]:
        fault = f"code cells {', '.join(map(str, tagged))} are" if tagged else "none is"
        raise ValueError(
            f"{path}: the first code cell, and no other, must be tagged `{_TAG}`; {fault}"
        )
    return code[0]


def _assignments(source: str, path: Path) -> list[tuple[str, Any, ast.expr]]:
    """Name, value and position of each line `name = literal`."""
    try:
        body = ast.parse(source).body
    except SyntaxError as error:
        raise ValueError(f"{path}: parameters cell, line {error.lineno}: {error.msg}") from error
    assignments: dict[str, tuple[str, Any, ast.expr]] = {}
    for statement in body:
        where = f"{path}: parameters cell, line {statement.lineno}: `{ast.unparse(statement)}`"
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=expression):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as expression):
                pass
            case _:
                raise ValueError(f"{where} is not `name = literal`; move it to the next cell")
        try:
            value = ast.literal_eval(expression)
        except ValueError:
            raise ValueError(
                f"{where}: the value is not a literal; derive it in the next cell"
            ) from None
        if not _is_json(value):  # papermill would pass a tuple or a set as text
            raise ValueError(
                f"{where}: papermill passes only numbers, text, None, lists, "
                "and dictionaries with text keys"
            )
        if name in assignments:
            raise ValueError(f"{where}: {name} is declared twice")
        assignments[name] = (name, value, expression)
    return list(assignments.values())


def _is_json(value: Any) -> bool:
    try:
        return json.loads(json.dumps(value)) == value
    except (TypeError, ValueError, RecursionError):
        return False


def _misfit(name: str, text: str, literal: Any, wanted: str) -> ValueError:
    return ValueError(
        f"parameter {name}={text!r} does not fit: the notebook declares {name} = {literal!r}, "
        f"give {wanted}"
    )


def _check_choices(notebook: str, values: Mapping[str, Any]) -> None:
    seed = values.get("seed", 0)
    if isinstance(seed, int) and not 0 <= seed <= HIGHEST_SEED:
        raise ValueError(f"{notebook}: seed {seed} is not between 0 and {HIGHEST_SEED}")
    if values.get("people", 1) < 1:
        raise ValueError(f"{notebook}: people must be 1 or more, got {values['people']}")
    for name, choices in _CHOICES.items():
        if name in values and values[name] not in choices:
            value = values[name]
            raise ValueError(
                f"{notebook}: unknown {name} {value!r}{suggestion(str(value), choices)}; "
                f"known: {', '.join(choices)}"
            )
    if values.get("device") == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ValueError(
                "device 'cuda' was asked for, but PyTorch finds no CUDA device here; "
                "use --device auto or cpu"
            )
    if (wanted := values.get("devices", 1)) > 1:
        import torch

        if wanted > torch.cuda.device_count():
            raise ValueError(
                f"devices = {wanted} was asked for, but PyTorch finds "
                f"{torch.cuda.device_count()} GPUs here"
            )

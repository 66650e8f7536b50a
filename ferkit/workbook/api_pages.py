"""The API reference of the site: a page for each folder of ferkit, from signatures and docstrings.

Modules are parsed, not imported.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from ferkit.core.files import PROJECT

PACKAGE = PROJECT / "ferkit"
_LONGEST_LINE = 90  # of a signature
_Definition = ast.FunctionDef | ast.ClassDef


def write_api(folder: Path, package: Path = PACKAGE) -> list[str]:
    """Write the pages to `folder`; return their names in the order of the package's folders."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for place in sorted({path.parent for path in package.rglob("*.py")}):
        text = folder_page(place, package)
        if text:
            name = _dotted(place, package)
            (folder / f"{name}.md").write_text(text, encoding="utf-8")
            names.append(name)
    return names


def folder_page(folder: Path, package: Path = PACKAGE) -> str:
    """Describe the public functions and classes of a folder's modules; "" without any."""
    sections = [_describe_module(path, package) for path in sorted(folder.glob("*.py"))]
    sections = [section for section in sections if section]
    if not sections:
        return ""
    return "\n\n".join([f"# {_dotted(folder, package)}", *sections]) + "\n"


def _describe_module(path: Path, package: Path) -> str:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    definitions = [part for part in tree.body if isinstance(part, _Definition) and _is_public(part)]
    if not definitions:
        return ""
    about = [f"## {_dotted(path, package)}", _text(tree)]
    about += [_describe(part) for part in definitions]
    return "\n\n".join(part for part in about if part)


def _describe(part: _Definition) -> str:
    """Describe a function, or a class with its fields and public methods."""
    lines = [f"### {part.name}", f"```python\n{_signature(part)}\n```", _text(part)]
    if isinstance(part, ast.ClassDef):
        for method in part.body:
            if isinstance(method, ast.FunctionDef) and _is_public(method):
                lines += [f"```python\n{_signature(method)}\n```", _text(method)]
    return "\n\n".join(line for line in lines if line)


def _signature(part: _Definition) -> str:
    """Return the first lines of a definition as code, without its body."""
    if isinstance(part, ast.ClassDef):
        bases = ", ".join(ast.unparse(base) for base in part.bases)
        fields = [f"    {ast.unparse(line)}" for line in part.body if _is_field(line)]
        return "\n".join([f"class {part.name}{f'({bases})' if bases else ''}:", *fields])
    result = f" -> {ast.unparse(part.returns)}" if part.returns else ""
    line = f"def {part.name}({ast.unparse(part.args)}){result}"
    if len(line) <= _LONGEST_LINE:
        return line
    arguments = ",\n".join(f"    {one}" for one in _arguments(part.args))
    return f"def {part.name}(\n{arguments},\n){result}"


def _arguments(arguments: ast.arguments) -> Iterator[str]:
    """Yield the arguments one by one, with their types and defaults."""
    text = ast.unparse(arguments)
    depth = start = 0
    for place, letter in enumerate(text):
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            yield text[start:place].strip()
            start = place + 1
    yield text[start:].strip()


def _is_field(line: ast.stmt) -> bool:
    return isinstance(line, ast.AnnAssign) and not ast.unparse(line.target).startswith("_")


def _is_public(part: _Definition) -> bool:
    return not part.name.startswith("_")


def _text(node: ast.Module | _Definition) -> str:
    """Return a docstring as Markdown, in which `<` begins no HTML."""
    return (ast.get_docstring(node) or "").replace("<", "&lt;")


def _dotted(path: Path, package: Path) -> str:
    """Name a folder or module as in an import."""
    parts = path.relative_to(package.parent).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")

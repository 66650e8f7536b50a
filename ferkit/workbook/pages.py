"""Turn executed notebooks into pages that need no network and no kernel.

Equations become MathML, which browsers draw; widgets, which need a kernel, become a remark (each
has a static picture beside it); every picture gets a text for those who cannot see it.
"""

import ast
import base64
import html
import mimetypes
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, pass_context

from ferkit.workbook.parameters import plain_python

WIDGET = "application/vnd.jupyter.widget-view+json"
REMARK = "(interactive: open the notebook in JupyterLab)"
# What the converter to MathML knows under another name.
_TEX_SYNONYMS = (("{aligned}", "{align*}"), (r"\arg\m", r"\operatorname{arg}\m"))
# Styles of Pygments whose colours have a contrast of 4.5 and more on our backgrounds.
_CODE_STYLES = {"light": "xcode", "dark": "zenburn"}
_DEEPEST_SECTION = 3
_PICTURES = {"image/png": ".png", "image/jpeg": ".jpg"}
TEMPLATES = Environment(
    loader=PackageLoader("ferkit.workbook"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


@dataclass(frozen=True)
class ShownPicture:
    """A picture file and what it shows."""

    content: bytes
    suffix: str
    alt: str


@dataclass(frozen=True)
class Section:
    """A heading of a page."""

    level: int
    title: str  # HTML
    anchor: str


@dataclass(frozen=True)
class Summary:
    """What an index shows of a notebook."""

    title: str
    picture: ShownPicture | None  # the first one of the notebook


@lru_cache(maxsize=64)
def summarise_notebook(executed: Path, executed_hash: str) -> Summary:
    """Read title and main picture of an executed notebook.

    `executed_hash` makes a changed notebook another one in the cache.
    """
    notebook = nbformat.read(executed, as_version=4)
    first = notebook.cells[0].source if notebook.cells else ""
    title = first.splitlines()[0].lstrip("# ") if first.startswith("# ") else executed.stem
    return Summary(title, next(_describe_pictures(notebook), None))


def render_page(
    executed: Path,
    executed_hash: str,
    folder: Path,
    *,
    error: Mapping[str, Any] | None = None,
    before: str | None = None,
    after: str | None = None,
    key: str = "",
) -> str:
    """Render an executed notebook as one page with embedded pictures.

    `folder` is where the notebook's relative links start, `before` and `after` are the names of its
    neighbours, and `key` is kept in the page.
    """
    from pygments.formatters import HtmlFormatter

    body, sections = _render_body(executed, executed_hash, folder)
    code = {
        scheme: HtmlFormatter(style=style).get_style_defs(".highlight")
        for scheme, style in _CODE_STYLES.items()
    }
    page = TEMPLATES.get_template("notebook.html")
    return page.render(
        name=executed.stem,
        title=summarise_notebook(executed, executed_hash).title,
        body=body,
        sections=sections,
        code=code,
        error=error,
        before=before,
        after=after,
        key=key,
    )


@lru_cache(maxsize=64)
def _render_body(
    executed: Path, executed_hash: str, folder: Path
) -> tuple[str, tuple[Section, ...]]:
    """Render the cells; return them and the sections below the title."""
    notebook = _without_widgets(nbformat.read(executed, as_version=4))
    for _ in _describe_pictures(notebook):
        pass
    text, headings = _convert(notebook, folder)
    return _make_accessible(text), tuple(h for h in headings if 1 < h.level <= _DEEPEST_SECTION)


def _without_widgets(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Remove widgets, which need a kernel, and papermill's error cells."""
    cells = []
    for cell in notebook.cells:
        if "papermill-error-cell-tag" in cell.metadata.get("tags", ()):
            continue
        cells.append(cell)
        if "outputs" not in cell:
            continue
        cell.outputs = [output for output in cell.outputs if not is_progress(output)]
        for output in cell.outputs:
            drop_widget(output)
    notebook.cells = cells
    return notebook


def drop_widget(output: nbformat.NotebookNode) -> None:
    """Remove a widget, which needs a kernel; its raw Python becomes a remark.

    A picture beside it stays alone. JupyterLab would report a widget without a kernel as an error.
    """
    data = output.get("data", {})
    if data.pop(WIDGET, None) and set(data) <= {"text/plain"}:
        data["text/plain"] = REMARK


def is_progress(output: nbformat.NotebookNode) -> bool:
    """Whether this is a tqdm bar, stuck at 0 % without its widget."""
    data = output.get("data", {})
    return WIDGET in data and "%|" in data.get("text/plain", "")


def _describe_pictures(notebook: nbformat.NotebookNode) -> Iterator[ShownPicture]:
    """Give every picture among the outputs an `alt` text that it lacks; yield the pictures.

    The text names the section and what the cell calls the figure.
    """
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            titles = [line for line in cell.source.splitlines() if re.match(r"#+ ", line)]
            heading = titles[-1].lstrip("# ") if titles else heading
        for output in cell.get("outputs", ()):
            for kind in _PICTURES.keys() & output.get("data", {}).keys():
                about = output.metadata.setdefault(kind, {})
                names = ", ".join(dict.fromkeys(_names_of_figures(cell.source)))
                parts = [part for part in (heading, names) if part]
                about.setdefault("alt", f"Figure: {'. '.join(parts)}" if parts else "Figure")
                content = base64.b64decode(output.data[kind])
                yield ShownPicture(content, _PICTURES[kind], about["alt"])


def _names_of_figures(source: str) -> Iterator[str]:
    """Yield what a cell calls its figures: titles, or else the names they are saved under."""
    try:
        nodes = ast.walk(ast.parse(plain_python(source)))
    except SyntaxError:
        return
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    titles = [key.value for call in calls for key in call.keywords if key.arg == "title"]
    saving = [call for call in calls if ast.unparse(call.func).endswith("save_picture")]
    names = [call.args[2] for call in saving if len(call.args) > 2]
    for value in titles or names:
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield value.value.replace("_", " ")


def _convert(notebook: nbformat.NotebookNode, folder: Path) -> tuple[str, list[Section]]:
    """Convert cells to HTML; return it and the headings."""
    from nbconvert import HTMLExporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    sections: list[Section] = []

    class Renderer(IPythonRenderer):
        """Render Markdown with MathML, embedded pictures and links to our pages."""

        def heading(self, text: str, level: int, **_: Any) -> str:
            anchor = f"section-{len(sections) + 1}"
            sections.append(Section(level, text, anchor))
            return f'<h{level} id="{anchor}">{text}</h{level}>\n'

        def inline_math(self, body: str) -> str:
            return to_mathml(body, "inline")

        def block_math(self, body: str) -> str:
            return to_mathml(body, "block")

        def latex_environment(self, name: str, body: str) -> str:
            if not name.startswith("equation"):
                body = rf"\begin{{{name}}}{body}\end{{{name}}}"
            return to_mathml(body, "block")

        def image(self, text: str, url: str, title: str | None = None) -> str:
            return super().image(text, _embed_picture(url, folder), title)

        def link(self, text: str, url: str, title: str | None = None) -> str:
            if url.endswith(".ipynb") and "/" not in url:
                return f'<a href="{url.removesuffix(".ipynb")}.html">{text}</a>'
            return super().link(text, url, title)

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context, source: str) -> str:
            attachments = context.get("cell", {}).get("attachments", {})
            renderer = Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
            return MarkdownWithMath(renderer=renderer).render(source)

    exporter = Exporter(template_name="basic")
    body, _ = exporter.from_notebook_node(notebook)
    return body, sections


def _make_accessible(text: str) -> str:
    """Let the keyboard reach what may scroll, and empty table heads be plain cells."""
    text = re.sub(r'<(pre|div class="output_(?:area|subarea)[^"]*")>', r'<\1 tabindex="0">', text)
    return re.sub(r"<th\b([^>]*)>(?:\s|&nbsp;)*</th>", r"<td\1></td>", text)


def to_mathml(tex: str, display: str) -> str:
    """Convert an equation to MathML, or return its TeX if impossible."""
    try:
        from latex2mathml.converter import convert

        converted = tex
        for ours, theirs in _TEX_SYNONYMS:
            converted = converted.replace(ours, theirs)
        return convert(converted, display=display)
    except Exception:  # whatever the converter raises, the reader still gets the equation
        tag = "div" if display == "block" else "span"
        return f'<{tag} class="tex">{html.escape(tex)}</{tag}>'


def _embed_picture(url: str, folder: Path) -> str:
    """Replace the address of a picture in `folder` by its content."""
    file = folder / url
    kind = mimetypes.guess_type(url)[0]
    elsewhere = "://" in url or url.startswith(("data:", "attachment:"))
    if elsewhere or kind is None or not file.is_file():
        return url
    return f"data:{kind};base64,{base64.b64encode(file.read_bytes()).decode()}"

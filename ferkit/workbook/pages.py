"""Turn executed notebooks into pages that need no network and no kernel.

Equations become MathML, which browsers draw. Links to notebooks and to pages of `docs/` lead to
their pages, or become plain text where there is none.
"""

import base64
import html
import mimetypes
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import nbformat
from jinja2 import Environment, PackageLoader, pass_context

from ferkit.workbook.page_cells import ShownPicture, describe_pictures, prepare_cells

# What the converter to MathML knows under another name.
_TEX_SYNONYMS = (("{aligned}", "{align*}"), (r"\arg\m", r"\operatorname{arg}\m"))
# Styles of Pygments whose colours have a contrast of 4.5 and more on our backgrounds.
_CODE_STYLES = {"light": "xcode", "dark": "zenburn"}
_DEEPEST_SECTION = 3
# Classes of our pages and of the site whose content may be wider than a narrow window.
_SCROLLING = "output_(?:area|subarea)|output |table-wrapper"
TEMPLATES = Environment(
    loader=PackageLoader("ferkit.workbook"), autoescape=True, trim_blocks=True, lstrip_blocks=True
)


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
    return Summary(title, next(describe_pictures(notebook), None))


def render_page(
    executed: Path,
    executed_hash: str,
    folder: Path,
    *,
    error: Mapping[str, Any] | None = None,
    before: str | None = None,
    after: str | None = None,
    beside: Collection[str] = (),
    key: str = "",
) -> str:
    """Render an executed notebook as one page with embedded pictures.

    `folder` is where the notebook's relative links start, `before` and `after` are the names of its
    neighbours, `beside` those of all pages that it may link to, and `key` is kept in the page.
    """
    body, sections = _render_body(executed, executed_hash, folder)
    return TEMPLATES.get_template("notebook.html").render(
        title=summarise_notebook(executed, executed_hash).title,
        body=_keep_links(body, beside),
        sections=sections,
        code=_code_colours(),
        has_code=True,
        error=error,
        before=before,
        after=after,
        key=key,
    )


def render_document(source: str, folder: Path, *, beside: Collection[str] = (), key: str) -> str:
    """Render a page of docs/, such as the glossary, to lie beside the notebooks' pages."""
    sections: list[Section] = []
    body = make_accessible(_make_renderer(folder, sections, {})(source))
    return TEMPLATES.get_template("notebook.html").render(
        title=html.unescape(sections[0].title) if sections else "ferkit",
        body=_keep_links(body, beside),
        sections=sections[1:],
        code=_code_colours(),
        key=key,
    )


@lru_cache(maxsize=1)
def _code_colours() -> dict[str, str]:
    """The style sheets of coloured code, light and dark."""
    from pygments.formatters import HtmlFormatter

    return {
        scheme: HtmlFormatter(style=style).get_style_defs(".highlight")
        for scheme, style in _CODE_STYLES.items()
    }


@lru_cache(maxsize=64)
def _render_body(
    executed: Path, executed_hash: str, folder: Path
) -> tuple[str, tuple[Section, ...]]:
    """Render the cells; return them and the sections below the title."""
    text, headings = _convert(prepare_cells(nbformat.read(executed, as_version=4)), folder)
    return make_accessible(text), tuple(h for h in headings if 1 < h.level <= _DEEPEST_SECTION)


def _convert(notebook: nbformat.NotebookNode, folder: Path) -> tuple[str, list[Section]]:
    """Convert cells to HTML; return it and the headings."""
    from nbconvert import HTMLExporter

    sections: list[Section] = []

    class Exporter(HTMLExporter):
        @pass_context
        def markdown2html(self, context, source: str) -> str:
            attachments = context.get("cell", {}).get("attachments", {})
            return _make_renderer(folder, sections, attachments)(source)

    exporter = Exporter(template_name="basic")
    body, _ = exporter.from_notebook_node(notebook)
    return body, sections


def _make_renderer(
    folder: Path, sections: list[Section], attachments: dict[str, dict[str, str]]
) -> Callable[[str], str]:
    """Return a function from Markdown to HTML that adds the headings it meets to `sections`."""
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        """Render Markdown with MathML, embedded pictures and links to our pages."""

        def heading(self, text: str, level: int, **_: Any) -> str:
            anchor = _new_anchor(text, sections)
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
            return super().link(text, _page_address(url), title)

    renderer = Renderer(escape=False, attachments=attachments, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render


def heading_anchor(title: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-")


def _new_anchor(title: str, sections: list[Section]) -> str:
    """The anchor of the next heading; a number keeps it apart from the headings before."""
    text = html.unescape(re.sub(r"<[^>]+>", "", title))
    anchor = heading_anchor(text) or "section"
    taken = {section.anchor for section in sections}
    if anchor not in taken:
        return anchor
    return next(
        f"{anchor}-{n}" for n in range(1, len(sections) + 1) if f"{anchor}-{n}" not in taken
    )


def _page_address(url: str) -> str:
    """The address of the page of a notebook or of a file of docs/; other addresses stay."""
    file, mark, anchor = url.partition("#")
    if "://" in file or Path(file).suffix not in (".ipynb", ".md"):
        return url
    return f"{Path(file).with_suffix('.html').name}{mark}{anchor}"


def _keep_links(body: str, pages: Collection[str]) -> str:
    """Make links to pages that are not beside this one plain text."""

    def keep(link: re.Match[str]) -> str:
        address = link[1].partition("#")[0]
        leads_away = ":" in address or not address
        return link[0] if leads_away or address.removesuffix(".html") in pages else link[2]

    return re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', keep, body, flags=re.DOTALL)


def make_accessible(text: str) -> str:
    """Let the keyboard reach what may scroll, and empty table heads be plain cells."""
    text = re.sub(rf"<(pre|div class=\"(?:{_SCROLLING})[^\"]*\")>", r'<\1 tabindex="0">', text)
    return re.sub(r"<th\b([^>]*)>(?:\s|&nbsp;)*</th>", r"<td\1></td>", text)


def to_mathml(tex: str, display: str) -> str:
    """Convert an equation to MathML, or return its TeX if impossible.

    The keyboard reaches a block, which may scroll in a narrow window.
    """
    try:
        from latex2mathml.converter import convert

        converted = tex
        for ours, theirs in _TEX_SYNONYMS:
            converted = converted.replace(ours, theirs)
        block = 'display="block"'
        return convert(converted, display=display).replace(block, f'{block} tabindex="0"', 1)
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

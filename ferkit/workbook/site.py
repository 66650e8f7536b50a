"""Build the documentation site from README, docs/, the committed notebooks and docstrings.

`make docs` installs Sphinx and calls `build_site()`. The site needs no server and no network: open
build/site/index.html.
"""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import nbformat

from ferkit.core.files import PROJECT, write_whole
from ferkit.workbook.api_pages import write_api
from ferkit.workbook.page_cells import prepare_cells
from ferkit.workbook.pages import make_accessible
from ferkit.workbook.reading_order import sort_for_reading

CONFIGURATION = PROJECT / "docs" / "site"
SITE = PROJECT / "build" / "site"
_LEARNING = ("teaching", "glossary")
_GUIDES = ("CONTRIBUTING", "SECURITY")  # of .github/
_FILES = ("LICENSE", "CITATION.cff", "figures/drawn_faces/sheet.png")  # that pages link to


def build_site(site: Path = SITE, notebooks: Sequence[Path] | None = None) -> Path:
    """Build the site and return its first page; `notebooks` are those to show, by default all.

    RuntimeError when Sphinx stops.
    """
    from sphinx.cmd.build import main

    sources = site.with_name(f"{site.name}-sources")
    shutil.rmtree(sources, ignore_errors=True)
    write_sources(sources, notebooks)
    # Not quiet about warnings: a link that leads nowhere is one.
    options = ["-q", "-j", "auto", "-c", str(CONFIGURATION), "-d", str(sources / "_doctrees")]
    if main([*options, str(sources), str(site)]):
        raise RuntimeError("Sphinx could not build the site; its messages are above")
    for page in site.rglob("*.html"):
        _write(page, _level_captions(make_accessible(page.read_text(encoding="utf-8"))))
    return site / "index.html"


def write_sources(folder: Path, notebooks: Sequence[Path] | None = None) -> None:
    """Write what Sphinx reads: pages, notebooks ready for display, and the API's pages."""
    if notebooks is None:
        notebooks = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
    documents = sorted((PROJECT / "docs").glob("*.md")) + sorted((PROJECT / "docs/data").glob("*"))
    guides = [PROJECT / ".github" / f"{name}.md" for name in _GUIDES]
    for page in [*documents, *guides]:
        _write(folder / page.relative_to(PROJECT), _to_index(page.read_text(encoding="utf-8")))
    for name in _FILES:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROJECT / name, target)
    for path in notebooks:
        _write_notebook(path, folder / "notebooks" / path.name)
    api = write_api(folder / "api")
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    names = sort_for_reading(path.stem for path in notebooks)
    _write(folder / "index.md", "\n".join([readme, *_contents(names, documents, api)]))


def _contents(notebooks: Sequence[str], documents: Sequence[Path], api: Sequence[str]) -> list[str]:
    """List all pages for the side bar."""
    data = [f"docs/data/{path.stem}" for path in documents if path.parent.name == "data"]
    using = [path.stem for path in documents if path.parent.name == "docs"]
    using = [f"docs/{name}" for name in using if name not in _LEARNING]
    parts = {
        "Notebooks": [f"notebooks/{name}" for name in notebooks],
        "Learning and teaching": [f"docs/{name}" for name in _LEARNING],
        "Using ferkit": [*using, *(f".github/{name}" for name in _GUIDES)],
        "Data sets": data,
        "Functions": [f"api/{name}" for name in api],
    }
    lines = []
    for caption, pages in parts.items():
        options = [":hidden:", ":titlesonly:", f":caption: {caption}", ""]
        lines += ["", "```{toctree}", *options, *pages, "```"]
    return lines


def _write_notebook(path: Path, target: Path) -> None:
    """Write a notebook without widgets and answers to exercises, and without its metadata.

    The alternative text of a cell's only picture is what MyST-NB reads.
    """
    notebook = prepare_cells(nbformat.read(path, as_version=4))
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _to_index(cell.source)
        texts = [about["alt"] for output in cell.get("outputs", ()) for about in _pictures(output)]
        if texts:
            cell.metadata["mystnb"] = {"image": {"alt": texts[0]}}
    target.parent.mkdir(parents=True, exist_ok=True)
    write_whole(target, partial(nbformat.write, notebook))


def _pictures(output: nbformat.NotebookNode) -> list[dict[str, str]]:
    """Return what is said of the pictures of an output."""
    about = output.get("metadata", {})
    return [one for kind, one in about.items() if kind.startswith("image/") and "alt" in one]


def _level_captions(page: str) -> str:
    """Sphinx calls the captions of the side bar headings, and does not say of which level."""
    return page.replace(
        '<p class="caption" role="heading">', '<p class="caption" role="heading" aria-level="2">'
    )


def _to_index(text: str) -> str:
    """README is the first page of the site."""
    return text.replace("../README.md", "../index.md")


def _write(target: Path, text: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")

"""The site: what Sphinx reads, and that no link of the built pages leads nowhere."""

import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ferkit.core.files import PROJECT
from ferkit.workbook import page_cells
from ferkit.workbook.site import write_sources

BUILD = "import sys; from pathlib import Path; from ferkit.workbook.site import build_site; "
BUILD += "print(build_site(Path(sys.argv[1])))"
LOADED = re.compile(r'<(?:script|img|iframe)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"')


def test_the_sources_have_all_pages_and_notebooks_for_display(tmp_path):
    widget = {page_cells.WIDGET: {"model_id": "0"}, "text/plain": "HBox()"}
    picture = {"image/png": "aGk="}
    cells = [
        new_markdown_cell("# 02 · Residuals\n\n[all](../README.md)"),
        new_code_cell("answer = None", metadata={"tags": ["exercise"]}),
        new_code_cell('check("02.1", answer)'),
        new_code_cell("explore()", outputs=[new_output("display_data", widget)]),
        new_code_cell("plot()", outputs=[new_output("display_data", picture)]),
    ]
    path = tmp_path / "02_residuals.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    write_sources(tmp_path / "sources", [path])
    shown = nbformat.read(tmp_path / "sources" / "notebooks" / path.name, as_version=4)
    assert "../index.md" in shown.cells[0].source
    assert "Answer 02.1 in JupyterLab" in shown.cells[1].source
    assert shown.cells[2].outputs[0].data["text/plain"] == page_cells.REMARK
    assert shown.cells[3].metadata.mystnb.image.alt == "Figure: 02 · Residuals"
    index = (tmp_path / "sources" / "index.md").read_text()
    listed = re.findall(r"^((?:docs|notebooks|api|\.github)/\S+)$", index, re.MULTILINE)
    pages = {p.relative_to(tmp_path / "sources") for p in (tmp_path / "sources").rglob("*.md")}
    pages |= {Path("notebooks", path.name)}
    assert {str(page.with_suffix("")) for page in pages} == {*listed, "index"}
    assert len(listed) == len(set(listed))


def page_links(page: Path) -> list[str]:
    return re.findall(r'<a\b[^>]*\bhref="([^"]+)"', page.read_text(encoding="utf-8"))


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_its_links_lead_somewhere(tmp_path):
    pytest.importorskip("myst_nb")
    pytest.importorskip("furo")
    site = tmp_path / "site"
    command = [sys.executable, "-c", BUILD, str(site)]
    built = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    assert "WARNING" not in built.stderr, built.stderr
    pages = sorted(site.rglob("*.html"))
    names = {page.relative_to(site).as_posix() for page in pages}
    for notebook in (PROJECT / "notebooks").glob("[0-9]*.ipynb"):
        assert f"notebooks/{notebook.stem}.html" in names
    assert {"docs/glossary.html", "docs/teaching.html", "docs/data/jaffe.html"} <= names
    anchors = {
        page.resolve(): set(re.findall(r'\bid="([^"]+)"', page.read_text(encoding="utf-8")))
        for page in pages
    }
    broken = []
    for page in pages:
        for link in page_links(page):
            file, _, anchor = unquote(link).partition("#")
            if re.match(r"[a-z]+:", file):
                continue
            target = (page.parent / file).resolve() if file else page.resolve()
            known = anchors.get(target)
            if not target.exists() or (anchor and known is not None and anchor not in known):
                broken.append(f"{page.relative_to(site)}: {link}")
    assert not broken
    loaded = [a or b for page in pages for a, b in LOADED.findall(page.read_text("utf-8"))]
    assert not [address for address in loaded if address.startswith(("http", "//"))]

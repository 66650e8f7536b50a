"""The glossary: sorted, complete, and every link of a notebook to it leads to a term."""

import re

import nbformat
import pytest

from ferkit.core.files import PROJECT

GLOSSARY = PROJECT / "docs" / "glossary.md"
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("*.ipynb"))
TEXT = GLOSSARY.read_text(encoding="utf-8")
TERMS = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)


def anchor(heading: str) -> str:
    """The anchor that GitHub and JupyterLab give a heading, in lower case."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


ANCHORS = [anchor(term) for term in TERMS]


def test_terms_are_sorted_and_their_anchors_unique():
    assert len(TERMS) > 80
    assert TERMS == sorted(TERMS, key=str.lower)
    assert len(set(ANCHORS)) == len(ANCHORS)


def test_each_term_is_explained_in_a_few_sentences_and_names_a_notebook():
    entries = re.split(r"^## .+$", TEXT, flags=re.MULTILINE)[1:]
    for term, entry in zip(TERMS, entries, strict=True):
        assert 8 <= len(entry.split("Used in")[0].split()) <= 90, term
        assert "../notebooks/" in entry.split("Used in")[1], term


def test_terms_refer_to_terms():
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= set(ANCHORS)


def test_notebooks_of_terms_are_numbered_as_their_files():
    for number, file in re.findall(r"\[(\d\d)\]\(\.\./notebooks/([^)]+)\)", TEXT):
        assert file.startswith(f"{number}_")


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_links_of_notebooks_lead_to_terms(notebook):
    cells = nbformat.read(notebook, as_version=4).cells
    text = "\n".join(cell.source for cell in cells)
    linked = re.findall(r"glossary\.md#([^)\s\"']+)", text)
    assert set(linked) <= set(ANCHORS)

"""The pages on data sets are what the code says."""

import pytest

from ferkit.data import DATASETS
from ferkit.workbook.data_pages import DOCS, MINUTES, NOTEBOOK_FINDINGS, documented, overview, page
from ferkit.workbook.needs import NEEDS, find_obstacle


@pytest.mark.parametrize("name", documented())
def test_each_page_is_as_the_code_writes_it(name):
    """After a change: write_pages() writes them anew."""
    assert (DOCS / "data" / f"{name}.md").read_text(encoding="utf-8") == page(name)


def test_no_page_is_left_over():
    pages = {path.stem for path in (DOCS / "data").iterdir()}
    assert pages == set(documented()) == {name for name, one in DATASETS.items() if not one.drawn}


def test_the_overview_has_the_table_of_the_code():
    text = (DOCS / "data.md").read_text(encoding="utf-8")
    assert overview(text) == text
    assert "[`ckplus48`](data/ckplus48.md) | | ● | ● | | ● | | | ● | ● | |" in text
    assert "`stills` | ● | ● | ● | ●" in text


def test_every_notebook_has_a_result_and_minutes_are_of_pairs_that_run():
    assert set(NEEDS) <= set(NOTEBOOK_FINDINGS)
    assert not any(find_obstacle(number, name) for name, number in MINUTES)


def test_a_page_has_the_command_or_the_reason():
    text = page("ckplus48")
    assert "`ferkit run 02 --dataset ckplus48 --data-root my_data`" in text
    obstacle = "not: not all of it are sequences from neutral to the expression"
    assert f"| [05](../../notebooks/05_temporal_networks.ipynb) | {obstacle} | |" in text
    assert "--data-option" in page("oulu")
    assert "`light`: Strong (the default), Weak or Dark" in page("oulu")

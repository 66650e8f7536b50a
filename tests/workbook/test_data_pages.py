"""The pages on data sets are what the code says."""

import pytest

from ferkit.data import DATASETS
from ferkit.workbook.data_pages import (
    DOCS,
    FINDING,
    MEASURED_RUNS,
    NOTEBOOK_FINDINGS,
    PICTURES,
    documented,
    expected_minutes,
    overview,
    page,
)
from ferkit.workbook.needs import NEEDS


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


def test_every_notebook_that_reads_photographs_has_a_result_and_a_cost():
    assert set(NEEDS) <= set(NOTEBOOK_FINDINGS)
    assert {number for number, need in NEEDS.items() if not need.drawn} == set(MEASURED_RUNS)
    assert set(PICTURES) <= set(documented())


def test_expected_minutes_grow_with_the_pictures():
    few, many = MEASURED_RUNS["02"], MEASURED_RUNS["09"]
    assert expected_minutes("jaffe", "02") == pytest.approx(few.minutes + 0.213 * FINDING)
    growth = PICTURES["fer2013"] / few.pictures
    finding = FINDING * PICTURES["fer2013"] / 1000
    assert expected_minutes("fer2013", "02") == pytest.approx(few.minutes * growth + finding)
    assert expected_minutes("fer2013", "09") == pytest.approx(many.minutes + finding)
    assert expected_minutes("jaffe", "01") == MEASURED_RUNS["01"].minutes
    assert expected_minutes("folder", "02") is None  # nobody knows how many there are
    assert " h |" in page("affectnet")


def test_the_pictures_are_those_of_the_published_counts():
    published = {}
    for name in PICTURES:
        expected = DATASETS[name].expected
        if expected is not None and not callable(expected):
            counts = expected.counts
            published[name] = counts.get("frames") or counts.get("clips") or len(expected.clips)
    known = {name: count for name, count in published.items() if count}
    assert len(known) > 8
    assert known == {name: PICTURES[name] for name in known}


def test_a_page_has_the_command_or_the_reason():
    text = page("ckplus48")
    assert "`ferkit run 02 --dataset ckplus48 --data-root my_data`" in text
    obstacle = "nothing: not every clip is a sequence from neutral to the expression"
    assert f"| [05](../../notebooks/05_temporal_networks.ipynb) | {obstacle} | | |" in text
    assert "--data-option" in page("oulu")
    assert "`light`: Strong (the default), Weak or Dark" in page("oulu")

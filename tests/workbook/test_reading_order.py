"""The order of reading has every notebook once."""

from ferkit.core.files import PROJECT
from ferkit.workbook.reading_order import READING_ORDER, sort_for_reading


def test_every_notebook_has_a_place():
    numbers = [path.name[:2] for path in sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))]
    assert len(set(READING_ORDER)) == len(READING_ORDER)
    assert set(numbers) <= set(READING_ORDER)


def test_leaks_come_before_the_papers_and_unknown_notebooks_last():
    names = ["99_mine", "13_controls", "11_leaks", "03_three", "02_two"]
    assert sort_for_reading(names) == ["02_two", "11_leaks", "03_three", "13_controls", "99_mine"]

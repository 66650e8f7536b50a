"""A notebook's bar names the section that is running."""

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from ferkit.workbook.engine import name_sections


def test_a_cell_is_named_by_the_heading_that_it_stands_under():
    long = "## A heading that is far too long to stand beside a bar in a terminal"
    cells = [
        new_code_cell("# a comment"),
        new_markdown_cell("# Title\n\nText."),
        new_code_cell("1"),
        new_markdown_cell("More text."),
        new_code_cell("2"),
        new_markdown_cell(long),
    ]
    assert name_sections(new_notebook(cells=cells)) == [
        "",
        "Title",
        "Title",
        "Title",
        "Title",
        "A heading that is far too long to ...",
    ]

"""Published notebooks keep their results and lose what says nothing afterwards."""

import re

import pandas as pd
from nbformat.v4 import new_code_cell, new_notebook, new_output

from ferkit.workbook.page_cells import REMARK
from ferkit.workbook.publish import _without_traces


def test_warnings_progress_bars_and_traces_of_the_computer_are_left_out():
    bar = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "1"},
        "text/plain": "  0%|          | 0/210 [00:00<?, ?face/s]",
    }
    explorer = {
        "application/vnd.jupyter.widget-view+json": {"model_id": "2"},
        "text/plain": "Box()",
    }
    outputs = [
        new_output("stream", name="stderr", text="a warning"),
        new_output("display_data", data=bar),
        new_output("display_data", data=explorer),
        new_output("stream", name="stdout", text="found: 210 of 210"),
    ]
    cell = new_code_cell("1", outputs=outputs, metadata={"execution": {"iopub.status.busy": "now"}})
    notebook = _without_traces(
        new_notebook(cells=[cell], metadata={"widgets": {"state": {}}}), "01"
    )
    kept = notebook.cells[0].outputs
    assert [output.output_type for output in kept] == ["display_data", "stream"]
    assert kept[0].data == {"text/plain": REMARK}
    assert "execution" not in notebook.cells[0].metadata
    assert "widgets" not in notebook.metadata


def test_styled_tables_are_the_same_in_every_run():
    table = pd.DataFrame({"a": [1]})

    def publish_once(name="01"):
        styled = table.style.set_caption("One").highlight_max(color="red")
        data = {"text/html": styled._repr_html_(), "text/plain": repr(styled)}
        output = new_output("execute_result", data=data, execution_count=1)
        cell = new_code_cell("table.style", outputs=[output], id="the-table")
        return _without_traces(new_notebook(cells=[cell]), name).cells[0].outputs[0].data

    first = publish_once()
    assert first == publish_once()
    table_id = re.search('<table id="(T_[0-9a-f]{5})">', first["text/html"])[1]
    assert f"#{table_id}_row0_col0" in first["text/html"]
    assert table_id not in publish_once("02")["text/html"]
    assert first["text/plain"] == "<pandas.io.formats.style.Styler>"

"""The report needs no network and no kernel to be read."""

import base64
import re

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ferkit.workbook import records, report

PIXEL = b"\x89PNG a small picture"


def page(tmp_path, *cells, error=None) -> str:
    nbformat.write(new_notebook(cells=list(cells)), tmp_path / "01_one.ipynb")
    return report.notebook_page(tmp_path / "01_one.ipynb", tmp_path, error)


def test_equations_become_mathml_with_the_tex_as_fallback(tmp_path):
    text = page(
        tmp_path,
        new_markdown_cell(
            "Code $n = 7(c-1)+d$ and\n\n$$\\bar{r} = \\frac{1}{N}$$\n\n\\begin{aligned} a &= b \\end{aligned}"
        ),
    )
    assert text.count("<math") == 3
    assert text.count('display="block"') == 2
    assert "<mfrac>" in text
    assert "<mtable" in text
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    assert report.mathml("x_1_2 < 3", "inline") == '<span class="tex">x_1_2 &lt; 3</span>'


def test_pictures_are_embedded_and_notebooks_linked_as_pages(tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    text = page(
        tmp_path,
        new_markdown_cell("![a face](a.png) ![gone](gone.png) [next](02_two.ipynb) [web](https://x.org/a.ipynb)"),
    )
    assert f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}" in text
    assert 'alt="a face"' in text
    assert 'src="gone.png"' in text
    assert 'href="02_two.html"' in text
    assert 'href="https://x.org/a.ipynb"' in text


def test_widgets_become_a_remark_and_progress_bars_go(tmp_path):
    widget = {report.WIDGET: {"model_id": "0"}}
    outputs = [
        new_output("display_data", data=widget | {"text/plain": "  0%|          | 0/3 [00:00<?, ?it/s]"}),
        new_output("display_data", data=widget | {"text/plain": "IntSlider(value=0)"}),
        new_output(
            "display_data", data=widget | {"text/plain": "Figure", "image/png": base64.b64encode(PIXEL).decode()}
        ),
        new_output("stream", text="printed <b>"),
    ]
    text = page(tmp_path, new_code_cell("x = 1", outputs=outputs, execution_count=1))
    assert "0/3" not in text
    assert text.count(report.REMARK) == 1
    assert "IntSlider" not in text
    assert "data:image/png" in text
    assert "printed &lt;b&gt;" in text
    assert '<span class="n">x</span>' in text  # the code is there, coloured


def test_an_error_stands_on_top_and_is_escaped(tmp_path):
    error = {"cell": 3, "source": "x = '<script>'", "error": "KeyError", "message": "<b>", "traceback": "line 1"}
    text = page(tmp_path, new_markdown_cell("# The title"), error=error)
    assert text.index("Failed in code cell 3") < text.index("The title")
    assert "x = &#39;&lt;script&gt;&#39;" in text
    assert "KeyError: &lt;b&gt;" in text


@pytest.mark.parametrize("tex", ["x", r"\unknowncommand{x}", "{", "", r"a & b \\ c", "<script>"])
def test_no_equation_breaks_the_page(tex):
    assert "<script" not in report.mathml(tex, "inline")


def test_headline_shows_intervals():
    metrics = {
        "top1": {"value": 0.84321, "low": 0.8, "high": 0.9, "n": 5},
        "faces": {"value": 1540},
        "auc": {"value": None},
    }
    assert report.headline(metrics) == ["top1 0.8432 [0.8, 0.9]", "faces 1540", "auc undefined"]
    assert report.headline(metrics, 1) == ["top1 0.8432 [0.8, 0.9]"]


def test_what_was_not_asked_for_this_time_is_from_an_earlier_run():
    run = {
        "chosen": ["01_one"],
        "notebooks": {"01_one": {"status": records.SKIPPED}, "02_two": {"status": records.PASSED}},
    }
    assert report.status(run, "01_one") == "skipped: unchanged"
    assert report.status(run, "02_two") == "passed (earlier run)"

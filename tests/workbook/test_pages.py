"""Pages need no network and no kernel, and can be read by everyone."""

import base64
import hashlib
import re

import nbformat
import pytest
from matplotlib.colors import to_rgb
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from pygments.styles import get_style_by_name
from pygments.token import Error, Generic

from ferkit.core import files
from ferkit.workbook import page_cells, pages
from ferkit.workbook.source import show_source

PIXEL = b"\x89PNG a small picture"


def page(tmp_path, *cells, **options) -> str:
    executed = tmp_path / "01_one.ipynb"
    nbformat.write(new_notebook(cells=list(cells)), executed)
    content = hashlib.sha256(executed.read_bytes()).hexdigest()
    return pages.render_page(executed, content, tmp_path, **options)


def test_equations_become_mathml_with_the_tex_as_fallback(tmp_path):
    text = page(
        tmp_path,
        new_markdown_cell(
            "Code $n = 7(c-1)+d$ and\n\n$$\\bar{r} = \\frac{1}{N}$$\n\n"
            "\\begin{aligned} a &= b \\end{aligned}"
        ),
    )
    assert text.count("<math") == 3
    assert text.count('display="block"') == 2
    assert "<mfrac>" in text
    assert "<mtable" in text
    assert "$" not in re.sub(r"<(script|style).*?</\1>", "", text, flags=re.DOTALL)
    assert pages.to_mathml("x_1_2 < 3", "inline") == '<span class="tex">x_1_2 &lt; 3</span>'


def test_pictures_are_embedded_and_notebooks_linked_as_pages(tmp_path):
    (tmp_path / "a.png").write_bytes(PIXEL)
    text = page(
        tmp_path,
        new_markdown_cell(
            "![a face](a.png) ![gone](gone.png) [next](02_two.ipynb) [web](https://x.org/a.ipynb)"
        ),
        beside=["02_two"],
    )
    assert f"data:image/png;base64,{base64.b64encode(PIXEL).decode()}" in text
    assert 'alt="a face"' in text
    assert 'src="gone.png"' in text
    assert 'href="02_two.html"' in text
    assert 'href="https://x.org/a.ipynb"' in text


def test_widgets_become_a_remark_and_progress_bars_go(tmp_path):
    widget = {page_cells.WIDGET: {"model_id": "0"}}
    outputs = [
        new_output(
            "display_data", data=widget | {"text/plain": "  0%|          | 0/3 [00:00<?, ?it/s]"}
        ),
        new_output("display_data", data=widget | {"text/plain": "IntSlider(value=0)"}),
        new_output(
            "display_data",
            data=widget | {"text/plain": "Figure", "image/png": base64.b64encode(PIXEL).decode()},
        ),
        new_output("stream", text="printed <b>"),
    ]
    text = page(tmp_path, new_code_cell("x = 1", outputs=outputs, execution_count=1))
    assert "0/3" not in text
    assert text.count(page_cells.REMARK) == 1
    assert "IntSlider" not in text
    assert "data:image/png" in text
    assert "printed &lt;b&gt;" in text
    assert '<span class="n">x</span>' in text  # the code is there, coloured


def test_bars_in_the_error_stream_go_and_warnings_stay(tmp_path):
    texts = [
        "\repochs:   0%|          | 0/24 [00:00<?, ?it/s]",
        "\r" + " " * 40,
        "\r7it [01:00:02, 3s/it]\n",
        "\x1b[A",  # the cursor moves up
    ]
    bars = [new_output("stream", name="stderr", text=text) for text in texts]
    warning = new_output("stream", name="stderr", text="UserWarning: look here [1:2]\n")
    assert all(map(page_cells.is_progress, bars))
    html = page(tmp_path, new_code_cell("train()", outputs=[*bars, warning]))
    assert "epochs:" not in html
    assert "3s/it" not in html
    assert "look here" in html


def test_an_error_stands_on_top_and_is_escaped(tmp_path):
    error = {
        "cell": 3,
        "source": "x = '<script>'",
        "error": "KeyError",
        "message": "<b>",
        "traceback": "line 1",
    }
    text = page(tmp_path, new_markdown_cell("# The title"), error=error)
    assert text.index("Failed in code cell 3") < text.index("<h1")
    assert "x = &#39;&lt;script&gt;&#39;" in text
    assert "KeyError: &lt;b&gt;" in text


@pytest.mark.parametrize("tex", ["x", r"\unknowncommand{x}", "{", "", r"a & b \\ c", "<script>"])
def test_no_equation_breaks_the_page(tex):
    assert "<script" not in pages.to_mathml(tex, "inline")


def shown(source: str, **metadata) -> nbformat.NotebookNode:
    """A cell that shows a picture."""
    data = {"image/png": base64.b64encode(PIXEL).decode()}
    return new_code_cell(source, outputs=[new_output("display_data", data, metadata=metadata)])


def test_every_picture_has_a_text_that_names_section_and_figure(tmp_path):
    text = page(
        tmp_path,
        shown("plot()"),
        new_markdown_cell("# Title\n\n## Where it fails"),
        shown("plots.save_figure('plot_x', t, f, 'n', made_by=m, title='By <emotion>')"),
        shown("plots.save_picture(ax, folder, 'hard_faces', made_by=m)"),
        shown("not python {"),
        shown("plot()", **{"image/png": {"alt": "eight faces"}}),
    )
    assert re.findall(r'alt="(.*?)"', text) == [
        "Figure",
        "Figure: Where it fails. By &lt;emotion&gt;",
        "Figure: Where it fails. hard faces",
        "Figure: Where it fails",
        "eight faces",
    ]


def test_contents_lead_to_the_sections_and_links_to_the_neighbours(tmp_path):
    cells = [
        new_markdown_cell(f"# One\n\n## {title}\n\n#### Deep") for title in ("A `b`", "A", "A")
    ]
    text = page(tmp_path, *cells, before="00_zero", after="02_two")
    anchors = re.findall(r'<li class="level2"><a href="#(.*?)">', text)
    assert len(set(anchors)) == 3
    for anchor in anchors:
        assert text.count(f'id="{anchor}"') == 1
    assert "Deep</a>" not in text
    assert text.count('<a href="00_zero.html" rel="prev">') == 2
    assert text.count('<a href="02_two.html" rel="next">') == 2
    alone = page(tmp_path, new_markdown_cell("# One"))
    assert "Contents" not in alone
    assert "rel=" not in alone


def test_the_keyboard_reaches_what_scrolls_and_no_table_head_is_empty(tmp_path):
    table = "<table><tr><th></th><th class='x'>&nbsp;</th><th>a</th></tr></table>"
    output = new_output("display_data", {"text/html": table})
    text = page(tmp_path, new_code_cell("x", outputs=[output, new_output("stream", text="t")]))
    assert not re.findall(r"<pre(?! tabindex)", text)
    assert not re.findall(r'<div class="output_area"(?! tabindex)', text)
    assert '<td></td><td class="x"></td><th>a</th>' in text


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_code_and_words_can_be_read_on_their_backgrounds(scheme):
    style = (files.PROJECT / "ferkit/workbook/templates/style.css").read_text()
    blocks = re.findall(r":root \{(.*?)\}", style, flags=re.DOTALL)
    colours = dict(re.findall(r"--(\w+): (#\w+);", blocks[scheme == "dark"]))
    code = get_style_by_name(pages._CODE_STYLES[scheme])
    not_python = (Error, Generic)
    on_code = {
        f"#{token['color']}"
        for kind, token in code
        if token["color"] and not any(kind in other for other in not_python)
    }
    words = {colours[name] for name in ("text", "faint", "link", "good", "bad", "wait")}
    grounds = [colours[name] for name in ("page", "soft", "wrong", "note")]
    assert min(contrast(colour, colours["soft"]) for colour in on_code) >= 4.5
    assert min(contrast(word, ground) for word in words for ground in grounds) >= 4.5


def contrast(colour: str, other: str) -> float:
    """The contrast of WCAG 2: 1 (the same) to 21 (black on white)."""
    light, dark = sorted((luminance(colour), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (srgb_to_linear(c) for c in to_rgb(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def srgb_to_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def test_the_measure_of_contrast_is_that_of_the_standard():
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)


def test_links_lead_to_pages_that_are_there_and_others_become_text(tmp_path):
    text = page(
        tmp_path,
        new_markdown_cell(
            "# One\n\n[two](02_two.ipynb#what-follows) [three](03_three.ipynb) [below](#here)\n"
            "[*hinge* loss](../docs/glossary.md#hinge-loss) [help](../docs/running.md)\n\n## Here"
        ),
        beside=["02_two", "glossary"],
    )
    assert '<a href="02_two.html#what-follows">two</a>' in text
    assert '<a href="glossary.html#hinge-loss"><em>hinge</em> loss</a>' in text
    assert '<a href="#here">below</a>' in text
    assert '<h2 id="here">' in text
    body = text.partition("<main>")[2]
    assert " three " in body
    assert " help<" in body
    assert "03_three" not in body
    assert "running" not in body


def test_an_exercise_is_a_question_and_a_folded_remark(tmp_path):
    exercise = new_code_cell(
        "start = 3\nanswer = None  # a number", metadata={"tags": ["exercise"]}
    )
    check = new_code_cell(
        'check("02.1", answer)', outputs=[new_output("stream", text="02.1: no answer yet")]
    )
    after = new_code_cell("y = 2")
    text = page(tmp_path, new_markdown_cell("**Exercise 02.1.** Why?"), exercise, check, after)
    assert "<strong>Exercise 02.1.</strong> Why?" in text
    assert "<summary>Answer 02.1 in JupyterLab</summary>" in text
    folded = text.partition('<details class="exercise">')[2].partition("</details>")[0]
    assert "a number" in folded
    assert "no answer yet" not in text
    assert '<span class="n">y</span>' in text


def test_markdown_among_the_outputs_is_rendered(tmp_path):
    table = "| the claim | verdict |\n|---|---|\n| residuals help by $n$ points | **holds** |"
    code = show_source(page_cells.is_progress)
    outputs = [
        new_output("execute_result", {"text/markdown": text, "text/plain": "<Markdown object>"})
        for text in (table, code.data, "6 points, see [loss](../docs/glossary.md#loss).")
    ]
    text = page(tmp_path, new_code_cell("show()", outputs=outputs), beside=["glossary"])
    assert "<Markdown object>" not in text
    assert "Markdown object" not in text
    assert re.search(r"<th[^>]*>verdict</th>", text)
    assert "<strong>holds</strong>" in text
    assert text.count("<math") == 1
    assert '<span class="k">def</span>' in text
    assert '<a href="glossary.html#loss">' in text


def test_a_document_has_anchors_as_on_github(tmp_path):
    source = (
        "# Words\n\n## McNemar's test\n\nSee [02](../notebooks/02_two.ipynb) and $x$.\n\n## t-SNE"
    )
    text = pages.render_document(source, tmp_path, beside=["02_two"], key="k")
    assert "<title>Words</title>" in text
    assert '<h2 id="mcnemars-test">' in text
    assert '<h2 id="t-sne">' in text
    assert '<a href="02_two.html">02</a>' in text
    assert "<math" in text
    assert "hide the code" not in text

"""The index shows every notebook of a run, and the papers' numbers beside ours."""

import base64
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ferkit.papers.reported import paper
from ferkit.workbook import records, report

PIXEL = b"\x89PNG a small picture"


def make_run(out: Path, *names: str, chosen: tuple[str, ...], **changes) -> str:
    """Record notebooks as executed, the rest of `chosen` as waiting; return the index."""
    entries = {}
    for name in names:
        data = {"image/png": base64.b64encode(PIXEL).decode()}
        picture = new_code_cell("plot()", outputs=[new_output("display_data", data)])
        cells = [new_markdown_cell(f"# The title of {name}"), picture]
        (out / "notebooks").mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells), out / records.executed_name(name))
        entries[name] = {
            "status": records.PASSED,
            "parameters": {"level": "smoke", "seed": 3},
            "device": "a GPU",
            "fingerprint": "f",
            "folder": str(out),
            "executed": records.executed_name(name),
            "executed_hash": records.executed_hash(out, name),
            "duration": 12.3,
            "error": None,
            "folds": None,
            "metrics": {},
        } | changes
    environment = records.describe_environment()
    about = {"started": records.timestamp(), "finished": None, "environment": environment}
    records.update_run(out, entries, chosen=list(chosen), **about)
    return report.write_report(out, growing=True).read_text()


def test_the_index_grows_while_the_run_goes_on(tmp_path):
    chosen = ("01_one", "02_two", "03_three")
    text = make_run(tmp_path, "01_one", chosen=chosen)
    assert text.count(">waiting<") == 2
    assert "location.reload()" in text
    assert 'rel="next"' not in (tmp_path / "html" / "01_one.html").read_text()
    text = make_run(tmp_path, "01_one", "02_two", chosen=chosen)
    assert text.count(">waiting<") == 1
    assert 'href="02_two.html" rel="next"' in (tmp_path / "html" / "01_one.html").read_text()
    assert "location.reload()" not in report.write_report(tmp_path).read_text()


def test_a_notebook_that_begins_again_meanwhile_has_no_page(tmp_path, monkeypatch):
    make_run(tmp_path, "01_one", chosen=("01_one",), executed_hash="of a run before")
    (tmp_path / "notebooks" / "01_one.ipynb").unlink()
    monkeypatch.setattr(report, "_is_intact", lambda out, name, entry: True)  # it just was
    text = report.write_report(tmp_path, growing=True).read_text()
    assert "01_one" in text
    assert not (tmp_path / "html" / "01_one.html").exists()


def test_a_card_has_picture_time_device_and_links(tmp_path):
    text = make_run(tmp_path, "01_one", chosen=("01_one",))
    assert (tmp_path / "html" / "01_one.png").read_bytes() == PIXEL
    assert 'src="html/01_one.png" alt="Figure: The title of 01_one"' in text
    assert '<a href="html/01_one.html">The title of 01_one</a>' in text
    assert '<a href="notebooks/01_one.ipynb">' in text
    assert " ".join(text.split()).count("12 s · a GPU · level smoke · seed 3") == 1


def test_a_page_is_rendered_again_only_when_something_changed(tmp_path, monkeypatch):
    make_run(tmp_path, "01_one", "02_two", chosen=("01_one", "02_two"))
    page = tmp_path / "html" / "01_one.html"
    before = page.stat().st_mtime_ns
    report.write_report(tmp_path)
    assert page.stat().st_mtime_ns == before
    page.write_text("damaged")
    report.write_report(tmp_path)
    assert "The title of 01_one" in page.read_text()


def test_papers_stand_beside_ours_where_this_run_has_a_number():
    metrics = {"sequences/joint": {"value": 0.83, "low": 0.8, "high": 0.86, "n": 300}}
    tables = report.compare_with_papers(metrics)
    jung = next(table for table in tables if "Jung" in table.title)
    assert [row[jung.columns.index("ours")] for row in jung.rows] == [
        "83.0 [80.0, 86.0] %, n = 300"
    ] * len(jung.rows)
    assert jung.missing > 0
    assert len(jung.claims) == len(paper("dtagn").claims)
    assert report.compare_with_papers({}) == []


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
    assert report.status_text(run, "01_one") == "skipped: unchanged"
    assert report.status_text(run, "02_two") == "passed (earlier run)"


def test_the_glossary_lies_beside_the_pages(tmp_path):
    make_run(tmp_path, "02_landmark_residuals", chosen=("02_landmark_residuals",))
    text = (tmp_path / "html" / "glossary.html").read_text()
    assert '<h2 id="hinge-loss">' in text
    assert 'href="02_landmark_residuals.html"' in text
    assert "10_benchmark" not in text  # not in this run


def test_notebooks_are_listed_in_the_order_of_reading(tmp_path):
    names = ("03_two_branches", "11_leak_laboratory", "13_controlled", "10_benchmark")
    text = make_run(tmp_path, *names, chosen=names)
    places = [text.index(f'id="{name}"') for name in (names[1], names[0], names[2], names[3])]
    assert places == sorted(places)

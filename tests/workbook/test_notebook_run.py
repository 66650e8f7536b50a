"""What a notebook keeps, and the source it shows."""

import json

import pandas as pd
from matplotlib.figure import Figure

from ferkit.core import landmarks
from ferkit.workbook.notebook_run import NotebookRun, start_run
from ferkit.workbook.source import show_source


def test_a_run_keeps_figures_and_metrics_with_what_made_them(tmp_path):
    run = start_run("02_landmark_residuals", "multimodal", out=tmp_path, level="smoke", seed=3)
    table = pd.DataFrame({"name": ["a"], "value": [0.5], "low": [0.4], "high": [0.6]})
    assert isinstance(run.figure("plot_intervals", table, "gain"), Figure)
    made_by = json.loads((tmp_path / "figures" / "multimodal" / "gain.json").read_text())["made_by"]
    assert made_by == {"notebook": "02_landmark_residuals", "level": "smoke", "seed": 3}
    run.metrics["first"] = 1.0
    run.metrics["headline"] = 2.0
    assert run.save("headline", "not measured", folds="abc") == (
        "2 numbers saved as 02_landmark_residuals.json"
    )
    saved = json.loads((tmp_path / "metrics" / "02_landmark_residuals.json").read_text())
    assert list(saved["metrics"]) == ["headline", "first"]
    assert saved["folds"] == "abc"


def test_results_go_to_the_folder_of_runs_unless_one_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("FERKIT_RUN", str(tmp_path))
    assert start_run("a", "b", out="").figures == tmp_path / "figures" / "b"


def test_source_is_shown_without_its_docstring():
    shown = show_source(landmarks.residuals).data
    assert shown.startswith("```python\n# ferkit.core.landmarks\ndef residuals(")
    assert '"""' not in shown
    compile(shown.removeprefix("```python").removesuffix("```"), "shown", "exec")


def test_source_of_a_class_has_no_docstring_of_its_methods():
    assert '"""' not in show_source(NotebookRun).data


def test_metrics_can_be_added_in_one_step(tmp_path):
    run = start_run("a", "b", out=tmp_path)
    run.metrics |= {"gain": 1.0}
    assert run.metrics == {"gain": 1.0}

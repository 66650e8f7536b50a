"""A study's figures in a notebook, and the sentence where there are none."""

import json

import pandas as pd
import pytest

from ferkit.papers.study_records import StudyRecord
from ferkit.workbook.lessons import study as lesson
from ferkit.workbook.notebook_run import start_run


@pytest.fixture
def run(tmp_path):
    return start_run("06_joint_fine_tuning", "dtagn", out=tmp_path, level="smoke", seed=0)


@pytest.fixture
def kept(monkeypatch):
    """Keep a study in which `joint` is right on every sample, `weighted_sum` on none."""
    rows = []
    for data in ("sequences", "sequences/fear"):
        for method, value in (("joint", 1.0), ("weighted_sum", 0.0)):
            for start in range(2):
                for sample in range(40):
                    row = {"data": data, "method": method, "start": start, "sample": sample}
                    rows.append({**row, "person": f"p{sample // 2}", "value": value})
    record = StudyRecord(pd.DataFrame(rows), pd.DataFrame(), {"starts": 2, "level": "study"})
    monkeypatch.setattr(lesson, "kept_studies", lambda: ("dtagn",))
    monkeypatch.setattr(lesson, "load_study", {"dtagn": record}.__getitem__)


def test_without_results_it_says_so_and_draws_nothing(run, monkeypatch):
    monkeypatch.setattr(lesson, "kept_studies", lambda: ())
    said = lesson.show_study(run, "dtagn").data
    assert said.startswith("No results of the study `dtagn` are kept")
    assert not run.figures.exists()


def test_means_and_differences_are_drawn_and_saved(run, kept, capsys):
    said = lesson.show_study(run, "dtagn").data
    assert "trained 2 times" in said
    assert said.endswith("- `sequences`: *joint* lies above *weighted sum*.")
    files = sorted(file.stem for file in run.figures.glob("*.png"))
    assert files == ["study_sequences_differences", "study_sequences_means"]
    table = pd.read_csv(run.figures / "study_sequences_differences.csv")
    assert table["name"].tolist() == ["joint minus weighted sum"]
    assert table["value"].tolist() == [1.0]
    record = json.loads((run.figures / "study_sequences_means.json").read_text())
    assert record["plot"] == "plot_intervals"
    assert record["made_by"]["notebook"] == "06_joint_fine_tuning"


def test_data_sets_and_pairs_can_be_chosen(run, kept):
    pairs = [("weighted_sum", "joint")]
    said = lesson.show_study(run, "dtagn", data=["sequences/fear"], pairs=pairs).data
    assert said.endswith("- `sequences/fear`: *joint* lies above *weighted sum*.")
    table = pd.read_csv(run.figures / "study_sequences_fear_differences.csv")
    assert table["value"].tolist() == [-1.0]
    assert not (run.figures / "study_sequences_means.png").exists()


def test_an_unknown_study_is_refused(run):
    with pytest.raises(ValueError, match="unknown study 'nothing'; known: "):
        lesson.show_study(run, "nothing")


def test_the_study_of_another_paper_is_not_called_that_of_this_one(run, monkeypatch):
    monkeypatch.setattr(lesson, "kept_studies", lambda: ())
    said = lesson.show_study(run, "i2cnn", data=["identity spread"]).data
    assert "No results of the study `i2cnn` are kept" in said
    assert "this paper" not in said


def test_data_that_was_not_kept_is_named(run, kept):
    said = lesson.show_study(run, "dtagn", data=["identity spread"]).data
    assert "lack identity spread" in said
    assert not run.figures.exists()


def test_files_have_neither_blanks_nor_commas(run, kept):
    record = lesson.load_study("dtagn")
    renamed = record.predictions.replace({"data": {"sequences": "stills, five folds"}})
    kept_record = StudyRecord(renamed, record.trainings, record.made_by)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lesson, "load_study", lambda name: kept_record)
        lesson.show_study(run, "dtagn", data=["stills, five folds"])
    assert (run.figures / "study_stills_five_folds_means.png").is_file()

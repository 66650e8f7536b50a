"""Studies: every table at the smallest level, found again, and drawn."""

import itertools
import json
import math
import os
import subprocess
import sys
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation.predictions import sample_rows
from ferkit.faces.load import PHOTOGRAPHS
from ferkit.papers import studies
from ferkit.papers.dtagn import data as dtagn_data
from ferkit.papers.dtagn import experiment
from ferkit.papers.dtagn import study as dtagn_study
from ferkit.papers.emotionaldan import data as emotionaldan_data
from ferkit.papers.study_records import (
    StudyRecord,
    kept_studies,
    load_study,
    method_means,
    paired_differences,
    read_study,
)
from ferkit.plots import draw_table
from ferkit.training.seeds import restart_seed
from ferkit.training.spec import Restart
from ferkit.workbook.studies import study as study_module
from ferkit.workbook.studies.study import gather_parts, run_studies

STUDIES = studies()
HOW = {"progress": False, "device": "cpu", "precision": "32"}
pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face.*")


@pytest.fixture(scope="module", autouse=True)
def prepared():
    """Faces that are not found are warned of once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        emotionaldan_data.crop_parts("smoke", 0)


def test_another_start_is_another_seed_and_start_0_the_same():
    assert restart_seed(7, 0) == 7
    assert (
        len(
            {restart_seed(7, start) for start in range(50)}
            | {restart_seed(8, start) for start in range(50)}
        )
        == 100
    )


def test_one_start_is_what_the_notebooks_train(tmp_path):
    how = {"folder": tmp_path, **HOW}
    kind, data, classes, folds = dtagn_data.load_sequences("sequences", "smoke")
    pair = experiment.train_pair(kind, data, folds, "smoke", **how)
    tuned = experiment.fine_tune_each_way(pair, data, folds, "smoke", **how)
    trained = {"dtan": pair[0], "dtgn": pair[1], **tuned}
    found = experiment.combine_predictions(trained, classes)
    kept = {path.name for path in tmp_path.iterdir()}
    restart = dtagn_study.restart_methods("sequences", "smoke", 0, 0, **how)
    table = restart.predictions[restart.predictions["data"] == "sequences"]
    for name, predictions in found.items():  # the trainings of the notebooks are found again
        mine = table.loc[table["method"] == name, "value"]
        assert mine.tolist() == predictions.correct().tolist()
    every = {path.name for path in tmp_path.iterdir()}
    assert kept < every  # the controls are trainings of their own
    assert set(restart.trainings["method"]) >= set(trained)
    again = dtagn_study.restart_methods("sequences", "smoke", 0, 1, **how)
    new = {path.name for path in tmp_path.iterdir()} - every
    assert len(new) == len(kept) + len(folds)  # another start shares nothing; one way more
    people = again.predictions.loc[again.predictions["data"] == "sequences", "person"]
    assert people.tolist() == table["person"].tolist()
    assert "sequences/controls" in set(restart.predictions["data"])
    assert "sequences/controls" not in set(again.predictions["data"])


def call_here(function, tasks, **_):
    """Stand in for the workers of a cluster, which need sockets."""
    yield from ((name, function(task)) for name, task in tasks.items())


@pytest.mark.parametrize("name", list(STUDIES))
def test_each_table_has_the_pairs_that_are_compared(name, tmp_path, monkeypatch):
    monkeypatch.setattr(study_module, "map_tasks", call_here)
    out, figures = tmp_path / "run", tmp_path / "figures"
    study = STUDIES[name]
    run_studies((name,), starts=2, level="smoke", out=out, to=tmp_path, figures=figures, jobs=1)
    record = read_study(tmp_path, name)
    means = method_means(record.predictions)
    differences = paired_differences(record.predictions, study.pairs)
    assert {f"{a} minus {b}" for a, b in study.pairs} == set(differences["name"])
    assert {method for pair in study.pairs for method in pair} <= set(means["name"])
    assert (differences["low"] <= differences["high"]).all()
    for table in (means, differences):
        assert np.allclose(table["value"], table[["training_0", "training_1"]].mean(axis=1))
    drawn = list(figures.rglob("*.json"))
    assert {file.stem.endswith("_means") for file in drawn} == {False, True}
    # Photographs, where there are any, have figures of their own.
    photographs = sum("photographs" in file.stem for file in drawn)
    assert photographs == 2 * bool(set(PHOTOGRAPHS) & set(means["data"]))
    assert len(drawn) == 2 + photographs
    assert all(json.loads(file.read_text())["made_by"]["starts"] == 2 for file in drawn)
    before = set(out.rglob("training.safetensors"))
    again = study.train_restart("smoke", 0, 1, out, progress=False)
    assert set(again.predictions["start"]) == {1}
    mine = record.predictions[record.predictions["start"] == 1]
    kept = mine["value"].tolist()  # six digits
    assert again.predictions["value"].tolist() == pytest.approx(kept, rel=1e-5, abs=1e-6)
    assert before == set(out.rglob("training.safetensors"))  # found, not trained again


@pytest.fixture
def counted(monkeypatch):
    """A study that notes which starts are trained; its folder has to be the test's own."""
    trained = []

    def train_restart(level, seed, start, out, people=("a", "b"), **_):
        trained.append(start)
        values = np.array([start, start + 1.0])
        tables = [
            sample_rows("sequences", name, start, values * sign, np.array(people))
            for name, sign in (("one", 1), ("two", -1))
        ]
        training = pd.DataFrame({"data": ["sequences"], "method": "one", "start": start})
        return Restart(pd.concat(tables), training)

    study = replace(STUDIES["dtagn"], name="counted", pairs=(("one", "two"),))
    study = replace(study, train_restart=train_restart)
    monkeypatch.setattr(study_module, "studies", lambda: {"counted": study})
    monkeypatch.setattr(study_module, "map_tasks", call_here)
    return trained


def test_kept_restarts_are_not_trained_again(counted, tmp_path):
    folders = {"out": tmp_path, "to": tmp_path, "figures": tmp_path / "figures"}
    run_studies(["counted"], starts=2, **folders)
    run_studies(["counted"], starts=3, keep=True, **folders)
    assert counted == [0, 1, 2]
    record = read_study(tmp_path, "counted")
    assert record.made_by["starts"] == 3
    together = run_studies(["counted"], starts=3, **{**folders, "to": tmp_path / "anew"})
    assert counted == [0, 1, 2, 0, 1, 2]
    assert record.predictions.equals(read_study(tmp_path / "anew", "counted").predictions)
    assert record.trainings.equals(together["counted"].trainings)


def test_restarts_of_other_faces_are_not_joined(counted, tmp_path):
    folders = {"out": tmp_path, "to": tmp_path, "figures": tmp_path / "figures"}
    run_studies(["counted"], starts=1, **folders)
    told = []
    with pytest.raises(RuntimeError, match="counted failed"):
        run_studies(
            ["counted"], starts=3, keep=True, people=("a", "c"), tell=told.append, **folders
        )
    assert counted == [0, 1, 2]  # all of them were trained
    assert "counted was not saved: the trainings are not of the same faces of sequences" in told[0]
    restart = study_module.studies()["counted"].train_restart("study", 0, 0, tmp_path)
    photographs = Restart(restart.predictions.assign(data="london"), restart.trainings)
    with pytest.raises(ValueError, match="same faces of london"):
        study_module._check_same_faces([photographs, restart])
    fewer = Restart(restart.predictions[:1], restart.trainings)
    with pytest.raises(ValueError, match="same faces of sequences"):
        study_module._check_same_faces([restart, fewer])
    with pytest.raises(ValueError, match="kept results of counted are of seed 0, not 1"):
        run_studies(["counted"], starts=2, keep=True, seed=1, **folders)
    assert read_study(tmp_path, "counted").made_by["starts"] == 1


def test_kept_results_are_replaced_by_more_or_on_demand_only(counted, tmp_path):
    folders = {"out": tmp_path, "to": tmp_path, "figures": tmp_path / "figures"}
    run_studies(["counted"], starts=2, **folders)
    for smaller in ({"starts": 1}, {"starts": 2, "level": "smoke"}, {"starts": 3, "seed": 1}):
        with pytest.raises(ValueError, match=r"replace .* counted, 2 starts at level study"):
            run_studies(["counted"], **smaller, **folders)
    assert counted == [0, 1]
    run_studies(["counted"], starts=2, **folders)
    run_studies(["counted"], starts=1, level="smoke", overwrite=True, **folders)
    assert read_study(tmp_path, "counted").made_by["level"] == "smoke"
    with pytest.raises(ValueError, match="unknown level 'bogus'; known: smoke, lesson, study"):
        run_studies(["counted"], level="bogus", **folders)


def test_restarts_of_another_plan_are_not_joined(counted, tmp_path, monkeypatch):
    folders = {"out": tmp_path, "to": tmp_path, "figures": tmp_path / "figures"}
    run_studies(["counted"], starts=1, **folders)
    study = study_module.studies()["counted"]
    usual = study.plans["study"]
    slower = replace(usual, dtan=replace(usual.dtan, rate=usual.dtan.rate / 2))
    changed = replace(study, plans={"study": slower})
    monkeypatch.setattr(study_module, "studies", lambda: {"counted": changed})
    with pytest.raises(ValueError, match=r"kept results of counted are of plan \w{10}, not \w{10}"):
        run_studies(["counted"], starts=2, keep=True, **folders)
    assert counted == [0]
    assert read_study(tmp_path, "counted").made_by["starts"] == 1


def test_a_plan_has_the_same_hash_in_another_process():
    code = (
        "from ferkit.papers import studies;"
        "from ferkit.workbook.studies.study import _describe_training as describe;"
        "print([describe(s, level, 0)['plan'] for s in studies().values() for level in s.plans])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    here = []
    for study in STUDIES.values():
        for level in study.plans:
            here.append(study_module._describe_training(study, level, 0)["plan"])
    assert done.stdout.strip() == str(here)
    assert len(set(here)) == 4 * 5  # of four levels in five papers


def test_long_names_leave_room_for_the_axis(tmp_path):
    kinds = itertools.product(
        ("wild", "posed"), ("as_paper, stage 1", "as_paper, stage 2"), (0, 1), (0, 1)
    )
    record = pd.DataFrame(kinds, columns=["data", "method", "start", "sample"])
    record = record.assign(person=record["sample"].astype(str), value=record["sample"] / 2)
    made = {"starts": 2}
    study = STUDIES["landmarks"]
    study_module.draw_study(study, StudyRecord(record, pd.DataFrame(), made), tmp_path)
    table = pd.read_csv(tmp_path / "emotionaldan" / "trainings_landmarks.csv")
    made_as = json.loads((tmp_path / "emotionaldan" / "trainings_landmarks.json").read_text())
    figure = draw_table("plot_trainings", table, size=made_as["size"], columns=2)
    assert all(ax.get_window_extent().width > 2 * figure.dpi for ax in figure.axes)


def test_panels_of_several_measures_say_which(tmp_path):
    study = replace(STUDIES["dtagn"], other_measures={"b": "share", "c, share": "share"})
    kinds = itertools.product(("a", "b", "c, share"), ("joint", "dtan"), (0, 1), (0, 1))
    record = pd.DataFrame(kinds, columns=["data", "method", "start", "sample"])
    record = record.assign(person=record["sample"].astype(str), value=record["sample"] / 2)
    kept = StudyRecord(record, pd.DataFrame(), {"starts": 2})
    study_module.draw_study(study, kept, tmp_path)
    table = pd.read_csv(tmp_path / "dtagn" / "trainings_means.csv")
    assert list(table["panel"].unique()) == ["a\naccuracy", "b\nshare", "c, share"]
    about = json.loads((tmp_path / "dtagn" / "trainings.json").read_text())
    assert about["options"]["xlabel"] == "difference"
    only = replace(study, other_measures={})
    study_module.draw_study(only, kept, tmp_path)
    about = json.loads((tmp_path / "dtagn" / "trainings.json").read_text())
    assert about["options"]["xlabel"] == "difference: accuracy"


def test_every_compared_method_has_a_title():
    assert set(STUDIES) >= {"multimodal", "i2cnn", "dtagn", "emotionaldan", "tfe"}
    for study in STUDIES.values():
        for pair in study.pairs:
            assert "_" not in study.pair_title(" minus ".join(pair))


@pytest.mark.parametrize("name", kept_studies())
def test_kept_results_are_of_the_plans_and_faces_of_today(name):
    made_by = load_study(name).made_by
    today = study_module._describe_training(STUDIES[name], "study", made_by["seed"])
    assert {key: made_by[key] for key in today} == today, f"train it again: ferkit study {name}"


@pytest.mark.parametrize("name", kept_studies())
def test_other_measures_are_of_data_sets_that_the_study_has(name):
    study = STUDIES[name]
    assert set(study.other_measures) <= set(load_study(name).predictions["data"])
    assert study.measure_on("another") == study.measure
    for data, measure in study.other_measures.items():
        assert study.measure_on(data) == measure


def test_small_parts_of_a_data_set_share_a_panel():
    panels = ["sequences", "sequences/anger", "sequences/fear", *["sequences/controls"] * 3]
    names = ["joint", "k60", "k60", "a", "b", "c"]
    table = pd.DataFrame({"panel": panels, "name": names, "value": range(6)})
    rows = gather_parts(table.assign(measure="accuracy"))
    assert rows["panel"].tolist() == [
        "sequences",
        *["sequences, parts"] * 2,
        *["sequences/controls"] * 3,
    ]
    assert rows["name"].tolist() == ["joint", "anger: k60", "fear: k60", "a", "b", "c"]
    assert rows["value"].tolist() == list(range(6))
    apart = gather_parts(table.assign(measure=["accuracy", "gap", *["accuracy"] * 4]))
    assert apart["panel"].tolist() == panels
    assert apart["name"].tolist() == names


def test_parts_with_measures_of_their_own_say_so_and_negative_means_are_shown(tmp_path):
    kinds = itertools.product(
        ("a", "a/gap", "a/gain"), ("joint", "dtan", "dtgn", "hog"), (0, 1), range(4)
    )
    record = pd.DataFrame(kinds, columns=["data", "method", "start", "sample"])
    is_part = record["data"] != "a"
    record = record[~is_part | record["method"].isin(["joint", "dtan"])]
    record = record[(record["method"] != "hog") | (record["start"] == 0)]
    record = record.assign(person=record["sample"].astype(str), value=record["sample"] / 4)
    record.loc[is_part, "value"] -= 0.45
    parts = dict.fromkeys(("a/gap", "a/gain"), "gap")
    study = replace(STUDIES["dtagn"], other_measures=parts)
    study_module.draw_study(study, StudyRecord(record, pd.DataFrame(), {"starts": 2}), tmp_path)
    table = pd.read_csv(tmp_path / "dtagn" / "trainings_means.csv")
    assert list(table["panel"].unique()) == ["a\naccuracy", "a, parts\ngap"]
    about = json.loads((tmp_path / "dtagn" / "trainings_means.json").read_text())
    assert about["options"]["start"] == math.floor(10 * table["low"].min()) / 10 < 0
    assert "1 to 2 trainings of each" in json.dumps(about)

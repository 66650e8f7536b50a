"""Kept decisions stand beside the benchmark's own only where they are about the same faces."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation.predictions import sample_rows
from ferkit.papers.study_records import StudyRecord
from ferkit.workbook.studies import kept_methods
from ferkit.workbook.studies.benchmark import BenchmarkFaces
from ferkit.workbook.studies.kept_methods import load_kept_rows, match_people

# Sequences of people in the order of a study's folds, and in that of the faces.
DECIDED = ["b", "b", "a", "c", "c"]
PEOPLE = np.array(["a", "b", "b", "c", "c"])


def test_sequences_of_a_person_keep_their_order():
    decided = sample_rows("sequences", "dtan", 0, [1, 0, 1, 0, 1], DECIDED)
    assert match_people(decided, PEOPLE).tolist() == [True, True, False, False, True]


def test_of_several_pictures_the_last_is_taken():
    values = np.array([[0, 1], [1, 0], [1, 1], [0, 0], [1, 0]]).ravel()
    decided = sample_rows("sequences", "joint", 0, values, np.repeat(DECIDED, 2))
    assert match_people(decided, PEOPLE, 2).tolist() == [True, True, False, False, False]


@pytest.mark.parametrize(
    "people", [["a", "b", "b", "c"], ["a", "b", "b", "c", "d"], ["a", "a", "b", "c", "c"]]
)
def test_other_people_or_counts_do_not_match(people):
    decided = sample_rows("sequences", "dtan", 0, np.ones(5), DECIDED)
    assert match_people(decided, np.array(people)) is None


@pytest.fixture
def faces(monkeypatch) -> BenchmarkFaces:
    """Five sequences, and a kept study of them with two trainings."""
    first = sample_rows("sequences", "dtan", 0, [1, 0, 1, 0, 1], DECIDED)
    second = sample_rows("sequences", "dtan", 1, np.zeros(5), DECIDED)
    made_by = {"seed": 0, "drawing": "as now"}
    record = StudyRecord(pd.concat([first, second]), pd.DataFrame(), made_by)
    monkeypatch.setattr(kept_methods, "kept_studies", lambda: ("dtagn",))
    monkeypatch.setattr(kept_methods, "load_study", lambda name: record)
    monkeypatch.setattr(kept_methods, "drawing_fingerprint", lambda: "as now")
    none = np.zeros(5)
    return BenchmarkFaces("sequences", None, none, none, None, none, PEOPLE, ("anger",), folds=[])


def test_the_first_training_is_taken(faces):
    rows = load_kept_rows(faces, 0)
    assert rows["method"].unique().tolist() == ["DTAN (paper 3)"]
    assert rows["right"].tolist() == [True, True, False, False, True]
    assert rows["person"].tolist() == PEOPLE.tolist()


def test_other_faces_have_no_kept_rows(faces, monkeypatch):
    assert load_kept_rows(faces, seed=1).empty
    assert load_kept_rows(replace(faces, name="posed"), 0).empty
    monkeypatch.setattr(kept_methods, "drawing_fingerprint", lambda: "drawn otherwise")
    assert load_kept_rows(faces, 0).empty

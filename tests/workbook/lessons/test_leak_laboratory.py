"""Tables of the leak laboratory."""

from pathlib import Path

import numpy as np
import pytest

from ferkit.data.clip import Clip
from ferkit.workbook.lessons import leak_laboratory as laboratory
from ferkit.workbook.lessons.leak_list import COPIES, KINDS, LEAKS
from ferkit.workbook.lessons.leak_pairs import LeakPair
from ferkit.workbook.studies import leaks, undrawn

PEOPLE = np.repeat(range(5), 2)
MEASURED = {
    "folds_by_frame": LeakPair(np.zeros(10, bool), np.ones(10, bool), PEOPLE),
    "normalise_on_all": LeakPair(np.ones(10, bool), np.ones(10, bool), PEOPLE),
}


def test_each_leak_is_listed_once_and_has_a_kind():
    assert len(LEAKS) == 14
    assert {leak.kind for leak in LEAKS.values()} == set(KINDS[1:])
    assert len({leak.line for leak in LEAKS.values()}) == 14


def test_tables_and_words_hold_what_was_measured():
    table = laboratory.leak_table(MEASURED, COPIES)
    assert table["value"].tolist() == [0, 1]
    largest, *_ = laboratory.leak_table(dict(reversed(MEASURED.items())))["name"]
    assert largest == "folds by picture, last three frames"
    metrics = laboratory.leak_metrics(MEASURED, "portraits")
    assert metrics["portraits/folds_by_frame/added"]["value"] == 1
    words = laboratory.kinds_in_words(MEASURED)
    assert "100 to 100 where copies of test faces are trained on" in words


def test_the_laboratory_keeps_people_apart_and_remembers_what_it_measured():
    people = range(70_000, 70_008)
    made = undrawn.make_landmarks(people, undrawn.rest_shapes(people))
    faces = leaks.Faces(made.features, made.emotions, made.people)
    lab = laboratory.Laboratory(faces, faces, (faces, faces, faces), "here")
    said = lab.measure("projection_on_all").data
    assert "The leak adds +" in said
    assert lab.measured["projection_on_all"].difference.value > 0
    table = laboratory.repertoire_table(faces)
    assert table["value"].between(0, 1).all()
    assert len(table) == 3


def test_sequences_of_few_people_are_made_instead():
    clips = []
    for person in range(laboratory.FEW_PEOPLE - 1):
        for emotion in ("fear", "anger"):
            frames = tuple(Path(f"{number}.png") for number in range(5))
            clips.append(Clip("mine", str(person), f"{person}-{emotion}", emotion, frames))
    frames, source = laboratory._last_frames("mine", clips, "smoke", 0)
    assert source == "landmarks computed from the head model, without pictures"
    assert len(set(frames.people)) >= laboratory.FEW_PEOPLE


def test_folds_of_people_have_one_number_in_a_row():
    faces = leaks.Faces(np.zeros((10, 136)), np.array(["fear", "anger"] * 5), PEOPLE)
    left, right = laboratory.draw_folds(faces).axes
    numbers = {}
    for text in left.texts:
        numbers.setdefault(text.get_position()[1], set()).add(text.get_text())
    assert all(len(found) == 1 for found in numbers.values())
    assert "leak" in right.get_title()
    with pytest.raises(KeyError):
        laboratory.Laboratory(faces, faces, (faces,) * 3, "").measure("no such leak")

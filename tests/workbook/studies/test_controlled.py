"""Controlled experiments: one thing changes, everything else stays."""

from dataclasses import fields

import numpy as np
import pytest

from ferkit.drawn.head import load_head
from ferkit.drawn.shape import neutral_shape
from ferkit.workbook.studies import controlled


@pytest.fixture(scope="module")
def planned():
    return controlled.plan_pictures(7, 1)


def test_identity_harms_landmarks_and_not_residuals():
    table = controlled.sweep_identity(16, (0, 4))
    value = table.set_index(["x", "series"])["value"]
    assert value[0, "landmarks"] - value[4, "landmarks"] > 0.2
    assert abs(value[0, "residuals"] - value[4, "residuals"]) < 0.1
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_the_smallest_training_sets_are_one_set():
    table = controlled.sweep_training((1, 2), 6)
    value = table.set_index(["x", "series"])["value"]
    assert value[70, "more people"] == value[70, "more pictures of ten people"]
    assert set(table["x"]) == {70, 140}


def test_strong_expressions_are_named_more_often_than_traces():
    table = controlled.sweep_intensity(16)
    value = table[table["series"] == "all six"].set_index("x")["value"]
    assert list(value.index) == list(controlled.LETTERS)
    assert value["E"] > value["A"] + 0.2


def test_each_emotion_takes_its_turn(planned):
    assert len({each.emotion for each in planned}) == 7
    assert all(each.person.glasses == 0 and each.scene.yaw == 0 for each in planned)


def test_skin_changes_and_the_shape_does_not(planned):
    head = load_head()
    (dark,) = controlled.change_person(planned[:1], melanin=0.9)
    before, after = planned[0].person, dark.person
    changed = [
        field.name
        for field in fields(after)
        if not np.array_equal(getattr(before, field.name), getattr(after, field.name))
    ]
    assert changed == ["melanin"]
    assert neutral_shape(before, head).equal(neutral_shape(after, head))
    (light,) = controlled.change_person(planned[:1], melanin=0.1)
    # A camera that meters the face brightens a dark one.
    pictures = controlled.draw_pictures(controlled.change_scene([dark, light], metering=0.0))
    assert pictures[0].mean() < pictures[1].mean()


def test_a_face_that_is_not_found_is_not_right(planned):
    blank = [np.zeros((64, 64, 3), np.uint8)] * 2
    seen = controlled.look_at(blank, planned[:2])
    assert not seen.found.any()
    assert not seen.right.any()
    assert controlled.tabulate({0.0: seen})["series"].tolist() == ["face found"]


def test_pictures_are_spoiled():
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, 32:] = 200
    assert controlled.spoil(image, "resolution", 16).shape == (16, 16, 3)
    assert controlled.spoil(image, "noise", 20)[:, 40:].std() > 10
    assert np.unique(controlled.spoil(image, "blur", 3)).size > 10
    with pytest.raises(ValueError, match="known: blur, noise, resolution"):
        controlled.spoil(image, "rain", 1)


def test_thirds_hold_everybody_once(planned):
    seen = controlled.SeenPictures(
        np.array([each.person.seed for each in planned]), np.ones(7, bool), np.ones(7, bool)
    )
    thirds = controlled.split_thirds(seen, planned)
    assert sorted(np.concatenate([part.people for part in thirds.values()])) == sorted(seen.people)

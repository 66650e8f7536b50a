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
    assert len(seen.faces.landmarks) == len(seen.faces.pictures) == 0
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


def test_found_faces_are_aligned_in_the_order_of_the_pictures(planned):
    images = controlled.draw_pictures(planned[:2])
    both = controlled.look_at(images, planned[:2])
    second = controlled.look_at([np.zeros_like(images[0]), images[1]], planned[:2])
    assert both.found.all()
    assert second.found.tolist() == [False, True]
    assert np.array_equal(second.faces.pictures, both.faces.pictures[1:])
    eyes = both.faces.landmarks[:, 36:48].mean(1)
    assert np.ptp(eyes, axis=0).max() < 5

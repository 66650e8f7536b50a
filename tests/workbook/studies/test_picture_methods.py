"""Methods that learn from unspoiled pictures, tested on spoiled ones."""

from dataclasses import replace

import numpy as np
import pytest

from ferkit.workbook.studies import controlled, picture_methods
from ferkit.workbook.studies.picture_methods import FACE_FOUND, PICTURE_METHODS, SHIPPED_METHOD


@pytest.fixture(scope="module")
def models():
    return picture_methods.train_picture_methods(5)


@pytest.fixture(scope="module")
def planned():
    return controlled.plan_pictures(7, 2)


@pytest.fixture(scope="module")
def judged(models, planned):
    images = controlled.draw_pictures(planned)
    seen = controlled.look_at(images, planned)
    blurred = controlled.vary_pixels(images, planned, "blur", (6.0, 12.0))
    emotions = [each.emotion for each in planned]
    return picture_methods.judge_sweeps(models, {"blur": {0.0: seen} | blurred}, emotions)


def test_methods_learn_something_from_few_people(judged):
    clean = picture_methods.average_ends(judged, 0)
    assert set(clean) == {FACE_FOUND, SHIPPED_METHOD, *PICTURE_METHODS}
    assert max(clean[name].mean() for name in PICTURE_METHODS) > 2 / 7


def test_a_spoiled_picture_never_helps_all_methods(judged):
    clean = picture_methods.average_ends(judged, 0)
    spoiled = picture_methods.average_ends(judged, -1)
    changes = [
        spoiled[name].mean() - clean[name].mean() for name in (*PICTURE_METHODS, SHIPPED_METHOD)
    ]
    assert min(changes) < 0
    assert np.mean(changes) < 0


def test_no_method_names_a_face_that_is_not_found(judged):
    for results in judged["blur"].values():
        for name in (*PICTURE_METHODS, SHIPPED_METHOD):
            assert not (results[name] & ~results[FACE_FOUND]).any()


def test_people_of_training_are_others(planned):
    tested = {each.person.seed for each in planned}
    trained = {each.person.seed for each in controlled.plan_pictures(7, 1, group=2)}
    assert not tested & trained


def test_the_same_seed_trains_the_same_methods(planned):
    first, again = (picture_methods.train_picture_methods(1) for _ in range(2))
    seen = controlled.look_at(controlled.draw_pictures(planned[:2]), planned[:2])
    for name, method in PICTURE_METHODS.items():
        rows = method.features(seen.faces)
        assert np.allclose(again[name].decision_function(rows), first[name].decision_function(rows))


def test_pictures_without_aligned_faces_are_refused(models, planned):
    seen = controlled.SeenPictures(np.arange(2), np.ones(2, bool), np.ones(2, bool))
    with pytest.raises(ValueError, match="look_at"):
        picture_methods.judge_methods(models, replace(seen, faces=None), ["anger", "fear"])


def test_tables_have_a_row_for_each_panel_setting_and_method(judged, planned):
    people = np.array([each.person.seed for each in planned])
    table = picture_methods.tabulate_methods(judged, people)
    assert len(table) == 3 * (len(PICTURE_METHODS) + 2)
    assert (table["n"] == len(planned)).all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()

"""Sweeps over landmarks of people who are not drawn."""

from ferkit.workbook.studies import landmark_sweeps


def test_identity_harms_landmarks_and_not_residuals():
    table = landmark_sweeps.sweep_identity(16, (0, 4))
    value = table.set_index(["x", "series"])["value"]
    assert value[0, "landmarks"] - value[4, "landmarks"] > 0.2
    assert abs(value[0, "residuals"] - value[4, "residuals"]) < 0.1
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()


def test_the_smallest_training_sets_are_one_set():
    table = landmark_sweeps.sweep_training((1, 2), 6)
    value = table.set_index(["x", "series"])["value"]
    assert value[70, "more people"] == value[70, "more pictures of ten people"]
    assert set(table["x"]) == {70, 140}


def test_strong_expressions_are_named_more_often_than_traces():
    table = landmark_sweeps.sweep_intensity(16)
    value = table[table["series"] == "all six"].set_index("x")["value"]
    assert list(value.index) == list(landmark_sweeps.LETTERS)
    assert value["E"] > value["A"] + 0.2

"""Who is who in a table of predictions, and what each person showed."""

import numpy as np
import pandas as pd
import pytest

from ferkit.predict.people import name_people, smooth_over_time, summarise_people, timeline

NAMES = ("fear", "anger")


def row(path, frame, box, fear, face=0):
    x0, width = box
    place = {"path": path, "frame": frame, "time": frame / 5, "face": face}
    place |= {"x0": x0, "y0": 0.0, "x1": x0 + width, "y1": width}
    return place | {"emotion": "", "fear": fear, "anger": 1 - fear}


def test_faces_of_a_video_are_followed_by_their_boxes():
    left, right = (0.0, 50.0), (200.0, 50.0)
    rows = [
        row("a.mp4", 0, left, 1.0),
        row("a.mp4", 0, right, 0.0, 1),
        row("a.mp4", 1, (205.0, 50.0), 0.2),  # the right face is the better one now
        row("a.mp4", 1, (8.0, 50.0), 0.8, 1),
        row("a.mp4", 2, (400.0, 50.0), 0.5),  # somebody new
    ]
    people = name_people(pd.DataFrame(rows))
    assert [name.split()[-1] for name in people] == ["1", "2", "2", "1", "3"]
    summary = summarise_people(pd.DataFrame(rows), people, NAMES)
    assert summary["faces"].tolist() == [2, 2, 1]
    assert summary["emotion"].tolist() == ["fear", "anger", "fear"]
    assert summary["fear"].tolist() == pytest.approx([0.9, 0.1, 0.5])


def test_faces_of_pictures_are_people_of_their_own_unless_one_is_known():
    rows = [row("a.jpg", 0, (0.0, 9.0), 1.0), row("b.jpg", 0, (0.0, 9.0), 1.0)]
    table = pd.DataFrame([*rows, row("b.jpg", 0, (50.0, 9.0), 0.0, 1)]).drop(columns="frame")
    assert name_people(table).tolist() == ["a.jpg", "b.jpg: face 1", "b.jpg: face 2"]
    table.loc[2, "x0"] = np.nan
    assert name_people(table, {"a.jpg": "ann"}).tolist() == ["ann", "b.jpg", ""]


def test_a_row_without_a_face_has_no_person_and_no_time_course():
    table = pd.DataFrame([row("a.mp4", 0, (np.nan, 9.0), 0.0)])
    people = name_people(table)
    assert people.tolist() == [""]
    assert timeline(table, people, NAMES).empty
    assert summarise_people(table, people, NAMES).empty


def test_who_comes_to_the_place_of_somebody_who_left_is_another_person():
    seat = (0.0, 50.0)
    empty = (np.nan, 50.0)
    shown = [seat] * 3 + [empty] * 4 + [seat] * 2 + [empty] * 9 + [seat] * 2
    rows = [row("a.mp4", frame, box, 1.0) for frame, box in enumerate(shown)]
    people = name_people(pd.DataFrame(rows))
    seen = [name.split()[-1] for name in people if name]
    assert seen == ["1"] * 5 + ["2"] * 2


def test_smoothing_equals_a_slow_one_and_takes_a_long_film():
    rng = np.random.default_rng(0)
    times = rng.permutation(np.arange(300)) / 5
    values = rng.random((300, 2))
    near = np.abs(times[:, None] - times) <= 0.5 + 1e-3
    slow = near @ values / near.sum(1, keepdims=True)
    np.testing.assert_allclose(smooth_over_time(times, values, 1.0), slow)
    hours = np.arange(200_000) / 5  # eleven hours; each with each would take 320 GB
    assert smooth_over_time(hours, np.ones((len(hours), 2)), 1.0) == pytest.approx(1)


def test_smoothing_averages_what_is_near_in_time_not_in_number():
    times = np.array([0.0, 0.2, 0.4, 3.0])
    values = np.array([[1.0], [0.0], [0.5], [0.7]])
    smoothed = smooth_over_time(times, values, 0.8)[:, 0]
    assert smoothed.tolist() == pytest.approx([0.5, 0.5, 0.5, 0.7])
    np.testing.assert_allclose(smooth_over_time(times, values, 0), values)
    with pytest.raises(ValueError, match="0 seconds or more, got -1"):
        smooth_over_time(times, values, -1)

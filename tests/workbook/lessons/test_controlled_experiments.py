"""The steps of the notebook of controlled experiments."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ferkit.workbook.exercises import check
from ferkit.workbook.lessons import controlled_experiments as lesson
from ferkit.workbook.studies.controlled import SeenPictures, tabulate


@pytest.fixture
def seen():
    people = np.arange(30)
    all_found = SeenPictures(people, np.ones(30, bool), people % 2 == 0)
    few_found = SeenPictures(people, people < 15, (people < 15) & (people % 2 == 0))
    return {0.0: all_found, 2.0: all_found, 4.0: few_found}


def test_a_difference_is_that_of_the_same_pictures(seen):
    found, right = lesson.difference(seen, 4.0, 0.0)
    assert found.value == pytest.approx(-0.5)
    assert right.value == pytest.approx(-7 / 30)
    words = lesson.difference_in_words(seen, 4.0, 0.0, "blur")
    assert "blur 4.0 falls behind blur 0.0 by 50.0 points" in words
    assert "are level" in lesson.difference_in_words(seen, 2.0, 0.0, "blur")


def test_metrics_have_keys_without_blanks(seen):
    metrics = lesson.sweep_metrics(tabulate(seen), "blur")
    assert metrics["blur/4/face_found"]["value"] == 0.5
    assert len(metrics) == 6
    assert not [key for key in metrics if " " in key]


def test_the_strongest_blur_is_the_last_one_with_enough_faces(seen):
    blur = tabulate(seen)
    assert check("13.5", 2.0, blur=blur).right
    assert not check("13.5", 4.0, blur=blur).right


def test_people_and_pictures_are_compared_with_the_most_pictures():
    rows = [
        (x, series, value)
        for x, values in ((70, (0.5, 0.5)), (140, (0.7, 0.6)))
        for series, value in zip(
            ("more people", "more pictures of ten people"), values, strict=True
        )
    ]
    training = pd.DataFrame(rows, columns=["x", "series", "value"])
    assert check("13.3", 10.0, training=training).right
    assert not check("13.3", 0.0, training=training).right


def test_only_the_skin_may_change():
    assert check("13.4", lambda person, melanin: replace(person, melanin=melanin)).right
    other = check("13.4", lambda person, melanin: replace(person, melanin=melanin, seed=5))
    assert "such as seed" in other.text


def test_gaps_are_of_the_first_and_the_last_setting():
    rows = [(0, "raw", 0.9), (0, "residual", 0.9), (4, "raw", 0.4), (4, "residual", 0.8)]
    table = pd.DataFrame(rows, columns=["x", "series", "value"])
    assert lesson.gap_in_words(table) == "+0 points at 0 and +40 points at 4"

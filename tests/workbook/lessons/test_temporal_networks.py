"""Notebook 05: its tables and figures say what is in the sequences."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from made_sequences import PEOPLE, make_sequence_set

from ferkit.evaluation.intervals import Score
from ferkit.evaluation.predictions import Predictions
from ferkit.papers.dtagn.data import measure_interpolation
from ferkit.workbook.lessons import temporal_networks as lesson
from ferkit.workbook.lessons import temporal_networks_inside as inside


@pytest.fixture(scope="module")
def loaded():
    return make_sequence_set()


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_sequences_are_counted_and_one_example_of_each_emotion_is_chosen(loaded):
    counts = lesson.count_sequences(loaded).loc["count"]
    assert counts["people"] == PEOPLE
    assert counts["sequences"] == 7 * PEOPLE
    assert (counts[list(loaded.classes)] == PEOPLE).all()
    examples = lesson.choose_examples(loaded)
    assert tuple(examples) == loaded.classes
    assert lesson.find_liveliest(loaded, examples) in examples.values()
    for emotion, row in examples.items():
        assert loaded.emotions[row] == emotion
        assert loaded.data.people[row] == "p3"  # the one lit nearest to middle grey


def test_dark_faces_are_shown_lighter(loaded):
    dark = np.full((2, 64, 64), 30, np.uint8)
    assert lesson.lighten(dark).mean() == pytest.approx(150, abs=1)


def test_straight_lines_are_interpolated_without_error(loaded):
    """Landmarks of a film move linearly before normalisation, grey levels exactly so."""
    errors = measure_interpolation(loaded.data, 0)
    assert errors.loc["pictures", "linear"].value == pytest.approx(0, abs=1e-3)
    assert errors.loc["pictures", "cosine"].value > 0.001
    metrics = lesson.name_interpolation_errors(errors, "sequences")
    assert metrics["sequences/between/linear/pictures"]["n"] == len(loaded.data)
    assert "That of linear interpolation is smaller." in lesson.describe_interpolation(errors)[0]


def test_shares_of_the_input_add_up(loaded):
    shares = lesson.input_shares(loaded.data)
    points = loaded.data.points.numpy()
    by_hand = (points.mean(0) ** 2).mean() / (points**2).mean()
    assert shares.loc["DTGN", "constant"] == pytest.approx(by_hand, rel=1e-4)
    assert (shares["change"] < 1).all()
    assert lesson.name_shares(shares).iloc[0, 0].endswith("%")


def test_landmark_courses_begin_at_zero(loaded):
    courses = lesson.landmark_courses(loaded)
    assert set(courses["panel"]) == {"mouth opens", "mouth widens", "brows rise"}
    assert (courses.loc[courses["time"] == 0, "value"] == 0).all()
    assert courses["value"].abs().max() > 0


def test_pictures_can_be_drawn(loaded):
    row = 3
    assert len(lesson.draw_two_views(loaded, row).axes) == 12
    lesson.draw_sequences(loaded, lesson.choose_examples(loaded))
    lesson.draw_interpolation(loaded, row)
    lesson.draw_fourteen_versions(loaded, row)


def test_what_standing_still_costs_is_said_in_words():
    metrics = {
        f"d/dtan/3_frames/{way}": {"value": value}
        for way, value in (("as_they_are", 0.8), ("standing_still", 0.4), ("backwards", 0.01))
    }
    (sentence,) = inside.describe_tricks(metrics, "d")
    assert "80% of the test sequences" in sentence
    assert "standing still, 40%; backwards, 1%." in sentence


def test_landmarks_are_ranked_against_their_movement(loaded):
    movement = np.arange(49.0)
    table = pd.DataFrame({"movement": movement, "trained": movement, "untrained": -movement})
    metrics = inside.rank_landmarks(table, "d")
    assert metrics["d/important/trained/rank_correlation"]["value"] == pytest.approx(1)
    assert metrics["d/important/trained/common_of_ten"]["value"] == 10
    assert metrics["d/important/before/rank_correlation"]["value"] == pytest.approx(-1)
    assert metrics["d/important/before/common_of_ten"]["value"] == 0
    (sentence,) = inside.describe_landmarks(metrics, "d")
    assert sentence.startswith("The trained weights have a rank correlation of 1.00")
    assert "would share 2.0" in sentence


def test_two_predictions_are_compared_on_the_same_sequences(loaded):
    truth = loaded.data.labels.numpy()
    people = loaded.data.people
    right = Predictions(loaded.classes, np.eye(7)[truth], truth, people, people)
    wrong = Predictions(loaded.classes, np.eye(7)[(truth + 1) % 7], truth, people, people)
    gain = lesson.compare_predictions(right, wrong, 0)
    assert isinstance(gain, Score)
    assert gain.value == 1

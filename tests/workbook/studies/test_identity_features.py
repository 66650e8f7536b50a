"""What identity features gain when people differ more."""

import numpy as np
import pytest

from ferkit.workbook.studies import identity_features as features
from ferkit.workbook.studies import undrawn


@pytest.fixture(scope="module")
def table():
    return features.sweep_features(16, 30, (0, 4))


def test_without_identity_a_predicted_neutral_face_changes_nothing(table):
    gain = table.set_index(["series", "x"])["value"]
    assert abs(gain[features.PREDICTED_NEUTRAL, 0]) < 0.02
    # The mean face holds habits and turns of the head too, so its gain need not be zero.
    assert gain[features.MEAN, 0] < 0.12


def test_with_much_identity_faces_at_rest_help_and_names_do_not(table):
    gain = table.set_index(["series", "x"])["value"]
    assert gain[features.MEAN, 4] > gain[features.MEAN, 0] + 0.15
    assert gain[features.MEAN, 4] > gain[features.PREDICTED_NEUTRAL, 4]
    assert gain[features.PREDICTED_NEUTRAL, 4] > gain[features.NAMING, 4]


def test_the_same_seed_gives_the_same_gains_and_another_gives_others():
    first = features.sweep_features(8, 8, (1,), seed=1)
    assert first.equals(features.sweep_features(8, 8, (1,), seed=1))
    assert not first.equals(features.sweep_features(8, 8, (1,), seed=2))


def test_neutral_faces_are_predicted_for_people_never_seen():
    faces = features.make_faces(12, 60, 2.0)
    assert not set(faces.tested.people) & set(faces.others.people)
    people = sorted(set(faces.tested.people))
    shapes = undrawn.spread_shapes(undrawn.rest_shapes(people), 2.0)
    truth = np.repeat(undrawn.neutral_landmarks(shapes).reshape(12, -1), 7, axis=0)
    error = np.abs(features.predict_neutral(faces) - truth).mean()
    mean_face = faces.others_neutral.mean(0)
    assert error < 0.8 * np.abs(mean_face - truth).mean()

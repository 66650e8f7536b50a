"""Raw landmarks and residuals on made-up faces whose person and expression are known."""

import numpy as np
import pandas as pd
import pytest

from ferkit.faces.prepared import Prepared
from ferkit.papers.multimodal import landmark_svm
from ferkit.papers.multimodal.landmark_svm import RAW, RESIDUAL, landmark_faces

EMOTIONS = ("neutral", "happiness", "sadness")
PEOPLE = 8


def made(identity: float = 30.0, mixed: bool = False, lost: int | None = None) -> Prepared:
    """Faces of eight people; who they are moves landmarks by `identity`, the emotion by 3."""
    rng = np.random.default_rng(0)
    expressions = 3 * rng.normal(size=(3, 68, 2))
    people = np.repeat([f"p{number}" for number in range(PEOPLE)], 3)
    person = np.repeat(identity * rng.normal(size=(PEOPLE, 68, 2)), 3, axis=0)
    points = 100 + person + np.tile(expressions, (PEOPLE, 1, 1))
    points += rng.normal(size=points.shape)
    complementary = np.array([None, None, "fear" if mixed else None] * PEOPLE, dtype=object)
    table = pd.DataFrame(
        {
            "dataset": "made",
            "person": people,
            "emotion": list(EMOTIONS) * PEOPLE,
            "complementary": complementary,
            "name": [f"{number}.png" for number in range(3 * PEOPLE)],
            "found": np.arange(3 * PEOPLE) != (-1 if lost is None else lost),
        }
    )
    return Prepared(None, 224, table, None, points, points, np.zeros((len(table), 4)))


def test_tasks_have_the_true_number_of_classes():
    assert list(landmark_faces(made()).tasks) == ["3"]
    tasks = landmark_faces(made(mixed=True)).tasks
    # Where emotions are mixed, neutral is not one of the seven codes.
    assert {count: len(task) for count, task in tasks.items()} == {"1": 8, "3": 24}


def test_faces_not_found_are_left_out_before_the_mean_is_taken():
    faces = landmark_faces(made(lost=1))
    assert len(faces) == 3 * PEOPLE - 1
    own = faces.people == "p0"
    assert np.allclose(faces.residuals[own].sum(0), 0)


def test_people_of_whom_one_face_was_found_are_left_out_with_a_count():
    prepared = made()
    prepared.table.loc[[0, 2, 3, 4], "found"] = False  # one face each of p0 and p1 remains
    with pytest.warns(UserWarning, match="^2 people left out, of whom only one face .*: p0, p1$"):
        faces = landmark_faces(prepared)
    assert len(faces) == 3 * (PEOPLE - 2)
    assert not {"p0", "p1"} & set(faces.people)
    prepared.table["found"] = prepared.table["emotion"] == "neutral"
    with pytest.raises(ValueError, match="got 8 faces of 8 people; give more pictures of each"):
        landmark_faces(prepared)


def test_residuals_beat_raw_landmarks_where_people_differ():
    faces = landmark_faces(made())
    folds = np.arange(len(faces)) // 6
    results = landmark_svm.compare_inputs(faces, folds)
    assert results[RESIDUAL].correct().mean() > results[RAW].correct().mean() + 0.2
    assert landmark_svm.variance_shares(faces).iloc[0] > 0.9


def test_shares_of_variance_add_up_to_one():
    shares = landmark_svm.variance_shares(landmark_faces(made(identity=2)))
    assert shares.sum() == pytest.approx(1)


def test_each_repetition_has_other_folds():
    correct = landmark_svm.repeat_folds(landmark_faces(made(identity=30)), range(3))
    assert correct[RAW].shape == correct[RESIDUAL].shape == (3, 24)
    assert not np.array_equal(correct[RAW][0], correct[RAW][1])


def test_the_mean_of_few_pictures_is_of_the_same_person():
    faces = landmark_faces(made())
    means = landmark_svm._means_of_few(faces, 3, seed=0)
    assert np.allclose(means["p3"], faces.points[faces.people == "p3"].mean(0))
    one = landmark_svm._means_of_few(faces, 1, seed=0)["p3"]
    assert any(np.array_equal(one, face) for face in faces.points[faces.people == "p3"])

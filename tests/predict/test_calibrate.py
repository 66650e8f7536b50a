"""Predictions compared with a neutral face, and what moves a prediction."""

import numpy as np
import pytest
from PIL import Image

from ferkit.faces.detect import Face
from ferkit.predict.calibrate import (
    CalibratedPredictor,
    calibrate,
    calibrate_with_picture,
    landmark_gradient,
)
from ferkit.predict.geometry import geometry_features
from ferkit.predict.shipped import load_model


@pytest.fixture(scope="module")
def faces(drawn_face):
    """Ten faces that differ a little from a drawn one, which is the first."""
    rng = np.random.default_rng(0)
    moved = drawn_face[1] + rng.normal(0, 1.5, (10, 68, 2))
    return [Face(np.array([0.0, 0, 200, 200]), points, 1.0) for points in (drawn_face[1], *moved)]


def test_each_face_is_paired_with_the_neutral_one(faces):
    model = load_model("residual")
    predictor = calibrate(model, faces[0])
    features = geometry_features([face.landmarks for face in faces[1:]])
    together = predictor.predict(list(features), [])
    for row, own in zip(features, together, strict=True):
        pair = model.probabilities(np.stack([predictor.neutral, row]), np.array(["a", "a"]))
        assert own == pytest.approx(pair[1])


def test_the_neutral_face_itself_is_neutral(faces):
    predictor = calibrate(load_model("residual"), faces[0])
    (row,) = predictor.predict([predictor.look(None, faces[0])], [])
    assert row[predictor.names.index("neutral")] == 1
    assert row.sum() == 1


def test_a_neutral_picture_that_lacks_part_of_the_face_is_refused(tmp_path, drawn_face):
    whole, cut = tmp_path / "whole.jpg", tmp_path / "cut.jpg"
    Image.fromarray(drawn_face[0]).save(whole, quality=95)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * 0.85)])
    calibrate_with_picture(load_model("residual"), whole)
    with (
        pytest.warns(UserWarning, match="cut off"),
        pytest.raises(ValueError, match="what it lacks touches the face; give another picture"),
    ):
        calibrate_with_picture(load_model("residual"), cut)


def test_a_model_that_compares_nothing_is_refused():
    with pytest.raises(ValueError, match="needs the residual face model"):
        CalibratedPredictor(load_model(), np.zeros(3))


@pytest.mark.parametrize("emotion", ["happiness", "surprise", "anger"])
def test_a_step_along_the_gradient_raises_the_probability_as_much_as_it_says(faces, emotion):
    model = load_model()
    k = model.names.index(emotion)
    points = faces[0].landmarks
    slopes = landmark_gradient(model.probabilities, points, k)
    between_eyes = np.hypot(*(points[42:48].mean(0) - points[36:42].mean(0)))
    direction = slopes / np.linalg.norm(slopes)
    percent = 0.2  # of the distance between the eyes
    moved = points + direction * percent / 100 * between_eyes
    before, after = model.probabilities(geometry_features([points, moved]))[:, k]
    gain = np.log(after / (1 - after)) - np.log(before / (1 - before))
    assert gain == pytest.approx(percent * np.linalg.norm(slopes), rel=0.1)

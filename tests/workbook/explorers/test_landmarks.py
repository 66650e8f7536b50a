"""The explorer of landmarks draws the faces of one emotion."""

import numpy as np
import pytest

from ferkit.core.landmarks import residuals
from ferkit.workbook.explorers import drawn
from ferkit.workbook.explorers import landmarks as landmarks_explorer


@pytest.fixture(scope="module")
def landmarks(drawn_face):
    """Three pictures of each of six people: persons differ much, emotions little."""
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{i}" for i in range(6)], 3)
    emotions = np.tile(["neutral", "happiness", "fear"], 6)
    points = (
        drawn_face[1]
        + np.repeat(rng.normal(0, 8, (6, 68, 2)), 3, axis=0)
        + rng.normal(0, 1, (18, 68, 2))
    )
    return points, people, emotions


def test_the_landmark_explorer_draws_the_faces_of_one_emotion(landmarks):
    points, people, emotions = landmarks
    explorer = landmarks_explorer.landmark_explorer(points, people, emotions)
    assert explorer.controls["emotion"].options == ("neutral", "fear", "happiness")
    for emotion in ("fear", "happiness"):
        explorer.controls["emotion"].value = emotion
        chosen = points[emotions == emotion]
        assert explorer.view.value == landmarks_explorer.landmark_picture(chosen, points)
        assert explorer.text.value.startswith("6 of 6 faces")
        assert f"{drawn.spread(chosen):.1f} % of" in explorer.text.value
    explorer.controls["residuals"].value = True
    chosen = points.mean(0) + residuals(points, people)[emotions == "happiness"]
    assert explorer.view.value == landmarks_explorer.landmark_picture(chosen, points)
    assert f"{drawn.spread(chosen):.1f} % of" in explorer.text.value
    assert explorer.controls["faces"].max == 6
    explorer.controls["faces"].value = 2
    assert explorer.text.value.startswith("2 of 6 faces")
    assert explorer.view.value == landmarks_explorer.landmark_picture(chosen[:2], points)


def test_residuals_spread_less_than_faces(landmarks):
    points, people, emotions = landmarks
    assert drawn.spread(points.mean(0) + residuals(points, people)) < 0.3 * drawn.spread(points)


def test_arrays_of_different_lengths_are_refused(landmarks):
    points, people, emotions = landmarks
    with pytest.raises(
        ValueError, match=r"expected \(N, 68, 2\), \(N,\) and \(N,\), got \(18, 68, 2\), \(17,\)"
    ):
        landmarks_explorer.landmark_explorer(points, people[1:], emotions)

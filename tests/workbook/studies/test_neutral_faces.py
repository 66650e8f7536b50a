"""Aligned neutral faces: alignment, Gaussians, and the photographed faces of ferkit."""

import json
from importlib.resources import files

import numpy as np
import pytest

from ferkit.core.landmarks import five_points
from ferkit.workbook.studies import neutral_faces
from ferkit.workbook.studies.neutral_faces import (
    FACE_PARTS,
    Statistics,
    align_eyes,
    face_statistics,
    frechet_distance,
    real_neutral,
    shrink_correlations,
)


def people_like(mean, spread, count, seed=0):
    """Aligned faces of `count` people, every coordinate normal with standard deviation `spread`."""
    return mean + np.random.default_rng(seed).normal(0, spread, (count, 68, 2))


def turned(points, angle, scale, shift):
    turn = scale * np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return points @ turn + shift


# --- alignment and statistics ---


def test_alignment_fixes_both_eyes_and_forgets_place_size_and_turn():
    points = people_like(real_neutral().mean, 1.0, 5)
    aligned = align_eyes(points)
    assert five_points(aligned)[:, :2] == pytest.approx(
        np.tile(96 * np.array(neutral_faces.EYE_CENTRES), (5, 1, 1))
    )
    assert align_eyes(turned(points, 0.4, 2.5, (30, -8))) == pytest.approx(aligned)
    assert align_eyes(points[0]) == pytest.approx(aligned[0])


def test_eyes_in_one_place_cannot_be_aligned():
    with pytest.raises(ValueError, match="eyes coincide"):
        align_eyes(np.zeros((2, 68, 2)))


def test_spread_and_mean_of_known_points():
    points = np.zeros((3, 68, 2))
    points[:, :, 0] = [[-2], [0], [2]]  # standard deviation 2 along x, 0 along y
    points[:, FACE_PARTS["mouth"], 1] = [[-3], [0], [3]]
    known = face_statistics(points)
    assert known.people == 3
    assert known.part(FACE_PARTS["nose"]).spread == pytest.approx(2)
    assert known.part(FACE_PARTS["mouth"]).spread == pytest.approx(np.hypot(2, 3))
    assert known.covariance == pytest.approx(np.cov(points.reshape(3, -1).T))


def test_parts_cover_the_face_once():
    regions = [FACE_PARTS[name] for name in ("jaw", "brows", "nose", "eyes", "mouth")]
    assert sorted(np.concatenate(regions)) == list(FACE_PARTS["all"]) == list(range(68))


@pytest.mark.parametrize(
    ("points", "people", "message"),
    [
        (np.zeros((5, 49, 2)), None, r"expected finite landmarks \(N, 68, 2\)"),
        (np.full((5, 68, 2), np.nan), None, "expected finite landmarks"),
        (np.zeros((5, 68, 2)), ["a", "b"], "a person for each of 5 faces"),
        (np.zeros((2, 68, 2)), None, "at least 3 of them, got 2"),
        (np.zeros((5, 68, 2)), list("aabbb"), "at least 3 of them, got 2"),
    ],
)
def test_too_few_people_and_other_shapes_are_refused(points, people, message):
    with pytest.raises(ValueError, match=message):
        face_statistics(points, people)


# --- Frechet distance ---


def test_frechet_distance_of_known_gaussians():
    def line(mean, deviation):
        return Statistics(np.array([mean]), np.array([[deviation**2]]), 9)

    assert frechet_distance(line(0.0, 1.0), line(3.0, 5.0)) == pytest.approx(
        5
    )  # sqrt(3^2 + (5 - 1)^2)
    a, b = np.array([[2.0, 1], [1, 2]]), np.array([[1.0, 0], [0, 4]])
    one, two = Statistics(np.zeros(2), a, 9), Statistics(np.ones(2), b, 9)
    crossed = np.sqrt(
        10 + 2 * np.sqrt(12)
    )  # the trace of the root of a 2 x 2 matrix, from the trace and determinant of a b
    assert frechet_distance(one, two) == pytest.approx(np.sqrt(2 + 4 + 5 - 2 * crossed))
    assert frechet_distance(one, two) == pytest.approx(frechet_distance(two, one))
    assert frechet_distance(one, one) == pytest.approx(0, abs=1e-6)


def test_shrinking_keeps_variances_and_goes_with_the_number_of_people():
    few, many = (face_statistics(people_like(real_neutral().mean, 1.0, n)) for n in (10, 1000))
    for s in (few, many):
        assert np.diag(shrink_correlations(s).covariance) == pytest.approx(np.diag(s.covariance))
        assert np.linalg.eigvalsh(shrink_correlations(s).covariance).min() > 0
    off = [
        shrink_correlations(s).covariance[0, 1:] / s.covariance[0, 1:]
        for s in (few, real_neutral())
    ]
    assert (
        off[0].mean() < 0.3
    )  # nothing correlates here, and ten people cannot show that anything does
    assert off[1].mean() > 0.7


# --- the gap ---


def test_the_photographed_side_is_an_aggregate_that_makes_sense():
    text = (files("ferkit.workbook.studies") / "real_neutral.json").read_text(encoding="utf-8")
    assert len(text) < 100_000
    assert json.loads(text)["people"] == real_neutral().people == 26
    assert five_points(real_neutral().mean)[:2] == pytest.approx(
        96 * np.array(neutral_faces.EYE_CENTRES), abs=0.01
    )
    assert np.linalg.eigvalsh(real_neutral().covariance).min() > -1e-6
    assert 1 < real_neutral().spread < 5


def test_writing_and_reading_keeps_the_statistics(tmp_path, monkeypatch):
    known = face_statistics(people_like(real_neutral().mean, 1.5, 20))
    neutral_faces.save_statistics(known, tmp_path / "real_neutral.json", "made up")
    monkeypatch.setattr(neutral_faces, "files", lambda package: tmp_path)
    kept = neutral_faces.real_neutral.__wrapped__()
    assert kept.people == 20
    assert kept.mean == pytest.approx(known.mean, abs=1e-4)
    assert kept.covariance == pytest.approx(known.covariance, abs=2e-3)


def test_photographs_measured_again_give_what_is_kept(real_data):
    measured = neutral_faces.measure_photographs(real_data)
    assert measured.people == real_neutral().people
    assert measured.mean == pytest.approx(real_neutral().mean, abs=0.05)
    assert measured.spread == pytest.approx(real_neutral().spread, rel=0.02)


def test_without_photographs_there_is_nothing_to_measure(tmp_path):
    assert neutral_faces.photographed_neutral(tmp_path) is None
    with pytest.raises(FileNotFoundError, match="no photographs to measure"):
        neutral_faces.measure_photographs(tmp_path)

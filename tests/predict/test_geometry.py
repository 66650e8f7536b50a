import numpy as np
import pytest
from face_samples import face

from ferkit.core.landmarks import mirror
from ferkit.predict.geometry import FEATURES, geometry_features, level_eyes


def test_place_size_and_lean_do_not_matter():
    points = face()
    turned = points @ np.array([[0.8, 0.6], [-0.6, 0.8]]) * 3 + (500, -20)
    both = geometry_features(np.stack([points, turned]))
    assert both.shape == (2, FEATURES)
    assert np.allclose(both[0], both[1])


def test_a_worked_example():
    """Eyes 10 apart; the mouth is 6 wide and 2 open; its corners lie 1 above the inner lip."""
    points = np.zeros((68, 2))
    points[36:42] = (0, 0)
    points[42:48] = (10, 0)
    points[48], points[54] = (2, 20), (8, 20)
    points[62], points[66] = (5, 21), (5, 23)
    (found,) = geometry_features(points[None])
    measures = found[136:].round(6).tolist()
    assert measures[9] == 0.6
    assert measures[12] == 0.2
    assert 0.1 in measures
    assert np.allclose(level_eyes(points[None])[0, 54], 0.8 + 2j)


def test_a_mirrored_face_has_mirrored_shapes_and_the_same_openings():
    points = np.stack([face(1), face(2)])
    plain = geometry_features(points)
    mirrored = geometry_features(mirror(points, 0))
    assert not np.allclose(plain, mirrored)
    again = geometry_features(mirror(mirror(points, 300), 300))
    assert np.allclose(plain, again)
    assert np.allclose(plain[:, 136], mirrored[:, 136])  # between the brows


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda points: points[:, :67], r"expected landmarks \(N, 68, 2\), got \(2, 67, 2\)"),
        (lambda points: points[0], r"got \(68, 2\)"),
        (lambda points: np.where(points == points[1, 3, 0], np.nan, points), "1 of 2 .* first 1"),
        (lambda points: points * 0, "2 of 2 faces .* eyes in one place, first 0"),
    ],
)
def test_what_are_no_landmarks_is_refused(change, said):
    with pytest.raises(ValueError, match=said):
        geometry_features(change(np.stack([face(1), face(2)])))


def test_no_face_gives_no_row():
    assert geometry_features(np.empty((0, 68, 2))).shape == (0, FEATURES)

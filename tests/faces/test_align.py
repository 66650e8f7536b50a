"""The two-point alignment: worked example, its algebra, and what it does to pictures."""

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ferkit.core.landmarks import five_points, mirror
from ferkit.data.sets.london import read_london
from ferkit.faces import align, detect, pictures


def simple_face(eyes=(50.0, 40.0), lip=(50.0, 68.0)) -> np.ndarray:
    """68 points whose eye centre and upper lip lie where asked; the rest is scattered around."""
    points = np.random.default_rng(0).normal(50, 20, (68, 2))
    points[36:42] = points[36:42] - points[36:42].mean(axis=0) + eyes - (15, 0)
    points[42:48] = points[42:48] - points[42:48].mean(axis=0) + eyes + (15, 0)
    points[align.UPPER_LIP] = lip
    return points


coordinates = arrays(np.float64, (68, 2), elements=st.floats(0, 500, width=32))
faces = coordinates.filter(
    lambda points: np.linalg.norm(np.diff(align.anchors(points), axis=0)) > 1
)
sizes = st.sampled_from([48, 64, 224, 1200])


@st.composite
def similarities(draw) -> np.ndarray:
    turn = draw(st.floats(0.05, 20)) * np.exp(1j * draw(st.floats(-np.pi, np.pi)))
    x, y = draw(st.floats(-1e3, 1e3)), draw(st.floats(-1e3, 1e3))
    return np.array([[turn.real, -turn.imag, x], [turn.imag, turn.real, y]])


def test_worked_example():
    np.testing.assert_allclose(
        align.alignment(simple_face(), 100), [[1, 0, 0], [0, 1, -10]], atol=1e-12
    )
    np.testing.assert_allclose(
        align.alignment(simple_face(), 50), [[0.5, 0, 0], [0, 0.5, -5]], atol=1e-12
    )


def test_a_head_lying_on_its_side_is_turned_upright():
    lying = simple_face(
        eyes=(70, 50), lip=(42, 50)
    )  # eyes right of the lip: turned a quarter clockwise
    matrix = align.alignment(lying, 100)
    np.testing.assert_allclose(matrix[:, :2], [[0, 1], [-1, 0]], atol=1e-12)


@given(faces, sizes)
def test_the_two_points_land_on_the_template(points, size):
    landed = align.anchors(align.apply(align.alignment(points, size), points))
    np.testing.assert_allclose(
        landed / size, [align.TEMPLATE["eyes"], align.TEMPLATE["upper_lip"]], atol=1e-6
    )


@given(similarities(), coordinates)
def test_the_inverse_undoes(matrix, points):
    np.testing.assert_allclose(
        align.apply(align.invert(matrix), align.apply(matrix, points)), points, atol=1e-6
    )
    np.testing.assert_allclose(
        align.invert(align.invert(matrix)), matrix, atol=1e-6 * np.abs(matrix).max()
    )


@given(faces, sizes)
def test_the_matrix_is_a_similarity(points, size):
    turn = align.alignment(points, size)[:, :2]
    grown = align.scale(align.alignment(points, size))
    np.testing.assert_allclose(turn @ turn.T, grown**2 * np.eye(2), atol=1e-9 * grown**2)
    assert np.linalg.det(turn) > 0  # turned, never mirrored


@given(faces, similarities(), sizes)
def test_turning_scaling_or_shifting_the_picture_changes_nothing_after_alignment(
    points, similarity, size
):
    moved = align.apply(similarity, points)
    first = align.apply(align.alignment(points, size), points)
    np.testing.assert_allclose(
        align.apply(align.alignment(moved, size), moved), first, atol=1e-5 * np.abs(first).max()
    )


@given(faces, sizes, st.floats(10, 2000))
def test_a_mirrored_face_is_aligned_to_the_mirrored_points(points, size, width):
    flipped = mirror(points, width)
    aligned = align.apply(align.alignment(points, size), points)
    np.testing.assert_allclose(
        align.apply(align.alignment(flipped, size), flipped),
        mirror(aligned, size),
        atol=1e-6 * np.abs(aligned).max(),
    )


def test_many_faces_at_once_are_each_on_its_own():
    points = np.random.default_rng(1).uniform(0, 100, (3, 4, 68, 2))
    matrices = align.alignment(points, 64)
    assert matrices.shape == (3, 4, 2, 3)
    np.testing.assert_allclose(matrices[2, 1], align.alignment(points[2, 1], 64))
    np.testing.assert_allclose(
        align.apply(matrices, points)[2, 1], align.apply(matrices[2, 1], points[2, 1])
    )
    np.testing.assert_allclose(align.invert(matrices)[2, 1], align.invert(matrices[2, 1]))


def test_faces_that_cannot_be_aligned_are_refused():
    with pytest.raises(ValueError, match="coincide"):
        align.alignment(np.ones((68, 2)), 64)
    with pytest.raises(ValueError, match="not finite"):
        align.alignment(np.full((68, 2), np.nan), 64)
    with pytest.raises(ValueError, match="68 landmarks"):
        align.alignment(np.ones((49, 2)), 64)


def test_a_box_keeps_its_middle_and_its_size_relative_to_the_face():
    matrix = align.alignment(simple_face(eyes=(70, 50), lip=(42, 50)), 200)
    box = align.apply_box(matrix, np.array([10, 20, 50, 60]))
    np.testing.assert_allclose(
        (box[:2] + box[2:]) / 2, align.apply(matrix, np.array([[30, 40]]))[0]
    )
    np.testing.assert_allclose(box[2:] - box[:2], 80)


# Pictures


def spot(size: int, at: tuple[float, float], width: float) -> np.ndarray:
    """A soft bright spot whose centre is known to a fraction of a pixel."""
    y, x = np.mgrid[:size, :size] + 0.5
    return np.rint(255 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * width**2))).astype(
        np.uint8
    )


def centre_of(image: np.ndarray) -> np.ndarray:
    y, x = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    weight = image.astype(float)
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


@pytest.mark.parametrize("scale", [0.07, 0.13, 0.31, 0.5, 0.77, 1.0, 2.3])
@pytest.mark.parametrize("angle", [0.0, 0.3])
def test_pixels_go_where_points_go(scale, angle):
    """The middle of a spot moves with the matrix, without a shift of half a pixel."""
    at, size = (301.3, 287.9), 96
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, (48.3, 47.1) - turn @ at])
    picture = spot(600, at, width=5 / scale)
    np.testing.assert_allclose(
        centre_of(align.align(picture, matrix, size)), (48.3, 47.1), atol=0.06
    )


def test_shrinking_averages_instead_of_skipping():
    """Fine stripes become a nearly even grey; skipping pixels leaves stripes."""
    stripes = np.zeros((800, 800), dtype=np.uint8)
    stripes[:, ::2] = 254
    matrix = np.array([[0.11, 0, 5.0], [0, 0.11, 5.0]])
    inner = align.align(stripes, matrix, 100)[12:80, 12:80]
    skipping = cv2.warpAffine(stripes, matrix, (100, 100))[12:80, 12:80]
    assert inner.std() < 0.15 * skipping.std()
    assert abs(inner.mean() - 127) < 2


def test_beyond_the_edge_the_outermost_pixels_are_repeated():
    picture = np.full((20, 20, 3), 200, dtype=np.uint8)
    assert (align.align(picture, np.array([[1, 0, 40.0], [0, 1, 40.0]]), 100) == 200).all()
    assert (align.align(picture, np.array([[1, 0, 500.0], [0, 1, 500.0]]), 100) == 200).all()


def test_the_identity_gives_the_picture_back():
    picture = np.random.default_rng(3).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    np.testing.assert_array_equal(align.align(picture, np.eye(2, 3), 64), picture)
    np.testing.assert_array_equal(align.align(picture[..., 0], np.eye(2, 3), 64), picture[..., 0])


def test_a_mirrored_picture_is_aligned_to_the_mirrored_picture():
    rng = np.random.default_rng(4)
    picture = cv2.GaussianBlur(rng.integers(0, 256, (300, 260), dtype=np.uint8), (0, 0), 4)
    points = simple_face(eyes=(120.0, 110.0), lip=(131.0, 190.0))
    aligned = align.align(picture, align.alignment(points, 96), 96)
    flipped = np.ascontiguousarray(picture[:, ::-1])
    again = align.align(flipped, align.alignment(mirror(points, 260), 96), 96)
    assert np.abs(again.astype(int) - aligned[:, ::-1]).max() <= 6
    assert np.abs(again.astype(int) - aligned[:, ::-1]).mean() < 0.5


def test_the_template_holds_the_whole_face(real_data):
    """In 52 photographs brows and chin lie inside with a margin, and eyes are level."""
    for clip in read_london(real_data / "london-faces", verify="off")[::4]:
        face = detect.find_face(pictures.read_image(clip.frames[0]))
        points = align.apply(align.alignment(face.landmarks, 1), face.landmarks)
        assert points[:, 1].min() > 0.08, clip.name
        assert points[:, 1].max() < 0.99, clip.name
        assert 0.03 < points[:, 0].min() < points[:, 0].max() < 0.97, clip.name
        right, left = five_points(points)[:2]
        assert abs(np.degrees(np.arctan2(*(left - right)[::-1]))) < 8, clip.name


def test_landmarks_found_on_the_aligned_face_agree_with_those_moved_there(drawn_face):
    image, _ = drawn_face
    face = detect.find_face(image)
    matrix = align.alignment(face.landmarks, 224)
    again = detect.landmarks_in(align.align(image, matrix, 224), align.apply_box(matrix, face.box))
    apart = np.linalg.norm(np.diff(five_points(again)[:2], axis=0))
    assert np.linalg.norm(again - align.apply(matrix, face.landmarks), axis=1).mean() < 0.04 * apart

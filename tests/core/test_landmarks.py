import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ferkit.core.landmarks import (
    MIRROR,
    REGIONS,
    SUBSET_49,
    five_points,
    inter_ocular,
    mirror,
    normalise,
    residuals,
)


def made_up(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(100, 20, (*shape, 2))


seeds = st.integers(0, 2**32 - 1)
faces = seeds.map(lambda seed: made_up(68, seed=seed))
samples = arrays(float, (5, 4), elements=st.floats(-1000, 1000))  # residuals take any (N, D)
constants = arrays(float, (2, 4), elements=st.floats(-1000, 1000))


def test_regions_tile_the_68_points():
    assert np.array_equal(
        np.concatenate([np.arange(68)[region] for region in REGIONS.values()]), np.arange(68)
    )


def test_the_49_points_drop_the_jaw_and_the_inner_mouth_corners():
    assert set(range(68)) - set(SUBSET_49.tolist()) == {*range(17), 60, 64}
    assert SUBSET_49[13] == 30  # nose tip
    assert SUBSET_49[16] == 33  # under the nose
    assert SUBSET_49[[31, 37]].tolist() == [48, 54]  # mouth corners
    assert SUBSET_49[43:].tolist() == [61, 62, 63, 65, 66, 67]


def test_tables_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        MIRROR[0] = 1


def test_the_mirror_is_its_own_inverse_and_swaps_left_and_right_regions():
    assert np.array_equal(MIRROR[MIRROR], np.arange(68))
    for name, region in REGIONS.items():
        other = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert sorted(MIRROR[region]) == np.arange(68)[REGIONS[other]].tolist()


def test_the_mirror_keeps_the_midline():
    assert np.flatnonzero(np.arange(68) == MIRROR).tolist() == [
        8,
        27,
        28,
        29,
        30,
        33,
        51,
        57,
        62,
        66,
    ]


def rule(i: int) -> int:  # datasets' rules, region by region
    eyes = {36: 45, 37: 44, 38: 43, 39: 42, 40: 47, 41: 46}
    eyes |= {other: point for point, other in eyes.items()}
    spans = (
        (16, 16),
        (26, 43),
        (30, None),
        (35, 66),
        (47, eyes),
        (54, 102),
        (59, 114),
        (64, 124),
        (67, 132),
    )
    total = next(total for last, total in spans if i <= last)
    return i if total is None else total[i] if isinstance(total, dict) else total - i


def test_the_mirror_follows_the_written_rules():
    assert MIRROR.tolist() == [rule(i) for i in range(68)]


@given(faces, st.integers(0, 5000))
def test_mirroring_twice_is_the_identity(points, width):
    assert np.allclose(mirror(mirror(points, width), width), points, rtol=0, atol=1e-9)


@given(faces)
def test_mirroring_commutes_with_the_subsets(points):
    assert np.array_equal(mirror(points, 224)[SUBSET_49], mirror(points[SUBSET_49], 224))
    assert np.allclose(
        mirror(five_points(points), 224), five_points(mirror(points, 224)), rtol=0, atol=1e-9
    )


def test_mirrored_points_stay_on_the_flipped_picture():
    picture = np.zeros((100, 90), int)
    rows, columns = np.divmod(np.arange(68) * 97 + 5, 90)
    picture[rows, columns] = np.arange(1, 69)
    points = np.stack([columns, rows], axis=1) + 0.5  # pixel centres
    x, y = np.floor(mirror(points, 90)).astype(int).T
    assert np.array_equal(picture[:, ::-1][y, x] - 1, MIRROR)


def test_mirror_leaves_its_input_alone():
    points = made_up(68)
    before = points.copy()
    mirror(points, 100)
    assert np.array_equal(points, before)


def test_five_points_of_68_and_of_49():
    points = made_up(3, 68)
    five = five_points(points)
    assert five.shape == (3, 5, 2)
    assert np.array_equal(five, five_points(points[:, SUBSET_49]))
    assert np.allclose(five[:, 0], points[:, 36:42].mean(1))
    assert np.array_equal(five[:, 2:], points[:, [30, 48, 54]])


def test_inter_ocular_distance():
    points = np.zeros((2, 68, 2))
    points[:, REGIONS["left_eye"]] = (3, 4)
    assert inter_ocular(points).tolist() == [5, 5]
    assert inter_ocular(points[0]) == 5


def slow_normalise(frame: np.ndarray) -> np.ndarray:
    result = np.zeros_like(frame)
    for axis in range(2):
        values = frame[:, axis].tolist()
        mean = sum(values) / len(values)
        sigma = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        result[:, axis] = [(v - values[13]) / sigma for v in values]
    return result


def test_normalise_is_equation_3():
    clip = made_up(12, 49)
    assert np.allclose(normalise(clip), [slow_normalise(frame) for frame in clip])
    assert np.allclose(normalise(clip)[:, 13], 0)


@given(seeds, st.floats(0.1, 10), st.floats(0.1, 10), st.floats(-500, 500))
def test_normalise_forgets_place_and_size(seed, wide, high, shift):
    points = made_up(4, 49, seed=seed)
    assert np.allclose(normalise(points * (wide, high) + (shift, -shift)), normalise(points))


def test_normalised_points_mirror_about_the_nose():
    points = made_up(49)
    assert np.allclose(normalise(mirror(points, 300)), mirror(normalise(points), 0))


def test_normalise_refuses_a_flat_frame_and_passes_a_missing_one():
    clip = made_up(3, 49)
    clip[1, :, 1] = 0.1
    with pytest.raises(ValueError, match=r"frame \(1,\) have the same y"):
        normalise(clip)
    clip[1] = np.nan
    assert np.isnan(normalise(clip)).all((1, 2)).tolist() == [False, True, False]
    with pytest.raises(ValueError, match="the points have the same x"):
        normalise(np.ones((49, 2)))


@pytest.mark.parametrize("shape", [(2,), (68,), (68, 3), (51, 2), (0, 2)])
def test_points_of_the_wrong_shape_are_refused(shape):
    for function in (five_points, normalise, lambda points: mirror(points, 10)):
        with pytest.raises(ValueError, match="expected points of shape"):
            function(np.ones(shape))


PEOPLE = np.array(["p2", "p1", "p2", "p1", "p2"])


@given(samples)
def test_the_mean_residual_of_each_person_is_zero(landmarks):
    result = residuals(landmarks, PEOPLE)
    for person in set(PEOPLE):
        assert np.allclose(result[person == PEOPLE].mean(0), 0, atol=1e-9)


@given(samples, constants)
def test_what_is_constant_in_a_person_vanishes(landmarks, face):
    shifted = landmarks + face[(PEOPLE == "p1").astype(int)]
    assert np.allclose(residuals(shifted, PEOPLE), residuals(landmarks, PEOPLE), rtol=0, atol=1e-8)


def test_residuals_worked_example():
    landmarks = np.zeros((3, 68, 2))
    landmarks[:2, 0, 0] = (10, 14)
    landmarks[2] = 7
    with pytest.warns(UserWarning, match=r"people with a single picture, too few for a mean: 1 \("):
        result = residuals(landmarks, ["a", "a", "b"], fallback=np.full((68, 2), 5.0))
    assert result.shape == landmarks.shape
    assert result[:, 0, 0].tolist() == [-2, 2, 2]
    assert (result[2] == 2).all()


def test_residuals_agree_with_the_slow_way_and_do_not_depend_on_order():
    landmarks, people = made_up(40, 68), np.random.default_rng(1).integers(0, 6, 40)
    slow = np.stack(
        [
            face - landmarks[people == person].mean(0)
            for face, person in zip(landmarks, people, strict=True)
        ]
    )
    assert np.allclose(residuals(landmarks, people), slow)
    assert np.allclose(residuals(landmarks.reshape(40, 136), people), slow.reshape(40, 136))
    order = np.random.default_rng(2).permutation(40)
    assert np.allclose(residuals(landmarks[order], people[order]), slow[order])


def test_a_person_with_one_picture_needs_a_fallback():
    with pytest.raises(ValueError, match="give the training part's mean face"):
        residuals(made_up(3, 68), ["a", "a", "b"])
    with pytest.raises(ValueError, match="one face of 136"):
        residuals(made_up(3, 68), ["a", "a", "b"], fallback=np.ones((49, 2)))


def test_residuals_refuse_rows_without_landmarks_or_person():
    landmarks = made_up(4, 68)
    with pytest.raises(ValueError, match="first 3"):
        residuals(landmarks, ["a", "a", "b", None])
    landmarks[2, 5] = np.nan
    with pytest.raises(ValueError, match="first 2"):
        residuals(landmarks, list("aabb"))
    with pytest.raises(ValueError, match="N people"):
        residuals(landmarks, list("aab"))

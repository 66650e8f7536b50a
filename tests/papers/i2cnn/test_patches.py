"""The 60 patches: their boxes, and that each shows what lies in its box."""

import numpy as np
import pytest

from ferkit.core.landmarks import five_points
from ferkit.faces.align import cut_boxes
from ferkit.papers.i2cnn import patches
from ferkit.papers.i2cnn.patches import PATCH_COUNT, PATCH_NAMES, PATCHES_OF_K, patch_boxes

S = 64


def ramps() -> np.ndarray:
    """A picture: red is twice the column plus 20, green three times the row, blue constant."""
    y, x = np.mgrid[:S, :S]
    return np.stack([2 * x + 20, 3 * y, np.full_like(x, 77)], -1).astype(np.uint8)


def face(rng: np.random.Generator, count: int = 1) -> np.ndarray:
    return rng.uniform(0.3, 0.7, (count, 68, 2)) * S


def test_there_are_sixty_and_the_papers_choices_are_among_them():
    assert (PATCH_COUNT, len(PATCH_NAMES), len(set(PATCH_NAMES))) == (60, 30, 30)
    assert {k: len(rows) for k, rows in PATCHES_OF_K.items()} == {1: 1, 5: 5, 60: 60}
    assert [PATCH_NAMES[i] for i in PATCHES_OF_K[5]] == [
        f"{name} x 1" for name in patches.LOCAL_REGIONS
    ]


def test_local_boxes_are_centred_on_the_five_points_and_global_ones_stay():
    rng = np.random.default_rng(0)
    points = face(rng, 2)
    found = patch_boxes(points, S)
    middles = (found[..., :2] + found[..., 2:]) / 2
    five = five_points(points)
    for name, at in zip(patches.LOCAL_REGIONS, range(5), strict=True):
        for scale in patches.PATCH_SCALES:
            i = PATCH_NAMES.index(f"{name} x {scale:g}")
            np.testing.assert_allclose(middles[:, i], five[:, at])
            np.testing.assert_allclose(found[:, i, 2:] - found[:, i, :2], 0.36 * S * scale)
    np.testing.assert_array_equal(
        found[0, : 3 * len(patches.GLOBAL_REGIONS)], found[1, : 3 * len(patches.GLOBAL_REGIONS)]
    )


@pytest.mark.parametrize("workers", [1, 3, 50, None])
def test_threads_change_nothing(workers):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (7, S, S, 3), np.uint8)
    where = patch_boxes(face(rng, 7), S)[:, ::9]
    alone = np.concatenate(
        [cut_boxes(images[i : i + 1], where[i : i + 1], 20, workers=1) for i in range(7)]
    )
    np.testing.assert_array_equal(cut_boxes(images, where, 20, workers=workers), alone)
    assert cut_boxes(images[:0], where[:0], 20, workers=workers).shape == (0, 7, 20, 20, 3)


def test_patches_are_found_by_their_names():
    assert [patches.patch_number(name) for name in patches.LOCAL_REGIONS] == list(PATCHES_OF_K[5])
    assert patches.patch_number("face") == PATCHES_OF_K[1][0]
    where = patch_boxes(face(np.random.default_rng(0)), S)[0]
    tight, wide = (patches.patch_number("nose tip", scale) for scale in (0.75, 1.3))
    assert where[wide, 2] - where[wide, 0] > where[tight, 2] - where[tight, 0]
    np.testing.assert_array_equal(
        where[patches.patch_number("nose tip", 1.3, flipped=True)], where[wide][[2, 1, 0, 3]]
    )
    for wrong in (("chin", 1.0), ("face", 2.0)):
        with pytest.raises(ValueError, match="no patch .*regions: face, .*scales: 0.75, 1, 1.3"):
            patches.patch_number(*wrong)


@pytest.mark.parametrize("box", [(8, 8, 40, 40), (8.3, 5.7, 29.1, 47.9), (10.5, 10.5, 18.5, 18.5)])
def test_a_patch_of_a_ramp_is_a_ramp_with_known_values(box):
    side = 16
    middle = [
        (box[i] + (np.arange(side) + 0.5) * (box[i + 2] - box[i]) / side) - 0.5 for i in (0, 1)
    ]
    red, green = np.meshgrid(2 * middle[0] + 20, 3 * middle[1])
    found = cut_boxes(ramps()[None], np.array([[box]]), side)
    np.testing.assert_allclose(found[0, 0, ..., 0], red, atol=1)
    np.testing.assert_allclose(found[0, 0, ..., 1], green, atol=1)
    assert (np.rint(found[0, 0, ..., 2]) == 77).all()


def test_the_box_of_the_whole_picture_is_the_picture():
    image = np.random.default_rng(1).integers(0, 256, (1, S, S, 3), np.uint8)
    found = cut_boxes(image, np.array([[[0, 0, S, S]]], float), S)
    np.testing.assert_array_equal(np.rint(found[0, 0]), image[0])


def test_flipped_patches_are_mirror_images():
    rng = np.random.default_rng(3)
    images = np.repeat(ramps()[None], 2, 0)
    found = cut_boxes(images, patch_boxes(face(rng, 2), S), 20)
    np.testing.assert_allclose(found[:, 30:], found[:, :30, :, ::-1], atol=1)


def test_beyond_the_border_the_outermost_pixels_are_repeated():
    found = cut_boxes(ramps()[None], np.array([[[-40.0, 8, -8, 40]]]), 8)
    assert (np.rint(found[0, 0, ..., 0]) == 20).all()


def test_grey_pictures_are_cut_too():
    grey = ramps()[None, ..., 0]
    where = patch_boxes(face(np.random.default_rng(4)), S)
    np.testing.assert_array_equal(
        cut_boxes(grey, where, 12), cut_boxes(ramps()[None], where, 12)[..., 0]
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: patch_boxes(np.zeros((68, 2)), S),
            r"expected landmarks \(N, 68, 2\), got \(68, 2\)",
        ),
        (lambda: patch_boxes(np.full((1, 68, 2), np.nan), S), "landmarks must be finite, got NaN"),
        (lambda: cut_boxes(ramps()[None], np.zeros((2, 1, 4)), 8), r"expected boxes \(1, P, 4\)"),
        (lambda: cut_boxes(ramps()[None], np.array([[[5, 5, 5, 9]]]), 8), "no width"),
        (
            lambda: cut_boxes(ramps()[None], np.array([[[5, 5, 9, 9]]]), 0),
            "at least one pixel, got 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""The 60 patches: their boxes, and that what is cut out is what lies there, both ways."""

import numpy as np
import pytest
import torch

from ferkit.faces import patches
from ferkit.faces.patches import CHOSEN, COUNT, NAMES, boxes, cut, cut_tensor, five_points

S = 64


def ramps() -> np.ndarray:
    """A picture whose red is twice its column plus 20, whose green is three times its row, whose blue is constant."""
    y, x = np.mgrid[:S, :S]
    return np.stack([2 * x + 20, 3 * y, np.full_like(x, 77)], -1).astype(np.uint8)


def face(rng: np.random.Generator, count: int = 1) -> np.ndarray:
    return rng.uniform(0.3, 0.7, (count, 68, 2)) * S


def both_ways(images: np.ndarray, where: np.ndarray, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The patches of both functions, pictures last-channel, float."""
    tensor = cut_tensor(torch.from_numpy(images).permute(0, 3, 1, 2), torch.from_numpy(where), side)
    return cut(images, where, side).astype(float), tensor.permute(0, 1, 3, 4, 2).numpy()


def test_there_are_sixty_and_the_papers_choices_are_among_them():
    assert (COUNT, len(NAMES), len(set(NAMES))) == (60, 30, 30)
    assert {k: len(rows) for k, rows in CHOSEN.items()} == {1: 1, 5: 5, 60: 60}
    assert [NAMES[i] for i in CHOSEN[5]] == [f"{name} x 1" for name in patches.LOCAL]


def test_local_boxes_are_centred_on_the_five_points_and_global_ones_stay():
    rng = np.random.default_rng(0)
    points = face(rng, 2)
    found = boxes(points, S)
    middles = (found[..., :2] + found[..., 2:]) / 2
    five = five_points(points)
    for name, at in zip(patches.LOCAL, range(5), strict=True):
        for scale in patches.SCALES:
            i = NAMES.index(f"{name} x {scale:g}")
            np.testing.assert_allclose(middles[:, i], five[:, at] + 0.5)
            np.testing.assert_allclose(found[:, i, 2:] - found[:, i, :2], 0.36 * S * scale)
    np.testing.assert_array_equal(found[0, : 3 * len(patches.GLOBAL)], found[1, : 3 * len(patches.GLOBAL)])


@pytest.mark.parametrize("workers", [1, 3, 50, None])
def test_threads_change_nothing(workers):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (7, S, S, 3), np.uint8)
    where = boxes(face(rng, 7), S)[:, ::9]
    alone = np.concatenate([cut(images[i : i + 1], where[i : i + 1], 20, workers=1) for i in range(7)])
    np.testing.assert_array_equal(cut(images, where, 20, workers=workers), alone)
    assert cut(images[:0], where[:0], 20, workers=workers).shape == (0, 7, 20, 20, 3)


def test_patches_are_found_by_their_names():
    assert [patches.number(name) for name in patches.LOCAL] == list(CHOSEN[5])
    assert patches.number("face") == CHOSEN[1][0]
    where = boxes(face(np.random.default_rng(0)), S)[0]
    tight, wide = (patches.number("nose tip", scale) for scale in (0.75, 1.3))
    assert where[wide, 2] - where[wide, 0] > where[tight, 2] - where[tight, 0]
    np.testing.assert_array_equal(where[patches.number("nose tip", 1.3, flipped=True)], where[wide][[2, 1, 0, 3]])
    for wrong in (("chin", 1.0), ("face", 2.0)):
        with pytest.raises(ValueError, match="no patch .*regions: face, .*scales: 0.75, 1, 1.3"):
            patches.number(*wrong)


def test_the_five_points_are_those_of_the_scheme():
    points = np.zeros((1, 68, 2))
    points[0, 36:42], points[0, 42:48] = (10, 20), (30, 20)
    points[0, [30, 48, 54]] = [(20, 30), (12, 40), (28, 40)]
    assert five_points(points)[0].tolist() == [[10, 20], [30, 20], [20, 30], [12, 40], [28, 40]]


@pytest.mark.parametrize("box", [(8, 8, 40, 40), (8.3, 5.7, 29.1, 47.9), (10.5, 10.5, 18.5, 18.5)])
def test_a_patch_of_a_ramp_is_a_ramp_with_known_values(box):
    side = 16
    middle = [(box[i] + (np.arange(side) + 0.5) * (box[i + 2] - box[i]) / side) - 0.5 for i in (0, 1)]
    red, green = np.meshgrid(2 * middle[0] + 20, 3 * middle[1])
    for found in both_ways(ramps()[None], np.array([[box]]), side):
        np.testing.assert_allclose(found[0, 0, ..., 0], red, atol=1)
        np.testing.assert_allclose(found[0, 0, ..., 1], green, atol=1)
        assert (np.rint(found[0, 0, ..., 2]) == 77).all()


def test_the_box_of_the_whole_picture_is_the_picture():
    image = np.random.default_rng(1).integers(0, 256, (1, S, S, 3), np.uint8)
    for found in both_ways(image, np.array([[[0, 0, S, S]]], float), S):
        np.testing.assert_array_equal(np.rint(found[0, 0]), image[0])


def test_both_ways_give_the_same_pixels_within_rounding():
    rng = np.random.default_rng(2)
    y, x = np.mgrid[:S, :S]
    waves = 128 + 100 * np.sin(x / 7 + rng.uniform(0, 6, 3)[:, None, None]) * np.cos(y / 9)
    images = np.repeat(waves.transpose(1, 2, 0)[None].astype(np.uint8), 3, 0)
    here, there = both_ways(images, boxes(face(rng, 3), S), 24)
    assert here.shape == there.shape == (3, 60, 24, 24, 3)
    assert np.abs(here - there).max() <= 1.5  # both round: to a grey level, OpenCV's places to a 32nd of a pixel too


def test_flipped_patches_are_mirror_images():
    rng = np.random.default_rng(3)
    images = np.repeat(ramps()[None], 2, 0)
    for found in both_ways(images, boxes(face(rng, 2), S), 20):
        np.testing.assert_allclose(found[:, 30:], found[:, :30, :, ::-1], atol=1)


def test_beyond_the_border_the_outermost_pixels_are_repeated():
    for found in both_ways(ramps()[None], np.array([[[-40.0, 8, -8, 40]]]), 8):
        assert (np.rint(found[0, 0, ..., 0]) == 20).all()


def test_grey_pictures_are_cut_too():
    grey = ramps()[None, ..., 0]
    where = boxes(face(np.random.default_rng(4)), S)
    np.testing.assert_array_equal(cut(grey, where, 12), cut(ramps()[None], where, 12)[..., 0])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: boxes(np.zeros((68, 2)), S), r"expected landmarks \(N, 68, 2\), got \(68, 2\)"),
        (lambda: boxes(np.full((1, 68, 2), np.nan), S), "landmarks that are nan"),
        (lambda: cut(ramps()[None], np.zeros((2, 1, 4)), 8), r"expected boxes \(1, P, 4\)"),
        (lambda: cut(ramps()[None], np.array([[[5, 5, 5, 9]]]), 8), "no width"),
        (lambda: cut(ramps()[None], np.array([[[5, 5, 9, 9]]]), 0), "at least one pixel, got 0"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

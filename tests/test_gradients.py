import cv2
import numpy as np
import pytest

from ferkit.gradients import BLOCK, BOX, DIRECTIONS, LENGTH, gradients


@pytest.fixture(scope="module")
def picture(drawn_face) -> np.ndarray:
    """A drawn face filling the picture as aligned ones do."""
    return np.ascontiguousarray(drawn_face[0])


def alike(a: np.ndarray, b: np.ndarray) -> float:
    """The cosine of the angle between two histograms."""
    return float((a * b).sum() / np.linalg.norm(a) / np.linalg.norm(b))


def test_there_are_length_numbers_for_each_picture(picture):
    found = gradients([picture, picture[::-1]])
    assert found.shape == (2, LENGTH)
    assert LENGTH == 800
    assert found.dtype == np.float32
    assert np.array_equal(found[0], gradients([picture])[0])
    assert not np.allclose(found[0], found[1])
    assert np.array_equal(gradients(image for image in (picture, picture[::-1])), found)  # any iterable will do


def test_each_block_is_scaled_to_length_one(picture):
    blocks = gradients([picture]).reshape(-1, BLOCK**2 * DIRECTIONS)
    assert np.allclose(np.linalg.norm(blocks, axis=1), 1, atol=1e-3)


def test_brightness_and_contrast_change_little(picture):
    plain = gradients([picture])[0]
    for factor, offset in ((0.5, 0), (0.5, 100), (0.8, 30)):
        other = np.rint(picture * factor + offset).astype(np.uint8)
        assert alike(plain, gradients([other])[0]) > 0.995


def test_grey_and_colour_give_the_same(picture):
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    of_grey = gradients([grey])
    assert np.array_equal(of_grey, gradients([picture]))
    assert np.allclose(of_grey, gradients([np.repeat(grey[..., None], 3, axis=2)]), atol=1e-5)


def test_mirrored_is_of_the_mirror_images(picture):
    leaning = np.roll(picture, 9, axis=1)
    assert np.array_equal(gradients([leaning, picture], mirrored=True), gradients([leaning[:, ::-1], picture[:, ::-1]]))
    assert not np.allclose(gradients([leaning], mirrored=True), gradients([leaning]), atol=0.1)


@pytest.mark.parametrize("size", [160, 300, 448])
def test_the_size_of_the_picture_hardly_matters(picture, size):
    resized = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA if size < 224 else cv2.INTER_CUBIC)
    assert alike(gradients([picture])[0], gradients([resized])[0]) > 0.98


@pytest.mark.parametrize("size", [1, 2, 3, 5, 16, 33, 96])
def test_any_size_gives_as_many_numbers(picture, size):
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    assert gradients([small, small[..., 0]]).shape == (2, LENGTH)


def test_only_the_face_counts(picture):
    left, top, right, bottom = (round(share * 224) for share in BOX)
    framed = np.full_like(picture, 255)
    framed[top:bottom, left:right] = picture[top:bottom, left:right]
    assert np.array_equal(gradients([framed]), gradients([picture]))


@pytest.mark.parametrize("value", [0, 77, 255])
def test_a_flat_picture_has_no_gradients(value):
    assert not gradients([np.full((64, 64, 3), value, np.uint8)]).any()


def test_no_pictures_give_an_empty_table():
    assert gradients([]).shape == gradients(np.empty((0, 224, 224, 3), np.uint8)).shape == (0, LENGTH)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros((224, 200, 3), np.uint8), r"\(224, 200, 3\) of uint8"),
        (np.zeros((64, 64, 4), np.uint8), r"\(64, 64, 4\) of uint8"),
        (np.zeros((64, 64, 3), np.float32), r"\(64, 64, 3\) of float32"),
        (np.zeros((2, 64, 64, 3), np.uint8), r"\(2, 64, 64, 3\)"),
        (np.zeros((0, 0, 3), np.uint8), r"\(0, 0, 3\)"),
        (np.zeros(7, np.uint8), r"\(7,\)"),
        (np.uint8(7), r"\(\) of uint8"),
    ],
)
def test_what_is_no_aligned_picture_is_refused(wrong, said, mirrored):
    with pytest.raises(
        ValueError, match=rf"expected aligned pictures, each \(S, S, 3\) or \(S, S\) of uint8, got {said}"
    ):
        gradients([np.zeros((64, 64, 3), np.uint8), wrong], mirrored)

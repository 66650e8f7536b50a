"""Local binary patterns and Gabor responses: what they see, and what they must not see."""

import numpy as np
import pytest

from ferkit.papers.i2cnn import textures
from ferkit.papers.i2cnn.textures import (
    GABOR_LENGTH,
    LBP_LENGTH,
    TEXTURE_SIDE,
    cross_validate_rbf,
    gabor,
    lbp,
)


def noise(seed: int = 0, high: int = 200) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, high, (TEXTURE_SIDE, TEXTURE_SIDE), np.uint8)


def waves(angle: float, wavelength: float) -> np.ndarray:
    """Stripes whose brightness changes along `angle` (radians)."""
    y, x = np.mgrid[:TEXTURE_SIDE, :TEXTURE_SIDE]
    along = x * np.cos(angle) + y * np.sin(angle)
    return (127 + 100 * np.sin(2 * np.pi * along / wavelength)).astype(np.uint8)


def test_shapes_and_cells_that_sum_to_one():
    pictures = [noise(0), np.repeat(noise(1)[..., None], 3, 2)]
    patterns = lbp(pictures)
    assert patterns.shape == (2, LBP_LENGTH)
    np.testing.assert_allclose(patterns.reshape(2, textures.LBP_CELLS**2, -1).sum(2), 1, rtol=1e-5)
    assert gabor(pictures).shape == (2, GABOR_LENGTH)
    assert lbp([]).shape == (0, LBP_LENGTH)


def test_patterns_do_not_see_brightness_or_contrast():
    dark = noise(high=60)
    np.testing.assert_array_equal(lbp([dark]), lbp([dark + 50]))
    np.testing.assert_array_equal(lbp([dark]), lbp([dark * 2]))


def test_patterns_of_a_flat_picture_are_all_one_kind():
    flat = lbp([np.full((TEXTURE_SIDE, TEXTURE_SIDE), 90, np.uint8)]).reshape(
        textures.LBP_CELLS**2, -1
    )
    assert (flat.max(1) == 1).all()


def test_a_change_stays_in_its_cell():
    picture = noise()
    other = picture.copy()
    other[4:12, 4:12] = 255 - other[4:12, 4:12]
    differ = (lbp([picture]) != lbp([other])).reshape(textures.LBP_CELLS**2, -1).any(1)
    assert differ[0]
    assert not differ[1:].any()


@pytest.mark.parametrize("direction", [0, 2, 4, 7])
@pytest.mark.parametrize("place", [0, 2, 4])
def test_the_filter_of_its_direction_and_wavelength_answers_most(direction, place):
    stripes = waves(
        np.pi * direction / textures.GABOR_DIRECTIONS, textures.GABOR_WAVELENGTHS[place]
    )
    shape = (
        len(textures.GABOR_WAVELENGTHS),
        textures.GABOR_DIRECTIONS,
        textures.GABOR_POINTS,
        textures.GABOR_POINTS,
    )
    answers = gabor([stripes]).reshape(shape)[:, :, 2:-2, 2:-2].mean((2, 3))
    at_wavelength = answers[place]
    assert int(at_wavelength.argmax()) == direction


def test_gabor_does_not_see_even_brightness():
    assert gabor([np.full((TEXTURE_SIDE, TEXTURE_SIDE), 200, np.uint8)]).max() < 1e-4
    np.testing.assert_allclose(gabor([noise(high=60)]), gabor([noise(high=60) + 50]), atol=1e-4)


@pytest.mark.parametrize(
    "image", [np.zeros((4, 5), np.uint8), np.zeros((4, 4)), np.zeros((4, 4, 4), np.uint8)]
)
def test_what_is_no_aligned_picture_is_refused(image):
    for features in (lbp, gabor):
        with pytest.raises(ValueError, match="expected aligned pictures"):
            features([image])


def test_the_radial_svm_chooses_penalty_and_width_on_training_people_alone():
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{i}" for i in range(9)], 8)
    fold = np.repeat(["a", "b", "c"], 24)
    angle = rng.uniform(0, 2 * np.pi, 72)
    inside = np.tile([True, False], 36)
    rings = np.stack([np.cos(angle), np.sin(angle)], 1) * np.where(inside, 0.5, 2.0)[:, None]
    labels = np.where(inside, "happiness", "neutral")
    names = ("neutral", "happiness")
    answers = cross_validate_rbf(rings, labels.tolist(), people, fold, names=names)
    assert answers.correct().mean() > 0.95
    other = labels.copy()
    other[fold == "a"] = other[fold == "a"][::-1]  # the tested people's labels
    again = cross_validate_rbf(rings, other.tolist(), people, fold, names=names)
    np.testing.assert_array_equal(answers.scores[fold == "a"], again.scores[fold == "a"])


def test_a_single_training_person_is_refused():
    task = (np.eye(4), ["fear", "anger"] * 2, ["a", "a", "b", "b"], ["1", "1", "2", "2"])
    with pytest.raises(ValueError, match="need two training people, but fold 1 has 1"):
        cross_validate_rbf(*task, names=("anger", "fear"))

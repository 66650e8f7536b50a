"""Pictures as tensors for networks."""

import numpy as np
import pytest

from ferkit.loaders import pictures


def test_pictures_keep_their_colours_and_become_small_by_averaging():
    images = np.zeros((2, 8, 8, 3), np.uint8)
    images[0, :4, :, 0] = 200  # red above
    images[1, ::2, ::2] = 100  # every fourth pixel
    small = pictures(images, 4)
    assert small.shape == (2, 3, 4, 4)
    assert small[0, 0, :2].unique().tolist() == [200]
    assert not small[0, 0, 2:].any()
    assert not small[0, 1:].any()
    assert small[1].unique().tolist() == [25]


@pytest.mark.parametrize("size", [4, 8, 12])
def test_grey_pictures_have_one_channel(size):
    assert pictures(np.full((3, 8, 8), 7, np.uint8), size).equal(
        pictures(np.full((3, 8, 8, 3), 7, np.uint8), size)[:, :1]
    )

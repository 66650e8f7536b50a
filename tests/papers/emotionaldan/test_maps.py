"""What EmotionalDAN's maps are scored by."""

import numpy as np
import pytest

from ferkit.papers.emotionaldan import maps


def test_focus_is_the_share_of_the_highest_tenth():
    assert maps.focus(np.ones((10, 10))) == pytest.approx(0.1)
    assert maps.focus(np.zeros((10, 10))) == pytest.approx(0.1)
    heat = np.zeros((10, 10))
    heat[3, :5] = 2.0
    assert maps.focus(heat) == 1
    heat[7:] = 1.0  # 10 in five pixels, 30 in thirty
    assert maps.focus(heat) == pytest.approx(15 / 40)

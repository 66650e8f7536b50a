"""What all explorers share."""

import sys

import numpy as np
import pytest

from ferkit.workbook.explorers import base, drawn, i2cnn, labels
from ferkit.workbook.explorers import landmarks as landmarks_explorer


def test_without_ipywidgets_the_call_explains(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    for explore in (
        drawn.face_explorer,
        labels.compound_explorer,
        labels.votes_explorer,
    ):
        with pytest.raises(ImportError, match="pip install ipywidgets"):
            explore()
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        landmarks_explorer.landmark_explorer(np.zeros((1, 68, 2)), ["a"], ["fear"])
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        i2cnn.patch_explorer(np.zeros((32, 32, 3), np.uint8), np.zeros((68, 2)))


def test_an_explorer_that_ends_a_cell_is_displayed(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    explorer = labels.votes_explorer()
    explorer._ipython_display_()
    assert shown == [explorer.box]


def test_reset_returns_all_controls_and_draws_once():
    explorer = labels.votes_explorer()
    first = explorer.text.value
    explorer.controls["happiness"].value = 9
    explorer.controls["fear"].value = 0
    assert explorer.text.value != first
    explorer.reset.click()
    assert explorer.text.value == first
    assert explorer.controls["happiness"].value == 0


def test_controls_are_disabled_while_busy_and_stay_disabled_if_they_were():
    first, second = base.make_slider("a", 0, 0, 1), base.make_slider("b", 0, 0, 1)
    second.disabled = True
    with base.busy([first, second]):
        assert first.disabled
    assert (first.disabled, second.disabled) == (False, True)


def test_parts_wrap_in_a_narrow_window():
    explorer = i2cnn.patch_explorer(
        np.zeros((64, 64, 3), np.uint8), np.random.default_rng(0).uniform(10, 50, (68, 2))
    )
    assert explorer.box.layout.flex_flow == "row wrap"
    assert explorer.view.layout.max_width == "calc(100% - 4px)"

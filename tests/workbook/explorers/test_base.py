"""What all explorers share."""

import sys

import numpy as np
import pytest

from ferkit.workbook.explorers import drawn, i2cnn, labels
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

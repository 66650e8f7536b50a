"""Votes and the grid of compound emotions."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from plot_tables import VOTES, labels, texts

from ferkit import plots
from ferkit.core.labels import BASIC7, compound_code

EMOTIONS_BY_CODE = ("neutral", *BASIC7)


def test_votes_are_bars_in_the_colours_of_emotions(ax):
    plots.plot_votes(pd.Series(VOTES), ax=ax, line=5)
    assert [bar.get_width() for bar in ax.patches] == list(VOTES.values())
    assert to_hex(ax.patches[1].get_facecolor()) == plots.EMOTION_COLOURS["happiness"]
    assert labels(ax.yaxis) == ["neutral", "happiness", "unknown", "not a face"]
    assert ax.yaxis_inverted()


@pytest.mark.parametrize("values", [None, np.arange(50)])
def test_the_grid_shows_each_code_at_its_parts(ax, values):
    plots.plot_compound_grid(values, ax=ax, highlight=20)
    found = {
        text: (round(x), round(y))
        for (x, y), text in texts(ax).items()
        if "20" in text or text == "0"
    }
    assert found["20"] == (
        EMOTIONS_BY_CODE.index("sadness"),
        EMOTIONS_BY_CODE.index("disgust"),
    )  # the paper's example: 3 and 6 give 20
    bold = {
        text.get_text(): text.get_position() for text in ax.texts if text.get_weight() == "bold"
    }
    assert set(bold) == {str(code) for code in range(50)}
    for code in range(1, 50):
        x, y = bold[str(code)]
        assert compound_code(round(y), round(x)) == code
    assert np.allclose(ax.lines[0].get_xydata().mean(0), (6, 3), atol=0.2)
    assert labels(ax.yaxis)[1:] == [f"{code} {name}" for code, name in enumerate(BASIC7, 1)]


def test_the_grid_needs_all_classes(ax):
    with pytest.raises(ValueError, match=r"one value for each of 50 classes, got shape \(49,\)"):
        plots.plot_compound_grid(np.zeros(49), ax=ax)
    plots.plot_compound_grid(np.full(50, np.nan), ax=ax)

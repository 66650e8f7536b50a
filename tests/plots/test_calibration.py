import numpy as np
from plot_tables import TABLES

from ferkit import plots


def test_curves_stand_beside_the_diagonal(ax):
    table = TABLES["plot_reliability"]
    plots.plot_reliability(table, ax=ax)
    diagonal, drawn, photographs = ax.lines
    assert diagonal.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert drawn.get_xydata().tolist() == [[0.5, 0.4], [0.9, 0.8]]
    names = [text.get_text() for text in ax.get_legend().get_texts()]
    assert names == ["calibrated", "drawn", "press"]
    # A mark is as large as its share of the curve's answers.
    areas = [marks.get_sizes() for marks in ax.collections]
    assert np.allclose(areas[0], [310, 110])
    assert photographs.get_color() != drawn.get_color()


def test_one_curve_needs_no_legend(ax):
    table = TABLES["plot_reliability"]
    plots.plot_reliability(table[table["name"] == "press"].drop(columns="name"), ax=ax)
    assert ax.get_legend() is None

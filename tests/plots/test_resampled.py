"""The histogram of bootstrap draws: one outline and one interval for each way of drawing."""

import pytest
from matplotlib.figure import Figure
from plot_tables import TABLES

from ferkit import plots


def test_intervals_lie_below_the_histograms():
    ax = plots.plot_resampled(TABLES["plot_resampled"], ax=Figure().subplots())
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_lw() == 4]
    assert [list(bar.get_xdata()) for bar in bars] == [[0.4, 0.6], [0.45, 0.55]]
    assert all(bar.get_ydata()[0] < 0 for bar in bars)
    assert {text.get_text() for text in ax.texts} == {"0.400 to 0.600", "0.450 to 0.550"}
    labels = ax.get_legend_handles_labels()[1]
    assert labels == ["people", "pictures", "measured"]


def test_ticks_are_shares():
    ax = plots.plot_resampled(TABLES["plot_resampled"], ax=Figure().subplots())
    assert min(ax.get_yticks()) == pytest.approx(0)


def test_panels_may_lie_in_several_rows():
    table = plots.points_table(
        [plots.table_points(TABLES["plot_displacement"])[0]] * 10, panel=list("abcde") * 2
    )
    table = table.sort_values("panel", kind="stable")
    figure = plots.draw_table("plot_displacement", table, size=(2, 1), columns=2)
    assert len(figure.axes) == 5
    assert tuple(figure.get_size_inches()) == (4, 3)

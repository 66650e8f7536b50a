"""Plots over a setting."""

import pandas as pd
from matplotlib.figure import Figure

from ferkit import plots

TABLE = pd.DataFrame(
    {
        "x": [224, 56, 28] * 3,
        "series": ["found"] * 3 + ["A"] * 3 + ["B"] * 3,
        "value": [1.0, 0.9, 0.5, 0.8, 0.6, 0.4, 0.7, 0.65, 0.1],
    }
)


def test_settings_stand_in_the_order_of_the_table():
    ax = plots.plot_methods(TABLE, ax=Figure().subplots(), ceiling="found")
    assert [label.get_text() for label in ax.get_xticklabels()] == ["224", "56", "28"]


def test_methods_differ_in_colour_and_marker_and_the_ceiling_has_none():
    ax = plots.plot_methods(TABLE, ax=Figure().subplots(), ceiling="found")
    lines = {line.get_label(): line for line in ax.get_lines()}
    assert lines["A"].get_color() != lines["B"].get_color()
    assert lines["A"].get_marker() != lines["B"].get_marker()
    assert lines["found"].get_marker() == "None"


def test_the_legend_of_many_methods_lies_within_the_figure():
    names = ["face found", "landmarks, softmax", "HOG, ridge", "LBP, SVM", "shipped predictor"]
    rows = [(panel, x, name, 0.5) for panel in "abc" for x in (0, 1) for name in names]
    table = pd.DataFrame(rows, columns=["panel", "x", "series", "value"])
    figure = plots.draw_table("plot_methods", table, size=(2.7, 2.2), ceiling="face found")
    (legend,) = figure.legends
    assert figure.bbox.x0 <= legend.get_window_extent().x0
    assert legend.get_window_extent().x1 <= figure.bbox.x1
    colours = [line.get_color() for line in figure.axes[0].get_lines()]
    assert len(set(colours)) == len(names)


def test_differences_below_zero_are_seen():
    table = pd.DataFrame(
        {"x": [0, 4], "series": "gain", "value": [-0.1, 0.2], "low": [-0.2, 0.1], "high": [0, 0.3]}
    )
    ax = plots.plot_sweep(table, ax=Figure().subplots())
    assert ax.get_ylim()[0] < -0.2
    assert ax.get_ylim()[1] < 0.5

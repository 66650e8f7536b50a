"""Plots of what a judge says and of displacements."""

import pandas as pd
from matplotlib.figure import Figure
from plot_tables import TABLES, labels, texts

from ferkit import plots


def test_shares_before_and_now_stand_side_by_side(ax):
    plots.plot_judged(TABLES["plot_judged"], ax=ax)
    assert labels(ax.yaxis) == ["fear", "all seven"]
    bars = {container.get_label(): container.patches for container in ax.containers[::2][:2]}
    assert [bar.get_width() for bar in bars["before"]] == [0.1, 0.3]
    assert [bar.get_width() for bar in bars["now"]] == [0.5, 0.8]
    assert bars["before"][0].get_y() < bars["now"][0].get_y()  # before stands above now
    assert [text.get_text() for text in ax.texts] == ["0.50", "0.80"]
    lines = {line.get_label(): line.get_xdata().tolist() for line in ax.lines}
    assert lines["aim"] == [0.45, 0.7]


def test_what_the_judge_says_is_a_confusion(ax):
    counts = pd.DataFrame({"true": ["fear", "anger"], "fear": [3, 0], "anger": [1, 0]})
    counts["no face"] = [0, 2]
    plots.plot_judged(counts.assign(value=float("nan")), ax=ax)
    assert texts(ax) == {(0, 0): "75", (1, 0): "25", (2, 1): "100"}
    assert labels(ax.yaxis) == ["fear", "anger"]
    assert labels(ax.xaxis) == ["fear", "anger", "no face"]


def test_photographed_dots_stand_above_drawn_ones():
    ax = Figure().subplots()
    plots.plot_displacements(TABLES["plot_displacements"], ax=ax)
    assert labels(ax.yaxis) == ["mouth open", "mouth wide"]
    assert ax.yaxis_inverted()
    photographed, drawn = (container[0] for container in ax.containers)
    assert photographed.get_xdata().tolist() == [10, 4]
    assert drawn.get_xdata().tolist() == [5, 6]
    assert (photographed.get_ydata() < drawn.get_ydata()).all()
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["photographed", "drawn"]

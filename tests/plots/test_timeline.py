"""Emotions over time: a strip for each, dots for frames and an area for the mean."""

from plot_tables import TABLES, labels

from ferkit import plots


def test_each_emotion_has_a_strip_with_its_frames(ax):
    table = TABLES["plot_timeline"]
    assert plots.plot_timeline(table, ax=ax) is ax
    assert labels(ax.yaxis) == ["fear", "anger"]
    dots = [line.get_ydata() for line in ax.lines if line.get_marker() == "."]
    height = dots[0][1] - dots[0][0]  # from a probability of 1 to 0 in the first strip
    shown = [((row - own) / height).round(6).tolist() for row, own in enumerate(dots)]
    assert shown == [[1.0, 0.0, 0.5], [0.0, 1.0, 0.5]]
    assert ax.yaxis_inverted()


def test_without_a_truth_nothing_is_shaded(ax):
    table = TABLES["plot_timeline"]
    plots.plot_timeline(table, ax=ax)
    shaded = len(ax.collections)
    ax.clear()
    plots.plot_timeline(table.drop(columns="true"), ax=ax)
    assert len(ax.collections) == shaded - 2

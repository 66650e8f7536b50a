"""Grouped intervals: one row a name, a colour and a shape for each group."""

import matplotlib.pyplot as plt
import pandas as pd

from ferkit import plots


def table() -> pd.DataFrame:
    rows = []
    for name, low in (("fear", -0.2), ("anger", 0.1)):
        for group, shift in (("before", 0.0), ("after", 0.3)):
            value = low + shift
            row = {"name": name, "group": group, "value": value}
            rows.append({**row, "low": value - 0.05, "high": value + 0.05})
    return pd.DataFrame(rows)


def test_each_name_is_written_once_and_holds_all_groups():
    ax = plots.plot_grouped_intervals(table(), ax=plt.figure().add_subplot())
    assert [text.get_text() for text in ax.get_yticklabels()] == ["fear", "anger"]
    marks = {container.get_label(): container[0] for container in ax.containers}
    assert list(marks) == ["before", "after"]
    assert marks["before"].get_xdata().tolist() == [-0.2, 0.1]
    for row in range(2):
        heights = [mark.get_ydata()[row] for mark in marks.values()]
        assert len(set(heights)) == 2
        assert all(abs(height - row) < 0.5 for height in heights)
    colours = {mark.get_color() for mark in marks.values()}
    shapes = {mark.get_marker() for mark in marks.values()}
    assert len(colours) == len(shapes) == 2


def test_panels_share_one_legend_and_one_scale(tmp_path):
    panels = pd.concat([table().assign(panel="a"), table().assign(panel="b")])
    panels.loc[panels["panel"] == "b", ["value", "low", "high"]] += 0.5
    figure = plots.save_figure(
        "plot_grouped_intervals", panels, tmp_path, "grouped", made_by={"notebook": "test"}
    )
    assert len(figure.legends) == 1
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()
    assert plots.redraw_all(tmp_path)["done"].tolist() == ["redrawn"]


def test_histories_with_the_same_curves_share_their_legend():
    rows = pd.DataFrame({"x": [1, 2], "value": [2.0, 1.0], "curve": "loss", "part": "training"})
    both = pd.concat([rows, rows.assign(part="validation")])
    same = pd.concat([both.assign(panel="a"), both.assign(panel="b")])
    assert len(plots.draw_table("plot_history", same).legends) == 1
    two = pd.concat([rows, rows.assign(curve="accuracy")])
    other = pd.concat([both.assign(panel="a"), two.assign(panel="b")])
    figure = plots.draw_table("plot_history", other)
    assert not figure.legends
    assert all(ax.get_legend() for ax in figure.axes)
    one = pd.concat([both.assign(panel="a"), rows.assign(panel="b")])
    figure = plots.draw_table("plot_history", one)
    assert len(figure.legends) == 1
    assert not any(ax.get_legend() for ax in figure.axes)

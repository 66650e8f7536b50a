"""Confusion, top-k, histories, intervals and curves of verification."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from plot_tables import TABLES, curves, histories, intervals, labels, texts, trainings

from ferkit import plots
from ferkit.evaluation.scores import confusion


def test_a_confusion_matrix_shows_rates_of_rows(ax):
    table = confusion([0] * 8 + [1] * 4, [0] * 6 + [1] * 2 + [1] * 4, ("anger", "fear", "sadness"))
    assert plots.plot_confusion(table, ax=ax) is ax
    assert texts(ax) == {(0, 0): "75", (1, 0): "25", (1, 1): "100"}
    assert labels(ax.xaxis) == labels(ax.yaxis) == ["anger", "fear", "sadness"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted, % of each row", "true")
    assert ax.images[0].get_array().mask[2].all()  # nobody was sad


def test_many_classes_are_colours_alone(ax):
    plots.plot_confusion(pd.DataFrame(np.eye(13), columns=list("abcdefghijklm")), ax=ax)
    assert not ax.texts


def test_top_k_shows_ours_and_the_papers(ax):
    plots.plot_top_k(curves(), ax=ax, chance=50)
    raw, residual, theirs, chance = ax.lines
    assert np.allclose(raw.get_xydata(), [[1, 0.1], [2, 0.2], [3, 0.3]])
    assert np.allclose(chance.get_ydata(), [0.02, 0.04, 0.06])
    assert (theirs.get_label(), theirs.get_markerfacecolor()) == ("paper: theirs", "white")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "residuals", "paper: theirs", "raw", "chance, 50 classes",
    ]  # fmt: skip
    assert ax.get_xticks().tolist() == [1, 2, 3]
    assert ax.get_ylim()[0] == 0


def test_a_history_shows_each_fold_and_their_mean_as_far_as_all_go(ax):
    plots.plot_history(histories(), ax=ax, ylabel="loss")
    thick = [line for line in ax.lines if line.get_linewidth() > 2]
    assert [line.get_label() for line in thick] == ["training people", "validation people"]
    assert [line.get_linestyle() for line in thick] == ["--", "-"]
    assert thick[0].get_xydata().tolist() == [[1, 3.5], [2, 2.25]]
    assert len(ax.lines) == 6
    assert ax.get_ylim()[0] == 0


def test_intervals_stand_in_the_order_of_the_table(ax):
    plots.plot_intervals(
        intervals().assign(group=["one photograph", "all pictures", "one photograph"]), ax=ax
    )
    assert labels(ax.yaxis) == ["stills/50/raw/top1", "london", "cmu"]
    assert ax.yaxis_inverted()
    assert [text.get_text() for text in ax.texts] == ["0.26", "0.80", "undefined"]
    lines = {line.get_label(): line.get_xydata() for line in ax.lines}
    assert lines["the paper, its own data"][0].tolist() == [0.09, 0]
    assert lines["chance"][1].tolist() == [0.5, 1]
    low, high = ax.containers[0][2][0].get_segments()[0][:, 0]
    assert (low, high) == pytest.approx((0.24, 0.28))
    assert {text.get_text() for text in ax.get_legend().get_texts()} >= {
        "one photograph",
        "all pictures",
    }


def test_rows_of_one_name_stand_together_and_are_named_once(ax):
    rows = {"name": ["LBP", "LBP", "Gabor", "Gabor"], "group": ["person", "image"] * 2}
    table = pd.DataFrame(rows).assign(value=[0.4, 0.6, 0.5, 0.7], low=0.3, high=0.8)
    plots.plot_intervals(table, ax=ax)
    assert labels(ax.yaxis) == ["LBP", "Gabor"]
    person, image = (line.get_xydata() for line in ax.lines)
    assert person[:, 1].tolist() == [0, 1.5]
    assert image[:, 1].tolist() == [0.5, 2]
    assert ax.lines[0].get_marker() != ax.lines[1].get_marker()
    assert ax.get_yticks().tolist() == [0.25, 1.75]


def test_curves_of_verification_stand_over_chance(ax):
    plots.plot_roc(TABLES["plot_roc"], ax=ax)
    chance, one, other = ax.lines
    assert chance.get_xydata().tolist() == [[0, 0], [1, 1]]
    assert one.get_xydata().tolist() == [[0, 0], [0.25, 0.75], [1, 1]]
    assert (one.get_label(), other.get_label()) == ("one", "other")
    assert ax.get_aspect() == 1
    plots.plot_roc(TABLES["plot_roc"].drop(columns="name"), ax=(single := Figure().subplots()))
    assert single.get_legend() is None


def test_a_mean_whose_interval_has_zero_in_it_is_open(ax):
    plots.plot_trainings(trainings(), ax=ax)
    open_, filled = (
        next(line for line in ax.lines if line.get_label() == f"mean; zero is {where}")
        for where in ("within", "outside")
    )
    assert open_.get_xdata().tolist() == [-0.01]
    assert open_.get_markerfacecolor() == "white"
    assert filled.get_xdata().tolist() == [0.02]
    ticks = [line.get_xdata().tolist() for line in ax.lines if line.get_marker() == "|"]
    assert ticks == [[0.01, -0.05], [0.03, 0.03]]
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a minus b", "a minus c"]


def test_values_stand_where_the_papers_mark_does_not_cover_them():
    rows = {"name": ["near", "far", "none"], "value": [0.8, 0.5, 0.6], "low": [0.75, 0.4, 0.5]}
    rows |= {"high": [0.85, 0.6, 0.7], "paper": [0.87, 0.95, np.nan]}
    ax = plots.plot_intervals(pd.DataFrame(rows))
    sides = {text.get_text(): text.get_ha() for text in ax.texts}
    assert sides == {"0.80": "right", "0.50": "left", "0.60": "left"}


def test_a_value_near_the_axis_is_not_printed_over_the_name_of_its_row(ax):
    rows = {"name": ["own", "other"], "value": [0.3, 0.02], "low": [0.26, 0.013]}
    table = pd.DataFrame({**rows, "high": [0.34, 0.025], "chance": 0.02})
    plots.plot_intervals(table, ax=ax)
    text = ax.texts[1]
    assert (text.xy[0], text.get_ha()) == (0.025, "left")


def test_a_value_is_not_printed_on_the_mark_of_chance(ax):
    rows = {"low": [0.2, 0.2], "high": [0.4, 0.4], "paper": np.nan}
    table = pd.DataFrame({"name": ["a", "b"], "value": 0.3, "chance": [0.42, 0.1], **rows})
    plots.plot_intervals(table, ax=ax)
    beside_chance, free = ax.texts
    assert (beside_chance.xy[0], beside_chance.get_ha()) == (0.2, "right")
    assert (free.xy[0], free.get_ha()) == (0.4, "left")


def test_labels_of_negative_differences_have_room_in_every_panel():
    one = {"training_0": 0.0}
    small = {"name": "a", "value": -0.02, "low": -0.04, "high": 0.0, "panel": "small", **one}
    large = {"name": "b", "value": 0.5, "low": 0.4, "high": 0.6, "panel": "large", **one}
    figure = plots.draw_table("plot_trainings", pd.DataFrame([small, large]))
    for ax in figure.axes:
        left, right = ax.get_xlim()
        assert (left, right) == figure.axes[0].get_xlim()
        assert -0.04 - left > 0.15 * (right - left)

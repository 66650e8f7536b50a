"""Plots of drawn expressions: what a judge says of them, and how far they move the face."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ferkit.plots.colours import FAINT, GRID_COLOUR, INK, SERIES
from ferkit.plots.results import interval_reach, plot_confusion

_DRAWN_COLOUR = SERIES[1]
_PRESS_COLOUR = INK
_AIM_COLOUR = SERIES[2]
_BAR_HEIGHT = 0.38


def plot_judged(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw one panel of `studies.judge.judged_panels`: shares before and now, or a confusion.

    Shares: a pale bar before and a coloured one now for each name, with intervals and the aim.
    """
    ax = plt.gca() if ax is None else ax
    if "true" in table and table["true"].notna().any():
        counts = table.dropna(axis=1, how="all")
        plot_confusion(counts, ax=ax)
        ax.set(xlabel="the judge says, % of each row", ylabel="drawn as")
        return ax
    return _plot_shares(table, ax)


def _plot_shares(table: pd.DataFrame, ax: Axes) -> Axes:
    names = list(dict.fromkeys(table["name"]))
    colours = {"before": FAINT, "now": _DRAWN_COLOUR}
    offsets = {"before": -_BAR_HEIGHT / 2, "now": _BAR_HEIGHT / 2}
    for when, rows in table.groupby("when", sort=False):
        y = np.array([names.index(name) for name in rows["name"]]) + offsets[str(when)]
        ax.barh(y, rows["value"], height=_BAR_HEIGHT, color=colours[str(when)], label=when)
        reach = interval_reach(rows)
        ax.errorbar(rows["value"], y, xerr=reach, fmt="none", ecolor=INK, lw=1.2)
    ax.errorbar([], [], xerr=[], fmt="none", ecolor=INK, lw=1.2, label="95 % interval")
    now = table[table["when"] == "now"]
    rows = [names.index(name) for name in now["name"]]
    ax.plot(now["aim"], rows, "|", color=_AIM_COLOUR, ms=22, mew=3, label="aim", zorder=4)
    for row, value in zip(rows, now["value"], strict=True):
        ax.annotate(f"{value:.2f}", (1.03, row), va="center", color=INK, annotation_clip=False)
    ax.set_yticks(range(len(names)), names)
    ax.set(xlim=(0, 1), ylim=(len(names) - 0.4, -0.6), xlabel="share of pictures")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.13), ncols=4)
    sns.despine(ax=ax, left=True)
    return ax


def plot_displacements(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw displacements of one emotion, photographed above drawn, with their intervals.

    Columns as of `studies.displacement.displacement_panels`: measure, kind ("photographed" or
    "drawn"), value, low, high.
    """
    ax = plt.gca() if ax is None else ax
    measures = list(dict.fromkeys(table["measure"]))
    marks = {"photographed": (_PRESS_COLOUR, -0.17, "o"), "drawn": (_DRAWN_COLOUR, 0.17, "D")}
    ax.axvline(0, color=FAINT, lw=1)
    for kind, rows in table.groupby("kind", sort=False):
        colour, offset, marker = marks[str(kind)]
        y = np.array([measures.index(measure) for measure in rows["measure"]]) + offset
        reach = interval_reach(rows)
        ax.errorbar(
            rows["value"], y, xerr=reach, fmt=marker, color=colour, ms=6, lw=1.8, label=kind
        )
    ax.set_yticks(range(len(measures)), measures)
    ax.set_ylim(len(measures) - 0.4, -0.6)
    ax.set_xlabel("% of eye distance")
    ax.tick_params(axis="y", length=0)
    ax.grid(color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False)
    sns.despine(ax=ax, left=True)
    return ax

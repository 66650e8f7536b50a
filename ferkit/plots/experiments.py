"""Plots of experiments: folds, two results of the same faces."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap

from ferkit.plots.colours import FAINT, GRID_COLOUR, INK, SERIES
from ferkit.plots.results import interval_reach

_MARKERS = "osD^v"


def plot_pairs(table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "accuracy") -> Axes:
    """Draw two results of each row, joined by a line, and their difference in points.

    Columns name, series (two of them, in this order), value, low, high: two rows a name.
    """
    ax = plt.gca() if ax is None else ax
    names = list(dict.fromkeys(table["name"]))
    y = dict(zip(names, range(len(names)), strict=True))
    by_series = table.groupby("series", sort=False)
    for name, rows in table.groupby("name", sort=False):
        first, second = rows["value"]
        ax.plot([first, second], [y[name]] * 2, color=FAINT, lw=3, zorder=1, solid_capstyle="butt")
        points = round(100 * (second - first))
        text = f"{points:+d}" if points else "0"
        ax.text(1.04, y[name], text, va="center", ha="left", color=INK)
    for shift, marker, colour, (series, rows) in zip(
        (-0.14, 0.14), _MARKERS, SERIES, by_series, strict=False
    ):
        reach = interval_reach(rows)
        places = rows["name"].map(y) + shift
        ax.errorbar(
            rows["value"],
            places,
            xerr=reach,
            fmt=marker,
            color=colour,
            ms=8,
            lw=2,
            label=series,
            zorder=3,
        )
    ax.set(xlabel=xlabel, xlim=(0, 1.02), ylim=(len(names) - 0.5, -0.5))
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.text(1.04, -0.7, "points", va="center", ha="left", color=INK)
    ax.grid(axis="x", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1.02), ncols=2)
    sns.despine(ax=ax, left=True)
    return ax


def plot_folds(folds: np.ndarray, *, ax: Axes | None = None, title: str = "") -> Axes:
    """Draw which fold tests each picture: `(P, M)`, a row for each person; NaN is no picture."""
    ax = plt.gca() if ax is None else ax
    count = int(np.nanmax(folds)) + 1
    colours = ListedColormap(sns.color_palette("colorblind", count).as_hex())
    ax.imshow(
        np.ma.masked_invalid(folds),
        cmap=colours,
        vmin=-0.5,
        vmax=count - 0.5,
        alpha=0.55,
        aspect="auto",
    )
    for (row, column), fold in np.ndenumerate(folds):
        if not np.isnan(fold):
            ax.text(column, row, f"{fold + 1:.0f}", ha="center", va="center", color=INK)
    ax.set(title=title, xlabel="pictures of the person", ylabel="people")
    ax.set(xticks=[], yticks=[])
    sns.despine(ax=ax, left=True, bottom=True)
    return ax

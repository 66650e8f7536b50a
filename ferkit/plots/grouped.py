"""Plot several methods' results on the same rows."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ferkit.plots.colours import GRID_COLOUR, INK, SERIES
from ferkit.plots.results import interval_reach

_MARKERS = "osD^v"
_SPREAD = 0.56  # of a row's height, over which its groups lie


def plot_grouped_intervals(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "accuracy"
) -> Axes:
    """Draw values with intervals, a row for each name and in it a mark for each group.

    Columns name, group, value, low, high. Groups differ in colour and shape. A line marks zero
    where there are values below it.
    """
    ax = plt.gca() if ax is None else ax
    names = list(dict.fromkeys(table["name"]))
    groups = list(dict.fromkeys(table["group"]))
    offsets = _SPREAD * (np.arange(len(groups)) + 0.5 - len(groups) / 2) / max(1, len(groups) - 1)
    styles = zip(groups, offsets, cycle(SERIES), cycle(_MARKERS), strict=False)
    for group, offset, colour, marker in styles:
        rows = table[table["group"] == group]
        y = rows["name"].map(names.index) + offset
        reach = interval_reach(rows)
        style = {"fmt": marker, "color": colour, "ms": 7, "lw": 2.2, "label": group, "zorder": 3}
        ax.errorbar(rows["value"], y, xerr=reach, **style)
    if (table["low"] < 0).any():
        ax.axvline(0, color=INK, lw=1)
    for boundary in np.arange(len(names) - 1) + 0.5:
        ax.axhline(boundary, color=GRID_COLOUR, lw=1)
    ax.set(xlabel=xlabel, ylim=(len(names) - 0.5, -0.5))
    ax.set_yticks(range(len(names)), names)
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=len(groups))
    sns.despine(ax=ax, left=True)
    return ax

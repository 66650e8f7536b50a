"""Plot how a value varies over bootstrap draws."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ferkit.plots.colours import INK, SERIES

_LINES = ("-", "--", ":")
_BAR_STEP = 0.09  # between the intervals below the axis, in shares of its height


def plot_resampled(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "accuracy"
) -> Axes:
    """Draw histograms of bootstrap means, each with its interval as a bar below.

    A row for each bin of a histogram: name, left, right, share (of the draws), and its histogram's
    value, low and high. A line marks the value of the first.
    """
    ax = plt.gca() if ax is None else ax
    histograms = table.groupby("name", sort=False)
    top = table["share"].max()
    styles = zip(histograms, cycle(SERIES), cycle(_LINES), strict=False)
    for position, ((name, rows), colour, line) in enumerate(styles):
        edges = np.append(rows["left"], rows["right"].iloc[-1])
        ax.stairs(rows["share"], edges, fill=True, color=colour, alpha=0.25)
        ax.stairs(rows["share"], edges, color=colour, lw=2, ls=line, label=name)
        low, high = rows[["low", "high"]].iloc[0]
        y = -(position + 0.6) * _BAR_STEP * top
        ax.plot([low, high], [y, y], color=colour, ls=line, lw=4, solid_capstyle="butt")
        ax.annotate(
            f"{low:.3f} to {high:.3f}",
            (high, y),
            (6, 0),
            textcoords="offset points",
            va="center",
            size="small",
            color=INK,
        )
    ax.axvline(table["value"].iloc[0], color=INK, lw=1, label="measured")
    ax.set(xlabel=xlabel, ylabel="share of draws")
    ax.set_ylim(-(len(histograms) + 0.3) * _BAR_STEP * top, 1.08 * top)
    ax.set_yticks([tick for tick in ax.get_yticks() if 0 <= tick <= 1.08 * top])
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3)
    sns.despine(ax=ax)
    return ax

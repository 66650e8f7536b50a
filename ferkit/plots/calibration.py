"""Plot of calibration: how often answers are right, against the probability they are given."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ferkit.plots.colours import FAINT, GRID_COLOUR, SERIES


def plot_reliability(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against the probability of the answers, with the diagonal of calibration.

    Columns as of `evaluation.calibration.reliability` and, where there are several curves, name.
    The area of a mark grows with its share of the curve's answers.
    """
    ax = plt.gca() if ax is None else ax
    curves = table.groupby("name", sort=False) if "name" in table else [(None, table)]
    ax.plot([0, 1], [0, 1], "--", color=FAINT, lw=1.5, label="calibrated")
    for (name, rows), shade, marker in zip(curves, cycle(SERIES), cycle("os^vD"), strict=False):
        share = rows["count"].to_numpy() / rows["count"].sum()
        ax.plot(rows["confidence"], rows["accuracy"], f"{marker}-", color=shade, lw=1.5, label=name)
        size = 10 + 400 * share
        ax.scatter(rows["confidence"], rows["accuracy"], s=size, color=shade, marker=marker)
    ax.set(xlabel="probability of the answer", ylabel="share of answers that are right")
    ax.set(xlim=(0, 1.05), ylim=(-0.02, 1.05), xticks=np.linspace(0, 1, 6))
    ax.set_aspect("equal")
    ax.grid(color=GRID_COLOUR)
    ax.set_axisbelow(True)
    if "name" in table:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax

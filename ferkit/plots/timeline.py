"""Plot of the emotions of a video over time."""

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ferkit.plots.colours import EMOTION_COLOURS, GRID_COLOUR, INK, SERIES

_HEIGHT = 0.85  # of a probability of 1, where the strips are 1 apart


def plot_timeline(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw probabilities over time, a strip for each emotion.

    Columns time (seconds), emotion, probability (a dot) and smoothed (the area). A strip's height
    is a probability of 1. Where `true` is a column, the time when it is not empty is shaded in the
    strip of the emotion it names.
    """
    ax = plt.gca() if ax is None else ax
    emotions = list(dict.fromkeys(table["emotion"]))
    for row, emotion in enumerate(emotions):
        own = table[table["emotion"] == emotion].sort_values("time")
        time = own["time"].to_numpy()
        if "true" in own:
            shown = (own["true"] == emotion).to_numpy()
            top = row - shown * 1.0
            ax.fill_between(time, row, top, color=GRID_COLOUR, lw=0, step="mid")
        colour = EMOTION_COLOURS.get(emotion, SERIES[0])
        area = row - _HEIGHT * own["smoothed"].to_numpy()
        ax.fill_between(time, row, area, color=colour, alpha=0.5, lw=0)
        ax.plot(time, area, color=colour, lw=1.5)
        ax.plot(time, row - _HEIGHT * own["probability"].to_numpy(), ".", color=INK, ms=5)
        ax.axhline(row, color=INK, lw=0.6)
    ax.set_yticks([row - 0.4 for row in range(len(emotions))], emotions)
    ax.tick_params(axis="y", length=0)
    ax.set(xlabel="time (seconds)", ylim=(len(emotions) - 0.95, -1.05))
    ax.margins(x=0.02)
    sns.despine(ax=ax, left=True)
    return ax

"""Plots of results over a setting."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from ferkit.plots.colours import FAINT, GRID_COLOUR, INK, SERIES

_MARKERS = "osD^v"
# Grey is left to the ceiling, and no two are blue.
_METHOD_COLOURS = (*SERIES[:4], INK)


def plot_sweep(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    xlabel: str = "",
    ylabel: str = "accuracy",
    log: bool = False,
    chance: float | None = None,
) -> Axes:
    """Draw results over a setting, a line with its interval for each series.

    Columns x (a number or a name), series, value, low, high. `log` is for the setting, `chance`
    a level to mark. Differences, some of which are below zero, have a line at zero.
    """
    ax = plt.gca() if ax is None else ax
    named = not pd.api.types.is_numeric_dtype(table["x"])
    places = pd.factorize(table["x"])[0] if named else table["x"]
    rows = table.assign(x=places, label=table["x"])
    styles = zip(cycle(SERIES), cycle(_MARKERS), rows.groupby("series", sort=False), strict=False)
    for colour, marker, (series, part) in styles:
        ax.fill_between(part["x"], part["low"], part["high"], color=colour, alpha=0.18, lw=0)
        ax.plot(part["x"], part["value"], marker + "-", color=colour, ms=7, lw=2, label=series)
    if chance is not None:
        ax.axhline(chance, color=FAINT, ls="--", lw=1.5, label="chance")
    if log:
        ax.set_xscale("log")
    ticks = rows.drop_duplicates("x")
    ax.set_xticks(ticks["x"], [str(label) if named else f"{label:g}" for label in ticks["label"]])
    ax.minorticks_off()
    ax.set(xlabel=xlabel, ylabel=ylabel)
    if (table["low"] < 0).any():
        ax.axhline(0, color=INK, lw=1)
    else:
        ax.set_ylim(-0.03, 0.04 + float(np.nanmax([1.0, *table["high"]])))
    ax.grid(axis="y", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax


def plot_methods(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    ylabel: str = "",
    ceiling: str = "",
    chance: float | None = None,
) -> Axes:
    """Draw several methods over a setting, its values evenly spaced in the order of the table.

    Columns x, series, value. Methods differ in colour and marker. The series named `ceiling`, which
    no method can exceed, is grey, and the area above it is shaded; `chance` is a level to mark.
    """
    ax = plt.gca() if ax is None else ax
    ticks = list(dict.fromkeys(table["x"]))
    rows = table.assign(place=table["x"].map(ticks.index))
    highest = rows[rows["series"] == ceiling]
    if len(highest):
        ax.fill_between(highest["place"], highest["value"], 1, color=FAINT, alpha=0.35, lw=0)
        ax.plot(highest["place"], highest["value"], color=FAINT, lw=2.5, label=ceiling)
    methods = rows[rows["series"] != ceiling].groupby("series", sort=False)
    styles = zip(cycle(_METHOD_COLOURS), cycle(_MARKERS), methods, strict=False)
    for colour, marker, (name, part) in styles:
        ax.plot(part["place"], part["value"], marker + "-", color=colour, ms=6, lw=2, label=name)
    if chance is not None:
        ax.axhline(chance, color=INK, ls=":", lw=1.2, label="chance")
    ax.set_xticks(range(len(ticks)), [x if isinstance(x, str) else f"{x:g}" for x in ticks])
    ax.set(ylabel=ylabel, ylim=(-0.03, 1.04))
    ax.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.grid(axis="y", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax

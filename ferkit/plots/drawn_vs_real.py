"""Plots of drawn against photographed faces: mean faces and bars."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from ferkit.plots.colours import FAINT, INK, SERIES
from ferkit.plots.faces import plot_displacement, plot_landmarks

_ELLIPSES = (0, 4, 8, 12, 16, 17, 21, 22, 26, 30, 48, 51, 54, 57)  # more would overlap
_DRAWN_COLOUR = SERIES[1]
_REAL_COLOUR = INK
_AIM_COLOUR = SERIES[2]


def plot_gap(table: pd.DataFrame, *, ax: Axes | None = None, times: float = 3) -> Axes:
    """Draw one panel of `studies.drawn_vs_real.gap_panels`: mean faces or bars.

    Faces (a row a point): the photographed one dark, the drawn one coloured, with arrows from the
    first to the second, `times` as long as the difference, and ellipses of one standard deviation
    over people around some points. Bars (a row a part of the face): the value with its interval, a
    grey tick where two groups of people from one population would be, and a band for the aim.
    """
    ax = plt.gca() if ax is None else ax
    if "x_real" in table and table["x_real"].notna().any():
        return _plot_mean_faces(table, ax, times)
    return _plot_bars(table, ax)


def _plot_mean_faces(table: pd.DataFrame, ax: Axes, times: float) -> Axes:
    real = table[["x_real", "y_real"]].to_numpy(dtype=np.float64)
    drawn = table[["x_drawn", "y_drawn"]].to_numpy(dtype=np.float64)
    plot_displacement(real, drawn, ax=ax, colour=_DRAWN_COLOUR, times=times)
    plot_landmarks(real, ax=ax, colour=_REAL_COLOUR, width=2)
    _plot_ellipses(table, "real", ax, _REAL_COLOUR)
    plot_landmarks(drawn, ax=ax, colour=_DRAWN_COLOUR, width=1.5)
    _plot_ellipses(table, "drawn", ax, _DRAWN_COLOUR)
    marks = [
        Line2D([], [], color=_REAL_COLOUR, lw=2, label="photographed"),
        Line2D([], [], color=_DRAWN_COLOUR, lw=2, label="drawn"),
    ]
    ax.legend(
        handles=marks, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=2
    )
    return ax


def _plot_ellipses(table: pd.DataFrame, side: str, ax: Axes, colour: str) -> None:
    """One standard deviation over people around some points of a mean face."""
    for _, row in table.loc[list(_ELLIPSES)].iterrows():
        xx, xy, yy = row[[f"xx_{side}", f"xy_{side}", f"yy_{side}"]].astype(float)
        values, vectors = np.linalg.eigh([[xx, xy], [xy, yy]])
        width, height = 2 * np.sqrt(values.clip(min=0))
        angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
        centre = (row[f"x_{side}"], row[f"y_{side}"])
        style = {"fc": "none", "ec": colour, "lw": 1, "alpha": 0.6}
        ax.add_patch(Ellipse(centre, width, height, angle=angle, **style))


def _plot_bars(table: pd.DataFrame, ax: Axes) -> Axes:
    y = np.arange(len(table))
    base = table["base"].to_numpy()
    value = table["value"].to_numpy()
    goal_low, goal_high = table[["goal_low", "goal_high"]].iloc[0]
    aim = f"aim: {goal_low:g} to {goal_high:g}"
    ax.axvspan(goal_low, goal_high, color=_AIM_COLOUR, alpha=0.18, lw=0, label=aim)
    ax.axvline(base[0], color=INK, lw=1)
    ax.barh(y, value - base, left=base, height=0.6, color=_DRAWN_COLOUR)
    below = (value - table["low"]).clip(lower=0)
    above = (table["high"] - value).clip(lower=0)
    ax.errorbar(
        value, y, xerr=[below, above], fmt="none", ecolor=INK, lw=1.5, label="95 % over people"
    )
    if table["same"].notna().any():
        ax.plot(
            table["same"], y, "|", color=FAINT, ms=16, mew=3, zorder=1.5, label="one population"
        )
    end = np.nanmax(table[["value", "high", "goal_high"]].to_numpy(dtype=np.float64))
    for row, number in enumerate(value):
        place = (1.03 * end, row)
        ax.annotate(f"{number:.2f}", place, va="center", color=INK, annotation_clip=False)
    ax.set_yticks(y, table["part"])
    start = min(goal_low, np.nanmin(table[["value", "low"]].to_numpy(dtype=np.float64)))
    ax.set(xlim=(start, end), ylim=(len(y) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    ax.legend(
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.08),
        ncols=3,
        handlelength=1,
        columnspacing=1,
    )
    sns.despine(ax=ax, left=True)
    return ax

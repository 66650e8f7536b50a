"""Drawn against photographed faces: both mean faces, and bars with what is aimed at."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Ellipse

from ferkit.plots.colours import FAINT, INK, SERIES
from ferkit.plots.faces import plot_displacement, plot_landmarks

ELLIPSES = (0, 4, 8, 12, 16, 17, 21, 22, 26, 30, 48, 51, 54, 57)  # more would hide each other
DRAWN, REAL, AIM = SERIES[1], INK, SERIES[2]


def plot_gap(table: pd.DataFrame, *, ax: Axes | None = None, times: float = 3) -> Axes:
    """One panel of `ferkit.gap.figure_table`: mean faces (a row a point) or bars (a row a part of the face).

    Faces: the photographed one dark, the drawn one coloured, arrows from that to this `times` as long as the difference,
    ellipses of one standard deviation over people around some of the points. Bars: the value with its interval, a grey tick
    where two groups of people from one population would be, and the band that is aimed at.
    """
    ax = plt.gca() if ax is None else ax
    return _faces(table, ax, times) if table.get("x_real", pd.Series(dtype=float)).notna().any() else _bars(table, ax)


def _faces(table: pd.DataFrame, ax: Axes, times: float) -> Axes:
    real, drawn = (table[[f"x_{side}", f"y_{side}"]].to_numpy(dtype=np.float64) for side in ("real", "drawn"))
    plot_displacement(real, drawn, ax=ax, colour=DRAWN, times=times)
    for points, side, colour in ((real, "real", REAL), (drawn, "drawn", DRAWN)):
        plot_landmarks(points, ax=ax, colour=colour, width=2 if side == "real" else 1.5)
        for i in ELLIPSES:
            (xx, xy, yy) = table.loc[i, [f"xx_{side}", f"xy_{side}", f"yy_{side}"]].astype(float)
            values, vectors = np.linalg.eigh([[xx, xy], [xy, yy]])
            width, height = 2 * np.sqrt(values.clip(min=0))
            angle = np.degrees(np.arctan2(vectors[1, 0], vectors[0, 0]))
            ax.add_patch(Ellipse(points[i], width, height, angle=angle, fc="none", ec=colour, lw=1, alpha=0.6))
    marks = [Line2D([], [], color=REAL, lw=2, label="photographed"), Line2D([], [], color=DRAWN, lw=2, label="drawn")]
    ax.legend(handles=marks, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.05), ncols=2)
    return ax


def _bars(table: pd.DataFrame, ax: Axes) -> Axes:
    y, base, value = np.arange(len(table)), table["base"].to_numpy(), table["value"].to_numpy()
    low, high = table["goal_low"].iloc[0], table["goal_high"].iloc[0]
    ax.axvspan(low, high, color=AIM, alpha=0.18, lw=0, label=f"aim: {low:g} to {high:g}")
    ax.axvline(base[0], color=INK, lw=1)
    ax.barh(y, value - base, left=base, height=0.6, color=DRAWN)
    reach = [(value - table["low"]).clip(lower=0), (table["high"] - value).clip(lower=0)]
    ax.errorbar(value, y, xerr=reach, fmt="none", ecolor=INK, lw=1.5, label="95 % over people")
    if table["same"].notna().any():
        ax.plot(table["same"], y, "|", color=FAINT, ms=16, mew=3, zorder=1.5, label="one population")
    end = np.nanmax(table[["value", "high", "goal_high"]].to_numpy(dtype=np.float64))
    for row, text in enumerate(value):
        ax.annotate(f"{text:.2f}", (1.03 * end, row), va="center", color=INK, annotation_clip=False)
    ax.set_yticks(y, table["part"])
    start = min(low, np.nanmin(table[["value", "low"]].to_numpy(dtype=np.float64)))
    ax.set(xlim=(start, end), ylim=(len(y) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=3, handlelength=1, columnspacing=1)
    sns.despine(ax=ax, left=True)
    return ax

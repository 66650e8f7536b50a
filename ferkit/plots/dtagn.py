"""Paper 3's plots: filters, important landmarks, values over time, and alpha."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.core.landmarks import SUBSET_49
from ferkit.plots.colours import EMOTION_COLOURS, INK, SERIES
from ferkit.plots.faces import plot_landmarks


def plot_filters(weights: ArrayLike, columns: int = 9, *, ax: Axes | None = None) -> Axes:
    """Draw filters `(n, T, k, k)` as strips of T kernels.

    `columns` strips a row; time runs from top to bottom. Zero is grey; black and white are minus
    and plus the largest absolute weight of each filter.
    """
    ax = plt.gca() if ax is None else ax
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or not len(weights):
        raise ValueError(f"expected filters (n, T, k, k), at least one, got {weights.shape}")
    count, frames, kernel_height, kernel_width = weights.shape
    strip_height = frames * kernel_height
    rows = -(-count // columns)
    sheet = np.full((rows * (strip_height + 2), columns * (kernel_width + 1)), np.nan)
    for position, kernels in enumerate(weights):
        top = (position // columns) * (strip_height + 2)
        left = (position % columns) * (kernel_width + 1)
        largest = max(np.abs(kernels).max(), 1e-12)
        strip = kernels.reshape(-1, kernel_width) / largest
        sheet[top : top + strip_height, left : left + kernel_width] = strip
    ax.imshow(np.ma.masked_invalid(sheet), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def plot_important(
    face: ArrayLike, importance: ArrayLike, count: int = 10, *, ax: Axes | None = None
) -> Axes:
    """Draw a face `(68, 2)` with 49 landmarks sized by importance.

    `importance` is `(49,)`. The `count` most important ones are filled and numbered by rank.
    """
    points = np.asarray(face, dtype=float)
    values = np.asarray(importance, dtype=float)
    if values.shape != (len(SUBSET_49),):
        raise ValueError(f"expected one value for each of 49 landmarks, got {values.shape}")
    ax = plot_landmarks(points, ax=ax, colour="#bbbbbb")
    best = np.argsort(-values, kind="stable")[:count]
    landmarks = points[SUBSET_49]
    sizes = 20 + 130 * (values - values.min()) / max(np.ptp(values), 1e-12)
    x, y = landmarks.T
    ax.scatter(x, y, sizes, facecolors="white", edgecolors=SERIES[0], zorder=3)
    ax.scatter(x[best], y[best], sizes[best], color=SERIES[1], zorder=4)
    for rank, place in enumerate(landmarks[best], start=1):
        ax.annotate(
            str(rank), place, (5, 5), textcoords="offset points", size="small", color=INK, zorder=5
        )
    return ax


def plot_alpha(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw accuracy against alpha with its interval, and mark the paper's 0.5.

    Columns alpha, value, low and high.
    """
    ax = plt.gca() if ax is None else ax
    ax.fill_between(table["alpha"], table["low"], table["high"], color=SERIES[0], alpha=0.2, lw=0)
    ax.plot(table["alpha"], table["value"], color=SERIES[0], lw=2)
    ax.axvline(0.5, color=INK, ls="--", lw=1)
    half = table.loc[(table["alpha"] - 0.5).abs().idxmin()]
    text = f"0.5: {half['value']:.3f}"
    ax.annotate(text, (0.5, half["low"]), (6, 4), textcoords="offset points", color=INK)
    ax.set(xlabel="alpha: 0 is DTGN alone, 1 is DTAN alone", ylabel="accuracy", xlim=(0, 1))
    sns.despine(ax=ax)
    return ax


def plot_courses(table: pd.DataFrame, *, ax: Axes | None = None, ylabel: str = "") -> Axes:
    """Draw a line over time for each emotion.

    Columns emotion, time (from 0, the first frame, to 1, the last) and value.
    """
    ax = plt.gca() if ax is None else ax
    for emotion, rows in table.groupby("emotion", sort=False):
        colour = EMOTION_COLOURS[str(emotion)]
        ax.plot(rows["time"], rows["value"], color=colour, lw=2, label=emotion)
    ax.axhline(0, color=INK, lw=0.5)
    ax.set(xlabel="time, first frame to last", ylabel=ylabel, xlim=(0, 1))
    position = ax.get_subplotspec()
    if position is None or position.is_last_col():
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax

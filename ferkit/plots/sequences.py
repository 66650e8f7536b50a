"""Paper 3's pictures: filters with a kernel for each frame, landmarks that matter, courses in time, accuracy against alpha."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.landmarks import SUBSET_49
from ferkit.plots.colours import EMOTION_COLOURS, INK, SERIES
from ferkit.plots.faces import plot_landmarks


def plot_filters(weights: ArrayLike, columns: int = 9, *, ax: Axes | None = None) -> Axes:
    """Filters `(n, T, k, k)` in rows of `columns`, each a strip of its T kernels from top to bottom; zero is grey.

    Each filter has its own scale: black is its most negative weight, white its most positive, whichever is larger.
    """
    ax = plt.gca() if ax is None else ax
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or not len(weights):
        raise ValueError(f"expected filters (n, T, k, k), at least one, got {weights.shape}")
    count, frames, high, wide = weights.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (frames * high + 2), columns * (wide + 1)), np.nan)
    for i, kernel in enumerate(weights):
        y, x = (i // columns) * (frames * high + 2), (i % columns) * (wide + 1)
        sheet[y : y + frames * high, x : x + wide] = kernel.reshape(-1, wide) / max(np.abs(kernel).max(), 1e-12)
    ax.imshow(np.ma.masked_invalid(sheet), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def plot_important(face: ArrayLike, importance: ArrayLike, count: int = 10, *, ax: Axes | None = None) -> Axes:
    """A face `(68, 2)` with its 49 landmarks as dots, larger where `importance` `(49,)` is, the `count` largest filled and ranked."""
    points, values = np.asarray(face, dtype=float), np.asarray(importance, dtype=float)
    if values.shape != (len(SUBSET_49),):
        raise ValueError(f"expected one value for each of 49 landmarks, got {values.shape}")
    ax = plot_landmarks(points, ax=ax, colour="#bbbbbb")
    best = np.argsort(-values, kind="stable")[:count]
    chosen = points[SUBSET_49]
    sizes = 20 + 130 * (values - values.min()) / max(np.ptp(values), 1e-12)
    ax.scatter(chosen[:, 0], chosen[:, 1], s=sizes, facecolors="white", edgecolors=SERIES[0], zorder=3)
    ax.scatter(chosen[best, 0], chosen[best, 1], s=sizes[best], color=SERIES[1], zorder=4)
    for rank, (x, y) in enumerate(chosen[best], start=1):
        ax.annotate(str(rank), (x, y), (5, 5), textcoords="offset points", size="small", color=INK, zorder=5)
    return ax


def plot_alpha(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Accuracy against alpha with its interval, and where the paper's 0.5 lies; columns as of `temporal.alpha_sweep`."""
    ax = plt.gca() if ax is None else ax
    ax.fill_between(table["alpha"], table["low"], table["high"], color=SERIES[0], alpha=0.2, lw=0)
    ax.plot(table["alpha"], table["value"], color=SERIES[0], lw=2)
    ax.axvline(0.5, color=INK, ls="--", lw=1)
    half = table.loc[(table["alpha"] - 0.5).abs().idxmin()]
    ax.annotate(f"0.5: {half['value']:.3f}", (0.5, half["low"]), (6, 4), textcoords="offset points", color=INK)
    ax.set(xlabel="alpha: 0 is DTGN alone, 1 is DTAN alone", ylabel="accuracy", xlim=(0, 1))
    sns.despine(ax=ax)
    return ax


def plot_courses(table: pd.DataFrame, *, ax: Axes | None = None, ylabel: str = "") -> Axes:
    """A line over time for each emotion: columns emotion, time (from 0, the first frame, to 1, the last) and value."""
    ax = plt.gca() if ax is None else ax
    for emotion, rows in table.groupby("emotion", sort=False):
        ax.plot(rows["time"], rows["value"], color=EMOTION_COLOURS[str(emotion)], lw=2, label=emotion)
    ax.axhline(0, color=INK, lw=0.5)
    ax.set(xlabel="time, first frame to last", ylabel=ylabel, xlim=(0, 1))
    place = ax.get_subplotspec()
    if place is None or place.is_last_col():
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax

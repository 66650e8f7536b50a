"""Paper 3's plots: filters, important landmarks, values over time, and alpha."""

from itertools import cycle, pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.core.landmarks import SUBSET_49
from ferkit.plots.colours import EMOTION_COLOURS, INK, SERIES
from ferkit.plots.faces import plot_landmarks

_KERNEL_GAP = 1  # pixels between the kernels of one filter
_FILTER_GAP = 2  # pixels between filters


def plot_filters(weights: ArrayLike, columns: int = 9, *, ax: Axes | None = None) -> Axes:
    """Draw filters `(n, T, k, k)` as strips of T kernels with thin gaps between them.

    `columns` strips a row; time runs from top to bottom. Zero is grey; black and white are minus
    and plus the largest absolute weight of each filter.
    """
    ax = plt.gca() if ax is None else ax
    weights = np.asarray(weights, dtype=float)
    if weights.ndim != 4 or not len(weights):
        raise ValueError(f"expected filters (n, T, k, k), at least one, got {weights.shape}")
    count, frames, kernel_height, kernel_width = weights.shape
    below = kernel_height + _KERNEL_GAP  # from one kernel to the next
    height = frames * below + _FILTER_GAP
    width = kernel_width + _FILTER_GAP
    sheet = np.full((-(-count // columns) * height, columns * width), np.nan)
    for position, kernels in enumerate(weights):
        left = (position % columns) * width
        largest = max(np.abs(kernels).max(), 1e-12)
        for frame, kernel in enumerate(kernels):
            top = (position // columns) * height + frame * below
            sheet[top : top + kernel_height, left : left + kernel_width] = kernel / largest
    ax.imshow(np.ma.masked_invalid(sheet), cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
    ax.set_axis_off()
    return ax


def plot_important(
    face: ArrayLike, importance: ArrayLike, count: int = 10, *, ax: Axes | None = None
) -> Axes:
    """Draw a face `(68, 2)` with 49 landmarks sized by importance, without the jaw.

    `importance` is `(49,)`. The `count` most important ones are filled.
    """
    points = np.asarray(face, dtype=float)
    values = np.asarray(importance, dtype=float)
    if values.shape != (len(SUBSET_49),):
        raise ValueError(f"expected one value for each of 49 landmarks, got {values.shape}")
    ax = plot_landmarks(points, ax=ax, colour="#bbbbbb")
    order = np.argsort(-values, kind="stable")
    landmarks = points[SUBSET_49]
    sizes = 15 + 85 * (values - values.min()) / max(np.ptp(values), 1e-12)
    for chosen, fill in ((order[count:], "white"), (order[:count], SERIES[1])):
        x, y = landmarks[chosen].T
        ax.scatter(x, y, sizes[chosen], facecolors=fill, edgecolors=SERIES[0], zorder=3)
    x, y = landmarks.T
    margin = 0.08 * np.ptp(landmarks, axis=0).max()
    ax.set_xlim(x.min() - margin, x.max() + margin)
    ax.set_ylim(y.max() + margin, y.min() - margin)
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
    ax.plot(0.5, half["value"], "o", color=INK, ms=7, zorder=3)
    ax.set(xlabel="alpha: 0 is DTGN alone, 1 is DTAN alone", ylabel="accuracy", xlim=(0, 1))
    bottom = table["low"].min() - 0.15 * (table["high"].max() - table["low"].min())
    ax.set_ylim(bottom=bottom)
    text = f"0.5: {half['value']:.3f}"
    ax.annotate(text, (0.5, bottom), (6, 6), textcoords="offset points", color=INK)
    sns.despine(ax=ax)
    return ax


def plot_courses(table: pd.DataFrame, *, ax: Axes | None = None, ylabel: str = "") -> Axes:
    """Draw a line over time for each emotion.

    Columns emotion, time (from 0, the first frame, to 1, the last) and value. Emotions differ in
    colour and shape.
    """
    ax = plt.gca() if ax is None else ax
    curves = table.groupby("emotion", sort=False)
    for (emotion, rows), marker in zip(curves, cycle("os^vDPX*"), strict=False):
        style: dict[str, Any] = {
            "color": EMOTION_COLOURS[str(emotion)],
            "marker": marker,
            "markevery": (2, 3),
        }
        ax.plot(rows["time"], rows["value"], lw=2, ms=6, label=emotion, **style)
    ax.axhline(0, color=INK, lw=0.5)
    ax.set(xlabel="time, first frame to last", ylabel=ylabel, xlim=(0, 1))
    position = ax.get_subplotspec()
    if position is None or position.is_last_col():
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax


def plot_ways(*, ax: Axes | None = None) -> Axes:
    """Draw the paper's two networks as rows of boxes, and the three places where they join.

    Without `ax` a new figure is made.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(8, 3.2), layout="constrained")
    step = 2.2
    inputs = {"DTAN": (2.0, "12 pictures"), "DTGN": (0.0, "49 points,\n12 frames")}
    box = {"boxstyle": "round,pad=0.4", "fc": "white", "ec": INK}
    style: dict[str, Any] = {"ha": "center", "va": "center", "size": 11}
    for network, (y, source) in inputs.items():
        ax.text(-1.3, y, network, ha="right", va="center", size=13, weight="bold")
        ends = [ax.text(0, y, source, bbox=box, **style)]
        for place, name in enumerate(("hidden\nactivations", "logits", "probabilities"), start=1):
            ends.append(ax.text(step * place, y, name, bbox=box, **style))
        for start, end in pairwise(ends):
            patches = {"patchA": start.get_bbox_patch(), "patchB": end.get_bbox_patch()}
            arrow = {"arrowstyle": "->", "lw": 1.5, **patches}
            ax.annotate("", end.get_position(), start.get_position(), arrowprops=arrow)
    joins = ("concatenation", "joint\nfine-tuning", "weighted\nsum")
    for place, name in enumerate(joins, start=1):
        ax.plot([step * place] * 2, [0.45, 1.55], color=SERIES[0], lw=3, zorder=0)
        join_box = {"boxstyle": "round,pad=0.3", "fc": SERIES[0], "ec": "none"}
        ax.text(step * place, 1, name, color="white", bbox=join_box, **style)
    ax.set(xlim=(-2.3, 7.8), ylim=(-0.6, 2.6))
    ax.set_axis_off()
    return ax

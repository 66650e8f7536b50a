"""Emotions as labels: votes on one picture, and the compound classes."""

from collections.abc import Mapping

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from numpy.typing import ArrayLike

from ferkit.labels import BASIC7, compound_parts
from ferkit.plots.colours import EMOTION_COLOURS, INK, MISSING, NO_EMOTION

NAMES = ("neutral", *BASIC7)  # by compound code


def plot_votes(
    votes: Mapping[str, float] | pd.Series,
    *,
    ax: Axes | None = None,
    line: float | None = None,
    line_label: str = "half of the votes",
) -> Axes:
    """One bar for each name in `votes`, emotions in their colours, with a dashed line where `line` votes are."""
    ax = plt.gca() if ax is None else ax
    votes = dict(votes)
    names, counts = list(votes), list(votes.values())
    ax.barh(names, counts, color=[EMOTION_COLOURS.get(name, NO_EMOTION) for name in names])
    for i, count in enumerate(counts):
        if count:
            ax.text(count, i, f" {count:g}", va="center", size="small", color=INK)
    if line is not None:
        ax.axvline(line, color=INK, ls="--", lw=1)
        ax.text(line, len(names) - 1, f"{line_label} ", ha="right", va="center", size="small", color=INK)
    ax.set_yticks(range(len(names)), ["not a face" if name == "NF" else name for name in names])
    ax.set(xlabel="votes", xlim=(0, max([*counts, line or 0, 1]) * 1.12), ylim=(len(names) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)
    return ax


def plot_compound_grid(
    values: ArrayLike | None = None, *, ax: Axes | None = None, highlight: int | None = None, label: str = ""
) -> Axes:
    """The 50 compound classes by their parts: complementary emotion down, dominant one across, neutral in the corner.

    Each cell shows its code, on the colours of its two emotions, or on a scale of `values` (50,) in the order of codes,
    which are printed too and named by `label`; nan stays grey. `highlight` frames one code.
    """
    ax = plt.gca() if ax is None else ax
    numbers = np.full(50, np.nan) if values is None else np.asarray(values, dtype=np.float64)
    if numbers.shape != (50,):
        raise ValueError(f"expected one value for each of 50 classes, got shape {numbers.shape}")
    scale = Normalize(0, max(np.nanmax(numbers, initial=0), 1e-9))
    for code, number in enumerate(numbers.tolist()):
        c, d = map(int, compound_parts(code))
        dark = scale(number) > 0.6
        if values is None:
            _fill(ax, d, c, EMOTION_COLOURS[NAMES[c]], EMOTION_COLOURS[NAMES[d]])
        elif np.isfinite(number):
            ax.fill(*_square(d, c), color=mpl.colormaps["Blues"](scale(number)), lw=0)
            ax.text(
                d, c + 0.24, f"{number:.2g}", ha="center", va="center", size="small", color="white" if dark else INK
            )
        else:
            ax.fill(*_square(d, c), color=MISSING, lw=0)
        colour = "white" if dark else INK
        ax.text(
            d, c - (0 if values is None else 0.12), str(code), ha="center", va="center", color=colour, weight="bold"
        )
        if code == highlight:
            ax.plot(*_square(d, c), color=INK, lw=3, clip_on=False, zorder=4)
    if values is not None:
        ax.figure.colorbar(mpl.cm.ScalarMappable(scale, "Blues"), ax=ax, fraction=0.045, pad=0.03, label=label)
    return _grid_axes(ax, triangles=values is None)


def _grid_axes(ax: Axes, triangles: bool) -> Axes:
    named = ["neutral", *(f"{code} {name}" for code, name in enumerate(BASIC7, 1))]
    ax.set_xticks(range(8), named, rotation=35, ha="left")
    ax.set_yticks(range(8), named)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlim=(-0.55, 7.55), ylim=(7.55, -0.55), aspect="equal")
    ax.set_xlabel("dominant emotion d" + triangles * " (upper triangle)")
    ax.set_ylabel("complementary emotion c" + triangles * " (lower triangle)")
    ax.tick_params(length=0)
    sns.despine(ax=ax, top=True, right=True, left=True, bottom=True)
    return ax


def _square(x: int, y: int) -> tuple[list[float], list[float]]:
    return [x - 0.48, x + 0.48, x + 0.48, x - 0.48, x - 0.48], [y - 0.48, y - 0.48, y + 0.48, y + 0.48, y - 0.48]


def _fill(ax: Axes, x: int, y: int, lower_left: str, upper_right: str) -> None:
    xs, ys = _square(x, y)
    for corners, colour in (((0, 1, 2, 3), lower_left), ((0, 1, 2), upper_right)):
        pale = [1 - 0.55 * (1 - channel) for channel in to_rgb(colour)]
        ax.fill([xs[i] for i in corners], [ys[i] for i in corners], color=pale, lw=0)

"""Plots of labels: votes, and the grid of compound classes."""

from collections.abc import Mapping

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import Normalize, to_rgb
from numpy.typing import ArrayLike

from ferkit.core.labels import BASIC7, compound_parts
from ferkit.plots.colours import EMOTION_COLOURS, INK, MISSING_COLOUR, NO_EMOTION

_EMOTIONS_BY_CODE = ("neutral", *BASIC7)
_HALF_CELL = 0.48


def plot_votes(
    votes: Mapping[str, float] | pd.Series,
    *,
    ax: Axes | None = None,
    line: float | None = None,
    line_label: str = "half of the votes",
) -> Axes:
    """Draw a bar for each name in `votes`, and a dashed line."""
    ax = plt.gca() if ax is None else ax
    votes = dict(votes)
    names = list(votes)
    colours = [EMOTION_COLOURS.get(name, NO_EMOTION) for name in names]
    ax.barh(names, list(votes.values()), color=colours)
    for row, count in enumerate(votes.values()):
        if count:
            ax.text(count, row, f" {count:g}", va="center", size="small", color=INK)
    if line is not None:
        ax.axvline(line, color=INK, ls="--", lw=1)
        ax.text(
            line, len(names) - 1, f"{line_label} ", ha="right", va="center", size="small", color=INK
        )
    ax.set_yticks(range(len(names)), ["not a face" if name == "NF" else name for name in names])
    longest = max([*votes.values(), line or 0, 1])
    ax.set(xlabel="votes", xlim=(0, longest * 1.12), ylim=(len(names) - 0.4, -0.6))
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax, left=True)
    return ax


def plot_compound_grid(
    values: ArrayLike | None = None,
    *,
    ax: Axes | None = None,
    highlight: int | None = None,
    label: str = "",
) -> Axes:
    """Draw the 50 compound classes: complementary emotion down, dominant one across.

    Each cell shows its code on the colours of its two emotions; neutral lies in the corner. With
    `values` (50,) in the order of codes, cells are coloured and labelled by value, and NaN stays
    grey; `label` names the scale. `highlight` frames the cell of one code.
    """
    ax = plt.gca() if ax is None else ax
    numbers = np.full(50, np.nan) if values is None else np.asarray(values, dtype=np.float64)
    if numbers.shape != (50,):
        raise ValueError(f"expected one value for each of 50 classes, got shape {numbers.shape}")
    scale = Normalize(0, max(np.nanmax(numbers, initial=0), 1e-9))
    code_rise = 0 if values is None else 0.12
    for code, number in enumerate(numbers.tolist()):
        y, x = (int(part) for part in compound_parts(code))
        ink = "white" if scale(number) > 0.6 else INK
        if values is None:
            _fill_triangles(ax, x, y)
        elif np.isfinite(number):
            ax.fill(*_square(x, y), color=mpl.colormaps["Blues"](scale(number)), lw=0)
            ax.text(x, y + 0.24, f"{number:.2g}", size="small", color=ink, ha="center", va="center")
        else:
            ax.fill(*_square(x, y), color=MISSING_COLOUR, lw=0)
        ax.text(x, y - code_rise, str(code), color=ink, weight="bold", ha="center", va="center")
        if code == highlight:
            ax.plot(*_square(x, y), color=INK, lw=3, clip_on=False, zorder=4)
    if values is not None:
        colours = mpl.cm.ScalarMappable(scale, "Blues")
        ax.figure.colorbar(colours, ax=ax, fraction=0.045, pad=0.03, label=label)
    return _label_grid(ax, triangles=values is None)


def _label_grid(ax: Axes, triangles: bool) -> Axes:
    names = ["neutral", *(f"{code} {name}" for code, name in enumerate(BASIC7, 1))]
    ax.set_xticks(range(8), names, rotation=35, ha="left")
    ax.set_yticks(range(8), names)
    ax.xaxis.tick_top()
    ax.xaxis.set_label_position("top")
    ax.set(xlim=(-0.55, 7.55), ylim=(7.55, -0.55), aspect="equal")
    ax.set_xlabel("dominant emotion d" + triangles * " (upper right half of a cell)")
    ax.set_ylabel("complementary emotion c" + triangles * " (lower left half of a cell)")
    ax.tick_params(length=0)
    sns.despine(ax=ax, top=True, right=True, left=True, bottom=True)
    return ax


def _square(x: int, y: int) -> np.ndarray:
    """The outline of a cell `(2, 5)`, x then y."""
    right = np.array([-1, 1, 1, -1, -1])
    down = np.array([-1, -1, 1, 1, -1])
    return np.stack([x + _HALF_CELL * right, y + _HALF_CELL * down])


def _fill_triangles(ax: Axes, dominant: int, complementary: int) -> None:
    """Fill a cell with both emotions' colours, the dominant one above."""
    corners = _square(dominant, complementary)
    for code, count in ((complementary, 4), (dominant, 3)):
        colour = np.array(to_rgb(EMOTION_COLOURS[_EMOTIONS_BY_CODE[code]]))
        ax.fill(*corners[:, :count], color=1 - 0.55 * (1 - colour), lw=0)

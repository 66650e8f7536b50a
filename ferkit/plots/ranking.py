"""Plots of a benchmark: ranks, how sure they are, differences of all pairs, cost."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.image import AxesImage

from ferkit.plots.colours import FAINT, GRID_COLOUR, INK, SERIES
from ferkit.plots.results import interval_reach

_MARKERS = ("o", "s", "D", "^")


def plot_ranks(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw methods by accuracy; bars join those that cannot be told apart.

    Columns name, value, low, high, group (a colour and marker each) and runs: the numbers of the
    bars that a method belongs to, separated by spaces, or "".
    """
    ax = plt.gca() if ax is None else ax
    table = table.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
    _draw_groups(table, ax)
    y = np.arange(len(table))
    reach = interval_reach(table)
    ax.errorbar(table["value"], y, xerr=reach, fmt="none", color=FAINT, lw=2, zorder=1)
    member = table["runs"].fillna("").astype(str).str.split()
    numbers = sorted({int(float(number)) for row in member for number in row})
    left = float(table["low"].min())
    width = float(table["high"].max()) - left
    for number in numbers:
        rows = [place for place in y if str(number) in member[place]]
        x = left - width * (0.06 + 0.045 * number)
        ax.plot([x, x], [min(rows) - 0.25, max(rows) + 0.25], color=INK, lw=3, zorder=2)
    ax.set_ylim(len(table) - 0.4, -0.6)
    ax.set_yticks(y, table["name"])
    ax.tick_params(axis="y", length=0)
    ax.set_xlabel("accuracy, 95 % over people; a black bar joins methods not told apart")
    ax.grid(axis="x", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="lower right")
    sns.despine(ax=ax, left=True)
    return ax


def plot_rank_probabilities(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw how probable each rank is for each method, one row a method.

    Columns name, then the ranks "1", "2", ...
    """
    ax = plt.gca() if ax is None else ax
    values = table.set_index("name")
    text = values.map(lambda share: f"{100 * share:.0f}" if share >= 0.005 else "")
    image = _draw_matrix(values, text, ax, "Blues", (0, 1))
    ax.figure.colorbar(image, ax=ax, label="probability; printed in %")
    ax.set_xlabel("rank")
    return ax


def plot_differences(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw the differences of all pairs, row minus column, in points.

    Columns first, second, value and adjusted (Holm's p); a star marks pairs that are told apart.
    """
    ax = plt.gca() if ax is None else ax
    names = list(dict.fromkeys([*table["first"], *table["second"]]))
    values = pd.DataFrame(np.nan, index=names, columns=names)
    text = pd.DataFrame("", index=names, columns=names)
    for row in table.itertuples():
        star = "*" if row.adjusted < 0.05 else ""
        for first, second, sign in ((row.first, row.second, 1), (row.second, row.first, -1)):
            values.loc[first, second] = 100 * sign * row.value
            text.loc[first, second] = f"{100 * sign * row.value:+.0f}{star}"
    limit = float(np.nanmax(np.abs(values.to_numpy())))
    image = _draw_matrix(values, text, ax, "PuOr", (-limit, limit))
    ax.figure.colorbar(image, ax=ax, label="row minus column, points; * told apart")
    plt.setp(ax.get_xticklabels(), rotation=40, ha="right", rotation_mode="anchor")
    return ax


def plot_cost(table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "") -> Axes:
    """Draw accuracy against cost on a logarithmic axis, each method named.

    Columns name, cost, value, low, high, group.
    """
    ax = plt.gca() if ax is None else ax
    reach = interval_reach(table)
    ax.errorbar(table["cost"], table["value"], yerr=reach, fmt="none", color=FAINT, lw=2, zorder=1)
    for place, (_, rows) in enumerate(table.groupby("group")):
        ax.plot(
            rows["cost"],
            rows["value"],
            _MARKERS[place % len(_MARKERS)],
            color=SERIES[place % len(SERIES)],
            ms=8,
            label=str(rows["group"].iloc[0]),
        )
    ax.set_xscale("log")
    _name_points(table, ax)
    low, high = ax.get_xlim()
    ax.set(xlim=(low, high * 8), xlabel=xlabel, ylabel="accuracy")
    groups = table["group"].nunique()
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=groups)
    ax.grid(color=GRID_COLOUR)
    ax.set_axisbelow(True)
    sns.despine(ax=ax)
    return ax


def _draw_groups(table: pd.DataFrame, ax: Axes) -> None:
    """Draw the values, a colour and a marker for each group."""
    for place, group in enumerate(sorted(table["group"].unique())):
        rows = table[table["group"] == group]
        ax.plot(
            rows["value"],
            rows.index,
            _MARKERS[place % len(_MARKERS)],
            color=SERIES[place % len(SERIES)],
            ms=9,
            label=group,
            zorder=3,
        )


def _name_points(table: pd.DataFrame, ax: Axes) -> None:
    """Name each point at its right; of points that lie close together, the lower ones below."""
    reach = max(float(table["value"].max() - table["value"].min()), 0.01)
    placed: list[tuple[float, float]] = []
    for row in table.sort_values("value", ascending=False).itertuples():
        x, y = np.log10(row.cost), row.value
        near = [old for old in placed if abs(old[0] - x) < 0.8 and 0 <= old[1] - y < 0.12 * reach]
        placed.append((x, y))
        ax.annotate(
            row.name, (row.cost, y), (7, 4 - 13 * len(near)), textcoords="offset points", size=9
        )


def _draw_matrix(
    values: pd.DataFrame,
    text: pd.DataFrame,
    ax: Axes,
    colours: str,
    limits: tuple[float, float],
) -> AxesImage:
    """Draw a table as coloured cells with text; the text is white on dark cells."""
    image = ax.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto")
    ax.set_xticks(range(values.shape[1]), values.columns)
    ax.set_yticks(range(len(values)), values.index)
    ax.tick_params(length=0)
    for (row, column), label in np.ndenumerate(text.to_numpy()):
        red, green, blue, _ = image.cmap(image.norm(values.iloc[row, column]))
        is_dark = 0.3 * red + 0.6 * green + 0.1 * blue < 0.5
        colour = "white" if label and is_dark else INK
        ax.text(column, row, label, ha="center", va="center", color=colour, size=9)
    sns.despine(ax=ax, left=True, bottom=True)
    return image

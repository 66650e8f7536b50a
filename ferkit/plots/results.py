"""Plots of results: confusion, top-k accuracy, training histories, and values with intervals."""

import textwrap
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ferkit.plots.colours import FAINT, GRID_COLOUR, INK, MISSING_COLOUR, SERIES

_MOST_PRINTED = 12  # classes up to which a confusion matrix shows its numbers


def plot_confusion(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw a confusion matrix as shares of its rows, the true classes.

    `table` holds counts as of `evaluation.scores.confusion`; its row names may also be a column
    "true". A class without samples stays grey. Further columns, such as "no face", may follow those
    of the true classes. Up to 12 classes percentages are printed and colours go to 100 %; beyond
    that, colours go to the highest share.
    """
    ax = plt.gca() if ax is None else ax
    counts = table.set_index("true") if "true" in table else table
    names = list(counts.columns)
    matrix = counts.to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        shares = matrix / matrix.sum(axis=1, keepdims=True)
    ax.set_facecolor(MISSING_COLOUR)
    is_printed = len(names) <= _MOST_PRINTED
    highest = 1 if is_printed else None
    ax.imshow(np.ma.masked_invalid(shares), vmin=0, vmax=highest, cmap="Blues")
    if is_printed:
        _print_percentages(shares, ax)
        ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(counts)), names[: len(counts)])
        ax.set_xlabel("predicted, % of each row")
    else:
        ax.set_xticks(range(len(names)), names, size=5, rotation=90)
        ax.set_yticks(range(len(counts)), names[: len(counts)], size=5)
        ax.set_xlabel("predicted")
    ax.set_ylabel("true")
    ax.tick_params(length=0)
    sns.despine(ax=ax, left=True, bottom=True)
    return ax


def _print_percentages(shares: np.ndarray, ax: Axes) -> None:
    for (row, column), share in np.ndenumerate(shares):
        if not share >= 0.005:
            continue
        colour = "#777777"
        if share > 0.5:
            colour = "white"
        elif row == column or share >= 0.05:
            colour = INK
        weight = "bold" if row == column else "normal"
        text = f"{100 * share:.0f}"
        ax.text(column, row, text, ha="center", va="center", color=colour, weight=weight)


def plot_top_k(table: pd.DataFrame, *, ax: Axes | None = None, chance: int | None = None) -> Axes:
    """Draw top-k accuracy with intervals, the paper's as open markers.

    Columns as of `papers.tables.top_k_table`. `chance`, a number of classes, adds the chance level,
    k of so many. The legend lists the curves from the highest end to the lowest.
    """
    ax = plt.gca() if ax is None else ax
    ours = table[table["source"] == "ours"].groupby("name", sort=False)
    reported = table[table["source"] == "paper"].groupby("name", sort=False)
    for colour, marker, (name, rows) in zip(cycle(SERIES), cycle("osv^P"), ours, strict=False):
        label = textwrap.fill(str(name), 24)
        ax.fill_between(rows["k"], rows["low"], rows["high"], color=colour, alpha=0.2, lw=0)
        ax.plot(rows["k"], rows["value"], f"{marker}-", color=colour, ms=6, lw=2, label=label)
    for marker, (name, rows) in zip(cycle("Dsv^"), reported, strict=False):
        label = textwrap.fill(f"paper: {name}", 24)
        ax.plot(
            rows["k"],
            rows["value"],
            marker,
            ls=":",
            color=INK,
            mfc="white",
            ms=6,
            lw=1,
            label=label,
        )
    k = np.sort(table["k"].unique())
    if chance:
        ax.plot(k, k / chance, "--", color=FAINT, lw=1.5, label=f"chance, {chance} classes")
    ax.set(xlabel="k: the true class is among the k best", ylabel="share of faces", xticks=k)
    ax.set_ylim(0, min(1.02, 1.08 * np.nanmax(table[["value", "high"]])))
    curves = [handle for handle in ax.get_legend_handles_labels()[0] if isinstance(handle, Line2D)]
    curves.sort(key=lambda curve: float(np.asarray(curve.get_ydata())[-1]), reverse=True)
    ax.legend(
        handles=curves, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), labelspacing=0.8
    )
    ax.grid(axis="y", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    sns.despine(ax=ax)
    return ax


def plot_history(
    table: pd.DataFrame,
    *,
    ax: Axes | None = None,
    xlabel: str = "epoch",
    ylabel: str = "",
    log: bool = False,
) -> Axes:
    """Draw how trainings went: dashed for training people, solid for validation people.

    Columns x, value, curve (coloured), part ("training" or "validation") and, where there are
    several, fold: each fold is a thin line, their mean a thick one as far as all folds go. A single
    line has no legend.
    """
    ax = plt.gca() if ax is None else ax
    table = table.assign(fold=table.get("fold", 0)).dropna(subset="value")
    several_curves = table["curve"].nunique() > 1
    several_parts = table["part"].nunique() > 1
    curves = table.groupby("curve", sort=False)
    for colour, (curve, curve_rows) in zip(cycle(SERIES), curves, strict=False):
        for part, rows in curve_rows.groupby("part", sort=False):
            style = "--" if part == "training" else "-"
            by_fold = rows.pivot_table(index="x", columns="fold", values="value", sort=False)
            if by_fold.shape[1] > 1:
                ax.plot(by_fold.index, by_fold, style, color=colour, lw=0.7, alpha=0.4)
            mean = by_fold.dropna().mean(axis=1)
            words = [str(curve)] * several_curves + [f"{part} people"] * several_parts
            ax.plot(mean.index, mean, style, color=colour, lw=2.2, label=", ".join(words) or curve)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if not log:
        ax.set_ylim(bottom=0)
    ax.grid(axis="y", color=GRID_COLOUR)
    ax.set_axisbelow(True)
    if several_curves or several_parts:
        ax.legend(frameon=False, loc="best")
    sns.despine(ax=ax)
    return ax


def plot_intervals(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "accuracy", start: float = 0.0
) -> Axes:
    """Draw results with their intervals, beside the paper's values and chance.

    A row is a dot with its interval, the paper's value an open diamond, chance a grey bar. Columns
    as of `papers.tables.interval_table` and, where given, `group`, which has a colour and a marker
    and is named in the legend. Rows of one name that follow each other stand together and are named
    once. The axis begins at `start`.
    """
    ax = plt.gca() if ax is None else ax
    places = _place_rows(table["name"])
    rows = table.assign(y=places, group=table.get("group", "ours"))
    groups = rows.groupby("group", sort=False)
    for colour, marker, (name, group) in zip(cycle(SERIES), cycle("os^v"), groups, strict=False):
        reach = interval_reach(group)
        ax.errorbar(
            group["value"],
            group["y"],
            xerr=reach,
            fmt=marker,
            color=colour,
            ms=7,
            lw=2.5,
            label=name,
            zorder=3,
        )
    if "chance" in rows and rows["chance"].notna().any():
        ax.plot(rows["chance"], rows["y"], "|", color=FAINT, ms=16, mew=3, zorder=1, label="chance")
    if "paper" in rows and rows["paper"].notna().any():
        label = "the paper, its own data"
        ax.plot(rows["paper"], rows["y"], "D", color=INK, mfc="white", ms=8, zorder=4, label=label)
    _print_values(rows, ax, start)
    right = ax.get_xlim()[1]
    end = max(right, 1.08) if right > 0.7 else right + 0.15 * (right - start)
    ax.set(xlabel=xlabel, xlim=(start, end))
    if start:
        ax.locator_params(axis="x", nbins=5)
    _name_rows(ax, rows["name"], places)
    if ax.get_legend_handles_labels()[1] != ["ours"]:  # which says nothing alone
        ax.legend(
            frameon=False,
            loc="lower right",
            bbox_to_anchor=(1, 1),
            ncols=2,
            borderaxespad=0.2,
            handletextpad=0.3,
            columnspacing=1.2,
        )
    sns.despine(ax=ax, left=True)
    return ax


def _print_values(rows: pd.DataFrame, ax: Axes, start: float) -> None:
    """Print each value beside its interval; small values with three digits.

    It stands on the right, or on the left where the paper's mark or chance would cover it and the
    axis, which begins at `start`, has room there.
    """
    digits = 3 if rows["value"].median() < 0.2 else 2
    left, right = ax.get_xlim()
    width = 0.12 * (right - left)  # about that of a number
    unknown = pd.Series(np.nan, index=rows.index)
    marks = pd.concat([rows.get("paper", unknown), rows.get("chance", unknown)], axis=1)
    columns = (rows["y"], rows["value"], rows["low"], rows["high"], marks.to_numpy(float))
    for y, value, low, high, covered in zip(*columns, strict=True):
        text, place, side = "undefined", 0.0, "left"
        if not np.isnan(value):
            text = f"{value:.{digits}f}"
            place = np.nanmax([value, high])
            in_the_way = covered[(place - 0.2 * width < covered) & (covered < place + width)]
            lowest = np.nanmin([value, low])
            if in_the_way.size and lowest - width > start:
                place, side = lowest, "right"
            elif in_the_way.size:
                place = max(place, in_the_way.max())
        _print_beside(ax, text, place, y, side)


def _print_beside(ax: Axes, text: str, x: float, y: float, side: str) -> None:
    """Print a text beside a point, which is at the text's `side`, "left" or "right"."""
    shift = 6 if side == "left" else -6
    ax.annotate(
        text, (x, y), (shift, 0), textcoords="offset points", va="center", ha=side, color=INK
    )


def plot_trainings(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "difference"
) -> Axes:
    """Draw differences between two methods over several trainings.

    A tick for each training, the mean with its interval. Columns name, value, low, high, and
    training_0, training_1, ... Means whose interval contains
    zero are drawn open.
    """
    ax = plt.gca() if ax is None else ax
    y = np.arange(len(table))
    ax.axvline(0, color=INK, lw=1)
    for column in table.filter(regex="^training_"):
        ax.plot(table[column], y + 0.22, "|", color=FAINT, ms=9, mew=2, label="one training each")
    reach = interval_reach(table)
    ax.errorbar(table["value"], y, xerr=reach, fmt="none", color=SERIES[0], lw=2.5)
    excludes_zero = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    kinds = (
        (excludes_zero, SERIES[0], "mean; zero is outside"),
        (~excludes_zero, "white", "mean; zero is within"),
    )
    for chosen, fill, label in kinds:
        if chosen.any():
            ax.plot(
                table["value"][chosen],
                y[chosen],
                "o",
                color=SERIES[0],
                mfc=fill,
                mew=2,
                ms=8,
                label=label,
            )
    for place, row in enumerate(table.itertuples()):
        end, side = (row.high, "left") if row.value >= 0 else (row.low, "right")
        _print_beside(ax, f"{row.value:+.3f}", end, place, side)
    left, right = ax.get_xlim()
    room = 0.2 * (right - left)
    left -= room * (table["value"] < 0).any()
    ax.set(xlabel=xlabel, xlim=(left, right + room))
    ax.xaxis.set_major_locator(MaxNLocator(nbins=4))  # small differences have long labels
    _name_rows(ax, table["name"])
    handles, labels = ax.get_legend_handles_labels()
    entries = dict(zip(labels, handles, strict=True))  # each label once
    ax.legend(
        entries.values(),
        entries.keys(),
        frameon=False,
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        ncols=3,
    )
    sns.despine(ax=ax, left=True)
    return ax


def interval_reach(rows: pd.DataFrame) -> tuple[pd.Series, pd.Series]:
    """Return how far intervals reach below and above their values."""
    return rows["value"] - rows["low"], rows["high"] - rows["value"]


def _place_rows(names: pd.Series) -> np.ndarray:
    """Return each row's place: one further down, or half when it has the name of the one above."""
    is_same = (names == names.shift()).to_numpy()
    return np.cumsum(np.where(is_same, 0.5, 1.0)) - 1.0


def _name_rows(ax: Axes, names: pd.Series, places: np.ndarray | None = None) -> None:
    """Name the rows of a table, the first on top; rows of one name together once."""
    places = np.arange(len(names), dtype=float) if places is None else places
    run = (names != names.shift()).cumsum()
    centres = pd.Series(places, index=names.index).groupby(run).mean()
    ax.set_ylim(places.max() + 0.6, -0.6)
    ax.set_yticks(centres, names.groupby(run).first())
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID_COLOUR)
    ax.set_axisbelow(True)

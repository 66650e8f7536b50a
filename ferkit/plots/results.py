"""Results: confusion, top-k, and values with their intervals."""

import textwrap
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ferkit.plots.colours import FAINT, INK, MISSING, SERIES

PRINTED = 12  # classes up to which a confusion matrix shows its numbers
GRID = "#eeeeee"


def plot_confusion(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Counts as rates of their rows: each row shows how one true class was read; a class without samples stays grey.

    `table` is as of `evaluate.confusion`; its row names may also be a column "true". Up to 12 classes the rates are printed
    and colours go to 100 %, beyond that to the highest rate.
    """
    ax = plt.gca() if ax is None else ax
    counts = table.set_index("true") if "true" in table else table
    names, matrix = list(counts.columns), counts.to_numpy(dtype=np.float64)
    with np.errstate(invalid="ignore"):
        rates = matrix / matrix.sum(axis=1, keepdims=True)
    few = len(names) <= PRINTED
    ax.set_facecolor(MISSING)
    ax.imshow(np.ma.masked_invalid(rates), vmin=0, vmax=1 if few else None, cmap="Blues")
    for (i, j), rate in np.ndenumerate(rates):
        if few and rate >= 0.005:
            colour = "white" if rate > 0.5 else INK if i == j or rate >= 0.05 else "#777777"
            weight = "bold" if i == j else "normal"
            ax.text(j, i, f"{100 * rate:.0f}", ha="center", va="center", color=colour, weight=weight)
    size = "medium" if few else 5
    turned: dict[str, Any] = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if few else {"rotation": 90}
    ax.set_xticks(range(len(names)), names, size=size, **turned)
    ax.set_yticks(range(len(names)), names, size=size)
    ax.set(xlabel="predicted, % of each row" if few else "predicted", ylabel="true")
    ax.tick_params(length=0)
    sns.despine(ax=ax, left=True, bottom=True)
    return ax


def plot_top_k(table: pd.DataFrame, *, ax: Axes | None = None, chance: int | None = None) -> Axes:
    """Curves of top-k accuracy with their intervals, the paper's as open marks; columns as of `tables.top_k_table`.

    With `chance`, a number of classes, the line of a guesser who knows nothing: k of so many. The legend has the order of
    the curves' ends.
    """
    ax = plt.gca() if ax is None else ax
    ours, theirs = (table[table["source"] == source] for source in ("ours", "paper"))
    for colour, (name, rows) in zip(cycle(SERIES), ours.groupby("name", sort=False), strict=False):
        ax.fill_between(rows["k"], rows["low"], rows["high"], color=colour, alpha=0.2, lw=0)
        ax.plot(rows["k"], rows["value"], "o-", color=colour, ms=5, lw=2, label=textwrap.fill(str(name), 24))
    for mark, (name, rows) in zip(cycle("Dsv^"), theirs.groupby("name", sort=False), strict=False):
        label = textwrap.fill(f"paper: {name}", 24)
        ax.plot(rows["k"], rows["value"], mark, ls=":", color=INK, mfc="white", ms=6, lw=1, label=label)
    ks = np.sort(table["k"].unique())
    if chance:
        ax.plot(ks, ks / chance, "--", color=FAINT, lw=1.5, label=f"chance, {chance} classes")
    ax.set(xlabel="k: the truth is among the k highest classes", ylabel="share of faces", xticks=ks)
    ax.set_ylim(0, min(1.02, 1.08 * np.nanmax(table[["value", "high"]])))
    curves = sorted(ax.get_legend_handles_labels()[0], key=_end, reverse=True)
    ax.legend(handles=curves, frameon=False, loc="upper left", bbox_to_anchor=(1, 1), labelspacing=0.8)
    ax.grid(axis="y", color=GRID)
    ax.set_axisbelow(True)
    sns.despine(ax=ax)
    return ax


def plot_history(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "epoch", ylabel: str = "", log: bool = False
) -> Axes:
    """How trainings went: a colour for each curve, dashed for training people, solid for people who were not trained on.

    Columns x, value, curve, part ("training" or "validation") and, where there are several, fold: each fold is a thin line, their
    mean a thick one as far as all folds go.
    """
    ax = plt.gca() if ax is None else ax
    table = table.assign(fold=table.get("fold", 0)).dropna(subset="value")
    several = {column: table[column].nunique() > 1 for column in ("curve", "part")}
    for colour, (curve, rows) in zip(cycle(SERIES), table.groupby("curve", sort=False), strict=False):
        for part, lines in rows.groupby("part", sort=False):
            style = "--" if part == "training" else "-"
            by_fold = lines.pivot_table(index="x", columns="fold", values="value", sort=False)
            if by_fold.shape[1] > 1:
                ax.plot(by_fold.index, by_fold, style, color=colour, lw=0.7, alpha=0.4)
            mean = by_fold.dropna().mean(axis=1)
            words = [str(curve)] * several["curve"] + [f"{part} people"] * several["part"]
            ax.plot(mean.index, mean, style, color=colour, lw=2.2, label=", ".join(words) or curve)
    ax.set(xlabel=xlabel, ylabel=ylabel, yscale="log" if log else "linear")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if not log:
        ax.set_ylim(bottom=0)
    ax.grid(axis="y", color=GRID)
    ax.set_axisbelow(True)
    ax.legend(frameon=False, loc="best")
    sns.despine(ax=ax)
    return ax


def plot_intervals(
    table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "accuracy", start: float = 0.0
) -> Axes:
    """A row for each result: a dot with its interval, the paper's number as an open diamond, chance as a grey bar.

    Columns as of `tables.interval_table`, and where given `group`, which colours the dots and is named in the legend (such
    as one photograph against the person's other pictures). `start` is where the axis begins.
    """
    ax = plt.gca() if ax is None else ax
    rows = table.assign(y=range(len(table)))
    rows["group"] = table.get("group", "ours")
    marks: dict[str, dict[str, Any]] = {
        "chance": {"marker": "|", "color": FAINT, "ms": 16, "mew": 3, "zorder": 1, "label": "chance"},
        "paper": {
            "marker": "D",
            "color": INK,
            "mfc": "white",
            "ms": 8,
            "zorder": 4,
            "label": "the paper, its own data",
        },
    }
    for colour, (name, group) in zip(cycle(SERIES), rows.groupby("group", sort=False), strict=False):
        reach = (group["value"] - group["low"], group["high"] - group["value"])
        ax.errorbar(group["value"], group["y"], xerr=reach, fmt="o", color=colour, ms=7, lw=2.5, label=name, zorder=3)
    for column in marks:
        if column in rows and rows[column].notna().any():
            ax.plot(rows[column], rows["y"], ls="", **marks[column])
    digits = 3 if rows["value"].max() < 0.2 else 2
    for y, value, high in zip(rows["y"], rows["value"], rows["high"], strict=True):
        place = (0 if np.isnan(value) else np.nanmax([value, high]), y)
        text = "undefined" if np.isnan(value) else f"{value:.{digits}f}"
        ax.annotate(text, place, (6, 0), textcoords="offset points", va="center", color=INK)
    right = ax.get_xlim()[1]
    ax.set(
        xlabel=xlabel,
        xlim=(start, max(right, 1.08) if right > 0.7 else right + 0.05 * (right - start)),
        ylim=(len(rows) - 0.4, -0.6),
    )
    if start:
        ax.locator_params(axis="x", nbins=5)
    ax.set_yticks(rows["y"], rows["name"])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID)
    ax.set_axisbelow(True)
    close = {"borderaxespad": 0.2, "handletextpad": 0.3, "columnspacing": 1.2}
    ax.legend(frameon=False, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, **close)
    sns.despine(ax=ax, left=True)
    return ax


def plot_trainings(table: pd.DataFrame, *, ax: Axes | None = None, xlabel: str = "difference") -> Axes:
    """A row for each difference between two methods: a small mark for each training, the mean with its interval; zero is a line.

    Columns name, value, low, high, and training_0, training_1, ... Means whose interval has zero in it are drawn open.
    """
    ax = plt.gca() if ax is None else ax
    y = np.arange(len(table))
    ax.axvline(0, color=INK, lw=1)
    for column in [name for name in table if str(name).startswith("training_")]:
        ax.plot(table[column], y + 0.22, "|", color=FAINT, ms=9, mew=2, label="one training each")
    reach = (table["value"] - table["low"], table["high"] - table["value"])
    ax.errorbar(table["value"], y, xerr=reach, fmt="none", color=SERIES[0], lw=2.5)
    sure = ((table["low"] > 0) | (table["high"] < 0)).to_numpy()
    for which, face, label in ((sure, SERIES[0], "mean; zero is outside"), (~sure, "white", "mean; zero is within")):
        if which.any():
            ax.plot(table["value"][which], y[which], "o", color=SERIES[0], mfc=face, mew=2, ms=8, label=label)
    for place, value, high in zip(y, table["value"], table["high"], strict=True):
        ax.annotate(f"{value:+.3f}", (high, place), (6, 0), textcoords="offset points", va="center", color=INK)
    left, right = ax.get_xlim()
    ax.set(xlabel=xlabel, xlim=(left, right + 0.2 * (right - left)), ylim=(len(table) - 0.4, -0.6))
    ax.set_yticks(y, table["name"])
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color=GRID)
    ax.set_axisbelow(True)
    entries = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
    ax.legend(entries.values(), entries.keys(), frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=3)
    sns.despine(ax=ax, left=True)
    return ax


def _end(curve: Artist) -> float:
    return float(np.asarray(curve.get_ydata(), dtype=float)[-1]) if isinstance(curve, Line2D) else 0.0

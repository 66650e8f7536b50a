"""Explorer of a benchmark: two methods, their difference, and the faces each alone gets right."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ferkit.evaluation.intervals import compare_paired, mcnemar
from ferkit.plots import plot_contact_sheet
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    encode_figure,
    load_ipywidgets,
    make_text,
    make_view,
)

_SHOWN = 8  # faces of each method


def pair_explorer(
    right: pd.DataFrame, people: ArrayLike, pictures: Sequence[np.ndarray], labels: ArrayLike
) -> Explorer:
    """Compare two methods of `right` `(N, M)`, samples by methods.

    `people`, `pictures` and `labels` belong to the N samples. Controls: `first`, `second`. Pictures
    that may not be shown are given covered. ValueError for fewer than two methods.
    """
    methods = list(right.columns)
    if len(methods) < 2:
        raise ValueError(f"two methods are compared, got {len(methods)}")
    w = load_ipywidgets()
    controls = {
        "first": w.Dropdown(options=methods, value=methods[0], description="first"),
        "second": w.Dropdown(options=methods, value=methods[1], description="second"),
    }
    view = make_view(900, "png")
    text = make_text(lines=3)

    def redraw(_: object = None) -> None:
        first, second = controls["first"].value, controls["second"].value
        view.value = encode_figure(draw_pair(right, first, second, pictures, labels))
        text.value = pair_text(right, first, second, people)

    return assemble(controls, view, text, redraw)


def pair_text(right: pd.DataFrame, first: str, second: str, people: ArrayLike) -> str:
    """Say how two methods differ, with McNemar's counts."""
    difference = compare_paired(right[first], right[second], people)
    counts = mcnemar(right[first], right[second])
    low, high = 100 * difference.low, 100 * difference.high
    return (
        f"{first} minus {second}: {100 * difference.value:+.1f} points "
        f"[{low:.1f}, {high:.1f}] over {difference.people} people. Only the first is right on "
        f"{counts.only_a} faces, only the second on {counts.only_b} "
        f"(McNemar's test: p = {counts.p:.3f})."
    )


def draw_pair(
    right: pd.DataFrame,
    first: str,
    second: str,
    pictures: Sequence[np.ndarray],
    labels: ArrayLike,
) -> Figure:
    """Draw faces that one of two methods alone gets right; the first method's above."""
    names = np.asarray(labels)
    only_first = np.flatnonzero(right[first].astype(bool) & ~right[second].astype(bool))
    only_second = np.flatnonzero(right[second].astype(bool) & ~right[first].astype(bool))
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    axes = figure.subplots(2, 1)
    for ax, rows, name in zip(axes, (only_first, only_second), (first, second), strict=True):
        ax.set_axis_off()
        shown = rows[:_SHOWN]
        if len(shown):
            images = [pictures[row] for row in shown]
            plot_contact_sheet(images, names[shown].tolist(), _SHOWN, ax=ax)
        ax.set_title(f"only {name}: {len(rows)} faces", loc="left", size=10)
    return figure

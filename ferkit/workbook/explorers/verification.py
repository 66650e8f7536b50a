"""Explorer of paper 5: the threshold from which two pictures count as one person."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ferkit.plots import plot_similarities
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    encode_figure,
    load_ipywidgets,
    make_text,
    make_view,
    slider_layout,
)


def threshold_explorer(similarity: ArrayLike, same: ArrayLike) -> Explorer:
    """Explore the threshold of a verification.

    `similarity` `(P,)` of P pairs, `same` `(P,)` whether a pair shows one person. Control:
    `threshold`.
    """
    similarity = np.asarray(similarity, dtype=np.float64)
    same = np.asarray(same, dtype=bool)
    low, high = float(similarity.min()), float(similarity.max())
    controls = {
        "threshold": load_ipywidgets().FloatSlider(
            round((low + high) / 2, 2),
            min=round(low, 2),
            max=round(high, 2),
            step=0.01,
            description="threshold",
            layout=slider_layout(),
        )
    }
    view = make_view(520, "png")
    text = make_text(lines=3)
    table = similarity_table(similarity, same)

    def redraw(_: object = None) -> None:
        threshold = controls["threshold"].value
        view.value = threshold_picture(table, threshold)
        found, mistaken, correct = judge_pairs(similarity, same, threshold)
        text.value = (
            f"pairs of one person that are found: <b>{found:.0%}</b><br>"
            f"pairs of two people taken for one: <b>{mistaken:.0%}</b><br>"
            f"pairs judged correctly: <b>{correct:.1%}</b>"
        )

    return assemble(controls, view, text, redraw)


def similarity_table(similarity: np.ndarray, same: np.ndarray) -> pd.DataFrame:
    """Tabulate pairs for `plots.plot_similarities`."""
    pair = np.where(same, "pairs of one person", "pairs of two people")
    table = pd.DataFrame({"similarity": similarity, "pair": pair})
    return table.sort_values("pair", ascending=False, kind="stable", ignore_index=True)


def judge_pairs(
    similarity: np.ndarray, same: np.ndarray, threshold: float
) -> tuple[float, float, float]:
    """Return the share of one person's pairs found, of two people's taken for one, and correct."""
    accepted = similarity >= threshold
    found = float(accepted[same].mean())
    mistaken = float(accepted[~same].mean())
    return found, mistaken, float((accepted == same).mean())


def threshold_picture(table: pd.DataFrame, threshold: float) -> bytes:
    """Draw both kinds of pairs and the threshold, as PNG."""
    figure = Figure(figsize=(5.2, 3.0), dpi=100, layout="constrained")
    ax = figure.add_subplot()
    plot_similarities(table, ax=ax, threshold=threshold)
    ax.legend(frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return encode_figure(figure)

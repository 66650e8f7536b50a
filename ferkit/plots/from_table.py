"""Draw figures from tables, in panels where a table has any."""

from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ferkit.core.landmarks import LANDMARK_COLUMNS
from ferkit.plots.calibration import plot_reliability
from ferkit.plots.colours import EMOTION_COLOURS, SERIES
from ferkit.plots.drawn_vs_real import plot_gap
from ferkit.plots.dtagn import plot_alpha, plot_courses
from ferkit.plots.experiments import plot_pairs
from ferkit.plots.explain import plot_embedding, plot_roc, plot_similarities
from ferkit.plots.expressions import plot_displacements, plot_judged
from ferkit.plots.faces import plot_displacement, plot_landmarks, plot_residuals
from ferkit.plots.grouped import plot_grouped_intervals
from ferkit.plots.labels import plot_compound_grid, plot_votes
from ferkit.plots.ranking import (
    plot_cost,
    plot_differences,
    plot_rank_probabilities,
    plot_ranks,
)
from ferkit.plots.resampled import plot_resampled
from ferkit.plots.results import (
    plot_confusion,
    plot_history,
    plot_intervals,
    plot_top_k,
    plot_trainings,
)
from ferkit.plots.sweeps import plot_methods, plot_sweep
from ferkit.plots.timeline import plot_timeline

DPI = 110


def points_table(points: np.ndarray, **columns: Any) -> pd.DataFrame:
    """Tabulate faces `(N, 68, 2)`: given columns, then x0, ... y67."""
    points = np.asarray(points, dtype=np.float64)
    table = pd.DataFrame(points.reshape(len(points), -1), columns=list(LANDMARK_COLUMNS))
    for position, (name, value) in enumerate(columns.items()):
        table.insert(position, name, value)
    return table


def table_points(table: pd.DataFrame) -> np.ndarray:
    """The faces `(N, 68, 2)` of a table as of `points_table`."""
    return table[list(LANDMARK_COLUMNS)].to_numpy(dtype=np.float64).reshape(-1, 68, 2)


def _plot_labelled_landmarks(table: pd.DataFrame, *, ax: Axes, **options: Any) -> Axes:
    """One face a row; a column "label" names and colours them."""
    labels = table.get("label", pd.Series([None] * len(table)))
    for face, label, series_colour in zip(table_points(table), labels, cycle(SERIES), strict=False):
        colour = EMOTION_COLOURS.get(label, series_colour)
        plot_landmarks(face, ax=ax, colour=colour, label=label, **options)
    if "label" in table:
        ax.legend(frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4)
    return ax


def _plot_table_votes(table: pd.DataFrame, *, ax: Axes, **options: Any) -> Axes:
    return plot_votes(table.set_index("name")["votes"], ax=ax, **options)


# What can be drawn from a table alone.
PLOTS: dict[str, Callable[..., Axes]] = {
    "plot_landmarks": _plot_labelled_landmarks,
    "plot_residuals": lambda table, **options: plot_residuals(table_points(table), **options),
    "plot_displacement": lambda table, **options: plot_displacement(
        *table_points(table), **options
    ),
    "plot_votes": _plot_table_votes,
    "plot_compound_grid": lambda table, **options: plot_compound_grid(
        table.get("value"), **options
    ),
    "plot_confusion": plot_confusion,
    "plot_top_k": plot_top_k,
    "plot_intervals": plot_intervals,
    "plot_grouped_intervals": plot_grouped_intervals,
    "plot_trainings": plot_trainings,
    "plot_history": plot_history,
    "plot_alpha": plot_alpha,
    "plot_courses": plot_courses,
    "plot_embedding": plot_embedding,
    "plot_roc": plot_roc,
    "plot_similarities": plot_similarities,
    "plot_reliability": plot_reliability,
    "plot_gap": plot_gap,
    "plot_judged": plot_judged,
    "plot_displacements": plot_displacements,
    "plot_timeline": plot_timeline,
    "plot_resampled": plot_resampled,
    "plot_ranks": plot_ranks,
    "plot_rank_probabilities": plot_rank_probabilities,
    "plot_differences": plot_differences,
    "plot_cost": plot_cost,
    "plot_pairs": plot_pairs,
    "plot_sweep": plot_sweep,
    "plot_methods": plot_methods,
}
# Plots whose panels share one legend, one scale, or both axes.
_SHARED_LEGEND = (
    "plot_intervals",
    "plot_grouped_intervals",
    "plot_trainings",
    "plot_embedding",
    "plot_displacements",
    "plot_sweep",
    "plot_methods",
    "plot_pairs",
)
_SHARED_SCALE = ("plot_intervals", "plot_grouped_intervals", "plot_trainings")
_SHARED_AXES = ("plot_landmarks", "plot_residuals", "plot_displacement", "plot_displacements")


def draw_table(
    plot: str,
    table: pd.DataFrame,
    *,
    size: tuple[float, float] = (6.4, 4.0),
    title: str = "",
    columns: int | None = None,
    **options: Any,
) -> Figure:
    """Draw a table with one of PLOTS, in panels where it has any.

    A panel for each value of the column "panel"; `size` is that of a panel, in inches. There are
    at most `columns` panels in a row.
    """
    if plot not in PLOTS:
        raise ValueError(f"unknown plot {plot!r}; known: {', '.join(PLOTS)}")
    panels = list(table.groupby("panel", sort=False)) if "panel" in table else [("", table)]
    width, height = size
    # A fixed resolution: notebooks may have another default.
    across = min(columns or len(panels), len(panels))
    down = -(-len(panels) // across)
    figure = Figure(figsize=(width * across, height * down), layout="constrained", dpi=DPI)
    share = plot in _SHARED_AXES
    axes = np.ravel(figure.subplots(down, across, sharex=share, sharey=share))
    for ax in axes[len(panels) :]:
        ax.remove()
    for ax, (name, panel) in zip(axes, panels, strict=False):
        rows = panel.drop(columns="panel", errors="ignore").reset_index(drop=True)
        PLOTS[plot](rows, ax=ax, **options)
        ax.set_title(name)
    if plot in _SHARED_LEGEND and (len(panels) > 1 or plot == "plot_trainings"):
        if plot in _SHARED_SCALE:
            _share_scale(figure, keep_left=plot == "plot_trainings")
        _share_legend(figure, 4 if plot == "plot_methods" else None)
    if plot == "plot_history" and len(panels) > 1 and _have_same_legend(figure):
        _share_legend(figure)
    figure.suptitle(title)
    # Constrained layout places labels outside the axes correctly only in its second pass.
    figure.draw_without_rendering()
    return figure


def _share_scale(figure: Figure, keep_left: bool) -> None:
    """Give all panels the widest limits; with `keep_left` their marks as much room on the left.

    Labels stand there, and need the same share of a wider scale, and more of a narrow panel.
    """
    limits = np.array([ax.get_xlim() for ax in figure.axes])
    low, high = limits[:, 0].min(), limits[:, 1].max()
    width = high - low
    if keep_left and len(figure.axes) > 1:
        marks = np.array([ax.dataLim.x0 for ax in figure.axes])
        rooms = (marks - limits[:, 0]) / np.ptp(limits, axis=1)
        low = min(low, (marks - 1.6 * rooms * width).min())
    for ax in figure.axes:
        ax.set_xlim(low, high)


def _have_same_legend(figure: Figure) -> bool:
    labels = [ax.get_legend_handles_labels()[1] for ax in figure.axes if ax.get_legend()]
    return all(others == labels[0] for others in labels)


def _share_legend(figure: Figure, columns: int | None = None) -> None:
    """Replace the legends of all panels by one below the figure.

    Without a number of `columns` short names stand in one row, others in two columns.
    """
    entries: dict[str, Any] = {}
    for ax in figure.axes:
        if legend := ax.get_legend():
            handles, labels = ax.get_legend_handles_labels()
            entries.update(zip(labels, handles, strict=True))
            legend.remove()
    if entries:
        short = sum(map(len, entries)) < 80
        figure.legend(
            list(entries.values()),
            list(entries),
            loc="outside lower center",
            ncols=columns or (len(entries) if short else 2),
            frameon=False,
        )

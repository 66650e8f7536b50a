"""Pictures of numbers: arrays or a table in, the `Axes` out. Nothing is shown, or set for other plots.

Convention
- Points are `(68, 2)` in pixels, y down, on any Axes: drawn on an empty one, the face stands upright.
- Tables are pandas, one row a mark, with the columns each function names. `save_figure` keeps them beside the picture.
- Photographs pass through `shown` first: some may not be shown.
- Colours of emotions are EMOTION_COLOURS and nothing else.
"""

from ferkit.plots.colours import EMOTION_COLOURS, SERIES
from ferkit.plots.explained import plot_cam, plot_embedding, plot_roc, plot_scores
from ferkit.plots.faces import (
    plot_alignment_steps,
    plot_boxes,
    plot_contact_sheet,
    plot_displacement,
    plot_landmarks,
    plot_residuals,
    plot_wall,
)
from ferkit.plots.gap import plot_gap
from ferkit.plots.labels import plot_compound_grid, plot_votes
from ferkit.plots.results import plot_confusion, plot_history, plot_intervals, plot_top_k, plot_trainings
from ferkit.plots.saved import (
    PLOTS,
    draw,
    drawn_again,
    points_table,
    redraw_all,
    save_figure,
    save_picture,
    table_points,
)
from ferkit.plots.sequences import plot_alpha, plot_courses, plot_filters, plot_important
from ferkit.plots.shown import shown

__all__ = [
    "EMOTION_COLOURS",
    "PLOTS",
    "SERIES",
    "draw",
    "drawn_again",
    "plot_alignment_steps",
    "plot_alpha",
    "plot_boxes",
    "plot_cam",
    "plot_compound_grid",
    "plot_confusion",
    "plot_contact_sheet",
    "plot_courses",
    "plot_displacement",
    "plot_embedding",
    "plot_filters",
    "plot_gap",
    "plot_history",
    "plot_important",
    "plot_intervals",
    "plot_landmarks",
    "plot_residuals",
    "plot_roc",
    "plot_scores",
    "plot_top_k",
    "plot_trainings",
    "plot_votes",
    "plot_wall",
    "points_table",
    "redraw_all",
    "save_figure",
    "save_picture",
    "shown",
    "table_points",
]

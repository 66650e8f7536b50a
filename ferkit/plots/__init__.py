"""Draw arrays and tables on matplotlib's `Axes`; every function returns the `Axes`.

Convention
- Functions show nothing and change no global setting.
- Points are `(68, 2)` in pixels, y down: on empty axes a face stands upright.
- Tables are pandas, a row for each mark, with the columns that each function names.
- `save_figure` saves a table beside its picture.
- Photographs pass through `cover_restricted` first: some may not be shown.
- Emotions have the colours of EMOTION_COLOURS and no others.
"""

from ferkit.plots.calibration import plot_reliability
from ferkit.plots.colours import EMOTION_COLOURS, SERIES
from ferkit.plots.drawn_vs_real import plot_gap
from ferkit.plots.dtagn import plot_alpha, plot_courses, plot_filters, plot_important, plot_ways
from ferkit.plots.experiments import plot_folds, plot_pairs
from ferkit.plots.explain import (
    plot_cam,
    plot_embedding,
    plot_roc,
    plot_scores,
    plot_similarities,
)
from ferkit.plots.expressions import plot_displacements, plot_judged
from ferkit.plots.faces import (
    plot_alignment_steps,
    plot_boxes,
    plot_contact_sheet,
    plot_displacement,
    plot_landmarks,
    plot_residuals,
    plot_wall,
)
from ferkit.plots.from_table import PLOTS, draw_table, points_table, table_points
from ferkit.plots.grouped import plot_grouped_intervals
from ferkit.plots.labels import plot_compound_grid, plot_votes
from ferkit.plots.permission import cover_restricted
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
from ferkit.plots.saved import redraw_all, redraw_figure, save_figure, save_picture
from ferkit.plots.sweeps import plot_methods, plot_sweep
from ferkit.plots.timeline import plot_timeline

__all__ = [
    "EMOTION_COLOURS",
    "PLOTS",
    "SERIES",
    "cover_restricted",
    "draw_table",
    "plot_alignment_steps",
    "plot_alpha",
    "plot_boxes",
    "plot_cam",
    "plot_compound_grid",
    "plot_confusion",
    "plot_contact_sheet",
    "plot_cost",
    "plot_courses",
    "plot_differences",
    "plot_displacement",
    "plot_displacements",
    "plot_embedding",
    "plot_filters",
    "plot_folds",
    "plot_gap",
    "plot_grouped_intervals",
    "plot_history",
    "plot_important",
    "plot_intervals",
    "plot_judged",
    "plot_rank_probabilities",
    "plot_ranks",
    "plot_landmarks",
    "plot_methods",
    "plot_pairs",
    "plot_reliability",
    "plot_resampled",
    "plot_residuals",
    "plot_roc",
    "plot_scores",
    "plot_similarities",
    "plot_timeline",
    "plot_sweep",
    "plot_top_k",
    "plot_trainings",
    "plot_votes",
    "plot_wall",
    "plot_ways",
    "points_table",
    "redraw_all",
    "redraw_figure",
    "save_figure",
    "save_picture",
    "table_points",
]

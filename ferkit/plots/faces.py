"""Plots of faces: landmarks, displacements, and sheets of pictures."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.plots.colours import FAINT, INK, SERIES

# The lines that make a face of 68 points; a line is closed by its first point.
CONTOURS = (
    (*range(0, 17),),
    (*range(17, 22),),
    (*range(22, 27),),
    (*range(27, 31),),
    (*range(31, 36),),
    (*range(36, 42), 36),
    (*range(42, 48), 42),
    (*range(48, 60), 48),
    (*range(60, 68), 60),
)
_SHEET_STEP = 1.04  # from one picture of a contact sheet to the next; pictures have side 1


def plot_landmarks(
    points: ArrayLike,
    *,
    ax: Axes | None = None,
    colour: str = INK,
    label: str | None = None,
    connect: bool = True,
    width: float = 1.5,
    alpha: float = 1.0,
) -> Axes:
    """Draw a face as lines through its points, or as dots alone."""
    ax = _face_axes(ax)
    points = _check_points(points)
    if connect:
        x, y = _contour_lines(points).T
        ax.plot(x, y, color=colour, lw=width, alpha=alpha, label=label, solid_joinstyle="round")
    else:
        ax.plot(*points.T, ".", color=colour, ms=2.5 * width, alpha=alpha, label=label)
    return ax


def plot_residuals(points: ArrayLike, *, ax: Axes | None = None, colour: str = SERIES[0]) -> Axes:
    """Draw many faces `(N, 68, 2)`, pale, and their mean.

    For residuals give the mean face plus each residual: then both plots show faces on one scale.
    """
    points = np.asarray(points, dtype=np.float64)
    alpha = max(0.15, min(0.6, 8 / len(points)))
    for face in points:
        ax = plot_landmarks(face, ax=ax, colour=colour, width=0.8, alpha=alpha)
    return plot_landmarks(points.mean(0), ax=ax, colour=INK, width=2)


def plot_displacement(
    points_from: ArrayLike,
    points_to: ArrayLike,
    *,
    ax: Axes | None = None,
    colour: str = SERIES[1],
    times: float = 1,
) -> Axes:
    """Draw arrows from the points of one face to another's.

    The first face is drawn pale; the arrows are `times` as long as the difference.
    """
    start = _check_points(points_from)
    arrows = (_check_points(points_to) - start) * times
    ax = plot_landmarks(start, ax=ax, colour=FAINT)
    ax.quiver(
        *start.T,
        *arrows.T,
        color=colour,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.007,
        zorder=3,
    )
    ax.update_datalim(np.concatenate([start, start + arrows]))
    ax.autoscale_view()
    if times != 1:
        ax.text(
            0.5,
            0,
            f"arrows {times:g} times as long",
            transform=ax.transAxes,
            ha="center",
            va="top",
            color=INK,
        )
    return ax


def plot_wall(
    rows: Sequence[Sequence[np.ndarray]],
    columns: Sequence[str] = (),
    names: Sequence[str] = (),
    *,
    width: float = 12.0,
    text_size: float = 13.0,
    ax: Axes | None = None,
) -> Axes:
    """Draw rows of pictures of one size without gaps.

    `columns` are named above and rows, `names`, at the left, in letters of `text_size` points.
    Without `ax` a new figure is made, in which the pictures are `width` inches wide together.
    """
    image = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    image_height, image_width = image.shape[:2]
    if ax is None:
        longest = max((len(line) for line in "\n".join(names).splitlines()), default=0)
        figure_width = width + 0.01 * text_size * longest  # inches
        figure_height = width * image_height / image_width + 0.3
        _, ax = plt.subplots(figsize=(figure_width, figure_height), layout="constrained")
    ax.imshow(image, interpolation="antialiased")
    column_centres = (np.arange(len(columns)) + 0.5) * image_width / max(1, len(columns))
    row_centres = (np.arange(len(names)) + 0.5) * image_height / max(1, len(names))
    ax.set_xticks(column_centres, columns, fontsize=text_size)
    ax.set_yticks(row_centres, names, fontsize=text_size)
    ax.tick_params(length=0, labeltop=True, labelbottom=False)
    ax.spines[:].set_visible(False)
    return ax


def plot_contact_sheet(
    images: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    columns: int = 8,
    *,
    points: Sequence[ArrayLike | None] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures in rows of `columns`, with titles above.

    Pictures are `(H, W)` or `(H, W, 3)`; each lies in a square of side 1. `points` are landmarks in
    pixels of each picture, drawn on it; None for no landmarks. A title may have several lines.
    """
    ax = plt.gca() if ax is None else ax
    rows = -(-len(images) // columns)
    title_lines = max((title.count("\n") + 1 for title in titles or ()), default=0)
    row_gap = 0.06 + 0.18 * title_lines
    for position, image in enumerate(images):
        height, width = np.shape(image)[:2]
        side = max(height, width)
        x = (position % columns) * _SHEET_STEP
        y = (position // columns) * (1 + row_gap)
        left = x + (1 - width / side) / 2
        top = y + (1 - height / side) / 2
        white = 255 if np.asarray(image).dtype == np.uint8 else 1
        extent = (left, left + width / side, top + height / side, top)
        ax.imshow(
            image, cmap="gray", vmin=0, vmax=white, extent=extent, interpolation="antialiased"
        )
        if titles is not None:
            ax.text(
                x + 0.5,
                y - 0.04,
                titles[position],
                ha="center",
                va="bottom",
                size="small",
                color=INK,
            )
        landmarks = None if points is None else points[position]
        if landmarks is not None:
            placed = _check_points(landmarks) / side + (left, top)
            ax.plot(*_contour_lines(placed).T, color="white", lw=1.6, alpha=0.6)
            ax.plot(*placed.T, ".", color=SERIES[1], ms=3)
    ax.set_xlim(0, min(columns, len(images)) * _SHEET_STEP - 0.04)
    ax.set_ylim(rows * (1 + row_gap) - row_gap, -row_gap)
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def plot_boxes(
    image: np.ndarray, boxes: ArrayLike, names: Sequence[str], *, ax: Axes | None = None
) -> Axes:
    """Draw rectangles on a picture, with a legend of their names below.

    `boxes` `(n, 4)` are x0, y0, x1, y1 in pixels; integers are edges of pixels, not centres.
    """
    ax = plt.gca() if ax is None else ax
    height, width = np.shape(image)[:2]
    ax.imshow(image, extent=(0, width, height, 0), interpolation="antialiased")
    boxes = np.asarray(boxes, dtype=np.float64)
    rectangles = list(zip(boxes, names, cycle(SERIES), strict=False))
    for level, ((x0, y0, x1, y1), name, colour) in enumerate(reversed(rectangles)):
        x = (x0, x1, x1, x0, x0)
        y = (y0, y0, y1, y1, y0)
        # The first is on top and thinnest, so that common edges stay visible.
        line_width = 6 - 4 * level / max(1, len(rectangles) - 1)
        ax.plot(x, y, color="white", lw=line_width + 1.5, alpha=0.7)
        ax.plot(x, y, color=colour, lw=line_width, label=name)
    x_edges = boxes[:, [0, 2]]
    y_edges = boxes[:, [1, 3]]
    ax.set_xlim(min(0, x_edges.min()), max(width, x_edges.max()))
    ax.set_ylim(max(height, y_edges.max()), min(0, y_edges.min()))
    ax.set_axis_off()
    if len(names) > 1:
        handles = ax.get_legend_handles_labels()[0][::-1]
        ax.legend(
            handles=handles, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2
        )
    return ax


def plot_alignment_steps(
    images: Sequence[np.ndarray],
    points: Sequence[ArrayLike | None],
    titles: Sequence[str],
    *,
    anchors: Sequence[ArrayLike | None] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw pictures of one face with arrows between them.

    Landmarks are drawn on each. `anchors` are the points `(2, 2)` that the alignment keeps in
    place, in pixels of each picture; they are drawn as crosses.
    """
    ax = plot_contact_sheet(images, titles, len(images), points=points, ax=ax)
    for position, image in enumerate(images):
        left = position * _SHEET_STEP
        if anchors is not None and anchors[position] is not None:
            height, width = np.shape(image)[:2]
            side = max(height, width)
            margin = (1 - np.array([width, height]) / side) / 2
            placed = np.asarray(anchors[position]) / side + (left, 0) + margin
            ax.plot(*placed.T, "+", color="crimson", ms=13, mew=3)
        if position:
            arrow = {"arrowstyle": "simple", "fc": INK, "ec": "white"}
            ax.annotate("", (left + 0.07, 0.5), (left - 0.11, 0.5), arrowprops=arrow)
    return ax


def _face_axes(ax: Axes | None) -> Axes:
    """Prepare axes for a face: y down, equal scales, no frame."""
    ax = plt.gca() if ax is None else ax
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.set_aspect("equal")
    if not ax.images:
        ax.set_axis_off()
    return ax


def _check_points(points: ArrayLike) -> np.ndarray:
    array = np.asarray(points, dtype=np.float64)
    if array.shape != (68, 2):
        raise ValueError(f"expected the points of one face (68, 2), got {array.shape}")
    return array


def _contour_lines(points: np.ndarray) -> np.ndarray:
    """The contours of a face, one line `(M, 2)` broken by NaN."""
    gap = [[np.nan, np.nan]]
    return np.concatenate([np.concatenate([points[list(line)], gap]) for line in CONTOURS])

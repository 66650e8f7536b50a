"""Faces: landmarks as lines, what moved, and sheets of pictures."""

from collections.abc import Sequence
from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.plots.colours import FAINT, INK, SERIES

# The lines that make a face of 68 points; the first point again closes one.
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
    """A face as lines through its points, or as dots alone."""
    ax, points = _face_axes(ax), _points(points)
    if connect:
        x, y = _lines(points).T
        ax.plot(x, y, color=colour, lw=width, alpha=alpha, label=label, solid_joinstyle="round")
    else:
        ax.plot(*points.T, ".", color=colour, ms=2.5 * width, alpha=alpha, label=label)
    return ax


def plot_residuals(points: ArrayLike, *, ax: Axes | None = None, colour: str = SERIES[0]) -> Axes:
    """Many faces `(N, 68, 2)` over each other, pale, with their mean.

    For residuals give the mean face plus each residual: then both pictures are faces on one scale.
    """
    points = np.asarray(points, dtype=np.float64)
    for face in points:
        ax = plot_landmarks(face, ax=ax, colour=colour, width=0.8, alpha=max(0.15, min(0.6, 8 / len(points))))
    return plot_landmarks(points.mean(0), ax=ax, colour=INK, width=2)


def plot_displacement(
    points_from: ArrayLike,
    points_to: ArrayLike,
    *,
    ax: Axes | None = None,
    colour: str = SERIES[1],
    times: float = 1,
) -> Axes:
    """Arrows from each point of one face, drawn pale, to the same point of another, `times` as long."""
    start, end = _points(points_from), _points(points_to)
    ax = plot_landmarks(start, ax=ax, colour=FAINT)
    ax.quiver(
        *start.T,
        *((end - start) * times).T,
        color=colour,
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.007,
        zorder=3,
    )
    reach = np.concatenate([start, start + (end - start) * times])
    ax.update_datalim(reach)
    ax.autoscale_view()
    if times != 1:
        ax.text(0.5, 0, f"arrows {times:g} times as long", transform=ax.transAxes, ha="center", va="top", color=INK)
    return ax


def plot_wall(
    rows: Sequence[Sequence[np.ndarray]],
    columns: Sequence[str] = (),
    names: Sequence[str] = (),
    *,
    width: float = 12.0,
    ax: Axes | None = None,
) -> Axes:
    """Rows of pictures of one size without gaps, columns named above and rows at the left.

    Without `ax` a new figure is made, its pictures `width` inches wide together.
    """
    image = np.concatenate([np.concatenate(row, axis=1) for row in rows])
    high, wide = image.shape[:2]
    if ax is None:
        beside = 0.13 * max((len(line) for name in names for line in name.splitlines()), default=0)  # inches
        _, ax = plt.subplots(figsize=(width + beside, width * high / wide + 0.3), layout="constrained")
    ax.imshow(image, interpolation="antialiased")
    ax.set_xticks((np.arange(len(columns)) + 0.5) * wide / max(1, len(columns)), columns, fontsize=13)
    ax.set_yticks((np.arange(len(names)) + 0.5) * high / max(1, len(names)), names, fontsize=13)
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
    """Pictures `(H, W)` or `(H, W, 3)` in rows of `columns`, each in a square of side 1, with titles above (lines end with
    a newline).

    `points` are landmarks in pixels of each picture, drawn on it, None for none.
    """
    ax = plt.gca() if ax is None else ax
    rows = -(-len(images) // columns)
    lines = max((title.count("\n") + 1 for title in titles or ()), default=0)
    lead = 0.06 + 0.18 * lines  # room for titles
    for i, image in enumerate(images):
        height, width = np.shape(image)[:2]
        side = max(height, width)
        x, y = (i % columns) * 1.04, (i // columns) * (1 + lead)
        left, top = x + (1 - width / side) / 2, y + (1 - height / side) / 2
        ax.imshow(
            image,
            cmap="gray",
            vmin=0,
            vmax=255 if np.asarray(image).dtype == np.uint8 else 1,
            extent=(left, left + width / side, top + height / side, top),
            interpolation="antialiased",
        )
        if titles is not None:
            ax.text(x + 0.5, y - 0.04, titles[i], ha="center", va="bottom", size="small", color=INK)
        found = None if points is None else points[i]
        if found is not None:
            placed = _points(found) / side + (left, top)
            ax.plot(*_lines(placed).T, color="white", lw=1.6, alpha=0.6)
            ax.plot(*placed.T, ".", color=SERIES[1], ms=3)
    ax.set(xlim=(0, min(columns, len(images)) * 1.04 - 0.04), ylim=(rows * (1 + lead) - lead, -lead))
    ax.set_aspect("equal")
    ax.set_axis_off()
    return ax


def plot_boxes(image: np.ndarray, boxes: ArrayLike, names: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Rectangles on a picture, each in a colour of its own; `boxes` `(n, 4)` are x0, y0, x1, y1 in pixels, edges not pixel centres.

    Their names stand in a legend below.
    """
    ax = plt.gca() if ax is None else ax
    size = np.shape(image)[1], np.shape(image)[0]
    ax.imshow(image, extent=(0, size[0], size[1], 0), interpolation="antialiased")
    places = np.asarray(boxes, dtype=np.float64)
    rows = list(zip(places, names, cycle(SERIES), strict=False))
    for level, ((x0, y0, x1, y1), name, colour) in enumerate(reversed(rows)):
        x, y = (x0, x1, x1, x0, x0), (y0, y0, y1, y1, y0)
        width = 6 - 4 * level / max(1, len(rows) - 1)  # the first on top and thinnest: common edges stay seen
        ax.plot(x, y, color="white", lw=width + 1.5, alpha=0.7)
        ax.plot(x, y, color=colour, lw=width, label=name)
    ax.set(xlim=(min(0, places[:, [0, 2]].min()), max(size[0], places[:, [0, 2]].max())))
    ax.set(ylim=(max(size[1], places[:, [1, 3]].max()), min(0, places[:, [1, 3]].min())))
    ax.set_axis_off()
    if len(names) > 1:
        handles = ax.get_legend_handles_labels()[0][::-1]
        ax.legend(handles=handles, frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=2)
    return ax


def plot_alignment_steps(
    images: Sequence[np.ndarray],
    points: Sequence[ArrayLike | None],
    titles: Sequence[str],
    *,
    anchors: Sequence[ArrayLike | None] | None = None,
    ax: Axes | None = None,
) -> Axes:
    """The pictures of one face side by side with arrows between them, landmarks on each.

    `anchors` are the points `(2, 2)` that the alignment holds on to, in pixels of each picture: drawn as crosses.
    """
    ax = plot_contact_sheet(images, titles, len(images), points=points, ax=ax)
    for i, image in enumerate(images):
        height, width = np.shape(image)[:2]
        if anchors is not None and anchors[i] is not None:
            side = max(height, width)
            placed = np.asarray(anchors[i]) / side + (i * 1.04, 0) + (1 - np.array([width, height]) / side) / 2
            ax.plot(*placed.T, "+", color=SERIES[2], ms=12, mew=2.5)
        if i:
            ax.annotate(
                "",
                (i * 1.04 + 0.07, 0.5),
                (i * 1.04 - 0.11, 0.5),
                arrowprops={"arrowstyle": "simple", "fc": INK, "ec": "white"},
            )
    return ax


def _face_axes(ax: Axes | None) -> Axes:
    ax = plt.gca() if ax is None else ax
    if not ax.yaxis_inverted():
        ax.invert_yaxis()
    ax.set_aspect("equal")
    if not ax.images:
        ax.set_axis_off()
    return ax


def _points(points: ArrayLike) -> np.ndarray:
    array = np.asarray(points, dtype=np.float64)
    if array.shape != (68, 2):
        raise ValueError(f"expected the points of one face (68, 2), got {array.shape}")
    return array


def _lines(points: np.ndarray) -> np.ndarray:
    """The contours of a face as one line `(M, 2)`, broken by nan."""
    return np.concatenate([np.concatenate([points[list(line)], [[np.nan, np.nan]]]) for line in CONTOURS])

"""Plots of Grad-CAM, class scores, t-SNE and ROC curves."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, product
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.plots.colours import EMOTION_COLOURS, FAINT, INK, SERIES

_MARKERS = "os^DvP"
_EMOTION_MARKERS = "oXPv^*sD"  # shapes beside colours
_MOST_NAMED = 16  # groups up to which a legend tells them apart


def plot_embedding(table: pd.DataFrame, *, ax: Axes | None = None, colour: str = "emotion") -> Axes:
    """Draw points of a plane, told apart by colour and marker by the column `colour`.

    Columns x, y, `colour` and, where given, `part`: "training" is drawn small and pale. Emotions
    have their own colours and markers; other groups have one of six of each, and a legend up to 16
    groups. The axes have no ticks, since the coordinates of t-SNE mean nothing.
    """
    ax = plt.gca() if ax is None else ax
    missing = {"x", "y", colour} - set(table.columns)
    if missing:
        raise ValueError(
            f"expected the columns x, y and {colour}, {', '.join(sorted(missing))} is missing"
        )
    groups = {str(name): rows for name, rows in table.groupby(colour, sort=True)}
    styles = _group_styles(list(groups))
    for name, (shade, marker) in styles.items():
        rows = groups[name]
        is_small = rows["part"] == "training" if "part" in rows else np.zeros(len(rows), dtype=bool)
        small = rows.loc[is_small, ["x", "y"]].to_numpy()
        large = rows.loc[~is_small, ["x", "y"]].to_numpy()
        ax.scatter(small[:, 0], small[:, 1], 16, color=shade, marker=marker, lw=0, alpha=0.35)
        ax.scatter(
            large[:, 0], large[:, 1], 64, color=shade, marker=marker, lw=0.6, ec="white", label=name
        )
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_aspect("equal", adjustable="datalim")
    if len(styles) <= _MOST_NAMED:
        ax.legend(
            frameon=False,
            loc="upper center",
            bbox_to_anchor=(0.5, 0),
            ncols=4,
            handletextpad=0.1,
            columnspacing=1,
        )
    return ax


def _group_styles(names: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker of each group; emotions in their usual order."""
    if set(names) <= set(EMOTION_COLOURS):
        looks = zip(EMOTION_COLOURS.items(), _EMOTION_MARKERS, strict=True)
        return {name: (shade, marker) for (name, shade), marker in looks if name in names}
    styles: Iterator[tuple[str, str]] = cycle(product(_MARKERS, SERIES))
    return {name: (shade, marker) for name, (marker, shade) in zip(names, styles, strict=False)}


def plot_cam(
    heat: ArrayLike,
    picture: ArrayLike,
    *,
    ax: Axes | None = None,
    points: ArrayLike | None = None,
    activated: ArrayLike = (),
) -> Axes:
    """Lay a heat map `(H, W)` in 0..1 over a picture.

    The picture, `(H, W)` or `(H, W, 3)`, is shown in light grey, so that the map stands out, and
    shows through where the map is 0. Landmarks `points` `(68, 2)` are drawn too, those with numbers
    in `activated` large.
    """
    ax = plt.gca() if ax is None else ax
    heat = np.asarray(heat, dtype=np.float64)
    grey = np.asarray(picture, dtype=np.float64)
    white = 255 if np.asarray(picture).dtype == np.uint8 else 1
    if grey.ndim == 3:
        grey = grey.mean(2)
    grey = grey / white
    if heat.shape != grey.shape or heat.ndim != 2:
        raise ValueError(f"expected a map of the picture's size {grey.shape}, got {heat.shape}")
    height, width = heat.shape
    extent = (0, width, height, 0)  # pixel centres at integer + 0.5, as landmarks are
    ax.imshow(0.4 + 0.6 * grey, cmap="gray", vmin=0, vmax=1, extent=extent)
    opacity = 0.75 * np.clip(heat, 0, 1)
    ax.imshow(heat, cmap="inferno", vmin=0, vmax=1, extent=extent, alpha=opacity)
    if points is not None:
        is_activated = np.isin(np.arange(68), np.asarray(activated, dtype=int))
        landmarks = np.asarray(points, dtype=np.float64)
        ax.plot(*landmarks[~is_activated].T, ".", color="white", mec=INK, mew=0.4, ms=4)
        ax.plot(*landmarks[is_activated].T, "o", color=SERIES[5], mec=INK, mew=0.6, ms=6)
    ax.set_axis_off()
    return ax


def plot_roc(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Draw ROC curves over the diagonal of chance.

    Columns false_accepts, true_accepts and, where there are several curves, name.
    """
    ax = plt.gca() if ax is None else ax
    curves = table.groupby("name", sort=False) if "name" in table else [(None, table)]
    ax.plot([0, 1], [0, 1], "--", color=FAINT, lw=1.5, label="chance")
    styles = zip(cycle(SERIES), cycle(("-", "-.", ":")), strict=False)
    for (name, rows), (shade, style) in zip(curves, styles, strict=False):
        ax.plot(rows["false_accepts"], rows["true_accepts"], style, color=shade, lw=2, label=name)
    ax.set(
        xlabel="share of two people's pairs taken for one",
        ylabel="share of one person's pairs found",
        xlim=(-0.01, 1),
        ylim=(0, 1.01),
    )
    ax.set_aspect("equal")
    if "name" in table:
        ax.legend(frameon=False, loc="lower right")
    sns.despine(ax=ax)
    return ax


def plot_similarities(
    table: pd.DataFrame, *, ax: Axes | None = None, threshold: float | None = None
) -> Axes:
    """Draw how similar pairs of one person and pairs of two people are, as two histograms.

    Columns similarity and pair, the kind. A `threshold` is a line; pairs to the right of it count
    as one person.
    """
    ax = plt.gca() if ax is None else ax
    edges = np.linspace(table["similarity"].min(), table["similarity"].max(), 31)
    styles: list[tuple[Literal["stepfilled", "step"], float]]
    styles = [("stepfilled", 0.45), ("step", 1.0)]
    groups = table.groupby("pair", sort=False)
    for (kind, rows), shade, style in zip(groups, cycle(SERIES), cycle(styles), strict=False):
        ax.hist(
            rows["similarity"],
            edges.tolist(),
            histtype=style[0],
            lw=2.2,
            color=shade,
            alpha=style[1],
            label=kind,
        )
    if threshold is not None:
        ax.axvline(threshold, color=INK, lw=2, ls="--", label=f"threshold {threshold:.2f}")
    ax.set(xlabel="cosine of the two features", ylabel="pairs")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    sns.despine(ax=ax)
    return ax


def plot_scores(
    scores: Mapping[str, ArrayLike],
    names: Sequence[str],
    *,
    ax: Axes | None = None,
    truth: str | None = None,
) -> Axes:
    """Draw each network's probabilities `(K,)` of one face's classes as bars.

    A row for each class of `names`, a bar for each network; the row of the true class is shaded.
    """
    ax = plt.gca() if ax is None else ax
    thickness = 0.8 / len(scores)
    middle = (len(scores) - 1) / 2
    for position, (network, values) in enumerate(scores.items()):
        if np.shape(values) != (len(names),):
            raise ValueError(
                f"expected a probability for each of {len(names)} classes, got {np.shape(values)}"
            )
        y = np.arange(len(names)) + (position - middle) * thickness
        colour = SERIES[position % len(SERIES)]
        ax.barh(y, np.asarray(values, dtype=np.float64), thickness, color=colour, label=network)
    ax.set_yticks(range(len(names)), names)
    if truth is not None:
        row = list(names).index(truth)
        ax.axhspan(row - 0.5, row + 0.5, color=FAINT, alpha=0.4, lw=0, zorder=0)
    ax.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax)
    return ax

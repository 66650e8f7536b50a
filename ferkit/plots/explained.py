"""What networks look at, what they say, and how they place faces: Grad-CAM, scores of one face, t-SNE, the ROC of verification."""

from collections.abc import Mapping, Sequence
from itertools import cycle, product

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from ferkit.plots.colours import EMOTION_COLOURS, FAINT, INK, SERIES

MARKS = "os^DvP"
NAMED = 16  # groups up to which a legend tells them apart
SMALL = "training"  # the `part` that is drawn small, as in `dtagn`'s figure 9


def plot_embedding(table: pd.DataFrame, *, ax: Axes | None = None, colour: str = "emotion") -> Axes:
    """Places on a plane, coloured by the column `colour`; columns x, y and where given `part`: "training" is drawn small.

    Emotions have their colours, other groups one of six with one of six marks, and no legend when they are more than 16. The axes
    have no numbers, since those of t-SNE mean nothing.
    """
    ax = plt.gca() if ax is None else ax
    if missing := {"x", "y", colour} - set(table.columns):
        raise ValueError(f"expected the columns x, y and {colour}, {', '.join(sorted(missing))} is missing")
    groups = {str(name): rows for name, rows in table.groupby(colour, sort=True)}
    known = set(groups) <= set(EMOTION_COLOURS)
    order = [name for name in EMOTION_COLOURS if name in groups] if known else list(groups)
    looks = [(EMOTION_COLOURS[n], "o") for n in order] if known else [(c, m) for m, c in product(MARKS, SERIES)]
    for name, (shade, mark) in zip(order, cycle(looks), strict=False):
        rows = groups[name]
        small = (rows["part"] == SMALL) if "part" in rows else pd.Series(False, rows.index)
        few, many = (rows.loc[side, ["x", "y"]].to_numpy() for side in (small, ~small))
        ax.scatter(few[:, 0], few[:, 1], s=5, color=shade, marker=mark, lw=0, alpha=0.6)
        ax.scatter(many[:, 0], many[:, 1], s=32, color=shade, marker=mark, lw=0.5, ec="white", label=name)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_aspect("equal", adjustable="datalim")
    if len(order) <= NAMED:
        ax.legend(
            frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=4, handletextpad=0.1, columnspacing=1
        )
    return ax


def plot_cam(
    heat: ArrayLike,
    picture: ArrayLike,
    *,
    ax: Axes | None = None,
    points: ArrayLike | None = None,
    activated: ArrayLike = (),
) -> Axes:
    """A map `(H, W)` in 0..1 over a picture `(H, W)` or `(H, W, 3)`, which is shown in grey, lighter so that the map stands out.

    With `points` `(68, 2)` the landmarks are drawn, those whose numbers are in `activated` large. Where the map is 0 the picture
    shows through.
    """
    ax = plt.gca() if ax is None else ax
    values, grey = np.asarray(heat, dtype=np.float64), np.asarray(picture, dtype=np.float64)
    full = 255 if np.asarray(picture).dtype == np.uint8 else 1
    grey = (grey.mean(2) if grey.ndim == 3 else grey) / full
    if values.shape != grey.shape or values.ndim != 2:
        raise ValueError(f"expected a map of the picture's size {grey.shape}, got {values.shape}")
    height, width = values.shape
    place = (0, width, height, 0)  # pixel centres at integer + 0.5, as landmarks are
    ax.imshow(0.25 + 0.75 * grey, cmap="gray", vmin=0, vmax=1, extent=place)
    ax.imshow(values, cmap="inferno", vmin=0, vmax=1, extent=place, alpha=0.75 * np.clip(values, 0, 1))
    if points is not None:
        marked = np.isin(np.arange(68), np.asarray(activated, dtype=int))
        x, y = np.asarray(points, dtype=np.float64).T
        ax.plot(x[~marked], y[~marked], ".", color="white", mec=INK, mew=0.4, ms=4)
        ax.plot(x[marked], y[marked], "o", color=SERIES[5], mec=INK, mew=0.6, ms=6)
    ax.set_axis_off()
    return ax


def plot_roc(table: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """ROC curves; columns false_accepts and true_accepts as of `verification.roc`, and where there are several, `name`.

    The diagonal is a guesser who knows nothing.
    """
    ax = plt.gca() if ax is None else ax
    curves = table.groupby("name", sort=False) if "name" in table else [(None, table)]
    ax.plot([0, 1], [0, 1], "--", color=FAINT, lw=1.5, label="chance")
    for (name, rows), shade in zip(curves, cycle(SERIES), strict=False):
        ax.plot(rows["false_accepts"], rows["true_accepts"], color=shade, lw=2, label=name)
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


def plot_scores(
    scores: Mapping[str, ArrayLike], names: Sequence[str], *, ax: Axes | None = None, truth: str | None = None
) -> Axes:
    """What several networks say of one face: `scores` has each one's probabilities `(K,)` of the classes `names`.

    A row for each class, a bar for each network; the row of the true class is shaded.
    """
    ax = plt.gca() if ax is None else ax
    thick = 0.8 / len(scores)
    for place, ((network, values), colour) in enumerate(zip(scores.items(), cycle(SERIES), strict=False)):
        if np.shape(values) != (len(names),):
            raise ValueError(f"expected a probability for each of {len(names)} classes, got {np.shape(values)}")
        y = np.arange(len(names)) + (place - (len(scores) - 1) / 2) * thick
        ax.barh(y, np.asarray(values, dtype=np.float64), thick, color=colour, label=network)
    ax.set_yticks(range(len(names)), names)
    if truth is not None:
        row = list(names).index(truth)
        ax.axhspan(row - 0.5, row + 0.5, color=FAINT, alpha=0.4, lw=0, zorder=0)
    ax.set(xlim=(0, 1), ylim=(len(names) - 0.5, -0.5))
    ax.set_xticks((0, 0.5, 1), ("0", "0.5", "1"))
    ax.tick_params(axis="y", length=0)
    sns.despine(ax=ax)
    return ax

"""Notebook 05, section "Look inside": first-layer filters, feature maps, important landmarks."""

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from scipy.stats import spearmanr

from ferkit import plots
from ferkit.core.landmarks import SUBSET_49, normalise
from ferkit.evaluation.scores import score
from ferkit.papers.dtagn import look_inside
from ferkit.papers.dtagn.data import SequenceSet, redraw_motion
from ferkit.papers.dtagn.few_frames import CHANGE, MOTION, FewFrames, reference_maps
from ferkit.papers.dtagn.network import DTGN_NOTATION, build
from ferkit.papers.tables import interval_table
from ferkit.training.by_folds import CrossTrained
from ferkit.training.seeds import seeded

_SHOWN_MAPS = 4  # feature maps in a row of the figure
_SHOWN_FILTERS = 8


def first_layer_maps(
    few: FewFrames, loaded: SequenceSet, level: str, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Choose up to 48 test sequences (4 at `smoke`) and map edges, change and true motion.

    Returns the sequences' rows and their maps; true motion is known for drawn sets alone.
    """
    rows = np.flatnonzero(few.tested)
    rows = rows[:: max(1, len(rows) // (4 if level == "smoke" else 48))]
    clips = [loaded.clips[row] for row in rows]
    motion = redraw_motion(clips, loaded.faces, level, seed) if loaded.is_drawn else None
    pictures = few.pictures[rows]
    return rows, reference_maps(pictures, loaded.find_peak(pictures.shape[1]), motion)


def draw_filters(few: FewFrames) -> Figure:
    """Draw the filters that training changed most, before it and after it."""
    before = look_inside.first_filters(few.untrained)
    after = look_inside.first_filters(few.trained)
    changed = np.linalg.norm((after - before).reshape(len(after), -1), axis=1)
    most = np.argsort(-changed, kind="stable")[:_SHOWN_FILTERS]
    figure, axes = plt.subplots(2, 1, figsize=(8, 4.8), layout="constrained")
    for ax, title, weights in zip(
        axes, ("before training", "trained"), (before, after), strict=True
    ):
        plots.plot_filters(weights[most], columns=_SHOWN_FILTERS, ax=ax)
        ax.set_title(f"{title}: each column is a filter, with a kernel for each of its frames")
    bar = figure.colorbar(axes[0].images[0], ax=list(axes), shrink=0.7)
    bar.set_label("weight, 1: the filter's largest")
    return figure


def filter_metrics(few: FewFrames, dataset: str) -> dict[str, dict[str, float]]:
    """Measure which share of the filters' power changes with time, and which is even."""
    metrics = {}
    for state, network in (("before", few.untrained), ("trained", few.trained)):
        shares = look_inside.filter_shares(look_inside.first_filters(network))
        for name, share in shares.items():
            metrics[f"{dataset}/filters/{state}/{name}"] = {"value": float(share.mean())}
    return metrics


def describe_filters(metrics: Mapping[str, Any], dataset: str) -> list[str]:
    """Say which share of the filters' squared weights changes from frame to frame."""
    before, trained = (
        metrics[f"{dataset}/filters/{state}/change"]["value"] for state in ("before", "trained")
    )
    return [
        f"{before:.1%} of the filters' squared weights differ from the filter's mean over time "
        f"before training, {trained:.1%} after it; weights drawn at random would have {2 / 3:.1%}."
    ]


def draw_feature_maps(
    few: Mapping[int, FewFrames],
    rows: np.ndarray,
    maps: Mapping[str, np.ndarray],
    dataset: str,
) -> Figure:
    """Draw a test sequence's feature maps in each network, beside what they may follow."""
    target = maps.get(MOTION, maps[CHANGE])
    chosen = int(np.argmax(target.max((1, 2))))
    lines = {"what a map\nmight follow": {name: maps[name][chosen] for name in maps}}
    for frames, one in few.items():
        found = look_inside.first_responses(one.trained, one.pictures[rows])
        order = np.argsort(-np.nanmean(found.var((2, 3)), 0))[:_SHOWN_MAPS]
        label = f"maps of {frames}\nframe{'s' * (frames > 1)}"
        lines[label] = {f"feature map {n}": found[chosen, m] for n, m in enumerate(order, 1)}
    figure, axes = plt.subplots(
        len(lines), _SHOWN_MAPS, figsize=(7.2, 1.9 * len(lines)), layout="constrained"
    )
    for row, (label, pictures) in zip(axes, lines.items(), strict=True):
        image = _draw_maps(row, pictures, dataset)
        row[0].set_ylabel(label, size=12)
    figure.colorbar(image, ax=axes, shrink=0.8, label="1: the map's largest")
    return figure


def _draw_maps(axes: Iterable[Axes], pictures: Mapping[str, np.ndarray], dataset: str) -> AxesImage:
    """Draw maps, each stretched to its largest value; axes that are left over stay empty."""
    scaled = [picture / max(float(picture.max()), 1e-12) for picture in pictures.values()]
    covered = plots.cover_restricted(scaled, dataset)
    for ax in axes:
        ax.set(xticks=[], yticks=[], frame_on=False)
    for ax, picture, title in zip(axes, covered, pictures, strict=False):
        image = ax.imshow(picture, cmap="viridis", vmin=0, vmax=1)
        ax.set_title(title, size=11)
    return image


def agreement_metrics(agreement: pd.DataFrame, dataset: str) -> dict[str, dict[str, float]]:
    """Name the rows of `measure_agreement` as metrics."""
    metrics = {}
    for row in agreement.to_dict("records"):
        quantity = row["quantity"].replace(", ", "_").replace(" ", "_")
        key = f"{dataset}/responds/{row['frames']}/{row['state'].split()[0]}/{quantity}"
        metrics[key] = {part: row[part] for part in ("value", "low", "high", "n")}
    return metrics


def agreement_panels(agreement: pd.DataFrame) -> pd.DataFrame:
    """Arrange the rows of `measure_agreement` for `plots.plot_grouped_intervals`."""
    frames = agreement["frames"].map(lambda n: f"network of {n} frame{'s' * (n > 1)}")
    table = agreement.assign(panel=frames, name=agreement["quantity"].str.replace(", ", ",\n"))
    return table.rename(columns={"state": "group"})


# What the network uses


def trick_metrics(
    correct: Mapping[str, np.ndarray], few: FewFrames, dataset: str, seed: int
) -> dict[str, dict[str, float]]:
    """Name the accuracies of `correct_when_tricked` as metrics."""
    return {
        f"{dataset}/dtan/3_frames/{name.replace(' ', '_')}": score(
            right, few.predictions.people, seed=seed
        )
        for name, right in correct.items()
    }


def trick_rows(metrics: Mapping[str, Any], one_frame: FewFrames, dataset: str) -> pd.DataFrame:
    """Tabulate the three ways of showing sequences beside the network of one frame."""
    truth = one_frame.predictions.truth
    names = {
        f"{dataset}/dtan/3_frames/as_they_are": "as they are",
        f"{dataset}/dtan/3_frames/standing_still": "standing still",
        f"{dataset}/dtan/3_frames/backwards": "backwards",
        f"{dataset}/dtan/1_frames": "for comparison:\nDTAN on one frame",
    }
    chance = float(np.bincount(truth).max() / len(truth))
    return interval_table(metrics, names, chance=chance)


def describe_tricks(metrics: Mapping[str, Any], dataset: str) -> list[str]:
    """Say what standing still and running backwards cost."""
    ways = ("as_they_are", "standing_still", "backwards")
    forward, still, backward = (metrics[f"{dataset}/dtan/3_frames/{way}"]["value"] for way in ways)
    return [
        f"As they are, {forward:.0%} of the test sequences are recognised; standing still, "
        f"{still:.0%}; backwards, {backward:.0%}."
    ]


# Which landmarks matter


def compare_landmarks(loaded: SequenceSet, trained: CrossTrained, seed: int) -> pd.DataFrame:
    """Tabulate each landmark's weight, trained and untrained, and how far it really moves.

    Columns point, trained, movement, untrained. The movement is that of the true landmarks where
    the drawing knows them, else of those that were found.
    """
    faces = loaded.faces
    courses = []
    for position, clip in enumerate(loaded.clips):
        found = faces.landmarks[faces.table["clip"] == position]
        points = clip.extra["landmarks"] if loaded.is_drawn else found
        if np.isfinite(points).all():
            courses.append(normalise(points[:, SUBSET_49]))
    movement = np.mean([np.abs(x - x[0]).max(0).mean(-1) for x in courses], 0)
    networks = [one.network for one in trained.trained]
    importance = np.mean([look_inside.landmark_importance(network) for network in networks], 0)
    untrained = seeded(partial(build, DTGN_NOTATION[loaded.kind], 12), seed)
    return pd.DataFrame(
        {
            "point": SUBSET_49,
            "trained": importance,
            "movement": movement,
            "untrained": look_inside.landmark_importance(untrained),
        }
    )


def draw_important(loaded: SequenceSet, table: pd.DataFrame) -> Figure:
    """Draw the ten landmarks with the largest weights, and the ten that move most."""
    face = np.nanmean(loaded.faces.landmarks.astype(float), 0)
    titles = {
        "trained": "weights, trained",
        "movement": "true movement",
        "untrained": "weights before training",
    }
    figure, axes = plt.subplots(1, 3, figsize=(9, 3), layout="constrained")
    for ax, (column, title) in zip(axes, titles.items(), strict=True):
        plots.plot_important(face, table[column].to_numpy(), ax=ax)
        ax.set_title(title)
    return figure


def rank_landmarks(table: pd.DataFrame, dataset: str) -> dict[str, dict[str, float]]:
    """Correlate landmarks' weights with their movement by rank, and compare the ten largest."""
    movement = table["movement"].to_numpy()
    top = set(look_inside.find_most_important(movement).tolist())
    metrics = {}
    for name, column in (("trained", "trained"), ("before", "untrained")):
        weights = table[column].to_numpy()
        common = top & set(look_inside.find_most_important(weights).tolist())
        key = f"{dataset}/important/{name}"
        rank = float(spearmanr(weights, movement).statistic)
        metrics[f"{key}/rank_correlation"] = {"value": rank, "n": len(table)}
        metrics[f"{key}/common_of_ten"] = {"value": len(common)}
    return metrics


def describe_landmarks(metrics: Mapping[str, Any], dataset: str) -> list[str]:
    """Say how landmarks' weights agree with their movement, before and after training."""
    key = f"{dataset}/important"
    words = []
    for name, state in (("trained", "trained"), ("before", "untrained")):
        rank = metrics[f"{key}/{name}/rank_correlation"]["value"]
        common = metrics[f"{key}/{name}/common_of_ten"]["value"]
        words.append(
            f"{state} weights have a rank correlation of {rank:.2f} with movement, and {common} of "
            "their ten largest are among the ten points that move most"
        )
    return [f"The {'; the '.join(words)}. Ten points chosen at random would share {100 / 49:.1f}."]

"""Notebook 05: tables and figures of DTAN and DTGN."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.core.landmarks import SUBSET_49
from ferkit.data.folds import fold_hash
from ferkit.evaluation.intervals import Score, compare_paired
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.resample import INTERPOLATIONS, resample
from ferkit.papers.dtagn import specs
from ferkit.papers.dtagn.data import SequenceSet
from ferkit.papers.dtagn.network import DTGN_NOTATION, build
from ferkit.papers.dtagn.plans import PLANS
from ferkit.papers.dtagn.sequences import VERSIONS, Sequences, vary_pictures
from ferkit.papers.tables import history_table, interval_table, paper_table
from ferkit.training.by_folds import CrossTrained
from ferkit.training.layers import count_parameters
from ferkit.training.seeds import seeded
from ferkit.training.spec import Network
from ferkit.workbook.explorers.base import Explorer
from ferkit.workbook.explorers.dtagn import sequence_explorer
from ferkit.workbook.networks import keep_networks, training_of
from ferkit.workbook.notebook_run import NotebookRun

_FACE_GREY = 150  # the mean grey level to which faces are brought for display
_MIDDLE = slice(16, 48)  # of an aligned face: without hair and background


def choose_examples(loaded: SequenceSet) -> dict[str, int]:
    """Choose a sequence of each emotion that occurs, that of the best lit face."""
    brightness = loaded.data.pictures[:, 0, _MIDDLE, _MIDDLE].float().mean((1, 2)).numpy()
    distance = np.abs(brightness - _FACE_GREY)
    examples = {}
    for emotion in loaded.classes:
        rows = np.flatnonzero(loaded.emotions == emotion)
        if len(rows):
            examples[emotion] = int(rows[distance[rows].argmin()])
    return examples


def find_liveliest(loaded: SequenceSet, examples: Mapping[str, int]) -> int:
    """Return the example whose landmarks move most from the first frame to the peak."""
    points = loaded.data.points[list(examples.values())]
    movement = (points[:, loaded.find_peak(points.shape[1])] - points[:, 0]).abs().mean((1, 2))
    return list(examples.values())[int(movement.argmax())]


def count_sequences(loaded: SequenceSet) -> pd.DataFrame:
    """Count people, sequences, filled frames, and the sequences of each emotion."""
    counts = {
        "people": len(set(loaded.data.people)),
        "sequences": len(loaded.data),
        "frames without a face, filled": int(loaded.data.filled.sum()),
    }
    counts |= {emotion: int((loaded.emotions == emotion).sum()) for emotion in loaded.classes}
    return pd.Series(counts, name="count").to_frame().T


def lighten(pictures: np.ndarray) -> np.ndarray:
    """Bring a sequence `(T, H, W)` uint8 to the same brightness, for display only."""
    brightness = pictures[:, _MIDDLE, _MIDDLE].mean()
    return (pictures * (_FACE_GREY / max(brightness, 1))).clip(0, 255).astype(np.uint8)


def draw_two_views(loaded: SequenceSet, row: int) -> Figure:
    """Draw every second frame of a sequence as DTAN and as DTGN see it.

    Lines lead from each landmark's place in the first frame to where it is now.
    """
    frames = range(1, 12, 2)
    lightened = lighten(loaded.data.pictures[row].numpy())
    pictures = plots.cover_restricted(list(lightened), loaded.dataset)
    points = loaded.data.points[row].numpy()
    figure, axes = plt.subplots(2, len(frames), figsize=(8, 3.4), layout="constrained")
    for frame, above, below in zip(frames, *axes, strict=True):
        above.imshow(pictures[frame], cmap="gray", vmin=0, vmax=255)
        above.set_title(f"frame {frame + 1}")
        moves = np.stack([points[0], points[frame]])  # (2, 49, 2)
        below.plot(moves[..., 0], moves[..., 1], color=plots.SERIES[1], lw=2)
        below.plot(*points[frame].T, ".", color=plots.SERIES[0], ms=5)
        below.set_box_aspect(1)
        below.invert_yaxis()
    for ax in axes.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
    axes[0, 0].set_ylabel("DTAN", size=13)
    axes[1, 0].set_ylabel("DTGN", size=13)
    return figure


def draw_sequences(loaded: SequenceSet, rows: Mapping[str, int]) -> Axes:
    """Draw every second frame of some sequences, a named row each."""
    walls = []
    for row in rows.values():
        pictures = list(lighten(loaded.data.pictures[row, ::2].numpy()))
        walls.append(plots.cover_restricted(pictures, loaded.dataset))
    return grey_wall(walls, [f"frame {t + 1}" for t in range(0, 12, 2)], list(rows))


def grey_wall(
    rows: Sequence[Sequence[np.ndarray]], columns: list[str], names: list[str], width: float = 5
) -> Axes:
    """Draw grey pictures, a row for each name, a column for each frame; `width` is in inches."""
    ax = plots.plot_wall(rows, columns, names, width=width)
    ax.images[0].set_cmap("gray")
    ax.images[0].set_clim(0, 255)
    return ax


# Frames between frames


def draw_interpolation(loaded: SequenceSet, row: int) -> Axes:
    """Draw left-out frames of a sequence, interpolated ones, and four times their difference."""
    frames = loaded.data.pictures[row, :11].numpy()
    left_out = frames[1::2]
    rows = {"left out": lighten(left_out)}
    for method in INTERPOLATIONS:
        between = resample(frames[::2], 11, method=method)[1::2]
        error = 128 + 4 * (between.astype(int) - left_out)
        rows[method] = lighten(between)
        rows[f"{method},\nerror x 4"] = error.clip(0, 255).astype(np.uint8)
    walls = [plots.cover_restricted(list(line), loaded.dataset) for line in rows.values()]
    return grey_wall(walls, [f"frame {t + 1}" for t in range(1, 11, 2)], list(rows))


def explore_frames(loaded: SequenceSet, row: int, step: int = 3) -> Explorer:
    """Explore the interpolation of every `step`-th frame of a sequence."""
    frames = list(lighten(loaded.data.pictures[row, ::step].numpy()))
    return sequence_explorer(np.stack(plots.cover_restricted(frames, loaded.dataset)))


def name_interpolation_errors(errors: pd.DataFrame, dataset: str) -> dict[str, dict[str, float]]:
    """Name the errors of `measure_interpolation` as metrics."""
    metrics = {}
    for method in errors.columns:
        for kind in errors.index:
            metrics[f"{dataset}/between/{method}/{kind}"] = errors.loc[kind, method].metric()
    return metrics


def describe_interpolation(errors: pd.DataFrame) -> list[str]:
    """Say how far interpolated frames are from the frames that were left out."""
    units = {"pictures": ("grey levels of 255", 1), "landmarks": ("standard deviations", 3)}
    sentences = []
    for kind, (unit, digits) in units.items():
        methods = []
        for method, error in errors.loc[kind].items():
            values = [f"{value:.{digits}f}" for value in (error.value, error.low, error.high)]
            methods.append(f"{method} {values[0]} [{values[1]}, {values[2]}]")
        better = min(errors.columns, key=lambda method: errors.loc[kind, method].value)
        sentences.append(
            f"Mean error of {kind}, in {unit}: {', '.join(methods)}. That of {better} "
            "interpolation is smaller."
        )
    return sentences


# Landmarks and their versions


def landmark_courses(loaded: SequenceSet) -> pd.DataFrame:
    """Tabulate three distances between landmarks since the first frame, mean of each emotion."""
    place = {point: position for position, point in enumerate(SUBSET_49)}
    points = loaded.data.points.numpy()
    distances = {
        "mouth opens": points[:, :, place[66], 1] - points[:, :, place[62], 1],
        "mouth widens": points[:, :, place[54], 0] - points[:, :, place[48], 0],
        "brows rise": -points[:, :, [place[20], place[23]], 1].mean(-1),
    }
    time = np.linspace(0, 1, points.shape[1])
    courses = []
    for panel, distance in distances.items():
        for emotion in choose_examples(loaded):
            change = (distance - distance[:, :1])[loaded.emotions == emotion].mean(0)
            course = {"panel": panel, "emotion": emotion, "time": time, "value": change}
            courses.append(pd.DataFrame(course))
    return pd.concat(courses, ignore_index=True)


def draw_fourteen_versions(loaded: SequenceSet, row: int) -> Axes:
    """Draw the fourteen versions of a sequence's last frame."""
    last = loaded.data.pictures[[row] * VERSIONS, -1:]
    versions = lighten(vary_pictures(last, torch.arange(VERSIONS))[:, 0].numpy())
    angles = ["unchanged", *(f"{angle}°" for angle in (-15, -10, -5, 5, 10, 15))]
    titles = [*angles, *["mirrored"] * 7]
    _, ax = plt.subplots(figsize=(8, 2.6), layout="constrained")
    pictures = plots.cover_restricted(list(versions), loaded.dataset)
    return plots.plot_contact_sheet(pictures, titles, 7, ax=ax)


# Training and results


def compare_predictions(first: Predictions, second: Predictions, seed: int) -> Score:
    """Subtract the second accuracy from the first, on the sequences that both tested."""
    return compare_paired(first.correct(), second.correct(), first.people, seed=seed)


def network_summary(loaded: SequenceSet, level: str) -> pd.DataFrame:
    """Tabulate both networks in the paper's notation, with their numbers of parameters."""
    notations = {
        "DTAN": PLANS[level].dtan_notation(loaded.kind),
        "DTGN": DTGN_NOTATION[loaded.kind],
    }
    rows = {}
    for name, notation in notations.items():
        network = seeded(partial(build, notation, 12), 0)
        rows[name] = {"notation": notation, "parameters": f"{count_parameters(network):,}"}
    return pd.DataFrame(rows).T


def input_shares(data: Sequences) -> pd.DataFrame:
    """Split the mean square of each network's input into shares.

    Columns constant (the same in all sequences) and change (what differs from the sequence's first
    frame).
    """
    rows = {}
    for name, inputs in (("DTAN", data.pictures.float() / 255), ("DTGN", data.points)):
        power = inputs.square().mean()
        change = (inputs - inputs[:, :1]).square().mean()
        constant = inputs.mean(0).square().mean()
        rows[name] = {"constant": float(constant / power), "change": float(change / power)}
    return pd.DataFrame(rows).T


def name_shares(shares: pd.DataFrame) -> pd.DataFrame:
    """Name the columns of `input_shares` in words, in percent."""
    words = {
        "constant": "the same in all sequences",
        "change": "differs from the sequence's first frame",
    }
    return shares.rename(columns=words).map("{:.1%}".format)


def training_history(results: Mapping[tuple[str, str], CrossTrained]) -> pd.DataFrame:
    """Tabulate the losses of trainings, named (network, input), for `plots.plot_history`."""
    table = history_table(
        {
            (network, f"{inputs} input"): result.history
            for (network, inputs), result in results.items()
        }
    )
    return table.sort_values(["panel", "curve"], ascending=[True, False], kind="stable")


def network_rows(
    metrics: Mapping[str, Any], loaded: SequenceSet, *, one_fold: bool
) -> pd.DataFrame:
    """Tabulate both networks with and without the mean face, beside the paper's numbers.

    `one_fold` says that the plain DTAN was trained on the first fold alone.
    """
    dataset = loaded.dataset
    chance = float(np.bincount(loaded.data.labels).max() / len(loaded.data))
    names = {
        f"{dataset}/dtan": "DTAN",
        f"{dataset}/dtgn": "DTGN",
        f"{dataset}/dtan/plain": "DTAN, plain input" + ", one fold" * one_fold,
        f"{dataset}/dtgn/plain": "DTGN, plain input",
    }
    table = interval_table(metrics, names, chance=chance)
    printed = paper_table("dtagn", metrics, [f"{loaded.kind}/dtan", f"{loaded.kind}/dtgn"])["paper"]
    table["paper"] = [float(text.split()[0]) / 100 for text in printed] + [np.nan] * 2
    return table


def save_results(
    run: NotebookRun, loaded: SequenceSet, dtan: CrossTrained, level: str, seed: int
) -> str:
    """Keep the first fold's DTAN for `ferkit predict` on videos, and save all metrics."""
    arguments = {"notation": PLANS[level].dtan_notation(loaded.kind), "frames": 12}
    network = Network(
        specs.DTAN,
        arguments,
        loaded.classes,
        specs.DTAN.views(),
        dtan.trained[0].network,
        frames=12,
        about=training_of(loaded.dataset, level, seed),
    )
    keep_networks(run.out, [network])
    headline = [f"{loaded.dataset}/{name}" for name in ("dtan", "dtgn", "dtgn/plain")]
    return run.save(*headline, folds=fold_hash(loaded.folds))

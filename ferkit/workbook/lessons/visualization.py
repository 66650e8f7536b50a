"""Tables, figures and sentences of notebook 09, visualization: Grad-CAM against true motion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import CenteredNorm, Normalize
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.evaluation.intervals import Score, bootstrap
from ferkit.evaluation.scores import score
from ferkit.explain import face_maps, motion
from ferkit.explain.drawn_faces import DrawnFace
from ferkit.explain.grad_cam import layer_evidence, sum_weighted_maps
from ferkit.training.spec import Network

MOST_MOTION = 8  # pixels, at the end of the colour bar
_FAINTEST = 0.1  # of a map in 0..1, that can be seen
_NAMED = ("auc", "control", "gain", "pointing", "inside")


# Faces


def choose_examples(faces: Sequence[DrawnFace]) -> list[DrawnFace]:
    """Choose one face of each emotion, all of the person whose pictures are brightest."""
    emotions = list(dict.fromkeys(face.emotion for face in faces))
    by_person: dict[str, dict[str, DrawnFace]] = {}
    for face in faces:
        by_person.setdefault(face.person, {}).setdefault(face.emotion, face)
    complete = [shown for shown in by_person.values() if len(shown) == len(emotions)]
    brightest = max(complete, key=lambda shown: sum(face.image.mean() for face in shown.values()))
    return [brightest[emotion] for emotion in emotions]


def draw_motion(faces: Sequence[DrawnFace]) -> Figure:
    """Draw faces and, below each, how far its expression moved every pixel."""
    figure, axes = plt.subplots(2, len(faces), figsize=(9, 3.3), layout="constrained")
    for (above, below), face in zip(axes.T, faces, strict=True):
        above.imshow(face.image)
        above.set_title(face.emotion)
        moves = draw_moved(np.where(face.within, face.motion, np.nan), below)
        for ax in (above, below):
            zoom_to_face(ax, face.landmarks, margin=0.2)
    figure.colorbar(moves, ax=axes, label="moved, pixels", shrink=0.6, pad=0.01)
    return figure


def zoom_to_face(ax: Axes, landmarks: np.ndarray, margin: float = 0.15) -> None:
    """Show a square around landmarks `(68, 2)`, with a margin as a share of their extent."""
    low, high = landmarks.min(0), landmarks.max(0)
    centre, half = (low + high) / 2, (0.5 + margin) * (high - low).max()
    (left, top), (right, bottom) = centre - half, centre + half
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.set_axis_off()


def draw_moved(moved: np.ndarray, ax: Axes) -> ScalarMappable:
    """Draw motion in pixels; return what a colour bar needs."""
    ax.set_axis_off()
    return ax.imshow(moved, cmap="viridis", vmin=0, vmax=MOST_MOTION)


# Grad-CAM


def draw_maps(rows: Mapping[str, Network], faces: Sequence[DrawnFace]) -> Figure:
    """Draw each network's maps of the emotions shown, with one colour bar; blank ones say so."""
    size = (8.4, 0.4 + 1.12 * len(rows))
    figure, axes = plt.subplots(
        len(rows), len(faces), figsize=size, layout="constrained", squeeze=False
    )
    for row, (name, network) in zip(axes, rows.items(), strict=True):
        maps, matrices = face_maps.map_faces(network, faces)
        for ax, face, heat, matrix in zip(row, faces, maps, matrices, strict=True):
            draw_map(heat, matrix, face, ax)
        name_row(row[0], name)
    for ax, face in zip(axes[0], faces, strict=True):
        ax.set_title(face.emotion)
    add_colour_bar(figure, axes)
    return figure


def draw_map(heat: np.ndarray, matrix: np.ndarray, face: DrawnFace, ax: Axes) -> None:
    """Lay a map over its face; write "blank" where nothing of it can be seen."""
    plots.plot_cam(heat, face_maps.bring_picture_to_map(face, matrix, heat.shape), ax=ax)
    if heat.max() < _FAINTEST:
        ax.text(0.5, 0.04, "blank", transform=ax.transAxes, ha="center", weight="bold")


def name_row(ax: Axes, name: str) -> None:
    """Write a row's name left of its first picture."""
    ax.text(-0.1, 0.5, name, transform=ax.transAxes, ha="right", va="center")


def add_colour_bar(figure: Figure, axes: np.ndarray, highest: str = "highest\nin the\nmap") -> None:
    """Add the colour bar of maps from 0 to 1, which stands for each map's own highest value."""
    scale = ScalarMappable(Normalize(0, 1), "inferno")
    bar = figure.colorbar(scale, ax=axes, shrink=0.6, fraction=0.05, pad=0.01, ticks=(0, 1))
    bar.set_ticklabels(["0", highest], fontsize="small")


def find_extremes(network: Network, faces: Sequence[DrawnFace]) -> list[tuple[str, np.ndarray]]:
    """Find the faces with the highest and the lowest peak of Grad-CAM's sum before the ReLU.

    Return a title and the sum `(h, w)` for both.
    """
    sums = []
    for face in faces:
        index = face_maps.find_class(network, face.emotion)
        assert index is not None
        sums.append(sum_weighted_maps(*layer_evidence(network, face.image, face.face, index)))
    peaks = [values.max() for values in sums]
    chosen = [int(np.argmax(peaks)), int(np.argmin(peaks))]
    return [(f"{faces[row].emotion}: highest {peaks[row]:+.1g}", sums[row]) for row in chosen]


def draw_sums(titled: Sequence[tuple[str, np.ndarray]]) -> Figure:
    """Draw sums before the ReLU with one colour bar, centred at zero."""
    figure, axes = plt.subplots(1, len(titled), figsize=(7.4, 3.2), layout="constrained")
    highest = max(np.abs(values).max() for _, values in titled)
    norm = CenteredNorm(0, highest)
    for ax, (title, values) in zip(axes, titled, strict=True):
        drawn = ax.imshow(values, cmap="PuOr", norm=norm)
        ax.set_title(title)
        ax.set_axis_off()
    figure.colorbar(drawn, ax=axes, shrink=0.85, label="sum before the ReLU")
    return figure


def describe_blank(networks: Mapping[str, Network], faces: Sequence[DrawnFace]) -> str:
    """Say how many of each network's maps are blank."""
    counts = {}
    for name, network in networks.items():
        maps, _ = face_maps.map_faces(network, faces)
        counts[name] = int((~maps.any(axis=(1, 2))).sum())
    words = [f"{count} of {name}" for name, count in counts.items() if count]
    return f"Blank maps among those of {len(faces)} faces: {'; '.join(words) or 'none'}."


# Against true motion


@dataclass(frozen=True, eq=False)
class MotionScores:
    """How well maps point at what moved, by the network's title.

    `trained` and `shuffled` are tables as of `score_network`, a row for each face (`trained` with
    the column right); `summary` is as of `summarise_scores`.
    """

    trained: dict[str, pd.DataFrame]
    shuffled: dict[str, pd.DataFrame]
    summary: pd.DataFrame


def score_all(
    shown: Mapping[str, tuple[Network, Sequence[DrawnFace]]], seed: int
) -> tuple[MotionScores, dict[str, Network]]:
    """Score each network's maps and those of its shuffled weights; return these networks too."""
    controls = {name: face_maps.shuffle_weights(one, seed) for name, (one, _) in shown.items()}
    trained = {name: motion.compare_with_motion(*pair) for name, pair in shown.items()}
    shuffled = {
        name: motion.score_network(controls[name], faces) for name, (_, faces) in shown.items()
    }
    return MotionScores(
        trained, shuffled, motion.summarise_scores(trained, shuffled, seed)
    ), controls


def motion_metrics(
    scores: MotionScores, shown: Mapping[str, tuple[Network, Sequence[DrawnFace]]], seed: int
) -> dict[str, Any]:
    """Return the metrics moved/KIND/..., with KIND the name of the network in files."""
    metrics: dict[str, Any] = {}
    for name, row in scores.summary.iterrows():
        kind = shown[str(name)][0].kind
        metrics |= {f"moved/{kind}/{what}": row[what].metric() for what in _NAMED}
        table = scores.trained[str(name)]
        metrics[f"moved/{kind}/right"] = score(table["right"], table["person"], seed=seed)
    return metrics


def auc_table(scores: MotionScores) -> pd.DataFrame:
    """Tabulate areas under the ROC curve for `plot_intervals`, a pair of rows for each network."""
    rows = []
    for name, row in scores.summary.iterrows():
        for column, group in (("auc", "trained"), ("control", "weights shuffled")):
            interval = row[column].metric()
            interval.pop("n")
            rows.append({"name": name, "group": group, "chance": 0.5, **interval})
    return pd.DataFrame(rows)


def motion_table(scores: MotionScores) -> pd.DataFrame:
    """Tabulate how often each network is right, its gain over the control, and its pointing."""
    rows = {}
    for name, row in scores.summary.iterrows():
        rows[name] = {
            "right": f"{scores.trained[str(name)]['right'].mean():.2f}",
            "gain": _interval(row["gain"]),
            "pointing": _interval(row["pointing"]),
            "blind": f"{row['moved']:.2f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def describe_gains(scores: MotionScores) -> str:
    """Say which networks' maps are shown to be better or worse than those of shuffled weights."""
    gains = scores.summary["gain"]
    return _sort_out(
        gains,
        "Maps shown to be better than those of the network's own shuffled weights",
        "shown to be worse",
        "no difference shown",
    )


def describe_right(scores: MotionScores, seed: int) -> str:
    """Say which networks' maps are better on faces that they recognise, over people."""
    differences = {}
    for name, table in scores.trained.items():
        scored = table.dropna(subset="auc")
        means = scored.pivot_table(index="person", columns="right", values="auc")
        if len(means.columns) == 2:
            both = (means[True] - means[False]).dropna()
            differences[name] = bootstrap(both, both.index, seed=seed)
    return _sort_out(
        pd.Series(differences),
        "Better maps of the faces that are recognised",
        "better maps of those that are not",
        "no difference shown",
    )


def _sort_out(differences: pd.Series, above: str, below: str, neither: str) -> str:
    """Name the rows whose interval lies above zero, below zero, or includes it."""
    groups: dict[str, list[str]] = {above: [], below: [], neither: []}
    for name, value in differences.items():
        place = neither
        if value.low > 0:
            place = above
        elif value.high < 0:
            place = below
        groups[place].append(str(name))
    parts = [f"{place}: {', '.join(names) or 'none'}" for place, names in groups.items()]
    return "; ".join(parts) + "."


def _interval(value: Score) -> str:
    return f"{value.value:.2f} [{value.low:.2f}, {value.high:.2f}]"

"""Steps of notebook 09 about action units and the landmarks related to an emotion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.core.labels import BASIC7
from ferkit.drawn.prototypes import AU_NAMES
from ferkit.explain import face_maps
from ferkit.explain.drawn_faces import DrawnFace
from ferkit.papers import reported
from ferkit.papers.emotionaldan import related_landmarks
from ferkit.papers.emotionaldan.maps import LAYERS
from ferkit.papers.emotionaldan.related_landmarks import ACTION_UNITS, RELATED
from ferkit.training.spec import Network
from ferkit.workbook.lessons.visualization import add_colour_bar, name_row, zoom_to_face

_ROUNDING = 0.0006  # half of table 5's last digit, and a little
_VERSION = "as_authors_code"  # which gives table 5
_COLUMNS = 3  # emotions side by side


def action_unit_table() -> pd.DataFrame:
    """Tabulate the action units of each emotion, with their names."""
    recipes = {}
    for emotion in BASIC7:
        recipes[emotion] = ", ".join(f"{unit} {AU_NAMES[unit]}" for unit in ACTION_UNITS[emotion])
    return pd.Series(recipes, name="action units").to_frame()


def draw_related(faces: Sequence[DrawnFace]) -> Figure:
    """Draw the related landmarks of each emotion: of table 4, of the authors' code, of both."""
    figure, axes = plt.subplots(2, 3, figsize=(8, 6.6), layout="constrained")
    for ax, face in zip(axes.flat, faces, strict=True):
        table, code = (set(RELATED[version][face.emotion]) for version in RELATED)
        ax.imshow(face.image, alpha=0.6)
        for label, points, marker, colour in (
            ("in both", table & code, "o", "black"),
            ("in table 4 only", table - code, "s", plots.SERIES[1]),
            ("in the authors' code only", code - table, "^", plots.SERIES[0]),
        ):
            x, y = face.landmarks[sorted(points)].T
            ax.plot(x, y, marker, label=label, color=colour, ms=7, mec="white", mew=0.6)
        ax.set_title(f"{face.emotion}: {len(table)} and {len(code)}")
        zoom_to_face(ax, face.landmarks)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside lower center", ncols=3, frameon=False)
    return figure


def possible_table() -> pd.DataFrame:
    """Ask of each share in table 5 whether k landmarks can give it, for both lists of landmarks.

    Columns layer, emotion, "table 5" and, for each version, k and possible.
    """
    paper = reported.paper("emotionaldan")
    rows = []
    for layer in LAYERS:
        for emotion in RELATED[_VERSION]:
            share = paper.result(f"related/{layer}/{emotion}").value
            row: dict[str, Any] = {"layer": layer, "emotion": emotion, "table 5": share}
            for version, related in RELATED.items():
                k = len(related[emotion])
                row[f"{version}: k"] = k
                row[f"{version}: k x share"] = round(k * share, 2)
                row[f"{version}: possible"] = is_possible(share, k)
            rows.append(row)
    return pd.DataFrame(rows).set_index(["layer", "emotion"])


def layer_table(table: pd.DataFrame, layer: str) -> pd.DataFrame:
    """Return one layer's rows of `possible_table` with k, k times the share, in words."""
    rows = table.loc[layer].drop(columns=[f"{version}: possible" for version in RELATED])
    words = {"as_paper": "paper's table 4", "as_authors_code": "authors' code"}
    titles = [str(column) for column in rows]
    for version, title in words.items():
        titles = [column.replace(version, title) for column in titles]
    return rows.set_axis(titles, axis=1)


def is_possible(share: float, k: int) -> bool:
    """Whether a share of `k` landmarks can be printed as `share`, rounded to three digits."""
    return abs(round(k * share) / k - share) < _ROUNDING


def count_possible(table: pd.DataFrame) -> dict[str, int]:
    """Count the possible shares of `possible_table` for each version."""
    return {version: int(table[f"{version}: possible"].sum()) for version in RELATED}


@dataclass(frozen=True, eq=False)
class MeanMaps:
    """One layer's maps of frontal faces, averaged by emotion.

    `means` are maps `(H, W)`, `points` the mean landmarks `(68, 2)`; `pictures` is for each emotion
    the picture `(H, W, 3)` whose own map is nearest to the mean.
    """

    means: dict[str, np.ndarray]
    points: np.ndarray
    pictures: dict[str, np.ndarray]
    frontal: int


def average_layers(network: Network, faces: Sequence[DrawnFace]) -> dict[str, MeanMaps]:
    """Average the maps of both of EmotionalDAN's layers, in its second stage."""
    return {layer: average_maps(network, faces, f"stage2.{layer}") for layer in LAYERS}


def average_maps(network: Network, faces: Sequence[DrawnFace], layer: str) -> MeanMaps:
    """Average a layer's maps of the faces that look straight ahead, for each emotion."""
    maps, matrices = face_maps.map_faces(network, faces, layer)
    means, points = related_landmarks.average_frontal_maps(faces, maps, matrices)
    frontal, _ = face_maps.find_upright(faces, maps, matrices)
    emotions = np.array([face.emotion for face in faces])
    pictures = {}
    for emotion, mean in means.items():
        rows = np.flatnonzero(frontal & (emotions == emotion))
        nearest = rows[face_maps.find_nearest_map(maps[rows], mean)]
        pictures[emotion] = face_maps.bring_picture_to_map(
            faces[nearest], matrices[nearest], mean.shape
        )
    return MeanMaps(means, points, pictures, int(frontal.sum()))


def draw_mean_maps(layers: Mapping[str, MeanMaps]) -> Figure:
    """Draw mean maps with the most activated landmarks large: three emotions, then the others."""
    emotions = list(next(iter(layers.values())).means)
    blocks = [emotions[start : start + _COLUMNS] for start in range(0, len(emotions), _COLUMNS)]
    rows = [(layer, block) for block in blocks for layer in layers]
    size = (7.4, 2.3 * len(rows))
    figure, axes = plt.subplots(
        len(rows), _COLUMNS, figsize=size, layout="constrained", squeeze=False
    )
    for ax in axes.flat:
        ax.set_axis_off()
    for row, (layer, block) in zip(axes, rows, strict=True):
        for ax, emotion in zip(row, block, strict=False):
            averaged = layers[layer]
            mean = averaged.means[emotion]
            k = len(RELATED[_VERSION][emotion])
            strongest = related_landmarks.activated(mean, averaged.points, k)
            picture = averaged.pictures[emotion]
            plots.plot_cam(mean, picture, ax=ax, points=averaged.points, activated=strongest)
            ax.set_title(emotion)
        name_row(row[0], layer)
    add_colour_bar(figure, axes, highest="1")
    return figure


def layer_metrics(
    layers: Mapping[str, MeanMaps], network: Network, faces: Sequence[DrawnFace]
) -> dict[str, Any]:
    """Return the metrics related/LAYER/..., in both versions and as the authors' code computes."""
    metrics: dict[str, Any] = {}
    for layer, averaged in layers.items():
        table = related_landmarks.related_table(averaged.means, averaged.points)
        shares = {version: table[version].to_dict() for version in RELATED}
        shares["computed_as_authors"] = related_landmarks.shares_as_authors_code(
            network, faces, f"stage2.{layer}"
        )
        for version, of_emotions in shares.items():
            if not of_emotions:  # no face is recognised
                continue
            mean = float(np.mean(list(of_emotions.values())))
            for emotion, share in {**of_emotions, "mean": mean}.items():
                metrics[f"related/{layer}/{version}/{emotion}"] = {"value": float(share)}
    return metrics


def network_metrics(
    networks: Mapping[str, Network], faces: Sequence[DrawnFace], like: Network, seed: int
) -> dict[str, Any]:
    """Return the metrics related/KIND/trained and /shuffled of all networks, and the truth's.

    The true motion is cut as the network `like` sees faces.
    """
    metrics: dict[str, Any] = {}
    for network in networks.values():
        shuffled = face_maps.shuffle_weights(network, seed)
        for state, one in (("trained", network), ("shuffled", shuffled)):
            share = related_landmarks.related_mean(one, faces)
            metrics[f"related/{network.kind}/{state}"] = {"value": share}
    share = related_landmarks.related_mean(None, faces, like=like)
    metrics["related/true_motion"] = {"value": share}
    return metrics


def network_table(metrics: Mapping[str, Any], networks: Mapping[str, Network]) -> pd.DataFrame:
    """Tabulate the shares of all networks for `plot_intervals`, without intervals."""
    chance = float(np.mean([len(related) / 68 for related in RELATED[_VERSION].values()]))
    rows = []
    for name, network in networks.items():
        for state, group in (("trained", "trained"), ("shuffled", "weights shuffled")):
            value = metrics[f"related/{network.kind}/{state}"]["value"]
            rows.append({"name": name, "group": group, "value": value})
    value = metrics["related/true_motion"]["value"]
    rows.append({"name": "a map of the true motion", "group": "the truth", "value": value})
    return pd.DataFrame(rows).assign(low=np.nan, high=np.nan, chance=chance)


def describe_shares(
    metrics: Mapping[str, Any], networks: Mapping[str, Network], network: Network
) -> str:
    """Say where a network's share stands between a blind choice, its control and the truth."""
    table = network_table(metrics, networks)
    trained = table[table["group"] == "trained"].set_index("name")["value"]
    mine = metrics[f"related/{network.kind}/trained"]["value"]
    shuffled = metrics[f"related/{network.kind}/shuffled"]["value"]
    as_high = [name for name in trained.index[trained >= mine] if networks[name] is not network]
    chance = table["chance"].iloc[0]
    truth = metrics["related/true_motion"]["value"]
    return (
        f"The share of {network.spec.title} is {mine:.2f}. Its shuffled weights have "
        f"{shuffled:.2f}, a blind choice {chance:.2f}, the true motion {truth:.2f}. "
        f"Other networks that reach as much: {', '.join(as_high) or 'none'}."
    )


def compare_with_paper(metrics: Mapping[str, Any], emotions: Sequence[str]) -> pd.DataFrame:
    """Put table 5 beside this run: the paper's share, ours and the difference for both layers."""
    paper = reported.paper("emotionaldan")
    rows = {}
    for emotion in (*emotions, "mean"):
        row = {}
        for layer in LAYERS:
            printed = paper.result(f"related/{layer}/{emotion}").value
            ours = metrics[f"related/{layer}/{_VERSION}/{emotion}"]["value"]
            row[f"{layer}, paper"] = f"{printed:.3f}"
            row[f"{layer}, ours"] = f"{ours:.3f}"
            row[f"{layer}, difference"] = f"{ours - printed:+.3f}"
        rows[emotion] = row
    return pd.DataFrame.from_dict(rows, orient="index")

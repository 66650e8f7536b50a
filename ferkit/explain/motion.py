"""Score a network's maps against what the expressions of drawn faces truly moved.

    faces = draw_new_faces("lesson", seed=0)
    table = compare_with_motion(load_network("build/run/models/cnn5.safetensors"), faces)

Sequence networks take what `redraw_sequences` returns; networks of single pictures can take it
too, and see its peak frames.

Convention
- A pixel has moved when the expression displaced it by at least one pixel of a drawing 256 pixels
  high, for all sizes of networks and drawings.
- Maps are compared where the face is visible (skin, eyes, mouth): to find the face in the picture
  is no merit.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import rankdata

from ferkit.core.labels import SEVEN
from ferkit.evaluation.intervals import Score, bootstrap
from ferkit.explain.drawn_faces import DrawnFace, DrawnSequence
from ferkit.explain.face_maps import bring_to_map, find_class, map_faces
from ferkit.training.spec import Network

_MOVED = 1.0  # pixels


# One map


def motion_auc(heat: np.ndarray, motion: np.ndarray, within: np.ndarray | None = None) -> float:
    """Return the area under the ROC curve of a map as a detector of moved pixels.

    It is the probability that the map is higher at a pixel that moved than at one that did not:
    0.5 by chance. `heat`, `motion` (in pixels) and `within` (bool, where to compare) are `(H, W)`.
    NaN where no pixel, or every pixel, moved.
    """
    heat, moved = _compared_pixels(heat, motion, within)
    positives = int(moved.sum())
    negatives = len(moved) - positives
    if not positives or not negatives:
        return math.nan
    # By ranks: scikit-learn's roc_auc_score gives the same at several times the cost.
    rank_sum = rankdata(heat)[moved].sum()
    return float((rank_sum - positives * (positives + 1) / 2) / (positives * negatives))


def pointing_score(heat: np.ndarray, motion: np.ndarray, within: np.ndarray | None = None) -> float:
    """Return 1 if the map's highest pixel moved, else 0; of several, the share that moved.

    The pointing game (J. Zhang et al. 2016). NaN where nothing moved.
    """
    heat, moved = _compared_pixels(heat, motion, within)
    return float(moved[heat == heat.max()].mean()) if moved.any() else math.nan


def score_maps(
    maps: np.ndarray, motion: np.ndarray, within: np.ndarray | None = None
) -> pd.DataFrame:
    """Score N maps: columns auc, pointing, and `moved`, the share of moved pixels.

    The share is what a random map points at. All arguments are `(N, H, W)`.
    """
    if within is None:
        within = np.ones(maps.shape, dtype=bool)
    if not maps.shape == motion.shape == within.shape:
        shapes = [np.shape(part) for part in (maps, motion, within)]
        raise ValueError(f"expected maps, motion and `within` of one shape (N, H, W), got {shapes}")
    rows = []
    for face in zip(maps, motion, within, strict=True):
        _, moved = _compared_pixels(*face)
        rows.append((motion_auc(*face), pointing_score(*face), float(moved.mean())))
    return pd.DataFrame(rows, columns=["auc", "pointing", "moved"])


def _compared_pixels(
    heat: np.ndarray, motion: np.ndarray, within: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Return the map's values where it is compared, and whether each of these pixels moved."""
    if within is None:
        within = np.ones(heat.shape, dtype=bool)
    if not within.any():
        raise ValueError("`within` is empty: there is no pixel to compare at")
    return heat[within], motion[within] >= _MOVED


# Many faces


def compare_with_motion(
    network: Network, faces: Sequence[DrawnFace], layer: str | None = None
) -> pd.DataFrame:
    """Score a network's maps as `score_network` does, with a column `right` for its predictions."""
    faces = _with_class(network, faces)
    table = score_network(network, faces, layer)
    seen: list[tuple[np.ndarray, ...]] = []
    for face in faces:
        if network.frames > 1 and isinstance(face, DrawnSequence):
            seen.append((face.pictures,))
        else:
            seen.append(network.look(face.image, face.face))
    predicted = _predict_single_emotions(network, network.probabilities(seen))
    truth = [find_class(network, face.emotion) for face in faces]
    return table.assign(right=predicted == np.array(truth))


def score_network(
    network: Network, faces: Sequence[DrawnFace], layer: str | None = None
) -> pd.DataFrame:
    """Score a network's maps of the emotion shown, without asking for its predictions.

    A row for each face as of `score_faces`; faces of emotions that are no class of the network
    are left out.
    """
    faces = _with_class(network, faces)
    return score_faces(faces, *map_faces(network, faces, layer))


def score_faces(faces: Sequence[DrawnFace], heat: np.ndarray, matrices: ArrayLike) -> pd.DataFrame:
    """Score the map of each face: person, emotion, inside, area, and the columns of `score_maps`.

    `inside` is the share of the map's sum that lies on the face, `area` the share of its pixels.
    `matrices` `(N, 2, 3)` take points of the pictures to pixels of the maps `heat` `(N, H, W)`.
    """
    motion = np.stack(
        [
            bring_motion_to_map(face, matrix, heat.shape[1:])
            for face, matrix in zip(faces, np.asarray(matrices), strict=True)
        ]
    )
    within = ~np.isnan(motion)
    total = heat.sum((1, 2))
    on_face = (heat * within).sum((1, 2))
    table = pd.DataFrame(
        {
            "person": [face.person for face in faces],
            "emotion": [face.emotion for face in faces],
            "inside": np.where(total > 0, on_face / np.where(total > 0, total, 1), np.nan),
            "area": within.mean((1, 2)),
        }
    )
    return table.join(score_maps(heat, motion, within))


def bring_motion_to_map(face: DrawnFace, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Resample the true motion at the pixels of a map of this shape; NaN beside the face."""
    size = (shape[1], shape[0])
    on_face = bring_to_map(face.within.astype(np.float32), matrix, size) > 0.5
    return np.where(on_face, bring_to_map(face.motion, matrix, size), np.nan)


def _with_class(network: Network, faces: Sequence[DrawnFace]) -> list[DrawnFace]:
    """Keep the faces of emotions that are classes of the network; ValueError without any."""
    kept = [face for face in faces if find_class(network, face.emotion) is not None]
    if not kept:
        raise ValueError(
            f"none of the emotions shown is a class of the network: {', '.join(network.names)}"
        )
    return kept


def _predict_single_emotions(network: Network, probabilities: np.ndarray) -> np.ndarray:
    """Choose the most probable single emotion, since the faces show no compound ones."""
    indices = [find_class(network, name) for name in SEVEN]
    single = np.array([index for index in indices if index is not None])
    return single[probabilities[:, single].argmax(1)]


# Tables of networks


def summarise_scores(
    tables: Mapping[str, pd.DataFrame], controls: Mapping[str, pd.DataFrame], seed: int = 0
) -> pd.DataFrame:
    """Average each network's table over people: a row for each, with `Score`s.

    Columns auc, control (the auc of shuffled weights), gain (auc less control), pointing, inside;
    and the means moved and area, which a constant map has for pointing and inside. Faces on which
    no pixel, or every pixel, moved have no auc and are left out.
    """
    rows = {}
    for name, table in tables.items():
        scored = table.assign(control=controls[name]["auc"]).dropna(subset=["auc", "control"])
        scored["gain"] = scored["auc"] - scored["control"]
        scored["inside"] = scored["inside"].fillna(scored["area"])
        row: dict[str, Score | float] = {}
        for column in ("auc", "control", "gain", "pointing", "inside"):
            row[column] = bootstrap(scored[column], scored["person"], seed=seed)
        for column in ("moved", "area"):
            row[column] = scored[column].mean()
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index")


def compare_aucs(table: pd.DataFrame, other: pd.DataFrame, seed: int = 0) -> Score:
    """Return how much higher the auc of one table is than another's, on the same faces."""
    same = ["person", "emotion"]
    if table[same].values.tolist() != other[same].values.tolist():
        raise ValueError(
            "the two tables are of different faces, so maps cannot be compared face by face; "
            "score the same faces twice"
        )
    gain = (table["auc"] - other["auc"]).dropna()
    return bootstrap(gain, table["person"][gain.index], seed=seed)

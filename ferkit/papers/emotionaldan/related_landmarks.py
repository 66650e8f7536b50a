"""Action units, the landmarks related to each emotion, and how many of them a map lights up.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 5.2, tables 4 and 5. Landmarks
are 0-based.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.core.labels import SEVEN
from ferkit.explain.drawn_faces import DrawnFace
from ferkit.explain.face_maps import bring_to_map, find_upright, map_faces, mean_maps
from ferkit.training.spec import Network

# Table 4 has six emotions; contempt is EMFACS's (one-sided 12 and 14), without related landmarks.
ACTION_UNITS: dict[str, tuple[int, ...]] = {
    "neutral": (),
    "anger": (4, 5, 7, 23),
    "contempt": (12, 14),
    "disgust": (9, 15, 16),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "happiness": (6, 12),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
}

_BROWS = tuple(range(17, 27))
_EYES = tuple(range(36, 48))
_NOSE = tuple(range(27, 36))
_OUTER_LIP = tuple(range(48, 60))
_UPPER_LIDS = (37, 38, 39, 42, 43, 44)
_LIP_CORNERS = (48, 49, 53, 54, 55, 59, 60, 64)

# Table 4, as its rows for surprise, fear and anger read.
AU_LANDMARKS: dict[int, tuple[int, ...]] = {
    1: (20, 21, 22, 23),
    2: (17, 18, 19, 24, 25, 26),
    4: _BROWS,
    5: _UPPER_LIDS,
    6: (1, 2, 14, 15),
    7: _UPPER_LIDS,
    9: _NOSE,
    12: _LIP_CORNERS,
    15: _LIP_CORNERS,
    16: (48, 54, 55, 56, 57, 58, 59, 60, 64),
    20: _LIP_CORNERS,
    23: tuple(range(48, 68)),
    26: tuple(range(55, 68)),
}


def _landmarks_of(emotion: str) -> tuple[int, ...]:
    """Collect the landmarks of an emotion's action units, ascending."""
    landmarks: set[int] = set()
    for unit in ACTION_UNITS[emotion]:
        landmarks.update(AU_LANDMARKS[unit])
    return tuple(sorted(landmarks))


# The landmarks related to each emotion. Those of table 4 do not give the shares of table 5; those
# of the authors' code give every one.
RELATED: dict[str, dict[str, tuple[int, ...]]] = {
    "as_paper": {
        emotion: _landmarks_of(emotion)
        for emotion in ("happiness", "sadness", "surprise", "fear", "disgust", "anger")
    },
    "as_authors_code": {
        "happiness": (1, 2, 14, 15, *_OUTER_LIP),
        "sadness": (*_BROWS, *_OUTER_LIP),
        "surprise": (*_BROWS, *range(55, 68)),
        "fear": (*_BROWS, *range(48, 68)),
        "disgust": (*_NOSE, *range(55, 60)),
        "anger": (*_BROWS, *_EYES, *_OUTER_LIP),
    },
}


def activated(heat: np.ndarray, points: ArrayLike, k: int, reach: int = 0) -> np.ndarray:
    """Return the `k` landmarks of `(68, 2)` where the map `(H, W)` is highest, highest first.

    A landmark has the sum of the pixels up to `reach` from its own, one outside the picture comes
    last; of equal ones the smaller index comes first.
    """
    side = 2 * reach + 1
    heat = cv2.boxFilter(heat, -1, (side, side), normalize=False, borderType=cv2.BORDER_CONSTANT)
    columns, rows = np.floor(np.asarray(points, dtype=np.float64)).astype(int).T
    height, width = heat.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    values = np.full(len(rows), -np.inf)
    values[inside] = heat[rows[inside], columns[inside]]
    return np.argsort(-values, kind="stable")[:k]


def related_share(
    heat: np.ndarray, points: ArrayLike, emotion: str, version: str = "as_paper", reach: int = 0
) -> float:
    """Return the share of related landmarks among as many most activated ones (table 5).

    `version` is one of RELATED; NaN for an emotion without related landmarks there (neutral,
    contempt).
    """
    if version not in RELATED:
        raise ValueError(f"unknown version {version!r}; known: {', '.join(RELATED)}")
    related = RELATED[version].get(emotion, ())
    if not related:
        return math.nan
    return float(np.isin(activated(heat, points, len(related), reach), related).mean())


def related_table(means: dict[str, np.ndarray], points: ArrayLike) -> pd.DataFrame:
    """Tabulate `related_share` of mean maps, a row for each emotion, a column for each version.

    Emotions without related landmarks have no row. `chance` is the expected share of a random
    choice: the number of related landmarks (of as_paper) over 68.
    """
    rows = {}
    for emotion, heat in means.items():
        if emotion in RELATED["as_paper"]:
            row = {version: related_share(heat, points, emotion, version) for version in RELATED}
            row["chance"] = len(RELATED["as_paper"][emotion]) / 68
            rows[emotion] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("emotion")


def related_mean(
    network: Network | None,
    faces: Sequence[DrawnFace],
    like: Network | None = None,
) -> float:
    """Average `related_share` over emotions, of a network's mean maps on frontal faces.

    Related landmarks are those of the authors' code. Without a network the maps are the true
    motion, on the crops of the network `like`.
    """
    cropping = network or like
    if cropping is None:
        raise ValueError("name the network whose maps, or at least whose crops, are meant")
    heat, matrices = map_faces(cropping, faces)
    if network is None:
        size = (heat.shape[2], heat.shape[1])
        pairs = zip(faces, matrices, strict=True)
        heat = np.stack([bring_to_map(face.motion, matrix, size) for face, matrix in pairs])
    means, points = average_frontal_maps(faces, heat, matrices)
    shares = []
    for emotion, mean in means.items():
        shares.append(related_share(mean, points, emotion, "as_authors_code"))
    return float(np.mean(shares))


def average_frontal_maps(
    faces: Sequence[DrawnFace], heat: np.ndarray, matrices: np.ndarray
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Average the maps `(N, H, W)` of frontal faces for each emotion that has related landmarks.

    Return the mean maps, and the mean landmarks `(68, 2)` of these faces in the map's pixels.
    """
    frontal, landmarks = find_upright(faces, heat, matrices)
    emotions = [face.emotion for face, kept in zip(faces, frontal, strict=True) if kept]
    names = [name for name in SEVEN if name in RELATED["as_paper"]]
    return mean_maps(heat[frontal], emotions, names), landmarks[frontal].mean(0)


def shares_as_authors_code(
    network: Network, faces: Sequence[DrawnFace], layer: str
) -> dict[str, float]:
    """Return the share of related landmarks of each emotion as the authors' code computes it.

    Maps are of the sum of all scores (the code multiplies it by the label's number, which scales
    the map), of faces whose emotion the network reads correctly, and a landmark has the sum of
    3 x 3 pixels. Emotions that no frontal face shows correctly have no share.
    """
    seen = [network.look(face.image, face.face) for face in faces]
    predicted = network.probabilities(seen).argmax(1)
    read = [
        face for face, k in zip(faces, predicted, strict=True) if network.names[k] == face.emotion
    ]
    if not read:
        return {}
    heat, matrices = map_faces(network, read, layer, all_classes=True)
    means, points = average_frontal_maps(read, heat, matrices)
    return {
        name: related_share(mean, points, name, "as_authors_code", reach=1)
        for name, mean in means.items()
    }

"""Grad-CAM of paper 4's networks over several trainings: true motion, related landmarks, focus.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 5.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ferkit.evaluation.predictions import sample_rows
from ferkit.explain import drawn_faces, face_maps, motion
from ferkit.explain.drawn_faces import DrawnFace
from ferkit.papers.emotionaldan import related_landmarks
from ferkit.papers.emotionaldan.related_landmarks import related_share
from ferkit.training.seeds import restart_seed
from ferkit.training.spec import Network

LAYERS = ("conv4a", "conv4b")
# Data sets of the tables.
MOVED = "moved"
OF_LAYERS = ("related", "related, as the authors' code", "focus")
SHUFFLED = "{}, shuffled"  # the control of a network's maps
_FOCUS = 0.1  # the share of a map's pixels whose part of its sum says how focused it is


def compare_maps(networks: Sequence[Network], level: str, seed: int, start: int) -> pd.DataFrame:
    """Tabulate what the maps of one restart's networks show of faces that none was trained on.

    Rows have the columns of `sample_rows`. Data "moved": area under the ROC curve of each face's
    map against true motion, for each network and its shuffled weights. For EmotionalDAN's layers,
    with a row for each emotion in place of a person: "related", the share of related landmarks in
    the mean map (table 5), "related, as the authors' code", and "focus", as of `focus`.
    """
    faces = drawn_faces.draw_new_faces(level, seed, progress=False)
    rows = []
    for network in networks:
        control = face_maps.shuffle_weights(network, restart_seed(seed, start))
        for name, mapped in ((network.kind, network), (SHUFFLED.format(network.kind), control)):
            scores = motion.score_network(mapped, faces)
            rows.append(sample_rows(MOVED, name, start, scores["auc"], scores["person"]))
        if network.kind == "emotionaldan":
            for layer in LAYERS:
                measured = _score_layer(network, faces, f"stage2.{layer}")
                for data, values in zip(OF_LAYERS, measured, strict=True):
                    people = list(values)
                    rows.append(sample_rows(data, layer, start, list(values.values()), people))
    return pd.concat(rows, ignore_index=True)


def _score_layer(
    network: Network, faces: Sequence[DrawnFace], layer: str
) -> list[dict[str, float]]:
    """Return what OF_LAYERS names of one layer's mean maps, by emotion."""
    means, points = related_landmarks.average_frontal_maps(
        faces, *face_maps.map_faces(network, faces, layer)
    )
    theirs = related_landmarks.shares_as_authors_code(network, faces, layer)
    ours = {
        name: related_share(mean, points, name, "as_authors_code") for name, mean in means.items()
    }
    # An emotion that the network never reads correctly has no map there, and its share counts as 0.
    theirs = {name: theirs.get(name, 0.0) for name in means}
    return [ours, theirs, {name: focus(mean) for name, mean in means.items()}]


def focus(heat: np.ndarray) -> float:
    """Return the share of a map's sum that lies in its highest tenth; 0.1 is an even map."""
    values = np.sort(heat, axis=None)[::-1]
    if not values[0]:
        return _FOCUS
    return float(values[: round(_FOCUS * values.size)].sum() / values.sum())

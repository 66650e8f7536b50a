"""Compare methods on spoiled pictures; all learn from unspoiled pictures of other people.

A picture in which no face is found counts as wrong for every method, since each of them needs the
face's place. So the share of faces that are found is a ceiling for all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from ferkit.core import landmarks as points
from ferkit.core.labels import SEVEN
from ferkit.evaluation.intervals import bootstrap
from ferkit.papers.i2cnn import textures
from ferkit.training import linear
from ferkit.workbook.studies import controlled
from ferkit.workbook.studies.controlled import AlignedFaces, SeenPictures
from ferkit.workbook.studies.landmark_sweeps import sweep_row

SHIPPED_METHOD = "shipped predictor"
FACE_FOUND = "face found"
_GROUP = 2  # the people that the methods learn from


@dataclass(frozen=True)
class PictureMethod:
    """A method: the features `(F, D)` of aligned faces, and the classifier that names them."""

    features: Callable[[AlignedFaces], np.ndarray]
    classifier: linear.Classifier


PICTURE_METHODS: dict[str, PictureMethod] = {
    "landmarks, softmax": PictureMethod(
        lambda faces: points.flatten(faces.landmarks), linear.linear_softmax
    ),
    "HOG, ridge": PictureMethod(
        lambda faces: linear.hog_features(faces.pictures), linear.linear_ridge
    ),
    "LBP, SVM": PictureMethod(lambda faces: textures.lbp(faces.pictures), linear.linear_svm),
    "Gabor, SVM": PictureMethod(lambda faces: textures.gabor(faces.pictures), linear.linear_svm),
}


def train_picture_methods(people: int, seed: int = 0) -> dict[str, Pipeline]:
    """Draw one picture of each emotion of `people` other people; train each method on them.

    The people look into the camera, wear no glasses, and nothing is spoiled.
    """
    planned = controlled.plan_pictures(people, len(SEVEN), seed, group=_GROUP)
    seen = controlled.look_at(controlled.draw_pictures(planned), planned)
    emotions = np.array([each.emotion for each in planned])[seen.found]
    models = {}
    for name, method in PICTURE_METHODS.items():
        features = method.features(_faces_of(seen))
        models[name] = linear.fit_classifier(method.classifier, None, features, emotions)
    return models


def judge_methods(
    models: Mapping[str, Pipeline], seen: SeenPictures, emotions: Sequence[str]
) -> dict[str, np.ndarray]:
    """Return for each method, and for the shipped predictor, which of N pictures it names rightly.

    `emotions` are those shown, one for each picture. A picture without a face is wrong.
    """
    shown = np.asarray(emotions)
    faces = _faces_of(seen)
    results = {}
    for name, model in models.items():
        right = np.zeros(len(shown), dtype=bool)
        if seen.found.any():
            right[seen.found] = (
                model.predict(PICTURE_METHODS[name].features(faces)) == shown[seen.found]
            )
        results[name] = right
    return results | {SHIPPED_METHOD: seen.right}


def judge_sweeps(
    models: Mapping[str, Pipeline],
    sweeps: Mapping[str, Mapping[float, SeenPictures]],
    emotions: Sequence[str],
) -> dict[str, dict[float, dict[str, np.ndarray]]]:
    """Judge the methods on all settings of several sweeps: panel, setting, method, `(N,)` right.

    `sweeps` has the title of a panel, then what was seen at each setting. FACE_FOUND is judged too:
    the pictures in which there is a face.
    """
    return {
        panel: {
            x: {FACE_FOUND: seen.found, **judge_methods(models, seen, emotions)}
            for x, seen in seen_at.items()
        }
        for panel, seen_at in sweeps.items()
    }


def tabulate_methods(
    judged: Mapping[str, Mapping[float, Mapping[str, np.ndarray]]], people: np.ndarray
) -> pd.DataFrame:
    """Tabulate what was judged: columns panel, x, series, value, low, high, n."""
    rows = []
    for panel, settings in judged.items():
        for x, results in settings.items():
            for name, right in results.items():
                row = sweep_row(x, name, bootstrap(right, people))
                rows.append({"panel": panel, **row})
    return pd.DataFrame(rows)


def average_ends(
    judged: Mapping[str, Mapping[float, Mapping[str, np.ndarray]]], position: int
) -> dict[str, np.ndarray]:
    """Average one setting of each panel: for each method the share of panels right, `(N,)`.

    `position` 0 is the first and mildest setting, -1 the last and strongest.
    """
    chosen = [list(settings.values())[position] for settings in judged.values()]
    return {name: np.mean([results[name] for results in chosen], axis=0) for name in chosen[0]}


def _faces_of(seen: SeenPictures) -> AlignedFaces:
    if seen.faces is None:
        raise ValueError("these pictures have no aligned faces; look at them with `look_at`")
    return seen.faces

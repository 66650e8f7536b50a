"""Train and save the face models that `ferkit predict` uses; they see drawn faces only.

There are two. `single` looks at one photograph. `residual` also compares it with the mean of the
person's pictures, so it needs several pictures of each person, and its results are reported apart.
Both come with the package (`weights/`, made by `make weights`); a run of notebook 02 keeps its own.

It was chosen on development photographs what the models see, how their covariance is shrunk and
how far the drawn heads turn, so these photographs are no test of them.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ferkit.core.labels import SEVEN
from ferkit.core.landmarks import mirror
from ferkit.drawn.draw_sets import drawing_fingerprint
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.predict.face_model import FaceModel, Training, with_residuals
from ferkit.predict.fit import fit_face_model
from ferkit.predict.geometry import geometry_features
from ferkit.predict.shipped import MODEL_FILES, SHIPPED

FACE_SIZE = 224  # pixels of the aligned faces
_SHRINKAGE = 0.3
# The person's other pictures are few, and most people have a neutral one.
_GROUP_SIZES = (2, 3)
_GROUPS = 4  # of each person and of each mirrored one


@dataclass(frozen=True, eq=False)
class TrainedFaceModel:
    """A model, and its predictions on held-out drawn people."""

    model: FaceModel
    predictions: Predictions


def portraits(level: str = "lesson", seed: int = 0, people: int | None = None) -> Prepared:
    """Prepare the drawn faces that the models are trained on, or those of the first `people`.

    They show many people and seven emotions, each picture in other light and pose.
    """
    clips = load_clips("portraits", level, seed, people=people)
    faces = prepare(clips, FACE_SIZE, keep_images=False)
    return faces.select(faces.table["found"].to_numpy())


def face_features(faces: Prepared, mirrored: bool = False) -> np.ndarray:
    """Compute what the models see of the faces, or of their mirror images, `(N, D)`."""
    landmarks = mirror(faces.original, 0) if mirrored else faces.original
    return geometry_features(landmarks)


def train_face_models(
    faces: Prepared, seed: int = 0, level: str = ""
) -> dict[str, TrainedFaceModel]:
    """Train both models on faces and their mirror images.

    The models keep the seed and the level of the drawn set as a record.
    """
    features = np.concatenate([face_features(faces), face_features(faces, mirrored=True)])
    labels = np.tile(faces.table["emotion"].to_numpy(dtype=str), 2)
    people = np.tile(faces.table["person"].to_numpy(dtype=str), 2)
    count = len(np.unique(people))
    training = Training(count, len(faces), seed, level, drawing_fingerprint())
    single = fit_face_model(
        features,
        labels.tolist(),
        people,
        names=SEVEN,
        shrinkage=_SHRINKAGE,
        training=training,
    )
    is_mirrored = np.arange(len(features)) >= len(faces)
    groups = draw_groups(labels, np.char.add(people, np.where(is_mirrored, "m", "")), seed)
    rows = [with_residuals(features[group], ["one"] * len(group)) for group in groups]
    order = np.concatenate(groups)
    residual = fit_face_model(
        np.concatenate(rows),
        labels[order].tolist(),
        people[order],
        origin=features.mean(0),
        names=SEVEN,
        shrinkage=_SHRINKAGE,
        training=training,
    )
    return {"single": TrainedFaceModel(*single), "residual": TrainedFaceModel(*residual)}


def draw_groups(labels: np.ndarray, people: np.ndarray, seed: int) -> list[np.ndarray]:
    """Draw groups of two or three pictures of one person, a neutral one among them, as indices."""
    rng = np.random.default_rng(seed)
    groups = []
    for person in np.unique(people):
        own = np.flatnonzero(people == person)
        neutral = own[labels[own] == "neutral"]
        if not len(neutral) or len(own) < min(_GROUP_SIZES):
            continue
        for _ in range(_GROUPS):
            first = rng.choice(neutral)
            others = own[own != first]
            size = min(rng.choice(_GROUP_SIZES), len(own))
            groups.append(np.array([first, *rng.choice(others, size - 1, replace=False)]))
    return groups


def save_models(trained: dict[str, TrainedFaceModel], out: str | Path) -> list[Path]:
    """Write the models to `out`/models, where `ferkit predict --model` can read them."""
    return _write_models(trained, Path(out) / "models")


def make_weights(level: str = "lesson", seed: int = 0, folder: Path = SHIPPED) -> list[Path]:
    """Train both models on the drawn set `portraits` and write the weights of the package."""
    trained = train_face_models(portraits(level, seed), seed, level)
    return _write_models(trained, folder)


def _write_models(trained: dict[str, TrainedFaceModel], folder: Path) -> list[Path]:
    return [each.model.save(folder / MODEL_FILES[kind]) for kind, each in trained.items()]

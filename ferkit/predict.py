"""From pictures and films to emotions: the face models trained on drawn faces only, and what `ferkit predict` does.

Two face models are kept in a run's folder. `single` looks at one photograph: its landmarks, and the gradients of the aligned picture.
`residual` subtracts the mean of the person's pictures first, so it needs several of each person, and its results are to be shown apart.
"""

import warnings
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit import face_model
from ferkit.annotate import annotate, places_for
from ferkit.baselines import Answers, raw
from ferkit.data.files import is_film
from ferkit.face_model import FaceModel
from ferkit.faces.store import Prepared, prepare
from ferkit.gradients import gradients
from ferkit.labels import SEVEN
from ferkit.landmarks import mirror
from ferkit.loaders import load_clips
from ferkit.paths import run_dir
from ferkit.portable import FORMAT, Network, load_network, read_header
from ferkit.reading import FaceReader, Interrupted, NetworkReader, Reader, read
from ferkit.sources import Source, check_sampling, shots, sources

SIZE = 224  # pixels of the aligned faces
FILES = {"single": "face.safetensors", "residual": "face-residual.safetensors"}
# Weak weights (a small C) carry over from drawn to photographed faces; what fits drawn faces best does not. Chosen on the development
# photographs, so these are no test of it.
C = {
    "single": {"landmarks": 0.003, "gradients": 0.0001},
    "residual": {"landmarks": 0.003, "gradients": 0.0003},
}
WEIGH = {"landmarks": 1.0, "gradients": 1.0}
FEW = 50  # people: a model of fewer is good for tests only
NO_MAPS = "Grad-CAM needs a convolutional network: name one with --model; the face model is linear"


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, and its answers on drawn people it had not seen."""

    model: FaceModel
    answers: Answers


def portraits(level: str = "lesson", seed: int = 0) -> Prepared:
    """The drawn faces the models are trained on: many people, seven emotions, every picture in other light and pose."""
    faces = prepare(load_clips("portraits", level, seed), SIZE)
    return faces.select(faces.table["found"].to_numpy())


def features(faces: Prepared, mirrored: bool = False) -> dict[str, np.ndarray]:
    """What each expert looks at, `(N, D)`, on the faces or on their mirror images."""
    if faces.images is None:
        raise ValueError("the aligned pictures are needed: prepare the faces with keep_images=True")
    points = mirror(faces.landmarks, faces.size) if mirrored else faces.landmarks
    return {"landmarks": raw(points), "gradients": gradients(faces.images, mirrored)}


def train(
    faces: Prepared, seed: int = 0, about: str = "drawn faces only", kinds: Iterable[str] = tuple(FILES)
) -> dict[str, Trained]:
    """The models (both, unless `kinds` names one), trained on the faces and their mirror images."""
    emotions, people = (faces.table[column].to_numpy(dtype=str) for column in ("emotion", "person"))
    sides = features(faces), features(faces, mirrored=True)
    both = {name: np.concatenate([side[name] for side in sides]) for name in WEIGH}
    return {
        kind: Trained(*face_model.train(
            both, np.tile(emotions, 2).tolist(), np.tile(people, 2), weigh=WEIGH, C=C[kind], size=faces.size, names=SEVEN,
            residual=kind == "residual", seed=seed, about=about,
        ))
        for kind in kinds
    }  # fmt: skip


def save_models(trained: dict[str, Trained], out: str | Path) -> list[Path]:
    """Writes the models where `predict_path` finds them, in `out`/models."""
    return [each.model.save(Path(out) / "models" / FILES[kind]) for kind, each in trained.items()]


def load_model(kind: str = "single", out: str | Path | None = None, level: str = "lesson", seed: int = 0) -> FaceModel:
    """The model of a run (by default the last); trained now, on drawn faces, when the run has none."""
    path = Path(out or run_dir()) / "models" / FILES[kind]
    if not path.exists():
        warnings.warn(
            f"no trained model {path.name} in the run's folder yet: training it on drawn faces (minutes)", stacklevel=2
        )
        save_models(train(portraits(level, seed), seed), out or run_dir())
    model = FaceModel.load(path)
    if model.people is not None and model.people < FEW:
        warnings.warn(
            f"{path} was trained on {model.people} people only, at level smoke: `ferkit run 02` trains it on more",
            stacklevel=2,
        )
    return model


def predict_path(
    path: str | Path,
    model: str | Path | None = None,
    residual: bool = False,
    *,
    every: int | None = None,
    fps: float | None = None,
    annotated: str | Path | None = None,
    cam: bool = False,
    target: str | None = None,
    keep: Callable[[pd.DataFrame], object] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Emotions of the faces in a picture, a film, a folder of both, or a CSV with a column `path` (and `person`, for `residual`).

    One row per face, best face first: path, face (0, 1, ...), its box in the file's pixels (x0, y0, x1, y1), emotion, one column per
    class (probabilities). Where there are films, the columns frame (from 0) and time (seconds) follow path; films are sampled: each
    `every`-th frame, or `fps` a second (default 5). A shot without a face, or a file that cannot be decoded, has one row with an
    empty emotion; the table's `attrs["unreadable"]` names the latter. With `residual` only the best face of each picture is taken,
    since the person named is one.

    `model` is a face model or a network of `portable.save_network`. In the folder `annotated` pictures and films are written
    anew, each face with its box, emotion and probability; with `cam`, of a convolutional network, also with Grad-CAM of the class
    `target` (default: the one answered). ValueError where these do not go together.

    `keep` is given the table before any copy is written, and what there is of it when reading is interrupted; then the
    KeyboardInterrupt goes on.
    """
    check_sampling(every, fps)
    given = sources(path)
    if residual and any(source.person is None for source in given):
        raise ValueError(
            f"{path}: the residual model needs a CSV with the columns path and person, several pictures of each person"
        )
    if (cam and not annotated) or (target and not cam):
        raise ValueError("Grad-CAM is drawn on annotated pictures: --class goes with --cam, and --cam with --annotated")
    if cam and model is None:  # before it is trained
        raise ValueError(NO_MAPS)
    reader = _reader(model, residual, given)
    explained = _explained(reader, target) if cam else None
    places = places_for(Path(path), given, Path(annotated)) if annotated else {}
    try:
        reading = read(given, reader, every=every, fps=fps, progress=progress)
    except Interrupted as stopped:
        if keep and stopped.reading.shots:
            keep(stopped.reading.table())
        raise
    table = reading.table()
    if keep:
        keep(table)
    if places:
        annotate(reading, shots(given, every, fps), places, explained, target, progress=progress)
    return table


def _reader(model: str | Path | None, residual: bool, given: list[Source]) -> Reader:
    """The model asked for, ready to be asked. ValueError when it does not suit what is given."""
    header = read_header(model) if model else {}
    if "training" in header:
        raise ValueError(f"{model} is the state of a training; keep its network with ferkit.portable.save_network")
    if header.get("format") != FORMAT:
        chosen = FaceModel.load(model) if model else load_model("residual" if residual else "single")
        if chosen.residual != residual:
            what = (
                "subtracts each person's mean: ask for it with --residual"
                if chosen.residual
                else "looks at one picture: leave --residual out"
            )
            raise ValueError(f"the model {model} {what}")
        return FaceReader(chosen)
    assert model is not None
    network = load_network(model)
    if residual:
        raise ValueError(f"the network {model} subtracts no person's mean: leave --residual out")
    if network.frames > 1 and (still := next((s for s in given if not is_film(s.path)), None)):
        raise ValueError(
            f"the network {model} looks at sequences of {network.frames} frames: give it a film, not {still.shown}"
        )
    return NetworkReader(network)


def _explained(reader: Reader, target: str | None) -> Network:
    """The network that Grad-CAM explains. ValueError when it cannot explain this model, or not this class."""
    if not isinstance(reader, NetworkReader):
        raise ValueError(NO_MAPS)
    if target is not None:
        reader.network.class_index(target)
    reader.network.check_maps()
    return reader.network

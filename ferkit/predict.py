"""From pictures to emotions: the landmark models trained on drawn faces only, and the table `ferkit predict` writes.

Two models are kept in a run's folder. `landmarks` looks at one photograph. `landmarks-residual` subtracts the mean of the
person's pictures first, so it needs several of each person, and its results are to be shown apart.
"""

import warnings
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferkit import landmark_model
from ferkit.baselines import Answers, linear_softmax
from ferkit.data.files import image_files
from ferkit.faces import align, detect
from ferkit.faces.store import Prepared, prepare
from ferkit.labels import SEVEN
from ferkit.landmark_model import LandmarkModel
from ferkit.landmarks import mirror
from ferkit.loaders import load_clips
from ferkit.paths import run_dir

SIZE = 224  # pixels of the aligned faces
FILES = {"raw": "landmarks.safetensors", "residual": "landmarks-residual.safetensors"}
# Weak weights (a small C) carry over from drawn to photographed faces; what fits drawn faces best (0.01 and more) does not. Chosen on the
# development photographs, which are therefore no test of it.
C = {"raw": 0.001, "residual": 0.001}


@dataclass(frozen=True, eq=False)
class Trained:
    """A model, and its answers on drawn people it had not seen."""

    model: LandmarkModel
    answers: Answers


def portraits(level: str = "lesson", seed: int = 0) -> Prepared:
    """The drawn faces the models are trained on: many people, seven emotions, every picture in other light and pose."""
    faces = prepare(load_clips("portraits", level, seed), SIZE, keep_images=False)
    return faces.select(faces.table["found"].to_numpy())


def train(faces: Prepared, seed: int = 0, about: str = "drawn faces only") -> dict[str, Trained]:
    """Both models, trained on the faces and their mirror images."""
    emotions, people = (faces.table[column].to_numpy(dtype=str) for column in ("emotion", "person"))
    points = np.concatenate([faces.landmarks, mirror(faces.landmarks, faces.size)])
    return {
        feature: Trained(*landmark_model.train(
            points, np.tile(emotions, 2).tolist(), np.tile(people, 2), feature=feature, size=faces.size, names=SEVEN,
            classifier=linear_softmax, C=C[feature], seed=seed, about=about,
        ))
        for feature in FILES
    }  # fmt: skip


def save_models(trained: dict[str, Trained], out: str | Path) -> list[Path]:
    """Writes the models where `predict_path` finds them, in `out`/models."""
    return [each.model.save(Path(out) / "models" / FILES[feature]) for feature, each in trained.items()]


def load_model(
    feature: str = "raw", out: str | Path | None = None, level: str = "lesson", seed: int = 0
) -> LandmarkModel:
    """The model of a run (by default the last); trained now, on drawn faces, when the run has none."""
    path = Path(out or run_dir()) / "models" / FILES[feature]
    if not path.exists():
        warnings.warn(
            f"no trained model {path.name} in the run's folder yet: training it on drawn faces (minutes)", stacklevel=2
        )
        save_models(train(portraits(level, seed), seed), out or run_dir())
    return LandmarkModel.load(path)


def predict_path(
    path: str | Path, model: str | Path | None = None, residual: bool = False, *, progress: bool = True
) -> pd.DataFrame:
    """Emotions of the faces in a picture, a folder of pictures, or a CSV with a column `path` (and `person`, for `residual`).

    One row per face, best face first: path, face (0, 1, ...), emotion, one column per class (probabilities). A picture without a
    face, or one that cannot be decoded, has one row with an empty emotion. With `residual` only the best face of each picture is
    taken, since the person named is one.
    """
    given = Path(path)
    paths, shown, people = _pictures(given)
    if residual and people is None:
        raise ValueError(
            f"{given}: the residual model needs a CSV with the columns path and person, several pictures of each person"
        )
    chosen = LandmarkModel.load(model) if model else load_model("residual" if residual else "raw")
    if chosen.uses_person != residual:
        what = (
            "subtracts each person's mean: ask for it with --residual"
            if chosen.uses_person
            else "looks at one picture: leave --residual out"
        )
        raise ValueError(f"the model {model} {what}")
    find = partial(_landmarks, size=chosen.size, every=not residual)
    with ThreadPoolExecutor() as pool:
        found = list(tqdm(pool.map(find, paths), "faces", len(paths), disable=not progress, unit="picture"))
    rows = [(i, k, points) for i, faces in enumerate(found) for k, points in enumerate(faces)]
    probabilities = np.full((len(rows), len(chosen.names)), np.nan)
    if rows:
        who = None if people is None else np.asarray(people)[[i for i, _, _ in rows]]
        probabilities = chosen.probabilities(np.stack([points for _, _, points in rows]), who if residual else None)
    best = [chosen.names[i] for i in probabilities.argmax(1)]
    table = pd.DataFrame(
        [
            (i, shown[i], k, emotion, *p)
            for (i, k, _), emotion, p in zip(rows, best, probabilities.round(5), strict=True)
        ],
        columns=["row", "path", "face", "emotion", *chosen.names],
    )
    empty = [{"row": i, "path": shown[i], "face": 0, "emotion": ""} for i, faces in enumerate(found) if not faces]
    return (
        pd.concat([table, pd.DataFrame(empty)] if empty else [table])
        .sort_values(["row", "face"])
        .drop(columns="row")
        .reset_index(drop=True)
    )


def aligned_landmarks(image: np.ndarray, face: detect.Face, size: int = SIZE) -> np.ndarray:
    """The landmarks `(68, 2)` of a face, found again on the face aligned at `size` pixels, as in prepared sets."""
    matrix = align.alignment(face.landmarks, size)
    return detect.landmarks_in(align.align(image, matrix, size), align.apply_box(matrix, face.box))


def _landmarks(path: Path, size: int, every: bool) -> list[np.ndarray]:
    """Aligned landmarks of the faces in a picture; none, with a warning, where it cannot be read."""
    try:
        image, _ = detect.read_reduced(path, longest=2048)
        faces = detect.find_faces(image)
        return [aligned_landmarks(image, face, size) for face in (faces if every else faces[:1])]
    except (OSError, ValueError) as error:
        warnings.warn(f"left out: {error}", stacklevel=2)
        return []


def _pictures(given: Path) -> tuple[list[Path], list[str], Sequence[str] | None]:
    """The pictures meant by a path, how the answer names them, and who is on them where that is known."""
    if given.is_dir():
        paths = _walk(given)
        if not paths:
            raise FileNotFoundError(f"no pictures in {given}; expected files such as .jpg or .png in it or its folders")
        return paths, [str(path) for path in paths], None
    if not given.is_file():
        raise FileNotFoundError(f"no picture, folder or table {given}")
    if given.suffix.lower() != ".csv":
        return [given], [str(given)], None
    table = pd.read_csv(given, dtype=str, encoding="utf-8-sig")
    if "path" not in table:
        raise ValueError(f"{given}: expected a column `path` (and optionally `person`), got {', '.join(table.columns)}")
    shown = table["path"].dropna().tolist()
    if not shown:
        raise ValueError(f"{given}: the column `path` is empty")
    people = table.loc[table["path"].notna(), "person"] if "person" in table else None
    if people is not None and people.isna().any():
        raise ValueError(f"{given}: {int(people.isna().sum())} rows name no person; fill the column or leave it out")
    return [given.parent / name for name in shown], shown, None if people is None else people.tolist()


def _walk(folder: Path) -> list[Path]:
    """All pictures in a folder and its folders, in order."""
    inside: Iterable[Path] = sorted(
        path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")
    )
    return image_files(folder) + [path for each in inside for path in _walk(each)]

"""From pictures to emotions: the face models trained on drawn faces only, and the table `ferkit predict` writes.

Two models are kept in a run's folder. `single` looks at one photograph: its landmarks, and the gradients of the aligned picture.
`residual` subtracts the mean of the person's pictures first, so it needs several of each person, and its results are to be shown apart.
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

from ferkit import face_model
from ferkit.baselines import Answers, raw
from ferkit.data.files import image_files
from ferkit.face_model import FaceModel
from ferkit.faces import align, detect
from ferkit.faces.store import Prepared, prepare
from ferkit.gradients import gradients
from ferkit.labels import SEVEN
from ferkit.landmarks import mirror
from ferkit.loaders import load_clips
from ferkit.paths import run_dir

SIZE = 224  # pixels of the aligned faces
FILES = {"single": "face.safetensors", "residual": "face-residual.safetensors"}
# Weak weights (a small C) carry over from drawn to photographed faces; what fits drawn faces best does not. Chosen on the development
# photographs, so these are no test of it.
C = {
    "single": {"landmarks": 0.003, "gradients": 0.0001},
    "residual": {"landmarks": 0.003, "gradients": 0.0003},
}
WEIGH = {"landmarks": 1.0, "gradients": 1.0}
BOX = ["x0", "y0", "x1", "y1"]


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
    return FaceModel.load(path)


def predict_path(
    path: str | Path, model: str | Path | None = None, residual: bool = False, *, progress: bool = True
) -> pd.DataFrame:
    """Emotions of the faces in a picture, a folder of pictures, or a CSV with a column `path` (and `person`, for `residual`).

    One row per face, best face first: path, face (0, 1, ...), its box in the file's pixels (x0, y0, x1, y1), emotion, one column per
    class (probabilities). A picture without a face, or one that cannot be decoded, has one row with an empty emotion. With `residual`
    only the best face of each picture is taken, since the person named is one.
    """
    given = Path(path)
    paths, shown, people = _pictures(given)
    if residual and people is None:
        raise ValueError(
            f"{given}: the residual model needs a CSV with the columns path and person, several pictures of each person"
        )
    chosen = FaceModel.load(model) if model else load_model("residual" if residual else "single")
    if chosen.residual != residual:
        what = (
            "subtracts each person's mean: ask for it with --residual"
            if chosen.residual
            else "looks at one picture: leave --residual out"
        )
        raise ValueError(f"the model {model} {what}")
    find = partial(_faces, size=chosen.size, every=not residual)
    with ThreadPoolExecutor() as pool:
        found = list(tqdm(pool.map(find, paths), "faces", len(paths), disable=not progress, unit="picture"))
    rows = [(i, k, face) for i, faces in enumerate(found) for k, face in enumerate(faces)]
    probabilities = np.full((len(rows), len(chosen.names)), np.nan)
    if rows:
        who = np.asarray(people)[[i for i, _, _ in rows]] if people is not None and residual else None
        seen = {name: np.stack([face.features[name] for _, _, face in rows]) for name in rows[0][2].features}
        probabilities = chosen.probabilities(seen, who)
    table = pd.DataFrame(
        [
            (i, shown[i], k, *face.box.round(1), chosen.names[p.argmax()], *p.round(5))
            for (i, k, face), p in zip(rows, probabilities, strict=True)
        ],
        columns=["row", "path", "face", *BOX, "emotion", *chosen.names],
    )
    empty = [{"row": i, "path": shown[i], "face": 0, "emotion": ""} for i, faces in enumerate(found) if not faces]
    return (
        pd.concat([table, pd.DataFrame(empty)] if empty else [table])
        .sort_values(["row", "face"])
        .drop(columns="row")
        .reset_index(drop=True)
    )


@dataclass(frozen=True, eq=False)
class Seen:
    """A face in a picture: its box `(4,)` in the file's pixels, and what each expert looks at, `(D,)`."""

    box: np.ndarray
    features: dict[str, np.ndarray]


def look(image: np.ndarray, face: detect.Face, size: int = SIZE, factor: float = 1.0) -> Seen:
    """What the models are told of a face; `factor` is by how much the picture was reduced after reading."""
    aligned, points = aligned_face(image, face, size)
    return Seen(face.box / factor, {"landmarks": raw(points[None])[0], "gradients": gradients([aligned])[0]})


def aligned_face(image: np.ndarray, face: detect.Face, size: int = SIZE) -> tuple[np.ndarray, np.ndarray]:
    """The face's picture aligned at `size` pixels, and its landmarks `(68, 2)` found again there, as in prepared sets."""
    matrix = align.alignment(face.landmarks, size)
    aligned = align.align(image, matrix, size)
    return aligned, detect.landmarks_in(aligned, align.apply_box(matrix, face.box))


def _faces(path: Path, size: int, every: bool) -> list[Seen]:
    """The faces in a picture; a picture that cannot be read, or a face that cannot be aligned, is left out with a warning."""
    try:
        image, factor = detect.read_reduced(path, longest=2048)
    except (OSError, ValueError) as error:
        warnings.warn(f"left out: {error}", stacklevel=2)
        return []
    seen = []
    for face in detect.find_faces(image)[: None if every else 1]:
        try:
            seen.append(look(image, face, size, factor))
        except ValueError as error:  # landmarks so wrong that eyes and lip coincide, or the face lands outside
            warnings.warn(f"left out a face in {path}: {error}", stacklevel=2)
    return seen


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

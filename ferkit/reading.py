"""Faces found in shots and what a trained model says of each: the table that `ferkit predict` writes.

A reader is a model with how to ask it. Those of single pictures answer a few shots at a time, so that a long film needs no memory;
those that need a person's other pictures, or a film's other frames, answer at the end.
"""

import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, Protocol

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferkit.baselines import raw
from ferkit.data.files import is_film
from ferkit.face_model import FaceModel
from ferkit.faces import detect
from ferkit.gradients import gradients
from ferkit.portable import Network, Seen
from ferkit.sources import Shot, Source, expected, shots
from ferkit.views import aligned_face

BOX = ["x0", "y0", "x1", "y1"]
CHUNK = 16  # shots looked at before their faces are answered
# A shot, its faces each with what the reader sees of it, and by how much the shot was reduced.
Looked = tuple[Shot, list[tuple[detect.Face, Any]], float]


class Reader(Protocol):
    """What `read` asks: class names, whether only the best face of a shot counts, and whether all faces are answered at once."""

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def best_only(self) -> bool: ...

    @property
    def at_once(self) -> bool: ...

    def look(self, image: np.ndarray, face: detect.Face) -> Any:
        """What the model is told of a face. ValueError when it cannot be aligned."""

    def answer(self, seen: Sequence[Any], taken: Sequence[Shot]) -> np.ndarray:
        """Probabilities `(N, K)` of N faces; `taken` are the shots they are in."""


@dataclass(frozen=True, eq=False)
class FaceReader:
    """A face model, which looks at landmarks and gradients; a residual one at each person's best faces, all at once."""

    model: FaceModel

    @property
    def names(self) -> tuple[str, ...]:
        return self.model.names

    @property
    def best_only(self) -> bool:
        return self.model.residual

    at_once = best_only

    def look(self, image: np.ndarray, face: detect.Face) -> dict[str, np.ndarray]:
        aligned, points = aligned_face(image, face, self.model.size)
        return {"landmarks": raw(points[None])[0], "gradients": gradients([aligned])[0]}

    def answer(self, seen: Sequence[dict[str, np.ndarray]], taken: Sequence[Shot]) -> np.ndarray:
        people = np.array([shot.source.person for shot in taken]) if self.model.residual else None
        return self.model.probabilities({name: np.stack([one[name] for one in seen]) for name in seen[0]}, people)


@dataclass(frozen=True, eq=False)
class NetworkReader:
    """A network of single pictures, or of sequences: then the best faces of a film's frames, window by window."""

    network: Network

    @property
    def names(self) -> tuple[str, ...]:
        return self.network.names

    @property
    def best_only(self) -> bool:
        return self.network.frames > 1

    at_once = best_only

    def look(self, image: np.ndarray, face: detect.Face) -> Seen:
        return self.network.look(image, face)

    def answer(self, seen: Sequence[Seen], taken: Sequence[Shot]) -> np.ndarray:
        if self.network.frames == 1:
            return self.network.probabilities(seen)
        films = [id(shot.source) for shot in taken]
        starts = [i for i in range(len(films)) if i == 0 or films[i] != films[i - 1]]
        parts = [seen[a:b] for a, b in zip(starts, [*starts[1:], len(films)], strict=True)]
        return np.concatenate([self.network.of_film(part) for part in parts])


@dataclass(frozen=True, eq=False)
class Reading:
    """The shots, and for each of them: the faces found, by how much it was reduced on reading, the probabilities `(faces, K)`.

    `faces` are in the pixels of what `Shot.read` gives.
    """

    names: tuple[str, ...]
    shots: list[Shot]
    faces: list[list[detect.Face]]
    factors: list[float]
    answers: list[np.ndarray]

    def table(self) -> pd.DataFrame:
        """One row per face: path, with films frame and time, face, its box in the file's pixels, emotion, the classes.

        A shot without a face has one row with an empty emotion, and so has a file that cannot be read: these are named in the
        table's `attrs["unreadable"]`.
        """
        films = any(is_film(shot.source.path) for shot in self.shots)
        rows = []
        for shot, found, factor, answers in zip(self.shots, self.faces, self.factors, self.answers, strict=True):
            where = {"path": shot.source.shown, "frame": shot.frame, "time": shot.time}
            for k, (face, p) in enumerate(zip(found, answers, strict=True)):
                box = dict(zip(BOX, (face.box / factor).round(1), strict=True))
                chances = dict(zip(self.names, p.round(5), strict=True))
                rows.append({**where, "face": k, **box, "emotion": self.names[p.argmax()], **chances})
            rows += [] if found else [{**where, "face": 0, "emotion": ""}]
        columns = ["path", *(["frame", "time"] if films else []), "face", *BOX, "emotion", *self.names]
        table = pd.DataFrame(rows, columns=columns).astype(dict.fromkeys([*BOX, *self.names], float))
        if films:
            table["frame"], table["time"] = table["frame"].astype("Int64"), table["time"].astype(float).round(3)
        table.attrs["unreadable"] = [shot.source.shown for shot in self.shots if shot.problem]
        return table


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while shots were read; `reading` has those that were read by then."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self.reading = reading


def read(
    given: Sequence[Source],
    reader: Reader,
    *,
    every: int | None = None,
    fps: float | None = None,
    progress: bool = True,
) -> Reading:
    """What the reader says of every face in pictures and films; films are sampled as `sources.shots` says.

    A shot that cannot be read and a face that cannot be aligned are left out with a warning. Raises Interrupted.
    """
    done: list[Looked] = []
    stream = shots(given, every, fps)
    bar = tqdm(desc="faces", total=expected(given, every, fps), disable=not progress, unit="picture")
    try:
        with ThreadPoolExecutor() as pool, bar:
            while chunk := list(islice(stream, CHUNK)):
                looked = []
                for one in pool.map(partial(_look, reader), chunk):
                    looked.append(one)
                    bar.update()
                done += looked if reader.at_once else _answered(reader, looked)
    except KeyboardInterrupt as error:
        raise Interrupted(_reading(reader, done)) from error
    return _reading(reader, done)


def _reading(reader: Reader, done: list[Looked]) -> Reading:
    looked = _answered(reader, done) if reader.at_once else done
    answers = [np.array([p for _, p in found]).reshape(-1, len(reader.names)) for _, found, _ in looked]
    faces = [[face for face, _ in found] for _, found, _ in looked]
    return Reading(reader.names, [shot for shot, *_ in looked], faces, [factor for *_, factor in looked], answers)


def _answered(reader: Reader, looked: list[Looked]) -> list[Looked]:
    """The same with each face's probabilities `(K,)` in place of what the reader saw of it."""
    waiting = [(seen, shot) for shot, found, _ in looked for _, seen in found]
    answers = iter(reader.answer(*map(list, zip(*waiting, strict=True))) if waiting else ())
    return [(shot, [(face, next(answers)) for face, _ in found], factor) for shot, found, factor in looked]


def _look(reader: Reader, shot: Shot) -> Looked:
    try:
        image, factor = shot.read()
    except (OSError, ValueError) as error:
        warnings.warn(f"left out: {error}", stacklevel=2)
        return replace(shot.without_image(), problem=str(error) or type(error).__name__), [], 1.0
    seen = []
    for face in detect.find_faces(image)[: 1 if reader.best_only else None]:
        try:
            seen.append((face, reader.look(image, face)))
        except ValueError as error:  # landmarks so wrong that eyes and lip coincide, or the face lands outside
            warnings.warn(f"left out a face in {shot.source.path}: {error}", stacklevel=2)
    return shot.without_image(), seen, factor

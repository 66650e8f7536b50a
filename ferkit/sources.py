"""Where faces are read: pictures, films, folders of both, or a table that names them; one shot after the other.

A shot is a picture, or one frame of a film. Pictures are read when they are looked at, frames come with the film.
"""

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ferkit.data.files import FILMS, IMAGES, is_film, pictures_and_folders, table_rows
from ferkit.faces import detect
from ferkit.faces.films import sampled, told_of

LONGEST = 2048  # pixels: larger pictures are reduced
FPS = 5.0  # frames of a film a second, unless another number is asked for


@dataclass(frozen=True)
class Source:
    """A picture or a film, how the answer names it, and who is on it where that is known."""

    path: Path
    shown: str
    person: str | None = None


@dataclass(frozen=True, eq=False)
class Shot:
    """A picture, or a film's frame: its number from 0 and its time in seconds. `problem` says why it cannot be had."""

    source: Source
    frame: int | None = None
    time: float | None = None
    image: np.ndarray | None = field(default=None, repr=False)
    problem: str = ""

    def read(self) -> tuple[np.ndarray, float]:
        """The picture `(H, W, 3)` uint8, no side longer than 2048 pixels, and the factor from the file's pixels to it.

        OSError or ValueError when it cannot be had.
        """
        if self.problem:
            raise ValueError(self.problem)
        if self.image is None:
            return detect.read_reduced(self.source.path, longest=LONGEST)
        factor = min(1.0, LONGEST / max(self.image.shape[:2]))
        return detect.resize(self.image, factor)[0], factor

    def without_image(self) -> "Shot":
        """The shot without its pixels."""
        return Shot(self.source, self.frame, self.time, problem=self.problem)


def sources(given: str | Path) -> list[Source]:
    """What a path means: a picture, a film, all of a folder and its folders, or the column `path` of a CSV (and `person`).

    FileNotFoundError for a path that is not there or a folder without any, ValueError for a table without paths.
    """
    given = Path(given)
    if given.is_dir():
        if found := _walk(given):
            return [Source(path, _name(path)) for path in found]
        raise FileNotFoundError(
            f"no pictures in {given}; expected files such as .jpg or .png, or films such as .mp4, in it or its folders"
        )
    if not given.is_file():
        raise FileNotFoundError(f"no picture, film, folder or table {given}")
    if given.suffix.lower() != ".csv":
        return [Source(given, _name(given))]
    return _listed(given)


def check_sampling(every: int | None, fps: float | None) -> None:
    """ValueError when films cannot be sampled so."""
    if every is not None and fps is not None:
        raise ValueError("films are sampled by --every or by --fps, not by both")
    if (every is not None and every < 1) or (fps is not None and not 0 < fps < math.inf):
        raise ValueError(
            f"expected every 1 or more frames, or more than 0 a second, got {fps if every is None else every}"
        )


def shots(given: Sequence[Source], every: int | None = None, fps: float | None = None) -> Iterator[Shot]:
    """Every picture, and of every film each `every`-th frame, or `fps` a second; for a broken film one with the problem."""
    for source in given:
        if not is_film(source.path):
            yield Shot(source)
            continue
        try:
            if not source.path.is_file():
                raise FileNotFoundError(f"no film {source.path}")
            for number, time, frame in sampled(source.path, every, None if every else fps or FPS):
                yield Shot(source, number, time, frame)
        except (OSError, ValueError) as error:
            yield Shot(source, problem=str(error))


def expected(given: Sequence[Source], every: int | None = None, fps: float | None = None) -> int:
    """About how many shots there are, as far as the containers of films tell."""
    count = 0.0
    for source in given:
        frames, pace = told_of(source.path) if is_film(source.path) else (1, 0.0)
        count += max(1, frames / every if every else frames * min(1, (fps or FPS) / pace) if pace else frames)
    return round(count)


def _listed(given: Path) -> list[Source]:
    table = table_rows(given)
    columns = list(table.fieldnames or ())
    if "path" not in columns:
        raise ValueError(
            f"{given}: expected a column `path` (and optionally `person`), got {', '.join(columns) or 'none'}"
        )
    cells = [row for row in table if row["path"].strip()]
    if long := next((row for row in cells if "" in row), None):
        raise ValueError(f"{given}: more cells than columns beside {long['path']}; put what has a comma in quotes")
    rows = [(row["path"].strip(), row["person"].strip() if "person" in columns else None) for row in cells]
    if not rows:
        raise ValueError(f"{given}: the column `path` is empty")
    if unnamed := sum(person == "" for _, person in rows):
        raise ValueError(f"{given}: {unnamed} rows name no person; fill the column or leave it out")
    return [Source(given.parent / name.replace("\\", "/"), name, person) for name, person in rows]


def _name(path: Path) -> str:
    """The path as text that any file can hold: what is no UTF-8 in it is escaped."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(folder: Path, above: tuple[Path, ...] = ()) -> list[Path]:
    """All pictures and films in a folder and its folders, in order; a link back up is not followed."""
    here = folder.resolve()
    if here in above:
        return []
    found, inside = pictures_and_folders(folder, IMAGES + FILMS)
    return found + [path for each in inside for path in _walk(each, (*above, here))]

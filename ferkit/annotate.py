"""Pictures and films written anew with what was read from them."""

import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ferkit.data.files import is_film
from ferkit.faces.detect import Face
from ferkit.marks import Mark, annotated, film_writer, save_picture
from ferkit.portable import Network
from ferkit.reading import Reading
from ferkit.sources import Shot, Source


def places_for(path: Path, given: list[Source], folder: Path) -> dict[Path, Path]:
    """Where each source is written anew: under `folder` as it lies in the folder given. ValueError where that would mix both."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file: name a folder for --annotated")
    if path.is_dir() and folder.resolve().is_relative_to(path.resolve()):
        raise ValueError(f"{folder} lies in the folder that is read, {path}: name a folder elsewhere for --annotated")
    base = path if path.is_dir() else path.parent
    places: dict[Path, Path] = {}
    for source in given:
        file = source.path
        inside = file.relative_to(base) if file.is_relative_to(base) else Path(*file.parts[file.is_absolute() :])
        inside = Path(*(part for part in inside.parts if part != ".."))
        kept = ".mp4" if is_film(file) else ".jpg .jpeg .png"
        ending = "" if file.suffix.lower() in kept.split() else kept[:4] if is_film(file) else ".png"
        places[file] = folder / inside.with_name(inside.name + ending)
    if twice := [place for place, count in Counter(places.values()).items() if count > 1]:
        both = ", ".join(str(file) for file, place in places.items() if place == twice[0])
        raise ValueError(f"{both} would both be written as {twice[0]}: rename one of them")
    if same := {place.resolve() for place in places.values()} & {source.path.resolve() for source in given}:
        raise ValueError(f"{sorted(same)[0]} would be replaced: name another folder for --annotated")
    return places


def annotate(
    reading: Reading,
    again: Iterable[Shot],
    places: Mapping[Path, Path],
    explained: Network | None = None,
    target: str | None = None,
    *,
    progress: bool = True,
) -> None:
    """Writes each picture and film of a reading to its place, each face with its box, emotion and probability.

    `again` are the same shots, with their pixels. With `explained`, a map of Grad-CAM lies over each face, of the class `target`,
    which the text then names too, or else of the one answered. Films have the sampled frames alone, at their pace. What cannot be
    read is left out.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # said at the first reading
        found = zip(again, reading.faces, reading.answers, strict=True)
        bar = tqdm(found, "annotated", len(reading.shots), disable=not progress, unit="picture")
        for _, part in groupby(bar, key=lambda one: id(one[0].source)):
            pictures = _pictures(part, reading.names, explained, target)
            _write(pictures, places, reading.shots)


def _pictures(
    part: Iterable[tuple[Shot, list[Face], np.ndarray]],
    names: Sequence[str],
    explained: Network | None,
    target: str | None,
) -> Iterator[tuple[Shot, np.ndarray]]:
    """The shots of one source that can be read, with their marked pictures."""
    for shot, faces, answers in part:
        try:
            image, _ = shot.read()
        except (OSError, ValueError):
            continue
        best = answers.argmax(1)
        of_map = f", map: {target}" if target else ""
        texts = [f"{names[k]} {p[k]:.2f}{of_map}" for k, p in zip(best, answers, strict=True)]
        heats: Sequence[tuple] = [()] * len(faces)
        if explained and faces:
            wanted = best if target is None else [explained.class_index(target)] * len(faces)
            heats = explained.maps([(image, face) for face in faces], wanted)
        marks = [Mark(face.box, text, *heat) for face, text, heat in zip(faces, texts, heats, strict=True)]
        yield shot, annotated(image, marks)


def _write(pictures: Iterator[tuple[Shot, np.ndarray]], places: Mapping[Path, Path], taken: Sequence[Shot]) -> None:
    """Writes the pictures of one source: one file each, or all of them as a film."""
    for shot, picture in pictures:
        place = places[shot.source.path]
        if not is_film(shot.source.path):
            save_picture(picture, place)
            continue
        with film_writer(place, _pace([one for one in taken if one.source is shot.source])) as add:
            add(picture)
            for _, following in pictures:
                add(following)


def _pace(taken: Sequence[Shot]) -> float:
    """How many of these shots of a film a second has; 1 where there is but one."""
    times = [shot.time for shot in taken if shot.time is not None]
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 1.0

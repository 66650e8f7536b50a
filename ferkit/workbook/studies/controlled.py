"""Draw the same faces again with one thing changed, and show them to the shipped predictor.

People, expressions, scenes and the camera's noise stay, so a difference has one cause.

Convention
- A sweep's table has a row for each setting and series: x, series, value, low, high, n, for
  `plots.plot_sweep`. Intervals are over people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pandas as pd

from ferkit.core.labels import SEVEN
from ferkit.drawn.draw import draw
from ferkit.drawn.expressions import POSED, Variation, sample_expression
from ferkit.drawn.head import load_head
from ferkit.drawn.model import make_person_model
from ferkit.drawn.people import Person, make_person
from ferkit.drawn.scene import STUDIO, Scene, sample_scene
from ferkit.evaluation.intervals import bootstrap
from ferkit.faces import align
from ferkit.faces.detect import Face, find_face
from ferkit.predict.geometry import geometry_features
from ferkit.predict.shipped import load_model
from ferkit.workbook.studies.landmark_sweeps import choose_people, sweep_row

_ALIGNED_SIDE = 96  # pixels of the aligned pictures
_PIXELS = 224
_POSED = Variation(POSED)


@dataclass(frozen=True, eq=False)
class PlannedPicture:
    """A picture to be drawn: everything that decides it."""

    person: Person
    emotion: str
    amounts: np.ndarray  # (52,), of the facial actions
    scene: Scene


@dataclass(frozen=True, eq=False)
class AlignedFaces:
    """The F faces found in some pictures, aligned at 96 pixels."""

    landmarks: np.ndarray  # (F, 68, 2)
    pictures: np.ndarray  # (F, 96, 96) uint8, grey


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """What the shipped predictor made of N pictures; without a face it is wrong.

    `faces` are those that were found, in the order of the pictures, for other methods to name.
    """

    people: np.ndarray
    found: np.ndarray  # (N,) bool
    right: np.ndarray  # (N,) bool
    faces: AlignedFaces | None = None


def plan_pictures(people: int, each: int, seed: int = 0, *, group: int = 0) -> list[PlannedPicture]:
    """Plan `each` pictures of people without glasses who look into the camera.

    The seven emotions take turns, from person to person, so each is shown about equally often.
    People of another `group` are other people.
    """
    head = load_head()
    planned = []
    for number, person_seed in enumerate(choose_people(people, seed, group)):
        person = replace(make_person(person_seed, head), glasses=0.0)
        for k in range(each):
            rng = np.random.default_rng([seed, person_seed, k])
            emotion = SEVEN[(each * number + k) % len(SEVEN)]
            amounts, _ = sample_expression(
                emotion, head.action_names, rng, person_seed=person_seed, variation=_POSED
            )
            scene = replace(sample_scene(rng, STUDIO), yaw=0.0)
            planned.append(PlannedPicture(person, emotion, amounts, scene))
    return planned


def change_person(planned: Iterable[PlannedPicture], **changes: float) -> list[PlannedPicture]:
    """Change fields of `Person` in every picture, and nothing else."""
    values: dict[str, Any] = dict(changes)
    return [replace(each, person=replace(each.person, **values)) for each in planned]


def change_scene(planned: Iterable[PlannedPicture], **changes: float) -> list[PlannedPicture]:
    """Change fields of `Scene` in every picture, and nothing else."""
    return [replace(each, scene=replace(each.scene, **changes)) for each in planned]


def draw_pictures(planned: Iterable[PlannedPicture]) -> list[np.ndarray]:
    """Draw the pictures, `(224, 224, 3)` uint8 each; those of a person should be neighbours."""
    head = load_head()
    face = None
    images = []
    for each in planned:
        if face is None or each.person is not face.person:
            face = make_person_model(each.person, head, _PIXELS)
        frame = draw(face, head, each.amounts, each.scene, _PIXELS, seed=each.person.seed)
        images.append(frame.image)
    return images


def look_at(images: Sequence[np.ndarray], planned: Sequence[PlannedPicture]) -> SeenPictures:
    """Let the shipped predictor find and name the faces of the planned pictures."""
    model = load_model()
    results = [find_face(image) for image in images]
    found = np.array([face is not None for face in results])
    right = np.zeros(len(results), dtype=bool)
    if found.any():
        landmarks = np.array([face.landmarks for face in results if face is not None])
        named = model.probabilities(geometry_features(landmarks)).argmax(1)
        shown = np.array([each.emotion for each in planned])
        right[found] = np.array(model.names)[named] == shown[found]
    people = np.array([each.person.seed for each in planned])
    return SeenPictures(people, found, right, align_faces(images, results))


def align_faces(images: Sequence[np.ndarray], faces: Sequence[Face | None]) -> AlignedFaces:
    """Align the faces found in RGB pictures; pictures without a face have no row."""
    landmarks = []
    pictures = []
    for image, face in zip(images, faces, strict=True):
        if face is None:
            continue
        matrix = align.alignment(face.landmarks, _ALIGNED_SIDE)
        landmarks.append(align.apply(matrix, face.landmarks))
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        pictures.append(align.align(grey, matrix, _ALIGNED_SIDE))
    shape = (-1, _ALIGNED_SIDE, _ALIGNED_SIDE)
    return AlignedFaces(
        np.array(landmarks).reshape(-1, 68, 2), np.array(pictures, np.uint8).reshape(shape)
    )


def vary_person(
    planned: Sequence[PlannedPicture], field: str, values: Iterable[float]
) -> dict[float, SeenPictures]:
    """Draw the same pictures with one field of `Person` at several values."""
    return {value: _see(change_person(planned, **{field: value})) for value in values}


def vary_scene(
    planned: Sequence[PlannedPicture], field: str, values: Iterable[float]
) -> dict[float, SeenPictures]:
    """Draw the same pictures with one field of `Scene` at several values."""
    return {value: _see(change_scene(planned, **{field: value})) for value in values}


def vary_pixels(
    images: Sequence[np.ndarray],
    planned: Sequence[PlannedPicture],
    kind: str,
    values: Iterable[float],
) -> dict[float, SeenPictures]:
    """Spoil pictures that are drawn already (`spoil`), at several strengths."""
    return {
        value: look_at([spoil(image, kind, value) for image in images], planned) for value in values
    }


def spoil(image: np.ndarray, kind: str, value: float) -> np.ndarray:
    """Blur or add noise (standard deviation, pixels or grey levels), or lower the resolution.

    For "resolution" `value` is the new width in pixels. ValueError for another kind.
    """
    if kind == "blur":
        return cv2.GaussianBlur(image, (0, 0), value)
    if kind == "noise":
        noise = np.random.default_rng(int(value)).normal(0, value, image.shape)
        return np.rint(image + noise).clip(0, 255).astype(np.uint8)
    if kind == "resolution":
        return cv2.resize(image, (int(value), int(value)), interpolation=cv2.INTER_AREA)
    raise ValueError(f"unknown kind {kind!r}; known: blur, noise, resolution")


def _see(planned: list[PlannedPicture]) -> SeenPictures:
    return look_at(draw_pictures(planned), planned)


# --- tables ---


def tabulate(seen: Mapping[float, SeenPictures] | Mapping[str, SeenPictures]) -> pd.DataFrame:
    """Tabulate how many faces are found, and how many of these are named rightly."""
    rows = []
    for x, result in seen.items():
        found = result.found
        rows.append(sweep_row(x, "face found", bootstrap(found, result.people)))
        if found.any():
            named = bootstrap(result.right[found], result.people[found])
            rows.append(sweep_row(x, "named rightly, of those found", named))
    return pd.DataFrame(rows)


def split_thirds(seen: SeenPictures, planned: Sequence[PlannedPicture]) -> dict[str, SeenPictures]:
    """Split what was seen of people as they come into three groups of skin tone."""
    melanin = np.array([each.person.melanin for each in planned])
    third = np.minimum((3 * melanin).astype(int), 2)
    return {
        name: SeenPictures(seen.people[third == k], seen.found[third == k], seen.right[third == k])
        for k, name in enumerate(("lightest", "middle", "darkest"))
        if (third == k).any()
    }

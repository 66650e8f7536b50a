"""Controlled experiments: change one thing of drawn faces, keep everything else, measure again.

Sweeps over landmarks need no pictures (`undrawn`); sweeps over skin, age, pose or light draw the
same people, expressions and scenes anew, and show them to the shipped predictor.

Convention
- A sweep's table has a row for each setting and series: x, series, value, low, high, for
  `plots.plot_sweep`. Intervals are over people.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import pandas as pd

from ferkit.core.labels import SEVEN
from ferkit.core.landmarks import residuals
from ferkit.drawn.draw import draw
from ferkit.drawn.expressions import DAILY, POSED, Levels, Variation, sample_expression
from ferkit.drawn.head import load_head
from ferkit.drawn.model import make_person_model
from ferkit.drawn.people import Person, make_person
from ferkit.drawn.scene import STUDIO, Scene, sample_scene
from ferkit.evaluation.intervals import Score, bootstrap, compare_paired
from ferkit.faces.detect import find_face
from ferkit.predict.geometry import geometry_features
from ferkit.predict.shipped import load_model
from ferkit.training.linear import cross_validate, train_test
from ferkit.workbook.studies import undrawn
from ferkit.workbook.studies.undrawn import LandmarkSet

LETTERS = "ABCDE"  # FACS intensities, from a trace to the maximum
_FIRST_PERSON = 900_000  # people of no drawn set
_PIXELS = 224
_SINGLE = ("happiness", "sadness", "anger")  # emotions with a curve of their own
_FEW_PEOPLE = 10  # of the training set that grows by pictures
_POSED = Variation(POSED)


def choose_people(count: int, seed: int, group: int = 0) -> range:
    """Seeds of `count` people (1000 at most) who are in no drawn set, others in each group."""
    first = _FIRST_PERSON + 10_000 * seed + 1000 * group
    return range(first, first + count)


# --- landmarks of people who are not drawn ---


@dataclass(frozen=True, eq=False)
class Gain:
    """Accuracy with landmarks as they are and with residuals, and the paired difference."""

    raw: Score
    residual: Score
    difference: Score


def measure_residuals(people: int, spread: float, seed: int = 0) -> Gain:
    """Cross-validate a linear SVM on people whose faces differ `spread` times as much as usual.

    Expressions, views and noise do not depend on `spread`.
    """
    who = choose_people(people, seed)
    shapes = undrawn.spread_shapes(undrawn.rest_shapes(who), spread)
    faces = undrawn.make_landmarks(who, shapes, seed=seed)
    raw = _test_features(faces.features, faces, seed)
    residual = _test_features(residuals(faces.features, faces.people), faces, seed)
    return Gain(
        bootstrap(raw, faces.people),
        bootstrap(residual, faces.people),
        compare_paired(residual, raw, faces.people),
    )


def sweep_identity(people: int, spreads: Iterable[float], seed: int = 0) -> pd.DataFrame:
    """Compare raw landmarks with residuals, for several spreads of identity."""
    rows = []
    for spread in spreads:
        gain = measure_residuals(people, spread, seed)
        rows.append(_row(spread, "landmarks", gain.raw))
        rows.append(_row(spread, "residuals", gain.residual))
    return pd.DataFrame(rows)


def sweep_training(factors: Iterable[int], tested: int, seed: int = 0) -> pd.DataFrame:
    """Spend pictures on people or on takes; test on `tested` people, always the same.

    For each factor f there are 70 f training pictures: ten f people with one picture of each
    emotion, or ten people with f pictures of each.
    """
    test = _usual_faces(tested, seed, group=1)
    rows = []
    for factor in factors:
        many = _usual_faces(_FEW_PEOPLE * factor, seed)
        few = _usual_faces(_FEW_PEOPLE, seed, takes=factor)
        pictures = len(many.people)
        rows += [
            _row(pictures, "more people", _train_test(many, test, seed)),
            _row(pictures, "more pictures of ten people", _train_test(few, test, seed)),
            _row(pictures, "more people, residuals", _train_test(many, test, seed, subtract=True)),
        ]
    return pd.DataFrame(rows)


def sweep_intensity(people: int, seed: int = 0) -> pd.DataFrame:
    """Test a classifier, trained on everyday intensities, on one FACS intensity after another.

    `people` train it, half as many are tested. Neutral is not tested; three of the other emotions
    have a series of their own beside all six.
    """
    train = _usual_faces(people, seed)
    emotional = [emotion for emotion in SEVEN if emotion != "neutral"]
    who = choose_people(max(2, people // 2), seed, group=1)
    shapes = undrawn.rest_shapes(who)
    rows = []
    for k, letter in enumerate(LETTERS):
        a, b, c, d, e = np.eye(len(LETTERS))[k].tolist()
        only: Levels = (a, b, c, d, e)
        variation = Variation(only)
        test = undrawn.make_landmarks(
            who, shapes, emotions=emotional, variation=variation, seed=seed
        )
        found = train_test(_samples(train), _samples(test), names=SEVEN, seed=seed)
        right = found.correct()
        rows.append(_row(letter, "all six", bootstrap(right, test.people)))
        for emotion in _SINGLE:
            own = test.emotions == emotion
            rows.append(_row(letter, emotion, bootstrap(right[own], test.people[own])))
    return pd.DataFrame(rows)


def _usual_faces(people: int, seed: int, *, group: int = 0, takes: int = 1) -> LandmarkSet:
    """Faces of people with everyday intensities; those of another group are other people."""
    who = choose_people(people, seed, group)
    variation = Variation(DAILY)
    shapes = undrawn.rest_shapes(who)
    return undrawn.make_landmarks(who, shapes, takes=takes, variation=variation, seed=seed)


def _samples(faces: LandmarkSet, subtract: bool = False) -> tuple[np.ndarray, list, np.ndarray]:
    features = residuals(faces.features, faces.people) if subtract else faces.features
    return features, faces.emotions.tolist(), faces.people


def _train_test(
    train: LandmarkSet, test: LandmarkSet, seed: int, *, subtract: bool = False
) -> Score:
    found = train_test(_samples(train, subtract), _samples(test, subtract), names=SEVEN, seed=seed)
    return bootstrap(found.correct(), test.people)


def _test_features(features: np.ndarray, faces: LandmarkSet, seed: int) -> np.ndarray:
    folds = min(5, len(np.unique(faces.people)))
    labels = faces.emotions.tolist()
    return cross_validate(features, labels, faces.people, folds, names=SEVEN, seed=seed).correct()


# --- pictures, drawn again with one thing changed ---


@dataclass(frozen=True, eq=False)
class PlannedPicture:
    """A picture to be drawn: everything that decides it."""

    person: Person
    emotion: str
    amounts: np.ndarray  # (52,), of the facial actions
    scene: Scene


@dataclass(frozen=True, eq=False)
class SeenPictures:
    """What the shipped predictor made of N pictures; without a face it is wrong."""

    people: np.ndarray
    found: np.ndarray  # (N,) bool
    right: np.ndarray  # (N,) bool


def plan_pictures(people: int, each: int, seed: int = 0) -> list[PlannedPicture]:
    """Plan `each` pictures of people without glasses who look into the camera.

    The seven emotions take turns, from person to person, so each is shown about equally often.
    """
    head = load_head()
    planned = []
    for number, person_seed in enumerate(choose_people(people, seed)):
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
    faces = [find_face(image) for image in images]
    found = np.array([face is not None for face in faces])
    right = np.zeros(len(faces), dtype=bool)
    if found.any():
        landmarks = np.array([face.landmarks for face in faces if face is not None])
        named = model.probabilities(geometry_features(landmarks)).argmax(1)
        shown = np.array([each.emotion for each in planned])
        right[found] = np.array(model.names)[named] == shown[found]
    return SeenPictures(np.array([each.person.seed for each in planned]), found, right)


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
        rows.append(_row(x, "face found", bootstrap(found, result.people)))
        if found.any():
            named = bootstrap(result.right[found], result.people[found])
            rows.append(_row(x, "named rightly, of those found", named))
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


def _row(x: float | str, series: str, score: Score) -> dict[str, float | str | int]:
    return {"x": x, "series": series, **score.metric()}

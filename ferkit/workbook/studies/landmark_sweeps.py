"""Sweeps over landmarks of people who are not drawn: how much they differ, and how many they are.

Convention
- A sweep's table has a row for each setting and series: x, series, value, low, high, n, for
  `plots.plot_sweep`. Intervals are over people.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferkit.core.labels import SEVEN
from ferkit.core.landmarks import residuals
from ferkit.drawn.expressions import DAILY, Levels, Variation
from ferkit.evaluation.intervals import Score, bootstrap, compare_paired
from ferkit.training.linear import cross_validate, train_test
from ferkit.workbook.studies import undrawn
from ferkit.workbook.studies.undrawn import LandmarkSet

LETTERS = "ABCDE"  # FACS intensities, from a trace to the maximum
_FIRST_PERSON = 900_000  # people of no drawn set whose seed is below 9
_SINGLE = ("happiness", "sadness", "anger")  # emotions with a curve of their own
_FEW_PEOPLE = 10  # of the training set that grows by pictures


def choose_people(count: int, seed: int, group: int = 0) -> range:
    """Seeds of `count` people (1000 at most), others in each group.

    They are in no drawn set whose seed is below 9.
    """
    first = _FIRST_PERSON + 10_000 * seed + 1000 * group
    return range(first, first + count)


def sweep_row(x: float | str, series: str, score: Score) -> dict[str, float | str | int]:
    """Return one row of a sweep's table."""
    return {"x": x, "series": series, **score.metric()}


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
    raw = predict_held_out(faces.features, faces, seed)
    residual = predict_held_out(residuals(faces.features, faces.people), faces, seed)
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
        rows.append(sweep_row(spread, "landmarks", gain.raw))
        rows.append(sweep_row(spread, "residuals", gain.residual))
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
        scores = {
            "more people": _train_test(many, test),
            "more pictures of ten people": _train_test(few, test),
            "more people, residuals": _train_test(many, test, subtract=True),
        }
        rows += [sweep_row(pictures, name, score) for name, score in scores.items()]
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
        found = train_test(_samples(train), _samples(test), names=SEVEN)
        right = found.correct()
        rows.append(sweep_row(letter, "all six", bootstrap(right, test.people)))
        for emotion in _SINGLE:
            own = test.emotions == emotion
            rows.append(sweep_row(letter, emotion, bootstrap(right[own], test.people[own])))
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


def _train_test(train: LandmarkSet, test: LandmarkSet, *, subtract: bool = False) -> Score:
    found = train_test(_samples(train, subtract), _samples(test, subtract), names=SEVEN)
    return bootstrap(found.correct(), test.people)


def predict_held_out(features: np.ndarray, faces: LandmarkSet, seed: int) -> np.ndarray:
    """Cross-validate a linear SVM of features `(N, D)`; return which are right, `(N,)`."""
    folds = min(5, len(np.unique(faces.people)))
    labels = faces.emotions.tolist()
    return cross_validate(features, labels, faces.people, folds, names=SEVEN, seed=seed).correct()

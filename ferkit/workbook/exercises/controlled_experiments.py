"""The exercises of notebook 13: controlled experiments."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pandas as pd

from ferkit.drawn.head import load_head
from ferkit.drawn.people import Person, make_person
from ferkit.workbook.exercises.checks import Exercise, choice, number
from ferkit.workbook.studies.picture_methods import FACE_FOUND

_SPREAD = 4
_WANTED = 0.9  # share of faces found


def _judge_change(answer: Any) -> str:
    """Judge a function of a person and melanin that changes the skin tone and nothing else."""
    if not callable(answer):
        return f"expected a function, got {answer!r}; write `answer = your_function`"
    for seed in (1, 2, 3):
        person = make_person(seed, load_head())
        for melanin in (0.0, 0.35, 1.0):
            changed = answer(replace(person, local=person.local.copy()), melanin)
            if not isinstance(changed, Person):
                return f"expected a Person, got {type(changed).__name__}"
            if changed.melanin != melanin:
                return f"melanin is {changed.melanin:g}, {melanin:g} is wanted"
            others = [field.name for field in fields(Person) if field.name != "melanin"]
            different = [
                name
                for name in others
                if not np.array_equal(getattr(changed, name), getattr(person, name))
            ]
            if different:
                return f"{len(different)} other fields differ too, such as {different[0]}"
    return ""


def _people_minus_pictures(training: pd.DataFrame) -> float:
    """The difference at the largest number of pictures, in points."""
    last = training[training["x"] == training["x"].max()].set_index("series")["value"]
    return 100 * float(last["more people"] - last["more pictures of ten people"])


def _strongest_blur(blur: pd.DataFrame) -> float:
    """The strongest blur up to which enough faces are found; NaN for none."""
    found = blur[blur["series"] == "face found"].sort_values("x")
    enough = (found["value"] >= _WANTED).cummin()
    return float(found["x"][enough].max())


def _judge_most_robust(answer: Any, methods: pd.DataFrame) -> str:
    """Judge the method with the highest mean over the spoiled settings of each panel.

    Of several methods that are equally good each is right.
    """
    if not isinstance(answer, Mapping):
        return f"expected a dictionary from panel to method, got {answer!r}"
    rows = methods[methods["series"] != FACE_FOUND]
    for panel, part in rows.groupby("panel", sort=False):
        spoiled = part[part["x"] != part["x"].iloc[0]]
        means = spoiled.groupby("series")["value"].mean()
        if panel not in answer:
            return f"the panel {panel!r} is missing"
        if answer[panel] not in means.index:
            return f"{answer[panel]!r} is not a method; known: {', '.join(means.index)}"
        if means[answer[panel]] < means.max() - 1e-9:
            return f"in the panel {panel!r} another method is more robust"
    return ""


EXERCISES = {
    "13.1": Exercise(
        "What happens to landmarks and to residuals when people differ four times as much?",
        choice("abc", "0d0c096f033d"),
        (
            "Write a face as the person's face at rest plus what the expression adds.",
            "What is left of the face at rest when the person's mean face is subtracted?",
            "Expressions have not changed; one of the two inputs has only those left.",
        ),
        "Landmarks lose, residuals stay: the mean face takes the whole identity away, however "
        "large it is. Common mistake: both lose, since faces look stranger.",
    ),
    "13.2": Exercise(
        "Which share of the variance is identity when the spread is four?",
        number(lambda: _SPREAD**2 / (_SPREAD**2 + 1), 0.001),
        (
            "The variance is the square of the standard deviation.",
            "Four times the distance from the mean gives sixteen times the variance.",
            "16 parts identity, 1 part expression.",
        ),
        "16/17 = 0.94. Common mistake: 4/5, as if variances grew with the spread itself.",
    ),
    "13.3": Exercise(
        "How many points do more people give over more pictures, with the most pictures?",
        number(_people_minus_pictures, 0.06),
        (
            "`training` has the columns x (pictures), series and value.",
            "Take the rows where x is largest.",
            "Subtract the value of the second series from the first, times 100.",
        ),
        "The difference of two values of the table, in points; its sign matters. Common mistake: "
        "the smallest number of pictures, where both training sets are the same.",
    ),
    "13.4": Exercise(
        "Write the function that changes a person's skin tone and nothing else.",
        _judge_change,
        (
            "A Person is frozen: make a changed copy.",
            "`dataclasses.replace` makes a copy with some fields changed.",
            "replace(person, melanin=...) is all that is needed.",
        ),
        "One line with dataclasses.replace. Common mistake: making another person of that skin "
        "tone, whose shape, hair and age differ too.",
    ),
    "13.5": Exercise(
        "Up to which blur are nine faces in ten found?",
        number(_strongest_blur, 0.01),
        (
            "`blur_table` has the columns x, series and value.",
            'Keep the rows whose series is "face found" and whose value is at least 0.9.',
            "The largest x of these rows, if all weaker blurs are among them too.",
        ),
        "A value of the table's x. Common mistake: a blur at which faces are still *named* "
        "rightly, among the few that are found.",
    ),
    "13.6": Exercise(
        "Which method is the most robust in each panel: the highest mean over all settings but "
        "the mildest?",
        _judge_most_robust,
        (
            "The series `face found` is no method: leave its rows out.",
            "In each panel, leave out the rows with the first value of x, the mildest setting.",
            "Group by panel and series, take the mean of `value`, then `idxmax` for each panel.",
        ),
        "A dictionary of one method a panel. Common mistakes: keeping the mildest setting in the "
        "mean, and answering with the share of faces found, which is a ceiling and not a method.",
    ),
}

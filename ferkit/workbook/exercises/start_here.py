"""The exercises of notebook 00."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferkit.drawn.expressions import action_amounts, action_units
from ferkit.drawn.head import load_head
from ferkit.workbook.exercises.checks import Exercise, digest_of, same_function
from ferkit.workbook.lessons.drawn_truth import found_in_scene
from ferkit.workbook.lessons.whose_face import landmark_distance

_SURPRISE = (1, 2, 5, 25, 26)
_PEOPLE = (5, 7, 10, 14)
# Within the documented ranges of `Scene`.
_LIMITS = {
    "yaw": (-60, 60),
    "pitch": (-40, 40),
    "roll": (-45, 45),
    "exposure": (-1.5, 1.5),
    "noise": (0, 12),
    "blur": (0, 2),
    "light_azimuth": (-90, 90),
    "ambient": (0.1, 1),
}


def _judge_larger_step(answer: Any, *, distances: Mapping[str, np.ndarray]) -> str:
    if answer not in ("a", "b"):
        return f"expected a or b, got {answer!r}"
    smile = np.median(distances["one person, neutral and smiling"])
    larger = "a" if smile > np.median(distances["any two people"]) else "b"
    return "" if answer == larger else "compare the dark lines of the second and the last box below"


def _judge_ideas(answer: Any) -> str:
    numbers = sorted(answer)
    if len(numbers) != 2 or not set(numbers) <= {1, 2, 3, 4, 5}:
        return f"expected two different numbers from 1 to 5, such as {{1, 2}}, got {answer!r}"
    right = digest_of(" and ".join(map(str, numbers))) == "aca77589ca43"
    return "" if right else "at least one of these ideas works on a single photograph"


def _judge_recipe(answer: Mapping[str, float]) -> str:
    names = load_head().action_names
    units = action_units(action_amounts(answer, names), names)
    missing = [f"AU {unit}" for unit in _SURPRISE if unit not in units]
    unwanted = [f"AU {unit}" for unit in units if unit not in _SURPRISE]
    if missing:
        return f"missing: {', '.join(missing)}"
    return f"not part of surprise: {', '.join(unwanted)}" if unwanted else ""


def _judge_scene(answer: Mapping[str, float]) -> str:
    for name, value in answer.items():
        if name not in _LIMITS:
            return f"{name!r} is not one of {', '.join(_LIMITS)}"
        low, high = _LIMITS[name]
        if not low <= value <= high:
            return f"{name} must lie between {low:g} and {high:g}, got {value:g}"
    found, shown = found_in_scene(_PEOPLE, answer)
    if 2 * found > shown:
        return f"dlib still finds {found} of {shown} faces"
    return ""


def _two_faces(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(100, 30, (68, 2)), rng.normal(100, 30, (68, 2))


EXERCISES = {
    "00.1": Exercise(
        "Which is the larger step for landmarks, in the median: (a) from a person's neutral face "
        "to the same person's full smile, or (b) from one person to another, both neutral?",
        _judge_larger_step,
        (
            "Which of the 68 landmarks stay where they are in a smile?",
            "Another person may differ in all of them: jaw, nose, brows and mouth.",
            "In the figure that follows, compare the dark lines, the medians, of *one person, "
            "neutral and smiling* and of *any two people*.",
        ),
        "The judge compares the medians of the run. Usually another person is the larger step. "
        "A common mistake: to think of the mouth alone, which moves most in a smile.",
    ),
    "00.2": Exercise(
        "Write the distance between the landmarks of two faces as a function.",
        same_function(landmark_distance, _two_faces),
        (
            "An eye's centre is the mean of its six points: 36 to 41, and 42 to 47.",
            "Subtract from each face the middle between its eyes and divide it by the distance "
            "between its eyes. Then compare the two.",
            "`d = a - b` of the two scaled faces; `100 * np.sqrt((d**2).sum(1).mean())`.",
        ),
        "Each face is centred and scaled by its own eyes; then the root mean square over points. "
        "Common mistakes: the mean of distances instead of the root mean square; one face's eyes "
        "for both.",
    ),
    "00.3": Exercise(
        "Which two of the five ideas cannot be used on one photograph of a stranger?",
        _judge_ideas,
        (
            "Ask of each idea what its input is when it is used, not when it is trained.",
            "One idea subtracts something that a single picture cannot give; another follows a "
            "movement.",
            "A mean over one's own pictures needs pictures; a sequence needs frames.",
        ),
        "Residuals need the person's other pictures, and temporal networks need a sequence. The "
        "identity feature needs many people in training, but one picture in use.",
    ),
    "00.4": Exercise(
        "Write surprise, AU 1 + 2 + 5 + 25 + 26, as a mixture of facial actions.",
        _judge_recipe,
        (
            "Find the pictures of AU 1, 2, 5 and 26 above; their names are the keys.",
            "AU 25, lips part, comes with the open jaw. An action counts from an amount of 0.15.",
            'Begin with {"browInnerUp": 0.8, ...} and add three more actions.',
        ),
        "Inner and outer brow up, wide eyes, open jaw, each at 0.15 or more, and no other action. "
        "A common mistake: to look for an action of AU 25.",
    ),
    "00.5": Exercise(
        "Find a scene in which dlib finds at most half of the faces.",
        _judge_scene,
        (
            "Which faces were rare among the photographs on which such detectors were trained?",
            "A frontal detector loses faces that are turned far, in one direction or in several.",
            "Combine large values of `yaw`, `pitch` and `roll`.",
        ),
        "Open: any scene within the documented ranges that hides at least half of the faces, such "
        "as a large yaw with pitch and roll. Darkness or noise alone are rarely enough.",
    ),
}

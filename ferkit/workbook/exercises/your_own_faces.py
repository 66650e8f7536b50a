"""Exercises of the notebook about one's own faces."""

from typing import Any

import numpy as np

from ferkit.predict.people import smooth_over_time
from ferkit.workbook.exercises.checks import Exercise, choice, number, same_function
from ferkit.workbook.lessons.your_own_faces import name_face

_LEAST = 0.6  # probability of happiness that counts as fooled


def _random_course(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, float]:
    times = np.sort(rng.uniform(0, 5, 20))
    return times, rng.dirichlet(np.ones(7), 20), 1.0


def _share_of_right_alarms(hit_rate: float, false_rate: float, prevalence: float) -> float:
    right = hit_rate * prevalence
    return right / (right + false_rate * (1 - prevalence))


def _judge_fooled(answer: Any) -> str:
    """Judge facial actions, by name, that look like happiness without its action unit 12."""
    if not isinstance(answer, dict):
        return f"expected a dictionary of facial actions, got {answer!r}"
    if any(name.startswith("mouthSmile") for name in answer):
        return "the face must do without mouthSmile, which is AU 12"
    if not all(0 <= amount <= 1 for amount in answer.values()):
        return "amounts of actions are from 0 to 1"
    happiness = name_face(answer)["happiness"]
    if happiness >= _LEAST:
        return ""
    return f"this face is happiness with a probability of {happiness:.2f}; {_LEAST} is wanted"


EXERCISES = {
    "12.1": Exercise(
        "Which change of a photograph leaves all features as they are?",
        choice("abcd", "6856d5dd3d7e"),
        (
            "Look at what the second step removes: place, size and lean.",
            "A turn of the head sideways moves the nose towards one eye, so distances change.",
            "Distances are in units of the distance between the eyes, so the size drops out.",
        ),
        "Features are measured in units of the distance between the eyes, so the same face twice "
        "as large gives the same features. A common mistake is the turned head: only a lean in "
        "the plane of the picture is removed.",
    ),
    "12.2": Exercise(
        "Write the mean over a window of time.",
        same_function(smooth_over_time, _random_course),
        (
            "For each time, find the frames that are at most half the window away.",
            "`np.abs(times[:, None] - times[None]) <= seconds / 2` is a table of who is near whom.",
            "Multiply that table with the values, and divide by the number of near frames.",
        ),
        "The near frames of each frame are averaged; rows still sum to 1. A common mistake is a "
        "window of so many frames, which is another time where frames are missing.",
    ),
    "12.3": Exercise(
        "Which sign can this predictor not see at all?",
        choice("abcd", "0d0c096f033d"),
        (
            "All that the predictor is given are 68 points.",
            "Which of the four signs moves no contour of brows, eyes, nose, mouth or jaw?",
            "Folds and tears are in the skin between the points.",
        ),
        "Wrinkles and tears move no landmark. This is one reason why disgust and sadness are "
        "rarely recognised on photographs.",
    ),
    "12.4": Exercise(
        "Of the faces that are named sad, which share is sad, if few are?",
        number(_share_of_right_alarms, 0.005),
        (
            "Imagine 1000 faces, of which `prevalence` times 1000 are sad.",
            "Count the sad faces that are named sad, and the others that are named sad.",
            "hit_rate * prevalence, divided by itself plus false_rate * (1 - prevalence).",
        ),
        "Bayes' rule. Where an emotion is rare, most alarms are false although the predictor is "
        "right most of the time. A common mistake is to answer with the hit rate.",
    ),
    "12.5": Exercise(
        "Find a face that is named happiness and does not smile.",
        _judge_fooled,
        (
            "`name_face({...})` gives the probabilities; look at the arrows for happiness.",
            "Other actions than the smile also widen the mouth or lift the upper lip.",
            "Try two of mouthDimple, mouthStretch and mouthUpperUp together.",
        ),
        "A dimpled mouth with a raised upper lip is enough: the predictor knows geometry, not "
        "which muscle acts. Any mixture without mouthSmile that reaches 0.6 is right.",
    ),
}

"""Exercises of notebook 02: residuals, and how to read our numbers."""

from typing import Any

import numpy as np

from ferkit.core.landmarks import residuals
from ferkit.evaluation.intervals import Score
from ferkit.workbook.exercises.checks import (
    Exercise,
    better_than_baseline,
    choice,
    number,
    same_function,
)

_WANTED = 0.02  # half the width of an interval
_CLOSE = 0.05  # of the right number of people, as a share


def _landmarks_and_people(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    people = rng.permutation(np.repeat(["ana", "ben", "eva"], [3, 4, 5]))
    return rng.normal(112, 30, (12, 68, 2)), people


def _without_own(points: np.ndarray, people: np.ndarray) -> np.ndarray:
    """Subtract the mean of the person's other pictures."""
    counts = np.array([(people == person).sum() for person in people])
    return residuals(points, people) * (counts / (counts - 1))[:, None, None]


def _people_needed(score: Score) -> float:
    return score.people * ((score.high - score.low) / 2 / _WANTED) ** 2


def _judge_people(answer: Any, score: Score) -> str:
    if isinstance(answer, bool) or np.ndim(answer) != 0:
        return f"expected one number, got {answer!r}"
    share = float(answer) / _people_needed(score)
    if abs(share - 1) <= _CLOSE:
        return ""
    return "too few" if share < 1 else "too many"


def _difference(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.mean(first) - np.mean(second))


def _most_frequent(is_chosen: np.ndarray, people: np.ndarray) -> np.ndarray:
    return np.full(len(is_chosen), np.mean(is_chosen) > 0.5)


EXERCISES = {
    "02.1": Exercise(
        question="What is the residual of a person of whom there is a single photograph?",
        judge=choice("abc", "0d0c096f033d"),
        hints=(
            "Write the mean of one number.",
            "With N = 1 the mean face is the face itself.",
            "Subtract a face from itself.",
        ),
        expected=(
            "It is zero everywhere, so one photograph has no residual. Common mistake: to think "
            "that the mean face of other people could be subtracted instead; that is another "
            "feature, and for a linear classifier it is the raw landmarks."
        ),
    ),
    "02.2": Exercise(
        question="Write the residual as a function of landmarks and people.",
        judge=same_function(residuals, _landmarks_and_people),
        hints=(
            "For each picture you need the mean over the pictures of the same person.",
            "`points[people == person].mean(0)` is the mean face of one person.",
            "Begin with `result = np.array(points)`; then, for each person, "
            "`result[people == person] -= points[people == person].mean(0)`.",
        ),
        expected=(
            "Each person's mean is subtracted from that person's pictures. Common mistakes: the "
            "mean of all people; a mean over points or coordinates too (`mean()` without an axis)."
        ),
    ),
    "02.3": Exercise(
        question="How many people give an interval of plus and minus two points?",
        judge=_judge_people,
        hints=(
            "The half-width is `(score.high - score.low) / 2`; `score.people` people gave it.",
            "The width of an interval falls with the square root of the number of people.",
            "If it is three times too wide, nine times as many people are needed.",
        ),
        expected=(
            "The people there are, times the square of (half-width / 0.02). Common mistakes: to "
            "forget the square, to use the whole width, to count pictures instead of people."
        ),
    ),
    "02.4": Exercise(
        question="Compute the paired difference from the faces that one method alone gets right.",
        judge=number(_difference, 1e-6),
        hints=(
            "Faces that both methods get right, or both wrong, do not change the difference.",
            "`residual_right & ~raw_right` are the faces that residuals alone get right.",
            "Subtract the two counts and divide by the number of all faces.",
        ),
        expected=(
            "(only residuals right - only raw right) / all faces: the same as the difference of "
            "the two accuracies. Common mistakes: to divide by the faces on which they disagree; "
            "the wrong sign."
        ),
    ),
    "02.5": Exercise(
        question="Write the residual without the picture itself in the mean.",
        judge=same_function(_without_own, _landmarks_and_people),
        hints=(
            "For each picture, take the mean over the *other* pictures of the same person.",
            "In a loop over i: `others = (people == people[i]) & (np.arange(len(people)) != i)`.",
            "It is the residual times n / (n - 1), with n the number of the person's pictures.",
        ),
        expected=(
            "It is the residual times n / (n - 1). So where everybody has equally many pictures, a "
            "linear classifier of scaled features loses nothing. Common mistakes: to leave a "
            "picture out of the mean of *all* people; to take the factor (n - 1) / n."
        ),
    ),
    "02.6": Exercise(
        question="Tell two emotions apart by a rule of at most three landmarks, without learning.",
        judge=better_than_baseline(lambda is_chosen, **_: is_chosen, _most_frequent),
        hints=(
            "Look at the figure of mean residuals: which points move most, and which way?",
            "y points down. In a smile the corners of the mouth (48 and 54) move apart and up.",
            "`two.residuals[:, 54, 0] - two.residuals[:, 48, 0]` is how much wider the mouth is "
            "than this person's usual one; compare it with a threshold.",
        ),
        expected=(
            "A threshold on the width of the mouth, or on the height of its corners, of the "
            "residual. Common mistakes: raw landmarks, which tell people apart; the sign of y."
        ),
    ),
}

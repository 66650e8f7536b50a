"""Exercises of notebook 08: the heat map, intervals, the learning rate of stage 2, classes."""

from typing import Any

import numpy as np

from ferkit.evaluation.intervals import compare_paired
from ferkit.papers.emotionaldan.experiment import three_of_seven
from ferkit.papers.emotionaldan.loss import Triangular
from ferkit.workbook.exercises.checks import Exercise, choice, number, same_function

_MANY_PEOPLE = 20  # from here on an interval over people can be trusted


def _heat_pixel(landmarks: Any, row: int, column: int) -> float:
    centre = np.array([column + 0.5, row + 0.5])
    distances = np.linalg.norm(np.asarray(landmarks, dtype=np.float64) - centre, axis=1)
    return float(1 / (1 + distances.min()))


def _judge_predictions(answer: Any, *, truth: Any, baseline: Any, people: Any) -> str:
    """Judge predictions: right more often than the baseline, shown where people are many."""
    predicted, expected = np.asarray(answer), np.asarray(truth)
    if predicted.shape != expected.shape:
        return f"expected {len(expected)} predictions, got shape {predicted.shape}"
    lead = compare_paired(predicted == expected, np.asarray(baseline) == expected, people)
    if lead.value <= 0 or (lead.people >= _MANY_PEOPLE and lead.low <= 0):
        return f"not shown to be better than the network: the difference is {lead}"
    return ""


def _probabilities(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.dirichlet(np.ones(7), size=5),)


EXERCISES = {
    "08.1": Exercise(
        "Compute the heat map's value at one pixel from the 68 landmarks.",
        number(_heat_pixel, 0.0005),
        (
            "Pixel (row, column) has its centre at x = column + 0.5, y = row + 0.5.",
            "You need the distance from this centre to the *nearest* of the 68 landmarks.",
            "`distances = np.linalg.norm(landmarks - centre, axis=1)`, then 1 over 1 plus one of "
            "these.",
        ),
        "1 / (1 + the smallest distance). Common mistakes: row and column exchanged (x is the "
        "column), the mean distance, the half pixel forgotten.",
    ),
    "08.2": Exercise(
        "One method is ahead by 0.8 points, and the 95 % interval of the difference reaches from "
        "-4 to +6 points. What follows?",
        choice("abc", "0d0c096f033d"),
        (
            "Which true differences are compatible with this interval?",
            "Both +3 and -3 points lie inside it.",
            "So neither method is shown to be ahead; nor are they shown to be equal.",
        ),
        "No difference is shown, and equality is not shown either: a difference of several points "
        "either way is compatible with the data. More people are needed.",
    ),
    "08.3": Exercise(
        "Which learning rate has the authors' schedule reached after the iterations of the trial?",
        number(lambda iterations: Triangular()(iterations), 2e-5),
        (
            "In the first 10 000 iterations the rate rises along a straight line.",
            "The share of the way is `iterations / 10_000`.",
            "0.0001 + (0.05 - 0.0001) times that share.",
        ),
        "It has climbed only the first percent of the way: a rate of some ten thousandths. With "
        "SGD such steps move the weights very little. Common mistake: to take 0.05, the peak.",
    ),
    "08.4": Exercise(
        "Write a function from probabilities of seven classes `(N, 7)` to values of negative, "
        "neutral, positive `(N, 3)`: negative is the mean of anger, disgust, fear and sadness.",
        same_function(three_of_seven, _probabilities),
        (
            "The seven stand in the order neutral, anger, disgust, fear, happiness, sadness, "
            "surprise.",
            "Negative is the mean of columns 1, 2, 3 and 5; surprise is not used.",
            "`np.stack([p[:, [1, 2, 3, 5]].mean(1), p[:, ...], p[:, ...]], 1)`",
        ),
        "A mean of four columns beside two single columns. A sum instead of the mean makes almost "
        "every face negative.",
    ),
    "08.5": Exercise(
        "Predict the expressions of people never seen from their landmarks, better than the "
        "network does from pixels.",
        _judge_predictions,
        (
            "Any classifier of 136 numbers will do; train it on `known_landmarks`.",
            "Each face stands elsewhere in its picture: subtract the mean of its 68 points, at "
            "least.",
            "`fit_landmark_classifier(known_landmarks, known_emotions)`, of "
            "`ferkit.papers.emotionaldan.crops`, returns a function of landmarks.",
        ),
        "With landmarks that the drawing knows exactly, a linear classifier is far ahead of the "
        "network. Dividing by the size of the face and turning it upright helps further. Note that "
        "no detector delivers such landmarks.",
    ),
}

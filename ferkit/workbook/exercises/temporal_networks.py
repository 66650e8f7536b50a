"""Exercises of notebook 05: interpolation, the mean face, tricks with time, and fair controls."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferkit.faces.resample import cosine_weights
from ferkit.workbook.exercises.checks import (
    Exercise,
    better_than_baseline,
    number,
    same_function,
)

# Invented accuracies in points: (augmentation, learning rate).
_RUNS = {("with", 0.005): 90, ("with", 0.01): 84, ("without", 0.005): 86, ("without", 0.01): 83}
_LETTERS = {"a": "as they are", "b": "standing still", "c": "backwards"}


def _third_weight() -> float:
    return float(cosine_weights(3, np.array([0.5]))[0, 2])


def _constant_share(points: Any) -> float:
    values = np.asarray(points, dtype=np.float64)
    return float((values.mean(0) ** 2).mean() / (values**2).mean())


def _random_sequences(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.integers(0, 256, (3, 4, 5, 6)).astype(np.uint8),)


def _judge_order(answer: Any, correct: Mapping[str, np.ndarray]) -> str:
    """Judge an order of the three ways, from the highest accuracy to the lowest."""
    letters = str(answer).strip().lower()
    if sorted(letters) != sorted(_LETTERS):
        return f"expected the letters a, b and c in some order, got {answer!r}"
    accuracies = [float(np.mean(correct[_LETTERS[letter]])) for letter in letters]
    is_falling = accuracies == sorted(accuracies, reverse=True)
    return "" if is_falling else "the accuracies do not fall in this order"


def _most_frequent(truth: np.ndarray, **_: Any) -> np.ndarray:
    return np.full(len(truth), np.bincount(truth).argmax())


EXERCISES = {
    "05.1": Exercise(
        "Three frames are given. Which weight does the third have half way between the first and "
        "the second?",
        number(_third_weight, 0.005),
        (
            "In the formula n = 3, i = 2 and s = 1/2; the sum has two terms, k = 1 and k = 2.",
            "For k = 1 the cosines are cos(5 pi / 6) and cos(pi / 3); for k = 2 they are "
            "cos(10 pi / 6) and cos(2 pi / 3).",
            "1/3 + 2/3 (-0.433 - 0.250), which is below zero.",
        ),
        "About -0.12. The weights of the three frames are 0.46, 0.67 and -0.12: they sum to one, "
        "and a later frame pulls the earlier ones the other way, which is why cosines overshoot. A "
        "common mistake is to expect 0, as with linear interpolation, or to forget the factor 2/n.",
    ),
    "05.2": Exercise(
        "Which share of the mean square of DTGN's input is the same in all sequences?",
        number(_constant_share, 0.002),
        (
            "What is the same in all sequences is their mean: `points.mean(0)`.",
            "Square the mean sequence, average, and divide by the average of all squares.",
            "`points.mean(0) ** 2` has the squares of the mean sequence; average them.",
        ),
        "`(points.mean(0) ** 2).mean() / (points ** 2).mean()`, close to one. A common mistake is "
        "to square the mean of all numbers (`points.mean() ** 2`), which is nearly zero.",
    ),
    "05.3": Exercise(
        "Write a function that plays sequences (N, T, H, W) backwards.",
        same_function(lambda pictures: pictures[:, ::-1], _random_sequences),
        (
            "Axis 0 counts sequences, axis 1 time.",
            "A slice with step -1 reverses an axis.",
            "`pictures[::-1]` reverses axis 0; put `:` in the place of axis 0.",
        ),
        "`lambda pictures: pictures[:, ::-1]`. Reversing axis 0 shuffles the sequences instead, "
        "and reversing axis 3 mirrors the faces.",
    ),
    "05.4": Exercise(
        "Order the three ways of showing test sequences by the accuracy you expect.",
        _judge_order,
        (
            "Which information is left when the strongest frame is shown three times?",
            "A smile played backwards fades: it begins with the strongest frame and ends neutral.",
            "Print `correct[name].mean()` for each name, if you give up predicting.",
        ),
        "The order that this run measured. At level lesson on drawn sequences the accuracy falls "
        "from sequences as they are to standing still to backwards; a network of edges alone would "
        "not mind standing still.",
    ),
    "05.5": Exercise(
        "How many points is augmentation worth in this invented table, at equal learning rates?",
        number(lambda: _RUNS["with", 0.005] - _RUNS["without", 0.005], 0.01),
        (
            "Compare two trainings that differ in one thing.",
            "The fair pair is in one column of the table; the question names the rate, 0.005.",
            "Subtract the lower number of that column from the upper one.",
        ),
        "4 points. Comparing 90 with 83 gives 7, but 3 of these points belong to the learning "
        "rate of the training without augmentation.",
    ),
    "05.6": Exercise(
        "Without a network: predict the emotion of each sequence from its landmarks, better than "
        "the most frequent emotion would.",
        better_than_baseline(lambda truth, **_: truth, _most_frequent),
        (
            "Which features hold the movement? The points of the peak frame minus those of the "
            "first.",
            "`cross_validate(features, loaded.emotions, people, fold, names=loaded.classes)` "
            "trains a linear SVM on the other folds; `.predicted` are the class indices.",
            "`movement = (data.points[:, loaded.find_peak(12)] - data.points[:, 0]).numpy()`, "
            "reshaped to one row a sequence, and `fold = listed_folds(people, loaded.folds)`.",
        ),
        "Class indices (N,) of people who were held out. A linear SVM on the movement of 49 "
        "points does well; one on the points of the last frame alone does worse, since who "
        "somebody is stays in them.",
    ),
}

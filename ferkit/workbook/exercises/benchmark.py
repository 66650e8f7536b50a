"""Exercises of notebook 10."""

import numpy as np

from ferkit.evaluation.ranking import LEVEL, holm, rank_probabilities
from ferkit.workbook.exercises.checks import (
    Exercise,
    array,
    better_than_baseline,
    choice,
    number,
)


def _count_apart(comparisons, **_):
    return int((comparisons["adjusted"] < LEVEL).sum())


def _first_rank(right, people, **_):
    return float(rank_probabilities(right, people)[1].max())


EXERCISES = {
    "10.1": Exercise(
        "Ten methods are all equally good. All 45 pairs are tested at p < 0.05, without a "
        "correction. About how many pairs look different?",
        number(lambda: 45 * 0.05, 0.3),
        (
            "Where nothing differs, how often does one test at 0.05 say otherwise?",
            "One in twenty tests is wrong by chance.",
            "Multiply the number of pairs by 0.05.",
        ),
        "45 x 0.05, about two. A common mistake is 0: that a threshold of 0.05 allows no error.",
    ),
    "10.2": Exercise(
        "Adjust the p-values 0.010, 0.040, 0.030, 0.005 by Holm's method, in this order.",
        array(lambda: holm([0.010, 0.040, 0.030, 0.005])),
        (
            "Sort them first: the smallest is multiplied by 4, the next by 3.",
            "0.005 x 4 = 0.02; 0.010 x 3 = 0.03; 0.030 x 2 = 0.06; 0.040 x 1 = 0.04.",
            "None may fall below the one before it in sorted order, so the last becomes 0.06. "
            "Put them back into the order of the question.",
        ),
        "0.03, 0.06, 0.06, 0.02. Common mistakes: multiplying all by 4 (Bonferroni), and leaving "
        "the last at 0.04.",
    ),
    "10.3": Exercise(
        "How many pairs of methods can be told apart after Holm's correction?",
        number(_count_apart, 0.5),
        (
            "The table `comparisons` has a row for each pair.",
            "The column `adjusted` holds the corrected p.",
            "Count the rows whose adjusted p is below 0.05.",
        ),
        'int((comparisons["adjusted"] < 0.05).sum()). Counting `p` instead of `adjusted` gives '
        "more pairs.",
    ),
    "10.4": Exercise(
        "How sure is the first place: the highest probability of rank 1?",
        number(_first_rank, 0.03),
        (
            "The heat map of ranks shows it.",
            "Use `rank_probabilities(right, people)`; its columns are the ranks.",
            "Take the maximum of the column 1.",
        ),
        "The largest value in the column of rank 1. It is no accuracy, and not the probability "
        "that the winner is right on a face.",
    ),
    "10.5": Exercise(
        "One method needs a first, neutral frame of the same person. Is its place in the table a "
        "fair comparison with methods of one picture? (a) yes, all are tested on the same faces; "
        "(b) no, it knows the person; (c) only if it is worse",
        choice("abc", "0d0c096f033d"),
        (
            "What does each method know about the person at the moment of testing?",
            "Compare with residuals in notebook 02.",
            "It sees what the others have to guess: the neutral face.",
        ),
        "It uses more information, so it answers another question: two colours keep the two "
        "questions apart.",
    ),
    "10.6": Exercise(
        "Beat the landmarks with a softmax, from one picture, on people never seen: give the "
        "predicted labels of all faces (use `cross_validate`, never the test people's labels).",
        better_than_baseline(
            lambda labels, **_: np.asarray(labels), lambda baseline, **_: np.asarray(baseline)
        ),
        (
            "More features, or better ones: distances and angles between landmarks.",
            "`ferkit.predict.geometry.geometry_features` computes both.",
            "Cross-validate `linear.linear_discriminant` on these features, with the same folds.",
        ),
        "Geometry features with a discriminant analysis, or landmarks and HOG side by side. "
        "Fitting on all faces before predicting them beats the baseline too, but it is a leak.",
    ),
}

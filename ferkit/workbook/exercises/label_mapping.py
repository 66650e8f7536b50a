"""The exercises of notebook 01."""

from collections.abc import Mapping
from itertools import product

import numpy as np
import pandas as pd

from ferkit.core.labels import compound_parts, to_three
from ferkit.data.votes import VOTE_COLUMNS
from ferkit.workbook.exercises.checks import Exercise, number, same_function
from ferkit.workbook.lessons.ferplus_votes import targets_of
from ferkit.workbook.lessons.label_mapping import CLASS_OF_THREE, LEFT_OUT, read_with

_SIX = ("neutral", "anger", "disgust", "fear", "happiness", "sadness")


def _count_equal(learnt: str, scored: str) -> int:
    taken = read_with(learnt, scored)
    return int((taken.index == taken).sum())


def _parts(n: np.ndarray) -> np.ndarray:
    return np.stack(compound_parts(n))


def _classes(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.permutation(50),)


def _unordered_classes() -> int:
    pairs = _parts(np.arange(50)).T.tolist()
    return len({frozenset(pair) for pair in pairs})


def _guess_in_three() -> float:
    """The accuracy of guessing one of six emotions, when both sides are mapped to three classes."""
    return float(np.mean([to_three(a) == to_three(b) for a, b in product(_SIX, _SIX)]))


def _recall_of_one_class(counted: pd.DataFrame) -> float:
    """The mean recall of always naming one of the three classes that occur."""
    return 1 / len(set(counted[CLASS_OF_THREE]) - {LEFT_OUT, ""})


def _judge_votes(answer: Mapping[str, int]) -> str:
    if unknown := set(answer) - set(VOTE_COLUMNS):
        return f"FER+ has no answer {', '.join(sorted(unknown))}"
    if sum(answer.values()) != 10 or any(count < 0 for count in answer.values()):
        return f"ten votes are needed, got {sum(answer.values())}"
    table = targets_of(answer)
    outcomes = table["target"] + table["dropped"]
    if outcomes.nunique() == len(outcomes):
        return ""
    return f"{outcomes.nunique()} different outcomes, four are asked for"


EXERCISES = {
    "01.1": Exercise(
        "A network has learnt FER2013's codes perfectly and is scored with AffectNet's table. How "
        "many of its seven emotions count as right?",
        number(_count_equal, 0, "write both lists side by side"),
        (
            "Code k counts as right where both columns have the same word in row k.",
            "Compare the columns FER2013 and AffectNet row by row, from code 0 to code 6.",
            "Row 0 is anger and neutral, row 1 disgust and happiness. Go on.",
        ),
        "Counted from the two columns. A common mistake: to count words that occur in both lists, "
        "in whatever row.",
    ),
    "01.2": Exercise(
        "Write the way back: an array of class numbers n to the codes (c, d), shape (2, N).",
        same_function(_parts, _classes),
        (
            "Neutral, n = 0, must become (0, 0).",
            "c = (n + 6) // 7. What is d for n = 7, and for n = 8?",
            "d = (n - 1) % 7 + 1, but 0 where n is 0: `np.where(n == 0, 0, ...)`.",
        ),
        "`np.stack([(n + 6) // 7, np.where(n == 0, 0, (n - 1) % 7 + 1)])`. Common mistakes: n % 7, "
        "which is 0 for surprise; and d = 7 for neutral.",
    ),
    "01.3": Exercise(
        "How many classes would remain if the order of the two emotions did not matter?",
        number(_unordered_classes, 0, "which classes become one?"),
        (
            "Mirror images become one class; the diagonal and neutral stay.",
            "There are 7 x 7 - 7 classes off the diagonal, in pairs.",
            "Half of 42, and 7, and neutral.",
        ),
        "Half of the 42 classes off the diagonal, the 7 on it, and neutral. A common mistake: to "
        "halve the diagonal too, or to forget neutral.",
    ),
    "01.4": Exercise(
        "Six emotions without surprise and contempt, equally frequent; each face is guessed as one "
        "of the six. Which share is right after both are mapped to three classes?",
        number(_guess_in_three, 0.005),
        (
            "How often is the guess negative, neutral, positive? And the truth?",
            "Four of the six are negative, one is neutral, one positive.",
            "Add the three squares of 4/6, 1/6 and 1/6.",
        ),
        "(4/6)^2 + (1/6)^2 + (1/6)^2. A common mistake: one third, which holds only if each of the "
        "three classes is guessed equally often.",
    ),
    "01.5": Exercise(
        "What is the mean recall of a classifier that always names the most frequent of the three "
        "classes?",
        number(_recall_of_one_class, 0.005),
        (
            "What share of the faces of the class that is always named does it recognise?",
            "And what share of the faces of the other two classes?",
            "The mean of one recall of 1 and two recalls of 0.",
        ),
        "One third, however rare the other classes are: one recall of 1, two of 0. A common "
        "mistake: the accuracy, which is the share of the most frequent class.",
    ),
    "01.6": Exercise(
        "Find ten votes for which the four rules give four different training targets.",
        _judge_votes,
        (
            "One of the four outcomes may be that the picture is dropped.",
            "ms_majority drops a picture where no emotion has more than half of what remains.",
            "Give three emotions two votes or more, so that none has more than half.",
        ),
        "Any votes without a majority and with two or three strong emotions: dropped by "
        "ms_majority, shares by ms_distribution, ones by ms_multi, one emotion by argmax.",
    ),
}

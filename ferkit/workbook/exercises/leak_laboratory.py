"""The exercises of notebook 11: leaks."""

from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline

from ferkit.workbook.exercises.checks import Exercise, choice, number, same_function

_COPIES = 4
_FOLDS = 5


def _judge_folds(answer: Any) -> str:
    """Judge a function of people `(N,)` and k that gives each picture's fold, 0..k-1."""
    if not callable(answer):
        return f"expected a function, got {answer!r}; write `answer = your_function`"
    for seed in range(3):
        rng = np.random.default_rng(seed)
        people = rng.choice([f"p{number:02d}" for number in range(12)], 60)
        folds = np.asarray(answer(people.copy(), 4))
        if folds.shape != people.shape:
            return f"expected a fold for each of {len(people)} pictures, got shape {folds.shape}"
        if set(folds.tolist()) != {0, 1, 2, 3}:
            return f"4 folds are 0, 1, 2 and 3, all of them; got {sorted(set(folds.tolist()))}"
        split = [person for person in set(people) if len(set(folds[people == person])) > 1]
        if split:
            return f"{len(split)} people are in several folds"
    return ""


def _judge_inflating(answer: Any, added: dict) -> str:
    """Judge the names of the leaks whose interval lies above zero."""
    if isinstance(answer, str) or not set(answer) <= set(added):
        return f"expected a list of names among {', '.join(added)}"
    expected = {name for name, score in added.items() if score.low > 0}
    missing = len(expected - set(answer))
    extra = len(set(answer) - expected)
    if missing or extra:
        return f"{missing} of them missing, {extra} too many"
    return ""


def project_honestly(
    features: np.ndarray, emotions: np.ndarray, train: np.ndarray, test: np.ndarray
) -> np.ndarray:
    """Predict the rows `test` in a projection that the rows `train` alone decide."""
    model = make_pipeline(LinearDiscriminantAnalysis(), KNeighborsClassifier(5))
    return model.fit(features[train], emotions[train]).predict(features[test])


def _make_faces(rng: np.random.Generator) -> tuple:
    features = rng.normal(0, 1, (60, 30))
    emotions = rng.choice(["anger", "fear", "surprise"], 60)
    rows = rng.permutation(60)
    return features, emotions, rows[:40], rows[40:]


EXERCISES = {
    "11.1": Exercise(
        "Which of three lines lets the test people decide something?",
        choice("abc", "0d0c096f033d"),
        (
            "Ask of each line: what has been fitted before the folds are made?",
            "What stands inside `pipeline(...)` is fitted once in each fold, on training faces.",
            "One line calls `fit_transform` on all faces, and gives it the emotions.",
        ),
        "The supervised projection that is fitted before the split. Common mistake: suspecting "
        "every StandardScaler, although inside a pipeline it sees training faces only.",
    ),
    "11.2": Exercise(
        "How likely is a copy of the tested face among the training faces?",
        number(lambda: 1 - (1 / _FOLDS) ** _COPIES, 0.001),
        (
            "Compute the opposite: all four copies are in the fold of the tested face.",
            "One copy is in that fold with probability 1/5, whatever the others do.",
            "1 minus (1/5) to the power of 4.",
        ),
        "1 - (1/5)^4 = 0.998: the nearest training face nearly always is a copy. Common mistake: "
        "4/5, the probability for one copy.",
    ),
    "11.3": Exercise(
        "Write a function that makes folds of whole people.",
        _judge_folds,
        (
            "Give a fold to each person, not to each picture.",
            "np.unique(people, return_inverse=True) numbers the people.",
            "Number the people and take that number modulo k.",
        ),
        "Each person goes into one fold, for example the person's number modulo k. Common "
        "mistake: the picture's number modulo k.",
    ),
    "11.4": Exercise(
        "Repair the supervised projection.",
        same_function(project_honestly, _make_faces),
        (
            "Neither the projection nor the neighbours may see a test face.",
            "LinearDiscriminantAnalysis().fit(features[train], emotions[train]) is the start.",
            "Put both into a pipeline, fit it on the training rows and predict the test rows.",
        ),
        "Fit projection and classifier on the training rows, for example as a pipeline. Common "
        "mistake: fit_transform on all rows before they are split.",
    ),
    "11.5": Exercise(
        "By what factor does the own picture shrink a residual of seven pictures?",
        number(lambda: 6 / 7, 0.001),
        (
            "Write the mean of seven pictures as own picture / 7 plus the mean of the others times "
            "6/7.",
            "x - mean = x - x/7 - (6/7) m, where m is the mean of the other six.",
            "Take (6/7) out of the bracket.",
        ),
        "x - mean = (6/7)(x - m): the residual with the own picture is the other one times 6/7. "
        "Common mistake: 1/7, the share of the own picture.",
    ),
    "11.6": Exercise(
        "Which leaks are shown to inflate the score?",
        _judge_inflating,
        (
            "A leak is shown to inflate when zero lies outside the interval of what it adds.",
            "`added[name].low` is the interval's lower end.",
            "Keep the names whose lower end is above 0.",
        ),
        "Those whose interval of the paired difference lies above zero. Common mistake: all whose "
        "difference is positive.",
    ),
}

"""Exercises of notebook 04, patch generation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from ferkit.evaluation.predictions import Predictions
from ferkit.papers.i2cnn.data import FoldRows
from ferkit.papers.i2cnn.gram_svm import gram_matrix
from ferkit.papers.i2cnn.patches import PATCH_COUNT
from ferkit.workbook.exercises.checks import Exercise, choice, number, same_function
from ferkit.workbook.lessons.patch_generation import mouth_patches

_SOURCES = ("training", "features")


def _count_patches(fold: FoldRows) -> float:
    return PATCH_COUNT * len(fold.train)


def _gram(features: np.ndarray) -> np.ndarray:
    return gram_matrix(features.__getitem__, range(len(features)))


def _some_features(rng: np.random.Generator) -> tuple[np.ndarray]:
    return (rng.normal(size=(4, 5, 3)),)


def _judge_source(answer: Any, steps: dict[tuple[int, int], Predictions]) -> str:
    """Judge which of two steps gained more; equal gains count as features."""
    if answer not in _SOURCES:
        return f"expected one of {', '.join(_SOURCES)}, got {answer!r}"
    accuracy = {key: float(one.correct().mean()) for key, one in steps.items()}
    training = accuracy[60, 1] - accuracy[1, 1]
    features = accuracy[60, 60] - accuracy[60, 1]
    larger = "features" if features >= training else "training"
    return "" if answer == larger else "in this run the other step is the larger one"


def _judge_folds(answer: Any, people: Sequence[str]) -> str:
    """Judge folds by person: complete, nobody in two of them, and at least two."""
    folds = np.asarray(answer)
    persons = np.asarray(people)
    if folds.shape != persons.shape:
        return f"expected a fold for each of {len(persons)} frames, got shape {folds.shape}"
    if len(set(folds.tolist())) < 2:
        return "one fold leaves nothing to train on; make at least two"
    split = [name for name in np.unique(persons) if len(set(folds[persons == name].tolist())) > 1]
    if split:
        return f"people in more than one fold: {len(split)}, {split[0]} among them"
    return ""


def _judge_mouth(answer: Any) -> str:
    """Judge a list of patch numbers against those around the mouth."""
    chosen = [int(patch) for patch in answer]
    wanted = set(mouth_patches())
    if len(chosen) != len(set(chosen)):
        return "a patch is named twice"
    if outside := set(chosen) - wanted:
        return f"{len(outside)} of these patches are of another region"
    missing = len(wanted) - len(chosen)
    return f"{missing} patches of these regions are missing" if missing else ""


EXERCISES = {
    "04.1": Exercise(
        "How many patches does the network for k = 60 train on in the first fold?",
        number(_count_patches, 0.5),
        (
            "Every face gives 60 patches. Which faces may the network see?",
            "The faces of the first fold's test people are kept out; `rows[0].train` lists the "
            "row numbers of the others.",
            "Multiply `len(rows[0].train)` by 10 regions, 3 scales and 2 flips.",
        ),
        "60 times the number of training faces. A common mistake counts all faces, test people "
        "included, or forgets the flipped patches.",
    ),
    "04.2": Exercise(
        "Write a function that adds up the Gram matrix of all patches.",
        same_function(_gram, _some_features),
        (
            "For one patch with features `f` of shape (N, D), the inner product of every pair of "
            "faces is one matrix product.",
            "`f @ f.T` has the shape (N, N); do this for each patch.",
            "Sum `f @ f.T` over `f in features`. Adding the features first is something else.",
        ),
        "The sum over patches of f f^T. It equals the Gram matrix of all features laid end to "
        "end. Common mistakes: f^T f, which is features by features; adding the patches' features "
        "before the product; the mean in place of the sum.",
    ),
    "04.3": Exercise(
        "Which of two steps gains more: more training pictures, or more features for the SVM?",
        _judge_source,
        (
            "Compare neighbouring rows of the figure: they differ in one thing only.",
            "From the first row to the second only the training changes.",
            "Take the step from row 1 to row 2, and that from row 2 to row 4, and compare.",
        ),
        "Whichever step is larger in the run's figure. A common mistake compares the first row "
        "with the fourth: there both things change.",
    ),
    "04.4": Exercise(
        "Which of four experiments lets a test person influence her own prediction?",
        choice("abcd", "4609475a1265"),
        (
            "Ask of each number: was it fitted to anything? And to whose pictures?",
            "Fixed formulas, such as LBP, learn nothing from the faces they are applied to.",
            "A network carries what it has learnt into its features: find the experiment in "
            "which somebody is both tested and trained on, by whichever part.",
        ),
        "Features of a network that has seen the tested people, labels included, leak, even "
        "though the SVM on top is trained by person. Fixed features in one Gram matrix, and "
        "scales taken from training rows, do not.",
    ),
    "04.5": Exercise(
        "Name a fold for every frame, so that nobody is in two folds.",
        _judge_folds,
        (
            "All frames of one person must get the same number.",
            "Number the people first, then give each frame its person's number.",
            "`numpy.unique(people, return_inverse=True)[1]` numbers the people; the remainder "
            "after division by 5 makes at most five folds of them.",
        ),
        "Any numbering that depends on the person alone. Folds by sequence are not enough: the "
        "same person's other sequences would be trained on.",
    ),
    "04.6": Exercise(
        "List the numbers of all patches of three regions around the mouth.",
        _judge_mouth,
        (
            "Three regions, three scales, and each also flipped: 18 numbers.",
            "`patch_number(region, scale, flipped=...)` gives the number of one patch; the scales "
            "are in `PATCH_SCALES`.",
            "Loop over the three names, over `PATCH_SCALES` and over (False, True), and collect "
            "`patch_number(name, scale, flipped=flip)`.",
        ),
        "18 numbers in any order. A common mistake leaves out the flipped patches or takes one "
        "scale only.",
    ),
}

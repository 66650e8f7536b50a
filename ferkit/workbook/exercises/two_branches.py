"""Exercises of notebook 03: the hinge loss, the training loop, a control with swapped inputs."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ferkit.training.layers import hinge
from ferkit.workbook.exercises.checks import (
    Exercise,
    better_than_baseline,
    choice,
    number,
    same_function,
)

_CLASSES = 50
_NEUTRAL = 0  # the class


def _scores_and_classes(rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    scores = torch.from_numpy(rng.normal(0, 2, (8, 5)))
    return scores, torch.from_numpy(rng.integers(0, 5, 8))


def _judge_rows(answer: Callable[[np.ndarray], Any], people: np.ndarray) -> str:
    """Judge row numbers of other people: each row once, and nobody keeps a row of their own."""
    if not callable(answer):
        return f"expected a function, got {answer!r}; write `answer = your_function`"
    rows = np.asarray(answer(np.array(people)))
    if rows.shape != people.shape or rows.dtype.kind not in "iu":
        return f"expected {len(people)} row numbers, got {rows.dtype} of shape {rows.shape}"
    if sorted(rows.tolist()) != list(range(len(people))):
        return "each row number must occur once"
    own = int((people[rows] == people).sum())
    return f"{own} faces keep an input of the same person" if own else ""


EXERCISES = {
    "03.1": Exercise(
        question="What is the L2 hinge loss of a face whose 50 scores are all zero?",
        judge=number(lambda: _CLASSES, 1e-6),
        hints=(
            "Look at one term of the sum, with s = 0.",
            "max(0, 1 - t * 0) does not depend on t.",
            "Each of the 50 classes adds the square of 1.",
        ),
        expected=(
            "50: every class adds 1. Common mistakes: 1 (the mean instead of the sum), 49 (the "
            "true class is left out), 3.912 (cross-entropy, the logarithm of 50)."
        ),
    ),
    "03.2": Exercise(
        question="Write the L2 hinge loss as a function of scores and classes.",
        judge=same_function(hinge, _scores_and_classes),
        hints=(
            "Make a tensor t of the shape of the scores: 1 for the true class, else -1.",
            "`t = torch.full_like(scores, -1)`, then `t[torch.arange(len(t)), classes] = 1`.",
            "Sum `(1 - t * scores).clamp_min(0) ** 2` over classes; take the mean over faces.",
        ),
        expected=(
            "The sum over classes of max(0, 1 - t s) squared, averaged over faces. Common "
            "mistakes: no square; the mean over classes too; t of 0 and 1."
        ),
    ),
    "03.3": Exercise(
        question="What happens when `optimiser.zero_grad()` is left out?",
        judge=choice("abc", "4609475a1265"),
        hints=(
            "Look up what `loss.backward()` does with the gradients that are already there.",
            "PyTorch adds new gradients to those that are stored in each parameter.",
            "After ten batches the step follows the sum of ten gradients.",
        ),
        expected=(
            "The gradients of all batches so far add up, so that steps grow and follow old "
            "weights. Common mistake: to take it for a matter of memory."
        ),
    ),
    "03.4": Exercise(
        question="Choose for each face the row of another person, each row once.",
        judge=_judge_rows,
        hints=(
            "A random permutation gives some faces their own person's input.",
            "Sort the rows by person, then shift them by as many as one person has at most.",
            "`order = np.argsort(people, kind='stable')`; "
            "`rows[order] = np.roll(order, most)`, with `most` the largest number of one person's "
            "faces.",
        ),
        expected=(
            "For example: sort by person and shift by the largest number of faces of a person. "
            "Common mistakes: a random permutation, in which some keep their own; a shift by one, "
            "which stays within the person."
        ),
    ),
    "03.5": Exercise(
        question="What follows if somebody else's picture does no harm?",
        judge=choice("abc", "6856d5dd3d7e"),
        hints=(
            "The test changes the input of a network that is already trained.",
            "HOG with a ridge classifier shows whether the pictures hold something.",
            "A statement about one trained network is not one about pictures.",
        ),
        expected=(
            "Only that this trained network decides by the residual. Common mistakes: to conclude "
            "that pictures hold nothing, or that no network could use them."
        ),
    ),
    "03.6": Exercise(
        question="Train something better than the rule that calls every face neutral.",
        judge=better_than_baseline(
            lambda truth, **_: truth, lambda truth, **_: np.full(len(truth), _NEUTRAL)
        ),
        hints=(
            "The loop above already does it at `lesson`: begin with its predictions.",
            "Try another layer, another rate, more epochs, or a hidden layer.",
            "At `smoke` there are few training faces: train on all people who are not tested.",
        ),
        expected=(
            "Predictions of a model that never saw the test people. A common mistake is to train "
            "or to choose settings on the test people: the check cannot see it, and the number "
            "then means nothing (notebook 11)."
        ),
    ),
}

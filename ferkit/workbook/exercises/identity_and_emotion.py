"""Exercises of notebook 07: thresholds, cosines, controls, and recalls."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ferkit.workbook.exercises.checks import Exercise, choice, digest_of, number, same_function

_MOST_MISTAKEN = 0.05  # of the pairs of two people
_CONTROL = "00b23625762b"  # the digest of the one change that makes the control


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))


def _two_features(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.normal(size=160), rng.normal(size=160)


def _judge_threshold(answer: Any, *, similarity: np.ndarray, same: np.ndarray) -> str:
    """Judge a threshold: few mistaken pairs, and as many found as this allows."""
    if isinstance(answer, bool) or np.ndim(answer) != 0:
        return f"expected one number, got {answer!r}"
    similarity, same = np.asarray(similarity), np.asarray(same, dtype=bool)
    mistaken = np.mean(similarity[~same] >= float(answer))
    found = np.mean(similarity[same] >= float(answer))
    if mistaken > _MOST_MISTAKEN + 1 / np.sum(~same):  # one pair more is no mistake
        return f"{mistaken:.1%} of the pairs of two people count as one person"
    thresholds = np.unique(similarity)
    allowed = [t for t in thresholds if np.mean(similarity[~same] >= t) <= _MOST_MISTAKEN]
    most = np.mean(similarity[same] >= min(allowed, default=np.inf))
    if found < most - 0.01:
        return f"it finds {found:.1%} of the pairs of one person, and more can be found"
    return ""


def _judge_control(answer: Any, *, joint: Mapping[str, str]) -> str:
    """Judge a recipe of a training: it differs from `joint` in one thing, the right one."""
    if not isinstance(answer, Mapping) or set(answer) != set(joint):
        return f"expected a dict with the keys {', '.join(joint)}, got {answer!r}"
    changed = [key for key in joint if str(answer[key]).strip() != joint[key]]
    if len(changed) != 1:
        return f"a control changes one thing, yours changes {len(changed)}"
    change = f"{changed[0]}: {str(answer[changed[0]]).strip().lower()}"
    if digest_of(change) == _CONTROL:
        return ""
    return (
        f"changing “{changed[0]}” to {answer[changed[0]]!r} does not isolate what the second "
        "network knows of people"
    )


def _mean_recall(truth: np.ndarray, predicted: np.ndarray) -> float:
    truth, predicted = np.asarray(truth), np.asarray(predicted)
    return float(np.mean([np.mean(predicted[truth == k] == k) for k in np.unique(truth)]))


EXERCISES = {
    "07.1": Exercise(
        "The threshold θ is raised. What happens to the true and to the false accepts?",
        choice("abc", "0d0c096f033d"),
        (
            "A pair is accepted if its cosine is at least θ. Which pairs pass a higher bar?",
            "Every pair that passes a high bar passes a low one too, whatever it shows.",
            "Neither number can grow. Which option says so?",
        ),
        "Both fall, or stay: no threshold finds more and mistakes fewer. This trade is what a ROC "
        "curve draws. A common mistake is to think that a strict threshold is simply a better one.",
    ),
    "07.2": Exercise(
        "Write a function of two features `(160,)` that returns their cosine.",
        same_function(_cosine, _two_features),
        (
            "The equation stands above: a product of two features over a product of two lengths.",
            "`a @ b` is the scalar product, `np.linalg.norm(a)` the length.",
            "`answer = lambda a, b: a @ b / (np.linalg.norm(a) * ...)`",
        ),
        "The scalar product over the product of the lengths. Without the lengths it measures how "
        "large the features are, too.",
    ),
    "07.3": Exercise(
        "Choose θ so that at most 5 % of the pairs of two people are accepted, and as many pairs "
        "of one person as possible.",
        _judge_threshold,
        (
            "Use `similarity[~same]`, the cosines of the pairs of two people.",
            "95 % of these must lie below θ; and θ should be as low as this allows.",
            "`np.quantile(similarity[~same], ...)`, and a little above it.",
        ),
        "The 95 % quantile of the cosines of pairs of two people. It is an operating point of the "
        "ROC curve; a door lock would ask for 0.1 %, an album for 10 %. Note that θ is chosen here "
        "on the pairs that it is tested on.",
    ),
    "07.4": Exercise(
        "Joint learning beats the ResNet alone. Change one entry of its recipe so that comparing "
        "both trainings tells whether it helps that the second network knows *people*.",
        _judge_control,
        (
            "Joint learning differs from the ResNet in several ways: a second network, more "
            "numbers to learn, more epochs, and what the second network has learnt before.",
            "Keep everything but what the second network has learnt before.",
            'Change "second network begins" to another of the values offered.',
        ),
        "The second network begins with random weights; all else stays. Dropping the second "
        "network changes its size too; freezing it changes what is learnt; more epochs change the "
        "length of the training.",
    ),
    "07.5": Exercise(
        "Compute the mean recall of joint learning: the mean over classes of the share recognised.",
        number(_mean_recall, 0.002),
        (
            "Rows of class k are `truth == k`.",
            "The recall of class k is the mean of `predicted[truth == k] == k`.",
            "`np.mean([np.mean(predicted[truth == k] == k) for k in ...])`",
        ),
        "Every class counts the same, however rare. Accuracy hides a rare class that is never "
        "recognised; mean recall loses one eighth for it.",
    ),
    "07.6": Exercise(
        "Suppose the identity branch tells the network who is in the picture, so that the emotion "
        "branch can compare. Which neutral face should then serve the network better?",
        choice("abc", "4609475a1265"),
        (
            "What does the supposed branch say of a neutral face of another person?",
            "It would name the wrong person, and comparing with the wrong person misleads.",
            "So the face that names the right person should serve better.",
        ),
        "The person's own. If both serve equally well, the branch does not work by telling who is "
        "there.",
    ),
}

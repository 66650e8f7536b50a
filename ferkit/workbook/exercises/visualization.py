"""Exercises of notebook 09, visualization."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from ferkit.explain.drawn_faces import DrawnFace
from ferkit.explain.grad_cam import sum_weighted_maps
from ferkit.explain.motion import motion_auc, score_faces
from ferkit.workbook.exercises.checks import Exercise, choice, number, same_function

_SMALLEST_K = 5  # from which the search of exercise 09.6 starts


def _grad_cam(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    return np.maximum(sum_weighted_maps(maps, gradients), 0)


def _some_maps(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return rng.uniform(size=(5, 3, 4)), rng.normal(size=(5, 3, 4))


def _auc(heat: np.ndarray, moved: np.ndarray) -> np.ndarray:
    return np.array(motion_auc(heat, moved.astype(float)))


def _some_pixels(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Twenty pixels, some of equal heat, of which eight moved."""
    heat = rng.integers(0, 6, 20) / 5
    return heat, rng.permutation(np.arange(20) < 8)


def _mean_gain(trained: pd.DataFrame, shuffled: pd.DataFrame) -> float:
    return float((trained["auc"] - shuffled["auc"]).mean())


def _smallest_count(share: float) -> float:
    """The smallest number of landmarks, from 5 on, of which some are this share, rounded."""
    k = _SMALLEST_K
    while round(round(k * share) / k, 3) != share:
        k += 1
    return k


def _judge_fixed_map(
    answer: Any, faces: Sequence[DrawnFace], matrices: np.ndarray, trained: pd.DataFrame
) -> str:
    """Judge one map `(H, W)` for all faces: its mean area must exceed the network's."""
    heat = np.asarray(answer, dtype=float)
    if heat.ndim != 2 or not np.isfinite(heat).all():
        return f"expected one map of finite numbers (H, W), got shape {heat.shape}"
    table = score_faces(faces, np.repeat(heat[None], len(faces), axis=0), matrices)
    yours, network = table["auc"].mean(), trained["auc"].mean()
    if yours > network:
        return ""
    return f"your map reaches {yours:.3f}, the network's maps {network:.3f}"


EXERCISES = {
    "09.1": Exercise(
        "What may be concluded from one picture of t-SNE?",
        choice("abcd", "0d0c096f033d"),
        (
            "Run it with another seed in your head: what would stay?",
            "Sizes of groups and the gaps between them depend on the perplexity and the seed.",
            "t-SNE tries to keep one thing: who is near whom, in the small.",
        ),
        "Only that points close together are mostly neighbours in the full space as well. "
        "Common mistakes: two groups far apart are taken to be very different, a wide group to "
        "be very varied; both change with the seed.",
    ),
    "09.2": Exercise(
        "Write Grad-CAM for the maps of one layer and their gradients.",
        same_function(_grad_cam, _some_maps),
        (
            "The weight of each map is one number: the mean of its gradient over all cells.",
            "`gradients.mean(axis=(1, 2))` are the weights; multiply each map by its own and add.",
            "At last set what is below zero to zero: `numpy.maximum(total, 0)`.",
        ),
        "Mean gradients as weights, the weighted sum of the maps, then the ReLU. Common mistakes: "
        "no ReLU; the product of maps and gradients cell by cell; the ReLU on each map before the "
        "sum.",
    ),
    "09.3": Exercise(
        "Write the area under the ROC curve by comparing pairs of pixels.",
        same_function(_auc, _some_pixels),
        (
            "Take every pair of a moved and an unmoved pixel. How often has the moved one the "
            "higher value?",
            "`heat[moved][:, None] > heat[~moved][None, :]` compares all pairs at once.",
            "Add half of the pairs with equal values: `(first > second).mean() + "
            "(first == second).mean() / 2`.",
        ),
        "The share of pairs (moved, not moved) in which the moved pixel is higher, ties counting "
        "half. Common mistakes: forgetting ties; the share of moved pixels above some threshold.",
    ),
    "09.4": Exercise(
        "By how much is EmotionalDAN's area higher than that of its shuffled weights, on average?",
        number(_mean_gain, 0.002),
        (
            "The two tables have a row for each face, in the same order, with a column auc.",
            "Subtract the columns face by face.",
            'Take the mean of `trained["auc"] - shuffled["auc"]`.',
        ),
        "The mean difference over faces. A common mistake subtracts 0.5: a control with shuffled "
        "weights is not at 0.5, since its architecture alone already prefers some places.",
    ),
    "09.5": Exercise(
        "Draw one map by hand, the same for all faces, that beats the network's maps.",
        _judge_fixed_map,
        (
            "Where do faces move in most expressions? The motion figure shows it.",
            "Make a smooth bump: `numpy.exp(-((rows - r) ** 2 + (columns - c) ** 2) / width)`.",
            "Centre it at the mouth, at about 0.65 of the height and 0.5 of the width, and make it "
            "as wide as the cheeks.",
        ),
        "Any map that is high around mouth and cheeks (and brows). It has seen no face, so an "
        "area below its own says little for a network's explanation.",
    ),
    "09.6": Exercise(
        "A share is printed as 0.522. Of how many landmarks, at least 5, can it be?",
        number(_smallest_count, 0.01),
        (
            "The share is m / k with whole numbers m and k.",
            "For each k take the nearest whole m to 0.522 k, and look at m / k with three digits.",
            "Loop k from 5: the first with `round(round(k * 0.522) / k, 3) == 0.522`.",
        ),
        "The first k for which some m / k rounds to 0.522. A common mistake accepts a k whose "
        "nearest share only begins with 0.52.",
    ),
}

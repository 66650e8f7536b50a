"""Calibration: whether answers given with a probability are right as often as it says."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def reliability(probabilities: ArrayLike, truth: ArrayLike, bins: int = 10) -> pd.DataFrame:
    """Tabulate how often answers are right, by the probability of the answer.

    `probabilities` (N, K), `truth` (N,) indices of classes. A row for each of `bins` equal parts of
    [0, 1] that holds an answer: `confidence`, the mean probability of its answers, `accuracy`, the
    share of them that is right, and `count`. ValueError for other shapes and values.
    """
    chances = np.asarray(probabilities, dtype=np.float64)
    classes = np.asarray(truth)
    if chances.ndim != 2 or classes.shape != chances.shape[:1]:
        raise ValueError(
            f"expected probabilities (N, K) and N classes, got {chances.shape} and {classes.shape}"
        )
    if not (np.isfinite(chances).all() and np.allclose(chances.sum(1), 1, atol=1e-3)):
        raise ValueError("the probabilities of a face must add up to 1: apply softmax to scores")
    confidence = chances.max(1)
    part = np.minimum((confidence * bins).astype(int), bins - 1)
    answers = pd.DataFrame({"confidence": confidence, "right": chances.argmax(1) == classes})
    table = answers.groupby(part).agg(
        confidence=("confidence", "mean"), accuracy=("right", "mean"), count=("right", "size")
    )
    return table.reset_index(drop=True)


def calibration_error(table: pd.DataFrame) -> float:
    """The expected calibration error of a table as of `reliability`, from 0 to 1.

    The mean distance of accuracy and confidence, weighted by the number of answers (C. Guo et al.,
    On Calibration of Modern Neural Networks, ICML 2017, equation 3).
    """
    distance = (table["accuracy"] - table["confidence"]).abs()
    return float(np.average(distance, weights=table["count"]))

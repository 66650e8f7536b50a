"""Paper 3's weighted sum over alpha, and the frames that networks of fewer frames see.

H. Jung et al., ICCV 2015, sections 3.5.1 and 4.1, figures 3, 5 and 11.
"""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import Tensor

from ferkit.evaluate import REPEATS, bootstrap, hits
from ferkit.models.dtagn import weighted_sum

STEPS = 100  # of alpha, 0.01 each


def softmax(logits: ArrayLike) -> np.ndarray:
    """Probabilities of logits `(N, K)`."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def alpha_sweep(
    p: ArrayLike, q: ArrayLike, truth: ArrayLike, people: ArrayLike, *, repeats: int = REPEATS, seed: int = 0
) -> pd.DataFrame:
    """The accuracy of `alpha p + (1 - alpha) q` for alpha from 0 to 1 in steps of 0.01: alpha, value, low, high (figure 11).

    `p` and `q` are the softmax outputs `(N, K)` of DTAN and DTGN; the interval is over people.
    """
    rows = []
    for alpha in np.arange(STEPS + 1) / STEPS:
        found = bootstrap(
            hits(weighted_sum(np.asarray(p), np.asarray(q), alpha), truth), people, repeats=repeats, seed=seed
        )
        rows.append((alpha, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["alpha", "value", "low", "high"])


def fewer_frames(pictures: Tensor, count: int) -> Tensor:
    """`count` of the T frames of sequences `(N, T, H, W)`: evenly from the first to the last, a single one is the last."""
    given = pictures.shape[1]
    if not 1 <= count <= given:
        raise ValueError(f"{count} frames cannot be chosen from {given}; choose 1 to {given}")
    places = np.linspace(0, given - 1, count).round().astype(int) if count > 1 else [given - 1]
    return pictures[:, list(places)]

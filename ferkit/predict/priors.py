"""How frequent the classes are: probabilities under another prior than the even one of training.

The models are trained on equally many faces of each emotion, so their probabilities p(k | x) assume
an even prior. With a prior q(k) they become p(k | x) q(k) / sum_j p(j | x) q(j).

    even        as trained
    everyday    neutral and happiness 0.3 each, the rest shared by the others: about what cameras
                see in daily life, where most faces are neutral or smiling
    estimated   that of the faces given, by expectation maximisation: M. Saerens, P. Latinne and
                C. Decaestecker, Neural Computation 14(1), 2002

Example: of an uncertain face, even says neutral 0.4 and sadness 0.5, of seven classes. everyday
multiplies the first by 0.3 and the second by 0.08, so neutral wins.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

PRIORS = ("even", "everyday", "estimated")
UNSURE = "unsure"  # the answer where no class is probable enough
_FREQUENT = {"neutral": 0.3, "happiness": 0.3}
_MOST_ROUNDS = 1000
_SETTLED = 1e-6  # largest change of a class's frequency in the last round


def find_prior(kind: str, names: Sequence[str], probabilities: ArrayLike) -> np.ndarray:
    """The prior `(K,)` of a kind, given the classes and the even probabilities `(N, K)`.

    ValueError for an unknown kind.
    """
    if kind not in PRIORS:
        raise ValueError(f"unknown prior {kind!r}; known: {', '.join(PRIORS)}")
    if kind == "everyday":
        return everyday_prior(names)
    if kind == "estimated":
        return estimate_prior(probabilities)
    return np.full(len(names), 1 / len(names))


def everyday_prior(names: Sequence[str]) -> np.ndarray:
    """The prior `(K,)` with frequent neutral and happy faces; even where neither is a class."""
    known = {name: share for name, share in _FREQUENT.items() if name in names}
    others = len(names) - len(known)
    rest = (1 - sum(known.values())) / others if others else 0.0
    prior = np.array([known.get(name, rest) for name in names])
    return prior / prior.sum()


def estimate_prior(probabilities: ArrayLike) -> np.ndarray:
    """Estimate how frequent each class is `(K,)` from the even probabilities `(N, K)`.

    The mean probability of each class is the next prior, until it settles. Without faces the prior
    is even.
    """
    even = np.asarray(probabilities, dtype=np.float64)
    prior = np.full(even.shape[1], 1 / even.shape[1])
    if not len(even):
        return prior
    for _ in range(_MOST_ROUNDS):
        after = with_prior(even, prior).mean(0)
        change = np.abs(after - prior).max()
        prior = after
        if change < _SETTLED:
            break
    return prior


def with_prior(probabilities: ArrayLike, prior: ArrayLike) -> np.ndarray:
    """The probabilities `(N, K)` under a prior `(K,)`, from those under the even one."""
    weighted = np.asarray(probabilities, dtype=np.float64) * np.asarray(prior)
    total = weighted.sum(1, keepdims=True)
    # Where the prior rules out every class that is possible, all are equally probable.
    even = np.full_like(weighted, 1 / weighted.shape[1])
    return np.divide(weighted, total, out=even, where=total > 0)


def name_answers(probabilities: np.ndarray, names: Sequence[str], least: float = 0.0) -> list[str]:
    """The most probable class of each face, or "unsure" where it is less probable than `least`."""
    answers = []
    for row in probabilities:
        best = int(row.argmax())
        answers.append(names[best] if row[best] >= least else UNSURE)
    return answers


def check_unsure(least: float) -> None:
    """ValueError unless `least` is a probability below 1."""
    if not 0 <= least < 1:
        raise ValueError(f"--unsure must be 0 or more and less than 1, got {least}")

"""Rules that turn the ten votes on a picture of FER+ into labels."""

import numpy as np
import pandas as pd

from ferkit.core.labels import EMOTIONS

EMOTION_COLUMNS = (
    "neutral",
    "happiness",
    "surprise",
    "sadness",
    "anger",
    "disgust",
    "fear",
    "contempt",
)
VOTE_COLUMNS = (*EMOTION_COLUMNS, "unknown", "NF")  # NF: not a face
RULES = ("ms_majority", "ms_distribution", "ms_multi", "argmax")

# Why a picture gets no label.
NO_MAJORITY = "no majority"
VOTED_NO_FACE = "unknown or no face"


def vote(votes: pd.DataFrame, rule: str = "ms_majority") -> pd.DataFrame:
    """Turn each row of ten votes into a label: `emotion`, `dropped` and eight targets.

    `emotion` is the one with the most votes, the first column in a tie, and None when the picture
    is dropped; `dropped` is the reason, or "". The targets are columns in the order of EMOTIONS, 0
    where dropped. All rules but `argmax` first set counts of 1 to 0; S is the sum of what remains,
    in all ten columns.

    - `ms_majority`: the largest count, when more than S/2.
    - `ms_distribution`: the largest counts in turn, ties together and never unknown or NF, until
      75 % of S or three emotions are collected, as shares; dropped at up to 50 % of S, beyond three
      emotions, or when unknown or NF leads.
    - `ms_multi`: 1 for each emotion with 30 % of S or more, 0.001 for the others; dropped at up to
      50 % together.
    - `argmax`: the largest raw count, the first column in a tie (which favours neutral).
    """
    rules = {
        "ms_majority": _majority,
        "ms_distribution": _distribution,
        "ms_multi": _multi,
        "argmax": _argmax,
    }
    if rule not in rules:
        raise ValueError(f"unknown rule {rule!r}; known: {', '.join(RULES)}")
    if missing := [column for column in VOTE_COLUMNS if column not in votes]:
        raise ValueError(
            f"the votes lack the columns {', '.join(missing)}; read them with `read_votes`"
        )
    counts = votes[list(VOTE_COLUMNS)].to_numpy(np.int64)
    if rule != "argmax":
        counts = np.where(counts > 1, counts, 0)
    target, label, dropped = rules[rule](counts)
    kept = dropped == ""
    names = np.array(EMOTION_COLUMNS, dtype=object)[label]
    table = pd.DataFrame(
        np.where(kept[:, None], target, 0.0), columns=list(EMOTION_COLUMNS), index=votes.index
    )
    emotions = np.where(kept, names, None)
    table.insert(0, "emotion", pd.Series(emotions, dtype=object, index=votes.index))
    table.insert(1, "dropped", dropped)
    return table[["emotion", "dropped", *EMOTIONS]]


_Labels = tuple[np.ndarray, np.ndarray, np.ndarray]  # targets, index of the label, reason


def _reason(no_face: np.ndarray, no_majority: np.ndarray) -> np.ndarray:
    reasons = np.where(no_face, VOTED_NO_FACE, "")
    return np.where(no_majority, NO_MAJORITY, reasons).astype(object)


def _majority(counts: np.ndarray) -> _Labels:
    target, label, dropped = _argmax(counts)
    has_majority = 2 * counts.max(1) > counts.sum(1)
    return target, label, np.where(has_majority, dropped, NO_MAJORITY)


def _argmax(counts: np.ndarray) -> _Labels:
    first = counts.argmax(1)
    label = np.minimum(first, 7)
    reason = _reason(no_face=first > 7, no_majority=counts.max(1) == 0)
    return np.eye(8)[label], label, reason


def _multi(counts: np.ndarray) -> _Labels:
    total = counts.sum(1)
    chosen = np.where(10 * counts >= 3 * total[:, None], counts, 0)
    first = chosen.argmax(1)
    target = np.where(chosen[:, :8] > 0, 1.0, 0.001)
    reason = _reason(no_face=first > 7, no_majority=2 * chosen.sum(1) <= total)
    return target, np.minimum(first, 7), reason


def _distribution(counts: np.ndarray) -> _Labels:
    total = counts.sum(1)
    remaining = counts.copy()
    chosen = np.zeros_like(counts[:, :8])
    unfinished = total > 0
    no_face = np.zeros(len(counts), bool)
    for _ in range(3):  # each turn takes at least one emotion
        largest = (remaining == remaining.max(1, keepdims=True)) & unfinished[:, None]
        chosen += np.where(largest[:, :8], remaining[:, :8], 0)
        no_face |= unfinished & ~chosen.any(1)
        remaining[largest] = 0
        enough = (4 * chosen.sum(1) >= 3 * total) | ((chosen > 0).sum(1) >= 3)
        unfinished &= ~enough & ~largest[:, 8:].any(1)
    too_few_votes = 2 * chosen.sum(1) <= total
    too_many_emotions = (chosen > 0).sum(1) > 3
    no_majority = ~no_face & (too_few_votes | too_many_emotions)
    share = chosen / np.maximum(chosen.sum(1, keepdims=True), 1)
    return share, chosen.argmax(1), _reason(no_face, no_majority)

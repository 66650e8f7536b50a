"""The kinds of exercises: a choice, a number, a function, predictions that beat a baseline.

Each kind makes the `judge` of an `Exercise`: it takes the answer and what the notebook passes to
`check`, and returns "" for a right answer, else a sentence that says what is wrong but not what is
right.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ferkit.core.files import digest
from ferkit.evaluation.intervals import compare_paired

_TRIALS = 3


@dataclass(frozen=True)
class Exercise:
    """One exercise: what is asked, how an answer is judged, and three hints.

    `question` and `expected` (what a good answer says, with common mistakes) fill the teacher's
    page.
    """

    question: str
    judge: Callable[..., str]
    hints: tuple[str, str, str]
    expected: str


def choice(options: Sequence[str], digest: str) -> Callable[..., str]:
    """Judge one of several options; the right one is kept as `digest_of(option)`."""

    def judge(answer: Any) -> str:
        text = str(answer).strip().lower()
        if text not in options:
            return f"expected one of {', '.join(options)}, got {answer!r}"
        return "" if digest_of(text) == digest else "that is not it"

    return judge


def digest_of(option: str) -> str:
    """Shorten the SHA-256 of an option, so that the source does not show which is right."""
    return digest(f"ferkit exercise {option}", length=12)


def number(
    compute: Callable[..., float], tolerance: float, too_far: str = ""
) -> Callable[..., str]:
    """Judge a number against `compute(**facts)`, within an absolute tolerance.

    `too_far` is said of a wrong number in place of whether it is too small or too large.
    """

    def judge(answer: Any, **facts: Any) -> str:
        if isinstance(answer, bool) or np.ndim(answer) != 0:
            return f"expected one number, got {answer!r}"
        difference = float(answer) - float(compute(**facts))
        if np.isnan(difference):
            return "that is not a number (NaN)"
        if abs(difference) <= tolerance:
            return ""
        return too_far or ("too small" if difference < 0 else "too large")

    return judge


def array(compute: Callable[..., np.ndarray], tolerance: float = 1e-6) -> Callable[..., str]:
    """Judge an array against `compute(**facts)`: its shape, then its values."""

    def judge(answer: Any, **facts: Any) -> str:
        return _compare_arrays(answer, compute(**facts), tolerance)

    return judge


def same_function(
    reference: Callable[..., Any],
    make_inputs: Callable[[np.random.Generator], tuple],
    tolerance: float = 1e-6,
) -> Callable[..., str]:
    """Judge a function by calling it and `reference` with the same random inputs.

    The inputs are copied for each call, so a function that changes them does no harm.
    """

    def judge(answer: Any) -> str:
        if not callable(answer):
            return f"expected a function, got {answer!r}; write `answer = your_function`"
        for seed in range(_TRIALS):
            expected = reference(*make_inputs(np.random.default_rng(seed)))
            result = answer(*make_inputs(np.random.default_rng(seed)))
            if problem := _compare_arrays(result, expected, tolerance):
                return f"with random inputs: {problem}"
        return ""

    return judge


def better_than_baseline(
    truth: Callable[..., np.ndarray], baseline: Callable[..., np.ndarray]
) -> Callable[..., str]:
    """Judge predictions: right more often than a baseline on the same faces, with an interval.

    `check` passes `people`, one name a face; `truth(**facts)` and `baseline(**facts)` give the
    true and the baseline's labels.
    """

    def judge(answer: Any, **facts: Any) -> str:
        expected = np.asarray(truth(**facts))
        predicted = np.asarray(answer)
        if predicted.shape != expected.shape:
            return f"expected {expected.shape[0]} predictions, got shape {predicted.shape}"
        difference = compare_paired(
            predicted == expected, np.asarray(baseline(**facts)) == expected, facts["people"]
        )
        if difference.low > 0:
            return ""
        return f"not shown to be better than the baseline: the difference is {difference}"

    return judge


def _compare_arrays(result: Any, expected: Any, tolerance: float) -> str:
    """Say how an array differs from the expected one; "" when it does not."""
    result, expected = np.asarray(result), np.asarray(expected)
    if result.shape != expected.shape:
        return f"expected an array of shape {expected.shape}, got {result.shape}"
    if expected.dtype.kind in "US":
        wrong = result.astype(str) != expected
    elif result.dtype.kind not in "fiub":
        return f"expected numbers, got {result.dtype}"
    else:
        wrong = ~np.isclose(result, expected, rtol=tolerance, atol=tolerance, equal_nan=True)
    if not wrong.any():
        return ""
    return f"the shape is right, but {np.mean(wrong):.0%} of the values differ"

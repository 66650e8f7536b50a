"""Emotion names, label sets and the codes of compound emotions.

Convention
- A compound emotion is a pair (complementary `c`, dominant `d`), each 1..7 in the order of BASIC7.
  Its class is n = 7 (c - 1) + d. Neutral is class 0 with the parts (0, 0). Disgust (3) and
  sadness (6) give n = 20.
- The name of a compound class is "neutral", the emotion itself where both parts agree ("anger"),
  and otherwise "complementary+dominant" ("disgust+sadness").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike

EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
BASIC7 = EMOTIONS[1:]  # the codes 1..7 of `multimodal`
SEVEN = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
NEUTRAL = 0  # the compound code of neutral

THREE = ("negative", "neutral", "positive")

# `emotionaldan`, section 4.2. Surprise may be negative or positive and is left out.
TO_THREE: dict[str, str | None] = {
    "neutral": "neutral",
    "anger": "negative",
    "contempt": "positive",
    "disgust": "negative",
    "fear": "negative",
    "happiness": "positive",
    "sadness": "negative",
    "surprise": None,
}


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The classes one experiment predicts, in the order of the network's outputs."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.names, str):
            raise ValueError(
                f"a label set needs a list of names, got {self.names!r}; put it in a list"
            )
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names:
            raise ValueError("a label set needs at least one class name, got none")
        if repeated := [name for name in self.names if self.names.count(name) > 1]:
            raise ValueError(
                f"class names of a label set must be unique, got {repeated[0]!r} twice; rename one"
            )

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def index(self, name: str) -> int:
        """Return the index of a class; ValueError for an unknown one."""
        return int(self.encode([name])[0])

    def encode(self, names: Iterable[str]) -> np.ndarray:
        """Turn N names into class indices `(N,)`.

        ValueError names the first that is not a class of this set.
        """
        if isinstance(names, str):
            raise ValueError(
                f"encode takes a list of names, got the string {names!r}; use index for one name"
            )
        codes = {name: code for code, name in enumerate(self.names)}
        names = list(names)
        for name in names:
            if name not in codes:
                raise ValueError(
                    f"{name!r} is not a class of this experiment ({', '.join(self.names)}); "
                    "leave such samples out first"
                )
        return np.array([codes[name] for name in names], dtype=np.int64)

    def decode(self, codes: ArrayLike) -> list[str]:
        """Turn class indices `(N,)` into names; ValueError for one outside 0..K-1."""
        checked = _integers(codes, "class index", 0, len(self) - 1)
        return [self.names[code] for code in checked.ravel()]


def _check_emotion(name: str) -> None:
    if name not in EMOTIONS:
        raise ValueError(f"unknown emotion {name!r}; known: {', '.join(EMOTIONS)}")


def to_three(emotion: str) -> str | None:
    """Map an emotion to one of THREE, surprise to None."""
    _check_emotion(emotion)
    return TO_THREE[emotion]


def compound_code(complementary: ArrayLike, dominant: ArrayLike) -> int | np.ndarray:
    """Return the class 0..49 of a compound emotion.

    n = 7 (c - 1) + d (`multimodal`, section III-B). `complementary` c and `dominant` d are codes
    1..7, or both 0 for neutral; ValueError otherwise. Scalars give an int, arrays are broadcast.
    """
    c = _integers(complementary, "complementary", 0, 7)
    d = _integers(dominant, "dominant", 0, 7)
    c, d = np.broadcast_arrays(c, d)
    mixed = (c == 0) != (d == 0)
    if mixed.any():
        pair = (int(c[mixed][0]), int(d[mixed][0]))
        raise ValueError(
            f"neutral is (0, 0) and a compound emotion has both codes in 1..7; got (c, d) = {pair}"
        )
    n = np.where(c == 0, NEUTRAL, 7 * (c - 1) + d)
    return int(n) if n.ndim == 0 else n


def compound_parts(n: ArrayLike) -> tuple[int, int] | tuple[np.ndarray, np.ndarray]:
    """Return the (complementary, dominant) codes of a class 0..49.

    The inverse of `compound_code`: 0 gives (0, 0).
    """
    codes = _integers(n, "compound class", 0, 49)
    complementary = (codes + 6) // 7
    dominant = np.where(codes == NEUTRAL, 0, (codes - 1) % 7 + 1)
    if codes.ndim == 0:
        return int(complementary), int(dominant)
    return complementary, dominant


def compound_name(complementary: str | None, dominant: str) -> str:
    """Name the class of a compound emotion.

    A `complementary` of None means the dominant emotion alone.
    """
    if complementary is None:
        complementary = dominant
    _check_emotion(dominant)
    _check_emotion(complementary)
    if complementary == dominant:
        return dominant
    if "neutral" in (complementary, dominant):
        raise ValueError(
            f"neutral cannot be part of a compound emotion; got {complementary!r} and {dominant!r}"
        )
    return f"{complementary}+{dominant}"


def compound_names() -> tuple[str, ...]:
    """Return the 50 class names in the order of their codes."""
    return ("neutral", *(compound_name(c, d) for c, d in product(BASIC7, repeat=2)))


COMPOUND = LabelSet(compound_names())


def _integers(values: ArrayLike, name: str, low: int, high: int) -> np.ndarray:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{name} must be a whole number in {low}..{high}, got {values!r}")
    if (outside := array[(array < low) | (array > high)]).size:
        raise ValueError(f"{name} must lie in {low}..{high}, got {outside.flat[0]}")
    return array.astype(np.int64)

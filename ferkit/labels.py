"""Emotions, label sets, compound codes, action units.

Convention
- A compound emotion is (complementary `c`, dominant `d`), each 1..7 in the order of BASIC7; its class is
  n = 7 (c - 1) + d, and neutral is class 0 with the parts (0, 0). Disgust (3) and sadness (6): n = 20.
- Compound class names are "neutral", the emotion itself where both parts agree ("anger"), and otherwise
  "complementary+dominant" ("disgust+sadness").
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

EMOTIONS = ("neutral", "anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
BASIC7 = EMOTIONS[1:]  # the codes 1..7 of `multimodal`, alphabetical
SEVEN = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise")
NEUTRAL = 0  # the compound code of neutral

THREE = ("negative", "neutral", "positive")

# `emotionaldan`, section 4.2: surprise is left out, as it may be either.
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

AU_NAMES = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    12: "lip corner puller",
    14: "dimpler",
    15: "lip corner depressor",
    16: "lower lip depressor",
    17: "chin raiser",
    18: "lip pucker",
    20: "lip stretcher",
    22: "lip funneler",
    23: "lip tightener",
    24: "lip pressor",
    25: "lips part",
    26: "jaw drop",
    27: "mouth stretch",
    28: "lip suck",
    43: "eyes closed",
    45: "blink",
}

# `emotionaldan`, table 4, has six emotions; contempt is EMFACS's (one-sided 12 and 14) and has no related landmarks.
ACTION_UNITS: dict[str, tuple[int, ...]] = {
    "neutral": (),
    "anger": (4, 5, 7, 23),
    "contempt": (12, 14),
    "disgust": (9, 15, 16),
    "fear": (1, 2, 4, 5, 7, 20, 26),
    "happiness": (6, 12),
    "sadness": (1, 4, 15),
    "surprise": (1, 2, 5, 26),
}

_BROWS = tuple(range(17, 27))
_EYES = tuple(range(36, 48))
_NOSE = tuple(range(27, 36))
_OUTER_LIP = tuple(range(48, 60))
_UPPER_LIDS = (37, 38, 39, 42, 43, 44)
_LIP_CORNERS = (48, 49, 53, 54, 55, 59, 60, 64)

# `emotionaldan`, table 4, as its rows for surprise, fear and anger read; landmarks are 0-based.
AU_LANDMARKS: dict[int, tuple[int, ...]] = {
    1: (20, 21, 22, 23),
    2: (17, 18, 19, 24, 25, 26),
    4: _BROWS,
    5: _UPPER_LIDS,
    6: (1, 2, 14, 15),
    7: _UPPER_LIDS,
    9: _NOSE,
    12: _LIP_CORNERS,
    15: _LIP_CORNERS,
    16: (48, 54, 55, 56, 57, 58, 59, 60, 64),
    20: _LIP_CORNERS,
    23: tuple(range(48, 68)),
    26: tuple(range(55, 68)),
}

# The landmarks related to each emotion. Table 4 does not give the shares of table 5; the authors' code gives every one.
RELATED: dict[str, dict[str, tuple[int, ...]]] = {
    "as_paper": {
        emotion: tuple(sorted({point for unit in ACTION_UNITS[emotion] for point in AU_LANDMARKS[unit]}))
        for emotion in ("happiness", "sadness", "surprise", "fear", "disgust", "anger")
    },
    "as_authors_code": {
        "happiness": (1, 2, 14, 15, *_OUTER_LIP),
        "sadness": (*_BROWS, *_OUTER_LIP),
        "surprise": (*_BROWS, *range(55, 68)),
        "fear": (*_BROWS, *range(48, 68)),
        "disgust": (*_NOSE, *range(55, 60)),
        "anger": (*_BROWS, *_EYES, *_OUTER_LIP),
    },
}


@dataclass(frozen=True, slots=True)
class LabelSet:
    """The classes one experiment predicts, in the order of the network's outputs."""

    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if isinstance(self.names, str):
            raise ValueError(f"a label set needs several names, got the one text {self.names!r}")
        object.__setattr__(self, "names", tuple(self.names))
        if not self.names or len(set(self.names)) != len(self.names):
            raise ValueError(f"a label set needs different names, at least one; got {', '.join(self.names) or 'none'}")

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def index(self, name: str) -> int:
        """The class index of a name; ValueError when it is not a class of this set."""
        return int(self.encode([name])[0])

    def encode(self, names: Iterable[str]) -> np.ndarray:
        """Class indices `(N,)` of N names; ValueError names the first that is not a class of this set."""
        if isinstance(names, str):
            raise ValueError(f"encode takes a list of names, got the one text {names!r}; use index for one name")
        codes = {name: code for code, name in enumerate(self.names)}
        names = list(names)
        for name in names:
            if name not in codes:
                known = ", ".join(self.names)
                raise ValueError(f"{name!r} is not a class of this experiment ({known}); leave such samples out first")
        return np.array([codes[name] for name in names], dtype=np.int64)

    def decode(self, codes: ArrayLike) -> list[str]:
        """The names of class indices `(N,)`; ValueError when one lies outside 0..K-1."""
        return [self.names[code] for code in _whole(codes, "class index", 0, len(self) - 1).ravel()]


def to_three(emotion: str) -> str | None:
    """One of THREE for an emotion, None for surprise, which `emotionaldan` leaves out (section 4.2)."""
    if emotion not in TO_THREE:
        raise ValueError(f"unknown emotion {emotion!r}; known: {', '.join(EMOTIONS)}")
    return TO_THREE[emotion]


def compound_code(complementary: ArrayLike, dominant: ArrayLike) -> int | np.ndarray:
    """The class n = 7 (c - 1) + d, 0..49, of a complementary and a dominant code (`multimodal`, section III-B).

    Scalars give an int; arrays are broadcast. Codes are 1..7; (0, 0) is neutral. ValueError otherwise.
    """
    c, d = np.broadcast_arrays(_whole(complementary, "complementary", 0, 7), _whole(dominant, "dominant", 0, 7))
    if mixed := list(zip(c[(c == 0) != (d == 0)].tolist(), d[(c == 0) != (d == 0)].tolist(), strict=True)):
        raise ValueError(f"neutral is (0, 0), a compound emotion has both codes in 1..7; got (c, d) = {mixed[0]}")
    n = np.where(c == 0, NEUTRAL, 7 * (c - 1) + d)
    return int(n) if n.ndim == 0 else n


def compound_parts(n: ArrayLike) -> tuple[int, int] | tuple[np.ndarray, np.ndarray]:
    """The (complementary, dominant) codes of a class 0..49, the inverse of `compound_code`; 0 gives (0, 0)."""
    codes = _whole(n, "compound class", 0, 49)
    c, d = (codes + 6) // 7, np.where(codes == NEUTRAL, 0, (codes - 1) % 7 + 1)
    return (int(c), int(d)) if codes.ndim == 0 else (c, d)


def compound_name(complementary: str | None, dominant: str) -> str:
    """The class name of a compound emotion; a `complementary` of None means the dominant emotion alone."""
    for emotion in (dominant, complementary):
        if emotion is not None and emotion not in EMOTIONS:
            raise ValueError(f"unknown emotion {emotion!r}; known: {', '.join(EMOTIONS)}")
    if complementary in (None, dominant):
        return dominant
    if "neutral" in (complementary, dominant):
        raise ValueError(f"neutral is no part of a compound emotion; got {complementary!r} and {dominant!r}")
    return f"{complementary}+{dominant}"


def compound_names() -> tuple[str, ...]:
    """The 50 class names in the order of their codes."""
    return ("neutral", *(compound_name(c, d) for c in BASIC7 for d in BASIC7))


COMPOUND = LabelSet(compound_names())


def _whole(values: ArrayLike, what: str, low: int, high: int) -> np.ndarray:
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iu":
        raise ValueError(f"{what} must be a whole number in {low}..{high}, got {values!r}")
    if (outside := array[(array < low) | (array > high)]).size:
        raise ValueError(f"{what} must lie in {low}..{high}, got {outside.flat[0]}")
    return array.astype(np.int64)

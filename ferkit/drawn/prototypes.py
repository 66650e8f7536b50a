"""Tables of expressions: action units, who shows which with an emotion, and how strongly.

The shares begin with those of posers: S. Du, Y. Tao and A. Martinez, *Compound facial expressions
of emotion*, PNAS 111(15), E1454-E1462, 2014, table 1. They depart from it where drawn faces could
not be named: anger shouts in half of the pictures, as on press photographs; in sadness more people
raise the inner brows and the chin, in fear more raise the upper lids, in disgust more narrow the
lids; and the mouth of fear and surprise may open further.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ferkit.drawn.actions import Mixture

# Facial action units and their names in FACS.
AU_NAMES = {
    1: "inner brow raiser",
    2: "outer brow raiser",
    4: "brow lowerer",
    5: "upper lid raiser",
    6: "cheek raiser",
    7: "lid tightener",
    9: "nose wrinkler",
    10: "upper lip raiser",
    11: "nasolabial deepener",
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

# The facial actions of ARKit that carry expressions, without their side, and the FACS action unit
# that each stands for.
ACTION_UNIT_OF = {
    "browInnerUp": 1,
    "browOuterUp": 2,
    "browDown": 4,
    "eyeWide": 5,
    "cheekSquint": 6,
    "eyeSquint": 7,
    "noseSneer": 9,
    "mouthUpperUp": 10,
    "mouthSmile": 12,
    "mouthDimple": 14,
    "mouthFrown": 15,
    "mouthLowerDown": 16,
    "mouthShrugLower": 17,
    "mouthPucker": 18,
    "mouthStretch": 20,
    "mouthFunnel": 22,
    "mouthPress": 24,
    "jawOpen": 26,
    "eyeBlink": 45,
}

# What each action unit does at FACS intensity E.
UNITS: dict[int, Mixture] = {
    1: {"browInnerUp": 1.0},
    2: {"browOuterUp": 1.0},
    4: {"browDown": 1.0},
    5: {"eyeWide": 1.0},
    6: {"cheekSquint": 1.0},
    7: {"eyeSquint": 1.0},
    9: {"noseSneer": 1.0},
    10: {"mouthUpperUp": 1.0},
    11: {"noseSneer": 0.15, "mouthUpperUp": 0.1},
    12: {"mouthSmile": 1.0},
    14: {"mouthDimple": 1.0},
    15: {"mouthFrown": 1.0},
    16: {"mouthLowerDown": 1.0},
    17: {"mouthShrugLower": 1.0},
    20: {"mouthStretch": 1.0},
    22: {"mouthFunnel": 0.6},
    23: {"mouthPress": 0.6, "mouthPucker": 0.3},
    24: {"mouthPress": 1.0},
    25: {"mouthLowerDown": 0.45, "mouthUpperUp": 0.4, "jawOpen": 0.06},
    26: {"jawOpen": 0.6},
    27: {"jawOpen": 1.0},
    43: {"eyeBlink": 0.35, "eyeLookDown": 0.4},
}


@dataclass(frozen=True)
class Prototype:
    """One way to show an emotion."""

    share: float  # of those who show the emotion
    units: Mapping[int, float]  # action units, and the share of these people who show each
    one_sided: bool = False
    # of single units, where it is not that of the whole expression
    strength: Mapping[int, float] = field(default_factory=dict)


EXPRESSIONS: dict[str, tuple[Prototype, ...]] = {
    "neutral": (Prototype(1.0, {}),),
    "anger": (
        Prototype(
            0.5,
            {4: 1.0, 7: 0.8, 5: 0.2, 24: 0.8, 17: 0.52, 10: 0.26, 23: 0.29},
            strength={5: 0.5, 7: 0.6, 10: 0.4, 17: 0.45, 24: 0.6},
        ),
        Prototype(
            0.5,
            {4: 1.0, 7: 0.5, 5: 0.3, 9: 0.5, 10: 0.9, 16: 0.8, 25: 1.0, 27: 0.95},
            strength={5: 0.5, 7: 0.5, 9: 0.5, 10: 0.9, 27: 0.9},
        ),
    ),
    "contempt": (
        Prototype(0.5, {14: 1.0, 12: 0.8, 24: 0.3}, True, {12: 0.6, 24: 0.3}),
        Prototype(
            0.5,
            {14: 0.9, 10: 0.9, 12: 0.4, 7: 0.5, 2: 0.4},
            True,
            {10: 0.6, 12: 0.4, 7: 0.4, 2: 0.4},
        ),
    ),
    "disgust": (
        Prototype(
            0.75,
            {9: 0.95, 10: 1.0, 17: 0.9, 4: 0.31, 24: 0.26, 7: 0.95, 6: 0.5, 15: 0.5},
            strength={4: 0.5, 6: 0.7, 15: 0.45, 17: 0.6, 24: 0.3},
        ),
        Prototype(
            0.25,
            {9: 0.95, 10: 1.0, 25: 0.9, 4: 0.31, 7: 0.95, 6: 0.5, 26: 0.2},
            strength={4: 0.5, 6: 0.7, 26: 0.5},
        ),
    ),
    "fear": (
        Prototype(
            1.0,
            {1: 1.0, 4: 0.95, 20: 0.95, 25: 1.0, 2: 0.57, 5: 0.95, 26: 0.5, 16: 0.5},
            strength={2: 0.6, 4: 0.8, 26: 0.7},
        ),
    ),
    "happiness": (
        Prototype(0.75, {12: 1.0, 25: 1.0, 6: 0.7, 26: 0.5, 10: 0.6}, strength={10: 0.5, 26: 0.5}),
        Prototype(0.25, {12: 1.0, 6: 0.51, 14: 0.2}, strength={14: 0.4}),
    ),
    "sadness": (
        Prototype(
            1.0,
            {1: 0.95, 4: 0.8, 15: 0.9, 17: 0.9, 6: 0.4, 11: 0.26, 43: 0.4},
            strength={4: 0.5, 6: 0.5, 15: 0.9, 43: 0.6},
        ),
    ),
    "surprise": (
        Prototype(
            1.0,
            {1: 1.0, 2: 1.0, 5: 0.66, 25: 0.9, 26: 1.0, 27: 0.5, 22: 0.2},
            strength={5: 0.9, 25: 0.5, 27: 0.6},
        ),
    ),
}

# Small activity that any face may show, emotional or not: standard deviations.
IDLE_ACTIVITY: Mixture = {
    "browInnerUp": 0.045,
    "browOuterUp": 0.045,
    "browDown": 0.08,
    "eyeWide": 0.07,
    "eyeSquint": 0.08,
    "cheekSquint": 0.05,
    "mouthSmile": 0.06,
    "mouthFrown": 0.065,
    "mouthPress": 0.08,
    "mouthPucker": 0.06,
    "mouthStretch": 0.05,
    "mouthShrugLower": 0.04,
    "jawOpen": 0.03,
    "mouthRollLower": 0.06,
    "mouthRollUpper": 0.05,
    "eyeBlink": 0.07,
    "noseSneer": 0.03,
}

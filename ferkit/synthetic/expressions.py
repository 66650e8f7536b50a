"""Expressions: emotions as mixtures of facial actions, with their FACS action units, and their course in time.

An emotion has several prototypes, since people do not smile or frown in one way only. A drawn expression is one prototype at a random
intensity, bent by the person's style, by asymmetry and by unrelated activity; so the classes overlap as they do in photographs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

# The facial actions of ARKit that carry expressions, without their side, and the FACS action unit each stands for.
ACTION_UNIT_OF = {
    "browInnerUp": 1, "browOuterUp": 2, "browDown": 4, "eyeWide": 5, "cheekSquint": 6, "eyeSquint": 7, "noseSneer": 9,
    "mouthUpperUp": 10, "mouthSmile": 12, "mouthDimple": 14, "mouthFrown": 15, "mouthLowerDown": 16, "mouthShrugLower": 17,
    "mouthPucker": 18, "mouthStretch": 20, "mouthFunnel": 22, "mouthPress": 24, "jawOpen": 26, "eyeBlink": 45,
}  # fmt: skip
AU_PRESENT = 0.15  # an action at least this strong counts as its unit being present

Mixture = Mapping[str, float]

# What each emotion does at full strength. The first prototype is the most frequent.
PROTOTYPES: dict[str, tuple[Mixture, ...]] = {
    "neutral": ({},),
    "anger": (
        {"browDown": 0.95, "eyeSquint": 0.35, "mouthPress": 0.6, "noseSneer": 0.2, "mouthShrugLower": 0.15},
        {"browDown": 0.9, "eyeWide": 0.45, "mouthPress": 0.45, "noseSneer": 0.15},
        {"browDown": 0.9, "noseSneer": 0.45, "mouthUpperUp": 0.4, "mouthLowerDown": 0.45, "jawOpen": 0.15, "eyeSquint": 0.3},
    ),
    "contempt": (
        {"mouthDimpleLeft": 0.7, "mouthSmileLeft": 0.45, "cheekSquintLeft": 0.2, "mouthPress": 0.15},
        {"mouthDimpleLeft": 0.5, "mouthUpperUpLeft": 0.35, "mouthSmileLeft": 0.2, "eyeSquint": 0.2, "browOuterUpLeft": 0.2},
    ),
    "disgust": (
        {"noseSneer": 0.9, "mouthUpperUp": 0.5, "browDown": 0.35, "cheekSquint": 0.35, "eyeSquint": 0.35, "mouthShrugLower": 0.3},
        {"noseSneer": 0.7, "mouthUpperUp": 0.35, "mouthFrown": 0.5, "mouthShrugLower": 0.5, "browDown": 0.25, "eyeSquint": 0.3},
        {"noseSneer": 0.8, "mouthUpperUp": 0.6, "mouthLowerDown": 0.4, "jawOpen": 0.25, "browDown": 0.3, "cheekSquint": 0.3},
    ),
    "fear": (
        {"browInnerUp": 0.75, "browOuterUp": 0.45, "browDown": 0.35, "eyeWide": 0.8, "mouthStretch": 0.6, "jawOpen": 0.2,
         "mouthLowerDown": 0.2},
        {"browInnerUp": 0.65, "browDown": 0.4, "eyeWide": 0.65, "mouthStretch": 0.7, "mouthLowerDown": 0.3},
    ),
    "happiness": (
        {"mouthSmile": 0.8, "cheekSquint": 0.55, "mouthUpperUp": 0.3, "mouthLowerDown": 0.2, "eyeSquint": 0.2, "jawOpen": 0.06},
        {"mouthSmile": 0.75, "cheekSquint": 0.4, "mouthDimple": 0.2, "eyeSquint": 0.15},
        {"mouthSmile": 0.85, "cheekSquint": 0.65, "mouthUpperUp": 0.35, "mouthLowerDown": 0.35, "jawOpen": 0.28, "eyeSquint": 0.3},
    ),
    "sadness": (
        {"browInnerUp": 0.7, "browDown": 0.25, "mouthFrown": 0.7, "mouthShrugLower": 0.4, "eyeSquint": 0.15, "eyeBlink": 0.12},
        {"browInnerUp": 0.35, "mouthFrown": 0.8, "mouthShrugLower": 0.6, "mouthPress": 0.15, "eyeLookDown": 0.2, "eyeBlink": 0.15},
        {"browInnerUp": 0.6, "mouthFrown": 0.5, "mouthPucker": 0.15, "eyeLookDown": 0.35, "eyeBlink": 0.2},
    ),
    "surprise": (
        {"browInnerUp": 0.85, "browOuterUp": 0.85, "eyeWide": 0.65, "jawOpen": 0.5},
        {"browInnerUp": 0.7, "browOuterUp": 0.8, "eyeWide": 0.5, "jawOpen": 0.28, "mouthFunnel": 0.3},
    ),
}  # fmt: skip
FIRST_PROTOTYPE = 0.5  # how often the first prototype is drawn; the others share the rest

# Small activity that any face may show, emotional or not: standard deviations.
IDLE: Mixture = {
    "browInnerUp": 0.08, "browOuterUp": 0.08, "browDown": 0.10, "eyeWide": 0.07, "eyeSquint": 0.08, "cheekSquint": 0.05,
    "mouthSmile": 0.06, "mouthFrown": 0.08, "mouthPress": 0.08, "mouthPucker": 0.06, "mouthStretch": 0.05, "mouthShrugLower": 0.06,
    "jawOpen": 0.03, "mouthRollLower": 0.06, "mouthRollUpper": 0.05, "eyeBlink": 0.07, "noseSneer": 0.04,
}  # fmt: skip


@dataclass(frozen=True)
class Variation:
    """How far expressions differ from their prototypes: 0 switches a field off, (1, 1) the range of intensities."""

    intensity: tuple[float, float] = (0.4, 1.2)  # range of an expression's strength
    style: float = 0.25  # spread (in logarithms) of what a person makes of each action
    wobble: float = 0.25  # spread (in logarithms) of each action from one expression to the next
    asymmetry: float = 0.12  # spread (in logarithms) between left and right
    idle: float = 1.0  # strength of unrelated activity


def sided(mixture: Mixture, names: Sequence[str]) -> np.ndarray:
    """The mixture as amounts of the head's actions `(52,)`; an action without side is done by both.

    Raises ValueError for an action the head does not have.
    """
    amounts = np.zeros(len(names))
    for action, value in mixture.items():
        found = [i for i, name in enumerate(names) if name in (action, f"{action}Left", f"{action}Right")]
        if not found:
            raise ValueError(
                f"unknown facial action {action!r}; known, with Left or Right where it has sides: {', '.join(names)}"
            )
        amounts[found] = value
    return amounts


def expression(
    emotion: str,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    complementary: str | None = None,
    person_seed: int = 0,
    intensity: float | None = None,
    variation: Variation = Variation(),  # noqa: B008
) -> tuple[np.ndarray, float]:
    """Amounts of the 52 actions at the apex of one expression, and its intensity.

    A compound emotion adds a weaker `complementary` one to the dominant `emotion`; actions saturate instead of adding up.
    Raises ValueError for an unknown emotion, and for neutral as a part of a compound one.
    """
    if unknown := {emotion, complementary} - {None, *PROTOTYPES}:
        raise ValueError(f"unknown emotion {unknown.pop()!r}; known: {', '.join(PROTOTYPES)}")
    if complementary is not None and "neutral" in (emotion, complementary):
        raise ValueError(f"neutral is no part of a compound emotion; got {complementary!r} and {emotion!r}")
    strength = float(rng.uniform(*variation.intensity)) if intensity is None else intensity
    amounts = strength * _prototype(emotion, names, rng)
    if complementary not in (None, emotion):
        other = 0.6 * strength * _prototype(complementary, names, rng)
        amounts = 1 - (1 - np.clip(0.85 * amounts, 0, 1)) * (1 - np.clip(other, 0, 1))
    style = np.random.default_rng([person_seed, 2]).normal(0, variation.style, len(names))
    amounts = amounts * np.exp(_paired(style, names) + _paired(rng.normal(0, variation.wobble, len(names)), names))
    amounts = amounts * np.exp(rng.normal(0, variation.asymmetry, len(names)))
    amounts = amounts + idle(names, rng, variation.idle, person_seed)
    return np.clip(amounts, 0, 1.1), strength if emotion != "neutral" else 0.0


def idle(names: Sequence[str], rng: np.random.Generator, strength: float, person_seed: int) -> np.ndarray:
    """Small activity unrelated to emotion: half of it the person's habit (a face at rest is not the same in all), half passing."""
    spread = sided(IDLE, names)
    habit = np.random.default_rng([person_seed, 3]).normal(0, 1, len(names))
    passing = rng.normal(0, 1, len(names))
    vertical, horizontal = rng.normal(0, 0.06), rng.normal(0, 0.08)
    aside = ("eyeLookOutLeft", "eyeLookInRight") if horizontal > 0 else ("eyeLookInLeft", "eyeLookOutRight")
    gaze = {"eyeLookUp" if vertical > 0 else "eyeLookDown": abs(vertical), **dict.fromkeys(aside, abs(horizontal))}
    both = _paired(0.7 * habit + 0.7 * passing, names)
    return strength * (spread * np.clip(both, 0, None) + sided(gaze, names))


def action_units(amounts: np.ndarray, names: Sequence[str]) -> tuple[int, ...]:
    """The FACS units present, in ascending order; lips part (25) comes with an open jaw or bared teeth."""
    present = {
        unit
        for action, unit in ACTION_UNIT_OF.items()
        if max(amounts[i] for i, name in enumerate(names) if name in (action, f"{action}Left", f"{action}Right"))
        >= AU_PRESENT
    }
    if present & {26, 16, 10}:
        present.add(25)
    return tuple(sorted(present))


def course(frames: int, rng: np.random.Generator, *, back: bool = False) -> np.ndarray:
    """Strength of an expression over time, `(frames,)` from 0 to 1 (and, with `back`, to 0 again).

    Onset and offset are smooth steps; how early the onset begins and how long it takes differ from one sequence to the next.
    """
    time = np.linspace(0, 1, max(frames, 2))[:frames]
    if not back:
        begin, end = rng.uniform(0, 0.25), rng.uniform(0.75, 1.0)
        return _smooth((time - begin) / (end - begin))
    begin, apex, leave, end = (rng.uniform(*span) for span in ((0, 0.12), (0.35, 0.45), (0.55, 0.68), (0.88, 1.0)))
    return np.minimum(_smooth((time - begin) / (apex - begin)), 1 - _smooth((time - leave) / (end - leave)))


def blinks(frames: int, rng: np.random.Generator, rate: float = 0.35) -> np.ndarray:
    """How far the lids are shut by blinking, `(frames,)`; with probability `rate` one blink of some three frames."""
    shut = np.zeros(frames)
    if frames > 4 and rng.random() < rate:
        at = int(rng.integers(1, frames - 1))
        shut = np.exp(-0.5 * ((np.arange(frames) - at) / 0.7) ** 2)
    return shut


def _prototype(emotion: str, names: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    mixtures = PROTOTYPES[emotion]
    others = len(mixtures) - 1
    odds = [FIRST_PROTOTYPE] + [(1 - FIRST_PROTOTYPE) / others] * others if others else [1.0]
    amounts = sided(mixtures[rng.choice(len(mixtures), p=odds)], names)
    one_sided = any(name.endswith("Left") for mixture in mixtures for name in mixture)
    return _swap_sides(amounts, names) if one_sided and rng.random() < 0.5 else amounts


def _swap_sides(amounts: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The amounts of the mirrored expression."""
    where = {name: i for i, name in enumerate(names)}
    swap = {"Left": "Right", "Right": "Left"}
    twins = [re.sub("(Left|Right)$", lambda side: swap[side[0]], name) for name in names]
    return amounts[[where[name] for name in twins]]


def _paired(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The values with every right action given its left twin's value."""
    where = {name: i for i, name in enumerate(names)}
    return values[[where[re.sub("Right$", "Left", name)] for name in names]]


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)

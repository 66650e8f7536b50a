"""Expressions: emotions as mixtures of facial actions, their action units, and their time course.

People do not smile or frown in one way only. A drawn expression has the action units of one
prototype, each with the probability that people show it, at a random intensity, bent by the
person's style, by asymmetry and by unrelated activity; so the classes overlap as they do in
photographs.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ferkit.drawn.actions import Mixture
from ferkit.drawn.prototypes import ACTION_UNIT_OF, EXPRESSIONS, IDLE_ACTIVITY, UNITS, Prototype

AU_PRESENT = 0.15  # an action at least this strong counts as its unit being present
_LIPS_PART = 25
_PARTING_UNITS = {10, 16, 26}  # bared teeth or an open jaw, with which lips part
_COMPLEMENTARY_SHARE = 0.6  # of the intensity of a compound emotion's dominant one
_DOMINANT_SHARE = 0.85
_STRONGEST = 1.1  # amount of an action
Levels = tuple[float, float, float, float, float]
POSED: Levels = (0.0, 0.0, 0.1, 0.4, 0.5)  # before a camera, on request
DAILY: Levels = (0.05, 0.2, 0.35, 0.25, 0.15)  # in the course of a day
# Where A (trace), B, C, D and E (maximum) begin and end, as shares of the maximum. FACS describes
# them in words; these numbers are ours.
_LEVEL_EDGES = (0.05, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Variation:
    """How far expressions differ from their prototypes; 0 switches a field off."""

    intensity: Levels = POSED  # how often an expression is of FACS intensity A, B, C, D and E
    style: float = 0.2  # spread (in logarithms) of what a person makes of each action
    wobble: float = 0.2  # spread (in logarithms) of each action from one expression to the next
    asymmetry: float = 0.12  # spread (in logarithms) between left and right
    idle: float = 1.0  # strength of unrelated activity


_USUAL = Variation()


def action_amounts(mixture: Mixture, names: Sequence[str]) -> np.ndarray:
    """The mixture as amounts of the head's actions `(52,)`.

    An action without a side is done by both. Raises ValueError for an action the head lacks.
    """
    amounts = np.zeros(len(names))
    for action, value in mixture.items():
        places = _places_of(action, names)
        if not places:
            raise ValueError(
                f"unknown facial action {action!r}; "
                f"known, with Left or Right where it has sides: {', '.join(names)}"
            )
        amounts[places] = value
    return amounts


def _places_of(action: str, names: Sequence[str]) -> list[int]:
    """Where an action, or both its sides, stand among the names."""
    sided = (action, f"{action}Left", f"{action}Right")
    return [i for i, name in enumerate(names) if name in sided]


def sample_expression(
    emotion: str,
    names: Sequence[str],
    rng: np.random.Generator,
    *,
    complementary: str | None = None,
    person_seed: int = 0,
    intensity: float | None = None,
    variation: Variation = _USUAL,
) -> tuple[np.ndarray, float]:
    """Draw the amounts of the 52 actions at an expression's apex, and its intensity.

    A compound emotion adds a weaker `complementary` one to the dominant `emotion`; actions saturate
    instead of adding up. Raises ValueError for an unknown emotion, and for neutral as a part of a
    compound one.
    """
    if unknown := {emotion, complementary} - {None, *EXPRESSIONS}:
        raise ValueError(f"unknown emotion {unknown.pop()!r}; known: {', '.join(EXPRESSIONS)}")
    if complementary is not None and "neutral" in (emotion, complementary):
        raise ValueError(
            "neutral cannot be part of a compound emotion; "
            f"got {complementary!r} and {emotion!r}, so name two emotions"
        )
    if intensity is None:
        intensity = _sample_intensity(variation.intensity, rng)
    amounts = intensity * _sample_prototype(emotion, names, rng)
    if complementary not in (None, emotion):
        weaker = _COMPLEMENTARY_SHARE * intensity * _sample_prototype(complementary, names, rng)
        dominant = np.clip(_DOMINANT_SHARE * amounts, 0, 1)
        amounts = 1 - (1 - dominant) * (1 - np.clip(weaker, 0, 1))
    style = np.random.default_rng([person_seed, 2]).normal(0, variation.style, len(names))
    wobble = rng.normal(0, variation.wobble, len(names))
    amounts = amounts * np.exp(
        _same_on_both_sides(style, names) + _same_on_both_sides(wobble, names)
    )
    amounts = amounts * np.exp(rng.normal(0, variation.asymmetry, len(names)))
    amounts = amounts + sample_idle(names, rng, variation.idle, person_seed)
    return np.clip(amounts, 0, _STRONGEST), intensity if emotion != "neutral" else 0.0


def sample_idle(
    names: Sequence[str], rng: np.random.Generator, strength: float, person_seed: int
) -> np.ndarray:
    """Draw small activity `(52,)` unrelated to emotion.

    Half of it is the person's habit (faces at rest differ), half is passing.
    """
    habit = np.random.default_rng([person_seed, 3]).normal(0, 1, len(names))
    passing = rng.normal(0, 1, len(names))
    activity = _same_on_both_sides(0.7 * habit + 0.7 * passing, names)
    activity = action_amounts(IDLE_ACTIVITY, names) * np.clip(activity, 0, None)
    return strength * (activity + action_amounts(_sample_gaze(rng), names))


def _sample_gaze(rng: np.random.Generator) -> Mixture:
    vertical = rng.normal(0, 0.06)
    horizontal = rng.normal(0, 0.08)
    aside = ("eyeLookInLeft", "eyeLookOutRight")
    if horizontal > 0:
        aside = ("eyeLookOutLeft", "eyeLookInRight")
    gaze = dict.fromkeys(aside, abs(horizontal))
    gaze["eyeLookUp" if vertical > 0 else "eyeLookDown"] = abs(vertical)
    return gaze


def action_units(amounts: np.ndarray, names: Sequence[str]) -> tuple[int, ...]:
    """The FACS units present, in ascending order.

    Lips part (25) comes with an open jaw or bared teeth.
    """
    present = set()
    for action, unit in ACTION_UNIT_OF.items():
        if amounts[_places_of(action, names)].max() >= AU_PRESENT:
            present.add(unit)
    if present & _PARTING_UNITS:
        present.add(_LIPS_PART)
    return tuple(sorted(present))


def sample_course(frames: int, rng: np.random.Generator, *, back: bool = False) -> np.ndarray:
    """Draw the strength of an expression over time, `(frames,)` from 0 to 1.

    With `back`, it returns to 0. Onset and offset are smooth steps; when the onset begins and how
    long it takes differ from one sequence to the next.
    """
    time = np.linspace(0, 1, max(frames, 2))[:frames]
    if not back:
        begin = rng.uniform(0, 0.25)
        end = rng.uniform(0.75, 1.0)
        return _smooth((time - begin) / (end - begin))
    begin = rng.uniform(0, 0.12)
    apex = rng.uniform(0.35, 0.45)
    leave = rng.uniform(0.55, 0.68)
    end = rng.uniform(0.88, 1.0)
    onset = _smooth((time - begin) / (apex - begin))
    return np.minimum(onset, 1 - _smooth((time - leave) / (end - leave)))


def sample_blinks(frames: int, rng: np.random.Generator, chance: float = 0.35) -> np.ndarray:
    """Draw how far blinking shuts the lids, `(frames,)`.

    With probability `chance` there is one blink, of about three frames.
    """
    shut = np.zeros(frames)
    if frames > 4 and rng.random() < chance:
        middle = int(rng.integers(1, frames - 1))
        shut = np.exp(-0.5 * ((np.arange(frames) - middle) / 0.7) ** 2)
    return shut


def _sample_intensity(levels: Levels, rng: np.random.Generator) -> float:
    """Draw an intensity, as a share of the maximum."""
    level = int(rng.choice(len(levels), p=levels))
    return float(rng.uniform(_LEVEL_EDGES[level], _LEVEL_EDGES[level + 1]))


def _sample_prototype(emotion: str, names: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Draw a prototype of the emotion and its action units; return its amounts at maximum."""
    prototypes = EXPRESSIONS[emotion]
    shares = np.array([prototype.share for prototype in prototypes])
    prototype = prototypes[rng.choice(len(prototypes), p=shares / shares.sum())]
    shown = [unit for unit, share in prototype.units.items() if rng.random() < share]
    amounts = action_amounts(mix_units(shown, prototype), names)
    if prototype.one_sided:
        other_side = rng.choice(["Left", "Right"])
        amounts[[i for i, name in enumerate(names) if name.endswith(other_side)]] = 0
    return amounts


def mix_units(units: Iterable[int], prototype: Prototype) -> dict[str, float]:
    """The actions of action units, as strong as in the prototype; together they saturate."""
    mixture: dict[str, float] = {}
    for unit in units:
        strength = prototype.strength.get(unit, 1.0)
        for action, amount in UNITS[unit].items():
            before = mixture.get(action, 0.0)
            mixture[action] = 1 - (1 - before) * (1 - strength * amount)
    return mixture


def _same_on_both_sides(values: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """The values, with each right action given its left twin's value."""
    twins = [re.sub("Right$", "Left", name) for name in names]
    return values[[names.index(twin) for twin in twins]]


def _smooth(x: np.ndarray) -> np.ndarray:
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)

"""Creases of the skin: the lines that expressions fold, as maps over the mean head's front."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import Tensor

from ferkit.drawn.people import Person

Curve = tuple[tuple[float, float], ...]
_CURVE_POINTS = 14  # of a curve made smooth


@dataclass(frozen=True)
class Crease:
    """Lines that fold together; lengths are in centimetres."""

    actions: tuple[str, ...]  # that fold it
    lines: tuple[Curve, ...]  # points (x, y) of the mean head, on the subject's left
    width: float  # half of it
    depth: float
    wavy: float = 0.0


# Forehead lines run across; their middle follows the inner brows, their ends the outer ones.
_FOREHEAD: tuple[Curve, ...] = tuple(
    ((0.0, y), (1.8, y - 0.25), (3.6, y - 0.2), (5.2, y + 0.4)) for y in (-3.8, -4.8, -5.8)
)
CREASES = {
    "nasolabial": Crease(
        ("mouthSmile", "noseSneer", "mouthUpperUp"),
        (((1.95, 3.9), (2.75, 5.1), (3.45, 6.4), (3.65, 7.7)),),
        0.20,
        0.17,
    ),
    "crows_feet": Crease(
        ("cheekSquint", "eyeSquint", "mouthSmile"),
        (
            ((5.0, 0.60), (5.6, 0.95), (6.3, 1.55)),
            ((5.1, 0.25), (5.8, 0.30), (6.7, 0.5)),
            ((5.0, -0.1), (5.6, -0.4), (6.3, -0.95)),
        ),
        0.075,
        0.060,
        0.03,
    ),
    "under_eye": Crease(
        ("cheekSquint", "eyeSquint", "mouthSmile"),
        (((1.9, 1.15), (2.8, 1.65), (3.9, 1.65), (4.8, 1.2)),),
        0.12,
        0.045,
    ),
    "forehead_middle": Crease(("browInnerUp",), _FOREHEAD, 0.12, 0.065, 0.08),
    "forehead_sides": Crease(("browOuterUp",), _FOREHEAD, 0.12, 0.065, 0.08),
    "glabella": Crease(("browDown",), (((0.75, -3.1), (0.60, -2.2), (0.75, -1.3)),), 0.13, 0.12),
    "nose_root": Crease(
        ("noseSneer",),
        (
            ((0.0, -0.30), (0.8, -0.15)),
            ((0.55, 0.5), (1.05, 1.0), (1.35, 1.7)),
            ((0.45, 1.2), (0.9, 1.8)),
        ),
        0.11,
        0.060,
    ),
    "marionette": Crease(("mouthFrown",), (((2.75, 7.9), (3.05, 8.6), (3.05, 9.4)),), 0.14, 0.070),
    "dimple": Crease(
        ("mouthDimple", "mouthSmile"), (((2.95, 7.1), (3.15, 7.6), (3.1, 8.1)),), 0.13, 0.050
    ),
    "chin": Crease(("mouthShrugLower",), (((0.0, 9.55), (0.9, 9.7), (1.6, 10.1)),), 0.17, 0.085),
}
CREASE_NAMES = tuple(CREASES)
# Shares of the creases' depth that stay in an old face at rest.
_LASTING = {
    "nasolabial": 0.5,
    "under_eye": 0.5,
    "forehead_middle": 0.35,
    "forehead_sides": 0.3,
    "crows_feet": 0.4,
    "marionette": 0.3,
}


def crease_map(
    person: Person, name: str, side: Tensor, y: Tensor, x: Tensor, rng: torch.Generator
) -> Tensor:
    """How deep a crease is at full strength `(h, w)`: sharp and deep in old skin, soft in young.

    `y`, `x` and `side`, the absolute value of x, are the places of the map's points.
    """
    crease = CREASES[name]
    age = min(1.0, max(0.0, (person.age - 18) / 50))
    phase = float(torch.rand((), generator=rng)) * 6.3
    lines = crease.lines
    if name.startswith("forehead") and person.seed % 2 == 0:
        lines = lines[:2]
    wave = torch.sin(x * 1.9 + phase + person.seed) + 0.6 * torch.sin(x * 4.3 + 2 * phase)
    depth = crease_lines(side, y + crease.wavy * wave, lines, crease.width * (1.25 - 0.5 * age))
    if name.startswith("forehead"):
        middle = torch.exp(-((side / 2.4) ** 2))
        depth = depth * (middle if name == "forehead_middle" else 1 - middle)
    return depth * crease.depth * (0.6 + 0.6 * age)


def lasting_depth(person: Person, creases: Tensor) -> Tensor:
    """How deep creases `(10, h, w)` are in the face at rest: what is folded for decades stays."""
    depth = torch.zeros_like(creases[0])
    for name, share in _LASTING.items():
        depth = depth + creases[CREASE_NAMES.index(name)] * share
    return depth * min(1.0, max(0.0, (person.age - 35) / 40))


def crease_strengths(amounts: np.ndarray, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """How strong each crease is on the subject's right and left side, each `(10,)`.

    `amounts` are those of the facial actions `names`.
    """
    amount_of = {name: float(value) for name, value in zip(names, amounts, strict=True)}

    def strength(actions: tuple[str, ...], side: str) -> float:
        folding = [amount_of.get(a, 0.0) + amount_of.get(a + side, 0.0) for a in actions]
        return min(1.2, 0.75 * max(folding) + 0.35 * sum(folding))

    right = [strength(crease.actions, "Right") for crease in CREASES.values()]
    left = [strength(crease.actions, "Left") for crease in CREASES.values()]
    return torch.tensor(right), torch.tensor(left)


def crease_lines(x: Tensor, y: Tensor, lines: Iterable[Curve], width: float) -> Tensor:
    """Furrows along lines, about 1 at their deepest, with a little swelling beside them.

    They run out at their ends. `x` and `y` (h, w) are places in rows and columns: lines are only
    looked for in the rows and columns that come near them.
    """
    furrow = torch.zeros_like(x)
    for line in lines:
        points = torch.from_numpy(_smooth_curve(line)).float()
        reach = 7 * width
        low = points.amin(0) - reach
        high = points.amax(0) + reach
        near = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])
        rows = torch.nonzero(near.any(1)).squeeze(1)
        columns = torch.nonzero(near.any(0)).squeeze(1)
        if not len(rows):
            continue
        here = slice(int(rows[0]), int(rows[-1]) + 1), columns
        runs_to_middle = line[0][0] == 0
        depth = _furrow(x[here], y[here], points, width, runs_to_middle) * near[here]
        furrow[here] = torch.maximum(furrow[here], depth)
    rows = furrow.amax(1) > 0
    swelling = torch.zeros_like(x)
    swelling[rows] = furrow[rows] ** 0.16
    return 1.25 * furrow - 0.3 * swelling


def _furrow(x: Tensor, y: Tensor, points: Tensor, width: float, runs_to_middle: bool) -> Tensor:
    """How deep the furrow along `points` (n, 2) is at places `(h, w)`, in [0, 1].

    Where it begins in the face's middle, both sides meet, so it does not run out there.
    """
    ax, ay = points[:-1].T[:, :, None, None]
    dx, dy = points.diff(dim=0).T[:, :, None, None]
    px = x - ax  # (segments, rows, columns)
    py = y - ay
    share = ((px * dx + py * dy) / (dx**2 + dy**2)).clamp_(0, 1)
    distance2 = (px - share * dx) ** 2 + (py - share * dy) ** 2
    along = (torch.arange(len(dx))[:, None, None] + share) / len(dx)
    strength = (3 * (1 - along)).clamp_(max=1)
    if not runs_to_middle:
        strength *= (3 * along).clamp_(max=1)
    return (strength * torch.exp(distance2 * (-0.5 / width**2))).amax(0)


@cache
def _smooth_curve(line: Curve) -> np.ndarray:
    """Points `(_CURVE_POINTS, 2)` along a smooth curve through those of the line."""
    places = np.linspace(0, 1, len(line))
    dense = np.linspace(0, 1, _CURVE_POINTS)
    degree = len(line) - 1
    x, y = (np.polyval(np.polyfit(places, axis, degree), dense) for axis in np.transpose(line))
    return np.stack([x, y], 1)

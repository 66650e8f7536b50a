"""Examples of drawn faces: one person with given actions, a compound emotion, or a prototype."""

import numpy as np

from ferkit.drawn.actions import Mixture
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.expressions import (
    action_amounts,
    action_units,
    mix_units,
    sample_expression,
)
from ferkit.drawn.head import load_head
from ferkit.drawn.model import cached_person_model
from ferkit.drawn.prototypes import EXPRESSIONS
from ferkit.drawn.scene import Scene

_PLAIN_SCENE = Scene()


def draw_mixture(
    seed: int,
    mixture: Mixture,
    *,
    sides: float = 0.0,
    scene: Scene = _PLAIN_SCENE,
    size: int = 224,
    rays: int | None = None,
) -> tuple[Frame, tuple[int, ...]]:
    """Draw person `seed` doing this mixture of facial actions; also return the action units.

    `sides` scales one side down: 1 leaves the subject's left side only, -1 the right side only.
    """
    head = load_head()
    amounts = action_amounts(mixture, head.action_names)
    weaker_side = "Right" if sides > 0 else "Left"
    for i, name in enumerate(head.action_names):
        if name.endswith(weaker_side):
            amounts[i] *= 1 - abs(sides)
    frame = draw(cached_person_model(seed, size), head, amounts, scene, size, rays=rays)
    return frame, action_units(amounts, head.action_names)


def draw_compound(
    seed: int, complementary: str, dominant: str, take: int = 0, *, size: int = 224
) -> Frame:
    """Draw person `seed` showing a compound emotion at full strength.

    Each `take` is another expression of it.
    """
    head = load_head()
    amounts, _ = sample_expression(
        dominant,
        head.action_names,
        np.random.default_rng(take),
        complementary=None if complementary in ("neutral", dominant) else complementary,
        person_seed=seed,
        intensity=1.0,
    )
    return draw(cached_person_model(seed, size), head, amounts, _PLAIN_SCENE, size)


def find_prototype(emotion: str, number: int = 1) -> tuple[Mixture, float]:
    """One of an emotion's prototypes, without sides, and the `sides` of `draw_mixture` for it.

    It has the action units that most people show. Prototypes are counted from 1 and begin again
    after the last. Those of contempt are one-sided.
    """
    prototypes = EXPRESSIONS[emotion]
    prototype = prototypes[(number - 1) % len(prototypes)]
    units = [unit for unit, share in prototype.units.items() if share > 0.5]
    return mix_units(units, prototype), float(prototype.one_sided)

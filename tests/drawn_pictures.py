"""Pictures of drawn people, as several tests of drawing need them."""

import hashlib
from dataclasses import fields, replace

import numpy as np

from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.expressions import action_amounts, sample_expression
from ferkit.drawn.head import load_head
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import Person, make_person
from ferkit.drawn.scene import WILD, Scene, sample_scene

SIZE = 64
HEAD = load_head()
NAMES = HEAD.action_names


def acting(**mixture: float) -> np.ndarray:
    """Amounts of the facial actions, those not named at rest."""
    return action_amounts(mixture, NAMES)


def shaven(person: Person) -> Person:
    return replace(person, beard=0.0, freckles=0.0, glasses=0.0)


def picture(
    face: PersonModel,
    amounts: np.ndarray | None = None,
    size: int = SIZE,
    seed: int = 0,
    **knobs: float,
) -> Frame:
    if amounts is None:
        amounts = acting()
    return draw(face, HEAD, amounts, Scene(**knobs), size, seed=seed)


def digest(seed: int) -> str:
    """A hash of everything in one frame full of chance."""
    rng = np.random.default_rng(seed)
    amounts, _ = sample_expression("fear", NAMES, rng, person_seed=seed)
    frame = draw(
        make_person_model(make_person(seed, HEAD), HEAD, 48),
        HEAD,
        amounts,
        sample_scene(rng, WILD),
        48,
        seed=seed,
    )
    return hashlib.sha256(
        b"".join(getattr(frame, f.name).tobytes() for f in fields(frame))
    ).hexdigest()

"""One person made ready for drawing; it serves for any number of pictures."""

from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor

from ferkit.drawn.hair import uncovered
from ferkit.drawn.head import LASH, Head, load_head
from ferkit.drawn.landmarks import eye_centres
from ferkit.drawn.people import Person, make_person
from ferkit.drawn.shape import neutral_shape
from ferkit.drawn.skin import Skin, paint_skin
from ferkit.drawn.worn import Worn, dress_head

MEDIUM_SIZE = 256  # pixels; larger pictures have a finer skin and one ray per pixel
_SHOULDERS = 19  # centimetres below the eyes


@dataclass(frozen=True, eq=False)
class PersonModel:
    """One person made ready for drawing: the face at rest, the painted skin, hair and glasses."""

    person: Person
    rest: Tensor  # (V, 3)
    skin: Skin
    resolution: float  # of the skin's map, pixels per centimetre
    worn: Worn
    # (n,), the triangles of the head that are drawn: not the lashes, nor what hair hides
    shown: Tensor
    eye_span: float  # distance between the eyes' centres, centimetres


def make_person_model(person: Person, head: Head, size: int = 224) -> PersonModel:
    """Make a person ready for pictures of `size` pixels."""
    resolution = 12.0 if size <= MEDIUM_SIZE else 40.0
    rest = neutral_shape(person, head)
    # The mesh ends at the shoulders, pictures may not: its lower end is pulled down.
    rest[:, 1] += 4 * (head.rest[:, 1] - _SHOULDERS).clamp(min=0)
    right_eye, left_eye = eye_centres(rest)
    shown = uncovered(person, head) & (head.part != LASH)
    return PersonModel(
        person,
        rest,
        paint_skin(person, resolution, rest.device),
        resolution,
        dress_head(person, rest, head),
        torch.nonzero(shown).squeeze(1),
        float((left_eye - right_eye).norm()),
    )


@lru_cache(maxsize=4)
def cached_person_model(seed: int, size: int = 224, matched: bool = True) -> PersonModel:
    """The model of the person of a seed; the last four are kept, for clips drawn one by one.

    `matched` is the field of `Person`.
    """
    head = load_head()
    person = replace(make_person(seed, head), matched=matched)
    return make_person_model(person, head, size)

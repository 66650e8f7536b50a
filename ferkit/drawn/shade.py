"""The colours of skin, eyes, teeth and tongue under a main light and light from everywhere.

Colours are linear light. The models are simple on purpose: wrapped diffuse light for skin (red
travels further in it), a glossy highlight, and darker hollows, which show relief without casting
rays.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.drawn.head import LIDS, LIPS, MOUTH
from ferkit.drawn.people import Person
from ferkit.drawn.scene import Scene, light_colour, light_direction
from ferkit.drawn.skin import MAP_WIDTH, Skin, look_up

_WRAP = (0.26, 0.15, 0.11)  # how far red, green and blue light reach around an edge of skin
_IRIS_RADIUS = 0.40  # as a share of the eyeball's
_PUPIL_RADIUS = 0.16
_TOOTH_GAPS = (0.0, 0.86, 1.55, 2.25, 2.9)  # centimetres from the middle, mean head


@dataclass(frozen=True, eq=False)
class Light:
    """The scene's light as tensors: two directions and two colours, all of shape (3,).

    `direction` is to the main light, `sky` to where most of the light from everywhere comes from;
    `softness` is that of the scene.
    """

    direction: Tensor
    key: Tensor
    sky: Tensor
    ambient: Tensor
    softness: float

    def facing(self, normal: Tensor, wrap: float = 0.0) -> Tensor:
        """Diffuse main light `(N, 1)` on surfaces of normals `(N, 3)`, reaching round by `wrap`."""
        return ((normal @ self.direction + wrap) / (1 + wrap)).clamp(min=0)[:, None]

    def around(self, normal: Tensor) -> Tensor:
        """The share of the light from everywhere that reaches normals `(N, 3)`, `(N, 1)`."""
        return ((0.5 + 0.5 * (normal @ self.sky)) * 0.6 + 0.4)[:, None]

    def halfway(self, side: float = 1.0) -> Tensor:
        """The normal `(3,)` that reflects the light to the viewer.

        `side` scales how far the light comes from the side.
        """
        scale = torch.tensor([side, side, 1.0], device=self.direction.device)
        viewer = torch.tensor([0.0, 0.0, -1.0], device=self.direction.device)
        return F.normalize(self.direction * scale + viewer, dim=0)


@dataclass(frozen=True, eq=False)
class Samples:
    """What is known of `N` samples.

    Shapes: `rest` (N, 3), the place on the mean head; `normal` (N, 3); `masks` (N, 4); `hollow`
    (N,), centimetres; in [0, 1] `lit` (N,), by the main light, `sky` (N,), how much of the sky
    they see, and `lash` (N,), how near they are to the lashes.
    """

    rest: Tensor
    normal: Tensor
    masks: Tensor
    hollow: Tensor
    lit: Tensor
    sky: Tensor
    lash: Tensor

    def __getitem__(self, index: Tensor) -> "Samples":
        return Samples(*(value.index_select(0, index) for value in vars(self).values()))


def light_of(scene: Scene, device: str | torch.device) -> Light:
    """The light of a scene."""
    direction = light_direction(scene.light_azimuth, scene.light_elevation)
    side = math.radians(scene.ambient_side)
    return Light(
        torch.tensor(direction, dtype=torch.float32, device=device),
        torch.tensor(light_colour(scene.warmth), device=device) * scene.key,
        torch.tensor([math.sin(side), -math.cos(side), 0.0], device=device),
        torch.tensor(light_colour(scene.ambient_warmth), device=device) * scene.ambient,
        scene.softness,
    )


def shade_skin(
    at: Samples, person: Person, painted: Tensor, light: Light, axes: Tensor, opening: float
) -> Tensor:
    """Colours `(N, 3)` of skin, lips, brows, beard and short hair.

    `painted` (N, 5) are colour and slopes from `painted_at`; `axes` (2, 3) are the directions of
    the slopes; `opening` is how much further apart the lips are than at rest, centimetres: light
    reaches the edges of parted lips.
    """
    parted = min(1.0, opening / 0.9)
    colour = painted[:, :3].clone()
    kind = painted.new_zeros(len(painted), 2)
    special = torch.nonzero(at.masks[:, : MOUTH + 1].amax(1) + at.lash > 0.05).squeeze(1)
    colour[special], kind[special] = _pigments(at[special], person, colour[special], parted)
    lips, inside = kind.split(1, 1)
    slope = painted[:, 3:] * (1 - 0.6 * inside)
    normal = F.normalize(at.normal - slope[:, :1] * axes[0] - slope[:, 1:] * axes[1], dim=1)
    hollow = (1 - 1.3 * at.hollow.clamp(min=0)).clamp(0.4, 1)[:, None]
    seen = torch.maximum(at.sky.clamp(0, 1)[:, None] * hollow, 0.62 * lips * (1 - inside))
    seen = seen * (1 - 0.85 * inside)
    # Light skin brightens its own hollows, most of all with red.
    sky = seen / (1 - 0.6 * colour * (1 - seen))
    wrap = torch.tensor(_WRAP, device=colour.device)
    facing = (normal @ light.direction)[:, None]
    diffuse = ((facing + wrap) / (1 + wrap)).clamp(min=0) * (at.lit[:, None] * seen.sqrt())
    above = light.around(normal)
    broad = _fourth_power(_fourth_power((normal @ light.halfway()).clamp(min=0)[:, None]))
    sharp = _fourth_power(broad)
    from_middle = -((at.rest[:, :1] / 3.0) ** 2) - 0.02 * (at.rest[:, 1:2] + 1) ** 2
    oily = 0.35 + 0.65 * torch.exp(from_middle)
    gloss = (0.015 + 0.06 * person.shine * oily) * (broad + 2.4 * person.shine * sharp) * (1 - lips)
    gloss = (gloss + lips * (0.015 * broad + 0.04 * sharp)) * at.lit[:, None] * seen
    edge = _fourth_power((1 + normal[:, 2:]).clamp(0, 1)) * 0.05 * light.ambient * above * seen
    return colour * (light.ambient * above * sky + light.key * diffuse) + gloss * light.key + edge


def _pigments(at: Samples, person: Person, colour: Tensor, parted: float) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` of skin, lips, lids and the mouth's inside.

    The second value (N, 2) is how far a sample belongs to the lips and to the inside.
    """
    device = colour.device
    lips = smooth_step(0.1, 0.6, at.masks[:, LIPS])[:, None]
    deep = torch.tensor([0.92, 0.66, 0.70], device=device) ** (0.45 + 0.9 * person.lip_colour)
    colour = colour * (1 + lips * (deep - 1))
    lids = smooth_step(0.3, 1.0, at.masks[:, LIDS])[:, None]
    colour = colour * (1 - lids * torch.tensor([0.10, 0.22, 0.17], device=device))
    lashes = smooth_step(0.05, 0.75, at.lash)[:, None]
    colour = colour * (1 - (0.92 - 0.22 * person.sex) * lashes)
    inside = smooth_step(0.35, 0.85, at.masks[:, MOUTH])[:, None] * (1 - 0.8 * parted * lips)
    flesh = torch.tensor([0.20, 0.045, 0.04], device=device)
    return colour * (1 - inside) + flesh * inside, torch.cat([lips, inside], 1)


def shade_eyes(
    at: Samples,
    person: Person,
    light: Light,
    eyes: tuple[Tensor, float],
    gaze: Tensor,
    lids: Tensor,
) -> Tensor:
    """Colours `(N, 3)` of sclera, iris and pupil in the shade of the lids, with a catch-light.

    Shapes: `eyes`, centres (2, 3) of the mean head's eyeballs and their radius; `gaze` (N, 3), the
    samples' normals as seen from the front of the face; `lids` (2, 6, 2), where the landmarks of
    each eye's lids lie on its ball, in its radii.
    """
    centres, radius = eyes
    left = (at.rest[:, 0] > 0).long()
    offset = (at.rest - centres[left]) / radius
    colour = _eye_colour(offset, person)
    shade = lid_shade(gaze[:, :2], lids[left])[:, None]
    facing = light.facing(at.normal, 0.35) * at.lit[:, None]
    glance = (at.normal @ light.halfway(0.6)).clamp(min=0)[:, None]
    bright = (0.7 * glance**400 + 0.006 * glance**40) * (0.4 + 0.6 * shade)
    return colour * shade * (light.ambient * 0.9 + light.key * facing * 0.7) + bright * light.key


def _eye_colour(offset: Tensor, person: Person) -> Tensor:
    """The pigments `(N, 3)` of an eye at `offset` (N, 3) from its centre, in its radii."""
    device = offset.device
    out = offset[:, :2].norm(dim=1)
    angle = torch.atan2(offset[:, 1], offset[:, 0])
    fibres = 1 + 0.22 * torch.sin(angle * 23 + 3 * torch.sin(angle * 7))
    fibres = fibres + 0.12 * torch.sin(angle * 51)
    brightness = fibres * (0.55 + 0.7 * (out / _IRIS_RADIUS) ** 2)
    iris = torch.tensor(person.iris, device=device) * brightness[:, None]
    iris = 0.75 * iris + 0.25 * iris.mean(1, keepdim=True)
    ring = smooth_step(0.72, 1.0, out / _IRIS_RADIUS)[:, None]
    pupil = smooth_step(_PUPIL_RADIUS - 0.03, _PUPIL_RADIUS + 0.03, out)[:, None]
    colour = iris * (1 - 0.8 * ring) * pupil + 0.003
    reddened = smooth_step(0.6, 1.0, out)[:, None]
    red = reddened * torch.tensor([0.06, 0.22, 0.22], device=device)
    white = torch.tensor([0.38, 0.345, 0.33], device=device) * (1 - red)
    white = white * (1 - 0.32 * person.melanin)
    edge = smooth_step(_IRIS_RADIUS - 0.035, _IRIS_RADIUS + 0.045, out)[:, None]
    return colour * (1 - edge) + white * edge


def lid_shade(at: Tensor, lids: Tensor) -> Tensor:
    """How much light `(N,)` lids and lashes let through to points `(N, 2)` of an eyeball.

    `lids` (N, 6, 2) are the landmarks of the lids around each point's eye.
    """
    first = lids[:, 0]
    last = lids[:, 3]
    along = ((at[:, 0] - first[:, 0]) / (last[:, 0] - first[:, 0])).clamp(0, 1)
    level = first[:, 1] + along * (last[:, 1] - first[:, 1])
    bow = 4 * along * (1 - along)
    middle = (first[:, 1] + last[:, 1]) / 2
    upper = level + bow * (lids[:, 1:3, 1].mean(1) - middle) * 1.12
    lower = level + bow * (lids[:, 4:6, 1].mean(1) - middle) * 1.12
    corners = 0.55 + 0.45 * smooth_step(0.0, 0.22, along) * smooth_step(1.0, 0.80, along)
    below_upper = 0.18 + 0.82 * smooth_step(-0.04, 0.34, at[:, 1] - upper)
    above_lower = 0.7 + 0.3 * smooth_step(0.0, 0.15, lower - at[:, 1])
    return below_upper * above_lower * corners


def shade_teeth(at: Samples, light: Light, upper: bool, opening: float) -> Tensor:
    """Colours `(N, 3)` of teeth with gaps and gum, darker towards the corners of the mouth.

    `opening` is how much the lips are parted, centimetres.
    """
    device = at.rest.device
    side = at.rest[:, 0].abs()
    y = at.rest[:, 1]
    gap = torch.zeros_like(side)
    for place in _TOOTH_GAPS:
        gap = gap + torch.exp(-0.5 * ((side - place) / 0.03) ** 2)
    scallop = 0.10 * torch.cos(side * 7.4).abs()
    deep = (1 - 0.9 * smooth_step(1.2, 3.0, side)) * (0.25 + 0.75 * min(1.0, opening / 0.6))
    if upper:
        gum = smooth_step(6.15, 6.0, y + scallop)[:, None]
        deep = deep * (0.6 + 0.4 * smooth_step(6.2, 6.9, y))
    else:
        gum = smooth_step(7.95, 8.1, y - scallop)[:, None]
        deep = deep * 0.55
    enamel = torch.tensor([0.66, 0.61, 0.53], device=device)
    colour = enamel * (1 - 0.30 * gap.clamp(0, 1))[:, None]
    colour = colour * (1 - gum) + torch.tensor([0.42, 0.14, 0.13], device=device) * gum
    facing = light.facing(at.normal, 0.4)
    wet = 0.10 * (at.normal @ light.halfway()).clamp(min=0)[:, None] ** 30
    lit = colour * (light.ambient * 0.8 + light.key * facing * 0.85) + wet * light.key
    return lit * deep[:, None]


def shade_tongue(at: Samples, light: Light) -> Tensor:
    """Colours `(N, 3)` of the tongue in the shade of the mouth: darker the further back."""
    deep = torch.exp(-0.9 * (at.rest[:, 2] + 1.4).clamp(min=0))[:, None] * 0.8 + 0.06
    colour = torch.tensor([0.30, 0.085, 0.08], device=deep.device)
    facing = light.facing(at.normal, 0.2)
    return colour * (light.ambient * 0.25 + light.key * facing * 0.35) * deep


def painted_at(
    skin: Skin,
    creases: tuple[Tensor, Tensor],
    rest: Tensor,
    resolution: float,
    texture: float = 1.0,
    coarse: int = 1,
) -> Tensor:
    """Colour and slopes `(N, 5)` of the skin, with its creases, at points of the mean head.

    `creases` are the strengths `(10,)` on the right and on the left. `coarse` map points along
    each side are averaged first, so that a small picture does not flicker.
    """
    maps = torch.cat([skin.colour, skin.relief[None]])
    if texture != 1:
        maps = skin.plain + texture * (maps - skin.plain)
    right, left = (strength.to(maps.device) for strength in creases)
    used = torch.nonzero((right + left) > 0.03).squeeze(1)
    if len(used):
        x = torch.linspace(-MAP_WIDTH / 2, MAP_WIDTH / 2, maps.shape[2], device=maps.device)
        leftness = torch.sigmoid(x / 0.15)
        strengths = right[used, None] * (1 - leftness) + left[used, None] * leftness
        depth = torch.zeros_like(maps[3])
        for crease, strength in zip(skin.creases[used], strengths, strict=True):
            depth.addcmul_(crease, strength)
        maps[3] -= depth
        darker = torch.tensor([2.2, 3.2, 3.2], device=maps.device)[:, None, None]
        maps[:3] *= 1 - depth.clamp(0, 0.13) * darker
    if coarse > 1:
        maps = F.avg_pool2d(maps, coarse)
    return look_up(torch.cat([maps[:3], _slopes(maps[3]) * (resolution / coarse)]), rest)


def _slopes(relief: Tensor) -> Tensor:
    """How steeply the relief `(h, w)` rises to the right and downwards `(2, h, w)`, per point."""
    slopes = torch.zeros(2, *relief.shape, device=relief.device)
    slopes[0, :, 1:-1] = (relief[:, 2:] - relief[:, :-2]) / 2
    slopes[1, 1:-1] = (relief[2:] - relief[:-2]) / 2
    return slopes


def _fourth_power(x: Tensor) -> Tensor:
    """x^4, faster than `torch.pow`."""
    return (x * x) ** 2


def smooth_step(low: float, high: float, x: Tensor) -> Tensor:
    """A smooth step from 0 at `low` to 1 at `high` (which may be the smaller)."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)

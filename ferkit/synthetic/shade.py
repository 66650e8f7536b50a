"""What colour a sample of the face has: skin, eyes, teeth, tongue, hair and lashes under one main light and light from everywhere.

Colours are linear light. The models are simple on purpose: wrapped diffuse light for skin (red travels further in it), a glossy
highlight, and darkening in hollows, which shows relief without casting rays.
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor

from ferkit.synthetic.head import MASKS, Head
from ferkit.synthetic.people import Person
from ferkit.synthetic.scene import Scene, light_colour, light_direction
from ferkit.synthetic.skin import WIDTH, Skin, look_up

WRAP = (0.26, 0.15, 0.11)  # how far red, green and blue light reach around an edge of skin
IRIS_RADIUS, PUPIL_RADIUS = 0.40, 0.16  # as shares of the eyeball's radius
TOOTH_GAPS = (0.0, 0.86, 1.55, 2.25, 2.9)  # centimetres from the middle, mean head
LIPS, LIDS, MOUTH, EARS = range(len(MASKS))


@dataclass(frozen=True, eq=False)
class Light:
    """The scene's light as tensors: `direction` (3,), `key` (3,), `ambient` (3,)."""

    direction: Tensor
    key: Tensor
    ambient: Tensor


@dataclass(frozen=True, eq=False)
class Samples:
    """What is known of `N` samples: `rest` (N, 3), `normal` (N, 3), `masks` (N, 4), `hollow` (N,), and in [0, 1] `lit` (N,) by the
    main light, `sky` (N,), how much of it they see, and `lash` (N,), how near they are to the lashes."""

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
    return Light(
        torch.tensor(light_direction(scene.light_azimuth, scene.light_elevation), dtype=torch.float32, device=device),
        torch.tensor(light_colour(scene.warmth), device=device) * scene.key,
        torch.full((3,), scene.ambient, device=device),
    )


def surroundings(head: Head, steps: int = 6, nearest: int = 32) -> tuple[Tensor, Tensor]:
    """The vertices around every vertex, up to `steps` triangles away, and their weights, both `(V, nearest)`; weights sum to 1."""
    f = head.faces.cpu().numpy()
    i, j = np.concatenate([f[:, [0, 1]], f[:, [1, 2]], f[:, [2, 0]]]).T
    count = len(head.rest)
    near = sparse.coo_matrix((np.ones(len(i)), (i, j)), shape=(count, count)).tocsr()
    near = ((near + near.T) > 0).astype(float) + sparse.identity(count)
    step = sparse.diags(1 / np.asarray(near.sum(1)).ravel()) @ near
    power = step
    for _ in range(steps - 1):
        power = power @ step
    power = power.tocsr()
    index, weight = np.zeros((count, nearest), np.int64), np.zeros((count, nearest), np.float32)
    for row in range(count):
        at = slice(power.indptr[row], power.indptr[row + 1])
        best = np.argsort(-power.data[at], kind="stable")[:nearest]
        index[row, : len(best)], weight[row, : len(best)] = power.indices[at][best], power.data[at][best]
    weight /= weight.sum(1, keepdims=True)
    return torch.from_numpy(index).to(head.rest.device), torch.from_numpy(weight).to(head.rest.device)


def hollows(points: Tensor, normals: Tensor, around: tuple[Tensor, Tensor]) -> Tensor:
    """How deep each vertex lies in a hollow `(V,)`, centimetres: positive where its surroundings stand out."""
    index, weight = around
    mean = F.embedding_bag(index, points, mode="sum", per_sample_weights=weight)
    return ((mean - points) * normals).sum(1)


def shade_skin(at: Samples, who: Person, painted: Tensor, light: Light, axes: Tensor, opening: float) -> Tensor:
    """Skin, lips, brows, beard and short hair: `(N, 3)`. `painted` (N, 5) is the map's colour and relief's slope at the samples.

    `opening` is how much further apart the lips are than at rest, centimetres: light reaches the edges of parted lips.
    """
    parted = min(1.0, opening / 0.9)
    colour, kind = painted[:, :3].clone(), painted.new_zeros(len(painted), 2)
    special = torch.nonzero(at.masks[:, : MOUTH + 1].amax(1) + at.lash > 0.05).squeeze(1)
    colour[special], kind[special] = _pigments(at[special], who, colour[special], parted)
    lips, inside = kind[:, :1], kind[:, 1:]
    slope = painted[:, 3:] * (1 - 0.6 * inside)
    normal = F.normalize(at.normal - slope[:, :1] * axes[0] - slope[:, 1:] * axes[1], dim=1)
    hollow = (1 - 0.9 * at.hollow.clamp(min=0)).clamp(0.4, 1)[:, None]
    seen = torch.maximum(at.sky.clamp(0, 1)[:, None] * hollow, 0.75 * lips * (1 - inside)) * (1 - 0.85 * inside)
    sky = seen / (1 - 0.6 * colour * (1 - seen))  # light skin brightens its own hollows, most of all with red
    facing = (normal @ light.direction)[:, None]
    wrap = torch.tensor(WRAP, device=colour.device)
    diffuse = ((facing + wrap) / (1 + wrap)).clamp(min=0) * (at.lit[:, None] * seen.sqrt())
    above = (0.5 - 0.5 * normal[:, 1:2]) * 0.6 + 0.4
    half = F.normalize(light.direction + torch.tensor([0.0, 0.0, -1.0], device=colour.device), dim=0)
    broad = _fourth(_fourth((normal @ half).clamp(min=0)[:, None]))
    sharp = _fourth(broad)
    oily = 0.35 + 0.65 * torch.exp(-((at.rest[:, :1] / 3.0) ** 2) - 0.02 * (at.rest[:, 1:2] + 1) ** 2)
    gloss = (0.015 + 0.06 * who.shine * oily) * (broad + 2.4 * who.shine * sharp) * (1 - lips)
    gloss = (gloss + lips * (0.015 * broad + 0.04 * sharp)) * at.lit[:, None] * seen
    edge = _fourth((1 + normal[:, 2:]).clamp(0, 1)) * 0.05 * light.ambient * above * seen
    return colour * (light.ambient * above * sky + light.key * diffuse) + gloss * light.key + edge


def _pigments(at: Samples, who: Person, colour: Tensor, parted: float) -> tuple[Tensor, Tensor]:
    """The colour of skin, lips, lids and the mouth's inside `(N, 3)`, and how far a sample belongs to lips and inside `(N, 2)`."""
    lips = step(0.1, 0.6, at.masks[:, LIPS])[:, None]
    deep = torch.tensor([0.92, 0.66, 0.70], device=colour.device) ** (0.45 + 0.9 * who.lip_colour)
    colour = colour * (1 + lips * (deep - 1))
    lids = step(0.3, 1.0, at.masks[:, LIDS])[:, None]
    colour = colour * (1 - lids * torch.tensor([0.10, 0.22, 0.17], device=colour.device))
    colour = colour * (1 - (0.92 - 0.22 * who.sex) * step(0.05, 0.75, at.lash)[:, None])
    inside = step(0.35, 0.85, at.masks[:, MOUTH])[:, None] * (1 - 0.8 * parted * lips)
    flesh = torch.tensor([0.20, 0.045, 0.04], device=colour.device)
    return colour * (1 - inside) + flesh * inside, torch.cat([lips, inside], 1)


def shade_eyes(
    at: Samples, who: Person, light: Light, eyes: tuple[Tensor, float], gaze: Tensor, lids: Tensor
) -> Tensor:
    """Sclera, iris and pupil in the shade of the lids, with a catch-light.

    Shapes: `eyes` centres (2, 3) of the mean head and radius; `gaze` (N, 3), the samples' normals as seen from the face's front;
    `lids` (2, 6, 2), where the landmarks of each eye's lids lie on its ball, in its radii.
    """
    left = (at.rest[:, 0] > 0).long()
    offset = (at.rest - eyes[0][left]) / eyes[1]
    out = offset[:, :2].norm(dim=1)
    angle = torch.atan2(offset[:, 1], offset[:, 0])
    fibres = 1 + 0.22 * torch.sin(angle * 23 + 3 * torch.sin(angle * 7)) + 0.12 * torch.sin(angle * 51)
    iris = torch.tensor(who.iris, device=out.device) * (fibres * (0.55 + 0.7 * (out / IRIS_RADIUS) ** 2))[:, None]
    iris = 0.75 * iris + 0.25 * iris.mean(1, keepdim=True)
    ring = step(0.72, 1.0, out / IRIS_RADIUS)[:, None]
    colour = iris * (1 - 0.8 * ring) * step(PUPIL_RADIUS - 0.03, PUPIL_RADIUS + 0.03, out)[:, None] + 0.003
    red = step(0.6, 1.0, out)[:, None] * torch.tensor([0.06, 0.22, 0.22], device=out.device)
    white = torch.tensor([0.64, 0.59, 0.56], device=out.device) * (1 - red) * (1 - 0.32 * who.melanin)
    edge = step(IRIS_RADIUS - 0.035, IRIS_RADIUS + 0.045, out)[:, None]
    colour = colour * (1 - edge) + white * edge
    shade = lid_shade(gaze[:, :2], lids[left])[:, None]
    facing = (((at.normal @ light.direction) + 0.35) / 1.35).clamp(min=0)[:, None] * at.lit[:, None]
    viewer = torch.tensor([0.0, 0.0, -1.0], device=out.device)
    half = F.normalize(light.direction * torch.tensor([0.6, 0.6, 1.0], device=out.device) + viewer, dim=0)
    glance = (at.normal @ half).clamp(min=0)[:, None]
    bright = (1.6 * glance**400 + 0.006 * glance**40) * (0.4 + 0.6 * shade)
    return colour * shade * (light.ambient * 0.9 + light.key * facing * 0.7) + bright * light.key


def lid_shade(at: Tensor, lids: Tensor) -> Tensor:
    """How much light the lids and lashes let through to points `(N, 2)` of an eyeball; `lids` (N, 6, 2) around each point's eye."""
    first, last = lids[:, 0], lids[:, 3]
    along = ((at[:, 0] - first[:, 0]) / (last[:, 0] - first[:, 0])).clamp(0, 1)
    level = first[:, 1] + along * (last[:, 1] - first[:, 1])
    bow = 4 * along * (1 - along)
    middle = (first[:, 1] + last[:, 1]) / 2
    upper = level + bow * (lids[:, 1:3, 1].mean(1) - middle) * 1.12
    lower = level + bow * (lids[:, 4:6, 1].mean(1) - middle) * 1.12
    corners = 0.55 + 0.45 * step(0.0, 0.22, along) * step(1.0, 0.80, along)
    return (
        (0.18 + 0.82 * step(-0.04, 0.34, at[:, 1] - upper)) * (0.7 + 0.3 * step(0.0, 0.15, lower - at[:, 1])) * corners
    )


def shade_teeth(at: Samples, light: Light, upper: bool, opening: float) -> Tensor:
    """Teeth with their gaps and gum, darker towards the mouth's corners; `opening` is how much the lips are parted, centimetres."""
    side, y = at.rest[:, 0].abs(), at.rest[:, 1]
    gap = sum((torch.exp(-0.5 * ((side - g) / 0.03) ** 2) for g in TOOTH_GAPS), torch.zeros_like(side))
    scallop = 0.10 * torch.cos(side * 7.4).abs()
    gum = step(6.15, 6.0, y + scallop) if upper else step(7.95, 8.1, y - scallop)
    colour = torch.tensor([0.92, 0.87, 0.78], device=side.device) * (1 - 0.30 * gap.clamp(0, 1))[:, None]
    colour = colour * (1 - gum[:, None]) + torch.tensor([0.42, 0.14, 0.13], device=side.device) * gum[:, None]
    deep = (
        (1 - 0.9 * step(1.2, 3.0, side))
        * (0.25 + 0.75 * min(1.0, opening / 0.6))
        * (0.6 + 0.4 * step(6.2, 6.9, y) if upper else 0.55)
    )
    facing = ((at.normal @ light.direction + 0.4) / 1.4).clamp(min=0)[:, None]
    half = F.normalize(light.direction + torch.tensor([0.0, 0.0, -1.0], device=side.device), dim=0)
    wet = 0.10 * (at.normal @ half).clamp(min=0)[:, None] ** 30
    return (colour * (light.ambient * 0.8 + light.key * facing * 0.85) + wet * light.key) * deep[:, None]


def shade_tongue(at: Samples, light: Light) -> Tensor:
    """The tongue, in the shade of the mouth: darker the further back."""
    facing = ((at.normal @ light.direction + 0.2) / 1.2).clamp(min=0)[:, None]
    deep = torch.exp(-0.9 * (at.rest[:, 2] + 1.4).clamp(min=0))[:, None] * 0.8 + 0.06
    return (
        torch.tensor([0.30, 0.085, 0.08], device=facing.device)
        * (light.ambient * 0.25 + light.key * facing * 0.35)
        * deep
    )


def painted_at(
    skin: Skin, folds: tuple[Tensor, Tensor], rest: Tensor, resolution: float, texture: float = 1.0, coarse: int = 1
) -> Tensor:
    """The skin map's colour and its relief's slopes at points of the mean head, `(N, 5)`, with the folds an expression makes.

    `coarse` map points along each side are averaged first, so that a small picture does not flicker.
    """
    maps = torch.cat([skin.colour, skin.relief[None]])
    if texture != 1:
        maps = skin.plain + texture * (maps - skin.plain)
    right, left = (strength.to(maps.device) for strength in folds)
    used = torch.nonzero((right + left) > 0.03).squeeze(1)
    if len(used):
        x = torch.linspace(-WIDTH / 2, WIDTH / 2, maps.shape[2], device=maps.device)
        leftness = torch.sigmoid(x / 0.15)
        strengths = right[used, None] * (1 - leftness) + left[used, None] * leftness
        here = torch.zeros_like(maps[3])
        for fold, strength in zip(skin.folds[used], strengths, strict=True):
            here.addcmul_(fold, strength)
        maps[3] -= here
        maps[:3] *= 1 - here.clamp(0, 0.13) * torch.tensor([2.2, 3.2, 3.2], device=maps.device)[:, None, None]
    if coarse > 1:
        maps = F.avg_pool2d(maps, coarse)
    return look_up(torch.cat([maps[:3], _slopes(maps[3]) * (resolution / coarse)]), rest)


def _slopes(relief: Tensor) -> Tensor:
    """How steeply the relief `(h, w)` rises to the right and downwards `(2, h, w)`, per point of the map."""
    out = torch.zeros(2, *relief.shape, device=relief.device)
    out[0, :, 1:-1] = (relief[:, 2:] - relief[:, :-2]) / 2
    out[1, 1:-1] = (relief[2:] - relief[:-2]) / 2
    return out


def _fourth(x: Tensor) -> Tensor:
    """x^4, quicker than a power."""
    return (x * x) ** 2


def step(low: float, high: float, x: Tensor) -> Tensor:
    """A smooth step from 0 at `low` to 1 at `high` (which may be the smaller)."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)

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
from ferkit.synthetic.skin import Skin, look_up

WRAP = (0.42, 0.24, 0.18)  # how far red, green and blue light reach around an edge of skin
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
    """What is known of `N` samples: `rest` (N, 3), `normal` (N, 3), `masks` (N, 4), `hollow` (N,), `lit` (N,) in [0, 1]."""

    rest: Tensor
    normal: Tensor
    masks: Tensor
    hollow: Tensor
    lit: Tensor

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


def scalp(rest: Tensor, hairline: float | Tensor = 0.0) -> Tensor:
    """How far a point of the mean head lies inside the hairline, in centimetres; negative outside."""
    x, y, z = rest.unbind(1)
    line = -7.4 + hairline + 0.9 * step(2.0, 5.5, x.abs()) * step(4.5, 2.0, z)
    line = line + 7.6 * step(2.2, 5.2, z) + 6.0 * step(8.0, 10.5, z)
    return line - y


def shade_skin(at: Samples, who: Person, painted: Tensor, light: Light, axes: Tensor) -> Tensor:
    """Skin, lips, brows, beard and short hair: `(N, 3)`. `painted` (N, 5) is the map's colour and relief's slope at the samples."""
    colour, slope = painted[:, :3], painted[:, 3:]
    lips = step(0.25, 0.75, at.masks[:, LIPS])[:, None]
    deep = torch.tensor([0.72, 0.42, 0.44], device=colour.device) ** (0.35 + 0.9 * who.lip_colour)
    colour = colour * (1 - lips) + torch.tensor(who.skin, device=colour.device) * deep * lips
    lids = step(0.3, 1.0, at.masks[:, LIDS])[:, None]
    colour = colour * (1 - 0.25 * lids * torch.tensor([0.7, 1.0, 0.9], device=colour.device))
    inside = step(0.35, 0.85, at.masks[:, MOUTH])[:, None]
    flesh = torch.tensor([0.20, 0.045, 0.04], device=colour.device)
    colour = colour * (1 - inside) + flesh * inside

    normal = F.normalize(at.normal - slope[:, :1] * axes[0] - slope[:, 1:] * axes[1], dim=1)
    cavity = (1 - 1.5 * at.hollow.clamp(min=0)).clamp(0.25, 1)[:, None] * (1 - 0.8 * inside)
    facing = normal @ light.direction
    wrap = torch.tensor(WRAP, device=colour.device)
    diffuse = ((facing[:, None] + wrap) / (1 + wrap)).clamp(min=0) * at.lit[:, None]
    above = (0.5 - 0.5 * normal[:, 1:2]) * 0.5 + 0.5
    half = F.normalize(light.direction + torch.tensor([0.0, 0.0, -1.0], device=colour.device), dim=0)
    glance = (normal @ half).clamp(min=0)[:, None]
    oily = 0.5 + 0.5 * torch.exp(-((at.rest[:, :1] / 2.5) ** 2))
    gloss = (0.05 * who.shine * oily * (1 - lips) + 0.09 * lips) * glance**18 + 0.04 * lips * glance**60
    gloss = gloss * at.lit[:, None] * (1 - inside)
    return (colour * (light.ambient * above + light.key * diffuse * 0.9) + gloss * light.key) * cavity


def shade_hair(at: Samples, who: Person, light: Light) -> Tensor:
    """Hair of the head as a cap: dark between strands, glossy across them."""
    table = torch.randn(512, generator=torch.Generator().manual_seed(who.seed)).to(at.rest.device)
    across = torch.atan2(at.rest[:, 0], at.rest[:, 2] - 8.0) * 60 + at.rest[:, 1] * 0.35
    strand = table[across.long() % 512] * 0.6 + table[(across * 3.1).long() % 512] * 0.4
    colour = torch.tensor(who.hair, device=at.rest.device) * (1 + 0.35 * strand[:, None]).clamp(min=0.2)
    facing = (at.normal @ light.direction)[:, None]
    diffuse = ((facing + 0.3) / 1.3).clamp(min=0) * at.lit[:, None]
    above = (0.5 - 0.5 * at.normal[:, 1:2]) * 0.6 + 0.4
    shine = torch.exp(-(((facing - 0.75) / 0.12) ** 2)) * 0.05 * (1 + strand[:, None]).clamp(min=0)
    return colour * (light.ambient * above + light.key * diffuse) + shine * (0.02 + colour) * light.key


def shade_eyes(at: Samples, who: Person, light: Light, centres: Tensor, radius: float) -> Tensor:
    """Sclera, iris and pupil, darker under the upper lid, with a catch-light."""
    left = at.rest[:, 0] > 0
    offset = (at.rest - torch.where(left[:, None], centres[1], centres[0])) / radius
    out = offset[:, :2].norm(dim=1)
    angle = torch.atan2(offset[:, 1], offset[:, 0])
    fibres = 1 + 0.22 * torch.sin(angle * 23 + 3 * torch.sin(angle * 7)) + 0.12 * torch.sin(angle * 51)
    iris = torch.tensor(who.iris, device=out.device) * (fibres * (0.8 + 0.7 * (out / IRIS_RADIUS) ** 2))[:, None] * 1.15
    ring = step(0.82, 1.0, out / IRIS_RADIUS)[:, None]
    white = torch.tensor([0.66, 0.61, 0.58], device=out.device) * (1 - 0.35 * (out - IRIS_RADIUS).clamp(min=0))[:, None]
    colour = iris * (1 - 0.75 * ring)
    colour = colour * step(PUPIL_RADIUS - 0.03, PUPIL_RADIUS + 0.03, out)[:, None] + 0.003
    edge = step(IRIS_RADIUS - 0.025, IRIS_RADIUS + 0.035, out)[:, None]
    colour = colour * (1 - edge) + white * edge
    lid = (0.42 + 0.58 * step(-0.52, 0.02, offset[:, 1]))[:, None] * (0.75 + 0.25 * step(1.0, 0.55, out))[:, None]
    facing = (((at.normal @ light.direction) + 0.35) / 1.35).clamp(min=0)[:, None] * at.lit[:, None]
    viewer = torch.tensor([0.0, 0.0, -1.0], device=out.device)
    half = F.normalize(light.direction * torch.tensor([1.0, 0.75, 1.0], device=out.device) + viewer, dim=0)
    bright = (at.normal @ half).clamp(min=0)[:, None] ** 90
    lit = light.ambient * 0.95 + light.key * facing * 0.8
    return colour * lit * lid + 0.55 * bright * light.key * at.lit[:, None]


def shade_teeth(at: Samples, light: Light) -> Tensor:
    """Teeth with their gaps, darker towards the back of the mouth."""
    side = at.rest[:, 0].abs()
    gap = sum((torch.exp(-0.5 * ((side - g) / 0.035) ** 2) for g in TOOTH_GAPS), torch.zeros_like(side))
    colour = torch.tensor([0.72, 0.66, 0.54], device=side.device) * (1 - 0.45 * gap.clamp(0, 1))[:, None]
    depth = (0.95 - 0.16 * (at.rest[:, 2] + 2.1).clamp(min=0)).clamp(0.15, 1)[:, None]
    facing = ((at.normal @ light.direction + 0.4) / 1.4).clamp(min=0)[:, None]
    return colour * (light.ambient * 0.6 + light.key * facing * 0.5) * depth


def shade_tongue(at: Samples, light: Light) -> Tensor:
    """The tongue, in the shade of the mouth."""
    facing = ((at.normal @ light.direction + 0.4) / 1.4).clamp(min=0)[:, None]
    return torch.tensor([0.26, 0.075, 0.07], device=facing.device) * (light.ambient * 0.4 + light.key * facing * 0.35)


def painted_at(skin: Skin, folds: tuple[Tensor, Tensor], rest: Tensor, resolution: float) -> Tensor:
    """The skin map's colour and its relief's slopes at points of the mean head, `(N, 5)`, with the folds an expression makes."""
    width = skin.relief.shape[1]
    right, left = (torch.einsum("f,fhw->hw", strength.to(skin.folds.device), skin.folds) for strength in folds)
    here = torch.cat([right[:, : width // 2], left[:, width // 2 :]], 1)
    relief = skin.relief - 0.09 * here
    slope_y, slope_x = torch.gradient(relief)
    shade = 1 - here * torch.tensor([0.16, 0.24, 0.24], device=here.device)[:, None, None]
    maps = torch.cat([skin.colour * shade, slope_x[None] * resolution, slope_y[None] * resolution])
    return look_up(maps, rest)


def step(low: float, high: float, x: Tensor) -> Tensor:
    """A smooth step from 0 at `low` to 1 at `high` (which may be the smaller)."""
    t = ((x - low) / (high - low)).clamp(0, 1)
    return t * t * (3 - 2 * t)

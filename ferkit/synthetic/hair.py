"""Hair of the head: a sheet over the scalp, and down beside the face where hair is long, whose alpha makes strands and soft edges.

The sheet is a grid around the vertical axis through the head: rows go from the top down, columns all around, the first and last at
the back. Where hair is long, the rows below the temples leave the head and fall.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic.head import MASKS, PARTS, Head
from ferkit.synthetic.people import Person
from ferkit.synthetic.render import vertex_normals
from ferkit.synthetic.shade import Light, step

ROWS, COLUMNS = 24, 52
MIDDLE = (0.0, -2.5, 7.5)  # the sheet's rows look out from here, centimetres of the mean head
LOWEST = 128.0  # degrees from straight up to the last row
LEAVES = 82.0  # degrees from straight up to where long hair leaves the head
NEAREST, SPREAD = 12, 4.0  # vertices that carry a point of the sheet, and how far their weights reach, degrees
OCTAVES = {
    1.3: 0.32,
    3.7: 0.40,
    10.0: 0.42,
    26.0: 0.42,
}  # strands per centimetre, from locks to single hairs, and their contrast
SKIN, EARS = PARTS.index("skin"), tuple(MASKS).index("ears")


@dataclass(frozen=True)
class Style:
    """How hair lies. Strands run along the lines of equal `comb`; `wave` bends them, `lumps` makes the sheet's outside uneven."""

    comb: str  # "crown" away from the crown, "part" to both sides, "back" away from the face
    opacity: float = 1.0
    lift: float = 1.0  # of Person.hair_volume
    extra: float = 0.0  # centimetres added to the lift
    wave: float = 0.1
    lumps: float = 0.12
    locks: float = 1.0  # how much whole locks differ in shade
    falls: bool = False  # leaves the head below the temples


STYLES = {
    "bald": Style("crown", lift=0.35, opacity=0.9),
    "buzz": Style("crown", lift=0.1, opacity=0.62, lumps=0.0, locks=0.15),
    "short": Style("crown", wave=0.25),
    "parted": Style("part", wave=0.15),
    "fringe": Style("crown", wave=0.12),
    "tied": Style("back", lift=0.35, lumps=0.03, wave=0.06, locks=0.7),
    "long": Style("part", wave=0.15, extra=0.5, falls=True),
    "wavy": Style("part", wave=0.45, extra=0.9, lumps=0.35, falls=True),
    "curly": Style("crown", wave=1.0, extra=0.9, lumps=0.2),
    "afro": Style("crown", wave=1.4, extra=2.4, lumps=0.08),
}


@dataclass(frozen=True, eq=False)
class Sheet:
    """The hair of one head at rest, `V` vertices.

    Shapes: points, normal, along (V, 3), the last the strands' direction; faces (F, 3); within (f, 3), the inner side of
    what hangs; table (V, 4): the place across
    and along the strands, how far inside the hair's outline (centimetres), and how much light is left deep in the hair.
    """

    points: Tensor
    normal: Tensor
    along: Tensor
    faces: Tensor
    within: Tensor
    table: Tensor


def scalp(rest: Tensor, hairline: float | Tensor = 0.0, bald: float = 0.0) -> Tensor:
    """How far a point of the mean head lies inside the hairline, in centimetres; negative outside."""
    x, y, z = rest.unbind(1)

    def line(z: Tensor) -> Tensor:
        forehead = -7.8 + hairline + 0.05 * x.clamp(-5.5, 5.5) ** 2
        return forehead + 7.6 * step(2.2, 5.2, z) + 6.0 * step(8.0, 10.5, z)

    steepness = (line(z + 0.4) - line(z - 0.4)) / 0.8  # beside the eyes the line runs down
    inside = (line(z) - y) / (1 + steepness**2).sqrt()
    if bald:
        inside = torch.minimum(inside, y + 4.5 + 4.0 * (1 - bald))  # what is left is a wreath around the head
    return inside


def grow(who: Person, rest: Tensor, head: Head) -> Sheet | None:
    """The hair of a person whose face at rest has the vertices `rest`; None for a shaved head."""
    if not who.hair_volume:
        return None
    style = STYLES[who.hair_style]
    carriers, weights = _carriers(head)
    mean = F.embedding_bag(carriers, head.rest, mode="sum", per_sample_weights=weights)
    points = F.embedding_bag(carriers, rest, mode="sum", per_sample_weights=weights)
    row, column = _grid(rest.device)
    inside = scalp(mean, _front(who, mean), who.bald)
    place, lift = points, _lift(who, style, inside, row, column)
    fallen = torch.zeros_like(inside)
    if style.falls:
        points, inside, fallen = _fall(who, style, points, inside, row, column)
        place = mean + points - place
    outward = F.normalize(
        points - torch.stack([0 * row, points[:, 1].clamp(min=MIDDLE[1]), 0 * row + MIDDLE[2]], 1), dim=1
    )
    points = points + outward * lift[:, None]

    faces = _faces(rest.device)
    seen = (inside > -0.5)[faces].any(1) & (inside > -3.0)[faces].all(1)
    faces = faces[seen]
    normal = vertex_normals(points, faces)
    across, slope = _comb(who, style, place)
    along = F.normalize(torch.linalg.cross(normal, slope), dim=1)
    within = faces[(fallen > 0)[faces].any(1)].flip(1)
    distance = row * 8.5 + fallen
    light_left = 1 - 0.35 * (fallen / 12).clamp(0, 1)
    return Sheet(points, normal, along, faces, within, torch.stack([across, distance, inside, light_left], 1))


def uncovered(who: Person, head: Head) -> Tensor:
    """Which triangles of the head `(F,)` the hair does not hide from every side."""
    style = STYLES[who.hair_style]
    if not who.hair_volume or style.opacity < 1:
        return torch.ones(len(head.faces), dtype=torch.bool, device=head.faces.device)
    deep = scalp(head.rest, who.hairline) > 3.5  # not near the edge, which is seen at a slant
    if style.comb == "part":
        deep &= (head.rest[:, 0] - who.parting).abs() > 1.0
    deep &= head.masks[:, EARS] < 0.1
    return ~(deep[head.faces].all(1) & (head.part == SKIN))


def shade_hair(table: Tensor, who: Person, light: Light, fineness: float) -> tuple[Tensor, Tensor, Tensor]:
    """Colours `(N, 3)`, alphas over skin `(N,)` and over what is behind the head `(N,)` of samples of the sheet.

    Thin hair shows the skin below, not what stands behind the head. `fineness` is the picture's pixels per centimetre.

    `table` (N, 7): across, along, inside, light left, then what `light_on` says.
    """
    style = STYLES[who.hair_style]
    across, along, inside, left, diffuse, tilt, above = table.unbind(1)
    strand = _strands(across, along, style, who.seed, fineness)
    edge = inside + 0.4 * strand - 0.1
    solid = step(-0.35, -0.05, torch.where(left < 0.999, edge, edge + 3.2))  # beside the head hair stands before hair
    alpha = torch.minimum(step(-0.35, 0.55, edge) * style.opacity, solid)
    colour = torch.tensor(who.hair, device=table.device) * torch.exp(0.42 * strand)[:, None]
    shine = (
        torch.exp(-(((tilt + 0.10 * strand) / 0.20) ** 2))
        * (0.6 + 0.6 * strand).clamp(0, 1.4)
        * (1 - 0.6 * min(style.wave, 1.0))
    )
    gloss = (0.016 + 0.55 * torch.tensor(who.hair, device=table.device)) * (shine * diffuse * style.opacity)[:, None]
    lit = light.ambient * above[:, None] + light.key * diffuse[:, None]
    return (colour * lit + gloss * light.key) * left[:, None], alpha, solid


def light_on(sheet: Sheet, turn: Tensor, light: Light) -> Tensor:
    """Light at every vertex `(V, 3)`: diffuse, the strands' tilt towards the highlight, light from above."""
    normal, along = sheet.normal @ turn.T, sheet.along @ turn.T
    viewer = torch.tensor([0.0, 0.0, -1.0], device=turn.device)
    half = F.normalize(light.direction + viewer, dim=0)
    diffuse = ((normal @ light.direction + 0.35) / 1.35).clamp(min=0)
    above = (0.5 - 0.5 * normal[:, 1]) * 0.6 + 0.4
    return torch.stack([diffuse, along @ half, above], 1)


def _front(who: Person, mean: Tensor) -> Tensor:
    """How much lower the hairline lies at points of the mean head: a fringe hangs over the forehead, longer on one side."""
    x, _, z = mean.unbind(1)
    front = step(4.5, 2.0, z)
    return who.hairline + who.fringe * front * (1 - 0.07 * (x - who.parting).abs())


def _lift(who: Person, style: Style, inside: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """How far the sheet stands off the head `(V,)`, centimetres."""
    full = who.hair_volume * style.lift + style.extra
    rng = np.random.default_rng([who.seed, 5])
    angle = 2 * torch.pi * column
    lumps = torch.zeros_like(row)
    for turns, rises in ((2, 1.0), (3, 2.5), (5, 4.0), (9, 7.0), (14, 11.0)):
        lumps += torch.sin(turns * angle + 2 * torch.pi * (rises * row + rng.random())) * rng.normal(0, 0.5)
    lifted = step(-0.2, 0.8 + 0.5 * full, inside) * full * (1 + style.lumps * lumps)
    return 0.06 + lifted + 0.35 * (who.fringe > 0) * step(-0.3, 0.8, inside)


def _fall(
    who: Person, style: Style, points: Tensor, inside: Tensor, row: Tensor, column: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Points, outline and how far each point has fallen `(V,)`, where the sheet leaves the head beside and behind the face."""
    leave = round(LEAVES / LOWEST * (ROWS - 1))
    side = (column - 0.5).abs() * 360  # degrees from the front
    edge = 54 + 7 * torch.sin(row * 5 + who.seed)  # where the sheet's front end hangs
    behind = (side - edge) / 360 * 50  # centimetres
    below = (row * (ROWS - 1) - leave).clamp(min=0) / (ROWS - 1 - leave)
    length = who.hair_length + 0.8 * torch.sin(column * 40 + who.seed)
    fallen = below * (length + 8.0) * (behind > -2.2)
    last = points.view(ROWS, COLUMNS, 3)[leave].repeat(ROWS, 1)
    spread = fallen[:, None] / 14
    bend = torch.sin(fallen * 0.9 + who.seed + column * 9)[:, None] * min(style.wave, 0.6)
    way = F.normalize(
        (last - torch.tensor(MIDDLE, device=points.device)) * torch.tensor([1.0, 0.0, 1.0], device=points.device), dim=1
    )
    hanging = last + way * (spread * 0.9 + bend * 0.8 * spread.clamp(max=1))
    hanging[:, 1] = hanging[:, 1] + fallen
    falls = fallen > 0
    tips = (1 - below) * (length + 8.0)
    points = torch.where(falls[:, None], hanging, points)
    inside = torch.where(falls, torch.minimum(behind * 1.2, tips * 0.8 - 0.3), inside)
    return points, inside, fallen


def _comb(who: Person, style: Style, place: Tensor) -> tuple[Tensor, Tensor]:
    """The place across the strands `(V,)`, centimetres, and the direction in which it grows `(V, 3)`."""
    at = place.detach().clone().requires_grad_()
    x, y, z = at.unbind(1)
    with torch.enable_grad():
        if style.comb == "part":
            across = z + 0.25 * (x - who.parting).abs() + 0.1 * y
        elif style.comb == "back":
            across = 9 * torch.atan2(x, 3.0 - y)
        else:
            across = 9 * torch.atan2(x, 10.5 - z)
        (slope,) = torch.autograd.grad(across.sum(), at)
    return across.detach(), slope


def _strands(across: Tensor, along: Tensor, style: Style, seed: int, fineness: float) -> Tensor:
    """Light and dark of the strands `(N,)`, mostly in [-1, 1]; strands finer than a pixel are left out."""
    table = torch.randn(512, generator=torch.Generator().manual_seed(seed)).to(across.device)
    bent = across + style.wave * torch.sin(along * 2.2 + 0.9 * torch.sin(across * 0.8))
    total = torch.zeros_like(across)
    for number, (octave, contrast) in enumerate(OCTAVES.items()):
        strength = min(max(1.6 - 2.2 * octave / fineness, 0.0), 1.0) * contrast
        strength *= style.locks if octave < 4 else 1.0
        if strength:
            at = bent * octave + (0.15 + 0.5 * style.wave) * along + 100 * number
            cell = at.floor()
            share = at - cell
            cell = cell.long()
            total += strength * (table[cell % 512] * (1 - share) + table[(cell + 1) % 512] * share)
    return total


@lru_cache(maxsize=4)
def _carriers(head: Head) -> tuple[Tensor, Tensor]:
    """The vertices of the head around every direction of the sheet, and their weights, both `(V, NEAREST)`."""
    skin = torch.zeros(len(head.rest), dtype=torch.bool, device=head.rest.device)
    skin[head.faces[head.part == SKIN].flatten()] = True
    skin &= (head.masks[:, EARS] < 0.05) & (head.masks[:, tuple(MASKS).index("mouth")] < 0.5)
    chosen = torch.nonzero(skin & (head.rest[:, 1] < 9.0)).squeeze(1)  # not the shoulders
    middle = torch.tensor(MIDDLE, device=head.rest.device)
    row, column = _grid(head.rest.device)
    down, around = row * LOWEST * torch.pi / 180, (column - 0.5) * 2 * torch.pi
    rays = torch.stack([down.sin() * around.sin(), -down.cos(), -down.sin() * around.cos()], 1)
    towards = F.normalize(head.rest[chosen] - middle, dim=1)
    near = (rays @ towards.T).clamp(-1, 1).topk(NEAREST, dim=1)
    angle = near.values.acos() * 180 / torch.pi
    weights = torch.exp(-(((angle - angle[:, :1]) / SPREAD) ** 2) / 2)
    return chosen[near.indices], weights / weights.sum(1, keepdim=True)


def _grid(device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of every vertex of the sheet, both in [0, 1]; column 0.5 is in front."""
    row, column = torch.meshgrid(torch.linspace(0.01, 1, ROWS), torch.linspace(0, 1, COLUMNS), indexing="ij")
    return row.flatten().to(device), column.flatten().to(device)


@lru_cache(maxsize=4)
def _faces(device: torch.device) -> Tensor:
    """The sheet's triangles `(F, 3)`, clockwise as seen from outside."""
    corner = torch.arange(ROWS * COLUMNS, device=device).view(ROWS, COLUMNS)
    a, b, c, d = (corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1])
    quads = torch.stack([a, b, c, d], -1).view(-1, 4)
    return torch.cat([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

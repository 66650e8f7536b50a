"""Hair of the head: a sheet over the scalp whose alpha makes strands and soft edges.

The sheet is a grid around the head's vertical axis: rows go from the top down, columns all
around, the first and last at the back. Long hair leaves the head below the temples and falls.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.drawn.head import EARS, MOUTH, SKIN, Head
from ferkit.drawn.people import Person
from ferkit.drawn.render import vertex_normals
from ferkit.drawn.shade import Light, smooth_step

_ROWS = 24
_COLUMNS = 52
_MIDDLE = (0.0, -2.5, 7.5)  # the sheet's rows look out from here, centimetres of the mean head
_LOWEST = 128.0  # degrees from straight up to the last row
_LEAVING_ROW = round(82.0 / _LOWEST * (_ROWS - 1))  # where long hair leaves the head
_CARRIERS = 12  # vertices of the head that carry a point of the sheet
_CARRIER_SPREAD = 4.0  # degrees that their weights reach
# Strands per centimetre, from locks to single hairs, and their contrast.
_OCTAVES = {1.3: 0.32, 3.7: 0.40, 10.0: 0.42, 26.0: 0.42}
# Waves that make the sheet's outside uneven: turns around the head, and rise down the sheet.
_LUMPS = ((2, 1.0), (3, 2.0), (5, 3.0), (8, 4.5), (11, 6.0))


@dataclass(frozen=True)
class HairStyle:
    """How hair lies. Strands run along the lines of equal `comb`."""

    comb: str  # "crown" away from the crown, "part" to both sides, "back" away from the face
    opacity: float = 1.0
    lift: float = 1.0  # of Person.hair_volume
    extra: float = 0.0  # centimetres added to the lift
    wave: float = 0.1  # how much the strands bend
    lumps: float = 0.12  # how uneven the sheet's outside is
    locks: float = 1.0  # how much whole locks differ in shade
    falls: bool = False  # leaves the head below the temples


HAIR_STYLES = {
    "bald": HairStyle("crown", lift=0.35, opacity=0.9),
    "buzz": HairStyle("crown", lift=0.1, opacity=0.62, lumps=0.0, locks=0.15),
    "short": HairStyle("crown", wave=0.25),
    "parted": HairStyle("part", wave=0.15),
    "fringe": HairStyle("crown", wave=0.12),
    "tied": HairStyle("back", lift=0.35, lumps=0.03, wave=0.06, locks=0.7),
    "long": HairStyle("part", wave=0.15, extra=0.5, falls=True),
    "wavy": HairStyle("part", wave=0.45, extra=0.9, lumps=0.35, falls=True),
    "curly": HairStyle("crown", wave=1.0, extra=0.9, lumps=0.2),
    "afro": HairStyle("crown", wave=1.4, extra=2.4, lumps=0.08),
}


@dataclass(frozen=True, eq=False)
class HairSheet:
    """The hair of one head at rest, `V` vertices."""

    points: Tensor  # (V, 3)
    normal: Tensor  # (V, 3)
    along: Tensor  # (V, 3), direction of the strands
    faces: Tensor  # (F, 3)
    within: Tensor  # (f, 3), the inner side of what hangs
    # (V, 4): the place across and along the strands, how far inside the hair's outline
    # (centimetres), and how much light is left deep in the hair
    table: Tensor


def hairline_depth(rest: Tensor, hairline: float | Tensor = 0.0, bald: float = 0.0) -> Tensor:
    """How far points of the mean head lie inside the hairline, cm; negative outside."""
    x, y, z = rest.unbind(1)

    def line(z: Tensor) -> Tensor:
        forehead = -7.8 + hairline + 0.05 * x.clamp(-5.5, 5.5) ** 2
        return forehead + 7.6 * smooth_step(2.2, 5.2, z) + 6.0 * smooth_step(8.0, 10.5, z)

    steepness = (line(z + 0.4) - line(z - 0.4)) / 0.8  # beside the eyes the line runs down
    inside = (line(z) - y) / (1 + steepness**2).sqrt()
    if bald:
        # What is left is a wreath around the head.
        inside = torch.minimum(inside, y + 4.5 + 4.0 * (1 - bald))
    return inside


def grow_hair(person: Person, rest: Tensor, head: Head) -> HairSheet | None:
    """Grow the hair of a person whose face at rest has the vertices `rest` (V, 3).

    Returns None for a shaved head.
    """
    if not person.hair_volume:
        return None
    style = HAIR_STYLES[person.hair_style]
    carriers, weights = _find_carriers(head)
    mean = F.embedding_bag(carriers, head.rest, mode="sum", per_sample_weights=weights)
    points = F.embedding_bag(carriers, rest, mode="sum", per_sample_weights=weights)
    row, column = _sheet_grid(rest.device)
    inside = hairline_depth(mean, _fringe_line(person, mean), person.bald)
    lift = _lift_off(person, style, inside, row, column)
    fallen = torch.zeros_like(inside)
    combed = points
    if style.falls:
        on_head = points
        points, inside, fallen = _fall(person, style, points, inside, row, column)
        combed = mean + points - on_head
    axis = torch.stack([0 * row, points[:, 1].clamp(min=_MIDDLE[1]), 0 * row + _MIDDLE[2]], 1)
    points = points + F.normalize(points - axis, dim=1) * lift[:, None]

    faces = _sheet_faces(rest.device)
    faces = faces[(inside > -0.5)[faces].any(1) & (inside > -3.0)[faces].all(1)]
    normal = vertex_normals(points, faces)
    across, slope = _comb(person, style, combed)
    along = F.normalize(torch.linalg.cross(normal, slope), dim=1)
    within = faces[(fallen > 0)[faces].any(1)].flip(1)
    distance = row * 8.5 + fallen
    light_left = 1 - 0.35 * (fallen / 12).clamp(0, 1)
    table = torch.stack([across, distance, inside, light_left], 1)
    return HairSheet(points, normal, along, faces, within, table)


def uncovered(person: Person, head: Head) -> Tensor:
    """Which triangles of the head `(F,)` the hair does not hide from every side."""
    style = HAIR_STYLES[person.hair_style]
    if not person.hair_volume or style.opacity < 1:
        return torch.ones(len(head.faces), dtype=torch.bool, device=head.faces.device)
    # Not near the edge, which is seen at a slant.
    deep = hairline_depth(head.rest, person.hairline) > 3.5
    if style.comb == "part":
        deep &= (head.rest[:, 0] - person.parting).abs() > 1.0
    deep &= head.masks[:, EARS] < 0.1
    return ~(deep[head.faces].all(1) & (head.part == SKIN))


def shade_hair(
    table: Tensor, person: Person, light: Light, pixels_per_centimetre: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Colours `(N, 3)` of samples, their alphas over skin `(N,)` and over the background `(N,)`.

    Thin hair shows the skin below, not what stands behind the head. `table` (N, 7) is that of the
    sheet, then what `light_hair` returns.
    """
    style = HAIR_STYLES[person.hair_style]
    across, along, inside, light_left, diffuse, tilt, above = table.unbind(1)
    strand = _strand_shades(across, along, style, person.seed, pixels_per_centimetre)
    edge = inside + 0.4 * strand - 0.1
    # Beside the head, hair stands before hair.
    solid = smooth_step(-0.35, -0.05, torch.where(light_left < 0.999, edge, edge + 3.2))
    alpha = torch.minimum(smooth_step(-0.35, 0.55, edge) * style.opacity, solid)
    pigment = torch.tensor(person.hair, device=table.device)
    colour = pigment * torch.exp(0.42 * strand)[:, None]
    shine = torch.exp(-(((tilt + 0.10 * strand) / 0.20) ** 2))
    shine = shine * (0.6 + 0.6 * strand).clamp(0, 1.4) * (1 - 0.6 * min(style.wave, 1.0))
    gloss = (0.016 + 0.55 * pigment) * (shine * diffuse * style.opacity)[:, None]
    lit = light.ambient * above[:, None] + light.key * diffuse[:, None]
    return (colour * lit + gloss * light.key) * light_left[:, None], alpha, solid


def light_hair(sheet: HairSheet, turn: Tensor, light: Light) -> Tensor:
    """Light at each vertex `(V, 3)`: diffuse, the strands' tilt to the highlight, from above."""
    normal = sheet.normal @ turn.T
    tilt = (sheet.along @ turn.T) @ light.halfway()
    diffuse = light.facing(normal, 0.35)[:, 0]
    above = light.around(normal)[:, 0]
    return torch.stack([diffuse, tilt, above], 1)


def _fringe_line(person: Person, mean: Tensor) -> Tensor:
    """How much lower the hairline is at points of the mean head, cm.

    A fringe hangs over the forehead, longer on one side.
    """
    x, _, z = mean.unbind(1)
    front = smooth_step(4.5, 2.0, z)
    return person.hairline + person.fringe * front * (1 - 0.07 * (x - person.parting).abs())


def _lift_off(
    person: Person, style: HairStyle, inside: Tensor, row: Tensor, column: Tensor
) -> Tensor:
    """How far the sheet stands off the head `(V,)`, centimetres."""
    full = person.hair_volume * style.lift + style.extra
    rng = np.random.default_rng([person.seed, 5])
    angle = 2 * torch.pi * column
    lumps = torch.zeros_like(row)
    for turns, rise in _LUMPS:
        phase = 2 * torch.pi * (rise * row + rng.random())
        lumps += torch.sin(turns * angle + phase) * rng.normal(0, 0.5)
    lifted = smooth_step(-0.2, 0.8 + 0.5 * full, inside) * full * (1 + style.lumps * lumps)
    return 0.06 + lifted + 0.35 * (person.fringe > 0) * smooth_step(-0.3, 0.8, inside)


def _fall(
    person: Person,
    style: HairStyle,
    points: Tensor,
    inside: Tensor,
    row: Tensor,
    column: Tensor,
) -> tuple[Tensor, Tensor, Tensor]:
    """Let hair fall where the sheet leaves the head beside and behind the face.

    Returns the points, how far they are inside the outline, and how far each has fallen `(V,)`.
    """
    side = (column - 0.5).abs() * 360  # degrees from the front
    edge = 54 + 7 * torch.sin(row * 5 + person.seed)  # where the front end of the sheet hangs
    behind = (side - edge) / 360 * 50  # centimetres
    below = (row * (_ROWS - 1) - _LEAVING_ROW).clamp(min=0) / (_ROWS - 1 - _LEAVING_ROW)
    length = person.hair_length + 0.8 * torch.sin(column * 40 + person.seed)
    fallen = below * (length + 8.0) * (behind > -2.2)
    last = points.view(_ROWS, _COLUMNS, 3)[_LEAVING_ROW].repeat(_ROWS, 1)
    spread = fallen[:, None] / 14
    bend = torch.sin(fallen * 0.9 + person.seed + column * 9)[:, None] * min(style.wave, 0.6)
    level = torch.tensor([1.0, 0.0, 1.0], device=points.device)
    outward = F.normalize((last - torch.tensor(_MIDDLE, device=points.device)) * level, dim=1)
    hanging = last + outward * (spread * 0.9 + bend * 0.8 * spread.clamp(max=1))
    hanging[:, 1] = hanging[:, 1] + fallen
    falls = fallen > 0
    from_tips = (1 - below) * (length + 8.0)
    points = torch.where(falls[:, None], hanging, points)
    inside = torch.where(falls, torch.minimum(behind * 1.2, from_tips * 0.8 - 0.3), inside)
    return points, inside, fallen


def _comb(person: Person, style: HairStyle, points: Tensor) -> tuple[Tensor, Tensor]:
    """The place across the strands `(V,)`, cm, and the direction in which it grows `(V, 3)`."""
    points = points.detach().clone().requires_grad_()
    x, y, z = points.unbind(1)
    with torch.enable_grad():
        if style.comb == "part":
            across = z + 0.25 * (x - person.parting).abs() + 0.1 * y
        elif style.comb == "back":
            across = 9 * torch.atan2(x, 3.0 - y)
        else:
            across = 9 * torch.atan2(x, 10.5 - z)
        (slope,) = torch.autograd.grad(across.sum(), points)
    return across.detach(), slope


def _strand_shades(
    across: Tensor, along: Tensor, style: HairStyle, seed: int, pixels_per_centimetre: float
) -> Tensor:
    """Light and dark strands `(N,)`, mostly in [-1, 1], without those finer than a pixel."""
    table = torch.randn(512, generator=torch.Generator().manual_seed(seed)).to(across.device)
    bent = across + style.wave * torch.sin(along * 2.2 + 0.9 * torch.sin(across * 0.8))
    total = torch.zeros_like(across)
    for number, (octave, contrast) in enumerate(_OCTAVES.items()):
        strength = min(max(1.6 - 2.2 * octave / pixels_per_centimetre, 0.0), 1.0) * contrast
        if octave < 4:
            strength *= style.locks
        if strength:
            place = bent * octave + (0.15 + 0.5 * style.wave) * along + 100 * number
            cell = place.floor()
            share = place - cell
            cell = cell.long()
            total += strength * (table[cell % 512] * (1 - share) + table[(cell + 1) % 512] * share)
    return total


@lru_cache(maxsize=4)
def _find_carriers(head: Head) -> tuple[Tensor, Tensor]:
    """The vertices of the head around each direction of the sheet, and their weights.

    Both are `(V, _CARRIERS)`; shoulders, ears and the mouth's inside carry no hair.
    """
    device = head.rest.device
    skin = torch.zeros(len(head.rest), dtype=torch.bool, device=device)
    skin[head.vertices_of(SKIN)] = True
    skin &= (head.masks[:, EARS] < 0.05) & (head.masks[:, MOUTH] < 0.5)
    chosen = torch.nonzero(skin & (head.rest[:, 1] < 9.0)).squeeze(1)
    row, column = _sheet_grid(device)
    down = row * _LOWEST * torch.pi / 180
    around = (column - 0.5) * 2 * torch.pi
    rays = torch.stack([down.sin() * around.sin(), -down.cos(), -down.sin() * around.cos()], 1)
    towards = F.normalize(head.rest[chosen] - torch.tensor(_MIDDLE, device=device), dim=1)
    nearest = (rays @ towards.T).clamp(-1, 1).topk(_CARRIERS, dim=1)
    angle = nearest.values.acos() * 180 / torch.pi
    weights = torch.exp(-(((angle - angle[:, :1]) / _CARRIER_SPREAD) ** 2) / 2)
    return chosen[nearest.indices], weights / weights.sum(1, keepdim=True)


def _sheet_grid(device: torch.device) -> tuple[Tensor, Tensor]:
    """Row and column of each vertex of the sheet, both in [0, 1]; column 0.5 is in front."""
    rows = torch.linspace(0.01, 1, _ROWS)
    columns = torch.linspace(0, 1, _COLUMNS)
    row, column = torch.meshgrid(rows, columns, indexing="ij")
    return row.flatten().to(device), column.flatten().to(device)


@lru_cache(maxsize=4)
def _sheet_faces(device: torch.device) -> Tensor:
    """The sheet's triangles `(F, 3)`, clockwise as seen from outside."""
    corner = torch.arange(_ROWS * _COLUMNS, device=device).view(_ROWS, _COLUMNS)
    corners = [corner[:-1, :-1], corner[:-1, 1:], corner[1:, 1:], corner[1:, :-1]]
    quads = torch.stack(corners, -1).view(-1, 4)
    return torch.cat([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

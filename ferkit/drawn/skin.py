"""The painted skin of one person: colour and relief as maps over the front of the mean head.

The maps are painted in the coordinates of the mean head at rest (centimetres, x and y), so brows,
lips and wrinkles move with the skin when a face is another person's or has an expression.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.drawn.creases import CREASE_NAMES, crease_map, lasting_depth
from ferkit.drawn.people import Person

# What the maps cover, centimetres.
_LEFT = -10.0
_TOP = -13.0
MAP_WIDTH = 20.0
_MAP_HEIGHT = 28.0

# Cubic of the middle of the brow over x, about landmarks 22 to 26, and the x of its ends.
_BROW = np.polyfit([1.0, 2.05, 3.3, 4.6, 5.65], [-1.90, -2.17, -2.30, -2.25, -1.76], 3)
_BROW_INNER = 1.0
_BROW_OUTER = 5.9


@dataclass(frozen=True, eq=False)
class Skin:
    """Maps of `h` x `w` points.

    Shapes: `colour` (3, h, w) in linear light and `relief` (h, w), bumps in centimetres, with the
    skin's texture; `plain` (4, h, w), colour and relief without it; `creases` (10, h, w), how deep
    each of CREASES is at full strength, centimetres (below 0 it bulges).
    """

    colour: Tensor
    relief: Tensor
    plain: Tensor
    creases: Tensor


@dataclass(frozen=True, eq=False)
class _Pattern:
    """What the two versions of a skin share, maps `(h, w)`: its texture, and what grows on it."""

    coarse: Tensor
    middle: Tensor
    grain: Tensor
    strands: Tensor
    curls: Tensor
    freckles: Tensor
    blemishes: Tensor
    brow: Tensor
    beard: Tensor
    lip_ridges: Tensor
    lasting: Tensor


def paint_skin(person: Person, resolution: float, device: str | torch.device = "cpu") -> Skin:
    """Paint the person's skin at `resolution` map points per centimetre."""
    rng = torch.Generator().manual_seed(person.seed * 7919 + 17)
    y, x = _map_grid(resolution)
    pattern, creases = _make_pattern(person, y, x, rng)
    plain = _paint_maps(person, resolution, pattern, 0.0).to(device)
    textured = _paint_maps(person, resolution, pattern, 1.0).to(device)
    return Skin(textured[:3], textured[3], plain, creases.to(device))


def _make_pattern(
    person: Person, y: Tensor, x: Tensor, rng: torch.Generator
) -> tuple[_Pattern, Tensor]:
    """The patterns of the skin at places `(h, w)`, and its creases `(10, h, w)`."""
    h, w = x.shape
    side = x.abs()
    coarse, middle, fine, spots = (noise(h, w, cells, rng) for cells in (7, 26, 96, 160))
    strands = strand_noise(h, w, 16, 4, rng)
    curls = strand_noise(h, w, 10, 8, rng)
    grain = 0.5 * fine + 0.5 * noise(h, w, 300, rng)
    creases = torch.stack([crease_map(person, name, side, y, x, rng) for name in CREASE_NAMES])
    freckles = (spots - 1.1).clamp(0, 1) * (blob(side, y, 3.0, 3.0, 3.5, 2.0) + 0.3)
    blemishes = (noise(h, w, 60, rng) - 2.2).clamp(0, 0.8)
    beard = torch.zeros_like(x)
    if person.beard:
        beard = beard_mask(side, y + 0.35 * middle) * person.beard**0.7
    pattern = _Pattern(
        coarse,
        middle,
        grain,
        strands,
        curls,
        freckles * person.freckles,
        blemishes * person.roughness,
        brow_mask(person, side, y, 0.6 * strands + 0.4 * curls),
        beard,
        lip_mask(side, y) ** 2 * lip_lines(x, person.seed),
        lasting_depth(person, creases),
    )
    return pattern, creases


def _paint_maps(person: Person, resolution: float, pattern: _Pattern, texture: float) -> Tensor:
    """Colour and relief `(4, h, w)` of the skin with 1 or 0 of its texture."""
    p = pattern
    hair = torch.tensor(person.hair)[:, None, None]
    unevenness = texture * (0.5 * p.coarse + 0.4 * p.middle + 0.5 * p.grain)
    colour = complexion(person, resolution, unevenness, texture * p.coarse)
    if texture:
        colour *= 1 - 0.5 * p.freckles * torch.tensor([0.6, 1.0, 1.2])[:, None, None]
        colour *= 1 - p.blemishes * torch.tensor([0.10, 0.35, 0.30])[:, None, None]
    if person.beard:
        amount = p.beard * (0.72 + 0.42 * texture * p.strands + 0.2 * texture * p.curls)
        amount = amount.clamp(0, 0.95)
        colour = colour * (1 - amount) + hair * (1 + 0.4 * texture * p.curls) * amount
    colour = colour * (1 - p.brow) + brow_colour(person) * (1 + 0.3 * p.strands) * p.brow
    relief = texture * (0.2 + person.roughness) * (0.004 * p.grain + 0.004 * p.middle)
    relief = relief + 0.015 * p.brow * p.strands
    relief = relief + texture * (0.03 * p.beard * p.strands + 0.006 * p.lip_ridges) - p.lasting
    return torch.cat([colour.clamp(0, 1), relief[None]])


def tone(person: Person) -> Tensor:
    """The bare skin's mean colour `(3,)` in linear light.

    Brown skin is warmer than the mixture of light and dark, light skin paler.
    """
    warm = 4.0 * person.melanin**2 * (1 - person.melanin)
    pale = (1 - person.melanin) ** 2
    red = 1 + 0.16 * warm - 0.05 * pale
    green = 1 + 0.01 * pale
    blue = 1 - 0.12 * warm + 0.03 * pale
    return torch.tensor(person.skin) * torch.tensor([red, green, blue])


def complexion(person: Person, resolution: float, unevenness: Tensor, blotches: Tensor) -> Tensor:
    """The bare skin's colour `(3, h, w)`: flushed on the cheeks, darker around the eyes."""
    flushed, shadowed, pale, lids = _skin_regions(resolution)
    colour = tone(person)[:, None, None] * (1 + 0.09 * (0.3 + person.roughness) * unevenness)
    flush = (flushed + 0.15 * blotches) * ((0.6 + person.redness) * (1 - 0.6 * person.melanin))
    tired = shadowed * (0.10 + 0.14 * person.roughness)
    # How much a flush brightens red, green and blue, and how much shadows darken them.
    shares = ((0.04, 0.8), (-0.15, 1.1), (-0.14, 0.8))
    tints = [(1 + redder * flush) * (1 - darker * tired) for redder, darker in shares]
    return colour * torch.stack(tints) * ((1 + 0.05 * pale) * (1 - 0.6 * person.eye_shadow * lids))


@lru_cache(maxsize=2)
def _map_grid(resolution: float) -> tuple[Tensor, Tensor]:
    """The places `y` and `x` of a map's points `(h, w)`."""
    rows = torch.arange(int(_MAP_HEIGHT * resolution))
    columns = torch.arange(int(MAP_WIDTH * resolution))
    y, x = torch.meshgrid(
        _TOP + (rows + 0.5) / resolution, _LEFT + (columns + 0.5) / resolution, indexing="ij"
    )
    return y, x


@lru_cache(maxsize=2)
def _skin_regions(resolution: float) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Maps `(h, w)` of skin with much blood, dark around the eyes, pale, and of the upper lids."""
    y, x = _map_grid(resolution)
    side = x.abs()
    flushed = 0.8 * blob(side, y, 4.3, 3.8, 1.8, 1.6)  # cheeks
    flushed = flushed + 0.9 * blob(side, y, 0.0, 4.2, 1.1, 1.0)  # nose
    flushed = flushed + 0.4 * blob(side, y, 0.0, 10.2, 1.4, 0.9)  # chin
    flushed = flushed + 0.9 * blob(side, y, 8.4, 2.4, 0.8, 2.2)  # ears
    shadowed = blob(side, y, 2.9, 1.5, 1.3, 0.5)
    shadowed = shadowed + 0.8 * blob(side, y, 1.5, -0.7, 0.7, 0.9)  # beside the nose's root
    pale = blob(side, y, 0.0, -4.5, 4.0, 2.0)  # forehead
    return flushed, shadowed, pale, blob(side, y, 3.2, -0.65, 1.3, 0.5)


def look_up(maps: Tensor, rest: Tensor) -> Tensor:
    """Look up maps `(C, h, w)` at points `(N, >=2)` of the mean head, `(N, C)`."""
    x = (rest[:, 0] - _LEFT) / MAP_WIDTH * 2 - 1
    y = (rest[:, 1] - _TOP) / _MAP_HEIGHT * 2 - 1
    grid = torch.stack([x, y], 1)[None, None]
    values = F.grid_sample(maps[None], grid, align_corners=False, padding_mode="reflection")
    return values[0, :, 0].T


def noise(h: int, w: int, cells: int, rng: torch.Generator) -> Tensor:
    """Smooth noise `(h, w)` of unit variance with about `cells` bumps across the map."""
    rows = round(cells * _MAP_HEIGHT / MAP_WIDTH)
    grid = torch.randn(1, 1, rows, cells, generator=rng)
    smooth = F.interpolate(grid, size=(h, w), mode="bicubic", align_corners=False)[0, 0]
    return smooth / smooth.std()


def strand_noise(h: int, w: int, across: float, down: float, rng: torch.Generator) -> Tensor:
    """Noise `(h, w)` in [-1, 1] like short hair; `across` and `down` are bumps per centimetre."""
    rows = round(_MAP_HEIGHT * down)
    columns = round(MAP_WIDTH * across)
    grid = torch.randn(1, 1, rows, columns, generator=rng)
    smooth = F.interpolate(grid, size=(h, w), mode="bilinear", align_corners=False)[0, 0]
    return smooth.clamp(-1.5, 1.5) / 1.5


def blob(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float) -> Tensor:
    """A soft spot of radii (rx, ry) around (cx, cy)."""
    return torch.exp(-0.5 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2))


def brow_colour(person: Person) -> Tensor:
    """Colour `(3, 1, 1)` of brows: darker than the hair, and never as light as light skin."""
    hair = torch.tensor(person.hair)
    return (hair * 0.32 / (1 + 1.2 * hair.max()))[:, None, None]


def brow_mask(person: Person, x: Tensor, y: Tensor, strands: Tensor) -> Tensor:
    """How much of the skin brows cover along landmarks 17 to 26, in [0, 1].

    The hairs are dense in the middle and ragged at the edges.
    """
    along = (x - _BROW_INNER) / (_BROW_OUTER - _BROW_INNER)
    inside = along.clamp(0, 1)
    arch = (person.brow_arch - 0.25) * (1 - ((inside - 0.62) / 0.62) ** 2)
    centre = torch.zeros_like(x)
    for power, coefficient in zip((3, 2, 1, 0), _BROW, strict=True):
        centre = centre + float(coefficient) * x.clamp(_BROW_INNER, _BROW_OUTER) ** power
    centre = centre + 0.24 - person.brow_height - arch
    # Hairs rise at the inner end and lean outwards after it.
    from_root = x + (y - centre) * (0.2 + 1.5 * inside)
    phase = 2.5 * torch.sin(from_root * 5.3 + person.seed)
    hairs = torch.sin(from_root * 39 + phase + 1.6 * torch.sin(from_root * 14 + 5 * y))
    strands = 0.6 * strands + 0.45 * hairs
    half_height = person.brow_thickness * (0.98 - 0.62 * inside**1.5)
    across = (y - centre) / half_height.clamp(min=0.08)
    inner_end = torch.sigmoid((along - 0.01 + 0.04 * across.clamp(-1, 1)) * 36)
    ends = inner_end * torch.sigmoid((1.0 - along) * 16)
    body = torch.sigmoid((1 - across.abs() + 0.45 * strands) * 4.5) * ends
    return (body * (0.50 + 0.45 * person.brow_density) * (1.0 + 0.30 * strands)).clamp(0, 0.95)


def beard_mask(x: Tensor, y: Tensor) -> Tensor:
    """Where a beard grows, in [0, 1]: jaw, chin, lower cheeks and moustache, but not the lips."""
    line = 6.5 + 1.5 * torch.exp(-((x - 3.2) ** 2) / 2.2) - 0.95 * (x - 4.5).clamp(min=0)
    region = torch.sigmoid((y - line) * 1.9) * torch.sigmoid((11.6 - y) * 1.6)
    # It is bare beside the tuft under the lip.
    region = region * (1 - 0.55 * blob(x, y, 1.7, 9.3, 0.6, 0.35))
    moustache = torch.sigmoid((y - 5.3) * 5) * torch.sigmoid((3.1 - x) * 2.5)
    moustache = moustache * torch.sigmoid((7.0 - y) * 5)
    hairy = region + moustache * (1 - 0.5 * blob(x, y, 0.0, 5.6, 0.25, 0.8))
    return hairy.clamp(0, 1) * (1 - lip_mask(x, y))


def lip_mask(x: Tensor, y: Tensor) -> Tensor:
    """About where the lips of the mean head lie, in [0, 1]."""
    return torch.sigmoid((1 - ((x / 2.6) ** 2 + ((y - 7.45) / 1.2) ** 2)) * 6)


def lip_lines(x: Tensor, seed: int) -> Tensor:
    """The fine lines across lips, in [-1, 1]."""
    broad = torch.sin(x * 31 + 2.2 * torch.sin(x * 5.3 + seed))
    narrow = torch.sin(x * 47 + 2 * torch.sin(x * 7.1))
    return 0.5 * broad + 0.5 * narrow

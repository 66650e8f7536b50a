"""The painted skin of one person: colour and relief as maps over the mean head's front, and the folds expressions make in it.

The maps are painted in the coordinates of the mean head at rest (centimetres, x and y), so brows, lips and wrinkles move with the
skin when a face is another person's or has an expression.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic.people import Person

LEFT, TOP, WIDTH, HEIGHT = -10.0, -13.0, 20.0, 28.0  # what the maps cover, centimetres

Course = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Fold:
    """What folds together: the actions that fold it, its lines (x, y) on the subject's left, and their half width and depth."""

    actions: tuple[str, ...]
    lines: tuple[Course, ...]
    width: float
    depth: float
    wavy: float = 0.0  # centimetres


# Forehead lines run across; their middle follows the inner brows, their ends the outer ones (`paint`).
FOREHEAD: tuple[Course, ...] = tuple(
    ((0.0, y), (1.8, y - 0.25), (3.6, y - 0.2), (5.2, y + 0.4)) for y in (-3.8, -4.8, -5.8)
)
FOLDS = {
    "nasolabial": Fold(("mouthSmile", "noseSneer", "mouthUpperUp"), (((1.95, 3.9), (2.75, 5.1), (3.45, 6.4), (3.65, 7.7)),), 0.20, 0.17),
    "crows_feet": Fold(
        ("cheekSquint", "eyeSquint", "mouthSmile"),
        (((5.0, 0.60), (5.6, 0.95), (6.3, 1.55)), ((5.1, 0.25), (5.8, 0.30), (6.7, 0.5)), ((5.0, -0.1), (5.6, -0.4), (6.3, -0.95))),
        0.075, 0.060, 0.03,
    ),
    "under_eye": Fold(("cheekSquint", "eyeSquint", "mouthSmile"), (((1.9, 1.15), (2.8, 1.65), (3.9, 1.65), (4.8, 1.2)),), 0.12, 0.045),
    "forehead_middle": Fold(("browInnerUp",), FOREHEAD, 0.12, 0.065, 0.08),
    "forehead_sides": Fold(("browOuterUp",), FOREHEAD, 0.12, 0.065, 0.08),
    "glabella": Fold(("browDown",), (((0.75, -3.1), (0.60, -2.2), (0.75, -1.3)),), 0.11, 0.085),
    "nose_root": Fold(
        ("noseSneer",), (((0.0, -0.30), (0.8, -0.15)), ((0.55, 0.5), (1.05, 1.0), (1.35, 1.7)), ((0.45, 1.2), (0.9, 1.8))), 0.11, 0.060
    ),
    "marionette": Fold(("mouthFrown",), (((2.75, 7.9), (3.05, 8.6), (3.05, 9.4)),), 0.14, 0.070),
    "dimple": Fold(("mouthDimple", "mouthSmile"), (((2.95, 7.1), (3.15, 7.6), (3.1, 8.1)),), 0.13, 0.050),
    "chin": Fold(("mouthShrugLower",), (((0.0, 9.55), (0.9, 9.7), (1.6, 10.1)),), 0.17, 0.085),
}  # fmt: skip
FOLD_NAMES = tuple(FOLDS)
WORN = {
    "nasolabial": 0.5,
    "under_eye": 0.5,
    "forehead_middle": 0.35,
    "forehead_sides": 0.3,
    "crows_feet": 0.4,
    "marionette": 0.3,
}
BROW = np.polyfit([1.0, 2.05, 3.3, 4.6, 5.65], [-1.90, -2.17, -2.30, -2.25, -1.76], 3)  # about landmarks 22 to 26
BROW_ENDS = 1.0, 5.9


@dataclass(frozen=True, eq=False)
class Skin:
    """Maps of `h` x `w` points.

    Shapes: `colour` (3, h, w) in linear light and `relief` (h, w), bumps in centimetres, with the skin's texture; `plain` (4, h, w), the
    same without it; `folds` (10, h, w), how deep each of FOLDS lies at full strength, centimetres (below 0 it bulges).
    """

    colour: Tensor
    relief: Tensor
    plain: Tensor
    folds: Tensor


def paint(who: Person, resolution: float = 12.0, device: str | torch.device = "cpu") -> Skin:
    """The person's skin at `resolution` map pixels per centimetre."""
    rng = torch.Generator().manual_seed(who.seed * 7919 + 17)
    y, x = _grid(resolution)
    (h, w), side = x.shape, x.abs()
    coarse, middle, fine, spots = (noise(h, w, cells, rng) for cells in (7, 26, 96, 160))
    strands, curls = strand_noise(h, w, 16, 4, rng), strand_noise(h, w, 10, 8, rng)
    grain = 0.5 * fine + 0.5 * noise(h, w, 300, rng)
    folds = torch.stack([fold_map(who, name, side, y, x, rng) for name in FOLD_NAMES])
    worn = sum((folds[FOLD_NAMES.index(name)] * share for name, share in WORN.items()), torch.zeros_like(x))
    worn = worn * min(1.0, max(0.0, (who.age - 35) / 40))  # what expressions fold for decades stays

    freckles = (spots - 1.1).clamp(0, 1) * (blob(side, y, 3.0, 3.0, 3.5, 2.0) + 0.3) * who.freckles
    blemishes = (noise(h, w, 60, rng) - 2.2).clamp(0, 0.8) * who.roughness
    hair = torch.tensor(who.hair)[:, None, None]
    brow = brow_mask(who, side, y, 0.6 * strands + 0.4 * curls)
    beard = beard_mask(side, y + 0.35 * middle) * who.beard**0.7 if who.beard else torch.zeros_like(x)
    ridges = lip_mask(side, y) ** 2 * lip_lines(x, who.seed)
    maps = []
    for texture in (0.0, 1.0):
        colour = complexion(who, resolution, texture * (0.5 * coarse + 0.35 * middle + 0.3 * grain), texture * coarse)
        if texture:
            colour *= 1 - 0.5 * freckles * torch.tensor([0.6, 1.0, 1.2])[:, None, None]
            colour *= 1 - blemishes * torch.tensor([0.10, 0.35, 0.30])[:, None, None]
        if who.beard:
            amount = (beard * (0.72 + 0.42 * texture * strands + 0.2 * texture * curls)).clamp(0, 0.95)
            colour = colour * (1 - amount) + hair * (1 + 0.4 * texture * curls) * amount
        colour = colour * (1 - brow) + brow_colour(who) * (1 + 0.3 * strands) * brow
        relief = texture * who.roughness * (0.003 * grain + 0.004 * middle) + 0.015 * brow * strands
        relief = relief + texture * (0.03 * beard * strands + 0.006 * ridges) - worn
        maps.append(torch.cat([colour.clamp(0, 1), relief[None]]))
    return Skin(maps[1][:3].to(device), maps[1][3].to(device), maps[0].to(device), folds.to(device))


def tone(who: Person) -> Tensor:
    """The bare skin's mean colour `(3,)` in linear light: brown skin is warmer than the mixture of light and dark, light skin paler."""
    warm, pale = 6.75 * who.melanin**2 * (1 - who.melanin), (1 - who.melanin) ** 2
    return torch.tensor(who.skin) * torch.tensor(
        [1 + 0.16 * warm - 0.05 * pale, 1 + 0.01 * pale, 1 - 0.12 * warm + 0.03 * pale]
    )


def complexion(who: Person, resolution: float, unevenness: Tensor, blotches: Tensor) -> Tensor:
    """The bare skin's colour `(3, h, w)`: flushed on cheeks, nose, ears and chin, darker under the eyes."""
    flushed, shadowed, bloodless = _regions(resolution)
    colour = tone(who)[:, None, None] * (1 + 0.09 * (0.3 + who.roughness) * unevenness)
    flush = (flushed + 0.15 * blotches) * ((0.6 + who.redness) * (1 - 0.6 * who.melanin))
    tired = shadowed * (0.10 + 0.14 * who.roughness)
    shares = ((0.04, 0.8), (-0.15, 1.1), (-0.14, 0.8))  # of red, green and blue
    tints = [(1 + redder * flush) * (1 - darker * tired) for redder, darker in shares]
    return colour * torch.stack(tints) * (1 + 0.05 * bloodless)


@lru_cache(maxsize=2)
def _grid(resolution: float) -> tuple[Tensor, Tensor]:
    """The places `y` and `x` of a map's points `(h, w)`."""
    h, w = int(HEIGHT * resolution), int(WIDTH * resolution)
    y, x = torch.meshgrid(
        TOP + (torch.arange(h) + 0.5) / resolution, LEFT + (torch.arange(w) + 0.5) / resolution, indexing="ij"
    )
    return y, x


@lru_cache(maxsize=2)
def _regions(resolution: float) -> tuple[Tensor, Tensor, Tensor]:
    """Where skin has much blood, where it is dark under the eyes, and the forehead, which has less blood `(h, w)`."""
    y, x = _grid(resolution)
    side = x.abs()
    cheek, nose, chin, ear = (4.3, 3.8, 1.8, 1.6), (0.0, 4.2, 1.1, 1.0), (0.0, 10.2, 1.4, 0.9), (8.4, 2.4, 0.8, 2.2)
    flush = 0.8 * blob(side, y, *cheek) + 0.9 * blob(side, y, *nose) + 0.4 * blob(side, y, *chin)
    return flush + 0.9 * blob(side, y, *ear), blob(side, y, 2.9, 1.5, 1.3, 0.5), blob(side, y, 0.0, -4.5, 4.0, 2.0)


def fold_map(who: Person, name: str, side: Tensor, y: Tensor, x: Tensor, rng: torch.Generator) -> Tensor:
    """How deep the fold lies at full strength `(h, w)`: sharp and deep in old skin, soft in young."""
    fold, age = FOLDS[name], min(1.0, max(0.0, (who.age - 18) / 50))
    phase = float(torch.rand((), generator=rng)) * 6.3
    lines = fold.lines if name not in ("forehead_middle", "forehead_sides") or who.seed % 2 else fold.lines[:2]
    wave = fold.wavy * (torch.sin(x * 1.9 + phase + who.seed) + 0.6 * torch.sin(x * 4.3 + 2 * phase))
    depth = fold_lines(side, y + wave, lines, fold.width * (1.25 - 0.5 * age))
    if name.startswith("forehead"):
        middle = torch.exp(-((side / 2.4) ** 2))
        depth = depth * (middle if name == "forehead_middle" else 1 - middle)
    return depth * fold.depth * (0.6 + 0.6 * age)


def fold_strengths(amounts: np.ndarray, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """How strong each fold is on the subject's right and left side `(10,)`, from the amounts of the actions."""
    depth = {name: float(value) for name, value in zip(names, amounts, strict=True)}

    def strength(actions: tuple[str, ...], side: str) -> float:
        found = [depth.get(a, 0.0) + depth.get(a + side, 0.0) for a in actions]
        return min(1.2, 0.75 * max(found) + 0.35 * sum(found))

    right, left = (torch.tensor([strength(f.actions, side) for f in FOLDS.values()]) for side in ("Right", "Left"))
    return right, left


def look_up(maps: Tensor, rest: Tensor) -> Tensor:
    """The values `(N, C)` of maps `(C, h, w)` at points `(N, >=2)` of the mean head."""
    x = (rest[:, 0] - LEFT) / WIDTH * 2 - 1
    y = (rest[:, 1] - TOP) / HEIGHT * 2 - 1
    grid = torch.stack([x, y], 1)[None, None]
    return F.grid_sample(maps[None], grid, align_corners=False, padding_mode="reflection")[0, :, 0].T


def noise(h: int, w: int, cells: int, rng: torch.Generator) -> Tensor:
    """Smooth noise `(h, w)` with unit variance and some `cells` bumps across the map's width."""
    grid = torch.randn(1, 1, max(2, round(cells * HEIGHT / WIDTH)), cells, generator=rng)
    out = F.interpolate(grid, size=(h, w), mode="bicubic", align_corners=False)[0, 0]
    return out / out.std().clamp(min=1e-6)


def strand_noise(h: int, w: int, across: float, down: float, rng: torch.Generator) -> Tensor:
    """Noise `(h, w)` in [-1, 1] with so many bumps per centimetre across and down, like short hair."""
    grid = torch.randn(1, 1, round(HEIGHT * down), round(WIDTH * across), generator=rng)
    return F.interpolate(grid, size=(h, w), mode="bilinear", align_corners=False)[0, 0].clamp(-1.5, 1.5) / 1.5


def blob(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float) -> Tensor:
    """A soft spot of radii (rx, ry) around (cx, cy)."""
    return torch.exp(-0.5 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2))


def brow_colour(who: Person) -> Tensor:
    """Brows `(3, 1, 1)` are darker than the hair of the head, and never as light as light skin."""
    hair = torch.tensor(who.hair)
    return (hair * 0.32 / (1 + 1.2 * hair.max()))[:, None, None]


def brow_mask(who: Person, x: Tensor, y: Tensor, strands: Tensor) -> Tensor:
    """How much of the skin brows cover: hairs along landmarks 17 to 26, dense in the middle and ragged at the edges."""
    inner, outer = BROW_ENDS
    along = (x - inner) / (outer - inner)
    arch = (who.brow_arch - 0.25) * (1 - ((along.clamp(0, 1) - 0.62) / 0.62) ** 2)
    within = x.clamp(inner, outer)
    centre = sum((float(c) * within ** (3 - i) for i, c in enumerate(BROW)), torch.zeros_like(x))
    centre = centre + 0.24 - who.brow_height - arch
    from_root = x + (y - centre) * (
        0.2 + 1.5 * along.clamp(0, 1)
    )  # hairs rise at the inner end and lean outwards after it
    hairs = torch.sin(
        from_root * 39 + 2.5 * torch.sin(from_root * 5.3 + who.seed) + 1.6 * torch.sin(from_root * 14 + 5 * y)
    )
    strands = 0.6 * strands + 0.45 * hairs
    half = who.brow_thickness * (0.98 - 0.62 * along.clamp(0, 1) ** 1.5)
    across = (y - centre) / half.clamp(min=0.08)
    ends = torch.sigmoid((along - 0.01 + 0.04 * across.clamp(-1, 1)) * 36) * torch.sigmoid((1.0 - along) * 16)
    body = torch.sigmoid((1 - across.abs() + 0.45 * strands) * 4.5) * ends
    return (body * (0.50 + 0.45 * who.brow_density) * (1.0 + 0.30 * strands)).clamp(0, 0.95)


def beard_mask(x: Tensor, y: Tensor) -> Tensor:
    """Where a beard grows, in [0, 1]: jaw, chin, cheeks' lower part and moustache, not the lips; thin towards its edges."""
    line = 6.5 + 1.5 * torch.exp(-((x - 3.2) ** 2) / 2.2) - 0.95 * (x - 4.5).clamp(min=0)
    region = torch.sigmoid((y - line) * 1.9) * torch.sigmoid((11.6 - y) * 1.6)
    region = region * (1 - 0.55 * blob(x, y, 1.7, 9.3, 0.6, 0.35))  # bare beside the tuft under the lip
    moustache = torch.sigmoid((y - 5.3) * 5) * torch.sigmoid((3.1 - x) * 2.5) * torch.sigmoid((7.0 - y) * 5)
    return (region + moustache * (1 - 0.5 * blob(x, y, 0.0, 5.6, 0.25, 0.8))).clamp(0, 1) * (1 - lip_mask(x, y))


def lip_mask(x: Tensor, y: Tensor) -> Tensor:
    """About where the lips of the mean head lie, in [0, 1]."""
    return torch.sigmoid((1 - ((x / 2.6) ** 2 + ((y - 7.45) / 1.2) ** 2)) * 6)


def lip_lines(x: Tensor, seed: int) -> Tensor:
    """The fine lines across lips, in [-1, 1]."""
    return 0.5 * torch.sin(x * 31 + 2.2 * torch.sin(x * 5.3 + seed)) + 0.5 * torch.sin(x * 47 + 2 * torch.sin(x * 7.1))


def fold_lines(x: Tensor, y: Tensor, lines: Iterable[Course], width: float) -> Tensor:
    """Furrows along the lines, about 1 at their deepest, with a little swelling beside them and ends that run out.

    `x` and `y` (h, w) are places in rows and columns: lines are only looked for in the rows and columns that come near them.
    """
    furrow = torch.zeros_like(x)
    for line in lines:
        points, reach = torch.from_numpy(_dense(line)).float(), 7 * width
        low, high = points.amin(0) - reach, points.amax(0) + reach
        near = (x > low[0]) & (x < high[0]) & (y > low[1]) & (y < high[1])
        rows, columns = (torch.nonzero(near.any(axis)).squeeze(1) for axis in (1, 0))
        if not len(rows):
            continue
        here = slice(int(rows[0]), int(rows[-1]) + 1), columns
        (ax, ay), (dx, dy) = (part.T[:, :, None, None] for part in (points[:-1], points.diff(dim=0)))
        px, py = x[here] - ax, y[here] - ay  # (segments, rows, columns)
        t = ((px * dx + py * dy) / (dx**2 + dy**2)).clamp_(0, 1)
        far2 = (px - t * dx) ** 2 + (py - t * dy) ** 2
        along = (torch.arange(len(dx))[:, None, None] + t) / len(dx)
        runs_out = (3 * (1 - along)).clamp_(max=1)
        if line[0][0]:  # otherwise both sides meet in the face's middle
            runs_out *= (3 * along).clamp_(max=1)
        best = (runs_out * torch.exp(far2 * (-0.5 / width**2))).amax(0) * near[here]
        furrow[here] = torch.maximum(furrow[here], best)
    rows = furrow.amax(1) > 0
    swelling = torch.zeros_like(x)
    swelling[rows] = furrow[rows] ** 0.16
    return 1.25 * furrow - 0.3 * swelling


@cache
def _dense(line: Course, count: int = 14) -> np.ndarray:
    """Points `(count, 2)` along a smooth curve through those of the line."""
    t, points = np.linspace(0, 1, len(line)), np.array(line)
    fit = np.stack([np.polyval(np.polyfit(t, points[:, i], len(line) - 1), np.linspace(0, 1, count)) for i in (0, 1)])
    return fit.T

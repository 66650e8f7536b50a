"""The painted skin of one person: colour, gloss and relief as a map over the mean head's front.

The map is painted in the coordinates of the mean head at rest (centimetres, x and y), so brows, lips and wrinkles move with the
skin when a face is another person's or has an expression.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic.people import Person

LEFT, TOP, WIDTH, HEIGHT = -10.0, -13.0, 20.0, 28.0  # what the map covers, centimetres

# Where folds come with an expression: the action, the fold's course (x, y) on the subject's left, its width.
FOLDS = {
    "nasolabial": (("mouthSmile", "cheekSquint", "noseSneer", "mouthUpperUp"), ((2.1, 4.2), (3.0, 5.4), (3.6, 6.8), (3.7, 8.0)), 0.22),
    "crows_feet": (("cheekSquint", "eyeSquint", "mouthSmile"), ((5.3, 0.5), (6.4, 0.9)), 0.10),
    "crows_feet_up": (("cheekSquint", "eyeSquint", "mouthSmile"), ((5.3, 0.1), (6.4, -0.3)), 0.10),
    "forehead": (("browInnerUp", "browOuterUp"), ((0.0, -4.9), (2.2, -5.1), (4.4, -4.8)), 0.16),
    "forehead_high": (("browInnerUp", "browOuterUp"), ((0.0, -6.2), (2.2, -6.4), (4.2, -6.1)), 0.16),
    "glabella": (("browDown",), ((0.75, -3.2), (0.6, -2.2), (0.75, -1.2)), 0.14),
    "nose_root": (("noseSneer",), ((0.0, 0.2), (0.9, 0.5), (1.4, 1.3)), 0.14),
    "chin": (("mouthShrugLower",), ((0.0, 9.0), (1.1, 9.3)), 0.20),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Skin:
    """Shapes: `colour` (3, h, w) in linear light; `relief` (h, w), bumps in centimetres; `folds` (8, h, w), each in [0, 1]."""

    colour: Tensor
    relief: Tensor
    folds: Tensor


def look_up(maps: Tensor, rest: Tensor) -> Tensor:
    """The values `(N, C)` of maps `(C, h, w)` at points `(N, >=2)` of the mean head."""
    x = (rest[:, 0] - LEFT) / WIDTH * 2 - 1
    y = (rest[:, 1] - TOP) / HEIGHT * 2 - 1
    grid = torch.stack([x, y], 1)[None, None]
    return F.grid_sample(maps[None], grid, align_corners=False, padding_mode="border")[0, :, 0].T


def paint(who: Person, resolution: float = 12.0, device: str | torch.device = "cpu") -> Skin:
    """The person's skin at `resolution` map pixels per centimetre."""
    rng = torch.Generator().manual_seed(who.seed * 7919 + 17)
    h, w = int(HEIGHT * resolution), int(WIDTH * resolution)
    y, x = torch.meshgrid(
        TOP + (torch.arange(h) + 0.5) / resolution, LEFT + (torch.arange(w) + 0.5) / resolution, indexing="ij"
    )
    side = x.abs()
    coarse, middle, fine = (noise(h, w, cells, rng) for cells in (6, 24, 96))
    unevenness = 0.5 * coarse + 0.3 * middle + 0.35 * fine

    colour = complexion(who, side, y, unevenness)
    if who.freckles:
        spots = (noise(h, w, 160, rng) - 1.1).clamp(0, 1) * (blob(side, y, 3.0, 3.0, 3.5, 2.0) + 0.3)
        colour = colour * (1 - 0.5 * who.freckles * spots * torch.tensor([0.6, 1.0, 1.2])[:, None, None])

    hair = torch.tensor(who.hair)[:, None, None]
    strands = strand_noise(h, w, rng)
    beard = beard_mask(side, y + 0.3 * middle) * who.beard
    amount = (beard * (0.55 + 0.5 * strands)).clamp(0, 0.92)
    colour = colour * (1 - amount) + hair * amount
    brow = brow_mask(who, side, y + 0.04 * middle)
    amount = (brow * (0.45 + 0.5 * who.brow_density) * (0.85 + 0.35 * strands)).clamp(0, 0.95)
    colour = colour * (1 - amount) + 0.5 * hair * amount  # brows are darker than the hair of the head

    relief = who.roughness * (0.010 * fine + 0.006 * middle) + 0.03 * brow * strands + 0.03 * beard * strands
    folds = torch.stack([fold_mask(side, y, points, width) for _, points, width in FOLDS.values()])
    if who.age > 40:  # what expressions fold for decades stays
        worn = (folds[0] * 0.5 + folds[3:5].sum(0) * 0.25 + folds[1:3].sum(0) * 0.3) * (who.age - 40) / 40
        colour = colour * (1 - 0.16 * worn)
        relief = relief - 0.05 * worn
    return Skin(colour.clamp(0, 1).to(device), relief.to(device), folds.to(device))


def complexion(who: Person, x: Tensor, y: Tensor, unevenness: Tensor) -> Tensor:
    """The bare skin's colour `(3, h, w)`: flushed on cheeks, nose and chin, darker under the eyes."""
    colour = torch.tensor(who.skin)[:, None, None] * (1 + 0.10 * who.roughness * unevenness)
    cheek, nose, chin = ((4.3, 4.0, 2.0, 1.7), (0.0, 4.4, 1.3, 1.0), (0.0, 10.0, 1.5, 1.0))
    flush = 0.8 * blob(x, y, *cheek) + 0.6 * blob(x, y, *nose) + 0.3 * blob(x, y, *chin)
    flush = flush * (0.5 + who.redness) * (1 - 0.6 * who.melanin)
    colour = colour * torch.stack([1 + 0.05 * flush, 1 - 0.14 * flush, 1 - 0.12 * flush])
    tired = blob(x, y, 2.9, 1.6, 1.5, 0.6) * (0.10 + 0.12 * who.roughness)
    return colour * (1 - torch.stack([0.8 * tired, tired, 0.7 * tired]))


def fold_strengths(amounts: np.ndarray, names: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """How deep each fold is on the subject's right and left side `(8,)`, from the amounts of the actions."""
    depth = {name: float(value) for name, value in zip(names, amounts, strict=True)}
    sides = []
    for side in ("Right", "Left"):
        sides.append(torch.tensor([
            min(1.0, sum(depth.get(a, 0.0) + depth.get(a + side, 0.0) for a in actions) / len(actions) * 1.4)
            for actions, _, _ in FOLDS.values()
        ]))  # fmt: skip
    return sides[0], sides[1]


def noise(h: int, w: int, cells: int, rng: torch.Generator) -> Tensor:
    """Smooth noise `(h, w)` with unit variance and some `cells` bumps across the map's width."""
    grid = torch.randn(1, 1, max(2, round(cells * HEIGHT / WIDTH)), cells, generator=rng)
    out = F.interpolate(grid, size=(h, w), mode="bicubic", align_corners=False)[0, 0]
    return out / out.std().clamp(min=1e-6)


def strand_noise(h: int, w: int, rng: torch.Generator) -> Tensor:
    """Noise `(h, w)` in [-1, 1] drawn out downwards, like short hair."""
    grid = torch.randn(1, 1, round(HEIGHT * 3), round(WIDTH * 9), generator=rng)
    return F.interpolate(grid, size=(h, w), mode="bilinear", align_corners=False)[0, 0].clamp(-1.5, 1.5) / 1.5


def blob(x: Tensor, y: Tensor, cx: float, cy: float, rx: float, ry: float) -> Tensor:
    """A soft spot of radii (rx, ry) around (cx, cy)."""
    return torch.exp(-0.5 * (((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2))


BROW_Y = -2.5  # height of the brow's inner end in the mean head, centimetres


def brow_mask(who: Person, x: Tensor, y: Tensor) -> Tensor:
    """Where brows grow, in [0, 1]: from above the inner corner of the eye to beyond the outer, highest at two thirds."""
    inner, outer = 1.25, 5.95
    along = ((x - inner) / (outer - inner)).clamp(-0.5, 1.5)
    rise = who.brow_arch * (1 - ((along - 0.62) / 0.62) ** 2)
    centre = BROW_Y - who.brow_height - rise + 1.7 * (along - 0.55).clamp(min=0)
    half = who.brow_thickness * (1.05 - 0.55 * along.clamp(0, 1)) * (1 - (-along * 4).clamp(0, 1))
    across = ((y - centre) / half.clamp(min=0.03)).abs()
    ends = torch.sigmoid((along + 0.02) * 30) * torch.sigmoid((1.0 - along) * 18)
    return torch.sigmoid((1 - across) * 5) * ends


def beard_mask(x: Tensor, y: Tensor) -> Tensor:
    """Where a beard grows, in [0, 1]: jaw, chin, cheeks' lower part and moustache, not the lips."""
    line = 6.2 + 1.6 * torch.exp(-((x - 3.2) ** 2) / 2.2) - 0.9 * (x - 4.5).clamp(min=0)
    region = torch.sigmoid((y - line) * 3) * torch.sigmoid((11.0 - y) * 2.5)
    moustache = torch.sigmoid((y - 5.05) * 5) * torch.sigmoid((2.9 - x) * 3) * torch.sigmoid((6.3 - y) * 5)
    lips = torch.sigmoid((1 - ((x / 2.75) ** 2 + ((y - 7.05) / 1.15) ** 2)) * 6)
    return (region + moustache).clamp(0, 1) * (1 - lips)


def fold_mask(x: Tensor, y: Tensor, points: tuple[tuple[float, float], ...], width: float) -> Tensor:
    """A soft line of half width `width` through the points, in [0, 1], fading towards its ends."""
    best = torch.zeros_like(x)
    for (ax, ay), (bx, by) in pairwise(points):
        t = (((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / ((bx - ax) ** 2 + (by - ay) ** 2)).clamp(0, 1)
        far = ((x - ax - t * (bx - ax)) ** 2 + (y - ay - t * (by - ay)) ** 2).sqrt()
        best = torch.maximum(best, torch.exp(-0.5 * (far / width) ** 2))
    return best

"""What is drawn around the face and follows the head: hair and glasses, blended with the picture by their alphas."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic import glasses, hair
from ferkit.synthetic.head import Head
from ferkit.synthetic.people import Person
from ferkit.synthetic.render import Raster, rasterize
from ferkit.synthetic.shade import Light

SINKS = (
    0.0015  # share of its distance by which the face may stand before the hair and not cover it: expressions move skin
)
DARKEST = 0.5  # how much light hair and rims take from the skin beside them
REACH = 0.4  # centimetres their shadow is away from them


@dataclass(frozen=True, eq=False)
class Worn:
    """Hair and glasses of one person at rest."""

    hair: hair.Sheet | None
    glasses: glasses.Glasses | None


@dataclass(frozen=True, eq=False)
class Layer:
    """Samples of hair or glasses. Shapes: pixel (N,); colour (N, 3); alpha (N,) over the face and `solid` (N,) elsewhere, their share
    of the pixel included; `before` (N,), whether they stand before the face; `rim` (N,), whether they are known as glasses."""

    pixel: Tensor
    colour: Tensor
    alpha: Tensor
    solid: Tensor
    before: Tensor
    rim: Tensor
    single: bool  # one sample a pixel at most


@dataclass(frozen=True, eq=False)
class Cover:
    """How much of each pixel `(P,)` hair and rims cover, in [0, 1]."""

    hair: Tensor
    rims: Tensor


Camera = Callable[[Tensor], tuple[Tensor, Tensor]]  # from points (V, 3) of the head to pixels (V, 2) and depths (V,)


def dress(who: Person, rest: Tensor, head: Head) -> Worn:
    """Hair and glasses for a face whose vertices at rest are `rest` (V, 3)."""
    return Worn(hair.grow(who, rest, head), glasses.fit(who, rest, head))


def layers(
    who: Person, worn: Worn, camera: Camera, turn: Tensor, face: Raster, covered: Tensor, light: Light, rays: int
) -> list[Layer]:
    """Hair and glasses as samples, from the back to the front; `covered` (P, 1) is how much of each pixel the face covers.

    Hair has one ray for each pixel, since its edges are made soft.
    """
    size = round(len(covered) ** 0.5)
    front = torch.zeros(len(covered), device=covered.device).scatter_reduce_(0, face.pixel, face.inverse, "amax")
    found = []
    if worn.hair:
        xy, depth = camera(worn.hair.points)
        fineness = float(
            (xy[:, 1].max() - xy[:, 1].min()) / (worn.hair.points[:, 1].max() - worn.hair.points[:, 1].min())
        )
        table = torch.cat([worn.hair.table, hair.light_on(worn.hair, turn, light)], 1)
        for within, faces in ((True, worn.hair.within), (False, worn.hair.faces)):
            if len(faces):
                raster = rasterize(xy, depth, faces, size)
                before = (raster.inverse >= front[raster.pixel] * (1 - SINKS)) & (not within)
                shown = torch.nonzero(before | (covered[raster.pixel, 0] < 1)).squeeze(1)
                raster, before = raster[shown], before[shown]
                colour, alpha, solid = hair.shade_hair(raster.interpolate(table, faces), who, light, fineness)
                colour *= 0.45 if within else 1.0  # in its own shadow
                solid = _softened(solid, raster.pixel, covered)
                found.append(Layer(raster.pixel, colour, alpha, solid, before, torch.zeros_like(before), True))
    if worn.glasses:
        mesh = worn.glasses
        xy, depth = camera(mesh.points)
        raster = rasterize(xy, depth, mesh.faces, size, rays=rays, part=mesh.lens.long())
        lens = mesh.lens[raster.triangle]
        table = torch.cat([mesh.table, glasses.light_on(mesh, turn, light)], 1)
        colour, alpha = glasses.shade_glasses(raster.interpolate(table, mesh.faces), who, light, lens)
        before = raster.inverse >= front[raster.pixel]
        at = len(found) - 1 if found else 0  # below the outer side of the hair
        found.insert(at, Layer(raster.pixel, colour, alpha * raster.share, alpha * raster.share, before, ~lens, False))
    return found


def draw_behind(canvas: Tensor, found: list[Layer], covered: Tensor) -> None:
    """Blend hair and glasses over the background `(P, 3)`, where the face leaves some of it to see."""
    for layer in found:
        _blend(canvas, layer, layer.solid, covered[layer.pixel, 0] < 1)


def draw_before(canvas: Tensor, found: list[Layer], covered: Tensor, light: Light, fineness: float) -> Cover:
    """Blend what stands before the face over the canvas `(P, 3)`, with its shadow on the face; `fineness`: pixels per centimetre."""
    strands, rims = (torch.zeros(len(canvas), device=canvas.device) for _ in range(2))
    for layer in found:
        onto = strands if layer.single else rims
        over = covered[layer.pixel, 0]
        alpha = layer.alpha * over * layer.before + layer.solid * (1 - over)
        onto.index_add_(0, layer.pixel, alpha if layer.single else alpha * layer.rim)
    if found:
        canvas *= 1 - DARKEST * covered * _shadow((strands + rims).clamp(max=1), light, fineness)
    for layer in found:
        _blend(canvas, layer, layer.alpha, layer.before & (covered[layer.pixel, 0] > 0))
    return Cover(strands, rims)


def _blend(canvas: Tensor, layer: Layer, alpha: Tensor, which: Tensor) -> None:
    at = torch.nonzero(which).squeeze(1)
    pixel, colour, alpha = layer.pixel[at], layer.colour[at], alpha[at, None]
    if layer.single:
        canvas[pixel] = torch.lerp(canvas[pixel], colour, alpha)
    else:
        total = torch.zeros(len(canvas), 4, device=canvas.device)
        total.index_add_(0, pixel, torch.cat([colour * alpha, alpha], 1))
        canvas.mul_(1 - total[:, 3:]).add_(total[:, :3])


def _softened(alpha: Tensor, pixel: Tensor, covered: Tensor) -> Tensor:
    """Alphas `(N,)` averaged with those of the pixels around, the face's being 1: outlines without steps and without holes."""
    size = round(len(covered) ** 0.5)
    picture = (covered > 0.99).float().flatten().index_copy_(0, pixel, alpha)
    wide = F.pad(picture.view(1, 1, size, size), (1, 1, 1, 1), mode="replicate")[0, 0]
    rows = wide[:-2] + wide[1:-1] + wide[2:]  # several times as fast as avg_pool2d
    return ((rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9).flatten()[pixel]


def _shadow(solid: Tensor, light: Light, fineness: float) -> Tensor:
    """A soft shadow `(P, 1)` of what covers the face, thrown a little away from the light; in the picture's plane only."""
    size = round(len(solid) ** 0.5)
    cell = max(1, round(0.5 * REACH * fineness))
    small = F.avg_pool2d(solid.view(1, 1, size, size), cell, ceil_mode=True)
    down, right = (-light.direction[i] * REACH * fineness * 2 / size for i in (1, 0))
    step = torch.linspace(-1, 1, size, device=solid.device) * size / (small.shape[2] * cell)
    grid = torch.stack([(step - right).expand(size, size), (step - down)[:, None].expand(size, size)], 2)
    return F.grid_sample(small, grid[None], padding_mode="border", align_corners=False).view(-1, 1)

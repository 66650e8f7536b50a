"""What a person wears: hair and glasses, blended with the picture by their alphas, and clothes."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.drawn.glasses import Glasses, fit_glasses, light_glasses, shade_glasses
from ferkit.drawn.hair import HairSheet, grow_hair, light_hair, shade_hair
from ferkit.drawn.head import Head
from ferkit.drawn.people import Person
from ferkit.drawn.projection import Projection
from ferkit.drawn.render import Raster, rasterize
from ferkit.drawn.shade import Light, Samples, smooth_step

# Share of its distance by which the face may stand before the hair and not cover it, since
# expressions move the skin.
_TOLERANCE = 0.0015
_DARKEST = 0.5  # how much light hair and rims take from the skin beside them
_SHADOW_REACH = 0.4  # centimetres from hair and rims to their shadow


@dataclass(frozen=True, eq=False)
class Worn:
    """Hair and glasses of one person at rest."""

    hair: HairSheet | None
    glasses: Glasses | None


@dataclass(frozen=True, eq=False)
class WornSamples:
    """Samples of hair or glasses, `N`.

    Alphas include a sample's share of its pixel.
    """

    pixel: Tensor  # (N,)
    colour: Tensor  # (N, 3)
    alpha: Tensor  # (N,), over the face
    solid: Tensor  # (N,), alpha over the background
    before: Tensor  # (N,), whether they stand before the face
    rim: Tensor  # (N,), whether they are labelled as glasses
    single: bool  # at most one sample a pixel


@dataclass(frozen=True, eq=False)
class Cover:
    """How much of each pixel `(P,)` hair and rims cover, in [0, 1]."""

    hair: Tensor
    rims: Tensor


def dress_head(person: Person, rest: Tensor, head: Head) -> Worn:
    """Make hair and glasses for a face whose vertices at rest are `rest` (V, 3)."""
    return Worn(grow_hair(person, rest, head), fit_glasses(person, rest, head))


def sample_worn(
    person: Person,
    worn: Worn,
    projection: Projection,
    face: Raster,
    covered: Tensor,
    light: Light,
    rays: int,
) -> list[WornSamples]:
    """Hair and glasses as samples, from the back to the front.

    `covered` (P, 1) is how much of each pixel the face covers. Hair has one ray for each pixel,
    since its edges are soft.
    """
    front = face.nearest(len(covered))
    samples = []
    if worn.hair:
        samples = list(_sample_hair(person, worn.hair, projection, front, covered, light))
    if worn.glasses:
        glasses = _sample_glasses(person, worn.glasses, projection, front, light, rays)
        samples.insert(max(0, len(samples) - 1), glasses)  # below the outer side of the hair
    return samples


def _sample_hair(
    person: Person,
    sheet: HairSheet,
    projection: Projection,
    front: Tensor,
    covered: Tensor,
    light: Light,
) -> Iterator[WornSamples]:
    """The samples of the inner side of hair that hangs, then of the outer side of all hair."""
    size = round(len(covered) ** 0.5)
    xy, depth = projection.project(sheet.points)
    height = sheet.points[:, 1].max() - sheet.points[:, 1].min()
    pixels_per_centimetre = float((xy[:, 1].max() - xy[:, 1].min()) / height)
    table = torch.cat([sheet.table, light_hair(sheet, projection.turn, light)], 1)
    for faces, inner in ((sheet.within, True), (sheet.faces, False)):
        if not len(faces):
            continue
        raster = rasterize(xy, depth, faces, size)
        before = raster.inverse >= front[raster.pixel] * (1 - _TOLERANCE)
        if inner:
            before = torch.zeros_like(before)
        shown = torch.nonzero(before | (covered[raster.pixel, 0] < 1)).squeeze(1)
        raster = raster[shown]
        values = raster.interpolate(table, faces)
        colour, alpha, solid = shade_hair(values, person, light, pixels_per_centimetre)
        if inner:
            colour *= 0.45  # in its own shadow
        solid = _soften(solid, raster.pixel, covered)
        no_rim = torch.zeros(len(shown), dtype=torch.bool, device=shown.device)
        yield WornSamples(raster.pixel, colour, alpha, solid, before[shown], no_rim, single=True)


def _sample_glasses(
    person: Person, mesh: Glasses, projection: Projection, front: Tensor, light: Light, rays: int
) -> WornSamples:
    size = round(len(front) ** 0.5)
    xy, depth = projection.project(mesh.points)
    raster = rasterize(xy, depth, mesh.faces, size, rays=rays, part=mesh.lens.long())
    lens = mesh.lens[raster.triangle]
    table = torch.cat([mesh.table, light_glasses(mesh, projection.turn, light)], 1)
    values = raster.interpolate(table, mesh.faces)
    colour, alpha = shade_glasses(values, person, light, lens)
    alpha = alpha * raster.share
    before = raster.inverse >= front[raster.pixel]
    return WornSamples(raster.pixel, colour, alpha, alpha, before, ~lens, single=False)


def draw_behind(canvas: Tensor, worn: list[WornSamples], covered: Tensor) -> None:
    """Blend hair and glasses over the background `(P, 3)` where the face does not cover it."""
    for samples in worn:
        _blend(canvas, samples, samples.solid, covered[samples.pixel, 0] < 1)


def draw_before(
    canvas: Tensor,
    worn: list[WornSamples],
    covered: Tensor,
    light: Light,
    pixels_per_centimetre: float,
) -> Cover:
    """Blend what stands before the face over the canvas `(P, 3)`, with its shadow on the face."""
    hair = torch.zeros(len(canvas), device=canvas.device)
    rims = torch.zeros_like(hair)
    for samples in worn:
        over = covered[samples.pixel, 0]
        alpha = samples.alpha * over * samples.before + samples.solid * (1 - over)
        if samples.single:
            hair.index_add_(0, samples.pixel, alpha)
        else:
            rims.index_add_(0, samples.pixel, alpha * samples.rim)
    if worn:
        shadow = _cast_shadow((hair + rims).clamp(max=1), light, pixels_per_centimetre)
        canvas *= 1 - _DARKEST * covered * shadow
    for samples in worn:
        before = samples.before & (covered[samples.pixel, 0] > 0)
        _blend(canvas, samples, samples.alpha, before)
    return Cover(hair, rims)


def _blend(canvas: Tensor, samples: WornSamples, alpha: Tensor, chosen: Tensor) -> None:
    """Blend the `chosen` (N,) samples over the canvas."""
    index = torch.nonzero(chosen).squeeze(1)
    pixel = samples.pixel[index]
    colour = samples.colour[index]
    alpha = alpha[index, None]
    if samples.single:
        canvas[pixel] = torch.lerp(canvas[pixel], colour, alpha)
    else:
        total = torch.zeros(len(canvas), 4, device=canvas.device)
        total.index_add_(0, pixel, torch.cat([colour * alpha, alpha], 1))
        canvas.mul_(1 - total[:, 3:]).add_(total[:, :3])


def _soften(alpha: Tensor, pixel: Tensor, covered: Tensor) -> Tensor:
    """Average alphas `(N,)` with those of the pixels around, the face's being 1.

    So outlines have neither steps nor holes.
    """
    size = round(len(covered) ** 0.5)
    picture = (covered > 0.99).float().flatten().index_copy_(0, pixel, alpha)
    wide = F.pad(picture.view(1, 1, size, size), (1, 1, 1, 1), mode="replicate")[0, 0]
    rows = wide[:-2] + wide[1:-1] + wide[2:]  # several times as fast as avg_pool2d
    mean = (rows[:, :-2] + rows[:, 1:-1] + rows[:, 2:]) / 9
    return mean.flatten()[pixel]


def _cast_shadow(solid: Tensor, light: Light, pixels_per_centimetre: float) -> Tensor:
    """A soft shadow `(P, 1)` of what covers the face, shifted away from the light.

    It is cast in the picture's plane only.
    """
    size = round(len(solid) ** 0.5)
    cell = max(1, round(0.5 * _SHADOW_REACH * pixels_per_centimetre))
    small = F.avg_pool2d(solid.view(1, 1, size, size), cell, ceil_mode=True)
    right, down = (-light.direction[:2] * _SHADOW_REACH * pixels_per_centimetre * 2 / size).unbind()
    place = torch.linspace(-1, 1, size, device=solid.device) * size / (small.shape[2] * cell)
    columns = (place - right).expand(size, size)
    rows = (place - down)[:, None].expand(size, size)
    grid = torch.stack([columns, rows], 2)[None]
    return F.grid_sample(small, grid, padding_mode="border", align_corners=False).view(-1, 1)


def below_neckline(rest: Tensor, person: Person) -> Tensor:
    """How far points of the mean head are below the neckline `(N,)`, cm; negative on bare skin."""
    x, y, z = rest.unbind(1)
    line = 16.4 - 0.46 * (z - 4.5) - person.neckline  # round the neck, higher behind
    line = line + person.neck_v * (4.5 - x.abs()).clamp(min=0) * smooth_step(9.0, 6.0, z)
    return y - line


def shade_clothes(at: Samples, person: Person, light: Light) -> Tensor:
    """Colours `(N, 3)` of dull cloth with soft folds and a seam along the neckline."""
    x, y, z = at.rest.unbind(1)
    below = below_neckline(at.rest, person)
    across = torch.sin(x * 0.9 + 1.5 * torch.sin(y * 0.5 + person.seed))
    folds = across * torch.sin(y * 0.8 + z * 0.4 + person.seed % 7)
    seam = torch.exp(-(((below - 0.9) / 0.12) ** 2)) * 0.25
    seam = seam + torch.exp(-((below / 0.15) ** 2)) * 0.3
    cloth = torch.tensor(person.shirt, device=at.rest.device)
    colour = cloth * (1 + 0.10 * folds - seam)[:, None]
    facing = light.facing(at.normal, 0.15) * at.lit[:, None]
    return colour * (light.ambient * light.around(at.normal) + light.key * facing)

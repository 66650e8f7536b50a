"""Pixels from a head: a z-buffer in plain torch, and the light that falls on skin, eyes, teeth and hair.

Everything is arithmetic on tensors, so the same code draws on CPU and GPU and needs no OpenGL. One frame is drawn at a time;
many frames are drawn by many processes (`sets.py`).

Convention: a vertex is in camera centimetres (x right, y down, z away); a pixel's centre is at integer + 0.5.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

FAR = torch.iinfo(torch.int64).max
KIND = 17  # the bits of the z-buffer that tell the triangle; the next 14 tell its part
DEPTH_STEPS = 2**30  # steps of the z-buffer between near and far
FARTHEST = 1e9  # pixels; where an edge does not bound a row
EDGE = 1e-5  # share of its size by which a triangle reaches beyond its edges, or rounding would leave holes between two


@dataclass(frozen=True, eq=False)
class Raster:
    """What each of `N` samples shows: its place in the picture, its triangle and where in the triangle.

    A pixel whose rays all meet one part of the head has one sample at its centre, other pixels have one for each ray that hits;
    `share` is how much of its pixel a sample stands for.
    """

    pixel: Tensor  # (N,) row * width + column
    triangle: Tensor  # (N,)
    weights: Tensor  # (N, 3), perspective-correct, sum 1
    inverse: Tensor  # (N,) 1 / depth
    share: Tensor  # (N,)

    def __getitem__(self, index: Tensor) -> "Raster":
        return Raster(*(value.index_select(0, index) for value in vars(self).values()))

    def interpolate(self, values: Tensor, faces: Tensor) -> Tensor:
        """Values `(V, D)` given at the vertices, at every sample: `(N, D)`."""
        corners = faces.index_select(0, self.triangle)
        return F.embedding_bag(corners, values, mode="sum", per_sample_weights=self.weights)


def rasterize(
    xy: Tensor, depth: Tensor, faces: Tensor, size: int, *, rays: int = 1, part: Tensor | None = None
) -> Raster:
    """The nearest front-facing triangle at every pixel of a `size` x `size` picture, from `rays` x `rays` rays per pixel.

    Shapes: `xy` (V, 2) in pixels, `depth` (V,) positive, `faces` (F, 3), `part` (F,), below 2^14. Every triangle lists the rays
    inside it; they compete with `amin` on (depth, triangle), so the result does not depend on any order.
    """
    big = size * rays
    corners = (xy * rays).T.index_select(1, faces.T.flatten()).view(2, 3, -1)
    a, b, c = corners.unbind(1)
    area = (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]
    low, high = corners.amin(1).sub_(0.5).ceil_().clamp_(min=0), corners.amax(1).sub_(0.5).floor_().clamp_(max=big - 1)
    extent = high - low + 1
    seen = torch.nonzero((area > 1e-9) & (extent > 0).all(0)).squeeze(1)
    low, extent = low.index_select(1, seen), extent.index_select(1, seen)
    a, b, c = (corners.index_select(2, seen) - low[:, None]).unbind(1)
    inverse = (1 / depth).index_select(0, faces.index_select(0, seen).flatten()).view(-1, 3)
    planes = _planes(a, b, c, area.index_select(0, seen), inverse)
    left, top, width, height = _box(low, extent, rays)
    low -= torch.tensor([[left], [top]], device=xy.device)
    name = torch.arange(len(seen), device=xy.device)
    name += 0 if part is None else part.index_select(0, seen).long() << KIND
    best = _nearest(low.long(), extent, planes, depth, name, (height, width))

    hit, one = _samples(best, (height, width), rays)
    owner = best.index_select(0, hit) & (2**KIND - 1)
    row = torch.div(hit, width, rounding_mode="floor")
    column = hit - row * width
    x, y = column + 0.5, row + 0.5
    row, column, share = row + top, column + left, torch.ones(len(hit), device=xy.device)
    pixel = row * size + column
    if rays > 1:
        pixel = torch.div(row, rays, rounding_mode="floor") * size + torch.div(column, rays, rounding_mode="floor")
        x[:one] += rays / 2 - 0.5
        y[:one] += rays / 2 - 0.5
        share[one:] = 1.0 / rays**2
    p, origin = planes.index_select(1, owner), low.index_select(1, owner)
    x, y = x - origin[0], y - origin[1]
    u, v = p[0] + p[1] * x + p[2] * y, p[3] + p[4] * x + p[5] * y
    weights = torch.stack([1 - u - v, u, v], 1) * inverse.index_select(0, owner)
    total = weights[:, 0] + weights[:, 1] + weights[:, 2]
    return Raster(pixel, seen.index_select(0, owner), weights / total[:, None], total, share)


def _box(low: Tensor, extent: Tensor, rays: int) -> tuple[int, int, int, int]:
    """Left, top, width and height of the rays that triangles may meet, whole pixels of `rays` x `rays`."""
    if not low.shape[1]:
        return 0, 0, rays, rays
    first = (low.amin(1) / rays).floor() * rays
    last = ((low + extent).amax(1) / rays).ceil() * rays
    left, top, right, bottom = torch.cat([first, last]).int().tolist()
    return left, top, right - left, bottom - top


def _nearest(low: Tensor, extent: Tensor, planes: Tensor, depth: Tensor, name: Tensor, size: tuple[int, int]) -> Tensor:
    """For every ray of a grid of `size` rows and columns, depth level * 2^32 + `name` (S,) of the nearest triangle, or FAR.

    Triangles are cut into rows of rays, a row's span solved for where no weight is negative, and the spans laid end to end.
    """
    nearest = float(1 / depth.min())
    scale = DEPTH_STEPS / (nearest - float(1 / depth.max()) + 1e-9)
    best = torch.full((size[0] * size[1],), FAR, dtype=torch.int64, device=low.device)

    owner, row = _laid_out(extent[1])
    # Each (3, rows), of two weights and 1 / depth: where the row starts, and how fast they change along it and downwards.
    at, slope, rise = planes.index_select(1, owner).view(3, 3, -1).unbind(1)
    level = torch.addcmul(at, rise, row + 0.5)
    weight = torch.stack([level[0], level[1], 1 - level[0] - level[1]])  # of the three corners, at x = 0
    change = torch.stack([slope[0], slope[1], -slope[0] - slope[1]])
    cut = (-EDGE - weight) / change
    start = torch.where(change > 0, cut, -FARTHEST).amax(0).sub_(0.5).ceil_().clamp_(min=0)
    end = torch.where(change < 0, cut, FARTHEST).amin(0).sub_(0.5).floor_()
    end = end.minimum(extent[0].index_select(0, owner) - 1)
    out = ((change == 0) & (weight < -EDGE)).any(0)  # a row beyond an edge that runs along it
    count = (end - start + 1).clamp_(min=0).masked_fill_(out, 0)

    span, step = _laid_out(count)
    first = (low[1].index_select(0, owner) + row) * size[1] + low[0].index_select(0, owner) + start.long()
    near, fall = nearest - level[2] - slope[2] * (start + 0.5), slope[2]
    behind = torch.addcmul(near.index_select(0, span), fall.index_select(0, span), step, value=-1)
    key = ((behind * scale).long() << 32) + name.index_select(0, owner).index_select(0, span)
    return best.scatter_reduce_(0, first.index_select(0, span) + step, key, "amin")


def _laid_out(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Items 0..n-1, each repeated as often as `counts` (n,) says, and the place of each repetition: 2, 1 gives 0 0 1, 0 1 0."""
    counts = counts.long()
    item = torch.repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    return item, torch.arange(len(item), device=counts.device) - first.index_select(0, item)


def _samples(best: Tensor, size: tuple[int, int], rays: int) -> tuple[Tensor, int]:
    """The rays that become samples: first one for each pixel whose rays all hit the same kind of triangle, and how many these are."""
    if rays == 1:
        return torch.nonzero(best != FAR).squeeze(1), 0
    kind = (best.int() >> KIND).view(size[0] // rays, rays, size[1] // rays, rays)  # -1 where nothing is hit
    corner = kind[:, 0, :, 0].contiguous()
    alike = corner >= 0
    for i in range(1, rays**2):
        alike &= kind[:, i // rays, :, i % rays] == corner
    several = (kind >= 0).logical_and_(~alike[:, None, :, None])
    line, column = torch.nonzero(alike).unbind(1)
    first = line * (rays * size[1]) + column * rays
    return torch.cat([first, torch.nonzero(several.flatten()).squeeze(1)]), len(first)


def _planes(a: Tensor, b: Tensor, c: Tensor, area: Tensor, inverse: Tensor) -> Tensor:
    """The weights of `b` and `c`, and 1 / depth, as affine functions of (1, x, y): `(9, S)`.

    The corners are given from a place close by: from the picture's corner, float32 leaves holes between triangles.
    """
    ux, uy = (c - a)[1] / area, -(c - a)[0] / area
    vx, vy = -(b - a)[1] / area, (b - a)[0] / area
    u = torch.stack([-(ux * a[0] + uy * a[1]), ux, uy])
    v = torch.stack([-(vx * a[0] + vy * a[1]), vx, vy])
    w = u * (inverse[:, 1] - inverse[:, 0]) + v * (inverse[:, 2] - inverse[:, 0])
    w[0] += inverse[:, 0]
    return torch.cat([u, v, w])


def vertex_normals(points: Tensor, faces: Tensor) -> Tensor:
    """Unit normals `(V, 3)` that point away from the skin, averaged over the triangles of a vertex by their areas."""
    a, b, c = points.index_select(0, faces.flatten()).view(-1, 3, 3).unbind(1)
    face = torch.linalg.cross(c - a, b - a)
    normals = torch.zeros_like(points)
    for corner in range(3):
        normals.index_add_(0, faces[:, corner], face)
    return F.normalize(normals, dim=1)

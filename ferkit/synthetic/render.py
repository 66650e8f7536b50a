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
        parts = [values.index_select(0, corners[:, i]) * self.weights[:, i, None] for i in range(3)]
        return parts[0] + parts[1] + parts[2]


def rasterize(
    xy: Tensor, depth: Tensor, faces: Tensor, size: int, *, rays: int = 1, part: Tensor | None = None
) -> Raster:
    """The nearest front-facing triangle at every pixel of a `size` x `size` picture, from `rays` x `rays` rays per pixel.

    Shapes: `xy` (V, 2) in pixels, `depth` (V,) positive, `faces` (F, 3), `part` (F,). Every triangle lists the rays
    inside it; they compete with `amin` on (depth, triangle), so the result does not depend on any order.
    """
    big = size * rays
    a, b, c = (xy * rays)[faces].unbind(1)
    low = torch.minimum(torch.minimum(a, b), c).sub(0.5).ceil().clamp(min=0).int()
    high = torch.maximum(torch.maximum(a, b), c).sub(0.5).floor().clamp(max=big - 1).int()
    area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    extent = high - low + 1
    seen = torch.nonzero((area > 1e-9) & (extent > 0).all(1)).squeeze(1)
    inverse = (1 / depth)[faces[seen]]
    low = low[seen]
    planes = _planes(a[seen] - low, b[seen] - low, c[seen] - low, area[seen], inverse)
    best = _nearest(low, extent[seen], planes, depth, big)

    hit = torch.nonzero(best != FAR).squeeze(1)
    owner = best.index_select(0, hit) % 2**32
    row = torch.div(hit, big, rounding_mode="floor")
    x, y = hit - row * big + 0.5, row + 0.5
    pixel, share = hit, torch.ones(len(hit), device=xy.device)
    if rays > 1:
        column, line = (torch.div(at, rays, rounding_mode="floor").long() for at in (x, y))
        pixel = line * size + column
        kind = torch.zeros_like(owner) if part is None else part[seen].index_select(0, owner)
        one = _all_alike(pixel, kind, size * size, rays**2)
        first = (x.int() % rays == 0) & (y.int() % rays == 0)
        keep = torch.nonzero(~one | first).squeeze(1)
        pixel, owner, x, y, one = pixel[keep], owner[keep], x[keep], y[keep], one[keep]
        x = torch.where(one, x - 0.5 + rays / 2, x)
        y = torch.where(one, y - 0.5 + rays / 2, y)
        share = torch.where(one, 1.0, 1.0 / rays**2)
    p, origin = planes.flatten(1).index_select(0, owner), low.index_select(0, owner)
    x, y = x - origin[:, 0], y - origin[:, 1]
    u, v = p[:, 0] + p[:, 1] * x + p[:, 2] * y, p[:, 3] + p[:, 4] * x + p[:, 5] * y
    weights = torch.stack([1 - u - v, u, v], 1) * inverse.index_select(0, owner)
    total = weights.sum(1)
    return Raster(pixel, seen[owner], weights / total[:, None], total, share)


def _nearest(low: Tensor, extent: Tensor, planes: Tensor, depth: Tensor, size: int) -> Tensor:
    """For every ray `(size * size,)`, depth level * 2^32 + number of the nearest triangle, or FAR.

    Triangles are cut into rows of rays, a row's span solved for where no weight is negative, and the spans laid end to end.
    """
    nearest = float(1 / depth.min())
    scale = DEPTH_STEPS / (nearest - float(1 / depth.max()) + 1e-9)
    best = torch.full((size * size,), FAR, dtype=torch.int64, device=low.device)

    owner, row = _laid_out(extent[:, 1])
    p = planes.index_select(0, owner)
    level, slope = p[:, :, 0] + p[:, :, 2] * (row[:, None] + 0.5), p[:, :, 1]
    weight = torch.cat([level[:, :2], 1 - level[:, :2].sum(1, keepdim=True)], 1)  # of the three corners, at x = 0
    change = torch.cat([slope[:, :2], -slope[:, :2].sum(1, keepdim=True)], 1)
    cut = (-EDGE - weight) / change
    start = torch.where(change > 0, cut, -FARTHEST).amax(1).sub(0.5).ceil().clamp(min=0)
    end = torch.where(change < 0, cut, FARTHEST).amin(1).sub(0.5).floor().minimum(extent[owner, 0] - 1.0)
    out = ((change == 0) & (weight < -EDGE)).any(1)  # a row beyond an edge that runs along it
    count = torch.where(out, 0.0, (end - start + 1).clamp(min=0)).long()

    span, step = _laid_out(count)
    first = (low[owner, 1] + row) * size + low[owner, 0] + start.long()
    here = (level[:, 2] + slope[:, 2] * (start + 0.5)).index_select(0, span) + slope[:, 2].index_select(0, span) * step
    key = ((nearest - here) * scale).long() * 2**32 + owner.index_select(0, span)
    return best.scatter_reduce_(0, first.index_select(0, span) + step, key, "amin")


def _laid_out(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Items 0..n-1, each repeated as often as `counts` (n,) says, and the place of each repetition: 2, 1 gives 0 0 1, 0 1 0."""
    counts = counts.long()
    item = torch.repeat_interleave(torch.arange(len(counts), device=counts.device), counts)
    first = counts.cumsum(0) - counts
    return item, torch.arange(len(item), device=counts.device) - first.index_select(0, item)


def _all_alike(pixel: Tensor, kind: Tensor, count: int, rays: int) -> Tensor:
    """For every ray, whether all `rays` rays of its pixel hit, and hit the same kind."""
    hits = torch.zeros(count, device=pixel.device).index_add_(0, pixel, torch.ones(len(pixel), device=pixel.device))
    low = torch.full((count,), 255, dtype=torch.int64, device=pixel.device).scatter_reduce_(0, pixel, kind, "amin")
    high = torch.zeros(count, dtype=torch.int64, device=pixel.device).scatter_reduce_(0, pixel, kind, "amax")
    return ((hits == rays) & (low == high)).index_select(0, pixel)


def _planes(a: Tensor, b: Tensor, c: Tensor, area: Tensor, inverse: Tensor) -> Tensor:
    """The weights of `b` and `c`, and 1 / depth, as affine functions of (1, x, y): `(S, 3, 3)`.

    The corners are given from a place close by: from the picture's corner, float32 leaves holes between triangles.
    """
    ux, uy = (c - a)[:, 1] / area, -(c - a)[:, 0] / area
    vx, vy = -(b - a)[:, 1] / area, (b - a)[:, 0] / area
    u = torch.stack([-(ux * a[:, 0] + uy * a[:, 1]), ux, uy], 1)
    v = torch.stack([-(vx * a[:, 0] + vy * a[:, 1]), vx, vy], 1)
    w = u * (inverse[:, 1] - inverse[:, 0])[:, None] + v * (inverse[:, 2] - inverse[:, 0])[:, None]
    w[:, 0] += inverse[:, 0]
    return torch.stack([u, v, w], 1)


def vertex_normals(points: Tensor, faces: Tensor) -> Tensor:
    """Unit normals `(V, 3)` that point away from the skin, averaged over the triangles of a vertex by their areas."""
    a, b, c = points[faces].unbind(1)
    face = torch.linalg.cross(c - a, b - a)
    normals = torch.zeros_like(points)
    for corner in range(3):
        normals.index_add_(0, faces[:, corner], face)
    return F.normalize(normals, dim=1)

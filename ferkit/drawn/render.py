"""Pixels of a mesh: a z-buffer in plain torch.

Everything is arithmetic on tensors, so the same code draws on CPU and GPU and needs no OpenGL. One
frame is drawn at a time; many frames are drawn by many processes (`draw_sets.py`).

Convention: a vertex is in camera centimetres (x right, y down, z away); a pixel's centre is at
integer + 0.5.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

_FAR = torch.iinfo(torch.int64).max
_KIND_SHIFT = 17  # bits of the z-buffer that name the triangle; the next 14 name its part
_DEPTH_STEPS = 2**30  # of the z-buffer between near and far
_FARTHEST = 1e9  # pixels; where an edge does not bound a row
# Share of its size by which a triangle reaches beyond its edges; without it, rounding would leave
# holes between neighbours.
_EDGE = 1e-5


@dataclass(frozen=True, eq=False)
class Raster:
    """What each of `N` samples shows: its place in the picture and in a triangle.

    A pixel whose rays all meet one part of the head has one sample at its centre; other pixels
    have one for each ray that hits. `share` is how much of its pixel a sample stands for.
    """

    pixel: Tensor  # (N,) row * width + column
    triangle: Tensor  # (N,)
    weights: Tensor  # (N, 3), perspective-correct, sum 1
    inverse: Tensor  # (N,) 1 / depth
    share: Tensor  # (N,)

    def __getitem__(self, index: Tensor) -> "Raster":
        return Raster(*(value.index_select(0, index) for value in vars(self).values()))

    def interpolate(self, values: Tensor, faces: Tensor) -> Tensor:
        """Interpolate values `(V, D)` of the vertices to the samples, `(N, D)`."""
        corners = faces.index_select(0, self.triangle)
        return F.embedding_bag(corners, values, mode="sum", per_sample_weights=self.weights)

    def add_to(self, picture: Tensor, values: Tensor) -> None:
        """Add values `(N, D)` of the samples to the pixels of a picture `(P, D)`."""
        picture.index_add_(0, self.pixel, values * self.share[:, None])

    def nearest(self, pixels: int) -> Tensor:
        """1 / depth of what is nearest in each pixel `(pixels,)`; 0 where there is nothing."""
        front = torch.zeros(pixels, device=self.inverse.device)
        return front.scatter_reduce_(0, self.pixel, self.inverse, "amax")


def rasterize(
    xy: Tensor,
    depth: Tensor,
    faces: Tensor,
    size: int,
    *,
    rays: int = 1,
    part: Tensor | None = None,
) -> Raster:
    """Find the nearest front-facing triangle at each pixel of a `size` x `size` picture.

    There are `rays` x `rays` rays per pixel. Shapes: `xy` (V, 2) in pixels, `depth` (V,) positive,
    `faces` (F, 3), `part` (F,), below 2^14. Each triangle lists the rays inside it; they compete
    with `amin` on (depth, triangle), so the result does not depend on any order.
    """
    corners = (xy * rays).T.index_select(1, faces.T.flatten()).view(2, 3, -1)
    a, b, c = corners.unbind(1)
    area = (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0]
    low = corners.amin(1).sub_(0.5).ceil_().clamp_(min=0)
    high = corners.amax(1).sub_(0.5).floor_().clamp_(max=size * rays - 1)
    extent = high - low + 1
    seen = torch.nonzero((area > 1e-9) & (extent > 0).all(0)).squeeze(1)
    low = low.index_select(1, seen)
    extent = extent.index_select(1, seen)
    # Corners are counted from a place close by: from the picture's corner, float32 would leave
    # holes between triangles.
    a, b, c = (corners.index_select(2, seen) - low[:, None]).unbind(1)
    inverse = (1 / depth).index_select(0, faces.index_select(0, seen).flatten()).view(-1, 3)
    planes = _planes(a, b, c, area.index_select(0, seen), inverse)
    left, top, width, height = _ray_box(low, extent, rays)
    low -= torch.tensor([[left], [top]], device=xy.device)
    name = torch.arange(len(seen), device=xy.device)
    if part is not None:
        name += part.index_select(0, seen).long() << _KIND_SHIFT
    best = _nearest(low.long(), extent, planes, depth, name, (height, width))

    ray, whole = _choose_samples(best, (height, width), rays)
    owner = best.index_select(0, ray) & (2**_KIND_SHIFT - 1)
    row = torch.div(ray, width, rounding_mode="floor")
    column = ray - row * width
    x = column + 0.5
    y = row + 0.5
    row = row + top
    column = column + left
    share = torch.ones(len(ray), device=xy.device)
    if rays > 1:
        row = torch.div(row, rays, rounding_mode="floor")
        column = torch.div(column, rays, rounding_mode="floor")
        x[:whole] += rays / 2 - 0.5
        y[:whole] += rays / 2 - 0.5
        share[whole:] = 1.0 / rays**2
    weights = _corner_weights(planes, low, owner, x, y) * inverse.index_select(0, owner)
    total = weights[:, 0] + weights[:, 1] + weights[:, 2]
    triangle = seen.index_select(0, owner)
    return Raster(row * size + column, triangle, weights / total[:, None], total, share)


def _corner_weights(planes: Tensor, low: Tensor, owner: Tensor, x: Tensor, y: Tensor) -> Tensor:
    """Weights `(N, 3)` of the corners of the triangles `owner` at places in the picture."""
    plane = planes.index_select(1, owner)
    origin = low.index_select(1, owner)
    x = x - origin[0]
    y = y - origin[1]
    u = plane[0] + plane[1] * x + plane[2] * y
    v = plane[3] + plane[4] * x + plane[5] * y
    return torch.stack([1 - u - v, u, v], 1)


def _ray_box(low: Tensor, extent: Tensor, rays: int) -> tuple[int, int, int, int]:
    """Left, top, width and height, in rays, of the whole pixels that triangles may meet."""
    if not low.shape[1]:
        return 0, 0, rays, rays
    first = (low.amin(1) / rays).floor() * rays
    last = ((low + extent).amax(1) / rays).ceil() * rays
    left, top, right, bottom = torch.cat([first, last]).int().tolist()
    return left, top, right - left, bottom - top


def _nearest(
    low: Tensor, extent: Tensor, planes: Tensor, depth: Tensor, name: Tensor, size: tuple[int, int]
) -> Tensor:
    """For each ray, depth level * 2^32 + `name` (S,) of the nearest triangle, or _FAR.

    `size` is the number of rows and columns of rays. Triangles are cut into rows of rays, the span
    of a row is solved for where no weight is negative, and the spans are laid end to end.
    """
    nearest = float(1 / depth.min())
    scale = _DEPTH_STEPS / (nearest - float(1 / depth.max()) + 1e-9)
    best = torch.full((size[0] * size[1],), _FAR, dtype=torch.int64, device=low.device)

    owner, row = _number_repeats(extent[1])
    # Two weights and 1 / depth, each (3, rows): where the row starts, and how fast they change
    # along it and downwards.
    origin, slope, rise = planes.index_select(1, owner).view(3, 3, -1).unbind(1)
    level = torch.addcmul(origin, rise, row + 0.5)
    # Of the three corners, at x = 0.
    weight = torch.stack([level[0], level[1], 1 - level[0] - level[1]])
    change = torch.stack([slope[0], slope[1], -slope[0] - slope[1]])
    cut = (-_EDGE - weight) / change
    start = torch.where(change > 0, cut, -_FARTHEST).amax(0).sub_(0.5).ceil_().clamp_(min=0)
    end = torch.where(change < 0, cut, _FARTHEST).amin(0).sub_(0.5).floor_()
    end = end.minimum(extent[0].index_select(0, owner) - 1)
    # Outside is a row beyond an edge that runs along it.
    outside = ((change == 0) & (weight < -_EDGE)).any(0)
    count = (end - start + 1).clamp_(min=0).masked_fill_(outside, 0)

    span, step = _number_repeats(count)
    first = (low[1].index_select(0, owner) + row) * size[1]
    first = first + low[0].index_select(0, owner) + start.long()
    near = nearest - level[2] - slope[2] * (start + 0.5)
    fall = slope[2].index_select(0, span)
    behind = torch.addcmul(near.index_select(0, span), fall, step, value=-1)
    names = name.index_select(0, owner).index_select(0, span)
    key = ((behind * scale).long() << 32) + names
    return best.scatter_reduce_(0, first.index_select(0, span) + step, key, "amin")


def _number_repeats(counts: Tensor) -> tuple[Tensor, Tensor]:
    """Items 0..n-1, each as often as `counts` (n,) says, and the number of each repetition.

    Counts 2, 1 give 0 0 1 and 0 1 0.
    """
    counts = counts.long()
    item = torch.repeat_interleave(counts)
    first = counts.cumsum(0) - counts
    return item, torch.arange(len(item), device=counts.device) - first.index_select(0, item)


def _choose_samples(best: Tensor, size: tuple[int, int], rays: int) -> tuple[Tensor, int]:
    """The rays that become samples.

    First comes one ray for each pixel whose rays all hit the same kind of triangle; the second
    value is their number.
    """
    if rays == 1:
        return torch.nonzero(best != _FAR).squeeze(1), 0
    # -1 where nothing is hit
    kind = (best.int() >> _KIND_SHIFT).view(size[0] // rays, rays, size[1] // rays, rays)
    corner = kind[:, 0, :, 0].contiguous()
    alike = corner >= 0
    for i in range(1, rays**2):
        alike &= kind[:, i // rays, :, i % rays] == corner
    several = (kind >= 0).logical_and_(~alike[:, None, :, None])
    line, column = torch.nonzero(alike).unbind(1)
    first = line * (rays * size[1]) + column * rays
    return torch.cat([first, torch.nonzero(several.flatten()).squeeze(1)]), len(first)


def _planes(a: Tensor, b: Tensor, c: Tensor, area: Tensor, inverse: Tensor) -> Tensor:
    """The weights of `b` and `c`, and 1 / depth, as affine functions of (1, x, y): `(9, S)`."""
    ux = (c - a)[1] / area
    uy = -(c - a)[0] / area
    vx = -(b - a)[1] / area
    vy = (b - a)[0] / area
    u = torch.stack([-(ux * a[0] + uy * a[1]), ux, uy])
    v = torch.stack([-(vx * a[0] + vy * a[1]), vx, vy])
    w = u * (inverse[:, 1] - inverse[:, 0]) + v * (inverse[:, 2] - inverse[:, 0])
    w[0] += inverse[:, 0]
    return torch.cat([u, v, w])


def vertex_normals(points: Tensor, faces: Tensor) -> Tensor:
    """Unit normals `(V, 3)` that point out of the skin, the mean of triangles by their areas."""
    a, b, c = points.index_select(0, faces.flatten()).view(-1, 3, 3).unbind(1)
    face = torch.linalg.cross(c - a, b - a)
    normals = torch.zeros_like(points)
    for corner in range(3):
        normals.index_add_(0, faces[:, corner], face)
    return F.normalize(normals, dim=1)

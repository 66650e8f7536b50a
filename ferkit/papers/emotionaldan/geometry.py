"""Geometry between EmotionalDAN's stages: similarities to the mean shape, warping, the heat map.

Convention
- Points are `(N, 68, 2)`, pixel centres at integer + 0.5. A similarity is `(N, 2, 3)`:
  `x -> A x + t` takes points of the picture to canonical ones, those of the mean shape.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from ferkit.core.landmarks import MIRROR


def fit_similarity(points: Tensor, shape: Tensor) -> Tensor:
    """Fit the similarities `(N, 2, 3)` from points `(N, L, 2)` to a shape `(L, 2)`.

    By least squares: about the centres, `x -> a x` in complex numbers, where
    `a = sum(conj(x) s) / sum |x|^2`.
    """
    centre = points.mean(1, keepdim=True)
    target_centre = shape.mean(0)
    x = points - centre
    s = shape - target_centre
    size = x.square().sum((1, 2))
    cos = (x * s).sum((1, 2)) / size
    sin = (x[..., 0] * s[:, 1] - x[..., 1] * s[:, 0]).sum(1) / size
    rows = [torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)]
    linear = torch.stack(rows, 1)  # (N, 2, 2)
    shift = target_centre[:, None] - linear @ centre.transpose(1, 2)
    return torch.cat([linear, shift], dim=2)


def transform(points: Tensor, matrix: Tensor) -> Tensor:
    """Move points `(N, L, 2)` by similarities `(N, 2, 3)`."""
    return points @ matrix[..., :2].transpose(1, 2) + matrix[..., 2][:, None]


def invert_similarity(matrix: Tensor) -> Tensor:
    """Invert similarities `(N, 2, 3)`: `a` times a rotation has its transpose over `a^2`."""
    linear = matrix[..., :2]
    scale = linear[:, 0].square().sum(1)[:, None, None]
    inverse = linear.transpose(1, 2) / scale
    return torch.cat([inverse, -inverse @ matrix[..., 2:]], dim=2)


def mirror_landmarks(points: Tensor, width: float) -> Tensor:
    """Mirror points `(N, 68, 2)` with their picture, left and right exchanged."""
    mirrored = points[:, MIRROR.tolist()]
    return torch.stack([width - mirrored[..., 0], mirrored[..., 1]], dim=-1)


def warp(pictures: Tensor, matrix: Tensor, outside: str = "zeros") -> Tensor:
    """Warp pictures `(N, C, S, S)` by similarities `(N, 2, 3)`, bilinearly.

    Beyond the edge they are 0 or, `outside="border"`, like the outermost pixels. Differentiable in
    both arguments.
    """
    size = pictures.shape[-1]
    inverse = invert_similarity(matrix)
    linear = inverse[..., :2]
    shift = linear.sum(2) + 2 / size * inverse[..., 2] - 1  # in coordinates from -1 to 1
    theta = torch.cat([linear, shift[..., None]], dim=2)
    grid = F.affine_grid(theta, list(pictures.shape), align_corners=False)
    return F.grid_sample(pictures, grid, padding_mode=outside, align_corners=False)


def heat_map(points: Tensor, size: int) -> Tensor:
    """Draw `1 / (1 + distance to the nearest point)` of `(N, L, 2)`, `(N, 1, size, size)`."""
    line = torch.arange(size, device=points.device, dtype=points.dtype) + 0.5
    pixels = torch.cartesian_prod(line, line).flip(1)  # (x, y), row by row
    # One face at a time: all distances of a batch would fill gigabytes.
    with torch.no_grad():
        nearest = torch.stack([torch.cdist(pixels, face).argmin(1) for face in points])
    nearest_points = points.gather(1, nearest[..., None].expand(-1, -1, 2))
    distance = (pixels - nearest_points).norm(dim=2)
    return 1 / (1 + distance).view(len(points), 1, size, size)


def in_float32(x: Tensor) -> torch.autocast:
    """Compute a block in float32; bfloat16 knows a landmark at 200 pixels to one pixel only."""
    return torch.autocast(x.device.type, enabled=False)

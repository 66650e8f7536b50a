"""What the head's surface is like: its hollows, and what light reaches each vertex."""

from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor

from ferkit.drawn.head import HEAD_PARTS, LASH, LIPS, MOUTH, Head
from ferkit.drawn.render import rasterize, vertex_normals

_PICTURE_REACH = 13.0  # centimetres from the face's middle to the edges of a picture from a light
_CLOSED = 0.25  # of the action mouthClose: the sky is looked for with the lips together
_DIRECTIONS = 56
_SKY_SIZE = 256  # pixels across a picture from one direction
_SURROUNDING_STEPS = 6  # triangles away
_SURROUNDING_VERTICES = 32
_SEAM = 7.38  # where the mean head's lips meet, centimetres below the eyes


def light_seen(
    points: Tensor,
    faces: Tensor,
    direction: Tensor,
    size: int,
    bias: tuple[float, float],
    blur: float = 0.0,
) -> Tensor:
    """How much of the light from `direction` (3,) reaches each vertex `(V,)`.

    A picture of `size` pixels is drawn from the side of the light. `bias` says how far behind the
    nearest surface, in centimetres, a shadow begins and how much further it is complete; `blur`
    pixels soften its edge.
    """
    device = points.device
    upright = abs(float(direction[1])) < 0.95
    helper = torch.tensor([0.0, 1.0, 0.0] if upright else [0.0, 0.0, 1.0], device=device)
    right = F.normalize(torch.linalg.cross(helper, -direction), dim=0)
    down = torch.linalg.cross(-direction, right)
    seen = (points - points.mean(0)) @ torch.stack([right, down, -direction], 1)
    xy = seen[:, :2] * (size / 2 / _PICTURE_REACH) + size / 2
    depth = seen[:, 2] + 100
    raster = rasterize(xy, depth, faces, size)
    nearest = torch.full((size * size,), 1e6, device=device)
    nearest[raster.pixel] = 1 / raster.inverse
    nearest = nearest.view(1, 1, size, size)
    grid = (xy / size * 2 - 1)[None, None]
    reach = blur * 2 / size
    around = [(0.0, 0.0)]
    if blur:
        around += [(reach, 0.0), (-reach, 0.0), (0.0, reach), (0.0, -reach)]
    blocked = torch.zeros(len(points), device=device)
    for shift in around:
        front = F.grid_sample(
            nearest,
            grid + torch.tensor(shift, device=device),
            mode="nearest",
            padding_mode="border",
            align_corners=False,
        )
        blocked += ((depth - front[0, 0, 0] - bias[0]) / bias[1]).clamp(0, 1) / len(around)
    return 1 - blocked


@lru_cache(maxsize=4)
def sky_seen(head: Head) -> Tensor:
    """How much of the sky each vertex `(V,)` sees: 0 inside the mouth, 1 on the forehead."""
    points = head.rest + _CLOSED * head.action("mouthClose")
    faces = head.faces[head.part != LASH]
    normals = vertex_normals(points, head.faces)
    total = torch.zeros(len(points), device=points.device)
    reached = torch.zeros_like(total)
    turn = np.pi * (3 - 5**0.5)
    for i in range(_DIRECTIONS):  # spread evenly over the sphere on a spiral
        z = 1 - (2 * i + 1) / _DIRECTIONS
        radius = (1 - z * z) ** 0.5
        direction = points.new_tensor([radius * np.cos(turn * i), radius * np.sin(turn * i), z])
        weight = (normals @ direction).clamp(min=0)
        total += weight
        reached += weight * light_seen(points, faces, direction, _SKY_SIZE, (0.08, 0.12))
    return reached / total.clamp(min=1e-6)


@lru_cache(maxsize=4)
def surface_kinds(head: Head) -> Tensor:
    """The kind of surface of each triangle `(F,)`.

    That is its part, but upper lip, lower lip and the mouth's inside differ from other skin. Where
    several kinds meet in a pixel, several rays are shaded, so the line between closed lips does
    not break up.
    """
    lips, inside = head.masks[:, [LIPS, MOUTH]][head.faces].amin(1).gt(0.5).unbind(1)
    lower = head.rest[head.faces, 1].mean(1) > _SEAM
    kind = torch.where(lips, len(HEAD_PARTS) + lower.long(), head.part)
    return torch.where(inside, len(HEAD_PARTS) + 2, kind)


@lru_cache(maxsize=4)
def surroundings(head: Head) -> tuple[Tensor, Tensor]:
    """The vertices around each vertex, and their weights, which sum to 1; both `(V, n)`."""
    faces = head.faces.cpu().numpy()
    start, end = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    count = len(head.rest)
    edges = sparse.coo_matrix((np.ones(len(start)), (start, end)), shape=(count, count)).tocsr()
    adjacent = ((edges + edges.T) > 0).astype(float) + sparse.identity(count)
    one_step = sparse.diags(1 / np.asarray(adjacent.sum(1)).ravel()) @ adjacent
    power = one_step
    for _ in range(_SURROUNDING_STEPS - 1):
        power = power @ one_step
    power = power.tocsr()
    index = np.zeros((count, _SURROUNDING_VERTICES), np.int64)
    weight = np.zeros((count, _SURROUNDING_VERTICES), np.float32)
    for row in range(count):
        entries = slice(power.indptr[row], power.indptr[row + 1])
        share = power.data[entries]
        best = np.argsort(-share, kind="stable")[:_SURROUNDING_VERTICES]
        index[row, : len(best)] = power.indices[entries][best]
        weight[row, : len(best)] = share[best]
    weight /= weight.sum(1, keepdims=True)
    device = head.rest.device
    return torch.from_numpy(index).to(device), torch.from_numpy(weight).to(device)


def hollows(points: Tensor, normals: Tensor, around: tuple[Tensor, Tensor]) -> Tensor:
    """How deep each vertex lies in a hollow `(V,)`, cm: positive where its surroundings stand out.

    `around` is what `surroundings` returns.
    """
    index, weight = around
    mean = F.embedding_bag(index, points, mode="sum", per_sample_weights=weight)
    return ((mean - points) * normals).sum(1)

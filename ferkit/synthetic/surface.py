"""What the head's surface knows of itself: how much of the sky each vertex sees, where lids end, and what lies in a light's shadow."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic.head import MASKS, PARTS, Head
from ferkit.synthetic.render import rasterize, vertex_normals

LIPS, MOUTH = list(MASKS).index("lips"), list(MASKS).index("mouth")
REACH = 13.0  # centimetres from the face's middle to the edges of a picture from a light's side
CLOSED = 0.25  # of the action mouthClose: the sky is looked for with the lips together
DIRECTIONS, SKY_SIZE = 56, 256
SEAM = 7.38  # where the mean head's lips meet, centimetres below the eyes
LASH_REACH = 0.13  # centimetres around the roots of the lashes that they darken


def visible(
    points: Tensor, faces: Tensor, direction: Tensor, size: int, bias: tuple[float, float], blur: float = 0.0
) -> Tensor:
    """How much of the light from `direction` (3,) reaches each vertex `(V,)`: a small picture is drawn from the light's side.

    `bias`: how far behind the nearest surface, in centimetres, a shadow begins and is whole; `blur` pixels soften its edge.
    """
    helper = torch.tensor([0.0, 1.0, 0.0] if abs(float(direction[1])) < 0.95 else [0.0, 0.0, 1.0], device=points.device)
    right = F.normalize(torch.linalg.cross(helper, -direction), dim=0)
    down = torch.linalg.cross(-direction, right)
    seen = (points - points.mean(0)) @ torch.stack([right, down, -direction], 1)
    xy, depth = seen[:, :2] * (size / 2 / REACH) + size / 2, seen[:, 2] + 100
    raster = rasterize(xy, depth, faces, size)
    nearest = torch.full((size * size,), 1e6, device=points.device)
    nearest[raster.pixel] = 1 / raster.inverse
    grid = (xy / size * 2 - 1)[None, None]
    reach = blur * 2 / size
    around = ((0, 0), (reach, 0), (-reach, 0), (0, reach), (0, -reach)) if blur else ((0, 0),)
    blocked = torch.zeros(len(points), device=points.device)
    for dx, dy in around:
        at = grid + torch.tensor([dx, dy], device=points.device)
        front = F.grid_sample(
            nearest.view(1, 1, size, size), at, mode="nearest", padding_mode="border", align_corners=False
        )
        blocked += ((depth - front[0, 0, 0] - bias[0]) / bias[1]).clamp(0, 1) / len(around)
    return 1 - blocked


def sky(head: Head) -> Tensor:
    """How much of the sky every vertex of the mean head sees `(V,)`, from 0 in the mouth to 1 on the forehead."""
    points = head.rest + CLOSED * head.actions[head.action_names.index("mouthClose")]
    faces = head.faces[head.part != PARTS.index("lash")]
    normals = vertex_normals(points, head.faces)
    total, reached = (torch.zeros(len(points), device=points.device) for _ in range(2))
    turn = np.pi * (3 - 5**0.5)
    for i in range(DIRECTIONS):  # spread evenly over the sphere on a spiral
        z = 1 - (2 * i + 1) / DIRECTIONS
        out = (1 - z * z) ** 0.5
        direction = points.new_tensor([out * np.cos(turn * i), out * np.sin(turn * i), z])
        weight = (normals @ direction).clamp(min=0)
        total += weight
        reached += weight * visible(points, faces, direction, SKY_SIZE, (0.08, 0.12))
    return reached / total.clamp(min=1e-6)


def lash_line(head: Head) -> Tensor:
    """How near every vertex of the mean head lies to where lashes grow `(V,)`, in [0, 1]; half as much below the eye."""
    lashes = head.rest[head.faces[head.part == PARTS.index("lash")].flatten().unique()]
    eye = head.rest[head.faces[head.part == PARTS.index("eye")].flatten().unique()]
    roots = lashes[torch.cdist(lashes, eye).amin(1) < 0.35]
    far, which = torch.cdist(head.rest, roots).min(1)
    upper = torch.where(roots[which, 1] < 0.30, 1.0, 0.55)
    skin = torch.zeros(len(head.rest), device=head.rest.device)
    skin[head.faces[head.part == PARTS.index("skin")].flatten()] = 1
    return upper * torch.exp(-0.5 * (far / (LASH_REACH * (0.4 + upper))) ** 2) * skin


def kinds(head: Head) -> Tensor:
    """What kind of surface each triangle is `(F,)`: its part, and apart from other skin upper lip, lower lip and the mouth's inside.

    Where several kinds meet in a pixel several rays are shaded, so the line between closed lips does not break up.
    """
    lips, inside = head.masks[:, [LIPS, MOUTH]][head.faces].amin(1).gt(0.5).unbind(1)
    lower = head.rest[head.faces, 1].mean(1) > SEAM
    kind = torch.where(lips, len(PARTS) + lower.long(), head.part)
    return torch.where(inside, len(PARTS) + 2, kind)

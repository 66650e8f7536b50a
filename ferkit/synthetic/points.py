"""Where the 68 landmarks lie on the head: points on triangles, chosen once."""

import json
from functools import lru_cache
from importlib.resources import files

import torch
from torch import Tensor

from ferkit.synthetic.head import Head

# How far, in centimetres, each shift of `mean_shift` reaches, and how much neighbours are averaged.
SHIFT_REACH, SHIFT_SMOOTHING = 1.4, 0.15


@lru_cache(maxsize=1)
def _table() -> tuple[Tensor, Tensor]:
    """Vertices `(68, 3)` and weights `(68, 3)` of the landmarks."""
    table = json.loads((files("ferkit.synthetic") / "points68.json").read_text())
    return torch.tensor(table["vertices"]), torch.tensor(table["weights"])


def landmark_points(points: Tensor, head: Head) -> Tensor:
    """The 68 landmarks `(68, 3)` of a face whose vertices are `points` `(V, 3)`."""
    vertices, weights = (t.to(points.device) for t in _table())
    return (points[vertices] * weights[:, :, None]).sum(1)


@lru_cache(maxsize=4)
def mean_shift(head: Head) -> Tensor:
    """What every vertex `(V, 3)` is moved, centimetres, so that the mean drawn face agrees with the mean photographed one.

    The file holds places on the mean head (x, y, z) and how far each is shifted (x, y), from dlib's landmarks on drawn and on
    photographed neutral faces with the eyes aligned. No expression and no label took part. Between the places the shift is
    interpolated with Gaussians; the eyes and the back of the head stay where they are.
    """
    table = json.loads((files("ferkit.synthetic") / "mean_shift.json").read_text())
    at, shift = (torch.tensor(table[name], device=head.rest.device) for name in ("at", "shift"))

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-(torch.cdist(a, b) ** 2) / (2 * SHIFT_REACH**2))

    weights = torch.linalg.solve(kernel(at, at) + SHIFT_SMOOTHING * torch.eye(len(at), device=at.device), shift)
    moved = kernel(head.rest, at) @ weights
    front = ((9.0 - head.rest[:, 2:]) / 4).clamp(0, 1)
    return torch.cat([moved * front, torch.zeros_like(front)], 1)

"""Where the 68 landmarks lie on the head: points on triangles, chosen once."""

import json
from functools import lru_cache
from importlib.resources import files

import torch
from torch import Tensor

from ferkit.drawn.head import Head

_SHIFT_REACH = 1.4  # centimetres that each shift of `mean_shift` reaches
_SHIFT_SMOOTHING = 0.15  # how much neighbouring shifts are averaged


@lru_cache(maxsize=1)
def landmark_table() -> tuple[Tensor, Tensor]:
    """Vertices `(68, 3)` and weights `(68, 3)` of the landmarks."""
    table = json.loads((files("ferkit.drawn") / "points68.json").read_text())
    return torch.tensor(table["vertices"]), torch.tensor(table["weights"])


def landmark_points(points: Tensor) -> Tensor:
    """The 68 landmarks `(68, 3)` of a face whose vertices are `points` `(V, 3)`."""
    vertices, weights = landmark_table()
    corners = points[vertices.to(points.device)]  # (68, 3, 3)
    return (corners * weights.to(points.device)[:, :, None]).sum(1)


def eye_centres(points: Tensor) -> tuple[Tensor, Tensor]:
    """The centres `(3,)` of the landmarks of the right and of the left eye."""
    landmarks = landmark_points(points)
    return landmarks[36:42].mean(0), landmarks[42:48].mean(0)


@lru_cache(maxsize=4)
def mean_shift(head: Head) -> Tensor:
    """How far each vertex is shifted to match photographed faces, `(V, 3)` in centimetres.

    The file holds places on the mean head (x, y, z) and their shifts (x, y), from dlib's landmarks
    on drawn and on photographed neutral faces with aligned eyes, so that both have the same mean.
    No expression and no label took part. Between the places the shift is interpolated with
    Gaussians; the eyes and the back of the head stay where they are.
    """
    table = json.loads((files("ferkit.drawn") / "mean_shift.json").read_text())
    places = torch.tensor(table["at"], device=head.rest.device)
    shift = torch.tensor(table["shift"], device=head.rest.device)

    def kernel(a: Tensor, b: Tensor) -> Tensor:
        return torch.exp(-(torch.cdist(a, b) ** 2) / (2 * _SHIFT_REACH**2))

    smoothing = _SHIFT_SMOOTHING * torch.eye(len(places), device=places.device)
    weights = torch.linalg.solve(kernel(places, places) + smoothing, shift)
    interpolated = kernel(head.rest, places) @ weights
    front = ((9.0 - head.rest[:, 2:]) / 4).clamp(0, 1)
    return torch.cat([interpolated * front, torch.zeros_like(front)], 1)

"""Where the 68 landmarks lie on the head: points on triangles, chosen once."""

import json
from functools import lru_cache
from importlib.resources import files

import torch
from torch import Tensor

from ferkit.synthetic.head import Head


@lru_cache(maxsize=1)
def _table() -> tuple[Tensor, Tensor]:
    """Vertices `(68, 3)` and weights `(68, 3)` of the landmarks."""
    table = json.loads((files("ferkit.synthetic") / "points68.json").read_text())
    return torch.tensor(table["vertices"]), torch.tensor(table["weights"])


def landmark_points(points: Tensor, head: Head) -> Tensor:
    """The 68 landmarks `(68, 3)` of a face whose vertices are `points` `(V, 3)`."""
    vertices, weights = (t.to(points.device) for t in _table())
    return (points[vertices] * weights[:, :, None]).sum(1)

"""The camera's geometry: the head is turned, put before the camera and projected to pixels."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ferkit.drawn.scene import FACE_PLACE, Scene, rotation

# Points of the head, centimetres.
_PIVOT = (0.0, 5.0, 8.0)  # what a head turns around, between the lower ends of the ears
FACE_CENTRE = (0.0, 3.2, -1.0)  # stands in the middle of the picture however the head turns


@dataclass(frozen=True, eq=False)
class Projection:
    """A pinhole camera that looks at the turned head."""

    turn: Tensor  # (3, 3), the head's rotation
    pivot: Tensor  # (3,)
    centre: Tensor  # (3,), where the turn brings the centre of the face, seen from the pivot
    distance: Tensor  # (3,), from the camera to the centre of the face
    zoom: Tensor  # (2,), focal lengths in pixels
    offset: Tensor  # (2,), pixel at which the centre of the face is seen
    pixels_per_centimetre: float

    def pose(self, points: Tensor) -> Tensor:
        """Turn points `(N, 3)` of the head; return them in camera coordinates."""
        return (points - self.pivot) @ self.turn.T - self.centre + self.distance

    def to_pixels(self, posed: Tensor) -> tuple[Tensor, Tensor]:
        """Project points in camera coordinates to pixels `(N, 2)` and depths `(N,)`."""
        depth = posed[:, 2]
        return posed[:, :2] / posed[:, 2:] * self.zoom + self.offset, depth

    def project(self, points: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels `(N, 2)` and depths `(N,)` of points of the head."""
        return self.to_pixels(self.pose(points))


def make_projection(
    scene: Scene, eye_span: float, size: int, device: str | torch.device
) -> Projection:
    """The camera of a scene for `size` pixels and a face of `eye_span` cm between the eyes."""
    matrix = rotation(scene.yaw, scene.pitch, scene.roll)
    turn = torch.as_tensor(matrix, dtype=torch.float32, device=device)
    pivot = torch.tensor(_PIVOT, device=device)
    centre = torch.tensor(FACE_CENTRE, device=device)
    focal = scene.scale * size * scene.distance / eye_span
    middle = torch.tensor(
        [FACE_PLACE[0] + scene.shift_x, FACE_PLACE[1] + scene.shift_y], device=device
    )
    return Projection(
        turn,
        pivot,
        (centre - pivot) @ turn.T,
        torch.tensor([0.0, 0.0, scene.distance], device=device),
        torch.tensor([focal / scene.aspect, focal], device=device),
        middle * size,
        scene.scale * size / eye_span,
    )

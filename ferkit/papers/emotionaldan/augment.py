"""Random changes of training faces: the picture and its landmarks move together."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ferkit.papers.emotionaldan.geometry import mirror_landmarks, transform, warp
from ferkit.papers.emotionaldan.loss import join_labels, split_labels


@dataclass(frozen=True)
class Augmentation:
    """Changes of faces, drawn anew in each epoch, for `training.loop.train(augment_both=...)`.

    Half of the faces are mirrored; all are turned, shifted and scaled about the centre, since a
    detector is not exact, and their light is changed. Amounts are the largest ones: degrees, shares
    of the picture's side, of its size, and of the grey scale; contrast is a range of factors.
    """

    mirror: bool = True
    turn: float = 15.0
    shift: float = 0.06
    zoom: float = 0.12
    # As in the authors' code.
    brightness: float = 0.3
    contrast: tuple[float, float] = (0.2, 1.8)

    def __call__(
        self, inputs: tuple[Tensor, ...], labels: Tensor, generator: torch.Generator
    ) -> tuple[tuple[Tensor, ...], Tensor]:
        """Change pictures `(N, 1, S, S)` in 0..1; labels are as of `join_labels`, or classes."""
        pictures, *others = inputs
        count, size = len(pictures), pictures.shape[-1]
        draws = torch.rand(count, 7, generator=generator, device=pictures.device)
        is_mirrored = self.mirror & (draws[:, 0] < 0.5)
        pictures = torch.where(is_mirrored[:, None, None, None], pictures.flip(3), pictures)
        moves = self._moves(draws[:, 1:5], size)
        pictures = warp(pictures, moves, outside="border")
        pictures = self._relight(pictures, draws[:, 5:])
        if labels.ndim == 2:
            points, classes = split_labels(labels)
            points = torch.where(is_mirrored[:, None, None], mirror_landmarks(points, size), points)
            labels = join_labels(transform(points, moves), classes)
        return (pictures, *others), labels

    def _moves(self, draws: Tensor, size: int) -> Tensor:
        """Return similarities `(N, 2, 3)` about the centre, from uniform numbers `(N, 4)`."""
        turn, zoom, right, down = (2 * draws - 1).unbind(1)
        angle = torch.deg2rad(self.turn * turn)
        factor = torch.exp(self.zoom * zoom)
        cos = factor * angle.cos()
        sin = factor * angle.sin()
        rows = [torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)]
        linear = torch.stack(rows, 1)  # (N, 2, 2)
        centre = linear.new_full((2,), size / 2)
        shift = size * self.shift * torch.stack([right, down], 1)
        offset = centre + shift - linear @ centre
        return torch.cat([linear, offset[:, :, None]], dim=2)

    def _relight(self, pictures: Tensor, draws: Tensor) -> Tensor:
        """Change the brightness and the contrast about each picture's mean."""
        draws = draws[:, :, None, None, None]
        light = self.brightness * (2 * draws[:, 0] - 1)
        low, high = self.contrast
        factor = low + (high - low) * draws[:, 1]
        mean = pictures.mean((1, 2, 3), keepdim=True)
        return (mean + factor * (pictures - mean) + light).clamp(0, 1)

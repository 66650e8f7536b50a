"""Random changes of training pictures: mirrored, shifted and turned faces.

An augmentation takes the inputs of one batch and a generator, from which all randomness comes, and
runs on the device. `training.loop.train` calls it.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from ferkit.core.landmarks import MIRROR

# The largest shift as a share of the picture's side: about the error of two-point alignment.
_SHIFT = 1 / 24
_TURN = 10  # degrees, the largest turn of unaligned faces


def mirror_views(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Mirror all pictures `(N, C, H, W)`, and residuals `(N, 136)`, of half of the faces."""
    flipped = _draw_flips(inputs[0], generator)
    return tuple(_flip(values, flipped) for values in inputs)


def mirror_turn_and_shift(
    inputs: tuple[Tensor, ...], generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Mirror, turn and shift all pictures of a face alike.

    Pictures are `(N, C, H, W)`, turns up to 10 degrees, shifts up to 1/24 of the side. Pixels
    beyond the border repeat the edge. Residuals `(N, 136)` are mirrored with their picture, but
    neither turned nor shifted: they are of aligned faces.
    """
    device = inputs[0].device
    # A sampling grid goes from -1 to 1 along either side.
    largest = torch.tensor([math.radians(_TURN), 2 * _SHIFT, 2 * _SHIFT], device=device)
    amounts = torch.rand(3, len(inputs[0]), generator=generator, device=device).mul(2).sub(1)
    angle, right, down = amounts * largest[:, None]
    cos = angle.cos()
    sin = angle.sin()
    changed = []
    for pictures in mirror_views(inputs, generator):
        if pictures.ndim == 2:
            changed.append(pictures)
            continue
        height, width = pictures.shape[2:]
        rows = [cos, -sin * height / width, right, sin * width / height, cos, down]
        matrices = torch.stack(rows, 1).view(-1, 2, 3)
        grid = F.affine_grid(matrices, list(pictures.shape), align_corners=False)
        changed.append(F.grid_sample(pictures, grid, padding_mode="border", align_corners=False))
    return tuple(changed)


def mirror_residuals(residuals: Tensor) -> Tensor:
    """Return the landmark residuals `(N, 136)` of the mirrored faces.

    x changes its sign, left and right points change places.
    """
    points = residuals.view(-1, 68, 2)[:, MIRROR.tolist()]
    return (points * residuals.new_tensor([-1.0, 1.0])).reshape(-1, 136)


def _draw_flips(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Choose about half of the N faces, `(N,)` bool."""
    return torch.rand(len(pictures), generator=generator, device=pictures.device) < 0.5


def _flip(values: Tensor, flipped: Tensor) -> Tensor:
    """Mirror the pictures, or the residuals, that are `flipped`."""
    mirrored = mirror_residuals(values) if values.ndim == 2 else values.flip(3)
    return torch.where(flipped.view(-1, *[1] * (values.ndim - 1)), mirrored, values)

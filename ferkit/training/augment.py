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


def mirror_and_shift(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Mirror half of the pictures and shift all a little.

    Pictures are `(N, C, S, S)`, shifts up to 1/24 of their side. Pixels beyond the border repeat
    the edge. Residuals `(N, 136)`, where they come second, are mirrored with their picture, but not
    shifted.
    """
    pictures, *residuals = inputs
    flipped = _draw_flips(pictures, generator)
    reach = round(pictures.shape[-1] * _SHIFT)
    offsets = torch.randint(
        -reach, reach + 1, (len(pictures), 2), generator=generator, device=pictures.device
    )
    shifted = shift_pictures(_flip(pictures, flipped), offsets)
    mirrored = [torch.where(flipped[:, None], mirror_residuals(r), r) for r in residuals]
    return shifted, *mirrored


def mirror_views(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Mirror all pictures `(N, C, H, W)` of half of the faces."""
    flipped = _draw_flips(inputs[0], generator)
    return tuple(_flip(pictures, flipped) for pictures in inputs)


def mirror_turn_and_shift(
    inputs: tuple[Tensor, ...], generator: torch.Generator
) -> tuple[Tensor, ...]:
    """Mirror, turn and shift all pictures of a face alike.

    Pictures are `(N, C, H, W)`, turns up to 10 degrees, shifts up to 1/24 of the side. Pixels
    beyond the border repeat the edge.
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
        height, width = pictures.shape[2:]
        rows = [cos, -sin * height / width, right, sin * width / height, cos, down]
        matrices = torch.stack(rows, 1).view(-1, 2, 3)
        grid = F.affine_grid(matrices, list(pictures.shape), align_corners=False)
        changed.append(F.grid_sample(pictures, grid, padding_mode="border", align_corners=False))
    return tuple(changed)


def shift_pictures(pictures: Tensor, offsets: Tensor) -> Tensor:
    """Shift pictures `(N, C, S, S)` by whole pixels.

    `offsets` `(N, 2)` go right and down. The edge is repeated on the side that becomes free.
    """
    side = pictures.shape[-1]
    sources = torch.arange(side, device=pictures.device) - offsets[:, :, None]  # (N, 2, S)
    columns, rows = sources.clamp(0, side - 1).unbind(1)
    numbers = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    channels_last = pictures.permute(0, 2, 3, 1)
    return channels_last[numbers, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def mirror_residuals(residuals: Tensor) -> Tensor:
    """Return the landmark residuals `(N, 136)` of the mirrored faces.

    x changes its sign, left and right points change places.
    """
    points = residuals.view(-1, 68, 2)[:, MIRROR.tolist()]
    return (points * residuals.new_tensor([-1.0, 1.0])).reshape(-1, 136)


def _draw_flips(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Choose about half of the N faces, `(N,)` bool."""
    return torch.rand(len(pictures), generator=generator, device=pictures.device) < 0.5


def _flip(pictures: Tensor, flipped: Tensor) -> Tensor:
    return torch.where(flipped[:, None, None, None], pictures.flip(3), pictures)

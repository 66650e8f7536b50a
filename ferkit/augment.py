"""Training pictures of faces changed at random, on the device: mirrored, shifted, turned.

An augmentation takes the inputs of one batch and a generator, as `train.train` calls it; everything random comes from the generator.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from ferkit.landmarks import mirror

SHIFT = 1 / 24  # the largest shift, as a share of the picture's side: about what two-point alignment leaves
TURN = 10  # degrees, the largest turn of faces that nobody aligned


def faces(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Pictures `(N, C, S, S)`, half of them mirrored and all shifted by up to `SHIFT`; beyond the border the edge is repeated.

    Residuals `(N, 136)`, where they come second, are mirrored with their picture: x changes its sign, left and right points change
    places. They stay where they are when the picture is shifted.
    """
    pictures, *residuals = inputs
    flipped = torch.rand(len(pictures), generator=generator, device=pictures.device) < 0.5
    pictures = torch.where(flipped[:, None, None, None], pictures.flip(3), pictures)
    reach = round(pictures.shape[-1] * SHIFT)
    by = torch.randint(-reach, reach + 1, (len(pictures), 2), generator=generator, device=pictures.device)
    mirrored = (torch.where(flipped[:, None], mirrored_residuals(r), r) for r in residuals)
    return shifted(pictures, by), *mirrored


def mirrored(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Pictures `(N, C, H, W)`, several of each face, which are mirrored together: those of half of the faces."""
    flipped = torch.rand(len(inputs[0]), generator=generator, device=inputs[0].device) < 0.5
    return tuple(torch.where(flipped[:, None, None, None], pictures.flip(3), pictures) for pictures in inputs)


def moved(inputs: tuple[Tensor, ...], generator: torch.Generator) -> tuple[Tensor, ...]:
    """Pictures mirrored as by `mirrored`, turned by up to `TURN` degrees and shifted by up to `SHIFT`, those of one face alike.

    Beyond the border the edge is repeated.
    """
    count, device = len(inputs[0]), inputs[0].device
    angle, right, down = (
        torch.rand(3, count, generator=generator, device=device).mul(2).sub(1)
        * torch.tensor([math.radians(TURN), 2 * SHIFT, 2 * SHIFT], device=device)[:, None]
    )
    found = []
    for pictures in mirrored(inputs, generator):
        height, width = pictures.shape[2:]  # a grid goes from -1 to 1 along either
        rows = [angle.cos(), -angle.sin() * height / width, right, angle.sin() * width / height, angle.cos(), down]
        grid = F.affine_grid(torch.stack(rows, 1).view(-1, 2, 3), list(pictures.shape), align_corners=False)
        found.append(F.grid_sample(pictures, grid, padding_mode="border", align_corners=False))
    return tuple(found)


def shifted(pictures: Tensor, by: Tensor) -> Tensor:
    """Pictures `(N, C, S, S)` moved by `(N, 2)` whole pixels, right and down; the edge is repeated where they came from."""
    side = pictures.shape[-1]
    at = (torch.arange(side, device=pictures.device) - by[:, :, None]).clamp(0, side - 1)  # (N, 2, S)
    which = torch.arange(len(pictures), device=pictures.device)[:, None, None]
    moved = pictures.permute(0, 2, 3, 1)[which, at[:, 1, :, None], at[:, 0, None, :]]
    return moved.permute(0, 3, 1, 2)


def mirrored_residuals(residuals: Tensor) -> Tensor:
    """Landmark residuals `(N, 136)` of the mirrored faces."""
    points = residuals.view(-1, 68, 2)[:, _partners()] * residuals.new_tensor([-1.0, 1.0])
    return points.reshape(-1, 136)


@lru_cache(maxsize=1)
def _partners() -> list[int]:
    """Which point lies, mirrored, at each point's place."""
    numbered = np.stack([np.zeros(68), np.arange(68)], axis=1)
    return mirror(numbered, 1.0)[:, 1].astype(int).tolist()

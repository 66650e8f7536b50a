"""Clothes: the mesh below a neckline in one plain cloth."""

import torch
from torch import Tensor

from ferkit.synthetic.people import Person
from ferkit.synthetic.shade import Light, Samples, step


def below_neckline(rest: Tensor, who: Person) -> Tensor:
    """How far points of the mean head lie below the neckline `(N,)`, centimetres; negative on bare skin."""
    x, y, z = rest.unbind(1)
    line = 16.4 - 0.46 * (z - 4.5) - who.neckline  # round the neck, higher behind
    line = line + who.neck_v * (4.5 - x.abs()).clamp(min=0) * step(9.0, 6.0, z)
    return y - line


def shade_clothes(at: Samples, who: Person, light: Light) -> Tensor:
    """Dull cloth with soft folds and a seam along the neckline: `(N, 3)`."""
    x, y, z = at.rest.unbind(1)
    below = below_neckline(at.rest, who)
    folds = torch.sin(x * 0.9 + 1.5 * torch.sin(y * 0.5 + who.seed)) * torch.sin(y * 0.8 + z * 0.4 + who.seed % 7)
    seam = torch.exp(-(((below - 0.9) / 0.12) ** 2)) * 0.25 + torch.exp(-((below / 0.15) ** 2)) * 0.3
    colour = torch.tensor(who.shirt, device=at.rest.device) * (1 + 0.10 * folds - seam)[:, None]
    facing = ((at.normal @ light.direction + 0.15) / 1.15).clamp(min=0)[:, None] * at.lit[:, None]
    above = (0.5 - 0.5 * at.normal[:, 1:2]) * 0.5 + 0.5
    return colour * (light.ambient * above + light.key * facing)

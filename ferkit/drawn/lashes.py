"""Eyelashes: where they grow, and how they are blended over the picture of the face."""

from functools import lru_cache

import torch
from torch import Tensor

from ferkit.drawn.head import EYE, LASH, SKIN, Head, eyeballs
from ferkit.drawn.people import Person
from ferkit.drawn.render import Raster

_REACH = 0.13  # centimetres around the roots of the lashes that they darken


@lru_cache(maxsize=4)
def lash_line(head: Head) -> Tensor:
    """How near each vertex `(V,)` of the mean head is to the lashes, in [0, 1].

    Below the eye, where lashes are thin, it is half as much.
    """
    lashes = head.rest[head.vertices_of(LASH)]
    eyes = head.rest[head.vertices_of(EYE)]
    roots = lashes[torch.cdist(lashes, eyes).amin(1) < 0.35]
    distance, nearest = torch.cdist(head.rest, roots).min(1)
    strength = torch.where(roots[nearest, 1] < 0.30, 1.0, 0.55)
    skin = torch.zeros(len(head.rest), device=head.rest.device)
    skin[head.vertices_of(SKIN)] = 1
    return strength * torch.exp(-0.5 * (distance / (_REACH * (0.4 + strength))) ** 2) * skin


def draw_lashes(canvas: Tensor, person: Person, head: Head, lashes: Raster, face: Raster) -> None:
    """Blend the lashes over the canvas `(P, 3)` where nothing stands before them."""
    if not len(lashes.pixel):
        return
    front = face.nearest(len(canvas))
    seen = torch.nonzero(lashes.inverse >= front[lashes.pixel] * 0.999).squeeze(1)
    lashes = lashes[seen]
    rest = lashes.interpolate(head.rest, head.faces[head.part == LASH])
    alpha = _lash_alpha(rest, head) * lashes.share
    cover = torch.zeros(len(canvas), 1, device=canvas.device)
    cover.index_add_(0, lashes.pixel, alpha[:, None]).clamp_(max=0.9)
    dark = torch.tensor(person.hair, device=canvas.device).clamp(max=0.08) * 0.35
    canvas.mul_(1 - cover).add_(dark * cover)


def _lash_alpha(rest: Tensor, head: Head) -> Tensor:
    """Alphas `(N,)` of points `(N, 3)` on the mean head's lashes: single hairs, thin at tips."""
    centres, _ = eyeballs(head)
    centre = torch.where(rest[:, :1] > 0, centres[1], centres[0])
    angle = torch.atan2(rest[:, 1] - centre[:, 1], (rest[:, 0] - centre[:, 0]).abs())
    from_root = (centre[:, 2] - 1.45 - rest[:, 2]).clamp(min=0)  # lashes point to the viewer
    hairs = 0.5 + 0.3 * torch.sin(angle * 83 + 2 * torch.sin(angle * 17))
    hairs = hairs + 0.2 * torch.sin(angle * 131)
    root = (1 - from_root / 0.8).clamp(0, 1)
    alpha = 0.85 * root * (hairs + 0.8 * root**2).clamp(0, 1)
    return alpha * torch.where(rest[:, 1] < centre[:, 1], 1.0, 0.22)

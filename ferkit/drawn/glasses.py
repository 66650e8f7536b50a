"""Glasses: two rims, a bridge and temples as flat strips, and lenses that reflect a little."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ferkit.drawn.head import EARS, Head
from ferkit.drawn.landmarks import eye_centres, landmark_points
from ferkit.drawn.people import Person
from ferkit.drawn.render import vertex_normals
from ferkit.drawn.shade import Light, smooth_step

_CORNERS = 36  # of a rim
_LENS_WIDTH = 2.45  # half of it, centimetres
_LENS_DISTANCE = 0.25  # centimetres that lenses stand before the bone between the brows

_Strip = tuple[Tensor, Tensor]  # its two edges, each (n, 3)


@dataclass(frozen=True, eq=False)
class Glasses:
    """Glasses on one head at rest, `V` vertices and `F` triangles."""

    points: Tensor  # (V, 3)
    normal: Tensor  # (V, 3)
    faces: Tensor  # (F, 3)
    lens: Tensor  # (F,) bool, whether a triangle is part of a lens
    table: Tensor  # (V, 2), the place on a lens


def fit_glasses(person: Person, rest: Tensor, head: Head) -> Glasses | None:
    """Fit glasses to a face whose vertices at rest are `rest` (V, 3).

    Returns None where the person wears none.
    """
    if not person.glasses:
        return None
    landmarks = landmark_points(rest)
    ears = rest[head.masks[:, EARS] > 0.5]
    front = float(landmarks[[21, 22, 27], 2].min()) - _LENS_DISTANCE
    strips = []
    lenses = []
    for side, eye in zip((-1, 1), eye_centres(rest), strict=True):
        inner, outer = _make_rim(person, eye, front)
        lenses.append(inner)
        upper, lower = _make_temple(person, outer, ears[ears[:, 0] * side > 0], side)
        # A temple is seen from within, too.
        strips += [(inner, outer), (upper, lower), (lower, upper)]
    strips.append(_make_bridge(person, lenses))
    return _join(strips, lenses, rest.device)


def shade_glasses(
    table: Tensor, person: Person, light: Light, lens: Tensor
) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` and alphas `(N,)` of samples.

    `table` (N, 5) is the place on the lens (2), then what `light_glasses` returns.
    """
    x, y, diffuse, gloss, above = table.unbind(1)
    colour = torch.tensor(person.glasses_colour, device=table.device)
    rim = colour * (light.ambient * above[:, None] + light.key * diffuse[:, None])
    rim = rim + 0.15 * (gloss**24)[:, None] * light.key
    slant = x + 0.8 * y
    streak = smooth_step(0.0, 0.5, slant + 0.9) * smooth_step(0.3, -0.2, slant + 0.2)
    streak = streak * smooth_step(0.6, -0.4, y)
    window = (light.ambient * 0.9 + light.key * 0.6).expand(len(table), 3)
    alpha = torch.where(lens, 0.01 + 0.045 * streak, 1.0)
    return torch.where(lens[:, None], window, rim), alpha


def light_glasses(glasses: Glasses, turn: Tensor, light: Light) -> Tensor:
    """Light at each vertex `(V, 3)`: diffuse, nearness of the highlight, light from above."""
    normal = glasses.normal @ turn.T
    half = light.direction + torch.tensor([0.0, 0.0, -1.0], device=turn.device)
    diffuse = (normal @ light.direction).abs() * 0.8 + 0.1
    gloss = (normal @ half / half.norm()).clamp(min=0)
    return torch.stack([diffuse, gloss, 0.5 - 0.3 * normal[:, 1]], 1)


def _make_rim(person: Person, eye: Tensor, front: float) -> _Strip:
    """Inner and outer edge of a rim, a circle to a rounded rectangle, bent round the face."""
    angle = torch.linspace(0, 2 * torch.pi, _CORNERS + 1)
    power = 2 / (2.0 + 2.5 * person.glasses_shape)
    x = angle.cos().sign() * angle.cos().abs() ** power
    y = angle.sin().sign() * angle.sin().abs() ** power
    x = x * (1 - 0.10 * y.clamp(min=0))  # narrower below
    centre = torch.stack([eye[0].cpu() * 1.05, eye[1].cpu() + 0.25])
    edges = []
    for thickest in (0.0, person.glasses):
        thickness = thickest * torch.where(y < 0.2, 1.0, 0.75)
        across = centre[0] + x * (_LENS_WIDTH + thickness)
        down = centre[1] + y * (person.glasses_height + thickness)
        depth = front + 0.022 * across**2 + 0.06 * (down - centre[1])
        edges.append(torch.stack([across, down, depth], 1))
    return edges[0], edges[1]


def _make_temple(person: Person, rim: Tensor, ear: Tensor, side: int) -> _Strip:
    """Upper and lower edge `(2, 3)` of the strip from a rim's outer edge to the ear."""
    hinge = rim[int((rim[:, 0] * side).argmax())] + torch.tensor([-0.1 * side, -0.5, 0.05])
    across = float(ear[:, 0].mul(side).min() + 0.5) * side
    end = torch.tensor([across, float(ear[:, 1].min()) + 0.2, float(ear[:, 2].mean())])
    middle = torch.stack([hinge, end])
    half = torch.tensor([0.0, 0.12 + 0.5 * person.glasses, 0.0])
    return middle - half, middle + half


def _make_bridge(person: Person, lenses: list[Tensor]) -> _Strip:
    """Lower and upper edge `(5, 3)` of the strip over the nose."""
    right, left = (lens[int(lens[:, 0].abs().argmin())] for lens in lenses)
    share = torch.linspace(0, 1, 5)[:, None]
    middle = right * (1 - share) + left * share + torch.tensor([0.0, -0.35, -0.05])
    middle[:, 1] -= 0.9 * (share * (1 - share))[:, 0]
    half = torch.tensor([0.0, 0.04 + 0.45 * person.glasses, 0.0])
    return middle + half, middle - half


def _join(strips: list[_Strip], lenses: list[Tensor], device: torch.device) -> Glasses:
    """Join all strips and lenses to one mesh."""
    points = []
    faces = []
    table = []
    lens = []
    count = 0
    for inner, outer in strips:
        n = len(inner)
        a = torch.arange(n - 1) + count
        points += [inner, outer]
        faces += [torch.stack([a, a + n, a + n + 1], 1), torch.stack([a, a + n + 1, a + 1], 1)]
        table.append(torch.zeros(2 * n, 2))
        lens.append(torch.zeros(2 * (n - 1), dtype=torch.bool))
        count += 2 * n
    for edge in lenses:
        n = len(edge)
        a = torch.arange(n - 1) + count
        middle = edge[:-1].mean(0, keepdim=True)
        points += [edge, middle]
        faces.append(torch.stack([a, a + 1, torch.full_like(a, count + n)], 1))
        table.append((torch.cat([edge, middle]) - middle)[:, :2] / _LENS_WIDTH)
        lens.append(torch.ones(n - 1, dtype=torch.bool))
        count += n + 1
    all_points = torch.cat(points).to(device)
    all_faces = torch.cat(faces).to(device)
    return Glasses(
        all_points,
        vertex_normals(all_points, all_faces),
        all_faces,
        torch.cat(lens).to(device),
        torch.cat(table).to(device),
    )

"""Glasses: two rims, a bridge and the temples to the ears as flat strips, and lenses that reflect a little."""

from dataclasses import dataclass

import torch
from torch import Tensor

from ferkit.synthetic.head import MASKS, Head
from ferkit.synthetic.people import Person
from ferkit.synthetic.points import landmark_points
from ferkit.synthetic.render import vertex_normals
from ferkit.synthetic.shade import Light, step

CORNERS = 36  # of a rim
WIDTH = 2.45  # half of a lens's width, centimetres
AWAY = 0.25  # how far the lenses stand before the bone between the brows
EARS = tuple(MASKS).index("ears")


@dataclass(frozen=True, eq=False)
class Glasses:
    """Glasses on one head at rest. Shapes: points, normal (V, 3); faces (F, 3); lens (F,) bool; table (V, 2), the place on a lens."""

    points: Tensor
    normal: Tensor
    faces: Tensor
    lens: Tensor
    table: Tensor


def fit(who: Person, rest: Tensor, head: Head) -> Glasses | None:
    """The glasses of a person whose face at rest has the vertices `rest`; None where the person wears none."""
    if not who.glasses:
        return None
    marks = landmark_points(rest, head)
    ears = rest[head.masks[:, EARS] > 0.5]
    front = float(marks[[21, 22, 27], 2].min()) - AWAY
    strips, lenses = [], []
    for side, eye in ((-1, marks[36:42].mean(0)), (1, marks[42:48].mean(0))):
        inner, outer = _rim(who, eye, side, front)
        strips.append((inner, outer))
        lenses.append(inner)
        ear = ears[ears[:, 0] * side > 0]
        hinge = outer[int((outer[:, 0] * side).argmax())] + torch.tensor([-0.1 * side, -0.5, 0.05])
        end = torch.tensor(
            [float(ear[:, 0].mul(side).min() + 0.5) * side, float(ear[:, 1].min()) + 0.2, float(ear[:, 2].mean())]
        )
        way = torch.stack([hinge, end])
        thick = torch.tensor([0.0, 0.12 + 0.5 * who.glasses, 0.0])
        strips.append((way - thick, way + thick))
        strips.append((way + thick, way - thick))  # seen from within, too
    strips.append(_bridge(who, lenses))
    return _joined(strips, lenses, rest.device)


def shade_glasses(table: Tensor, who: Person, light: Light, lens: Tensor) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` and alphas `(N,)`; `table` (N, 5): place on the lens (2), then what `light_on` says."""
    x, y, diffuse, gloss, above = table.unbind(1)
    colour = torch.tensor(who.glasses_colour, device=table.device)
    rim = (
        colour * (light.ambient * above[:, None] + light.key * diffuse[:, None])
        + 0.15 * (gloss**24)[:, None] * light.key
    )
    slant = x + 0.8 * y
    streak = step(0.0, 0.5, slant + 0.9) * step(0.3, -0.2, slant + 0.2) * step(0.6, -0.4, y)
    glow = light.ambient * 0.9 + light.key * 0.6
    window = glow.expand(len(table), 3)
    alpha = torch.where(lens, 0.01 + 0.045 * streak, 1.0)
    return torch.where(lens[:, None], window, rim), alpha


def light_on(glasses: Glasses, turn: Tensor, light: Light) -> Tensor:
    """Light at every vertex `(V, 3)`: diffuse, how near the highlight is, light from above."""
    normal = glasses.normal @ turn.T
    half = light.direction + torch.tensor([0.0, 0.0, -1.0], device=turn.device)
    diffuse = (normal @ light.direction).abs() * 0.8 + 0.1
    return torch.stack([diffuse, (normal @ half / half.norm()).clamp(min=0), 0.5 - 0.3 * normal[:, 1]], 1)


def _rim(who: Person, eye: Tensor, side: int, front: float) -> tuple[Tensor, Tensor]:
    """Inner and outer edge of one rim `(CORNERS + 1, 3)`: from a circle to a rounded rectangle, bent around the face."""
    angle = torch.linspace(0, 2 * torch.pi, CORNERS + 1)
    power = 2 / (2.0 + 2.5 * who.glasses_shape)
    x = angle.cos().sign() * angle.cos().abs() ** power
    y = angle.sin().sign() * angle.sin().abs() ** power
    x = x * (1 - 0.10 * y.clamp(min=0))  # narrower below
    centre = torch.stack([eye[0].cpu() * 1.05, eye[1].cpu() + 0.25])
    edges = []
    for thick in (0.0, who.glasses):
        thicker = thick * torch.where(y < 0.2, 1.0, 0.75)
        across, down = centre[0] + x * (WIDTH + thicker), centre[1] + y * (who.glasses_height + thicker)
        edges.append(torch.stack([across, down, front + 0.022 * across**2 + 0.06 * (down - centre[1])], 1))
    return (edges[0], edges[1]) if side else (edges[1], edges[0])


def _bridge(who: Person, lenses: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Lower and upper edge of the strip over the nose `(5, 3)`."""
    right, left = (lens[int(lens[:, 0].abs().argmin())] for lens in lenses)
    share = torch.linspace(0, 1, 5)[:, None]
    middle = right * (1 - share) + left * share + torch.tensor([0.0, -0.35, -0.05])
    middle[:, 1] -= 0.9 * (share * (1 - share))[:, 0]
    half = torch.tensor([0.0, 0.04 + 0.45 * who.glasses, 0.0])
    return middle + half, middle - half


def _joined(strips: list[tuple[Tensor, Tensor]], lenses: list[Tensor], device: torch.device) -> Glasses:
    """One mesh of all strips and lenses."""
    points, faces, table, lens, count = [], [], [], [], 0
    for inner, outer in strips:
        n = len(inner)
        a = torch.arange(n - 1) + count
        points += [inner, outer]
        faces.append(torch.cat([torch.stack([a, a + n, a + n + 1], 1), torch.stack([a, a + n + 1, a + 1], 1)]))
        table.append(torch.zeros(2 * n, 2))
        lens.append(torch.zeros(2 * (n - 1), dtype=torch.bool))
        count += 2 * n
    for edge in lenses:
        n = len(edge)
        a = torch.arange(n - 1) + count
        middle = edge[:-1].mean(0, keepdim=True)
        points += [edge, middle]
        faces.append(torch.stack([a, a + 1, torch.full_like(a, count + n)], 1))
        place = (torch.cat([edge, middle]) - middle)[:, :2] / WIDTH
        table.append(place)
        lens.append(torch.ones(n - 1, dtype=torch.bool))
        count += n + 1
    all_points, all_faces = torch.cat(points).to(device), torch.cat(faces).to(device)
    return Glasses(
        all_points,
        vertex_normals(all_points, all_faces),
        all_faces,
        torch.cat(lens).to(device),
        torch.cat(table).to(device),
    )

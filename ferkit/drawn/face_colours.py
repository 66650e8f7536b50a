"""The colours of the samples of a face: each part of the head is shaded by its own rule."""

from collections.abc import Callable
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.drawn import shade
from ferkit.drawn.creases import crease_strengths
from ferkit.drawn.head import (
    CLOTHES,
    EYE,
    LOWER_TEETH,
    SKIN,
    TONGUE,
    UPPER_TEETH,
    Head,
    eye_vertices,
    eyeballs,
)
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.lashes import lash_line
from ferkit.drawn.model import PersonModel
from ferkit.drawn.projection import Projection
from ferkit.drawn.render import Raster, vertex_normals
from ferkit.drawn.scene import Scene
from ferkit.drawn.surface import hollows, light_seen, sky_seen, surroundings
from ferkit.drawn.worn import below_neckline, shade_clothes

_SHADOW_SIZE = 80  # pixels across the shadow map
_SHADOW_BLUR = 1.5  # pixels of it, at a softness of 1
_DEEPENED = 2.4  # exponent of how much of the sky is seen


def shade_face(
    face: PersonModel,
    head: Head,
    raster: Raster,
    posed: Tensor,
    amounts: np.ndarray,
    scene: Scene,
    projection: Projection,
) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` in linear light and parts `(N,)`, in which clothes differ from skin.

    `posed` (V, 3) are the head's vertices in camera coordinates; the triangles of `raster` are
    those of `face.shown`.
    """
    person = face.person
    light = shade.light_of(scene, posed.device)
    samples = _gather_samples(head, head.faces.index_select(0, face.shown), raster, posed, light)
    part = head.part[face.shown[raster.triangle]]
    clothed = (part == SKIN) & (below_neckline(samples.rest, person) > 0)
    part = torch.where(clothed, CLOTHES, part)
    lids = _lids_on_eyeballs(head, posed, projection.turn)
    opening = _lip_opening(head, face.rest, posed, projection.turn)

    def shade_skin(skin: shade.Samples) -> Tensor:
        painted = _painted_at(skin.rest, face, head, amounts, scene, projection)
        return shade.shade_skin(skin, person, painted, light, projection.turn.T[:2], opening)

    def shade_eyes(eyes: shade.Samples) -> Tensor:
        gaze = eyes.normal @ projection.turn
        return shade.shade_eyes(eyes, person, light, eyeballs(head), gaze, lids)

    shaders: dict[int, Callable[[shade.Samples], Tensor]] = {
        SKIN: shade_skin,
        CLOTHES: partial(shade_clothes, person=person, light=light),
        EYE: shade_eyes,
        UPPER_TEETH: partial(shade.shade_teeth, light=light, upper=True, opening=opening),
        LOWER_TEETH: partial(shade.shade_teeth, light=light, upper=False, opening=opening),
        TONGUE: partial(shade.shade_tongue, light=light),
    }
    colour = torch.zeros(len(part), 3, device=part.device)
    for index, shader in shaders.items():
        chosen = torch.nonzero(part == index).squeeze(1)
        if len(chosen):
            colour[chosen] = shader(samples[chosen])
    return colour, part


def _gather_samples(
    head: Head, faces: Tensor, raster: Raster, posed: Tensor, light: shade.Light
) -> shade.Samples:
    """What shading needs to know of each sample, interpolated from the vertices."""
    normals = vertex_normals(posed, head.faces)
    hollow = hollows(posed, normals, surroundings(head))
    blur = _SHADOW_BLUR * light.softness
    blocked = 1 - light_seen(posed, faces, light.direction, _SHADOW_SIZE, (0.4, 0.4), blur)
    changing = torch.stack([hollow, 1 - 0.8 * blocked], 1)
    table = torch.cat([head.rest, normals, head.masks, changing, _fixed_details(head)], 1)
    values = raster.interpolate(table, faces)
    rest, normal, masks, others = values.split([3, 3, head.masks.shape[1], 4], 1)
    normal = F.normalize(normal, dim=1)
    hollow, lit, sky, lash = others.unbind(1)
    return shade.Samples(rest, normal, masks, hollow, lit.clamp(0, 1), sky, lash)


@lru_cache(maxsize=4)
def _fixed_details(head: Head) -> Tensor:
    """What each vertex sees of the sky, a little deepened, and its nearness to lashes `(V, 2)`."""
    return torch.stack([sky_seen(head) ** _DEEPENED, lash_line(head)], 1)


def _painted_at(
    rest: Tensor,
    face: PersonModel,
    head: Head,
    amounts: np.ndarray,
    scene: Scene,
    projection: Projection,
) -> Tensor:
    """Colour and slopes `(N, 5)` of the painted skin with its creases, as fine as pixels are."""
    right, left = crease_strengths(amounts, head.action_names)
    creases = (right * scene.wrinkles, left * scene.wrinkles)
    map_points_per_pixel = face.resolution / projection.pixels_per_centimetre
    coarse = 8
    while coarse > 1 and coarse > 1.1 * map_points_per_pixel:
        coarse //= 2
    return shade.painted_at(face.skin, creases, rest, face.resolution, scene.texture, coarse)


def _lids_on_eyeballs(head: Head, posed: Tensor, turn: Tensor) -> Tensor:
    """Where the landmarks of the lids lie on each eyeball `(2, 6, 2)`.

    They are seen from the front of the face, in radii of the eyeball from its centre.
    """
    landmarks = landmark_points(posed)
    places = []
    for lids, ball in zip((landmarks[36:42], landmarks[42:48]), eye_vertices(head), strict=True):
        centre = posed[ball].mean(0)
        radius = (posed[ball] - centre).norm(dim=1).mean()
        places.append(((lids - centre) @ turn / radius)[:, :2])
    return torch.stack(places)


def _lip_opening(head: Head, rest: Tensor, posed: Tensor, turn: Tensor) -> float:
    """How much further apart the lips are than at rest, centimetres."""
    upper, lower = _lip_edges(head)
    now = (posed[lower] - posed[upper]) @ turn[:, 1]
    at_rest = (rest[lower] - rest[upper])[1]
    return max(0.0, float(now - at_rest))


@lru_cache(maxsize=4)
def _lip_edges(head: Head) -> tuple[int, int]:
    """The vertices in the middle of the upper and of the lower lip where they meet."""
    places = head.rest.new_tensor([[0.0, 7.23, -3.11], [0.0, 7.41, -3.19]])
    upper, lower = torch.cdist(places, head.rest).argmin(1).tolist()
    return upper, lower

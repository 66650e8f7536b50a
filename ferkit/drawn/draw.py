"""Draw one person with one expression in one scene, and say what is true of the picture."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ferkit.drawn.actions import limit_actions
from ferkit.drawn.camera import background, develop
from ferkit.drawn.face_colours import shade_face
from ferkit.drawn.head import BACKGROUND, GLASSES, HAIR, LASH, SKIN, Head
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.lashes import draw_lashes
from ferkit.drawn.model import MEDIUM_SIZE, PersonModel
from ferkit.drawn.projection import make_projection
from ferkit.drawn.render import Raster, rasterize
from ferkit.drawn.scene import Scene
from ferkit.drawn.shade import light_of
from ferkit.drawn.surface import surface_kinds
from ferkit.drawn.worn import Cover, draw_before, draw_behind, sample_worn

_SMALL_FACE = 28  # pixels between the eyes


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture and its truth.

    Shapes: `image` (S, S, 3) uint8; `landmarks` (68, 2); `parts` (S, S) uint8, an index of
    HEAD_PARTS, CLOTHES, GLASSES, HAIR or BACKGROUND; `motion` (S, S) float32, by how many pixels
    the expression moved what is seen there (0 for the background, hair and glasses).
    """

    image: np.ndarray
    landmarks: np.ndarray
    parts: np.ndarray
    motion: np.ndarray

    @property
    def skin(self) -> np.ndarray:
        """Where skin is seen, `(S, S)` bool."""
        return self.parts == SKIN


def draw(
    face: PersonModel,
    head: Head,
    amounts: np.ndarray,
    scene: Scene,
    size: int = 224,
    *,
    seed: int = 0,
    rays: int | None = None,
) -> Frame:
    """Draw a picture of `size` x `size` pixels.

    `amounts` (52,) are those of the facial actions. `seed` decides the camera's noise and the
    background. Each pixel has `rays` x `rays` rays (2 up to 256 pixels, else 1). Raises ValueError
    unless there is one amount for each action of the head.
    """
    if np.shape(amounts) != (len(head.action_names),):
        raise ValueError(
            f"expected {len(head.action_names)} amounts of facial actions, "
            f"got shape {np.shape(amounts)}"
        )
    if rays is None:
        rays = 2 if size <= MEDIUM_SIZE else 1
    device = face.rest.device
    projection = make_projection(scene, face.eye_span, size, device)
    limited = limit_actions(amounts, head.action_names)
    shift = torch.as_tensor(limited, dtype=torch.float32, device=device) @ head.actions.flatten(1)
    expressive = face.rest + shift.view_as(face.rest)
    posed = projection.pose(expressive)
    xy, depth = projection.to_pixels(posed)

    faces = head.faces.index_select(0, face.shown)
    kind = _ray_kinds(face, head, scene.scale * size)
    raster = rasterize(xy, depth, faces, size, rays=rays, part=kind)
    colour, part = shade_face(face, head, raster, posed, amounts, scene, projection)
    covered = torch.zeros(size * size, 1, device=device)
    raster.add_to(covered, torch.ones_like(raster.share)[:, None])
    light = light_of(scene, device)
    worn = sample_worn(face.person, face.worn, projection, raster, covered, light, rays)

    canvas = background(scene, size, seed, device)
    draw_behind(canvas, worn, covered)
    canvas *= 1 - covered
    raster.add_to(canvas, colour)
    lashes = rasterize(xy, depth, head.faces[head.part == LASH], size, rays=rays)
    draw_lashes(canvas, face.person, head, lashes, raster)
    cover = draw_before(canvas, worn, covered, light, projection.pixels_per_centimetre)

    xy_at_rest, _ = projection.project(face.rest)
    motion = (xy - xy_at_rest).norm(dim=1)[:, None]
    flow = torch.zeros(size * size, 1, device=device)
    raster.add_to(flow, raster.interpolate(motion, faces))
    flow *= 1 - (cover.hair + cover.rims)[:, None].clamp(max=1)
    landmarks, _ = projection.project(landmark_points(expressive))
    linear = canvas.view(size, size, 3).cpu().numpy()
    return Frame(
        develop(linear, scene, np.random.default_rng([seed, 5])),
        landmarks.cpu().numpy().astype(np.float64),
        _label_pixels(part, raster, cover).view(size, size).cpu().numpy(),
        flow.view(size, size).cpu().numpy(),
    )


def _ray_kinds(face: PersonModel, head: Head, eye_distance: float) -> Tensor:
    """Which triangles of `face.shown` (n,) may share one sample in a pixel: those of one kind.

    In a small face a pixel spans several triangles, so each of its rays is shaded.
    """
    if eye_distance < _SMALL_FACE:
        return torch.arange(len(face.shown), device=face.shown.device)
    return surface_kinds(head).index_select(0, face.shown)


def _label_pixels(part: Tensor, raster: Raster, cover: Cover) -> Tensor:
    """The part that each pixel shows `(P,)` uint8: of several, that of the last sample."""
    order = torch.arange(len(part), device=part.device)
    last = torch.full((len(cover.hair),), -1, device=part.device)
    last.scatter_reduce_(0, raster.pixel, order, "amax")
    parts = torch.cat([part, part.new_tensor([BACKGROUND])])[last].to(torch.uint8)
    parts[cover.hair > 0.5] = HAIR
    parts[cover.rims > 0.4] = GLASSES
    return parts

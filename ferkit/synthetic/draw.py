"""A picture of one person with one expression in one scene, with everything that is true of it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic import clothes, hair, shade
from ferkit.synthetic.camera import background, develop
from ferkit.synthetic.head import PARTS, Head
from ferkit.synthetic.people import Person, neutral_shape
from ferkit.synthetic.points import landmark_points
from ferkit.synthetic.render import Raster, rasterize, vertex_normals
from ferkit.synthetic.scene import Scene, rotation
from ferkit.synthetic.skin import Skin, fold_strengths, paint
from ferkit.synthetic.surface import kinds, lash_line, sky, visible
from ferkit.synthetic.worn import Worn, draw_before, draw_behind, dress, layers

SKIN, EYE, LASH = PARTS.index("skin"), PARTS.index("eye"), PARTS.index("lash")
UPPER_TEETH, LOWER_TEETH, TONGUE = (PARTS.index(name) for name in ("upper_teeth", "lower_teeth", "tongue"))
PIVOT = (0.0, 5.0, 8.0)  # the point a head turns around, between the ears' lower ends, centimetres
CENTRE = (0.0, 3.2, -1.0)  # the point that stands in the middle of the picture
BACKGROUND, HAIR, GLASSES, CLOTHES = 255, 254, 253, 252  # values of `Frame.parts` besides the indices of PARTS
SHADOW_SIZE = 80  # pixels across the shadow map
SMALL_FACE = 28  # pixels between the eyes


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture and its truth.

    Shapes: `image` (S, S, 3) uint8; `landmarks` (68, 2); `parts` (S, S) uint8, an index of PARTS, CLOTHES, GLASSES, HAIR or BACKGROUND;
    `motion` (S, S) float32, how many pixels the expression moved what is seen there (0 where nothing).
    """

    image: np.ndarray
    landmarks: np.ndarray
    parts: np.ndarray
    motion: np.ndarray

    @property
    def skin(self) -> np.ndarray:
        """Where skin is seen, `(S, S)` bool."""
        return self.parts == SKIN


@dataclass(frozen=True, eq=False)
class Model:
    """One person made ready for drawing: the face at rest, the painted skin, hair and glasses."""

    who: Person
    rest: Tensor  # (V, 3)
    skin: Skin
    resolution: float  # of the skin's map, pixels per centimetre
    worn: Worn
    shown: Tensor  # (n,) the triangles of the head that are drawn: not the lashes, nor what hair hides
    eye_span: float  # distance between the eyes' centres, centimetres


def model(who: Person, head: Head, size: int = 224) -> Model:
    """The person made ready for pictures of `size` pixels."""
    resolution = 12.0 if size <= 256 else 40.0
    rest = neutral_shape(who, head)
    rest[:, 1] += 4 * (head.rest[:, 1] - 19).clamp(min=0)  # the mesh ends at the shoulders, pictures may not
    eyes = landmark_points(rest, head)[36:48]
    span = float((eyes[6:].mean(0) - eyes[:6].mean(0)).norm())
    shown = torch.nonzero(hair.uncovered(who, head) & (head.part != LASH)).squeeze(1)
    return Model(who, rest, paint(who, resolution, rest.device), resolution, dress(who, rest, head), shown, span)


def draw(
    face: Model,
    head: Head,
    amounts: np.ndarray,
    scene: Scene,
    size: int = 224,
    *,
    seed: int = 0,
    rays: int | None = None,
) -> Frame:
    """The picture of `size` x `size` pixels, from `rays` x `rays` rays per pixel (2 up to 256 pixels, else 1).

    `amounts` (52,) are the facial actions; `seed` is for the camera's noise and the background. Raises ValueError when
    there is not one amount for each action of the head.
    """
    if np.shape(amounts) != (len(head.action_names),):
        raise ValueError(f"expected {len(head.action_names)} amounts of facial actions, got shape {np.shape(amounts)}")
    rays = rays or (2 if size <= 256 else 1)
    device = face.rest.device
    moved = torch.as_tensor(amounts, dtype=torch.float32, device=device) @ head.actions.flatten(1)
    expressive = face.rest + moved.view_as(face.rest)
    turned, still = (_pose(points, scene) for points in (expressive, face.rest))
    xy, depth = _project(turned, scene, face, size)
    motion = (xy - _project(still, scene, face, size)[0]).norm(dim=1)

    lash = head.part == LASH
    faces, part = head.faces.index_select(0, face.shown), head.part.index_select(0, face.shown)
    small = scene.scale * size < SMALL_FACE  # then a pixel spans several triangles, and each of its rays is shaded
    kind = torch.arange(len(faces), device=device) if small else _kinds(head)[face.shown]
    raster = rasterize(xy, depth, faces, size, rays=rays, part=kind)
    part = part.index_select(0, raster.triangle)
    colour, part = _shade(face, head, faces, part, raster, turned, amounts, scene, size)
    share = raster.share[:, None]
    covered = torch.zeros(size * size, 1, device=device).index_add_(0, raster.pixel, share)
    light = shade.light_of(scene, device)

    def camera(points: Tensor) -> tuple[Tensor, Tensor]:
        return _project(_pose(points, scene), scene, face, size)

    worn = layers(face.who, face.worn, camera, _turn(scene, device), raster, covered, light, rays)
    canvas = background(scene, size, seed, device)
    draw_behind(canvas, worn, covered)
    canvas *= 1 - covered
    canvas.index_add_(0, raster.pixel, colour * share)
    _draw_lashes(canvas, face.who, head, rasterize(xy, depth, head.faces[lash], size, rays=rays), raster)

    cover = draw_before(canvas, worn, covered, light, scene.scale * size / face.eye_span)

    order = torch.arange(len(part), device=device)  # where a pixel shows several parts, the last sample's is told
    last = torch.full((size * size,), -1, device=device).scatter_reduce_(0, raster.pixel, order, "amax")
    parts = torch.cat([part, part.new_tensor([BACKGROUND])])[last].to(torch.uint8)
    parts[cover.hair > 0.5], parts[cover.rims > 0.4] = HAIR, GLASSES
    flow = torch.zeros(size * size, 1, device=device)
    flow.index_add_(0, raster.pixel, raster.interpolate(motion[:, None], faces) * share)
    flow *= 1 - (cover.hair + cover.rims)[:, None].clamp(max=1)

    landmarks = _project(_pose(landmark_points(expressive, head), scene), scene, face, size)[0]
    return Frame(
        develop(canvas.view(size, size, 3).cpu().numpy(), scene, np.random.default_rng([seed, 5])),
        landmarks.cpu().numpy().astype(np.float64),
        parts.view(size, size).cpu().numpy(),
        flow.view(size, size).cpu().numpy(),
    )


def _pose(points: Tensor, scene: Scene) -> Tensor:
    """The points in camera coordinates: turned around the pivot, `scene.distance` away."""
    turn = _turn(scene, points.device)
    pivot = torch.tensor(PIVOT, device=points.device)
    centre = torch.tensor(CENTRE, device=points.device)
    middle = (centre - pivot) @ turn.T  # where the face's centre goes: it stays in the middle of the picture
    return (points - pivot) @ turn.T - middle + torch.tensor([0.0, 0.0, scene.distance], device=points.device)


def _turn(scene: Scene, device: torch.device) -> Tensor:
    return torch.as_tensor(rotation(scene.yaw, scene.pitch, scene.roll), dtype=torch.float32, device=device)


def _project(points: Tensor, scene: Scene, face: Model, size: int) -> tuple[Tensor, Tensor]:
    """Pixels `(N, 2)` and depths `(N,)` of points in camera coordinates."""
    focal = scene.scale * size * scene.distance / face.eye_span
    offset = torch.tensor([0.5 + scene.shift_x, 0.53 + scene.shift_y], device=points.device) * size
    zoom = torch.tensor([focal / scene.aspect, focal], device=points.device)
    return points[:, :2] / points[:, 2:] * zoom + offset, points[:, 2]


def _shade(
    face: Model,
    head: Head,
    faces: Tensor,
    part: Tensor,
    raster: Raster,
    turned: Tensor,
    amounts: np.ndarray,
    scene: Scene,
    size: int,
) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` in linear light, and the parts `(N,)` with clothes told from skin."""
    who, light = face.who, shade.light_of(scene, turned.device)
    at = _samples(head, faces, raster, turned, light)
    part = torch.where((part == SKIN) & (clothes.below_neckline(at.rest, who) > 0), CLOTHES, part)
    right, left = fold_strengths(amounts, head.action_names)
    folds = right * scene.wrinkles, left * scene.wrinkles
    turn = _turn(scene, turned.device)
    footprint = face.resolution * face.eye_span / (scene.scale * size)  # map points in a pixel
    coarse = next(step for step in (8, 4, 2, 1) if step == 1 or step <= 1.1 * footprint)
    lids, opening = _lids_and_lips(head, face.rest, turned, turn)

    def skin(at: shade.Samples) -> Tensor:
        painted = shade.painted_at(face.skin, folds, at.rest, face.resolution, scene.texture, coarse)
        return shade.shade_skin(at, who, painted, light, turn.T[:2], opening)

    shaders = {
        SKIN: skin,
        CLOTHES: lambda at: clothes.shade_clothes(at, who, light),
        EYE: lambda at: shade.shade_eyes(at, who, light, _eyes(head), at.normal @ turn, lids),
        UPPER_TEETH: lambda at: shade.shade_teeth(at, light, True, opening),
        LOWER_TEETH: lambda at: shade.shade_teeth(at, light, False, opening),
        TONGUE: lambda at: shade.shade_tongue(at, light),
    }
    colour = torch.zeros(len(part), 3, device=part.device)
    for index, shader in shaders.items():
        where = torch.nonzero(part == index).squeeze(1)
        if len(where):
            colour[where] = shader(at[where])
    return colour, part


def _samples(head: Head, faces: Tensor, raster: Raster, turned: Tensor, light: shade.Light) -> shade.Samples:
    """What the shading needs to know, from the vertices to the samples."""
    normals = vertex_normals(turned, head.faces)
    hollow = shade.hollows(turned, normals, _surroundings(head))
    lit = 1 - 0.8 * (1 - visible(turned, faces, light.direction, SHADOW_SIZE, (0.4, 0.4), blur=1.5))
    known = [head.rest, normals, head.masks, torch.stack([hollow, lit], 1), _details(head)]
    table = raster.interpolate(torch.cat(known, 1), faces)
    rest, normal, masks, hollow, lit, sky, lash = table.split([3, 3, head.masks.shape[1], 1, 1, 1, 1], 1)
    lit = lit[:, 0].clamp(0, 1)
    return shade.Samples(rest, F.normalize(normal, dim=1), masks, hollow[:, 0], lit, sky[:, 0], lash[:, 0])


def _lids_and_lips(head: Head, rest: Tensor, turned: Tensor, turn: Tensor) -> tuple[Tensor, float]:
    """Where the lids' landmarks lie on each eyeball `(2, 6, 2)`, in its radii seen from the face's front; how much further apart the
    lips are than at rest, centimetres."""
    points = landmark_points(turned, head)
    out = []
    for lids, side in zip((points[36:42], points[42:48]), _balls(head), strict=True):
        ball = turned[side]
        centre = ball.mean(0)
        out.append(((lids - centre) @ turn / (ball - centre).norm(dim=1).mean())[:, :2])
    upper, lower = _rims(head)
    parted = (turned[lower] - turned[upper]) @ turn[:, 1] - (rest[lower] - rest[upper])[1]
    return torch.stack(out), max(0.0, float(parted))


def _draw_lashes(canvas: Tensor, who: Person, head: Head, lashes: Raster, face: Raster) -> None:
    """Blend the lashes over the canvas where nothing stands before them."""
    if not len(lashes.pixel):
        return
    front = torch.zeros(len(canvas), device=canvas.device).scatter_reduce_(0, face.pixel, face.inverse, "amax")
    visible = torch.nonzero(lashes.inverse >= front[lashes.pixel] * 0.999).squeeze(1)
    rest = lashes[visible].interpolate(head.rest, head.faces[head.part == LASH])
    centres, _ = _eyes(head)
    centre = torch.where(rest[:, :1] > 0, centres[1], centres[0])
    angle = torch.atan2(rest[:, 1] - centre[:, 1], (rest[:, 0] - centre[:, 0]).abs())
    away = (centre[:, 2] - 1.45 - rest[:, 2]).clamp(min=0)  # lashes stand out towards the viewer
    hairs = 0.5 + 0.3 * torch.sin(angle * 83 + 2 * torch.sin(angle * 17)) + 0.2 * torch.sin(angle * 131)
    root = (1 - away / 0.8).clamp(0, 1)
    alpha = 0.85 * root * (hairs + 0.8 * root**2).clamp(0, 1)
    alpha = alpha * torch.where(rest[:, 1] < centre[:, 1], 1.0, 0.22) * lashes.share[visible]
    cover = torch.zeros(len(canvas), 1, device=canvas.device)
    cover.index_add_(0, lashes.pixel[visible], alpha[:, None]).clamp_(max=0.9)
    dark = torch.tensor(who.hair, device=canvas.device).clamp(max=0.08) * 0.35
    canvas.mul_(1 - cover).add_(dark * cover)


@lru_cache(maxsize=4)
def _surroundings(head: Head) -> tuple[Tensor, Tensor]:
    return shade.surroundings(head)


@lru_cache(maxsize=4)
def _details(head: Head) -> Tensor:
    """What every vertex sees of the sky, a little deepened, and how near it is to the lashes `(V, 2)`."""
    return torch.stack([sky(head) ** 1.3, lash_line(head)], 1)


@lru_cache(maxsize=4)
def _kinds(head: Head) -> Tensor:
    return kinds(head)


@lru_cache(maxsize=4)
def _rims(head: Head) -> tuple[int, int]:
    """The vertices in the middle of the upper and of the lower lip where they meet."""
    places = head.rest.new_tensor([[0.0, 7.23, -3.11], [0.0, 7.41, -3.19]])
    upper, lower = torch.cdist(places, head.rest).argmin(1).tolist()
    return upper, lower


@lru_cache(maxsize=4)
def _balls(head: Head) -> tuple[Tensor, Tensor]:
    """The vertices of the right and of the left eyeball."""
    eye = head.faces[head.part == EYE].flatten().unique()
    return eye[head.rest[eye, 0] < 0], eye[head.rest[eye, 0] > 0]


@lru_cache(maxsize=4)
def _eyes(head: Head) -> tuple[Tensor, float]:
    """Centres `(2, 3)` of the right and left eyeball of the mean head, and their radius."""
    right, left = (head.rest[ball] for ball in _balls(head))
    centres = torch.stack([(side.min(0).values + side.max(0).values) / 2 for side in (right, left)])
    return centres, float((left[:, 1].max() - left[:, 1].min()) / 2)

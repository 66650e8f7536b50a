"""A picture of one person with one expression in one scene, with everything that is true of it."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ferkit.synthetic import shade
from ferkit.synthetic.head import PARTS, Head
from ferkit.synthetic.people import Person, neutral_shape
from ferkit.synthetic.points import landmark_points
from ferkit.synthetic.render import Raster, rasterize, vertex_normals
from ferkit.synthetic.scene import Scene, rotation
from ferkit.synthetic.skin import Skin, fold_strengths, paint

SKIN, EYE, LASH = PARTS.index("skin"), PARTS.index("eye"), PARTS.index("lash")
UPPER_TEETH, LOWER_TEETH, TONGUE = (PARTS.index(name) for name in ("upper_teeth", "lower_teeth", "tongue"))
PIVOT = (0.0, 5.0, 8.0)  # the point a head turns around, between the ears' lower ends, centimetres
CENTRE = (0.0, 3.2, -1.0)  # the point that stands in the middle of the picture
BACKGROUND, HAIR = 255, 254  # values of `Frame.parts` besides the indices of PARTS
BRIGHTEST = 4.0  # linear light that is white in any case
SHADOW_SIZE = 112  # pixels across the shadow map


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture and its truth.

    Shapes: `image` (S, S, 3) uint8; `landmarks` (68, 2); `parts` (S, S) uint8, an index of PARTS, HAIR or BACKGROUND;
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
    """One person made ready for drawing: the face at rest, the painted skin, the hair's lift of every vertex, the eyes' places."""

    who: Person
    rest: Tensor  # (V, 3)
    skin: Skin
    resolution: float  # of the skin's map, pixels per centimetre
    hair: Tensor  # (V, 3)
    eye_span: float  # distance between the eyes' centres, centimetres


def model(who: Person, head: Head, size: int = 224) -> Model:
    """The person made ready for pictures of `size` pixels."""
    resolution = 12.0 if size <= 256 else 40.0
    rest = neutral_shape(who, head)
    inside = shade.scalp(head.rest, who.hairline)
    lift = shade.step(0.0, 1.8, inside) * who.hair_volume * (1 - shade.step(0.3, 0.6, head.masks[:, shade.EARS]))
    skin = torch.zeros(len(rest), dtype=torch.bool, device=rest.device)
    skin[head.faces[head.part == SKIN].flatten()] = True
    hair = vertex_normals(rest, head.faces) * (lift * skin)[:, None]
    eyes = landmark_points(rest, head)[36:48]
    span = float((eyes[6:].mean(0) - eyes[:6].mean(0)).norm())
    return Model(who, rest, paint(who, resolution, rest.device), resolution, hair, span)


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
    turned, still = (_pose(points + face.hair, scene) for points in (expressive, face.rest))
    xy, depth = _project(turned, scene, face, size)
    motion = (xy - _project(still, scene, face, size)[0]).norm(dim=1)

    lash = head.part == LASH
    faces, part = head.faces[~lash], head.part[~lash]
    raster = rasterize(xy, depth, faces, size, rays=rays, part=part)
    colour, part = _shade(face, head, faces, part.index_select(0, raster.triangle), raster, turned, amounts, scene)
    share = raster.share[:, None]
    covered = torch.zeros(size * size, 1, device=device).index_add_(0, raster.pixel, share)
    canvas = _background(scene, size, seed, device) * (1 - covered)
    canvas.index_add_(0, raster.pixel, colour * share)
    _draw_lashes(canvas, face.who, head, rasterize(xy, depth, head.faces[lash], size, rays=rays), raster)

    order = torch.arange(len(part), device=device)  # where a pixel shows several parts, the last sample's is told
    last = torch.full((size * size,), -1, device=device).scatter_reduce_(0, raster.pixel, order, "amax")
    parts = torch.cat([part, part.new_tensor([BACKGROUND])])[last].to(torch.uint8)
    flow = torch.zeros(size * size, 1, device=device)
    flow.index_add_(0, raster.pixel, raster.interpolate(motion[:, None], faces) * share)

    landmarks = _project(_pose(landmark_points(expressive, head), scene), scene, face, size)[0]
    return Frame(
        develop(canvas.view(size, size, 3).cpu().numpy(), scene, np.random.default_rng([seed, 5])),
        landmarks.cpu().numpy().astype(np.float64),
        parts.view(size, size).cpu().numpy(),
        flow.view(size, size).cpu().numpy(),
    )


def develop(linear: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The camera's part: exposure, blur, tone, grey, noise; linear light `(S, S, 3)` to uint8."""
    linear = linear * np.float32(2.0**scene.exposure)
    if scene.blur > 0:
        linear = cv2.GaussianBlur(linear, (0, 0), scene.blur * linear.shape[0] / 224)
    step = (
        np.sqrt(np.clip(linear, 0, BRIGHTEST), dtype=np.float32)
        * np.float32(len(_tone()) - 1)
        / np.float32(BRIGHTEST**0.5)
    )
    picture = _tone()[step.astype(np.int32)]
    if scene.grey:
        picture = np.repeat(picture @ np.array([[0.299], [0.587], [0.114]], np.float32), 3, axis=2)
    if scene.noise > 0:
        grain = rng.standard_normal(picture.shape[:2] + (1 if scene.grey else 3,), dtype=np.float32)
        picture = picture + np.float32(scene.noise) * grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _tone() -> np.ndarray:
    """Grey levels 0 to 255 of linear light 0 to BRIGHTEST, in even steps of its square root: sRGB, with bright parts rolled off."""
    light = BRIGHTEST * np.linspace(0, 1, 2**14) ** 2
    light = np.where(light > 0.8, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2), light)
    curve = 1.055 * np.power(np.maximum(light, 1e-8), 1 / 2.4) - 0.055
    return np.asarray(255 * np.where(light <= 0.0031308, 12.92 * light, curve), dtype=np.float32)


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
    return points[:, :2] / points[:, 2:] * focal + offset, points[:, 2]


def _shade(
    face: Model,
    head: Head,
    faces: Tensor,
    part: Tensor,
    raster: Raster,
    turned: Tensor,
    amounts: np.ndarray,
    scene: Scene,
) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` in linear light, and the parts `(N,)` with hair told from skin."""
    who, light = face.who, shade.light_of(scene, turned.device)
    at = _samples(head, faces, raster, turned, light)
    part = torch.where((part == SKIN) & _is_hair(who, at), HAIR, part)
    folds = fold_strengths(amounts, head.action_names)
    across_and_down = _turn(scene, turned.device).T[:2]

    def skin(at: shade.Samples) -> Tensor:
        painted = shade.painted_at(face.skin, folds, at.rest, face.resolution)
        return shade.shade_skin(at, who, painted, light, across_and_down)

    shaders = {
        SKIN: skin,
        HAIR: lambda at: shade.shade_hair(at, who, light),
        EYE: lambda at: shade.shade_eyes(at, who, light, *_eyes(head)),
        UPPER_TEETH: lambda at: shade.shade_teeth(at, light),
        LOWER_TEETH: lambda at: shade.shade_teeth(at, light),
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
    lit = _shadows(turned, faces, light.direction)
    table = raster.interpolate(torch.cat([head.rest, normals, head.masks, hollow[:, None], lit[:, None]], 1), faces)
    rest, normal, masks, hollow, lit = table.split([3, 3, head.masks.shape[1], 1, 1], 1)
    return shade.Samples(rest, F.normalize(normal, dim=1), masks, hollow[:, 0], lit[:, 0].clamp(0, 1))


def _is_hair(who: Person, at: shade.Samples) -> Tensor:
    """Which samples of the skin lie under the hair of the head `(N,)`: inside a ragged hairline, not on the ears."""
    if not who.hair_volume:
        return torch.zeros(len(at.rest), dtype=torch.bool, device=at.rest.device)
    table = torch.rand(256, generator=torch.Generator().manual_seed(who.seed + 3)).to(at.rest.device)
    column = (at.rest[:, 0] * 11 + at.rest[:, 2] * 7).long()
    ragged = 0.9 * table[column % 256] - 0.2
    return (shade.scalp(at.rest, who.hairline) + ragged > 0) & (at.masks[:, shade.EARS] < 0.3)


def _shadows(points: Tensor, faces: Tensor, direction: Tensor) -> Tensor:
    """How much of the main light reaches each vertex `(V,)`, 0.25 in full shadow: a small picture is drawn from the light's side."""
    up = torch.tensor([0.0, 1.0, 0.0], device=points.device)
    right = F.normalize(torch.linalg.cross(up, -direction), dim=0)
    down = torch.linalg.cross(-direction, right)
    centre = points.mean(0)
    seen = (points - centre) @ torch.stack([right, down, -direction], 1)
    scale = SHADOW_SIZE / (seen[:, :2].abs().max() * 2 + 1e-6)
    xy, depth = seen[:, :2] * scale + SHADOW_SIZE / 2, seen[:, 2] + 100
    raster = rasterize(xy, depth, faces, SHADOW_SIZE)
    nearest = torch.full((SHADOW_SIZE * SHADOW_SIZE,), 1e6, device=points.device)
    nearest[raster.pixel] = 1 / raster.inverse
    grid = (xy / SHADOW_SIZE * 2 - 1)[None, None]
    blocked = torch.zeros(len(points), device=points.device)
    reach = 1.5 * 2 / SHADOW_SIZE
    for dx, dy in ((0, 0), (reach, 0), (-reach, 0), (0, reach), (0, -reach)):  # a few places around make the edge soft
        at = grid + torch.tensor([dx, dy], device=points.device)
        front = F.grid_sample(nearest.view(1, 1, SHADOW_SIZE, SHADOW_SIZE), at, mode="nearest", align_corners=False)
        blocked += ((depth - front[0, 0, 0] - 0.5) / 0.4).clamp(0, 1) / 5
    return 1 - 0.75 * blocked


def _background(scene: Scene, size: int, seed: int, device: str | torch.device) -> Tensor:
    """A wall with a soft gradient, or a random pattern, `(size * size, 3)` in linear light."""
    rng = torch.Generator().manual_seed(seed * 31 + 7)
    angle = 2 * torch.pi * (scene.background_hue + torch.tensor([0.0, 1 / 3, 2 / 3]))
    tint = 1 + scene.background_tint * torch.cos(angle)
    wall = scene.background * tint[:, None, None].expand(3, size, size)
    y = torch.linspace(-1, 1, size)
    wall = wall * (1 - 0.12 * y[None, :, None] - 0.05 * y[None, None, :])
    if scene.clutter > 0:
        for cells in (3, 9):
            patch = torch.randn(1, 3, cells, cells, generator=rng)
            patch = F.interpolate(patch, size=(size, size), mode="bicubic", align_corners=False)[0]
            wall = wall * torch.exp(0.5 * scene.clutter * patch)
    return wall.clamp(0, 1).permute(1, 2, 0).reshape(-1, 3).contiguous().to(device)


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
    alpha = 0.75 * (0.55 + 0.45 * torch.sin(angle * 60)) * (1 - away / 0.9).clamp(0, 1)
    alpha = alpha * torch.where(rest[:, 1] < centre[:, 1], 1.0, 0.35) * lashes.share[visible]
    cover = torch.zeros(len(canvas), 1, device=canvas.device)
    cover.index_add_(0, lashes.pixel[visible], alpha[:, None]).clamp_(max=0.9)
    dark = torch.tensor(who.hair, device=canvas.device).clamp(max=0.08) * 0.35
    canvas.mul_(1 - cover).add_(dark * cover)


@lru_cache(maxsize=4)
def _surroundings(head: Head) -> tuple[Tensor, Tensor]:
    return shade.surroundings(head)


@lru_cache(maxsize=4)
def _eyes(head: Head) -> tuple[Tensor, float]:
    """Centres `(2, 3)` of the right and left eyeball of the mean head, and their radius."""
    eye = head.rest[head.faces[head.part == EYE].flatten().unique()]
    right, left = eye[eye[:, 0] < 0], eye[eye[:, 0] > 0]
    centres = torch.stack([(side.min(0).values + side.max(0).values) / 2 for side in (right, left)])
    return centres, float((left[:, 1].max() - left[:, 1].min()) / 2)

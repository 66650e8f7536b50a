"""A picture of one person with one expression in one scene, with everything that is true of it."""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from ferkit.synthetic import shade
from ferkit.synthetic.head import PARTS, Head
from ferkit.synthetic.people import Person, neutral_shape
from ferkit.synthetic.points import landmark_points
from ferkit.synthetic.render import Raster, rasterize, vertex_normals
from ferkit.synthetic.scene import Scene, rotation
from ferkit.synthetic.skin import Skin, fold_strengths, paint

SKIN, EYE, LASH = PARTS.index("skin"), PARTS.index("eye"), PARTS.index("lash")
TEETH, TONGUE = (PARTS.index("upper_teeth"), PARTS.index("lower_teeth")), PARTS.index("tongue")
PIVOT = (0.0, 5.0, 8.0)  # the point a head turns around, between the ears' lower ends, centimetres
CENTRE = (0.0, 3.2, -1.0)  # the point that stands in the middle of the picture
BACKGROUND, HAIR = 255, 254  # values of `Frame.parts` besides the indices of PARTS
SHADOW_SIZE = 112  # pixels across the shadow map


@dataclass(frozen=True)
class Frame:
    """A picture and its truth. Shapes: `image` (S, S, 3) uint8; `landmarks` (68, 2); `parts` (S, S) uint8, an index of PARTS, HAIR or
    BACKGROUND; `motion` (S, S) float32, how many pixels the expression moved what is seen there (0 where nothing)."""

    image: np.ndarray
    landmarks: np.ndarray
    parts: np.ndarray
    motion: np.ndarray

    @property
    def skin(self) -> np.ndarray:
        """Where skin is seen, `(S, S)` bool."""
        return self.parts == SKIN


@dataclass(frozen=True)
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
    of: Model, head: Head, amounts: np.ndarray, scene: Scene, size: int = 224, *, seed: int = 0, rays: int | None = None
) -> Frame:
    """The picture of `size` x `size` pixels, from `rays` x `rays` rays per pixel (2 up to 256 pixels, else 1).

    `amounts` (52,) are the facial actions; `seed` is for the camera's noise and the background.
    """
    rays = rays or (2 if size <= 256 else 1)
    device = of.rest.device
    moved = torch.as_tensor(amounts, dtype=torch.float32, device=device) @ head.actions.flatten(1)
    expressive = of.rest + moved.view_as(of.rest)
    turned, still = (_pose(points + of.hair, scene) for points in (expressive, of.rest))
    xy, depth = _project(turned, scene, of, size)
    motion = (xy - _project(still, scene, of, size)[0]).norm(dim=1)

    lash = head.part == LASH
    faces, part = head.faces[~lash], head.part[~lash]
    raster = rasterize(xy, depth, faces, size, rays=rays, part=part)
    colour, part = _shade(of, head, faces, part.index_select(0, raster.triangle), raster, turned, amounts, scene)
    share = raster.share[:, None]
    covered = torch.zeros(size * size, 1, device=device).index_add_(0, raster.pixel, share)
    canvas = _background(scene, size, seed, device) * (1 - covered)
    canvas.index_add_(0, raster.pixel, colour * share)
    _draw_lashes(canvas, of, head, rasterize(xy, depth, head.faces[lash], size, rays=rays), raster)

    parts = torch.full((size * size,), BACKGROUND, dtype=torch.uint8, device=device)
    parts[raster.pixel] = part.to(torch.uint8)
    flow = torch.zeros(size * size, 1, device=device)
    flow.index_add_(0, raster.pixel, raster.interpolate(motion[:, None], faces) * share)

    landmarks = _project(_pose(landmark_points(expressive, head), scene), scene, of, size)[0]
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
    linear = np.maximum(linear, 0)
    linear = np.where(
        linear > 0.8, 0.8 + 0.2 * np.tanh((linear - 0.8) / 0.2), linear
    )  # bright parts roll off, as film's do
    picture = 255 * np.where(
        linear <= 0.0031308, 12.92 * linear, 1.055 * np.power(np.maximum(linear, 1e-8), 1 / 2.4) - 0.055
    )
    if scene.grey:
        picture = np.repeat(picture @ np.float32([[0.299], [0.587], [0.114]]), 3, axis=2)
    if scene.noise > 0:
        grain = rng.standard_normal(picture.shape[:2] + (1 if scene.grey else 3,), dtype=np.float32)
        picture = picture + np.float32(scene.noise) * grain
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def _pose(points: Tensor, scene: Scene) -> Tensor:
    """The points in camera coordinates: turned around the pivot, `scene.distance` away."""
    turn = torch.as_tensor(rotation(scene.yaw, scene.pitch, scene.roll), dtype=torch.float32, device=points.device)
    pivot = torch.tensor(PIVOT, device=points.device)
    centre = torch.tensor(CENTRE, device=points.device)
    middle = (centre - pivot) @ turn.T  # where the face's centre goes: it stays in the middle of the picture
    return (points - pivot) @ turn.T - middle + torch.tensor([0.0, 0.0, scene.distance], device=points.device)


def _project(points: Tensor, scene: Scene, of: Model, size: int) -> tuple[Tensor, Tensor]:
    """Pixels `(N, 2)` and depths `(N,)` of points in camera coordinates."""
    focal = scene.scale * size * scene.distance / of.eye_span
    offset = torch.tensor([0.5 + scene.shift_x, 0.53 + scene.shift_y], device=points.device) * size
    return points[:, :2] / points[:, 2:] * focal + offset, points[:, 2]


def _shade(
    of: Model,
    head: Head,
    faces: Tensor,
    part: Tensor,
    raster: Raster,
    turned: Tensor,
    amounts: np.ndarray,
    scene: Scene,
) -> tuple[Tensor, Tensor]:
    """Colours `(N, 3)` in linear light, and the parts `(N,)` with hair told from skin."""
    normals = vertex_normals(turned, head.faces)
    hollow = shade.hollows(turned, normals, _surroundings(head))
    light = shade.light_of(scene, turned.device)
    lit = _shadows(turned, faces, light.direction)
    values = torch.cat([head.rest, normals, head.masks, hollow[:, None], lit[:, None]], 1)
    table = raster.interpolate(values, faces)
    at = shade.Samples(
        table[:, :3],
        torch.nn.functional.normalize(table[:, 3:6], dim=1),
        table[:, 6:10],
        table[:, 10],
        table[:, 11].clamp(0, 1),
    )
    skin = part == SKIN
    if of.who.hair_volume > 0:
        table = torch.rand(256, generator=torch.Generator().manual_seed(of.who.seed + 3)).to(part.device)
        column = (at.rest[:, 0] * 11 + at.rest[:, 2] * 7).long()
        ragged = 0.9 * table[column % 256] - 0.2
        hair = skin & (shade.scalp(at.rest, of.who.hairline) + ragged > 0) & (at.masks[:, shade.EARS] < 0.3)
        part = torch.where(hair, HAIR, part)
    colour = torch.zeros(len(part), 3, device=part.device)
    turn = torch.as_tensor(rotation(scene.yaw, scene.pitch, scene.roll), dtype=torch.float32, device=part.device)
    folds = fold_strengths(amounts, head.action_names)
    rng = torch.Generator().manual_seed(of.who.seed)
    for name, index in {"skin": SKIN, "hair": HAIR, "eye": EYE, "tongue": TONGUE, "teeth": None}.items():
        chosen = (part == index) if index is not None else (part == TEETH[0]) | (part == TEETH[1])
        where = torch.nonzero(chosen).squeeze(1)
        if not len(where):
            continue
        some = at[where]
        if name == "skin":
            painted = shade.painted_at(of.skin, folds, some.rest, of.resolution)
            colour[where] = shade.shade_skin(some, of.who, painted, light, turn.T[:2])
        elif name == "hair":
            colour[where] = shade.shade_hair(some, of.who, light, rng)
        elif name == "eye":
            colour[where] = shade.shade_eyes(some, of.who, light, *_eyes(head))
        else:
            colour[where] = shade.shade_tongue(some, light) if name == "tongue" else shade.shade_teeth(some, light)
    return colour, part


def _shadows(points: Tensor, faces: Tensor, direction: Tensor) -> Tensor:
    """How much of the main light reaches each vertex `(V,)`, 0.25 in full shadow: a small picture is drawn from the light's side."""
    up = torch.tensor([0.0, 1.0, 0.0], device=points.device)
    right = torch.nn.functional.normalize(torch.linalg.cross(up, -direction), dim=0)
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
        front = torch.nn.functional.grid_sample(
            nearest.view(1, 1, SHADOW_SIZE, SHADOW_SIZE), at, mode="nearest", align_corners=False
        )
        blocked += ((depth - front[0, 0, 0] - 0.5) / 0.4).clamp(0, 1) / 5
    return 1 - 0.75 * blocked


def _background(scene: Scene, size: int, seed: int, device: str | torch.device) -> Tensor:
    """A wall with a soft gradient, or a random pattern, `(size * size, 3)` in linear light."""
    rng = torch.Generator().manual_seed(seed * 31 + 7)
    tint = 1 + scene.background_tint * torch.cos(
        2 * torch.pi * (scene.background_hue + torch.tensor([0.0, 1 / 3, 2 / 3]))
    )
    wall = scene.background * tint[:, None, None].expand(3, size, size)
    y = torch.linspace(-1, 1, size)
    wall = wall * (1 - 0.12 * y[None, :, None] - 0.05 * y[None, None, :])
    if scene.clutter > 0:
        for cells in (3, 9):
            patch = torch.randn(1, 3, cells, cells, generator=rng)
            patch = torch.nn.functional.interpolate(patch, size=(size, size), mode="bicubic", align_corners=False)[0]
            wall = wall * torch.exp(0.5 * scene.clutter * patch)
    return wall.clamp(0, 1).permute(1, 2, 0).reshape(-1, 3).contiguous().to(device)


def _draw_lashes(canvas: Tensor, of: Model, head: Head, lashes: Raster, face: Raster) -> None:
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
    cover = (
        torch.zeros(len(canvas), 1, device=canvas.device)
        .index_add_(0, lashes.pixel[visible], alpha[:, None])
        .clamp(max=0.9)
    )
    dark = torch.tensor(of.who.hair, device=canvas.device).clamp(max=0.08) * 0.35
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

"""What lies before and behind the head's pixels: the wall or room behind it, and the camera that turns light into a picture."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from ferkit.synthetic.scene import Scene, light_colour

BRIGHTEST = 4.0  # linear light that is white in any case
ROOM = 96  # pixels across the room behind the face, which is out of focus
THINGS = 26  # in the room: shelves, doors, screens, people's clothes
GREY = np.array([[0.299], [0.587], [0.114]], np.float32)


def background(scene: Scene, size: int, seed: int, device: str | torch.device) -> Tensor:
    """A wall with a soft gradient, or a room out of focus, `(size * size, 3)` in linear light."""
    angle = 2 * torch.pi * (scene.background_hue + torch.tensor([0.0, 1 / 3, 2 / 3]))
    tint = 1 + scene.background_tint * torch.cos(angle)
    y = torch.linspace(-1, 1, size)
    towards = 0.12 * np.sin(np.radians(scene.light_azimuth))  # the wall is brighter on the light's side
    falloff = 1 - 0.12 * y[:, None] + towards * y[None, :] - 0.06 * (y[:, None] ** 2 + y[None, :] ** 2)
    wall = scene.background * tint[:, None, None] * falloff
    if scene.clutter > 0:
        room = cv2.resize(_room(np.random.default_rng([seed, 31])), (size, size), interpolation=cv2.INTER_LINEAR)
        wall = wall * torch.exp(scene.clutter * torch.from_numpy(room).permute(2, 0, 1))
    return wall.clamp(0, 1).permute(1, 2, 0).reshape(-1, 3).contiguous().to(device)


def _room(rng: np.random.Generator) -> np.ndarray:
    """Logarithms of brightness `(ROOM, ROOM, 3)`: overlapping upright things of many sizes, blurred."""
    room = np.full((ROOM, ROOM, 3), -0.2, np.float32)
    for size in np.geomspace(0.9, 0.06, THINGS):
        width, height = size * ROOM * rng.uniform(0.3, 1.0, 2)
        left, top = rng.uniform(-0.1, 1, 2) * ROOM
        value = rng.normal(-0.25, 0.8) + rng.normal(0, 0.15, 3)
        cv2.rectangle(room, (int(left), int(top)), (int(left + width), int(top + height)), value.tolist(), -1)
    return cv2.GaussianBlur(room, (0, 0), float(rng.uniform(1.6, 5.0)))


def develop(linear: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """The camera's part: white balance, exposure, blur, few pixels, tone, grey, noise, compression; linear light `(S, S, 3)` to uint8."""
    size = linear.shape[0]
    linear = linear * (np.float32(2.0**scene.exposure) * np.array(light_colour(scene.white_balance), np.float32))
    if scene.blur > 0:
        linear = cv2.GaussianBlur(linear, (0, 0), scene.blur * size / 224)
    few = round(scene.resolution)
    if 0 < few < size:
        linear = cv2.resize(linear, (few, few), interpolation=cv2.INTER_AREA)
    step = np.sqrt(np.clip(linear, 0, BRIGHTEST), dtype=np.float32)
    step *= np.float32((len(_tone(1.0, 1.0)) - 1) / BRIGHTEST**0.5)
    picture = _tone(scene.contrast, scene.gamma)[step.astype(np.int32)]
    if scene.grey:
        picture = np.repeat(picture @ GREY, 3, axis=2)
    if scene.noise > 0:
        grain = rng.standard_normal(picture.shape[:2] + (1 if scene.grey else 3,), dtype=np.float32)
        picture = picture + np.float32(scene.noise) * grain
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if scene.jpeg < 100:
        image = _compressed(image, round(scene.jpeg), bool(scene.grey))
    if 0 < few < size:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    return image


def _compressed(image: np.ndarray, quality: int, grey: bool) -> np.ndarray:
    """The picture after JPEG compression."""
    _, file = cv2.imencode(".jpg", image[..., 0] if grey else image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    back = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR))
    return np.repeat(back[..., None], 3, axis=2) if grey else np.ascontiguousarray(back[..., ::-1])


@lru_cache(maxsize=64)
def _tone(contrast: float, gamma: float) -> np.ndarray:
    """Grey levels 0 to 255 of linear light 0 to BRIGHTEST, in even steps of its square root: sRGB, with bright parts rolled off.

    Contrast bends the curve around middle grey and leaves black and white where they are.
    """
    light = BRIGHTEST * np.linspace(0, 1, 2**14) ** 2
    light = np.where(light > 0.8, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2), light)
    curve = 1.055 * np.power(np.maximum(light, 1e-8), 1 / 2.4) - 0.055
    level = np.where(light <= 0.0031308, 12.92 * light, curve) ** gamma
    bent = 0.5 * np.where(level < 0.5, 2 * level, 2 - 2 * level).clip(1e-8) ** contrast
    return np.asarray(255 * np.where(level < 0.5, bent, 1 - bent), dtype=np.float32)

"""What surrounds the head in a picture: the wall or room behind it, and the camera."""

import math
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from ferkit.drawn.scene import FACE_PLACE, Scene, light_colour

_BRIGHTEST = 4.0  # linear light that is white in any case
_ROOM_SIZE = 96  # pixels across the room behind the face, which is out of focus
_THINGS = 26  # in the room: shelves, doors, screens, people's clothes
_GREY_WEIGHTS = np.array([[0.299], [0.587], [0.114]], np.float32)
_MIDDLE_GREY = 0.25  # linear light to which metering exposes the face
_METERED = 0.8  # how far around the face's centre, in distances between the eyes
_HALO = (0.6, 0.6)  # pixels that sharpening reaches, of any picture and of one of 224 pixels
_COLOUR_NOISE = 0.5  # of the sensor's noise, its share in the colours; the rest is brightness
_TONE_STEPS = 2**14


def background(scene: Scene, size: int, seed: int, device: str | torch.device) -> Tensor:
    """A wall with a soft gradient, or a room out of focus, `(size * size, 3)` in linear light."""
    angle = 2 * torch.pi * (scene.background_hue + torch.tensor([0.0, 1 / 3, 2 / 3]))
    tint = 1 + scene.background_tint * torch.cos(angle)
    x = torch.linspace(-1, 1, size)[None, :]
    y = torch.linspace(-1, 1, size)[:, None]
    # The wall is brighter on the light's side.
    towards_light = 0.12 * np.sin(np.radians(scene.light_azimuth))
    falloff = 1 - 0.12 * y + towards_light * x - 0.06 * (y**2 + x**2)
    wall = scene.background * tint[:, None, None] * falloff
    if scene.clutter > 0:
        room = _draw_room(np.random.default_rng([seed, 31]))
        room = cv2.resize(room, (size, size), interpolation=cv2.INTER_LINEAR)
        wall = wall * torch.exp(scene.clutter * torch.from_numpy(room).permute(2, 0, 1))
    return wall.clamp(0, 1).permute(1, 2, 0).reshape(-1, 3).contiguous().to(device)


def _draw_room(rng: np.random.Generator) -> np.ndarray:
    """Draw blurred, overlapping upright shapes of many sizes.

    Returns logarithms of brightness `(_ROOM_SIZE, _ROOM_SIZE, 3)`.
    """
    room = np.full((_ROOM_SIZE, _ROOM_SIZE, 3), -0.2, np.float32)
    for size in np.geomspace(0.9, 0.06, _THINGS):
        extent = size * _ROOM_SIZE * rng.uniform(0.3, 1.0, 2)
        corner = rng.uniform(-0.1, 1, 2) * _ROOM_SIZE
        value = rng.normal(-0.25, 0.8) + rng.normal(0, 0.15, 3)
        opposite = (corner + extent).astype(int).tolist()
        cv2.rectangle(room, corner.astype(int).tolist(), opposite, value.tolist(), -1)
    return cv2.GaussianBlur(room, (0, 0), float(rng.uniform(1.6, 5.0)))


def develop(linear: np.ndarray, scene: Scene, rng: np.random.Generator) -> np.ndarray:
    """Turn linear light `(S, S, 3)` into a picture uint8, as the scene's camera does.

    In this order: white balance, exposure, vignette, blur, few pixels, tone, grey, sharpening,
    noise, compression.
    """
    size = linear.shape[0]
    balance = np.array(light_colour(scene.white_balance), np.float32)
    gain = 2.0**scene.exposure * _meter(linear, scene)
    linear = linear * (np.float32(gain) * balance)
    if scene.vignette:
        linear *= 1 - np.float32(scene.vignette) * _from_centre(size)
    if scene.blur > 0:
        linear = cv2.GaussianBlur(linear, (0, 0), scene.blur * size / 224)
    pixels = round(scene.resolution)
    is_small = 0 < pixels < size
    if is_small:
        linear = cv2.resize(linear, (pixels, pixels), interpolation=cv2.INTER_AREA)
    step = np.sqrt(np.clip(linear, 0, _BRIGHTEST), dtype=np.float32)
    step *= np.float32((_TONE_STEPS - 1) / math.sqrt(_BRIGHTEST))
    picture = _tone_curve(scene.contrast, scene.gamma)[step.astype(np.int32)]
    if scene.grey:
        picture = picture @ _GREY_WEIGHTS
    if scene.sharpening > 0:
        picture = _sharpen(picture, scene, size)
    if scene.noise > 0:
        picture = picture + _make_noise(picture.shape, scene, size, rng)
    image = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if scene.grey:
        image = np.repeat(image, 3, axis=2)
    if scene.jpeg < 100:
        image = _compress(image, round(scene.jpeg), bool(scene.grey))
    if is_small:
        image = cv2.resize(image, (size, size), interpolation=cv2.INTER_CUBIC)
    return image


def _meter(linear: np.ndarray, scene: Scene) -> float:
    """By how much the camera brightens the picture to expose the face to a middle grey."""
    if not scene.metering:
        return 1.0
    centre = np.array(FACE_PLACE) + (scene.shift_x, scene.shift_y)
    reach = _METERED * scene.scale
    low, high = (np.clip([centre - reach, centre + reach], 0, 0.99) * len(linear)).astype(int)
    metered = linear[low[1] : high[1] + 1, low[0] : high[0] + 1]
    return float((_MIDDLE_GREY / max(1e-3, metered.mean())) ** scene.metering)


def _sharpen(picture: np.ndarray, scene: Scene, size: int) -> np.ndarray:
    """Exaggerate edges of a picture whose `size` will be that in the end."""
    halo = _HALO[0] + _HALO[1] * size / 224
    soft = cv2.GaussianBlur(picture, (0, 0), halo).reshape(picture.shape)
    return picture + np.float32(scene.sharpening) * (picture - soft)


@lru_cache(maxsize=2)
def _from_centre(size: int) -> np.ndarray:
    """The squared distance `(size, size, 1)` of pixels from the middle; 1 in the corners."""
    place = np.linspace(-1, 1, size, dtype=np.float32) ** 2
    return ((place[:, None] + place) / 2)[..., None]


def _make_noise(
    shape: tuple[int, ...], scene: Scene, size: int, rng: np.random.Generator
) -> np.ndarray:
    """Noise of brightness and, in pixels twice as large, of colours, for a picture of `shape`.

    The `size` will be that of the picture in the end.
    """
    height, width, channels = shape
    noise = rng.standard_normal((height, width, 1), dtype=np.float32)
    if scene.grain > 0:
        coarse = cv2.GaussianBlur(noise, (0, 0), scene.grain * size / 224)[..., None]
        noise = (coarse / coarse.std()).astype(np.float32)
    if channels > 1:
        half = rng.standard_normal((-(-height // 2), -(-width // 2), 3), dtype=np.float32)
        colours = half.repeat(2, 0).repeat(2, 1)[:height, :width]
        noise = math.sqrt(1 - _COLOUR_NOISE**2) * noise + _COLOUR_NOISE * colours
    return np.float32(scene.noise) * noise


def _compress(image: np.ndarray, quality: int, grey: bool) -> np.ndarray:
    """The picture after JPEG compression."""
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    if grey:
        _, file = cv2.imencode(".jpg", image[..., 0], options)
        back = np.asarray(cv2.imdecode(file, cv2.IMREAD_GRAYSCALE))
        return np.repeat(back[..., None], 3, axis=2)
    _, file = cv2.imencode(".jpg", image[..., ::-1], options)
    back = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))
    return np.ascontiguousarray(back[..., ::-1])


@lru_cache(maxsize=64)
def _tone_curve(contrast: float, gamma: float) -> np.ndarray:
    """Grey levels 0 to 255 of linear light 0 to _BRIGHTEST, in even steps of its square root.

    The curve is that of sRGB, with bright parts rolled off. Contrast bends it around middle grey
    and leaves black and white where they are.
    """
    light = _BRIGHTEST * np.linspace(0, 1, _TONE_STEPS) ** 2
    light = np.where(light > 0.8, 0.8 + 0.2 * np.tanh((light - 0.8) / 0.2), light)
    curve = 1.055 * np.power(np.maximum(light, 1e-8), 1 / 2.4) - 0.055
    level = np.where(light <= 0.0031308, 12.92 * light, curve) ** gamma
    dark = level < 0.5
    bent = 0.5 * np.where(dark, 2 * level, 2 - 2 * level).clip(1e-8) ** contrast
    return np.asarray(255 * np.where(dark, bent, 1 - bent), dtype=np.float32)

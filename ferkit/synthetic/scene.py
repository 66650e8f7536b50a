"""Scenes: where a face looks, what light falls on it, what stands behind it, and what the camera does to the picture.

Every nuisance is a field of `Scene` with a documented range; `Ranges` says from where to where each one is drawn, and a range of one value
switches it off.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """One picture's pose, light, background and camera."""

    yaw: float = 0.0  # degrees, + turns the face to its own left (the picture's right); -60 to 60
    pitch: float = 0.0  # degrees, + looks down; -40 to 40
    roll: float = 0.0  # degrees, + tilts clockwise in the picture; -45 to 45
    scale: float = 0.27  # distance between the eyes' centres, as a share of the picture's width; 0.1 to 0.4
    shift_x: float = 0.0  # of the face's centre from the picture's, shares of the width
    shift_y: float = 0.0
    distance: float = 110.0  # from the camera, centimetres; near cameras enlarge the nose; 40 to 400
    light_azimuth: float = 20.0  # degrees, + from the picture's right; -90 to 90
    light_elevation: float = 30.0  # degrees, + from above; -30 to 80
    key: float = 0.9  # strength of the main light; 0.2 to 2
    ambient: float = 0.5  # strength of the light from everywhere; 0.1 to 1
    warmth: float = 0.0  # colour of the main light, -1 bluish to 1 orange
    background: float = 0.5  # brightness (linear light); 0 to 1
    background_hue: float = 0.0  # turns around the colour circle
    background_tint: float = 0.0  # saturation; 0 to 0.6
    clutter: float = 0.0  # how much of a room out of focus stands behind the face; 0 to 1
    exposure: float = 0.0  # stops; -1.5 to 1.5
    noise: float = 0.0  # standard deviation of the sensor's noise, in grey levels of 255; 0 to 12
    blur: float = 0.0  # standard deviation in pixels of a 224-pixel picture; 0 to 2
    grey: float = 0.0  # 0 colour, 1 grey
    contrast: float = 1.0  # slope of the tone curve at middle grey; 0.6 to 1.6
    gamma: float = 1.0  # exponent of the grey levels, above 1 darkens; 0.6 to 1.7
    white_balance: float = 0.0  # tint of the whole picture, -1 bluish to 1 orange
    resolution: float = 0.0  # pixels across the picture before it was enlarged; 24 or more, 0 leaves it as it is
    jpeg: float = 100.0  # quality of its compression, 5 or more; 100 is none
    aspect: float = 1.0  # width of a pixel over its height: wide in old video, where faces look narrow; 0.8 to 1.33
    wrinkles: float = 1.0  # how deep expressions fold the skin; 0 to 1.5, 0 is none
    texture: float = 1.0  # of the skin: unevenness, pores, freckles, the beard's strands; 0 to 1


Span = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """From where to where each field of `Scene` is drawn, evenly; (a, a) holds it fixed.

    Where their ends differ, there are exceptions. `grey`: three pictures in ten are grey and the others in colour. `resolution`,
    `aspect` and `jpeg`: a share of SHARES has a value drawn evenly in logarithms, the others none of it. `side_lit` is the share of
    pictures with light from one side alone, as in the Yale face database: there SIDE_LIT replaces the ranges of light.
    """

    yaw: Span = (-4, 4)
    pitch: Span = (-4, 4)
    roll: Span = (-3, 3)
    scale: Span = (0.25, 0.29)
    shift_x: Span = (-0.02, 0.02)
    shift_y: Span = (-0.02, 0.02)
    distance: Span = (90, 200)
    light_azimuth: Span = (-40, 40)
    light_elevation: Span = (5, 50)
    key: Span = (0.6, 1.0)
    ambient: Span = (0.4, 0.6)
    warmth: Span = (-0.2, 0.4)
    background: Span = (0.13, 0.37)
    background_hue: Span = (0, 1)
    background_tint: Span = (0, 0.08)
    clutter: Span = (0, 0)
    exposure: Span = (0.75, 1.15)  # faces are exposed as bright as in studio photographs
    noise: Span = (0, 3)
    blur: Span = (0, 0.5)
    grey: Span = (0, 0)
    contrast: Span = (0.95, 1.1)
    gamma: Span = (0.95, 1.05)
    white_balance: Span = (-0.1, 0.1)
    resolution: Span = (0, 0)
    jpeg: Span = (100, 100)
    aspect: Span = (1, 1)
    wrinkles: Span = (1, 1)
    texture: Span = (1, 1)
    side_lit: float = 0.0


STUDIO = Ranges()
WILD = Ranges(
    yaw=(-30, 30), pitch=(-18, 18), roll=(-15, 15), scale=(0.18, 0.32), shift_x=(-0.06, 0.06), shift_y=(-0.06, 0.06), distance=(45, 250),
    light_azimuth=(-80, 80), light_elevation=(-15, 70), key=(0.4, 1.5), ambient=(0.15, 0.7), warmth=(-0.7, 0.9), background=(0.02, 0.9),
    background_tint=(0, 0.3), clutter=(0, 1), exposure=(-0.9, 0.9), noise=(0, 9), blur=(0, 1.5), grey=(0, 1), contrast=(0.7, 1.4),
    gamma=(0.75, 1.35), white_balance=(-0.5, 0.7), resolution=(40, 160), jpeg=(12, 95), side_lit=0.1,
)  # fmt: skip
PORTRAIT = Ranges(
    yaw=(-8, 8), pitch=(-7, 7), roll=(-5, 5), scale=(0.24, 0.30), distance=(70, 200), light_azimuth=(-60, 60),
    light_elevation=(-5, 60), key=(0.55, 1.2), ambient=(0.3, 0.65), warmth=(-0.4, 0.6), background=(0.03, 0.85), background_tint=(0, 0.2),
    clutter=(0, 0.8), exposure=(-0.4, 0.5), noise=(0, 5), blur=(0, 0.7), grey=(0, 1), contrast=(0.85, 1.25), gamma=(0.85, 1.15),
    white_balance=(-0.3, 0.4), resolution=(56, 128), jpeg=(25, 95), aspect=(1.0, 1.33), side_lit=0.12,
)  # fmt: skip
_HELD: dict[str, Any] = {name: (value, value) for name, value in asdict(Scene()).items()}
FIXED = Ranges(**_HELD)  # nothing varies
SHARES = {"resolution": 0.15, "jpeg": 0.4, "aspect": 0.2}
SIDE_LIT = {
    "light_azimuth": (45, 85),
    "light_elevation": (-10, 30),
    "key": (0.9, 1.5),
    "ambient": (0.04, 0.15),
}  # from either side


def scene(rng: np.random.Generator, ranges: Ranges = STUDIO) -> Scene:
    """A scene drawn from the ranges."""
    spans = {name: span for name, span in asdict(ranges).items() if name != "side_lit"}
    drawn = {name: float(rng.uniform(*span)) for name, span in spans.items()}
    drawn["grey"] = float(rng.random() < 0.3) if ranges.grey[1] > ranges.grey[0] else drawn["grey"]
    for name, share in SHARES.items():
        low, high = spans[name]
        if high > low:
            value = float(np.exp(rng.uniform(np.log(low), np.log(high))))
            drawn[name] = value if rng.random() < share else getattr(Scene, name)
    if ranges.side_lit and rng.random() < ranges.side_lit:
        drawn |= {name: float(rng.uniform(*span)) for name, span in SIDE_LIT.items()}
        drawn["light_azimuth"] *= float(rng.choice([-1, 1]))
    return Scene(**drawn)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The 3 x 3 matrix that turns a face looking at the camera: pitch first, then yaw, then roll, in degrees."""
    a, b, c = np.radians([yaw, pitch, roll])
    ry = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    rx = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return rz @ ry @ rx


def light_direction(azimuth: float, elevation: float) -> np.ndarray:
    """The unit vector from the face towards the main light, in camera coordinates."""
    a, e = np.radians([azimuth, elevation])
    return np.array([np.sin(a) * np.cos(e), -np.sin(e), -np.cos(a) * np.cos(e)])


def light_colour(warmth: float) -> Colour:
    """The main light's colour in linear light; brightness stays the same."""
    colour = np.array([1 + 0.25 * warmth, 1.0, 1 - 0.35 * warmth])
    red, green, blue = (colour / colour.mean()).tolist()
    return red, green, blue

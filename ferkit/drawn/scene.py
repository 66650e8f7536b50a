"""Scenes: where a face looks, its light, its background, and what the camera does to the picture.

Each nuisance is a field of `Scene` with a documented range. `Ranges` says from where to where each
one is drawn; a range of one value switches it off.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

Colour = tuple[float, float, float]

FACE_PLACE = (0.5, 0.53)  # of the face's centre in the picture, unless it is shifted; shares of it


@dataclass(frozen=True)
class Scene:
    """One picture's pose, light, background and camera."""

    yaw: float = 0.0  # degrees, + turns the face to its own left (the picture's right); -60 to 60
    pitch: float = 0.0  # degrees, + looks down; -40 to 40
    roll: float = 0.0  # degrees, + tilts clockwise in the picture; -45 to 45
    # distance between the eyes' centres, as a share of the picture's width; 0.1 to 0.4
    scale: float = 0.27
    shift_x: float = 0.0  # of the face's centre from the picture's, shares of the width
    shift_y: float = 0.0
    # from the camera, centimetres; near cameras enlarge the nose; 40 to 400
    distance: float = 110.0
    light_azimuth: float = 20.0  # degrees, + from the picture's right; -90 to 90
    light_elevation: float = 30.0  # degrees, + from above; -30 to 80
    key: float = 0.9  # strength of the main light; 0.2 to 2
    ambient: float = 0.5  # strength of the light from everywhere; 0.1 to 1
    softness: float = 1.0  # of the edges of shadows on the face; 0.2 a flash to 3 a window
    warmth: float = 0.0  # colour of the main light, -1 bluish to 1 orange
    ambient_warmth: float = 0.0  # colour of the light from everywhere, as `warmth`
    # degrees from above, + to the picture's right, to where most light from everywhere comes from;
    # -120 to 120
    ambient_side: float = 0.0
    background: float = 0.5  # brightness (linear light); 0 to 1
    background_hue: float = 0.0  # turns around the colour circle
    background_tint: float = 0.0  # saturation; 0 to 0.6
    clutter: float = 0.0  # how much of a room out of focus stands behind the face; 0 to 1
    exposure: float = 0.0  # stops; -1.5 to 1.5
    # how far the camera first exposes the face to a middle grey, whatever its skin and light; 0 is
    # not at all, 1 completely
    metering: float = 0.0
    vignette: float = 0.0  # share of light that the picture's corners lack; 0 to 0.7
    noise: float = 0.0  # standard deviation of the sensor's noise, in grey levels of 255; 0 to 12
    grain: float = 0.0  # size of the noise: it is blurred by so many pixels of 224; 0 to 1.5
    blur: float = 0.0  # standard deviation in pixels of a 224-pixel picture; 0 to 2
    # how far the camera exaggerates edges, with bright and dark lines along them; 0 to 2
    sharpening: float = 0.0
    grey: float = 0.0  # 0 colour, 1 grey
    contrast: float = 1.0  # slope of the tone curve at middle grey; 0.6 to 1.6
    gamma: float = 1.0  # exponent of the grey levels, above 1 darkens; 0.6 to 1.7
    white_balance: float = 0.0  # tint of the whole picture, -1 bluish to 1 orange
    # pixels across the picture before it was enlarged; 24 or more, 0 leaves it unchanged
    resolution: float = 0.0
    jpeg: float = 100.0  # quality of its compression, 5 or more; 100 is none
    # width of a pixel over its height: wide in old video, where faces look narrow; 0.8 to 1.33
    aspect: float = 1.0
    wrinkles: float = 1.0  # how deep expressions fold the skin; 0 to 1.5, 0 is none
    texture: float = 1.0  # of the skin: unevenness, pores, freckles, the beard's strands; 0 to 1


Span = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """From where to where each field of `Scene` is drawn, evenly; (a, a) holds it fixed.

    Where the ends of a range differ, there are exceptions. `grey`: three pictures in ten are grey
    and the others in colour. Of fields in SHARES, that share has a value drawn from the range,
    evenly or in logarithms, and the others have none of it. `side_lit` is the share of pictures
    with light from one side alone, as in the Yale face database; there SIDE_LIT replaces the
    ranges of light.
    """

    yaw: Span = (-4, 4)
    pitch: Span = (-4, 4)
    roll: Span = (-3, 3)
    scale: Span = (0.20, 0.24)
    shift_x: Span = (-0.02, 0.02)
    shift_y: Span = (-0.02, 0.02)
    distance: Span = (90, 200)
    light_azimuth: Span = (-40, 40)
    light_elevation: Span = (5, 50)
    key: Span = (0.6, 1.0)
    ambient: Span = (0.4, 0.6)
    softness: Span = (0.6, 2)
    warmth: Span = (-0.3, 0.3)
    ambient_warmth: Span = (-0.3, 0.2)
    ambient_side: Span = (-30, 30)
    background: Span = (0.15, 0.5)
    background_hue: Span = (0, 1)
    background_tint: Span = (0, 0.08)
    clutter: Span = (0, 0)
    exposure: Span = (0.1, 0.8)
    metering: Span = (0.1, 0.5)
    vignette: Span = (0, 0.1)
    noise: Span = (0, 3)
    grain: Span = (0, 0.6)
    blur: Span = (0, 0.4)
    sharpening: Span = (0, 0.6)
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
CLOSE = Ranges(scale=(0.25, 0.29))  # the face fills small pictures
WILD = Ranges(
    yaw=(-30, 30),
    pitch=(-18, 18),
    roll=(-15, 15),
    scale=(0.18, 0.32),
    shift_x=(-0.06, 0.06),
    shift_y=(-0.06, 0.06),
    distance=(45, 250),
    light_azimuth=(-80, 80),
    light_elevation=(-15, 70),
    key=(0.4, 1.5),
    ambient=(0.15, 0.7),
    softness=(0.2, 3),
    warmth=(-0.7, 0.9),
    ambient_warmth=(-0.9, 0.7),
    ambient_side=(-110, 110),
    background=(0.02, 0.9),
    background_tint=(0, 0.3),
    clutter=(0, 1),
    exposure=(-0.8, 0.8),
    metering=(0.3, 1),
    vignette=(0, 0.5),
    noise=(0, 7),
    grain=(0, 1.2),
    blur=(0, 1.6),
    sharpening=(0, 1.6),
    grey=(0, 1),
    contrast=(0.7, 1.4),
    gamma=(0.75, 1.35),
    white_balance=(-0.5, 0.7),
    resolution=(40, 160),
    jpeg=(12, 95),
    side_lit=0.1,
)
PORTRAIT = Ranges(
    yaw=(-28, 28),
    pitch=(-15, 15),
    roll=(-12, 12),
    scale=(0.24, 0.30),
    distance=(70, 200),
    light_azimuth=(-35, 35),
    light_elevation=(-15, 80),
    key=(0.5, 1.5),
    ambient=(0.15, 0.6),
    softness=(0.3, 2.5),
    warmth=(-0.4, 0.4),
    ambient_warmth=(-0.6, 0.3),
    ambient_side=(-40, 40),
    background=(0.02, 0.4),
    background_tint=(0, 0.2),
    clutter=(0, 0.7),
    exposure=(-0.4, 0.7),
    metering=(0.4, 1),
    vignette=(0, 0.4),
    noise=(0, 3),
    grain=(0.2, 1.0),
    blur=(0.4, 1.8),
    sharpening=(0, 1.6),
    grey=(0, 1),
    contrast=(0.9, 1.7),
    gamma=(0.85, 1.2),
    white_balance=(-0.7, 0.4),
    resolution=(56, 128),
    jpeg=(25, 95),
    aspect=(1.0, 1.33),
    side_lit=0.06,
)
_FIXED_SPANS: dict[str, Any] = {name: (value, value) for name, value in asdict(Scene()).items()}
FIXED = Ranges(**_FIXED_SPANS)  # nothing varies
SHARES = {"resolution": 0.15, "jpeg": 0.4, "aspect": 0.2, "sharpening": 0.4}
_EVEN = ("sharpening",)  # the others of SHARES are drawn in logarithms
# Light from one side; from which one is drawn.
SIDE_LIT = {
    "light_azimuth": (45, 85),
    "light_elevation": (-10, 30),
    "key": (0.9, 1.5),
    "ambient": (0.04, 0.15),
}


def sample_scene(rng: np.random.Generator, ranges: Ranges = STUDIO) -> Scene:
    """Draw a scene from the ranges."""
    spans = asdict(ranges)
    side_lit = spans.pop("side_lit")
    values = {name: float(rng.uniform(*span)) for name, span in spans.items()}
    if ranges.grey[1] > ranges.grey[0]:
        values["grey"] = float(rng.random() < 0.3)
    for name, share in SHARES.items():
        low, high = spans[name]
        if high > low:
            if name not in _EVEN:
                values[name] = float(np.exp(rng.uniform(np.log(low), np.log(high))))
            if rng.random() >= share:
                values[name] = getattr(Scene, name)
    if side_lit and rng.random() < side_lit:
        values |= {name: float(rng.uniform(*span)) for name, span in SIDE_LIT.items()}
        values["light_azimuth"] *= float(rng.choice([-1, 1]))
    return Scene(**values)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The 3 x 3 matrix that turns a face looking at the camera: first pitch, then yaw, then roll.

    Angles are in degrees.
    """
    sin_yaw, sin_pitch, sin_roll = np.sin(np.radians([yaw, pitch, roll]))
    cos_yaw, cos_pitch, cos_roll = np.cos(np.radians([yaw, pitch, roll]))
    about_y = np.array([[cos_yaw, 0, -sin_yaw], [0, 1, 0], [sin_yaw, 0, cos_yaw]])
    about_x = np.array([[1, 0, 0], [0, cos_pitch, -sin_pitch], [0, sin_pitch, cos_pitch]])
    about_z = np.array([[cos_roll, -sin_roll, 0], [sin_roll, cos_roll, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def light_direction(azimuth: float, elevation: float) -> np.ndarray:
    """The unit vector from the face towards the main light, in camera coordinates.

    Angles are in degrees.
    """
    a, e = np.radians([azimuth, elevation])
    return np.array([np.sin(a) * np.cos(e), -np.sin(e), -np.cos(a) * np.cos(e)])


def light_colour(warmth: float) -> Colour:
    """The main light's colour in linear light; brightness does not depend on `warmth`."""
    colour = np.array([1 + 0.25 * warmth, 1.0, 1 - 0.35 * warmth])
    red, green, blue = (colour / colour.mean()).tolist()
    return red, green, blue

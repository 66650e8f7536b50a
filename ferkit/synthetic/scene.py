"""Scenes: where a face looks, what light falls on it, what stands behind it, and what the camera does to the picture.

Every nuisance is a field of `Scene` with a documented range; `Ranges` says from where to where each one is drawn, and a range of one value
switches it off.
"""

from dataclasses import asdict, dataclass

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
    clutter: float = 0.0  # strength of a random pattern behind the face; 0 to 1
    exposure: float = 0.0  # stops; -1.5 to 1.5
    noise: float = 0.0  # standard deviation of the sensor's noise, in grey levels of 255; 0 to 12
    blur: float = 0.0  # standard deviation in pixels of a 224-pixel picture; 0 to 2
    grey: float = 0.0  # 0 colour, 1 grey


Span = tuple[float, float]


@dataclass(frozen=True)
class Ranges:
    """From where to where each field of `Scene` is drawn, evenly; (a, a) holds it fixed.

    `grey` is the exception: where its ends differ, three pictures in ten are grey and the others in colour.
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
    background: Span = (0.25, 0.7)
    background_hue: Span = (0, 1)
    background_tint: Span = (0, 0.15)
    clutter: Span = (0, 0)
    exposure: Span = (-0.15, 0.15)
    noise: Span = (0, 3)
    blur: Span = (0, 0.5)
    grey: Span = (0, 0)


STUDIO = Ranges()
WILD = Ranges(
    yaw=(-30, 30), pitch=(-18, 18), roll=(-15, 15), scale=(0.18, 0.32), shift_x=(-0.06, 0.06), shift_y=(-0.06, 0.06), distance=(45, 250),
    light_azimuth=(-80, 80), light_elevation=(-15, 70), key=(0.4, 1.4), ambient=(0.2, 0.7), warmth=(-0.7, 0.9), background=(0.02, 0.9),
    background_tint=(0, 0.5), clutter=(0, 1), exposure=(-0.8, 0.8), noise=(0, 9), blur=(0, 1.5), grey=(0, 1),
)  # fmt: skip
PORTRAIT = Ranges(
    yaw=(-10, 10), pitch=(-8, 8), roll=(-4, 4), light_azimuth=(-60, 60), key=(0.5, 1.1), exposure=(-0.4, 0.3)
)
FIXED = Ranges(**{name: (value, value) for name, value in asdict(Scene()).items()})  # nothing varies


def scene(rng: np.random.Generator, ranges: Ranges = STUDIO) -> Scene:
    """A scene drawn evenly from the ranges."""
    drawn = {name: float(rng.uniform(*span)) for name, span in asdict(ranges).items()}
    drawn["grey"] = float(rng.random() < 0.3) if ranges.grey[1] > ranges.grey[0] else drawn["grey"]
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

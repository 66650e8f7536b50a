"""Every knob of the scene does what it says, and scenes keep to their ranges."""

from dataclasses import asdict, fields

import numpy as np
import pytest
from test_synthetic_draw import HEAD, SIZE, shaven, shot

from ferkit.synthetic.camera import develop
from ferkit.synthetic.draw import Model, model
from ferkit.synthetic.people import person
from ferkit.synthetic.scene import FIXED, SHARES, SIDE_LIT, STUDIO, WILD, Ranges, Scene, scene


@pytest.fixture(scope="module")
def faces() -> dict[int, Model]:
    """Two people ready to be drawn."""
    return {seed: model(shaven(person(seed, HEAD)), HEAD, SIZE) for seed in (3, 7)}


NUISANCES = {
    "yaw": 12, "pitch": 9, "roll": 7, "scale": 0.3, "shift_x": 0.05, "shift_y": 0.05, "distance": 60, "light_azimuth": -40,
    "light_elevation": 60, "key": 0.5, "ambient": 0.8, "warmth": 0.9, "background": 0.2, "background_hue": 0.5,
    "background_tint": 0.5, "clutter": 0.8, "exposure": 0.7, "noise": 8.0, "blur": 1.5, "grey": 1.0, "contrast": 1.4, "gamma": 1.3,
    "white_balance": 0.7, "resolution": 32.0, "jpeg": 20.0, "aspect": 1.25,
}  # fmt: skip


def test_the_table_of_nuisances_is_whole():
    looks = ["wrinkles", "texture"]  # see test_synthetic_looks.py
    assert [*NUISANCES, *looks] == [f.name for f in fields(Scene)]
    assert [*NUISANCES, *looks, "side_lit"] == [f.name for f in fields(Ranges)]


@pytest.mark.parametrize("knob", NUISANCES)
def test_every_knob_of_the_scene_changes_the_picture(faces, knob):
    usual = {"background_tint": 0.3, "clutter": 0.2, "noise": 1.0, "blur": 0.3, "warmth": 0.1}
    before, after = shot(faces[7], **usual), shot(faces[7], **usual | {knob: NUISANCES[knob]})
    assert (before.image != after.image).mean() > 0.1
    moves = knob in ("yaw", "pitch", "roll", "scale", "shift_x", "shift_y", "distance", "aspect")
    assert (np.abs(before.landmarks - after.landmarks).max() > 0.5) == moves


def test_grey_pictures_have_equal_channels(faces):
    grey = shot(faces[3], grey=1.0, noise=5.0, warmth=0.8).image
    assert (grey == grey[..., :1]).all()
    colour = shot(faces[3], warmth=0.8).image
    assert (colour != colour[..., :1]).any()


def test_noise_has_the_strength_asked_for(faces):
    still, noisy = shot(faces[3], background=0.3).image.astype(float), shot(faces[3], background=0.3, noise=6).image
    assert (noisy - still).std() == pytest.approx(6, rel=0.1)
    assert abs((noisy - still).mean()) < 0.3


def test_exposure_counts_in_stops():
    grey, rng = np.full((8, 8, 3), 0.1, np.float32), np.random.default_rng(0)
    linear = [develop(grey, Scene(exposure=stops), rng)[0, 0, 0] / 255 for stops in (0, 1)]
    back = [((value + 0.055) / 1.055) ** 2.4 for value in linear]  # sRGB
    assert back == pytest.approx([0.1, 0.2], rel=0.02)


def test_blur_takes_detail_away(faces):
    sharpness = [np.abs(np.diff(shot(faces[3], blur=b).image.astype(float), axis=1)).mean() for b in (0, 1, 2)]
    assert sharpness[0] > sharpness[1] > sharpness[2]


def test_scenes_keep_to_their_ranges():
    rng = np.random.default_rng(0)
    for ranges in (STUDIO, WILD):
        for _ in range(50):
            for name, value in asdict(scene(rng, ranges)).items():
                low, high = SIDE_LIT.get(name, (0, 0)) if ranges.side_lit else (0, 0)
                kept = low <= abs(value) <= high or low <= value <= high
                low, high = getattr(ranges, name)
                assert kept or low <= value <= high or name in SHARES, name
    assert scene(rng, FIXED) == scene(rng, FIXED) == Scene()
    grey = [scene(rng, WILD).grey for _ in range(300)]
    assert set(grey) == {0.0, 1.0}
    assert np.mean(grey) == pytest.approx(0.3, abs=0.1)

"""Every knob of the scene does what it says, and scenes keep to their ranges."""

from dataclasses import asdict, fields

import numpy as np
import pytest
from drawn_pictures import HEAD, SIZE, picture, shaven

from ferkit.drawn.camera import develop
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.scene import FIXED, SHARES, SIDE_LIT, STUDIO, WILD, Ranges, Scene, sample_scene


@pytest.fixture(scope="module")
def faces() -> dict[int, PersonModel]:
    """Two people ready to be drawn."""
    return {seed: make_person_model(shaven(make_person(seed, HEAD)), HEAD, SIZE) for seed in (3, 7)}


NUISANCES = {
    "yaw": 12, "pitch": 9, "roll": 7, "scale": 0.3, "shift_x": 0.05, "shift_y": 0.05,
    "distance": 60, "light_azimuth": -40, "light_elevation": 60, "key": 0.5, "ambient": 0.8,
    "softness": 3.0, "warmth": 0.9, "ambient_warmth": 0.9, "ambient_side": 80.0,
    "background": 0.2, "background_hue": 0.5, "background_tint": 0.5,
    "clutter": 0.8, "exposure": 0.7, "metering": 1.0, "vignette": 0.5, "noise": 8.0, "grain": 1.5,
    "blur": 1.5, "sharpening": 1.5, "grey": 1.0, "contrast": 1.4, "gamma": 1.3,
    "white_balance": 0.7, "resolution": 32.0, "jpeg": 20.0, "aspect": 1.25,
}  # fmt: skip


def test_the_table_of_nuisances_is_whole():
    looks = ["wrinkles", "texture"]  # see test_looks.py
    assert [*NUISANCES, *looks] == [f.name for f in fields(Scene)]
    assert [*NUISANCES, *looks, "side_lit"] == [f.name for f in fields(Ranges)]


@pytest.mark.parametrize("knob", NUISANCES)
def test_every_knob_of_the_scene_changes_the_picture(faces, knob):
    usual = {"background_tint": 0.3, "clutter": 0.2, "noise": 3.0, "blur": 0.3, "warmth": 0.1}
    before, after = picture(faces[7], **usual), picture(faces[7], **usual | {knob: NUISANCES[knob]})
    assert (before.image != after.image).mean() > 0.1
    moves = knob in ("yaw", "pitch", "roll", "scale", "shift_x", "shift_y", "distance", "aspect")
    assert (np.abs(before.landmarks - after.landmarks).max() > 0.5) == moves


def test_grey_pictures_have_equal_channels(faces):
    grey = picture(faces[3], grey=1.0, noise=5.0, warmth=0.8).image
    assert (grey == grey[..., :1]).all()
    colour = picture(faces[3], warmth=0.8).image
    assert (colour != colour[..., :1]).any()


def test_noise_has_the_strength_asked_for(faces):
    still, noisy = (
        picture(faces[3], background=0.3).image.astype(float),
        picture(faces[3], background=0.3, noise=6).image,
    )
    assert (noisy - still).std() == pytest.approx(6, rel=0.1)
    assert abs((noisy - still).mean()) < 0.3


def test_exposure_counts_in_stops():
    grey, rng = np.full((8, 8, 3), 0.1, np.float32), np.random.default_rng(0)
    linear = [develop(grey, Scene(exposure=stops), rng)[0, 0, 0] / 255 for stops in (0, 1)]
    back = [((value + 0.055) / 1.055) ** 2.4 for value in linear]  # sRGB
    assert back == pytest.approx([0.1, 0.2], rel=0.02)


def test_blur_takes_detail_away(faces):
    sharpness = [
        np.abs(np.diff(picture(faces[3], blur=b).image.astype(float), axis=1)).mean()
        for b in (0, 1, 2)
    ]
    assert sharpness[0] > sharpness[1] > sharpness[2]


def _flat(level: float = 0.2) -> np.ndarray:
    return np.full((SIZE, SIZE, 3), level, np.float32)


def _developed(linear: np.ndarray, **knobs: float) -> np.ndarray:
    return develop(linear, Scene(**knobs), np.random.default_rng(0)).astype(float)


def test_metering_exposes_dark_and_bright_faces_alike():
    levels = [0.04, 0.2, 0.6]
    grey = np.array(
        [[_developed(_flat(v), metering=m).mean() for v in levels] for m in (0, 0.5, 1)]
    )
    assert np.ptp(grey[2]) < 2
    assert np.ptp(grey[2]) < np.ptp(grey[1]) < np.ptp(grey[0])
    assert _developed(_flat(), metering=1, shift_x=0.9).mean() == pytest.approx(grey[2, 0], abs=2)
    half = _flat(0.05)
    half[:, : SIZE // 8] = 1.0  # what stands beside the face does not matter
    assert _developed(half, metering=1)[SIZE // 2, SIZE // 2, 0] == pytest.approx(grey[2, 0], abs=2)


def test_a_vignette_darkens_the_corners_only():
    plain, dark = _developed(_flat()), _developed(_flat(), vignette=0.5)
    middle = np.s_[SIZE // 2 - 2 : SIZE // 2 + 2, SIZE // 2 - 2 : SIZE // 2 + 2]
    assert np.abs(dark[middle] - plain[middle]).max() <= 1
    assert dark[0, 0, 0] < 0.8 * plain[0, 0, 0]
    assert dark[0, SIZE // 2, 0] > dark[0, 0, 0]


def test_sharpening_draws_lines_along_edges_and_leaves_the_rest():
    edge = _flat()
    edge[:, SIZE // 2 :] = 0.4
    plain, sharp, most = (_developed(edge, sharpening=s)[0, :, 0] for s in (0, 0.6, 1.2))
    assert (sharp[: SIZE // 2 - 4] == plain[0]).all()
    assert (sharp[SIZE // 2 + 4 :] == plain[-1]).all()
    assert most.min() < sharp.min() < plain.min() < plain.max() < sharp.max() < most.max()


def test_grain_makes_noise_coarser_and_not_stronger():
    fine, coarse = (_developed(_flat(), noise=6, grain=g * 224 / SIZE, grey=1) for g in (0, 1))
    assert coarse.std() == pytest.approx(fine.std(), rel=0.05)

    def steps(noise: np.ndarray) -> float:
        return float(np.diff(noise[..., 0], axis=1).std())

    assert steps(coarse) < 0.7 * steps(fine)
    assert (_developed(_flat(), grain=1) == _developed(_flat())).all()


def test_noise_of_brightness_is_stronger_than_that_of_colours():
    noise = _developed(_flat(), noise=8) - _developed(_flat())
    assert np.corrcoef(noise[..., 0].ravel(), noise[..., 2].ravel())[0, 1] > 0.6
    assert noise.std() == pytest.approx(8, rel=0.1)


def test_a_soft_light_blurs_the_edges_of_shadows(faces):
    def lit(softness: float) -> np.ndarray:
        light = {"light_azimuth": 60.0, "light_elevation": 20.0, "key": 1.2, "ambient": 0.1}
        frame = picture(faces[7], size=160, softness=softness, **light)
        return frame.image.mean(2)[frame.skin]

    hard, usual, soft = lit(0.2), lit(1.0), lit(3.0)
    assert 0 < np.abs(usual - hard).mean() < np.abs(soft - hard).mean()
    assert (np.abs(usual - hard) < 2).mean() > 0.5, "only the edges change"
    assert soft.mean() == pytest.approx(hard.mean(), rel=0.1)


def test_light_from_everywhere_may_come_from_one_side_in_a_colour_of_its_own(faces):
    def halves(**knobs: float) -> tuple[np.ndarray, np.ndarray]:
        frame = picture(faces[7], key=0.2, ambient=0.9, light_azimuth=0.0, **knobs)
        middle = int(frame.landmarks[30, 0])
        left, right = (
            frame.image[:, side][frame.skin[:, side]].mean(0)
            for side in (slice(None, middle), slice(middle, None))
        )
        return left, right

    left, right = halves(ambient_side=90.0)
    assert right.mean() > 1.1 * left.mean()
    left, right = halves(ambient_side=-90.0)
    assert left.mean() > 1.1 * right.mean()
    (cold, _), (warm, _) = halves(ambient_warmth=-0.9), halves(ambient_warmth=0.9)
    assert warm[0] / warm[2] > 1.2 * cold[0] / cold[2]


def test_scenes_keep_to_their_ranges():
    rng = np.random.default_rng(0)
    for ranges in (STUDIO, WILD):
        for _ in range(50):
            for name, value in asdict(sample_scene(rng, ranges)).items():
                low, high = SIDE_LIT.get(name, (0, 0)) if ranges.side_lit else (0, 0)
                kept = low <= abs(value) <= high or low <= value <= high
                low, high = getattr(ranges, name)
                assert kept or low <= value <= high or name in SHARES, name
    assert sample_scene(rng, FIXED) == sample_scene(rng, FIXED) == Scene()
    grey = [sample_scene(rng, WILD).grey for _ in range(300)]
    assert set(grey) == {0.0, 1.0}
    assert np.mean(grey) == pytest.approx(0.3, abs=0.1)

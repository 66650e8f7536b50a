"""Hair, glasses, clothes and the camera of drawn pictures."""

from dataclasses import asdict, replace

import cv2
import numpy as np
import pytest

from ferkit.core.landmarks import inter_ocular
from ferkit.drawn.camera import develop
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.hair import HAIR_STYLES
from ferkit.drawn.head import BACKGROUND, CLOTHES, GLASSES, HAIR, load_head
from ferkit.drawn.model import make_person_model
from ferkit.drawn.people import Person, make_person
from ferkit.drawn.scene import PORTRAIT, SHARES, Scene, sample_scene

SIZE = 160
HEAD = load_head()
BARE = replace(
    make_person(5, HEAD),
    sex=0.2,
    hair_volume=0.0,
    beard=0.0,
    glasses=0.0,
    bald=0.0,
    hairline=0.0,
    neckline=0.0,
    hair=(0.02, 0.015, 0.01),
)


def shot(who: Person, size: int = SIZE, **view: float) -> Frame:
    return draw(
        make_person_model(who, HEAD, size),
        HEAD,
        np.zeros(len(HEAD.action_names)),
        Scene(scale=0.22, **view),
        size,
    )


def haired(style: str, **more: float) -> Person:
    return replace(BARE, hair_style=style, hair_volume=1.0, **more)


@pytest.mark.parametrize("style", HAIR_STYLES)
@pytest.mark.parametrize("yaw", [0, 25, -30])
def test_every_style_leaves_the_landmarks_and_the_middle_of_the_face(style, yaw):
    bare, frame = shot(BARE, yaw=yaw), shot(haired(style), yaw=yaw)
    assert (frame.landmarks == bare.landmarks).all()
    row, column = frame.landmarks[27:68].astype(int).T[::-1]
    assert (frame.parts[row, column] < CLOTHES).all(), (
        "hair does not hang over eyes, nose and mouth"
    )
    assert (frame.parts == HAIR).sum() > 100
    changed = np.abs(frame.image.astype(int) - bare.image).max(2) > 40
    assert changed[frame.parts == HAIR].mean() > (0.2 if style == "buzz" else 0.7)


def test_long_hair_is_hair_beside_the_neck_and_short_hair_is_not():
    short, long = (shot(haired(style, hair_length=12.0)) for style in ("short", "long"))
    below = int(long.landmarks[4:13, 1].mean())
    assert (short.parts[below:] != HAIR).all()
    hair = long.parts[below] == HAIR
    middle = int(long.landmarks[8, 0])
    assert hair[:middle].sum() > 3
    assert hair[middle:].sum() > 3
    assert not hair[middle - 5 : middle + 5].any()


def test_a_fringe_covers_the_forehead_and_baldness_bares_the_top():
    def hair_above_the_eyes(who: Person) -> int:
        frame = shot(who)
        left, right = frame.landmarks[[19, 24], 0].astype(int)
        return int((frame.parts[: int(frame.landmarks[19:25, 1].min()), left:right] == HAIR).sum())

    fringe, short, bald = (
        hair_above_the_eyes(who)
        for who in (
            haired("fringe", fringe=3.0),
            haired("short"),
            haired("bald", bald=0.8, sex=0.9),
        )
    )
    assert fringe > 1.2 * short
    assert bald == 0


def test_the_hairline_has_no_steps():
    """No two neighbouring pixels of the forehead differ as much as hair and skin."""
    frame = shot(haired("tied"), 224, light_azimuth=0.0)
    grey = frame.image.mean(2)
    column = int(frame.landmarks[27, 0])
    top = int(np.argmax(frame.parts[:, column] != BACKGROUND)) + 12
    line = grey[top : int(frame.landmarks[21, 1]) - 8, column - 4 : column + 5]
    way = np.median(line[-5:]) - np.median(line[:5])
    assert way > 60
    assert np.abs(np.diff(line, axis=0)).max() < 0.5 * way


@pytest.mark.parametrize("yaw", [0, 25])
def test_glasses_change_pixels_near_the_eyes_and_temples_only(yaw):
    bare, frame = shot(BARE, yaw=yaw), shot(replace(BARE, glasses=0.2), yaw=yaw)
    assert (bare.parts != GLASSES).all()
    assert (frame.parts == GLASSES).sum() > 100
    unlike = np.abs(frame.image.astype(int) - bare.image).max(2)
    row, column = np.argwhere((unlike > 6) | (frame.parts == GLASSES)).T
    eyes, apart = frame.landmarks[36:48].mean(0), inter_ocular(frame.landmarks)
    assert np.abs(row - eyes[1]).max() < 0.8 * apart
    assert np.abs(column - eyes[0]).max() < 1.9 * apart
    assert unlike[frame.parts == GLASSES].mean() > 40
    assert (frame.landmarks == bare.landmarks).all()


def test_a_shirt_is_worn_below_the_neckline():
    dark, bright = (shot(replace(BARE, shirt=(light, light, light))) for light in (0.01, 0.6))
    cloth = dark.parts == CLOTHES
    assert cloth[-1].any()
    assert not cloth[: int(dark.landmarks[57, 1])].any()
    assert bright.image[cloth].mean() > dark.image[cloth].mean() + 80
    assert (bright.image[~cloth] == dark.image[~cloth]).mean() > 0.98
    low, high = ((shot(replace(BARE, neckline=up)).parts == CLOTHES).sum() for up in (-2.0, 4.0))
    assert high > low


# The camera


def ramp(size: int = 64) -> np.ndarray:
    """Linear light `(size, size, 3)` with edges and a slope."""
    light = np.linspace(0.02, 0.7, size, dtype=np.float32)[None, :, None] * np.ones(
        (size, 1, 3), np.float32
    )
    light[::2, 20:40] *= 0.5
    return light


def developed(**knobs: float) -> np.ndarray:
    return develop(ramp(), Scene(**knobs), np.random.default_rng(0))


def test_jpeg_is_what_a_jpeg_file_would_hold():
    for grey in (0.0, 1.0):
        plain = developed(grey=grey)
        for quality in (10, 60):
            kept = developed(grey=grey, jpeg=quality)
            coded = plain[..., ::-1] if not grey else plain[..., 0]
            _, file = cv2.imencode(".jpg", coded, [cv2.IMWRITE_JPEG_QUALITY, quality])
            back = cv2.imdecode(file, cv2.IMREAD_GRAYSCALE if grey else cv2.IMREAD_COLOR)
            assert (kept == (np.repeat(back[..., None], 3, 2) if grey else back[..., ::-1])).all()
    off = [np.abs(developed(jpeg=q).astype(int) - developed()).mean() for q in (5, 40, 95, 100)]
    assert off == sorted(off, reverse=True)
    assert off[-1] == 0


def test_few_pixels_are_enlarged_again():
    fine, coarse, same = developed(), developed(resolution=16), developed(resolution=64)
    assert (same == fine).all()
    assert coarse.shape == fine.shape
    assert (
        np.abs(np.diff(coarse.astype(int), axis=0)).max()
        < 0.3 * np.abs(np.diff(fine.astype(int), axis=0)).max()
    )
    assert np.abs(coarse.mean(0) - fine.mean(0))[4:18].max() < 12


def test_contrast_leaves_middle_grey_and_gamma_moves_it():
    low, plain, high = (developed(contrast=c).astype(int) for c in (0.7, 1.0, 1.4))
    dark, bright = (plain > 20) & (plain < 90), plain > 170
    assert high[dark].mean() < plain[dark].mean() < low[dark].mean()
    assert high[bright].mean() > plain[bright].mean() > low[bright].mean()
    middle = np.abs(plain - 128) < 4
    assert np.abs(high[middle] - plain[middle]).max() < 4
    assert developed(gamma=1.4).mean() < plain.mean() < developed(gamma=0.7).mean()


def test_white_balance_tints_the_whole_picture():
    warm, cold = (developed(white_balance=w).astype(int) for w in (0.8, -0.8))
    assert (warm[..., 0] >= warm[..., 2]).all()
    assert (cold[..., 0] <= cold[..., 2]).all()


def test_a_share_of_portraits_is_small_compressed_or_lit_from_one_side():
    rng = np.random.default_rng(0)
    drawn = [asdict(sample_scene(rng, PORTRAIT)) for _ in range(600)]
    for name, share in SHARES.items():
        values = np.array([one[name] for one in drawn])
        usual = values == getattr(Scene, name)
        assert 1 - usual.mean() == pytest.approx(share, abs=0.06)
        low, high = getattr(PORTRAIT, name)
        assert (values[~usual] >= low).all()
        assert (values[~usual] <= high).all()
    side = np.array([one["ambient"] < PORTRAIT.ambient[0] for one in drawn])
    assert side.mean() == pytest.approx(PORTRAIT.side_lit, abs=0.05)
    assert min(abs(one["light_azimuth"]) for one, lit in zip(drawn, side, strict=True) if lit) >= 45


def test_side_light_leaves_half_of_the_face_in_shadow():
    frame = shot(
        replace(BARE, melanin=0.1), light_azimuth=75.0, light_elevation=0.0, ambient=0.06, key=1.2
    )
    nose, grey = int(frame.landmarks[30, 0]), frame.image.mean(2)
    right, left = (
        grey[:, side][frame.skin[:, side]].mean() for side in (slice(nose, None), slice(None, nose))
    )
    assert right > 1.8 * left

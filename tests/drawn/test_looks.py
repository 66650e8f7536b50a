"""What the drawn skin, eyes, lips and mouth look like."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_pictures import HEAD, NAMES, acting, picture

from ferkit.drawn.creases import CREASE_NAMES, crease_strengths
from ferkit.drawn.draw import Frame
from ferkit.drawn.head import EYE, HEAD_PARTS, UPPER_TEETH
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.lashes import lash_line
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import Person, make_person
from ferkit.drawn.shade import lid_shade
from ferkit.drawn.skin import brow_mask, paint_skin
from ferkit.drawn.surface import sky_seen, surface_kinds

SIZE = 160
SMILE = {
    "mouthSmile": 0.9,
    "cheekSquint": 0.6,
    "mouthUpperUp": 0.6,
    "mouthLowerDown": 0.6,
    "jawOpen": 0.25,
}


@pytest.fixture(scope="module")
def who() -> Person:
    return replace(make_person(13, HEAD), age=50.0, beard=0.0, roughness=0.8, melanin=0.2)


@pytest.fixture(scope="module")
def face(who) -> PersonModel:
    return make_person_model(who, HEAD, SIZE)


# The mouth


def test_an_open_smile_shows_teeth_brighter_than_the_lips(face):
    frame = picture(face, acting(**SMILE), SIZE)
    grey = frame.image.mean(2)
    teeth = frame.parts == UPPER_TEETH
    assert teeth.sum() > 30
    column, row = frame.landmarks[57].astype(int)
    assert np.median(grey[teeth]) > grey[row - 2, column]


def test_a_wide_open_mouth_is_dark_inside(face):
    frame = picture(face, acting(jawOpen=0.8), SIZE)
    top, bottom = frame.landmarks[62], frame.landmarks[66]
    column, row = ((top + bottom) / 2).astype(int)
    chin = frame.landmarks[8].astype(int) - [0, 8]
    assert (
        frame.image[row - 2 : row + 3, column - 4 : column + 5].mean()
        < 0.3 * frame.image[chin[1], chin[0]].mean()
    )


# Folds


def test_without_wrinkles_a_resting_face_is_the_same_and_a_smile_is_smoother(face):
    def pair(amounts: np.ndarray) -> np.ndarray:
        with_, without = (
            picture(face, amounts, SIZE, wrinkles=w).image.astype(int) for w in (1, 0)
        )
        return np.abs(with_ - without).max(2)

    assert pair(acting()).max() == 0
    for amounts in (
        acting(mouthSmile=1, cheekSquint=0.7),
        acting(browInnerUp=1, browOuterUp=1),
        acting(noseSneer=1),
    ):
        changed = pair(amounts)
        assert changed.max() > 25
        assert (changed > 6).sum() > 80


def test_folds_follow_the_actions_of_their_side():
    right, left = crease_strengths(acting(mouthSmileLeft=0.9), NAMES)
    line = CREASE_NAMES.index("nasolabial")
    assert right[line] == 0
    assert left[line] > 0.8
    assert left[CREASE_NAMES.index("glabella")] == 0


def test_old_folds_are_deeper_and_sharper(who):
    young, old = (paint_skin(replace(who, age=age), 12.0).creases for age in (20.0, 70.0))
    assert (old.amax((1, 2)) > 1.3 * young.amax((1, 2))).all()
    line = CREASE_NAMES.index("nasolabial")
    assert (old[line] > 0.5 * old[line].max()).sum() < (young[line] > 0.5 * young[line].max()).sum()


# Skin


def test_without_texture_the_skin_is_smoother(face):
    def roughness(frame: Frame) -> float:
        x, y = frame.landmarks[[45, 54]].mean(0).astype(int)
        cheek = frame.image[y - 8 : y + 9, x - 8 : x + 9].astype(float)
        return float(np.abs(np.diff(cheek, axis=1)).mean())

    rough, half, smooth = (roughness(picture(face, acting(), SIZE, texture=t)) for t in (1, 0.5, 0))
    assert smooth < half < rough


def test_eye_shadow_darkens_the_lids_only(who):
    plain, made_up = (
        picture(make_person_model(replace(who, eye_shadow=e), HEAD, SIZE), acting(eyeBlink=1), SIZE)
        for e in (0.0, 1.0)
    )
    darker = plain.image.mean(2) - made_up.image.mean(2)
    x, y = plain.landmarks[36:42].mean(0).astype(int)
    assert darker[y - 4 : y + 1, x - 3 : x + 4].mean() > 8
    below_the_eyes = int(plain.landmarks[29, 1])
    assert np.abs(darker[below_the_eyes:]).max() <= 1


def test_brows_lie_along_their_landmarks(who):
    x, y, _ = landmark_points(HEAD.rest)[17:27].T
    rows = torch.linspace(-4.5, 0, 200)
    for along, height in zip(x.abs().tolist()[1:4], y.tolist()[1:4], strict=True):
        painted = brow_mask(
            replace(who, brow_height=0.0, brow_arch=0.25),
            torch.full((200,), along),
            rows,
            torch.zeros(200),
        )
        assert abs(float((painted * rows).sum() / painted.sum()) - height) < 0.4


# What the surface knows of itself


def test_the_sky_is_seen_from_the_forehead_and_not_from_the_mouth():
    seen = sky_seen(HEAD)
    skin = HEAD.faces[HEAD.part == HEAD_PARTS.index("skin")].flatten().unique()
    inside = skin[(HEAD.masks[skin, 2] > 0.9) & (HEAD.rest[skin, 1] > 6) & (HEAD.rest[skin, 2] > 0)]
    forehead = skin[(HEAD.rest[skin, 1] < -4) & (HEAD.rest[skin, 2] < -1)]
    assert seen[inside].max() < 0.1
    assert seen[forehead].min() > 0.8
    assert 0 <= float(seen.min()) <= float(seen.max()) <= 1.001


def test_lashes_darken_the_lids_only():
    near = lash_line(HEAD)
    x, y, z = HEAD.rest[near > 0.2].T
    assert len(x) > 40
    assert (1.4 < x.abs()).all()
    assert (x.abs() < 5.2).all()
    assert (y.abs() < 1.3).all()


def test_lips_are_told_apart():
    kind = surface_kinds(HEAD)
    upper, lower = (HEAD.rest[HEAD.faces[kind == len(HEAD_PARTS) + i], 1].mean() for i in (0, 1))
    assert upper < lower
    assert (kind[HEAD.part == EYE] == EYE).all()


def test_lids_shade_the_eye_below_them():
    lids = torch.tensor(
        [[-0.8, 0.1], [-0.3, -0.4], [0.3, -0.4], [0.8, 0.1], [0.3, 0.5], [-0.3, 0.5]]
    )
    under, middle = lid_shade(
        torch.tensor([[0.0, -0.40], [0.0, 0.1]]), lids.expand(2, 6, 2)
    ).tolist()
    assert under < 0.4 < 0.9 < middle

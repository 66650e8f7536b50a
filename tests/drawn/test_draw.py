"""Drawn pictures and what is said to be true of them."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_pictures import HEAD, NAMES, SIZE, acting, digest, picture, shaven
from scipy.ndimage import distance_transform_edt

from ferkit.core.landmarks import inter_ocular, mirror
from ferkit.drawn.actions import limit_actions
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.expressions import Variation, sample_expression
from ferkit.drawn.head import BACKGROUND, CLOTHES, EYE, GLASSES, HAIR, HEAD_PARTS, UPPER_TEETH
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.projection import FACE_CENTRE
from ferkit.drawn.scene import Scene, light_colour, light_direction, rotation
from ferkit.drawn.shape import neutral_shape

RIGHT_EYE, LEFT_EYE, NOSE_TIP, CHIN = slice(36, 42), slice(42, 48), 30, 8


@pytest.fixture(scope="session")
def faces() -> dict[int, PersonModel]:
    """Four people ready to be drawn."""
    return {
        seed: make_person_model(shaven(make_person(seed, HEAD)), HEAD, SIZE)
        for seed in (3, 4, 7, 11)
    }


def differ(a: Frame, b: Frame) -> float:
    """Mean difference in grey levels."""
    return float(np.abs(a.image.astype(float) - b.image).mean())


# The same and not the same


def test_same_seed_same_pixels_here_and_in_another_process():
    here = [digest(seed) for seed in (0, 1)]
    assert here == [digest(seed) for seed in (0, 1)]
    assert here[0] != here[1]
    threads = torch.get_num_threads()
    code = (
        f"import torch; torch.set_num_threads({threads}); "
        "from drawn_pictures import digest; print(digest(0), digest(1))"
    )
    place = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=place, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == here


def test_without_noise_and_clutter_the_seed_changes_nothing(faces):
    assert (picture(faces[3], seed=1).image == picture(faces[3], seed=2).image).all()
    for knob, value in (("noise", 3), ("clutter", 0.5)):
        first, again, other = (picture(faces[3], seed=seed, **{knob: value}) for seed in (1, 1, 2))
        assert (first.image == again.image).all()
        assert (first.image != other.image).any()
        assert (first.landmarks == other.landmarks).all()


def test_people_look_different(faces):
    frames = [picture(face) for face in faces.values()]
    assert min(differ(a, b) for i, a in enumerate(frames) for b in frames[:i]) > 3


# Landmarks and the camera


@pytest.mark.parametrize("emotion", ["neutral", "surprise", "happiness"])
def test_landmarks_lie_where_the_picture_says(faces, emotion):
    size = 160
    for seed, face in faces.items():
        amounts, _ = sample_expression(
            emotion, NAMES, np.random.default_rng(seed), person_seed=seed, intensity=1.0
        )
        frame = picture(face, amounts, size)
        eyes = distance_transform_edt(frame.parts != EYE)
        column, row = frame.landmarks[36:48].astype(int).T
        assert eyes[row, column].max() < 0.05 * size, (
            "an eye's landmarks are near what is seen of the eyeball"
        )
        for eye in (RIGHT_EYE, LEFT_EYE):
            x, y = frame.landmarks[eye].mean(0).astype(int)
            assert eyes[y, x] < 2
        column, row = frame.landmarks[27:68].astype(int).T
        assert (frame.parts[row, column] != BACKGROUND).all()
        face_seen = np.argwhere(frame.parts != BACKGROUND)
        assert face_seen[:, 0].max() >= frame.landmarks[CHIN, 1] >= frame.landmarks[57, 1]


def test_mouth_landmarks_lie_on_the_lips(faces):
    """Repainted lips change pixels only around landmarks 48 to 67, corners included."""
    size = 160
    for face in faces.values():
        pale, red = (
            picture(replace(face, person=replace(face.person, lip_colour=c)), size=size)
            for c in (0.0, 1.0)
        )
        lips = np.abs(pale.image.astype(int) - red.image).max(2) > 4
        far = distance_transform_edt(~lips)
        column, row = pale.landmarks[[48, 54, 51, 57]].astype(int).T
        off = far[row, column] / inter_ocular(pale.landmarks)
        assert off[:3].max() < 0.08, "corners and upper lip"
        assert off[3] < 0.16, "dlib's lower landmark lies somewhat below the lip, and so does ours"
        x = np.argwhere(lips)[:, 1]
        np.testing.assert_allclose(
            [x.min(), x.max() + 1],
            pale.landmarks[[48, 54], 0],
            atol=0.15 * inter_ocular(pale.landmarks),
        )


def test_an_open_mouth_shows_teeth_between_the_lips_landmarks(faces):
    frame = picture(
        faces[3], acting(mouthSmile=0.9, mouthUpperUp=0.6, mouthLowerDown=0.5, jawOpen=0.15), 160
    )
    row, column = np.argwhere(frame.parts == UPPER_TEETH).T
    low, high = frame.landmarks[60:68].min(0), frame.landmarks[60:68].max(0)
    assert len(row) > 20
    assert low[0] - 4 < column.min() <= column.max() < high[0] + 4
    assert low[1] - 4 < row.min() <= row.max() < high[1] + 4


def test_landmarks_are_those_of_the_shape_seen_through_a_pinhole(faces):
    amounts = acting(mouthSmile=0.7, browInnerUp=0.5, jawOpen=0.3)
    rest = neutral_shape(faces[3].person, HEAD)
    limited = torch.tensor(limit_actions(amounts, NAMES), dtype=torch.float32)
    shape = rest + torch.einsum("a,avc->vc", limited, HEAD.actions)
    x, y, z = (landmark_points(shape).double() - torch.tensor(FACE_CENTRE)).T.numpy()
    eyes = landmark_points(rest)[36:48]
    apart = float((eyes[6:].mean(0) - eyes[:6].mean(0)).norm())
    seen = np.c_[x, y] * (80 / (z + 80))[:, None] / apart * 0.3 * SIZE
    expected = seen + [0.5 * SIZE, (0.53 + 0.1) * SIZE]
    np.testing.assert_allclose(
        picture(faces[3], amounts, distance=80, scale=0.3, shift_y=0.1).landmarks,
        expected,
        atol=1e-3,
    )


@pytest.mark.parametrize("scale", [0.12, 0.27, 0.4])
def test_scale_is_the_distance_between_the_eyes(faces, scale):
    for face in faces.values():
        assert inter_ocular(picture(face, scale=scale).landmarks) == pytest.approx(
            scale * SIZE, rel=0.02
        )


def test_shift_moves_the_face_by_shares_of_the_width(faces):
    before, after = picture(faces[3]), picture(faces[3], shift_x=0.125, shift_y=-0.0625)
    np.testing.assert_allclose(
        after.landmarks - before.landmarks, np.tile([8, -4], (68, 1)), atol=1e-3
    )
    assert (after.parts[:-4, 8:] == before.parts[4:, :-8]).mean() > 0.999


def test_another_resolution_shows_the_same(faces):
    small, large = picture(faces[7]), picture(faces[7], size=128)
    np.testing.assert_allclose(large.landmarks, 2 * small.landmarks, atol=1e-3)
    shrunk = large.image.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(shrunk - small.image).mean() < 3


@pytest.mark.parametrize(
    ("knob", "axis", "sign"),
    [("yaw", 0, 1), ("pitch", 1, 1)],  # to the face's own left, which is the picture's right; down
)
def test_the_nose_points_where_the_head_turns(faces, knob, axis, sign):
    def nose(degrees: float) -> float:
        points = picture(faces[3], **{knob: degrees}).landmarks
        return float((points[NOSE_TIP] - points[36:48].mean(0))[axis] / SIZE)

    values = [nose(degrees) for degrees in (-30, -15, 0, 15, 30)]
    assert (np.diff(values) * sign > 0.02).all()


def test_roll_tilts_clockwise(faces):
    for degrees in (-30, 20):
        points = picture(faces[3], roll=degrees).landmarks
        x, y = points[LEFT_EYE].mean(0) - points[RIGHT_EYE].mean(0)
        assert np.degrees(np.arctan2(y, x)) == pytest.approx(degrees, abs=2)


def test_turning_keeps_the_face_in_the_picture(faces):
    for knobs in ({"yaw": 45}, {"yaw": -45}, {"pitch": 30}, {"roll": 45}):
        points = picture(faces[3], **knobs).landmarks
        assert np.abs(points[27:].mean(0) - SIZE / 2).max() < 0.13 * SIZE


def test_a_near_camera_enlarges_the_nose(faces):
    def nose(distance: float) -> float:
        points = picture(faces[3], distance=distance).landmarks
        return float(np.ptp(points[31:36, 0]) / np.ptp(points[[0, 16], 0]))

    assert nose(40) > 1.1 * nose(400)


def test_rotations_are_rotations():
    for angles in ((30, 0, 0), (0, 20, 0), (0, 0, -40), (10, -20, 30)):
        turn = rotation(*angles)
        np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
        assert np.linalg.det(turn) == pytest.approx(1)
    np.testing.assert_allclose(
        rotation(90, 0, 0) @ [0, 0, -1], [1, 0, 0], atol=1e-12
    )  # the gaze goes to the right
    np.testing.assert_allclose(rotation(0, 90, 0) @ [0, 0, -1], [0, 1, 0], atol=1e-12)  # down
    np.testing.assert_allclose(
        rotation(0, 0, 90) @ [1, 0, 0], [0, 1, 0], atol=1e-12
    )  # clockwise, y down


def test_light_comes_from_where_it_is_said():
    np.testing.assert_allclose(light_direction(0, 0), [0, 0, -1], atol=1e-12)  # from the viewer
    np.testing.assert_allclose(light_direction(90, 0), [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(light_direction(0, 90), [0, -1, 0], atol=1e-12)
    assert light_colour(1)[0] > light_colour(0)[0] == light_colour(0)[2] > light_colour(1)[2]
    assert sum(light_colour(1)) == pytest.approx(3)


def test_the_lit_side_is_the_brighter(faces):
    def right_minus_left(azimuth: float) -> float:
        # in grey levels: of middling skin, since the darkest returns little of any light
        frame = picture(faces[4], light_azimuth=azimuth)
        grey, skin = frame.image.mean(2), frame.skin
        middle = int(frame.landmarks[NOSE_TIP, 0])
        return float(
            grey[:, middle:][skin[:, middle:]].mean() - grey[:, :middle][skin[:, :middle]].mean()
        )

    assert right_minus_left(60) > 15
    assert right_minus_left(-60) < -15


def test_a_mirrored_scene_gives_a_mirrored_picture(faces):
    face = faces[4]
    symmetric = make_person_model(
        replace(face.person, local=np.zeros(len(HEAD.local_names))), HEAD, SIZE
    )
    smile = acting(mouthSmile=0.7, browOuterUp=0.4)
    left = picture(symmetric, smile, yaw=20, roll=8, shift_x=0.05, light_azimuth=30)
    right = picture(symmetric, smile, yaw=-20, roll=-8, shift_x=-0.05, light_azimuth=-30)
    off = np.linalg.norm(mirror(right.landmarks, SIZE) - left.landmarks, axis=1)
    assert off.mean() < 0.03 * inter_ocular(left.landmarks)
    flipped = right.image[:, ::-1].astype(float)
    assert np.abs(flipped - left.image).mean() < 0.25 * differ(left, right)
    assert (right.parts[:, ::-1] == left.parts).mean() > 0.94


def test_a_one_sided_smile_is_on_the_subjects_own_side(faces):
    rest, left = (
        picture(faces[3]).landmarks,
        picture(faces[3], acting(mouthSmileLeft=0.8)).landmarks,
    )
    moved = np.linalg.norm(left - rest, axis=1)
    assert moved[54] > 5 * moved[48]
    assert left[54, 0] > SIZE / 2, "on the right of the picture"


# Skin, hair and what moved


def test_darker_melanin_gives_a_darker_skin(faces):
    levels = []
    for melanin in (0.0, 0.25, 0.5, 0.75, 1.0):
        frame = picture(make_person_model(replace(faces[3].person, melanin=melanin), HEAD, SIZE))
        levels.append(frame.image[frame.skin].mean())
    assert (np.diff(levels) < -8).all()
    assert levels[0] > 150
    assert levels[-1] < 90


def test_the_skin_mask_covers_cheeks_and_not_eyes(faces):
    for face in faces.values():
        frame = picture(face, size=160)
        points = frame.landmarks
        for eye, mouth in ((36, 48), (45, 54)):
            x, y = ((points[eye] + points[mouth]) / 2).astype(int)
            assert frame.skin[y - 3 : y + 4, x - 3 : x + 4].all()
        assert not frame.skin[0, 0]
        assert not frame.skin[frame.parts == EYE].any()
        assert frame.skin.dtype == bool


def test_parts_are_known_and_hair_can_be_left_out(faces):
    frame = picture(faces[7])
    assert set(np.unique(frame.parts)) <= {
        *range(len(HEAD_PARTS)),
        CLOTHES,
        GLASSES,
        HAIR,
        BACKGROUND,
    }
    shaved = picture(make_person_model(replace(faces[7].person, hair_volume=0.0), HEAD, SIZE))
    assert (shaved.parts != HAIR).all()
    grown = picture(make_person_model(replace(faces[7].person, hair_volume=1.5), HEAD, SIZE))
    assert (grown.parts == HAIR).sum() > 100
    assert (grown.parts[: SIZE // 4] != BACKGROUND).sum() > (
        shaved.parts[: SIZE // 4] != BACKGROUND
    ).sum()


def test_nothing_moves_in_a_face_at_rest(faces):
    assert (picture(faces[3], yaw=20).motion == 0).all()


def test_motion_is_how_far_a_smile_moved_each_pixel(faces):
    size = 128
    rest, smile = (
        picture(faces[3], acting(mouthSmile=amount, mouthDimple=amount), size)
        for amount in (0, 0.8)
    )
    moved = np.linalg.norm(smile.landmarks - rest.landmarks, axis=1)
    column, row = smile.landmarks.astype(int).T
    corners = [48, 54]
    np.testing.assert_allclose(
        smile.motion[row[corners], column[corners]], moved[corners], rtol=0.3
    )
    assert moved[corners].min() > 2
    assert (smile.motion[smile.parts == BACKGROUND] == 0).all()
    brows = slice(17, 27)
    assert smile.motion[row[brows], column[brows]].max() < 0.1
    assert smile.motion.max() < 2 * moved.max()
    assert smile.motion.shape == (size, size)
    assert smile.motion.dtype == np.float32


def test_stronger_expressions_move_more(faces):
    amounts, _ = sample_expression(
        "surprise",
        NAMES,
        np.random.default_rng(0),
        intensity=1.0,
        variation=Variation(style=0, wobble=0, asymmetry=0, idle=0),
    )
    motion = [picture(faces[3], share * amounts).motion.sum() for share in (0, 0.3, 0.6, 1.0)]
    assert motion[0] == 0
    assert (np.diff(motion) > 0).all()


# Odd requests


def test_a_face_outside_the_picture_leaves_the_background(faces):
    frame = picture(faces[3], shift_x=5)
    assert (frame.parts == BACKGROUND).all()
    assert (frame.motion == 0).all()
    assert (frame.landmarks[:, 0] > SIZE).all()
    assert frame.image.std() < 20


def test_amounts_of_the_wrong_number_are_refused(faces):
    with pytest.raises(
        ValueError, match="expected 52 amounts of facial actions, got shape \\(51,\\)"
    ):
        draw(faces[3], HEAD, np.zeros(51), Scene(), SIZE)


def test_one_ray_or_four_show_nearly_the_same(faces):
    one, four = (draw(faces[11], HEAD, acting(), Scene(), SIZE, rays=rays) for rays in (1, 2))
    assert differ(one, four) < 6
    assert (one.landmarks == four.landmarks).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU at hand")
def test_a_gpu_draws_the_same(faces):
    head = HEAD.to("cuda")
    frame = draw(
        make_person_model(faces[3].person, head, SIZE), head, acting(mouthSmile=0.6), Scene(), SIZE
    )
    here = picture(faces[3], acting(mouthSmile=0.6))
    assert np.abs(frame.image.astype(float) - here.image).mean() < 0.5
    np.testing.assert_allclose(frame.landmarks, here.landmarks, atol=0.01)

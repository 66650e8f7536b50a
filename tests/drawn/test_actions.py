"""Facial actions: as strong as in life, and limited where they meet."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ferkit.drawn.actions import CORRECTED, correct_actions, limit_actions
from ferkit.drawn.head import load_head
from ferkit.drawn.landmarks import landmark_points

NAMES = load_head().action_names
AMOUNTS = st.lists(st.floats(0, 1.1), min_size=len(NAMES), max_size=len(NAMES)).map(np.array)


def moved(**mixture: float) -> np.ndarray:
    """How far actions of both sides move the landmarks `(68, 2)`, in % of the eyes' distance."""
    head = load_head()
    total = torch.zeros_like(head.rest)
    for action, amount in mixture.items():
        for name in NAMES:
            if name in (action, f"{action}Left", f"{action}Right"):
                total += amount * head.action(name)
    rest = landmark_points(head.rest)
    apart = float((rest[42:48].mean(0) - rest[36:42].mean(0)).norm())
    return (100 * landmark_points(total)[:, :2] / apart).numpy()


def test_an_action_is_its_mixture_and_the_sides_share_what_has_none():
    names = ("mouthPressLeft", "mouthPressRight", "mouthRollLower", "jawOpen", "eyeLookInLeft")
    names += ("mouthRollUpper", "mouthPucker")
    shapes = torch.eye(len(names))[:, :, None]  # each action moves a vertex of its own
    left, _, roll, jaw, look = correct_actions(shapes, names)[:5, :, 0]
    press = CORRECTED["mouthPress"]
    expected = [press["mouthPress"], 0, press["mouthRollLower"] / 2, 0, 0]
    expected += [press["mouthRollUpper"] / 2, press["mouthPucker"] / 2]
    assert left.tolist() == pytest.approx(expected)
    assert roll.tolist() == [0, 0, 1, 0, 0, 0, 0]
    assert jaw[3] == pytest.approx(CORRECTED["jawOpen"]["jawOpen"])
    assert look.tolist() == [0, 0, 0, 0, 1, 0, 0]


@pytest.mark.parametrize(
    ("action", "points", "axis", "low", "high"),
    [
        ("browInnerUp", [21, 22], 1, -19, -13),
        ("browOuterUp", [17, 26], 1, -17, -11),
        ("browDown", [21, 22], 1, 8, 15),
        ("browDown", [17, 26], 1, -3, 5),  # the outer brow stays where it is
        ("mouthSmile", [48, 54], 1, -25, -15),
        ("mouthUpperUp", [51], 1, -12, -7),
        ("jawOpen", [66], 1, 40, 55),
        ("eyeWide", [37, 38, 43, 44], 1, -10, -5),
    ],
)
def test_the_strongest_actions_move_as_far_as_in_life(action, points, axis, low, high):
    assert low < moved(**{action: 1})[points, axis].mean() < high


def test_pressed_lips_get_thin_and_hardly_wider():
    press = moved(mouthPress=1)
    assert abs(press[54, 0] - press[48, 0]) < 6
    thinner = press[57, 1] - press[51, 1]
    assert thinner < -2


@settings(max_examples=60)
@given(AMOUNTS)
def test_limits_take_away_and_never_add(amounts):
    limited = limit_actions(amounts, NAMES)
    assert (limited <= amounts + 1e-12).all()
    assert (limited >= 0).all()
    np.testing.assert_allclose(limit_actions(limited, NAMES)[:2], limited[:2], atol=0.1)
    for side in ("Left", "Right"):
        names = [NAMES.index(f"{action}{side}") for action in ("cheekSquint", "eyeSquint")]
        assert limited[names].sum() <= 1.2 + 1e-9, "the eyeball would come through the lids"


def test_single_actions_are_not_limited():
    for amounts in np.eye(len(NAMES)):
        np.testing.assert_array_equal(limit_actions(amounts, NAMES), amounts)


def test_an_open_jaw_parts_pressed_lips_and_a_smile_holds_it_back():
    def limited(**mixture: float) -> dict[str, float]:
        amounts = np.array(
            [mixture.get(name.removesuffix("Left").removesuffix("Right"), 0.0) for name in NAMES]
        )
        return dict(zip(NAMES, limit_actions(amounts, NAMES), strict=True))

    assert limited(jawOpen=0.5, mouthPress=1.0)["mouthPressLeft"] == 0
    assert limited(jawOpen=0.8, mouthSmile=1.0)["jawOpen"] == pytest.approx(0.48)
    assert limited(eyeBlink=1.0, eyeSquint=1.0)["eyeBlinkLeft"] == pytest.approx(0.5)

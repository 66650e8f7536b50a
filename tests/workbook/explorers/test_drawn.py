"""The explorer of drawn faces shows what the package draws for the values of its controls."""

import numpy as np
import pytest

from ferkit.core.labels import EMOTIONS
from ferkit.core.landmarks import inter_ocular
from ferkit.drawn import examples
from ferkit.drawn.expressions import action_amounts, action_units
from ferkit.drawn.head import load_head
from ferkit.drawn.prototypes import ACTION_UNIT_OF, AU_NAMES
from ferkit.drawn.scene import Scene
from ferkit.workbook.explorers import base, drawn

SIZE = 32  # pixels: small faces are drawn fast


@pytest.fixture(scope="module")
def face():
    return drawn.face_explorer(3, size=SIZE)


def test_a_click_on_an_emotion_sets_every_slider_to_its_prototype(face):
    for emotion in EMOTIONS:
        face.controls["emotion"].value = emotion
        mixture = {n: face.controls[n].value for n in ACTION_UNIT_OF if face.controls[n].value}
        prototype, sides = examples.find_prototype(emotion)
        assert mixture == pytest.approx({n: v for n, v in prototype.items() if n in ACTION_UNIT_OF})
        names = load_head().action_names
        shown = action_amounts(mixture, names)
        if sides:
            shown[[i for i, name in enumerate(names) if name.endswith("Right")]] = 0
        units = action_units(shown, names)
        assert [f"AU {unit}<" in face.text.value for unit in AU_NAMES] == [
            unit in units for unit in AU_NAMES
        ]
    assert face.controls["sides"].value == 0


def test_the_picture_is_the_one_the_package_draws(face):
    face.controls["emotion"].value = "happiness"
    face.controls["yaw"].value = 20.0
    face.controls["jawOpen"].value = 0.4
    mixture = {name: face.controls[name].value for name in ACTION_UNIT_OF}
    frame, _ = examples.draw_mixture(3, mixture, scene=Scene(yaw=20.0), size=SIZE, rays=1)
    assert face.view.value == base.encode_image(frame.image)
    face.controls["yaw"].value = 0.0


def test_every_slider_changes_the_picture(face):
    face.controls["emotion"].value = "neutral"
    for name in ACTION_UNIT_OF:
        before = face.view.value
        face.controls[name].value = 1.0
        assert face.view.value != before, name
        face.controls[name].value = 0.0
        assert face.view.value == before, name


def test_a_click_draws_once(face, monkeypatch):
    face.controls["emotion"].value = "neutral"
    calls = []
    draw_mixture = drawn.draw_mixture
    monkeypatch.setattr(
        drawn,
        "draw_mixture",
        lambda *args, **options: calls.append(1) or draw_mixture(*args, **options),
    )
    face.controls["emotion"].value = "surprise"
    assert len(calls) == 1


def test_an_emotion_can_be_chosen_again_once_a_slider_has_left_it(face):
    face.controls["emotion"].value = "happiness"
    prototype = face.view.value
    face.controls["jawOpen"].value = 0.9
    assert face.controls["emotion"].value is None
    face.controls["emotion"].value = "happiness"
    assert face.view.value == prototype
    face.controls["noseSneer"].value = 0.9
    face.controls["way"].value = 2  # another way of the last emotion
    assert face.controls["emotion"].value == "happiness"
    assert face.controls["noseSneer"].value == 0


def test_reset_returns_to_the_first_picture(face):
    first = drawn.face_explorer(3, size=SIZE).view.value
    face.controls["emotion"].value = "fear"
    face.controls["person"].value = 8
    face.controls["yaw"].value = -30.0
    face.reset.click()
    assert face.view.value == first
    assert face.controls["emotion"].value == "neutral"


def test_sliders_have_the_numbers_of_action_units(face):
    assert face.controls["mouthSmile"].description == "12 lip corner puller"
    assert all(
        face.controls[name].description.startswith(f"{unit} ")
        for name, unit in ACTION_UNIT_OF.items()
    )


def test_contempt_is_one_sided_and_ways_begin_again(face):
    face.controls["emotion"].value = "contempt"
    assert face.controls["sides"].value == 1
    mixture, sides = examples.find_prototype("contempt", 3)
    assert (mixture, sides) == examples.find_prototype("contempt", 1)


def test_sides_keep_one_half_of_the_face_still():
    mixture = {"mouthSmile": 1.0, "browDown": 1.0}
    left, _ = examples.draw_mixture(3, mixture, sides=1, size=SIZE)
    right, _ = examples.draw_mixture(3, mixture, sides=-1, size=SIZE)
    assert (
        left.motion[:, SIZE // 2 + 3 :].sum() > 5 * left.motion[:, : SIZE // 2 - 3].sum()
    )  # subject's left is on the right
    assert right.motion[:, : SIZE // 2 - 3].sum() > 5 * right.motion[:, SIZE // 2 + 3 :].sum()


def test_spread_is_in_percent_of_the_distance_between_the_eyes(drawn_face):
    away = 0.05 * inter_ocular(drawn_face[1]) * np.array([1.0, 0.0])
    assert drawn.spread(np.stack([drawn_face[1] - away, drawn_face[1] + away])) == pytest.approx(5)

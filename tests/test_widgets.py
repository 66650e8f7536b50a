"""Explorers: what is shown after a control changes is what the package says of the controls' values."""

import io
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ferkit import widgets
from ferkit.data.ferplus import COLUMNS, RULES, vote
from ferkit.faces import patches
from ferkit.labels import AU_NAMES, BASIC7, COMPOUND, EMOTIONS, compound_code
from ferkit.landmarks import inter_ocular, residuals
from ferkit.synthetic.expressions import ACTION_UNIT_OF, PROTOTYPES, action_units, sided
from ferkit.synthetic.head import load_head
from ferkit.synthetic.scene import Scene

SIZE = 32  # pixels: small faces are drawn fast, and the claims are the same


@pytest.fixture(scope="module")
def face():
    return widgets.face_explorer(3, size=SIZE)


def pixels(explorer) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(explorer.view.value)))


def test_a_click_on_an_emotion_sets_every_slider_to_its_prototype(face):
    for emotion in EMOTIONS:
        face.controls["emotion"].value = emotion
        mixture = {n: face.controls[n].value for n in ACTION_UNIT_OF if face.controls[n].value}
        drawn = {name.removesuffix("Left"): amount for name, amount in PROTOTYPES[emotion][0].items()}
        assert mixture == pytest.approx(drawn)
        units = action_units(sided(PROTOTYPES[emotion][0], load_head().action_names), load_head().action_names)
        assert [f"AU {unit}<" in face.text.value for unit in AU_NAMES] == [unit in units for unit in AU_NAMES]
    assert face.controls["sides"].value == 0


def test_the_picture_is_the_one_the_package_draws(face):
    face.controls["emotion"].value = "happiness"
    face.controls["yaw"].value = 20.0
    face.controls["jawOpen"].value = 0.4
    mixture = {name: face.controls[name].value for name in ACTION_UNIT_OF}
    frame, _ = widgets.draw_mixture(3, mixture, scene=Scene(yaw=20.0), size=SIZE, rays=1)
    assert face.view.value == widgets.jpeg(frame.image)
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
    drawn, draw = [], widgets.draw
    monkeypatch.setattr(widgets, "draw", lambda *args, **options: drawn.append(1) or draw(*args, **options))
    face.controls["emotion"].value = "surprise"
    assert len(drawn) == 1


def test_contempt_is_one_sided_and_ways_begin_again(face):
    face.controls["emotion"].value = "contempt"
    assert face.controls["sides"].value == 1
    mixture, sides = widgets.prototype("contempt", 3)
    assert (mixture, sides) == widgets.prototype("contempt", 1)
    names = load_head().action_names
    left, right = (names.index(f"mouthDimple{side}") for side in ("Left", "Right"))
    assert sided(PROTOTYPES["contempt"][0], names)[right] == 0 < sided(PROTOTYPES["contempt"][0], names)[left]


def test_sides_keep_one_half_of_the_face_still():
    mixture = {"mouthSmile": 1.0, "browDown": 1.0}
    left, _ = widgets.draw_mixture(3, mixture, sides=1, size=SIZE)
    right, _ = widgets.draw_mixture(3, mixture, sides=-1, size=SIZE)
    assert (
        left.motion[:, SIZE // 2 + 3 :].sum() > 5 * left.motion[:, : SIZE // 2 - 3].sum()
    )  # subject's left is on the right
    assert right.motion[:, : SIZE // 2 - 3].sum() > 5 * right.motion[:, SIZE // 2 + 3 :].sum()


def test_the_compound_explorer_says_code_name_and_equation():
    explorer = widgets.compound_explorer(3, size=SIZE)
    assert "class 20</b>: disgust+sadness" in explorer.text.value  # the paper's example
    assert "7 &middot; (3 &minus; 1) + 6 = 20" in explorer.text.value
    for c, d in (("anger", "anger"), ("surprise", "fear"), ("neutral", "neutral")):
        explorer.controls["dominant"].value = d
        explorer.controls["complementary"].value = c
        n = compound_code(EMOTIONS.index(c), EMOTIONS.index(d))
        assert f"class {n}</b>: {COMPOUND.names[n]}<" in explorer.text.value
        assert explorer.view.value == widgets.jpeg(widgets.draw_compound(3, c, d, size=SIZE).image)


def test_a_pair_that_is_no_class_shows_the_error_and_keeps_the_picture():
    explorer = widgets.compound_explorer(3, size=SIZE)
    before = explorer.view.value
    explorer.controls["complementary"].value = "neutral"
    assert "no class:</b> neutral is (0, 0)" in explorer.text.value
    assert explorer.view.value == before
    explorer.controls["complementary"].value = "anger"
    assert "class 6</b>: anger+sadness" in explorer.text.value


@pytest.mark.parametrize("complementary", [None, *BASIC7])
def test_all_compound_codes_are_described(complementary):
    for dominant in BASIC7:
        text = widgets.describe_compound(complementary or dominant, dominant)
        assert COMPOUND.names[int(text.split("class ")[1].split("<")[0])] in text


def test_the_votes_explorer_shows_what_each_rule_says():
    explorer = widgets.votes_explorer()
    for name in COLUMNS:
        explorer.controls[name].value = 0
    assert "0 votes" in explorer.text.value
    explorer.controls["happiness"].value = 7
    explorer.controls["NF"].value = 3
    assert "10 votes" in explorer.text.value
    votes = pd.DataFrame([dict.fromkeys(COLUMNS, 0) | {"happiness": 7, "NF": 3}])
    for rule in RULES:
        label = vote(votes, rule)["emotion"].iloc[0]
        assert f"<th>{rule}</th>\n      <td>{label}</td>" in explorer.text.value


@given(st.lists(st.lists(st.integers(0, 10), min_size=10, max_size=10), min_size=1, max_size=4))
def test_the_table_of_rules_agrees_with_vote(rows):
    votes = pd.DataFrame(rows, columns=list(COLUMNS), index=[f"row {i}" for i in range(len(rows))])
    table = widgets.under_each_rule(votes)
    assert list(table.index) == [(row, rule) for row in votes.index for rule in RULES]
    for rule in RULES:
        said = vote(votes, rule)
        part = table.xs(rule, level="rule")
        assert part["label"].replace("", None).tolist() == said["emotion"].tolist()
        assert part["dropped"].tolist() == said["dropped"].tolist()


def test_a_wrong_answer_in_votes_is_named():
    with pytest.raises(ValueError, match="unknown answer joy; FER\\+ has neutral"):
        widgets.votes_explorer({"joy": 3})


@pytest.fixture(scope="module")
def landmarks(drawn_face):
    """Three pictures of each of six people: persons differ much, emotions little."""
    rng = np.random.default_rng(0)
    people = np.repeat([f"p{i}" for i in range(6)], 3)
    emotions = np.tile(["neutral", "happiness", "fear"], 6)
    points = drawn_face[1] + np.repeat(rng.normal(0, 8, (6, 68, 2)), 3, axis=0) + rng.normal(0, 1, (18, 68, 2))
    return points, people, emotions


def test_the_landmark_explorer_draws_the_faces_of_one_emotion(landmarks):
    points, people, emotions = landmarks
    explorer = widgets.landmark_explorer(points, people, emotions)
    assert explorer.controls["emotion"].options == ("neutral", "fear", "happiness")
    for emotion in ("fear", "happiness"):
        explorer.controls["emotion"].value = emotion
        chosen = points[emotions == emotion]
        assert explorer.view.value == widgets.landmark_picture(chosen, points)
        assert f"6 faces, spread {widgets.spread(chosen):.1f} %" in explorer.text.value
    explorer.controls["residuals"].value = True
    chosen = points.mean(0) + residuals(points, people)[emotions == "happiness"]
    assert explorer.view.value == widgets.landmark_picture(chosen, points)
    assert f"spread {widgets.spread(chosen):.1f} %" in explorer.text.value
    explorer.controls["faces"].value = 2
    assert explorer.view.value == widgets.landmark_picture(chosen[:2], points)


def test_residuals_spread_less_than_faces(landmarks):
    points, people, emotions = landmarks
    assert widgets.spread(points.mean(0) + residuals(points, people)) < 0.3 * widgets.spread(points)


def test_spread_is_in_percent_of_the_distance_between_the_eyes(drawn_face):
    away = 0.05 * inter_ocular(drawn_face[1]) * np.array([1.0, 0.0])
    assert widgets.spread(np.stack([drawn_face[1] - away, drawn_face[1] + away])) == pytest.approx(5)


def test_the_patch_explorer_shows_the_patch_that_training_sees(drawn_face):
    image, points = drawn_face
    explorer = widgets.patch_explorer(image, points)
    where = patches.boxes(points[None], len(image))[0]
    for region, scale, flipped in (("face", 1.0, False), ("left mouth corner", 1.3, False), ("nose tip", 0.75, True)):
        explorer.controls["region"].value = region
        explorer.controls["scale"].value = scale
        explorer.controls["flipped"].value = flipped
        number = patches.number(region, scale, flipped=flipped)
        assert explorer.view.value == widgets.patch_picture(image, where[number])
        assert f"patch <b>{number + 1}</b> of 60: {region} x {scale:g}" in explorer.text.value
        assert (", flipped" in explorer.text.value) == flipped
    assert f"from x = {where[number][0]:.1f} to {where[number][2]:.1f}" in explorer.text.value


def test_the_right_half_of_the_patch_picture_is_the_patch(drawn_face):
    image, points = drawn_face
    box = patches.boxes(points[None], len(image))[0, patches.number("right eye")]
    shown = np.asarray(Image.open(io.BytesIO(widgets.patch_picture(image, box))).convert("RGB"))
    patch = patches.cut(image[None], box[None, None], 230)[0, 0]
    assert np.abs(shown[5:235, 245:475].astype(int) - patch).mean() < 4
    flipped = np.abs(shown[5:235, 245:475].astype(int) - patch[:, ::-1]).mean()
    assert flipped > 10  # the eye's two corners differ


def test_arrays_of_different_lengths_are_refused(landmarks):
    points, people, emotions = landmarks
    with pytest.raises(ValueError, match=r"expected \(N, 68, 2\), \(N,\) and \(N,\), got \(18, 68, 2\), \(17,\)"):
        widgets.landmark_explorer(points, people[1:], emotions)


def test_without_ipywidgets_the_call_explains(monkeypatch):
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    for explore in (widgets.face_explorer, widgets.compound_explorer, widgets.votes_explorer):
        with pytest.raises(ImportError, match="pip install ipywidgets"):
            explore()
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        widgets.landmark_explorer(np.zeros((1, 68, 2)), ["a"], ["fear"])
    with pytest.raises(ImportError, match="pip install ipywidgets"):
        widgets.patch_explorer(np.zeros((32, 32, 3), np.uint8), np.zeros((68, 2)))


def test_an_explorer_that_ends_a_cell_is_displayed(monkeypatch):
    import IPython.display

    shown = []
    monkeypatch.setattr(IPython.display, "display", shown.append)
    explorer = widgets.votes_explorer()
    explorer._ipython_display_()
    assert shown == [explorer.box]

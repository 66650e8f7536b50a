"""What moved on drawn people nobody was trained on, and how a network's maps are compared with it."""

import numpy as np
import pytest
import torch

from ferkit import moved
from ferkit.labels import COMPOUND, SEVEN
from ferkit.models.compared import cnn2
from ferkit.portable import Network
from ferkit.synthetic.sets import SETS, plan
from ferkit.views import View


@pytest.fixture(scope="module")
def faces() -> list[moved.Shown]:
    return moved.drawn_faces("smoke", progress=False)


def network(names=SEVEN, size=48) -> Network:
    torch.manual_seed(0)
    return Network("cnn2", {}, tuple(names), (View(size, grey=True),), cnn2(len(names), size, 0.25).eval())


def test_the_people_are_new(faces):
    shown = {face.person for face in faces}
    lessons = [name for name, drawn in SETS.items() if "lesson" in drawn.levels]
    drawn = {f"p{shot.person}" for name in lessons for seed in (0, 1) for shot in plan(name, "lesson", seed)}
    assert len(shown) == moved.PEOPLE["smoke"]
    assert not shown & drawn
    assert {face.emotion for face in faces} == set(SEVEN) - {"neutral"}


def test_motion_is_where_the_face_is(faces):
    for face in faces:
        assert face.motion.max() > 1
        assert face.motion[~face.within].mean() < face.motion[face.within].mean()


def test_motion_follows_the_face_into_the_map(faces):
    """The place that moves most lies in the map where the matrix brings it."""
    face = faces[0]
    spot = np.zeros_like(face.motion)
    row, column = np.unravel_index(face.motion.argmax(), face.motion.shape)
    spot[row - 6 : row + 7, column - 6 : column + 7] = 5
    _, matrices = moved.maps(network(), [face])
    there = moved._brought(spot, matrices[0], (48, 48))
    x, y = matrices[0] @ (column + 0.5, row + 0.5, 1)
    assert there.max() > 4
    assert np.hypot(*(np.array(np.unravel_index(there.argmax(), there.shape))[::-1] + 0.5 - (x, y))) < 2


def test_a_map_that_is_the_motion_scores_one(faces, monkeypatch):
    plain = network()
    heats = []

    def perfect(self, seen, classes, layer=None):
        found = Network.maps(plain, seen, classes)
        heats[:] = [
            (moved._brought(face.motion, matrix, (48, 48)), matrix)
            for face, (_, matrix) in zip(faces, found, strict=True)
        ]
        return heats

    class Knowing(Network):
        maps = perfect

    knowing = Knowing(plain.kind, {}, plain.names, plain.views, plain.module)
    table = moved.compared(knowing, faces)
    assert np.allclose(table["auc"].dropna(), 1)
    assert np.allclose(table["pointing"].dropna(), 1)
    control = moved.compared(moved.unlearnt(plain), faces)
    found = moved.summary({"knowing": table}, {"knowing": control})
    assert found.at["knowing", "gain"].value == pytest.approx(1 - found.at["knowing", "control"].value)
    assert 0 < found.at["knowing", "moved"] < 1


def test_classes_of_pairs_have_the_single_emotions_too():
    pairs = network(COMPOUND.names)
    for emotion in set(SEVEN) - {"neutral"}:
        assert moved.class_of(pairs, emotion) is not None
    assert moved.class_of(network(("neutral", "happiness")), "fear") is None


def test_faces_without_a_class_are_left_out_and_none_is_an_error(faces):
    table = moved.compared(network(("neutral", "happiness")), faces)
    assert set(table["emotion"]) == {"happiness"}
    with pytest.raises(ValueError, match="no class anger"):
        moved.maps(network(("neutral", "happiness")), faces)
    with pytest.raises(ValueError, match="none of the emotions shown"):
        moved.compared(network(("yes", "no")), faces)


def test_the_control_has_other_maps(faces):
    learnt = network()
    before = {name: value.clone() for name, value in learnt.module.state_dict().items()}
    assert not np.allclose(moved.maps(learnt, faces)[0], moved.maps(moved.unlearnt(learnt), faces)[0])
    assert all(torch.equal(value, before[name]) for name, value in learnt.module.state_dict().items())

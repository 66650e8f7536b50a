"""The workbook's networks side by side: kept once, found again, trained again for another seed."""

import warnings

import numpy as np
import pytest

from ferkit import cross_database, gallery, moved, portable, tandem
from ferkit.faces import detect
from ferkit.map_widgets import cam_explorer, map_picture
from ferkit.saliency import related_share

pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face")
HOW = {"device": "cpu", "precision": "32"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def networks(out):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*have no prepared face.*")
        return gallery.networks_of(out, "smoke", **HOW)


@pytest.fixture(scope="module")
def faces():
    return moved.drawn_faces("smoke", progress=False)


def test_all_are_there_and_answer(networks, faces):
    assert list(networks) == list(gallery.CALLED.values())
    for kind, name in gallery.CALLED.items():
        network = networks[name]
        assert network.kind == kind
        assert network.about.endswith("smoke, seed 0")
        found = network.probabilities([network.look(face.image, face.face) for face in faces[:2]])
        assert found.shape == (2, len(network.names))
        assert np.allclose(found.sum(1), 1)


def test_they_are_found_again_and_trained_again_for_another_seed(networks, out, monkeypatch):
    made = []
    makers = {kind: (data, lambda *given: made.append(given[3])) for kind, (data, _) in gallery.MAKERS.items()}
    monkeypatch.setattr(gallery, "MAKERS", makers)
    assert gallery.networks_of(out, "smoke", **HOW).keys() == networks.keys()
    assert not made
    gallery.networks_of(out, "smoke", seed=5, **HOW)
    assert {"posed, smoke, seed 5", "wild, smoke, seed 5", "sequences, smoke, seed 5"} == set(made)


def test_a_damaged_file_is_not_taken(out, tmp_path):
    path = tmp_path / "cnn2.safetensors"
    path.write_bytes(b"nothing")
    assert not gallery._kept(path, "")
    assert not gallery._kept(tmp_path / "absent.safetensors", "")


def test_what_is_kept_sees_faces_as_in_training(networks):
    """The crops of `wild` that the networks were trained on are those that a kept network cuts from the same picture."""
    fold = cross_database.wild_fold("smoke", 0)
    clips = fold.test[:6]
    crops = cross_database.faces_of(clips, cross_database.PLANS["smoke"].size, progress=False)
    network, seen = networks["CNN (2)"], 0
    for row, clip in enumerate(clips):
        image = detect.read_image(clip.frames[0])
        if crops.table["found"][row] and (face := detect.find_face(image)):
            (crop,) = network.look(image, face)
            assert np.abs(crop.astype(int) - crops.pictures[row].numpy()).mean() < 3
            seen += 1
    assert seen


def test_tandem_and_resnet_see_the_same_picture(networks, faces):
    face = faces[0]
    own, both = (networks[gallery.CALLED[kind]].look(face.image, face.face) for kind in ("resnet", "tandem"))
    assert np.array_equal(own[0], both[1])
    assert both[0].shape == (3, *tandem.INPUT)


def test_landmarks_of_mean_maps(networks, faces):
    dan = networks[gallery.DAN]
    truth = moved.related_mean(None, faces, like=dan)
    assert 0 <= moved.related_mean(dan, faces) <= 1
    assert 0.3 < truth <= 1  # what moves lies near the landmarks of the action units that move it
    with pytest.raises(ValueError, match="name the network"):
        moved.related_mean(None, faces)
    heat, matrices = moved.maps(dan, faces)
    forward, points = moved.upright(faces, heat, matrices)
    assert forward.any()
    assert points.shape == (len(faces), 68, 2)
    assert (0 < points[forward]).all()
    assert (points[forward] < heat.shape[1]).all()
    assert 0 <= related_share(heat[0], points[0], "fear", "as_authors_code") <= 1


def test_pictures_lie_under_their_maps(networks, faces):
    for network in networks.values():
        heat, matrices = moved.maps(network, faces[:1])
        assert moved.seen_at(faces[0], matrices[0], heat[0].shape).shape == (*heat[0].shape, 3)


def test_another_layer_gives_other_maps_and_an_unknown_one_an_error(networks, faces):
    dan = networks[gallery.DAN]
    usual, earlier = (moved.maps(dan, faces[:3], layer)[0] for layer in (None, "stage2.conv3b"))
    assert not np.allclose(usual, earlier)
    with pytest.raises(AttributeError, match="conv9"):
        moved.maps(dan, faces[:1], "stage2.conv9")


def test_the_explorer_asks_what_is_chosen(networks, faces):
    explorer = cam_explorer(networks, faces[:3])
    before = explorer.view.value
    explorer.controls["network"].value = "CNN (5)"
    assert explorer.controls["name"].options == networks["CNN (5)"].names
    assert explorer.view.value != before
    explorer.controls["name"].value = "happiness"
    assert explorer.view.value == map_picture(networks["CNN (5)"], faces[0], "happiness")
    assert "CNN (5) gives happiness" in explorer.text.value
    explorer.controls["face"].value = 2
    assert faces[1].emotion in explorer.text.value


def test_the_authors_first_stage_has_no_answer_to_keep(tmp_path):
    trained = cross_database.train_dan("smoke", 0, variant="as_authors_code", progress=False, **HOW)
    kept = cross_database.keep_networks(tmp_path, "smoke", trained, {})
    assert [path.name for path in kept] == ["emotionaldan.safetensors"]
    assert portable.load_network(kept[0]).names == trained.names

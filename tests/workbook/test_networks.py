"""The workbook's networks: kept once, found again, trained again for another seed."""

import warnings
from dataclasses import replace

import numpy as np
import pytest

from ferkit.explain import drawn_faces, face_maps
from ferkit.faces import detect, pictures
from ferkit.papers import network_specs
from ferkit.papers.emotionaldan import crops, data, plans, related_landmarks, specs, train
from ferkit.papers.emotionaldan.related_landmarks import related_share
from ferkit.papers.tfe.network import IDENTITY_INPUT
from ferkit.predict import network_file
from ferkit.workbook import networks as workbook_networks
from ferkit.workbook.explorers.maps import cam_explorer, map_picture

pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face")
HOW = {"device": "cpu", "precision": "32"}
# Networks that `load_or_train` trains itself, by name.
TRAINED = {name: spec for name, spec in network_specs().items() if spec.dataset and spec.train}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("run")


@pytest.fixture(scope="module")
def networks(out):
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*have no prepared face.*")
        return workbook_networks.load_or_train(out, "smoke", **HOW)


@pytest.fixture(scope="module")
def dan(networks):
    return networks[specs.EMOTIONALDAN.title]


@pytest.fixture(scope="module")
def faces():
    return drawn_faces.draw_new_faces("smoke", progress=False)


def test_all_are_there_and_predict(networks, faces):
    assert list(networks) == [spec.title for spec in TRAINED.values()]
    for name, spec in TRAINED.items():
        network = networks[spec.title]
        assert network.kind == name
        assert network.about.endswith("smoke, seed 0")
        seen = [network.look(face.image, face.face) for face in faces[:2]]
        probabilities = network.probabilities(seen)
        assert probabilities.shape == (2, len(network.names))
        assert np.allclose(probabilities.sum(1), 1)


def test_they_are_found_again_and_trained_again_for_another_seed(networks, out, monkeypatch):
    trained_on = []

    def record(_level, _seed, _out, about, **_options):
        trained_on.append(about)
        return []

    recording = {}
    for name, spec in network_specs().items():
        recording[name] = replace(spec, train=record if spec.train else None)
    monkeypatch.setattr(workbook_networks, "network_specs", lambda: recording)
    again = workbook_networks.load_or_train(out, "smoke", **HOW)
    assert again.keys() == networks.keys()
    assert not trained_on
    workbook_networks.load_or_train(out, "smoke", seed=5, **HOW)
    sets = {spec.dataset for spec in TRAINED.values()}
    assert {f"{dataset}, smoke, seed 5" for dataset in sets} == set(trained_on)
    assert {"posed", "wild", "sequences"} == sets


def test_a_damaged_file_is_not_taken(tmp_path):
    path = tmp_path / "cnn2.safetensors"
    path.write_bytes(b"nothing")
    assert not workbook_networks._load_if(path, "")
    assert not workbook_networks._load_if(tmp_path / "absent.safetensors", "")


def test_what_is_kept_sees_faces_as_in_training(networks):
    """A kept network cuts the same crops of `wild` as it was trained on."""
    fold = data.split_people("smoke", 0)
    clips = fold.test[:6]
    faces = crops.crop_faces(clips, plans.PLANS["smoke"].size, progress=False)
    network = networks["CNN (2)"]
    seen = 0
    for row, clip in enumerate(clips):
        image = pictures.read_image(clip.frames[0])
        if faces.table["found"][row] and (face := detect.find_face(image)):
            (crop,) = network.look(image, face)
            assert np.abs(crop.astype(int) - faces.pictures[row].numpy()).mean() < 3
            seen += 1
    assert seen


def test_tandem_and_resnet_see_the_same_picture(networks, faces):
    face = faces[0]
    own, both = (
        networks[TRAINED[name].title].look(face.image, face.face) for name in ("resnet", "tandem")
    )
    assert np.array_equal(own[0], both[1])
    assert both[0].shape == (3, *IDENTITY_INPUT)


def test_landmarks_of_mean_maps(dan, faces):
    truth = related_landmarks.related_mean(None, faces, like=dan)
    assert 0 <= related_landmarks.related_mean(dan, faces) <= 1
    assert 0.3 < truth <= 1  # what moves lies near the landmarks of the action units that move it
    with pytest.raises(ValueError, match="name the network"):
        related_landmarks.related_mean(None, faces)
    heat, matrices = face_maps.map_faces(dan, faces)
    forward, points = face_maps.find_upright(faces, heat, matrices)
    assert forward.any()
    assert points.shape == (len(faces), 68, 2)
    assert (0 < points[forward]).all()
    assert (points[forward] < heat.shape[1]).all()
    assert 0 <= related_share(heat[0], points[0], "fear", "as_authors_code") <= 1


def test_pictures_lie_under_their_maps(networks, faces):
    for network in networks.values():
        heat, matrices = face_maps.map_faces(network, faces[:1])
        assert face_maps.bring_picture_to_map(faces[0], matrices[0], heat[0].shape).shape == (
            *heat[0].shape,
            3,
        )


def test_another_layer_gives_other_maps_and_an_unknown_one_an_error(dan, faces):
    usual, earlier = (
        face_maps.map_faces(dan, faces[:3], layer)[0] for layer in (None, "stage2.conv3b")
    )
    assert not np.allclose(usual, earlier)
    with pytest.raises(AttributeError, match="conv9"):
        face_maps.map_faces(dan, faces[:1], "stage2.conv9")


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


def test_the_authors_first_stage_has_no_classes_to_keep(tmp_path):
    parts = data.crop_parts("smoke", 0)
    trained = train.train_dan(parts, "smoke", variant="as_authors_code", progress=False, **HOW)
    records = specs.as_networks("smoke", trained, {})
    kept = workbook_networks.keep_networks(tmp_path, records)
    assert [path.name for path in kept] == ["emotionaldan.safetensors"]
    assert network_file.load_network(kept[0]).names == trained.names

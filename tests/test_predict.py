"""From pictures to emotions: drawn faces only in training, real photographs in the test."""

import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from film_files import write_film
from PIL import Image
from predicted import BOX, STILL, chances

from ferkit import predict
from ferkit.data.clips import Clip
from ferkit.evaluate import open_and_present
from ferkit.face_model import FaceModel
from ferkit.faces import detect
from ferkit.faces.store import prepare
from ferkit.labels import SEVEN
from ferkit.loaders import load_clips, load_photographs

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*have no prepared face"),  # of the drawn faces a few are not found
    pytest.mark.filterwarnings("ignore:.*was trained on 16 people only"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Both models, trained on the few drawn people of `smoke`, and the folder they are saved in."""
    out = tmp_path_factory.mktemp("run")
    models = predict.train(predict.portraits("smoke"))
    predict.save_models(models, out)
    return models, out


@pytest.fixture(scope="module")
def another_face() -> np.ndarray:
    """A picture `(224, 224, 3)` of someone else than `drawn_face`, happy."""
    from ferkit.synthetic.draw import draw, model
    from ferkit.synthetic.expressions import expression
    from ferkit.synthetic.head import load_head
    from ferkit.synthetic.people import person
    from ferkit.synthetic.scene import FIXED, scene

    head, rng = load_head(), np.random.default_rng(1)
    amounts, _ = expression("happiness", head.action_names, rng, person_seed=11)
    return draw(model(person(11, head), head), head, amounts, scene(rng, FIXED)).image


@pytest.fixture
def run(trained, monkeypatch):
    """The run's folder; its models are the ones just trained."""
    monkeypatch.setenv("FERKIT_RUN", str(trained[1]))
    return trained[1]


@pytest.fixture
def pictures(tmp_path, drawn_face, run):
    """A folder with one face, two faces, no face and a broken file."""
    face = drawn_face[0]
    Image.fromarray(face).save(tmp_path / "one.png")
    Image.fromarray(np.concatenate([face, face], axis=1)).save(tmp_path / "two.png")
    Image.fromarray(np.full((64, 64, 3), 127, np.uint8)).save(tmp_path / "wall.png")
    (tmp_path / "broken.jpg").write_bytes(b"not a picture")
    return tmp_path


def boxes(table: pd.DataFrame) -> np.ndarray:
    return table[BOX].to_numpy(float)


def test_a_folder_gives_a_row_for_every_face_and_one_for_a_picture_without(pictures):
    with pytest.warns(UserWarning, match=r"broken\.jpg"):
        table = predict.predict_path(pictures, progress=False)
    assert table.columns.tolist() == STILL
    count = table.assign(name=[Path(path).name for path in table["path"]]).groupby("name").size()
    assert count.to_dict() == {"broken.jpg": 1, "one.png": 1, "two.png": 2, "wall.png": 1}
    found, empty = table[table["emotion"] != ""], table[table["emotion"] == ""]
    assert np.allclose(chances(found).sum(axis=1), 1, atol=1e-4)
    assert (chances(found).argmax(1) == [SEVEN.index(name) for name in found["emotion"]]).all()
    assert np.isfinite(boxes(found)).all()
    assert np.isnan(chances(empty)).all()
    assert np.isnan(boxes(empty)).all()
    assert empty["face"].tolist() == [0, 0]


def test_pictures_without_any_face_give_a_table_too(pictures):
    table = predict.predict_path(pictures / "wall.png", progress=False)
    assert table.columns.tolist() == STILL
    assert table["emotion"].tolist() == [""]


def test_a_picture_and_a_table_answer_the_same(pictures):
    single = predict.predict_path(pictures / "one.png", progress=False)
    (pictures / "list.csv").write_text("path,person\none.png,a\nwall.png,a\n")
    listed = predict.predict_path(pictures / "list.csv", progress=False)
    assert listed["path"].tolist() == ["one.png", "wall.png"]
    pd.testing.assert_frame_equal(listed.iloc[:1, 1:], single.iloc[:, 1:], check_dtype=False)


def test_a_picture_answers_as_its_prepared_face_does(pictures, trained):
    clips = [Clip("mine", "a", "one", "neutral", (pictures / "one.png",))]
    faces = prepare(clips, predict.SIZE, cache=pictures / "cache", progress=False)
    table = predict.predict_path(pictures / "one.png", progress=False)
    assert np.allclose(chances(table), trained[0]["single"].model.probabilities(predict.features(faces)), atol=1e-3)
    assert np.allclose(boxes(table), faces.boxes, atol=0.1)


def test_the_box_is_around_the_face(pictures, drawn_face):
    (box,) = boxes(predict.predict_path(pictures / "one.png", progress=False))
    inner = drawn_face[1][17:]  # without the jaw
    assert (box[:2] < inner.mean(0)).all()
    assert (inner.mean(0) < box[2:]).all()
    assert 0.5 < (box[2] - box[0]) / np.ptp(drawn_face[1][:, 0]) < 1.5


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_the_box_is_in_the_pixels_of_the_file(pictures, drawn_face, suffix):
    """A picture of more than 2048 pixels is reduced on reading."""
    small, large = (predict.predict_path(path, progress=False) for path in enlarged(pictures, drawn_face[0], suffix))
    assert np.allclose(boxes(large), boxes(small) * 5 + np.tile([1600, 300], 2), atol=0.1 * 5 * 224)
    assert large["emotion"].tolist() == small["emotion"].tolist()


def enlarged(folder: Path, face: np.ndarray, suffix: str) -> tuple[Path, Path]:
    """Files of a face, and of it five times as large at (1600, 300) of a picture of 3000 x 1500 pixels."""
    canvas = np.full((1500, 3000, 3), face[0, 0], np.uint8)
    canvas[300:1420, 1600:2720] = cv2.resize(face, (1120, 1120), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(canvas).save(folder / f"large.{suffix}", quality=95)
    return folder / "one.png", folder / f"large.{suffix}"


def test_two_faces_side_by_side_are_two_rows(pictures, drawn_face, another_face):
    Image.fromarray(another_face).save(pictures / "other.png")
    Image.fromarray(np.concatenate([drawn_face[0], another_face], axis=1)).save(pictures / "pair.png")
    pair = predict.predict_path(pictures / "pair.png", progress=False).sort_values("x0")
    alone = [predict.predict_path(pictures / name, progress=False) for name in ("one.png", "other.png")]
    left, right = boxes(pair)
    assert sorted(pair["face"]) == [0, 1]
    assert left[2] < right[0]
    for i, (own, other) in enumerate([alone, alone[::-1]]):
        box = boxes(own)[0] + np.tile([224 * i, 0], 2)
        assert np.allclose(
            boxes(pair)[i], box, atol=0.2 * (box[2] - box[0])
        )  # the detector goes in steps of some 15 pixels
        assert np.allclose(chances(pair)[i], chances(own)[0], atol=0.06)
        assert np.abs(chances(pair)[i] - chances(own)[0]).sum() < np.abs(chances(pair)[i] - chances(other)[0]).sum() / 2


def test_a_face_that_cannot_be_aligned_leaves_the_others(pictures, monkeypatch):
    faces = detect.find_faces(detect.read_image(pictures / "two.png"))
    nowhere = detect.Face(faces[0].box, np.zeros((68, 2)), 1.0)
    monkeypatch.setattr(detect, "find_faces", lambda image: [nowhere, *faces])
    with pytest.warns(UserWarning, match=r"left out a face in .*two\.png: landmarks cannot be aligned"):
        table = predict.predict_path(pictures / "two.png", progress=False)
    assert table["face"].tolist() == [0, 1]


def test_the_residual_model_takes_the_persons_own_mean(pictures):
    (pictures / "list.csv").write_text("path,person\none.png,a\none.png,a\n")
    table = predict.predict_path(pictures / "list.csv", residual=True, progress=False)
    model = FaceModel.load(predict.run_dir() / "models" / predict.FILES["residual"])
    nothing = {name: np.zeros((2, len(expert.mean))) for name, expert in model.experts.items()}
    same = model.probabilities(nothing, ["a", "a"])  # two equal pictures have no residual
    assert np.allclose(chances(table), same, atol=1e-3)


def test_the_face_model_reads_films_and_marks_them(pictures, drawn_face):
    film = write_film(pictures / "film.avi", [drawn_face[0]] * 2)
    table = predict.predict_path(film, every=1, annotated=pictures / "out", progress=False)
    assert table.columns.tolist() == ["path", "frame", "time", *STILL[1:]]
    assert table["frame"].tolist() == [0, 1]
    assert np.allclose(chances(table).sum(1), 1, atol=1e-4)
    assert (pictures / "out" / "film.avi.mp4").is_file()


def test_wrong_use_is_said(pictures, trained):
    with pytest.raises(ValueError, match="path and person"):
        predict.predict_path(pictures, residual=True, progress=False)
    (pictures / "bad.csv").write_text("file\none.png\n")
    with pytest.raises(ValueError, match="column `path`"):
        predict.predict_path(pictures / "bad.csv", progress=False)
    (pictures / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="no pictures"):
        predict.predict_path(pictures / "empty", progress=False)
    with pytest.raises(FileNotFoundError, match="no picture, film, folder or table"):
        predict.predict_path(pictures / "absent.jpg", progress=False)
    with pytest.raises(ValueError, match="--residual"):
        predict.predict_path(
            pictures / "one.png", model=predict.run_dir() / "models" / predict.FILES["residual"], progress=False
        )
    for model in (None, predict.run_dir() / "models" / predict.FILES["single"]):
        with pytest.raises(ValueError, match="needs a convolutional network: name one with --model"):
            predict.predict_path(pictures / "one.png", model, annotated=pictures / "out", cam=True, progress=False)
    single = trained[0]["single"].model
    strange = {"colours": single.experts["landmarks"]}
    path = FaceModel(strange, {"colours": 1.0}, SEVEN, predict.SIZE).save(pictures / "strange.safetensors")
    with pytest.raises(ValueError, match="features of colours are missing, got landmarks, gradients"):
        predict.predict_path(pictures / "one.png", model=path, progress=False)


def test_pictures_of_prepared_faces_are_needed(pictures):
    clips = [Clip("mine", "a", "one", "neutral", (pictures / "one.png",))]
    faces = prepare(clips, predict.SIZE, cache=pictures / "cache", keep_images=False, progress=False)
    with pytest.raises(ValueError, match="keep_images=True"):
        predict.features(faces)


def test_a_run_without_a_model_trains_one(tmp_path, monkeypatch, trained):
    monkeypatch.setattr(predict, "train", lambda faces, seed=0: trained[0])
    with pytest.warns(UserWarning, match="no trained model"):
        model = predict.load_model(out=tmp_path, level="smoke")
    assert model.names == SEVEN
    assert not model.residual
    assert (tmp_path / "models" / predict.FILES["residual"]).is_file()


def test_a_damaged_model_is_said_and_not_trained_anew(tmp_path, trained):
    path, other = predict.save_models(trained[0], tmp_path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"face\.safetensors is damaged .*train it again"):
        predict.load_model(out=tmp_path)
    assert predict.load_model("residual", out=tmp_path).residual


def test_training_uses_the_mirror_images(trained):
    faces = predict.portraits("smoke")
    answers = trained[0]["single"].answers
    assert len(answers.truth) == 2 * len(faces)
    plain, mirrored = predict.features(faces), predict.features(faces, mirrored=True)
    for name, expert in trained[0]["single"].model.experts.items():
        assert np.allclose(expert.origin, (plain[name].mean(0) + mirrored[name].mean(0)) / 2, atol=1e-4)


def test_data_sets_are_loaded_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("FERKIT_DATA", str(tmp_path))
    assert load_photographs() == {}
    clips = load_clips("posed", "smoke")
    assert {clip.emotion for clip in clips} == set(SEVEN)
    with pytest.raises(ValueError, match="unknown data set"):
        load_clips("nothing")


def test_from_drawn_to_real(real_data):
    """The floor, seven emotions open. Chance is 1/7, or 1/2 (London) and 1/4 (CMU) among the emotions present."""
    photographs = load_photographs(real_data)
    assert {name: len(clips) for name, clips in photographs.items()} == {"london": 52, "cmu": 78}
    trained = predict.train(predict.portraits("lesson"))
    reached = {}
    for name, clips in photographs.items():
        faces = prepare(clips, predict.SIZE, keep_images=True, progress=False)
        assert faces.table["found"].all()
        people, shown = faces.table["person"].to_numpy(dtype=str), faces.table["emotion"].tolist()
        for kind, one in trained.items():
            scores = one.model.scores(predict.features(faces), people)
            reached[name, kind] = open_and_present(scores, one.model.names, shown, people)
    # Measured 0.865, 0.885, 0.981, 0.462 and 0.538; a face or two may fall the other way on another processor.
    assert reached["london", "single"]["open"].value >= 0.82
    assert reached["london", "single"]["present"].value >= 0.843
    assert reached["london", "residual"]["open"].value >= 0.96
    assert reached["cmu", "single"]["open"].value >= 0.43
    assert reached["cmu", "residual"]["open"].value >= 0.50


def test_a_model_of_few_people_says_so(trained, tmp_path):
    model, out = trained[0]["single"].model, trained[1]
    assert model.people == 16
    with pytest.warns(UserWarning, match=r"face\.safetensors was trained on 16 people only.*`ferkit run 02`"):
        assert predict.load_model(out=out).people == 16
    replace(model, people=150).save(tmp_path / "models" / predict.FILES["single"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict.load_model(out=tmp_path)

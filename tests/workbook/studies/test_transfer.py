"""What models of drawn faces are tested on."""

from types import SimpleNamespace

import numpy as np
import pandas as pd

from ferkit.faces.prepared import Prepared
from ferkit.papers.multimodal.landmark_svm import LandmarkFaces
from ferkit.predict.face_model import Training
from ferkit.predict.shipped import load_model
from ferkit.workbook.studies import transfer


def prepared(emotions: list[str]) -> Prepared:
    table = pd.DataFrame({"emotion": emotions, "person": "a"})
    points = np.zeros((len(emotions), 68, 2))
    return Prepared(None, 224, table, None, points, points, np.zeros((len(emotions), 4)))


def faces(emotions: list[str]) -> LandmarkFaces:
    found = prepared(emotions)
    names = np.array(emotions)
    people = np.repeat("a", len(names))
    pure = np.ones(len(names), bool)
    return LandmarkFaces(found, found.landmarks, found.landmarks, people, names, pure)


def test_the_data_set_given_is_tested_beside_photographs():
    development = {"london": prepared(["neutral"]), "press": prepared(["fear"])}
    tested = transfer.tested_faces(faces(["contempt", "fear"]), "mine", development)
    assert list(tested) == ["mine", "london"]
    assert tested["mine"].table["emotion"].tolist() == ["fear"]


def test_faces_that_train_the_models_do_not_test_them():
    assert not transfer.tested_faces(faces(["fear"]), "portraits", {})


def test_a_set_among_the_photographs_is_tested_once():
    london = prepared(["neutral", "happiness"])
    tested = transfer.tested_faces(faces(["neutral"]), "london", {"london": london})
    assert list(tested) == ["london"]
    assert tested["london"] is london


def test_the_model_of_the_package_is_named_beside_ours():
    measured = {"single": 0.5, "shipped": 0.625}
    metrics = {f"drawn_to_cmu/{kind}/open": {"value": value} for kind, value in measured.items()}
    trained = {"single": SimpleNamespace(model=SimpleNamespace(training=Training(60, 420)))}
    words = transfer.say_shipped_model(SimpleNamespace(metrics=metrics), trained, ["cmu"]).data
    package = load_model().training.people
    assert "have learnt from 60 drawn people" in words
    assert f"the one that comes with the package from {package}." in words
    assert "of `cmu`, ours recognises 50 % and the package's 62 %." in words


def test_calibration_errors_are_said_for_each_set():
    metrics = {
        "calibration_error/stills": {"value": 0.031},
        "calibration_error/cmu": {"value": 0.22},
        "drawn_to_cmu/single/open": {"value": 0.5},
    }
    words = transfer.say_calibration(SimpleNamespace(metrics=metrics)).data
    assert words == "The expected calibration error is 0.03 on `stills`, 0.22 on `cmu`."


def test_people_with_one_picture_have_no_residual_and_are_left_out():
    rng = np.random.default_rng(0)
    people = np.repeat(["a", "b", "c", "d", "alone"], [4, 4, 4, 4, 1])
    smiles = np.arange(len(people)) % 2 == 0
    points = rng.normal(size=(len(people), 68, 2)) + 5 * smiles[:, None, None]
    table = pd.DataFrame({"person": people, "emotion": np.where(smiles, "happiness", "neutral")})
    found = Prepared(None, 224, table, None, points, points, np.zeros((len(people), 4)))
    metrics = transfer.within_metrics({"london": found}, "stills", 2, seed=0)
    assert {metric["n"] for metric in metrics.values()} == {16}

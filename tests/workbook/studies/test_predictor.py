import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation.predictions import Predictions
from ferkit.faces.prepared import Prepared
from ferkit.predict.face_model import FaceModel, Training
from ferkit.predict.geometry import FEATURES
from ferkit.predict.priors import PRIORS
from ferkit.predict.train import TrainedFaceModel
from ferkit.workbook.studies import predictor


def test_the_mean_recall_of_a_worked_example():
    """Recalls 1/2 and 1; of two people the first alone has 1/2 and 1, the second alone 1/2."""
    correct = np.array([True, False, True, True, False])
    truth = np.array([0, 0, 1, 0, 0])
    people = np.array(["a", "a", "a", "b", "b"])
    value, low, high = predictor.mean_recall(correct, truth, people)
    assert value == pytest.approx(0.75)
    assert (low, high) == (0.5, 0.75)


def load_record() -> pd.DataFrame:
    """Load the measurement of the weights that the package ships."""
    return pd.read_csv(predictor._RECORD, comment="#")


def faces_of(shown: list[str], people: list[str]) -> Prepared:
    table = pd.DataFrame({"emotion": shown, "person": people})
    points = np.random.default_rng(0).normal(80, 20, (len(shown), 68, 2))
    return Prepared(None, 224, table, None, points, points, np.zeros((len(shown), 4)))


def test_calibration_is_measured_on_held_out_and_on_other_faces():
    names = ("neutral", "happiness")
    model = FaceModel(
        np.zeros((2, FEATURES)), np.array([0.0, 2.0]), np.zeros(FEATURES), names, Training(2, 2),
        temperature=2.0,
    )  # fmt: skip
    held_out = Predictions(
        names, np.array([[0.0, 2.0], [0.0, 2.0]]), np.array([1, 0]), np.array(["a", "b"]),
        np.array([0, 1]),
    )  # fmt: skip
    photographs = {"mine": faces_of(["happiness"] * 3, ["c"] * 3)}
    table = predictor.measure_calibration(TrainedFaceModel(model, held_out), photographs)
    sure = np.e / (1 + np.e)  # of scores 1 apart
    assert table["name"].tolist() == ["drawn, other people", "mine"]
    assert table["confidence"].tolist() == pytest.approx([sure, sure])
    assert table["accuracy"].tolist() == [0.5, 1]
    assert table["count"].tolist() == [2, 3]


@pytest.mark.parametrize("page", predictor.PAGES, ids=lambda page: page.name)
def test_the_pages_show_the_record(page):
    """After a change of the weights: `make weights` with the development photographs."""
    table = load_record()
    assert set(table["prior"]) == set(PRIORS)
    assert predictor.card_table(table) in page.read_text(encoding="utf-8")


def test_without_photographs_the_pages_stay(tmp_path):
    before = [page.read_bytes() for page in predictor.PAGES]
    assert "keeps its numbers" in predictor.record_models(tmp_path)
    assert [page.read_bytes() for page in predictor.PAGES] == before


def test_a_new_table_replaces_the_old_one_alone(tmp_path, monkeypatch):
    record = load_record()
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- measured -->\nold\n<!-- end -->\nafter\n", encoding="utf-8")
    monkeypatch.setattr(predictor, "PAGES", (page,))
    monkeypatch.setattr(predictor, "_RECORD", tmp_path / "predictor.csv")
    found = dict.fromkeys(["london", "cmu", "press"])
    monkeypatch.setattr(predictor, "development_faces", lambda root: found)
    monkeypatch.setattr(predictor, "measure_models", lambda photographs: record)
    table = predictor.record_models()
    text = page.read_text(encoding="utf-8")
    assert text == f"before\n<!-- measured -->\n{table}\n<!-- end -->\nafter\n"

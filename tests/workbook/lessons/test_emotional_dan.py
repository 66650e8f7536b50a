"""Notebook 08's tables: mean recall, paired differences, a face turned upright."""

from types import SimpleNamespace

import face_trees
import numpy as np
import pandas as pd
import pytest
import torch
from plot_tables import face

from ferkit.evaluation.intervals import bootstrap
from ferkit.faces.load import load_photographs
from ferkit.papers.emotionaldan.crops import CLASSES, FaceCrops, crop_faces
from ferkit.papers.emotionaldan.experiment import spread_mean_recall, three_of_seven
from ferkit.papers.emotionaldan.plans import PLANS
from ferkit.papers.reported import paper
from ferkit.papers.study_records import StudyRecord
from ferkit.workbook.lessons import emotional_dan as lesson
from ferkit.workbook.lessons import emotional_dan_alignment as alignment
from ferkit.workbook.lessons import emotional_dan_appendix as appendix
from ferkit.workbook.notebook_run import start_run
from ferkit.workbook.studies import predictor

TRUTH = list(CLASSES[7].names) * 6
PEOPLE = np.repeat([f"p{i}" for i in range(6)], 7)


@pytest.fixture
def run(tmp_path):
    return start_run("08_emotional_dan", "emotionaldan", out=tmp_path, level="smoke", seed=0)


def recognised(**predicted: list[str]) -> lesson.Recognised:
    """Predictions of some methods on the data set `wild`."""
    scores = {(name, "wild"): np.eye(7)[CLASSES[7].encode(p)] for name, p in predicted.items()}
    right = {(name, "wild"): np.array(p) == np.array(TRUTH) for name, p in predicted.items()}
    return lesson.Recognised(7, scores, right, {"wild": PEOPLE}, {"wild": TRUTH})


def crops_of(points: np.ndarray, **columns) -> FaceCrops:
    count = len(points)
    table = pd.DataFrame({"dataset": "wild", "person": PEOPLE[:count], "emotion": TRUTH[:count]})
    table = table.assign(found=True, **columns)
    pictures = torch.zeros(count, 1, 32, 32, dtype=torch.uint8)
    return FaceCrops(pictures, points, points + 1, np.zeros((count, 2, 3)), table)


def test_the_mean_recall_of_a_constant_is_one_of_the_classes():
    truth = ["negative"] * 8 + ["neutral"] + ["positive"]
    assert lesson.mean_recall(truth, ["negative"] * 10) == pytest.approx(1 / 3)
    assert lesson.mean_recall(truth, truth) == 1
    assert lesson.mean_recall(["neutral"], ["neutral"]) == 1  # of the classes that occur


def test_a_lead_over_the_others_is_positive_and_kept(run):
    afraid = ["fear"] * 42
    found = recognised(as_authors_code=TRUTH, cnn2=afraid, cnn5=afraid, emotion_alone=TRUTH)
    differences = lesson.compare_with_others(run, found, 0)
    assert differences["cnn5", "wild"].value == pytest.approx(6 / 7)
    assert run.metrics["wild/7/as_authors_code_minus_cnn5"]["value"] == pytest.approx(6 / 7)
    assert run.metrics["wild/7/landmark_term"]["value"] == 0
    assert found.methods == ["cnn2", "cnn5", "emotion_alone", "as_authors_code"]
    assert lesson.predicted_names(found, "wild") == TRUTH
    said = lesson.describe_leads(differences, ["wild"])
    assert said.startswith("On `wild`: EmotionalDAN beats CNN (2) by 85.7 points")
    assert "On `wild`: EmotionalDAN beats CNN (5) by 85.7 points" in said
    assert (
        "On `wild`: EmotionalDAN and the same network without landmarks in its loss are level"
        in said
    )


def test_chance_is_the_most_frequent_class_of_drawn_sets(run):
    found = recognised(as_authors_code=TRUTH)
    run.metrics["wild/7/as_authors_code/open"] = {"value": 1.0}
    table = lesson.accuracy_table(run, found, ["wild"])
    assert table["chance"].tolist() == pytest.approx([1 / 7])
    assert lesson.accuracy_table(run, found, []).empty  # no photographs here


@pytest.mark.parametrize(
    ("low", "high", "effect"),
    [
        (-0.02, -0.01, "lowers the landmark error by 15.0 %"),
        (0.01, 0.02, "raises the landmark error by 15.0 %"),
        (-1, 1, "is not shown to change the landmark error"),
    ],
)
def test_stage_2_is_said_to_lower_the_error_only_beyond_its_interval(run, low, high, effect):
    key = "wild/landmarks/as_authors_code"
    run.metrics[f"{key}/stage 1/all"] = {"value": 0.1}
    run.metrics[f"{key}/stage_2_minus_1"] = {"value": (low + high) / 2, "low": low, "high": high}
    assert f"stage 2 {effect}" in lesson.describe_stages(run, ["wild", "jaffe"])


def test_a_turned_face_is_found_and_placed_upright():
    straight = face(0, 32)
    angle = np.deg2rad(25)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    level = straight.copy()
    level[36:42, 1] = level[42:48, 1] = 10
    level[36:42, 0], level[42:48, 0] = 8, 24
    faces = crops_of(np.stack([level, (level - 16) @ turn.T + 16]).astype(np.float32))
    assert alignment.find_turned(faces) == 1
    _, landmarks = alignment.place_upright(faces, 1, level)
    assert landmarks.numpy() == pytest.approx(level, abs=1e-3)


def test_an_epoch_of_stage_2_passes_all_faces():
    faces = crops_of(np.zeros((42, 68, 2), np.float32))
    batch = PLANS["smoke"].as_authors_code[1].batch
    assert lesson.count_iterations(faces, "smoke", 3) == 3 * -(-42 // batch)


def test_four_negative_classes_have_no_advantage():
    three = three_of_seven(np.full((1, 7), 1 / 7))
    assert three == pytest.approx(np.full((1, 3), 1 / 7))
    fear = three_of_seven(np.eye(7)[[CLASSES[7].names.index("fear")]])
    assert fear.tolist() == [[0.25, 0, 0]]


def test_saying_negative_always_has_a_third_of_the_mean_recall():
    faces = crops_of(np.zeros((42, 68, 2), np.float32))  # six of each emotion
    _, truth = faces.named(3)
    names = CLASSES[3].names

    class Happy(torch.nn.Module):
        def forward(self, pictures):
            return 9.0 * torch.eye(7)[[CLASSES[7].names.index("happiness")] * len(pictures)]

    class Dan:
        both = Happy()

    scores = {("cnn2", "wild"): np.eye(3)[[names.index(name) for name in truth]]}
    right = {("cnn2", "wild"): np.ones(36, bool)}
    found = lesson.Recognised(3, scores, right, {"wild": PEOPLE}, {"wild": truth})
    how = {"precision": "32", "device": "cpu"}
    table = appendix.three_table(Dan(), faces, found, "wild", **how)
    assert table.loc["always “negative”"].tolist() == ["0.667", "0.333"]
    assert table.loc["seven classes, taken together"].tolist() == ["0.167", "0.333"]
    assert table.loc["CNN (2), trained for three"].tolist() == ["1.000", "1.000"]
    alone = appendix.three_table(Dan(), faces, None, "wild", **how)
    assert alone.index.tolist() == ["seven classes, taken together", "always “negative”"]


def test_spread_values_average_to_the_mean_recall():
    truth = ["negative"] * 6 + ["neutral", "positive", "positive"]
    guesses = ["negative"] * 5 + ["neutral"] * 3 + ["positive"]
    correct = np.array(truth) == np.array(guesses)
    values = spread_mean_recall(correct, truth)
    assert values.mean() == pytest.approx(lesson.mean_recall(truth, guesses))
    always_negative = spread_mean_recall(np.array(truth) == "negative", truth)
    np.testing.assert_allclose(always_negative, 1 / 3)


def test_intervals_of_spread_values_are_those_of_mean_recall():
    generator = np.random.default_rng(0)
    people = np.repeat([f"p{number}" for number in range(80)], 10)
    truth = generator.choice(["negative", "neutral", "positive"], 800, p=[0.6, 0.2, 0.2])
    correct = generator.random(800) < np.where(truth == "negative", 0.9, 0.5)
    _, low, high = predictor.mean_recall(correct, truth, people)
    score = bootstrap(spread_mean_recall(correct, truth), people)
    assert [score.low, score.high] == pytest.approx([low, high], abs=0.005)
    assert high - low > 0.04


@pytest.mark.parametrize(
    ("level", "datasets", "trains"),
    [
        ("lesson", ["wild", "posed"], False),
        ("smoke", ["wild", "sequences"], False),
        ("lesson", ["wild", "jaffe"], True),
        ("lesson", ["affectnet", "posed"], True),
        ("study", ["wild", "posed"], True),
        ("paper", ["wild", "posed"], True),
    ],
)
def test_the_appendix_trains_what_no_study_tells(level, datasets, trains):
    assert appendix.trains_here(level, datasets) is trains


def test_kept_accuracies_of_three_classes_fill_the_papers_table(run, monkeypatch):
    rows = {
        "data": ["posed"] * 4 + ["posed, mean recall"] * 2 + ["london"] * 2,
        "method": "cnn5",
        "start": [0, 0, 1, 1, 0, 1, 0, 1],
        "sample": [0, 1, 0, 1, 0, 0, 0, 0],
        "person": ["a", "b", "a", "b", "a", "a", "c", "c"],
        "value": [1, 0, 1, 1, 1, 1, 1, 1],
    }
    record = StudyRecord(pd.DataFrame(rows), pd.DataFrame(), {})
    monkeypatch.setattr(appendix, "load_study", lambda name: {"three_classes": record}[name])
    monkeypatch.setattr(appendix, "kept_studies", lambda: ("three_classes",))
    appendix.take_kept_three_classes(run)
    assert list(run.metrics) == ["posed/3/cnn5/open"]
    assert run.metrics["posed/3/cnn5/open"]["value"] == pytest.approx(0.75)
    result = paper("emotionaldan").result("three/jaffe/cnn5")
    assert "posed/3/cnn5/open" in result.ours.format(data="posed")


def test_strong_and_weak_expressions_are_counted_apart(run):
    found = recognised(as_authors_code=TRUTH)
    faces = crops_of(np.zeros((42, 68, 2), np.float32), intensity=[0.3, 0.9, 0] * 14)
    table = appendix.strength_table(run, found, faces, "wild", 0)
    assert table["name"].tolist() == ["weak expressions", "strong expressions"]
    assert table["n"].tolist() == [14, 14]
    unknown = crops_of(np.zeros((42, 68, 2), np.float32), intensity=np.nan)
    assert appendix.strength_table(run, found, unknown, "wild", 0).empty


@pytest.mark.filterwarnings("ignore:.*not the complete set.*")
@pytest.mark.parametrize("inside", [True, False])
def test_points_placed_by_hand_are_those_of_the_data_root(run, tmp_path, monkeypatch, inside):
    monkeypatch.delenv("FERKIT_DATA", raising=False)
    face_trees.TREES["london"](tmp_path / "data" / "london")
    root = str(tmp_path / ("data" if inside else "elsewhere"))
    photographs = [clip for clip in load_photographs(root).get("london", ()) if clip.emotion]
    tested = {"london": crop_faces(photographs, 32, progress=False)} if inside else {}
    monkeypatch.setattr(appendix, "predict_faces", lambda _, faces: (None, faces.dlib))
    trained = SimpleNamespace(first=None, both=None)
    table, means = appendix.hand_placed(run, trained, tested, root)
    assert (len(table), len(means) > 0) == ((3, True) if inside else (0, False))


def test_an_exploded_training_has_no_value(run):
    faces = crops_of(np.stack([face(i, 32) for i in range(4)]).astype(np.float32))

    class Truth(torch.nn.Module):
        def forward(self, pictures):
            return torch.from_numpy(faces.points).flatten(1)[: len(pictures)]

    class Dan:
        first = both = Truth()

    table = appendix.trials_table(
        run, Dan(), {"Adam, 0.05": None}, faces, precision="32", device="cpu"
    )
    assert table["name"].tolist() == [
        "stage 1 alone",
        "stage 2, Adam, 0.05",
        "stage 2, ours, to the end",
    ]
    assert table["value"].isna().tolist() == [False, True, False]
    assert "stage_2/Adam, 0.05" not in run.metrics

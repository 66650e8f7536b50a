"""Steps of notebook 09: examples, sums before the ReLU, shares and their yardsticks."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation.intervals import Score
from ferkit.explain.drawn_faces import DrawnFace
from ferkit.papers.emotionaldan.related_landmarks import RELATED
from ferkit.workbook.exercises.visualization import EXERCISES
from ferkit.workbook.lessons import visualization as lesson
from ferkit.workbook.lessons import visualization_landmarks as landmarks
from ferkit.workbook.lessons import visualization_sequences as sequences
from ferkit.workbook.lessons import visualization_tsne as tsne


def drawn(person: str, emotion: str, shade: int) -> DrawnFace:
    square = np.full((8, 8), shade)
    return DrawnFace(person, emotion, square, square, square > 0, np.zeros((68, 2)), None)


def test_the_brightest_person_with_all_emotions_is_the_example():
    faces = [drawn("dark", name, 40) for name in ("anger", "fear")]
    faces += [drawn("light", name, 90) for name in ("fear", "anger")]
    faces += [drawn("lightest", "anger", 200)]
    assert [(face.person, face.emotion) for face in lesson.choose_examples(faces)] == [
        ("light", "anger"),
        ("light", "fear"),
    ]


def test_table_5_fits_the_authors_code_and_not_table_4():
    table = landmarks.possible_table()
    assert len(table) == 12
    assert landmarks.count_possible(table) == {"as_paper": 0, "as_authors_code": 12}
    shown = landmarks.layer_table(table, "conv4a")
    assert shown.loc["happiness", "authors' code: k"] == 16
    assert shown.loc["happiness", "paper's table 4: k x share"] == 4.5
    assert landmarks.is_possible(0.375, 16)
    assert not landmarks.is_possible(0.38, 16)


def test_networks_are_sorted_by_what_is_shown():
    gains = {"up": (0.1, 0.05, 0.2), "down": (-0.1, -0.2, -0.05), "open": (0.1, -0.1, 0.3)}
    summary = pd.DataFrame({"gain": {n: Score(*v, 9, 3) for n, v in gains.items()}})
    text = lesson.describe_gains(lesson.MotionScores({}, {}, summary))
    assert text.endswith(
        "shuffled weights: up; shown to be worse: down; no difference shown: open."
    )


def test_better_maps_of_recognised_faces_are_found_over_people():
    people = np.repeat([f"p{i}" for i in range(12)], 2)
    right = np.tile([True, False], 12)
    better = pd.DataFrame({"person": people, "right": right, "auc": 0.5 + 0.2 * right})
    same = better.assign(auc=np.tile([0.5, 0.5, 0.6, 0.4], 6))
    scores = lesson.MotionScores({"better": better, "never": better.assign(right=False)}, {}, same)
    text = lesson.describe_right(scores, 0)
    assert "recognised: better;" in text
    assert "never" not in text


def test_neighbours_of_test_sequences_are_counted_in_the_full_space():
    emotion = np.array(["anger"] * 6 + ["fear"] * 6)
    part = np.array(["test"] * 3 + ["training"] * 3 + ["test"] * 3 + ["training"] * 3)
    points = {"emotion": emotion, "part": part, "person": np.arange(12).astype(str)}
    apart = np.where(emotion == "fear", 10.0, 0.0)[:, None] + np.arange(12)[:, None] / 100
    features = {"input": np.zeros((12, 1)), "hidden": apart}
    shares = tsne.neighbour_scores(features, points, 0)
    # Of five neighbours, all of the test part, two show the same emotion.
    assert shares["hidden"].value == pytest.approx(0.4)
    assert tsne.neighbour_chance(points) == 0.5
    metrics = tsne.neighbour_metrics(shares, 0.5, "s/dtgn/neighbours")
    assert metrics["s/dtgn/neighbours/chance"] == {"value": 0.5}


class Titled:
    """What `network_table` needs of a network."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.spec = self
        self.title = kind.upper()


def test_a_share_stands_beside_its_yardsticks():
    networks = {name.upper(): Titled(name) for name in ("a", "b")}
    values = {"a/trained": 0.5, "a/shuffled": 0.3, "b/trained": 0.6, "b/shuffled": 0.3}
    metrics = {f"related/{name}": {"value": value} for name, value in values.items()}
    metrics["related/true_motion"] = {"value": 0.58}
    table = landmarks.network_table(metrics, networks)
    assert table["name"].tolist() == ["A", "A", "B", "B", "a map of the true motion"]
    blind = np.mean([len(related) / 68 for related in RELATED["as_authors_code"].values()])
    assert table["chance"].unique() == pytest.approx([blind])
    text = landmarks.describe_shares(metrics, networks, networks["A"])
    assert "of A is 0.50. Its shuffled weights have 0.30, a blind choice 0.34" in text
    assert text.endswith("reach as much: B.")


def test_dtan_is_compared_in_the_words_of_this_run():
    level = Score(0.5, 0.45, 0.55, 9, 3)
    zero = replace(level, value=0.0, low=-0.1, high=0.1)
    up = replace(level, value=0.2, low=0.1, high=0.3)
    scores = {
        sequences.DTAN: {"auc": level, "minus its weights shuffled": zero, "right": level},
        sequences.STILL: {"auc": level, "minus DTAN": zero, "right": level},
        "CNN (2)": {"auc": level, "minus DTAN": up},
    }
    text = " ".join(sequences.describe_dtan(scores))
    assert "DTAN's map and that of its shuffled weights are level" in text
    assert "Maps shown to be better than DTAN's: CNN (2)." in text
    assert sequences.peak_table(scores)["group"].tolist() == ["sees motion"] * 2 + ["one picture"]
    assert sequences.is_drawn("sequences")
    assert not sequences.is_drawn("ckplus")


def test_a_hand_drawn_map_is_judged_on_the_same_faces(monkeypatch):
    judge = EXERCISES["09.5"].judge
    motion = np.zeros((8, 8))
    motion[4:] = 5.0
    face = replace(drawn("p", "fear", 9), motion=motion)
    facts = {
        "faces": [face, face],
        "matrices": np.tile(np.eye(2, 3), (2, 1, 1)),
        "trained": pd.DataFrame({"auc": [0.6, 0.8]}),
    }
    below = np.repeat(np.arange(8.0), 8).reshape(8, 8)
    assert judge(below, **facts) == ""
    assert "your map reaches" in judge(-below, **facts)
    assert "one map of finite numbers" in judge(below * np.nan, **facts)

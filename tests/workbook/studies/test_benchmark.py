"""The benchmark: the same faces and folds for all, own methods, what is left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.faces.load import load_clips
from ferkit.training.layers import count_parameters
from ferkit.workbook.explorers.benchmark import draw_pair, pair_explorer, pair_text
from ferkit.workbook.lessons import benchmark as lesson
from ferkit.workbook.studies import benchmark
from ferkit.workbook.studies.benchmark import BenchmarkFaces, Method
from ferkit.workbook.studies.compact import build_compact, train_compact

CLASSES = ("anger", "happiness", "surprise")
OWN = """
import numpy as np

def fit(pictures, landmarks, labels):
    assert pictures.ndim == 3 and landmarks.shape[1:] == (68, 2)
    return {label: landmarks[labels == label].mean(0) for label in set(labels)}

def predict(model, pictures, landmarks):
    names = sorted(model)
    distances = [((landmarks - model[name]) ** 2).sum((1, 2)) for name in names]
    return np.array(names)[np.argmin(distances, 0)]
"""


@pytest.fixture
def faces() -> BenchmarkFaces:
    """Twenty people with three emotions that move landmarks, and lighten the picture, their way."""
    rng = np.random.default_rng(0)
    people = np.repeat([f"{k:03}" for k in range(20)], 3)
    labels = np.tile(CLASSES, 20)
    clips = [
        Clip("posed", person, f"{person}-{label}", label, (Path("a.png"),))
        for person, label in zip(people, labels, strict=True)
    ]
    place = np.tile(np.arange(3), 20)
    first = rng.normal(size=(20, 68, 2)).repeat(3, 0) * 6 + 48
    moves = rng.normal(size=(3, 68, 2)) * 0.5
    pictures = rng.integers(0, 60, (60, 96, 96)) + 60 * place[:, None, None]
    return BenchmarkFaces(
        "made",
        None,
        pictures.astype(np.uint8),
        first + moves[place] + rng.normal(size=(60, 68, 2)) * 0.1,
        first,
        labels,
        people,
        CLASSES,
        folds_ascending(clips, 4),
    )


def chosen(*names: str) -> dict[str, Method]:
    return {name: benchmark.METHODS[name] for name in names}


def test_every_method_decides_the_same_faces(faces):
    methods = chosen("landmarks", "hog", "residual", "change")
    table = benchmark.run_methods(faces, "smoke", methods=methods, progress=False)
    assert table.groupby("method")["sample"].nunique().eq(60).all()
    right, people = benchmark.right_table(table)
    assert right.shape == (60, 4)
    assert people.tolist() == faces.people.tolist()
    # The change since the first frame is the emotion alone.
    assert right["change since the first frame"].mean() > 0.95
    assert right["landmark residuals"].mean() > right["landmarks, softmax"].mean()


def test_methods_that_lack_what_they_need_are_left_out(faces):
    stills = replace(faces, first_landmarks=None)
    table = benchmark.run_methods(
        stills, "smoke", methods=chosen("landmarks", "change"), progress=False
    )
    assert table["method"].unique().tolist() == ["landmarks, softmax"]


def test_an_own_method_takes_part(faces, tmp_path):
    file = tmp_path / "nearest_mean.py"
    file.write_text(OWN)
    method = benchmark.own_method(file)
    table = benchmark.run_methods(faces, "smoke", methods={"own": method}, progress=False)
    assert table["method"].unique().tolist() == ["nearest_mean"]
    assert len(table) == 60


def test_an_own_method_without_predict_is_refused(tmp_path):
    file = tmp_path / "half.py"
    file.write_text("def fit(pictures, landmarks, labels): return None")
    with pytest.raises(ValueError, match=r"half.py lacks the function predict"):
        benchmark.own_method(file)


@pytest.mark.parametrize(("answer", "shape"), [("['anger']", r"\(1,\)"), ("'anger'", r"\(\)")])
def test_an_own_method_with_another_number_of_labels_is_refused(faces, tmp_path, answer, shape):
    file = tmp_path / "short.py"
    file.write_text(f"def fit(p, l, labels): pass\ndef predict(m, p, l): return {answer}")
    method = benchmark.own_method(file)
    with pytest.raises(ValueError, match=rf"short\.py: predict .* shape {shape} for 15 faces"):
        method.predict(faces, "smoke", 0)


def test_an_own_method_never_sees_the_test_peoples_labels(faces, tmp_path):
    file = tmp_path / "counts.py"
    file.write_text(
        "def fit(p, l, labels): return len(labels)\ndef predict(m, p, l): return [m] * len(l)"
    )
    predicted, _ = benchmark.own_method(file).predict(faces, "smoke", 0)
    assert set(predicted.tolist()) == {"45"}


def test_the_summary_is_sorted_and_numbers_methods_that_are_alike(faces):
    table = benchmark.run_methods(
        faces, "smoke", methods=chosen("landmarks", "residual", "change"), progress=False
    )
    summary = benchmark.summarise_methods(table)
    assert summary["value"].is_monotonic_decreasing
    assert (
        summary.set_index("name").loc["change since the first frame", "group"] == benchmark.OTHERS
    )
    ranks = benchmark.rank_table(table)
    assert ranks["name"].tolist() == summary["name"].tolist()
    assert lesson.cost_table(table, "seconds")["cost"].gt(0).all()
    assert set(lesson.record_metrics(table, "made")) == {
        "made/landmarks/top1",
        "made/residual/top1",
        "made/change/top1",
    }


def test_the_conclusion_names_the_leader(faces):
    table = benchmark.run_methods(
        faces, "smoke", methods=chosen("landmarks", "change"), progress=False
    )
    right, people = benchmark.right_table(table)
    ranks = benchmark.rank_probabilities(right, people)
    comparisons = benchmark.compare_all(right, people)
    text = " ".join(lesson.conclude(benchmark.summarise_methods(table), ranks, comparisons))
    assert text.startswith("**change since the first frame** has the highest accuracy")
    assert "It can be told apart from every other method." in text
    assert "Of the methods that see one picture, **landmarks, softmax** leads." in text
    assert lesson.separated_pairs(comparisons)[:2] == (1, 1)


def test_the_compact_network_is_small_and_learns(faces):
    assert count_parameters(build_compact(7)) < 40_000
    trained = train_compact(faces.pictures, faces.truth, faces.people, faces.folds, "smoke")
    again = train_compact(faces.pictures, faces.truth, faces.people, faces.folds, "smoke")
    assert np.array_equal(trained.scores, again.scores)
    assert trained.scores.shape == (60, 3)
    with pytest.raises(ValueError, match="grey pictures"):
        train_compact(faces.pictures[..., None], faces.truth, faces.people, faces.folds, "smoke")


def test_two_methods_are_compared_face_by_face():
    right = pd.DataFrame({"a": [1, 1, 1, 0], "b": [1, 0, 0, 1]})
    people = np.array(["x", "x", "y", "y"])
    assert "Only the first is right on 2 faces, only the second on 1" in pair_text(
        right, "a", "b", people
    )
    pictures = np.zeros((4, 8, 8), np.uint8)
    labels = ["fear", "anger", "anger", "fear"]
    titles = [ax.get_title(loc="left") for ax in draw_pair(right, "a", "b", pictures, labels).axes]
    assert titles == ["only a: 2 faces", "only b: 1 faces"]
    explorer = pair_explorer(right, people, pictures, labels)
    before = explorer.view.value
    explorer.controls["second"].value = "a"
    assert "+0.0 points" in explorer.text.value
    assert explorer.view.value != before
    with pytest.raises(ValueError, match="two methods"):
        pair_explorer(right[["a"]], people, pictures, labels)


def test_kept_methods_of_a_drawn_set_are_sorted_and_named_with_their_paper():
    rows = lesson.study_rows("sequences")
    papers = rows["name"].str.partition(": ")[0]
    assert papers.is_monotonic_increasing
    assert rows["name"][~papers.duplicated()].str.endswith(": HOG and ridge").sum() >= 2
    for _, values in rows[papers.duplicated()].groupby(papers)["value"]:
        assert values.is_monotonic_decreasing
    assert rows["name"].str.match(r"Paper \d[^:]*: ").all()
    assert rows["name"].is_unique
    assert not rows["name"].str.contains("linear, ").any()
    assert lesson.study_rows("nothing").empty


def test_only_the_first_and_the_strongest_frame_of_a_sequence_are_prepared():
    clips = load_clips("sequences-mmi", "smoke")
    assert all(0 < clip.strongest < len(clip.frames) - 1 for clip in clips)
    faces = benchmark.load_benchmark("sequences-mmi", "smoke")
    strongest = [str(clip.frames[clip.strongest]) for clip in clips]
    assert set(faces.prepared.table["path"].astype(str)) <= set(strongest)
    assert len(np.load(faces.prepared.folder / "faces.npy")) == 2 * len(clips)

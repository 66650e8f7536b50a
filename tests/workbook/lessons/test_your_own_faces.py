"""The steps of the notebook about one's own faces."""

import numpy as np
import pytest

from ferkit.predict.shipped import load_model
from ferkit.workbook.exercises import check
from ferkit.workbook.lessons import your_own_faces as lesson


@pytest.fixture(scope="module")
def clip():
    return lesson.draw_own_clip("smoke")


@pytest.fixture(scope="module")
def found(clip):
    return lesson.analyse_clip(clip)


def test_the_clip_shows_what_its_truth_says(clip, found):
    assert set(clip.truth) == {"neutral", "happiness", "surprise"}
    assert lesson.right_share(found, clip.truth) > 0.6
    table = lesson.timeline_table(found, clip.truth, 1.0)
    assert table.groupby("time")["probability"].sum().tolist() == pytest.approx(
        [1] * len(clip.frames), abs=1e-3
    )
    assert table.drop_duplicates("time")["true"].tolist() == clip.truth.tolist()


def test_faces_are_compared_with_a_neutral_picture_that_is_not_tested():
    faces = lesson.draw_test_faces("smoke")
    test = lesson.compare_with_neutral(faces)
    assert len(test.truth) == len(faces) - 2
    assert set(test.people) == {person for person, _, _ in faces}
    assert (test.truth == test.names.index("neutral")).sum() == 2
    table = lesson.calibration_table(test)
    assert table["value"].tolist() == [
        test.correct(test.alone).mean(),
        test.correct(test.compared).mean(),
    ]
    hit_rate, false_rate = lesson.alarm_rates(test, "happiness")
    assert 0 < false_rate < hit_rate < 1
    wanted = hit_rate * 0.02 / (hit_rate * 0.02 + false_rate * 0.98)
    facts = {"hit_rate": hit_rate, "false_rate": false_rate, "prevalence": 0.02}
    assert check("12.4", wanted, **facts).right
    assert not check("12.4", hit_rate, **facts).right


def test_figures_show_what_was_found(clip, found):
    steps = lesson.plot_steps(clip.frames[2], found.faces[2])
    bars = [bar.get_width() for bar in steps.axes[2].patches]
    assert bars == pytest.approx(found.predictions[2].probabilities[0])
    sheet = lesson.plot_thumbnails(found, 4)
    assert len(sheet.axes[0].images) == 4
    table = lesson.gradient_table(found.faces[0], ("happiness", "anger"))
    assert table["panel"].tolist() == ["happiness"] * 2 + ["anger"] * 2


def test_a_face_without_a_smile_can_fool_the_predictor():
    chances = lesson.name_face({"mouthDimple": 1.0, "mouthUpperUp": 1.0})
    assert set(chances.index) == set(load_model().names)
    assert np.all(np.diff(chances) <= 0)
    assert check("12.5", {"mouthDimple": 1.0, "mouthUpperUp": 1.0}).right
    assert "without mouthSmile" in check("12.5", {"mouthSmile": 1.0}).text
    assert "0.6 is wanted" in check("12.5", {"mouthPucker": 1.0}).text
    assert "expected a dictionary" in check("12.5", "smile").text

"""What a judge is shown and said: pictures, worked examples, and the committed answers."""

import json

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from ferkit.core.labels import SEVEN
from ferkit.drawn.draw_sets import drawing_fingerprint
from ferkit.drawn.sets import SETS, plan_clips
from ferkit.plots import draw_table
from ferkit.workbook.studies import judge
from ferkit.workbook.studies.judge import DETECTORS, JUDGE_PIXELS, JUDGED_PERSON

ASK_AGAIN = "the drawing code has changed: ask the judge again, as CONTRIBUTING says"


def answers(said: dict[str, list[str]], detector: str = "ssd") -> pd.DataFrame:
    """Answers by emotion, each about another person."""
    rows = [
        (detector, f"p{person}", emotion, word, 0.5)
        for emotion, words in said.items()
        for person, word in enumerate(words)
    ]
    return pd.DataFrame(rows, columns=judge.ANSWERS)


def write_judgement(folder, **changes):
    """Tables as the judge writes them, for pictures a.png (fear) and b.png (anger, no face)."""
    pictures = pd.DataFrame(
        {"path": ["a.png", "b.png"], "emotion": ["fear", "anger"], "person": ["p1", "p2"]}
    )
    pictures.to_csv(folder / "TABLE.csv", index=False)
    columns = {emotion: [0.1, np.nan] for emotion in SEVEN} | {"fear": [0.25, np.nan]}
    said = {"path": ["b.png", "a.png"], "emotion": ["anger", "fear"], "said": ["none", "surprise"]}
    backwards = {emotion: values[::-1] for emotion, values in columns.items()}
    for detector in DETECTORS:
        table = pd.DataFrame(said | backwards | changes)
        table.to_csv(folder / f"{detector}.csv", index=False)


# --- the pictures ---


def test_the_pictures_are_like_those_of_posed_with_other_people(tmp_path):
    table = judge.save_judge_pictures(tmp_path / "new", 71_000, people=1)
    assert table["emotion"].tolist() == list(SEVEN)
    assert set(table["person"]) == {"p71000"}
    assert pd.read_csv(tmp_path / "new" / "TABLE.csv").equals(table)
    for path in table["path"]:
        with Image.open(tmp_path / "new" / path) as picture:
            assert (picture.size, picture.format) == ((JUDGE_PIXELS, JUDGE_PIXELS), "PNG")
    with pytest.raises(ValueError, match="pictures for the judge already; name another folder"):
        judge.save_judge_pictures(tmp_path / "new", 71_000, people=1)


def test_no_named_set_has_the_judged_people():
    judged = {clip.person for clip in plan_clips(judge.judge_set(), "paper")}
    assert judged == set(range(JUDGED_PERSON, JUDGED_PERSON + 24))
    for drawn_set in SETS.values():
        people = max(size.people for size in drawn_set.levels.values())
        first = drawn_set.first_person
        assert not judged & set(range(first, first + people))


# --- the answers ---


def test_answers_are_read_picture_by_picture(tmp_path):
    write_judgement(tmp_path)
    found = judge.read_answers(tmp_path)
    assert found.columns.tolist() == judge.ANSWERS
    one = [["ssd", "p1", "fear", "surprise", 0.25], ["ssd", "p2", "anger", "none", 0.0]]
    assert found[:2].to_numpy().tolist() == one
    assert found["detector"].tolist() == ["ssd", "ssd", "tiny", "tiny"]


def test_answers_about_other_pictures_are_refused(tmp_path):
    write_judgement(tmp_path, path=["a.png", "c.png"])
    with pytest.raises(ValueError, match="ssd.csv does not answer for the pictures"):
        judge.read_answers(tmp_path)


def test_recorded_answers_are_read_again(tmp_path, monkeypatch):
    about = {"judge": "a judge", "runs": 5, "before": {"drawing": "0", "first_person": 1}}
    (tmp_path / "judged.json").write_text(json.dumps(about))
    write_judgement(tmp_path)
    judged = judge.record_answers(tmp_path, first_person=9, to=tmp_path)
    monkeypatch.setattr(judge, "_STUDIES", tmp_path)
    again = judge.load_judged()
    pd.testing.assert_frame_equal(again.answers, judged.answers)
    assert (again.drawing, again.first_person, again.people) == (drawing_fingerprint(), 9, 2)
    assert again.is_current
    assert judge.judge_record()["runs"] == 7
    assert judge.judge_record()["before"] == about["before"]
    judge.record_answers(tmp_path, runs=20, to=tmp_path)
    assert judge.judge_record()["runs"] == 20


# --- what they come to ---


def test_the_summary_of_a_worked_example():
    """Fear is named in 3 of 4 pictures, anger in none of 2, once without a face."""
    table = answers({"fear": ["fear"] * 3 + ["anger"], "anger": ["none", "fear"]})
    found = judge.summarize_answers(table).set_index("name")
    assert found.loc["all seven", "value"] == 3 / 6
    assert found.loc["face found", "value"] == 5 / 6
    assert found.loc["fear", ["value", "pictures"]].tolist() == [3 / 4, 4]
    # Wilson: centre (p + z^2 / 2n) / (1 + z^2 / n), with p = 3/4, n = 4, z = 1.96
    assert found.loc["fear", ["low", "high"]].tolist() == pytest.approx([0.3006, 0.9544], abs=1e-3)
    # Nothing of 2: from 0 to z^2 / (n + z^2)
    assert found.loc["anger", ["value", "low", "high"]].tolist() == pytest.approx(
        [0, 0, 3.8415 / 5.8415], abs=1e-3
    )
    assert np.isnan(found.loc["sadness", "value"])


def test_the_figure_has_shares_and_a_confusion():
    said = {emotion: [emotion, "neutral", "none"] for emotion in SEVEN}
    both = pd.concat([answers(said, detector) for detector in DETECTORS])
    judged = judge.Judged(both, "0", JUDGED_PERSON)
    panels = judge.judged_panels(judged, judged)
    shares, said = (rows for _, rows in panels.groupby("panel", sort=False))
    assert shares["when"].tolist() == ["before"] * 10 + ["now"] * 10
    assert shares["name"][:3].tolist() == ["neutral", "anger", "disgust"]
    assert shares["value"][1:7].tolist() == pytest.approx([1 / 3] * 6)
    assert said["true"].tolist() == list(SEVEN)
    assert said["no face"].tolist() == [1] * 7
    left, right = draw_table("plot_judged", panels).axes
    assert (left.get_xlabel(), right.get_ylabel()) == ("share of pictures", "drawn as")


# --- what is committed ---


@pytest.mark.parametrize("when", ["before", "now"])
def test_both_detectors_answered_for_each_person_and_emotion(when):
    judged = judge.load_judged(when)
    counts = judged.answers.groupby(["detector", "person", "emotion"]).size()
    assert len(counts) == len(DETECTORS) * judged.people * len(SEVEN)
    assert judged.people >= 24
    assert judged.first_person >= JUDGED_PERSON
    assert judged.answers["probability"].between(0, 1).all()
    assert set(judged.answers["said"]) <= {*SEVEN, "none"}


def test_the_committed_answers_belong_to_the_drawing_code():
    assert judge.load_judged().drawing == drawing_fingerprint(), ASK_AGAIN
    assert judge.load_judged("before").drawing != drawing_fingerprint()
    assert judge.judge_record()["runs"] >= len(DETECTORS)

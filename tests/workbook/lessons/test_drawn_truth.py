"""What dlib, the judge and measured displacements are said to show."""

import numpy as np
import pandas as pd
import pytest

from ferkit.core.landmarks import REGIONS, inter_ocular
from ferkit.workbook.lessons import drawn_gap, drawn_truth
from ferkit.workbook.studies import displacement, judge

FACES = np.random.default_rng(0).normal(100, 30, (4, 68, 2))


def answers_off_by(shift):
    return drawn_truth.DlibAnswers([None] * 4, FACES, FACES + shift, searched=5)


def test_a_constant_error_is_all_systematic():
    shift = np.zeros((68, 2))
    shift[REGIONS["mouth"]] = (3, 4)  # 5 pixels
    seen = answers_off_by(shift)
    table = seen.by_region()
    expected = 100 * 5 / inter_ocular(FACES)
    assert table.at["mouth", "mean distance, %"] == pytest.approx(expected.mean())
    systematic = 100 * 5 / inter_ocular(FACES).mean()
    assert table.at["mouth", "of it systematic, %"] == pytest.approx(systematic)
    assert table.at["jaw", "mean distance, %"] == 0
    assert seen.found == 0.8
    assert drawn_truth.region_metrics(seen)["landmark_distance_percent/jaw"] == 0


def test_the_judge_is_quoted_from_its_answers():
    now = judge.load_judged()
    text = drawn_truth.describe_judged(judge.load_judged("before"), now)
    ssd = now.answers[now.answers["detector"] == "ssd"]
    assert f"**{(ssd['said'] == ssd['emotion']).mean():.0%}**" in text


def test_displacements_are_counted_and_the_largest_named():
    table = displacement.set_against(
        displacement.load_displacements("drawn"), displacement.load_displacements("press")
    )
    text = drawn_truth.describe_displacements(table)
    assert f"**{table['is_near'].sum()} of {len(table)}**" in text
    worst = table.loc[table["difference"].abs().idxmax()]
    assert f"*{worst['measure']}* in {worst['emotion']}" in text


def test_panels_are_split_in_their_order():
    table = pd.DataFrame({"panel": list("bbaacc"), "value": range(6)})
    parts = drawn_truth.split_panels(table, 2)
    assert [part["panel"].unique().tolist() for part in parts] == [["b", "a"], ["c"]]


@pytest.mark.parametrize(
    ("low", "value", "words"),
    [(0.98, 1.0, "no drawn picture passes"), (0.6, 0.8, "not always"), (0.4, 0.5, "is not shown")],
)
def test_what_a_classifier_shows_follows_its_interval(low, value, words):
    looks = {"told_apart/face": {"value": value, "low": low, "high": 1.0}}
    assert words in drawn_gap.describe_pictures(looks)


def test_without_photographs_nothing_is_claimed():
    assert "not compared" in drawn_gap.describe_pictures({})

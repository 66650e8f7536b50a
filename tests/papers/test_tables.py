import math

import pandas as pd
import pytest

from ferkit.evaluation.intervals import Score
from ferkit.papers.reported import paper
from ferkit.papers.tables import (
    confusion_panels,
    flatten_metrics,
    history_table,
    interval_table,
    interval_text,
    measured_table,
    paper_table,
    top_k_table,
)

METRIC = {"value": 0.152, "low": 0.14, "high": 0.165, "n": 5000}
OURS = {"stills": {"50": {"residual": {"top1": METRIC}, "raw": {"top1": {"value": None}}}}}


def test_nested_metrics_get_flat_names():
    nested = {"a": {"b": METRIC, "c/d": 0.5}, "e": Score(0.1, 0.0, 0.2, 10, 3)}
    assert flatten_metrics(nested) == {
        "a/b": METRIC,
        "a/c/d": {"value": 0.5},
        "e": {"value": 0.1, "low": 0.0, "high": 0.2, "n": 10},
    }
    assert flatten_metrics(flatten_metrics(nested)) == flatten_metrics(nested)


def test_the_papers_number_stands_beside_ours():
    row = paper_table("multimodal", OURS).loc["svm/residual"]
    assert row["paper"] == "about 0.15"
    assert row["ours"] == "0.152 [0.140, 0.165], n = 5000"
    assert row["difference"] == "+0.002"
    assert row["status"] == paper("multimodal").result("svm/residual").status
    assert "section III-A" in row["where in the paper"]
    assert "residuals" in row["what"]


def test_an_undefined_value_has_no_difference_and_no_unit():
    undefined = {"value": math.nan, "low": math.nan, "high": math.nan}
    ours = {"stills": {"50": {"residual": {"top1": undefined}}}}
    table = paper_table("multimodal", ours, ["svm/residual"])
    assert table[["ours", "difference"]].to_numpy().tolist() == [["undefined", ""]]


def test_what_is_not_there_is_said():
    table = paper_table("multimodal", OURS, ["svm/raw", "challenge/final/test"])
    assert table["ours"].tolist() == ["undefined", ""]
    assert table["difference"].tolist() == ["", ""]
    assert paper_table("multimodal", {}, ["svm/residual"])["ours"].tolist() == ["not in this run"]
    with pytest.raises(ValueError, match="no result of multimodal has the key 'svm'"):
        paper_table("multimodal", OURS, ["svm"])


def test_the_papers_own_data_fill_a_row_before_drawn_faces_do():
    drawn = {"posed/7/cnn2/open": {"value": 0.5}}
    both = {"jaffe/7/cnn2/open": {"value": 0.4}, **drawn}
    key = "seven/jaffe/cnn2"
    for metrics, ours, data in ((drawn, "0.500", "posed"), (both, "0.400", "jaffe")):
        row = paper_table("emotionaldan", metrics).loc[key]
        assert (row["ours"], row["our data"]) == (ours, data)
        assert interval_table(metrics, short_name="emotionaldan")["paper"].tolist() == [
            0.484
        ] * len(metrics)
    missing = paper_table("emotionaldan", {}).loc[key]
    assert (missing["ours"], missing["our data"]) == ("not in this run", "")


@pytest.mark.parametrize("data", ["ckplus", "jaffe", "ised"])
def test_a_run_on_real_data_fills_all_columns_of_its_data_set(data):
    rows = [row for row in paper("emotionaldan").results if row.key.split("/")[1] == data]
    rows = [row for row in rows if row.where in ("table 2", "table 3")]
    metrics = {
        f"{data}/{classes}/{method}/open": {"value": 0.5}
        for classes in (7, 3)
        for method in ("cnn2", "cnn5", "emotionnet2", "inception", "as_authors_code")
    }
    table = paper_table("emotionaldan", metrics, [row.key for row in rows])
    assert len(table) == 10
    assert (table["our data"] == data).all()


def test_every_result_of_the_paper_has_a_row():
    assert paper_table("dtagn", {}).index.tolist() == [row.key for row in paper("dtagn").results]


def test_ours_is_shown_in_the_papers_unit(monkeypatch):
    text = """
short_name = "x"
number = 9
title = "t"
authors = ["a"]
venue = "v"
year = 2000
source = "s"

[[tables]]
method = "m"
data = "d"
measure = "accuracy"
unit = "percent"
status = "done"
where = "w"
rows = [{ key = "a", value = 75.2806, ours = "a/top1" }]
"""
    from ferkit.papers import reported

    monkeypatch.setattr(reported, "paper", lambda name: reported.parse_paper(text))
    row = paper_table("x", {"a/top1": {"value": 0.8, "low": 0.75, "high": 0.85, "n": 213}}).loc["a"]
    assert (row["paper"], row["ours"]) == ("75.2806 %", "80.0 [75.0, 85.0] %, n = 213")
    assert row["difference"] == "+4.7"
    assert interval_table({"a/top1": 0.8}, short_name="x")["paper"][0] == pytest.approx(0.752806)


def test_a_table_of_intervals_knows_chance_and_the_paper():
    table = interval_table(
        OURS, {"stills/50/residual/top1": "residuals"}, chance=0.02, short_name="multimodal"
    )
    assert table.loc[0].to_dict() == {
        "metric": "stills/50/residual/top1",
        "name": "residuals",
        **METRIC,
    } | {
        "chance": 0.02,
        "paper": 0.15,
    }
    assert interval_table(OURS)["value"].isna().tolist() == [False, True]
    assert interval_table(OURS, chance={"stills/50/raw/top1": 0.02})["chance"].isna().tolist() == [
        True,
        False,
    ]
    with pytest.raises(ValueError, match="no metric stills/7; known: stills/50"):
        interval_table(OURS, {"stills/7": "seven"})


def test_a_table_of_curves_holds_ours_and_the_papers():
    table = top_k_table(
        {"raw": {"top1": METRIC, "top2": {"value": 0.3}, "accuracy": METRIC}},
        {"theirs": [0.2, 0.4]},
    )
    assert table["k"].tolist() == [1, 2, 1, 2]
    assert table["source"].tolist() == ["ours", "ours", "paper", "paper"]
    assert table["value"].tolist() == [0.152, 0.3, 0.2, 0.4]
    assert table["low"].isna().tolist() == [False, True, True, True]


def test_intervals_as_text():
    assert interval_text(METRIC) == "0.152 [0.140, 0.165]"
    assert interval_text(METRIC, 100) == "15.2 [14.0, 16.5]"
    assert interval_text({"value": 0.5, "low": None, "high": None}) == "0.500"
    assert interval_text({"value": math.nan}) == "undefined"


def test_only_rows_that_a_run_measured_are_kept():
    metrics = {"sequences/dtan": {"value": 0.8, "low": 0.7, "high": 0.9, "n": 100}}
    shown = measured_table("dtagn", metrics)
    table = shown.data
    assert "DTAN: accuracy, CK+" in shown.to_html()
    assert table.index.tolist() == ["DTAN: accuracy, CK+"]
    assert table["ours"].iloc[0] == "80.0 [70.0, 90.0] %, n = 100"
    assert "status" not in table
    assert measured_table("dtagn", {}).data.empty


def test_histories_have_a_row_for_each_loss():
    history = pd.DataFrame({"epoch": [1, 2], "train_loss": [3, 2], "val_loss": [4, 3], "fold": "1"})
    table = history_table({("DTAN", "plain"): history, ("DTAN", "centred"): history})
    assert len(table) == 8
    rows = table[(table["curve"] == "plain") & (table["part"] == "validation")]
    assert rows[["x", "value"]].to_numpy().tolist() == [[1, 4], [2, 3]]


def test_confusions_stand_in_panels():
    counts = pd.DataFrame([[1, 2], [0, 3]], pd.Index(["a", "b"], name="true"), ["a", "b"])
    table = confusion_panels({"ours": counts, "theirs": counts})
    assert table["panel"].tolist() == ["ours", "ours", "theirs", "theirs"]
    assert table.loc[3, ["true", "a", "b"]].tolist() == ["b", 0, 3]

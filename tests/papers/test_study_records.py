"""Studies' results: means and differences by hand, convergence, verdicts, files."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from ferkit.evaluation import intervals
from ferkit.papers import PAPERS, reported, studies, study_records, verdicts
from ferkit.papers.study_records import (
    StudyRecord,
    convergence,
    method_means,
    paired_differences,
    read_study,
    save_study,
)


def rows(method: str, values: list[list[float]], data: str = "d") -> pd.DataFrame:
    """Predictions of a method: a list of four values for each start."""
    parts = [
        pd.DataFrame(
            {
                "data": data,
                "method": method,
                "start": start,
                "sample": range(4),
                "person": ["a", "a", "b", "c"],
                "value": value,
            }
        )
        for start, value in enumerate(values)
    ]
    return pd.concat(parts, ignore_index=True)


def trained(method: str, best: list[int], epochs: int = 10, data: str = "d") -> pd.DataFrame:
    """Trainings of a method, one for each best epoch."""
    table = pd.DataFrame({"best_epoch": best, "start": range(len(best))})
    return table.assign(data=data, method=method, fold=0, epochs=epochs)


def test_means_and_differences_by_hand():
    table = pd.concat(
        [rows("a", [[1, 1, 0, 1], [1, 0, 0, 1]]), rows("b", [[0, 1, 0, 1], [1, 1, 1, 1]])]
    )
    mean = method_means(table).set_index("name")
    columns = ["value", "training_0", "training_1", "n"]
    assert mean.loc["a", columns].tolist() == [0.625, 0.75, 0.5, 4]
    (gain,) = paired_differences(table, [("a", "b"), ("a", "c")]).to_dict("records")
    assert (gain["name"], gain["data"]) == ("a minus b", "d")
    assert (gain["value"], gain["training_0"], gain["training_1"]) == (-0.125, 0.25, -0.5)
    paired = np.array([[1, 0, 0, 0], [0, -1, -1, 0]])
    found = intervals.over_trainings(paired, ["a", "a", "b", "c"])
    assert (gain["low"], gain["high"]) == (found.low, found.high)


def test_methods_that_agree_on_few_people_may_differ_on_others():
    kinds = itertools.product(("a", "b"), (0, 1), range(12))
    table = pd.DataFrame(kinds, columns=["method", "start", "sample"])
    table = table.assign(data="posed", person=(table["sample"] // 2).astype(str), value=1.0)
    means = method_means(table)
    assert means["high"].eq(1).all()
    assert means["low"].between(0.5, 0.6).all()
    differences = paired_differences(table, [("a", "b")])
    assert differences["low"][0] == -differences["high"][0] < -0.4
    shares = method_means(table.assign(value=0.5))  # no answers that are right or wrong
    assert shares["low"].eq(0.5).all()


def test_what_has_no_value_in_one_training_is_left_out():
    table = pd.concat([rows("a", [[1, np.nan, 0, 1], [1, 1, 0, 1]]), rows("b", [[1, 1, 1, 1]] * 2)])
    (gain,) = paired_differences(table, [("a", "b")]).to_dict("records")
    assert gain["n"] == 3
    assert gain["value"] == pytest.approx(-1 / 3)


def test_how_far_networks_have_learnt_is_the_median_epoch_and_the_lead():
    predictions = pd.concat(
        [rows("good", [[1, 1, 1, 1]] * 3), rows("poor", [[0, 0, 1, 0]] * 3)]
        + [rows("hog", [[0, 1, 0, 1]] * 3)]
    )
    trainings = pd.concat(
        [trained("good", [8, 10, 3]), trained("poor", [2, 2, 2])],
    )
    record = StudyRecord(predictions, trainings, {})
    found = convergence(record, "hog").set_index("method")
    assert found["best"].tolist() == [0.8, 0.2]
    assert found["over_baseline"].tolist() == [0.5, -0.25]
    assert convergence(record)["over_baseline"].isna().all()
    late = StudyRecord(predictions, trained("good", [9, 10, 3]), {})
    assert convergence(late)["best"].tolist() == [0.9]


CLAIM = reported.Claim("k", "a beats b", "table 1", "done")


@pytest.fixture
def kept(monkeypatch):
    """Keep a study: `a` leads `b` by 0.5 on every sample of `d`, and hardly trails it on `e`."""
    predictions = pd.concat(
        [rows("a", [[0.9] * 4] * 3), rows("b", [[0.4] * 4] * 3)]
        + [rows("a", [[0.49] * 4] * 3, "e"), rows("b", [[0.5] * 4] * 3, "e")]
        + [rows("late", [[0.9] * 4] * 3)]
    )
    trainings = pd.concat([trained("a", [2] * 3), trained("a", [2] * 3, data="e")])
    trainings = pd.concat([trainings, trained("late", [10] * 3)])
    record = StudyRecord(predictions, trainings, {})
    name = next(iter(studies()))
    monkeypatch.setattr(verdicts, "kept_studies", lambda: (name,))
    monkeypatch.setattr(verdicts, "load_study", {name: record}.__getitem__)
    monkeypatch.setattr(
        verdicts, "studies", lambda: {name: replace(studies()[name], baseline=None)}
    )
    return replace(CLAIM, study=name, pair="a minus b", data=("d",))


def test_verdicts_follow_from_the_results(kept):
    assert verdicts.judge(kept)[:2] == ("holds", "a minus b: d +50.0 [50.0, 50.0]")
    assert verdicts.judge(replace(kept, data=("d", "e")))[0] == "partly"
    assert verdicts.judge(replace(kept, data=("e",)))[0] == "not shown"
    assert verdicts.judge(replace(kept, data=("e",), margin=0.05))[0] == "holds"
    as_good = replace(kept, at_most_behind=0.05)
    assert verdicts.judge(as_good)[0] == "holds"
    assert verdicts.judge(replace(as_good, data=("e",)))[0] == "holds"
    assert verdicts.judge(replace(as_good, pair="b minus a"))[0] == "not shown"
    assert verdicts.judge(replace(kept, pair="b minus a"))[0] == "not shown"
    in_part = replace(kept, verdict="partly", note="n")
    assert verdicts.judge(in_part)[::2] == ("partly", "n")
    assert verdicts.judge(replace(in_part, data=("e",)))[0] == "not shown"


def test_an_interval_on_the_other_side_speaks_against_a_claim(kept):
    against = "speaks against the claim: d"
    assert verdicts.judge(replace(kept, pair="b minus a", note="n"))[2] == f"n; {against}"
    assert verdicts.judge(replace(kept, margin=0.05))[2] == against
    assert verdicts.judge(replace(kept, pair="b minus a", at_most_behind=0.3))[2] == against
    assert verdicts.judge(kept)[2] == ""


LATE = "the best epoch of late on d lies in the last fifth of those run"


def test_what_was_not_learnt_is_not_judged(kept):
    verdict, _, why = verdicts.judge(replace(kept, pair="late minus a"))
    assert (verdict, why) == ("not tested", LATE)
    verdict, _, why = verdicts.judge(replace(kept, pair="a minus late"))
    assert (verdict, why) == ("not tested", LATE)
    verdict, _, why = verdicts.judge(replace(kept, data=("d", "f")))
    assert (verdict, why) == ("not tested", "the study has no a minus b on f")
    found = verdicts.judge(replace(kept, pair="c minus b"))
    assert found == ("not tested", "", "the study has no c minus b on d")
    verdict, _, why = verdicts.judge(replace(kept, study="nothing"))
    assert (verdict, why) == ("not tested", "no results of the study 'nothing' are kept")
    assert verdicts.judge(replace(CLAIM, verdict="partly", note="n"))[::2] == ("partly", "n")


def test_a_claim_rests_on_the_trainings_it_names(kept):
    on_late = replace(kept, rests_on=("d/late",))
    verdict, _, why = verdicts.judge(on_late)
    assert (verdict, why) == ("not tested", LATE)
    assert verdicts.judge(replace(kept, data=("e",), rests_on=("d/a",)))[0] == "not shown"
    with pytest.raises(ValueError, match="rests on d/nobody, which the study"):
        verdicts.judge(replace(kept, rests_on=("d/nobody",)))


def test_a_method_that_leads_already_may_be_improving_still(kept):
    assert verdicts.judge(replace(kept, pair="late minus b"))[0] == "holds"
    equal = replace(kept, pair="late minus b", margin=0.05)
    assert verdicts.judge(equal)[::2] == ("not tested", LATE)


def test_the_better_method_has_to_beat_the_baseline(kept, monkeypatch):
    """`a` is as good as the baseline `late`: no claim that it is better, but one about `b`."""
    known = studies()
    with_baseline = {kept.study: replace(known[kept.study], baseline="late")}
    monkeypatch.setattr(verdicts, "studies", lambda: with_baseline)
    verdict, _, why = verdicts.judge(kept)
    assert (verdict, why) == ("not tested", "a does not beat the baseline on d")
    assert verdicts.judge(replace(kept, pair="b minus a"))[0] == "not shown"


def test_results_are_kept_and_read_as_they_were(tmp_path):
    record = StudyRecord(
        rows("a", [[1, np.nan, 0.123456789, 1]]), trained("a", [3]), {"level": "smoke", "starts": 1}
    )
    files = save_study(tmp_path, "mine", record)
    before = [file.read_bytes() for file in files]
    read = read_study(tmp_path, "mine")
    assert read.made_by == {"level": "smoke", "starts": 1}
    pd.testing.assert_frame_equal(read.predictions, record.predictions, atol=1e-6)
    pd.testing.assert_frame_equal(read.trainings, record.trainings)
    save_study(tmp_path, "mine", read)
    assert [file.read_bytes() for file in files] == before
    with pytest.raises(ValueError, match="no results of a study 'mine' are kept"):
        study_records.load_study("mine")
    two = StudyRecord(
        rows("a", [[1] * 4, [0] * 4]), record.trainings, {"level": "smoke", "starts": 2}
    )
    save_study(tmp_path, "mine", two)
    with pytest.raises(
        ValueError, match=r"mine\.json in .* counts 2 trainings .* beside it 1; was writing"
    ):
        read_study(tmp_path, "mine")


def test_a_method_that_one_training_lacks_is_averaged_over_the_others():
    found = pd.concat([rows("a", [[1, 0, 1, 0], [1] * 4]), rows("b", [[0] * 4])])
    row = paired_differences(found, [("a", "b")]).iloc[0]
    assert (row["value"], row["training_0"]) == (0.5, 0.5)
    assert not any(name == "training_1" for name in row.index)


def test_gains_that_are_all_zero_may_lie_on_both_sides():
    found = pd.concat([rows("none", [[0] * 4] * 2), rows("some", [[-1, 1, 1, 1]] * 2)])
    table = method_means(found).set_index("name")
    assert table.loc["none", "low"] == -table.loc["none", "high"] < 0


def test_a_claim_names_study_pair_and_data_together():
    with pytest.raises(ValueError, match="'c' needs study, pair and data together"):
        reported.Claim("c", "text", "where", "done", study="dtagn", pair="joint minus dtgn")


# Linear classifiers, and a training of two epochs that asks how it begins.
UNTRAINED = {"residual_beats_raw", "alignment_is_weak", "rate_is_delicate"}


@pytest.mark.parametrize("short_name", PAPERS)
def test_every_claim_rests_on_trainings(short_name):
    for claim in reported.paper(short_name).claims:
        if claim.pair and claim.key not in UNTRAINED:
            record = study_records.load_study(claim.study)
            assert not verdicts.select_trainings(record, claim).empty, claim.key


@pytest.mark.parametrize("short_name", PAPERS)
def test_every_claim_has_a_verdict(short_name):
    table = verdicts.claim_table(short_name)
    assert table["verdict"].isin(reported.VERDICTS).all()
    for claim in reported.paper(short_name).claims:
        if claim.pair and claim.verdict:
            assert (claim.verdict, claim.note != "") == ("partly", True), f"{claim.key}: say why"

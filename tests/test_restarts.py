"""Several trainings of each method: means and paired differences by hand, and every table at the smallest level."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest

from ferkit import cross_database, evaluate, restarts, temporal
from ferkit.loaders import PHOTOGRAPHS
from ferkit.models.layers import restarted
from ferkit.workbook.restarts import FIGURES, answers, in_words, repeat

HOW = {"progress": False, "device": "cpu", "precision": "32"}
pytestmark = pytest.mark.filterwarnings("ignore:.*have no prepared face.*")


@pytest.fixture(scope="module", autouse=True)
def prepared():
    """Faces that are not found are warned of once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cross_database.wild_parts("smoke", 0)


def rows(method: str, values: list[list[float]], data: str = "d") -> pd.DataFrame:
    """A table as of `restarts`: a list for each start."""
    parts = [
        pd.DataFrame(
            {"data": data, "method": method, "start": s, "sample": range(4), "person": ["a", "a", "b", "c"], "value": v}
        )
        for s, v in enumerate(values)
    ]
    return pd.concat(parts, ignore_index=True)


def test_another_start_is_another_seed_and_start_0_the_same():
    assert restarted(7, 0) == 7
    assert len({restarted(7, start) for start in range(50)} | {restarted(8, start) for start in range(50)}) == 100


def test_means_and_differences_by_hand():
    table = pd.concat([rows("a", [[1, 1, 0, 1], [1, 0, 0, 1]]), rows("b", [[0, 1, 0, 1], [1, 1, 1, 1]])])
    mean = restarts.means(table).set_index("name")
    assert mean.loc["a", ["value", "training_0", "training_1", "n"]].tolist() == [0.625, 0.75, 0.5, 4]
    (gain,) = restarts.differences(table, [("a", "b"), ("a", "c")]).to_dict("records")
    assert (gain["name"], gain["data"]) == ("a minus b", "d")
    assert (gain["value"], gain["training_0"], gain["training_1"]) == (-0.125, 0.25, -0.5)
    paired = np.array([[1, 0, 0, 0], [0, -1, -1, 0]])
    found = evaluate.over_trainings(paired, ["a", "a", "b", "c"])
    assert (gain["low"], gain["high"]) == (found.low, found.high)


def test_what_has_no_value_in_one_training_is_left_out():
    table = pd.concat([rows("a", [[1, np.nan, 0, 1], [1, 1, 0, 1]]), rows("b", [[1, 1, 1, 1]] * 2)])
    (gain,) = restarts.differences(table, [("a", "b")]).to_dict("records")
    assert gain["n"] == 3
    assert gain["value"] == pytest.approx(-1 / 3)


def test_one_start_is_what_the_notebooks_train(tmp_path):
    how = {"folder": tmp_path, **HOW}
    kind, data, classes, folds = temporal.sequences_of("sequences", "smoke")
    found = temporal.all_methods(kind, data, classes, folds, "smoke", **how)
    kept = {path.name for path in tmp_path.iterdir()}
    table = restarts.sequences_again("sequences", "smoke", 0, 0, **how)
    assert kept == {path.name for path in tmp_path.iterdir()}  # all trainings were found again
    for name, mine in table.groupby("method"):
        assert mine["value"].tolist() == found[name].correct().tolist()
    again = restarts.sequences_again("sequences", "smoke", 0, 1, **how)
    assert len(list(tmp_path.iterdir())) == 2 * len(kept)  # another start shares nothing
    assert again["person"].tolist() == table["person"].tolist()


@pytest.mark.parametrize("name", list(FIGURES))
def test_each_table_has_the_pairs_that_are_compared(name, tmp_path):
    out, figures = tmp_path / "run", tmp_path / "figures"
    ((means, differences),) = repeat(
        (name,), starts=2, level="smoke", out=out, figures=figures, progress=False
    ).values()
    assert {f"{a} minus {b}" for a, b in restarts.PAIRS[name]} == set(differences["name"])
    assert {method for pair in restarts.PAIRS[name] for method in pair} <= set(means["name"])
    assert (differences["low"] <= differences["high"]).all()
    for table in (means, differences):
        assert np.allclose(table["value"], table[["training_0", "training_1"]].mean(axis=1))
    drawn = list(figures.rglob("*.json"))
    assert {file.stem.endswith("_means") for file in drawn} == {False, True}
    photographs = sum(
        "photographs" in file.stem for file in drawn
    )  # where there are any, they have figures of their own
    assert photographs == 2 * bool(set(PHOTOGRAPHS) & set(means["data"]))
    assert len(drawn) == 2 + photographs
    assert all(json.loads(file.read_text())["made_by"]["starts"] == 2 for file in drawn)
    before = set(out.rglob("training.safetensors"))
    assert set(answers(name, 1, "smoke", 0, out, False)["start"]) == {1}
    assert before == set(out.rglob("training.safetensors"))  # found, not trained again


def test_every_compared_method_has_words():
    for pairs in restarts.PAIRS.values():
        for pair in pairs:
            assert "_" not in in_words(" minus ".join(pair))

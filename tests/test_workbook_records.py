"""The run record and the metrics in it."""

import json
import math

import numpy as np
import pytest
from data_trees import lock, picture

from ferkit.workbook import records


def test_metrics_come_back_as_a_table(tmp_path):
    values = {
        "top1": {"value": np.float64(0.5), "low": 0.25, "high": 0.75, "n": 204},
        "faces": np.int64(7),
        "undefined": math.nan,
    }
    records.save_metrics(tmp_path, "02_two", values, folds="abc")
    records.save_metrics(tmp_path, "01_one", {"speed": 1.5})
    table = records.metrics(tmp_path)
    assert list(table["notebook"] + " " + table["metric"]) == [
        "01_one speed",
        "02_two top1",
        "02_two faces",
        "02_two undefined",
    ]
    assert table.loc[1, ["value", "low", "high", "n"]].to_list() == [0.5, 0.25, 0.75, 204]
    assert math.isnan(table.loc[3, "value"])
    assert records.load_metrics(tmp_path, "02_two")["folds"] == "abc"
    assert records.metrics(tmp_path / "nothing").empty


def test_saving_again_replaces(tmp_path):
    records.save_metrics(tmp_path, "01_one", {"a": 1, "b": 2})
    file = records.save_metrics(tmp_path, "01_one", {"b": 3})
    assert json.loads(file.read_text())["metrics"] == {"b": {"value": 3}}
    assert [path.name for path in file.parent.iterdir()] == ["01_one.json"]  # nothing half-written stays


@pytest.mark.parametrize("value", ["0.5", True, [1], {"low": 0.1}, {"value": 1, "hgih": 2}, np.ones(2)])
def test_what_is_not_a_metric_is_refused_by_name(tmp_path, value):
    with pytest.raises(ValueError, match="01_one: metric 'top1'"):
        records.save_metrics(tmp_path, "01_one", {"top1": value})
    assert not (tmp_path / "metrics").exists()


def test_the_run_record_keeps_what_it_says_of_other_notebooks(tmp_path):
    with pytest.raises(FileNotFoundError, match="ferkit run"):
        records.load_run(tmp_path)
    records.update_run(tmp_path, {"02_two": {"status": "passed"}}, started="then")
    records.update_run(tmp_path, {"01_one": {"status": "failed"}}, finished="now")
    assert records.load_run(tmp_path) == {
        "notebooks": {"01_one": {"status": "failed"}, "02_two": {"status": "passed"}},
        "started": "then",
        "finished": "now",
    }


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "run.json").write_text('{"notebooks": ')
    with pytest.raises(ValueError, match=r"run\.json is not readable JSON"):
        records.load_run(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    records.write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        records.write_json(tmp_path / "a.json", {"a": math.nan})
    assert records.read_json(tmp_path / "a.json") == {"a": 1}


def test_the_listing_hash_sees_names_sizes_and_linked_folders(tmp_path):
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (root / "set", elsewhere):
        folder.mkdir(parents=True)
    (root / "link").symlink_to(elsewhere)
    (root / "set" / "up").symlink_to(root)  # a loop ends
    (root / "set" / "a.jpg").write_bytes(b"123")
    hashes = [records.listing_hash(root), records.listing_hash(root)]
    (root / "set" / "a.jpg").write_bytes(b"1234")
    hashes.append(records.listing_hash(root))
    (elsewhere / "b.jpg").write_bytes(b"")
    hashes.append(records.listing_hash(root))
    (elsewhere / "b.jpg").rename(elsewhere / "c.jpg")
    hashes.append(records.listing_hash(root))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 4
    assert records.listing_hash(None) == records.listing_hash(None)


def test_the_environment_says_what_computed():
    found = records.environment()
    assert found["versions"]["torch"]
    assert found["versions"]["dlib"]
    assert found["cpus"] >= 1
    json.dumps(found)


def test_a_listing_passes_over_what_may_not_be_read(tmp_path, monkeypatch):
    inner = picture(tmp_path / "faces" / "anna" / "1.png").parent
    (tmp_path / "list.csv").write_text("path\nfaces/anna/1.png\n")
    before = records.listing_hash(tmp_path / "faces"), records.listing_hash(tmp_path / "list.csv")
    lock(monkeypatch, inner)
    after = records.listing_hash(tmp_path / "faces"), records.listing_hash(tmp_path / "list.csv")
    assert len({*before, *after}) == 4
    assert after == (records.listing_hash(tmp_path / "faces"), records.listing_hash(tmp_path / "list.csv"))

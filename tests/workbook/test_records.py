"""The run record and the metrics in it."""

import json
import math
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from data_trees import lock, picture

from ferkit.workbook import records


def test_metrics_come_back_as_numbers(tmp_path):
    values = {
        "top1": {"value": np.float64(0.5), "low": 0.25, "high": 0.75, "n": 204},
        "faces": np.int64(7),
        "undefined": math.nan,
    }
    records.save_metrics(tmp_path, "02_two", values, folds="abc")
    saved = records.load_metrics(tmp_path, "02_two")
    assert saved["folds"] == "abc"
    assert saved["metrics"] == {
        "top1": {"value": 0.5, "low": 0.25, "high": 0.75, "n": 204},
        "faces": {"value": 7},
        "undefined": {"value": None},
    }
    assert records.load_metrics(tmp_path, "01_one") == {"folds": None, "metrics": {}}


def test_saving_again_replaces(tmp_path):
    records.save_metrics(tmp_path, "01_one", {"a": 1, "b": 2})
    file = records.save_metrics(tmp_path, "01_one", {"b": 3})
    assert json.loads(file.read_text())["metrics"] == {"b": {"value": 3}}
    assert [path.name for path in file.parent.iterdir()] == [
        "01_one.json"
    ]  # nothing half-written stays


@pytest.mark.parametrize(
    "value", ["0.5", True, [1], {"low": 0.1}, {"value": 1, "hgih": 2}, np.ones(2)]
)
def test_what_is_not_a_metric_is_refused_by_name(tmp_path, value):
    with pytest.raises(ValueError, match="01_one: metric 'top1'"):
        records.save_metrics(tmp_path, "01_one", {"top1": value})
    assert not (tmp_path / "metrics").exists()


ENTRY = {
    "status": "passed",
    "parameters": {},
    "device": "cpu",
    "fingerprint": "abc",
    "folder": "notebooks",
    "duration": 1.0,
    "error": None,
    "folds": None,
    "metrics": {"top1": {"value": 0.5}},
}


def made_entry(name: str, **changes) -> dict:
    return ENTRY | {"executed": records.executed_name(name)} | changes


def test_the_run_record_keeps_what_it_says_of_other_notebooks(tmp_path):
    with pytest.raises(FileNotFoundError, match="ferkit run"):
        records.load_run(tmp_path)
    one, two = made_entry("01_one", status="failed"), made_entry("02_two")
    records.update_run(tmp_path, {"02_two": two}, started="then")
    records.update_run(tmp_path, {"01_one": one}, finished="now")
    assert records.load_run(tmp_path) == {
        "notebooks": {"01_one": one, "02_two": two},
        "started": "then",
        "finished": "now",
    }


def test_no_record_is_lost_when_several_write(tmp_path):
    def update(number: int) -> None:
        name = f"{number:02}_one"
        records.update_run(tmp_path, {name: made_entry(name)})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(update, range(40)))
    assert len(records.load_run(tmp_path)["notebooks"]) == 40


def test_damaged_entries_are_named_and_left_out(tmp_path):
    damaged = [
        {"status": "fine"},
        {"duration": "long"},
        {"error": "none"},
        {"metrics": {"top1": 1, "top2": "high"}},
        {"executed": "../02_two.ipynb"},
        {"parameters": None},
    ]
    notebooks = {"01_one": made_entry("01_one"), "02_two": None, "../x": made_entry("../x")}
    notebooks |= {f"1{i}_a": made_entry(f"1{i}_a", **each) for i, each in enumerate(damaged)}
    records.write_json(tmp_path / "run.json", {"notebooks": notebooks})
    with pytest.warns(UserWarning, match=r"damaged entries .*: \.\./x, 02_two, 10_a, .*, 15_a$"):
        run = records.load_run(tmp_path)
    assert list(run["notebooks"]) == ["01_one"]


def test_a_damaged_record_is_named(tmp_path):
    (tmp_path / "run.json").write_text('{"notebooks": ')
    with pytest.warns(UserWarning, match=r"run\.json is damaged"):
        assert records.load_run(tmp_path) == {"notebooks": {}}


def test_a_failed_write_leaves_the_old_file(tmp_path):
    records.write_json(tmp_path / "a.json", {"a": 1})
    with pytest.raises(ValueError, match="JSON compliant"):
        records.write_json(tmp_path / "a.json", {"a": math.nan})
    assert records.read_json(tmp_path / "a.json") == {"a": 1}


def test_the_listing_hash_sees_names_contents_and_linked_folders(tmp_path):
    root, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    for folder in (root / "set", elsewhere):
        folder.mkdir(parents=True)
    (root / "link").symlink_to(elsewhere)
    (root / "set" / "up").symlink_to(root)  # a loop ends
    (root / "set" / "a.jpg").write_bytes(b"123")
    hashes = [records.listing_hash(root), records.listing_hash(root)]
    (root / "set" / "a.jpg").write_bytes(b"1234")
    hashes.append(records.listing_hash(root))
    (root / "set" / "a.jpg").write_bytes(b"4321")
    os.utime(root / "set" / "a.jpg", (1, 1))
    hashes.append(records.listing_hash(root))
    (elsewhere / "b.jpg").write_bytes(b"")
    hashes.append(records.listing_hash(root))
    (elsewhere / "b.jpg").rename(elsewhere / "c.jpg")
    hashes.append(records.listing_hash(root))
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 5
    assert records.listing_hash(None) == records.listing_hash(None)


def test_the_package_hash_follows_every_file_but_caches(tmp_path, monkeypatch):
    monkeypatch.setattr(records.paths, "PROJECT", tmp_path)
    hashes = [records.package_hash()]
    for name in ("a.py", "studies/b.csv", "weights/c.safetensors", "py.typed"):
        path = tmp_path / "ferkit" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for content in (b"1", b"2"):
            path.write_bytes(content)
            hashes.append(records.package_hash())
    assert len(set(hashes)) == 9
    cache = tmp_path / "ferkit" / "__pycache__"
    cache.mkdir()
    (cache / "a.pyc").write_bytes(b"1")
    assert records.package_hash() == hashes[-1]


def test_the_environment_says_what_computed():
    found = records.describe_environment()
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
    assert after == (
        records.listing_hash(tmp_path / "faces"),
        records.listing_hash(tmp_path / "list.csv"),
    )

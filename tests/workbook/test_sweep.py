"""Sweeps: grids, tables, failures, continuing, and killed workers."""

import json
from pathlib import Path

import pandas as pd
import pytest
from cluster_tasks import random_kills
from tiny_notebooks import write
from typer.testing import CliRunner

from ferkit.cli import app
from ferkit.workbook import cluster, records, sweep, tasks

pytestmark = pytest.mark.loopback

PARAMETERS = 'seed = 0\nmethod = "a"\nsizes = [1]\nout = "."'
MEASURE = """
import time
from pathlib import Path
from ferkit.workbook.records import save_metrics
time.sleep(WAIT)
value = (7 * seed + len(method)) % 11 / 11
top1 = {"value": value, "low": value - 0.1, "high": value + 0.1, "n": 20}
save_metrics(out, "01_tiny", {"top1": top1, "size": sum(sizes)})
Path(out, "started").open("a").write("x")
if method == "bad":
    raise RuntimeError(f"no method {method}")
"""


@pytest.fixture
def notebook(tmp_path, monkeypatch) -> Path:
    """A notebook that measures at once and fails for the method "bad"."""
    monkeypatch.setattr(records, "package_hash", lambda: "this version")  # whoever edits meanwhile
    monkeypatch.setattr(tasks, "NOTEBOOKS", tmp_path / "notebooks")
    path = tmp_path / "notebooks" / "01_tiny.ipynb"
    return write(path, MEASURE.replace("WAIT", "0"), parameters=PARAMETERS)


@pytest.fixture
def one_process(monkeypatch) -> None:
    """Run sweeps without Dask, in this process."""
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)


def sweep_here(axes: dict[str, str], out: Path, **options) -> tuple[pd.DataFrame, list[str]]:
    told: list[str] = []
    runs = sweep.plan_sweep("01", axes, out, **options)
    table = sweep.run_sweep(runs, out, jobs=1, tell=told.append)
    pd.testing.assert_frame_equal(pd.read_parquet(out / "sweep.parquet"), table)
    return table, told


# Grids


def test_a_grid_has_every_combination():
    points = sweep.parse_grid({"seed": "0..2", "dataset": "stills,posed"})
    assert points == [
        {"seed": seed, "dataset": dataset} for seed in "012" for dataset in ("stills", "posed")
    ]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("3", ["3"]),
        ("-1..1", ["-1", "0", "1"]),
        ("0..1,5,1", ["0", "1", "5"]),
        ("[1, 2],[3]", ["[1, 2]", "[3]"]),
        ("(1,2),None", ["(1,2)", "None"]),
        ("../build", ["../build"]),
        ("", [""]),
    ],
)
def test_values_are_read_as_written(text, values):
    assert [point["x"] for point in sweep.parse_grid({"x": text})] == values


def test_a_range_that_falls_is_refused():
    with pytest.raises(ValueError, match=r"-p seed=9..0: the range 9..0 is empty; write 0..9"):
        sweep.parse_grid({"seed": "9..0"})


# Before anything runs


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"sede": "0..3"}, "unknown parameter 'sede', did you mean 'seed'"),
        ({"seed": "0,many"}, "give a whole number"),
        ({"out": "a,b"}, "use --out"),
    ],
)
def test_wrong_use_is_refused_before_anything_runs(notebook, tmp_path, axes, message):
    with pytest.raises(ValueError, match=message):
        sweep.plan_sweep("01", axes, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_every_run_has_a_folder_of_its_own_that_its_parameters_name(notebook, tmp_path):
    runs = sweep.plan_sweep("01", {"seed": "0..3", "method": "a,b"}, tmp_path)
    assert len({run.folder for run in runs}) == len(runs) == 8
    default = sweep.plan_sweep("01", {"seed": "0"}, tmp_path)
    assert default[0].folder == runs[0].folder  # the same parameters, though fewer are named
    assert runs[3].label == "seed=1 method=b"


# Running


def test_the_table_has_a_row_for_each_run_with_all_metrics(notebook, tmp_path, one_process):
    table, told = sweep_here({"seed": "0,1", "method": "a,bad", "sizes": "[1, 2]"}, tmp_path)
    assert table["params.seed"].tolist() == [0, 0, 1, 1]
    assert table["params.method"].tolist() == ["a", "bad"] * 2
    assert [json.loads(text) for text in table["params.sizes"]] == [[1, 2]] * 4
    assert table["status"].tolist() == ["passed", "failed"] * 2
    assert table["metrics.size"].tolist() == [3] * 4
    assert table["metrics.top1"].tolist() == pytest.approx([1 / 11, 3 / 11, 8 / 11, 10 / 11])
    assert table["metrics.top1.low"][0] == pytest.approx(1 / 11 - 0.1)
    assert table["metrics.top1.n"].tolist() == [20] * 4
    assert table["error"].isna().tolist() == [True, False] * 2
    assert table["error"][1] == "RuntimeError: no method bad"
    assert (table["seconds"] > 0).all()
    assert all(Path(folder, "notebooks", "01_tiny.ipynb").is_file() for folder in table["folder"])
    assert any("[2/4] seed=0 method=bad sizes=[1, 2]: failed" in line for line in told)
    assert any("RuntimeError: no method bad" in line for line in told)
    summary = sweep.summarise_sweep(table).splitlines()
    assert summary[0].split()[:3] == ["params.seed", "params.method", "status"]
    assert len(summary) == 5


def test_a_sweep_continues_and_grows(notebook, tmp_path, one_process):
    first, _ = sweep_here({"seed": "0,1"}, tmp_path)
    grown, _ = sweep_here({"seed": "0..2"}, tmp_path)
    started = [Path(folder, "started").read_text() for folder in grown["folder"]]
    assert started == ["x", "x", "x"]
    pd.testing.assert_frame_equal(grown[:2], first)
    sweep_here({"seed": "1"}, tmp_path, fresh=True)
    assert Path(grown["folder"][1], "started").read_text() == "xx"


def test_what_failed_or_changed_runs_again(notebook, tmp_path, one_process):
    before, _ = sweep_here({"method": "bad"}, tmp_path)
    assert before["status"].tolist() == ["failed"]
    write(notebook, MEASURE.replace("WAIT", "0").replace('"bad"', '"x"'), parameters=PARAMETERS)
    after, _ = sweep_here({"method": "bad"}, tmp_path)
    assert after["status"].tolist() == ["passed"]
    assert after["folder"].tolist() == before["folder"].tolist()


def test_the_command_runs_a_sweep_on_a_worker_of_this_computer(notebook, tmp_path):
    def ferkit(*words: str):
        return CliRunner().invoke(app, ["sweep", "01", *words, "--out", str(tmp_path / "out")])

    result = ferkit("-p", "seed=3", "-p", "method=a,bad", "--jobs", "1")
    assert result.exit_code == 1  # because of the failures
    assert "dashboard: http://127.0.0.1:" in result.output
    assert result.output.count("failed in code cell 3") == 1
    table = pd.read_parquet(tmp_path / "out" / "sweep.parquet")
    assert table["status"].tolist() == ["passed", "failed"]
    assert f"All results in one table: {tmp_path / 'out' / 'sweep.parquet'}" in result.output
    wrong = ferkit("-p", "seed=3..1")
    assert wrong.exit_code == 2
    assert "the range 3..1 is empty" in wrong.stderr


@pytest.mark.slow
def test_random_kills_change_no_row(notebook, tmp_path, one_process, monkeypatch):
    write(notebook, MEASURE.replace("WAIT", "0.5"), parameters=PARAMETERS)
    axes = {"seed": "0..2", "method": "a,bad"}
    calm, _ = sweep_here(axes, tmp_path / "calm")
    monkeypatch.undo()
    monkeypatch.setattr(tasks, "NOTEBOOKS", notebook.parent)
    runs = sweep.plan_sweep("01", axes, tmp_path / "wild")
    told: list[str] = []
    with random_kills(seed=2, count=3, progress=lambda: len(told)) as killed:
        wild = sweep.run_sweep(runs, tmp_path / "wild", jobs=2, tell=told.append)
    assert len(killed) == 3
    unlike = ["seconds", "started", "folder"]
    pd.testing.assert_frame_equal(wild.drop(columns=unlike), calm.drop(columns=unlike))

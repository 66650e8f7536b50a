"""Notebooks run in order, are skipped when unchanged, and go on after a failure or a kill."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import warnings
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from data_trees import picture
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tiny_notebooks import tree, write
from typer.testing import CliRunner

from ferkit.cli import app
from ferkit.core.files import is_running
from ferkit.workbook import needs, records, tasks
from ferkit.workbook import run as runner
from ferkit.workbook.parameters import read_notebook

pytestmark = pytest.mark.loopback

GOOD = """
import json, os, sys
from pathlib import Path
from ferkit.workbook.records import save_metrics
values = {"level": level, "seed": seed, "text": text, "sizes": sizes}
values |= {"cwd": os.getcwd(), "python": sys.executable}
values["data"] = os.environ.get("FERKIT_DATA")
values["run"] = os.environ["FERKIT_RUN"]
Path(out, "values.json").write_text(json.dumps(values))
top1 = {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
save_metrics(out, "01_good", {"top1": top1}, folds="f01d")
"""
WAIT = """
import os, time
from pathlib import Path
if not Path(out, "go").exists():
    Path(out, f"waiting.{os.getpid()}").touch()
    time.sleep(60)
"""
TRAIN = """
import os
from pathlib import Path
import numpy as np, torch
torch.manual_seed(seed)
x = torch.randn(300, 200)
weights = torch.randn(200, 200, requires_grad=True)
for _ in range(20):
    loss = (torch.tanh(x @ weights) ** 2).sum()
    (step,) = torch.autograd.grad(loss, weights)
    weights = (weights - 0.01 * step).detach().requires_grad_()
np.save(Path(out, f"{os.getpid()}.npy"), weights.detach().numpy())
"""
FIGURE = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()"
INTERRUPTIBLE = """
import signal
from ferkit import cli
from ferkit.workbook import records
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background shell may have it ignored
records.package_hash = lambda: "this version"
cli.main()
"""
ODD = 'it\'s "two"\nlines \\ {é}'


def ferkit(*words: str):
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Three notebooks run once from a folder with an awkward name; the middle one is broken."""
    home = tmp_path_factory.mktemp("a {project}")
    folder, out = home / "notebooks", home / "run"
    write(
        folder / "01_good.ipynb",
        GOOD,
        FIGURE,
        parameters='level = "lesson"\nseed = 0\nout = ".."\ntext = ""\nsizes = [1]',
    )
    write(folder / "02_bad.ipynb", "before = 1", "x = {}\nx['no such key']", "after = 1")
    write(folder / "03_last.ipynb", "print(level, seed)")
    sources = tree(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tasks, "NOTEBOOKS", folder)
        patch.setattr(records, "package_hash", lambda: "this version")  # whoever edits meanwhile
        patch.setenv("MPLBACKEND", "Agg")
        (home / "data").mkdir()
        patch.chdir(home)
        patch.setenv("FERKIT_DATA", "data")
        environment = dict(os.environ)
        result = ferkit(
            "run",
            "--out",
            out,
            "--level",
            "smoke",
            "--seed",
            "7",
            "-p",
            f"text={ODD}",
            "-p",
            "sizes=[2, 3]",
        )
        assert dict(os.environ) == environment
        assert tree(folder) == sources
        yield home, result
        assert tree(folder) == sources


def test_parameters_reach_the_notebook_as_they_were_given(project):
    home, _ = project
    values = json.loads((home / "run" / "values.json").read_text())
    assert values == {
        "level": "smoke",
        "seed": 7,
        "text": ODD,
        "sizes": [2, 3],
        "cwd": str(home / "notebooks"),
        "python": sys.executable,
        "data": str(home / "data"),
        "run": str(home / "run"),
    }


def test_a_failing_cell_is_shown_and_the_rest_still_runs(project):
    _, result = project
    assert result.exit_code == 1
    assert re.search(r"\[\d/3\] 02_bad: failed", result.stdout)
    assert (
        "failed in code cell 4:\n    x = {}\n    x['no such key']\n  KeyError: 'no such key'"
        in result.stdout
    )
    assert re.search(r"\[\d/3\] 03_last: passed", result.stdout)


def test_the_summary_has_headline_metrics_and_the_page(project):
    home, result = project
    lines = result.stdout.splitlines()
    assert any(
        line.startswith("01_good") and "passed" in line and "top1 0.5 [0.4, 0.6]" in line
        for line in lines
    )
    assert lines[-1].endswith(str(home / "run" / "index.html"))


def test_the_record_says_all(project):
    home, _ = project
    run = records.load_run(home / "run")
    good, bad = run["notebooks"]["01_good"], run["notebooks"]["02_bad"]
    assert run["chosen"] == ["01_good", "02_bad", "03_last"]
    assert run["started"] <= run["finished"]
    assert run["environment"]["versions"]["torch"]
    assert (good["status"], good["seed"], good["device"], good["folds"]) == (
        "passed",
        7,
        good["device"],
        "f01d",
    )
    assert good["parameters"]["text"] == ODD
    assert good["metrics"]["top1"] == {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}
    assert good["duration"] > 0
    assert (bad["status"], bad["error"]["cell"], bad["error"]["error"]) == ("failed", 4, "KeyError")
    assert "x['no such key']" in bad["error"]["traceback"]
    assert "\x1b" not in bad["error"]["traceback"]


def test_the_executed_notebooks_have_outputs_and_no_half_written_files_stay(project):
    home, _ = project
    run = home / "run"
    assert sorted(path.name for path in (run / "notebooks").iterdir()) == [
        "01_good.ipynb",
        "02_bad.ipynb",
        "03_last.ipynb",
    ]
    node = nbformat.read(run / "notebooks" / "01_good.ipynb", as_version=4)
    assert any("image/png" in output.get("data", {}) for output in node.cells[-1].outputs)
    assert not [file for file in tree(run) if "partial" in file]


def test_the_index_has_everything_and_no_outside_address(project):
    home, _ = project
    run = home / "run"
    index = (run / "index.html").read_text()
    for name in ("01_good", "02_bad", "03_last"):
        assert f'href="html/{name}.html"' in index
        assert f'href="notebooks/{name}.ipynb"' in index
    assert "KeyError: &#39;no such key&#39;" in index
    assert "top1 0.5 [0.4, 0.6]" in index
    assert "data:image/png;base64," in (run / "html" / "01_good.html").read_text()
    assert "no such key" in (run / "html" / "02_bad.html").read_text().split("<h1")[0]
    for page in (index, *(file.read_text() for file in (run / "html").glob("*.html"))):
        assert not [
            part
            for part in ('src="http', 'href="http', "url(http", 'src="/', 'href="/')
            if part in page
        ]


def test_what_is_unchanged_is_skipped_and_a_change_runs_again(project):
    home, _ = project
    out = home / "run"
    common = ("--out", out, "--level", "smoke")
    again = ferkit(
        "run",
        "1",
        home / "notebooks" / "03_last.ipynb",
        *common,
        "--seed",
        "7",
        "-p",
        f"text={ODD}",
        "-p",
        "sizes=[2, 3]",
    )
    assert again.exit_code == 0
    assert "[1/2] 01_good: skipped: unchanged" in again.stdout
    assert "[2/2] 03_last: skipped: unchanged" in again.stdout
    assert "passed" not in again.stdout
    assert "top1 0.5" in again.stdout
    run = records.load_run(out)
    assert run["notebooks"]["01_good"]["status"] == "skipped: unchanged"
    assert "failed (earlier run)" in (out / "index.html").read_text()
    # a skipped notebook is still known as done; another seed is another result
    changed = ferkit("run", "03_last", *common, "--seed", "8")
    assert "[1/1] 03_last: passed" in changed.stdout
    (out / "notebooks" / "01_good.ipynb").unlink()  # nothing to show: not done
    plan = tasks.plan_run(
        ["01_good"], {"level": "smoke", "seed": "7", "text": ODD, "sizes": "[2, 3]"}, out
    )
    assert plan[0].fingerprint == run["notebooks"]["01_good"]["fingerprint"]
    assert not runner._finished(run["notebooks"]["01_good"], plan[0], out, print)


def test_the_fingerprint_follows_what_a_result_depends_on(tmp_path, monkeypatch):
    cells = ["print(data_root, device)"]
    path = write(
        tmp_path / "01_one.ipynb",
        *cells,
        parameters='seed = 0\nout = ".."\ndata_root = ""\ndevice = "auto"',
    )
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(records, "gpu_name", lambda: None)

    def fingerprint(**wishes: str) -> str:
        return tasks.plan_run(
            [str(path)], {"data_root": str(tmp_path / "data"), **wishes}, tmp_path / "out"
        )[0].fingerprint

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    assert (
        tasks.plan_run([str(path)], {"data_root": str(tmp_path / "data")}, tmp_path / "elsewhere")[
            0
        ].fingerprint
        == seen[0]
    )
    seen.append(fingerprint(seed="1"))
    (tmp_path / "data" / "a.jpg").write_bytes(b"1")
    seen.append(fingerprint())
    monkeypatch.setattr(records, "package_hash", lambda: "another version")
    seen.append(fingerprint())
    monkeypatch.setattr(records, "gpu_name", lambda: "a GPU")
    seen.append(fingerprint())
    assert fingerprint(device="cpu") not in seen
    write(
        path, *cells, "more = 1", parameters='seed = 0\nout = ".."\ndata_root = ""\ndevice = "auto"'
    )
    seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def start_run(out: Path, *paths: Path, jobs: int) -> subprocess.Popen:
    """Start `ferkit run` in a process of its own; return once as many notebooks wait."""
    names = [str(path) for path in paths]
    options = ["--out", str(out), "--jobs", str(jobs)]
    command = [sys.executable, "-c", INTERRUPTIBLE, "run", *names, *options]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    wait_until(lambda: len(waiting_kernels(out)) == jobs or process.poll() is not None, 120)
    assert process.poll() is None, process.communicate()
    return process


def waiting_kernels(out: Path) -> list[int]:
    """The processes of the kernels that have reached WAIT."""
    return [int(file.suffix[1:]) for file in out.glob("waiting.*")]


def wait_until(holds, seconds: float = 60) -> None:
    for _ in range(int(seconds * 10)):
        if holds():
            return
        time.sleep(0.1)
    pytest.fail("waited in vain")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch, number):
    quick = write(tmp_path / "01_quick.ipynb", "1 + 1")
    slow = [write(tmp_path / f"0{n}_slow.ipynb", WAIT) for n in (2, 3)]
    out = tmp_path / "run"
    monkeypatch.setattr(records, "package_hash", lambda: "this version")  # whoever edits meanwhile
    process = start_run(out, quick, *slow, jobs=2)
    run = records.load_run(out)
    assert run["notebooks"]["03_slow"]["status"] == "running"  # what a hard kill would leave
    kernels = waiting_kernels(out)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; repeat the command to continue from here" in errors
    assert "Traceback" not in errors
    assert not [kernel for kernel in kernels if is_running(kernel)]
    run = records.load_run(out)
    assert {name: entry["status"] for name, entry in run["notebooks"].items()} == {
        "01_quick": "passed",
        "02_slow": "interrupted",
        "03_slow": "interrupted",
    }
    assert run["finished"] is None
    assert "not finished" in (out / "index.html").read_text()
    assert [path.name for path in (out / "notebooks").iterdir()] == ["01_quick.ipynb"]
    (out / "go").touch()
    result = ferkit("run", quick, *slow, "--out", out)
    assert result.exit_code == 0
    assert "01_quick: skipped: unchanged" in result.stdout
    assert "02_slow: passed" in result.stdout


def test_a_killed_run_reads_as_interrupted_and_leaves_no_kernel(tmp_path):
    path = write(tmp_path / "01_slow.ipynb", WAIT)
    out = tmp_path / "run"
    process = start_run(out, path, jobs=1)
    assert records.load_run(out)["notebooks"]["01_slow"]["status"] == "running"
    process.kill()
    process.communicate()
    assert records.load_run(out)["notebooks"]["01_slow"]["status"] == "interrupted"
    (kernel,) = waiting_kernels(out)
    wait_until(lambda: not is_running(kernel))


def made_tasks(folder: Path, *names: str) -> list[runner.Task]:
    values = {"level": "smoke", "seed": 1}
    paths = [write(folder / "sources" / f"{name}.ipynb") for name in names]
    return [runner.Task(read_notebook(path), values, "cpu", "abc") for path in paths]


def test_notebooks_run_together_but_after_those_whose_results_they_use(tmp_path, monkeypatch):
    together = threading.Barrier(2, timeout=30)  # fails unless two run at once
    running: list[str] = []
    ended: list[str] = []

    def execute(task: runner.Task, executed: Path, *_: object) -> None:
        running.append(task.name)
        assert len(running) <= 2
        assert set(needs.AFTER.get(task.name[:2], ())) <= {name[:2] for name in ended}
        if task.name[:2] in ("03", "05"):
            together.wait()
        time.sleep(0.1)
        fake_execution(task, executed)
        ended.append(task.name)
        running.remove(task.name)

    monkeypatch.setattr(runner, "_execute", execute)
    names = ["09_maps", "06_joint", "03_a", "04_b", "05_temporal", "07_c", "08_d"]
    run = runner.run_tasks(made_tasks(tmp_path, *names), tmp_path, jobs=2)
    assert {entry["status"] for entry in run["notebooks"].values()} == {"passed"}
    assert ended[-1] == "09_maps"


def test_notebooks_that_others_wait_for_begin_before_the_rest(tmp_path, monkeypatch):
    begun: list[str] = []

    def execute(task: runner.Task, executed: Path, *_: object) -> None:
        begun.append(task.name)
        fake_execution(task, executed)

    monkeypatch.setattr(runner, "_execute", execute)
    names = ["00_a", "05_temporal", "06_joint", "09_maps", "10_b"]
    runner.run_tasks(made_tasks(tmp_path, *names), tmp_path, jobs=1)
    assert begun == ["05_temporal", "06_joint", "00_a", "09_maps", "10_b"]


def test_running_at_once_changes_no_result(tmp_path):
    paths = [write(tmp_path / f"0{n}_train.ipynb", TRAIN) for n in (1, 2)]
    outs = [tmp_path / "one", tmp_path / "two"]
    for out, jobs in zip(outs, (1, 2), strict=True):
        plan = tasks.plan_run([str(path) for path in paths], {}, out)
        run = runner.run_tasks(plan, out, jobs=jobs)
        assert {entry["status"] for entry in run["notebooks"].values()} == {"passed"}
    weights = [sorted(out.glob("*.npy")) for out in outs]
    assert len(weights[0]) == len(weights[1]) == 2
    for one, other in zip(*weights, strict=True):
        assert one.read_bytes() == other.read_bytes()


def test_jobs_follow_cores_free_memory_and_the_gpu(tmp_path, monkeypatch):
    planned = made_tasks(tmp_path, "01_a", "02_b", "03_c")
    monkeypatch.setattr(tasks, "count_processors", lambda: 2)
    for gigabytes, jobs in ((64, 2), (3, 1), (0.5, 1)):
        memory = SimpleNamespace(available=gigabytes * 2**30)
        monkeypatch.setattr(tasks.psutil, "virtual_memory", lambda memory=memory: memory)
        assert tasks.choose_jobs(planned) == jobs
    monkeypatch.setattr(tasks, "count_processors", lambda: 64)
    monkeypatch.setattr(tasks.psutil, "virtual_memory", lambda: SimpleNamespace(available=2**40))
    assert tasks.choose_jobs(planned) == 3
    on_gpu = [replace(task, device="a GPU") for task in planned]
    assert tasks.choose_jobs(on_gpu) == 1


def test_sets_that_several_notebooks_read_are_drawn_first(tmp_path):
    planned = made_tasks(tmp_path, "01_a", "02_b", "03_c", "04_d", "05_e")
    values = [
        {"dataset": "posed"},
        {"dataset": "stills"},
        {"dataset": "posed", "data_root": "elsewhere"},  # drawn all the same
        {"dataset": "large"},
        {"dataset": "jaffe"},
    ]
    planned = [
        replace(task, parameters=task.parameters | value)
        for task, value in zip(planned, values, strict=True)
    ]
    assert tasks.find_shared_sets(planned) == [("posed", "smoke", 1)]
    assert tasks.find_shared_sets(planned[1:]) == []


def test_two_runs_in_one_folder_follow_each_other(tmp_path):
    slow = (
        "import time\nfrom ferkit.workbook.records import save_metrics\n"
        "time.sleep(1)\nsave_metrics(out, '01_slow', {'seed': seed})"
    )
    path = write(tmp_path / "01_slow.ipynb", slow)
    command = [sys.executable, "-m", "ferkit", "run", str(path), "--out", str(tmp_path / "run")]
    processes = [
        subprocess.Popen([*command, "--seed", seed], stdout=subprocess.PIPE, text=True)
        for seed in "12"
    ]
    outputs = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sum("another run writes to" in output for output in outputs) == 1
    entry = records.load_run(tmp_path / "run")["notebooks"]["01_slow"]
    assert entry["metrics"]["seed"]["value"] == entry["seed"]


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("run.json", b"[]"),
        ("run.json", b"null"),
        ("run.json", b"{}"),
        ("run.json", b"[" * 50_000),
        ("run.json", b'{"notebooks": {"01_one": {"duration": NaN}}}'),
        ("run.json", b'{"notebooks": {"01_one": {"status": "passed"}}}'),
        ("run.json", b"some text \xff"),
        ("metrics/01_one.json", b"[]"),
        ("metrics/01_one.json", b'{"folds": null, "metrics": {"a": {"value": 2}}}'),
        ("metrics/01_one.json", b"{"),
        ("notebooks/01_one.ipynb", b"no notebook"),
        ("notebooks/01_one.ipynb", b'{"cells": [], "metadata": {}, "nbformat": 4}'),
    ],
)
def test_damaged_state_is_named_and_made_again(tmp_path, monkeypatch, file, content):
    (task,) = made_tasks(tmp_path, "01_one")
    lines: list[str] = []
    # Executing is tested above; here the cells need no kernel.
    monkeypatch.setattr(runner, "_execute", fake_execution)
    runner.run_tasks([task], tmp_path)
    runner.run_tasks([task], tmp_path, tell=lines.append)
    assert lines.pop() == "[1/1] 01_one: skipped: unchanged"
    (tmp_path / file).write_bytes(content)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = runner.run_tasks([task], tmp_path, tell=lines.append)
    said = [str(warning.message) for warning in caught] + lines[:-1]
    assert any(Path(file).stem in text for text in said)
    assert run["notebooks"]["01_one"]["status"] == "passed"
    assert lines[-1].startswith("[1/1] 01_one: passed")
    assert records.load_metrics(tmp_path, "01_one")["metrics"] == {"a": {"value": 1}}
    assert "html/01_one.html" in (tmp_path / "index.html").read_text()


def test_a_page_of_another_run_needs_its_executed_notebook(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_execute", fake_execution)
    (task,) = made_tasks(tmp_path, "01_one")
    runner.run_tasks([task], tmp_path)
    (tmp_path / "notebooks" / "01_one.ipynb").write_text("no notebook")
    runner.run_tasks([], tmp_path)
    assert "html/01_one.html" not in (tmp_path / "index.html").read_text()


def fake_execution(task: runner.Task, executed: Path, *_: object) -> None:
    records.save_metrics(executed.parents[1], task.name, {"a": 1})
    executed.write_bytes(task.notebook.path.read_bytes())


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ([], ["00_start", "02_two", "10_ten"]),
        (["2"], ["02_two"]),
        (["10", "00"], ["10_ten", "00_start"]),
        (["02_two", "02"], ["02_two"]),
    ],
)
def test_notebooks_are_chosen_by_number_name_or_path(tmp_path, names, found):
    for name in ("00_start", "02_two", "10_ten", "notes"):
        (tmp_path / f"{name}.ipynb").touch()
    assert [path.stem for path in tasks.choose_notebooks(names, tmp_path)] == found
    assert tasks.choose_notebooks([str(tmp_path / "notes.ipynb")], tmp_path) == [
        tmp_path / "notes.ipynb"
    ]
    assert tasks.choose_notebooks(["02_two.ipynb"], tmp_path) == [tmp_path / "02_two.ipynb"]


def test_a_notebook_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebooks in"):
        tasks.choose_notebooks([], tmp_path)
    for folder in (tmp_path, tmp_path / "other"):
        write(folder / "02_landmarks.ipynb")
    with pytest.raises(ValueError, match="no notebook '02_landmark', did you mean '02_landmarks'"):
        tasks.choose_notebooks(["02_landmark"], tmp_path)
    with pytest.raises(ValueError, match="no notebook '03'"):
        tasks.choose_notebooks(["03"], tmp_path)
    with pytest.raises(FileNotFoundError, match="gone"):
        tasks.choose_notebooks(["gone.ipynb"], tmp_path)
    with pytest.raises(ValueError, match="two notebooks are called 02_landmarks"):
        tasks.choose_notebooks(["02", str(tmp_path / "other" / "02_landmarks.ipynb")], tmp_path)


def executed(*codes, failed_at: int) -> nbformat.NotebookNode:
    """An executed copy as papermill leaves it, its last started cell being `failed_at`."""
    cells = [new_markdown_cell("# Title")]
    for number, code in enumerate(codes):
        tags = {"tags": ["injected-parameters"]} if code == "injected" else {}
        started = {"papermill": {"start_time": "then" if number <= failed_at else None}}
        cells.append(new_code_cell(code, metadata=tags | started))
    return new_notebook(cells=cells)


def test_a_dead_kernel_is_told_with_the_cell_it_died_in():
    class DeadKernelError(RuntimeError):
        pass

    node = executed("level = 1", "injected", "import os", "os._exit(3)", "1", failed_at=3)
    error = runner._failing_cell(node, DeadKernelError("Kernel died"))
    assert (error["cell"], error["source"]) == (3, "os._exit(3)")
    assert error["message"] == "the kernel died; memory may have run out"
    assert "code cell 3" in runner.describe_error(error)
    assert runner._failing_cell(node, None) is None


def test_a_notebook_that_stops_itself_has_not_passed():
    node = executed("level = 1", "sys.exit()", "1", failed_at=1)
    node.cells[2].outputs = [
        new_output("error", ename="SystemExit", evalue="", traceback=["SystemExit"])
    ]
    assert runner._failing_cell(node, None)["cell"] == 2


def test_a_kernel_that_never_started_is_told():
    error = runner._error(None, "", RuntimeError("Kernel did not respond in 60 s"))
    assert (
        runner.describe_error(error)
        == "  failed before its first cell:\n  RuntimeError: Kernel did not respond in 60 s"
    )


def test_a_data_set_that_a_notebook_cannot_use_is_refused_before_anything_runs(
    tmp_path, monkeypatch
):
    folder, parameters = (
        tmp_path / "notebooks",
        'level = "lesson"\nseed = 0\nout = ".."\ndataset = "sequences"',
    )
    for name in ("04_stills.ipynb", "05_moving.ipynb"):
        write(folder / name, parameters=parameters)
    monkeypatch.setattr(tasks, "NOTEBOOKS", folder)
    result = ferkit("run", "05", "--dataset", "jaffe", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "jaffe cannot be used in notebook 05: not every clip is a sequence" in result.output
    assert not (tmp_path / "run").exists()
    result = ferkit("run", "--dataset", "jaffe", "--out", tmp_path / "run")
    assert "these could: 04_stills" in result.output
    assert ferkit("run", "04", "--dataset", "ckk", "--out", tmp_path / "run").exit_code == 2


def test_a_data_set_that_is_nowhere_is_said_before_anything_runs(tmp_path, monkeypatch):
    write(
        tmp_path / "notebooks" / "04_stills.ipynb",
        parameters='out = ".."\ndataset = "stills"\ndata_root = ""',
    )
    monkeypatch.setattr(tasks, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.delenv("FERKIT_DATA", raising=False)
    for name, said in (
        ("jaffe", "Expected jaffe/ or JAFFE/"),
        ("folder", "or their table, a CSV with the columns path, person, emotion"),
    ):
        result = ferkit("run", "04", "--dataset", name, "--out", tmp_path / "run")
        assert result.exit_code == 2
        assert said in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore:folder")
def test_pictures_of_unknown_people_are_refused_before_anything_runs(tmp_path, monkeypatch):
    parameters = 'out = ".."\ndataset = "stills"\ndata_root = ""'
    write(tmp_path / "notebooks" / "04_stills.ipynb", parameters=parameters)
    monkeypatch.setattr(tasks, "NOTEBOOKS", tmp_path / "notebooks")
    picture(tmp_path / "mine" / "train" / "happy" / "1.png")
    options = ["--dataset", "folder", "--data-root", tmp_path / "mine", "--out", tmp_path / "run"]
    result = ferkit("run", "04", *options)
    assert result.exit_code == 2
    assert "notebook 04: it does not say who is in a picture" in result.output
    assert not (tmp_path / "run").exists()


@pytest.mark.filterwarnings("ignore:folder")  # people with one picture
def test_data_may_be_a_table(tmp_path):
    path = write(
        tmp_path / "01_stills.ipynb", parameters='out = ".."\ndataset = "stills"\ndata_root = ""'
    )
    table = tmp_path / "list.csv"
    wishes = {"dataset": "folder", "data_root": str(table)}

    def fingerprint() -> str:
        task = tasks.plan_run([str(path)], wishes, tmp_path / "out")[0]
        assert task.parameters["data_root"] == str(table)
        return task.fingerprint

    (tmp_path / "one.png").write_bytes(b"one")
    table.write_text("path,person,emotion\none.png,anna,anger\n")
    seen = [fingerprint()]
    (tmp_path / "one.png").write_bytes(b"a picture")
    seen.append(fingerprint())
    table.write_text("path,person,emotion\none.png,dora,anger\n")
    seen.append(fingerprint())
    assert len(set(seen)) == 3
    (tmp_path / "other.png").write_bytes(b"not in the table")
    assert fingerprint() == seen[2]

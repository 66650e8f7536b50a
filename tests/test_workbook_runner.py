"""Notebooks run in order, are skipped when nothing changed, and go on after a failure, an interruption or a kill."""

import json
import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from tiny_notebooks import tree, write
from typer.testing import CliRunner

from ferkit.cli import app
from ferkit.workbook import kernels, records, runner

GOOD = """
import json, os, sys
from pathlib import Path
from ferkit.workbook.records import save_metrics
values = {"level": level, "seed": seed, "text": text, "sizes": sizes, "cwd": os.getcwd(), "python": sys.executable}
values["data"] = os.environ.get("FERKIT_DATA")
values["run"] = os.environ["FERKIT_RUN"]
Path(out, "values.json").write_text(json.dumps(values))
save_metrics(out, "01_good", {"top1": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 9}}, folds="f01d")
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
    """Three notebooks run once from a folder with an awkward name, with a broken one in the middle."""
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
        patch.setattr(runner, "NOTEBOOKS", folder)
        patch.setattr(records, "package_hash", lambda: "this version")  # whoever edits meanwhile
        patch.setenv("MPLBACKEND", "Agg")
        (home / "data").mkdir()
        patch.chdir(home)
        patch.setenv("FERKIT_DATA", "data")
        environment = dict(os.environ)
        result = ferkit(
            "run", "--out", out, "--level", "smoke", "--seed", "7", "-p", f"text={ODD}", "-p", "sizes=[2, 3]"
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
    assert "[2/3] 02_bad: failed" in result.stdout
    assert "failed in code cell 4:\n    x = {}\n    x['no such key']\n  KeyError: 'no such key'" in result.stdout
    assert "[3/3] 03_last: passed" in result.stdout


def test_the_summary_has_headline_metrics_and_the_page(project):
    home, result = project
    lines = result.stdout.splitlines()
    assert any(line.startswith("01_good") and "passed" in line and "top1 0.5 [0.4, 0.6]" in line for line in lines)
    assert lines[-1].endswith(str(home / "run" / "index.html"))


def test_the_record_says_all(project):
    home, _ = project
    run = records.load_run(home / "run")
    good, bad = run["notebooks"]["01_good"], run["notebooks"]["02_bad"]
    assert run["chosen"] == ["01_good", "02_bad", "03_last"]
    assert run["started"] <= run["finished"]
    assert run["environment"]["versions"]["torch"]
    assert (good["status"], good["seed"], good["device"], good["folds"]) == ("passed", 7, good["device"], "f01d")
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
        assert f'src="html/{name}.html"' in index
        assert f'href="notebooks/{name}.ipynb"' in index
    assert "KeyError: &#39;no such key&#39;" in index
    assert "top1 0.5 [0.4, 0.6]" in index
    assert "data:image/png;base64," in (run / "html" / "01_good.html").read_text()
    assert "no such key" in (run / "html" / "02_bad.html").read_text().split("<h1")[0]
    for page in (index, *(file.read_text() for file in (run / "html").iterdir())):
        assert not [part for part in ('src="http', 'href="http', "url(http", 'src="/', 'href="/') if part in page]


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
    plan = runner.plan(["01_good"], {"level": "smoke", "seed": "7", "text": ODD, "sizes": "[2, 3]"}, out)
    assert plan[0].fingerprint == run["notebooks"]["01_good"]["fingerprint"]
    assert not runner._finished(run["notebooks"]["01_good"], plan[0], out)


def test_the_fingerprint_follows_what_a_result_depends_on(tmp_path, monkeypatch):
    cells = ["print(data_root, device)"]
    path = write(tmp_path / "01_one.ipynb", *cells, parameters='seed = 0\nout = ".."\ndata_root = ""\ndevice = "auto"')
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(records, "gpu", lambda: None)

    def fingerprint(**wishes: str) -> str:
        return runner.plan([str(path)], {"data_root": str(tmp_path / "data"), **wishes}, tmp_path / "out")[
            0
        ].fingerprint

    seen = [fingerprint()]
    assert fingerprint() == seen[0]
    assert (
        runner.plan([str(path)], {"data_root": str(tmp_path / "data")}, tmp_path / "elsewhere")[0].fingerprint
        == seen[0]
    )
    seen.append(fingerprint(seed="1"))
    (tmp_path / "data" / "a.jpg").write_bytes(b"1")
    seen.append(fingerprint())
    monkeypatch.setattr(records, "package_hash", lambda: "another version")
    seen.append(fingerprint())
    monkeypatch.setattr(records, "gpu", lambda: "a GPU")
    seen.append(fingerprint())
    assert fingerprint(device="cpu") not in seen
    write(path, *cells, "more = 1", parameters='seed = 0\nout = ".."\ndata_root = ""\ndevice = "auto"')
    seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def test_an_interrupted_run_goes_on_where_it_stopped(tmp_path, monkeypatch):
    write(tmp_path / "01_quick.ipynb", "1 + 1")
    wait = "from pathlib import Path\nimport time\nif not Path(out, 'go').exists():\n    Path(out, 'waiting').touch()\n    time.sleep(60)"
    write(tmp_path / "02_slow.ipynb", wait)
    out = tmp_path / "run"
    names = [str(tmp_path / "01_quick.ipynb"), str(tmp_path / "02_slow.ipynb"), "--out", str(out)]
    monkeypatch.setattr(records, "package_hash", lambda: "this version")  # whoever edits meanwhile
    command = [sys.executable, "-c", INTERRUPTIBLE, "run", *names]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(600):
        if (out / "waiting").exists() or process.poll() is not None:
            break
        time.sleep(0.1)
    assert records.load_run(out)["notebooks"]["02_slow"]["status"] == "running"  # what a hard kill would leave
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted; the same command goes on from here" in errors
    assert "Traceback" not in errors
    run = records.load_run(out)
    assert {name: entry["status"] for name, entry in run["notebooks"].items()} == {
        "01_quick": "passed",
        "02_slow": "interrupted",
    }
    assert run["finished"] is None
    assert "not finished" in (out / "index.html").read_text()
    assert [path.name for path in (out / "notebooks").iterdir()] == ["01_quick.ipynb"]
    (out / "go").touch()
    result = ferkit("run", *names)
    assert result.exit_code == 0
    assert "01_quick: skipped: unchanged" in result.stdout
    assert "02_slow: passed" in result.stdout


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
    assert [path.stem for path in runner.choose(names, tmp_path)] == found
    assert runner.choose([str(tmp_path / "notes.ipynb")], tmp_path) == [tmp_path / "notes.ipynb"]
    assert runner.choose(["02_two.ipynb"], tmp_path) == [tmp_path / "02_two.ipynb"]


def test_a_notebook_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="no notebooks in"):
        runner.choose([], tmp_path)
    for folder in (tmp_path, tmp_path / "other"):
        write(folder / "02_landmarks.ipynb")
    with pytest.raises(ValueError, match="no notebook '02_landmark', did you mean '02_landmarks'"):
        runner.choose(["02_landmark"], tmp_path)
    with pytest.raises(ValueError, match="no notebook '03'"):
        runner.choose(["03"], tmp_path)
    with pytest.raises(FileNotFoundError, match="gone"):
        runner.choose(["gone.ipynb"], tmp_path)
    with pytest.raises(ValueError, match="two notebooks are called 02_landmarks"):
        runner.choose(["02", str(tmp_path / "other" / "02_landmarks.ipynb")], tmp_path)


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
    assert "code cell 3" in runner.describe(error)
    assert runner._failing_cell(node, None) is None


def test_a_notebook_that_stops_itself_has_not_passed():
    node = executed("level = 1", "sys.exit()", "1", failed_at=1)
    node.cells[2].outputs = [new_output("error", ename="SystemExit", evalue="", traceback=["SystemExit"])]
    assert runner._failing_cell(node, None)["cell"] == 2


def test_a_kernel_that_never_started_is_told():
    error = runner._error(None, "", RuntimeError("Kernel did not respond in 60 s"))
    assert runner.describe(error) == "  failed before its first cell:\n  RuntimeError: Kernel did not respond in 60 s"


def test_our_kernel_is_this_python_and_others_must_be_installed():
    assert kernels.command(None) == sys.executable
    with pytest.raises(ValueError, match="no kernel 'pyhton3' is installed, did you mean 'python3'"):
        kernels.command("pyhton3")


def test_a_data_set_that_a_notebook_cannot_use_is_refused_before_anything_runs(tmp_path, monkeypatch):
    folder, parameters = tmp_path / "notebooks", 'level = "lesson"\nseed = 0\nout = ".."\ndataset = "sequences"'
    for name in ("04_stills.ipynb", "05_moving.ipynb"):
        write(folder / name, parameters=parameters)
    monkeypatch.setattr(runner, "NOTEBOOKS", folder)
    result = ferkit("run", "05", "--dataset", "jaffe", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "jaffe cannot be used in notebook 05: it has no sequences" in result.output
    assert not (tmp_path / "run").exists()
    result = ferkit("run", "--dataset", "jaffe", "--out", tmp_path / "run")
    assert "these could: 04_stills" in result.output
    assert ferkit("run", "04", "--dataset", "ckk", "--out", tmp_path / "run").exit_code == 2


def test_a_data_set_that_is_nowhere_is_said_before_anything_runs(tmp_path, monkeypatch):
    write(tmp_path / "notebooks" / "04_stills.ipynb", parameters='out = ".."\ndataset = "stills"\ndata_root = ""')
    monkeypatch.setattr(runner, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.delenv("FERKIT_DATA", raising=False)
    for name, said in (("jaffe", "Expected jaffe/ or JAFFE/"), ("folder", "name their folder or their table")):
        result = ferkit("run", "04", "--dataset", name, "--out", tmp_path / "run")
        assert result.exit_code == 2
        assert said in result.output
    assert not (tmp_path / "run").exists()


def test_data_may_be_a_table(tmp_path):
    path = write(tmp_path / "04_stills.ipynb", parameters='out = ".."\ndataset = "stills"\ndata_root = ""')
    table = tmp_path / "list.csv"
    wishes = {"dataset": "folder", "data_root": str(table)}

    def fingerprint() -> str:
        task = runner.plan([str(path)], wishes, tmp_path / "out")[0]
        assert task.parameters["data_root"] == str(table)
        return task.fingerprint

    table.write_text("path,person,emotion\none.png,anna,anger\n")
    seen = [fingerprint()]
    (tmp_path / "one.png").write_bytes(b"a picture")
    seen.append(fingerprint())
    table.write_text("path,person,emotion\none.png,dora,anger\n")
    seen.append(fingerprint())
    assert len(set(seen)) == 3
    (tmp_path / "other.png").write_bytes(b"not in the table")
    assert fingerprint() == seen[2]

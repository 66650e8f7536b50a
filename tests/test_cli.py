"""The command line: wrong use is one message and exit code 2, before anything runs."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from unittest.mock import Mock

import nbformat
import pandas as pd
import pytest
from tiny_notebooks import write
from typer.main import get_command
from typer.testing import CliRunner

from ferkit import __version__, cli
from ferkit.core.files import PROJECT
from ferkit.workbook import run, tasks


def ferkit(*words: object):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """One notebook with a device, in a project of its own; running it is a failure."""
    parameters = 'level = "lesson"\nseed = 0\nout = "../build"\ndevice = "auto"\nepochs = 5'
    path = write(tmp_path / "notebooks" / "01_tiny.ipynb", parameters=parameters)
    monkeypatch.setattr(tasks, "NOTEBOOKS", path.parent)
    monkeypatch.setattr(run, "run_tasks", lambda *_, **__: pytest.fail("ran"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    return path


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("-p epcohs=3", "unknown parameter 'epcohs', did you mean 'epochs'"),
        ("-p epochs", "expected NAME=VALUE"),
        ("-p epochs=many", "give a whole number"),
        ("-p epochs=1 -p epochs=2", "given twice"),
        ("--seed 1 -p seed=2", "given twice"),
        ("-p out=here", "use --out"),
        ("--level leson", "did you mean 'lesson'"),
        ("--device gpu", "unknown device 'gpu'"),
        ("--device cuda", "no CUDA device"),
        ("--kernel nothing", "no kernel 'nothing' is installed"),
        ("--dataset jaffe", "unknown parameter 'dataset'"),
        ("--data-root no/such/folder", "no folder {root}"),
        ("07", "no notebook '07'"),
        ("gone.ipynb", "no notebook gone.ipynb"),
    ],
)
def test_wrong_use_of_run(tiny, tmp_path, words, message):
    result = ferkit("run", *words.split(), "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert message.format(root=Path("no/such/folder").resolve()) in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "run").exists()


def test_wrong_words_for_the_shell_are_wrong_use_too(tiny):
    assert ferkit("run", "--seed", "three").exit_code == 2
    assert ferkit("rnu").exit_code == 2


def test_an_unread_parameter_stops_before_anything_runs(tiny, tmp_path):
    node = nbformat.read(tiny, as_version=4)
    node.cells[1].source += "\nunused = 1"
    nbformat.write(node, tiny)
    result = ferkit("run", "--out", tmp_path / "run")
    assert result.exit_code == 2
    assert "unused declared in the parameters cell but read by no later cell" in result.stderr


def test_a_mistake_in_the_code_keeps_its_traceback(monkeypatch):
    monkeypatch.setattr("ferkit.data.available", lambda root: int("a mistake"))
    result = ferkit("data", "list")
    assert isinstance(result.exception, ValueError)


def test_a_full_disk_is_told_without_a_traceback(tiny, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device", "run.json")

    monkeypatch.setattr(run, "run_tasks", full)
    result = ferkit("run", "--out", tmp_path)
    assert result.exit_code == 1
    assert "No space left on device: 'run.json'" in result.stderr


def test_the_command_starts_fast_and_says_its_version():
    heavy = "torch, papermill, pandas, nbconvert, dlib, matplotlib".split(", ")
    code = f"import sys, ferkit.cli; print(*set({heavy}) & set(sys.modules))"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout.strip()
        == ""
    )
    assert ferkit("--version").stdout == f"ferkit {__version__}\n"


def test_data_list_and_card(tmp_path):
    listed = ferkit("data", "list", "--root", tmp_path)
    assert listed.exit_code == 0
    assert "london" in listed.stdout
    absent = ferkit("data", "list", "--root", tmp_path / "nowhere")
    assert absent.exit_code == 2
    assert "nowhere is not a folder; give the folder of your data sets" in absent.stderr
    assert "licence" in ferkit("data", "card", "london").stdout
    wrong = ferkit("data", "card", "londn")
    assert wrong.exit_code == 2
    assert "unknown data set 'londn', did you mean 'london'?; known: " in wrong.stderr
    assert "did you mean 'portraits'?" in ferkit("draw", "portrait").stderr


def test_the_folder_of_data_sets_has_one_name():
    for command in (["data", "list"], ["data", "check", "london"], ["doctor"]):
        for option in ("--data-root", "--root"):
            assert "no such option" not in ferkit(*command, option, "nowhere").stderr.lower()
    result = ferkit("data", "check", "folder")
    assert "person/emotion/*.jpg" in result.stderr
    assert "path, person, emotion" in result.stderr


def test_a_parameter_of_other_notebooks_is_said():
    result = ferkit("run", "01", "--device", "cpu")
    assert result.exit_code == 2
    assert "unknown parameter 'device'" in result.stderr
    assert "these notebooks have it: 03_two_branches, 04_" in result.stderr


def commands(group, path=()):
    """The paths of all commands below a group."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, (*path, name))
        else:
            yield (*path, name)


@pytest.mark.parametrize("path", list(commands(get_command(cli.app))), ids=" ".join)
def test_every_help_page_has_an_example(path):
    words = ferkit(*path, "--help").stdout.split()
    example = f"ferkit {' '.join(path)}"
    assert f"Example: {example}" in " ".join(words)


def test_data_check_of_a_folder_that_is_not_there(tmp_path):
    result = ferkit("data", "check", "london", "--root", tmp_path)
    assert result.exit_code == 2
    assert str(tmp_path) in result.stderr


def test_drawing_leaves_other_files_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("ferkit.drawn.draw_sets.draw_set", lambda *_, folder, **__: folder)
    assert ferkit("draw", "stills", "--out", tmp_path / "new").exit_code == 0
    for name in (".lock", ".about.json.1.partial"):  # of a drawing that was killed
        (tmp_path / name).touch()
    assert ferkit("draw", "stills", "--out", tmp_path).exit_code == 0
    (tmp_path / "thesis.txt").touch()
    result = ferkit("draw", "stills", "--out", tmp_path)
    assert result.exit_code == 2
    assert "holds other files, such as thesis.txt: name another folder" in result.stderr
    assert ferkit("draw", "stills", "--out", tmp_path, "--overwrite").exit_code == 0


def test_predict_writes_the_table_and_names_pictures_without_a_face(tmp_path, monkeypatch):
    box = {
        name: [place, None]
        for name, place in {"x0": 10.5, "y0": 20.0, "x1": 110.5, "y1": 120.0}.items()
    }
    table = pd.DataFrame(
        {
            "path": ["a.jpg", "b.jpg"],
            "face": [0, 0],
            **box,
            "emotion": ["fear", ""],
            "fear": [1.0, None],
        }
    )
    asked = {}

    def predict_path(path, model=None, residual=False, *, keep, out, **options):
        asked.update(path=path, model=model, residual=residual, out=out)
        keep(table)

    monkeypatch.setitem(sys.modules, "ferkit.predict.command", type(sys)("ferkit.predict.command"))
    sys.modules["ferkit.predict.command"].predict_path = predict_path
    out = tmp_path / "new" / "predictions.csv"
    result = ferkit("predict", tmp_path, "--out", out, "--residual")
    assert result.exit_code == 0
    assert asked == {"path": tmp_path, "model": None, "residual": True, "out": out}
    pd.testing.assert_frame_equal(
        pd.read_csv(out).fillna({"emotion": ""}), table, check_dtype=False
    )
    assert "no face found in b.jpg" in result.stderr
    assert "2 pictures, 1 face, 1 without a face: " in result.stdout
    missing = ferkit("predict", tmp_path / "gone", "--out", out)
    assert missing.exit_code == 2
    assert "gone" in missing.stderr


def test_a_cache_that_cannot_be_used_is_said(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(
            errno.EACCES, "Permission denied", str(tmp_path / ".cache" / "ferkit")
        )

    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path / ".cache" / "ferkit"))
    monkeypatch.setattr("ferkit.drawn.draw_sets.draw_set", refuse)
    result = ferkit("draw", "portraits")
    assert result.exit_code == 1
    assert "set FERKIT_CACHE to a folder that you may write" in result.stderr


def test_a_user_without_a_home_is_told_of_the_cache(monkeypatch):
    monkeypatch.delenv("FERKIT_CACHE", raising=False)
    monkeypatch.setattr("platformdirs.user_cache_path", Mock(side_effect=RuntimeError("no home")))
    result = ferkit("draw", "portraits", "--level", "smoke")
    assert result.exit_code == 1
    assert result.stderr.startswith("ferkit: there is no home folder: set FERKIT_CACHE")


def test_a_console_that_lacks_a_letter_does_not_fail(tmp_path):
    (tmp_path / "\U0001f600.jpg").write_bytes(b"no picture")
    result = subprocess.run(
        [sys.executable, "-m", "ferkit", "predict", tmp_path, "--out", tmp_path / "a.csv"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONIOENCODING": "cp1252"},
        capture_output=True,
    )
    assert result.returncode == 1
    assert b"\\U0001f600.jpg" in result.stderr
    assert b"Traceback" not in result.stderr


def test_python_runs_the_package_as_the_command():
    result = subprocess.run(
        [sys.executable, "-m", "ferkit", "--version"], cwd=PROJECT, capture_output=True, text=True
    )
    assert result.stdout == f"ferkit {__version__}\n"

"""The Makefile sets up when needed and only then; a stub replaces the real Python."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ferkit.core.files import PROJECT

pytestmark = pytest.mark.skipif(
    not (shutil.which("make") and shutil.which("bash")), reason="needs make and bash"
)

NOTES = """#!/bin/sh
case "$1 $2" in
    "-c "*import\\ sys*) exit {too_old} ;;
    "-c ") exit 0 ;;
    "--version ") echo "Python 3.12.0" ;;
    "-m venv") mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && cp "$0" "$3/bin/ferkit" ;;
    "-m pip") case "$*" in *$BROKEN*) exit 1 ;; esac ;;
esac
[ "$1" = -c ] || [ "$1" = --version ] || echo "${{0##*/}} $*" >> "$NOTES"
"""
MAKE_VENV, INSTALL, INSTALL_FERKIT, RUN = (
    "python3.12 -m venv",
    "-r requirements.txt",
    "--no-deps -e .",
    "ferkit run",
)


class Clone:
    """A folder with the files of a set-up, and a PATH with little but a Python that takes notes."""

    def __init__(self, folder: Path, python: str | None = "python3.12", too_old: bool = False):
        self.folder, self.tools, self.notes = folder / "a clone", folder / "tools", folder / "notes"
        self.folder.mkdir()
        self.tools.mkdir()
        for name in ("Makefile", "requirements.txt", "pyproject.toml"):
            shutil.copy(PROJECT / name, self.folder)
        for tool in "make bash sh cat cmp awk rm mkdir cp dirname".split():
            (self.tools / tool).symlink_to(shutil.which(tool))
        if python:
            (self.tools / python).write_text(NOTES.format(too_old=int(too_old)))
            (self.tools / python).chmod(0o755)

    def make(self, *arguments: str, broken: str = "none") -> subprocess.CompletedProcess:
        environment = {"PATH": str(self.tools), "NOTES": str(self.notes), "BROKEN": broken}
        command = [str(self.tools / "make"), *arguments]
        return subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def noted(self) -> list[str]:
        """What the Python was asked to do since the last look."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.unlink(missing_ok=True)
        return lines


def matches(lines: list[str], *parts: str) -> bool:
    return len(lines) == len(parts) and all(
        part in line for part, line in zip(parts, lines, strict=True)
    )


def test_it_sets_up_once_and_again_when_something_changed(tmp_path):
    clone = Clone(tmp_path)
    assert clone.make("run").returncode == 0
    assert matches(clone.noted(), MAKE_VENV, INSTALL, INSTALL_FERKIT, RUN)
    assert clone.make("run", "ARGS=02 --level smoke").returncode == 0
    assert clone.noted() == ["ferkit run 02 --level smoke"]
    with open(clone.folder / "requirements.txt", "a") as file:
        file.write("one-more==1.0\n")
    assert clone.make("run").returncode == 0
    assert matches(clone.noted(), INSTALL, INSTALL_FERKIT, RUN)
    moved = clone.folder.with_name("moved")  # the installed ferkit points to where the clone was
    clone.folder.rename(moved)
    clone.folder = moved
    assert clone.make("run").returncode == 0
    assert matches(clone.noted(), INSTALL, INSTALL_FERKIT, RUN)


def test_an_install_that_failed_is_tried_again(tmp_path):
    clone = Clone(tmp_path)
    assert clone.make("run", broken="requirements").returncode != 0
    assert matches(clone.noted(), MAKE_VENV)
    assert clone.make("run").returncode == 0
    assert matches(clone.noted(), INSTALL, INSTALL_FERKIT, RUN)


def test_the_environment_may_lie_elsewhere(tmp_path):
    clone = Clone(tmp_path)
    elsewhere = tmp_path / "some venv"
    assert clone.make("run", f"VENV={elsewhere}").returncode == 0
    assert (elsewhere / "bin" / "python").exists()
    assert not (clone.folder / ".venv").exists()


@pytest.mark.parametrize(("python", "too_old"), [(None, False), ("python3", True)])
def test_without_a_fitting_python_it_says_so(tmp_path, python, too_old):
    result = Clone(tmp_path, python, too_old).make("test")
    assert result.returncode != 0
    assert "needs Python 3.11, 3.12 or 3.13" in result.stderr


def test_help_needs_nothing(tmp_path):
    result = Clone(tmp_path, python=None).make()
    assert result.returncode == 0
    assert "make run" in result.stdout


def test_the_benchmarks_can_be_imported():
    options = ["-o", "python_files=bench_*.py", "-o", "python_functions=bench_*"]
    command = [sys.executable, "-m", "pytest", "tests/bench", "--collect-only", "-q", *options]
    # Inside a worker of pytest-xdist the benchmarks would take themselves for a parallel run.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    result = subprocess.run(
        command, cwd=PROJECT, env=alone, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert "bench_predictor.py" in result.stdout

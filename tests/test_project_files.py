"""What people and tools expect around a project: citation, workflow, datasheet, JupyterLab."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from ferkit import __version__
from ferkit.core.files import PROJECT
from ferkit.drawn.sets import SETS, plan_clips

NOTIFICATIONS = "@jupyterlab/apputils-extension:notification"


def read(name: str) -> str:
    return (PROJECT / name).read_text(encoding="utf-8")


def supported_pythons() -> list[str]:
    """Read the versions of Python in the classifiers."""
    return re.findall(r'"Programming Language :: Python :: (3\.\d+)"', read("pyproject.toml"))


def test_the_version_is_the_same_everywhere():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    assert project["version"] == __version__
    assert yaml.safe_load(read("CITATION.cff"))["version"] == __version__
    assert f"\n## {__version__}" in read("docs/changelog.md")


def test_the_citation_has_what_the_format_demands():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()
    assert citation["license"] == tomllib.loads(read("pyproject.toml"))["project"]["license"]


def test_the_workflow_runs_the_same_as_ci_on_each_python():
    job = yaml.safe_load(read(".github/workflows/test.yml"))["jobs"]["test"]
    assert job["strategy"]["matrix"]["python"] == supported_pythons()
    assert job["env"]["PYTHON"] == "python${{ matrix.python }}"
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    again = "make test-slow ARGS='--last-failed --last-failed-no-failures=none'"
    called = re.findall(r"^make .*$", read(".ci/run"), re.MULTILINE)
    assert called == ["make test", f"make test-slow || {again}"]


def test_the_container_has_a_supported_python_and_sets_up():
    container = json.loads(read(".devcontainer/devcontainer.json"))
    assert container["image"].removeprefix("python:") in supported_pythons()
    assert container["postCreateCommand"] == "make setup"


@pytest.mark.parametrize("name", ["bug", "idea"])
def test_forms_of_issues_ask_something_with_a_label(name):
    form = yaml.safe_load(read(f".github/ISSUE_TEMPLATE/{name}.yml"))
    assert form["name"]
    assert form["description"]
    questions = [part for part in form["body"] if part["type"] != "markdown"]
    assert questions
    assert all(part["id"] and part["attributes"]["label"] for part in questions)


def test_the_datasheet_counts_people_clips_and_pictures():
    rows = re.findall(r"^\| `([\w-]+)` \|(.*)\|$", read("docs/drawn_faces.md"), re.MULTILINE)
    cells = {name: [cell.strip() for cell in row.split("|")] for name, row in rows}
    assert cells.keys() == SETS.keys()
    for name, drawn_set in SETS.items():
        like, _, pixels, *counts = cells[name]
        assert (like, int(pixels)) == (drawn_set.like, drawn_set.pixels)
        for level, count in zip(("lesson", "paper"), counts, strict=True):
            clips = plan_clips(name, level)
            people = {clip.person for clip in clips}
            pictures = sum(clip.frames for clip in clips)
            assert count == f"{len(people)}, {len(clips)}, {pictures}", (name, level)


@pytest.mark.skipif(not shutil.which("make"), reason="needs make")
def test_make_lab_asks_no_question_about_news(tmp_path):
    shown = subprocess.run(
        ["make", "--dry-run", "--no-print-directory", "lab", f"VENV={sys.prefix}"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    opened = f'"{sys.prefix}/bin/jupyter" lab notebooks'
    command = shown.stdout[shown.stdout.index("JUPYTER_CONFIG_PATH=") :].strip()
    assert opened in command
    lab = Path(sys.prefix) / "share" / "jupyter" / "lab"
    code = (
        "from jupyterlab_server.settings_utils import get_settings; import json; "
        f"settings, _ = get_settings('{lab / 'settings'}', '{lab / 'schemas'}', '{tmp_path}', "
        f"schema_name='{NOTIFICATIONS}'); print(json.dumps(settings['schema']['properties']))"
    )
    command = command.replace(opened, f'"{sys.executable}" -c "$CODE"')
    result = subprocess.run(
        ["bash", "-c", command],
        env=os.environ | {"CODE": code},
        capture_output=True,
        text=True,
        check=True,
    )
    defaults = {name: field["default"] for name, field in json.loads(result.stdout).items()}
    assert defaults["fetchNews"] == "false"
    assert defaults["checkForUpdates"] is False

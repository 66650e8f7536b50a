"""A toy data set and a toy paper, added as CONTRIBUTING says, are found by themselves."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import tiny_notebooks

from ferkit.core.files import PROJECT

DATA_SET = '''"""Toy: two people, two expressions."""

from pathlib import Path

from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, verify_clips

EXPECTED = Expected(
    people=("anna", "bert"),
    clips=("anna_happiness", "anna_neutral", "bert_happiness", "bert_neutral"),
    emotions={"happiness": 2, "neutral": 2},
)
CARD = Card(
    title="Toy faces",
    source="tests/test_contributing.py",
    licence="CC0",
    consent="nobody is in the pictures",
    terms="none",
    ask="run the test",
    may_show=True,
    open_download=False,
)


def read_toy(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures PERSON_EMOTION.png."""
    clips = []
    for path in sorted(Path(root).glob("*.png")):
        person, _, emotion = path.stem.partition("_")
        clips.append(Clip("toy", person, path.stem, emotion, (path,)))
    verify_clips(clips, EXPECTED, verify)
    return clips


DATA_SET = DataSet("toy", read_toy, ("toy",), CARD, Offer(classes=2), EXPECTED)
'''
PAPER = {
    "__init__.py": "",
    "network.py": '''"""The toy paper's network: one linear layer."""

from torch import Tensor, nn


class ToyNetwork(nn.Module):
    """One linear layer on grey pictures."""

    def __init__(self, classes: int, size: int):
        super().__init__()
        self.linear = nn.Linear(size * size, classes)

    def forward(self, images: Tensor) -> Tensor:
        return self.linear(images.flatten(1))
''',
    "experiment.py": '''"""The toy paper's experiment."""

TOY_EPOCHS = {"smoke": 1, "lesson": 2, "paper": 3}
''',
    "specs.py": '''"""The toy paper's network, for other parts of the package."""

from ferkit.faces.views import View
from ferkit.papers.toy.network import ToyNetwork
from ferkit.training.spec import NetworkSpec


def grey_face(size: int) -> tuple[View, ...]:
    """The aligned face in grey."""
    return (View(size, grey=True),)


NETWORKS = (NetworkSpec("toy_linear", "Linear (toy)", ToyNetwork, grey_face),)
STUDIES = ()
''',
    "reported.toml": """short_name = "toy"
number = 99
title = "A Toy Paper"
authors = ["A. Nobody"]
venue = "Toys 1(1)"
year = 2020
source = "nowhere"

[[tables]]
data = "toy"
measure = "accuracy"
unit = "fraction"
where = "table 1"
status = "done"
rows = [{ key = "linear", method = "linear", value = 0.5, ours = "toy/linear" }]
""",
}
ASK_THE_PACKAGE = """
import json
import ferkit
from ferkit import papers
from ferkit.data import read_clips
from ferkit.papers import tables
from ferkit.workbook import needs

table = tables.paper_table("toy", {"toy/linear": {"value": 0.75}})
spec = papers.network_specs()["toy_linear"]
print(json.dumps({
    "package": ferkit.__file__,
    "last paper": papers.PAPERS[-1],
    "row": table.loc["linear", ["paper", "ours"]].tolist(),
    "network": type(spec.build(classes=2, size=8)).__name__,
    "matrix": [line for line in needs.markdown().splitlines() if "`toy`" in line],
    "clips": len(read_clips("toy", "data", verify="strict")),
}))
"""
NOTEBOOK_PARAMETERS = """level = "lesson"
dataset = "posed"
data_root = ""
seed = 0
out = "../build/run\""""
NOTEBOOK_CELLS = (
    """from ferkit.faces.load import load_clips
from ferkit.workbook.records import save_metrics""",
    """clips = load_clips(dataset, level, seed, data_root)
save_metrics(out, "01_toy", {f"{dataset}/clips": {"value": len(clips)}}).name""",
)


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """Copy the package, add the toys and a notebook, and make the toy data."""
    folder = tmp_path_factory.mktemp("contribution") / "clone"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PROJECT / "ferkit", folder / "ferkit", ignore=ignored)
    (folder / "ferkit" / "data" / "sets" / "toy.py").write_text(DATA_SET)
    paper = folder / "ferkit" / "papers" / "toy"
    paper.mkdir()
    for name, text in PAPER.items():
        (paper / name).write_text(text)
    pictures = folder / "data" / "toy"
    pictures.mkdir(parents=True)
    for name in ("anna_happiness", "anna_neutral", "bert_happiness", "bert_neutral"):
        cv2.imwrite(str(pictures / f"{name}.png"), np.zeros((8, 8), np.uint8))
    notebook = folder / "notebooks" / "01_toy.ipynb"
    tiny_notebooks.write(notebook, *NOTEBOOK_CELLS, parameters=NOTEBOOK_PARAMETERS)
    return folder


def ask(clone: Path, *arguments: str) -> str:
    """Run Python in the clone, whose package comes first on the path; return what it prints."""
    hidden = ("FERKIT_DATA", "FERKIT_RUN", "FERKIT_SHOW")
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    environment["PYTHONPATH"] = str(clone)
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_package_finds_both(clone):
    answer = json.loads(ask(clone, "-c", ASK_THE_PACKAGE))
    assert Path(answer.pop("package")) == clone / "ferkit" / "__init__.py"
    assert answer == {
        "last paper": "toy",
        "row": ["0.5", "0.750"],
        "network": "ToyNetwork",
        "matrix": ["| [`toy`](data/toy.md) | | ● | ● | | | | | | | | ● | |"],
        "clips": 4,
    }


def test_the_commands_find_the_data_set(clone):
    listed = ask(clone, "-m", "ferkit", "data", "list", "--root", "data")
    assert "toy" in listed
    assert "Toy faces" in ask(clone, "-m", "ferkit", "data", "card", "toy")
    assert "happiness" in ask(clone, "-m", "ferkit", "data", "check", "toy", "--root", "data")


@pytest.mark.notebooks
def test_a_notebook_runs_on_the_data_set(clone):
    options = ["--level", "smoke", "--dataset", "toy", "--data-root", "data", "--out", "out"]
    ask(clone, "-m", "ferkit", "run", "01", *options)
    record = json.loads((clone / "out" / "metrics" / "01_toy.json").read_text())
    assert record["metrics"]["toy/clips"]["value"] == 4


def test_the_page_names_these_files():
    page = (PROJECT / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
    steps = ["ferkit/data/sets/NAME.py", "DATA_SET", "ferkit/papers/NAME/", "NETWORKS", "STUDIES"]
    steps += [name for name in PAPER if name != "__init__.py"]
    assert not [step for step in steps if f"`{step}" not in page]

"""Run a notebook on a small copy of every data set, made of drawn faces."""

import json
from pathlib import Path

import face_trees
import pytest
from test_notebooks import NOTEBOOKS, run_nbval

from ferkit import data
from ferkit.papers.tables import paper_table
from ferkit.workbook.needs import NEEDS, find_obstacle
from ferkit.workbook.parameters import copy_with_literals, read_notebook

pytestmark = pytest.mark.loopback

# The notebook that each data set is tested with. By default notebooks run on drawn sets.
TRIED = {
    "casia": "01",
    "lfw": "01",
    "affectnet": "01",
    "cmu": "02",
    "london": "02",
    "yale": "02",
    "ravdess": "02",
    "folder": "02",
    "mefed": "03",
    "jaffe": "04",
    "cremad": "04",
    "ckplus": "05",
    "mmi": "06",
    "fer2013": "07",
    "ised": "08",
    "oulu": "09",
}
# Copies from other places than the provider's; notebook 01 counts, the others open the pictures.
COPIES = {
    "ckplus48": "02",
    "fer2013-folders": "08",
    "ferplus-pictures": "07",
    "rafdb": "08",
    "affectnet-folders": "08",
    "affectnet-yolo": "08",
    "kdef": "04",
    "rafd": "10",
    "cremad-frames": "04",
    "ravdess-frames": "02",
}
COUNTED = ("ckplus48", "affectnet-yolo")


@pytest.mark.parametrize("name", TRIED | COPIES)
def test_the_reader_finds_every_drawn_face(name, tmp_path):
    face_trees.TREES[name](tmp_path)
    clips = data.read_clips(name, tmp_path, verify="off")
    assert len({clip.person for clip in clips}) >= face_trees.PEOPLE
    assert {clip.emotion for clip in clips if clip.emotion} <= set(face_trees.EMOTIONS)


def test_every_data_set_and_notebook_is_tried():
    photographed = {name for name, record in data.DATASETS.items() if not record.drawn}
    tried = TRIED | COPIES
    assert photographed == set(tried) | {"ferplus"}  # which notebook 01 reads itself
    # 00 is about drawn faces; 11 needs more people than the small copies have.
    assert set(tried.values()) == set(NEEDS) - {"00", "11"}
    assert not any(find_obstacle(notebook, name) for name, notebook in tried.items())


def run_on(number: str, name: str, root: Path, tmp_path: Path) -> None:
    """Run a notebook at `smoke` on a data set."""
    path = next(path for path in NOTEBOOKS if path.name.startswith(number))
    wanted = {
        "level": "smoke",
        "dataset": name,
        "data_root": str(root),
        "out": str(tmp_path / "run"),
    }
    declared = read_notebook(path).parameters
    literals = {key: value for key, value in wanted.items() if key in declared}
    copy = copy_with_literals(path, tmp_path / "notebooks" / path.name, **literals)
    result = run_nbval(copy, tmp_path / "run")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.notebooks
@pytest.mark.parametrize("name", TRIED)
def test_a_notebook_runs_on_it(name, tmp_path):
    root = tmp_path / "data"
    face_trees.TREES[name](root)
    run_on(TRIED[name], name, root, tmp_path)


@pytest.mark.notebooks
@pytest.mark.parametrize("name", COUNTED)
def test_the_labels_of_a_copy_are_counted(name, tmp_path):
    face_trees.TREES[name](tmp_path / "data")
    run_on("01", name, tmp_path / "data", tmp_path)


@pytest.mark.notebooks
@pytest.mark.slow
@pytest.mark.parametrize("name", COPIES)
def test_a_notebook_runs_on_a_copy(name, tmp_path):
    face_trees.TREES[name](tmp_path / "data")
    run_on(COPIES[name], name, tmp_path / "data", tmp_path)


@pytest.mark.notebooks
@pytest.mark.slow
@pytest.mark.parametrize("number", ["05", "06", "09"])
def test_sequences_of_a_table_are_used(number, tmp_path):
    run_on(number, "folder", face_trees.sequence_table(tmp_path / "data"), tmp_path)


@pytest.mark.slow
@pytest.mark.notebooks
@pytest.mark.parametrize(
    ("notebook", "trees", "literals", "filled"),
    [
        ("06", ("mmi",), {"dataset": "mmi"}, {"mmi/joint": "mmi", "mmi/dtan": "mmi"}),
        (
            "07",
            ("ckplus", "casia", "lfw"),
            {"dataset": "ckplus", "identities": "casia"},
            {"ckplus/joint": "ckplus", "gain/ckplus": "ckplus", "lfw/verification": "lfw"},
        ),
    ],
)
def test_the_papers_own_data_fill_its_rows(notebook, trees, literals, filled, tmp_path):
    path = next(path for path in NOTEBOOKS if path.name.startswith(notebook))
    root = tmp_path / "data"
    for tree in trees:
        # A fifth of the people of CASIA is kept for verification, two in each fold.
        face_trees.TREES[tree](root, *((20,) if tree == "casia" else ()))
    literals = {"level": "smoke", "data_root": str(root), "out": str(tmp_path / "run"), **literals}
    copy = copy_with_literals(path, tmp_path / "notebooks" / path.name, **literals)
    result = run_nbval(copy, tmp_path / "run")
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads((tmp_path / "run" / "metrics" / f"{path.stem}.json").read_text())
    table = paper_table({"06": "dtagn", "07": "tfe"}[notebook], record["metrics"], list(filled))
    assert table["our data"].to_dict() == filled
    assert not (table["ours"] == "not in this run").any()

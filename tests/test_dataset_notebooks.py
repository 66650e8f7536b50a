"""Every data set in its provider's layout, small and with drawn faces: read, and used by a notebook; each notebook with one of them."""

import face_trees
import pytest
from test_notebooks import NOTEBOOKS, run_nbval

from ferkit import data
from ferkit.data.matrix import DRAWN, NEEDS, OFFERS, usable
from ferkit.workbook.parameters import read_notebook, with_literals

# Which notebook each data set is tried with. Drawn sets are what the notebooks run on by themselves.
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


@pytest.mark.parametrize("name", TRIED)
def test_the_reader_finds_every_drawn_face(name, tmp_path):
    face_trees.TREES[name](tmp_path)
    clips = data.read(name, tmp_path, verify="off")
    assert len({clip.person for clip in clips}) >= face_trees.PEOPLE
    assert {clip.emotion for clip in clips if clip.emotion} <= set(face_trees.EMOTIONS)


def test_every_data_set_and_notebook_is_tried():
    assert set(TRIED) | set(DRAWN) | {"ferplus"} == set(OFFERS)  # FER+ is read by notebook 01 itself
    assert set(TRIED.values()) == set(NEEDS) - {"00"}  # which is about drawn faces
    assert not any(usable(notebook, name) for name, notebook in TRIED.items())


@pytest.mark.notebooks
@pytest.mark.parametrize("name", TRIED)
def test_a_notebook_runs_on_it(name, tmp_path):
    path = next(path for path in NOTEBOOKS if path.name.startswith(TRIED[name]))
    root = tmp_path / "data"
    face_trees.TREES[name](root)
    literals = {"level": "smoke", "dataset": name, "data_root": str(root), "out": str(tmp_path / "run")}
    literals = {key: value for key, value in literals.items() if key in read_notebook(path).parameters}
    copy = with_literals(path, tmp_path / "notebooks" / path.name, **literals)
    result = run_nbval(copy, tmp_path / "run")
    assert result.returncode == 0, result.stdout + result.stderr

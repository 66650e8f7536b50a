"""Inputs of `ferkit predict`: a picture, a video, a folder, or a table of paths."""

import os
import sys

import numpy as np
import pandas as pd
import pytest
from data_trees import lock
from PIL import Image
from predicted import FILM, STILL, ask, ferkit

from ferkit.predict import inputs

pytestmark = pytest.mark.usefixtures("searched_once")


def test_a_folder_of_pictures_and_films(tmp_path, film, drawn_face, picture_network):
    (tmp_path / "inside").mkdir()
    Image.fromarray(drawn_face[0]).save(tmp_path / "inside" / "one.png")
    (tmp_path / "broken.mp4").write_bytes(b"no film")
    with pytest.warns(UserWarning, match=r"left out: .*broken\.mp4"):
        table = ask(tmp_path, picture_network, every=5)
    assert table.columns.tolist() == FILM
    assert [name.rpartition("/")[2] for name in table["path"]] == [
        "broken.mp4",
        "film.avi",
        "film.avi",
        "one.png",
    ]
    assert table["frame"].isna().tolist() == [True, False, False, True]
    assert (table["emotion"] == "").tolist() == [True, False, False, False]


def test_a_table_may_name_films(tmp_path, film, picture_network):
    (tmp_path / "list.csv").write_text("path\nfilm.avi\ngone.mp4\nfilm.avi\n")
    with pytest.warns(UserWarning, match=r"left out: no file .*gone\.mp4"):
        table = ask(tmp_path / "list.csv", picture_network, every=4)
    assert table["path"].tolist() == ["film.avi"] * 3 + ["gone.mp4"] + ["film.avi"] * 3


@pytest.mark.parametrize("between", [",", ";", "\t"])
def test_a_table_may_have_any_usual_form(tmp_path, film, picture_network, between):
    text = f"\ufeffPath{between}person\r\n.\\film.avi{between}anna\r\n{between}\r\n"
    (tmp_path / "list.csv").write_bytes(text.encode())
    assert ask(tmp_path / "list.csv", picture_network, every=9)["frame"].tolist() == [0, 9]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no column path; .* found none"),
        (b"file,person\na,b\n", "has no column path; .* found file, person"),
        (b"path\n", "the column `path` is empty"),
        (
            b"path\na.jpg\nb, c.jpg\n",
            "line 3 has more cells .*; put cells that contain a separator in quotes",
        ),
        (b"\x89PNG\0", "is not a text file"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(tmp_path, picture_network, content, said):
    (tmp_path / "list.csv").write_bytes(content)
    with pytest.raises(ValueError, match=rf"list\.csv.*{said}"):
        ask(tmp_path / "list.csv", picture_network)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_name_that_is_no_text_is_escaped(tmp_path, drawn_face, picture_network):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    Image.fromarray(drawn_face[0]).save(folder / "one.png")
    result = ferkit(
        "predict",
        folder,
        "--model",
        picture_network,
        "--out",
        tmp_path / "a.csv",
        "--annotated",
        tmp_path / "out",
    )
    assert result.exit_code == 0, result.output
    assert pd.read_csv(tmp_path / "a.csv")["path"][0].endswith("caf\\xe9/one.png")
    assert (tmp_path / "out" / "one.png").is_file()


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are text elsewhere")
def test_a_film_whose_name_is_no_text_costs_one_row(tmp_path, film, picture_network):
    (tmp_path / os.fsdecode(b"v\xff.avi")).hardlink_to(film)
    with pytest.warns(UserWarning, match=r"left out: .*rename it"):
        table = ask(tmp_path, picture_network, every=9)
    assert table["path"].str.rpartition("/")[2].tolist() == ["film.avi", "film.avi", "v\\xff.avi"]
    assert table["emotion"].tolist()[1:] == ["", ""]


def test_a_folder_is_walked_once_and_what_is_locked_is_said(tmp_path, monkeypatch):
    for name in ("10/a.png", "9/b.png", "__MACOSX/c.png", ".hidden/d.png", "locked/e.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "9" / "back").symlink_to(tmp_path)
    (tmp_path / "9" / "here").symlink_to(tmp_path / "9")
    lock(monkeypatch, tmp_path / "locked")
    with pytest.warns(UserWarning, match=r"left out: .*locked may not be read") as said:
        found = inputs.list_inputs(tmp_path)
    assert [file.path.relative_to(tmp_path).as_posix() for file in found] == [
        "9/b.png",
        "10/a.png",
    ]
    assert len(said) == 1


def test_files_of_other_kinds_are_counted(tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(FileNotFoundError, match=r"no pictures .*; passed over 1 file: 1 \.txt"):
        inputs.list_inputs(tmp_path)
    (tmp_path / "a.jfif").touch()
    with pytest.warns(UserWarning, match=r"passed over 1 file: 1 \.txt"):
        assert [file.path.name for file in inputs.list_inputs(tmp_path)] == ["a.jfif"]


def test_pictures_keep_their_columns(tmp_path, drawn_face, picture_network):
    Image.fromarray(drawn_face[0]).save(tmp_path / "one.png")
    assert ask(tmp_path, picture_network).columns.tolist() == STILL


def test_wrong_sampling_is_said(film, picture_network):
    with pytest.raises(ValueError, match="by --every or by --fps, not by both"):
        ask(film, picture_network, every=2, fps=5)
    for wrong, message in (
        ({"every": 0}, "--every must be 1 or more frames, got 0"),
        ({"every": -1}, "--every must be 1 or more frames, got -1"),
        ({"fps": 0.0}, "--fps must be more than 0 frames a second, got 0"),
        ({"fps": float("nan")}, "--fps must be more than 0 frames a second, got nan"),
        ({"fps": float("inf")}, "--fps must be more than 0 frames a second, got inf"),
    ):
        with pytest.raises(ValueError, match=message):
            ask(film, picture_network, **wrong)


@pytest.mark.filterwarnings("ignore:.*what it lacks is grey")
def test_a_cut_off_jpeg_has_only_the_faces_that_it_shows(tmp_path, drawn_face, picture_network):
    face = drawn_face[0]
    Image.fromarray(np.concatenate([face, np.full_like(face, 90)])).save(tmp_path / "whole.jpg")
    content = (tmp_path / "whole.jpg").read_bytes()
    (tmp_path / "whole.jpg").unlink()
    (tmp_path / "cut.jpg").write_bytes(content[:-100])
    with pytest.warns(UserWarning, match=r"cut\.jpg: the file is cut off"):
        assert ask(tmp_path, picture_network)["emotion"].all()
    Image.fromarray(face).save(tmp_path / "cut.jpg")
    content = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(content[: int(0.9 * len(content))])
    with pytest.warns(UserWarning, match=r"left out a face in .*cut\.jpg: the file is cut off"):
        assert ask(tmp_path, picture_network)["emotion"].tolist() == [""]

"""`ferkit predict` as it is typed: what is written, said and kept."""

import errno
import json
import os
import shutil
from unittest.mock import Mock

import pandas as pd
import pytest
from PIL import Image
from predicted import FILM, ferkit

from ferkit.core.labels import SEVEN
from ferkit.faces import detect
from ferkit.predict import command
from ferkit.predict.unfinished import partial_path

pytestmark = pytest.mark.usefixtures("searched_once")


def test_the_command_writes_json_and_names_what_is_missing(tmp_path, film, picture_network):
    out = tmp_path / "answers.json"
    result = ferkit(
        "predict",
        film,
        "--model",
        picture_network,
        "--every",
        2,
        "--out",
        out,
        "--annotated",
        tmp_path / "copies",
    )
    assert result.exit_code == 0, result.output
    rows = json.loads(out.read_text(encoding="utf-8"))
    assert [row["frame"] for row in rows] == [0, 2, 4, 6, 8]
    assert list(rows[0]) == FILM
    assert rows[4]["emotion"] == ""
    assert rows[4]["fear"] is None
    assert sum(rows[0][name] for name in SEVEN) == pytest.approx(1, abs=1e-4)
    assert "warning: no face found in 1 of 5 frames of" in result.stderr
    assert "5 frames, 4 faces, 1 without a face: " in result.stdout
    assert (tmp_path / "copies" / "film.avi.webm").is_file()


def test_the_command_writes_the_same_as_csv(tmp_path, film, picture_network):
    for ending in ("csv", "json"):
        assert (
            ferkit(
                "predict", film, "--model", picture_network, "--out", tmp_path / f"a.{ending}"
            ).exit_code
            == 0
        )
    table = pd.read_csv(tmp_path / "a.csv").fillna({"emotion": ""})
    other = pd.DataFrame(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    pd.testing.assert_frame_equal(table, other, check_dtype=False)


def test_wrong_words_are_said_before_anything_is_read(tmp_path, film, picture_network):
    for words, message in (
        (["--out", "answers.xlsx"], "ends in .csv or .json"),
        (["--every", "2", "--fps", "3"], "not by both"),
        (["--cam", "--class", "fear"], "--cam with --annotated"),
        (
            ["--cam", "--class", "joy", "--annotated", tmp_path / "copies"],
            "no class 'joy'; it has neutral, anger",
        ),
    ):
        result = ferkit("predict", film, "--model", picture_network, *words)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "Traceback" not in result.output


def test_files_are_replaced_only_on_request(tmp_path, film, picture_network):
    out, copies = tmp_path / "a.csv", tmp_path / "copies"
    words = ["predict", film, "--model", picture_network, "--out", out, "--annotated", copies]
    out.write_text("mine")
    result = ferkit(*words)
    assert result.exit_code == 2
    assert "a.csv exists: name another file, or add --overwrite" in result.stderr
    assert out.read_text() == "mine"
    out.unlink()
    copies.mkdir()
    (copies / "film.avi.webm").write_text("mine")
    result = ferkit(*words)
    assert result.exit_code == 2
    assert "film.avi.webm exists (1 of 1 copies do)" in result.stderr
    assert (copies / "film.avi.webm").read_text() == "mine"
    partial_path(out).write_text("mine too")
    assert ferkit(*words).exit_code == 2
    assert partial_path(out).read_text() == "mine too"
    assert ferkit(*words, "--overwrite").exit_code == 0
    assert len(pd.read_csv(out)) == 2
    assert not partial_path(out).exists()


def test_the_table_is_written_before_the_copies(tmp_path, film, picture_network, monkeypatch):
    monkeypatch.setattr(
        command, "write_copies", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device"))
    )
    out = tmp_path / "a.csv"
    result = ferkit(
        "predict",
        film,
        "--model",
        picture_network,
        "--out",
        out,
        "--annotated",
        tmp_path / "copies",
    )
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert len(pd.read_csv(out)) == 2


def test_the_table_replaces_nothing_that_is_read(tmp_path, film, picture_network, monkeypatch):
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError))
    mine, taken = tmp_path / "list.csv", tmp_path / "taken.csv"
    mine.write_text("path\nfilm.avi\n")
    taken.mkdir()
    for out, message in (
        (mine, "would replace the table that is read"),
        (taken, "expected a file that ends in"),
    ):
        result = ferkit("predict", mine, "--model", picture_network, "--out", out)
        assert result.exit_code == 2
        assert message in result.stderr
    assert mine.read_text() == "path\nfilm.avi\n"


def test_what_cannot_be_read_is_no_picture_without_a_face(tmp_path, drawn_face, picture_network):
    Image.fromarray(drawn_face[0]).save(tmp_path / "face.png")
    for name in ("broken.mp4", "broken.jpg", "broken.png"):
        (tmp_path / name).write_bytes(b"neither film nor picture")
    result = ferkit("predict", tmp_path, "--model", picture_network, "--out", tmp_path / "a.csv")
    assert result.exit_code == 0
    assert result.stderr.count("left out: ") == 3
    assert "no face found" not in result.stderr
    assert result.stdout.splitlines() == [
        f"1 picture, 1 face, 0 without a face: {tmp_path / 'a.csv'}",
        f"2 pictures that cannot be read: {tmp_path / 'a.csv'}",
        f"1 video that cannot be read: {tmp_path / 'a.csv'}",
    ]
    assert len(pd.read_csv(tmp_path / "a.csv")) == 4


def test_inputs_are_read_before_a_model_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "load_predictor", Mock(side_effect=AssertionError))
    for name in ("broken.mp4", "broken.jpg"):
        (tmp_path / name).write_bytes(b"neither film nor picture")
    for path in (tmp_path, tmp_path / "broken.jpg", tmp_path / "broken.mp4"):
        result = ferkit("predict", path, "--out", tmp_path / "a.csv")
        assert result.exit_code == 1
        assert "files can be read: " in result.stderr
    assert not (tmp_path / "a.csv").exists()


def test_predictions_are_an_input_from_any_folder(
    tmp_path, monkeypatch, film, drawn_face, picture_network
):
    (tmp_path / "in").mkdir()
    shutil.move(film, tmp_path / "in" / "film.avi")
    Image.fromarray(drawn_face[0]).save(tmp_path / "in" / "=one.png")
    monkeypatch.chdir(tmp_path)
    tables = []
    source = "in"
    for out in ("first.csv", "in/second.csv", "out/third.csv", "out/fourth.csv"):
        result = ferkit("predict", source, "--model", picture_network, "--every", 8, "--out", out)
        assert result.exit_code == 0, result.output
        tables.append(pd.read_csv(out))
        source = out
    assert [set(table["path"]) for table in tables] == [
        {"in/film.avi", "in/=one.png"},
        {"film.avi", "'=one.png"},
        {str(tmp_path / "in" / "film.avi"), str(tmp_path / "in" / "=one.png")},
        {str(tmp_path / "in" / "film.avi"), str(tmp_path / "in" / "=one.png")},
    ]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table.drop(columns="path"), tables[0].drop(columns="path"))


def test_a_report_is_written_and_not_replaced(tmp_path, film):
    page = tmp_path / "faces.html"
    arguments = ("predict", film, "--every", 4, "--report", page)
    result = ferkit(*arguments, "--out", tmp_path / "a.csv")
    assert result.exit_code == 0, result.output
    assert f"report: {page}" in result.stdout
    assert "film.avi" in page.read_text(encoding="utf-8")
    again = ferkit(*arguments, "--out", tmp_path / "b.csv")
    assert again.exit_code == 2
    assert "exists: name another file, or add --overwrite" in again.stderr
    other = ferkit("predict", film, "--report", tmp_path / "faces.pdf", "--out", tmp_path / "c.csv")
    assert other.exit_code == 2
    assert "ends in .html" in other.stderr


def test_faces_are_compared_with_a_neutral_picture(tmp_path, drawn_face):
    picture = tmp_path / "calm.png"
    Image.fromarray(drawn_face[0]).save(picture)
    out = tmp_path / "a.csv"
    result = ferkit("predict", picture, "--neutral", picture, "--out", out)
    assert result.exit_code == 0, result.output
    assert pd.read_csv(out)["neutral"].tolist() == [1.0]
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    result = ferkit("predict", picture, "--neutral", tmp_path / "black.png", "--out", out)
    assert result.exit_code == 2
    result = ferkit("predict", picture, "--neutral", picture, "--residual", "--out", out)
    assert result.exit_code == 2


def test_wrong_places_are_refused_before_anything_is_read(tmp_path, drawn_face, monkeypatch):
    picture = tmp_path / "face.png"
    Image.fromarray(drawn_face[0]).save(picture)
    (tmp_path / "notes.txt").touch()
    (tmp_path / "folder.html").mkdir()
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError("it read")))
    for option, place, message in (
        ("--annotated", "notes.txt/marked", "notes.txt is not a folder"),
        ("--report", "notes.txt/r.html", "notes.txt is not a folder"),
        ("--report", "folder.html", "is a folder: name a file that ends in .html"),
    ):
        result = ferkit("predict", picture, "--out", tmp_path / "a.csv", option, tmp_path / place)
        assert result.exit_code != 0
        assert message in result.stderr


def test_names_that_are_no_text_are_read_and_reported(tmp_path, drawn_face):
    folder = tmp_path / os.fsdecode(b"caf\xe9")
    folder.mkdir()
    Image.fromarray(drawn_face[0]).save(folder / "face.png")
    words = ["--out", tmp_path / "a.csv", "--report", tmp_path / "a.html"]
    result = ferkit("predict", folder, *words)
    assert result.exit_code == 0, result.output
    calm = tmp_path / os.fsdecode(b"calm\xe9.png")
    Image.fromarray(drawn_face[0]).save(calm)
    result = ferkit("predict", folder, "--neutral", calm, "--out", tmp_path / "b.csv")
    assert result.exit_code == 0, result.output


def test_one_impossible_name_costs_one_row(tmp_path, drawn_face):
    Image.fromarray(drawn_face[0]).save(tmp_path / "a.png")
    names = ["a.png", "x/" * 1200, f"{0:0300d}.jpg"]
    (tmp_path / "list.csv").write_text("\n".join(["path", *names]))
    result = ferkit("predict", tmp_path / "list.csv", "--out", tmp_path / "out.csv")
    assert result.exit_code == 0, result.output
    table = pd.read_csv(tmp_path / "out.csv")
    assert table["emotion"].notna().tolist() == [True, False, False]

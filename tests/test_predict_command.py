"""`ferkit predict` as it is typed: what is written, said and kept."""

import errno
import itertools
import json
from unittest.mock import Mock

import numpy as np
import pandas as pd
import pytest
from film_files import at, write_film
from predicted import FILM, chances, ferkit

from ferkit import predict, reading
from ferkit.faces import detect
from ferkit.labels import SEVEN

pytestmark = pytest.mark.usefixtures("searched_once")


def test_the_command_writes_json_and_names_what_is_missing(tmp_path, film, picture_network):
    out = tmp_path / "answers.json"
    result = ferkit(
        "predict", film, "--model", picture_network, "--every", 2, "--out", out, "--annotated", tmp_path / "copies"
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
    assert (tmp_path / "copies" / "film.avi.mp4").is_file()


def test_the_command_writes_the_same_as_csv(tmp_path, film, picture_network):
    for ending in ("csv", "json"):
        assert ferkit("predict", film, "--model", picture_network, "--out", tmp_path / f"a.{ending}").exit_code == 0
    table = pd.read_csv(tmp_path / "a.csv").fillna({"emotion": ""})
    other = pd.DataFrame(json.loads((tmp_path / "a.json").read_text(encoding="utf-8")))
    pd.testing.assert_frame_equal(table, other, check_dtype=False)


def test_wrong_words_are_said_before_anything_is_read(tmp_path, film, picture_network):
    for words, message in (
        (["--out", "answers.xlsx"], "ends in .csv or .json"),
        (["--every", "2", "--fps", "3"], "not by both"),
        (["--cam", "--class", "fear"], "--cam with --annotated"),
        (["--cam", "--class", "joy", "--annotated", tmp_path / "copies"], "no class 'joy'; it has neutral, anger"),
    ):
        result = ferkit("predict", film, "--model", picture_network, *words)
        assert result.exit_code == 2
        assert message in result.stderr
        assert "Traceback" not in result.output


@pytest.mark.parametrize("kind", ["picture_network", "sequence_network"])
def test_what_was_read_before_an_interruption_is_kept(tmp_path, drawn_face, monkeypatch, request, kind):
    model, count = request.getfixturevalue(kind), itertools.count()
    long = write_film(tmp_path / "long.avi", [at(drawn_face[0], 0)] * 40)
    face = detect.find_face(at(drawn_face[0], 0))

    def interrupted(_):
        if next(count) == 2 * reading.CHUNK + 3:
            raise KeyboardInterrupt
        return [face]

    monkeypatch.setattr(detect, "find_faces", interrupted)
    out = tmp_path / "a.csv"
    result = ferkit("predict", long, "--model", model, "--every", 1, "--out", out, "--annotated", tmp_path / "copies")
    assert result.exit_code == 130
    assert "32 frames, 32 faces, 0 without a face: " in result.stdout
    assert "interrupted; the same command begins anew" in result.stderr
    table = pd.read_csv(out)
    assert table["frame"].tolist() == list(range(2 * reading.CHUNK))
    assert np.allclose(chances(table).sum(1), 1, atol=1e-4)
    assert not (tmp_path / "copies").exists()


def test_an_interruption_of_the_first_pictures_writes_nothing(tmp_path, film, picture_network, monkeypatch):
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=KeyboardInterrupt))
    result = ferkit("predict", film, "--model", picture_network, "--out", tmp_path / "a.csv")
    assert result.exit_code == 130
    assert not (tmp_path / "a.csv").exists()


def test_the_table_is_written_before_the_copies(tmp_path, film, picture_network, monkeypatch):
    monkeypatch.setattr(predict, "annotate", Mock(side_effect=OSError(errno.ENOSPC, "No space left on device")))
    out = tmp_path / "a.csv"
    result = ferkit("predict", film, "--model", picture_network, "--out", out, "--annotated", tmp_path / "copies")
    assert result.exit_code == 1
    assert "No space left" in result.stderr
    assert len(pd.read_csv(out)) == 2


def test_the_table_replaces_nothing_that_is_read(tmp_path, film, picture_network, monkeypatch):
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError))
    mine, taken = tmp_path / "list.csv", tmp_path / "taken.csv"
    mine.write_text("path\nfilm.avi\n")
    taken.mkdir()
    for out, message in ((mine, "would replace the table that is read"), (taken, "expected a file that ends in")):
        result = ferkit("predict", mine, "--model", picture_network, "--out", out)
        assert result.exit_code == 2
        assert message in result.stderr
    assert mine.read_text() == "path\nfilm.avi\n"


def test_what_cannot_be_read_is_no_picture_without_a_face(tmp_path, picture_network):
    for name in ("broken.mp4", "broken.jpg", "broken.png"):
        (tmp_path / name).write_bytes(b"neither film nor picture")
    result = ferkit("predict", tmp_path, "--model", picture_network, "--out", tmp_path / "a.csv")
    assert result.stderr.count("left out: ") == 3
    assert "no face found" not in result.stderr
    assert result.stdout.splitlines() == [
        f"2 pictures that cannot be read: {tmp_path / 'a.csv'}",
        f"1 film that cannot be read: {tmp_path / 'a.csv'}",
    ]
    assert len(pd.read_csv(tmp_path / "a.csv")) == 3

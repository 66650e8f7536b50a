"""`ferkit predict` interrupted and repeated: what is continued, and what is replaced."""

import itertools
import shutil
from contextlib import closing
from unittest.mock import Mock

import pytest
from film_files import at, write_film
from PIL import Image
from predicted import ferkit

from ferkit.faces import detect
from ferkit.predict import command, read_faces
from ferkit.predict.unfinished import Unfinished, partial_path

pytestmark = pytest.mark.usefixtures("searched_once")


@pytest.mark.parametrize("ending", ["csv", "json"])
@pytest.mark.parametrize("kind", ["picture_network", "sequence_network"])
def test_an_interrupted_prediction_continues(
    tmp_path, drawn_face, monkeypatch, request, kind, ending
):
    model, count = request.getfixturevalue(kind), itertools.count()
    long = write_film(tmp_path / "long.avi", [at(drawn_face[0], i % 3) for i in range(40)])
    words = ["predict", long, "--model", model, "--every", 1, "--annotated", tmp_path / "copies"]
    assert ferkit(*words, "--out", tmp_path / f"whole.{ending}").exit_code == 0
    shutil.rmtree(tmp_path / "copies")
    search = detect.find_faces

    def interrupted(image):
        if next(count) == 2 * read_faces.FRAMES_PER_BATCH + 3:
            raise KeyboardInterrupt
        return search(image)

    out = tmp_path / f"a.{ending}"
    words += ["--out", out]
    monkeypatch.setattr(detect, "find_faces", interrupted)
    result = ferkit(*words)
    assert result.exit_code == 130
    assert "interrupted; repeat the command to continue from here" in result.stderr
    partial = partial_path(out)
    assert len(partial.read_bytes().splitlines()) == 1 + 2 * read_faces.FRAMES_PER_BATCH
    assert not out.exists()
    assert not (tmp_path / "copies").exists()

    other = ferkit(*words, "--model", model, "--every", 2)
    assert other.exit_code == 2
    assert "is the unfinished output of other inputs or options" in other.stderr
    with partial.open("ab") as file:
        file.write(partial.read_bytes().splitlines()[-1][:50])  # a line that was not finished
    searched = Mock(side_effect=search)
    monkeypatch.setattr(detect, "find_faces", searched)
    result = ferkit(*words)
    assert result.exit_code == 0, result.output
    assert searched.call_count == 40 - 2 * read_faces.FRAMES_PER_BATCH
    assert out.read_text() == (tmp_path / f"whole.{ending}").read_text()
    assert not partial.exists()
    assert (tmp_path / "copies" / "long.avi.webm").is_file()


def test_a_prediction_killed_while_copies_are_written_continues(
    tmp_path, film, picture_network, monkeypatch
):
    words = ["predict", film, "--model", picture_network, "--annotated", tmp_path / "copies"]
    words += ["--out", tmp_path / "a.csv"]
    with monkeypatch.context() as patched:
        patched.setattr(command, "write_copies", Mock(side_effect=KeyboardInterrupt))
        assert ferkit(*words).exit_code == 130
    assert (tmp_path / "a.csv").is_file()
    assert ferkit(*words).exit_code == 0
    assert (tmp_path / "copies" / "film.avi.webm").is_file()
    assert not partial_path(tmp_path / "a.csv").exists()


@pytest.mark.parametrize("prior", ["everyday", "estimated"])
def test_a_prediction_with_a_prior_continues_after_pictures_without_faces(
    tmp_path, drawn_face, monkeypatch, prior
):
    Image.fromarray(drawn_face[0]).save(tmp_path / "face.png")
    Image.new("RGB", (200, 200)).save(tmp_path / "black.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    words = ["predict", tmp_path, "--prior", prior, "--out"]
    assert ferkit(*words, tmp_path / "whole.csv").exit_code == 0
    with monkeypatch.context() as patched:
        patched.setattr(command, "predictions_table", Mock(side_effect=KeyboardInterrupt))
        assert ferkit(*words, tmp_path / "a.csv").exit_code == 130
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError("it read again")))
    result = ferkit(*words, tmp_path / "a.csv")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_faces_that_were_read_serve_other_copies(tmp_path, drawn_face, monkeypatch):
    picture = tmp_path / "face.png"
    Image.fromarray(drawn_face[0]).save(picture)
    words = ["predict", picture, "--out", tmp_path / "a.csv", "--annotated"]
    monkeypatch.setattr(command, "write_copies", Mock(side_effect=OSError("the disk is full")))
    assert ferkit(*words, tmp_path / "one").exit_code == 1
    monkeypatch.undo()
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError("it read again")))
    result = ferkit(*words, tmp_path / "two")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "two" / "face.png").is_file()


def test_only_copies_of_the_interrupted_command_are_replaced(tmp_path, drawn_face, monkeypatch):
    picture, copies = tmp_path / "face.png", tmp_path / "copies"
    Image.fromarray(drawn_face[0]).save(picture)
    words = ["predict", picture, "--out", tmp_path / "a.csv"]
    with monkeypatch.context() as patched:
        patched.setattr(command, "predictions_table", Mock(side_effect=KeyboardInterrupt))
        assert ferkit(*words).exit_code == 130
    copies.mkdir()
    (copies / "face.png").write_text("mine")
    result = ferkit(*words, "--annotated", copies)
    assert result.exit_code == 2
    assert "face.png exists (1 of 1 copies do)" in result.stderr
    assert (copies / "face.png").read_text() == "mine"
    (copies / "face.png").unlink()

    def interrupted(*arguments):
        write_copies(*arguments)
        raise KeyboardInterrupt

    write_copies = command.write_copies
    with monkeypatch.context() as patched:
        patched.setattr(command, "write_copies", interrupted)
        for _ in range(2):
            assert ferkit(*words, "--annotated", copies).exit_code == 130
    assert (copies / "face.png").is_file()
    monkeypatch.setattr(detect, "find_faces", Mock(side_effect=AssertionError("it read again")))
    result = ferkit(*words, "--annotated", copies)
    assert result.exit_code == 0, result.output


def test_two_processes_do_not_write_one_table(tmp_path, drawn_face):
    picture = tmp_path / "face.png"
    Image.fromarray(drawn_face[0]).save(picture)
    out = tmp_path / "a.csv"
    with closing(Unfinished(partial_path(out), "of another command")):
        result = ferkit("predict", picture, "--out", out)
    assert result.exit_code == 2
    assert "another process is writing" in result.stderr
    assert ferkit("predict", picture, "--out", out, "--overwrite").exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "face.png"]


def test_what_was_compared_with_another_neutral_picture_is_not_continued(
    tmp_path, drawn_face, monkeypatch
):
    picture, calm = tmp_path / "face.png", tmp_path / "calm.png"
    for path in (picture, calm):
        Image.fromarray(drawn_face[0]).save(path)
    out = tmp_path / "a.csv"
    words = ["predict", picture, "--neutral", calm, "--out", out]
    monkeypatch.setattr(command, "predictions_table", Mock(side_effect=KeyboardInterrupt))
    assert ferkit(*words).exit_code == 130
    assert partial_path(out).exists()
    Image.fromarray(drawn_face[0][:, ::-1]).save(calm)  # under the same name
    result = ferkit(*words)
    assert result.exit_code == 2
    assert "is the unfinished output of other inputs or options" in result.stderr

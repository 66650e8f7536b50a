"""The commands on data sets: describe, check, list and card."""

import pytest
from data_trees import make_ckplus, picture
from typer.testing import CliRunner

from ferkit.cli import app


@pytest.fixture(autouse=True)
def _without_surroundings(monkeypatch):
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "")
    monkeypatch.delenv("FERKIT_DATA", raising=False)


def ferkit(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_describe_says_what_it_is_and_the_command_it_says_works(tmp_path):
    make_ckplus(tmp_path / "from a friend")
    said = ferkit("data", "describe", tmp_path / "from a friend").stdout
    assert "looks like `ckplus`" in said
    assert "notebooks:    01, 02, 04, 05, 06, 07, 08, 09" in said
    checked = ferkit("data", "check", "ckplus", "--data-root", tmp_path / "from a friend")
    assert checked.exit_code == 0
    assert "2 of 45" in checked.stdout  # angry sequences
    assert "118 people with 0 to 2 clips each; 117 differ" in checked.stdout


def test_people_in_names_are_found_by_every_command(tmp_path):
    for name in ("happy/anna_1.jpg", "sad/anna_2.jpg", "happy/ben_1.jpg", "sad/ben_2.jpg"):
        picture(tmp_path / name)
    option = ("--people-from", "^([a-z]+)_")
    assert "people:       2\n" in ferkit("data", "describe", tmp_path, *option).stdout
    checked = ferkit("data", "check", "folder", "--data-root", tmp_path, *option).stdout
    assert "2 people with 2 to 2 clips each" in checked


def test_list_finds_what_describe_and_check_find(tmp_path):
    picture(tmp_path / "happy" / "S010_004_00000017.png")
    listed = ferkit("data", "list", "--data-root", tmp_path).stdout
    found = [line.split()[0] for line in listed.splitlines() if str(tmp_path) in line]
    assert found == ["ckplus48"]
    assert "`ckplus48`" in ferkit("data", "describe", tmp_path).stdout
    assert ferkit("data", "check", "ckplus48", "--data-root", tmp_path).exit_code == 0
    assert ferkit("data", "check", "ckplus", "--data-root", tmp_path).exit_code == 2


def test_a_card_says_what_a_copy_lacks_and_how_sure_that_is():
    card = ferkit("data", "card", "ckplus48").stdout
    assert "missing        the first, neutral frames" in card
    assert "forbids        notebooks of sequences (05, 06, 09)" in card
    assert "certainty      folders, names and the 981 pictures" in card


def test_options_need_a_data_set_and_a_value():
    assert "add --dataset NAME" in ferkit("run", "02", "--people-from", "x").stderr
    wrong = ferkit("data", "check", "cmu", "--data-option", "scale")
    assert "--data-option scale: expected NAME=VALUE" in wrong.stderr

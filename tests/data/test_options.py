"""Options of readers: by name, for this process and those it starts."""

import pytest
from data_trees import make_cmu, make_mmi, make_oulu
from photo_trees import make_cremad
from typer.testing import CliRunner

from ferkit.cli import app
from ferkit.data import DATASETS, read_clips
from ferkit.data.options import get_options, set_options


@pytest.fixture(autouse=True)
def _options(monkeypatch):
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "")
    monkeypatch.delenv("FERKIT_DATA", raising=False)


def ferkit(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_options_reach_the_reader(tmp_path):
    make_cmu(tmp_path)
    set_options(DATASETS["cmu"], {"scale": "4"})
    assert {clip.extra["scale"] for clip in read_clips("cmu", tmp_path, "off")} == {4}
    assert get_options(DATASETS["oulu"]) == {}
    set_options(DATASETS["oulu"], {"light": "Weak"})  # and cmu's stay
    assert get_options(DATASETS["cmu"]) == {"scale": 4}
    set_options(DATASETS["cmu"], {})
    assert get_options(DATASETS["oulu"]) == {"light": "Weak"}
    assert {clip.extra["scale"] for clip in read_clips("cmu", tmp_path, "off")} == {2}


@pytest.mark.parametrize(
    ("name", "make", "option", "count"),
    [
        ("oulu", make_oulu, "light=Dark", 3),
        ("mmi", make_mmi, "sessions=36, 224".replace(" ", ""), 2),
        ("cremad", make_cremad, "labels=intended", None),
        ("ised", None, "pictures=video", None),
        ("ravdess", None, "calm=neutral", None),
    ],
)
def test_every_option_is_reachable_by_name(name, make, option, count, tmp_path):
    key, _, value = option.partition("=")
    set_options(DATASETS[name], {key: value})
    assert key in get_options(DATASETS[name])
    if count:
        make(tmp_path)
        assert len(read_clips(name, tmp_path, "off")) == count


def test_options_that_readers_have_are_offered():
    """An option nobody can set is dead."""
    import inspect

    for name, record in DATASETS.items():
        taken = set(inspect.signature(record.read).parameters) - {"root", "verify", "dataset"}
        if record.offer.pictures:
            assert taken == set(record.options), name


@pytest.mark.parametrize(
    ("name", "key", "value", "message"),
    [
        ("cmu", "size", "4", "cmu has no option 'size'.*; it has: scale"),
        ("cmu", "scale", "fine", "option scale=fine of cmu: .*; 1, 2 or 4"),
        ("casia", "scale", "4", "casia has no option 'scale'.*: none"),
        ("folder", "people_from", "a b", r"has a blank; in a regular expression, .s is"),
        ("folder", "people_from", "(", "option people_from=.* of folder"),
    ],
)
def test_wrong_options_say_what_is_right(name, key, value, message):
    with pytest.raises(ValueError, match=message):
        set_options(DATASETS[name], {key: value})


def test_a_malformed_variable_is_refused(monkeypatch):
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "scale=4")
    with pytest.raises(ValueError, match=r"expected SET\.OPTION=VALUE, got 'scale=4'"):
        get_options(DATASETS["cmu"])


def test_options_of_an_unknown_data_set_are_refused(monkeypatch, tmp_path):
    make_cmu(tmp_path)
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "cum.scale=4")
    with pytest.raises(ValueError, match="unknown data set 'cum', did you mean 'cmu'"):
        read_clips("cmu", tmp_path)


def test_the_commands_take_and_list_them(tmp_path):
    make_cmu(tmp_path)
    shown = ferkit("data", "card", "cmu").stdout
    assert "--data-option scale=VALUE: 1, 2 or 4" in shown
    result = ferkit("data", "check", "cmu", "--root", tmp_path, "--data-option", "scale=3")
    assert result.exit_code == 2
    assert "scale=3" in result.stderr
    assert ferkit("run", "02", "--data-option", "scale=4").exit_code == 2


def test_check_prints_emotions_people_and_counts(tmp_path):
    make_cmu(tmp_path)
    shown = ferkit("data", "check", "cmu", "--root", tmp_path).stdout
    assert "clips" in shown.splitlines()[-1] or "people" in shown
    assert "an2i" in shown
    assert "4 of 624" in shown

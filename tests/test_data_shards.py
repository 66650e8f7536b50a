"""Shards: everybody in exactly one, the same one everywhere; prepared in parts, faces are what they are in the whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from ferkit import cli, loaders
from ferkit.data.clips import Clip
from ferkit.data.shards import WHOLE, parse_shard, shard_of
from ferkit.faces.store import prepare

CLIPS = [
    Clip("casia", f"{who:07d}", f"{who}/{i}", "", (Path(f"{who}_{i}.jpg"),)) for who in range(2000) for i in range(3)
]


def test_everybody_is_in_one_shard():
    assert shard_of(CLIPS, WHOLE) == CLIPS
    parts = [shard_of(CLIPS, (i, 8)) for i in range(1, 9)]
    assert sorted(clip.name for part in parts for clip in part) == sorted(clip.name for clip in CLIPS)
    people = [{clip.person for clip in part} for part in parts]
    assert sum(map(len, people)) == len(set().union(*people))
    assert all(abs(len(part) - 750) < 5 * 3 * (2000 * 7 / 64) ** 0.5 for part in parts)  # five standard deviations


def test_a_shard_is_the_same_in_another_copy():
    half, third = CLIPS[::-2], {clip.name for clip in shard_of(CLIPS, (3, 8))}
    assert [clip.name for clip in shard_of(half, (3, 8))] == [clip.name for clip in half if clip.name in third]
    assert [clip.person for clip in shard_of(CLIPS[:60], (2, 4))][::3] == [
        "0000000", "0000002", "0000004", "0000014", "0000016", "0000019",
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["0/8", "9/8", "2", "1/0", "a/b", "-1/2", "1/2/3", ""])
def test_what_is_no_shard_is_refused(text):
    with pytest.raises(ValueError, match=rf"shard '{text}': expected i/n with i from 1 to n"):
        parse_shard(text)


def test_words():
    assert parse_shard(" 2/8 ") == (2, 8)


@pytest.fixture
def people(tmp_path, drawn_face, monkeypatch):
    """A folder of six people with two pictures each."""
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path / "cache"))
    for who in range(6):
        for i, emotion in enumerate(("happy", "sad")):
            path = tmp_path / "mine" / f"p{who}" / emotion / "1.png"
            path.parent.mkdir(parents=True)
            Image.fromarray(np.roll(drawn_face[0], 2 * who + i, axis=0)).save(path)
    return tmp_path / "mine"


def test_shards_hold_the_faces_of_the_whole(people):
    whole = prepare(loaders.load_clips("folder", root=people), 64, progress=False)
    place = {name: row for row, name in enumerate(whole.table["name"])}
    found = 0
    for i in (1, 2, 3):
        part = prepare(loaders.load_clips("folder", root=people, shard=(i, 3)), 64, progress=False)
        rows = [place[name] for name in part.table["name"]]
        assert np.array_equal(part.images, whole.images[rows])
        assert np.array_equal(part.landmarks, whole.landmarks[rows])
        found += len(part)
    assert found == len(whole) == 12


def test_the_command(people):
    def ferkit(*words):
        return CliRunner().invoke(cli.app, ["data", "prepare", "folder", "--root", str(people), "--size", "64", *words])

    results = [ferkit("--shard", f"{i}/2") for i in (1, 2)]
    assert [result.exit_code for result in results] == [0, 0]
    pictures = [int(result.output.split("folder")[1].split()[0]) for result in results]
    assert sum(pictures) == 12
    assert 0 < pictures[0] < 12
    empty = [ferkit("--shard", f"{i}/40").output for i in range(1, 9)]
    assert any("has no clips: all people are in other shards" in output for output in empty)
    wrong = ferkit("--shard", "3/2")
    assert wrong.exit_code == 2
    assert "expected i/n" in wrong.stderr

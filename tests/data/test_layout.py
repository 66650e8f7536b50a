"""Data sets whose paths say what each picture shows."""

import pytest
from data_trees import junk, picture

from ferkit.data.card import Card
from ferkit.data.layout import (
    ANY_EMOTION,
    ANY_SPLIT,
    EMOTION_WORDS,
    SPLIT_WORDS,
    Layout,
    read_layout,
)
from ferkit.data.listing import sample_tree, walk_images

CARD = Card("toy", "", "", "", "", "ask nobody", may_show=True, open_download=False)
SORTED = Layout("train/happy/7.jpg", (rf"{ANY_SPLIT}/{ANY_EMOTION}/[0-9]+",), EMOTION_WORDS)
FRAMES = Layout(
    "anna-1/03.jpg",
    (r"(?P<sequence>(?P<person>[a-z]+)-(?P<emotion>[0-9]))/(?P<frame>[0-9]+)",),
    {"1": "anger", "2": ""},
)


def read(layout, root, verify="off"):
    return read_layout("toy", layout, CARD, root, verify)


def test_a_relative_root_is_read_alike(tmp_path, monkeypatch):
    picture(tmp_path / "a" / "train" / "happy" / "7.jpg")
    monkeypatch.chdir(tmp_path / "a")
    (clip,) = read(SORTED, ".")
    assert clip.frames[0].resolve() == tmp_path / "a" / "train" / "happy" / "7.jpg"


@pytest.mark.parametrize("place", ["", "archive/deep", "train/happy"])
def test_a_path_says_split_and_emotion_at_any_depth(tmp_path, place):
    for name in ("train/happy/7.jpg", "Validation/SAD/10.PNG", "test/sad/2.png"):
        picture(tmp_path / place / name)
    junk(tmp_path / place / "train" / "happy")
    clips = {clip.name.lower(): clip for clip in read(SORTED, tmp_path)}
    assert {name: (clip.split, clip.emotion) for name, clip in clips.items()} == {
        "train/happy/7": ("train", "happiness"),
        "validation/sad/10": ("val", "sadness"),
        "test/sad/2": ("test", "sadness"),
    }
    assert not any(clip.person_known for clip in clips.values())


def test_frames_of_a_sequence_are_one_clip_in_order(tmp_path):
    for number in ("10", "9", "011"):
        picture(tmp_path / "anna-1" / f"{number}.jpg")
    picture(tmp_path / "ben-2" / "1.jpg")  # a code that is left out
    (clip,) = read(FRAMES, tmp_path)
    assert (clip.person, clip.name, clip.sequence) == ("anna", "anna-1", "anna-1")
    assert [frame.stem for frame in clip.frames] == ["9", "10", "011"]


def test_names_begin_after_a_slash_and_end_before_the_suffix(tmp_path):
    assert SORTED.match("x/train/happy/7.jpg")[0] == "train/happy/7"
    for path in ("retrain/happy/7.jpg", "train/happy/7b.jpg", "train/unhappy/7.jpg", "happy/7.jpg"):
        assert SORTED.match(path) is None


def test_strange_names_and_codes_are_reported(tmp_path):
    picture(tmp_path / "anna-1" / "1.jpg")
    picture(tmp_path / "anna-1" / "side.jpg")
    picture(tmp_path / "anna-7" / "1.jpg")
    with (
        pytest.warns(UserWarning, match=r"1 picture not named as in anna-1/03\.jpg: .*side\.jpg"),
        pytest.warns(UserWarning, match=r"skipped 1 picture: .*anna-7.1\.jpg \(code '7'\)"),
    ):
        assert len(read(FRAMES, tmp_path)) == 1
    with pytest.raises(ValueError, match="not named as in"):
        read(FRAMES, tmp_path, "strict")
    with pytest.raises(FileNotFoundError, match=r"no toy in .*Expected anna-1/03\.jpg and so on"):
        read(FRAMES, tmp_path / "anna-7")


def test_the_pattern_of_a_record_matches_what_is_read():
    import re

    for path in ("a/train/happy/7.jpg", "test/sad/1.png"):
        assert re.search(SORTED.path, path)
    assert not re.search(SORTED.path, "train/happy/x.jpg")


def test_every_word_for_a_split_means_a_part():
    assert set(SPLIT_WORDS.values()) == {"train", "val", "test"}


def test_a_sample_of_a_tree_is_small_and_relative(tmp_path):
    for number in range(30):
        picture(tmp_path / "a" / f"{number}.png")
    junk(tmp_path / "a")
    paths = list(sample_tree(tmp_path, most=20))
    assert 0 < len(paths) <= 20
    assert all(path.startswith("a/") and "._" not in path for path in paths)
    assert len(list(walk_images(tmp_path))) == 30


def test_a_link_to_a_folder_above_is_not_followed(tmp_path):
    picture(tmp_path / "train" / "happy" / "1.jpg")
    (tmp_path / "train" / "happy" / "up").symlink_to(tmp_path)
    assert len(list(walk_images(tmp_path))) == 1

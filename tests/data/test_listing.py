"""File hygiene, and how counts are compared."""

import os

import pytest
from data_trees import junk, picture

from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, compare, verify_clips
from ferkit.data.listing import (
    IMAGES,
    describe_others,
    folders,
    image_files,
    list_tree,
    natural,
    nested,
    not_found,
    text_lines,
    walk_images,
)
from ferkit.data.reports import keep_usable


def clip(name, person="a", emotion="anger"):
    return Clip("set", person, name, emotion, (name + ".jpg",))


def test_pictures_come_by_number_without_junk(tmp_path):
    for name in ("f10.jpg", "f9.JPG", "f1.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / "f0.jpg").mkdir()
    junk(tmp_path)
    assert [path.name for path in image_files(tmp_path)] == ["f1.png", "f9.JPG", "f10.jpg"]
    assert [path.name for path in image_files(tmp_path, (".png",))] == ["f1.png"]
    assert [path.name for path in folders(tmp_path)] == ["f0.jpg"]


def test_natural_tells_apart_what_counts_the_same():
    assert sorted(["s10", "s2", "s02", "t1"], key=natural) == ["s02", "s2", "s10", "t1"]


@pytest.mark.parametrize(
    ("made", "found"),
    [("x/a.jpg", "x"), ("x/x/a.jpg", "x/x"), ("x/p1/a.jpg", "x"), ("y/a.jpg", None)],
)
def test_nested_takes_one_level_too_many(tmp_path, made, found):
    picture(tmp_path / made)
    assert nested(tmp_path, "x") == (tmp_path / found if found else None)


def test_nested_knows_the_folder_itself(tmp_path):
    picture(tmp_path / "x" / "p" / "a.jpg")
    assert nested(tmp_path / "x", "x") == tmp_path / "x"


def test_text_lines_take_crlf_and_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"\xef\xbb\xbfone  \r\ntwo\r\n")
    assert text_lines(path) == ["one", "two"]
    path.write_bytes(b"caf\xe9")
    with pytest.raises(ValueError, match=r"a\.txt is not a text file in UTF-8"):
        text_lines(path)


def test_missing_and_empty_files_are_reported(tmp_path):
    good, empty, missing = (
        picture(tmp_path / "good.png"),
        tmp_path / "empty.png",
        tmp_path / "missing.png",
    )
    empty.touch()
    with pytest.warns(UserWarning, match=r"skipped 1 file \(not found\): .*missing\.png"):
        assert keep_usable([good, missing], "set", "off") == [good]
    with pytest.warns(UserWarning, match=r"\(empty, zero bytes\): .*empty\.png"):
        assert keep_usable([empty, good], "set", "warn") == [good]
    with pytest.raises(ValueError, match=r"empty\.png"):
        keep_usable([empty], "set", "strict")


def test_not_found_says_what_where_and_how(tmp_path, monkeypatch):
    monkeypatch.setenv("FERKIT_DATA", "/data")
    text = str(not_found("CK+", tmp_path / "ck", "Emotion/", "ask there"))
    for part in (
        "CK+",
        str(tmp_path / "ck"),
        "not a folder",
        "FERKIT_DATA=/data",
        "Emotion/",
        "ask there",
    ):
        assert part in text
    monkeypatch.delenv("FERKIT_DATA")
    assert "FERKIT_DATA=not set" in str(not_found("CK+", tmp_path, "Emotion/", "ask there"))


def test_comparison_lists_ids():
    table = compare(
        [clip("1"), clip("3", "b")], Expected(("a", "c"), ("1", "2"), {"anger": 2, "fear": 1})
    ).set_index("what")
    assert table.loc["clips"].tolist() == [2, 2, "2", "3", "differs"]
    assert table.loc["people"].tolist() == [2, 2, "c", "b", "differs"]
    assert table.loc["anger", "observed"] == 2
    assert table.loc["fear", "observed"] == 0


def test_levels_of_checking():
    clips, expected = [clip("1")], Expected(clips=("1", "2"))
    verify_clips(clips, expected, "off")
    verify_clips(clips, None, "strict")
    verify_clips(clips, Expected(clips=("1",)), "strict")
    with pytest.warns(UserWarning, match="1 clips instead of 2; 1 missing: 2"):
        verify_clips(clips, expected, "warn")
    with pytest.raises(ValueError, match="1 missing: 2"):
        verify_clips(clips, expected, "strict")
    with pytest.raises(ValueError, match="verify='loud' is not known; choose off, warn, strict"):
        check_level("loud")


def test_names_are_unique_at_every_level():
    with pytest.raises(ValueError, match="1 name used more than once: 1"):
        verify_clips([clip("1"), clip("1", "b")], None, "off")


def test_every_file_of_a_folder_is_accounted_for(tmp_path):
    names = ("a.AVIF", "a.jfif", "b/c.webm", "b/d.m2ts", "b/e.txt", "f.dng", "g", "h.zip", "i.txt")
    for name in (*names, ".hidden", ".git/j.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    tree = list_tree(tmp_path)
    assert [path.name for path in tree.files] == ["a.AVIF", "a.jfif", "c.webm", "d.m2ts"]
    assert describe_others(tree.others) == (
        "passed over 5 files: 2 .txt, 1 .dng (export them as JPEG), 1 without a suffix, "
        "1 .zip (unpack them)"
    )


def test_links_that_lead_to_each_other_are_followed_once(tmp_path):
    picture(tmp_path / "a" / "1.jpg")
    picture(tmp_path / "b" / "2.jpg")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "link").symlink_to(tmp_path / "a")
    found = ["a/1.jpg", "a/link/2.jpg", "b/2.jpg", "b/link/1.jpg"]
    assert list(walk_images(tmp_path)) == found
    assert len(list_tree(tmp_path).files) == len(found)


@pytest.mark.skipif(".heic" in IMAGES, reason="pillow-heif is installed")
def test_phone_pictures_have_a_way_out(tmp_path):
    text = describe_others([tmp_path / "a.heic", tmp_path / "b.HEIC"])
    assert text == "passed over 2 files: 2 .heic (convert them, or pip install ferkit[heic])"


def test_a_bad_entry_costs_that_entry_only(tmp_path):
    picture(tmp_path / "good.jpg")
    (tmp_path / "loop").symlink_to("back")
    (tmp_path / "back").symlink_to("loop")
    (tmp_path / "gone.jpg").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.warns(UserWarning, match=r"left out: (?=.*loop )(?=.*back )(?=.*gone)(?=.*pipe)"):
        assert [path.name for path in image_files(tmp_path)] == ["good.jpg"]


def test_special_files_are_not_usable(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    names = [tmp_path / "pipe.jpg", tmp_path, tmp_path / ("x" * 300)]
    with pytest.warns(UserWarning, match="skipped 3 files .no file, or one that cannot be read"):
        assert keep_usable(names, "set", "warn") == []

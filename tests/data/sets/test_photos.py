"""Readers of FER2013, CASIA-WebFace, LFW, Yale, CREMA-D, RAVDESS; pictures inside a file."""

import numpy as np
import pytest
from data_trees import picture, text
from photo_trees import (
    FER,
    gif,
    make_casia,
    make_casia_packed,
    make_cremad,
    make_fer2013,
    make_lfw,
    make_pointer,
    make_ravdess,
    make_yale,
    pixels,
)

from ferkit.data import check_dataset, packed, read_clips
from ferkit.data.sets.casia import EXPECTED, expected_of, read_casia
from ferkit.data.sets.cremad import read_cremad
from ferkit.data.sets.fer2013 import EXPECTED as FER_EXPECTED
from ferkit.data.sets.fer2013 import read_fer2013, read_pictures
from ferkit.data.sets.lfw import Pair, read_lfw, read_pairs
from ferkit.data.sets.ravdess import EXPECTED as RAVDESS
from ferkit.data.sets.ravdess import read_ravdess
from ferkit.data.sets.yale import EXPECTED as YALE
from ferkit.data.sets.yale import read_yale
from ferkit.faces.pictures import read_image


@pytest.mark.parametrize("spaced", [False, True])
def test_fer2013_joins_votes_by_row(tmp_path, spaced):
    make_fer2013(tmp_path, spaced)
    clips = read_fer2013(tmp_path, "off")
    assert [(c.name, c.emotion, c.split) for c in clips] == [
        ("00000", "neutral", "train"),
        ("00001", "happiness", "train"),
        ("00003", "surprise", "val"),
        ("00005", "fear", "test"),
    ]
    for grey, shown in zip((0, 1, 3, 5), read_pictures(clips), strict=True):
        assert shown.ravel().tolist() == [int(n) for n in pixels(grey).split()]
    assert np.array_equal(read_image(clips[2].frames[0])[..., 0], read_pictures(clips)[2])
    own = read_fer2013(tmp_path, "off", labels="own")
    assert [c.emotion for c in own] == [
        "neutral",
        "happiness",
        "anger",
        "surprise",
        "sadness",
        "fear",
    ]


def test_fer2013_reports_rows_and_refuses_what_does_not_belong_together(tmp_path):
    make_fer2013(tmp_path)
    lines = (tmp_path / "fer2013.csv").read_text().splitlines()
    text(
        tmp_path / "fer2013.csv",
        "\n".join([*lines[:2], lines[2].replace(" 9 ", " nine "), *lines[3:]]) + "\n",
    )
    with pytest.warns(UserWarning, match=r"skipped 1 row of fer2013\.csv: line 3"):
        assert [c.name for c in read_fer2013(tmp_path, "off")] == [
            "00000",
            "00003",
            "00005",
        ]  # no label has moved
    text(tmp_path / "fer2013.csv", "\n".join(lines[:1] + lines[2:]) + "\n")  # a row is lost
    with pytest.raises(ValueError, match="row 2 is of another split"):
        read_fer2013(tmp_path, "off")
    text(
        tmp_path / "fer2013.csv", "\n".join(lines[:3]) + "\n"
    )  # the end is lost: what is there is right
    assert len(read_fer2013(tmp_path, "off")) == 2
    (tmp_path / "fer2013new.csv").unlink()
    with pytest.raises(FileNotFoundError, match="ferkit data get ferplus"):
        read_fer2013(tmp_path, labels="ferplus")
    with pytest.warns(UserWarning, match="no votes of FER.* own, noisy ones; `ferkit data get"):
        assert read_fer2013(tmp_path, "off") == read_fer2013(tmp_path, "off", labels="own")
    text(tmp_path / "fer2013.csv", "emotion,usage\n0,1 2\n")
    with pytest.raises(
        ValueError, match="expected the columns emotion, pixels, Usage, found emotion, usage"
    ):
        read_fer2013(tmp_path)


def test_fer2013_counts_are_those_of_the_published_votes():
    counts = FER_EXPECTED["ferplus"].counts
    assert counts["clips"] == sum(counts[f"{split} clips"] for split in ("train", "val", "test"))
    own = FER_EXPECTED["own"].counts
    words = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
    for split in ("train", "val", "test"):
        assert sum(own[f"{split} {word}"] for word in words) == own[f"{split} clips"]
    assert {FER[i][0] for i in range(6)} == {"Training", "PublicTest", "PrivateTest"}


def test_casia_in_folders(tmp_path):
    count = make_casia(tmp_path)
    clips = read_casia(tmp_path, "off")
    assert [clip.name for clip in clips] == ["0000045/001", "0000045/010", "0000099/002"][:count]
    assert {clip.emotion for clip in clips} == {""}
    assert expected_of(clips) is EXPECTED["folders"]
    table = check_dataset("casia", tmp_path).counts.set_index("what")
    assert table.loc["people", ["expected", "observed"]].tolist() == [10_575, 2]


def test_casia_packed_keeps_records_with_pictures(tmp_path):
    count = make_casia_packed(tmp_path)
    clips = read_casia(tmp_path, "off")
    assert [clip.person for clip in clips] == ["0", "0", "0", "1"]
    assert len(clips) == count
    assert expected_of(clips) is EXPECTED["packed"]
    for clip, grey in zip(clips, (1, 2, 3, 4), strict=True):  # the last lies in two parts
        content = packed.file_bytes(clip.frames[0])
        assert content.startswith(b"\xff\xd8\xff")
        if grey < 4:
            assert abs(int(read_image(clip.frames[0]).mean()) - grey) <= 2
    with pytest.raises(ValueError, match="has no picture"):
        packed.file_bytes(clips[0].frames[0].parent / "0")
    make_casia(tmp_path)
    with pytest.raises(ValueError, match="has both forms"):
        read_casia(tmp_path)


def test_casia_cut_off_or_damaged_records_are_refused(tmp_path):
    make_casia_packed(tmp_path)
    file = tmp_path / "faces_webface_112x112" / "train.rec"
    whole = file.read_bytes()
    file.write_bytes(whole[:-10])
    with pytest.raises(ValueError, match=r"train\.rec is cut off at byte"):
        read_casia(tmp_path)
    file.write_bytes(whole[:40] + b"\0" + whole[41:])
    with pytest.raises(ValueError, match="no record begins at byte 40"):
        read_casia(tmp_path)
    file.write_bytes(whole)
    text(file.with_suffix(".idx"), "0\t0\n1\t40\n")
    with pytest.warns(UserWarning, match=r"3 records missing from train\.idx"):
        read_casia(tmp_path, "off")


@pytest.mark.parametrize("place", ["lfw", "lfw_funneled", "lfw/lfw", ""])
def test_lfw_takes_any_archive(tmp_path, place):
    count = make_lfw(tmp_path, place)
    clips = read_lfw(tmp_path, "off")
    assert len(clips) == count
    assert clips[-1].name == "George_W_Bush_0010"
    assert clips[-1].person == "George_W_Bush"


def test_lfw_reads_one_of_several_archives(tmp_path):
    make_lfw(tmp_path, "lfw-deepfunneled")
    make_lfw(tmp_path, "lfw_funneled")
    clips = read_lfw(tmp_path, "off")
    assert len(clips) == 5
    assert {clip.frames[0].parts[-3] for clip in clips} == {"lfw_funneled"}


def test_lfw_pairs(tmp_path):
    make_lfw(tmp_path)
    names = {clip.name for clip in read_lfw(tmp_path, "off")}
    pairs = read_pairs(tmp_path)
    assert pairs[0] == Pair("Abel_Pacheco_0001", "Abel_Pacheco_0004", True, 1)
    assert pairs[3] == Pair("Bo_Li_0001", "George_W_Bush_0002", False, 2)
    assert {name for pair in pairs for name in (pair.first, pair.second)} <= names
    assert [pair.same for pair in read_pairs(tmp_path, "dev test")] == [True, False]
    text(tmp_path / "pairs.txt", "1\t1\nA\t1\t2\nA\t1\n")
    with pytest.raises(ValueError, match=r"pairs\.txt line 3: expected name, i, other, j"):
        read_pairs(tmp_path)
    text(tmp_path / "pairs.txt", "10\t300\nA\t1\t2\n")
    with pytest.raises(ValueError, match="has 1 pairs, line 1 says 6000"):
        read_pairs(tmp_path)


@pytest.mark.parametrize("suffix", ["", ".gif"])
def test_yale_reads_four_conditions(tmp_path, suffix):
    count = make_yale(tmp_path, suffix)
    clips = read_yale(tmp_path, "off")
    assert len(clips) == count
    assert "subject04.sad" not in {clip.name for clip in clips}
    assert {clip.name for clip in clips} <= set(YALE.clips)
    assert len(YALE.clips) == sum(YALE.emotions.values()) == 59
    assert read_image(clips[0].frames[0]).shape == (3, 4, 3)


def test_yale_reports_copies_and_strange_names(tmp_path):
    make_yale(tmp_path)
    gif(tmp_path / "yalefaces" / "subject01.happy.gif")
    gif(tmp_path / "yalefaces" / "subject01.angry")
    with (
        pytest.warns(UserWarning, match=r"skipped 1 file found twice: .*subject01\.happy\.gif"),
        pytest.warns(UserWarning, match=r"not named as in Yale: .*subject01\.angry"),
    ):
        assert len(read_yale(tmp_path, "off")) == 7


def test_cremad_takes_what_was_seen_in_the_face(tmp_path):
    count = make_cremad(tmp_path)
    clips = read_cremad(tmp_path, "off")
    assert [clip.emotion for clip in clips] == [
        "anger",
        "neutral",
        "neutral",
    ]  # seen, not intended; the tie is left out
    assert len(clips) == count
    assert clips[1].extra["intended"] == "happiness"
    assert [c.emotion for c in read_cremad(tmp_path, "off", labels="intended")] == [
        "anger", "happiness", "neutral", "sadness",
    ]  # fmt: skip


def test_cremad_knows_pointers_and_bad_rows(tmp_path):
    make_cremad(tmp_path)
    make_pointer(tmp_path / "VideoFlash" / "1001_DFA_ANG_XX.flv")
    table = tmp_path / "processedResults" / "summaryTable.csv"
    table.write_text(table.read_text().replace('"N:S"', '"Q"'))
    with pytest.warns(
        UserWarning,
        match=r"1001_DFA_ANG_XX\.flv \(a pointer of Git LFS.*line 5 of summaryTable\.csv",
    ):
        assert len(read_cremad(tmp_path, "off")) == 2
    for video in (tmp_path / "VideoFlash").glob("[0-9]*.flv"):
        make_pointer(video)
    with pytest.raises(FileNotFoundError, match="these are pointers of Git LFS"):
        read_cremad(tmp_path)


@pytest.mark.parametrize("archive", [True, False])
def test_ravdess_reads_silent_speech(tmp_path, archive):
    count = make_ravdess(tmp_path, archive)
    clips = read_ravdess(tmp_path, "off")
    assert [(clip.person, clip.emotion) for clip in clips] == [
        (p, e) for p in ("01", "12") for e in ("neutral", "fear")
    ]
    assert len(clips) == count
    assert len(read_ravdess(tmp_path, "off", calm="neutral")) == 6
    assert {clip.name for clip in clips} <= set(RAVDESS.clips)
    assert len(RAVDESS.clips) == sum(RAVDESS.emotions.values()) == 1248


def test_archives_that_are_not_unpacked_are_named(tmp_path):
    (tmp_path / "Video_Speech_Actor_05.zip").write_bytes(b"PK")
    with pytest.raises(FileNotFoundError, match=r"not unpacked yet: Video_Speech_Actor_05\.zip"):
        read_clips("ravdess", tmp_path)
    make_ravdess(tmp_path)
    with pytest.warns(UserWarning, match=r"Video_Speech_Actor_05\.zip \(not unpacked\)"):
        read_clips("ravdess", tmp_path, verify="off")
    picture(tmp_path / "unrelated.jpg")

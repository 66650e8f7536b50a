"""Oulu-CASIA, iCV-MEFED, MMI and ISED on made-up trees, every trap of theirs planted."""

import shutil

import numpy as np
import pytest
from data_trees import (
    ISED,
    MEFED,
    MMI,
    ised_row,
    make_ised,
    make_mefed,
    make_mmi,
    make_oulu,
    make_session,
    picture,
    text,
    write_ised,
)
from scipy.io import savemat

from ferkit.data import check_dataset
from ferkit.data.sets import mefed
from ferkit.data.sets.ised import read_ised
from ferkit.data.sets.mefed import read_mefed
from ferkit.data.sets.mmi import read_mmi
from ferkit.data.sets.oulu import EXPECTED, read_oulu, site

# Oulu-CASIA


@pytest.mark.parametrize(
    "place",
    [
        "",
        "OriginalImg",
        "B_OriginalImg",
        "B_OriginalImg/OriginalImg",
        "OriginalImg/OriginalImg",
        "Oulu_CASIA_NIR_VIS",
    ],
)
def test_oulu_reads_any_root(tmp_path, place):
    make_oulu(tmp_path, place)
    clips = read_oulu(tmp_path, "off")
    assert [clip.name for clip in clips] == [
        "VL_Strong_P001_Anger",
        "VL_Strong_P001_Surprise",
        "VL_Strong_P051_Happiness",
        "VL_Strong_P080_Disgust",
    ]
    assert [len(clip.frames) for clip in clips] == [9, 4, 5, 4]
    assert (clips[0].emotion, clips[0].peak, clips[0].frames[0].name) == ("anger", 8, "000.jpeg")
    assert [clip.extra["site"] for clip in clips] == ["Oulu", "Oulu", "CASIA", "CASIA"]


def test_oulu_never_mixes_lights(tmp_path):
    make_oulu(tmp_path)
    dark, infrared = (
        read_oulu(tmp_path, "off", light="Dark"),
        read_oulu(tmp_path, "off", sensor="NI"),
    )
    assert [len(dark), len(infrared)] == [3, 2]
    assert all("Dark" in frame.parts for clip in dark for frame in clip.frames)
    with pytest.raises(FileNotFoundError, match=r"OriginalImg/NI/Weak/P001"):
        read_oulu(tmp_path, sensor="NI", light="Weak")
    with pytest.raises(ValueError, match="no recordings of VL/Bright"):
        read_oulu(tmp_path, light="Bright")


def test_oulu_finds_each_fault(tmp_path):
    make_oulu(tmp_path)
    place = tmp_path / "B_OriginalImg/OriginalImg/VL/Strong"
    (place / "P001/Anger/003.jpeg").unlink()  # a gap
    (place / "P051/Happiness/000.jpeg").unlink()  # no neutral frame
    (place / "P080/Fear").mkdir()  # half unpacked
    (place / "P080/Neutral").mkdir()
    picture(place / "P001/Surprise/apex.jpeg")
    words = (
        r"skipped 5 items: .*P080/Neutral .*P001/Surprise/apex\.jpeg "
        r".*1 frame of P001/Anger \(missing: 3\)"
        r".*P051/Happiness \(no frame 0.*P080/Fear \(no frame 0"
    )
    with pytest.warns(UserWarning, match=words):
        clips = read_oulu(tmp_path, "off")
    assert [len(clip.frames) for clip in clips] == [8, 4, 4]
    with pytest.raises(ValueError, match="P080/Fear"):
        read_oulu(tmp_path, "strict")


def test_oulu_expects_480_sequences(tmp_path):
    assert (len(EXPECTED.clips), len(EXPECTED.people), set(EXPECTED.emotions.values())) == (
        480,
        80,
        {80},
    )
    assert [site("P050"), site("P051")] == ["Oulu", "CASIA"]
    make_oulu(tmp_path)
    with pytest.warns(UserWarning, match="oulu: not the complete set. 4 clips instead of 480"):
        read_oulu(tmp_path)
    assert check_dataset("oulu", tmp_path).counts.set_index("what").loc["people", "observed"] == 3


# iCV-MEFED


@pytest.mark.parametrize("joint", [True, False])
@pytest.mark.parametrize(("newline", "bom"), [("\r\n", False), ("\n", True)])
def test_mefed_reads_complementary_first(tmp_path, joint, newline, bom):
    count = make_mefed(tmp_path, joint, newline, bom)
    clips = {clip.name: clip for clip in read_mefed(tmp_path, "off")}
    assert len(clips) == count == (7 if joint else 5)
    angrily = clips["Sample_003_006"]
    assert (angrily.complementary, angrily.emotion, angrily.split) == ("anger", "contempt", "train")
    assert (clips["Sample_011_260"].complementary, clips["Sample_011_260"].emotion) == (
        "disgust",
        "sadness",
    )
    assert (clips["Sample_003_001"].complementary, clips["Sample_003_001"].emotion) == (
        None,
        "anger",
    )
    assert (clips["Sample_003_250"].complementary, clips["Sample_003_250"].emotion) == (
        None,
        "neutral",
    )
    if joint:
        assert (clips["Sample_102_246"].person, clips["Sample_102_246"].split) == ("102", "val")


def test_mefed_refuses_the_earlier_release(tmp_path):
    make_mefed(tmp_path, joint=False)
    text(tmp_path / "training.txt", "Sample_003_001.JPG\t1_2\n")
    with pytest.warns(
        UserWarning, match=r"training\.txt is an earlier release and not read; training_new\.txt is"
    ):
        assert len(read_mefed(tmp_path, "off")) == 5
    (tmp_path / "training_new.txt").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"training\.txt is an earlier release with wrong labels"
    ):
        read_mefed(tmp_path)


def test_mefed_finds_each_fault(tmp_path):
    make_mefed(tmp_path)
    table = tmp_path / "training_validation_new.txt"
    lines = (
        "Sample_003_007.JPG\t8_1\nSample_003.JPG\t1_1\n\n"
        "Sample_003_001.JPG\t2_2\nSample_005_001.JPG\t1_1\n"
    )
    table.write_bytes(table.read_bytes() + lines.encode())
    picture(tmp_path / "train" / "Sample_013_001.JPG")  # no label
    picture(tmp_path / "val" / "Sample_003_006.JPG")  # a copy
    with (
        pytest.warns(
            UserWarning, match=r"skipped 1 picture found twice: .*val.Sample_003_006\.JPG"
        ),
        pytest.warns(
            UserWarning,
            match=r"skipped 3 lines of .*line 8 .*8_1.*line 9 .*line 11 .*is in line 1 already",
        ),
        pytest.warns(
            UserWarning, match=r"1 picture of training people without a label: .*Sample_013_001"
        ),
        pytest.warns(UserWarning, match=r"\(not found\): .*Sample_005_001\.JPG"),
    ):
        assert len(read_mefed(tmp_path, "off")) == len(MEFED)
    with pytest.raises(ValueError, match="mefed: skipped 1 picture"):
        read_mefed(tmp_path, "strict")


def test_mefed_expects_what_was_counted(tmp_path):
    assert [len(mefed.PEOPLE[split]) for split in ("train", "val", "test")] == [64, 28, 23]
    assert mefed.EXPECTED.counts["clips"] == 15_969
    assert mefed.EXPECTED.counts["train fear+surprise"] == 319
    make_mefed(tmp_path)
    both = mefed.expected_of(read_mefed(tmp_path, "off"))
    assert (both.counts["clips"], both.counts["val clips"], len(both.people)) == (22_969, 7_000, 92)
    table = check_dataset("mefed", tmp_path).counts.set_index("what")
    assert table.loc["train people", ["expected", "observed"]].tolist() == [64, 2]
    assert table.loc["train anger+contempt", ["expected", "observed"]].tolist() == [320, 1]


# MMI


@pytest.mark.parametrize("place", ["", "Sessions", MMI, "Sessions/Sessions"])
def test_mmi_reads_what_is_frontal_and_basic(tmp_path, place):
    make_mmi(tmp_path, place)
    upright, turned, dual = read_mmi(tmp_path, "off")
    assert [clip.name for clip in (upright, turned, dual)] == ["S053-003", "S002-106", "S001-120"]
    assert [clip.emotion for clip in (upright, turned, dual)] == ["surprise", "happiness", "anger"]
    assert [clip.extra["turn"] for clip in (upright, turned, dual)] == [0, 90, 0]
    assert [clip.extra["half"] for clip in (upright, turned, dual)] == [None, None, "right"]
    assert (turned.person, turned.sequence, turned.peak) == ("S002", "224", None)


def test_mmi_finds_each_fault(tmp_path):
    make_mmi(tmp_path)
    folder = tmp_path / MMI
    happy = '<Metatag Name="Emotion" Value="4"/>'
    (make_session(folder / "1", "S030-001", "0", happy) / "S030-001.xml").write_text(
        "<MetaData><Metatag"
    )
    (make_session(folder / "2", "S030-002", "0", happy) / "session.xml").unlink()
    make_session(folder / "3", "S030-003", "5", happy)
    make_session(folder / "4", "S030-004", "0", '<Metatag Name="Emotion" Value="happy"/>')
    (make_session(folder / "5", "S030-005", "0", happy) / "S030-005.avi").unlink()
    odd = make_session(folder / "6", "S030-006", "0", happy) / "S030-006.xml"
    odd.write_text('<?xml version="1.0" encoding="no-such-one"?><MetaData/>')
    words = (
        r"skipped 6 sessions: 1 \(S030-001\.xml is not whole XML.*2 \(no session\.xml\)"
        r".*3 \(session\.xml: expected a view"
        r".*4 \(S030-004\.xml: expected an emotion of 1 or more, got 'happy'\)"
        r".*5 \(expected the one video S030-005\.avi, found none\)"
        r".*6 \(S030-006\.xml is not whole XML: unknown encoding"
    )
    with pytest.warns(UserWarning, match=words):
        assert len(read_mmi(tmp_path, "off")) == 3
    with pytest.raises(ValueError, match=r"skipped 6 sessions"):
        read_mmi(tmp_path, "strict")


def test_mmi_takes_a_list_of_sessions_and_counts_never_fail(tmp_path):
    make_mmi(tmp_path)
    with pytest.warns(UserWarning, match=r"1 requested session not found: 99"):
        assert [clip.sequence for clip in read_mmi(tmp_path, "off", sessions=["99", 224])] == [
            "224"
        ]
    with pytest.warns(UserWarning, match=r"3 clips instead of 205 \(not confirmed\)"):
        assert len(read_mmi(tmp_path, "strict")) == 3


# ISED


@pytest.mark.parametrize("separator", ["\\", "/"])
def test_ised_reads_the_table(tmp_path, separator):
    make_ised(tmp_path, separator)
    clips = read_ised(tmp_path, "off")
    assert [clip.name for clip in clips] == ["1_4", "26_7", "26_12", "50_1"]
    assert [clip.emotion for clip in clips] == ["happiness", "disgust", "sadness", "surprise"]
    assert (clips[1].person, clips[1].frames[0].name, clips[1].peak) == ("26", "26_7_39.jpg", None)
    assert clips[1].extra["nose"] == [50.5, 60.0]
    videos = read_ised(tmp_path, "off", pictures="video")
    assert videos[0].frames[0] == tmp_path / "videos" / "PS 1" / "4.avi"
    assert videos[0].peak == 30  # the table counts from 1
    with pytest.raises(ValueError, match="choose peak or video"):
        read_ised(tmp_path, pictures="all")


def test_ised_finds_each_fault(tmp_path):
    make_ised(tmp_path)
    rows = [ised_row(*row) for row in ISED]
    rows += [ised_row(3, 1, 9, 7), ised_row(3, 2, "?", 1), ised_row(3, 3, 0, 1)]
    rows[1][3] = 40  # the picture's name says 39
    rows[2][4] = ""
    write_ised(tmp_path / "ISED_details.mat", rows)
    words = (
        r"5 faults in .*row 2 \(person, number and peak are \[26, 7, 40\].*row 3 \(skipped: no path"
        r".*row 5 .*row 6 .*row 7 "
    )
    with pytest.warns(UserWarning, match=words):
        assert [clip.name for clip in read_ised(tmp_path, "off")] == ["1_4", "26_7", "50_1"]
    with pytest.raises(ValueError, match="row 2"):
        read_ised(tmp_path, "strict")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no whole MATLAB file"),
        (b"not a table", "no whole MATLAB file"),
        (
            b"MATLAB 7.3 MAT-file".ljust(116) + bytes(8) + b"\x00\x02IM" + bytes(384),
            r"format 7\.3.*save -v7",
        ),
    ],
)
def test_ised_table_that_cannot_be_read(tmp_path, content, words):
    make_ised(tmp_path)
    (tmp_path / "ISED_details.mat").write_bytes(content)
    with pytest.raises(ValueError, match=words):
        read_ised(tmp_path)
    savemat(tmp_path / "ISED_details.mat", {"x": np.zeros((3, 16))})
    with pytest.raises(ValueError, match="no cell array of 16 columns"):
        read_ised(tmp_path)


def test_ised_half_unpacked(tmp_path):
    make_ised(tmp_path)
    shutil.rmtree(tmp_path / "peakImages")
    with (
        pytest.warns(UserWarning, match=r"skipped 4 files \(not found\)"),
        pytest.raises(FileNotFoundError, match=r"the files that ISED_details\.mat lists"),
    ):
        read_ised(tmp_path)
    assert len(read_ised(tmp_path, "off", pictures="video")) == len(ISED)

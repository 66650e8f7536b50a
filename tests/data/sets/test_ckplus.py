"""CK+ and JAFFE on made-up trees, every trap of theirs planted."""

import shutil

import pytest
from data_trees import CKPLUS, JAFFE, junk, make_ckplus, make_jaffe, picture, text

from ferkit.data import check_dataset
from ferkit.data.sets.ckplus import EXPECTED, read_ckplus
from ferkit.data.sets.jaffe import EXPECTED as JAFFE_EXPECTED
from ferkit.data.sets.jaffe import NAME, read_jaffe

IMAGES, LABELS = "extended-cohn-kanade-images/cohn-kanade-images", "Emotion_labels/Emotion"


# CK+


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize(("newline", "bom"), [("\n", False), ("\r\n", True)])
def test_ckplus_reads_any_copy(tmp_path, outer, newline, bom):
    make_ckplus(tmp_path, outer, newline, bom)
    clips = read_ckplus(tmp_path, "off")
    assert [(clip.person, clip.sequence, clip.emotion) for clip in clips] == [
        ("S005", "001", "disgust"),
        ("S010", "002", "surprise"),
        ("S010", "004", "anger"),
        ("S138", "008", "contempt"),
        ("S999", "001", "anger"),
    ]
    first = clips[0]
    assert first.name == "S005_001"
    assert [path.stem[-2:] for path in first.frames] == [
        "01",
        "02",
        "03",
        "04",
        "11",
    ]  # by number, not by length
    assert first.peak == 4
    assert first.extra["action_units"] == {9: 4, 17: 0}
    assert len(list(first.landmarks.glob("*_landmarks.txt"))) == 5


def test_ckplus_takes_a_doubled_level_and_images_alone_are_not_enough(tmp_path):
    make_ckplus(tmp_path / "made", outer=False)
    (tmp_path / "root" / "Emotion").mkdir(parents=True)
    shutil.move(tmp_path / "made" / "Emotion", tmp_path / "root" / "Emotion" / "Emotion")
    with pytest.raises(FileNotFoundError, match=r"pictures in .*CK\+48, is read as `ckplus48`"):
        read_ckplus(tmp_path / "root")
    shutil.move(
        tmp_path / "made" / "cohn-kanade-images", tmp_path / "root" / "CK+" / "cohn-kanade-images"
    )
    clips = read_ckplus(tmp_path / "root", "off")
    assert len(clips) == len(CKPLUS)
    assert clips[0].landmarks is None
    assert clips[0].extra == {}
    shutil.rmtree(tmp_path / "root" / "Emotion")
    with pytest.raises(FileNotFoundError, match="emotion labels in"):
        read_ckplus(tmp_path / "root")


def spoil_ckplus(root, fault):
    """Plant one fault; the words that must name it."""
    images, labels = root / IMAGES, root / LABELS
    label = labels / "S005/001/S005_001_00000011_emotion.txt"
    if fault in ("", "anger", "0.0000000e+00", "8.0000000e+00", "2.5"):
        text(label, fault + "\n")
        return r"S005/001/S005_001_00000011_emotion\.txt \(expected a code from 1 to 7"
    if fault == "two labels":
        text(label.with_name("S005_001_00000010_emotion.txt"), "3.0\n")
        return r"S005/001 \(2 label files, expected one\)"
    if fault == "another's label":
        label.rename(label.with_name("S005_002_00000011_emotion.txt"))
        return r"S005_002_00000011_emotion\.txt \(a label of another sequence\)"
    if fault == "no pictures":
        shutil.rmtree(images / "S005/001")
    elif fault == "peak cut off":
        (images / "S005/001/S005_001_00000011.png").unlink()
    return r"S005/001 \(its peak, frame 00000011, is missing\)"


@pytest.mark.parametrize(
    "fault",
    [
        "",
        "anger",
        "0.0000000e+00",
        "8.0000000e+00",
        "2.5",
        "two labels",
        "another's label",
        "no pictures",
        "peak cut off",
    ],
)
def test_ckplus_finds_each_fault(tmp_path, fault):
    make_ckplus(tmp_path)
    words = spoil_ckplus(tmp_path, fault)
    with pytest.warns(UserWarning, match=words):
        clips = read_ckplus(tmp_path, "off")
    assert [clip.name for clip in clips] == [
        f"{person}_{sequence}" for person, sequence, _, _ in CKPLUS[1:]
    ]
    with pytest.raises(ValueError, match=words):
        read_ckplus(tmp_path, "strict")


def test_ckplus_goes_on_without_a_frame_or_a_line(tmp_path):
    make_ckplus(tmp_path)
    (tmp_path / IMAGES / "S005/001/S005_001_00000003.png").write_bytes(b"")
    picture(tmp_path / IMAGES / "S010/002/copy of 2.png")
    text(tmp_path / "FACS_labels/FACS/S010/002/S010_002_00000004_facs.txt", "9.0 4.0\nnine\n")
    with (
        pytest.warns(UserWarning, match=r"zero bytes\): .*S005_001_00000003\.png"),
        pytest.warns(
            UserWarning, match=r"skipped 2 items: .*copy of 2\.png .*_facs\.txt line 2 \('nine'\)"
        ),
    ):
        first, second, *_ = read_ckplus(tmp_path, "off")
    assert (len(first.frames), first.peak) == (4, 3)
    assert second.extra["action_units"] == {9: 4}


def test_ckplus_expects_what_was_counted(tmp_path):
    assert (len(EXPECTED.clips), len(EXPECTED.people)) == (327, 118)
    assert sum(EXPECTED.emotions.values()) == 327
    many = [sum(name.startswith(person) for name in EXPECTED.clips) for person in EXPECTED.people]
    assert [many.count(n) for n in range(1, 7)] == [21, 22, 47, 20, 7, 1]
    contempt = (
        "S138_008 S139_002 S147_002 S148_002 S149_002 S151_002 S154_002 S155_002 S156_002 "
        "S157_002 S158_002 S160_006 S502_002 S503_002 S504_002 S505_002 S506_002 S895_002"
    ).split()
    assert set(contempt) < set(EXPECTED.clips)
    others = {name[:4] for name in EXPECTED.clips if name not in contempt}
    assert len(others) == 106
    make_ckplus(tmp_path)
    table = check_dataset("ckplus", tmp_path).counts.set_index("what")
    assert table.loc["clips", ["expected", "observed", "note"]].tolist() == [327, 5, "differs"]
    assert "S037_003" in table.loc["clips", "missing"].split()
    assert table.loc["clips", "unexpected"] == ""
    assert table.loc["frames", "note"] == "differs, not confirmed"


# JAFFE


@pytest.mark.parametrize("place", ["", "jaffe", "jaffe/jaffe"])
def test_jaffe_reads_names_and_ratings(tmp_path, place):
    make_jaffe(tmp_path, place)
    clips = read_jaffe(tmp_path, "off")
    assert [clip.name for clip in clips] == [
        "KM.SA3.11",
        "KM.SA5.13",
        "KA.NE1.26",
        "KA.AN1.39",
        "NA.FE3.219",
    ]
    assert [clip.emotion for clip in clips] == ["sadness", "sadness", "neutral", "anger", "fear"]
    neutral = clips[2]
    assert (neutral.person, neutral.extra["take"], neutral.extra["serial"]) == ("KA", 1, 26)
    assert neutral.extra["ratings"]["happiness"] == 2.87
    assert clips[3].extra["ratings"]["anger"] == 4.3
    assert clips[0].extra["ratings"] is None


def test_jaffe_in_small_letters(tmp_path):
    picture(tmp_path / "ka.an1.39.Tiff")
    (clip,) = read_jaffe(tmp_path, "off")
    assert (clip.name, clip.person, clip.emotion) == ("KA.AN1.39", "KA", "anger")


@pytest.mark.parametrize("place", ["jaffe", "train/angry", ""])
def test_jaffe_in_another_format_is_read_with_a_warning(tmp_path, place):
    picture(tmp_path / place / "KA.AN1.39.png")
    picture(tmp_path / place / "KA.NE1.26.jpg")
    with pytest.warns(UserWarning, match=r"a copy as \.jpg, \.png instead of TIFF"):
        clips = read_jaffe(tmp_path, "off")
    assert [(clip.name, clip.emotion) for clip in clips] == [
        ("KA.NE1.26", "neutral"),
        ("KA.AN1.39", "anger"),
    ]


def test_jaffe_prefers_tiff(tmp_path):
    make_jaffe(tmp_path)
    picture(tmp_path / "jaffe" / "KA.AN1.39.png")
    clips = read_jaffe(tmp_path, "off")
    assert {clip.frames[0].suffix.lower() for clip in clips} == {".tif", ".tiff"}
    assert len(clips) == len(JAFFE)


def test_jaffe_finds_strange_names_serials_and_copies(tmp_path):
    make_jaffe(tmp_path)
    picture(tmp_path / "jaffe" / "KA.XX1.40.tiff")
    picture(tmp_path / "jaffe" / "KA.AN2.39.tiff")
    junk(tmp_path / "jaffe")
    with (
        pytest.warns(
            UserWarning,
            match=r"skipped 1 file not named as in JAFFE: .*KA\.XX1\.40\.tiff",
        ),
        pytest.warns(
            UserWarning, match=r"1 serial number with two names: KA\.AN1\.39 and KA\.AN2\.39"
        ),
    ):
        assert len(read_jaffe(tmp_path, "off")) == len(JAFFE) + 1
    with pytest.raises(ValueError, match="not named as in JAFFE"):
        read_jaffe(tmp_path, "strict")
    for name in ("KA.XX1.40", "KA.AN2.39"):
        (tmp_path / "jaffe" / f"{name}.tiff").unlink()
    picture(tmp_path / "jaffe" / "KA.AN1.39.tif")
    with pytest.raises(ValueError, match=r"used more than once: KA\.AN1\.39"):
        read_jaffe(tmp_path, "off")


def test_jaffe_expects_what_was_counted():
    people = {  # AN DI FE HA NE SA SU
        "KA": (3, 3, 4, 4, 3, 3, 3),
        "KL": (3, 4, 3, 3, 3, 3, 3),
        "KM": (3, 2, 3, 4, 3, 4, 3),
        "KR": (3, 3, 3, 2, 3, 3, 3),
        "MK": (3,) * 7,
        "NA": (3,) * 7,
        "NM": (3, 2, 3, 3, 3, 3, 3),
        "TM": (3,) * 7,
        "UY": (3,) * 7,
        "YM": (3, 3, 4, 3, 3, 3, 3),
    }
    names = [NAME.fullmatch(name).groups() for name in JAFFE_EXPECTED.clips]
    for person, counts in people.items():
        assert (
            tuple(
                sum(n[:2] == (person, code) for n in names)
                for code in "AN DI FE HA NE SA SU".split()
            )
            == counts
        )
    serials = [int(name[3]) for name in names]
    assert sorted(set(range(1, 220)) - set(serials)) == [8, 12, 21, 76, 108, 183]
    assert len(serials) == len(set(serials)) == 213 == sum(JAFFE_EXPECTED.emotions.values())
    known = (
        "KA.AN1.39 KM.SA5.13 KL.HA1.158 YM.FE4.70 MK.FE3.133 KR.SA1.77 NM.DI3.109 TM.SA1.184 "
        "UY.NE1.134"
    ).split()
    assert set(known) < set(JAFFE_EXPECTED.clips)


def test_jaffe_complete_copy_passes_strict(tmp_path):
    for name in JAFFE_EXPECTED.clips:
        (tmp_path / f"{name}.tiff").write_bytes(b"II*\x00")
    assert len(read_jaffe(tmp_path, "strict")) == 213
    (tmp_path / "UY.NE1.134.tiff").unlink()
    with pytest.raises(
        ValueError,
        match=r"212 clips instead of 213; 1 missing: UY\.NE1\.134\. 29 neutral instead of 30",
    ):
        read_jaffe(tmp_path, "strict")

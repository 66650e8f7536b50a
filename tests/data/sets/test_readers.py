"""The readers, each on a tiny tree with the provider's traps; and the table of data sets."""

import pickle
import shutil
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from data_trees import (
    make_ckplus,
    make_cmu,
    make_drawn,
    make_folder,
    make_ised,
    make_jaffe,
    make_london,
    make_mefed,
    make_mmi,
    make_oulu,
    picture,
    template_points,
    write_tem,
)
from photo_trees import (
    make_affectnet,
    make_casia,
    make_cremad,
    make_fer2013,
    make_lfw,
    make_ravdess,
    make_yale,
)

import ferkit.data
from ferkit.core.labels import EMOTIONS
from ferkit.data import DATASETS, available, check_dataset, find_root, packed, read_clips
from ferkit.data.counts import Expected
from ferkit.data.sets import ckplus, cmu, ised, jaffe, london
from ferkit.data.sets.cmu import read_cmu, select_frontal
from ferkit.data.sets.drawn import read_drawn
from ferkit.data.sets.london import TO_68, read_london, read_tem, tem_to_68

# A row per reader: what makes a tree, and the folder it is usually in.
READERS = {
    "cmu": (make_cmu, "cmu-faces"),
    "london": (make_london, "london-faces"),
    "posed": (make_drawn, "drawn/posed"),
    "folder": (make_folder, None),
    "ckplus": (make_ckplus, "CK+"),
    "jaffe": (make_jaffe, "jaffe"),
    "oulu": (make_oulu, "oulu"),
    "mmi": (make_mmi, "mmi"),
    "mefed": (make_mefed, "mefed"),
    "ised": (make_ised, "ised"),
    "affectnet": (make_affectnet, "AffectNet"),
    "fer2013": (make_fer2013, "fer2013"),
    "casia": (make_casia, "casia"),
    "lfw": (make_lfw, "LFW"),
    "yale": (make_yale, "yale"),
    "cremad": (make_cremad, "CREMA-D"),
    "ravdess": (make_ravdess, "ravdess"),
}


@pytest.fixture(autouse=True)
def _without_data_root(monkeypatch):
    monkeypatch.delenv("FERKIT_DATA", raising=False)


# Every reader


@pytest.mark.parametrize("name", READERS)
def test_reader_lists_what_is_there(name, tmp_path):
    make, _ = READERS[name]
    count = make(tmp_path)
    clips = read_clips(name, tmp_path, verify="off")
    assert len(clips) == len({clip.name for clip in clips}) == count
    for clip in clips:
        assert clip.dataset == name
        assert clip.emotion in EMOTIONS or (name in ("casia", "lfw") and not clip.emotion)
        assert all(
            (packed.holder(frame) or frame).is_file() and not frame.name.startswith(".")
            for frame in clip.frames
        )
    assert [clip.name for clip in read_clips(name, tmp_path, verify="off")] == [
        clip.name for clip in clips
    ]
    assert pickle.loads(pickle.dumps(clips))[0] == clips[0]


@pytest.mark.parametrize("name", READERS)
def test_wrong_root_says_what_was_looked_for(name, tmp_path):
    for root in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(FileNotFoundError, match=r"Expected .*; ") as caught:
            read_clips(name, root)
        assert str(root) in str(caught.value)
        assert "FERKIT_DATA=not set" in str(caught.value)


@pytest.mark.parametrize("name", READERS)
def test_levels_are_checked_first(name, tmp_path):
    with pytest.raises(ValueError, match="choose off, warn, strict"):
        DATASETS[name].read(tmp_path, verify="strickt")


@pytest.mark.parametrize("name", [name for name, (_, folder) in READERS.items() if folder])
def test_a_set_is_found_under_the_data_root(name, tmp_path, monkeypatch):
    make, folder = READERS[name]
    make(tmp_path / folder)
    assert find_root(name, tmp_path) == tmp_path / folder
    assert tmp_path / folder in (given := find_root(name, tmp_path / folder), *given.parents)
    assert read_clips(name, tmp_path / folder, verify="off") == read_clips(
        name, tmp_path, verify="off"
    )
    monkeypatch.setenv("FERKIT_DATA", str(tmp_path))
    assert find_root(name) == tmp_path / folder
    assert read_clips(name, verify="off")
    assert available().set_index("name").loc[name, "found"] == str(tmp_path / folder)


@pytest.mark.parametrize(
    "name", [name for name in READERS if name not in ("posed", "ckplus", "fer2013")]
)
def test_an_empty_picture_is_reported_and_skipped(name, tmp_path):
    make, _ = READERS[name]
    count = make(tmp_path)
    victim = read_clips(name, tmp_path, verify="off")[1].frames[-1]
    victim.write_bytes(b"")
    with pytest.warns(UserWarning, match=rf"zero bytes\): .*{victim.name}"):
        left = read_clips(name, tmp_path, verify="off")
    assert victim not in [frame for clip in left for frame in clip.frames]
    assert len(left) == count - (name != "oulu")  # a sequence goes on without its last frame
    with pytest.raises(ValueError, match=victim.name):
        read_clips(name, tmp_path, verify="strict")


@pytest.mark.parametrize("module", [cmu, london, ckplus, jaffe, ised])
def test_counts_are_compared(module, tmp_path, monkeypatch):
    name = module.__name__.rsplit(".", 1)[-1]
    READERS[name][0](tmp_path)
    clips = read_clips(name, tmp_path, verify="off")
    whole = Expected(
        people=tuple(sorted({clip.person for clip in clips})),
        clips=tuple(clip.name for clip in clips),
        emotions=pd.Series([clip.emotion for clip in clips]).value_counts().to_dict(),
    )
    monkeypatch.setattr(module, "EXPECTED", whole)
    read_clips(name, tmp_path, verify="strict")
    monkeypatch.setattr(module, "EXPECTED", replace(whole, people=(*whole.people, "zoe")))
    with pytest.warns(UserWarning, match=f"1 missing: zoe.*ferkit data check {name}"):
        read_clips(name, tmp_path)
    with pytest.raises(ValueError, match="1 missing: zoe"):
        read_clips(name, tmp_path, verify="strict")


# The table of data sets


def test_unknown_names_list_the_known_ones(tmp_path):
    with pytest.raises(
        ValueError,
        match=r"unknown data set 'ckk'; known: stills, .*wild, affectnet, .*folder, .*yale",
    ):
        read_clips("ckk", tmp_path)


def test_nothing_given_says_so():
    with pytest.raises(
        FileNotFoundError, match=r"no Face Research Lab London Set in .*not set.*london-faces/ or"
    ):
        find_root("london")


def test_labels_are_not_clips(tmp_path):
    with pytest.raises(
        ValueError, match=r"no pictures; use `ferkit\.data\.sets\.ferplus\.read_ferplus_labels`"
    ):
        read_clips("ferplus", tmp_path)


def test_table_of_data_sets():
    table = available().set_index("name")
    assert list(table.index) == list(DATASETS)
    assert (table["found"] == "").all()
    assert table["pictures"].drop("ferplus").all()
    assert table["ask"].str.len().all()


def test_check_lists_all_ids(tmp_path, monkeypatch):
    make_london(tmp_path)
    table = check_dataset("london", tmp_path).counts.set_index("what")
    assert table.loc["people", ["expected", "observed"]].tolist() == [102, 2]
    assert table.loc["people", "missing"].split() == [
        person for person in london.PEOPLE if person not in ("001", "031")
    ]
    make_folder(tmp_path / "mine")
    assert (
        check_dataset("folder", tmp_path / "mine").counts.set_index("what").loc["clips", "observed"]
        == 5
    )


# CMU


def test_cmu_reads_names(tmp_path):
    make_cmu(tmp_path)
    clips = {clip.name: clip for clip in read_cmu(tmp_path, verify="off")}
    clip = clips["an2i_left_angry_sunglasses"]
    assert (clip.person, clip.emotion) == ("an2i", "anger")
    assert clip.extra == {"pose": "left", "eyes": "sunglasses", "scale": 2}
    assert [clip.name for clip in select_frontal(clips.values())] == [
        "an2i_straight_happy_open",
        "kk49_straight_neutral_open",
    ]
    assert "kk49_up_neutral_open" not in clips  # .bad


def test_cmu_reads_one_scale(tmp_path):
    make_cmu(tmp_path)
    assert {clip.extra["scale"] for clip in read_cmu(tmp_path, "off")} == {2}
    small = read_cmu(tmp_path, "off", scale=4)
    assert all(clip.frames[0].stem.endswith("_4") for clip in small)
    picture(tmp_path / "faces" / "an2i" / "an2i_up_sad_open.PGM")
    (clip,) = read_cmu(tmp_path, "off")
    assert (clip.name, clip.extra["scale"]) == ("an2i_up_sad_open", 1)
    with pytest.raises(ValueError, match="scale=3"):
        read_cmu(tmp_path, "off", scale=3)
    shutil.rmtree(tmp_path / "faces" / "kk49")
    for path in (tmp_path / "faces" / "an2i").glob("*_4.pgm"):
        path.unlink()
    with pytest.raises(FileNotFoundError, match="at scale 4"):
        read_cmu(tmp_path, "off", scale=4)


@pytest.mark.parametrize("place", ["", "faces", "faces/faces"])
def test_cmu_takes_any_nesting(tmp_path, place):
    make_cmu(tmp_path / "made")
    (tmp_path / "root" / place).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(tmp_path / "made" / "faces", tmp_path / "root" / place)
    assert len(read_cmu(tmp_path / "root", "off")) == 4


def test_cmu_reports_strange_and_double_names(tmp_path):
    make_cmu(tmp_path)
    picture(tmp_path / "faces" / "an2i" / "portrait.pgm")
    with pytest.warns(UserWarning, match=r"skipped 1 file not named as in CMU: .*portrait\.pgm"):
        assert len(read_cmu(tmp_path, "off")) == 4
    (tmp_path / "faces" / "an2i" / "portrait.pgm").unlink()
    shutil.copytree(tmp_path / "faces" / "kk49", tmp_path / "faces" / "kk49 copy")
    with pytest.raises(
        ValueError, match=r"2 names used more than once: kk49_straight_neutral_open"
    ):
        read_cmu(tmp_path, "off")


def test_cmu_real(real_data):
    clips = read_cmu(find_root("cmu", real_data), verify="strict")
    assert len(clips) == 624
    assert len({clip.person for clip in clips}) == 20
    counts = pd.Series([clip.emotion for clip in clips]).value_counts().to_dict()
    assert counts == {"neutral": 158, "sadness": 156, "anger": 155, "happiness": 155}
    assert len(select_frontal(clips)) == 78


# London


@pytest.mark.parametrize("doubled", [False, True])
@pytest.mark.parametrize(("newline", "bom"), [("\n", False), ("\r\n", True)])
def test_london_reads_any_copy(tmp_path, doubled, newline, bom):
    make_london(tmp_path, doubled, newline, bom)
    clips = {clip.name: clip for clip in read_london(tmp_path, "off")}
    assert list(clips) == ["001_03", "031_03", "001_08", "031_08"]
    assert [clip.emotion for clip in clips.values()] == [
        "neutral",
        "neutral",
        "happiness",
        "happiness",
    ]
    assert clips["001_03"].person == clips["001_08"].person == "001"
    assert clips["001_08"].extra == {"age": 24, "sex": "female", "ethnicity": "white"}
    assert clips["031_03"].extra["age"] is None
    assert clips["001_08"].landmarks is None
    assert np.array_equal(read_tem(clips["001_03"].landmarks), template_points())


def test_london_without_table_or_view(tmp_path):
    make_london(tmp_path)
    (tmp_path / "london_info.csv").unlink()
    shutil.rmtree(tmp_path / "smiling_front")
    picture(tmp_path / "neutral_front" / "001_08.jpg")
    with pytest.warns(UserWarning, match=r"not named as in London: .*001_08\.jpg"):
        clips = read_london(tmp_path, "off")
    assert [clip.name for clip in clips] == ["001_03", "031_03"]
    assert clips[0].extra == {}


def test_london_table_needs_its_columns(tmp_path):
    make_london(tmp_path)
    (tmp_path / "london_info.csv").write_text("face_id,age\n001,24\n")
    with pytest.raises(
        ValueError,
        match=r"london_info\.csv has no column face_age, .*, found face_id, age",
    ):
        read_london(tmp_path, "off")


def test_template_as_68_points(tmp_path):
    points = read_tem(write_tem(tmp_path / "a.tem"))
    assert points.shape == (189, 2)
    mapped = tem_to_68(points)
    assert mapped.shape == (68, 2)
    assert np.array_equal(mapped[8], points[129])  # chin
    assert np.array_equal(mapped[30], (points[54] + points[60]) / 2)  # tip of the nose
    assert np.array_equal(mapped[[36, 48, 54]], points[[18, 87, 93]])
    assert np.array_equal(tem_to_68(np.stack([points, points + 7])), np.stack([mapped, mapped + 7]))
    assert len(TO_68) == 68
    with pytest.raises(ValueError, match=r"shape \(68, 2\); expected \(\.\.\., 189, 2\)"):
        tem_to_68(mapped)


@pytest.mark.parametrize(
    "content",
    [b"", b"three\n", b"3\n1 2\n3 4\n", b"1\n1 2 3\n", b"2\n1 2\n3\n", b"\x00\x05\x16\x07\xff\xfe"],
)
def test_what_is_no_template_is_refused(tmp_path, content):
    (tmp_path / "._001_03.tem").write_bytes(content)
    with pytest.raises(ValueError, match=r"\._001_03\.tem is not"):
        read_tem(tmp_path / "._001_03.tem")


def test_london_real(real_data):
    root = find_root("london", real_data)
    clips = read_london(root, verify="off")
    assert len({clip.person for clip in clips}) == 26
    counts = pd.Series([clip.emotion for clip in clips]).value_counts().to_dict()
    assert counts == {"neutral": 26, "happiness": 26}
    if len(clips) < 204:
        with pytest.warns(UserWarning, match="26 people instead of 102; 76 missing: 002, 003"):
            read_london(root)
    info = [clip.extra["sex"] for clip in clips]
    assert set(info) == {"female", "male"}
    points = np.stack([tem_to_68(read_tem(clip.landmarks)) for clip in clips if clip.landmarks])
    assert points.shape == (26, 68, 2)
    # The order is the 68-point one: eyes, nose, mouth, chin from top to bottom, the subject's right
    # on the left.
    eyes, nose, mouth = points[:, 36:48, 1].mean(1), points[:, 30, 1], points[:, 48:, 1].mean(1)
    assert ((eyes < nose) & (nose < mouth) & (mouth < points[:, 8, 1])).all()
    assert (points[:, 36, 0] < points[:, 45, 0]).all()
    assert (np.diff(points[:, [0, 4, 8, 12, 16], 0], axis=1) > 0).all()


def test_london_table_agrees_with_the_expected_people(real_data):
    info = pd.read_csv(find_root("london", real_data) / "london_info.csv", dtype=str)
    assert info["face_id"].tolist() == london.PEOPLE


# Drawn


def test_drawn_groups_frames(tmp_path):
    make_drawn(tmp_path)
    still, compound, film = read_drawn(tmp_path, dataset="posed")
    assert (still.person, still.emotion, still.complementary, still.peak) == (
        "p0001",
        "anger",
        None,
        0,
    )
    assert (compound.emotion, compound.complementary) == ("fear", "sadness")
    assert [path.name for path in film.frames] == [
        "p0002_c_0.png",
        "p0002_c_1.png",
        "p0002_c_2.png",
    ]
    assert film.peak == 2
    assert film.extra["intensity"].tolist() == [0, 1 / 3, 2 / 3]
    assert film.extra["light"].tolist() == ["left"] * 3
    assert film.extra["landmarks"].shape == (3, 68, 2)
    assert film.extra["landmarks"][1, 5].tolist() == [105, 105]


def test_drawn_reports_missing_frames(tmp_path):
    make_drawn(tmp_path)
    (tmp_path / "p0002" / "p0002_c_1.png").unlink()
    with (
        pytest.warns(UserWarning, match=r"skipped 1 clip with missing frames: p0002_c"),
        pytest.warns(UserWarning, match=r"\(not found\): .*p0002_c_1\.png"),
    ):
        assert [clip.name for clip in read_drawn(tmp_path)] == ["p0001_a", "p0002_b"]
    with pytest.raises(ValueError, match=r"p0002_c_1\.png"):
        read_drawn(tmp_path, verify="strict")
    truth = pd.read_parquet(tmp_path / "truth.parquet")
    truth[truth["path"] != "p0002/p0002_c_1.png"].to_parquet(tmp_path / "truth.parquet")
    with pytest.warns(UserWarning, match="with missing frames: p0002_c"):
        assert len(read_drawn(tmp_path)) == 2


def test_drawn_needs_its_table(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"the table truth\.parquet; draw it with"):
        read_drawn(tmp_path)
    pd.DataFrame({"path": ["a.png"]}).to_parquet(tmp_path / "truth.parquet")
    with pytest.raises(ValueError, match="has no column person, name, emotion"):
        read_drawn(tmp_path)


def test_reading_opens_no_picture(tmp_path, monkeypatch):
    """Bytes that are no picture pass: decoding is for those who need pixels."""
    make_cmu(tmp_path)
    for path in (tmp_path / "faces").rglob("*.pgm"):
        path.write_bytes(b"not a picture")
    assert len(read_cmu(tmp_path, "off")) == 4
    assert not hasattr(ferkit.data, "Image")

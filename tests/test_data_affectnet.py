"""AffectNet's two releases: every planted fault is found, and nothing is read twice."""

import numpy as np
import pytest
from data_trees import text
from photo_trees import AFFECTNET, affectnet_row, make_affectnet, make_affectnet_arrays, make_arrays

from ferkit.data import affectnet
from ferkit.data.affectnet import EXPECTED, expected_of, face_of, read_affectnet

LISTS = "Manually_Annotated_file_lists"
IMAGES = "Manually_Annotated/Manually_Annotated_Images"
POINTS = (np.arange(136) + 0.5).reshape(68, 2)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("FERKIT_CACHE", str(tmp_path_factory.mktemp("cache")))


def labels(clips):
    return [(clip.name, clip.emotion, clip.split) for clip in clips]


@pytest.mark.parametrize(("newline", "bom"), [("\n", False), ("\r\n", True)])
def test_the_tables(tmp_path, newline, bom):
    make_affectnet(tmp_path, newline, bom)
    clips = read_affectnet(tmp_path, "off")
    assert labels(clips) == [
        ("17/0a1b.jpg", "happiness", "train"),
        ("17/0a2b.JPG", "neutral", "train"),
        ("103/c.bmp", "contempt", "train"),
        ("17/ee.jpg", "anger", "val"),
    ]
    assert clips[0].frames == (tmp_path / IMAGES / "17/0a1b.jpg",)
    assert (clips[0].extra["valence"], clips[0].extra["arousal"]) == (0.74, 0.07)
    assert (clips[3].extra["valence"], clips[3].extra["arousal"]) == (None, None)  # -2 is "not annotated"
    for clip in clips:
        box, points = face_of(clip)
        assert box.tolist() == [20, -3, 220, 207]
        assert np.array_equal(points, POINTS)
    assert expected_of(clips) is EXPECTED["tables"]


def test_bad_rows_are_named_by_line_and_move_nothing(tmp_path):
    make_affectnet(tmp_path)
    table = tmp_path / LISTS / "training.csv"
    good = table.read_text().splitlines()
    bad = [
        affectnet_row("17/a.jpg", "one"),
        affectnet_row("17/b.jpg", 11),
        affectnet_row("17/d.jpg", 3, valence="high"),
        affectnet_row("17/0a1b.jpg", 1),  # again
        affectnet_row("17/e.jpg", 3) + ",1",
        affectnet_row("17/f.jpg", 3).replace(";7.5;", ";"),
    ]
    text(table, "\n".join([*good[:2], *bad, *good[2:], ""]))
    words = (
        r"6 row\(s\) skipped: line 3 of training\.csv \(invalid literal.*line 4 of training\.csv \(expression 11\), "
        r"line 5 .*could not convert.*line 6 .*17/0a1b\.jpg is there twice\), line 7 .*10 cells instead of 9\), "
        r"line 8 .*135 numbers of landmarks"
    )
    with pytest.warns(UserWarning, match=words):
        clips = read_affectnet(tmp_path, "off")
    assert len(clips) == 4
    assert all(np.array_equal(face_of(clip)[1], POINTS) for clip in clips)
    with pytest.raises(ValueError, match=r"6 row\(s\) skipped"):
        read_affectnet(tmp_path, "strict")


def test_missing_and_empty_pictures_are_reported(tmp_path):
    make_affectnet(tmp_path)
    (tmp_path / IMAGES / "17/0a1b.jpg").unlink()
    (tmp_path / IMAGES / "103/c.bmp").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match=r"1 file\(s\) skipped, they do not exist: .*0a1b\.jpg"),
        pytest.warns(UserWarning, match=r"1 file\(s\) skipped, they are empty \(zero bytes\): .*c\.bmp"),
    ):
        assert len(read_affectnet(tmp_path, "off")) == 2


def test_other_columns_are_another_release(tmp_path):
    make_affectnet(tmp_path)
    table = tmp_path / LISTS / "training.csv"
    table.write_text(table.read_text().replace(AFFECTNET, AFFECTNET.replace("face_x,face_y", "face_y,face_x")))
    with pytest.raises(ValueError, match=r"training\.csv: expected the columns subDirectory_filePath,face_x"):
        read_affectnet(tmp_path)


@pytest.mark.parametrize("make", [make_affectnet, make_affectnet_arrays])
@pytest.mark.parametrize("place", ["", "AffectNet"])
def test_one_level_too_many(tmp_path, make, place):
    count = make(tmp_path / place)
    assert len(read_affectnet(tmp_path, "off")) == count


def test_parts_that_are_not_unpacked_are_named(tmp_path):
    make_affectnet(tmp_path)
    for path in (tmp_path / IMAGES).rglob("*.*"):
        path.unlink()
    (tmp_path / "Manually_Annotated.part01.rar").write_bytes(b"Rar!")
    with (
        pytest.warns(UserWarning, match="do not exist"),
        pytest.raises(FileNotFoundError, match=r"not unpacked yet: Manually_Annotated\.part01\.rar"),
    ):
        read_affectnet(tmp_path)


def test_the_arrays(tmp_path):
    make_affectnet_arrays(tmp_path)
    clips = read_affectnet(tmp_path, "off")
    assert labels(clips) == [  # by number; 9 is in both parts
        ("train/2", "contempt", "train"),
        ("train/9", "happiness", "train"),
        ("train/10", "neutral", "train"),
        ("val/9", "anger", "val"),
    ]
    for clip in clips:
        assert (clip.extra["valence"], clip.extra["arousal"]) == (-0.25, 0.5)
        box, points = face_of(clip)
        assert box.tolist() == [0, 0, 224, 224]
        assert np.array_equal(points, POINTS)
    assert expected_of(clips) is EXPECTED["arrays"]


def test_the_index_is_kept_until_the_folder_changes(tmp_path, monkeypatch):
    make_affectnet_arrays(tmp_path)
    read = []
    monkeypatch.setattr(affectnet, "_value", lambda path, value=affectnet._value: (read.append(path), value(path))[1])
    first = read_affectnet(tmp_path, "off")
    assert len(read) == 3 * len(first)
    assert read_affectnet(tmp_path, "off") == first
    assert len(read) == 3 * len(first)
    make_arrays(tmp_path / "val_set" / "annotations", 30, 2)
    with pytest.warns(UserWarning, match=r"do not exist: .*30\.jpg"):  # existence is asked for each time
        assert read_affectnet(tmp_path, "off") == first
    assert len(read) == 3 * len(first) + 3 * 2


def test_bad_arrays_are_named_and_not_kept(tmp_path):
    make_affectnet_arrays(tmp_path)
    folder = tmp_path / "train_set" / "annotations"
    make_arrays(folder, 2, 9)
    (folder / "9_val.npy").write_bytes(b"")
    (folder / "10_aro.npy").unlink()
    np.save(folder / "x_exp.npy", np.array(1))
    for _ in range(2):
        words = (
            r"4 picture\(s\) of train_set skipped: x_exp.npy \(not a number\), 2 \(expression 9\), 9 \(.*10 \(.*10_aro"
        )
        with pytest.warns(UserWarning, match=words):
            assert labels(read_affectnet(tmp_path, "off")) == [("val/9", "anger", "val")]


def test_landmarks_that_are_none_are_refused(tmp_path):
    make_affectnet_arrays(tmp_path)
    clip = read_affectnet(tmp_path, "off")[0]
    np.save(clip.landmarks, np.zeros(10))
    with pytest.raises(ValueError, match=r"2_lnd\.npy: expected 136 numbers of 68 landmarks, got 10"):
        face_of(clip)


def test_both_releases_in_one_folder_are_refused(tmp_path):
    make_affectnet(tmp_path)
    make_affectnet_arrays(tmp_path)
    with pytest.raises(ValueError, match=r"has both releases, .*training\.csv and .*train_set"):
        read_affectnet(tmp_path)


def test_counts_add_up():
    tables = EXPECTED["tables"].counts
    emotions = [name for name in tables if name.startswith("train ") and name != "train clips"]
    assert sum(tables[name] for name in emotions) == tables["train clips"]
    assert tables["train clips"] - tables["train contempt"] == 283_901
    assert tables["clips"] == tables["train clips"] + tables["val clips"]

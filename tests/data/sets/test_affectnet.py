"""AffectNet's two releases: every planted fault is found, and nothing is read twice."""

import numpy as np
import pytest
from data_trees import text
from photo_trees import AFFECTNET, affectnet_row, make_affectnet, make_affectnet_arrays, make_arrays

from ferkit.data.sets import affectnet
from ferkit.data.sets.affectnet import EXPECTED, expected_of, read_affectnet

LISTS = "Manually_Annotated_file_lists"
IMAGES = "Manually_Annotated/Manually_Annotated_Images"


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
    assert (clips[3].extra["valence"], clips[3].extra["arousal"]) == (
        None,
        None,
    )  # -2 is "not annotated"
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
        r"skipped 6 rows: line 3 of training\.csv \(invalid literal.*"
        r"line 4 of training\.csv \(expression 11\), "
        r"line 5 .*could not convert.*line 6 .*17/0a1b\.jpg is there twice\), "
        r"line 7 .*10 cells instead of 9\), "
        r"line 8 .*135 numbers of landmarks"
    )
    with pytest.warns(UserWarning, match=words):
        clips = read_affectnet(tmp_path, "off")
    assert len(clips) == 4
    with pytest.raises(ValueError, match=r"skipped 6 rows"):
        read_affectnet(tmp_path, "strict")


def test_missing_and_empty_pictures_are_reported(tmp_path):
    make_affectnet(tmp_path)
    (tmp_path / IMAGES / "17/0a1b.jpg").unlink()
    (tmp_path / IMAGES / "103/c.bmp").write_bytes(b"")
    with (
        pytest.warns(UserWarning, match=r"skipped 1 file \(not found\): .*0a1b\.jpg"),
        pytest.warns(UserWarning, match=r"skipped 1 file \(empty, zero bytes\): .*c\.bmp"),
    ):
        assert len(read_affectnet(tmp_path, "off")) == 2


def test_other_columns_are_another_release(tmp_path):
    make_affectnet(tmp_path)
    table = tmp_path / LISTS / "training.csv"
    table.write_text(
        table.read_text().replace(AFFECTNET, AFFECTNET.replace("face_x,face_y", "face_y,face_x"))
    )
    with pytest.raises(
        ValueError, match=r"training\.csv: expected the columns subDirectory_filePath,face_x"
    ):
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
        pytest.warns(UserWarning, match="not found"),
        pytest.raises(
            FileNotFoundError, match=r"not unpacked yet: Manually_Annotated\.part01\.rar"
        ),
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
        assert np.load(clip.landmarks).size == 136
    assert expected_of(clips) is EXPECTED["arrays"]


def test_the_index_is_kept_until_the_folder_changes(tmp_path, monkeypatch):
    make_affectnet_arrays(tmp_path)
    read = []
    monkeypatch.setattr(
        affectnet,
        "_read_value",
        lambda path, value=affectnet._read_value: (read.append(path), value(path))[1],
    )
    first = read_affectnet(tmp_path, "off")
    assert len(read) == 3 * len(first)
    assert read_affectnet(tmp_path, "off") == first
    assert len(read) == 3 * len(first)
    make_arrays(tmp_path / "val_set" / "annotations", 30, 2)
    with pytest.warns(
        UserWarning, match=r"\(not found\): .*30\.jpg"
    ):  # existence is asked for each time
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
            r"skipped 4 pictures of train_set: x_exp.npy \(not a number\), 2 \(expression 9\), "
            r"9 \(.*10 \(.*10_aro"
        )
        with pytest.warns(UserWarning, match=words):
            assert labels(read_affectnet(tmp_path, "off")) == [("val/9", "anger", "val")]


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


@pytest.mark.parametrize("make", [make_affectnet, make_affectnet_arrays])
def test_landmarks_of_both_releases(make, tmp_path):
    make(tmp_path)
    clips = read_affectnet(tmp_path, "off")
    points = affectnet.read_landmarks(clips[::-1])
    assert points.shape == (4, 68, 2)
    assert (points == (np.arange(136) + 0.5).reshape(68, 2)).all()


def test_landmarks_are_those_of_the_pictures_own_row(tmp_path):
    make_affectnet(tmp_path)
    table = tmp_path / LISTS / "training.csv"
    row = "17/0a2b.JPG,20,-3,200,210,"
    table.write_text(table.read_text().replace(f"{row}0.5;", f"{row}99;"))
    clips = {clip.name: clip for clip in read_affectnet(tmp_path, "off")}
    changed, other = affectnet.read_landmarks([clips["17/0a2b.JPG"], clips["17/0a1b.jpg"]])
    assert changed[0].tolist() == [99, 1.5]
    assert other[0].tolist() == [0.5, 1.5]
    table.write_text("\n".join(table.read_text().splitlines()[:2]))
    with pytest.raises(ValueError, match=r"no landmarks of 1 pictures \(first: 17/0a2b\.JPG\)"):
        affectnet.read_landmarks([clips["17/0a2b.JPG"]])

"""Any folder or table is described: what it seems to be, and what can be done with it."""

from itertools import product

import face_trees
import pytest
from data_trees import make_folder, picture, text

from ferkit.data import check_dataset
from ferkit.workbook.describe import describe, report_lines


@pytest.fixture(autouse=True)
def _without_surroundings(monkeypatch):
    for name in ("FERKIT_DATA", "FERKIT_DATA_OPTIONS"):
        monkeypatch.delenv(name, raising=False)


def report(path) -> str:
    return "\n".join(report_lines(describe(path)))


@pytest.mark.parametrize("name", face_trees.TREES)
def test_each_made_up_copy_is_known_and_checked(name, tmp_path):
    face_trees.TREES[name](tmp_path)
    found = describe(tmp_path)
    assert found.name == name
    assert len({clip.person for clip in found.clips}) >= face_trees.PEOPLE
    observed = check_dataset(name, tmp_path).counts.set_index("what")["observed"]
    assert observed["clips"] == len(found.clips)


def test_what_a_copy_has_lost_is_said(tmp_path):
    for number in (15, 16, 17):
        picture(tmp_path / "my CK" / "anger" / f"S010_004_{number:08d}.png")
    said = report(tmp_path / "my CK")
    assert "looks like `ckplus48`: CK+48" in said
    assert "clips:        3, of which 0 have more than one frame" in said
    assert "people:       1" in said
    assert "missing:      the first, neutral frames" in said
    assert "notebooks:    01, 02, 04, 07, 08" in said
    assert "not 05:     not every clip is a sequence from neutral to the expression" in said
    assert f"ferkit run 02 --dataset ckplus48 --data-root '{tmp_path / 'my CK'}'" in said


def test_own_pictures_are_judged_by_what_they_have(tmp_path):
    make_folder(tmp_path)
    said = report(tmp_path)
    assert "looks like `folder`" in said
    assert "missing:" not in said
    assert "notebooks:    01, 02, 08" in said
    assert "not 04:     it has 4 classes, 6 are needed" in said


def test_people_in_names_are_found_where_asked(tmp_path, monkeypatch):
    for name in ("happy/anna_1.jpg", "sad/anna_2.jpg", "happy/ben_1.jpg", "sad/ben_2.jpg"):
        picture(tmp_path / name)
    said = report(tmp_path)
    assert "people:       0; 4 clips do not say who it is" in said
    assert "remark:       folder: no folder is a person" in said
    assert "--people-from" in said
    assert "notebooks:    01\n" in said
    monkeypatch.setenv("FERKIT_DATA_OPTIONS", "folder.people_from=^([a-z]+)_")
    said = report(tmp_path)
    assert "people:       2\n" in said
    place = f"--data-root {tmp_path} --data-option 'people_from=^([a-z]+)_'"
    assert f"ferkit run 02 --dataset folder {place}" in said


@pytest.mark.parametrize("count", [1, 4])
def test_a_table_is_described_with_its_sequences(tmp_path, count):
    emotions = "anger disgust fear happiness sadness surprise".split()
    rows = ["path,person,emotion,sequence,frame"]
    for emotion, who in product(emotions, ("anna", "ben", "cem")):
        for frame in range(count):
            name = f"{who}-{emotion}-{frame}.png"
            picture(tmp_path / name)
            rows.append(f"{name},{who},{emotion},{emotion},{frame}")
    table = text(tmp_path / "list.csv", "\n".join(rows) + "\n")
    said = report(table)
    assert f"clips:        18, of which {18 * (count > 1)} have more than one frame" in said
    assert ("05, 06" in said) == (count > 1)
    table.write_text(table.read_text().replace(",anger,", ",neutral,"))
    assert "05, 06" not in report(table)  # a sequence that shows no expression


def test_a_table_of_pixels_is_fer2013(tmp_path):
    pixels = " ".join(["7"] * 48**2)
    rows = "".join(f"{code},{pixels}\n" for code in range(7))
    found = describe(text(tmp_path / "faces.csv", "emotion,pixels\n" + rows))
    assert (found.name, len(found.clips)) == ("fer2013", 7)
    assert any("own, noisy ones" in remark for remark in found.remarks)


def test_what_cannot_be_read_says_why(tmp_path):
    with pytest.raises(FileNotFoundError, match="no folder or table"):
        describe(tmp_path / "gone")
    with pytest.raises(ValueError, match="`ferkit predict` reads single pictures"):
        describe(picture(tmp_path / "one.jpg"))
    with pytest.raises(ValueError, match=r"as folder: no pictures of your own.*ferkit predict "):
        describe(tmp_path)
    lost = text(tmp_path / "lost.csv", "path,person,emotion\nimg/1.jpg,anna,happy\n")
    with pytest.raises(ValueError, match=r"skipped 1 file \(not found\): .*img/1\.jpg"):
        describe(lost)

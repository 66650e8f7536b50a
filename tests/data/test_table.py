"""Tables in every form that people save them in."""

import os
import unicodedata

import pytest

from ferkit.data.table import named_file, read_rows, read_table

TEXT = "path,person\na.png,Zoë\nb.png,Ann\n"
ROWS = [(2, {"path": "a.png", "person": "Zoë"}), (3, {"path": "b.png", "person": "Ann"})]


def saved(folder, text, encoding="utf-8"):
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_usual_forms_give_the_same_rows(tmp_path, encoding, newline, separator):
    text = TEXT.replace("\n", newline).replace(",", separator)
    assert read_table(saved(tmp_path, text, encoding)).rows == ROWS


def test_windows_1252_is_read_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match=r"table\.csv is not in UTF-8 and was read as Windows"):
        assert read_table(saved(tmp_path, TEXT, "cp1252")).rows == ROWS


def test_a_separator_line_and_row_numbers_are_left_out(tmp_path):
    text = "sep=|\n|path|person\n0|a.png|Zoë\n1|b.png|Ann\n"
    table = read_table(saved(tmp_path, text))
    assert table.columns == ("path", "person")
    assert table.rows == [(3, ROWS[0][1]), (4, ROWS[1][1])]


def test_cells_may_hold_line_separators_and_be_long(tmp_path):
    long = "x" * 200_000
    text = f'path,note\na.png,"one\ntwo\u2028three\x0bfour"\nb.png,{long}\n'
    first, second = read_table(saved(tmp_path, text)).rows
    assert first == (3, {"path": "a.png", "note": "one\ntwo\u2028three\x0bfour"})
    assert second == (4, {"path": "b.png", "note": long})


def test_short_rows_and_surplus_separators_are_filled_and_dropped(tmp_path):
    path = saved(tmp_path, "path,person\na.png\n,\nb.png,Ann,,\n")
    with pytest.warns(UserWarning, match="columns in 1 of its rows, first in line 2; missing"):
        assert [cells["person"] for _, cells in read_table(path).rows] == ["", "Ann"]


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"path,Emotion,emotion \na,joy,fear\n", "has two columns emotion; rename or delete"),
        (b"path\na,b\n", "line 2 has more cells than the first line"),
        (b'path\n"a\nb\n', "line 3: unexpected end of data"),
        (b"PK\x03\x04\x00\x01", "is not a text file"),
        (b"path\n\x81\n", "is not a text file"),
        (b"", "has no column path"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, fault):
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=rf"table\.csv.* {fault}|table\.csv {fault}"):
        read_table(path, ("path",))


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_special_files_are_refused_at_once(tmp_path, make):
    make(tmp_path / "table.csv")
    with pytest.raises(FileNotFoundError, match="not an ordinary file"):
        list(read_rows(tmp_path / "table.csv"))


def test_files_are_found_under_other_spellings(tmp_path):
    composed, decomposed = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    (tmp_path / composed).mkdir()
    picture = tmp_path / composed / f"{decomposed}.png"
    picture.touch()
    table = tmp_path / "table.csv"
    for first in (composed, decomposed):
        for second in (composed, decomposed):
            assert named_file(table, rf"{first}\{second}.png").samefile(picture)
    assert named_file(table, str(picture)) == picture
    assert named_file(table, "gone.png") == tmp_path / "gone.png"


def test_a_backslash_may_belong_to_a_name(tmp_path):
    (tmp_path / r"a\b.png").touch()
    assert named_file(tmp_path / "table.csv", r"a\b.png") == tmp_path / r"a\b.png"

"""Anybody's own pictures, from folders and from tables."""

import warnings
from collections import Counter

import pytest
from data_trees import lock, make_folder, picture

from ferkit.data.folder import WORDS, emotion_of, read_folder
from ferkit.labels import EMOTIONS


@pytest.fixture(autouse=True)
def _without_data_root(monkeypatch):
    monkeypatch.delenv("FERKIT_DATA", raising=False)


def table(folder, text, encoding="utf-8", names=("a1", "a2", "b1", "b2")):
    """A table beside the pictures it may name."""
    for name in names:
        picture(folder / "pics" / f"{name}.jpg")
    path = folder / "table.csv"
    path.write_bytes(text.encode(encoding))
    return path


def test_every_word_means_an_emotion():
    assert set(WORDS.values()) == set(EMOTIONS)
    assert all(emotion_of(emotion) == emotion for emotion in EMOTIONS)
    assert [emotion_of(word) for word in ("Happy", " SAD ", "angry")] == ["happiness", "sadness", "anger"]


def test_folders_are_people_and_emotions(tmp_path):
    make_folder(tmp_path)
    clips = read_folder(tmp_path)
    assert [clip.name for clip in clips] == [
        "anna/Neutral/1.png",
        "anna/happy/2.JPG",
        "anna/happy/10.jpg",
        "ben/angry/1.jpeg",
        "ben/sadness/1.jpeg",
    ]
    assert Counter(clip.person for clip in clips) == {"anna": 3, "ben": 2}
    assert [clip.emotion for clip in clips] == ["neutral", "happiness", "happiness", "anger", "sadness"]


def test_unknown_emotion_names_the_file(tmp_path):
    make_folder(tmp_path)
    picture(tmp_path / "ben" / "bored" / "1.jpg")
    with pytest.raises(ValueError, match=r"ben.bored.1\.jpg: unknown emotion 'bored'; known: neutral, anger"):
        read_folder(tmp_path)


def test_swapped_levels_are_explained(tmp_path):
    picture(tmp_path / "happy" / "anna" / "1.jpg")
    with pytest.raises(ValueError, match="unknown emotion 'anna'.*the order is person/emotion, not emotion/person"):
        read_folder(tmp_path)


def test_stray_pictures_are_reported(tmp_path):
    make_folder(tmp_path)
    for place in ("top.jpg", "ben/side.jpg", "ben/angry/film/deep.jpg"):
        picture(tmp_path / place)
    with pytest.warns(UserWarning, match=r"3 picture\(s\) skipped.*top\.jpg.*side\.jpg.*deep\.jpg"):
        assert len(read_folder(tmp_path)) == 5


def test_people_with_one_picture_are_listed(tmp_path):
    make_folder(tmp_path)
    picture(tmp_path / "carl" / "fear" / "1.png")
    with pytest.warns(UserWarning, match=r"1 person\(s\) with one picture: carl;"):
        assert len(read_folder(tmp_path, "strict")) == 6
    assert len(read_folder(tmp_path, "off")) == 6


def test_an_empty_picture_is_skipped(tmp_path):
    make_folder(tmp_path)
    (tmp_path / "anna" / "happy" / "2.JPG").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"zero bytes\): .*2\.JPG"):
        assert len(read_folder(tmp_path)) == 4


@pytest.mark.parametrize(("locked", "left"), [("anna/happy", 3), ("anna", 2), ("ben/angry/film", 5)])
def test_a_folder_that_may_not_be_read_is_left_out_and_said(tmp_path, monkeypatch, locked, left):
    make_folder(tmp_path)
    picture(tmp_path / "ben" / "angry" / "film" / "deep.jpg")
    lock(monkeypatch, tmp_path / locked)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        clips = read_folder(tmp_path)
    assert len(clips) == left
    assert not [clip.name for clip in clips if clip.name.startswith(locked)]
    about = [str(one.message) for one in said if "may not be read" in str(one.message)]
    assert about == [f"left out: {tmp_path / locked} may not be read"]
    with pytest.raises(ValueError, match=f"{locked} may not be read"):
        read_folder(tmp_path, "strict")


def test_pictures_of_a_table_that_may_not_be_looked_at_are_left_out(tmp_path, monkeypatch):
    path = table(tmp_path, HEADER + "pics/a1.jpg,anna,anger\nlocked/b.jpg,anna,fear\npics/a2.jpg,anna,fear\n")
    picture(tmp_path / "locked" / "b.jpg")
    lock(monkeypatch, tmp_path / "locked")
    with pytest.warns(UserWarning, match=r"1 file\(s\) skipped, they lie in a folder that may not be read: .*b\.jpg"):
        clips = read_folder(path)
    assert [clip.name for clip in clips] == ["pics/a1.jpg", "pics/a2.jpg"]


@pytest.mark.parametrize("place", ["", "nothing/here", "anna/happy"])
def test_an_empty_folder_says_what_was_looked_for(tmp_path, place):
    (tmp_path / "root" / place).mkdir(parents=True)
    with pytest.raises(
        FileNotFoundError, match=r"person/emotion/\*\.jpg .* or a CSV table with the columns path, person"
    ):
        read_folder(tmp_path / "root")


HEADER = "path,person,emotion\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tables_are_read_as_they_come(tmp_path, encoding, separator, newline):
    lines = ["Path, Person,emotion,Camera", "pics/a1.jpg, Zoë ,Happy,front", r"pics\a2.jpg,Zoë,neutral,side", ""]
    path = table(tmp_path, newline.join(lines).replace(",", separator), encoding)
    clips = read_folder(path)
    assert [(clip.person, clip.emotion, clip.name) for clip in clips] == [
        ("Zoë", "happiness", "pics/a1.jpg"),
        ("Zoë", "neutral", "pics/a2.jpg"),
    ]
    assert [clip.frames for clip in clips] == [(tmp_path / "pics" / "a1.jpg",), (tmp_path / "pics" / "a2.jpg",)]
    assert clips[1].extra == {"camera": "side"}


def test_sequences_are_put_in_order(tmp_path):
    text = (
        "path,person,emotion,sequence,frame\n"
        "pics/a1.jpg,anna,joy,s1,20\n"
        "pics/a2.jpg,anna,happy,s1,3\n"
        "pics/b1.jpg,ben,fear,s1,\n"
        "pics/b2.jpg,ben,fear,,\n"
        "pics/b10.jpg,ben,fear,s1,\n"
    )
    anna, ben, still = read_folder(table(tmp_path, text, names=("a1", "a2", "b1", "b2", "b10")))
    assert (anna.name, anna.sequence, anna.emotion) == ("anna/s1", "s1", "happiness")
    assert [path.name for path in anna.frames] == ["a2.jpg", "a1.jpg"]
    assert [path.name for path in ben.frames] == ["b1.jpg", "b10.jpg"]
    assert (still.name, still.sequence) == ("pics/b2.jpg", None)


def test_absolute_paths_stay(tmp_path):
    far = [picture(tmp_path / "far" / f"{i}.png") for i in range(2)]
    (tmp_path / "here").mkdir()
    path = table(tmp_path / "here", HEADER + "".join(f"{picture},anna,fear\n" for picture in far))
    assert [clip.frames for clip in read_folder(path)] == [(far[0],), (far[1],)]


def test_missing_pictures_are_reported(tmp_path):
    rows = "pics/a1.jpg,anna,fear\npics/a2.jpg,anna,fear\npics/gone.jpg,anna,fear\n"
    path = table(tmp_path, HEADER + rows)
    with pytest.warns(UserWarning, match=r"do not exist: .*gone\.jpg"):
        assert len(read_folder(path)) == 2
    with pytest.raises(ValueError, match=r"gone\.jpg"):
        read_folder(path, verify="strict")
    path.write_text(HEADER + "pics/gone.jpg,anna,fear\n")
    with (
        pytest.warns(UserWarning, match=r"gone\.jpg"),
        pytest.raises(FileNotFoundError, match="Expected pictures as"),
    ):
        read_folder(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"table\.csv has no column path, person, emotion; .* found none"),
        ("path,who,emotion\n", r"has no column person; expected path, person, emotion, found path, who, emotion"),
        (HEADER + "pics/a1.jpg,anna,fear\npics/a2.jpg,anna,joyy\n", r"line 3 \(pics/a2\.jpg\): unknown emotion 'joyy'"),
        (HEADER + "pics/a1.jpg,,fear\n", "line 2: person is empty"),
        (HEADER + "pics/a1.jpg,anna\n", "line 2: emotion is empty"),
        (HEADER + "pics/a1.jpg,anna,fear,x\n", "line 2 has more cells than the first line has columns"),
        (HEADER + "pics/a1.jpg,anna,fear\n\npics/a1.jpg,anna,fear\n", r"line 4: pics/a1\.jpg is already in line 2"),
        ("path,person,emotion,frame\npics/a1.jpg,anna,fear,one\n", "line 2: frame 'one' is not a whole number"),
        (
            "path,person,emotion,sequence\npics/a1.jpg,anna,fear,s\npics/a2.jpg,anna,joy,s\n",
            "line 3: sequence 's' of anna is happiness, but fear in line 2",
        ),
        (
            "path,person,emotion,sequence,frame\npics/a1.jpg,anna,fear,s,1\npics/a2.jpg,anna,fear,s,1\n",
            r"sequence 's' of anna \(lines 2, 3\) needs a different frame number",
        ),
    ],
)
def test_bad_tables_are_refused(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        read_folder(table(tmp_path, text))


def test_tables_in_another_encoding_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"table\.csv is not a text file in UTF-8"):
        read_folder(table(tmp_path, HEADER + "pics/a1.jpg,Zoë,fear\n", "latin-1"))

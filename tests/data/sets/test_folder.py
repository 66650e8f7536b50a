"""Anybody's own pictures, from folders and from tables."""

import re
import warnings
from collections import Counter

import pytest
from data_trees import lock, make_folder, picture

from ferkit.core.labels import EMOTIONS
from ferkit.data.folds import fold_held_out, folds_ascending
from ferkit.data.sets.folder import EMOTION_WORDS, emotion_of, names_person, read_folder


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
    assert set(EMOTION_WORDS.values()) == set(EMOTIONS)
    assert all(emotion_of(emotion) == emotion for emotion in EMOTIONS)
    assert [emotion_of(word) for word in ("Happy", " SAD ", "angry")] == [
        "happiness",
        "sadness",
        "anger",
    ]


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
    assert [clip.emotion for clip in clips] == [
        "neutral",
        "happiness",
        "happiness",
        "anger",
        "sadness",
    ]


def test_unknown_emotion_names_the_file(tmp_path):
    make_folder(tmp_path)
    picture(tmp_path / "ben" / "bored" / "1.jpg")
    with pytest.raises(
        ValueError, match=r"ben.bored.1\.jpg: unknown emotion 'bored'; known: neutral, anger"
    ):
        read_folder(tmp_path)


def test_swapped_levels_are_explained(tmp_path):
    picture(tmp_path / "happy" / "anna" / "1.jpg")
    with pytest.raises(
        ValueError, match="unknown emotion 'anna'.*the order is person/emotion, not emotion/person"
    ):
        read_folder(tmp_path)


def test_stray_pictures_are_reported(tmp_path):
    make_folder(tmp_path)
    for place in ("top.jpg", "ben/side.jpg", "ben/angry/film/deep.jpg"):
        picture(tmp_path / place)
    with pytest.warns(
        UserWarning,
        match=r"skipped 3 pictures outside person/emotion/: .*top\.jpg.*side\.jpg.*deep\.jpg",
    ):
        assert len(read_folder(tmp_path)) == 5


def test_videos_are_read_and_other_files_are_counted(tmp_path):
    make_folder(tmp_path)
    for name in ("notes.txt", "ben/a.heif.bak", "ben/angry/deep/b.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "ben" / "angry" / "c.webm").write_bytes(b"not opened here")
    with pytest.warns(UserWarning, match=r"folder: passed over 3 files: 2 \.txt, 1 \.bak"):
        clips = read_folder(tmp_path, "off")
    assert "ben/angry/c.webm" in [clip.name for clip in clips]


@pytest.mark.parametrize(
    "level", ["train", "Test", "PrivateTest", "val_2", "CK+48", "FER2013Train"]
)
def test_splits_and_data_sets_are_not_people(tmp_path, level):
    make_folder(tmp_path)
    picture(tmp_path / level / "fear" / "1.png")
    with pytest.warns(UserWarning, match="is not a person but a split or a data set, so people"):
        clips = read_folder(tmp_path, "off")
    assert [clip.name for clip in clips if not clip.person_known] == [f"{level}/fear/1.png"]
    with pytest.raises(ValueError, match=r"1 clip without a person: .*/1\.png; .* in a table"):
        folds_ascending(clips, 2)
    with pytest.raises(ValueError, match="folds and residuals need to know who is in each"):
        fold_held_out(clips, [("folder", "anna")], "held out")


@pytest.mark.parametrize("level", ["anna", "S01", "1", "Valerie", "Christest", "p01_train"])
def test_people_may_have_any_other_name(level):
    assert names_person(level)


@pytest.mark.parametrize("spelling", ["ANNA", "an na", "\uff41nna"])
def test_people_of_nearly_one_name_are_named(tmp_path, spelling):
    make_folder(tmp_path)
    for name in "12":
        picture(tmp_path / spelling / "fear" / f"{name}.png")
    with pytest.warns(UserWarning, match="nearly the same: .*anna.*; if they are one person"):
        read_folder(tmp_path, "off")


def test_people_with_one_picture_are_listed(tmp_path):
    make_folder(tmp_path)
    picture(tmp_path / "carl" / "fear" / "1.png")
    with pytest.warns(UserWarning, match=r"1 person with one picture: carl;"):
        assert len(read_folder(tmp_path, "strict")) == 6
    assert len(read_folder(tmp_path, "off")) == 6


def test_an_empty_picture_is_skipped(tmp_path):
    make_folder(tmp_path)
    (tmp_path / "anna" / "happy" / "2.JPG").write_bytes(b"")
    with pytest.warns(UserWarning, match=r"zero bytes\): .*2\.JPG"):
        assert len(read_folder(tmp_path)) == 4


@pytest.mark.parametrize(
    ("locked", "left"), [("anna/happy", 3), ("anna", 2), ("ben/angry/film", 5)]
)
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
    path = table(
        tmp_path, HEADER + "pics/a1.jpg,anna,anger\nlocked/b.jpg,anna,fear\npics/a2.jpg,anna,fear\n"
    )
    picture(tmp_path / "locked" / "b.jpg")
    lock(monkeypatch, tmp_path / "locked")
    with pytest.warns(
        UserWarning,
        match=r"skipped 1 file \(in a folder that may not be read\): .*b\.jpg",
    ):
        clips = read_folder(path)
    assert [clip.name for clip in clips] == ["pics/a1.jpg", "pics/a2.jpg"]


@pytest.mark.parametrize("place", ["", "nothing/here", "anna/happy"])
def test_an_empty_folder_says_what_was_looked_for(tmp_path, place):
    (tmp_path / "root" / place).mkdir(parents=True)
    with pytest.raises(
        FileNotFoundError,
        match=r"person/emotion/\*\.jpg .* or a CSV table with the columns path, person",
    ):
        read_folder(tmp_path / "root")


HEADER = "path,person,emotion\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_tables_are_read_as_they_come(tmp_path, encoding, separator, newline):
    lines = [
        "Path, Person,emotion,Camera",
        "pics/a1.jpg, Zoë ,Happy,front",
        r"pics\a2.jpg,Zoë,neutral,side",
        "",
    ]
    path = table(tmp_path, newline.join(lines).replace(",", separator), encoding)
    clips = read_folder(path)
    assert [(clip.person, clip.emotion, clip.name) for clip in clips] == [
        ("Zoë", "happiness", "pics/a1.jpg"),
        ("Zoë", "neutral", "pics/a2.jpg"),
    ]
    assert [clip.frames for clip in clips] == [
        (tmp_path / "pics" / "a1.jpg",),
        (tmp_path / "pics" / "a2.jpg",),
    ]
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
    with pytest.warns(UserWarning, match=r"\(not found\): .*gone\.jpg"):
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
        (
            "path,who,emotion\n",
            r"has no column person; expected path, person, emotion, found path, who, emotion",
        ),
        (
            HEADER + "pics/a1.jpg,anna,fear\npics/a2.jpg,anna,joyy\n",
            r"line 3 \(pics/a2\.jpg\): unknown emotion 'joyy'",
        ),
        (HEADER + "pics/a1.jpg,,fear\n", "line 2: person is empty"),
        (HEADER + "pics/a1.jpg,anna,\n", "line 2: emotion is empty"),
        (
            HEADER + "pics/a1.jpg,anna,fear,x\n",
            "line 2 has more cells than the first line has columns",
        ),
        (
            HEADER + "pics/a1.jpg,anna,fear\n\npics/a1.jpg,anna,fear\n",
            r"line 4: pics/a1\.jpg is already in line 2",
        ),
        (
            HEADER + "pics/a1.jpg,anna,fear\n./pics/a1.jpg,anna,fear\n",
            r"line 3: \./pics/a1\.jpg is already in line 2",
        ),
        (
            "path,person,emotion,sequence\npics/a1.jpg,anna,fear,s\npics/a1.jpg,ben,fear,t\n",
            r"line 3: pics/a1\.jpg is in line 2 too, of anna and not of ben; a picture shows one",
        ),
        (
            "path,person,emotion,frame\npics/a1.jpg,anna,fear,one\n",
            "line 2: frame 'one' is not a whole number",
        ),
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


# Folders without people


def test_folders_of_emotions_are_read_with_people_unknown(tmp_path):
    for name in ("happy/1.jpg", "Sad/2.jpg"):
        picture(tmp_path / name)
    with pytest.warns(UserWarning, match=r"no folder is a person, so people .* --people-from"):
        clips = read_folder(tmp_path, "off")
    assert [(clip.emotion, clip.person_known) for clip in clips] == [
        ("sadness", False),
        ("happiness", False),
    ]


def test_a_split_above_the_emotions_is_kept(tmp_path):
    for name in ("data/train/happy/1.jpg", "data/valid/sad/2.jpg", "data/test/ben/sad/2.jpg"):
        picture(tmp_path / name)
    with pytest.warns(UserWarning, match="train, valid is not a person but a split"):
        clips = read_folder(tmp_path, "off")
    assert {clip.name: clip.split for clip in clips} == {
        "data/train/happy/1.jpg": "train",
        "data/valid/sad/2.jpg": "val",
        "data/test/ben/sad/2.jpg": "test",
    }
    assert [clip.person for clip in clips if clip.person_known] == ["ben"]


@pytest.mark.parametrize("pattern", ["^[a-z]+", "^([a-z]+)_[0-9]"])
def test_people_are_found_in_the_names_of_files(tmp_path, pattern):
    for name in ("happy/anna_1.jpg", "train/sad/anna_2.jpg", "sad/ben_1.jpg", "sad/07.jpg"):
        picture(tmp_path / name)
    with pytest.warns(UserWarning, match=r"skipped 1 person not found by people_from: sad/07\.jpg"):
        clips = read_folder(tmp_path, "off", people_from=re.compile(pattern))
    assert {clip.name: clip.person for clip in clips} == {
        "happy/anna_1.jpg": "anna",
        "train/sad/anna_2.jpg": "anna",
        "sad/ben_1.jpg": "ben",
        "sad/07.jpg": "sad/07.jpg",
    }


def test_a_table_names_its_people_itself(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text("path,person,emotion\n")
    with pytest.raises(ValueError, match="is a table, .*leave out --people-from"):
        read_folder(table, "off", people_from=re.compile(r"\d+"))


def test_a_link_to_the_folder_above_ends(tmp_path):
    make_folder(tmp_path)
    (tmp_path / "anna" / "again").symlink_to(tmp_path)
    assert len(read_folder(tmp_path, "off")) == 5


def test_links_to_each_other_end(tmp_path):
    make_folder(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    (tmp_path / "one" / "link").symlink_to(tmp_path / "two")
    (tmp_path / "two" / "link").symlink_to(tmp_path / "one")
    assert len(read_folder(tmp_path, "off")) == 5

"""Counts beside the published ones, per emotion, split and person."""

from pathlib import Path

import pytest

from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, describe_people, emotion_table, person_table

ROWS = (  # person, emotion, split; None: nobody knows who it is
    ("anna", "anger", "train"),
    ("anna", "fear", "train"),
    ("ben", "fear", "test"),
    (None, "fear", "test"),
)
CLIPS = [
    Clip("toy", person or str(i), str(i), emotion, (Path(f"{i}.png"),), split=split)
    for i, (person, emotion, split) in enumerate(ROWS)
]


def test_emotions_stand_beside_the_published_numbers_in_each_split():
    expected = Expected(emotions={"fear": 3}, counts={"train fear": 2, "clips": 5, "test anger": 0})
    table = emotion_table(CLIPS, expected)
    assert list(table.index) == ["anger", "fear", "clips"]
    assert table.loc["fear"].to_dict() == {"train": "1 of 2", "test": "2", "all": "3 of 3"}
    assert table.loc["anger", "test"] == "0 of 0"
    assert table.loc["clips", "all"] == "4 of 5"


def test_without_splits_and_published_numbers_there_are_plain_counts():
    table = emotion_table([clip for clip in CLIPS if clip.split == "train"])
    assert list(table) == ["train", "all"]
    assert table.loc["clips", "all"] == "2"


def test_people_are_counted_and_nobody_else():
    table = person_table(CLIPS, Expected(per_person={"anna": 2, "ben": 3, "cem": 1}))
    assert table.loc["anna"].to_dict() == {"clips": 2, "published": 2, "anger": 1, "fear": 1}
    assert table.loc["cem", ["clips", "published"]].tolist() == [0, 1]
    assert list(table.index) == ["anna", "ben", "cem"]
    assert person_table(CLIPS[3:]).empty


@pytest.mark.parametrize(
    ("published", "words"),
    [
        (None, "numbers per person are not published"),
        (1, "all as published"),
        (2, "40 differ:"),
    ],
)
def test_many_people_are_described_by_who_differs(published, words):
    clips = [Clip("toy", f"p{i}", f"p{i}/1", "fear", (Path("a.png"),)) for i in range(40)]
    numbers = {f"p{i}": published for i in range(40)} if published else {}
    text = describe_people(person_table(clips, Expected(per_person=numbers)))
    assert text.startswith("40 people with 1 to 1 clips each")
    assert words in text
    assert ("p17" in text) == (published == 2)

"""Paper 5's folds, held-out pictures and pairs on the counted names of the data sets."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from made_clips import ckplus_sequences, photographs

from ferkit.data import votes
from ferkit.data.clip import Clip
from ferkit.data.sets import fer2013
from ferkit.data.sets.lfw import Pair
from ferkit.papers.tfe.data import ferplus_folds, tfe_folds
from ferkit.papers.tfe.identity import hold_out_pictures
from ferkit.papers.tfe.verification import lfw_pairs


def test_tfe_counts():
    tested = Counter(clip.emotion for fold in tfe_folds(ckplus_sequences()) for clip in fold.test)
    assert sum(tested.values()) == 1308
    assert tested == dict(
        neutral=327,
        anger=135,
        contempt=54,
        disgust=177,
        fear=75,
        happiness=207,
        sadness=84,
        surprise=249,
    )


def test_ferplus_is_split_as_its_provider_does():
    """Sizes of the three parts from the published votes, tallied by the counts of the reader."""
    expected = fer2013.EXPECTED["ferplus"].counts
    clips = [
        clip
        for split in ("train", "val", "test")
        for clip in photographs(
            "fer2013", {e: expected[f"{split} {e}"] for e in votes.EMOTION_COLUMNS}, split
        )
    ]
    (fold,) = ferplus_folds(clips)
    assert (len(fold.train), len(fold.val), len(fold.test)) == (25_060, 3_199, 3_153)
    assert {clip.split for clip in fold.val} == {"val"}
    with pytest.raises(ValueError, match="no clip is in test; check that the copy is complete"):
        ferplus_folds(fold.train + fold.val)
    with pytest.raises(
        ValueError, match="needs a split of train, val, test; jaffe-fear-0 has None"
    ):
        ferplus_folds(photographs("jaffe", {"fear": 1}))


def test_one_picture_of_each_person_validates():
    counts = {"a": 1, "b": 2, "c": 30}
    clips = [
        Clip("casia", who, f"{who}/{i}", "", (Path(f"{who}{i}.jpg"),))
        for who, n in counts.items()
        for i in range(n)
    ]
    train, val = hold_out_pictures(clips, seed=1)
    assert [clip.person for clip in val] == ["b", "c"]
    assert sorted(clip.name for clip in train + val) == sorted(clip.name for clip in clips)
    assert {clip.person for clip in train} == set(
        counts
    )  # nobody is validated who was never learnt
    assert hold_out_pictures(clips[::-1], seed=1)[1] == val[::-1]
    drawn = {hold_out_pictures(clips, seed=seed)[1][1].name for seed in range(40)}
    assert len(drawn) > 10  # any of the thirty


def test_pairs_are_places_among_the_clips_in_ten_folds():
    clips = [Clip("lfw", f"p{i // 4}", f"n{i}", "", (Path(f"{i}.jpg"),)) for i in range(8)]
    pairs = [
        Pair(
            f"n{i % 4}",
            f"n{(i + 1) % 4 if i % 600 < 300 else 4 + i % 4}",
            i % 600 < 300,
            i // 600 + 1,
        )
        for i in range(6000)
    ]
    shuffled = clips[::-1]
    found = lfw_pairs(pairs, shuffled)
    assert [shuffled[i].name for i in found.first] == [pair.first for pair in pairs]
    assert [shuffled[i].name for i in found.second] == [pair.second for pair in pairs]
    people = np.array([clip.person for clip in shuffled])
    assert np.array_equal(people[found.first] == people[found.second], found.same)
    assert np.bincount(found.fold).tolist() == [600] * 10
    assert np.bincount(found.fold[found.same]).tolist() == [300] * 10
    with pytest.raises(ValueError, match=r"pairs in several folds.*got one fold"):
        lfw_pairs(pairs[:600], clips)
    with pytest.raises(ValueError, match=r"1 picture of the pairs not among the clips: n7"):
        lfw_pairs(pairs, clips[:7])

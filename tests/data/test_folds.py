"""Folds: nobody in two parts, everybody tested once, the same anywhere."""

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferkit.data.clip import Clip
from ferkit.data.folds import (
    Fold,
    fold_hash,
    folds_ascending,
    folds_random,
    image_folds_leaky,
    people,
)


def clips_of(counts, dataset="set"):
    """`counts[i]` clips of person i, alternating anger and fear."""
    return [
        Clip(dataset, f"S{i:03}", f"S{i:03}_{j}", ("anger", "fear")[j % 2], (Path(f"{i}_{j}.png"),))
        for i, count in enumerate(counts)
        for j in range(count)
    ]


CLIPS = clips_of([3, 1, 2, 2, 4, 1, 2])

builders = st.sampled_from(
    [
        lambda clips, k, seed, val: folds_ascending(clips, k, val_people=val, seed=seed),
        lambda clips, k, seed, val: folds_random(clips, k, seed, val_people=val),
    ]
)


@given(
    st.data(),
    st.lists(st.integers(1, 4), min_size=3, max_size=25),
    builders,
    st.integers(0, 99),
    st.randoms(),
)
def test_folds_by_person(data, counts, build, seed, shuffler):
    k = data.draw(st.integers(2, len(counts)))
    val = data.draw(st.integers(0, 1 if len(counts) > 3 and k > 2 else 0))
    clips = clips_of(counts)
    folds = build(clips, k, seed, val)
    tested = [clip.name for fold in folds for clip in fold.test]
    assert sorted(tested) == sorted(clip.name for clip in clips)
    for fold in folds:  # `Fold` itself refuses shared people
        assert sorted(clip.name for clip in fold.train + fold.val + fold.test) == sorted(
            clip.name for clip in clips
        )
        assert len(people(fold.val)) == val
        assert fold.train
    sizes = [len(people(fold.test)) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    shuffled = shuffler.sample(clips, len(clips))
    assert fold_hash(build(shuffled, k, seed, val)) == fold_hash(folds)


@given(st.integers(2, 12), st.integers(12, 40))
def test_ascending_folds_take_every_kth_id(k, count):
    ids = [f"S{i:03}" for i in range(count)]
    for i, fold in enumerate(folds_ascending(clips_of([1] * count), k)):
        assert [clip.person for clip in fold.test] == ids[i::k]


def test_ids_ascend_by_number():
    clips = [
        Clip("set", person, person, "anger", (Path("a"),))
        for person in ("10", "9", "s2", "s10", "1")
    ]
    assert [who for _, who in people(clips)] == ["1", "9", "10", "s2", "s10"]


def test_seeds_decide():
    assert fold_hash(folds_random(CLIPS, 3, 0)) == fold_hash(folds_random(CLIPS, 3, np.int64(0)))
    assert len({fold_hash(folds_random(CLIPS, 3, seed)) for seed in range(5)}) > 1
    validated = {
        tuple(people(folds_ascending(CLIPS, 3, val_people=2, seed=seed)[0].val))
        for seed in range(9)
    }
    assert len(validated) > 1


def test_folds_stay_as_they_are():
    """A change here changes every number that was computed with folds: it needs a reason."""
    folds = folds_random(clips_of([1] * 7), 3, 0, val_people=1)
    assert [[who for _, who in people(fold.test)] for fold in folds] == [
        ["S001", "S002", "S004"],
        ["S005", "S006"],
        ["S000", "S003"],
    ]
    assert [[who for _, who in people(fold.val)] for fold in folds] == [
        ["S006"],
        ["S003"],
        ["S006"],
    ]


def test_a_shared_person_is_refused():
    anna, ben = clips_of([2, 1])[:2], clips_of([2, 1])[2:]
    Fold("1", (anna[0],), (), tuple(ben))
    with pytest.raises(
        ValueError,
        match=r"fold 1: 1 person in both train and test, e\.g\. set S000; build folds with",
    ):
        Fold("1", (anna[0],), (), (anna[1],))
    with pytest.raises(ValueError, match="in both train and val"):
        Fold("1", (anna[0],), (anna[1],), tuple(ben))
    with pytest.raises(ValueError, match="in both val and test"):
        Fold("1", tuple(ben), (anna[0],), (anna[1],))


def test_one_id_in_two_data_sets_is_two_people():
    here, there = clips_of([1])[0], clips_of([1], "other")[0]
    Fold("1", (here,), (), (there,))
    assert people([here, there]) == [("other", "S000"), ("set", "S000")]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: folds_ascending(CLIPS, 8),
            "8 folds need at least 8 people, but these 15 clips show 7",
        ),
        (lambda: folds_random(CLIPS, 1, 0), "the number of folds must be 2 or more, got 1"),
        (lambda: folds_random([], 2, 0), "at least 2 people, but these 0 clips show 0"),
        (
            lambda: folds_ascending(CLIPS, 7, val_people=6),
            "6 people for validation cannot be taken from 6",
        ),
        (lambda: folds_ascending(CLIPS, 7, val_people=-1), "choose 0 to 5"),
        (lambda: image_folds_leaky(CLIPS, 16, 0), r"16 folds cannot be made of 15 clips"),
    ],
)
def test_what_cannot_be_made_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_leaky_folds_leak_and_are_no_folds():
    folds = image_folds_leaky(CLIPS, 5, 0)
    assert np.array_equal(
        np.sort(np.concatenate([test for _, test in folds])), np.arange(len(CLIPS))
    )
    shared = 0
    for train, test in folds:
        assert np.array_equal(np.union1d(train, test), np.arange(len(CLIPS)))
        assert not np.intersect1d(train, test).size
        shared += len({CLIPS[i].person for i in train} & {CLIPS[i].person for i in test})
    assert shared > 0
    assert all(
        np.array_equal(a[1], b[1])
        for a, b in zip(folds, image_folds_leaky(CLIPS, 5, 0), strict=True)
    )


def test_folds_of_many_people_take_no_time():
    clips = [Clip("set", f"p{i}", f"{i}", "fear", (Path("a.png"),)) for i in range(40_000)]
    start = time.process_time()
    folds_ascending(clips, 5)
    # It was minutes when each person built the set of tested ones anew.
    assert time.process_time() - start < 20

"""The papers' protocols on the counted names of the data sets."""

import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ferkit.data import affectnet, ckplus, fer2013, ferplus, jaffe, mefed
from ferkit.data.clips import Clip
from ferkit.data.folds import fold_hash, folds_ascending, people
from ferkit.data.lfw import Pair
from ferkit.data.protocols import (
    PROTOCOLS,
    dtagn,
    emotionaldan,
    i2cnn,
    multimodal,
    stills,
    tfe,
    tfe_ferplus,
    tfe_identities,
    tfe_pairs,
)
from ferkit.labels import BASIC7

# The sequences of a person in the order of their numbers do not say their emotion, but for contempt.
CONTEMPT = (
    "S138_008 S139_002 S147_002 S148_002 S149_002 S151_002 S154_002 S155_002 S156_002 "
    "S157_002 S158_002 S160_006 S502_002 S503_002 S504_002 S505_002 S506_002 S895_002"
).split()


def sequence(name, emotion="anger", frames=6, dataset="ckplus"):
    paths = tuple(Path(f"{name}_{i:08d}.png") for i in range(frames))
    return Clip(dataset, name[:4], name, emotion, paths, sequence=name[5:], peak=frames - 1)


def ck():
    """CK+'s 327 sequences; emotions other than contempt are dealt out so that their totals are right."""
    others = [
        emotion for emotion, count in ckplus.EXPECTED.emotions.items() if emotion != "contempt" for _ in range(count)
    ]
    dealt = iter(others)
    return [sequence(name, "contempt" if name in CONTEMPT else next(dealt)) for name in ckplus.EXPECTED.clips]


def test_dtagn_is_the_published_list():
    """People and sequences of each fold as in the public list; contempt too, which is known by name."""
    folds = dtagn(ck())
    assert [len(people(fold.test)) for fold in folds] == [12] * 8 + [11] * 2
    assert [len(fold.test) for fold in folds] == [33, 39, 40, 35, 30, 37, 29, 29, 33, 22]
    contempt = [sum(clip.emotion == "contempt" for clip in fold.test) for fold in folds]
    assert contempt == [1, 2, 2, 2, 2, 2, 2, 1, 2, 2]
    first = ["S005", "S035", "S054", "S064", "S074", "S084", "S094", "S106", "S116", "S130", "S147", "S501"]
    assert [who for _, who in people(folds[0].test)] == first
    assert not any(fold.val for fold in folds)
    blocks = dtagn(ck(), arrangement="blocks", val_people=5)
    assert [len(people(fold.test)) for fold in blocks] == [12, 12, 11, 12, 12, 12, 12, 11, 12, 12]
    assert [len(people(fold.val)) for fold in blocks] == [5] * 10


def test_dtagn_takes_films_and_refuses_photographs():
    films = [Clip("mmi", f"S{i:03d}", f"S{i:03d}-001", "fear", (Path(f"S{i:03d}-001.avi"),)) for i in range(30)]
    assert [len(people(fold.test)) for fold in dtagn(films)] == [3] * 10
    with pytest.raises(ValueError, match=r"dtagn needs sequences; 2 clip\(s\) are single pictures: a, b"):
        dtagn([Clip("jaffe", "KA", name, "fear", (Path(f"{name}.tiff"),)) for name in "ab"])


def test_i2cnn_counts():
    folds = i2cnn(ck())
    tested = Counter(clip.emotion for fold in folds for clip in fold.test)
    assert tested == dict(neutral=309, anger=135, disgust=177, fear=75, happiness=207, sadness=84, surprise=249)
    assert sum(tested.values()) == 1236
    assert len(people(clip for fold in folds for clip in fold.test)) == 106
    six = Counter(clip.emotion for fold in i2cnn(ck(), classes=6) for clip in fold.test)
    assert sum(six.values()) == 927
    assert six == tested - Counter(neutral=309)
    with pytest.raises(ValueError, match="6 or 7 classes, got 8"):
        i2cnn(ck(), classes=8)


def test_i2cnn_on_jaffe_tests_one_person_in_each_fold():
    clips = [
        Clip("jaffe", name[:2], name, jaffe.CODES[name[3:5]], (Path(f"{name}.tiff"),)) for name in jaffe.EXPECTED.clips
    ]
    folds = i2cnn(clips)
    assert [len(people(fold.test)) for fold in folds] == [1] * 10
    assert sum(len(fold.test) for fold in folds) == 213


def test_tfe_counts():
    tested = Counter(clip.emotion for fold in tfe(ck()) for clip in fold.test)
    assert sum(tested.values()) == 1308
    assert tested == dict(
        neutral=327, anger=135, contempt=54, disgust=177, fear=75, happiness=207, sadness=84, surprise=249
    )


def test_multimodal_keeps_the_last_nine_people():
    clips = [
        Clip("mefed", person, f"{person}_{i}", BASIC7[i % 7], (Path("a.jpg"),), split=split)
        for split in ("train", "val")
        for person in mefed.PEOPLE[split]
        for i in range(250)
    ]
    (fold,) = multimodal(clips, val_people=4)
    assert [who for _, who in people(fold.test)] == ["094", "095", "096", "097", "098", "099", "100", "101", "102"]
    assert len(fold.test) == 2250
    assert (len(people(fold.val)), len(people(fold.train))) == (4, 92 - 9 - 4)
    assert fold_hash([fold]) == fold_hash(multimodal(clips[::-1], val_people=4))
    with pytest.raises(ValueError, match="last 9 people are kept aside, but there are only 1 in all"):
        multimodal(clips[:100])


def test_stills_are_the_first_and_the_last_three():
    neutral, *last = stills([sequence("S005_001", "fear")])
    assert (neutral.emotion, neutral.name, neutral.frames[0].name) == ("neutral", "S005_001/0", "S005_001_00000000.png")
    assert [clip.name for clip in last] == ["S005_001/3", "S005_001/4", "S005_001/5"]
    assert {(clip.emotion, clip.sequence, clip.person) for clip in last} == {("fear", "S005_001", "S005")}
    photograph = Clip("jaffe", "KA", "KA.AN1.39", "anger", (Path("a.tiff"),))
    assert stills([photograph]) == [photograph]
    assert [clip.name for clip in stills([sequence("S005_001")], last=1)] == ["S005_001/0", "S005_001/5"]


def test_stills_of_a_face_that_goes_back_to_neutral_are_around_the_peak():
    whole = sequence("S001_001", "fear", frames=9, dataset="mmi")
    places = {peak: [int(c.name[9:]) for c in stills([replace(whole, peak=peak)])] for peak in (2, 4, 7, 8, None)}
    assert places == {2: [0, 1, 2, 3], 4: [0, 3, 4, 5], 7: [0, 6, 7, 8], 8: [0, 6, 7, 8], None: [0, 6, 7, 8]}


def test_stills_of_speech_promise_no_neutral_face():
    speech = replace(sequence("1001_DFA", "anger", dataset="cremad"), peak=3, extra={"speaks": True})
    assert [(clip.emotion, clip.name) for clip in stills([speech])] == [
        ("anger", f"1001_DFA/{place}") for place in (2, 3, 4)
    ]


def test_stills_cut_what_has_a_value_per_frame():
    whole = sequence("S005_001")
    extra = {"intensity": np.arange(6) / 5, "landmarks": np.zeros((6, 68, 2)), "action_units": {9: 4}}
    last = stills([Clip("set", "S005", "S005_001", "fear", whole.frames, extra=extra)])[-1]
    assert last.extra["intensity"].tolist() == [1.0]
    assert last.extra["landmarks"].shape == (1, 68, 2)
    assert last.extra["action_units"] == {9: 4}


def test_drawn_sequences_that_hold_their_peak_are_used():
    frames = tuple(Path(f"{i}.png") for i in range(12))
    for peak in (9, 10, 11, None):
        found = stills([Clip("drawn", "p1", "b", "fear", frames, peak=peak)])
        assert [clip.emotion for clip in found] == ["neutral", "fear", "fear", "fear"]


def test_i2cnn_takes_another_number_of_folds():
    clips = [Clip("jaffe", f"p{i}", f"{i}", "fear", (Path("a.png"),)) for i in range(6)]
    assert len(i2cnn(clips, folds=3)) == 3
    with pytest.raises(ValueError, match="10 folds need at least 10 people, but these 6 clips show 6"):
        i2cnn(clips)


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (sequence("S005_001", frames=3), "S005_001 has 3 frames; the first and the last 3 are needed"),
        (Clip("mmi", "S001", "a", "fear", (Path("a.avi"),)), "mmi a is a film; turn it into frames first"),
        (
            Clip("drawn", "p1", "b", "fear", tuple(Path(f"{i}.png") for i in range(9)), peak=1),
            "drawn b has 3 frames until its peak, frame 1; the first and the last 3 are needed",
        ),
    ],
)
def test_stills_refuse(clip, words):
    with pytest.raises(ValueError, match=words):
        stills([clip])


def photographs(dataset, counts, split=None, person=None):
    """`counts[emotion]` pictures of nobody in particular, or all of one person."""
    names = [(emotion, f"{split or dataset}-{emotion}-{i}") for emotion, count in counts.items() for i in range(count)]
    return [
        Clip(dataset, person or name, name, emotion, (Path(f"{name}.jpg"),), split=split) for emotion, name in names
    ]


def test_ferplus_is_split_as_its_provider_does():
    """Sizes of the three parts from the published votes, tallied by the counts of the reader."""
    expected = fer2013.EXPECTED["ferplus"].counts
    clips = [
        clip
        for split in ("train", "val", "test")
        for clip in photographs("fer2013", {e: expected[f"{split} {e}"] for e in ferplus.FACES}, split)
    ]
    (fold,) = tfe_ferplus(clips)
    assert (len(fold.train), len(fold.val), len(fold.test)) == (25_060, 3_199, 3_153)
    assert {clip.split for clip in fold.val} == {"val"}
    with pytest.raises(ValueError, match="no clip is in test; is the copy complete"):
        tfe_ferplus(fold.train + fold.val)
    with pytest.raises(ValueError, match="needs a split of train, val, test; jaffe-fear-0 has None"):
        tfe_ferplus(photographs("jaffe", {"fear": 1}))


def test_one_picture_of_each_person_validates():
    counts = {"a": 1, "b": 2, "c": 30}
    clips = [
        Clip("casia", who, f"{who}/{i}", "", (Path(f"{who}{i}.jpg"),)) for who, n in counts.items() for i in range(n)
    ]
    train, val = tfe_identities(clips, seed=1)
    assert [clip.person for clip in val] == ["b", "c"]
    assert sorted(clip.name for clip in train + val) == sorted(clip.name for clip in clips)
    assert {clip.person for clip in train} == set(counts)  # nobody is validated who was never learnt
    assert tfe_identities(clips[::-1], seed=1)[1] == val[::-1]
    drawn = {tfe_identities(clips, seed=seed)[1][1].name for seed in range(40)}
    assert len(drawn) > 10  # any of the thirty


def test_pairs_are_places_among_the_clips_in_ten_folds():
    clips = [Clip("lfw", f"p{i // 4}", f"n{i}", "", (Path(f"{i}.jpg"),)) for i in range(8)]
    pairs = [
        Pair(f"n{i % 4}", f"n{(i + 1) % 4 if i % 600 < 300 else 4 + i % 4}", i % 600 < 300, i // 600 + 1)
        for i in range(6000)
    ]
    shuffled = clips[::-1]
    first, second, same, fold = tfe_pairs(pairs, shuffled)
    assert [shuffled[i].name for i in first] == [pair.first for pair in pairs]
    assert [shuffled[i].name for i in second] == [pair.second for pair in pairs]
    people = np.array([clip.person for clip in shuffled])
    assert np.array_equal(people[first] == people[second], same)
    assert np.bincount(fold).tolist() == [600] * 10
    assert np.bincount(fold[same]).tolist() == [300] * 10
    with pytest.raises(ValueError, match=r"pairs in several folds.*got 1 fold"):
        tfe_pairs(pairs[:600], clips)
    with pytest.raises(ValueError, match=r"1 picture\(s\) of the pairs are not among the clips: n7"):
        tfe_pairs(pairs, clips[:7])


def test_emotionaldan_trains_on_affectnet_and_tests_elsewhere():
    counts = affectnet.EXPECTED["tables"].counts
    small = {e: counts[f"train {e}"] // 100 for e in affectnet.CODES}
    clips = photographs("affectnet", small, "train") + photographs("affectnet", dict.fromkeys(small, 5), "val")
    others = [sequence("S005_001", "fear"), sequence("S138_008", "contempt"), *photographs("jaffe", {"surprise": 2})]
    ck, japan = emotionaldan(clips, others)
    assert (ck.name, japan.name) == ("ckplus", "jaffe")
    assert len(ck.train) == sum(small.values()) - small["contempt"]
    assert len(ck.val) == 35
    assert Counter(clip.emotion for clip in ck.test) == {"neutral": 1, "fear": 3}
    assert len(japan.test) == 2
    assert japan.train == ck.train
    (three,) = emotionaldan(clips, others, classes=3)  # nothing of JAFFE is left
    assert Counter(clip.emotion for clip in three.test) == {"neutral": 2, "fear": 3, "contempt": 3}
    assert not any(clip.emotion == "surprise" for clip in three.train + three.val)
    with pytest.raises(ValueError, match="7 or 3 classes, got 8"):
        emotionaldan(clips, others, classes=8)


def test_folds_of_many_people_take_no_time():
    clips = photographs("affectnet", {"fear": 40_000})
    start = time.process_time()
    folds_ascending(clips, 5)
    assert time.process_time() - start < 20  # it was minutes when each person built the set of tested ones anew


def test_each_paper_with_its_own_protocol_is_listed():
    assert set(PROTOCOLS) == {"dtagn", "i2cnn", "tfe", "tfe_ferplus", "multimodal", "emotionaldan"}

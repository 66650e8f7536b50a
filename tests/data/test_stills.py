"""Single pictures of sequences: neutral first frames and frames around the peak."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_clips import sequence

from ferkit.data.clip import Clip
from ferkit.data.stills import stills


def test_stills_are_the_first_and_the_last_three():
    neutral, *last = stills([sequence("S005_001", "fear")])
    assert (neutral.emotion, neutral.name, neutral.frames[0].name) == (
        "neutral",
        "S005_001/0",
        "S005_001_00000000.png",
    )
    assert [clip.name for clip in last] == ["S005_001/3", "S005_001/4", "S005_001/5"]
    assert {(clip.emotion, clip.sequence, clip.person) for clip in last} == {
        ("fear", "S005_001", "S005")
    }
    photograph = Clip("jaffe", "KA", "KA.AN1.39", "anger", (Path("a.tiff"),))
    assert stills([photograph]) == [photograph]


def test_stills_of_a_face_that_goes_back_to_neutral_are_around_the_peak():
    whole = sequence("S001_001", "fear", frames=9, dataset="mmi")
    places = {
        peak: [int(c.name[9:]) for c in stills([replace(whole, peak=peak)])]
        for peak in (2, 4, 7, 8, None)
    }
    assert places == {
        2: [0, 1, 2, 3],
        4: [0, 3, 4, 5],
        7: [0, 6, 7, 8],
        8: [0, 6, 7, 8],
        None: [0, 6, 7, 8],
    }


def test_stills_of_speech_promise_no_neutral_face():
    speech = replace(
        sequence("1001_DFA", "anger", dataset="cremad"), peak=3, extra={"speaks": True}
    )
    assert [(clip.emotion, clip.name) for clip in stills([speech])] == [
        ("anger", f"1001_DFA/{place}") for place in (2, 3, 4)
    ]


def test_stills_cut_what_has_a_value_per_frame():
    whole = sequence("S005_001")
    extra = {
        "intensity": np.arange(6) / 5,
        "landmarks": np.zeros((6, 68, 2)),
        "action_units": {9: 4},
    }
    last = stills([Clip("set", "S005", "S005_001", "fear", whole.frames, extra=extra)])[-1]
    assert last.extra["intensity"].tolist() == [1.0]
    assert last.extra["landmarks"].shape == (1, 68, 2)
    assert last.extra["action_units"] == {9: 4}


def test_drawn_sequences_that_hold_their_peak_are_used():
    frames = tuple(Path(f"{i}.png") for i in range(12))
    for peak in (9, 10, 11, None):
        found = stills([Clip("drawn", "p1", "b", "fear", frames, peak=peak)])
        assert [clip.emotion for clip in found] == ["neutral", "fear", "fear", "fear"]


@pytest.mark.parametrize(
    ("clip", "words"),
    [
        (
            sequence("S005_001", frames=3),
            "S005_001 has 3 frames; the first and 3 later ones are needed: leave it out, or add",
        ),
        (
            Clip("mmi", "S001", "a", "fear", (Path("a.avi"),)),
            "mmi a is a video; turn it into frames first",
        ),
        (
            Clip("drawn", "p1", "b", "fear", tuple(Path(f"{i}.png") for i in range(9)), peak=1),
            "drawn b has 3 frames until its peak, frame 1; the first and 3 later ones are needed",
        ),
    ],
)
def test_stills_refuse(clip, words):
    with pytest.raises(ValueError, match=words):
        stills([clip])

"""KDEF, the Karolinska Directed Emotional Faces: 70 people, seven emotions, five angles."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, verify_clips
from ferkit.data.layout import Layout, read_layout

CODES = {
    "AF": "fear",
    "AN": "anger",
    "DI": "disgust",
    "HA": "happiness",
    "NE": "neutral",
    "SA": "sadness",
    "SU": "surprise",
}
_ANGLES = {"all": "FL|HL|S|HR|FR", "straight": "S", "half": "HL|S|HR"}
PEOPLE = tuple(f"{sex}{number:02d}" for sex, number in product("FM", range(1, 36)))
CARD = Card(
    title="KDEF, the Karolinska Directed Emotional Faces",
    source="D. Lundqvist, A. Flykt, A. Ohman, Karolinska Institutet, 1998",
    licence="non-commercial research, with citation",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="register at https://kdef.se",
    may_show=False,
    open_download=False,
    bias="70 amateur actors of 20 to 30 years, half of them women; no beards, moustaches, "
    "earrings, glasses or visible make-up",
    certainty="names, numbers and sizes: the provider's readme; that some files are misnamed "
    "(AF31V, AM31H) or black: one published reader",
)


def _layout() -> Layout:
    """The names of all photographs."""
    codes = "|".join(CODES)
    angles = _ANGLES["all"]
    name = rf"(?P<session>[AB])(?P<person>[FM][0-9]{{2}})(?P<emotion>{codes})(?P<angle>{angles})"
    emotions = {code.lower(): emotion for code, emotion in CODES.items()}
    return Layout("KDEF/AF01/AF01ANS.JPG", (name,), emotions)


def _expected(angles: int) -> Expected:
    """What a complete copy holds of so many angles: two sessions of each person and emotion."""
    each = 2 * angles
    return Expected(
        PEOPLE,
        emotions=dict.fromkeys(CODES.values(), each * len(PEOPLE)),
        counts={"clips": each * len(CODES) * len(PEOPLE)},
        per_person=dict.fromkeys(PEOPLE, each * len(CODES)),
    )


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds of the angles that `clips` have."""
    return _expected(len({clip.extra["angle"] for clip in clips}))


def read_kdef(root: str | Path, verify: str = "warn", angle: str = "straight") -> list[Clip]:
    """Read the photographs from the front: 980 clips of 70 people, seven emotions.

        root/
            KDEF/AF01/AF01ANS.JPG       session A or B, sex, number, emotion, angle

    Angles are FL, HL, S, HR and FR: full left profile, half left, straight, half right, full right.
    `angle` is straight, half (with both half profiles) or all (4 900 photographs); dlib finds few
    faces in full profiles. Sessions A and B show the same person. `extra` has `session` and
    `angle`.
    """
    if angle not in _ANGLES:
        raise ValueError(f"angle={angle!r} is not known; choose {', '.join(_ANGLES)}")
    everything = read_layout("kdef", _layout(), CARD, root, verify)
    wanted = _ANGLES[angle].split("|")
    clips = []
    for clip in everything:
        if clip.extra["angle"].upper() in wanted:
            extra = {key: value.upper() for key, value in clip.extra.items()}
            clips.append(replace(clip, person=clip.person.upper(), extra=extra))
    verify_clips(clips, _expected(len(wanted)), verify)
    return clips


DATA_SET = DataSet(
    "kdef",
    read_kdef,
    ("kdef", "KDEF", "KDEF_and_AKDEF"),
    CARD,
    Offer(7),
    expected_of,
    options={"angle": Option("straight (the default), half or all")},
    path=_layout().path,
)

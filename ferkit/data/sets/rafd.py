"""RaFD, the Radboud Faces Database: 67 people, eight emotions, three gazes, five angles."""

from collections.abc import Sequence
from pathlib import Path

from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, verify_clips
from ferkit.data.layout import EMOTION_WORDS, Layout, read_layout

_WORDS = "angry contemptuous disgusted fearful happy neutral sad surprised".split()
_ANGLES = {"90": ("090",), "45": ("045", "090", "135"), "all": ("000", "045", "090", "135", "180")}
_PEOPLE = 67
_GAZES = 3
CARD = Card(
    title="RaFD, the Radboud Faces Database",
    source="O. Langner et al., Cognition and Emotion 24(8), 2010",
    licence="on request, non-commercial research",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="ask for an account at https://rafd.socsci.ru.nl",
    may_show=False,
    open_download=False,
    bias="Caucasian adults and children, and Moroccan men, trained to pose by action units",
    certainty="names: the provider's page and many published readers; 8 040 pictures of 67 people: "
    "the publication; the 67 numbers (of 1 to 73) are not checked",
)


def _layout() -> Layout:
    words = "|".join(_WORDS)
    name = (
        r"Rafd(?P<angle>000|045|090|135|180)_(?P<person>[0-9]{2})_(?P<origin>[a-z]+)"
        rf"_(?P<sex>male|female)_(?P<emotion>{words})_(?P<gaze>frontal|left|right)"
    )
    emotions = {word: EMOTION_WORDS[word] for word in _WORDS}
    return Layout("Rafd090_01_Caucasian_female_angry_frontal.jpg", (name,), emotions)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds of the angles that `clips` have."""
    each = _GAZES * len({clip.extra["angle"] for clip in clips})
    emotions = [EMOTION_WORDS[word] for word in _WORDS]
    return Expected(
        emotions=dict.fromkeys(emotions, each * _PEOPLE),
        counts={"clips": each * _PEOPLE * len(_WORDS), "people": _PEOPLE},
        per_person={clip.person: each * len(_WORDS) for clip in clips},
    )


def read_rafd(root: str | Path, verify: str = "warn", angle: str = "90") -> list[Clip]:
    """Read the photographs from the front: 1 608 clips of 67 people, eight emotions.

        root/
            Rafd090_01_Caucasian_female_angry_frontal.jpg
                                    angle, person, origin, sex, emotion, gaze

    Angles are 000, 045, 090 (straight), 135 and 180. `angle` is 90, 45 (with both half profiles) or
    all (8 040 photographs). The three gazes are three photographs. `extra` has the other words of
    the name.
    """
    if angle not in _ANGLES:
        raise ValueError(f"angle={angle!r} is not known; choose {', '.join(_ANGLES)}")
    everything = read_layout("rafd", _layout(), CARD, root, verify)
    clips = [clip for clip in everything if clip.extra["angle"] in _ANGLES[angle]]
    verify_clips(clips, expected_of(clips), verify)
    return clips


DATA_SET = DataSet(
    "rafd",
    read_rafd,
    ("rafd", "RaFD", "RafD", "radboud"),
    CARD,
    Offer(8),
    expected_of,
    options={"angle": Option("90 (the default), 45 or all")},
    path=_layout().path,
)

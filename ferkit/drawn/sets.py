"""The named sets of drawn faces, and their plans: who shows what.

`draw_sets.py` draws them. Drawn pictures are CC0.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ferkit.core.checks import suggestion
from ferkit.core.files import digest
from ferkit.core.labels import BASIC7, SEVEN
from ferkit.drawn.expressions import DAILY, Variation
from ferkit.drawn.scene import CLOSE, PORTRAIT, STUDIO, WILD, Ranges

SET_LEVELS = ("smoke", "lesson", "study", "paper")
# The emotions that each person of a set shows, as pairs of emotion and complementary one.
_PAIRS: dict[str, list[tuple[str, str | None]]] = {
    "neutral": [("neutral", None)],
    "seven": [(emotion, None) for emotion in SEVEN],
    "compound": [
        ("neutral", None),
        *((d, None if c == d else c) for c, d in itertools.product(BASIC7, BASIC7)),
    ],
}

# People and sequences of each emotion in the photographed sets.
_SEQUENCE_COUNTS = {
    "CK+": (
        118,
        {
            "anger": 45,
            "contempt": 18,
            "disgust": 59,
            "fear": 25,
            "happiness": 69,
            "sadness": 28,
            "surprise": 83,
        },
    ),
    "MMI": (
        30,
        {
            "anger": 32,
            "disgust": 31,
            "fear": 28,
            "happiness": 42,
            "sadness": 32,
            "surprise": 40,
        },
    ),
}


@dataclass(frozen=True)
class Size:
    """How large a set is: `people` x `takes` pictures of each class, or sequences."""

    people: int
    takes: int
    frames: int = 1  # of a sequence


@dataclass(frozen=True)
class DrawnSet:
    """A named set: what each person shows, in which scenes, and how many at each level."""

    name: str
    like: str  # the photographed data set it stands for
    classes: str  # "neutral", "seven", "compound", "sequences" or "any"
    levels: dict[str, Size]
    pixels: int = 224
    ranges: Ranges = STUDIO
    first_person: int = 0  # seeds of people: sets share people only where their seeds overlap
    back: bool = False  # sequences return to neutral
    variation: Variation = Variation()  # of expressions
    matched: bool = True  # whether the mean face is matched to photographs

    def size(self, level: str) -> Size:
        """Return the size at a level; `study` is as large as `lesson` unless it has its own."""
        if level == "study" and level not in self.levels:
            return self.levels["lesson"]
        return self.levels[level]


_ALL_SETS = (
    DrawnSet(
        "stills",
        "iCV-MEFED",
        "compound",
        {"smoke": Size(4, 1), "lesson": Size(40, 1), "study": Size(115, 1), "paper": Size(115, 5)},
        variation=Variation(DAILY),
    ),
    DrawnSet(
        "posed",
        "JAFFE",
        "seven",
        {"smoke": Size(4, 1), "lesson": Size(10, 3), "paper": Size(10, 3)},
        256,
        first_person=2000,
    ),
    DrawnSet(
        "portraits",
        "many people before a camera",
        "seven",
        {"smoke": Size(16, 1), "lesson": Size(300, 1), "paper": Size(1000, 2)},
        160,
        PORTRAIT,
        first_person=30_000,
        # It does not help the predictor: notebook 02's table of ingredients.
        matched=False,
        variation=Variation(DAILY),
    ),
    DrawnSet(
        "neutral",
        "neutral faces before a camera",
        "neutral",
        {"smoke": Size(12, 1), "lesson": Size(100, 1), "paper": Size(600, 1)},
        160,
        first_person=50_000,
    ),
    DrawnSet(
        "large",
        "iCV-MEFED's large photographs",
        "seven",
        {"smoke": Size(3, 1), "lesson": Size(8, 1), "paper": Size(115, 3)},
        1200,
        first_person=0,
        variation=Variation(DAILY),
    ),
    DrawnSet(
        "sequences",
        "CK+",
        "sequences",
        {"smoke": Size(6, 1, 6), "lesson": Size(118, 1, 12), "paper": Size(118, 1, 18)},
        96,
        CLOSE,
        first_person=3000,
    ),
    DrawnSet(
        "sequences-mmi",
        "MMI",
        "sequences",
        {"smoke": Size(4, 1, 9), "lesson": Size(30, 1, 12), "paper": Size(30, 1, 40)},
        96,
        CLOSE,
        first_person=4000,
        back=True,
    ),
    DrawnSet(
        "identities",
        "CASIA-WebFace",
        "any",
        {"smoke": Size(8, 3), "lesson": Size(300, 8), "paper": Size(1000, 40)},
        64,
        WILD,
        first_person=10_000,
        variation=Variation(DAILY),
    ),
    DrawnSet(
        "wild",
        "AffectNet",
        "any",
        {
            "smoke": Size(10, 3),
            "lesson": Size(500, 4),
            "study": Size(1500, 4),
            "paper": Size(5000, 8),
        },
        128,
        WILD,
        first_person=20_000,
        variation=Variation(DAILY),
    ),
)
SETS = {drawn_set.name: drawn_set for drawn_set in _ALL_SETS}


@dataclass(frozen=True)
class PlannedClip:
    """One clip to be drawn: who shows what. `seed` decides everything else."""

    person: int
    name: str
    emotion: str
    complementary: str | None
    frames: int
    seed: int


def find_set(name: str | DrawnSet, level: str) -> DrawnSet:
    """Look up a set by its name; one of your own is returned unchanged.

    Raises ValueError for an unknown name or level.
    """
    if isinstance(name, DrawnSet):
        return name
    if name not in SETS:
        known = ", ".join(SETS)
        raise ValueError(f"unknown drawn set {name!r}{suggestion(name, SETS)}; known: {known}")
    if level not in SET_LEVELS:
        raise ValueError(f"unknown level {level!r}; known: {', '.join(SET_LEVELS)}")
    return SETS[name]


def plan_clips(name: str | DrawnSet, level: str = "lesson", seed: int = 0) -> list[PlannedClip]:
    """Plan the clips of a set (its name, or one of your own), person by person.

    Raises ValueError for an unknown name or level.
    """
    drawn_set = find_set(name, level)
    size = drawn_set.size(level)
    first_person = drawn_set.first_person + seed * 100_000
    clips = []
    for person, emotion, complementary, take in _assign_emotions(drawn_set, size, seed):
        shown = f"{complementary}+{emotion}" if complementary else emotion
        clip_name = f"{person:05d}_{shown}_{take}"
        clip_seed = int(digest(repr((drawn_set.name, seed, clip_name)), length=14), 16)
        clips.append(
            PlannedClip(
                first_person + person, clip_name, emotion, complementary, size.frames, clip_seed
            )
        )
    return clips


_Shown = tuple[int, str, str | None, int]  # person, emotion, complementary emotion, take


def _assign_emotions(drawn_set: DrawnSet, size: Size, seed: int) -> Iterator[_Shown]:
    """Who shows which emotion, with which complementary one, at which take."""
    rng = np.random.default_rng([seed, size.people, len(drawn_set.name)])
    if drawn_set.classes == "sequences":
        yield from _assign_sequences(drawn_set.like, size, rng)
    elif drawn_set.classes == "any":
        for person, take in itertools.product(range(size.people), range(size.takes)):
            yield person, str(rng.choice(SEVEN)), None, take
    else:
        pairs = _PAIRS[drawn_set.classes]
        for person in range(size.people):
            takes = {pair: itertools.count() for pair in pairs}
            for pair, _ in itertools.product(pairs, range(size.takes)):
                yield person, *pair, next(takes[pair])


def _assign_sequences(like: str, size: Size, rng: np.random.Generator) -> Iterator[_Shown]:
    """As many sequences of each emotion as in the photographed set; fewer for fewer people.

    Those who showed least come next.
    """
    people, counts = _SEQUENCE_COUNTS[like]
    shown: list[list[str]] = [[] for _ in range(size.people)]
    for emotion, count in counts.items():
        for _ in range(max(2, round(count * size.people / people))):
            ranks = [(own.count(emotion), len(own), rng.random()) for own in shown]
            shown[ranks.index(min(ranks))].append(emotion)
    for person, emotions in enumerate(shown):
        for i, emotion in enumerate(emotions):
            yield person, emotion, None, emotions[:i].count(emotion)

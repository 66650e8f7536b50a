"""The Yale Face Database (the first one, not B): 15 people, four expressions, grey pictures."""

import re
from itertools import product
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import below, is_junk, natural, not_found
from ferkit.data.reports import keep_usable, report_skipped

CODES = {"normal": "neutral", "happy": "happiness", "sad": "sadness", "surprised": "surprise"}
# Conditions that are no expressions.
_OTHERS = "centerlight glasses leftlight noglasses rightlight sleepy wink".split()
NAME = re.compile(r"(subject[0-9]{2})\.([a-z]+)(\.gif)?")
_MISNAMED = "subject01.gif"  # subject01.centerlight
_DAMAGED = "subject04.sad"  # a copy of subject04.normal, says the readme

PEOPLE = tuple(f"subject{number:02d}" for number in range(1, 16))
_ALL_NAMES = [".".join(parts) for parts in product(PEOPLE, CODES)]
EXPECTED = Expected(
    people=PEOPLE,
    clips=tuple(name for name in _ALL_NAMES if name != _DAMAGED),
    emotions=dict(neutral=15, happiness=15, sadness=14, surprise=15),
)
CARD = Card(
    title="Yale Face Database",
    source="P. Belhumeur, J. Hespanha, D. Kriegman, IEEE Transactions on Pattern Analysis and "
    "Machine Intelligence 19(7), 1997",
    licence="research use only, not to be passed on as part of a larger database",
    consent="not documented",
    terms="not to be passed on; no picture is shown here",
    ask="there is no stable official host; bring your own copy",
    may_show=False,
    open_download=False,
    bias="15 people, one picture of each condition; light and glasses vary independently of the "
    "expressions",
    certainty="names: the bundled readme and several readers",
)


def read_yale(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures of four expressions: 59 clips of one frame, 15 people.

        root/
            yalefaces/                  may be absent or doubled
                subject01.happy         a GIF of 320 x 243 pixels; in some copies with suffix .gif

    `normal` (neutral), `happy`, `sad` and `surprised` are read. The seven conditions of light,
    glasses, sleep and wink are skipped, and so are the two odd names of subject01.
    `subject04.sad` was damaged and is a copy of `subject04.normal`: it is left out.
    """
    check_level(verify)
    root = expand_home(root)
    base = below(root, "yalefaces") or root
    paths = sorted(base.iterdir(), key=lambda path: natural(path.name)) if base.is_dir() else []
    chosen: dict[str, Path] = {}
    strange = []
    copies = []
    for path in paths:
        match = NAME.fullmatch(path.name.lower())
        if match is None or is_junk(path.name):
            continue
        name = f"{match[1]}.{match[2]}"
        if match[2] not in CODES:
            if match[2] not in _OTHERS and path.name != _MISNAMED:
                strange.append(path)
        elif name == _DAMAGED:
            continue
        elif name in chosen:
            copies.append(path)
        else:
            chosen[name] = path
    if not chosen:
        raise not_found(CARD.title, root, "yalefaces/subject01.happy and so on", CARD.ask)
    report_skipped("yale", strange, "file", verify, "not named as in Yale")
    report_skipped("yale", copies, "file", verify, "found twice")
    usable = set(keep_usable(chosen.values(), "yale", verify))
    clips = []
    for name, path in chosen.items():
        if path in usable:
            person, condition = name.split(".")
            clips.append(Clip("yale", person, name, CODES[condition], (path,)))
    verify_clips(clips, EXPECTED, verify)
    return clips


DATA_SET = DataSet(
    "yale",
    read_yale,
    ("yale", "yalefaces"),
    CARD,
    Offer(4),
    EXPECTED,
    path=rf"subject[0-9]{{2}}\.({'|'.join(CODES)})(\.gif)?$",
)

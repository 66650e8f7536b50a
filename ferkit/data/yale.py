"""The Yale Face Database (the first one, not B): grey pictures of 15 people in eleven conditions, four of them expressions."""

import re
from itertools import product
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import below, is_junk, natural, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {"normal": "neutral", "happy": "happiness", "sad": "sadness", "surprised": "surprise"}
OTHERS = ("centerlight", "glasses", "leftlight", "noglasses", "rightlight", "sleepy", "wink")  # no expressions
NAME = re.compile(r"(subject[0-9]{2})\.([a-z]+)(\.gif)?")
MISNAMED = "subject01.gif"  # subject01.centerlight
DAMAGED = "subject04.sad"  # a copy of subject04.normal, says the readme

PEOPLE = tuple(f"subject{number:02d}" for number in range(1, 16))
EXPECTED = Expected(
    people=PEOPLE,
    clips=tuple(name for parts in product(PEOPLE, CODES) if (name := ".".join(parts)) != DAMAGED),
    emotions=dict(neutral=15, happiness=15, sadness=14, surprise=15),
)
CARD = Card(
    title="Yale Face Database",
    source="P. Belhumeur, J. Hespanha, D. Kriegman, IEEE Transactions on Pattern Analysis and Machine Intelligence 19(7), 1997",
    licence="research use only, not to be passed on as part of a larger database",
    consent="not documented",
    terms="not to be passed on; no picture is shown here",
    ask="there is no stable official host; bring your own copy",
    may_show=False,
    open_download=False,
    bias="15 people, one picture of each condition; light and glasses vary apart from the expressions",
)


def read_yale(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The pictures of four expressions: 59 clips of one frame, 15 people, one of each but for a sad one.

        root/
            yalefaces/                  may be absent or doubled
                subject01.happy         a GIF of 320 x 243 pixels without suffix; in some copies subject01.happy.gif

    Read are `normal` (neutral), `happy`, `sad` and `surprised`; the seven conditions of light, glasses, sleep and wink are
    passed over, with the two odd names of subject01. `subject04.sad` was damaged and is a copy of `subject04.normal`: left out.
    """
    check_level(verify)
    root = Path(root).expanduser()
    base = below(root, "yalefaces") or root
    paths = sorted(base.iterdir(), key=lambda path: natural(path.name)) if base.is_dir() else []
    named = {path: match for path in paths if not is_junk(path.name) and (match := NAME.fullmatch(path.name.lower()))}
    if not any(match[2] in CODES for match in named.values()):
        raise not_found(CARD.title, root, "yalefaces/subject01.happy and so on", CARD.ask)
    strange = [path for path, match in named.items() if match[2] not in (*CODES, *OTHERS) and path.name != MISNAMED]
    if strange:
        report(f"yale: {len(strange)} file(s) skipped, their names are not Yale's: {shorten(strange)}", verify)
    chosen: dict[str, Path] = {}
    copies = []
    for path, match in named.items():
        name = f"{match[1]}.{match[2]}"
        if match[2] in CODES and name != DAMAGED and chosen.setdefault(name, path) is not path:
            copies.append(path)
    if copies:
        report(f"yale: {len(copies)} picture(s) are there twice, the second is skipped: {shorten(copies)}", verify)
    there = set(usable(chosen.values(), "yale", verify))
    clips = [
        Clip("yale", name.partition(".")[0], name, CODES[name.partition(".")[2]], (path,))
        for name, path in chosen.items()
        if path in there
    ]
    verify_clips(clips, EXPECTED, verify)
    return clips

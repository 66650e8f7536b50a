"""CMU Face Images (UCI 124): small grey photographs of 20 people, four expressions."""

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import folders, image_files, nested, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {"neutral": "neutral", "happy": "happiness", "sad": "sadness", "angry": "anger"}
POSES = ("straight", "left", "right", "up")
EYES = ("open", "sunglasses")
SCALES = (1, 2, 4)  # 128 x 120, 64 x 60 and 32 x 30 pixels
NAME = re.compile(rf"([a-z0-9]+)_({'|'.join(POSES)})_({'|'.join(CODES)})_({'|'.join(EYES)})(?:_([24]))?")

PEOPLE = (
    "an2i at33 boland bpm ch4f cheyer choon danieln glickman karyadi "
    "kawamura kk49 megak mitchell night phoebe saavik steffi sz24 tammo"
).split()
# The 16 captures with a glitch (`.bad`); counted in the half-resolution copy.
BAD = (
    "choon_left_angry_sunglasses danieln_straight_happy_sunglasses glickman_straight_angry_open "
    "glickman_right_sad_open karyadi_right_happy_sunglasses kawamura_up_happy_open megak_straight_sad_sunglasses megak_up_sad_sunglasses "
    "mitchell_straight_angry_open mitchell_right_angry_sunglasses mitchell_up_neutral_sunglasses "
    "mitchell_up_happy_sunglasses phoebe_left_angry_open sz24_left_neutral_sunglasses tammo_right_happy_open "
    "tammo_right_sad_open"
).split()
EXPECTED = Expected(
    people=tuple(PEOPLE),
    clips=tuple(name for parts in product(PEOPLE, POSES, CODES, EYES) if (name := "_".join(parts)) not in BAD),
    emotions={"neutral": 158, "sadness": 156, "anger": 155, "happiness": 155},
)
CARD = Card(
    title="CMU Face Images",
    source="Tom Mitchell, Machine Learning, McGraw Hill, 1997; UCI Machine Learning Repository, id 124",
    licence="CC BY 4.0",
    consent="not documented",
    terms="free to use with attribution; as consent is not documented, we show no picture of it",
    ask="`ferkit data get cmu`, or https://archive.ics.uci.edu/dataset/124",
    may_show=False,
    open_download=True,
    bias="20 people; half of the pictures with sunglasses, three quarters not frontal",
)


def read_cmu(root: str | Path, verify: str = "warn", scale: int | None = None) -> list[Clip]:
    """The photographs at one scale: 624 clips of one frame of 20 people.

        root/
            faces/                                      may be absent or doubled
                an2i/an2i_left_angry_open.pgm           128 x 120 pixels
                an2i/an2i_left_angry_open_2.pgm         64 x 60; `_4`: 32 x 30
                an2i/an2i_left_angry_sunglasses.bad     one of 16 captures with a glitch; skipped

    All three scales are the same photographs, so only one is read: `scale` (1, 2 or 4), else the finest that is there.
    A clip's name has no scale; `extra` has `pose`, `eyes` and `scale`. Half of the people's pictures have
    sunglasses and three quarters are not frontal: see `frontal`. Counted in the half-resolution copy: neutral 158,
    sadness 156, anger 155, happiness 155.
    """
    check_level(verify)
    root = Path(root).expanduser()
    expected = f"faces/{PEOPLE[0]}/{PEOPLE[0]}_left_angry_open.pgm and so on"
    if scale not in (None, *SCALES):
        raise ValueError(f"scale={scale!r} is not one of CMU's scales {SCALES}")
    if not root.is_dir():
        raise not_found(CARD.title, root, expected, CARD.ask)
    paths = [path for person in folders(nested(root, "faces") or root) for path in image_files(person, (".pgm",))]
    named = {path: match for path in paths if (match := NAME.fullmatch(path.stem.lower()))}
    present = sorted({int(match[5] or 1) for match in named.values()})
    if not named or scale not in (None, *present):
        wanted = f"{expected}, at scale {scale}" if named else expected
        raise not_found(CARD.title, root, wanted, CARD.ask)
    if strange := [path for path in paths if path not in named]:
        report(f"cmu: {len(strange)} file(s) skipped, their names are not CMU's: {shorten(strange)}", verify)
    scale = scale or present[0]
    chosen = usable([path for path, match in named.items() if int(match[5] or 1) == scale], "cmu", verify)
    clips = [_clip(path, named[path]) for path in chosen]
    verify_clips(clips, EXPECTED, verify)
    return clips


def frontal(clips: Iterable[Clip]) -> list[Clip]:
    """The photographs that look straight and have no sunglasses (78 of 624)."""
    return [clip for clip in clips if clip.extra["pose"] == "straight" and clip.extra["eyes"] == "open"]


def _clip(path: Path, match: re.Match[str]) -> Clip:
    person, pose, expression, eyes, scale = match.groups()
    extra = {"pose": pose, "eyes": eyes, "scale": int(scale or 1)}
    name = "_".join((person, pose, expression, eyes))
    return Clip("cmu", person, name, CODES[expression], (path,), extra=extra)

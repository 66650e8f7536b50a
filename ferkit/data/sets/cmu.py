"""CMU Face Images (UCI 124): small grey photographs of 20 people, four expressions."""

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Download, Offer, Option, RemoteFile
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import folders, image_files, nested, not_found
from ferkit.data.reports import keep_usable, report_skipped

CODES = {"neutral": "neutral", "happy": "happiness", "sad": "sadness", "angry": "anger"}
_POSES = ("straight", "left", "right", "up")
_EYES = ("open", "sunglasses")
_SCALES = (1, 2, 4)  # 128 x 120, 64 x 60 and 32 x 30 pixels
NAME = re.compile(
    rf"([a-z0-9]+)_({'|'.join(_POSES)})_({'|'.join(CODES)})_({'|'.join(_EYES)})(?:_([24]))?"
)

PEOPLE = (
    "an2i at33 boland bpm ch4f cheyer choon danieln glickman karyadi "
    "kawamura kk49 megak mitchell night phoebe saavik steffi sz24 tammo"
).split()
# The 16 captures with a glitch (`.bad`); counted in the half-resolution copy.
_BAD = (
    "choon_left_angry_sunglasses danieln_straight_happy_sunglasses glickman_straight_angry_open "
    "glickman_right_sad_open karyadi_right_happy_sunglasses kawamura_up_happy_open "
    "megak_straight_sad_sunglasses megak_up_sad_sunglasses mitchell_straight_angry_open "
    "mitchell_right_angry_sunglasses mitchell_up_neutral_sunglasses mitchell_up_happy_sunglasses "
    "phoebe_left_angry_open sz24_left_neutral_sunglasses tammo_right_happy_open "
    "tammo_right_sad_open"
).split()
_ALL_NAMES = ["_".join(parts) for parts in product(PEOPLE, _POSES, CODES, _EYES)]
EXPECTED = Expected(
    people=tuple(PEOPLE),
    clips=tuple(name for name in _ALL_NAMES if name not in _BAD),
    emotions={"neutral": 158, "sadness": 156, "anger": 155, "happiness": 155},
)
CARD = Card(
    title="CMU Face Images",
    source="Tom Mitchell, Machine Learning, McGraw Hill, 1997; UCI Machine Learning Repository, id "
    "124",
    licence="CC BY 4.0",
    consent="not documented",
    terms="free to use with attribution; as consent is not documented, we show no picture of it",
    ask="`ferkit data get cmu`, or https://archive.ics.uci.edu/dataset/124",
    may_show=False,
    open_download=True,
    bias="20 people; half of the pictures with sunglasses, three quarters not frontal",
    certainty="counted from the files",
)
_DOWNLOAD = Download(
    base="https://archive.ics.uci.edu/static/public/124/",
    files=(RemoteFile("cmu-face-images.zip", "cmu+face+images.zip"),),
    unpack=True,
)


def read_cmu(root: str | Path, verify: str = "warn", scale: int | None = None) -> list[Clip]:
    """Read the photographs at one scale: 624 clips of one frame of 20 people.

        root/
            faces/                                      may be absent or doubled
                an2i/an2i_left_angry_open.pgm           128 x 120 pixels
                an2i/an2i_left_angry_open_2.pgm         64 x 60; `_4`: 32 x 30
                an2i/an2i_left_angry_sunglasses.bad     one of 16 captures with a glitch; skipped

    All three scales are the same photographs, so only one is read: `scale` (1, 2 or 4), else the
    finest that is there. A clip's name has no scale; `extra` has `pose`, `eyes` and `scale`. Half
    of the people's pictures have sunglasses and three quarters are not frontal: see
    `select_frontal`.
    """
    check_level(verify)
    root = expand_home(root)
    expected = f"faces/{PEOPLE[0]}/{PEOPLE[0]}_left_angry_open.pgm and so on"
    if scale not in (None, *_SCALES):
        raise ValueError(f"scale={scale!r} is not one of CMU's scales {_SCALES}")
    if not root.is_dir():
        raise not_found(CARD.title, root, expected, CARD.ask)
    paths: list[Path] = []
    for person in folders(nested(root, "faces") or root):
        paths += image_files(person, (".pgm",))
    named = {path: match for path in paths if (match := NAME.fullmatch(path.stem.lower()))}
    scales = {path: int(match[5] or 1) for path, match in named.items()}
    if not named or scale not in (None, *scales.values()):
        wanted = f"{expected}, at scale {scale}" if named else expected
        raise not_found(CARD.title, root, wanted, CARD.ask)
    strange = [path for path in paths if path not in named]
    report_skipped("cmu", strange, "file", verify, "not named as in CMU")
    scale = scale or min(scales.values())
    chosen = [path for path in named if scales[path] == scale]
    clips = [_clip(path, named[path]) for path in keep_usable(chosen, "cmu", verify)]
    verify_clips(clips, EXPECTED, verify)
    return clips


def select_frontal(clips: Iterable[Clip]) -> list[Clip]:
    """Return the photographs that look straight ahead and have no sunglasses (78 of 624)."""
    return [
        clip for clip in clips if clip.extra["pose"] == "straight" and clip.extra["eyes"] == "open"
    ]


def _clip(path: Path, match: re.Match[str]) -> Clip:
    person, pose, expression, eyes, scale = match.groups()
    extra = {"pose": pose, "eyes": eyes, "scale": int(scale or 1)}
    name = "_".join((person, pose, expression, eyes))
    return Clip("cmu", person, name, CODES[expression], (path,), extra=extra)


DATA_SET = DataSet(
    "cmu",
    read_cmu,
    ("cmu-faces", "cmu_faces", "faces"),
    CARD,
    Offer(4),
    EXPECTED,
    _DOWNLOAD,
    options={
        "scale": Option(
            "1, 2 or 4 (128 x 120, 64 x 60, 32 x 30 pixels); the finest by default", int
        )
    },
    path=r"\w+_(straight|left|right|up)_(neutral|happy|sad|angry)_(open|sunglasses)(_[24])?\.pgm$",
)

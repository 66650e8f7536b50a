"""The Face Research Lab London Set: 102 adults, neutral and smiling, with 189 points."""

import re
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Download, Offer, RemoteFile
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import image_files, nested, not_found, text_lines
from ferkit.data.reports import keep_usable, report_skipped
from ferkit.data.table import read_table

# Folder, suffix of its files, emotion.
_VIEWS = (("neutral_front", "03", "neutral"), ("smiling_front", "08", "happiness"))
NAME = re.compile(r"([0-9]{3})_([0-9]{2})")
_INFO = "london_info.csv"
COLUMNS = ("face_id", "face_age", "face_gender", "face_eth")

PEOPLE = (
    "001 002 003 004 005 006 007 008 009 010 011 012 013 014 016 017 018 019 020 021 022 024 025 "
    "026 027 029 030 031 032 033 034 036 037 038 039 041 042 043 044 045 061 062 063 064 066 067 "
    "068 069 070 081 082 083 086 087 090 091 092 094 096 097 099 100 101 102 103 104 105 107 108 "
    "112 113 114 115 117 118 119 120 121 122 123 124 125 126 127 128 129 130 131 132 134 135 136 "
    "137 138 139 140 141 142 143 144 172 173"
).split()
_NEUTRAL = [f"{person}_03" for person in PEOPLE]
_SMILING = [f"{person}_08" for person in PEOPLE]
EXPECTED = Expected(
    people=tuple(PEOPLE),
    clips=(*_NEUTRAL, *_SMILING),
    emotions={"neutral": len(PEOPLE), "happiness": len(PEOPLE)},
)
CARD = Card(
    title="Face Research Lab London Set",
    source="L. DeBruine and B. Jones, figshare 2017, doi 10.6084/m9.figshare.5047666.v5",
    licence="CC BY 4.0",
    consent='signed: "lab-based and web-based studies in their original or altered forms and to '
    'illustrate research"',
    terms="free to use with attribution; the pictures may illustrate research",
    ask="`ferkit data get london`, or https://doi.org/10.6084/m9.figshare.5047666.v5",
    may_show=True,
    open_download=True,
    bias="102 adults in London: 53 men, 49 women; 69 white, 13 black, 20 of other groups; neutral "
    "and smiling only",
    certainty="counted from the files",
)
_PICTURES_AND_POINTS = [
    *(f"neutral_front/{'.'.join(file)}" for file in product(_NEUTRAL, ("jpg", "tem"))),
    *(f"smiling_front/{name}.jpg" for name in _SMILING),
]
_DOWNLOAD = Download(
    base="https://raw.githubusercontent.com/debruine/webmorphR.stim/"
    "fa8b78fda2d659bb74ce62fcd99c4407551d2a77/",
    files=(
        RemoteFile(
            _INFO,
            f"data-raw/{_INFO}",
            "3cde9e7471b4bb895a78b351eec868298008d61cfe545900b1f7e37a97ed935b",
        ),
        *(RemoteFile(path, f"inst/{path}") for path in _PICTURES_AND_POINTS),
    ),
    digests={
        "neutral_front/*.jpg": "4dd6a15e5f5a0662f428d4e555fe3dd74df65b7a5612be209eea9c15c1be8765",
        "neutral_front/*.tem": "f1e74bc8bb4b128d288e04820f35e91336d674d24e7c9bd918b7126f8c4bb3bc",
        "smiling_front/*.jpg": "7ebedb47ab5b69a1a50d5213469b161c1a09abb2f43daf1cb2e6f52822aa699d",
    },
)

_TEMPLATE_POINTS = 189
# For each of the 68 points the template point it is, or the two it lies between (our proposal).
_TEMPLATE_OF_68 = (
    "185 110 186 111 125 126 127 128 129 130 131 132 133 114 188 113 187 "  # jaw
    "71 72 73 74 75 78 79 80 81 82 "  # brows
    "50+56 51+57 53+59 54+60 64 180 55 181 69 "  # nose
    "18 19 21 22 30 28 23 24 26 27 33 31 "  # eyes
    "87 88 89 90 91 92 93 108 107 106 105 104 "  # outer lip
    "87 95 96 97 93 102 101 100"  # inner lip
)
TO_68: tuple[tuple[int, ...], ...] = tuple(
    tuple(map(int, entry.split("+"))) for entry in _TEMPLATE_OF_68.split()
)


def read_london(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the photographs: 102 people, each once neutral and once smiling (happiness).

        root/
            neutral_front/001_03.jpg, 001_03.tem    1350 x 1350 pixels; the 189 points
            smiling_front/001_08.jpg                no points
            london_info.csv                         optional: face_id,face_age,face_gender,face_eth

    The number before `_` is the person. Folders may be doubled (`neutral_front/neutral_front`), and
    every file has an AppleDouble twin (`._001_03.jpg`), which is skipped. `landmarks` is the `.tem`
    file (see `read_tem`); `extra` has `age` (None where not given), `sex` and `ethnicity` when the
    table is there.
    """
    check_level(verify)
    root = expand_home(root)
    emotions: dict[Path, str] = {}
    strange = []
    for folder_name, suffix, emotion in _VIEWS:
        folder = nested(root, folder_name)
        for path in image_files(folder, (".jpg", ".jpeg")) if folder else ():
            match = NAME.fullmatch(path.stem)
            if match and match[2] == suffix:
                emotions[path] = emotion
            else:
                strange.append(path)
    if not emotions:
        expected = "the folders neutral_front/ (001_03.jpg ...) and smiling_front/ (001_08.jpg ...)"
        raise not_found(CARD.title, root, expected, CARD.ask)
    report_skipped("london", strange, "file", verify, "not named as in London")
    people = _read_people(root / _INFO)
    clips = []
    for path in keep_usable(emotions, "london", verify):
        person = path.stem[:3]
        template = path.with_suffix(".tem")
        clip = Clip(
            "london",
            person,
            path.stem,
            emotions[path],
            (path,),
            landmarks=template if template.is_file() else None,
            extra=people.get(person, {}),
        )
        clips.append(clip)
    verify_clips(clips, EXPECTED, verify)
    return clips


def read_tem(path: str | Path) -> np.ndarray:
    """Read the points of a template file, float pixels (n, 2); its contour lines are ignored.

    Raises ValueError when the file is no template, such as an AppleDouble twin.
    """
    lines = text_lines(Path(path))
    try:
        count = int(lines[0])
        points = [line.split() for line in lines[1 : count + 1]]
        return np.array(points, dtype=float).reshape(count, 2)
    except (ValueError, IndexError):
        raise ValueError(
            f"{path} is not a template: expected a line with the number of points n, "
            "then n lines `x y`"
        ) from None


def tem_to_68(points: np.ndarray) -> np.ndarray:
    """Convert template points (..., 189, 2) to the 68 points (..., 68, 2).

    They mark the same places but are defined differently (jaw spacing, ends of the brows): good for
    layout and tests, not for scoring a landmark detector.
    """
    points = np.asarray(points, dtype=float)
    if points.shape[-2:] != (_TEMPLATE_POINTS, 2):
        raise ValueError(
            f"points have shape {points.shape}; expected (..., {_TEMPLATE_POINTS}, 2), "
            "as `read_tem` returns for London's files"
        )
    first = [entry[0] for entry in TO_68]
    last = [entry[-1] for entry in TO_68]
    return (points[..., first, :] + points[..., last, :]) / 2


def _read_people(path: Path) -> dict[str, dict[str, Any]]:
    """Age, sex and ethnicity by person; empty without the table."""
    if not path.is_file():
        return {}
    people = {}
    for _, row in read_table(path, COLUMNS).rows:
        face, age, sex, ethnicity = (row[column] for column in COLUMNS)
        people[face] = {
            "age": None if age in ("", "NA") else int(float(age)),
            "sex": sex,
            "ethnicity": ethnicity,
        }
    return people


DATA_SET = DataSet(
    "london",
    read_london,
    ("london-faces", "london_faces", "london"),
    CARD,
    Offer(2),
    EXPECTED,
    _DOWNLOAD,
    path=r"(neutral|smiling)_front/[0-9]{3}_0[38]\.jpg$",
)

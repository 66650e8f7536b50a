"""The Face Research Lab London Set: 102 adults, neutral and smiling, 189 hand-placed points on the neutral ones."""

import csv
import re
from pathlib import Path
from typing import Any

import numpy as np

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import image_files, nested, not_found, report, shorten, text_lines, usable
from ferkit.data.verify import Expected, check_level, verify_clips

# Folder, suffix of its files, emotion.
VIEWS = (("neutral_front", "03", "neutral"), ("smiling_front", "08", "happiness"))
NAME = re.compile(r"([0-9]{3})_([0-9]{2})")
INFO = "london_info.csv"
COLUMNS = ("face_id", "face_age", "face_gender", "face_eth")

PEOPLE = (
    "001 002 003 004 005 006 007 008 009 010 011 012 013 014 016 017 018 019 020 021 022 024 025 026 027 029 030 "
    "031 032 033 034 036 037 038 039 041 042 043 044 045 061 062 063 064 066 067 068 069 070 081 082 083 086 087 "
    "090 091 092 094 096 097 099 100 101 102 103 104 105 107 108 112 113 114 115 117 118 119 120 121 122 123 124 "
    "125 126 127 128 129 130 131 132 134 135 136 137 138 139 140 141 142 143 144 172 173"
).split()
EXPECTED = Expected(
    people=tuple(PEOPLE),
    clips=tuple(f"{person}_{suffix}" for _, suffix, _ in VIEWS for person in PEOPLE),
    emotions={emotion: len(PEOPLE) for _, _, emotion in VIEWS},
)
CARD = Card(
    title="Face Research Lab London Set",
    source="L. DeBruine and B. Jones, figshare 2017, doi 10.6084/m9.figshare.5047666.v5",
    licence="CC BY 4.0",
    consent='signed: "lab-based and web-based studies in their original or altered forms and to illustrate research"',
    terms="free to use with attribution; the pictures may illustrate research",
    ask="`ferkit data get london`, or https://doi.org/10.6084/m9.figshare.5047666.v5",
    may_show=True,
    open_download=True,
    bias="102 adults in London: 53 men, 49 women; 69 white, 13 black, 20 of other groups; neutral and smiling only",
)

POINTS = 189
# For each of the 68 points the template point it is, or the two it lies between (our proposal).
TO_68: tuple[tuple[int, ...], ...] = tuple(
    tuple(int(part) for part in entry.split("+"))
    for entry in (
        "185 110 186 111 125 126 127 128 129 130 131 132 133 114 188 113 187 "  # jaw
        "71 72 73 74 75 78 79 80 81 82 "  # brows
        "50+56 51+57 53+59 54+60 64 180 55 181 69 "  # nose
        "18 19 21 22 30 28 23 24 26 27 33 31 "  # eyes
        "87 88 89 90 91 92 93 108 107 106 105 104 "  # outer lip
        "87 95 96 97 93 102 101 100"  # inner lip
    ).split()
)


def read_london(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The photographs: 204 clips of one frame, 102 people, each once neutral and once smiling (happiness).

        root/
            neutral_front/001_03.jpg, 001_03.tem    1350 x 1350 pixels; the 189 points
            smiling_front/001_08.jpg                no points
            london_info.csv                         optional: face_id,face_age,face_gender,face_eth

    The number before `_` is the person. Folders may be doubled (`neutral_front/neutral_front`), and every file has an
    AppleDouble twin (`._001_03.jpg`), which is skipped. `landmarks` is the `.tem` file (see `read_tem`);
    `extra` has `age` (None where not given), `sex` and `ethnicity` when the table is there.
    """
    check_level(verify)
    root = Path(root).expanduser()
    views = [(nested(root, folder), suffix, emotion) for folder, suffix, emotion in VIEWS]
    paths = {
        path: (suffix, emotion)
        for view, suffix, emotion in views
        if view
        for path in image_files(view, (".jpg", ".jpeg"))
    }
    strange = [path for path, (suffix, _) in paths.items() if not _is_face(path, suffix)]
    if len(strange) == len(paths):
        expected = "the folders neutral_front/ (001_03.jpg ...) and smiling_front/ (001_08.jpg ...)"
        raise not_found(CARD.title, root, expected, CARD.ask)
    if strange:
        report(f"london: {len(strange)} file(s) skipped, their names are not London's: {shorten(strange)}", verify)
    people = _people(root / INFO)
    clips = []
    for path in usable([path for path in paths if path not in strange], "london", verify):
        person, emotion = path.stem[:3], paths[path][1]
        extra = people.get(person, {})
        clips.append(Clip("london", person, path.stem, emotion, (path,), landmarks=_tem(path), extra=extra))
    verify_clips(clips, EXPECTED, verify)
    return clips


def read_tem(path: str | Path) -> np.ndarray:
    """The points of a template file, float pixels (n, 2); its contour lines are ignored.

    Raises ValueError when the file is no template, such as an AppleDouble twin.
    """
    lines = text_lines(Path(path))
    try:
        count = int(lines[0])
        points = np.array([[float(number) for number in line.split()] for line in lines[1 : count + 1]])
        return points.reshape(count, 2)
    except (ValueError, IndexError):
        raise ValueError(
            f"{path} is not a template: expected a line with the number of points n, then n lines `x y`"
        ) from None


def tem_to_68(points: np.ndarray) -> np.ndarray:
    """Template points (..., 189, 2) as the 68 points (..., 68, 2).

    They mean the same places but are not defined alike (jaw spacing, ends of the brows): good for layout
    and tests, not for scoring a landmark detector.
    """
    points = np.asarray(points, dtype=float)
    if points.shape[-2:] != (POINTS, 2):
        raise ValueError(
            f"points have shape {points.shape}; expected (..., {POINTS}, 2), as `read_tem` returns for London's files"
        )
    first, last = np.array([(entry[0], entry[-1]) for entry in TO_68]).T
    return (points[..., first, :] + points[..., last, :]) / 2


def _is_face(path: Path, suffix: str) -> bool:
    match = NAME.fullmatch(path.stem)
    return match is not None and match[2] == suffix


def _tem(picture: Path) -> Path | None:
    path = picture.with_suffix(".tem")
    return path if path.is_file() else None


def _people(path: Path) -> dict[str, dict[str, Any]]:
    if not path.is_file():
        return {}
    rows = csv.DictReader(text_lines(path))
    if absent := [column for column in COLUMNS if column not in (rows.fieldnames or ())]:
        raise ValueError(f"{path} has no column {', '.join(absent)}; found {', '.join(rows.fieldnames or ())}")
    people = {}
    for row in rows:
        face, age, sex, ethnicity = (row[column].strip() for column in COLUMNS)
        people[face] = {"age": None if age in ("", "NA") else int(float(age)), "sex": sex, "ethnicity": ethnicity}
    return people

"""MMI: videos of posed expressions from neutral to the apex and back."""

import re
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import VIDEOS, below, folders, image_files, natural, not_found
from ferkit.data.reports import count_noun, keep_usable, report, report_skipped, shorten

# Larger codes are not basic emotions.
CODES = {1: "anger", 2: "disgust", 3: "fear", 4: "happiness", 5: "sadness", 6: "surprise"}
NAME = re.compile(r"(S[0-9]{3})-[0-9]+")
FRONTAL = 0
PROFILE = 1
DUAL = 2  # the frontal and the profile view side by side
_UPRIGHT_PEOPLE = ("S053", "S054")  # their videos are not turned
# Which half of a dual view is frontal: S001 by two sources, the others by one. Finding the face
# decides.
_FRONTAL_HALF = {
    "S001": "right",
    "S002": "right",
    "S003": "left",
    "S005": "left",
    "S015": "left",
    "S016": "left",
}

# The papers' subset, of which no list is published; nothing fails on these.
_PAPERS = dict(anger=32, disgust=31, fear=28, happiness=42, sadness=32, surprise=40)
EXPECTED = Expected(
    emotions=_PAPERS, counts={"clips": 205, "people": 30}, unconfirmed=("clips", "people", *_PAPERS)
)
CARD = Card(
    title="MMI facial expression database",
    source="M. Pantic, M. Valstar, R. Rademaker, L. Maat, ICME 2005",
    licence="signed agreement, personal account, research only",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="register at https://mmifacedb.eu, choose the sessions with an emotion and download them",
    may_show=False,
    open_download=False,
    bias="some 75 people, posed; glasses, caps and moustaches occur",
    certainty="layout and codes: two published readers; which 205 clips the papers use is "
    "published nowhere",
)


def read_mmi(
    root: str | Path, verify: str = "warn", sessions: Collection[int | str] | None = None
) -> list[Clip]:
    """Read the frontal videos with one of six emotions, one clip each.

        root/mmi-facial-expression-database_download_.../Sessions/224/   the first two are optional
            session.xml             <track view="0">: 0 frontal, 1 profile, 2 both side by side
            S002-106.avi            the video; sessions with still pictures are skipped
            S002-106.xml            <Metatag Name="Emotion" Value="4"/>; without it there are only
                                    action units
            S002-106-oao_aucs.xml   the action units, where labelled

    Emotions 1 to 6 in views 0 and 2 are read, all or those of the numbers in `sessions`. Copies
    differ, since everybody downloads other sessions; the papers use 205 clips of 30 people and
    publish no list. A video is one frame and is not opened. The apex is somewhere in the middle and
    not labelled: `peak` is None.

    `extra` has `view`, `turn` (degrees clockwise that make a video upright whose frames are not 480
    pixels high), `half` (of a dual view, the one believed frontal, or None: `faces.videos` looks)
    and `action_units` (their file, or None).
    """
    check_level(verify)
    root = expand_home(root)
    base = below(root, "Sessions") or root
    subfolders = folders(base) if base.is_dir() else []
    found = [folder for folder in subfolders if folder.name.isdigit()]
    if not found:
        expected = "the folder Sessions/ with a numbered folder for each session"
        raise not_found(CARD.title, root, expected, CARD.ask)
    if sessions is not None:
        found = _select(found, sessions, verify)
    problems: list[str] = []
    read = [_read_session(folder, problems) for folder in found]
    clips = [clip for clip in read if clip]
    usable = set(keep_usable([clip.frames[0] for clip in clips], "mmi", verify))
    report_skipped("mmi", problems, "session", verify)
    clips = [clip for clip in clips if clip.frames[0] in usable]
    verify_clips(clips, EXPECTED, verify)
    return clips


def _select(found: list[Path], sessions: Collection[int | str], verify: str) -> list[Path]:
    """The folders of these sessions; missing ones are reported."""
    wanted = {str(number) for number in sessions}
    absent = sorted(wanted - {folder.name for folder in found}, key=natural)
    if absent:
        count = count_noun(absent, "requested session")
        report(f"mmi: {count} not found: {shorten(absent)}", verify)
    return [folder for folder in found if folder.name in wanted]


def _read_session(folder: Path, problems: list[str]) -> Clip | None:
    """The clip of a session, or None; faults go to `problems`.

    Still pictures, other views and other labels are no faults.
    """
    texts = [path for path in image_files(folder, (".xml",)) if path.name.lower() != "session.xml"]
    units = [path for path in texts if path.stem.lower().endswith("-oao_aucs")]
    labels = [path for path in texts if path not in units]
    videos = image_files(folder, VIDEOS)
    if image_files(folder) and not videos:
        return None  # still pictures
    try:
        emotion = _read_emotion(labels)
        if emotion not in CODES:
            return None  # only action units, or not a basic emotion
        view = _read_view(folder / "session.xml")
    except ValueError as error:
        problems.append(f"{folder.name} ({error})")
        return None
    if view == PROFILE:
        return None
    match = NAME.fullmatch(labels[0].stem)
    if match is None or [video.stem for video in videos] != [labels[0].stem]:
        names = shorten(path.name for path in videos) or "none"
        problems.append(
            f"{folder.name} (expected the one video {labels[0].stem}.avi, found {names})"
        )
        return None
    person = match[1]
    extra = {
        "view": view,
        "turn": 90 if view == FRONTAL and person not in _UPRIGHT_PEOPLE else 0,
        "half": _FRONTAL_HALF.get(person) if view == DUAL else None,
        "action_units": units[0] if units else None,
    }
    name = videos[0].stem
    return Clip(
        "mmi", person, name, CODES[emotion], (videos[0],), sequence=folder.name, extra=extra
    )


def _read_emotion(labels: list[Path]) -> int | None:
    """The code of the tag called Emotion; None without annotation or without such a tag."""
    for path in labels:
        for tag in _parse(path).iter():
            name = tag.get("Name", "").strip().lower()
            if _local_name(tag) == "Metatag" and name == "emotion":
                return _code(tag.get("Value"), range(1, 100), path, "an emotion of 1 or more")
    return None


def _read_view(path: Path) -> int:
    if not path.is_file():
        raise ValueError("no session.xml")
    for tag in _parse(path).iter():
        if _local_name(tag) == "track":
            return _code(tag.get("view"), (FRONTAL, PROFILE, DUAL), path, "a view of 0, 1 or 2")
    raise ValueError("session.xml has no track")


def _code(text: str | None, known: Collection[int], path: Path, expected: str) -> int:
    word = (text or "").strip()
    if not word.isdigit() or int(word) not in known:
        raise ValueError(f"{path.name}: expected {expected}, got {text!r}")
    return int(word)


def _parse(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, LookupError, ValueError) as error:  # unknown encodings too
        raise ValueError(f"{path.name} is not whole XML: {error}") from None


def _split(text: str) -> list[str]:
    """The numbers in `36,224`."""
    return [number.strip() for number in text.split(",")]


def _local_name(tag: ElementTree.Element) -> str:
    """A tag's name without its namespace."""
    return str(tag.tag).rpartition("}")[2]


DATA_SET = DataSet(
    "mmi",
    read_mmi,
    ("mmi", "MMI"),
    CARD,
    Offer(7, sequences=True),
    EXPECTED,
    options={"sessions": Option("numbers of sessions, such as 36,224; all by default", _split)},
    path=r"[0-9]+/session\.xml$",
)

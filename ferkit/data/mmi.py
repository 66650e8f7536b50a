"""MMI: films of posed expressions, from neutral to the apex and back; everybody's copy has other sessions."""

import re
from collections.abc import Collection
from pathlib import Path
from xml.etree import ElementTree

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import FILMS, below, folders, image_files, is_junk, natural, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {1: "anger", 2: "disgust", 3: "fear", 4: "happiness", 5: "sadness", 6: "surprise"}  # above: not basic
NAME = re.compile(r"(S[0-9]{3})-[0-9]+")
FRONTAL, PROFILE, DUAL = 0, 1, 2  # the views; dual shows both side by side
UPRIGHT = ("S053", "S054")  # their films are not turned
# Which half of a dual view is frontal: S001 by two sources, the others by one. Finding the face decides.
HALF = {"S001": "right", "S002": "right", "S003": "left", "S005": "left", "S015": "left", "S016": "left"}

# The papers' subset, of which no list is published; nothing fails on these.
_PAPERS = dict(anger=32, disgust=31, fear=28, happiness=42, sadness=32, surprise=40)
EXPECTED = Expected(emotions=_PAPERS, counts={"clips": 205, "people": 30}, unconfirmed=("clips", "people", *_PAPERS))
CARD = Card(
    title="MMI facial expression database",
    source="M. Pantic, M. Valstar, R. Rademaker, L. Maat, ICME 2005",
    licence="signed agreement, personal account, research only",
    consent="not checked; the provider's agreement says",
    terms="not to be passed on; no picture is shown here",
    ask="register at https://mmifacedb.eu, choose the sessions with an emotion and download them",
    may_show=False,
    open_download=False,
    bias="some 75 people, posed; glasses, caps and moustaches occur",
)


def read_mmi(root: str | Path, verify: str = "warn", sessions: Collection[int | str] | None = None) -> list[Clip]:
    """The frontal films with one of six emotions, one clip each: the papers use 205 of 30 people, of which there is no list.

        root/mmi-facial-expression-database_download_.../Sessions/224/      either of the first two may be absent
            session.xml             <track view="0">: 0 frontal, 1 profile, 2 both side by side
            S002-106.avi            the film; sessions with still pictures are passed over
            S002-106.xml            <Metatag Name="Emotion" Value="4"/>; without it only action units were marked
            S002-106-oao_aucs.xml   the action units, where marked

    Read are emotions 1 to 6 in views 0 and 2, all or those of the numbers in `sessions`. A film is one frame, not opened.
    `extra` has `view`, `turn` (degrees clockwise that make a film upright whose frames are not 480 pixels high), `half`
    (of a dual view, the one believed frontal, or None: `faces.films` looks) and `action_units` (their file, or None). The
    apex is somewhere in the middle and not marked: `peak` is None.
    """
    check_level(verify)
    root = Path(root).expanduser()
    base = below(root, "Sessions") or root
    found = [folder for folder in folders(base) if folder.name.isdigit()] if base.is_dir() else []
    if not found:
        raise not_found(CARD.title, root, "the folder Sessions/ with a numbered folder for each session", CARD.ask)
    if sessions is not None:
        wanted = {str(number) for number in sessions}
        if absent := sorted(wanted - {folder.name for folder in found}, key=natural):
            report(f"mmi: {len(absent)} session(s) asked for are not there: {shorten(absent)}", verify)
        found = [folder for folder in found if folder.name in wanted]
    problems: list[str] = []
    clips = [clip for folder in found if (clip := _clip(folder, problems))]
    there = set(usable([clip.frames[0] for clip in clips], "mmi", verify))
    if problems:
        report(f"mmi: {len(problems)} session(s) skipped: {shorten(problems)}", verify)
    clips = [clip for clip in clips if clip.frames[0] in there]
    verify_clips(clips, EXPECTED, verify)
    return clips


def _clip(folder: Path, problems: list[str]) -> Clip | None:
    """The clip of a session; None when it is not for us, and then `problems` says why unless that is no fault."""
    texts = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xml" and not is_junk(path.name))
    units = [path for path in texts if path.stem.lower().endswith("-oao_aucs")]
    labels = [path for path in texts if path.name.lower() != "session.xml" and path not in units]
    films = image_files(folder, FILMS)
    if image_files(folder) and not films:
        return None  # still pictures
    try:
        emotion = _emotion(labels)
        if emotion not in CODES:
            return None  # action units alone, or a display that is not basic
        view = _view(folder / "session.xml")
    except ValueError as error:
        problems.append(f"{folder.name} ({error})")
        return None
    if view == PROFILE:
        return None
    if len(films) != 1 or not (match := NAME.fullmatch(films[0].stem)) or films[0].stem != labels[0].stem:
        names = shorten(path.name for path in films) or "none"
        problems.append(f"{folder.name} (expected the one film {labels[0].stem}.avi, found {names})")
        return None
    person = match[1]
    extra = {
        "view": view,
        "turn": 90 if view == FRONTAL and person not in UPRIGHT else 0,
        "half": HALF.get(person) if view == DUAL else None,
        "action_units": units[0] if units else None,
    }
    return Clip("mmi", person, films[0].stem, CODES[emotion], (films[0],), sequence=folder.name, extra=extra)


def _emotion(labels: list[Path]) -> int | None:
    """The code of the tag called Emotion; None when there is no annotation or no such tag."""
    for path in labels:
        for tag in _parsed(path).iter():
            if _local(tag.tag) == "Metatag" and tag.get("Name", "").strip().lower() == "emotion":
                return _code(tag.get("Value"), range(1, 100), path, "an emotion of 1 or more")
    return None


def _view(path: Path) -> int:
    if not path.is_file():
        raise ValueError("no session.xml")
    for tag in _parsed(path).iter():
        if _local(tag.tag) == "track":
            return _code(tag.get("view"), (FRONTAL, PROFILE, DUAL), path, "a view of 0, 1 or 2")
    raise ValueError("session.xml has no track")


def _code(text: str | None, known: Collection[int], path: Path, expected: str) -> int:
    word = (text or "").strip()
    if not word.isdigit() or int(word) not in known:
        raise ValueError(f"{path.name}: expected {expected}, got {text!r}")
    return int(word)


def _parsed(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.parse(path).getroot()
    except (ElementTree.ParseError, UnicodeError) as error:
        raise ValueError(f"{path.name} is not whole XML: {error}") from None


def _local(tag: object) -> str:
    """A tag's name without its namespace."""
    return str(tag).rpartition("}")[2]

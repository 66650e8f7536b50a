"""RAVDESS: films of 24 actors who speak two sentences in eight emotions."""

import re
from itertools import product
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import ARCHIVES, FILMS, files_below, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {
    "01": "neutral",
    "02": "calm",
    "03": "happiness",
    "04": "sadness",
    "05": "anger",
    "06": "fear",
    "07": "disgust",
    "08": "surprise",
}
NAME = re.compile(r"(0[1-3])-(0[12])-(0[1-8])-(0[12])-(0[12])-(0[12])-([0-9]{2})")
VIDEO_ONLY, SPEECH, CALM = "02", "01", "02"
PEOPLE = tuple(f"{number:02d}" for number in range(1, 25))


def _name(person: str, emotion: str, strength: str, statement: str, repetition: str) -> str:
    return "-".join((VIDEO_ONLY, SPEECH, emotion, strength, statement, repetition, person))


EXPECTED = Expected(
    people=PEOPLE,
    clips=tuple(
        _name(person, emotion, *others)
        for person, emotion, *others in product(PEOPLE, CODES, ("01", "02"), ("01", "02"), ("01", "02"))
        if emotion != CALM and (emotion, others[0]) != ("01", "02")  # neutral has no strong form
    ),
    emotions={emotion: 96 if emotion == "neutral" else 192 for emotion in CODES.values() if emotion != "calm"},
)
CARD = Card(
    title="RAVDESS",
    source="S. Livingstone, F. Russo, PLoS ONE 13(5), 2018, doi 10.1371/journal.pone.0196391; Zenodo 1188976",
    licence="CC BY-NC-SA 4.0",
    consent="not checked; professional actors, paid for the recordings",
    terms="not for commercial use; frames made from the films carry the same licence; no picture is shown here",
    ask="fetch Video_Speech_Actor_01.zip to _24.zip from https://zenodo.org/records/1188976 and unpack them",
    may_show=False,
    open_download=True,
    bias="24 actors in Toronto, half of them women; acted, speaking, two sentences in North American English",
)


def read_ravdess(root: str | Path, verify: str = "warn", calm: str | None = None) -> list[Clip]:
    """The spoken films without sound: 1 248 of 24 people, seven emotions (1 440 with `calm="neutral"`).

        root/
            Video_Speech_Actor_01/          one for each archive, or none
                Actor_01/02-01-06-01-02-01-12.mp4

    Names are modality, channel, emotion, intensity, statement, repetition, actor. Read are modality 02 (video only; 01 is the
    same with sound) and channel 01 (speech; 02 is song). `calm` is none of our emotions: it is left out, or counted as
    the emotion given. A film is one frame, not opened. `extra` has `intensity`, `statement`, `sex` (odd numbers are men) and
    `speaks`: mouths do.
    """
    check_level(verify)
    root = Path(root).expanduser()
    films = files_below(root, FILMS)
    named = {path: match for path in films if (match := NAME.fullmatch(path.stem))}
    chosen: dict[str, Path] = {}
    copies = []
    for path, match in sorted(named.items(), key=lambda item: item[0].stem[18:] + item[0].stem):
        wanted = match[1] == VIDEO_ONLY and match[2] == SPEECH and (match[3] != CALM or calm)
        if wanted and chosen.setdefault(path.stem, path) is not path:
            copies.append(path)
    if not chosen:
        raise not_found(f"{CARD.title} films of speech", root, "Actor_01/02-01-01-01-01-01-01.mp4 and so on", CARD.ask)
    problems = [f"{path.name} (not RAVDESS's name)" for path in films if path not in named]
    problems += [f"{path} (there twice)" for path in copies]
    problems += [f"{path.name} (not unpacked)" for path in files_below(root, ARCHIVES, depth=1)]
    if problems:
        report(f"ravdess: {len(problems)} file(s) skipped: {shorten(problems)}", verify)
    there = set(usable(chosen.values(), "ravdess", verify))
    clips = [_clip(path, named[path], calm) for path in chosen.values() if path in there]
    verify_clips(clips, None if calm else EXPECTED, verify)
    return clips


def _clip(path: Path, match: re.Match[str], calm: str | None) -> Clip:
    _, _, code, intensity, statement, _, person = match.groups()
    emotion = calm if code == CALM and calm else CODES[code]
    extra = {
        "intensity": "strong" if intensity == "02" else "normal",
        "statement": int(statement),
        "sex": "male" if int(person) % 2 else "female",
        "speaks": True,
    }
    return Clip("ravdess", person, path.stem, emotion, (path,), sequence=path.stem, extra=extra)

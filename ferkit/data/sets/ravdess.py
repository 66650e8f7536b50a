"""RAVDESS: videos of 24 actors who speak two sentences in eight emotions."""

import re
from dataclasses import replace
from itertools import product
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.layout import Layout, read_layout
from ferkit.data.listing import ARCHIVES, VIDEOS, files_below, not_found
from ferkit.data.reports import keep_usable, report_skipped

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
_VIDEO_ONLY = "02"
_SPEECH = "01"
_CALM = "02"
PEOPLE = tuple(f"{number:02d}" for number in range(1, 25))


def _expected_names() -> tuple[str, ...]:
    """The names of all videos but those of calm; neutral has no strong form."""
    names = []
    two = ("01", "02")
    for person, emotion, strength, statement, repetition in product(PEOPLE, CODES, two, two, two):
        if emotion != _CALM and (emotion, strength) != ("01", "02"):
            parts = (_VIDEO_ONLY, _SPEECH, emotion, strength, statement, repetition, person)
            names.append("-".join(parts))
    return tuple(names)


_SPOKEN = [emotion for emotion in CODES.values() if emotion != "calm"]
EXPECTED = Expected(
    people=PEOPLE,
    clips=_expected_names(),
    emotions=dict.fromkeys(_SPOKEN, 192) | {"neutral": 96},
    per_person=dict.fromkeys(PEOPLE, 52),
)
CARD = Card(
    title="RAVDESS",
    source="S. Livingstone, F. Russo, PLoS ONE 13(5), 2018, doi 10.1371/journal.pone.0196391; "
    "Zenodo 1188976",
    licence="CC BY-NC-SA 4.0",
    consent="not checked; professional actors, paid for the recordings",
    terms="not for commercial use; frames made from the videos carry the same licence; no picture "
    "is shown here",
    ask="download Video_Speech_Actor_01.zip to _24.zip from https://zenodo.org/records/1188976 and "
    "unpack them",
    may_show=False,
    open_download=True,
    bias="24 actors in Toronto, half of them women; acted, speaking, two sentences in North "
    "American English",
    certainty="names and numbers: the publication",
)


def read_ravdess(root: str | Path, verify: str = "warn", calm: str | None = None) -> list[Clip]:
    """Read the spoken videos without sound: 1 248 of 24 people, seven emotions.

        root/
            Video_Speech_Actor_01/          one for each archive, or none
                Actor_01/02-01-06-01-02-01-12.mp4

    Names are modality, channel, emotion, intensity, statement, repetition, actor. Modality 02
    (video only; 01 is the same with sound) and channel 01 (speech; 02 is song) are read. `calm` is
    none of our emotions: it is left out, or counted as the emotion given (1 440 videos with
    `calm="neutral"`). A video is one frame and is not opened. `extra` has `intensity`,
    `statement`, `sex` (odd numbers are men) and `speaks`.
    """
    check_level(verify)
    root = expand_home(root)
    paths = files_below(root, VIDEOS)
    named = {path: match for path in paths if (match := NAME.fullmatch(path.stem))}
    chosen: dict[str, Path] = {}
    copies = []
    for path in sorted(named, key=lambda path: path.stem[18:] + path.stem):  # by person
        modality, channel, emotion = path.stem.split("-")[:3]
        if (modality, channel) != (_VIDEO_ONLY, _SPEECH) or (emotion == _CALM and not calm):
            continue
        if chosen.setdefault(path.stem, path) is not path:
            copies.append(path)
    if not chosen:
        raise not_found(
            f"{CARD.title} videos of speech",
            root,
            "Actor_01/02-01-01-01-01-01-01.mp4 and so on",
            CARD.ask,
        )
    problems = [f"{path.name} (not RAVDESS's name)" for path in paths if path not in named]
    problems += [f"{path} (a second copy)" for path in copies]
    problems += [f"{path.name} (not unpacked)" for path in files_below(root, ARCHIVES, depth=1)]
    report_skipped("ravdess", problems, "file", verify)
    usable = keep_usable(chosen.values(), "ravdess", verify)
    clips = [_clip(path, named[path], calm) for path in usable]
    verify_clips(clips, None if calm else EXPECTED, verify)
    return clips


def _clip(path: Path, match: re.Match[str], calm: str | None) -> Clip:
    _, _, code, intensity, statement, _, person = match.groups()
    emotion = calm if code == _CALM and calm else CODES[code]
    extra = {
        "intensity": "strong" if intensity == "02" else "normal",
        "statement": int(statement),
        "sex": "male" if int(person) % 2 else "female",
        "speaks": True,
    }
    return Clip("ravdess", person, path.stem, emotion, (path,), sequence=path.stem, extra=extra)


_FRAMES = Layout(
    "Actor_01/02-01-06-01-02-01-12/frame_00.jpg",
    (
        r"(?P<sequence>0[12]-01-(?P<emotion>0[1-8])(?:-0[12]){3}-(?P<person>[0-9]{2}))"
        r"(?:/|_|-)(?:frame)?[ _-]?(?P<frame>[0-9]+)",
    ),
    {code: "" if code == _CALM else emotion for code, emotion in CODES.items()},
)
_FRAMES_CARD = replace(
    CARD,
    title="RAVDESS as frames",
    missing="the videos: how many frames a second were kept is not known, and often only some were",
    forbids="speeds and durations; frames are speech, so the first one need not be neutral",
    certainty="the names of the recordings: the provider's; those of frames are everybody's own, "
    "and the forms read here were met in published readers; counts are not known",
)
_CALM_OPTION = Option("the emotion that calm counts as; without it calm is left out")


def read_ravdess_frames(
    root: str | Path, verify: str = "warn", calm: str | None = None
) -> list[Clip]:
    """Read frames that somebody took from the spoken videos, a clip for each recording.

        root/
            Actor_01/02-01-06-01-02-01-12/frame_00.jpg      or
            02-01-06-01-02-01-12_72.png

    Modalities 01 and 02 are the same recording with and without sound: one of them is read. `calm`
    as in `read_ravdess`.
    """
    layout = replace(_FRAMES, emotions={**_FRAMES.emotions, _CALM: calm or ""})
    clips = read_layout("ravdess-frames", layout, _FRAMES_CARD, root, verify)
    silent = {clip.name[3:] for clip in clips if clip.name.startswith(_VIDEO_ONLY)}
    kept = []
    for clip in clips:
        if clip.name.startswith(_VIDEO_ONLY) or clip.name[3:] not in silent:
            kept.append(replace(clip, extra={"speaks": True}))
    verify_clips(kept, Expected(PEOPLE), verify)
    return kept


DATA_SETS = (
    DataSet(
        "ravdess",
        read_ravdess,
        ("ravdess", "RAVDESS"),
        CARD,
        Offer(7),  # speech does not go from neutral to an expression
        EXPECTED,
        options={"calm": _CALM_OPTION},
        path=NAME.pattern + r"\.(mp4|avi|mov|mkv|webm|flv)$",
    ),
    DataSet(
        "ravdess-frames",
        read_ravdess_frames,
        ("ravdess-frames", "ravdess", "RAVDESS"),
        _FRAMES_CARD,
        Offer(7),  # speech does not go from neutral to an expression
        Expected(PEOPLE),
        options={"calm": _CALM_OPTION},
        path=_FRAMES.path,
    ),
)

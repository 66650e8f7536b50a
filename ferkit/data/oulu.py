"""Oulu-CASIA NIR&VIS: 80 people, six posed emotions, each from neutral to the apex, two sensors, three lights."""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import below, folders, image_files, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

SENSORS = ("VL", "NI")  # visible light, near infrared
LIGHTS = ("Strong", "Weak", "Dark")
EMOTIONS = {name: name.lower() for name in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")}
PEOPLE = tuple(f"P{number:03d}" for number in range(1, 81))
FINNISH = 50  # P001 to P050 were recorded in Oulu, the others in China (one source)
ROOTS = ("OriginalImg", "B_OriginalImg", "Oulu_CASIA_NIR_VIS")


def expected(sensor: str = "VL", light: str = "Strong") -> Expected:
    """What a complete copy holds of one sensor and light: 480 sequences."""
    names = tuple(f"{sensor}_{light}_{person}_{emotion}" for person, emotion in product(PEOPLE, EMOTIONS))
    return Expected(PEOPLE, names, dict.fromkeys(EMOTIONS.values(), len(PEOPLE)))


EXPECTED = expected()
CARD = Card(
    title="Oulu-CASIA NIR&VIS facial expression database",
    source="G. Zhao, X. Huang, M. Taini, S. Li, M. Pietikainen, Image and Vision Computing 29, 2011",
    licence="signed agreement, research only",
    consent="not checked; the provider's agreement says",
    terms="not to be passed on; no picture is shown here",
    ask="ask the Center for Machine Vision and Signal Analysis, University of Oulu (page of the database)",
    may_show=False,
    open_download=False,
    bias="23 to 58 years, about three quarters men, Finnish and Chinese, posed",
)


def read_oulu(root: str | Path, verify: str = "warn", sensor: str = "VL", light: str = "Strong") -> list[Clip]:
    """The sequences of one sensor and one light: 480 clips, 80 people, six emotions, neutral (first) to apex (last frame).

        root/
            B_OriginalImg/OriginalImg/                  one of the two, or Oulu_CASIA_NIR_VIS/, or none
                VL/Strong/P001/Anger/000.jpeg           320 x 240 pixels, 25 frames per second, numbered from 0

    Only the original frames are read, and lights are never mixed: `Dark` is nearly black in visible light. There is no
    neutral class; frame 0 is neutral. `extra` has `sensor`, `light` and `site` (Oulu up to P050, else CASIA; one source).
    """
    check_level(verify)
    root = Path(root).expanduser()
    if sensor not in SENSORS or light not in LIGHTS:
        raise ValueError(f"no recordings of {sensor}/{light}; the sensors are {SENSORS}, the lights {LIGHTS}")
    base = below(root, *ROOTS, depth=3) or root
    place = base / sensor / light
    if not (place.is_dir() and any(folders(place))):
        raise not_found(CARD.title, root, f"OriginalImg/{sensor}/{light}/P001/Anger/000.jpeg and so on", CARD.ask)
    problems: list[str] = []
    sequences = {folder: _frames(folder, problems) for folder in _sequences(place, problems)}
    there = set(usable([path for paths in sequences.values() for path in paths], "oulu", verify))
    clips = []
    for folder, paths in sequences.items():
        where = f"{folder.parent.name}/{folder.name}"
        good = tuple(path for path in paths if path in there)
        numbers = [int(path.stem) for path in good]
        if not numbers or numbers[0] != 0:
            problems.append(f"{where} (no frame 0, the neutral one)")
        else:
            if gone := sorted(set(range(numbers[-1])) - set(numbers)):
                problems.append(f"{len(gone)} frame(s) of {where} (not there: {shorten(gone)})")
            clips.append(_clip(folder, good, sensor, light))
    if problems:
        report(f"oulu: {len(problems)} thing(s) skipped: {shorten(problems)}", verify)
    verify_clips(clips, expected(sensor, light), verify)
    return clips


def site(person: str) -> str:
    """Where somebody was recorded, `Oulu` or `CASIA`, by the number in the id."""
    return "Oulu" if int(person[1:]) <= FINNISH else "CASIA"


def expected_of(clips: Sequence[Clip]) -> Expected:
    """What a complete copy holds of the sensor and light that `clips` are of."""
    return expected(clips[0].extra["sensor"], clips[0].extra["light"]) if clips else EXPECTED


def _sequences(place: Path, problems: list[str]) -> list[Path]:
    found = []
    for person in folders(place):
        for folder in folders(person):
            if re.fullmatch("P[0-9]{3}", person.name) and folder.name.capitalize() in EMOTIONS:
                found.append(folder)
            else:
                problems.append(f"{person.name}/{folder.name} (expected a person, P001 ..., and an emotion)")
    return found


def _frames(folder: Path, problems: list[str]) -> list[Path]:
    paths = image_files(folder, (".jpeg", ".jpg"))
    problems += [
        f"{folder.parent.name}/{folder.name}/{path.name} (not a frame's name)"
        for path in paths
        if not path.stem.isdigit()
    ]
    return [path for path in paths if path.stem.isdigit()]


def _clip(folder: Path, frames: tuple[Path, ...], sensor: str, light: str) -> Clip:
    person, emotion = folder.parent.name, folder.name.capitalize()
    return Clip(
        "oulu",
        person,
        f"{sensor}_{light}_{person}_{emotion}",
        EMOTIONS[emotion],
        frames,
        sequence=f"{person}/{emotion}",
        peak=len(frames) - 1,
        extra={"sensor": sensor, "light": light, "site": site(person)},
    )

"""Oulu-CASIA NIR&VIS: 80 people, six posed emotions from neutral to the apex."""

import re
from collections.abc import Sequence
from itertools import chain, product
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import below, folders, image_files, not_found
from ferkit.data.reports import count_noun, keep_usable, report_skipped, shorten

SENSORS = ("VL", "NI")  # visible light, near infrared
LIGHTS = ("Strong", "Weak", "Dark")
CODES = {
    name: name.lower() for name in ("Anger", "Disgust", "Fear", "Happiness", "Sadness", "Surprise")
}
PEOPLE = tuple(f"P{number:03d}" for number in range(1, 81))
ROOTS = ("OriginalImg", "B_OriginalImg", "Oulu_CASIA_NIR_VIS")
_LAST_FINNISH = 50  # P001 to P050 were recorded in Oulu, the others in China (one source)


def _expected(sensor: str, light: str) -> Expected:
    """What a complete copy holds of one sensor and light: 480 sequences."""
    names = [f"{sensor}_{light}_{person}_{code}" for person, code in product(PEOPLE, CODES)]
    return Expected(
        PEOPLE,
        tuple(names),
        dict.fromkeys(CODES.values(), len(PEOPLE)),
        per_person=dict.fromkeys(PEOPLE, len(CODES)),
    )


EXPECTED = _expected("VL", "Strong")
CARD = Card(
    title="Oulu-CASIA NIR&VIS facial expression database",
    source="G. Zhao, X. Huang, M. Taini, S. Li, M. Pietikainen, Image and Vision Computing 29, "
    "2011",
    licence="signed agreement, research only",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="ask the Center for Machine Vision and Signal Analysis, University of Oulu (page of the "
    "database)",
    may_show=False,
    open_download=False,
    bias="23 to 58 years, about three quarters men, Finnish and Chinese, posed",
    certainty="names and numbers: several sources; where people were recorded and how long the "
    "sequences are: one",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds of the sensor and light that `clips` are of."""
    return _expected(clips[0].extra["sensor"], clips[0].extra["light"]) if clips else EXPECTED


def read_oulu(
    root: str | Path, verify: str = "warn", sensor: str = "VL", light: str = "Strong"
) -> list[Clip]:
    """Read the sequences of one sensor and one light: 480 clips, 80 people, six emotions.

        root/
            B_OriginalImg/OriginalImg/            one of the two, or Oulu_CASIA_NIR_VIS/, or none
                VL/Strong/P001/Anger/000.jpeg     320 x 240 pixels, 25 frames per second, from 0

    Sequences go from neutral (first frame) to the apex (last frame); there is no neutral class.
    Only the original frames are read, and lights are never mixed: `Dark` is nearly black in visible
    light. `extra` has `sensor`, `light` and `site` (Oulu up to P050, else CASIA; one source).
    """
    check_level(verify)
    root = expand_home(root)
    if sensor not in SENSORS or light not in LIGHTS:
        raise ValueError(
            f"no recordings of {sensor}/{light}; the sensors are {SENSORS}, the lights {LIGHTS}"
        )
    base = below(root, *ROOTS, depth=3) or root
    parent = base / sensor / light
    if not (parent.is_dir() and any(folders(parent))):
        expected = f"OriginalImg/{sensor}/{light}/P001/Anger/000.jpeg and so on"
        raise not_found(CARD.title, root, expected, CARD.ask)
    problems: list[str] = []
    frames: dict[Path, list[Path]] = {}
    for folder in _sequence_folders(parent, problems):
        frames[folder] = _frames(folder, problems)
    all_frames = chain.from_iterable(frames.values())
    usable = set(keep_usable(all_frames, "oulu", verify))
    clips = []
    for folder, paths in frames.items():
        place = f"{folder.parent.name}/{folder.name}"
        kept = tuple(path for path in paths if path in usable)
        numbers = [int(path.stem) for path in kept]
        if not numbers or numbers[0] != 0:
            problems.append(f"{place} (no frame 0, the neutral one)")
            continue
        if missing := sorted(set(range(numbers[-1])) - set(numbers)):
            problems.append(
                f"{count_noun(missing, 'frame')} of {place} (missing: {shorten(missing)})"
            )
        clips.append(_clip(folder, kept, sensor, light))
    report_skipped("oulu", problems, "item", verify)
    verify_clips(clips, _expected(sensor, light), verify)
    return clips


def site(person: str) -> str:
    """Return where a person was recorded, `Oulu` or `CASIA`, by the number in the id."""
    return "Oulu" if int(person[1:]) <= _LAST_FINNISH else "CASIA"


def _sequence_folders(parent: Path, problems: list[str]) -> list[Path]:
    sequences = []
    for person in folders(parent):
        for folder in folders(person):
            if re.fullmatch("P[0-9]{3}", person.name) and folder.name.capitalize() in CODES:
                sequences.append(folder)
            else:
                problems.append(
                    f"{person.name}/{folder.name} (expected a person, P001 ..., and an emotion)"
                )
    return sequences


def _frames(folder: Path, problems: list[str]) -> list[Path]:
    frames = []
    for path in image_files(folder, (".jpeg", ".jpg")):
        if path.stem.isdigit():
            frames.append(path)
        else:
            place = f"{folder.parent.name}/{folder.name}/{path.name}"
            problems.append(f"{place} (not a frame's name)")
    return frames


def _clip(folder: Path, frames: tuple[Path, ...], sensor: str, light: str) -> Clip:
    person = folder.parent.name
    code = folder.name.capitalize()
    return Clip(
        "oulu",
        person,
        f"{sensor}_{light}_{person}_{code}",
        CODES[code],
        frames,
        sequence=f"{person}/{code}",
        peak=len(frames) - 1,
        extra={"sensor": sensor, "light": light, "site": site(person)},
    )


DATA_SET = DataSet(
    "oulu",
    read_oulu,
    ("oulu", *ROOTS),
    CARD,
    Offer(7, sequences=True),
    expected_of,
    options={
        "sensor": Option("VL (visible light, the default) or NI (near infrared)"),
        "light": Option("Strong (the default), Weak or Dark"),
    },
    path=r"(VL|NI)/(Strong|Weak|Dark)/P[0-9]{3}/[a-z]+/[0-9]+\.jpe?g$",
)

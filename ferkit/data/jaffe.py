"""JAFFE, the Japanese Female Facial Expression data set: 213 grey photographs of ten women."""

import re
from collections import defaultdict
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import files_below, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips

CODES = {  # in the order of the serial numbers
    "NE": "neutral",
    "HA": "happiness",
    "SA": "sadness",
    "SU": "surprise",
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
}
NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(CODES)})([0-9])\.([0-9]+)")
RATING = re.compile(r"\s*[0-9]+((?:\s+[0-9.]+){6})\s+([A-Z]{2})-([A-Z]{2}[0-9])\s*")
RATED = ("happiness", "sadness", "surprise", "anger", "disgust", "fear")  # the columns of the ratings

PEOPLE = ("KM", "KA", "YM", "KR", "NM", "MK", "UY", "KL", "TM", "NA")  # in the order of the serial numbers
GAPS = (8, 12, 21, 76, 108, 183)  # serial numbers that were never given
TAKES = {  # where they are not 1, 2, 3
    "KM.HA": "1234",
    "KM.SA": "1235",
    "KM.DI": "13",
    "KA.HA": "1234",
    "KA.FE": "1234",
    "YM.FE": "1234",
    "KR.HA": "12",
    "NM.DI": "13",
    "KL.DI": "1234",
}


def _names() -> tuple[str, ...]:
    """All names in the order of their serial numbers; counted from a public listing."""
    parts = [f"{who}.{code}" for who in PEOPLE for code in CODES]
    takes = [f"{part}{take}" for part in parts for take in TAKES.get(part, "123")]
    serials = (number for number in range(1, 220) if number not in GAPS)
    return tuple(f"{take}.{serial}" for take, serial in zip(takes, serials, strict=True))


EXPECTED = Expected(
    people=tuple(sorted(PEOPLE)),
    clips=_names(),
    emotions=dict(anger=30, disgust=29, fear=32, happiness=31, neutral=30, sadness=31, surprise=30),
)
CARD = Card(
    title="JAFFE, the Japanese Female Facial Expression data set",
    source="M. Lyons, S. Akamatsu, M. Kamachi, J. Gyoba, FG 1998; Zenodo, record 3451524",
    licence="restricted: non-commercial research, with citation",
    consent="not checked; the provider's agreement says",
    terms="not to be passed on; no picture is shown here",
    ask="fill in the request form at https://zenodo.org/records/3451524",
    may_show=False,
    open_download=False,
    bias="ten Japanese women, posed; the posed emotion is not always the one seen",
)


def read_jaffe(root: str | Path, verify: str = "warn", repacked: bool = False) -> list[Clip]:
    """The photographs: 213 clips of one frame, ten people, seven emotions with neutral.

        root/
            jaffe/KA.AN1.39.tiff        may be absent or doubled: person, emotion, take, serial number; 256 x 256 grey
            README_FIRST.txt            optional: what 60 people saw in each picture

    Serial numbers have six gaps and some takes were never there. The emotion is the posed one, of the file's name;
    `extra` has `take`, `serial` and, with the text, `ratings` (emotion -> mean). With `repacked` copies in other
    formats (.jpg, .png ...) are read as well.
    """
    check_level(verify)
    root = Path(root).expanduser()
    found = files_below(root)
    tiffs = [path for path in found if path.suffix.lower() in (".tif", ".tiff")]
    paths = found if repacked else tiffs
    named = {path: match for path in paths if (match := NAME.fullmatch(path.stem.upper()))}
    if not named:
        other = any(NAME.fullmatch(path.stem.upper()) for path in found)
        hint = "; the pictures there are a copy in another format, which `repacked=True` reads" if other else ""
        raise not_found(CARD.title, root, f"jaffe/KA.AN1.39.tiff and so on{hint}", CARD.ask)
    if strange := [path for path in paths if path not in named]:
        report(f"jaffe: {len(strange)} file(s) skipped, their names are not JAFFE's: {shorten(strange)}", verify)
    serials: defaultdict[int, set[str]] = defaultdict(set)
    for path, match in named.items():
        serials[int(match[4])].add(path.stem.upper())
    if twice := [" and ".join(sorted(names)) for names in serials.values() if len(names) > 1]:
        report(f"jaffe: {len(twice)} serial number(s) have two names: {shorten(twice)}", verify)
    ratings = _ratings(root)
    good = usable(sorted(named, key=lambda path: int(named[path][4])), "jaffe", verify)
    clips = [_clip(path, named[path], ratings) for path in good]
    verify_clips(clips, EXPECTED, verify)
    return clips


def _clip(path: Path, match: re.Match[str], ratings: dict[str, dict[str, float]]) -> Clip:
    person, code, take, serial = match.groups()
    extra = {"take": int(take), "serial": int(serial), "ratings": ratings.get(f"{person}.{code}{take}")}
    return Clip("jaffe", person, path.stem.upper(), CODES[code], (path,), extra=extra)


def _ratings(root: Path) -> dict[str, dict[str, float]]:
    """The mean ratings of each picture that the provider's text has, by person, emotion and take; its other lines are passed over."""
    ratings = {}
    for path in files_below(root, (".txt", "")):
        if "README" in path.name.upper():
            for line in path.read_text(encoding="latin-1").splitlines():
                if match := RATING.fullmatch(line):
                    values = map(float, match[1].split())
                    ratings[f"{match[2]}.{match[3]}"] = dict(zip(RATED, values, strict=True))
    return ratings

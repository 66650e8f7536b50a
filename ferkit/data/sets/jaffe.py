"""JAFFE, the Japanese Female Facial Expression data set: 213 grey photographs of ten women."""

import re
import warnings
from collections import Counter, defaultdict
from itertools import product
from pathlib import Path

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import files_below, not_found
from ferkit.data.reports import count_noun, keep_usable, report, report_skipped, shorten

# In the order of the serial numbers, as are PEOPLE.
CODES = {
    "NE": "neutral",
    "HA": "happiness",
    "SA": "sadness",
    "SU": "surprise",
    "AN": "anger",
    "DI": "disgust",
    "FE": "fear",
}
NAME = re.compile(rf"([A-Z]{{2}})\.({'|'.join(CODES)})([0-9])\.([0-9]+)")
_RATING = re.compile(r"\s*[0-9]+((?:\s+[0-9.]+){6})\s+([A-Z]{2})-([A-Z]{2}[0-9])\s*")
_RATING_COLUMNS = ("happiness", "sadness", "surprise", "anger", "disgust", "fear")

PEOPLE = ("KM", "KA", "YM", "KR", "NM", "MK", "UY", "KL", "TM", "NA")
_UNUSED_SERIALS = (8, 12, 21, 76, 108, 183)
# Takes, where they are not 1, 2, 3.
_TAKES = {
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


def _expected_names() -> tuple[str, ...]:
    """All names in the order of their serial numbers; counted from a public listing."""
    takes: list[str] = []
    for pose in map(".".join, product(PEOPLE, CODES)):
        takes += [f"{pose}{take}" for take in _TAKES.get(pose, "123")]
    serials = [number for number in range(1, 220) if number not in _UNUSED_SERIALS]
    return tuple(f"{take}.{serial}" for take, serial in zip(takes, serials, strict=True))


EXPECTED = Expected(
    people=tuple(sorted(PEOPLE)),
    clips=_expected_names(),
    emotions=dict(anger=30, disgust=29, fear=32, happiness=31, neutral=30, sadness=31, surprise=30),
    per_person=Counter(name[:2] for name in _expected_names()),
)
CARD = Card(
    title="JAFFE, the Japanese Female Facial Expression data set",
    source="M. Lyons, S. Akamatsu, M. Kamachi, J. Gyoba, FG 1998; Zenodo, record 3451524",
    licence="restricted: non-commercial research, with citation",
    consent="not checked; see the provider's agreement",
    terms="not to be passed on; no picture is shown here",
    ask="fill in the request form at https://zenodo.org/records/3451524",
    may_show=False,
    open_download=False,
    bias="ten Japanese women, posed; the posed emotion is not always the one seen",
    certainty="names counted from a published listing; the form of the ratings is not confirmed",
)


def read_jaffe(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the photographs: 213 clips of one frame, ten people, seven emotions with neutral.

        root/
            jaffe/KA.AN1.39.tiff    may be absent or doubled: person, emotion, take, serial number;
                                    256 x 256 pixels, grey
            README_FIRST.txt        optional: what 60 people saw in each picture

    Six serial numbers are unused and some takes never existed. The emotion is the posed one, from
    the file's name; `extra` has `take`, `serial` and, with the text, `ratings` (emotion -> mean).
    Copies in another format (.jpg, .png ...) are read where there is no TIFF, and in folders of
    emotions too; a warning says what may have been lost.
    """
    check_level(verify)
    root = expand_home(root)
    pictures = files_below(root, depth=3)
    tiffs = [path for path in pictures if path.suffix.lower() in (".tif", ".tiff")]
    paths = tiffs or pictures
    named = {path: match for path in paths if (match := NAME.fullmatch(path.stem.upper()))}
    if not named:
        raise not_found(CARD.title, root, "jaffe/KA.AN1.39.tiff and so on", CARD.ask)
    if not tiffs:
        suffixes = shorten(sorted({path.suffix.lower() for path in named}))
        warnings.warn(
            f"jaffe: a copy as {suffixes} instead of TIFF: names and labels are the provider's, "
            "but the pictures may have been compressed, cut or resized",
            stacklevel=2,
        )
    strange = [path for path in paths if path not in named]
    report_skipped("jaffe", strange, "file", verify, "not named as in JAFFE")
    _report_shared_serials(named, verify)
    ratings = _read_ratings(root)
    by_serial = sorted(named, key=lambda path: int(named[path][4]))
    usable = keep_usable(by_serial, "jaffe", verify)
    clips = [_clip(path, named[path], ratings) for path in usable]
    verify_clips(clips, EXPECTED, verify)
    return clips


def _report_shared_serials(named: dict[Path, re.Match[str]], verify: str) -> None:
    """Report serial numbers that stand in two different names."""
    names_of: defaultdict[int, set[str]] = defaultdict(set)
    for path, match in named.items():
        names_of[int(match[4])].add(path.stem.upper())
    shared = [" and ".join(sorted(names)) for names in names_of.values() if len(names) > 1]
    if shared:
        count = count_noun(shared, "serial number")
        report(f"jaffe: {count} with two names: {shorten(shared)}", verify)


def _clip(path: Path, match: re.Match[str], ratings: dict[str, dict[str, float]]) -> Clip:
    person, code, take, serial = match.groups()
    extra = {
        "take": int(take),
        "serial": int(serial),
        "ratings": ratings.get(f"{person}.{code}{take}"),
    }
    return Clip("jaffe", person, path.stem.upper(), CODES[code], (path,), extra=extra)


def _read_ratings(root: Path) -> dict[str, dict[str, float]]:
    """The mean ratings of each picture in the provider's text, by person, emotion and take."""
    ratings = {}
    for path in files_below(root, (".txt", "")):
        if "README" not in path.name.upper():
            continue
        for line in path.read_text(encoding="latin-1").splitlines():
            if match := _RATING.fullmatch(line):
                values = [float(value) for value in match[1].split()]
                rating = dict(zip(_RATING_COLUMNS, values, strict=True))
                ratings[f"{match[2]}.{match[3]}"] = rating
    return ratings


DATA_SET = DataSet(
    "jaffe",
    read_jaffe,
    ("jaffe", "JAFFE"),
    CARD,
    Offer(7),
    EXPECTED,
    path=NAME.pattern + r"\.\w+$",
)

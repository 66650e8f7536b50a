"""Comparing what a reader found with what the provider's copy holds."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ferkit.data.clips import Clip
from ferkit.data.files import natural, shorten
from ferkit.labels import EMOTIONS

LEVELS = ("off", "warn", "strict")
TABLE = ("what", "expected", "observed", "missing", "unexpected", "note")
UNCONFIRMED = "not confirmed"


@dataclass(frozen=True)
class Expected:
    """What a complete copy holds. What is left empty is not compared.

    The rows of `counts` are clips, people, frames (where they are not listed), a compound class ("fear+surprise"), and
    each of these or an emotion within one of the provider's splits ("train clips", "train anger").
    """

    people: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()  # their names
    emotions: Mapping[str, int] = field(default_factory=dict)  # clips of each
    counts: Mapping[str, int] = field(default_factory=dict)  # further rows, see above
    unconfirmed: Collection[str] = ()  # rows that are compared and never fail: their numbers come from one source only


def check_level(verify: str) -> None:
    """Refuse a word that is not a level of checking."""
    if verify not in LEVELS:
        raise ValueError(f"verify={verify!r} is not known; choose {', '.join(LEVELS)}")


def compare(clips: Sequence[Clip], expected: Expected | None = None) -> pd.DataFrame:
    """One row for clips, people, each emotion and each further count of `expected`, with the columns

    what, expected (<NA> where not known), observed, missing and unexpected (ids, separated by blanks), note (whether the
    numbers differ, and whether the expected one is confirmed).
    """
    expected = expected or Expected()
    found, people = _tally(clips)
    numbers = {**expected.counts, **expected.emotions}
    ids = {
        "clips": (expected.clips, {clip.name for clip in clips}),
        "people": (expected.people, people),
    }
    rows: list[tuple] = []
    for what, (wanted, there) in ids.items():
        missing = [item for item in wanted if item not in there]
        unexpected = sorted(there - set(wanted), key=natural) if wanted else []
        rows.append((what, len(wanted) or numbers.get(what), found[what], " ".join(missing), " ".join(unexpected)))
    further = [what for what in expected.counts if what not in ids and what not in EMOTIONS]
    for what in [emotion for emotion in EMOTIONS if emotion in found or emotion in numbers] + further:
        rows.append((what, numbers.get(what), found[what], "", ""))
    table = pd.DataFrame([(*row, _note(row, expected)) for row in rows], columns=list(TABLE))
    return table.astype({"expected": "Int64", "observed": "Int64"})


def differences(table: pd.DataFrame, confirmed: bool = True) -> list[str]:
    """The rows of a comparison that do not agree, each in words; those whose numbers are confirmed, or the others."""
    lines = []
    for row in table.itertuples():
        if "differs" in row.note and (UNCONFIRMED not in row.note) == confirmed:
            line = f"{row.observed} {row.what} instead of {row.expected}"
            for word, ids in (("missing", row.missing.split()), ("unexpected", row.unexpected.split())):
                if ids:
                    line += f"; {len(ids)} {word}: {shorten(ids)}"
            lines.append(line if confirmed else f"{line} ({UNCONFIRMED})")
    return lines


def _tally(clips: Sequence[Clip]) -> tuple[Counter[str], set[str]]:
    """How many of everything that `Expected.counts` may name, and who."""
    found: Counter[str] = Counter()
    people: defaultdict[str, set[str]] = defaultdict(set)
    for clip in clips:
        for split in ("", f"{clip.split} ") if clip.split else ("",):
            found[f"{split}clips"] += 1
            found[f"{split}frames"] += len(clip.frames)
            if clip.emotion:
                found[f"{split}{clip.emotion}"] += 1
            if clip.complementary:
                found[f"{split}{clip.complementary}+{clip.emotion}"] += 1
            people[split].add(clip.person)
    for split, who in people.items():
        found[f"{split}people"] = len(who)
    return found, people[""]


def _note(row: tuple, expected: Expected) -> str:
    what, wanted, observed, *ids = row
    differs = wanted is not None and (wanted != observed or any(ids))
    words = ["differs"] * differs + [UNCONFIRMED] * (what in expected.unconfirmed and wanted is not None)
    return ", ".join(words)


def verify_clips(clips: Sequence[Clip], expected: Expected | None, verify: str) -> None:
    """Compare with `expected`: `off` does nothing, `warn` warns once, `strict` raises ValueError.

    Numbers that are not confirmed are warned of at `strict` too; they never fail.

    Two clips of one name are always an error: results are kept under the name.
    """
    check_level(verify)
    twice = [name for name, count in Counter(clip.name for clip in clips).items() if count > 1]
    if twice:
        paths = [clip.frames[0] for clip in clips if clip.name == twice[0]]
        raise ValueError(
            f"{clips[0].dataset}: {len(twice)} name(s) occur more than once: {shorten(twice)}; "
            f"{twice[0]} is {shorten(paths)}. Keep one of them"
        )
    if verify == "off" or expected is None:
        return
    table = compare(clips, expected)
    name = clips[0].dataset if clips else "nothing read"
    sure, unsure = differences(table), differences(table, confirmed=False)
    if sure and verify == "strict":
        raise ValueError(f"{name}: not the complete set. " + ". ".join(sure))
    if lines := sure + unsure:
        known = "not the complete set" if sure else "not what is told of the complete set"
        warnings.warn(f"{name}: {known}. {'. '.join(lines)}. `ferkit data check {name}` lists all", stacklevel=3)

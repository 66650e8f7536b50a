"""What a complete copy of a data set holds, compared with what a reader found."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ferkit.core.labels import EMOTIONS
from ferkit.data.clip import Clip
from ferkit.data.listing import natural
from ferkit.data.reports import count_noun, shorten

COUNT_COLUMNS = ("what", "expected", "observed", "missing", "unexpected", "note")
_VERIFY_LEVELS = ("off", "warn", "strict")
_FEW_PEOPLE = 30  # are listed one by one
_UNCONFIRMED = "not confirmed"


@dataclass(frozen=True)
class Expected:
    """What a complete copy holds. Fields left empty are not compared.

    The rows of `counts` are clips, people, frames (where they are not listed), a compound class
    ("fear+surprise"), and each of these or an emotion within one of the provider's splits
    ("train clips", "train anger").
    """

    people: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()  # their names
    emotions: Mapping[str, int] = field(default_factory=dict)  # number of clips of each
    counts: Mapping[str, int] = field(default_factory=dict)
    per_person: Mapping[str, int] = field(default_factory=dict)  # number of clips of each
    # Rows whose numbers come from one source only: they are compared and never fail.
    unconfirmed: Collection[str] = ()


def check_level(verify: str) -> None:
    """Raise ValueError for an unknown level of checking."""
    if verify not in _VERIFY_LEVELS:
        raise ValueError(f"verify={verify!r} is not known; choose {', '.join(_VERIFY_LEVELS)}")


def compare(clips: Sequence[Clip], expected: Expected | None = None) -> pd.DataFrame:
    """Compare clips with a complete copy, a row for each count.

    Rows are clips, people, each emotion and each further count of `expected`. Columns are what,
    expected (<NA> where unknown), observed, missing and unexpected (ids, separated by blanks), and
    note (whether the numbers differ, and whether the expected one is confirmed).
    """
    expected = expected or Expected()
    observed = _count(clips)
    numbers = {**expected.counts, **expected.emotions}
    rows = [
        _id_row("clips", expected.clips, {clip.name for clip in clips}, numbers),
        _id_row("people", expected.people, {clip.person for clip in clips}, numbers),
    ]
    emotions = [emotion for emotion in EMOTIONS if emotion in observed or emotion in numbers]
    listed = {"clips", "people", *EMOTIONS}
    further = [what for what in expected.counts if what not in listed]
    for what in emotions + further:
        rows.append((what, numbers.get(what), observed[what], "", ""))
    noted = [(*row, _note(row, expected)) for row in rows]
    table = pd.DataFrame(noted, columns=list(COUNT_COLUMNS))
    return table.astype({"expected": "Int64", "observed": "Int64"})


def emotion_table(clips: Sequence[Clip], expected: Expected | None = None) -> pd.DataFrame:
    """Count clips: a row for each emotion and one for all, a column for each split and for all.

    Cells are text: `81`, or `81 of 135` where the published number is known.
    """
    expected = expected or Expected()
    numbers = {**expected.emotions, **expected.counts}
    if expected.clips:
        numbers["clips"] = len(expected.clips)
    observed = _count(clips)
    found = {clip.split for clip in clips if clip.split}
    splits = [split for split in ("train", "val", "test") if split in found]
    columns = {split: f"{split} " for split in splits} | {"all": ""}
    rows = {}
    for what in (*EMOTIONS, "clips"):
        names = [f"{prefix}{what}" for prefix in columns.values()]
        if any(observed[name] or name in numbers for name in names):
            rows[what] = [_of_published(observed[name], numbers.get(name)) for name in names]
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(columns))


def _of_published(observed: int, published: int | None) -> str:
    return str(observed) if published is None else f"{observed} of {published}"


def person_table(clips: Sequence[Clip], expected: Expected | None = None) -> pd.DataFrame:
    """Count each person's clips: columns clips, published (<NA> where not known), emotions.

    Without people it is empty.
    """
    published = dict(expected.per_person) if expected else {}
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for clip in clips:
        if clip.person_known:
            counts[clip.person].update(["clips", clip.emotion])
    shown = [emotion for emotion in EMOTIONS if any(count[emotion] for count in counts.values())]
    people = sorted(counts.keys() | published.keys(), key=natural)
    rows = {
        person: [counts[person]["clips"], published.get(person)]
        + [counts[person][emotion] for emotion in shown]
        for person in people
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["clips", "published", *shown])
    return table.astype("Int64")


def describe_people(people: pd.DataFrame) -> str:
    """Describe a `person_table`; of many people, list those whose number is not the published."""
    clips = people["clips"]
    people = people.dropna(axis="columns", how="all")
    first = f"{len(people)} people with {clips.min()} to {clips.max()} clips each"
    if len(people) <= _FEW_PEOPLE:
        return f"{first}\n{people.to_string(na_rep='-')}"
    if "published" not in people:
        return f"{first}; numbers per person are not published"
    differing = people[(clips != people["published"]).fillna(False)]
    if differing.empty:
        return f"{first}, all as published"
    return f"{first}; {len(differing)} differ:\n{differing.to_string(na_rep='-')}"


def verify_clips(clips: Sequence[Clip], expected: Expected | None, verify: str) -> None:
    """Compare with `expected`: `off` does nothing, `warn` warns once, `strict` raises ValueError.

    Numbers that are not confirmed only cause warnings, also at `strict`. Two clips of one name
    always raise ValueError, since results are stored by name.
    """
    check_level(verify)
    _check_unique_names(clips)
    if verify == "off" or expected is None:
        return
    table = compare(clips, expected)
    name = clips[0].dataset if clips else "nothing read"
    confirmed = _describe_differences(table, confirmed=True)
    unconfirmed = _describe_differences(table, confirmed=False)
    if confirmed and verify == "strict":
        raise ValueError(f"{name}: not the complete set. {'. '.join(confirmed)}")
    if differences := confirmed + unconfirmed:
        fault = "not the complete set" if confirmed else "not what one source says"
        warnings.warn(
            f"{name}: {fault}. {'. '.join(differences)}. `ferkit data check {name}` lists all",
            stacklevel=3,
        )


def _check_unique_names(clips: Sequence[Clip]) -> None:
    counts = Counter(clip.name for clip in clips)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        paths = [clip.frames[0] for clip in clips if clip.name == repeated[0]]
        raise ValueError(
            f"{clips[0].dataset}: {count_noun(repeated, 'name')} used more than once: "
            f"{shorten(repeated)}; {repeated[0]} is {shorten(paths)}. Keep one of them"
        )


def _count(clips: Sequence[Clip]) -> Counter[str]:
    """Count everything that `Expected.counts` may name."""
    counts: Counter[str] = Counter()
    people: defaultdict[str, set[str]] = defaultdict(set)
    for clip in clips:
        prefixes = ("", f"{clip.split} ") if clip.split else ("",)
        for prefix in prefixes:
            counts[f"{prefix}clips"] += 1
            counts[f"{prefix}frames"] += len(clip.frames)
            people[prefix].add(clip.person)
            if clip.emotion:
                counts[f"{prefix}{clip.emotion}"] += 1
            if clip.complementary:
                counts[f"{prefix}{clip.complementary}+{clip.emotion}"] += 1
    for prefix, persons in people.items():
        counts[f"{prefix}people"] = len(persons)
    return counts


def _id_row(
    what: str, expected: Sequence[str], observed: set[str], numbers: Mapping[str, int]
) -> tuple:
    """The row of clips or people, whose missing and unexpected ids are listed."""
    missing = [name for name in expected if name not in observed]
    unexpected = sorted(observed.difference(expected), key=natural) if expected else []
    number = len(expected) or numbers.get(what)
    return what, number, len(observed), " ".join(missing), " ".join(unexpected)


def _note(row: tuple, expected: Expected) -> str:
    what, number, observed, missing, unexpected = row
    if number is None:
        return ""
    notes = []
    if number != observed or missing or unexpected:
        notes.append("differs")
    if what in expected.unconfirmed:
        notes.append(_UNCONFIRMED)
    return ", ".join(notes)


def _describe_differences(table: pd.DataFrame, confirmed: bool) -> list[str]:
    """Describe the rows that differ: those with confirmed numbers, or the others."""
    lines = []
    for row in table.itertuples():
        if "differs" not in row.note or (_UNCONFIRMED in row.note) == confirmed:
            continue
        line = f"{row.observed} {row.what} instead of {row.expected}"
        for fault in ("missing", "unexpected"):
            ids = getattr(row, fault).split()
            if ids:
                line += f"; {len(ids)} {fault}: {shorten(ids)}"
        lines.append(line if confirmed else f"{line} ({_UNCONFIRMED})")
    return lines

"""Comparing what a reader found with what the provider's copy holds."""

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pandas as pd

from ferkit.data.clips import Clip
from ferkit.data.files import shorten
from ferkit.labels import EMOTIONS

LEVELS = ("off", "warn", "strict")
TABLE = ("what", "expected", "observed", "missing", "unexpected")


@dataclass(frozen=True)
class Expected:
    """What a complete copy holds. What is left empty is not compared."""

    people: tuple[str, ...] = ()
    clips: tuple[str, ...] = ()  # their names
    emotions: Mapping[str, int] = field(default_factory=dict)  # clips of each


def check_level(verify: str) -> None:
    """Refuse a word that is not a level of checking."""
    if verify not in LEVELS:
        raise ValueError(f"verify={verify!r} is not known; choose {', '.join(LEVELS)}")


def compare(clips: Sequence[Clip], expected: Expected | None = None) -> pd.DataFrame:
    """One row for clips, people and each emotion: what, expected (<NA> where not known), observed, missing, unexpected.

    The last two are ids, separated by blanks.
    """
    expected = expected or Expected()
    counts = Counter(clip.emotion for clip in clips)
    rows: list[tuple] = []
    for what, wanted, found in (
        ("clips", expected.clips, {clip.name for clip in clips}),
        ("people", expected.people, {clip.person for clip in clips}),
    ):
        missing = [item for item in wanted if item not in found]
        unexpected = sorted(found - set(wanted)) if wanted else []
        rows.append((what, len(wanted) or None, len(found), " ".join(missing), " ".join(unexpected)))
    for emotion in EMOTIONS:
        if emotion in counts or emotion in expected.emotions:
            rows.append((emotion, expected.emotions.get(emotion), counts[emotion], "", ""))
    table = pd.DataFrame(rows, columns=list(TABLE))
    return table.astype({"expected": "Int64", "observed": "Int64"})


def differences(table: pd.DataFrame) -> list[str]:
    """The rows of a comparison that do not agree, each in words."""
    lines = []
    for row in table.itertuples():
        if not pd.isna(row.expected) and (row.expected != row.observed or row.missing or row.unexpected):
            line = f"{row.observed} {row.what} instead of {row.expected}"
            for word, ids in (("missing", row.missing.split()), ("unexpected", row.unexpected.split())):
                if ids:
                    line += f"; {len(ids)} {word}: {shorten(ids)}"
            lines.append(line)
    return lines


def verify_clips(clips: Sequence[Clip], expected: Expected | None, verify: str) -> None:
    """Compare with `expected`: `off` does nothing, `warn` warns once, `strict` raises ValueError.

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
    if lines := differences(compare(clips, expected)):
        name = clips[0].dataset if clips else "nothing read"
        message = f"{name}: not the complete set. " + ". ".join(lines)
        if verify == "strict":
            raise ValueError(message)
        warnings.warn(f"{message}. `ferkit data check {name}` lists all", stacklevel=3)

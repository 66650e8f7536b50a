"""A CSV table that lists pictures of your own, with the columns path, person and emotion."""

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferkit.data.clip import Clip
from ferkit.data.layout import emotion_of
from ferkit.data.listing import natural
from ferkit.data.reports import keep_usable
from ferkit.data.table import named_file, read_table

_REQUIRED = ("path", "person", "emotion")
_OPTIONAL = ("sequence", "frame")


@dataclass(frozen=True)
class _Row:
    """One picture of a table."""

    line: int
    path: Path
    written: str  # the path as the table has it
    person: str
    emotion: str
    sequence: str
    frame: int | None
    extra: dict[str, str]


def clips_from_table(table: Path, verify: str) -> list[Clip]:
    """Read the clips that a table lists; `read_folder` says how, and what raises."""
    groups: dict[tuple[str, ...], list[_Row]] = defaultdict(list)
    paths: dict[Path, None] = {}
    for row in _read_rows(table):
        paths[row.path] = None
        key = (row.person, row.sequence) if row.sequence else (row.person, "", row.written)
        groups[key].append(row)
    usable = set(keep_usable(paths, "folder", verify))
    clips = []
    for group in groups.values():
        _check_one_emotion(table, group)
        rows = [row for row in _in_order(table, group) if row.path in usable]
        if not rows:
            continue
        first = rows[0]
        clip = Clip(
            "folder",
            first.person,
            f"{first.person}/{first.sequence}" if first.sequence else first.written,
            first.emotion,
            tuple(row.path for row in rows),
            sequence=first.sequence or None,
            extra=dict(first.extra),
        )
        clips.append(clip)
    return clips


def _read_rows(table: Path) -> Iterator[_Row]:
    """Yield the rows of a table, checked one by one; every error names the line."""
    seen: dict[str, list[_Row]] = {}
    for line, values in read_table(table, _REQUIRED).rows:
        place = f"{table} line {line}"
        if empty := [column for column in _REQUIRED if not values[column]]:
            raise ValueError(f"{place}: {', '.join(empty)} is empty")
        written = values["path"].replace("\\", "/")
        try:
            emotion = emotion_of(values["emotion"])
        except ValueError as error:
            raise ValueError(f"{place} ({written}): {error}") from None
        known = _REQUIRED + _OPTIONAL
        row = _Row(
            line,
            named_file(table, values["path"]),
            written,
            values["person"],
            emotion,
            values.get("sequence", ""),
            _parse_frame(values.get("frame", ""), place),
            {name: value for name, value in values.items() if name not in known},
        )
        same_picture = seen.setdefault(os.path.normpath(row.path), [])
        _check_named_once(place, row, same_picture)
        same_picture.append(row)
        yield row


def _check_named_once(place: str, row: _Row, earlier: list[_Row]) -> None:
    """ValueError where a picture is in one sequence twice, or shows two people."""
    for other in earlier:
        if other.sequence == row.sequence:
            raise ValueError(
                f"{place}: {row.written} is already in line {other.line}; keep one of them"
            )
        if other.person != row.person:
            raise ValueError(
                f"{place}: {row.written} is in line {other.line} too, of {other.person} and not of "
                f"{row.person}; a picture shows one person"
            )


def _parse_frame(text: str, place: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{place}: frame {text!r} is not a whole number") from None


def _check_one_emotion(table: Path, group: list[_Row]) -> None:
    first = group[0]
    for row in group:
        if row.emotion != first.emotion:
            raise ValueError(
                f"{table} line {row.line}: sequence {row.sequence!r} of {row.person} is "
                f"{row.emotion}, but {first.emotion} in line {first.line}; "
                "a sequence has one emotion"
            )


def _in_order(table: Path, group: list[_Row]) -> list[_Row]:
    numbers = [row.frame for row in group]
    if all(number is None for number in numbers):
        return sorted(group, key=lambda row: natural(row.path.name))
    if len(group) > 1 and (None in numbers or len(set(numbers)) < len(numbers)):
        lines = ", ".join(str(row.line) for row in group[:10])
        raise ValueError(
            f"{table}: sequence {group[0].sequence!r} of {group[0].person} (lines {lines}) "
            "needs a different frame number in every row"
        )
    return sorted(group, key=lambda row: row.frame or 0)

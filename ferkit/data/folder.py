"""Anybody's own pictures: `person/emotion/*.jpg`, or a table that names path, person and emotion."""

import warnings
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import natural, not_found, pictures_and_folders, report, shorten, table_rows, usable
from ferkit.data.verify import check_level, verify_clips
from ferkit.labels import EMOTIONS

# Words people use for the eight emotions; case is ignored.
WORDS = {emotion: emotion for emotion in EMOTIONS} | {
    "angry": "anger",
    "contemptuous": "contempt",
    "disgusted": "disgust",
    "afraid": "fear",
    "fearful": "fear",
    "happy": "happiness",
    "joy": "happiness",
    "sad": "sadness",
    "surprised": "surprise",
}
REQUIRED = ("path", "person", "emotion")
OPTIONAL = ("sequence", "frame")
EXPECTED = (
    "pictures as person/emotion/*.jpg (or .png, .pgm, .tif ...), "
    "or a CSV table with the columns path, person, emotion (and, for films, sequence, frame)"
)
CARD = Card(
    title="pictures of your own",
    source="yours",
    licence="yours to know",
    consent="yours to have",
    terms="show or share nothing the people in the pictures did not agree to",
    ask="name their folder or their table with --data-root (`ferkit data`: --root)",
    may_show=False,
    open_download=False,
    bias="yours to know",
)


@dataclass(frozen=True)
class Row:
    """One picture of a table."""

    line: int
    path: Path
    written: str  # the path as the table has it
    person: str
    emotion: str
    sequence: str
    frame: int | None
    extra: dict[str, str]


def read_folder(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The pictures of a folder `person/emotion/*.jpg`, or of a CSV with the columns path, person, emotion.

    A table may also have `sequence` (rows of one person with the same word are one clip; empty: a still) and `frame`
    (whole numbers that order it; without them the numbers in the file names do). Paths are relative to the table.
    Further columns go to `extra`. Emotions are the eight names or everyday words for them (`WORDS`).

    Raises FileNotFoundError when there is no picture, ValueError with file and line for an unknown emotion, a missing
    column, or a picture named twice. People with one picture are listed in a warning, and so is what may not be read.
    """
    check_level(verify)
    root = Path(root).expanduser()
    if root.is_file():
        clips = _from_table(root, verify)
    elif root.is_dir():
        clips = _from_folders(root, verify)
    else:
        raise not_found(CARD.title, root, EXPECTED, CARD.ask)
    if not clips:
        raise not_found(CARD.title, root, EXPECTED, CARD.ask)
    verify_clips(clips, None, verify)
    pictures = Counter(clip.person for clip in clips for _ in clip.frames)
    single = [person for person, count in pictures.items() if count == 1]
    if single and verify != "off":
        warnings.warn(
            f"folder: {len(single)} person(s) with one picture: {shorten(single)}; "
            "to subtract a person's mean (residuals) takes two or more",
            stacklevel=2,
        )
    return clips


def emotion_of(word: str) -> str:
    """The emotion meant by an everyday word; ValueError when it is none of `WORDS`."""
    try:
        return WORDS[word.strip().lower()]
    except KeyError:
        raise ValueError(f"unknown emotion {word!r}; known: {', '.join(WORDS)}") from None


def _from_folders(root: Path, verify: str) -> list[Clip]:
    paths: dict[Path, str] = {}
    stray, people = pictures_and_folders(root, verify=verify)
    for person in people:
        beside, shown = pictures_and_folders(person, verify=verify)
        stray += beside
        for folder in shown:
            pictures, deeper = pictures_and_folders(folder, verify=verify)
            stray += [path for each in deeper for path in pictures_and_folders(each, verify=verify)[0]]
            if not pictures:
                continue
            try:
                emotion = emotion_of(folder.name)
            except ValueError as error:
                swapped = "; the order is person/emotion, not emotion/person" if person.name.lower() in WORDS else ""
                raise ValueError(f"{pictures[0]}: {error}{swapped}") from None
            paths |= dict.fromkeys(pictures, emotion)
    if stray:
        report(f"folder: {len(stray)} picture(s) skipped, they do not lie in person/emotion/: {shorten(stray)}", verify)
    return [
        Clip("folder", path.parent.parent.name, path.relative_to(root).as_posix(), paths[path], (path,))
        for path in usable(paths, "folder", verify)
    ]


def _from_table(table: Path, verify: str) -> list[Clip]:
    rows = list(_rows(table))
    there = set(usable(dict.fromkeys(row.path for row in rows), "folder", verify))
    groups: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[(row.person, row.sequence) if row.sequence else (row.person, "", row.written)].append(row)
    clips = []
    for group in groups.values():
        _one_emotion(table, group)
        frames = [row for row in _in_order(table, group) if row.path in there]
        if not frames:
            continue
        first = frames[0]
        name = f"{first.person}/{first.sequence}" if first.sequence else first.written
        extra = dict(first.extra)
        clip = Clip(
            "folder",
            first.person,
            name,
            first.emotion,
            tuple(row.path for row in frames),
            sequence=first.sequence or None,
            extra=extra,
        )
        clips.append(clip)
    return clips


def _rows(table: Path) -> Iterator[Row]:
    """The rows of a table, checked one by one; every error names the line."""
    reader = table_rows(table)
    columns = list(reader.fieldnames or ())
    if absent := [column for column in REQUIRED if column not in columns]:
        found = ", ".join(columns) or "none"
        raise ValueError(f"{table} has no column {', '.join(absent)}; expected {', '.join(REQUIRED)}, found {found}")
    seen: dict[tuple[str, str], int] = {}
    for cells in reader:
        line = reader.line_num
        if "" in cells:
            raise ValueError(f"{table} line {line} has more cells than the first line has columns")
        values = {name: cell.strip() for name, cell in cells.items()}
        if empty := [column for column in REQUIRED if not values[column]]:
            raise ValueError(f"{table} line {line}: {', '.join(empty)} is empty")
        written = values["path"].replace("\\", "/")
        try:
            emotion = emotion_of(values["emotion"])
        except ValueError as error:
            raise ValueError(f"{table} line {line} ({written}): {error}") from None
        sequence = values.get("sequence", "")
        if earlier := seen.get((sequence, written)):
            raise ValueError(f"{table} line {line}: {written} is already in line {earlier}; keep one of them")
        seen[sequence, written] = line
        extra = {name: value for name, value in values.items() if name not in REQUIRED + OPTIONAL}
        frame = _frame(values.get("frame", ""), f"{table} line {line}")
        yield Row(line, table.parent / written, written, values["person"], emotion, sequence, frame, extra)


def _frame(text: str, place: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{place}: frame {text!r} is not a whole number") from None


def _one_emotion(table: Path, group: list[Row]) -> None:
    first = group[0]
    for row in group:
        if row.emotion != first.emotion:
            raise ValueError(
                f"{table} line {row.line}: sequence {row.sequence!r} of {row.person} is {row.emotion}, "
                f"but {first.emotion} in line {first.line}; a sequence has one emotion"
            )


def _in_order(table: Path, group: list[Row]) -> list[Row]:
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

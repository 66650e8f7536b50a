"""Your own pictures: `person/emotion/*.jpg`, or a table with path, person and emotion."""

import re
import unicodedata
import warnings
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from string import digits
from typing import NamedTuple

from ferkit.core.files import expand_home
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import check_level, verify_clips
from ferkit.data.folder_table import clips_from_table
from ferkit.data.layout import EMOTION_WORDS, SPLIT_WORDS, emotion_of
from ferkit.data.listing import (
    describe_others,
    list_folder,
    list_tree,
    not_found,
)
from ferkit.data.reports import count_noun, keep_usable, report_skipped, shorten

# Names of folders that hold the pictures of many people.
_NO_PEOPLE = (
    "train training trainset test testing testset val valid validation dev eval publictest "
    "privatetest data dataset images pictures photos"
).split()
_EXPECTED_FILES = (
    "pictures as person/emotion/*.jpg or emotion/*.jpg (or .png, .pgm, .tif ...), or a CSV table "
    "with the columns path, person, emotion (and, for sequences, sequence, frame)"
)
CARD = Card(
    title="pictures of your own",
    source="yours",
    licence="yours to know",
    consent="yours to have",
    terms="show or share nothing the people in the pictures did not agree to",
    ask="with --data-root, name their folder, with pictures as person/emotion/*.jpg, or their "
    "table, a CSV with the columns path, person, emotion",
    may_show=False,
    open_download=False,
    bias="yours to know",
    certainty="yours to know",
)


def read_folder(
    root: str | Path, verify: str = "warn", people_from: re.Pattern[str] | None = None
) -> list[Clip]:
    """Read the pictures of a folder `person/emotion/*.jpg`, or those that a CSV table lists.

    In `emotion/*.jpg` and `train/emotion/*.jpg` people are unknown, unless `people_from` finds them
    in the files' names: its first group, or all that it matches.

    A table has the columns path, person and emotion. It may also have `sequence` (rows of one
    person with the same word are one clip; empty: a photograph) and `frame` (whole numbers that
    order the sequence; without them the numbers in the file names do). Paths are relative to the
    table. Further columns go to `extra`. Emotions are the eight names or everyday words for them
    (`EMOTION_WORDS`).

    Raises FileNotFoundError when there is no picture, ValueError with file and line for an unknown
    emotion, a missing column, or a picture named twice. People with one picture are listed in a
    warning, and so is what may not be read.
    """
    check_level(verify)
    root = expand_home(root)
    clips: list[Clip] = []
    if root.is_file():
        if people_from:
            raise ValueError(
                f"{root} is a table, whose column `person` names the people; leave out "
                "--people-from"
            )
        clips = clips_from_table(root, verify)
    elif root.is_dir():
        clips = _from_folders(root, verify, people_from)
    if not clips:
        raise not_found(CARD.title, root, _EXPECTED_FILES, CARD.ask)
    verify_clips(clips, None, verify)
    _warn_of_similar_people(clips)
    picture_counts: Counter[str] = Counter()
    for clip in clips:
        if clip.person_known:
            picture_counts[clip.person] += len(clip.frames)
    single = [person for person, count in picture_counts.items() if count == 1]
    if single and verify != "off":
        warnings.warn(
            f"folder: {count_noun(single, 'person', 'people')} with one picture: "
            f"{shorten(single)}; to subtract a person's mean (residuals), add a second one",
            stacklevel=2,
        )
    return clips


def _from_folders(root: Path, verify: str, people_from: re.Pattern[str] | None) -> list[Clip]:
    tree = _Tree()
    _collect(root, tree, verify)
    report_skipped("folder", tree.stray, "picture", verify, "outside person/emotion/")
    if tree.others:
        warnings.warn(f"folder: {describe_others(tree.others)}", stacklevel=3)
    usable = set(keep_usable([picture.path for picture in tree.pictures], "folder", verify))
    clips = []
    unnamed = []
    for picture in tree.pictures:
        if picture.path not in usable:
            continue
        name = picture.path.relative_to(root).as_posix()
        person = picture.person
        if people_from:
            match = people_from.search(picture.path.name)
            person = None
            if match:
                person = match[1] if people_from.groups else match[0]
        if not person:
            unnamed.append(name)
        clips.append(
            Clip(
                "folder",
                person or name,
                name,
                picture.emotion,
                (picture.path,),
                split=SPLIT_WORDS.get(picture.group.lower()),
            )
        )
    if people_from and unnamed:
        report_skipped("folder", unnamed, "person", verify, "not found by people_from")
    elif unnamed:
        groups = {picture.group for picture in tree.pictures if not picture.person}
        _warn_of_no_people(sorted(groups))
    return clips


class _Picture(NamedTuple):
    """A picture in the folder of an emotion."""

    path: Path
    person: str | None
    group: str  # the folder that is no person, such as a split; "" where there is none
    emotion: str


@dataclass
class _Tree:
    """What lies in the folders of a tree."""

    pictures: list[_Picture] = field(default_factory=list)
    stray: list[Path] = field(default_factory=list)  # pictures in no folder of an emotion
    others: list[Path] = field(default_factory=list)


def _collect(
    folder: Path,
    tree: _Tree,
    verify: str,
    person: str | None = None,
    group: str | None = None,
    above: frozenset[Path] = frozenset(),
) -> None:
    """Add what is in and below `folder` to `tree`; `group` is None at the top.

    Links to a folder in `above`, those that were entered on the way, are not followed.
    """
    resolved = folder.resolve()
    if resolved in above:
        return
    content = list_folder(folder, verify)
    tree.others += content.others
    top = group is None
    is_emotion = folder.name.strip().lower() in EMOTION_WORDS
    if content.files and not top and (person or is_emotion):
        emotion = _folder_emotion(folder, content.files[0])
        tree.pictures += [_Picture(path, person, group or "", emotion) for path in content.files]
        for too_deep in content.folders:
            deep = list_tree(too_deep, verify)
            tree.stray += deep.files
            tree.others += deep.others
        return
    tree.stray += content.files
    if not top and person is None:
        if names_person(folder.name):
            person = folder.name
        else:
            group = folder.name
    for inner in content.folders:
        _collect(inner, tree, verify, person, group or "", above | {resolved})


def _warn_of_no_people(groups: list[str]) -> None:
    """Say that folders name no people, and how to say who is in a picture."""
    named = shorten([group for group in groups if group])
    reason = "no folder is a person"
    if named:
        reason = f"{named} is not a person but a split or a data set"
    warnings.warn(
        f"folder: {reason}, so people are unknown: folds and residuals are refused. Sort the "
        "pictures as person/emotion/*.jpg, list them in a table with the columns path, person, "
        "emotion, or find the person in the files' names with --people-from",
        stacklevel=4,
    )


def names_person(level: str) -> bool:
    """Tell whether a folder may be named after a person: not "train", "CK+" or "FER2013Test"."""
    from ferkit.data import DATASETS  # it imports this module

    word = _letters(level)
    meanings = {word.rstrip(digits)}
    for record in DATASETS.values():
        for folder in (record.name, *record.folders):
            prefix = _letters(folder)
            if word.startswith(prefix):
                meanings.add(word.removeprefix(prefix).rstrip(digits) or "dataset")
    return meanings.isdisjoint(_NO_PEOPLE)


def _letters(name: str) -> str:
    """A name in lower case, without signs and blanks."""
    return "".join(character for character in name.lower() if character.isalnum())


def _warn_of_similar_people(clips: list[Clip]) -> None:
    """Warn of people whose names differ only by case, blanks or Unicode form."""
    spellings: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        if clip.person_known:
            key = unicodedata.normalize("NFKC", clip.person).casefold()
            spellings["".join(key.split())].add(clip.person)
    similar = [sorted(names) for names in spellings.values() if len(names) > 1]
    if similar:
        texts = [" and ".join(map(repr, names)) for names in similar]
        warnings.warn(
            f"folder: names of people that are nearly the same: {shorten(texts)}; if they are one "
            "person, spell them alike: folds must not train and test with the same person",
            stacklevel=3,
        )


def _folder_emotion(folder: Path, picture: Path) -> str:
    try:
        return emotion_of(folder.name)
    except ValueError as error:
        hint = ""
        if folder.parent.name.lower() in EMOTION_WORDS:
            hint = "; the order is person/emotion, not emotion/person"
        raise ValueError(f"{picture}: {error}{hint}") from None


# Its classes are known when it is read.
DATA_SET = DataSet(
    "folder",
    read_folder,
    (),
    CARD,
    Offer(8, sequences=True, split=True),
    options={"people_from": Option("regular expression: the person in a file's name", re.compile)},
)

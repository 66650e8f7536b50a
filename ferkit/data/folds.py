"""Folds by person: nobody is in two parts of one.

Who is drawn for a part is decided by hashes of the seed and the person's id: the same on every computer and with every
version of every library, whatever the order of the clips. (`image_folds_leaky` is the one function here that does not
split by person; it exists to show what goes wrong.)
"""

import csv
import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit.data.clips import Clip
from ferkit.data.files import natural, shorten, text_lines
from ferkit.labels import EMOTIONS
from ferkit.paths import write_whole

Person = tuple[str, str]  # data set and person

PARTS = ("train", "val", "test")
COLUMNS = ("dataset", "person", "part", "fold")


@dataclass(frozen=True)
class Fold:
    """Parts that share no person. `val` chooses the epoch; `test` is read once, at the end."""

    name: str
    train: tuple[Clip, ...]
    val: tuple[Clip, ...]
    test: tuple[Clip, ...]

    def __post_init__(self) -> None:
        parts = {part: {_person(clip) for clip in getattr(self, part)} for part in PARTS}
        for a, b in combinations(PARTS, 2):
            if shared := sorted(parts[a] & parts[b]):
                raise ValueError(
                    f"fold {self.name}: {len(shared)} person(s) in both {a} and {b}, e.g. {' '.join(shared[0])}; "
                    "build folds with `folds_ascending` or `folds_random`, which split by person"
                )


def people(clips: Iterable[Clip]) -> list[Person]:
    """Everybody in `clips` as (data set, person), ids ascending; numbers in an id count as numbers."""
    return sorted({_person(clip) for clip in clips}, key=lambda who: (who[0], natural(who[1])))


def folds_ascending(
    clips: Sequence[Clip], k: int, *, arrangement: str = "interleaved", val_people: int = 0, seed: int = 0
) -> list[Fold]:
    """k folds in the order of ids: `interleaved` tests ids k, k + 10, k + 20 ... (of ten), `blocks` consecutive ones.

    `val_people` of the training people of each fold, drawn by `seed`, are kept for validation.
    Raises ValueError when there are fewer people than folds.
    """
    everybody = _enough(clips, k)
    if arrangement == "interleaved":
        parts = [everybody[i::k] for i in range(k)]
    elif arrangement == "blocks":
        edges = [round(i * len(everybody) / k) for i in range(k + 1)]
        parts = [everybody[a:b] for a, b in zip(edges, edges[1:], strict=False)]
    else:
        raise ValueError(f"arrangement {arrangement!r} is not known; choose 'interleaved' or 'blocks'")
    return _folds(clips, _numbered(parts), val_people, seed)


def folds_random(clips: Sequence[Clip], k: int, seed: int, *, val_people: int = 0) -> list[Fold]:
    """k folds of people in an order drawn by `seed`, sizes as equal as can be; `val_people` as in `folds_ascending`."""
    shuffled = _shuffled(_enough(clips, k), seed)
    return _folds(clips, _numbered([shuffled[i::k] for i in range(k)]), val_people, seed)


def folds_leave_one_out(clips: Sequence[Clip], *, val_people: int = 0, seed: int = 0) -> list[Fold]:
    """A fold per person, named after the one who is tested; `val_people` as in `folds_ascending`."""
    everybody = _enough(clips, 2)
    several = len({dataset for dataset, _ in everybody}) > 1
    parts = {" ".join(who) if several else who[1]: [who] for who in everybody}
    return _folds(clips, parts, val_people, seed)


def fold_held_out(
    clips: Sequence[Clip], test: Collection[Person], name: str, *, val_people: int = 0, seed: int = 0
) -> Fold:
    """One fold that tests the people `test`, (data set, person) each; `val_people` as in `folds_ascending`."""
    return _folds(clips, {name: list(test)}, val_people, seed)[0]


def image_folds_leaky(clips: Sequence[Clip], k: int, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """k pairs of index arrays (train, test) into `clips`, split by clip, only to show the leak.

    The same people are on both sides, so that results are inflated.
    """
    if not 2 <= k <= len(clips):
        raise ValueError(f"{k} folds cannot be made of {len(clips)} clip(s); choose 2 to {len(clips)}")
    order = np.random.default_rng(seed).permutation(len(clips))
    tests = [np.sort(order[i::k]) for i in range(k)]
    return [(np.setdiff1d(order, test), test) for test in tests]


def fold_table(folds: Sequence[Fold]) -> pd.DataFrame:
    """One row per fold: people and clips of each part, then the test part's clips of each emotion."""
    tested = Counter(clip.emotion for fold in folds for clip in fold.test)
    rows = []
    for fold in folds:
        row: dict[str, str | int] = {"fold": fold.name}
        for part in PARTS:
            row[f"{part} people"] = len(people(getattr(fold, part)))
            row[f"{part} clips"] = len(getattr(fold, part))
        counts = Counter(clip.emotion for clip in fold.test)
        rows.append(row | {emotion: counts[emotion] for emotion in EMOTIONS if tested[emotion]})
    return pd.DataFrame(rows).set_index("fold")


def fold_hash(folds: Sequence[Fold]) -> str:
    """16 hexadecimal digits that name who is in which part of which fold, whatever the order of clips and folds."""
    rows = sorted((*who, part, fold.name) for fold in folds for part in PARTS for who in people(getattr(fold, part)))
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:16]


def save_folds(folds: Sequence[Fold], path: str | Path) -> None:
    """Write the list person -> fold as CSV: dataset, person, part (`test` or `val`), fold; everybody else trains.

    Raises ValueError when the folds do not test everybody once: a list cannot say that.
    """
    path = Path(path)
    everybody = people(clip for fold in folds for part in PARTS for clip in getattr(fold, part))
    tested = [who for fold in folds for who in people(fold.test)]
    whole = all(len(people(fold.train + fold.val + fold.test)) == len(everybody) for fold in folds)
    if sorted(tested) != sorted(everybody) or not whole or len({fold.name for fold in folds}) < len(folds):
        raise ValueError(
            "these folds cannot be written as a list person -> fold: each person must be tested in exactly one of them "
            "and used in all"
        )
    rows = [
        (*who, part, fold.name) for fold in folds for part in ("test", "val") for who in people(getattr(fold, part))
    ]

    def write(part: Path) -> None:
        with part.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows([COLUMNS, *rows])

    write_whole(path, write)


def load_folds(path: str | Path, clips: Sequence[Clip]) -> list[Fold]:
    """The folds of a list written by `save_folds`, filled with `clips`.

    People who are in the list only (a partial copy) are reported. Raises ValueError for people who are in `clips` only,
    and for a fold that is left with nobody to test.
    """
    path = Path(path)
    reader = csv.DictReader(text_lines(path))
    if absent := [column for column in COLUMNS if column not in (reader.fieldnames or ())]:
        raise ValueError(
            f"{path} has no column {', '.join(absent)}; expected {', '.join(COLUMNS)}, as `save_folds` writes"
        )
    parts: dict[str, dict[str, list[Person]]] = {"test": {}, "val": {}}
    for row in reader:
        if row["part"] not in parts:
            raise ValueError(f"{path} line {reader.line_num}: part {row['part']!r} is not 'test' or 'val'")
        parts[row["part"]].setdefault(row["fold"], []).append((row["dataset"], row["person"]))
    listed = [who for group in parts["test"].values() for who in group]
    if twice := [" ".join(who) for who, count in Counter(listed).items() if count > 1]:
        raise ValueError(f"{path}: {len(twice)} person(s) are tested in more than one fold: {shorten(twice)}")
    known, there = set(listed), set(people(clips))
    if unknown := [" ".join(who) for who in people(clips) if who not in known]:
        raise ValueError(
            f"{path} has no fold for {len(unknown)} person(s): {shorten(unknown)}; make new folds for these clips"
        )
    if gone := [" ".join(who) for who in listed if who not in there]:
        warnings.warn(
            f"{path}: {len(gone)} person(s) of the list are not among the clips: {shorten(gone)}", stacklevel=2
        )
    if empty := [name for name, group in parts["test"].items() if not set(group) & there]:
        raise ValueError(f"{path}: no clip is left to test in fold {shorten(empty)}; make new folds for these clips")
    return [_fold(name, clips, set(parts["val"].get(name, ())), set(group)) for name, group in parts["test"].items()]


def _person(clip: Clip) -> Person:
    return clip.dataset, clip.person


def _enough(clips: Sequence[Clip], k: int) -> list[Person]:
    everybody = people(clips)
    if k < 2:
        raise ValueError(f"{k} fold(s) cannot be made; choose 2 or more")
    if len(everybody) < k:
        raise ValueError(
            f"{k} folds need at least {k} people, but these {len(clips)} clips show {len(everybody)}; "
            "ask for fewer folds"
        )
    return everybody


def _shuffled(everybody: Iterable[Person], *seed: object) -> list[Person]:
    def drawn(who: Person) -> str:
        return hashlib.sha256(json.dumps([*map(str, seed), *who]).encode()).hexdigest()

    return sorted(everybody, key=drawn)


def _numbered(parts: Sequence[list[Person]]) -> dict[str, list[Person]]:
    return {str(i): part for i, part in enumerate(parts, start=1)}


def _folds(clips: Sequence[Clip], parts: dict[str, list[Person]], val_people: int, seed: int) -> list[Fold]:
    everybody = people(clips)
    folds = []
    for name, group in parts.items():
        test = set(group)
        train = [who for who in everybody if who not in test]
        if not 0 <= val_people < len(train):
            raise ValueError(
                f"{val_people} people for validation cannot be taken from {len(train)} training people (fold {name}); "
                f"choose 0 to {len(train) - 1}"
            )
        val = _shuffled(train, seed, name)[:val_people] if val_people else ()
        folds.append(_fold(name, clips, set(val), test))
    return folds


def _fold(name: str, clips: Sequence[Clip], val: set[Person], test: set[Person]) -> Fold:
    parts: dict[str, list[Clip]] = {part: [] for part in PARTS}
    for clip in clips:
        who = _person(clip)
        parts["test" if who in test else "val" if who in val else "train"].append(clip)
    return Fold(name, *(tuple(parts[part]) for part in PARTS))

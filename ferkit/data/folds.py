"""Folds of data sets, split by person.

A person is never in two parts of a fold. Who is drawn for a part is decided by hashes of the seed
and the person's id: the same on every computer and with every version of every library, whatever
the order of the clips. (Only `image_folds_leaky` does not split by person; it shows what goes wrong
then.)
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, combinations

import numpy as np

from ferkit.core.files import digest
from ferkit.data.clip import Clip
from ferkit.data.listing import natural
from ferkit.data.reports import count_noun, shorten

PersonKey = tuple[str, str]  # data set and person

FOLD_PARTS = ("train", "val", "test")


@dataclass(frozen=True)
class Fold:
    """Parts that share no person. `val` chooses the epoch; `test` is read once, at the end."""

    name: str
    train: tuple[Clip, ...]
    val: tuple[Clip, ...]
    test: tuple[Clip, ...]

    def __post_init__(self) -> None:
        persons = {part: set(map(_key, getattr(self, part))) for part in FOLD_PARTS}
        for one, other in combinations(FOLD_PARTS, 2):
            if shared := sorted(persons[one] & persons[other]):
                count = count_noun(shared, "person", "people")
                raise ValueError(
                    f"fold {self.name}: {count} in both {one} and {other}, "
                    f"e.g. {' '.join(shared[0])}; "
                    "build folds with `folds_ascending` or `folds_random`, which split by person"
                )


def require_people(clips: Iterable[Clip]) -> None:
    """Raise ValueError when clips do not say who is in them, as folds and residuals need."""
    unknown = [clip.name for clip in clips if not clip.person_known]
    if unknown:
        raise ValueError(
            "folds and residuals need to know who is in each picture, but "
            f"{count_noun(unknown, 'clip')} without a person: {shorten(unknown, 3)}; sort pictures "
            "of your own as person/emotion/*.jpg, list them in a table with the columns path, "
            "person, emotion, or find the person in the files' names with --people-from"
        )


def tested_clips(folds: Iterable[Fold]) -> list[Clip]:
    """List the clips of all test parts."""
    return list(chain.from_iterable(fold.test for fold in folds))


def people(clips: Iterable[Clip]) -> list[PersonKey]:
    """List everybody in `clips` as (data set, person).

    Ids ascend; numbers in an id count as numbers.
    """
    keys = {_key(clip) for clip in clips}
    return sorted(keys, key=lambda key: (key[0], natural(key[1])))


def folds_ascending(
    clips: Sequence[Clip],
    k: int,
    *,
    val_people: int = 0,
    seed: int = 0,
) -> list[Fold]:
    """Make k folds in the order of ids.

    Of ten folds, the first tests the 1st, 11th, 21st ... person. `val_people` of each fold's
    training people, drawn by `seed`, are kept for validation. Raises ValueError when there are
    fewer people than folds.
    """
    everybody = _enough_people(clips, k)
    tested = [everybody[index::k] for index in range(k)]
    return _numbered_folds(clips, tested, val_people, seed)


def folds_random(clips: Sequence[Clip], k: int, seed: int, *, val_people: int = 0) -> list[Fold]:
    """Make k folds of people in an order drawn by `seed`, of nearly equal sizes.

    `val_people` as in `folds_ascending`.
    """
    shuffled = _shuffle(_enough_people(clips, k), seed)
    tested = [shuffled[index::k] for index in range(k)]
    return _numbered_folds(clips, tested, val_people, seed)


def fold_held_out(
    clips: Sequence[Clip],
    test: Collection[PersonKey],
    name: str,
    *,
    val_people: int = 0,
    seed: int = 0,
) -> Fold:
    """Make the fold that tests the people `test`; `val_people` as in `folds_ascending`."""
    require_people(clips)
    held_out = set(test)
    train = [key for key in people(clips) if key not in held_out]
    if not 0 <= val_people < len(train):
        raise ValueError(
            f"{val_people} people for validation cannot be taken from {len(train)} training people "
            f"(fold {name}); choose 0 to {len(train) - 1}"
        )
    val = _shuffle(train, seed, name)[:val_people] if val_people else []
    return _assign(name, clips, set(val), held_out)


def image_folds_leaky(
    clips: Sequence[Clip], k: int, seed: int
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split by clip instead of by person, to show the leak.

    Returns k pairs of index arrays (train, test) into `clips`. The same people are on both sides,
    so results are inflated.
    """
    if not 2 <= k <= len(clips):
        raise ValueError(
            f"{k} folds cannot be made of {count_noun(clips, 'clip')}; choose 2 to {len(clips)}"
        )
    order = np.random.default_rng(seed).permutation(len(clips))
    tests = [np.sort(order[index::k]) for index in range(k)]
    return [(np.setdiff1d(order, test), test) for test in tests]


def fold_hash(folds: Sequence[Fold]) -> str:
    """Return 16 hexadecimal digits that identify who is in which part of which fold.

    The order of clips and folds does not matter.
    """
    rows = []
    for fold in folds:
        for part in FOLD_PARTS:
            rows += [(*key, part, fold.name) for key in people(getattr(fold, part))]
    return digest(json.dumps(sorted(rows)), length=16)


def by_split(clips: Sequence[Clip], parts: Sequence[str], protocol: str) -> dict[str, list[Clip]]:
    """Group clips by the provider's split; ValueError for an empty part or an unknown split."""
    groups: dict[str, list[Clip]] = {part: [] for part in parts}
    for clip in clips:
        if clip.split not in groups:
            raise ValueError(
                f"{protocol} needs a split of {', '.join(parts)}; {clip.name} has {clip.split!r}"
            )
        groups[clip.split].append(clip)
    if empty := [part for part, group in groups.items() if not group]:
        raise ValueError(
            f"{protocol}: no clip is in {', '.join(empty)}; check that the copy is complete"
        )
    return groups


def _key(clip: Clip) -> PersonKey:
    return clip.dataset, clip.person


def _enough_people(clips: Sequence[Clip], k: int) -> list[PersonKey]:
    require_people(clips)
    everybody = people(clips)
    if k < 2:
        raise ValueError(f"the number of folds must be 2 or more, got {k}")
    if len(everybody) < k:
        raise ValueError(
            f"{k} folds need at least {k} people, but these {len(clips)} clips show "
            f"{len(everybody)}; ask for fewer folds"
        )
    return everybody


def _shuffle(keys: Iterable[PersonKey], *seed: object) -> list[PersonKey]:
    seeds = [str(part) for part in seed]
    return sorted(keys, key=lambda key: digest(json.dumps([*seeds, *key]), length=64))


def _numbered_folds(
    clips: Sequence[Clip], tested: Sequence[list[PersonKey]], val_people: int, seed: int
) -> list[Fold]:
    return [
        fold_held_out(clips, keys, str(number), val_people=val_people, seed=seed)
        for number, keys in enumerate(tested, start=1)
    ]


def _assign(name: str, clips: Sequence[Clip], val: set[PersonKey], test: set[PersonKey]) -> Fold:
    part_of = dict.fromkeys(val, "val") | dict.fromkeys(test, "test")
    parts: dict[str, list[Clip]] = {part: [] for part in FOLD_PARTS}
    for clip in clips:
        parts[part_of.get(_key(clip), "train")].append(clip)
    return Fold(name, tuple(parts["train"]), tuple(parts["val"]), tuple(parts["test"]))

"""The people and folds of paper 2, and its folds as row numbers of faces."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, folds_ascending
from ferkit.data.stills import stills
from ferkit.training.by_folds import part_rows


@dataclass(frozen=True, eq=False)
class FoldRows:
    """The faces of one fold, by row number."""

    name: str
    train: np.ndarray
    val: np.ndarray
    test: np.ndarray


def i2cnn_folds(
    clips: Sequence[Clip],
    *,
    folds: int = 10,
    val_people: int = 0,
    seed: int = 0,
) -> list[Fold]:
    """Make the paper's folds of stills without contempt (section IV).

    CK+ has 309 such sequences of 106 people, JAFFE 213 photographs. The first frame of a sequence
    is neutral, the last three show the emotion: CK+ gives 1 236 stills of seven classes, 927 of
    them not neutral. The paper does not say whether its folds are by person; these are.
    """
    pictures = stills(clip for clip in clips if clip.emotion != "contempt")
    return folds_ascending(pictures, folds, val_people=val_people, seed=seed)


def fold_rows(people: ArrayLike, folds: Iterable[Fold]) -> list[FoldRows]:
    """Turn folds of people into row numbers of faces.

    `people` `(N,)` are the persons of the faces, all from one data set.
    """
    rows = []
    for fold in folds:
        masks = part_rows(people, fold)
        parts = {part: np.flatnonzero(mask) for part, mask in masks.items()}
        rows.append(FoldRows(fold.name, **parts))
    return rows


def leaky_rows(pairs: Iterable[tuple[np.ndarray, np.ndarray]]) -> list[FoldRows]:
    """Turn folds by image, pairs (train, test), into row numbers.

    The pairs are as of `image_folds_leaky`: everybody is on both sides. Only to show the leak.
    """
    no_rows = np.zeros(0, dtype=int)
    return [
        FoldRows(str(number), train, no_rows, test)
        for number, (train, test) in enumerate(pairs, start=1)
    ]


def tested_fold(folds: Iterable[FoldRows], count: int) -> np.ndarray:
    """The name of the fold that tests each of `count` faces, `(count,)`.

    ValueError for faces that no fold tests.
    """
    fold_of = np.full(count, "", dtype=object)
    for fold in folds:
        fold_of[fold.test] = fold.name
    untested = (fold_of == "").sum()
    if untested:
        raise ValueError(
            f"{untested} of {count} faces are tested in no fold; make folds for all faces"
        )
    return fold_of.astype(str)

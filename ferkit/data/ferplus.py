"""FER+: ten people's votes on each picture of FER2013, and the rules that turn them into labels.

root/
    fer2013new.csv                       Usage,Image name,neutral,...,NF: 35 887 rows, in the row order of fer2013.csv
    data/FER2013{Train,Valid,Test}/label.csv     no header: name, face box, ten votes; 28 558 + 3 579 + 3 573 rows

Labels and code are MIT (github.com/microsoft/FERPlus); the pictures are not, and are not read here.

Quirks
- Join `fer2013new.csv` with the pictures by row position only. The number in an image name is no row number: it
  drifts from row 60 on. 173 names are empty (pictures voted not a face), four names occur twice.
- The two sources disagree on 1 601 pictures. The original training code reads label.csv, most papers the other:
  the column `source` says which one a table came from.
- Who is on a picture is unknown: the provider's own split is the fold.
"""

import csv
import warnings
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit.labels import EMOTIONS

FACES = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt")
COLUMNS = (*FACES, "unknown", "NF")  # NF: not a face
SPLITS = ("train", "val", "test")
USAGE = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
FOLDERS = {"FER2013Train": "train", "FER2013Valid": "val", "FER2013Test": "test"}
SOURCES = ("fer2013new.csv", "label.csv")
RULES = ("ms_majority", "ms_distribution", "ms_multi", "argmax")

NO_MAJORITY, NO_FACE, NO_NAME = "no majority", "unknown or no face", "no name"

# Rows per class and reason in (train, val, test), by rule and source; counted from the published files.
EXPECTED: dict[tuple[str, str], dict[str, tuple[int, int, int]]] = {
    ("ms_majority", "fer2013new.csv"): {
        "neutral": (8740, 1182, 1090),
        "happiness": (7287, 865, 893),
        "surprise": (3149, 415, 396),
        "sadness": (3014, 351, 384),
        "anger": (2100, 287, 273),
        "disgust": (119, 24, 18),
        "fear": (532, 62, 83),
        "contempt": (119, 13, 16),
        "kept": (25060, 3199, 3153),
        NO_MAJORITY: (3423, 367, 410),
        NO_FACE: (78, 13, 11),
        NO_NAME: (148, 10, 15),
    },
    ("ms_majority", "label.csv"): {
        "neutral": (8733, 1180, 1083),
        "happiness": (7284, 862, 892),
        "surprise": (3136, 411, 394),
        "sadness": (3022, 348, 382),
        "anger": (2098, 289, 269),
        "disgust": (116, 25, 16),
        "fear": (536, 60, 86),
        "contempt": (120, 16, 15),
        "kept": (25045, 3191, 3137),
        NO_MAJORITY: (3434, 377, 425),
        NO_FACE: (79, 11, 11),
    },
    ("argmax", "fer2013new.csv"): {
        "neutral": (10309, 1335, 1262),
        "happiness": (7528, 899, 928),
        "surprise": (3562, 456, 444),
        "sadness": (3515, 412, 444),
        "anger": (2467, 319, 325),
        "disgust": (191, 34, 23),
        "fear": (652, 74, 93),
        "contempt": (165, 24, 27),
        "kept": (28389, 3553, 3546),
        NO_FACE: (172, 26, 28),
        NO_NAME: (148, 10, 15),
    },
    ("argmax", "label.csv"): {
        "neutral": (10295, 1329, 1258),
        "happiness": (7526, 899, 928),
        "surprise": (3557, 458, 447),
        "sadness": (3530, 415, 446),
        "anger": (2463, 325, 321),
        "disgust": (191, 32, 20),
        "fear": (655, 71, 97),
        "contempt": (168, 26, 28),
        "kept": (28385, 3555, 3545),
        NO_FACE: (173, 24, 28),
    },
    ("ms_distribution", "fer2013new.csv"): {"kept": (27956, 3505, 3505)},
    ("ms_multi", "fer2013new.csv"): {"kept": (27671, 3472, 3472)},
}


def read_votes(path: str | Path) -> pd.DataFrame:
    """One row per line of `fer2013new.csv` or a `label.csv`, in file order: source, split, name and ten votes.

    The row index of `fer2013new.csv` is the row of `fer2013.csv`; unnamed rows are kept (name ""). The split of a
    `label.csv` is its folder's. FileNotFoundError, and ValueError naming the column or the line that is wrong.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"no FER+ votes at {path}; expected fer2013new.csv or data/FER2013Train/label.csv")
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = [
            (number, line) for number, line in enumerate(csv.reader(file), 1) if any(cell.strip() for cell in line)
        ]
    if not lines:
        raise ValueError(f"{path} is empty; expected FER+ votes")
    if len(lines[0][1]) == 12 and lines[0][1][-1].strip().isdigit():
        return _label_csv(path, lines)
    return _fer2013new(path, lines)


def vote(votes: pd.DataFrame, rule: str = "ms_majority") -> pd.DataFrame:
    """The label of each row of ten votes: `emotion` (None when dropped), `dropped` (why, or ""), and eight targets.

    `emotion` is the one with the most votes, the first column in a tie. The targets are columns in the order of
    EMOTIONS, 0 where dropped. All rules but `argmax` first set counts of 1 to 0; S is what remains, in all ten columns.
    - `ms_majority`: the largest count, when more than S/2.
    - `ms_distribution`: the largest counts in turn, ties together and never unknown or NF, until 75 % of S or three
      emotions are collected, as shares; dropped at up to 50 % of S, beyond three, or when unknown or NF leads.
    - `ms_multi`: 1 for each emotion with 30 % of S or more, 0.001 for the others; dropped at up to 50 % together.
    - `argmax`: the largest raw count, the first column in a tie (which favours neutral).
    """
    rules = {"ms_majority": _majority, "ms_distribution": _distribution, "ms_multi": _multi, "argmax": _argmax}
    if rule not in rules:
        raise ValueError(f"unknown rule {rule!r}; known: {', '.join(RULES)}")
    if missing := [column for column in COLUMNS if column not in votes]:
        raise ValueError(f"the votes lack the columns {', '.join(missing)}; read them with `read_votes`")
    counts = votes[list(COLUMNS)].to_numpy(np.int64)
    if rule != "argmax":
        counts = np.where(counts > 1, counts, 0)
    target, label, dropped = rules[rule](counts)
    names = np.array(FACES, dtype=object)[label]
    table = pd.DataFrame(np.where(dropped[:, None] == "", target, 0.0), columns=list(FACES), index=votes.index)
    table.insert(0, "emotion", pd.Series(np.where(dropped == "", names, None), dtype=object, index=votes.index))
    table.insert(1, "dropped", dropped)
    return table[["emotion", "dropped", *EMOTIONS]]


def read_ferplus_labels(
    root: str | Path, source: str = "fer2013new.csv", rule: str = "ms_majority", verify: str = "warn"
) -> pd.DataFrame:
    """All rows of one source with their votes and, after them, `emotion` and `dropped` by one rule.

    Unnamed rows are dropped as "no name". `verify` compares the counts with EXPECTED: "off", "warn" or "strict"
    (ValueError). FileNotFoundError says what was looked for where.
    """
    if source not in SOURCES or verify not in ("off", "warn", "strict"):
        raise ValueError(f"source must be one of {SOURCES}, verify off, warn or strict; got {source!r}, {verify!r}")
    root = Path(root)
    files = [root / source] if source == SOURCES[0] else [root / "data" / folder / source for folder in FOLDERS]
    if missing := [str(file.relative_to(root)) for file in files if not file.is_file()]:
        raise FileNotFoundError(f"no FER+ in {root}: {', '.join(missing)} not found (github.com/microsoft/FERPlus)")
    table = pd.concat([read_votes(file) for file in files], ignore_index=True)
    table = table.join(vote(table, rule)[["emotion", "dropped"]])
    table.loc[table["name"] == "", ["emotion", "dropped"]] = [None, NO_NAME]
    if verify != "off" and (different := differences(count(table), EXPECTED.get((rule, source), {}))):
        message = f"FER+ in {root} is not the published one ({rule}, {source}): {'; '.join(different)}"
        if verify == "strict":
            raise ValueError(message)
        warnings.warn(message, stacklevel=2)
    return table


def count(labels: pd.DataFrame) -> pd.DataFrame:
    """Rows per emotion, "kept" and each reason for dropping (rows) in each split (columns)."""
    what = labels["emotion"].where(labels["dropped"] == "", labels["dropped"])
    table = pd.crosstab(what, labels["split"])
    table = table.reindex(index=[*FACES, NO_MAJORITY, NO_FACE, NO_NAME], columns=list(SPLITS), fill_value=0)
    table.loc["kept"] = table.loc[list(FACES)].sum()
    return table.rename_axis(index=None, columns=None)


def differences(counts: pd.DataFrame, expected: dict[str, tuple[int, int, int]]) -> list[str]:
    """What differs between counts and an entry of EXPECTED, one sentence each."""
    return [
        f"{split} {what}: {counts.at[what, split]}, expected {number}"
        for what, numbers in expected.items()
        for split, number in zip(SPLITS, numbers, strict=True)
        if counts.at[what, split] != number
    ]


def _fer2013new(path: Path, lines: list[tuple[int, list[str]]]) -> pd.DataFrame:
    header = [cell.strip() for cell in lines[0][1]]
    if missing := [column for column in ("Usage", "Image name", *COLUMNS) if column not in header]:
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}; has {', '.join(header)}")
    places = [header.index(column) for column in ("Usage", "Image name", *COLUMNS)]
    rows = []
    for number, line in lines[1:]:
        if len(line) != len(header):
            raise ValueError(f"{path} line {number}: {len(line)} fields, expected {len(header)}")
        usage, name, *votes = (line[place].strip() for place in places)
        if usage not in USAGE:
            raise ValueError(f"{path} line {number}: unknown usage {usage!r}, expected {', '.join(USAGE)}")
        rows.append((USAGE[usage], name, *_whole(votes, path, number)))
    return _table(rows, SOURCES[0])


def _label_csv(path: Path, lines: list[tuple[int, list[str]]]) -> pd.DataFrame:
    split = FOLDERS.get(path.resolve().parent.name)
    if split is None:
        raise ValueError(f"{path}: the folder of a label.csv tells its split, expected one of {', '.join(FOLDERS)}")
    rows = []
    for number, line in lines:
        if len(line) != 12:
            raise ValueError(
                f"{path} line {number}: {len(line)} fields, expected a name, a quoted face box and ten votes"
            )
        rows.append((split, line[0].strip(), *_whole(line[2:], path, number)))
    return _table(rows, SOURCES[1])


def _whole(votes: Iterable[str], path: Path, number: int) -> list[int]:
    try:
        whole = [int(vote) for vote in votes]
    except ValueError as error:
        raise ValueError(f"{path} line {number}: votes must be whole numbers ({error})") from None
    if min(whole) < 0:
        raise ValueError(f"{path} line {number}: votes must not be negative, got {whole}")
    return whole


def _table(rows: list[tuple], source: str) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["split", "name", *COLUMNS])
    table.insert(0, "source", source)
    return table


def _reason(no_face: np.ndarray, no_majority: np.ndarray) -> np.ndarray:
    return np.where(no_majority, NO_MAJORITY, np.where(no_face, NO_FACE, "")).astype(object)


def _majority(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    target, label, dropped = _argmax(counts)
    return target, label, np.where(2 * counts.max(1) > counts.sum(1), dropped, NO_MAJORITY)


def _argmax(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    first = counts.argmax(1)
    label = np.minimum(first, 7)
    return np.eye(8)[label], label, _reason(first > 7, counts.max(1) == 0)


def _multi(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    total = counts.sum(1)
    chosen = np.where(10 * counts >= 3 * total[:, None], counts, 0)
    first = chosen.argmax(1)
    target = np.where(chosen[:, :8] > 0, 1.0, 0.001)
    return target, np.minimum(first, 7), _reason(first > 7, 2 * chosen.sum(1) <= total)


def _distribution(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    total = counts.sum(1)
    left, chosen = counts.copy(), np.zeros_like(counts[:, :8])
    going = total > 0
    no_face = np.zeros(len(counts), bool)
    for _ in range(3):  # each turn takes at least one emotion
        largest = (left == left.max(1, keepdims=True)) & going[:, None]
        chosen += np.where(largest[:, :8], left[:, :8], 0)
        no_face |= going & ~chosen.any(1)
        left[largest] = 0
        enough = (4 * chosen.sum(1) >= 3 * total) | ((chosen > 0).sum(1) >= 3)
        going &= ~enough & ~largest[:, 8:].any(1)
    no_majority = ~no_face & ((2 * chosen.sum(1) <= total) | ((chosen > 0).sum(1) > 3))
    share = chosen / np.maximum(chosen.sum(1, keepdims=True), 1)
    return share, chosen.argmax(1), _reason(no_face, no_majority)

"""FER+: ten people's votes on each picture of FER2013, as labels without pictures.

root/
    fer2013new.csv      Usage,Image name,neutral,...,NF: 35 887 rows, in the row order of
                        fer2013.csv
    data/FER2013{Train,Valid,Test}/label.csv
                        no header: name, face box, ten votes; 28 558 + 3 579 + 3 573 rows

Labels and code are MIT (github.com/microsoft/FERPlus); the pictures are not, and are not read here.

Quirks
- Join `fer2013new.csv` with the pictures by row position only. The number in an image name is no
  row number: it drifts from row 60 on. 173 names are empty (pictures voted not a face), and four
  names occur twice.
- The two sources disagree on 1 601 pictures. The original training code reads label.csv, most
  papers the other: the column `source` says which one a table came from.
- Who is in a picture is unknown: the provider's own split is the fold.
"""

import warnings
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from ferkit.data.card import Card, DataSet, Download, Offer, RemoteFile
from ferkit.data.counts import COUNT_COLUMNS, check_level
from ferkit.data.table import read_rows
from ferkit.data.votes import EMOTION_COLUMNS, NO_MAJORITY, VOTE_COLUMNS, VOTED_NO_FACE, vote

CARD = Card(
    title="FER+ labels",
    source="E. Barsoum et al., ICMI 2016, arXiv 1608.01041; microsoft/FERPlus",
    licence="MIT (labels and code)",
    consent="not documented; the pictures (FER2013) are found photographs",
    terms="labels only: the pictures have their own terms and are not downloaded",
    ask="`ferkit data get ferplus`, or https://github.com/microsoft/FERPlus",
    may_show=False,
    open_download=True,
    bias="found photographs of unknown people; ten votes on each, by voters of whom nothing is "
    "known",
    certainty="counted from the published files",
)
# The commits that the checksums were taken at.
_TABLE_COMMIT = "8ad5426c7b69e86e78afccb42c5f516850f52a28"
_LABEL_COMMIT = "f1a8cb22f992996c67e7d00eb03580e5b5675097"
_LABEL_DIGESTS = {
    "FER2013Train": "a82c40c825505cd30e139195c246bc38f8ac39de0e8968cbf15e1dab7837658c",
    "FER2013Valid": "aad6298bed23cad816550362c2c00ae49b99513c7cae7d49651f347afd9ab860",
    "FER2013Test": "425142295cc23872651271be9f45a99dac11af426f948d1b60967c8845b7bdf2",
}
_DOWNLOAD = Download(
    base="https://raw.githubusercontent.com/microsoft/FERPlus/",
    files=(
        RemoteFile(
            "fer2013new.csv",
            f"{_TABLE_COMMIT}/fer2013new.csv",
            "9206e20d62f56475939f516847d61753e4860caeac9718b560129541b776fc2c",
        ),
        *(
            RemoteFile(
                f"data/{folder}/label.csv", f"{_LABEL_COMMIT}/data/{folder}/label.csv", sha256
            )
            for folder, sha256 in _LABEL_DIGESTS.items()
        ),
    ),
)

SPLITS = ("train", "val", "test")
USAGE = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
FOLDERS = {"FER2013Train": "train", "FER2013Valid": "val", "FER2013Test": "test"}
SOURCES = ("fer2013new.csv", "label.csv")
NO_NAME = "no name"

# Rows per class and reason in (train, val, test), by rule and source; counted from the published
# files.
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
        VOTED_NO_FACE: (78, 13, 11),
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
        VOTED_NO_FACE: (79, 11, 11),
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
        VOTED_NO_FACE: (172, 26, 28),
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
        VOTED_NO_FACE: (173, 24, 28),
    },
    ("ms_distribution", "fer2013new.csv"): {"kept": (27956, 3505, 3505)},
    ("ms_multi", "fer2013new.csv"): {"kept": (27671, 3472, 3472)},
}


def read_votes(path: str | Path) -> pd.DataFrame:
    """Read `fer2013new.csv` or a `label.csv`: source, split, name and ten votes.

    Rows are in file order: the row index of `fer2013new.csv` is the row of `fer2013.csv`, and rows
    without a name are kept (name ""). The split of a `label.csv` is its folder's. Raises
    FileNotFoundError, and ValueError that names the faulty column or line.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(
            f"no FER+ votes at {path}; expected fer2013new.csv or data/FER2013Train/label.csv"
        )
    lines = list(read_rows(path))
    if not lines:
        raise ValueError(f"{path} is empty; expected FER+ votes")
    _, first = lines[0]
    if len(first) == 12 and first[-1].isdigit():
        return _read_label_csv(path, lines)
    return _read_fer2013new(path, lines)


def read_ferplus_labels(
    root: str | Path,
    source: str = "fer2013new.csv",
    rule: str = "ms_majority",
    verify: str = "warn",
) -> pd.DataFrame:
    """Read all rows of one source: the votes, then `emotion` and `dropped` by one rule.

    Rows without a name are dropped as "no name". `verify` compares the counts with EXPECTED: "off",
    "warn" or "strict" (ValueError). FileNotFoundError says what was expected where.
    """
    check_level(verify)
    if source not in SOURCES:
        raise ValueError(f"source must be one of {SOURCES}, got {source!r}")
    root = Path(root)
    files = [root / source]
    if source == "label.csv":
        files = [root / "data" / folder / source for folder in FOLDERS]
    if missing := [str(file.relative_to(root)) for file in files if not file.is_file()]:
        raise FileNotFoundError(
            f"no FER+ in {root}: {', '.join(missing)} not found (github.com/microsoft/FERPlus)"
        )
    table = pd.concat([read_votes(file) for file in files], ignore_index=True)
    table = table.join(vote(table, rule)[["emotion", "dropped"]])
    table.loc[table["name"] == "", ["emotion", "dropped"]] = [None, NO_NAME]
    if verify == "off":
        return table
    if differences := compare_labels(count_labels(table), EXPECTED.get((rule, source), {})):
        message = (
            f"FER+ in {root} is not the published one ({rule}, {source}): {'; '.join(differences)}"
        )
        if verify == "strict":
            raise ValueError(message)
        warnings.warn(message, stacklevel=2)
    return table


def count_labels(labels: pd.DataFrame) -> pd.DataFrame:
    """Count emotions, "kept" and each reason for dropping (rows) in each split (columns)."""
    outcome = labels["emotion"].where(labels["dropped"] == "", labels["dropped"])
    table = pd.crosstab(outcome, labels["split"])
    table = table.reindex(
        index=[*EMOTION_COLUMNS, NO_MAJORITY, VOTED_NO_FACE, NO_NAME],
        columns=list(SPLITS),
        fill_value=0,
    )
    table.loc["kept"] = table.loc[list(EMOTION_COLUMNS)].sum()
    return table.rename_axis(index=None, columns=None)


def compare_labels(counts: pd.DataFrame, expected: dict[str, tuple[int, int, int]]) -> list[str]:
    """Describe what differs between counts and an entry of EXPECTED, one sentence each."""
    differences = []
    for outcome, numbers in expected.items():
        for split, number in zip(SPLITS, numbers, strict=True):
            observed = counts.at[outcome, split]
            if observed != number:
                differences.append(f"{split} {outcome}: {observed}, expected {number}")
    return differences


def _check(labels: pd.DataFrame) -> pd.DataFrame:
    """Compare the majority's counts with the published ones; columns as in `counts.compare`."""
    counts = count_labels(labels)
    rows = []
    for outcome, numbers in EXPECTED["ms_majority", "fer2013new.csv"].items():
        for split, number in zip(SPLITS, numbers, strict=True):
            observed = counts.at[outcome, split]
            note = "" if observed == number else "differs"
            rows.append((f"{split} {outcome}", number, observed, "", "", note))
    return pd.DataFrame(rows, columns=list(COUNT_COLUMNS))


def _read_fer2013new(path: Path, lines: list[tuple[int, list[str]]]) -> pd.DataFrame:
    _, header = lines[0]
    columns = ("Usage", "Image name", *VOTE_COLUMNS)
    if missing := [column for column in columns if column not in header]:
        raise ValueError(f"{path} lacks the columns {', '.join(missing)}; has {', '.join(header)}")
    indices = [header.index(column) for column in columns]
    rows = []
    for number, cells in lines[1:]:
        if len(cells) != len(header):
            raise ValueError(f"{path} line {number}: {len(cells)} fields, expected {len(header)}")
        usage, name, *votes = (cells[index] for index in indices)
        if usage not in USAGE:
            raise ValueError(
                f"{path} line {number}: unknown usage {usage!r}, expected {', '.join(USAGE)}"
            )
        rows.append((SOURCES[0], USAGE[usage], name, *_parse_votes(votes, path, number)))
    return _table(rows)


def _read_label_csv(path: Path, lines: list[tuple[int, list[str]]]) -> pd.DataFrame:
    split = FOLDERS.get(path.resolve().parent.name)
    if split is None:
        raise ValueError(
            f"{path}: the folder of a label.csv tells its split, "
            f"expected one of {', '.join(FOLDERS)}"
        )
    rows = []
    for number, cells in lines:
        if len(cells) != 12:
            raise ValueError(
                f"{path} line {number}: {len(cells)} fields, "
                "expected a name, a quoted face box and ten votes"
            )
        rows.append((SOURCES[1], split, cells[0], *_parse_votes(cells[2:], path, number)))
    return _table(rows)


def _parse_votes(votes: Iterable[str], path: Path, number: int) -> list[int]:
    try:
        counts = [int(vote) for vote in votes]
    except ValueError as error:
        raise ValueError(f"{path} line {number}: votes must be whole numbers ({error})") from None
    if min(counts) < 0:
        raise ValueError(f"{path} line {number}: votes must not be negative, got {counts}")
    return counts


def _table(rows: list[tuple]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["source", "split", "name", *VOTE_COLUMNS])


DATA_SET = DataSet(
    "ferplus",
    read_ferplus_labels,
    ("ferplus", "FERPlus"),
    CARD,
    Offer(8, identities=False, pictures=False),
    download=_DOWNLOAD,
    check=_check,
    path=r"fer2013new\.csv$|FER2013(Train|Valid|Test)/label\.csv$",
)

"""FER2013: 35 887 grey pictures of 48 x 48 pixels, with FER+'s labels or its own."""

import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ferkit.core.files import expand_home
from ferkit.data import packed, votes
from ferkit.data.card import Card, DataSet, Offer, Option
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.layout import ANY_EMOTION, ANY_SPLIT, EMOTION_WORDS, Layout, read_layout
from ferkit.data.listing import find_file, not_found
from ferkit.data.reports import report_skipped
from ferkit.data.sets import ferplus

_TABLES = ("fer2013.csv", "icml_face_data.csv", "train.csv")
_COLUMNS = (["Usage", "emotion", "pixels"], ["emotion", "pixels"])
_VOTES_FILE = ferplus.SOURCES[0]
CODES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LABEL_SOURCES = ("ferplus", "own")

_OWN = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "val": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
_ROWS = {split: sum(numbers) for split, numbers in _OWN.items()}
_OWN_COUNTS: dict[str, int] = {}
for _split, _numbers in _OWN.items():
    _OWN_COUNTS |= {f"{_split} {name}": n for name, n in zip(CODES, _numbers, strict=True)}
_VOTED_COUNTS: dict[str, int] = {}
for _what, _three in ferplus.EXPECTED["ms_majority", _VOTES_FILE].items():
    if _what in (*votes.EMOTION_COLUMNS, "kept"):
        _row = "clips" if _what == "kept" else _what
        _splits = zip(ferplus.SPLITS, _three, strict=True)
        _VOTED_COUNTS |= {f"{split} {_row}": n for split, n in _splits}
EXPECTED = {
    "own": Expected(
        counts={
            "clips": 35_887,
            "train clips": 28_709,
            "val clips": 3_589,
            "test clips": 3_589,
            **_OWN_COUNTS,
        },
        unconfirmed=[what for what in _OWN_COUNTS if not what.startswith("train")],
    ),
    "ferplus": Expected(counts={"clips": 31_412, **_VOTED_COUNTS}),
}
CARD = Card(
    title="FER2013 (pictures), with FER+ labels",
    source="I. Goodfellow et al., ICONIP 2013; FER+: E. Barsoum et al., ICMI 2016",
    licence="none attached to the pictures; FER+ labels MIT",
    consent="none: photographs found by an image search",
    terms="not to be passed on; no picture is shown here",
    ask="accept the rules of Kaggle's facial expression recognition challenge and download "
    "fer2013.csv; labels: `ferkit data get ferplus`",
    may_show=False,
    open_download=False,
    bias="found photographs of unknown people; some blank, some no face, near-duplicates across "
    "the splits",
    certainty="columns and totals: several sources; how both tests divide per emotion: one",
)


class _Row(NamedTuple):
    """One row of the table."""

    start: int  # its first byte
    code: int
    split: str | None


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds under the labels that `clips` have."""
    return EXPECTED[clips[0].extra["labels"] if clips else "ferplus"]


def read_fer2013(root: str | Path, verify: str = "warn", labels: str | None = None) -> list[Clip]:
    """Read the pictures with FER+'s majority label or with their `own` labels.

        root/                   or the table itself
            fer2013.csv         emotion,pixels,Usage; icml_face_data.csv has emotion, Usage, pixels;
                                train.csv and other copies have emotion,pixels
            fer2013new.csv      FER+'s votes, joined by row; here, or in ferplus/ or FERPlus/, in
                                root or beside it

    `labels` is ferplus, own, or None: FER+'s where its votes are there, else its own, with a
    warning. FER+'s majority (`ms_majority`) labels 31 412 pictures in eight classes, `own` all
    35 887 in seven. `split` is train, val (PublicTest) or test (PrivateTest). Without the column
    Usage, 35 887 or 28 709 rows are split by position, as in the original; other copies have no
    split. Who is in a picture is unknown: `person` is its own name, the row from 0. A frame is its
    row's place in the table (`data.packed`). Rows that cannot be used are reported by line. Raises
    ValueError when votes and rows do not belong together.
    """
    check_level(verify)
    if labels not in (None, *LABEL_SOURCES):
        raise ValueError(f"labels={labels!r} is not known; choose {' or '.join(LABEL_SOURCES)}")
    root = expand_home(root)
    table = root if root.is_file() else find_file(root, *_TABLES)
    if table is None:
        expected = f"{' or '.join(_TABLES)}; folders of pictures are read as `fer2013-folders`"
        raise not_found(CARD.title, root, expected, CARD.ask)
    root = table.parent if table == root else root
    problems: list[str] = []
    rows = _read_rows(table, problems)
    voted = None if labels == "own" else _read_votes(root, table, rows, required=bool(labels))
    labels = "own" if voted is None else "ferplus"
    report_skipped("fer2013", problems, "row", verify, f"of {table.name}")
    clips = []
    for number, row in enumerate(rows):
        if row is None:
            continue
        own = CODES[row.code]
        emotion = own if voted is None else voted[number]
        if emotion:
            name = f"{number:05d}"
            frame = table / str(row.start)
            extra = {"labels": labels, "own": own}
            clip = Clip("fer2013", name, name, emotion, (frame,), split=row.split, extra=extra)
            clips.append(clip)
    verify_clips(clips, expected_of(clips), verify)
    return clips


def read_pictures(clips: Sequence[Clip]) -> np.ndarray:
    """Read the pictures of such clips from the table, `(N, 48, 48)` uint8."""
    return np.stack([packed.row_pixels(clip.frames[0]) for clip in clips])


def _read_rows(table: Path, problems: list[str]) -> list[_Row | None]:
    """The rows of the table; None for one that cannot be used, so that positions hold."""
    rows: list[_Row | None] = []
    with table.open("rb") as file:
        header = file.readline()
        names = [name.strip() for name in header.decode("utf-8-sig", errors="replace").split(",")]
        if sorted(names) not in _COLUMNS:
            raise ValueError(
                f"{table}: expected the columns emotion, pixels, Usage, "
                f"found {', '.join(names)[:80]}"
            )
        start = len(header)
        for number, line in enumerate(file, start=2):
            cells = [cell.strip(b' "\r\n') for cell in line.split(b",")]
            row = _parse_row(dict(zip(names, cells, strict=False)), start)
            if row is None:
                problems.append(f"line {number}")
            rows.append(row)
            start += len(line)
    if "Usage" not in names and len(rows) in (_ROWS["train"], sum(_ROWS.values())):
        splits = [split for split, count in _ROWS.items() for _ in range(count)]
        pairs = zip(rows, splits, strict=False)
        rows = [row and row._replace(split=split) for row, split in pairs]
    return rows


def _parse_row(cells: dict[str, bytes], start: int) -> _Row | None:
    code = cells.get("emotion", b"")
    pixels = cells.get("pixels", b"")
    usage = cells.get("Usage", b"").decode(errors="replace")
    split = ferplus.USAGE.get(usage)
    is_code = code.isdigit() and int(code) < len(CODES)
    has_pixels = pixels.count(b" ") == packed.ROW_SIDE**2 - 1
    only_numbers = not pixels.translate(None, b"0123456789 ")
    has_split = split is not None or "Usage" not in cells
    if is_code and has_split and has_pixels and only_numbers:
        return _Row(start, int(code), split)
    return None


def _read_votes(
    root: Path, table: Path, rows: Sequence[_Row | None], required: bool
) -> list[str | None] | None:
    """FER+'s label of each row, None where it has none; None where there are no votes.

    Votes and rows are joined by position, so their splits must agree.
    """
    names = ("ferplus", "FERPlus")
    below = [root / name for name in names]
    beside = [root.parent / name for name in names]
    candidates = [root, table.parent, *below, *beside]
    folder = next((folder for folder in candidates if (folder / _VOTES_FILE).is_file()), None)
    remedy = "`ferkit data get ferplus` downloads them; the option labels=own does without"
    expected = f"{_VOTES_FILE} in it or in ferplus/ beside it"
    if folder is None and not required:
        warnings.warn(
            f"fer2013: no votes of FER+ ({expected}), so the labels are FER2013's own, noisy ones; "
            f"{remedy}",
            stacklevel=3,
        )
        return None
    if folder is None:
        raise not_found(f"{CARD.title}: votes", root, expected, remedy)
    voted = ferplus.read_ferplus_labels(folder, verify="off")
    splits = voted["split"].tolist()
    for index, row in enumerate(rows):
        if index >= len(splits) or (row and row.split != splits[index]):
            raise ValueError(
                f"{table} and {folder / _VOTES_FILE} do not belong together: they are joined by "
                f"row, and row {index} is of another split or has no votes; rows were lost or "
                "added, so take the original table"
            )
    return [label or None for label in voted["emotion"]]


# The second pattern is of copies that numbered the pictures anew.
_FOLDERS = Layout(
    "train/angry/Training_10118481.jpg",
    (
        rf"{ANY_EMOTION}/(?P<split>Training|PublicTest|PrivateTest)_[0-9]+",
        rf"{ANY_SPLIT}/{ANY_EMOTION}/(im)?[0-9]+",
    ),
    {word: emotion for word, emotion in EMOTION_WORDS.items() if emotion in CODES},
)
_FOLDERS_CARD = replace(
    CARD,
    title="FER2013 as folders of pictures",
    missing="the order of the rows, and so FER+'s votes; where pictures are numbered anew, also "
    "which were PublicTest and which PrivateTest",
    forbids="FER+ labels (the pictures keep FER2013's own, noisy ones), folds by person (nobody is "
    "named) and, where pictures are numbered anew, the published test",
    certainty="folders, names and the counts of train and of both tests: many published readers; "
    "how both tests divide per emotion: one source",
)


def read_fer2013_folders(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read FER2013 sorted into folders: 35 887 pictures in seven classes, its own labels.

        root/
            train/angry/Training_10118481.jpg
            test/angry/PublicTest_10088116.jpg, PrivateTest_10131363.jpg    or
            train/angry/0.jpg, validation/angry/35.jpg, test/angry/im0.png  numbered anew

    `split` is that in the file's name, else the folder's. Nobody is named.
    """
    clips = read_layout("fer2013-folders", _FOLDERS, _FOLDERS_CARD, root, verify)
    verify_clips(clips, expected_of_folders(clips), verify)
    return clips


def expected_of_folders(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds: per split only where names still tell it."""
    if all("_" in Path(clip.name).name for clip in clips):
        return EXPECTED["own"]
    totals = {name: sum(_OWN[split][i] for split in _OWN) for i, name in enumerate(CODES)}
    return Expected(emotions=totals, counts={"clips": sum(_ROWS.values())})


DATA_SETS = (
    DataSet(
        "fer2013",
        read_fer2013,
        ("fer2013", "FER2013"),
        CARD,
        Offer(8, identities=False, split=True),
        expected_of,
        options={"labels": Option("ferplus or own; by default ferplus where its votes are there")},
        path=r"(fer2013|icml_face_data)\.csv$",
    ),
    DataSet(
        "fer2013-folders",
        read_fer2013_folders,
        ("fer2013-folders", "fer2013", "FER2013", "fer-2013"),
        _FOLDERS_CARD,
        Offer(7, identities=False, split=True),
        expected_of_folders,
        path=_FOLDERS.path,
    ),
)

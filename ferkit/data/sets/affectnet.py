"""AffectNet: 290 000 photographs of the web in eight emotions, in either of its two releases."""

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from ferkit.core.files import cache_dir, digest, expand_home, write_whole
from ferkit.data.card import Card, DataSet, Offer
from ferkit.data.clip import Clip
from ferkit.data.counts import Expected, check_level, verify_clips
from ferkit.data.listing import below, find_file, is_junk, not_found
from ferkit.data.reports import keep_usable, report_skipped

CODES = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
_SKIPPED_CODES = (8, 9, 10)  # none of these, uncertain, no face
COLUMNS = (
    "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,"
    "expression,valence,arousal"
).split(",")
_TABLES = {"training.csv": "train", "validation.csv": "val"}
FOLDERS = {"train_set": "train", "val_set": "val"}
_UNREADABLE = "103/29a31ebf1567693f4644c8ba3476ca9a72ee07fe67a5860d98707a0a.jpg"

_TRAIN = (74_874, 134_415, 25_459, 14_090, 6_378, 3_803, 24_882, 3_750)
_TRAIN_COUNTS = {
    "train clips": 287_651,
    **{f"train {emotion}": count for emotion, count in zip(CODES, _TRAIN, strict=True)},
}
_VAL_COUNTS = {"val clips": 4_000, **{f"val {emotion}": 500 for emotion in CODES}}
EXPECTED = {
    # The tables' rows; the emotion of the one unreadable picture, which is left out, is unknown.
    "tables": Expected(
        counts={"clips": 291_651, **_TRAIN_COUNTS, **_VAL_COUNTS},
        unconfirmed=("clips", *_TRAIN_COUNTS),
    ),
    "arrays": Expected(
        counts={"clips": 291_650, "train clips": 287_651, "val clips": 3_999},
        unconfirmed=("clips", "val clips"),
    ),
}
CARD = Card(
    title="AffectNet",
    source="A. Mollahosseini, B. Hasani, M. Mahoor, IEEE Transactions on Affective Computing "
    "10(1), 2019",
    licence="licence agreement for academic research, signed by a supervisor",
    consent="none: photographs found by search engines",
    terms="no part may be passed on, the tables neither; no picture is shown here",
    ask="ask for it at http://mohammadmahoor.com (page AffectNet) and unpack all parts",
    may_show=False,
    open_download=False,
    bias="found photographs of unknown people, searched for in six languages; nearly half of the "
    "training part smiles",
    certainty="layout of both releases and the numbers of the eight emotions: several sources; "
    "that one row is malformed, and the 3 999 of the newer release: one",
)


class _Row(NamedTuple):
    """One picture of a table or of a folder of arrays."""

    name: str  # path or number
    code: int
    valence: float
    arousal: float


def expected_of(clips: Sequence[Clip]) -> Expected:
    """Return what a complete copy holds of the release that `clips` are of."""
    return EXPECTED[clips[0].extra["release"] if clips else "tables"]


def read_affectnet(root: str | Path, verify: str = "warn") -> list[Clip]:
    """Read the pictures that were labelled by hand with one of eight emotions.

        root/
            Manually_Annotated_file_lists/          first release: tables with COLUMNS, with or
                training.csv, validation.csv        without header,
            Manually_Annotated/Manually_Annotated_Images/
                17/0a1b...ef.jpg                    and whole photographs; or
            train_set/images/7.jpg                  newer release: faces of 224 x 224 pixels
            train_set/annotations/7_exp.npy ...
            val_set/...

    There are 287 651 pictures to train and 4 000 (newer release: 3 999) to validate; `split` is
    train or val, and the test part is not public. Who is in a picture is unknown: `person` is its
    own name. `extra` has `release` (tables or arrays), `valence` and `arousal` (-1 to 1, None where
    missing); in the newer release `landmarks` is the file of 136 numbers. Rows that cannot be used
    are reported by line, files by id. Raises ValueError when both releases are there.
    """
    check_level(verify)
    root = expand_home(root)
    candidates = [below(root, name) for name in FOLDERS]
    parts = [part for part in candidates if part and (part / "annotations").is_dir()]
    table = find_file(root, *_TABLES, depth=1 if parts else 2)
    if parts and table:
        raise ValueError(
            f"{root} has both releases, {table} and {parts[0]}; give the folder of one as root"
        )
    clips: list[Clip] = []
    if table:
        clips += _read_tables(root, table.parent, verify)
    for part in parts:
        clips += _read_arrays(part, verify)
    if not clips:
        expected = (
            "Manually_Annotated_file_lists/training.csv and its pictures, or "
            "train_set/annotations/ and images/"
        )
        raise not_found(CARD.title, root, expected, CARD.ask)
    verify_clips(clips, expected_of(clips), verify)
    return clips


def read_landmarks(clips: Sequence[Clip]) -> np.ndarray:
    """Read the 68 landmarks of each picture, `(N, 68, 2)` in its pixels.

    A clip names the table or the array that has them. ValueError for a picture without a row.
    """
    points = np.full((len(clips), 68, 2), np.nan)
    tables: dict[Path, dict[str, int]] = {}
    for row, clip in enumerate(clips):
        assert clip.landmarks is not None
        if clip.landmarks.suffix == ".npy":
            array = np.load(io.BytesIO(clip.landmarks.read_bytes()), allow_pickle=False)
            points[row] = array.astype(np.float64).reshape(68, 2)
        else:
            tables.setdefault(clip.landmarks, {})[clip.name] = row
    for table, rows in tables.items():
        _read_table_landmarks(table, rows, points)
    return points


def _read_table_landmarks(table: Path, rows: dict[str, int], points: np.ndarray) -> None:
    """Fill the `rows` of `points` `(N, 68, 2)`, given by the picture's path in the table."""
    missing = dict(rows)
    with table.open("rb") as file:
        for line in file:
            path = line.split(b",", 1)[0].strip(b'\xef\xbb\xbf "').decode()
            if path in missing:
                cell = line.split(b",")[5].decode().strip(' "')
                numbers = np.array(cell.split(";"), dtype=np.float64)
                points[missing.pop(path)] = numbers.reshape(68, 2)
    if missing:
        raise ValueError(
            f"{table} has no landmarks of {len(missing)} pictures (first: {next(iter(missing))}); "
            "it changed since the data set was read: read it again"
        )


def _read_tables(root: Path, lists: Path, verify: str) -> list[Clip]:
    base = below(root, "Manually_Annotated_Images", depth=3) or below(root, "Manually_Annotated")
    base = base or root
    problems: list[str] = []
    seen: set[str] = set()
    clips = []
    for name, split in _TABLES.items():
        table = lists / name
        if not table.is_file():
            continue
        rows = list(_table_rows(table, seen, problems))
        # Texts, since half a million paths take too long to build.
        texts = [f"{base}/{row.name}" for row in rows if row.name != _UNREADABLE]
        usable = set(keep_usable(texts, "affectnet", verify))
        for row in rows:
            if f"{base}/{row.name}" in usable:
                clips.append(_clip(row, row.name, split, "tables", base / row.name, table))
    report_skipped("affectnet", problems, "row", verify)
    return clips


def _table_rows(table: Path, seen: set[str], problems: list[str]) -> Iterator[_Row]:
    """Yield the rows with an emotion; half a gigabyte of landmarks is passed over."""
    with table.open("rb") as file:
        for number, line in enumerate(file, start=1):
            cells = line.strip(b"\xef\xbb\xbf\r\n ").split(b",")
            if number == 1 and len(cells) == 9 and not cells[6].strip().lstrip(b"-").isdigit():
                names = [cell.strip().decode(errors="replace") for cell in cells]
                if names != COLUMNS:
                    raise ValueError(
                        f"{table}: expected the columns {','.join(COLUMNS)}, "
                        f"found {', '.join(names)}"
                    )
            elif any(cells):
                try:
                    row = _table_row(cells, seen)
                except ValueError as error:
                    problems.append(f"line {number} of {table.name} ({error})")
                else:
                    if row:
                        yield row


def _table_row(cells: list[bytes], seen: set[str]) -> _Row | None:
    """A row of the table; None when it shows no emotion. ValueError says what is wrong with it."""
    if len(cells) != 9:
        raise ValueError(f"{len(cells)} cells instead of 9")
    code = int(cells[6])
    path = cells[0].strip(b' "').decode()
    if code in _SKIPPED_CODES:
        return None
    if not 0 <= code < len(CODES):
        raise ValueError(f"expression {code}")
    for cell in cells[1:5]:
        float(cell)
    count = cells[5].count(b";") + 1
    if count != 136:
        raise ValueError(f"{count} numbers of landmarks instead of 136")
    if not path or path in seen:
        raise ValueError(f"{path} is there twice" if path else "no path")
    seen.add(path)
    return _Row(path, code, float(cells[7]), float(cells[8]))


def _read_arrays(part: Path, verify: str) -> list[Clip]:
    split = FOLDERS[part.name.lower()]
    images = part / "images"
    arrays = part / "annotations"
    problems: list[str] = []
    rows = _read_index(arrays, problems)
    texts = [f"{images}/{row.name}.jpg" for row in rows]
    usable = set(keep_usable(texts, "affectnet", verify))
    report_skipped("affectnet", problems, "picture", verify, f"of {part.name}")
    clips = []
    for row in rows:
        if f"{images}/{row.name}.jpg" in usable:
            name = f"{split}/{row.name}"  # numbers start again in each part
            picture = images / f"{row.name}.jpg"
            landmarks = arrays / f"{row.name}_lnd.npy"
            clips.append(_clip(row, name, split, "arrays", picture, landmarks))
    return clips


def _read_index(arrays: Path, problems: list[str]) -> list[_Row]:
    """The rows of all pictures by number; without problems they are kept in the cache."""
    key = digest(json.dumps([str(arrays.resolve()), arrays.stat().st_mtime_ns]), length=16)
    index = cache_dir() / "affectnet" / f"{key}.parquet"
    columns = ["id", "code", "valence", "arousal"]
    if index.is_file():
        table = pd.read_parquet(index)
    else:
        table = pd.DataFrame(_read_labels(arrays, problems), columns=columns)
        if not problems:
            write_whole(index, table.to_parquet)
    return [_Row(str(row[0]), *row[1:]) for row in table.itertuples(index=False, name=None)]


def _read_labels(arrays: Path, problems: list[str]) -> list[tuple[int, int, float, float]]:
    """Number, code, valence and arousal of each picture; faults go to `problems`."""
    numbers = []
    for path in arrays.iterdir():
        if path.name.endswith("_exp.npy") and not is_junk(path.name):
            name = path.name.removesuffix("_exp.npy")
            if name.isdigit():
                numbers.append(int(name))
            else:
                problems.append(f"{path.name} (not a number)")
    labels = []
    for number in sorted(numbers):
        try:
            code = int(_read_value(arrays / f"{number}_exp.npy"))
            if not 0 <= code < len(CODES):
                raise ValueError(f"expression {code}")
            valence = float(_read_value(arrays / f"{number}_val.npy"))
            arousal = float(_read_value(arrays / f"{number}_aro.npy"))
        except (ValueError, OSError, EOFError) as error:
            problems.append(f"{number} ({error})")
        else:
            labels.append((number, code, valence, arousal))
    return labels


def _read_value(path: Path) -> str:
    """The one value of a small array as text: numbers are stored as text in some copies."""
    array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    if array.size != 1:
        raise ValueError(f"{path.name}: {array.size} values instead of one")
    return str(array.item())


def _clip(
    row: _Row, name: str, split: str, release: str, picture: Path, landmarks: Path | None = None
) -> Clip:
    extra = {
        "release": release,
        "valence": row.valence if row.valence >= -1 else None,
        "arousal": row.arousal if row.arousal >= -1 else None,
    }
    return Clip(
        "affectnet",
        name,
        name,
        CODES[row.code],
        (picture,),
        split=split,
        landmarks=landmarks,
        extra=extra,
    )


DATA_SET = DataSet(
    "affectnet",
    read_affectnet,
    ("affectnet", "AffectNet"),
    CARD,
    Offer(8, identities=False),
    expected_of,
    path=r"(train|val)_set/annotations/[0-9]+_exp\.npy$|(training|validation)\.csv$",
)

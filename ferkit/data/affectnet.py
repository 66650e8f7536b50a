"""AffectNet: 290 000 photographs of the web in eight emotions, in either of its two releases."""

import io
import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import pandas as pd

from ferkit.data import inside
from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import below, find_file, is_junk, not_found, report, shorten, usable
from ferkit.data.verify import Expected, check_level, verify_clips
from ferkit.paths import cache_dir, write_whole

CODES = ("neutral", "happiness", "sadness", "surprise", "fear", "disgust", "anger", "contempt")
OTHERS = (8, 9, 10)  # none of these, uncertain, no face: not read
COLUMNS = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
TABLES = {"training.csv": "train", "validation.csv": "val"}
FOLDERS = {"train_set": "train", "val_set": "val"}
UNREADABLE = "103/29a31ebf1567693f4644c8ba3476ca9a72ee07fe67a5860d98707a0a.jpg"
CROP = 224.0  # pixels of the newer release's pictures

_TRAIN = dict(zip(CODES, (74_874, 134_415, 25_459, 14_090, 6_378, 3_803, 24_882, 3_750), strict=True))
_TRAIN_COUNTS = {"train clips": 287_651, **{f"train {emotion}": count for emotion, count in _TRAIN.items()}}
EXPECTED = {
    # The tables' rows; the emotion of the one unreadable picture, which is left out, is not known here.
    "tables": Expected(
        counts={"clips": 291_651, **_TRAIN_COUNTS, "val clips": 4_000, **{f"val {emotion}": 500 for emotion in CODES}},
        unconfirmed=("clips", *_TRAIN_COUNTS),
    ),
    "arrays": Expected(
        counts={"clips": 291_650, "train clips": 287_651, "val clips": 3_999}, unconfirmed=("clips", "val clips")
    ),
}
CARD = Card(
    title="AffectNet",
    source="A. Mollahosseini, B. Hasani, M. Mahoor, IEEE Transactions on Affective Computing 10(1), 2019",
    licence="licence agreement for academic research, signed by a supervisor",
    consent="none: photographs found by search engines",
    terms="no part may be passed on, the tables neither; no picture is shown here",
    ask="ask for it at http://mohammadmahoor.com (page AffectNet) and unpack all parts",
    may_show=False,
    open_download=False,
    bias="found photographs of unknown people, searched for in six languages; nearly half of the training part smiles",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """What a complete copy holds of the release that `clips` are of."""
    return EXPECTED[clips[0].extra["release"] if clips else "tables"]


def read_affectnet(root: str | Path, verify: str = "warn") -> list[Clip]:
    """The pictures annotated by hand with one of eight emotions: 287 651 to train, 4 000 (newer release: 3 999) to validate.

        root/
            Manually_Annotated_file_lists/training.csv, validation.csv          first release: COLUMNS, header or not
            Manually_Annotated/Manually_Annotated_Images/17/0a1b...ef.jpg       whole photographs; or
            train_set/images/7.jpg, train_set/annotations/7_exp.npy ...         newer release: faces of 224 x 224 pixels
            val_set/...

    `split` is train or val; the test part is not public. Who is on a picture is unknown: `person` is its own name. `extra` has
    `release` (tables or arrays), `valence` and `arousal` (-1 to 1, None where missing); box and landmarks are read by
    `face_of`. Rows that cannot be used are reported by line, files by id. ValueError when both releases are there.
    """
    check_level(verify)
    root = Path(root).expanduser()
    parts = [part for name in FOLDERS if (part := below(root, name)) and (part / "annotations").is_dir()]
    table = None if parts else find_file(root, *TABLES)
    if parts and (table := find_file(root, *TABLES, depth=1)):
        raise ValueError(f"{root} has both releases, {table} and {parts[0]}; give the folder of one as root")
    if table:
        clips = _from_tables(root, table.parent, verify)
    else:
        clips = [clip for part in parts for clip in _from_arrays(part, verify)]
    if not clips:
        expected = "Manually_Annotated_file_lists/training.csv and its pictures, or train_set/annotations/ and images/"
        raise not_found(CARD.title, root, expected, CARD.ask)
    verify_clips(clips, expected_of(clips), verify)
    return clips


def face_of(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """The provider's box (x0, y0, x1, y1) `(4,)` and landmarks `(68, 2)` of a clip's face, in pixels of its picture.

    They come from a detector: boxes can leave the picture. In the newer release the picture is the box. ValueError when
    what is there are not 68 points.
    """
    place = clip.landmarks
    if place is None:
        raise ValueError(f"{clip.dataset} {clip.name} has no landmarks of its provider")
    table = inside.holder(place)
    if table is None:
        box, numbers = (0.0, 0.0, CROP, CROP), np.load(place, allow_pickle=False).ravel()
    else:
        with table.open("rb") as file:
            file.seek(int(place.name))
            cells = file.readline().split(b",")
        x, y, width, height = map(float, cells[1:5])
        box, numbers = (x, y, x + width, y + height), np.array(cells[5].split(b";"))
    if numbers.size != 136:
        raise ValueError(f"{place}: expected 136 numbers of 68 landmarks, got {numbers.size}")
    return np.array(box, dtype=float), numbers.astype(float).reshape(68, 2)


Row = tuple[str, int, float, float, int]  # path or id, code, valence, arousal, place in the table


def _from_tables(root: Path, lists: Path, verify: str) -> list[Clip]:
    base = below(root, "Manually_Annotated_Images", depth=3) or below(root, "Manually_Annotated") or root
    problems: list[str] = []
    seen: set[str] = set()
    clips = []
    for table in [lists / name for name in TABLES if (lists / name).is_file()]:
        rows = [row for row in _rows(table, seen, problems) if row[0] != UNREADABLE]
        there = set(usable([f"{base}/{row[0]}" for row in rows], "affectnet", verify))
        split = TABLES[table.name]
        clips += [
            _clip(row, split, "tables", base / row[0], table / str(row[4]))
            for row in rows
            if f"{base}/{row[0]}" in there
        ]
    if problems:
        report(f"affectnet: {len(problems)} row(s) skipped: {shorten(problems)}", verify)
    return clips


def _rows(table: Path, seen: set[str], problems: list[str]) -> Iterator[Row]:
    """The rows with an emotion, one at a time: the tables have half a gigabyte, nearly all of it landmarks."""
    with table.open("rb") as file:
        place = 0
        for number, line in enumerate(file, start=1):
            cells = line.strip(b"\xef\xbb\xbf\r\n ").split(b",")
            if number == 1 and len(cells) == 9 and not cells[6].strip().lstrip(b"-").isdigit():
                names = [name.strip() for name in cells]
                if names != COLUMNS.encode().split(b","):
                    found = b", ".join(names).decode(errors="replace")
                    raise ValueError(f"{table}: expected the columns {COLUMNS}, found {found}")
            elif any(cells):
                try:
                    row = _row(cells, place, seen)
                except ValueError as error:
                    problems.append(f"line {number} of {table.name} ({error})")
                else:
                    if row:
                        yield row
            place += len(line)


def _row(cells: list[bytes], place: int, seen: set[str]) -> Row | None:
    """A row of the table; None when it shows no emotion. ValueError says what is wrong with it."""
    if len(cells) != 9:
        raise ValueError(f"{len(cells)} cells instead of 9")
    code, path = int(cells[6]), cells[0].strip(b' "').decode()
    if code in OTHERS:
        return None
    if not 0 <= code < len(CODES):
        raise ValueError(f"expression {code}")
    for cell in cells[1:5]:
        float(cell)
    if (points := cells[5].count(b";") + 1) != 136:
        raise ValueError(f"{points} numbers of landmarks instead of 136")
    if not path or path in seen:
        raise ValueError(f"{path} is there twice" if path else "no path")
    seen.add(path)
    return path, code, float(cells[7]), float(cells[8]), place


def _from_arrays(part: Path, verify: str) -> list[Clip]:
    split, images, arrays = FOLDERS[part.name.lower()], part / "images", part / "annotations"
    problems: list[str] = []
    rows = _index(arrays, problems)
    there = set(usable([f"{images}/{row[0]}.jpg" for row in rows], "affectnet", verify))
    if problems:
        report(f"affectnet: {len(problems)} picture(s) of {part.name} skipped: {shorten(problems)}", verify)
    return [
        _clip(row, split, "arrays", images / f"{row[0]}.jpg", arrays / f"{row[0]}_lnd.npy")
        for row in rows
        if f"{images}/{row[0]}.jpg" in there
    ]


def _index(arrays: Path, problems: list[str]) -> list[Row]:
    """Id, code, valence, arousal of every picture by number. Read once: without problems it is kept in the cache."""
    mark = json.dumps([str(arrays.resolve()), arrays.stat().st_mtime_ns])
    kept = cache_dir() / "affectnet" / f"{sha256(mark.encode()).hexdigest()[:16]}.parquet"
    if kept.is_file():
        table = pd.read_parquet(kept)
    else:
        table = pd.DataFrame(_labels(arrays, problems), columns=["id", "code", "valence", "arousal"])
        if not problems:
            write_whole(kept, table.to_parquet)
    return [(str(row[0]), int(row[1]), float(row[2]), float(row[3]), 0) for row in table.itertuples(index=False)]


def _labels(arrays: Path, problems: list[str]) -> list[tuple[int, int, float, float]]:
    files = (path.name for path in arrays.iterdir() if path.name.endswith("_exp.npy") and not is_junk(path.name))
    ids = [name.removesuffix("_exp.npy") for name in files]
    problems += [f"{name}_exp.npy (not a number)" for name in ids if not name.isdigit()]
    found = []
    for number in sorted(int(name) for name in ids if name.isdigit()):
        try:
            code = int(_value(arrays / f"{number}_exp.npy"))
            if not 0 <= code < len(CODES):
                raise ValueError(f"expression {code}")
            valence, arousal = (float(_value(arrays / f"{number}_{what}.npy")) for what in ("val", "aro"))
            found.append((number, code, valence, arousal))
        except (ValueError, OSError, EOFError) as error:
            problems.append(f"{number} ({error})")
    return found


def _value(path: Path) -> str:
    """The one value of a small array as text: numbers are kept as text in some copies."""
    array = np.load(io.BytesIO(path.read_bytes()), allow_pickle=False)
    if array.size != 1:
        raise ValueError(f"{path.name}: {array.size} values instead of one")
    return str(array.item())


def _clip(row: Row, split: str, release: str, picture: Path, landmarks: Path) -> Clip:
    written, code, valence, arousal, _ = row
    name = f"{split}/{written}" if release == "arrays" else written  # numbers begin again in each part
    extra = {
        "release": release,
        "valence": valence if valence >= -1 else None,
        "arousal": arousal if arousal >= -1 else None,
    }
    return Clip("affectnet", name, name, CODES[code], (picture,), split=split, landmarks=landmarks, extra=extra)

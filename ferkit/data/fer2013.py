"""FER2013: 35 887 grey pictures of 48 x 48 pixels in one table, labelled by FER+'s votes or by its own labels."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ferkit.data import ferplus, inside
from ferkit.data.cards import Card
from ferkit.data.clips import Clip
from ferkit.data.files import find_file, not_found, report, shorten
from ferkit.data.verify import Expected, check_level, verify_clips

TABLES = ("fer2013.csv", "icml_face_data.csv")
CODES = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
LABELS = ("ferplus", "own")
SPLITS = ("train", "val", "test")

_OWN = {
    "train": (3995, 436, 4097, 7215, 4830, 3171, 4965),
    "val": (467, 56, 496, 895, 653, 415, 607),
    "test": (491, 55, 528, 879, 594, 416, 626),
}
_OWN_COUNTS = {f"{split} {emotion}": n for split in SPLITS for emotion, n in zip(CODES, _OWN[split], strict=True)}
_VOTED_COUNTS = {
    f"{split} {'clips' if what == 'kept' else what}": n
    for what, numbers in ferplus.EXPECTED["ms_majority", ferplus.SOURCES[0]].items()
    if what in (*ferplus.FACES, "kept")
    for split, n in zip(SPLITS, numbers, strict=True)
}
EXPECTED = {
    "own": Expected(
        counts={"clips": 35_887, "train clips": 28_709, "val clips": 3_589, "test clips": 3_589, **_OWN_COUNTS},
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
    ask="accept the rules of Kaggle's facial expression recognition challenge and fetch fer2013.csv; labels: `ferkit data get ferplus`",
    may_show=False,
    open_download=False,
    bias="found photographs of unknown people; some blank, some no face, near-duplicates across the splits",
)


def expected_of(clips: Sequence[Clip]) -> Expected:
    """What a complete copy holds under the labels that `clips` have."""
    return EXPECTED[clips[0].extra["labels"] if clips else "ferplus"]


def read_fer2013(root: str | Path, verify: str = "warn", labels: str = "ferplus") -> list[Clip]:
    """The pictures by FER+'s majority (`ms_majority`, 31 412, eight classes) or with their `own` labels (35 887, seven).

        root/
            fer2013.csv             emotion,pixels,Usage; or icml_face_data.csv, whose header is emotion, Usage, pixels
            fer2013new.csv          FER+'s votes, joined by row; here, or in ferplus/ or FERPlus/ beside root or in it

    `split` is train, val (PublicTest) or test (PrivateTest). Who is on a picture is unknown: `person` is its own name, the row
    from 0. A frame is its row's place in the table (`data.inside`). Rows that cannot be used are reported by line.
    ValueError when votes and rows do not belong together; class folders and train.csv have lost what joins them.
    """
    check_level(verify)
    if labels not in LABELS:
        raise ValueError(f"labels={labels!r} is not known; choose {' or '.join(LABELS)}")
    root = Path(root).expanduser()
    table = find_file(root, *TABLES)
    if table is None:
        raise not_found(
            CARD.title, root, f"{' or '.join(TABLES)} (train.csv and class folders lack the rows' order)", CARD.ask
        )
    problems: list[str] = []
    rows = _rows(table, problems)
    votes = _votes(root, table, rows) if labels == "ferplus" else None
    if problems:
        report(f"fer2013: {len(problems)} row(s) of {table.name} skipped: {shorten(problems)}", verify)
    clips = []
    for number, row in enumerate(rows):
        emotion = row and (votes[number] if votes is not None else CODES[row[1]])
        if row and emotion:
            name = f"{number:05d}"
            extra = {"labels": labels, "own": CODES[row[1]]}
            clips.append(Clip("fer2013", name, name, emotion, (table / str(row[0]),), split=row[2], extra=extra))
    verify_clips(clips, expected_of(clips), verify)
    return clips


def pictures(clips: Sequence[Clip]) -> np.ndarray:
    """The pictures of such clips, `(N, 48, 48)` uint8, as they are in the table."""
    return np.stack([inside.row_pixels(clip.frames[0]) for clip in clips])


def _rows(table: Path, problems: list[str]) -> list[tuple[int, int, str] | None]:
    """Place (byte), code and split of each row; None for one that cannot be used, so that positions hold."""
    found: list[tuple[int, int, str] | None] = []
    with table.open("rb") as file:
        header = file.readline()
        names = [name.strip() for name in header.decode("utf-8-sig", errors="replace").split(",")]
        if sorted(names) != ["Usage", "emotion", "pixels"]:
            raise ValueError(f"{table}: expected the columns emotion, pixels, Usage, found {', '.join(names)[:80]}")
        offset = len(header)
        for number, line in enumerate(file, start=2):
            place, offset = offset, offset + len(line)
            cells = dict(zip(names, (cell.strip(b' "\r\n') for cell in line.split(b",")), strict=False))
            row = _row(cells, place)
            if row is None:
                problems.append(f"line {number}")
            found.append(row)
    return found


def _row(cells: dict[str, bytes], place: int) -> tuple[int, int, str] | None:
    if len(cells) != 3:
        return None
    code, usage, pixels = cells["emotion"], cells["Usage"].decode(errors="replace"), cells["pixels"]
    whole = pixels.count(b" ") == inside.SIDE**2 - 1 and not pixels.translate(None, b"0123456789 ")
    if not whole or usage not in ferplus.USAGE or not code.isdigit() or int(code) >= len(CODES):
        return None
    return place, int(code), ferplus.USAGE[usage]


def _votes(root: Path, table: Path, rows: Sequence[tuple[int, int, str] | None]) -> list[str | None]:
    """FER+'s label of each row, None where it has none. The two are joined by position, so their splits must agree."""
    near = (root, table.parent, *(base / name for base in (root, root.parent) for name in ("ferplus", "FERPlus")))
    folder = next((place for place in near if (place / ferplus.SOURCES[0]).is_file()), None)
    if folder is None:
        where = '`ferkit data get ferplus` fetches them, labels="own" does without'
        raise not_found(f"{CARD.title}: votes", root, f"{ferplus.SOURCES[0]} in it or in ferplus/ beside it", where)
    voted = ferplus.read_ferplus_labels(folder, verify="off")
    splits = voted["split"].tolist()
    wrong = [i for i, row in enumerate(rows) if i >= len(splits) or (row and row[2] != splits[i])]
    if wrong:
        raise ValueError(
            f"{table} and {folder / ferplus.SOURCES[0]} do not belong together: they are joined by row, and row {wrong[0]} is of "
            "another split or has no votes; rows were lost or added, so take the original table"
        )
    return [label or None for label in voted["emotion"]]

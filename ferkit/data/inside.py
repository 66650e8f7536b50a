"""Pictures that lie inside a file: `train.rec/28931` is the picture at byte 28 931 of train.rec.

Such a place is a path like any other: readers list it, `faces.detect` reads it, and nothing is unpacked.
Two kinds of files hold pictures: tables of numbers (FER2013's `fer2013.csv`) and records (`train.rec`). A record is

    uint32 0xCED7230A, uint32 (part in the top 3 bits, length in the others), payload, zeros up to a multiple of 4 bytes

and its payload `<IfQQ` (flag, label, id, id2), `flag` further float32 labels, the picture's file. A payload in which the
first number occurs is cut there into parts: 1 begins, 2 goes on, 3 ends it; 0 is a whole one.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

RECORDS, TABLE = ".rec", ".csv"
SIDE = 48  # pixels of FER2013's pictures
MAGIC = struct.pack("<I", 0xCED7230A)
HEAD, LABELS = struct.Struct("<4sI"), struct.Struct("<IfQQ")
LENGTH = (1 << 29) - 1
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG")  # JPEG and PNG


def holder(path: str | Path) -> Path | None:
    """The file that a place lies in; None for a path that is a file of its own. Goes by the names alone."""
    file, _ = _split(path)
    return Path(file) if file else None


def _split(path: str | Path) -> tuple[str, int]:
    """The file that a place lies in and the byte; "" for a path that is a file of its own."""
    parent, name = os.path.split(path)
    return (parent, int(name)) if name.isdigit() and parent.lower().endswith((RECORDS, TABLE)) else ("", 0)


def file_bytes(path: str | Path) -> bytes:
    """The content of a picture's file, or of what would be one at a place inside a file (a table's row as PGM).

    Raises OSError when it cannot be opened, ValueError when there is no picture at that place.
    """
    file, start = _split(path)
    if not file:
        return Path(path).read_bytes()
    if file.lower().endswith(RECORDS):
        payload, _ = _payload(_mapped(file), start, file)
        return payload[_body(payload, path) :]
    return b"P5 %d %d 255\n" % (SIDE, SIDE) + row_pixels(path).tobytes()


def row_pixels(place: str | Path) -> np.ndarray:
    """The picture in a table's row, `(48, 48)` uint8: the cell with 2 304 numbers."""
    file, number = os.path.split(place)
    content, start = _mapped(file), int(number)
    end = content.find(b"\n", start)
    row = content[start : end if end >= 0 else len(content)]
    cell = max(row.split(b","), key=len)
    numbers = np.array(cell.strip(b' "\r').split(), dtype=float)
    if numbers.size != SIDE * SIDE or not ((numbers >= 0) & (numbers <= 255)).all():
        raise ValueError(f"{place}: expected {SIDE * SIDE} numbers from 0 to 255, got {numbers.size}")
    return numbers.astype(np.uint8).reshape(SIDE, SIDE)


def record_labels(file: str | Path) -> Iterator[tuple[int, float]]:
    """The place (byte) and label of every record with a picture, in the file's order; records without one are passed over.

    Only heads are looked at. Raises ValueError, naming the byte, where the file is cut off or no record begins.
    """
    file = Path(file)
    content, start = _mapped(file), 0
    while start < len(content):
        part, length, following = _head(content, start, file)
        first = content[start + HEAD.size : start + HEAD.size + min(length, 64)]
        if part in (0, 1) and len(first) >= LABELS.size:
            flag, label, *_ = LABELS.unpack_from(first)
            begin = start + HEAD.size + LABELS.size + 4 * flag
            if begin < start + HEAD.size + length and content[begin : begin + 4].startswith(SIGNATURES):
                yield start, label
        start = following


def _head(content: mmap.mmap, start: int, file: str | Path) -> tuple[int, int, int]:
    """Part and length of the payload at `start`, and where the next one begins."""
    if start + HEAD.size > len(content):
        raise ValueError(f"{file} is cut off in a record's head at byte {start}; copy it again")
    magic, lengths = HEAD.unpack_from(content, start)
    length = lengths & LENGTH
    if magic != MAGIC:
        raise ValueError(f"{file}: no record begins at byte {start}; the file is damaged or of another kind")
    if start + HEAD.size + length > len(content):
        raise ValueError(
            f"{file} is cut off at byte {len(content)}, in the record that begins at byte {start}; copy it again"
        )
    return lengths >> 29, length, start + HEAD.size + -(-length // 4) * 4


def _payload(content: mmap.mmap, start: int, file: str | Path) -> tuple[bytes, int]:
    """The whole payload of the record at `start`, its parts joined, and where the next record begins."""
    part, length, following = _head(content, start, file)
    payload = content[start + HEAD.size : start + HEAD.size + length]
    while part in (1, 2):
        begin = following
        part, length, following = _head(content, begin, file)
        payload += MAGIC + content[begin + HEAD.size : begin + HEAD.size + length]
    return payload, following


def _body(payload: bytes, path: str | Path) -> int:
    """Where the picture begins in a payload."""
    begin = LABELS.size + 4 * LABELS.unpack_from(payload)[0] if len(payload) >= LABELS.size else len(payload)
    if not payload[begin : begin + 4].startswith(SIGNATURES):
        raise ValueError(f"{path}: the record has no picture (no JPEG or PNG begins in it)")
    return begin


def _mapped(file: str | Path) -> mmap.mmap:
    """The file as memory; opened once and again when it has changed."""
    state = os.stat(file)
    return _map(str(file), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _map(file: str, size: int, changed: int) -> mmap.mmap:
    if not size:
        raise ValueError(f"{file} is empty (zero bytes)")
    with open(file, "rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

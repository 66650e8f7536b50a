"""Pictures inside a file: `train.rec/28931` is the picture at byte 28 931 of train.rec.

Such a place is a path like any other: readers list it, `faces.detect` reads it, and nothing is
unpacked. Two kinds of files hold pictures: tables of numbers (FER2013's `fer2013.csv`) and records
(`train.rec`). A record is

    uint32 0xCED7230A
    uint32 part in the top 3 bits, length in the others
    payload
    zeros up to a multiple of 4 bytes

and its payload is `<IfQQ` (flag, label, id, id2), `flag` further float32 labels, and the picture's
file. A payload that contains the magic number is cut there into parts: 1 is the first, 2 a middle
and 3 the last one; 0 is a whole payload.
"""

import mmap
import os
import struct
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np

ROW_SIDE = 48  # pixels of FER2013's pictures
_RECORDS = ".rec"
_TABLE = ".csv"
_MAGIC = struct.pack("<I", 0xCED7230A)
_HEAD = struct.Struct("<4sI")
_LABELS = struct.Struct("<IfQQ")
_LENGTH_BITS = 29
_JPEG_OR_PNG = (b"\xff\xd8\xff", b"\x89PNG")


def holder(path: str | Path) -> Path | None:
    """Return the file that a place lies in, None for an ordinary path; only names are checked."""
    file, _ = _split(path)
    return Path(file) if file else None


def file_bytes(path: str | Path) -> bytes:
    """Return the content of a picture's file; a table's row becomes a PGM file.

    Raises OSError when the file cannot be opened, ValueError when no picture is at that place.
    """
    file, start = _split(path)
    if not file:
        return Path(path).read_bytes()
    if file.lower().endswith(_TABLE):
        return b"P5 %d %d 255\n" % (ROW_SIDE, ROW_SIDE) + row_pixels(path).tobytes()
    payload = _read_payload(_open_mapped(file), start, file)
    return payload[_picture_start(payload, path) :]


def row_pixels(place: str | Path) -> np.ndarray:
    """Return the picture in a table's row, `(48, 48)` uint8: the cell with 2 304 numbers."""
    file, start = _split(place)
    content = _open_mapped(file)
    end = content.find(b"\n", start)
    row = content[start : end if end >= 0 else len(content)]
    cell = max(row.split(b","), key=len)
    numbers = np.array(cell.strip(b' "\r').split(), dtype=float)
    if numbers.size != ROW_SIDE**2 or not ((numbers >= 0) & (numbers <= 255)).all():
        raise ValueError(
            f"{place}: expected {ROW_SIDE**2} numbers from 0 to 255, got {numbers.size}"
        )
    return numbers.astype(np.uint8).reshape(ROW_SIDE, ROW_SIDE)


def record_labels(file: str | Path) -> Iterator[tuple[int, float]]:
    """Yield the start (byte) and label of every record with a picture, in the file's order.

    Only heads are read. Raises ValueError, naming the byte, where the file is cut off or no record
    begins.
    """
    file = Path(file)
    content = _open_mapped(file)
    start = 0
    while start < len(content):
        part, payload, following = _locate_payload(content, start, file)
        opening = content[payload.start : min(payload.start + 64, payload.stop)]
        if part in (0, 1) and len(opening) >= _LABELS.size:
            flag, label, *_ = _LABELS.unpack_from(opening)
            picture = payload.start + _LABELS.size + 4 * flag
            signature = content[picture : picture + 4]
            if picture < payload.stop and signature.startswith(_JPEG_OR_PNG):
                yield start, label
        start = following


def _split(path: str | Path) -> tuple[str, int]:
    """The file that a place lies in, and the byte; "" for an ordinary path."""
    parent, name = os.path.split(path)
    if name.isdigit() and parent.lower().endswith((_RECORDS, _TABLE)):
        return parent, int(name)
    return "", 0


def _locate_payload(content: mmap.mmap, start: int, file: str | Path) -> tuple[int, slice, int]:
    """The part of the record at `start`, the bytes of its payload, and the next record's start."""
    begin = start + _HEAD.size
    if begin > len(content):
        raise ValueError(f"{file} is cut off in a record's head at byte {start}; copy it again")
    magic, part_and_length = _HEAD.unpack_from(content, start)
    if magic != _MAGIC:
        raise ValueError(
            f"{file}: no record begins at byte {start}; the file is damaged or of another kind"
        )
    part = part_and_length >> _LENGTH_BITS
    length = part_and_length & ((1 << _LENGTH_BITS) - 1)
    end = begin + length
    if end > len(content):
        raise ValueError(
            f"{file} is cut off at byte {len(content)}, in the record that begins at byte {start}; "
            "copy it again"
        )
    return part, slice(begin, end), end + -length % 4


def _read_payload(content: mmap.mmap, start: int, file: str | Path) -> bytes:
    """The whole payload of the record at `start`, its parts joined."""
    part, payload, following = _locate_payload(content, start, file)
    joined = content[payload]
    while part in (1, 2):
        part, payload, following = _locate_payload(content, following, file)
        joined += _MAGIC + content[payload]
    return joined


def _picture_start(payload: bytes, path: str | Path) -> int:
    start = len(payload)
    if len(payload) >= _LABELS.size:
        flag = _LABELS.unpack_from(payload)[0]
        start = _LABELS.size + 4 * flag
    if not payload[start : start + 4].startswith(_JPEG_OR_PNG):
        raise ValueError(f"{path}: the record has no picture (no JPEG or PNG begins in it)")
    return start


def _open_mapped(file: str | Path) -> mmap.mmap:
    """The file mapped into memory; it is opened once, and again after it has changed."""
    state = os.stat(file)
    return _map(str(file), state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=8)
def _map(file: str, size: int, changed: int) -> mmap.mmap:
    if not size:
        raise ValueError(f"{file} is empty (zero bytes)")
    with open(file, "rb") as opened:
        return mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)

"""The unfinished output of a prediction, `NAME.partial`: what was read so far, a line per frame.

A line is a hash and JSON. The first names the inputs and options, so that only the same command
continues; lines that are damaged, and those after them, are read again. A line after the frames
lists the annotated copies, before the first is written.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from ferkit.core.files import digest
from ferkit.faces.detect import Face
from ferkit.predict.frames import InputFrame
from ferkit.predict.inputs import InputFile
from ferkit.predict.read_faces import FrameFaces


def partial_path(out: Path) -> Path:
    """The path of the unfinished output of `out`."""
    return out.with_name(f"{out.name}.partial")


def own_copies(partial: Path) -> set[str]:
    """The copies that interrupted commands began to write, by absolute path."""
    if not os.path.isfile(partial):
        return set()
    with partial.open("rb") as file:
        records, _ = _read_records(file.readlines())
    copies: set[str] = set()
    for record in records:
        copies.update(record.get("copies", ()))
    return copies


def describe_files(files: Sequence[InputFile]) -> str:
    """Hash the names, people, sizes and times of files."""
    parts: list[object] = []
    for file in files:
        parts += [file.name, file.person]
        if os.path.isfile(file.path):
            status = file.path.stat()
            parts += [status.st_size, status.st_mtime_ns]
    return digest(*parts, length=20)


class Unfinished:
    """An unfinished output, which the same command continues.

    `key` describes the inputs and options. ValueError when the file is that of another command,
    unless `overwrite`, and while another process writes it; OSError when it cannot be written.
    """

    def __init__(self, path: Path, key: str, overwrite: bool = False) -> None:
        self.path = path
        self.known = 0  # frames that the file has
        self._position = 0
        self._earlier: Iterator[dict[str, Any]] = iter(())
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(path.with_name(f"{path.name}.lock"))
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"another process is writing {path}: wait until it has ended, or name another --out"
            ) from None
        self._file = os.fdopen(os.open(path, flags, 0o666), "r+b")
        records, end = _read_records(self._file.readlines())
        continues = bool(records) and records[0].get("key") == key
        if continues:
            frames = [record for record in records[1:] if "copies" not in record]
            self.known = len(frames)
            self._earlier = iter(frames)
        elif path.stat().st_size and not overwrite:
            self.close()
            raise ValueError(
                f"{path} is the unfinished output of other inputs or options: repeat that command, "
                "delete the file, or add --overwrite"
            )
        self._file.seek(end if continues else 0)
        self._file.truncate()
        if not continues:
            self._write([{"key": key}])

    def restore(self, frame: InputFrame) -> FrameFaces | None:
        """The faces of the next frame, without what the model sees of them, if the file has it."""
        record = next(self._earlier, None)
        return None if record is None else _from_record(record, frame)

    def append(self, frames: Sequence[FrameFaces]) -> None:
        """Write the frames of a batch that the file does not have yet."""
        new = max(0, self.known - self._position)
        self._position += len(frames)
        self._write([_to_record(found) for found in frames[new:]])

    def note_copies(self, copies: Iterable[Path]) -> None:
        """Write which copies are about to be written, so that a repetition may replace them."""
        self._write([{"copies": [os.path.abspath(copy) for copy in copies]}])

    def close(self) -> None:
        """Close the file, which stays, and let other processes have it."""
        self._file.close()
        Path(self._lock.lock_file).unlink(missing_ok=True)
        self._lock.release()

    def _write(self, records: Sequence[dict[str, Any]]) -> None:
        for record in records:
            text = json.dumps(record).encode()
            self._file.write(digest(text).encode() + b" " + text + b"\n")
        self._file.flush()
        os.fsync(self._file.fileno())


def _from_record(record: dict[str, Any], frame: InputFrame) -> FrameFaces:
    faces = [Face(np.array(box), np.array(points), score) for box, points, score in record["faces"]]
    probabilities = record["probabilities"]
    return FrameFaces(
        replace(frame, image=None, problem=record["problem"]),
        record["scale"],
        faces,
        [],
        record["smallest"],
        None if probabilities is None else np.array(probabilities, dtype=float),
    )


def _to_record(found: FrameFaces) -> dict[str, Any]:
    faces = []
    for face in found.faces:
        faces.append((face.box.tolist(), face.landmarks.tolist(), float(face.score)))
    probabilities = found.probabilities
    return {
        "path": found.frame.file.name,
        "frame": found.frame.number,
        "time": found.frame.time,
        "problem": found.frame.problem,
        "scale": found.scale,
        "smallest": found.smallest,
        "faces": faces,
        "probabilities": None if probabilities is None else probabilities.tolist(),
    }


def _read_records(lines: Sequence[bytes]) -> tuple[list[dict[str, Any]], int]:
    """The records of the lines before the first damaged one, and where that one begins."""
    records = []
    end = 0
    for line in lines:
        written, _, text = line.partition(b" ")
        if not line.endswith(b"\n") or digest(text[:-1]).encode() != written:
            break
        records.append(json.loads(text))
        end += len(line)
    return records, end

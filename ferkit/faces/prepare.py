"""Prepare faces once: find, align, find landmarks again; keep them in memory-mapped arrays.

Each set of pictures and settings has a folder, named by a hash of both: paths relative to their
common folder, sizes and modification times; size, template, landmark model. Labels are not part of
the hash; they are read from the clips each time the folder is opened.

    prepared/<data sets>-<size>-<hash>/
        made.json       what made it, and hashes of the files; written last, when all is complete
        table.parquet   one row for every picture: path, found, reason, score
        faces.npy       (N,) of `_RECORD`: landmarks, box, score, and whether the row is done
        images.npy      (N, S, S, 3) uint8, or (N, S, S) when grey; absent when not kept

A row is marked done once its picture is on the disk, so a killed run continues there. A file that
no longer has its hash is made again.
"""

import errno
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.lib.format import open_memmap
from tqdm.auto import tqdm

from ferkit.core.files import (
    cache_dir,
    digest,
    explain_errors,
    find_damaged,
    hash_files,
    locked,
    read_hashes,
    warn_damaged,
    write_whole,
)
from ferkit.core.processes import explain_dead_workers, start_pool, uses_cluster
from ferkit.data import packed
from ferkit.data.clip import Clip
from ferkit.faces import align, detect, prepared
from ferkit.faces.pictures import Picture, read_picture
from ferkit.faces.prepared import Prepared, open_prepared

_VERSION = 1  # raise it when the same picture would be prepared differently
# Aligned pictures up to this size are kept unless asked otherwise (at 1200 pixels each has 4.3 MB).
_LARGEST_KEPT = 512
# Up to so many workers are threads: dlib's detector runs in parallel in them, its landmark model
# does not.
_THREADS = 2
_FEW_PICTURES = 300  # are left to threads too: processes take two seconds to start
_CHUNK = 16  # pictures given to a worker at once

_RECORD = np.dtype(
    [
        # Found again on the aligned face, in its pixels; NaN without a face.
        ("landmarks", "f4", (68, 2)),
        ("original", "f4", (68, 2)),  # in the file's own pixels
        ("box", "f4", (4,)),  # in the file's own pixels
        ("score", "f4"),  # the detector's
        ("done", "i4"),  # 0 still to do, else 1 + the index in `REASONS`
    ]
)


@dataclass(frozen=True)
class _Job:
    """What a worker needs to know."""

    folder: Path
    size: int
    grey: bool
    keep_images: bool

    @property
    def picture_shape(self) -> tuple[int, ...]:
        return (self.size, self.size) if self.grey else (self.size, self.size, 3)

    @property
    def files(self) -> list[str]:
        return ["table.parquet", "faces.npy"] + ["images.npy"] * self.keep_images

    def arrays(self, count: int) -> dict[Path, tuple[tuple[int, ...], np.dtype]]:
        """The array files, their shapes and types; the faces, which say what is done, last."""
        arrays: dict[Path, tuple[tuple[int, ...], np.dtype]] = {}
        if self.keep_images:
            arrays[self.folder / "images.npy"] = ((count, *self.picture_shape), np.dtype(np.uint8))
        arrays[self.folder / "faces.npy"] = ((count,), _RECORD)
        return arrays


def prepare(
    clips: Iterable[Clip],
    size: int,
    *,
    cache: str | Path | None = None,
    workers: int | None = None,
    progress: bool = True,
    grey: bool = False,
    keep_images: bool | None = None,
) -> Prepared:
    """Align every frame of clips at `size` pixels and find its landmarks; done once.

    `cache` is the folder for prepared sets (default: in `core.files.cache_dir()`), `workers`
    defaults to the number of processors, `keep_images` to sizes up to 512. Of two processes that
    prepare the same set the second waits. Warns when some pictures have no face. ValueError without
    clips; OSError when the disk is full (call again to continue).
    """
    clips = list(clips)
    if not clips:
        raise ValueError("no clips to prepare: the list is empty")
    if size < 16:
        raise ValueError(f"the size must be at least 16 pixels, got {size}")
    if workers is not None and workers < 1:
        raise ValueError(f"at least one worker is needed, got {workers}")
    keep_images = size <= _LARGEST_KEPT if keep_images is None else keep_images
    paths: list[Path] = []
    for clip in clips:
        paths += clip.frames
    made_from = _made_from(paths, size, grey, keep_images)
    names = "+".join(sorted({clip.dataset for clip in clips}))
    names = re.sub(r"[^\w.+-]", "_", names)[:60]
    base = Path(cache or cache_dir() / "prepared").absolute()
    folder = base / f"{names}-{size}-{made_from['hash']}"
    job = _Job(folder, size, grey, keep_images)
    waiting = f"another process is preparing {folder.name}; waiting for it" if progress else ""
    if not _is_complete(job):
        with explain_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock", waiting):
            if not _is_complete(job):
                _delete_damaged(job)
                _prepare_all(job, paths, workers or _processors(), progress)
                _finish(job, paths, made_from)
    return open_prepared(folder, size, clips)


def _is_complete(job: _Job) -> bool:
    hashes = read_hashes(job.folder / "made.json")
    return bool(hashes) and not find_damaged(job.folder, job.files, hashes)


def _delete_damaged(job: _Job) -> None:
    """Delete the damaged files of a folder that was complete, and say so."""
    made = job.folder / "made.json"
    if hashes := read_hashes(made):
        for name in find_damaged(job.folder, job.files, hashes):
            warn_damaged(job.folder / name)
            (job.folder / name).unlink(missing_ok=True)
    made.unlink(missing_ok=True)


def _made_from(paths: Sequence[Path], size: int, grey: bool, keep_images: bool) -> dict:
    """Everything the arrays depend on, and its hash."""
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    inputs = hashlib.sha256()
    for path in absolute:
        try:
            stat = os.stat(packed.holder(path) or path)
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "missing"
        inputs.update(f"{Path(path).relative_to(common).as_posix()}\0{state}\n".encode())
    made_from = {
        "what": "faces prepared by ferkit",
        "pictures": len(paths),
        "inputs": inputs.hexdigest(),
        "size": size,
        "grey": grey,
        "keep_images": keep_images,
        "template": align.TEMPLATE,
        "predictor": detect.PREDICTOR,
        "code": _VERSION,
    }
    return made_from | {"hash": digest(json.dumps(made_from, sort_keys=True), length=16)}


def _prepare_all(job: _Job, paths: Sequence[Path], workers: int, progress: bool) -> None:
    """Prepare the rows that are still to do."""
    detect.predictor_path()  # a missing model is an error here, not in every worker
    todo = _create_arrays(job, len(paths))
    length = max(1, min(_CHUNK, -(-len(todo) // (4 * workers))))
    chunks = [todo[start : start + length].tolist() for start in range(0, len(todo), length)]
    done = len(paths) - len(todo)
    with (
        tqdm(total=len(paths), initial=done, unit="face", disable=not progress) as bar,
        _pool(min(workers, len(chunks)), len(todo)) as pool,
    ):
        futures = {}
        for rows in chunks:
            chunk = [paths[row].absolute() for row in rows]  # a worker may be in another folder
            future = pool.submit(_prepare_chunk, job, rows, chunk)
            futures[future] = len(rows)
        try:
            for future in as_completed(futures):
                future.result()
                bar.update(futures[future])
        finally:
            pool.shutdown(cancel_futures=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _pool(workers: int, count: int) -> Iterator[Executor]:
    """Threads for few workers or few pictures, else processes; OpenCV keeps to one core in each.

    Processes are started clean rather than forked.
    """
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    pool: Executor | None = None
    if uses_cluster() or (workers > _THREADS and count >= _FEW_PICTURES):
        pool = start_pool(workers, "spawn" if os.name == "nt" else "forkserver")
    if pool is None:
        detect.predictor()  # loaded before all threads try to
        pool = ThreadPoolExecutor(max(1, workers))
    try:
        with pool, explain_dead_workers():
            yield pool
    finally:
        cv2.setNumThreads(before)


def _create_arrays(job: _Job, count: int) -> np.ndarray:
    """Create the array files unless they are there; return the rows still to do.

    OSError when the disk has no room for them.
    """
    arrays = job.arrays(count)
    faces = job.folder / "faces.npy"
    damaged = [path for path, (shape, dtype) in arrays.items() if not _is_array(path, shape, dtype)]
    todo = np.arange(count)
    if not damaged:
        todo = np.flatnonzero(
            ~np.isin(np.load(faces)["done"], 1 + np.arange(len(prepared.REASONS)))
        )
    elif faces.exists():
        warn_damaged(damaged[0])
        faces.unlink()
    row_bytes = sum(int(np.prod(shape[1:])) * dtype.itemsize for shape, dtype in arrays.values())
    needed = len(todo) * row_bytes
    free = shutil.disk_usage(job.folder).free
    if free < needed:
        message = (
            f"{len(todo)} faces to prepare need {needed / 1e6:.0f} MB, "
            f"only {free / 1e6:.0f} MB are free"
        )
        raise OSError(errno.ENOSPC, message, str(job.folder))
    if damaged:
        for path, (shape, dtype) in arrays.items():  # they take no room until written
            write_whole(path, partial(open_memmap, mode="w+", dtype=dtype, shape=shape))
    return todo


def _is_array(path: Path, shape: tuple[int, ...], dtype: np.dtype) -> bool:
    """Whether a file is an array of this shape and type."""
    try:
        with explain_errors(path):
            array = open_memmap(path, mode="r")
    except (FileNotFoundError, ValueError, OverflowError):
        return False
    return array.shape == shape and array.dtype == dtype


def _prepare_chunk(job: _Job, rows: Sequence[int], paths: Sequence[Path]) -> None:
    """Prepare some rows and write them, the records last: they say that a row is done."""
    cv2.setNumThreads(1)  # the other cores have workers of their own
    records, pictures = zip(*(_prepare_one(job, path) for path in paths), strict=True)
    if job.keep_images:
        _write(job.folder / "images.npy", rows, pictures)
    _write(job.folder / "faces.npy", rows, records)


def _prepare_one(job: _Job, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The record and the aligned picture of one file.

    Where the file cannot be used, the record says why and the picture is black.
    """
    record = np.zeros((), _RECORD)
    black = np.zeros(job.picture_shape, np.uint8)
    for name in ("landmarks", "original", "box", "score"):
        record[name] = np.nan
    try:
        picture, face = _read_face(path, longest=max(2048, 3 * job.size))
    except (OSError, ValueError) as error:
        record["done"] = 1 + (prepared.MISSING if isinstance(error, OSError) else prepared.BROKEN)
        return record, black
    if face is None:
        record["done"] = 1 + prepared.NO_FACE
        return record, black
    if picture.lacks(face.box):
        record["done"] = 1 + prepared.BROKEN
        return record, black
    image = picture.pixels
    record["original"] = face.landmarks / picture.scale
    record["box"] = face.box / picture.scale
    record["score"] = face.score
    if job.grey or not job.keep_images:  # landmarks need no colour: a third of the work is left
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    try:
        matrix = align.alignment(face.landmarks, job.size)
        aligned = align.align(image, matrix, job.size)
        record["landmarks"] = detect.landmarks_in(aligned, align.apply_box(matrix, face.box))
    except ValueError:  # landmarks so wrong that eyes and lip coincide, or the face lands outside
        record["done"] = 1 + prepared.NOT_ALIGNED
        return record, black
    record["done"] = 1 + prepared.FOUND
    return record, aligned


def _read_face(path: Path, longest: int) -> tuple[Picture, detect.Face | None]:
    """Read a picture and find its best face, in all of a large picture only where it is small."""
    picture = read_picture(path, longest)
    face = detect.find_face(picture.pixels)
    if face is None and picture.scale < 1:
        picture = read_picture(path)
        face = detect.find_face(picture.pixels)
    return picture, face


def _write(path: Path, rows: Sequence[int], values: Sequence[np.ndarray]) -> None:
    """Write rows of an array file and flush them to the disk.

    Ordinary writes: a full disk is an OSError here, in a memory map a crash.
    """
    array = np.load(path, mmap_mode="r")
    stride = array[:1].nbytes
    with explain_errors(path), open(path, "r+b") as file:
        for row, value in zip(rows, values, strict=True):
            file.seek(array.offset + row * stride)
            file.write(np.ascontiguousarray(value).tobytes())
        file.flush()
        os.fsync(file.fileno())


def _finish(job: _Job, paths: Sequence[Path], made_from: dict) -> None:
    """Write the table and, last, the file that marks the folder as complete."""
    folder = job.folder
    faces = np.load(folder / "faces.npy")
    reasons = np.array(prepared.REASONS, dtype=object)[faces["done"] - 1]
    table = pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "found": reasons == "",
            "reason": reasons,
            "score": faces["score"],
        }
    )
    counts = {reason or "found": int((reasons == reason).sum()) for reason in prepared.REASONS}
    write_whole(folder / "table.parquet", lambda part: table.to_parquet(part, index=False))
    made = made_from | {"counts": counts, "files": hash_files(folder, job.files)}
    text = json.dumps(made, indent=1) + "\n"
    write_whole(folder / "made.json", lambda part: part.write_text(text, encoding="utf-8"))

"""Faces prepared once: found, aligned, landmarks found again; kept in memory-mapped arrays.

One folder for each set of pictures and settings, named by a hash of both (paths from their common folder, bytes, time of
change; size, template, landmark model). Labels are not part of it: they are read from the clips at each opening.

    prepared/<data sets>-<size>-<hash>/
        made.json       what made it; written last, so its presence means finished
        table.parquet   one row for every picture: path, found, reason, score
        images.npy      (N, S, S, 3) uint8, or (N, S, S) when grey; absent when pictures are not kept
        landmarks.npy   (N, 68, 2) float32, found again on the aligned face, aligned pixels; NaN without a face
        original.npy    (N, 68, 2) float32, in the file's own pixels
        boxes.npy       (N, 4) float32, in the file's own pixels
        scores.npy      (N,) float32, the detector's
        status.npy      (N,) uint8: 0 still to do, 1 + the place in `REASONS` when done

A row's status is written after everything else of that row has reached the disk, so work goes on from there after a kill.
"""

import errno
import hashlib
import json
import os
import shutil
import warnings
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from filelock import FileLock, Timeout
from tqdm.auto import tqdm

from ferkit.data.clips import Clip
from ferkit.faces import align, detect
from ferkit.paths import cache_dir

CODE = 1  # raise it when the same picture would be prepared differently
KEPT = 512  # up to this size aligned pictures are kept unless asked otherwise (at 1200 each is 4.3 MB)
THREADS = 4  # up to so many workers are threads: dlib's detector lets them run, its landmark model does not
CHUNK = 16  # pictures handed to a worker at once
REASONS = ("", "no face found", "picture cannot be decoded", "file cannot be opened")
FOUND, NO_FACE, BROKEN, MISSING = range(len(REASONS))


@dataclass(frozen=True, eq=False)
class Prepared:
    """Prepared faces, one row for every frame of the clips, found or not.

    `table` has the columns clip (position in the list given), frame, dataset, person, name, emotion, complementary,
    path, found, reason, score. Arrays as in the module's docstring; `images` is None when pictures are not kept.
    """

    folder: Path
    size: int
    table: pd.DataFrame
    images: np.ndarray | None
    landmarks: np.ndarray
    original: np.ndarray
    boxes: np.ndarray

    def __len__(self) -> int:
        return len(self.table)

    def select(self, mask: np.ndarray | pd.Series) -> "Prepared":
        """The rows where `mask` `(N,)` is true, or those it lists; their pictures are copied into memory."""
        rows = np.asarray(mask)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        images = None if self.images is None else np.asarray(self.images[rows])
        parts = (np.asarray(values[rows]) for values in (self.landmarks, self.original, self.boxes))
        return Prepared(self.folder, self.size, self.table.iloc[rows].reset_index(drop=True), images, *parts)

    def summary(self) -> pd.DataFrame:
        """Pictures, faces found, pictures without a face and unreadable ones, a row for each data set."""
        reason = self.table["reason"]
        counts = pd.DataFrame(
            {
                "pictures": 1,
                "found": self.table["found"],
                "no face": reason == REASONS[NO_FACE],
                "unreadable": reason.isin(REASONS[BROKEN:]),
            }
        )
        return counts.astype(int).groupby(self.table["dataset"]).sum()


@dataclass(frozen=True)
class Job:
    """What a worker needs to know."""

    folder: Path
    size: int
    grey: bool
    keep_images: bool


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
    """Every frame of `clips` as an aligned face of `size` pixels with its landmarks; made once, then opened.

    `cache` is the folder for prepared sets (default: in `ferkit.paths.cache_dir()`), `workers` defaults to the number of
    processors, `keep_images` to sizes up to 512. Two processes may prepare the same set: the second waits. Warns when
    some pictures have no face; raises ValueError without clips, OSError when the disk is full (call again to go on).
    """
    clips = list(clips)
    if not clips:
        raise ValueError("no clips to prepare: the list is empty")
    if size < 16:
        raise ValueError(f"expected a size of at least 16 pixels, got {size}")
    keep_images = size <= KEPT if keep_images is None else keep_images
    paths = [frame for clip in clips for frame in clip.frames]
    made_from = _made_from(paths, size, grey, keep_images)
    names = "+".join(sorted({clip.dataset for clip in clips}))
    base = Path(cache) if cache else cache_dir() / "prepared"
    folder = base / f"{names}-{size}{'-grey' if grey else ''}-{made_from['hash']}"
    if not (folder / "made.json").is_file():
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, progress):
            if not (folder / "made.json").is_file():
                _make(Job(folder, size, grey, keep_images), paths, made_from, workers or os.cpu_count() or 1, progress)
    return _open(folder, size, clips)


def _made_from(paths: Sequence[Path], size: int, grey: bool, keep_images: bool) -> dict:
    """Everything the arrays depend on, in words, and its hash."""
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    inputs = hashlib.sha256()
    for path in absolute:
        try:
            stat = os.stat(path)
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
        "code": CODE,
    }
    text = json.dumps(made_from, sort_keys=True)
    return made_from | {"hash": hashlib.sha256(text.encode()).hexdigest()[:16]}


@contextmanager
def _alone(folder: Path, progress: bool) -> Iterator[None]:
    """Hold the folder's lock; the system frees it when its holder dies, so it never has to be judged stale."""
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        if progress:
            tqdm.write(f"another process is preparing {folder.name}; waiting for it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _make(job: Job, paths: Sequence[Path], made_from: dict, workers: int, progress: bool) -> None:
    """Prepare the rows that are still to do, then finish the folder."""
    detect.predictor_path()  # a missing model is an error here, not in every worker
    _create(job, len(paths))
    todo = np.flatnonzero(np.load(job.folder / "status.npy") == 0)
    chunk = max(1, min(CHUNK, -(-len(todo) // (4 * workers))))
    chunks = [todo[start : start + chunk].tolist() for start in range(0, len(todo), chunk)]
    with (
        tqdm(total=len(paths), initial=len(paths) - len(todo), unit="face", disable=not progress) as bar,
        _pool(min(workers, len(chunks))) as pool,
    ):
        waiting = {pool.submit(_prepare_chunk, job, rows, [paths[row] for row in rows]): rows for rows in chunks}
        try:
            for future in as_completed(waiting):
                future.result()
                bar.update(len(waiting[future]))
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker that prepares faces died (out of memory?), or the script that called `prepare` has no "
                f'`if __name__ == "__main__":`. What is done is kept; call again, with workers={THREADS} for less memory.'
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)
    _finish(job.folder, paths, made_from)


@contextmanager
def _pool(workers: int) -> Iterator[Executor]:
    """Threads for a few workers, else processes, which are started clean rather than forked; OpenCV keeps to one core."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        if workers <= THREADS:
            detect.predictor()  # loaded before the threads could all do it
            with ThreadPoolExecutor(max(1, workers)) as pool:
                yield pool
        else:
            method = "spawn" if os.name == "nt" else "forkserver"
            with ProcessPoolExecutor(workers, get_context(method), initializer=partial(cv2.setNumThreads, 1)) as pool:
                yield pool
    finally:
        cv2.setNumThreads(before)


def _prepare_chunk(job: Job, rows: Sequence[int], paths: Sequence[Path]) -> None:
    """Prepare some rows and write them; a picture that cannot be used becomes a row that says why."""
    done: dict[str, list[np.ndarray]] = {name: [] for name in _arrays(job)}
    for path in paths:
        for name, value in _prepare_one(job, path).items():
            done[name].append(value)
    for name, values in done.items():  # status comes last in `_arrays`
        _write(job.folder / f"{name}.npy", rows, values)


def _prepare_one(job: Job, path: Path) -> dict[str, np.ndarray]:
    row = {name: np.full(shape, empty, dtype) for name, (shape, dtype, empty) in _arrays(job).items()}
    try:
        image, factor = detect.read_reduced(path, longest=max(2048, 3 * job.size))
    except (OSError, ValueError) as error:
        row["status"][...] = 1 + (MISSING if isinstance(error, OSError) else BROKEN)
        return row
    face = detect.find_face(image)
    if face is None:
        row["status"][...] = 1 + NO_FACE
        return row
    matrix = align.alignment(face.landmarks, job.size)
    aligned = align.align(image, matrix, job.size)
    row["landmarks"][...] = detect.landmarks_in(aligned, align.apply_box(matrix, face.box))
    row["original"][...] = face.landmarks / factor
    row["boxes"][...] = face.box / factor
    row["scores"][...] = face.score
    if job.keep_images:
        row["images"][...] = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY) if job.grey else aligned
    row["status"][...] = 1 + FOUND
    return row


def _arrays(job: Job) -> dict[str, tuple[tuple[int, ...], type, float]]:
    """Shape of one row, type and empty value of each array, in the order they are written."""
    picture = (job.size, job.size) if job.grey else (job.size, job.size, 3)
    images = {"images": (picture, np.uint8, 0)} if job.keep_images else {}
    return images | {
        "landmarks": ((68, 2), np.float32, np.nan),
        "original": ((68, 2), np.float32, np.nan),
        "boxes": ((4,), np.float32, np.nan),
        "scores": ((), np.float32, np.nan),
        "status": ((), np.uint8, 0),
    }


def _create(job: Job, count: int) -> None:
    """Lay out the arrays where they are not there yet; refuses when the disk has no room for the rows to come."""
    need = count * sum(int(np.prod(shape)) * np.dtype(dtype).itemsize for shape, dtype, _ in _arrays(job).values())
    there = sum(path.stat().st_blocks * 512 for path in job.folder.glob("*.npy")) if hasattr(os, "statvfs") else 0
    free = shutil.disk_usage(job.folder).free
    if free < need - there:
        message = (
            f"preparing {count} faces needs {need / 1e6:.0f} MB in {job.folder}, only {free / 1e6:.0f} MB are free"
        )
        raise OSError(errno.ENOSPC, message)
    if (job.folder / "status.npy").is_file():
        return
    for name, (shape, dtype, _) in _arrays(job).items():  # zeros, which take no room until written
        temporary = job.folder / f"{name}.tmp"
        np.lib.format.open_memmap(temporary, "w+", dtype, (count, *shape)).flush()
        os.replace(temporary, job.folder / f"{name}.npy")


def _write(path: Path, rows: Sequence[int], values: Sequence[np.ndarray]) -> None:
    """Put rows into an array file and on the disk. Ordinary writes: a full disk is an OSError, in a memory map a crash."""
    array = np.load(path, mmap_mode="r")
    start, stride = array.offset, array[:1].nbytes
    with open(path, "r+b") as file:
        for row, value in zip(rows, values, strict=True):
            file.seek(start + row * stride)
            file.write(np.ascontiguousarray(value).tobytes())
        file.flush()
        os.fsync(file.fileno())


def _finish(folder: Path, paths: Sequence[Path], made_from: dict) -> None:
    status = np.load(folder / "status.npy") - 1
    table = pd.DataFrame(
        {
            "path": [str(path) for path in paths],
            "found": status == FOUND,
            "reason": np.array(REASONS, dtype=object)[status],
            "score": np.load(folder / "scores.npy"),
        }
    )
    table.to_parquet(folder / "table.tmp", index=False)
    os.replace(folder / "table.tmp", folder / "table.parquet")
    counts = {reason or "found": int((status == place).sum()) for place, reason in enumerate(REASONS)}
    text = json.dumps(made_from | {"counts": counts}, indent=1)
    (folder / "made.tmp").write_text(text + "\n", encoding="utf-8")
    os.replace(folder / "made.tmp", folder / "made.json")


def _open(folder: Path, size: int, clips: Sequence[Clip]) -> Prepared:
    """The arrays of a finished folder with the labels of `clips`; warns when some pictures have no face."""
    rows = [
        (place, frame, clip.dataset, clip.person, clip.name, clip.emotion, clip.complementary, str(path))
        for place, clip in enumerate(clips)
        for frame, path in enumerate(clip.frames)
    ]
    columns = ["clip", "frame", "dataset", "person", "name", "emotion", "complementary", "path"]
    results = pd.read_parquet(folder / "table.parquet", columns=["found", "reason", "score"])
    table = pd.concat([pd.DataFrame(rows, columns=columns), results], axis=1)
    if lost := int((~table["found"]).sum()):
        unreadable = int(table["reason"].isin(REASONS[BROKEN:]).sum())
        warnings.warn(
            f"{lost} of {len(table)} pictures have no prepared face ({lost - unreadable} without a face found, "
            f"{unreadable} unreadable); `summary()` counts them, `table` names them",
            stacklevel=3,
        )
    names = ("images", "landmarks", "original", "boxes")
    arrays = [np.load(path, mmap_mode="r") if (path := folder / f"{name}.npy").is_file() else None for name in names]
    return Prepared(folder, size, table, *arrays)

"""Faces prepared once: found, aligned, landmarks found again; kept in memory-mapped arrays.

One folder for each set of pictures and settings, named by a hash of both (paths from their common folder, bytes, time of
change; size, template, landmark model). Labels are not part of it: they are read from the clips at each opening.

    prepared/<data sets>-<size>-<hash>/
        made.json       what made it; written last, so its presence means finished
        table.parquet   one row for every picture: path, found, reason, score
        faces.npy       (N,) of `RECORD`: landmarks, box, score, and whether the row is done
        images.npy      (N, S, S, 3) uint8, or (N, S, S) when grey; absent when pictures are not kept

A row is marked done after its picture has reached the disk, so work goes on from there after a kill.
"""

import errno
import hashlib
import json
import os
import re
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
from tqdm.auto import tqdm

from ferkit.data import inside
from ferkit.data.clips import Clip
from ferkit.faces import align, detect
from ferkit.paths import cache_dir, held

CODE = 1  # raise it when the same picture would be prepared differently
KEPT = 512  # up to this size aligned pictures are kept unless asked otherwise (at 1200 each is 4.3 MB)
THREADS = 2  # up to so many workers are threads: dlib's detector runs side by side in them, its landmark model does not
FEW = 300  # so few pictures are left to threads too: processes take two seconds to start
CHUNK = 16  # pictures handed to a worker at once

REASONS = ("", "no face found", "face cannot be aligned", "picture cannot be decoded", "file cannot be opened")
FOUND, NO_FACE, NOT_ALIGNED, BROKEN, MISSING = range(len(REASONS))
RECORD = np.dtype(
    [
        ("landmarks", "f4", (68, 2)),  # found again on the aligned face, in its pixels; NaN without a face
        ("original", "f4", (68, 2)),  # in the file's own pixels
        ("box", "f4", (4,)),  # in the file's own pixels
        ("score", "f4"),  # the detector's
        ("done", "i4"),  # 0 still to do, else 1 + the place in `REASONS`
    ]
)


@dataclass(frozen=True, eq=False)
class Prepared:
    """Prepared faces, one row for every frame of the clips, found or not.

    `table` has the columns clip (position in the list given), frame, dataset, person, name, emotion, complementary,
    path, found, reason, score. `images` is `(N, S, S, 3)` or `(N, S, S)` uint8, memory-mapped, or None when not kept;
    `landmarks` `(N, 68, 2)` are in aligned pixels, `original` `(N, 68, 2)` and `boxes` `(N, 4)` in the file's own.
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

    def select(self, rows: np.ndarray | pd.Series) -> "Prepared":
        """The rows where a mask `(N,)` is true, or those listed; their pictures are copied into memory."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        images = None if self.images is None else np.asarray(self.images[rows])
        table = self.table.iloc[rows].reset_index(drop=True)
        points = self.landmarks[rows], self.original[rows], self.boxes[rows]
        return Prepared(self.folder, self.size, table, images, *points)

    def summary(self) -> pd.DataFrame:
        """Numbers of pictures, of faces found, of pictures without a face and unreadable ones, for each data set."""
        reason = self.table["reason"]
        counts = {
            "pictures": np.ones(len(self), dtype=bool),
            "found": reason == REASONS[FOUND],
            "no face": reason.isin(REASONS[NO_FACE:BROKEN]),
            "unreadable": reason.isin(REASONS[BROKEN:]),
        }
        return pd.DataFrame(counts).astype(int).groupby(self.table["dataset"]).sum()


@dataclass(frozen=True)
class Job:
    """What a worker needs to know."""

    folder: Path
    size: int
    grey: bool
    keep_images: bool

    @property
    def picture(self) -> tuple[int, ...]:
        """The shape of one aligned picture."""
        return (self.size, self.size) if self.grey else (self.size, self.size, 3)


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
    if size < 16 or (workers is not None and workers < 1):
        raise ValueError(f"expected a size of at least 16 pixels and at least one worker, got {size} and {workers}")
    keep_images = size <= KEPT if keep_images is None else keep_images
    paths = [frame for clip in clips for frame in clip.frames]
    made_from = _made_from(paths, size, grey, keep_images)
    names = re.sub(r"[^\w.+-]", "_", "+".join(sorted({clip.dataset for clip in clips})))[:60]
    base = Path(cache) if cache else cache_dir() / "prepared"
    job = Job(base / f"{names}-{size}-{made_from['hash']}", size, grey, keep_images)
    if not (job.folder / "made.json").is_file():
        job.folder.mkdir(parents=True, exist_ok=True)
        with held(
            job.folder / "lock", f"another process is preparing {job.folder.name}; waiting for it" if progress else ""
        ):
            if not (job.folder / "made.json").is_file():
                _make(job, paths, workers or _processors(), progress)
                _finish(job.folder, paths, made_from)
    return _open(job, clips)


def _made_from(paths: Sequence[Path], size: int, grey: bool, keep_images: bool) -> dict:
    """Everything the arrays depend on, in words, and its hash."""
    absolute = [os.path.abspath(path) for path in paths]
    common = os.path.commonpath([os.path.dirname(path) for path in absolute])
    inputs = hashlib.sha256()
    for path in absolute:
        try:
            stat = os.stat(inside.holder(path) or path)
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


def _make(job: Job, paths: Sequence[Path], workers: int, progress: bool) -> None:
    """Prepare the rows that are still to do."""
    detect.predictor_path()  # a missing model is an error here, not in every worker
    todo = _layout(job, len(paths))
    chunk = max(1, min(CHUNK, -(-len(todo) // (4 * workers))))
    chunks = [todo[start : start + chunk].tolist() for start in range(0, len(todo), chunk)]
    with (
        tqdm(total=len(paths), initial=len(paths) - len(todo), unit="face", disable=not progress) as bar,
        _pool(min(workers, len(chunks)), len(todo)) as pool,
    ):
        waiting = {pool.submit(_prepare_chunk, job, rows, [paths[row] for row in rows]): rows for rows in chunks}
        try:
            for future in as_completed(waiting):
                future.result()
                bar.update(len(waiting[future]))
        except BrokenProcessPool as error:
            raise RuntimeError(
                "a worker that prepares faces died: out of memory, or the script that calls `prepare` has no "
                f'`if __name__ == "__main__":`. What is done is kept; call again, with workers={THREADS} to use threads.'
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _pool(workers: int, count: int) -> Iterator[Executor]:
    """Threads for few workers or few pictures, else processes, started clean rather than forked; OpenCV keeps to one core in each."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        if workers <= THREADS or count < FEW:
            detect.predictor()  # loaded before all threads try to
            with ThreadPoolExecutor(max(1, workers)) as pool:
                yield pool
        else:
            method = "spawn" if os.name == "nt" else "forkserver"
            with ProcessPoolExecutor(workers, get_context(method), initializer=partial(cv2.setNumThreads, 1)) as pool:
                yield pool
    finally:
        cv2.setNumThreads(before)


def _layout(job: Job, count: int) -> np.ndarray:
    """Lay out the array files where they are not there yet; the rows still to do. Refuses a disk without room for them."""
    faces, images = job.folder / "faces.npy", job.folder / "images.npy"
    todo = np.flatnonzero(np.load(faces)["done"] == 0) if faces.is_file() else np.arange(count)
    need = len(todo) * (RECORD.itemsize + job.keep_images * int(np.prod(job.picture)))
    if (free := shutil.disk_usage(job.folder).free) < need:
        message = f"{len(todo)} faces to prepare need {need / 1e6:.0f} MB, only {free / 1e6:.0f} MB are free"
        raise OSError(errno.ENOSPC, message, str(job.folder))
    if job.keep_images and not images.is_file():
        np.lib.format.open_memmap(images, "w+", np.uint8, (count, *job.picture))  # takes no room until written
    if not faces.is_file():  # last and at once: where it is, everything is
        np.save(job.folder / "faces.tmp.npy", np.zeros(count, RECORD))
        os.replace(job.folder / "faces.tmp.npy", faces)
    return todo


def _prepare_chunk(job: Job, rows: Sequence[int], paths: Sequence[Path]) -> None:
    """Prepare some rows and write them, the records last: they say that a row is done."""
    records, pictures = zip(*(_prepare_one(job, path) for path in paths), strict=True)
    if job.keep_images:
        _write(job.folder / "images.npy", rows, pictures)
    _write(job.folder / "faces.npy", rows, records)


def _prepare_one(job: Job, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The record and the aligned picture of one file; when it cannot be used, a record that says why and black."""
    record, picture = np.zeros((), RECORD), np.zeros(job.picture, np.uint8)
    for name in ("landmarks", "original", "box", "score"):
        record[name] = np.nan
    try:
        image, factor = detect.read_reduced(path, longest=max(2048, 3 * job.size))
    except (OSError, ValueError) as error:
        record["done"] = 1 + (MISSING if isinstance(error, OSError) else BROKEN)
        return record, picture
    face = detect.find_face(image)
    if face is None:
        record["done"] = 1 + NO_FACE
        return record, picture
    record["original"], record["box"], record["score"] = face.landmarks / factor, face.box / factor, face.score
    if job.grey or not job.keep_images:
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)  # landmarks need no colour: a third of the work is left
    try:
        matrix = align.alignment(face.landmarks, job.size)
        aligned = align.align(image, matrix, job.size)
        record["landmarks"] = detect.landmarks_in(aligned, align.apply_box(matrix, face.box))
    except ValueError:  # landmarks so wrong that eyes and lip coincide, or the face lands outside
        record["done"] = 1 + NOT_ALIGNED
        return record, picture
    record["done"] = 1 + FOUND
    return record, aligned


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
    """Write the table and, last, the file that says the folder is finished."""
    faces = np.load(folder / "faces.npy")
    reasons = np.array(REASONS, dtype=object)[faces["done"] - 1]
    columns = {
        "path": [str(path) for path in paths],
        "found": reasons == "",
        "reason": reasons,
        "score": faces["score"],
    }
    pd.DataFrame(columns).to_parquet(folder / "table.tmp", index=False)
    os.replace(folder / "table.tmp", folder / "table.parquet")
    counts = {reason or "found": int((reasons == reason).sum()) for reason in REASONS}
    text = json.dumps(made_from | {"counts": counts}, indent=1) + "\n"
    (folder / "made.tmp").write_text(text, encoding="utf-8")
    os.replace(folder / "made.tmp", folder / "made.json")


def _open(job: Job, clips: Sequence[Clip]) -> Prepared:
    """The arrays of a finished folder with the labels of `clips`; warns when some pictures have no face."""
    rows = [
        (place, frame, clip.dataset, clip.person, clip.name, clip.emotion, clip.complementary, str(path))
        for place, clip in enumerate(clips)
        for frame, path in enumerate(clip.frames)
    ]
    columns = ["clip", "frame", "dataset", "person", "name", "emotion", "complementary", "path"]
    results = pd.read_parquet(job.folder / "table.parquet", columns=["found", "reason", "score"])
    table = pd.concat([pd.DataFrame(rows, columns=columns), results], axis=1)
    if lost := int((~table["found"]).sum()):
        unreadable = int(table["reason"].isin(REASONS[BROKEN:]).sum())
        warnings.warn(
            f"{lost} of {len(table)} pictures have no prepared face ({lost - unreadable} without a face found, "
            f"{unreadable} unreadable); `summary()` counts them, `table` names them",
            stacklevel=3,
        )
    faces = np.load(job.folder / "faces.npy")
    images = np.load(job.folder / "images.npy", mmap_mode="r") if job.keep_images else None
    points = (np.ascontiguousarray(faces[name]) for name in ("landmarks", "original", "box"))
    return Prepared(job.folder, job.size, table, images, *points)

"""Prepare faces once: find, align, find landmarks again; keep them in memory-mapped arrays.

Each set of pictures and settings has a folder, named by a hash of both: paths relative to their
common folder, sizes and modification times; size, template, landmark model. Labels are not part of
the hash; they are read from the clips each time the folder is opened. `faces.prepared_files` says
what lies in it.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from tqdm.auto import tqdm

from ferkit.core.files import (
    cache_dir,
    digest,
    explain_errors,
    locked,
)
from ferkit.core.processes import count_processors, explain_dead_workers, start_pool, uses_cluster
from ferkit.data import packed
from ferkit.data.clip import Clip
from ferkit.faces import align, detect, prepared
from ferkit.faces.pictures import Picture, read_picture
from ferkit.faces.prepared import Prepared, open_prepared
from ferkit.faces.prepared_files import (
    RECORD,
    PreparedFiles,
    create_arrays,
    delete_damaged,
    is_complete,
    mark_complete,
    write_rows,
)

_VERSION = 1  # raise it when the same picture would be prepared differently
# Aligned pictures up to this size are kept unless asked otherwise (at 1200 pixels each has 4.3 MB).
_LARGEST_KEPT = 512
_LARGEST = 4096  # pixels of a side
# Up to so many workers are threads: dlib's detector runs in parallel in them, its landmark model
# does not.
_THREADS = 2
_FEW_PICTURES = 300  # are left to threads too: processes take two seconds to start
_CHUNK = 16  # pictures given to a worker at once


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
    if not 16 <= size <= _LARGEST:
        raise ValueError(f"the size must be from 16 to {_LARGEST} pixels, got {size}")
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
    files = PreparedFiles(folder, size, grey, keep_images)
    waiting = f"another process is preparing {folder.name}; waiting for it" if progress else ""
    if not is_complete(files):
        with explain_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / "lock", waiting):
            if not is_complete(files):
                delete_damaged(files)
                _prepare_all(files, paths, workers or count_processors(), progress)
                mark_complete(files, paths, made_from)
    return open_prepared(folder, size, clips)


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


def _prepare_all(files: PreparedFiles, paths: Sequence[Path], workers: int, progress: bool) -> None:
    """Prepare the rows that are still to do."""
    detect.predictor_path()  # a missing model is an error here, not in every worker
    todo = create_arrays(files, len(paths))
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
            future = pool.submit(_prepare_chunk, files, rows, chunk)
            futures[future] = len(rows)
        try:
            for future in as_completed(futures):
                future.result()
                bar.update(futures[future])
        finally:
            pool.shutdown(cancel_futures=True)


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


def _prepare_chunk(files: PreparedFiles, rows: Sequence[int], paths: Sequence[Path]) -> None:
    """Prepare some rows and write them, the records last: they say that a row is done."""
    cv2.setNumThreads(1)  # the other cores have workers of their own
    records, pictures = zip(*(_prepare_one(files, path) for path in paths), strict=True)
    if files.keep_images:
        write_rows(files.folder / "images.npy", rows, pictures)
    write_rows(files.folder / "faces.npy", rows, records)


def _prepare_one(files: PreparedFiles, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The record and the aligned picture of one file.

    Where the file cannot be used, the record says why and the picture is black.
    """
    record = np.zeros((), RECORD)
    black = np.zeros(files.picture_shape, np.uint8)
    for name in ("landmarks", "original", "box", "score"):
        record[name] = np.nan
    try:
        picture, face = _read_face(path, longest=max(2048, 3 * files.size))
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
    if files.grey or not files.keep_images:  # landmarks need no colour: a third of the work is left
        image = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    try:
        matrix = align.alignment(face.landmarks, files.size)
        aligned = align.align(image, matrix, files.size)
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

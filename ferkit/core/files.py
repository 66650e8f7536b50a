"""Folders of data, caches and runs; complete files, file locks and hashes."""

import errno
import hashlib
import json
import os
import platform
import re
import secrets
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from multiprocessing import current_process
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout
from tqdm import tqdm

PROJECT = Path(__file__).resolve().parents[2]
_HASHED_WHOLE = 64 * 2**20  # bytes: of larger files only samples enter the hash
_SAMPLES = 256
_SAMPLE_BYTES = 2**16
_DAY = 24 * 3600  # seconds
# A temporary file: .NAME.HOST-PROCESS-RANDOM.partial.SUFFIX
_PARTIAL_NAME = re.compile(r"\..+\.([0-9a-f]{6})-(\d+)-[0-9a-f]{8}\.partial(\.\w+)?")


def data_root(root: str | Path | None = None) -> Path | None:
    """Return the folder of the data sets: `root`, else FERKIT_DATA, else None."""
    chosen = root or os.environ.get("FERKIT_DATA")
    return expand_home(chosen) if chosen else None


def cache_dir() -> Path:
    """Return the folder of files that can be made again.

    It is FERKIT_CACHE, else the user's cache folder. OSError when the user has no home folder.
    """
    if chosen := os.environ.get("FERKIT_CACHE"):
        return Path(chosen)
    try:
        return platformdirs.user_cache_path("ferkit")
    except RuntimeError as error:  # neither HOME nor an entry of the user
        message = "there is no home folder: set FERKIT_CACHE to a folder that you may write"
        raise OSError(message) from error


def shown_sets() -> tuple[str, ...]:
    """Return the names in FERKIT_SHOW.

    These are data sets whose pictures the user may show although their terms forbid it.
    """
    return tuple(os.environ.get("FERKIT_SHOW", "").replace(",", " ").split())


def data_options() -> tuple[str, ...]:
    """Return the words SET.OPTION=VALUE in FERKIT_DATA_OPTIONS, options of data sets' readers."""
    return tuple(os.environ.get("FERKIT_DATA_OPTIONS", "").split())


def run_dir() -> Path:
    """Return the folder of runs: FERKIT_RUN, else build/run.

    `ferkit run` writes to it and `ferkit predict` looks there for trained models. `build` lies in
    the project's folder when ferkit runs from a clone, else in the current folder.
    """
    if chosen := os.environ.get("FERKIT_RUN"):
        return expand_home(chosen)
    base = PROJECT if (PROJECT / "notebooks").is_dir() else Path.cwd()
    return base / "build" / "run"


def expand_home(path: str | Path) -> Path:
    """Return a path with a home folder in place of "~" or "~user"; other names with ~ stay."""
    return Path(os.path.expanduser(path))


def digest(*parts: object, length: int = 10) -> str:
    """Return the first `length` hexadecimal digits of a SHA-256 hash.

    Parts are bytes or anything with a text of its own, and are joined by line breaks.
    """
    encoded = [
        part if isinstance(part, bytes) else str(part).encode(errors="surrogateescape")
        for part in parts
    ]
    return hashlib.sha256(b"\n".join(encoded)).hexdigest()[:length]


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file completely or not at all.

    `write` receives the path of a temporary file, which replaces `path` once it is complete. The
    file is as readable as the umask allows. OSError names the file when the disk is full.
    """
    with explain_errors(path):
        part = create_partial(path)
        try:
            write(part)
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text in UTF-8, completely or not at all."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def create_partial(path: Path) -> Path:
    """Create an empty temporary file beside `path`, with its suffix and a name nobody can guess.

    The first call in a folder deletes the temporary files that killed processes left there.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    _delete_stale(path.parent.resolve(), os.getpid())
    token = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    suffix = path.suffix if len(path.suffix) < 20 else ""
    part = path.with_name(f".{path.stem[:40]}.{token}.partial{suffix}")
    os.close(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    return part


@lru_cache(maxsize=1024)
def _delete_stale(folder: Path, _process: int) -> None:
    """Delete the temporary files of processes that are gone, and those older than a day."""
    for path in folder.glob(".*.partial*"):
        if not (name := _PARTIAL_NAME.fullmatch(path.name)):
            continue
        with suppress(OSError):  # it is finished by now, or belongs to another user
            gone = name[1] == _host() and not is_running(int(name[2]))
            if gone or time.time() - path.lstat().st_mtime > _DAY:
                path.unlink()


@lru_cache(maxsize=1)
def _host() -> str:
    """Name this machine, or this container, whose process numbers mean nothing elsewhere."""
    return digest(platform.node(), length=6)


def is_running(process: int) -> bool:
    """Tell whether a process of this machine is running; where that is unknown, it is."""
    if os.name == "nt":
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def explain_errors(path: Path) -> Iterator[None]:
    """Name the file, and the way out, when a disk is full or the cache is not accessible."""
    try:
        yield
    except OSError as error:
        fault = error.strerror or str(error)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            message = f"the disk is full: {path} was not written; free some space and try again"
        elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) and _is_cached(path):
            message = f"no access to {path} ({fault}); let FERKIT_CACHE name another folder"
        else:
            raise
        raise OSError(error.errno, message) from error


def _is_cached(path: Path) -> bool:
    return path.absolute().is_relative_to(cache_dir().absolute())


def read_cached(path: Path) -> bytes | None:
    """Read a file of the cache; None where there is none. OSError when it cannot be read."""
    try:
        with explain_errors(path):
            return path.read_bytes()
    except FileNotFoundError:
        return None


def hash_files(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """Hash files of a folder, by name; of those over 64 MB, their size and samples."""
    return {name: _hash_file(folder / name) for name in names}


def read_hashes(file: Path) -> dict[str, str]:
    """Read what `hash_files` returned from the entry "files" of a JSON file; empty without it."""
    try:
        entries = json.loads(read_cached(file) or b"{}")
    except (ValueError, RecursionError):
        warn_damaged(file)
        return {}
    hashes = entries.get("files") if isinstance(entries, dict) else None
    return hashes if isinstance(hashes, dict) else {}


def find_damaged(folder: Path, names: Iterable[str], hashes: dict[str, str]) -> list[str]:
    """List the files that are missing or have another hash."""
    damaged = []
    for name in names:
        path = folder / name
        with explain_errors(path):
            if not path.is_file() or _hash_file(path) != hashes.get(name):
                damaged.append(name)
    return damaged


def warn_damaged(path: Path) -> None:
    """Say that a file of the cache is missing or damaged."""
    warnings.warn(f"{path} is damaged or missing; it is made again", stacklevel=3)


def _hash_file(path: Path) -> str:
    size = path.stat().st_size
    with open(path, "rb") as file:
        if size <= _HASHED_WHOLE:
            return hashlib.file_digest(file, "sha256").hexdigest()[:16]
        samples = []
        for sample in range(_SAMPLES):
            file.seek(sample * (size - _SAMPLE_BYTES) // (_SAMPLES - 1))
            samples.append(file.read(_SAMPLE_BYTES))
    return digest(size, *samples, length=16)


@contextmanager
def locked(lock: Path, waiting: str = "") -> Iterator[None]:
    """Hold a lock file; print `waiting` while another process holds it.

    The operating system releases the lock when its holder dies. Every user may hold it.
    RuntimeError while a worker process imports a script without the usual guard: its parent holds
    the lock and waits for the worker, so both would wait for ever.
    """
    if getattr(current_process(), "_inheriting", False):
        raise RuntimeError(
            "worker processes import this script, which starts the same work again; "
            'put what it does under `if __name__ == "__main__":`'
        )
    file = FileLock(lock, mode=0o666)
    with explain_errors(lock):
        try:
            file.acquire(timeout=0)
        except Timeout:
            if waiting:
                tqdm.write(waiting)
            file.acquire()
    try:
        yield
    finally:
        file.release()


def is_locked(lock: Path) -> bool:
    """Tell whether a process holds a lock file."""
    if not lock.is_file():
        return False
    file = FileLock(lock)
    try:
        file.acquire(timeout=0)
    except Timeout:
        return True
    file.release()
    return False

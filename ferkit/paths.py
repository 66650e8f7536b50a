"""Where data, caches and outputs are, and how files are put there: whole, and by one process at a time."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import platformdirs
from filelock import FileLock, Timeout
from tqdm import tqdm

PROJECT = Path(__file__).resolve().parent.parent


def data_root(root: str | Path | None = None) -> Path | None:
    """The folder that holds the data sets: `root`, else the variable FERKIT_DATA, else None."""
    chosen = root or os.environ.get("FERKIT_DATA")
    return Path(chosen).expanduser() if chosen else None


def cache_dir() -> Path:
    """Where things that can be made again are kept: FERKIT_CACHE, else the user's cache folder."""
    return Path(os.environ.get("FERKIT_CACHE") or platformdirs.user_cache_dir("ferkit"))


def shown_sets() -> tuple[str, ...]:
    """The data sets whose pictures the user may show though their terms forbid it: the names in FERKIT_SHOW."""
    return tuple(os.environ.get("FERKIT_SHOW", "").replace(",", " ").split())


def run_dir() -> Path:
    """Where `ferkit run` writes and `ferkit predict` looks for trained models: FERKIT_RUN, else build/run.

    `build` lies in the project's folder when ferkit runs from a clone, else in the current one.
    """
    if chosen := os.environ.get("FERKIT_RUN"):
        return Path(chosen).expanduser()
    base = PROJECT if (PROJECT / "notebooks").is_dir() else Path.cwd()
    return base / "build" / "run"


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """What `write` writes to the path it is given, put in place of `path` once it is complete; never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        write(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


@contextmanager
def held(lock: Path, waiting: str = "") -> Iterator[None]:
    """Hold a lock file, saying `waiting` while another process does; the system frees it when its holder dies."""
    file = FileLock(lock)
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

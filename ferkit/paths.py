"""Where data, caches and outputs are."""

import os
from pathlib import Path

import platformdirs

PROJECT = Path(__file__).resolve().parent.parent


def data_root(root: str | Path | None = None) -> Path | None:
    """The folder that holds the data sets: `root`, else the variable FERKIT_DATA, else None."""
    chosen = root or os.environ.get("FERKIT_DATA")
    return Path(chosen).expanduser() if chosen else None


def cache_dir() -> Path:
    """Where things that can be made again are kept: FERKIT_CACHE, else the user's cache folder."""
    return Path(os.environ.get("FERKIT_CACHE") or platformdirs.user_cache_dir("ferkit"))


def run_dir() -> Path:
    """Where `ferkit run` writes and `ferkit predict` looks for trained models: FERKIT_RUN, else build/run.

    `build` lies in the project's folder when ferkit runs from a clone, else in the current one.
    """
    if chosen := os.environ.get("FERKIT_RUN"):
        return Path(chosen).expanduser()
    base = PROJECT if (PROJECT / "notebooks").is_dir() else Path.cwd()
    return base / "build" / "run"

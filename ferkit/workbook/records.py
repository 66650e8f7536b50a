"""What a run leaves behind: OUT/run.json, and OUT/metrics/<notebook>.json, which each notebook writes itself.

`run.json` holds `started`, `finished`, `chosen` (the notebooks of the last call), `environment`, and for each notebook
its status, parameters, seed, device, duration, hashes, metrics and, when it failed, the failing cell. JSON knows no
nan, so an undefined metric is null there and nan in tables.
"""

import hashlib
import importlib.metadata
import json
import math
import os
import platform
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferkit import __version__, paths
from ferkit.data.files import table_rows

PASSED, FAILED, SKIPPED, INTERRUPTED, RUNNING = "passed", "failed", "skipped: unchanged", "interrupted", "running"

# distributions whose version can change a number; dlib comes from the wheels of dlib-bin
DISTRIBUTIONS = {
    "torch": "torch",
    "torchvision": "torchvision",
    "numpy": "numpy",
    "scipy": "scipy",
    "scikit-learn": "scikit-learn",
    "dlib": "dlib-bin",
    "anny": "anny",
    "pandas": "pandas",
    "pillow": "pillow",
    "papermill": "papermill",
}
INTERVAL = ("value", "low", "high", "n")


def save_metrics(out: str | Path, notebook: str, values: Mapping[str, Any], folds: str | None = None) -> Path:
    """Writes the metrics of one notebook, which become part of the run record; returns the file.

    A metric is a number, or a mapping with `value` and where known `low` and `high` (its interval) and `n` (how many
    decisions). The first ones are the headline. `folds` is the hash of the fold list. Replaces what the notebook saved
    before. Raises ValueError for anything else than numbers.
    """
    metrics = {name: _metric(notebook, name, value) for name, value in values.items()}
    file = Path(out) / "metrics" / f"{notebook}.json"
    write_json(file, {"notebook": notebook, "folds": folds, "metrics": metrics})
    return file


def load_metrics(out: str | Path, notebook: str) -> dict[str, Any]:
    """`metrics` and `folds` as the notebook saved them; empty where it saved none."""
    file = Path(out) / "metrics" / f"{notebook}.json"
    return read_json(file) if file.is_file() else {"folds": None, "metrics": {}}


def metrics(out: str | Path) -> pd.DataFrame:
    """All metrics under `out`, one row each: notebook, metric, value, low, high, n (nan where unknown)."""
    rows = []
    for file in sorted((Path(out) / "metrics").glob("*.json")):
        for name, metric in read_json(file)["metrics"].items():
            rows.append({"notebook": file.stem, "metric": name, **metric})
    table = pd.DataFrame(rows, columns=["notebook", "metric", *INTERVAL])
    return table.astype({name: float for name in INTERVAL})


def load_run(out: str | Path) -> dict[str, Any]:
    """The run record under `out`. Raises FileNotFoundError when there is none."""
    file = Path(out) / "run.json"
    if not file.is_file():
        raise FileNotFoundError(f"no run record {file}; `ferkit run --out {out}` makes one")
    return read_json(file)


def update_run(out: str | Path, notebooks: Mapping[str, Any] | None = None, **values: Any) -> dict[str, Any]:
    """The run record with these entries replaced, also on disk; what it says of other notebooks stays."""
    try:
        run = load_run(out)
    except FileNotFoundError:
        run = {"notebooks": {}}
    run.update(values)
    run["notebooks"] = dict(sorted({**run["notebooks"], **(notebooks or {})}.items()))
    write_json(Path(out) / "run.json", run)
    return run


def environment() -> dict[str, Any]:
    """Python, platform, processors, GPU and the versions of what computes."""
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "gpu": gpu(),
        "ferkit": __version__,
        "versions": versions(),
    }


def versions() -> dict[str, str | None]:
    """Installed versions, None for what is missing."""
    found: dict[str, str | None] = {}
    for name, distribution in DISTRIBUTIONS.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def gpu() -> str | None:
    """The name of the CUDA device that PyTorch would use, None without one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def package_hash() -> str:
    """A hash of ferkit's own sources, so that results of another version are never taken for this one's."""
    folder = paths.PROJECT / "ferkit"
    digest = hashlib.sha256()
    for file in sorted(file for kind in ("py", "toml", "json") for file in folder.rglob(f"*.{kind}")):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def listing_hash(root: Path | None) -> str:
    """A hash of the names and sizes of all files under `root`, linked folders too; a constant where there is none.

    Of a table of pictures, what it says and the sizes of the pictures.
    """
    digest = hashlib.sha256(str(root).encode())
    if root and root.is_file():
        for row in table_rows(root):
            picture = root.parent / row.get("path", "").replace("\\", "/")
            digest.update(f"{row}\0{_size(picture)}\0".encode())
    seen: set[str] = set()  # a link may lead back up
    for folder, folders, files in os.walk(root or "", followlinks=True):
        real = os.path.realpath(folder)
        folders[:] = sorted(folders) if real not in seen else []
        files = files if real not in seen else []
        seen.add(real)
        for file in sorted(files):
            path = os.path.join(folder, file)
            digest.update(f"{path}\0{_size(path)}\0".encode(errors="surrogateescape"))
    return digest.hexdigest()


def _size(file: str | Path) -> int | None:
    """Bytes of a file; None where it is not there or may not be looked at."""
    try:
        return os.stat(file).st_size
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None


def now() -> str:
    """The time with its zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def write_json(file: Path, content: Any) -> None:
    """Writes `content` so that a reader, or a kill, never sees half of it."""
    write_text(file, json.dumps(content, indent=1, allow_nan=False) + "\n")


def write_text(file: Path, text: str) -> None:
    """Writes `text` through a file beside it."""
    paths.write_whole(file, lambda part: part.write_text(text, encoding="utf-8"))


def read_json(file: Path) -> Any:
    """The content of a JSON file; ValueError naming the file when it is damaged."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not readable JSON ({error}); delete it and run again") from error


def _metric(notebook: str, name: str, value: Any) -> dict[str, float | int | None]:
    parts = dict(value) if isinstance(value, Mapping) else {"value": value}
    unknown = set(parts) - set(INTERVAL)
    if "value" not in parts or unknown:
        raise ValueError(
            f"{notebook}: metric {name!r} has {', '.join(map(str, parts))}; expected {', '.join(INTERVAL)}"
        )
    return {part: _number(notebook, name, number) for part, number in parts.items()}


def _number(notebook: str, name: str, value: Any) -> float | int | None:
    if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0:
        value = value.item()
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{notebook}: metric {name!r} is {value!r}; expected a number")
    return value if math.isfinite(value) else None

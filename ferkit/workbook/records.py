"""Read and write what a run leaves: OUT/run.json and OUT/metrics/<notebook>.json.

Each notebook writes its own metrics. `run.json` holds `started`, `finished`, `chosen` (the
notebooks of the last call), `environment`, and for each notebook its status, parameters, seed,
device, duration, hashes, metrics and, when it failed, the failing cell. JSON has no NaN, so an
undefined metric is null there.
"""

import hashlib
import importlib.metadata
import json
import math
import os
import platform
import sys
import warnings
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from ferkit import __version__
from ferkit.core import files as paths
from ferkit.core.processes import count_processors
from ferkit.data.table import named_file, read_table

PASSED = "passed"
FAILED = "failed"
SKIPPED = "skipped: unchanged"
INTERRUPTED = "interrupted"
RUNNING = "running"
_STATUSES = (PASSED, FAILED, SKIPPED, INTERRUPTED, RUNNING)
_ENTRY_TYPES: dict[str, Any] = {
    "status": str,
    "parameters": dict,
    "device": str,
    "fingerprint": str,
    "folder": str,
    "executed": str,
    "duration": int | float,
    "error": dict | None,
    "folds": str | None,
    "metrics": dict,
}

# Distributions whose version can change a result; dlib comes from the wheels of dlib-bin.
_DISTRIBUTIONS = {
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
_METRIC_PARTS = ("value", "low", "high", "n")


def save_metrics(
    out: str | Path, notebook: str, values: Mapping[str, Any], folds: str | None = None
) -> Path:
    """Write the metrics of one notebook for the run record; return the file.

    A metric is a number, or a mapping with `value` and, where known, `low` and `high` (its
    interval) and `n` (how many decisions). The first ones are the headline. `folds` is the hash of
    the list of folds. What the notebook saved before is replaced. ValueError for anything but
    numbers.
    """
    metrics = _check_metrics(notebook, values)
    file = Path(out) / "metrics" / f"{notebook}.json"
    write_json(file, {"notebook": notebook, "folds": folds, "metrics": metrics})
    return file


def load_metrics(out: str | Path, notebook: str) -> dict[str, Any]:
    """Read a notebook's metrics and folds; empty where it saved none.

    A warning names a damaged file, which counts as none.
    """
    file = Path(out) / "metrics" / f"{notebook}.json"
    nothing: dict[str, Any] = {"folds": None, "metrics": {}}
    if not file.is_file():
        return nothing
    try:
        saved = read_json(file)
        metrics = _check_metrics(notebook, saved["metrics"])
        return {"folds": saved["folds"], "metrics": metrics}
    except (ValueError, TypeError, KeyError, AttributeError):
        warnings.warn(f"{file} is damaged and is not used", stacklevel=2)
        return nothing


def lock_file(out: str | Path) -> Path:
    """Return the file that is locked while notebooks run into `out`."""
    return Path(out) / ".lock"


def load_run(out: str | Path) -> dict[str, Any]:
    """Read the run record under `out`; FileNotFoundError when there is none.

    A warning names damaged entries, which are left out. A notebook that a killed run left as
    running is given as interrupted.
    """
    file = Path(out) / "run.json"
    if not file.is_file():
        raise FileNotFoundError(f"no run record {file}; `ferkit run --out {out}` makes one")
    try:
        run = read_json(file)
        entries = dict(run["notebooks"].items())
    except (ValueError, TypeError, KeyError, AttributeError):
        warnings.warn(f"{file} is damaged; its notebooks count as not yet run", stacklevel=2)
        return {"notebooks": {}}
    run["notebooks"] = {name: entry for name, entry in entries.items() if _is_entry(name, entry)}
    if damaged := sorted(entries.keys() - run["notebooks"].keys()):
        names = ", ".join(damaged)
        warnings.warn(f"{file}: damaged entries count as not yet run: {names}", stacklevel=2)
    running = [entry for entry in run["notebooks"].values() if entry["status"] == RUNNING]
    if running and not paths.is_locked(lock_file(out)):
        for entry in running:
            entry["status"] = INTERRUPTED
    return run


def update_run(
    out: str | Path, notebooks: Mapping[str, Any] | None = None, **values: Any
) -> dict[str, Any]:
    """Update entries of the run record on disk; keep other notebooks' entries."""
    Path(out).mkdir(parents=True, exist_ok=True)
    with paths.locked(Path(out) / ".run.json.lock"):
        try:
            run = load_run(out)
        except FileNotFoundError:
            run = {"notebooks": {}}
        run.update(values)
        run["notebooks"] = dict(sorted({**run["notebooks"], **(notebooks or {})}.items()))
        write_json(Path(out) / "run.json", run)
    return run


def executed_hash(out: Path, name: str) -> str | None:
    """Hash an executed notebook; None where there is none."""
    try:
        content = (out / executed_name(name)).read_bytes()
    except OSError:
        return None
    return hashlib.sha256(content).hexdigest()


def executed_name(notebook: str) -> str:
    """Return the path of an executed notebook in the folder of a run."""
    return f"notebooks/{notebook}.ipynb"


def describe_environment() -> dict[str, Any]:
    """Python, platform, processors, GPU, and the versions of the libraries that compute."""
    return {
        "python": platform.python_version(),
        "executable": sys.executable,
        "platform": platform.platform(),
        "cpus": count_processors(),
        "gpu": gpu_name(),
        "ferkit": __version__,
        "versions": installed_versions(),
        "data_options": list(paths.data_options()),
    }


def installed_versions() -> dict[str, str | None]:
    """The versions of the libraries that compute, None where missing."""
    versions: dict[str, str | None] = {}
    for name, distribution in _DISTRIBUTIONS.items():
        try:
            versions[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = None
    return versions


def gpu_name() -> str | None:
    """The name of PyTorch's CUDA device, None without one or without PyTorch."""
    try:
        import torch
    except ModuleNotFoundError:
        return None
    return torch.cuda.get_device_name() if torch.cuda.is_available() else None


def package_hash() -> str:
    """Hash all files of the package but caches."""
    folder = paths.PROJECT / "ferkit"
    hashed = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            name = file.relative_to(folder).as_posix().encode()
            hashed.update(name + b"\0" + file.read_bytes() + b"\0")
    return hashed.hexdigest()


def listing_hash(root: Path | None) -> str:
    """Hash names, sizes and times of change of all files under `root`, following links.

    For a table of pictures: its rows, and sizes and times of the pictures. Constant where there is
    nothing.
    """
    hashed = hashlib.sha256(str(root).encode())
    if root and root.is_file():
        for _, row in read_table(root).rows:
            picture = named_file(root, row.get("path", ""))
            hashed.update(f"{row}\0{_state(picture)}\0".encode())
    visited: set[str] = set()  # a link may lead to a folder above it
    for folder, subfolders, names in os.walk(root or "", followlinks=True):
        real_folder = os.path.realpath(folder)
        if real_folder in visited:
            subfolders.clear()
            continue
        visited.add(real_folder)
        subfolders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            hashed.update(f"{path}\0{_state(path)}\0".encode(errors="surrogateescape"))
    return hashed.hexdigest()


def _state(file: str | Path) -> tuple[int, int] | None:
    """Bytes of a file and its time of change; None where it cannot be read."""
    try:
        status = os.stat(file)
        return status.st_size, status.st_mtime_ns
    except (OSError, ValueError):  # ValueError: a name that no file can have
        return None


def timestamp() -> str:
    """The present time with its zone, to the second."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def write_json(file: Path, content: Any) -> None:
    """Write `content` so that an interrupted call never leaves half a file."""
    paths.write_text(file, json.dumps(content, indent=1, allow_nan=False) + "\n")


def read_json(file: Path) -> Any:
    """Read a JSON file of finite numbers; ValueError names a damaged file."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not readable JSON ({error})") from error
    return content


def _is_entry(name: str, entry: Any) -> bool:
    """Whether an entry of the run record has the right fields."""
    if not isinstance(entry, dict):
        return False
    for field, kind in _ENTRY_TYPES.items():
        if field not in entry or not isinstance(entry[field], kind):
            return False
    try:
        _check_metrics(name, entry["metrics"])
    except ValueError:
        return False
    in_place = Path(name).name == name and entry["executed"] == executed_name(name)
    return in_place and entry["status"] in _STATUSES


def _check_metrics(notebook: str, metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _metric(notebook, name, value) for name, value in metrics.items()}


def _metric(notebook: str, name: str, value: Any) -> dict[str, float | int | None]:
    parts = dict(value) if isinstance(value, Mapping) else {"value": value}
    unknown = set(parts) - set(_METRIC_PARTS)
    if "value" not in parts or unknown:
        raise ValueError(
            f"{notebook}: metric {name!r} has {', '.join(map(str, parts))}; "
            f"expected {', '.join(_METRIC_PARTS)}"
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

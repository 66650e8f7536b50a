"""Examine this computer: what is installed, which data sets it has, what is missing."""

import importlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from ferkit.core import files
from ferkit.data import DATASETS, available
from ferkit.data.sets import drawn
from ferkit.workbook import records

_LEAST_FREE = 5  # GiB
_PASS = "PASS"
_WARN = "WARN"
_INFO = "INFO"  # missing, and only needed for some things

# What predictions need, by the names shown; the extra `workbook` brings the rest.
_PLAIN = ("numpy", "dlib", "pandas", "pillow", "OpenCV")
# Names shown: the module to import, and the distribution that has it.
_TOOLS = {
    "JupyterLab": ("jupyterlab", "jupyterlab"),
    "ipywidgets": ("ipywidgets", "ipywidgets"),
    "papermill": ("papermill", "papermill"),
    "OpenCV": ("cv2", "opencv-python-headless"),
    "grad-cam": ("pytorch_grad_cam", "grad-cam"),
}

Finding = tuple[str, str, str]  # PASS, WARN or INFO; what was examined; details


def examine(root: Path | None) -> Iterator[str]:
    """Yield a line for each thing examined, then a verdict and the next step.

    `root` holds the data sets.
    """
    problems = []
    for findings in (_software(), _landmark_model(), _drawn_head(), _folders(), _data_sets(root)):
        for status, subject, details in findings:
            if status == _WARN:
                problems.append(subject)
            yield f"{status}  {subject:<14} {details}"
    yield ""
    if problems:
        yield f"Not everything is well: {', '.join(problems)}."
        yield "Next: mend the lines that begin with WARN; `make setup` in the clone of ferkit"
        yield "installs missing packages. Then run `ferkit doctor` again."
    elif not _has_workbook():
        yield "All is well for predictions."
        yield "Next: `ferkit predict my_pictures`."
    else:
        yield "All is well."
        yield "Next: `ferkit run --level smoke` runs all notebooks small; `jupyter lab notebooks`"
        yield "opens them."


def _software() -> Iterator[Finding]:
    supported = (3, 11) <= sys.version_info[:2] <= (3, 13)
    details = f"{platform.python_version()} ({sys.executable})"
    yield _judge(supported), "Python", details if supported else f"{details}; 3.11 to 3.13 needed"
    workbook = _has_workbook()
    for name, installed in records.installed_versions().items():
        if name not in _TOOLS and (workbook or name in _PLAIN):
            yield _judge(installed), name, installed or "missing"
    for name, (module, distribution) in _TOOLS.items():
        if workbook or name in _PLAIN:
            yield _tool(name, module, distribution)
    if not workbook:
        yield _INFO, "workbook", "not installed; `make setup` in the clone of ferkit installs it"
    elif gpu := records.gpu_name():
        yield _PASS, "GPU", gpu
    else:
        yield _INFO, "GPU", "none; the levels `smoke` and `lesson` need none, `paper` does"


def _has_workbook() -> bool:
    """Whether more was installed than predictions need: these come with the workbook alone."""
    return any(find_spec(module) for module in ("anny", "papermill", "pytorch_grad_cam"))


def _tool(name: str, module: str, distribution: str) -> Finding:
    try:
        loaded = importlib.import_module(module)
    except Exception as error:  # a broken installation may raise anything
        return _WARN, name, f"cannot be imported: {error}"
    try:
        return _PASS, name, version(distribution)
    except PackageNotFoundError:  # from another distribution, such as opencv-python
        return _PASS, name, getattr(loaded, "__version__", "version unknown")


def _landmark_model() -> Iterator[Finding]:
    try:
        from ferkit.faces.detect import predictor_path

        yield _PASS, "68-point model", f"{predictor_path()} (non-commercial use only)"
    except (FileNotFoundError, ImportError) as error:
        yield _WARN, "68-point model", f"missing: {error}"


def _drawn_head() -> Iterator[Finding]:
    if head := next(files.cache_dir().glob("head-*.safetensors"), None):
        yield _PASS, "drawn head", str(head)
    else:
        yield _INFO, "drawn head", "not made yet; the first drawing makes it, in a minute"


def _folders() -> Iterator[Finding]:
    for subject, folder in (("cache", files.cache_dir()), ("run folder", files.run_dir())):
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(existing).free / 2**30
        faults = []
        if free < _LEAST_FREE:
            faults.append(f"; {_LEAST_FREE} are needed")
        if not os.access(existing, os.W_OK):
            faults.append("; you have no permission to write there")
        yield _judge(not faults), subject, f"{folder} ({free:.0f} GiB free){''.join(faults)}"


def _data_sets(root: Path | None) -> Iterator[Finding]:
    yield _PASS, "drawn sets", f"{len(drawn.DRAWN_SETS)}, drawn on first use"
    absent = []
    for row in available(root).itertuples():
        if row.name in drawn.DRAWN_SETS or row.name == "folder":
            continue
        if row.found:
            yield _PASS, row.name, row.found
        else:
            absent.append(row.name)
    if absent:
        searched = files.data_root(root) or "FERKIT_DATA (not set)"
        remedy = "`ferkit data card NAME` says how to get one"
        if free := [name for name in absent if DATASETS[name].download]:
            remedy += f", `ferkit data get {free[-1]}` downloads that one"
        yield _INFO, "other sets", f"optional, not under {searched}: {', '.join(absent)}; {remedy}"


def _judge(good: object) -> str:
    return _PASS if good else _WARN

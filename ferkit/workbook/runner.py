"""Runs notebooks in order with papermill; what is done and unchanged is not done again.

Everything a user can get wrong is checked by `plan`, before a kernel starts. `run` executes each notebook in a kernel
of its own, in the notebook's folder, into OUT/notebooks; the source is never written. A notebook that fails does not
stop the next ones, since each runs alone. After each notebook the record is on disk, so a run that was killed goes on
where it stopped.
"""

import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from ferkit import paths
from ferkit.data import find_root, matrix
from ferkit.workbook import kernels, records, report
from ferkit.workbook.parameters import Notebook, read_notebook, settle, suggestion

NOTEBOOKS = paths.PROJECT / "notebooks"
INJECTED = "injected-parameters"
TRACE = 12  # lines of a traceback on the terminal; the report has all
COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


@dataclass(frozen=True)
class Task:
    """One notebook to run, and what its result depends on."""

    notebook: Notebook
    parameters: Mapping[str, Any]  # JSON values
    device: str  # "cpu" or the GPU's name
    fingerprint: str

    @property
    def name(self) -> str:
        return self.notebook.name


def choose(names: Sequence[str], folder: Path | None = None) -> list[Path]:
    """The notebooks that `names` mean (number, stem or path), in that order; all numbered ones of `folder` when empty.

    Raises FileNotFoundError or ValueError for a name that means none.
    """
    folder = folder or NOTEBOOKS
    numbered = sorted(folder.glob("[0-9][0-9]_*.ipynb"))
    if not names and not numbered:
        raise FileNotFoundError(f"no notebooks in {folder}; run from a clone of ferkit, or name the notebooks' files")
    chosen = list(dict.fromkeys(_find(name, numbered, folder) for name in names)) if names else numbered
    stems = [path.stem for path in chosen]
    if clash := next((stem for stem in stems if stems.count(stem) > 1), None):
        raise ValueError(
            f"two notebooks are called {clash}, and one would overwrite the other's results; run one at a time"
        )
    return chosen


def plan(names: Sequence[str], wishes: Mapping[str, str], out: Path, kernel: str | None = None) -> list[Task]:
    """What `run` will do, after checking all that can be checked before anything runs.

    `wishes` are the user's parameters as text. Raises ValueError or FileNotFoundError for wrong use.
    """
    notebooks = [read_notebook(path) for path in choose(names)]
    if "out" in wishes:
        raise ValueError("`out` is where the whole run is written; use --out")
    if (root := wishes.get("data_root")) and not Path(root).expanduser().exists():
        raise FileNotFoundError(f"no folder {root} to read data from (--data-root)")
    wishes = {
        name: str(Path(text).expanduser().resolve()) if name == "data_root" else text for name, text in wishes.items()
    }
    settled = settle(notebooks, wishes)
    _refuse_unusable(notebooks, settled)
    package = [records.package_hash(), records.versions(), kernels.command(kernel), paths.shown_sets()]
    gpu = records.gpu()
    listings: dict[Path | None, str] = {}
    tasks = []
    for notebook, values in zip(notebooks, settled, strict=True):
        device = gpu if gpu and values.get("device") != "cpu" else "cpu"
        depends = {name: value for name, value in values.items() if name != "out"}
        data = _data_hash(notebook, values, listings)
        content = json.dumps([notebook.source, depends, data, package, device], sort_keys=True)
        if "out" in values:
            values["out"] = str(out.resolve())
        tasks.append(Task(notebook, values, device, hashlib.sha256(content.encode()).hexdigest()))
    return tasks


def run(
    tasks: Sequence[Task],
    out: Path,
    *,
    kernel: str | None = None,
    fresh: bool = False,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Runs `tasks` and returns the run record; `tell` gets a line for each notebook, and more for one that fails.

    A notebook that passed before with the same fingerprint is skipped unless `fresh`. On KeyboardInterrupt the record
    says so, and the exception goes on.
    """
    out = out.resolve()
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    chosen = [task.name for task in tasks]
    done = records.update_run(
        out, chosen=chosen, started=records.now(), finished=None, environment=records.environment()
    )["notebooks"]
    try:
        with kernels.environment(out), tqdm(total=len(tasks), unit="notebook", disable=None) as bar:
            for number, task in enumerate(tasks, start=1):
                entry = done.get(task.name)
                if not fresh and _finished(entry, task, out):
                    entry = {**entry, "status": records.SKIPPED}
                    records.update_run(out, {task.name: entry})
                    took = ""
                else:
                    entry = _run_one(task, out, kernel or kernels.OURS)
                    took = f" ({entry['duration']:.1f} s)"
                tell(f"[{number}/{len(tasks)}] {task.name}: {entry['status']}{took}")
                if entry["error"]:
                    tell(describe(entry["error"]))
                bar.update()
        return records.update_run(out, finished=records.now())
    finally:
        report.write_report(out)


def describe(error: Mapping[str, Any]) -> str:
    """The failing cell for a terminal: its number, its source and the error."""
    source = "\n".join(f"    {line}" for line in error["source"].splitlines())
    where = f"in code cell {error['cell']}:\n{source}" if error["cell"] else "before its first cell:"
    trace = "\n".join(f"    {line}" for line in error["traceback"].splitlines()[-TRACE:])
    return f"  failed {where}\n  {error['error']}: {error['message']}\n{trace}".rstrip()


def _find(name: str, numbered: Sequence[Path], folder: Path) -> Path:
    path = Path(name).expanduser()
    if path.suffix == ".ipynb":
        for place in (path, folder / path.name):
            if place.is_file():
                return place.resolve()
        raise FileNotFoundError(f"no notebook {name}")
    if name.isdecimal():
        found = [p for p in numbered if int(p.stem[:2]) == int(name)]
    else:
        found = [p for p in numbered if p.stem == name]
    if len(found) == 1:
        return found[0].resolve()
    known = [p.stem for p in numbered]
    raise ValueError(f"no notebook {name!r}{suggestion(name, known)}; {folder} has: {', '.join(known) or 'none'}")


def _refuse_unusable(notebooks: Sequence[Notebook], settled: Sequence[Mapping[str, Any]]) -> None:
    """ValueError with the reasons, and who could, when a notebook is to work on a data set that it cannot use.

    FileNotFoundError when the data set is nowhere.
    """
    pairs = [
        (n.name, v["dataset"])
        for n, v in zip(notebooks, settled, strict=True)
        if n.name[:2] in matrix.NEEDS and v.get("dataset")
    ]
    reasons = {name: why for name, dataset in pairs if (why := matrix.usable(name, dataset))}
    if reasons:
        can = [name for name, _ in pairs if name not in reasons]
        others = f"; these could: {', '.join(can)}" if can else ""
        raise ValueError(f"{'. '.join(reasons.values())}{others}")
    for values in settled:
        if (name := values.get("dataset")) in set(matrix.OFFERS) - set(matrix.DRAWN):
            find_root(name, values.get("data_root") or None)


def _data_hash(notebook: Notebook, values: Mapping[str, Any], listings: dict[Path | None, str]) -> str | None:
    """A hash of what lies in the data folder, for a notebook that reads it."""
    if not {"dataset", "data_root"} & set(values):
        return None
    given = values.get("data_root")
    root = paths.data_root(notebook.path.parent / Path(given).expanduser() if given else None)
    root = root and root.resolve()
    if root not in listings:
        listings[root] = records.listing_hash(root)
    return listings[root]


def _finished(entry: Mapping[str, Any] | None, task: Task, out: Path) -> bool:
    return (
        entry is not None
        and entry["status"] in (records.PASSED, records.SKIPPED)
        and entry["fingerprint"] == task.fingerprint
        and (out / entry["executed"]).is_file()
    )


def _run_one(task: Task, out: Path, kernel: str) -> dict[str, Any]:
    """Executes one notebook and records it; what comes out as an exception is KeyboardInterrupt and the like."""
    executed = out / "notebooks" / f"{task.name}.ipynb"
    entry: dict[str, Any] = {
        "status": records.RUNNING,
        "parameters": dict(task.parameters),
        "seed": task.parameters.get("seed"),
        "device": task.device,
        "kernel": kernel,
        "source": task.notebook.source,
        "fingerprint": task.fingerprint,
        "folder": str(task.notebook.path.parent),
        "executed": executed.relative_to(out).as_posix(),
        "started": records.now(),
        "duration": 0.0,
        "error": None,
        "folds": None,
        "metrics": {},
    }
    records.update_run(out, {task.name: entry})
    for old in (executed, out / "metrics" / f"{task.name}.json"):  # else they would pass for this run's
        old.unlink(missing_ok=True)
    start = time.perf_counter()
    try:
        entry["error"] = _execute(task, executed, kernel)
        entry["status"] = records.FAILED if entry["error"] else records.PASSED
    except BaseException:
        entry["status"] = records.INTERRUPTED
        raise
    finally:
        entry["duration"] = round(time.perf_counter() - start, 2)
        saved = records.load_metrics(out, task.name)
        entry.update(finished=records.now(), folds=saved["folds"], metrics=saved["metrics"])
        records.update_run(out, {task.name: entry})
    return entry


def _execute(task: Task, executed: Path, kernel: str) -> dict[str, Any] | None:
    """Writes the executed notebook; returns its failing cell, None when all cells ran."""
    import papermill

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    partial = executed.with_name(f".{executed.stem}.{os.getpid()}.partial.ipynb")
    literals, failure = task.notebook.parameters, None
    try:
        papermill.execute_notebook(
            _unformatted(task.notebook.path),
            _unformatted(partial),
            parameters={name: value for name, value in task.parameters.items() if value != literals[name]},
            kernel_name=kernel,
            language="python",
            cwd=task.notebook.path.parent,
            progress_bar={"desc": task.name, "leave": False, "disable": None},
        )
    except Exception as error:  # a cell failed, or the kernel died or did not start
        failure = error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if not partial.is_file():
        return _error(None, "", failure)
    os.replace(partial, executed)
    return _failing_cell(nbformat.read(executed, as_version=4), failure)


def _failing_cell(node: nbformat.NotebookNode, failure: Exception | None) -> dict[str, Any] | None:
    """The cell that failed, numbered among the source's code cells; one that stops the notebook early counts."""
    started = None
    code = [c for c in node.cells if c.cell_type == "code" and INJECTED not in c.metadata.get("tags", ())]
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                lines = COLOURS.sub("", "\n".join(output.traceback))
                return _error(number, cell.source, failure, output.ename, output.evalue, lines)
        if cell.metadata.get("papermill", {}).get("start_time"):
            started = number, cell.source
    cell, source = started or (None, "")
    return _error(cell, source, failure) if failure else None


def _error(
    cell: int | None, source: str, failure: Exception | None, name: str = "", message: str = "", traceback: str = ""
) -> dict[str, Any]:
    name = name or type(failure).__name__
    if name == "DeadKernelError":
        message = "the kernel died; memory may have run out"
    return {
        "cell": cell,
        "source": source,
        "error": name,
        "message": message or str(failure or ""),
        "traceback": traceback,
    }


def _unformatted(path: Path) -> str:
    """The path for papermill, which takes braces in it for places to fill."""
    return str(path).replace("{", "{{").replace("}", "}}")

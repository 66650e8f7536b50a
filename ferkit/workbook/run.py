"""Run notebooks with papermill, several at once; skip those already done.

`tasks.plan_run` has checked everything that a user can get wrong. `run_tasks` executes each
notebook in a kernel of its own, in the notebook's folder, into OUT/notebooks; the source is never
written. A notebook starts after those whose results it uses (`needs.AFTER`). One that fails does
not stop the others. Record and report are written after each notebook, so a run that was killed
continues where it stopped.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import nbformat
from tqdm import tqdm

from ferkit.core import files
from ferkit.workbook import kernels, needs, records, report
from ferkit.workbook.tasks import Task, find_shared_sets

_INJECTED = "injected-parameters"
_TRACE_LINES = 12  # lines of a traceback on the terminal; the report has all
_ANSI_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def run_tasks(
    tasks: Sequence[Task],
    out: Path,
    *,
    kernel: str | None = None,
    fresh: bool = False,
    jobs: int = 1,
    tell: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Run the tasks, at most `jobs` at once, and return the run record.

    `tell` gets a line for each notebook, and more for one that fails. A notebook that passed before
    with the same fingerprint is skipped unless `fresh`. KeyboardInterrupt ends all kernels, is
    recorded and raised. Results do not depend on `jobs`.
    """
    out = out.resolve()
    (out / "notebooks").mkdir(parents=True, exist_ok=True)
    waiting = f"another run writes to {out}; waiting until it has finished"
    with files.locked(records.lock_file(out), waiting):
        for partial in (out / "notebooks").glob(".*.partial.ipynb"):  # of a run that was killed
            partial.unlink(missing_ok=True)
        done = records.update_run(
            out,
            chosen=[task.name for task in tasks],
            started=records.timestamp(),
            finished=None,
            environment=records.describe_environment(),
        )["notebooks"]
        try:
            unchanged = _find_unchanged(tasks, done, out, tell) if not fresh else set()
            _draw_shared([task for task in tasks if task.name not in unchanged])
            _run_graph(tasks, unchanged, out, kernel, jobs, tell)
            return records.update_run(out, finished=records.timestamp())
        finally:
            report.write_report(out)


def run_task(
    task: Task, out: Path, kernel: str | None = None, stop: threading.Event | None = None
) -> dict[str, Any]:
    """Execute one notebook into `out` and record it; return its entry.

    It shares nothing with other calls but the record in `out`, which is written whole. Once `stop`
    is set, the kernel is killed and KeyboardInterrupt raised; a failing notebook raises nothing.
    """
    out = out.resolve()
    executed = out / records.executed_name(task.name)
    entry: dict[str, Any] = {
        "status": records.RUNNING,
        "parameters": dict(task.parameters),
        "seed": task.parameters.get("seed"),
        "device": task.device,
        "kernel": kernel or kernels.OUR_KERNEL,
        "source": task.notebook.source,
        "fingerprint": task.fingerprint,
        "folder": str(task.notebook.path.parent),
        "executed": records.executed_name(task.name),
        "executed_hash": None,
        "started": records.timestamp(),
        "duration": 0.0,
        "error": None,
        "folds": None,
        "metrics": {},
    }
    records.update_run(out, {task.name: entry})
    # Results of an earlier run must not pass for this one's.
    executed.unlink(missing_ok=True)
    (out / "metrics" / f"{task.name}.json").unlink(missing_ok=True)
    start = time.perf_counter()
    try:
        entry["error"] = _execute(task, executed, kernel, stop or threading.Event())
        entry["status"] = records.FAILED if entry["error"] else records.PASSED
    except BaseException:
        entry["status"] = records.INTERRUPTED
        raise
    finally:
        entry["duration"] = round(time.perf_counter() - start, 2)
        saved = records.load_metrics(out, task.name)
        entry.update(finished=records.timestamp(), folds=saved["folds"], metrics=saved["metrics"])
        entry["executed_hash"] = records.executed_hash(out, task.name)
        records.update_run(out, {task.name: entry})
    return entry


def describe_error(error: Mapping[str, Any]) -> str:
    """Describe a failing cell: its number, its source and the error."""
    source = "\n".join(f"    {line}" for line in error["source"].splitlines())
    where = (
        f"in code cell {error['cell']}:\n{source}" if error["cell"] else "before its first cell:"
    )
    trace = "\n".join(f"    {line}" for line in error["traceback"].splitlines()[-_TRACE_LINES:])
    return f"  failed {where}\n  {error['error']}: {error['message']}\n{trace}".rstrip()


def _find_unchanged(
    tasks: Sequence[Task],
    done: Mapping[str, Any],
    out: Path,
    tell: Callable[[str], None],
) -> set[str]:
    """Return the names of notebooks that passed as they are, and record them as skipped."""
    entries = {
        task.name: {**done[task.name], "status": records.SKIPPED}
        for task in tasks
        if _finished(done.get(task.name), task, out, tell)
    }
    records.update_run(out, entries)
    return set(entries)


def _draw_shared(tasks: Sequence[Task]) -> None:
    """Draw the sets that several notebooks read, so that none waits for another one's drawing."""
    if shared := find_shared_sets(tasks):
        from ferkit.drawn.draw_sets import draw_set  # imports PyTorch and OpenCV

        for name, level, seed in shared:
            draw_set(name, level, seed)


def _run_graph(
    tasks: Sequence[Task],
    unchanged: set[str],
    out: Path,
    kernel: str | None,
    jobs: int,
    tell: Callable[[str], None],
) -> None:
    """Run each task once the tasks that it needs have ended.

    Of those that can begin, the ones that others wait for come first.
    """
    by_name = {task.name: task for task in tasks}
    needed = needs.order_notebooks(by_name)
    waited_for = set().union(*needed.values())
    queue = sorted(by_name, key=lambda name: name not in waited_for)
    order = TopologicalSorter(needed)
    order.prepare()
    stop = threading.Event()
    ready: list[str] = []
    running: dict[Future, str] = {}
    number = 0
    pool = ThreadPoolExecutor(jobs)
    bar = tqdm(total=len(tasks), unit="notebook", disable=None)
    try:
        while order.is_active():
            ready = sorted([*ready, *order.get_ready()], key=queue.index)
            while ready and len(running) < jobs:
                name = ready.pop(0)
                if name in unchanged:
                    future: Future = Future()
                    future.set_result(None)
                else:
                    future = pool.submit(run_task, by_name[name], out, kernel, stop)
                running[future] = name
            report.write_report(out, growing=True)
            wait(running, return_when=FIRST_COMPLETED)
            for future in [future for future in running if future.done()]:
                name = running.pop(future)
                order.done(name)
                number += 1
                tell(f"[{number}/{len(tasks)}] {_describe_end(name, future.result())}")
                bar.update()
    finally:
        stop.set()  # after an error or Ctrl-C, ends the kernels that are still running
        pool.shutdown(cancel_futures=True)
        bar.close()


def _describe_end(name: str, entry: Mapping[str, Any] | None) -> str:
    """Describe how a notebook ended; without an entry, it was not run."""
    if entry is None:
        return f"{name}: {records.SKIPPED}"
    text = f"{name}: {entry['status']} ({entry['duration']:.1f} s)"
    return f"{text}\n{describe_error(entry['error'])}" if entry["error"] else text


def _finished(
    entry: Mapping[str, Any] | None, task: Task, out: Path, tell: Callable[[str], None]
) -> bool:
    """Whether a notebook passed as it is, and its results still lie in `out`."""
    if (
        entry is None
        or entry["status"] not in (records.PASSED, records.SKIPPED)
        or entry["fingerprint"] != task.fingerprint
    ):
        return False
    recorded = {"folds": entry["folds"], "metrics": entry["metrics"]}
    intact = records.executed_hash(out, task.name) == entry.get("executed_hash")
    if intact and records.load_metrics(out, task.name) == recorded:
        return True
    tell(f"{task.name}: its results in {out} were changed, damaged or deleted; running it again")
    return False


def _execute(
    task: Task, executed: Path, kernel: str | None, stop: threading.Event
) -> dict[str, Any] | None:
    """Write the executed notebook; return its failing cell, if any."""
    from ferkit.workbook.engine import execute

    logging.getLogger("papermill").setLevel(logging.CRITICAL)
    out = executed.parents[1]
    partial = files.create_partial(executed)
    literals = task.notebook.parameters
    changed = {name: value for name, value in task.parameters.items() if value != literals[name]}
    failure = None
    try:
        execute(task.notebook.path, partial, changed, out, kernel, stop, task.name)
    except Exception as error:  # a cell failed, or the kernel died or did not start
        failure = error
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if stop.is_set():
        partial.unlink(missing_ok=True)
        raise KeyboardInterrupt
    if not partial.stat().st_size:
        partial.unlink()
        return _error(None, "", failure)
    os.replace(partial, executed)
    return _failing_cell(nbformat.read(executed, as_version=4), failure)


def _failing_cell(node: nbformat.NotebookNode, failure: Exception | None) -> dict[str, Any] | None:
    """The cell that failed, numbered among the source's code cells.

    A cell that stops the notebook early counts as failed.
    """
    code = [cell for cell in node.cells if cell.cell_type == "code"]
    code = [cell for cell in code if _INJECTED not in cell.metadata.get("tags", ())]
    last_number = None
    last_source = ""
    for number, cell in enumerate(code, start=1):
        for output in cell.outputs:
            if output.output_type == "error":
                lines = _ANSI_COLOURS.sub("", "\n".join(output.traceback))
                return _error(number, cell.source, failure, output.ename, output.evalue, lines)
        if cell.metadata.get("papermill", {}).get("start_time"):
            last_number = number
            last_source = cell.source
    return _error(last_number, last_source, failure) if failure else None


def _error(
    cell: int | None,
    source: str,
    failure: Exception | None,
    name: str = "",
    message: str = "",
    traceback: str = "",
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

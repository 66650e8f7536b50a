"""Run a notebook over a grid of parameters; one row per run in a Parquet table.

    OUT/sweep.parquet       one row for each run of the last call
    OUT/runs/<digest>/      what `ferkit run` leaves: record, executed notebook, networks, figures

A run's folder is named by a hash of the notebook's name and all its parameters. A run that passed
and is unchanged is not repeated, so a sweep that was stopped, or whose grid grew, continues.
"""

import io
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from ferkit.core.files import digest, write_whole
from ferkit.workbook import cluster, records
from ferkit.workbook.parameters import read_notebook, settle_parameters
from ferkit.workbook.run import describe_error, run_tasks
from ferkit.workbook.tasks import choose_notebooks, plan_run

_RANGE = re.compile(r"(-?\d+)\.\.(-?\d+)")
_COMMA = re.compile(r",(?![^\[(]*[\])])")  # a comma outside brackets


@dataclass(frozen=True)
class SweepRun:
    """One point of the grid, and where its results go."""

    notebook: Path
    overrides: Mapping[str, str]  # the parameters of the grid, as text
    parameters: Mapping[str, Any]  # all parameters but `out`
    folder: Path
    fresh: bool = False

    @property
    def label(self) -> str:
        return " ".join(f"{name}={text}" for name, text in self.overrides.items())


def parse_grid(axes: Mapping[str, str]) -> list[dict[str, str]]:
    """List every combination of the parameters' values, as text.

    Values are separated by commas, and `0..9` means the whole numbers from 0 to 9. ValueError for a
    range that falls.
    """
    values = [_parse_values(name, text) for name, text in axes.items()]
    return [dict(zip(axes, point, strict=True)) for point in itertools.product(*values)]


def plan_sweep(
    notebook: str, axes: Mapping[str, str], out: Path, *, fresh: bool = False
) -> list[SweepRun]:
    """Check everything that can be checked before anything runs; return the runs.

    `axes` are the texts of `parse_grid`. ValueError or FileNotFoundError for wrong use.
    """
    (path,) = choose_notebooks([notebook])
    source = read_notebook(path)
    runs = []
    checked = set()
    for overrides in parse_grid(axes):
        (values,) = settle_parameters([source], overrides)
        data = values.get("dataset"), values.get("data_root")
        if data not in checked:  # which takes a while where many files are listed
            plan_run([str(path)], overrides, out)
            checked.add(data)
        parameters = {name: value for name, value in values.items() if name != "out"}
        folder = out.resolve() / "runs" / digest(source.name, json.dumps(parameters))
        runs.append(SweepRun(path, overrides, parameters, folder, fresh))
    return runs


def run_sweep(
    runs: Sequence[SweepRun],
    out: Path,
    *,
    scheduler: str | None = None,
    jobs: int | None = None,
    tell: Callable[[str], None] = tqdm.write,
) -> pd.DataFrame:
    """Run a planned sweep on a cluster (`cluster.map_tasks`); return its table.

    The table has one row per run: notebook, params.NAME, status, device, seconds, started, error
    and folder; then metrics.NAME with its interval, metrics.NAME.low and .high, and .n decisions.
    It is written after each run. `tell` gets a line for each run, and more for one that fails.
    """
    planned = {run.folder.name: run for run in runs}
    results = cluster.map_tasks(
        run_point, planned, scheduler=scheduler, jobs=jobs, unit="run", tell=tell
    )
    rows: dict[str, dict[str, Any]] = {}
    table = pd.DataFrame()
    with closing(results):
        for name, result in results:
            row = _table_row(planned[name], result)
            rows[name] = row
            tell(f"[{len(rows)}/{len(planned)}] {planned[name].label}: {row['status']}")
            if row["error"]:
                tell(_describe(result))
            table = pd.DataFrame([rows[name] for name in planned if name in rows])
            write_whole(out / "sweep.parquet", partial(table.to_parquet, index=False))
    return table


def run_point(run: SweepRun) -> dict[str, Any]:
    """Run one point, unless it passed and is unchanged; return its entry of the run record."""
    tasks = plan_run([str(run.notebook)], run.overrides, run.folder)
    with redirect_stderr(io.StringIO()):  # bars of several runs would write over each other
        record = run_tasks(tasks, run.folder, fresh=run.fresh)
    return record["notebooks"][tasks[0].name]


def summarise_sweep(table: pd.DataFrame) -> str:
    """The parameters that vary, the status and the first metrics of each run, as text."""
    varying = [name for name in table if name.startswith("params.") and table[name].nunique() > 1]
    metrics = [name for name in table if re.fullmatch(r"metrics\.[^.]+", name)]
    return table[[*varying, "status", *metrics[:3]]].to_string(index=False, float_format="%.4g")


def _parse_values(name: str, text: str) -> list[str]:
    values = []
    for value in _COMMA.split(text):
        bounds = _RANGE.fullmatch(value)
        if not bounds:
            values.append(value)
            continue
        first, last = int(bounds[1]), int(bounds[2])
        if last < first:
            raise ValueError(f"-p {name}={text}: the range {value} is empty; write {last}..{first}")
        values += [str(number) for number in range(first, last + 1)]
    return list(dict.fromkeys(values))


def _table_row(run: SweepRun, result: dict[str, Any] | cluster.Failure) -> dict[str, Any]:
    """One row of the table; its columns are named as in MLflow's tables of runs."""
    row: dict[str, Any] = {"notebook": run.notebook.stem}
    for name, value in run.parameters.items():
        is_list = isinstance(value, list | dict | tuple)
        row[f"params.{name}"] = json.dumps(value) if is_list else value
    if isinstance(result, cluster.Failure):
        outcome = {"status": records.FAILED, "error": result.message}
        return row | outcome | {"folder": str(run.folder)}
    error = result["error"]
    row["status"] = records.FAILED if error else records.PASSED
    row["device"] = result["device"]
    row["seconds"] = result["duration"]
    row["started"] = result["started"]
    row["error"] = f"{error['error']}: {error['message']}" if error else None
    row["folder"] = str(run.folder)
    for name, metric in result["metrics"].items():
        row[f"metrics.{name}"] = metric["value"]
        parts = {part: number for part, number in metric.items() if part != "value"}
        row |= {f"metrics.{name}.{part}": number for part, number in parts.items()}
    return row


def _describe(result: dict[str, Any] | cluster.Failure) -> str:
    if isinstance(result, cluster.Failure):
        return result.traceback
    return describe_error(result["error"])

"""Train the papers' methods several times until they have learnt, and keep what was found.

    tables = run_studies(["dtagn"], starts=5)

The claims of the papers are judged by these results (`papers.verdicts`). Trainings are kept in OUT
and checkpointed, so an interrupted call continues where it stopped, from day to day.

A restart has a number, its start; start 0 is the training of the notebooks at the same level.
Faces, people and folds are the same in all of them.
"""

import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

import pandas as pd
from tqdm import tqdm

import ferkit
from ferkit import plots
from ferkit.core.files import digest
from ferkit.drawn.draw_sets import drawing_fingerprint
from ferkit.faces.load import PHOTOGRAPHS
from ferkit.papers import studies
from ferkit.papers.study_records import (
    RESULTS,
    StudyRecord,
    method_means,
    paired_differences,
    read_study,
    save_study,
)
from ferkit.training.spec import Restart, Study
from ferkit.workbook.cluster import Failure, map_tasks

STARTS = 5
_LETTER = 0.075  # inches that a letter of a name beside the axis takes
_LINE = 40  # letters of a line of a panel's title


@dataclass(frozen=True)
class StudyRestart:
    """One restart of a study: what `train_restart` needs."""

    name: str
    level: str
    seed: int
    start: int
    out: str
    options: Mapping[str, Any]


def run_studies(
    names: Iterable[str] | None = None,
    *,
    starts: int = STARTS,
    level: str = "study",
    seed: int = 0,
    out: str | Path = "build/run",
    to: str | Path = RESULTS,
    figures: str | Path = "figures",
    scheduler: str | None = None,
    jobs: int | None = None,
    keep: bool = False,
    overwrite: bool = False,
    tell: Callable[[str], None] = tqdm.write,
    **options: Any,
) -> dict[str, StudyRecord]:
    """Train each study `starts` times on a cluster (`map_tasks`); save its results and figures.

    Results go to the package's `papers/results` or to another folder, figures into the study's
    folder under FIGURES; a study is saved as soon as all its restarts have ended. With `keep`,
    restarts that the results in TO hold are not trained again, whatever processor they are from.
    Without it they are replaced, but only with `overwrite` by fewer starts or other faces or plans.
    `options` go to the trainings: device, precision. ValueError for an unknown study, and for kept
    results of another level, seed, drawing or plan; RuntimeError when a restart failed or is of
    other faces than those kept, after all others have ended.
    """
    known = studies()
    chosen = list(known if names is None else names)
    if unknown := [name for name in chosen if name not in known]:
        raise ValueError(f"unknown study {', '.join(unknown)}; known: {', '.join(known)}")
    if unknown := [name for name in chosen if level not in known[name].plans]:
        levels = ", ".join(known[unknown[0]].plans)
        raise ValueError(f"unknown level {level!r}; known: {levels}")
    for name in chosen:
        if not (keep or overwrite):
            _check_replaced(Path(to), known[name], level, seed, starts)
    restarts = {
        name: _load_restarts(Path(to), known[name], level, seed) if keep else {} for name in chosen
    }
    planned = {}
    for name, start in itertools.product(chosen, range(starts)):
        if start not in restarts[name]:
            planned[f"{name}/{start}"] = StudyRestart(name, level, seed, start, str(out), options)
    failures = []
    records = {}
    results = map_tasks(
        train_restart, planned, scheduler=scheduler, jobs=jobs, unit="training", tell=tell
    )
    with closing(results):
        for key, result in results:
            if isinstance(result, Failure):
                tell(f"{key} failed:\n{result.traceback}")
                failures.append(key)
                continue
            name = planned[key].name
            own = restarts[name]
            own[planned[key].start] = result
            if any(start not in own for start in range(starts)):
                continue
            try:
                record = _collect([own[start] for start in sorted(own)], known[name], level, seed)
            except ValueError as error:
                tell(f"{name} was not saved: {error}")
                failures.append(name)
                continue
            save_study(Path(to), name, record)
            draw_study(known[name], record, figures)
            records[name] = record
    if failures:
        raise RuntimeError(f"{', '.join(failures)} failed; call again to continue the others")
    return records


def train_restart(restart: StudyRestart) -> Restart:
    """Train one restart of a study, or load what an earlier call left in its folder."""
    study = studies()[restart.name]
    return study.train_restart(
        restart.level,
        restart.seed,
        restart.start,
        Path(restart.out),
        progress=False,
        **restart.options,
    )


def draw_study(study: Study, record: StudyRecord, figures: str | Path = "figures") -> None:
    """Draw means and differences as trainings.png and trainings_means.png, with their CSV."""
    means = method_means(record.predictions)
    differences = paired_differences(record.predictions, study.pairs)
    folder = Path(figures) / study.folder
    _save_figures(study, means, "plot_intervals", folder, record.made_by)
    _save_figures(study, differences, "plot_trainings", folder, record.made_by)


def _load_restarts(folder: Path, study: Study, level: str, seed: int) -> dict[int, Restart]:
    """Split the results of a study by start; empty where there are none.

    ValueError when they are of another level, seed, drawing or plan.
    """
    if not (folder / f"{study.name}.json").exists():
        return {}
    record = read_study(folder, study.name)
    for key, wanted in _describe_training(study, level, seed).items():
        kept = record.made_by.get(key)
        if kept != wanted:
            raise ValueError(
                f"the kept results of {study.name} are of {key} {kept}, not {wanted}; "
                "train all starts, without keeping them"
            )
    restarts = {}
    for start, predictions in record.predictions.groupby("start"):
        trainings = record.trainings[record.trainings["start"] == start]
        restarts[int(start)] = Restart(predictions, trainings)
    return restarts


def _check_replaced(folder: Path, study: Study, level: str, seed: int, starts: int) -> None:
    """ValueError where kept results would be lost: of more starts, other faces or another plan."""
    if not (folder / f"{study.name}.json").exists():
        return
    made_by = read_study(folder, study.name).made_by
    today = _describe_training(study, level, seed)
    is_same = all(made_by.get(key) == value for key, value in today.items())
    if not is_same or made_by["starts"] > starts:
        raise ValueError(
            f"this would replace the kept results of {study.name}, {made_by['starts']} starts at "
            f"level {made_by['level']}: add --overwrite, or give --results another folder"
        )


def _collect(restarts: list[Restart], study: Study, level: str, seed: int) -> StudyRecord:
    """Join the tables of all restarts; ValueError when they are not of the same faces."""
    _check_same_faces(restarts)
    predictions = pd.concat([restart.predictions for restart in restarts], ignore_index=True)
    trainings = pd.concat([restart.trainings for restart in restarts], ignore_index=True)
    made_by = {
        "command": "ferkit study",
        "starts": len(restarts),
        "ferkit": ferkit.__version__,
        **_describe_training(study, level, seed),
    }
    return StudyRecord(predictions, trainings, made_by)


def _check_same_faces(restarts: list[Restart]) -> None:
    """ValueError unless all restarts tested the same faces of each data set.

    A data set of drawn faces may be tested by some of them alone, as controls are.
    """
    tested: dict[str, list[set]] = {}  # the samples and people of each restart
    for restart in restarts:
        for data, rows in restart.predictions.groupby("data"):
            tested.setdefault(data, []).append(
                set(zip(rows["sample"], rows["person"], strict=True))
            )
    for data, faces in tested.items():
        is_missing = data in PHOTOGRAPHS and len(faces) < len(restarts)
        if is_missing or any(part != faces[0] for part in faces):
            raise ValueError(f"the trainings are not of the same faces of {data}; train all starts")


def _describe_training(study: Study, level: str, seed: int) -> dict[str, Any]:
    """Describe what all restarts of a study share: the faces, and a hash of the level's plan."""
    settings = json.dumps(asdict(study.plans[level]), default=lambda part: part.__qualname__)
    return {
        "level": level,
        "seed": seed,
        "drawing": drawing_fingerprint(),
        "plan": digest(settings),
    }


def _save_figures(
    study: Study, table: pd.DataFrame, plot: str, folder: Path, made_by: dict[str, Any]
) -> None:
    """Draw means or differences, photographs in a figure of their own."""
    stem = "trainings" if study.name == study.folder else f"trainings_{study.name}"
    ending = "_means" if plot == "plot_intervals" else ""
    # One value a training, without people, has no interval.
    drawable = table.dropna(subset=["low", "high"])
    is_photograph = drawable["data"].isin(PHOTOGRAPHS)
    for rows, kind in ((drawable[~is_photograph], ""), (drawable[is_photograph], "_photographs")):
        if rows.empty:
            continue
        measures = rows["data"].map(study.measure_on)
        rows = rows.rename(columns={"data": "panel"}).assign(measure=measures)
        rows["name"] = [study.pair_title(name) for name in rows["name"]]
        rows = gather_parts(rows).drop(columns="measure")
        is_one = measures.nunique() == 1
        if not is_one:
            rows["panel"] = _name_measures(rows["panel"], measures)
        options = {}
        if plot == "plot_intervals" and rows["low"].min() < 0:
            options["start"] = math.floor(10 * rows["low"].min()) / 10
        width = figure_width(rows["name"], 5.2 if rows["panel"].nunique() > 1 else 7.5)
        height = 1.6 + 0.42 * rows["panel"].value_counts().max()
        plots.save_figure(
            plot,
            rows,
            folder,
            f"{stem}{kind}{ending}",
            made_by=made_by,
            size=(width, height),
            columns=2,
            title=f"{study.title}: {_count_trainings(rows)}, 95 % over people and trainings",
            xlabel=_axis_label(plot, measures.iloc[0] if is_one else ""),
            **options,
        )


def _count_trainings(rows: pd.DataFrame) -> str:
    """Say how often the rows were trained: "5 trainings of each"."""
    counts = rows.filter(like="training_").notna().sum(axis=1)
    least, most = counts.min(), counts.max()
    number = f"{most}" if least == most else f"{least} to {most}"
    return f"{number} trainings of each"


def _axis_label(plot: str, measure: str) -> str:
    """Say what an axis shows; `measure` is empty where the panels name their own."""
    if plot == "plot_intervals":
        return measure or "mean"
    return f"difference: {measure}" if measure else "difference"


def _name_measures(panels: pd.Series, measures: pd.Series) -> pd.Series:
    """Write below each panel's name what is measured, where the name does not say it."""
    titles = []
    for panel, measure in zip(panels, measures, strict=True):
        below = "" if measure in panel else "\n" + fill(measure, _LINE)
        titles.append(panel + below)
    return pd.Series(titles, panels.index)


def gather_parts(rows: pd.DataFrame) -> pd.DataFrame:
    """Put parts of a data set with one or two rows each into one panel, "sequences, parts".

    A panel is a part where its name has a slash, such as "sequences/anger". Only parts with the
    same `measure` stand together.
    """
    pieces = rows["panel"].str.partition("/")
    count = rows.groupby("panel")["name"].transform("size")
    is_small = (pieces[2] != "") & (count <= 2)
    alike = rows[is_small].groupby([pieces[0], "measure"])["panel"].transform("nunique") > 1
    is_small &= alike.reindex(rows.index, fill_value=False)
    return rows.assign(
        panel=rows["panel"].mask(is_small, pieces[0] + ", parts"),
        name=rows["name"].mask(is_small, pieces[2] + ": " + rows["name"]),
    )


def figure_width(names: pd.Series, least: float) -> float:
    """Return the inches of a panel that has room for the names of its rows beside the axis."""
    return max(least, 3.0 + _LETTER * names.str.len().max())

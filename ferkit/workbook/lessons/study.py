"""Show in a notebook what the several trainings of a study found."""

import math
import re
from collections.abc import Iterable

import pandas as pd
from IPython.display import Markdown, display

from ferkit.papers import studies
from ferkit.papers.study_records import (
    StudyRecord,
    kept_studies,
    load_study,
    method_means,
    paired_differences,
)
from ferkit.training.spec import Study
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.studies.study import figure_width
from ferkit.workbook.words import say

_ROW_HEIGHT = 0.42  # inches


def show_study(
    run: NotebookRun,
    name: str,
    *,
    data: Iterable[str] | None = None,
    pairs: Iterable[tuple[str, str]] | None = None,
) -> Markdown:
    """Draw the means and differences of a study's trainings, and say what they are.

    A figure of each for every data set. `data` chooses data sets (None: the whole ones, whose names
    have no slash) and `pairs` the differences (None: the study's). Without kept results it draws
    nothing and says so, as for a data set that is not among them. ValueError for an unknown study.
    """
    known = studies()
    if name not in known:
        raise ValueError(f"unknown study {name!r}; known: {', '.join(known)}")
    if name not in kept_studies():
        return _say_missing(run, name)
    study, record = known[name], load_study(name)
    chosen = _choose_data(record) if data is None else list(data)
    if absent := [dataset for dataset in chosen if dataset not in set(record.predictions["data"])]:
        return say(
            f"The kept results of the study `{name}` lack {', '.join(absent)}; nothing is shown."
        )
    means = method_means(record.predictions)
    differences = paired_differences(record.predictions, study.pairs if pairs is None else pairs)
    stem = "study" if name == run.topic else f"study_{name}"
    starts = record.made_by["starts"]
    for dataset in chosen:
        file = f"{stem}_{_file_name(dataset)}"
        _draw(run, study, means, dataset, "plot_intervals", f"{file}_means", starts)
        _draw(run, study, differences, dataset, "plot_trainings", f"{file}_differences", starts)
    how = ", networks from other first weights each time"
    if set(chosen).isdisjoint(record.trainings.get("data", ())):
        how = ", each time from other first weights or in other folds"
    text = say(
        f"Each method was trained {starts} times at level `{record.made_by['level']}` and tested "
        f"on the same people{how}. Intervals are over people and trainings. An open mark means "
        "that the interval contains zero: these data do not settle which of the two is better."
    )
    shown = differences[differences["data"].isin(chosen)]
    return Markdown("\n".join([text.data, "", *list_established(study, shown)]))


def list_established(study: Study, differences: pd.DataFrame) -> list[str]:
    """List for each data set which method lies above which: where the interval excludes zero.

    Lines of Markdown. `differences` as of `paired_differences`; rows without an interval are left
    out.
    """
    lines = []
    for dataset, rows in differences.dropna(subset=["low", "high"]).groupby("data", sort=False):
        lower: dict[str, list[str]] = {}  # by the method above them
        for row in rows.itertuples():
            first, second = study.pair_title(row.name).split(" minus ")
            if row.low > 0:
                lower.setdefault(first, []).append(second)
            elif row.high < 0:
                lower.setdefault(second, []).append(first)
        found = [f"*{name}* lies above {_enumerate(below)}" for name, below in lower.items()]
        text = "; ".join(found) or "no difference is established"
        lines.append(f"- `{dataset}`: {text}.")
    return lines


def _enumerate(names: list[str]) -> str:
    """Join names in italics: "*a*, *b* and *c*"."""
    *others, last = [f"*{name}*" for name in names]
    return f"{', '.join(others)} and {last}" if others else last


def _say_missing(run: NotebookRun, name: str) -> Markdown:
    """Say that no results of a study are kept: that of the notebook's own paper, or of another."""
    missing = f"No results of the study `{name}` are kept; `ferkit study {name}` trains it."
    if name != run.topic:
        return say(missing)
    return say(
        f"{missing} What stands above is one training of each method, and no claim can be judged "
        "by it."
    )


def _choose_data(record: StudyRecord) -> list[str]:
    names = list(dict.fromkeys(record.predictions["data"]))
    return [name for name in names if "/" not in name] or names


def _file_name(dataset: str) -> str:
    return re.sub(r"\W+", "_", dataset.replace("'", ""))


def _draw(
    run: NotebookRun,
    study: Study,
    table: pd.DataFrame,
    dataset: str,
    plot: str,
    file: str,
    starts: int,
) -> None:
    """Draw the rows of one data set that have an interval, if there are any."""
    rows = table[table["data"] == dataset].dropna(subset=["low", "high"]).drop(columns="data")
    is_mean = plot == "plot_intervals"
    if not is_mean:
        rows = _leave_out_baseline(rows, study)
    if rows.empty:
        return
    rows["name"] = [study.pair_title(name) for name in rows["name"]]
    measure = study.measure_on(dataset)
    figure = run.figure(
        plot,
        rows,
        file,
        size=(figure_width(rows["name"], 7.5), 1.6 + _ROW_HEIGHT * len(rows)),
        title=f"{dataset}: mean of {starts} trainings" if is_mean else f"{dataset}: differences",
        xlabel=measure if is_mean else f"difference: {measure}",
        **({"start": _choose_start(rows)} if is_mean else {}),
    )
    display(figure)


def _leave_out_baseline(rows: pd.DataFrame, study: Study) -> pd.DataFrame:
    """Leave out differences to the baseline, beside which all others would look alike."""
    is_to_baseline = rows["name"].str.endswith(f" minus {study.baseline}")
    return rows if is_to_baseline.all() else rows[~is_to_baseline]


def _choose_start(rows: pd.DataFrame) -> float:
    """Choose where the axis of means begins: at a fifth, a tenth or more below all intervals."""
    return max(0.0, math.floor(5 * rows["low"].min() - 0.5) / 5)

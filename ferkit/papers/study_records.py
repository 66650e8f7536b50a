"""What the studies found: the predictions of every training, and tables made from them.

The folder `results` holds, for each study, `NAME.csv.gz` (a row for each prediction, as of
`evaluation.predictions.sample_rows`), `NAME_trainings.csv` (a row for each network that was
trained, as of `training.spec.training_rows`) and `NAME.json` (level, seed and drawing code).
"""

import gzip
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import pandas as pd

from ferkit.core.files import write_whole
from ferkit.evaluation.intervals import over_trainings

RESULTS = Path(__file__).parent / "results"
_AVERAGES = ["data", "name", "value", "low", "high", "n"]
CONVERGED_SHARE = 0.8  # of the epochs: the best one has to come before


@dataclass(frozen=True, eq=False)
class StudyRecord:
    """The predictions and trainings of a study, and how they were made."""

    predictions: pd.DataFrame
    trainings: pd.DataFrame
    made_by: dict[str, Any]


def save_study(folder: Path, name: str, record: StudyRecord) -> list[Path]:
    """Write a study's three files into a folder; return their paths.

    The same tables give the same bytes.
    """
    text = io.StringIO()
    record.predictions.to_csv(text, index=False, float_format="%.6g", lineterminator="\n")
    trainings = record.trainings.to_csv(index=False, float_format="%.6g", lineterminator="\n")
    contents = {
        f"{name}.csv.gz": gzip.compress(text.getvalue().encode(), mtime=0),
        f"{name}_trainings.csv": trainings.encode(),
        f"{name}.json": (json.dumps(record.made_by, indent=1) + "\n").encode(),
    }
    for file_name, content in contents.items():
        write_whole(folder / file_name, partial(_write_bytes, content))
    return [folder / file_name for file_name in contents]


@cache
def load_study(name: str) -> StudyRecord:
    """Load what the study NAME found; ValueError when none of this name was kept."""
    known = kept_studies()
    if name not in known:
        raise ValueError(
            f"no results of a study {name!r} are kept; known: {', '.join(known) or 'none'}; "
            f"`ferkit study {name}` trains it"
        )
    return read_study(RESULTS, name)


def read_study(folder: Path, name: str) -> StudyRecord:
    """Read a study's three files; ValueError where they do not belong together."""
    text_columns = {"person": str, "data": str, "method": str}
    predictions = pd.read_csv(folder / f"{name}.csv.gz", dtype=text_columns)
    trainings = pd.read_csv(folder / f"{name}_trainings.csv", dtype=text_columns)
    made_by = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    for table in (predictions, trainings):
        starts = table["start"].nunique()
        if starts != made_by["starts"]:
            raise ValueError(
                f"{name}.json in {folder} counts {made_by['starts']} trainings of each method, a "
                f"table beside it {starts}; was writing them interrupted? Train them again"
            )
    return StudyRecord(predictions, trainings, made_by)


def kept_studies() -> tuple[str, ...]:
    """The names of the studies whose results are kept."""
    return tuple(sorted(file.stem for file in RESULTS.glob("*.json")))


def _write_bytes(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def method_means(predictions: pd.DataFrame) -> pd.DataFrame:
    """Average each method on each data set over its trainings.

    Intervals are over people and trainings. Columns data, name, value, low, high, n, training_0,
    training_1, ...
    """
    rows = []
    for data, data_rows in predictions.groupby("data", sort=False):
        bounds = (-1 if (data_rows["value"] < 0).any() else 0, 1)  # gains may be negative
        for method, method_rows in data_rows.groupby("method", sort=False):
            average = _average_trainings(_pivot_trainings(method_rows), method_rows, bounds)
            rows.append({"data": data, "name": method, **average})
    return pd.DataFrame(rows)


def paired_differences(predictions: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """Average the difference of each pair of methods, first minus second, on the same samples.

    Columns as of `method_means`; a pair of which the study lacks a method has no row.
    """
    rows = []
    for data, data_rows in predictions.groupby("data", sort=False):
        values = {name: _pivot_trainings(part) for name, part in data_rows.groupby("method")}
        for first, second in pairs:
            if first in values and second in values:
                difference = values[first] - values[second]
                average = _average_trainings(difference, data_rows, (-1, 1))
                rows.append({"data": data, "name": f"{first} minus {second}", **average})
    return pd.DataFrame(rows) if rows else pd.DataFrame(columns=_AVERAGES)


def convergence(record: StudyRecord, baseline: str | None = None) -> pd.DataFrame:
    """Measure for each data set and method how far its networks have learnt.

    Columns data, method, best (the median share of the epochs at which the best one came; at most
    CONVERGED_SHARE where they had stopped improving) and over_baseline (the method's mean minus
    that of the `baseline`, a method of the same table; NaN where there is none).
    """
    trainings = record.trainings.assign(
        share=record.trainings["best_epoch"] / record.trainings["epochs"]
    )
    best = trainings.groupby(["data", "method"], sort=False)["share"].median()
    means = record.predictions.groupby(["data", "method"], sort=False)["value"].mean()
    rows = []
    for (data, method), share in best.items():
        over_baseline = means.get((data, method), float("nan"))
        over_baseline -= means.get((data, baseline), float("nan"))
        rows.append((data, method, share, over_baseline))
    return pd.DataFrame(rows, columns=["data", "method", "best", "over_baseline"])


def _pivot_trainings(rows: pd.DataFrame) -> pd.DataFrame:
    """Pivot one method's values: a row a start, a column a sample."""
    return rows.pivot(index="start", columns="sample", values="value")


def _average_trainings(
    values: pd.DataFrame, rows: pd.DataFrame, bounds: tuple[float, float]
) -> dict[str, Any]:
    """Average pivoted values, with an interval, and each training alone.

    Trainings without any value are left out, then samples that lack a value in one of the others.
    `bounds` are those of values that say whether a sample is right.
    """
    values = values.dropna(how="all").dropna(axis=1)
    is_right = values.isin((-1, 0, 1)).all(axis=None)
    person = rows.drop_duplicates("sample").set_index("sample")["person"]
    people = person[values.columns].to_numpy()
    score = over_trainings(values.to_numpy(), people, bounds=bounds if is_right else None)
    by_training = values.mean(axis=1).add_prefix("training_")
    return {**score.metric(), **by_training.to_dict()}

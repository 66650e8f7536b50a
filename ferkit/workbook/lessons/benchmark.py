"""Tables of notebook 10: costs, photographs, and the kept studies of all papers."""

from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import Markdown, display

from ferkit.evaluation.intervals import bootstrap
from ferkit.evaluation.ranking import LEVEL
from ferkit.papers import PAPERS, studies
from ferkit.papers.study_records import kept_studies, load_study, method_means
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.studies import benchmark
from ferkit.workbook.studies.kept_methods import KEPT_METHODS
from ferkit.workbook.words import say

_TESTED = ("sequences", "posed", "wild")  # drawn sets on which whole methods are tested


def accuracy_table(table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Tabulate accuracies for `plot_intervals`: name, group, value, low, high, n."""
    return benchmark.summarise_methods(table, seed=seed)[
        ["name", "group", "value", "low", "high", "n"]
    ]


def cost_table(table: pd.DataFrame, cost: str, *, seed: int = 0) -> pd.DataFrame:
    """Tabulate accuracy against "seconds" or "parameters"; methods without a cost are left out."""
    summary = benchmark.summarise_methods(table, seed=seed).rename(columns={cost: "cost"})
    return summary[summary["cost"] > 0][["name", "cost", "value", "low", "high", "group"]]


def separated_pairs(comparisons: pd.DataFrame) -> tuple[int, int, float]:
    """Count the pairs told apart, all pairs, and the smallest difference told apart, in points.

    The difference is NaN where no pair is told apart.
    """
    apart = comparisons[comparisons["adjusted"] < LEVEL]
    return len(apart), len(comparisons), 100 * float(apart["value"].abs().min())


def measure_photographs(
    root: str | Path | None, level: str, *, seed: int = 0
) -> dict[str, pd.DataFrame]:
    """Run the methods on each set of development photographs at hand, by its name."""
    tables = {}
    for name, faces in benchmark.load_photograph_benchmarks(root).items():
        tables[name] = benchmark.run_methods(faces, level, seed=seed, progress=False)
    return tables


def photograph_rows(tables: dict[str, pd.DataFrame], *, seed: int = 0) -> pd.DataFrame:
    """Tabulate accuracies on photographs for `plot_intervals`, a panel for each set."""
    parts = []
    for name, table in tables.items():
        parts.append(accuracy_table(table, seed=seed).assign(panel=name))
    return pd.concat(parts, ignore_index=True)


def show_studies(run: NotebookRun) -> Markdown:
    """Draw the methods of all kept studies, a figure for each drawn set; say what is seen."""
    drawn = []
    for data in _TESTED:
        rows = study_rows(data)
        if rows.empty:
            continue
        title = f"{data}: kept trainings, 95 % over people and trainings"
        size = (7.5, 1.2 + 0.3 * len(rows))
        display(run.figure("plot_intervals", rows, f"studies_{data}", size=size, title=title))
        drawn.append(_describe_papers(rows, data))
    return say(*drawn or ["No results of level `study` are kept: `ferkit study` trains them."])


def study_rows(data: str) -> pd.DataFrame:
    """Tabulate the methods of each paper's kept study on a whole drawn set.

    Paper by paper, HOG and ridge first as the yardstick, then the best first.
    Columns name (with the paper), value, low, high, n; intervals over people and trainings. Empty
    where no study is kept.
    """
    parts = []
    for short_name in PAPERS:
        if short_name not in kept_studies():
            continue
        study = studies()[short_name]
        predictions = load_study(short_name).predictions
        predictions = predictions[predictions["data"] == data]
        if study.measure != "accuracy" or predictions.empty:
            continue
        means = method_means(predictions)
        # Emotions read from landmarks measure the landmarks; they are no method of the paper.
        means = means[~means["name"].str.startswith("read ")]
        names = [study.titles.get(name, name) for name in means["name"]]
        names = [f"{study.title}: {name}" for name in names]
        rows = means.assign(name=names, is_hog=means["name"] == study.baseline)
        rows = rows.sort_values(["is_hog", "value"], ascending=False)
        parts.append(rows[["name", "value", "low", "high", "n"]])
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def _describe_papers(rows: pd.DataFrame, data: str) -> str:
    """Say how hard each paper's task is for HOG, and which method of each paper is highest."""
    papers = rows["name"].str.partition(": ")[0]
    yardstick = rows.groupby(papers, sort=False)["value"].first()
    others = rows[papers.duplicated()]
    best = others.loc[others.groupby(papers)["value"].idxmax()]
    highest = "; ".join(f"{row.name}, {row.value:.2f}" for row in best.itertuples(index=False))
    if len(yardstick) == 1:
        return (
            f"On `{data}` HOG with a ridge classifier scores {yardstick.iloc[0]:.2f}; "
            f"the highest is {highest}."
        )
    return (
        f"On `{data}` HOG with a ridge classifier scores {yardstick.min():.2f} to "
        f"{yardstick.max():.2f}, depending on the paper's classes, pictures and folds: the tasks "
        f"are not equally hard. Highest within each paper: {highest}."
    )


def record_metrics(table: pd.DataFrame, data: str, *, seed: int = 0) -> dict[str, dict]:
    """Return each method's accuracy as metrics, named DATA/METHOD/top1."""
    keys = {one.title: key for key, one in benchmark.METHODS.items()}
    keys |= {kept.title: f"{kept.study}_{kept.method}" for kept in KEPT_METHODS}
    metrics = {}
    for title, rows in table.groupby("method", sort=False):
        key = keys.get(title, title)
        score = bootstrap(rows["right"], rows["person"], seed=seed, bounds=(0, 1))
        metrics[f"{data}/{key}/top1"] = score.metric()
    return metrics


def join(*tables: pd.DataFrame) -> pd.DataFrame:
    """Join the decisions of more methods on the same faces; a table may be empty."""
    return pd.concat([table for table in tables if len(table)], ignore_index=True)


def labels_of(
    faces: benchmark.BenchmarkFaces, method: benchmark.Method, level: str, seed: int
) -> np.ndarray:
    """Predict the labels of all faces by a method; ValueError where it lacks what it needs."""
    result = method.predict(faces, level, seed)
    if result is None:
        raise ValueError(f"{method.title} cannot be used with {faces.name}")
    return result[0]


def conclude(
    summary: pd.DataFrame, ranks: pd.DataFrame, comparisons: pd.DataFrame
) -> tuple[str, ...]:
    """Say which method leads, how sure its place is, and what cannot be told apart from it."""
    best = summary["name"].iloc[0]
    sure = ranks.loc[best, 1]
    apart = comparisons[comparisons["adjusted"] < LEVEL]
    named = {*apart.loc[apart["first"] == best, "second"]}
    named |= {*apart.loc[apart["second"] == best, "first"]}
    similar = [name for name in summary["name"] if name != best and name not in named]
    one_picture = summary[summary["group"] == benchmark.ONE]["name"].iloc[0]
    sentences = [
        f"**{best}** has the highest accuracy, {summary['value'].iloc[0]:.3f}; it comes first in",
        f"{sure:.0%} of the draws of people.",
    ]
    if similar:
        sentences.append(f"It cannot be told apart from: {'; '.join(similar)}.")
    else:
        sentences.append("It can be told apart from every other method.")
    if one_picture != best:
        sentences.append(f"Of the methods that see one picture, **{one_picture}** leads.")
    return tuple(sentences)

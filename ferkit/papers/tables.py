"""Tables of metrics: the paper's numbers beside ours, and the input of the plots of scores.

A metric is an entry of a run record: a mapping with `value`, `low`, `high` and `n` (None or absent
where unknown). Metrics come nested or flat; flat names have slashes: "stills/50/raw/top1".
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from pandas.io.formats.style import Styler

from ferkit.evaluation.intervals import INTERVAL, Score
from ferkit.papers import reported


def flatten_metrics(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Give nested metrics one flat name each.

    `{"raw": {"top1": {"value": 0.1}}}` becomes `{"raw/top1": {"value": 0.1}}`.
    """
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        path = f"{prefix}{name}"
        if isinstance(value, Score):
            flat[path] = value.metric()
        elif not isinstance(value, Mapping):
            flat[path] = {"value": value}
        elif "value" in value:
            flat[path] = value
        else:
            flat |= flatten_metrics(value, f"{path}/")
    return flat


def paper_table(
    short_name: str, metrics: Mapping[str, Any], keys: Sequence[str] | None = None
) -> pd.DataFrame:
    """Put the paper's numbers beside ours, one row a result.

    Columns: what, where in the paper, paper, ours, our data (the data set, where the row may have
    several), difference (ours minus the paper's), status and note. `metrics` are named as in run
    records, nested or flat; ours is shown in the paper's unit, percent or fraction. `keys` chooses
    results of the paper (default: all).
    """
    paper = reported.paper(short_name)
    flat = flatten_metrics(metrics)
    results = paper.results if keys is None else [paper.result(key) for key in keys]
    rows = [_paper_row(result, flat) for result in results]
    index = pd.Index([result.key for result in results], name="key")
    return pd.DataFrame(rows, index=index)


def measured_table(
    short_name: str, metrics: Mapping[str, Any], keys: Sequence[str] | None = None
) -> Styler:
    """Return the rows of `paper_table` that a run measured, by what was measured, for display.

    As a style, since notebooks cut long texts of a plain table.
    """
    table = paper_table(short_name, metrics, keys)
    is_measured = ~table["ours"].isin(["", "not in this run"])
    return table[is_measured].drop(columns=["status", "note"]).set_index("what").style


def interval_table(
    metrics: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
    *,
    chance: float | Mapping[str, float] | None = None,
    short_name: str | None = None,
) -> pd.DataFrame:
    """Prepare metrics for `plots.plot_intervals`, one row each.

    Columns: metric, name, value, low, high, n, chance, paper. `labels` chooses metrics and names
    them (default: all). `paper` is the number that the paper `short_name` prints for the
    metric, as a fraction, NaN where it has none.
    """
    flat = flatten_metrics(metrics)
    if labels is None:
        labels = {metric: metric for metric in flat}
    if missing := [metric for metric in labels if metric not in flat]:
        raise ValueError(f"no metric {', '.join(missing)}; known: {', '.join(flat)}")
    results = reported.paper(short_name).results if short_name else ()
    printed = {
        name: result.value / _scale(result) for result in results for name in result.our_names
    }
    columns = [*INTERVAL, "chance", "paper"]
    table = pd.DataFrame([flat[metric] for metric in labels]).reindex(columns=columns)
    table.insert(0, "metric", list(labels))
    table.insert(1, "name", list(labels.values()))
    chance_levels = chance if isinstance(chance, Mapping) else dict.fromkeys(labels, chance)
    table["chance"] = table["metric"].map(chance_levels)
    table["paper"] = table["metric"].map(printed)
    return table.astype(dict.fromkeys(columns, float))


def top_k_table(
    ours: Mapping[str, Mapping[str, Any]], paper: Mapping[str, Sequence[float]] | None = None
) -> pd.DataFrame:
    """Prepare top-k curves for `plots.plot_top_k`, one row for each curve and k.

    Columns: name, k, value, low, high, source ("ours" or "paper"). `ours` are metrics as of
    `top_k_metrics` by the name of their curve, `paper` the paper's values from k = 1 on.
    """
    rows: list[dict[str, Any]] = []
    for name, metrics in ours.items():
        for metric, interval in metrics.items():
            if match := re.fullmatch("top([0-9]+)", metric):
                rows.append({"name": name, "k": int(match[1]), "source": "ours", **interval})
    for name, values in (paper or {}).items():
        for k, value in enumerate(values, 1):
            rows.append({"name": name, "k": k, "value": value, "source": "paper"})
    table = pd.DataFrame(rows, columns=["name", "k", "value", "low", "high", "source"])
    return table.astype({"value": float, "low": float, "high": float})


def history_table(histories: Mapping[tuple[str, str], pd.DataFrame]) -> pd.DataFrame:
    """Prepare losses for `plots.plot_history`: panel, curve, fold, x (the epoch), part, value.

    `histories` are those of trainings by folds, by panel and curve.
    """
    parts = {"epoch": "x", "train_loss": "training", "val_loss": "validation"}
    tables = [
        history.rename(columns=parts).assign(panel=panel, curve=curve)
        for (panel, curve), history in histories.items()
    ]
    columns = ["panel", "curve", "fold", "x"]
    return pd.concat(tables).melt(columns, ["training", "validation"], "part", "value")


def confusion_panels(counts: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Prepare confusion counts for `plots.plot_confusion`, a panel for each name."""
    panels = [table.reset_index().assign(panel=name) for name, table in counts.items()]
    return pd.concat(panels, ignore_index=True)


def interval_text(metric: Mapping[str, Any], scale: float = 1.0) -> str:
    """Format a metric as "0.152 [0.140, 0.165]", without its interval where that is unknown."""
    digits = _digits(scale)
    bounds = [metric.get(name) for name in INTERVAL[:3]]
    value, low, high = (math.nan if bound is None else bound * scale for bound in bounds)
    if math.isnan(value):
        return "undefined"
    text = f"{value:.{digits}f}"
    if math.isnan(low) or math.isnan(high):
        return text
    return f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def _paper_row(result: reported.Result, flat: Mapping[str, Any]) -> dict[str, str]:
    percent = " %" if result.unit == "percent" else ""
    about = "about " if result.approximate else ""
    row = {
        "what": f"{result.method}: {result.measure}, {result.data}",
        "where in the paper": result.where,
        "paper": f"{about}{result.value:g}{percent}",
        "ours": "",
        "our data": "",
        "difference": "",
        "status": result.status,
        "note": result.note,
    }
    measured = [name for name in result.our_names if name in flat]
    if measured:
        row |= _compare(result, flat[measured[0]], percent)
        row["our data"] = result.our_names[measured[0]]
    elif result.ours:
        row["ours"] = "not in this run"
    return row


def _compare(result: reported.Result, metric: Mapping[str, Any], percent: str) -> dict[str, str]:
    """The texts `ours` and, where our value is defined, `difference`."""
    scale = _scale(result)
    ours = interval_text(metric, scale)
    is_defined = not pd.isna(metric.get("value"))
    if is_defined:
        ours += percent
    if metric.get("n"):
        ours += f", n = {metric['n']:.0f}"
    if not is_defined:
        return {"ours": ours}
    difference = metric["value"] * scale - result.value
    return {"ours": ours, "difference": f"{difference:+.{_digits(scale)}f}"}


def _scale(result: reported.Result) -> float:
    return 100.0 if result.unit in ("percent", "points") else 1.0


def _digits(scale: float) -> int:
    """How many digits stand behind the point: three of a fraction, one of a percentage."""
    return 3 if scale == 1 else 1

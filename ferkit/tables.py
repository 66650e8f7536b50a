"""Tables of metrics: the paper's numbers beside ours, and what the plots of scores draw.

A metric is an entry of a run record: a mapping with `value`, `low`, `high` and `n` (None or absent where unknown). Metrics
come nested or flat; flat names have slashes, such as "stills/50/raw/top1".
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ferkit import papers
from ferkit.evaluate import INTERVAL, Score


def flatten(nested: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested metrics with one flat name each: {"raw": {"top1": {"value": 0.1}}} gives {"raw/top1": {"value": 0.1}}."""
    flat: dict[str, Any] = {}
    for name, value in nested.items():
        path = f"{prefix}{name}"
        if isinstance(value, Score):
            flat[path] = value.metric()
        elif isinstance(value, Mapping) and "value" not in value:
            flat |= flatten(value, f"{path}/")
        else:
            flat[path] = value if isinstance(value, Mapping) else {"value": value}
    return flat


def paper_table(short_name: str, metrics: Mapping[str, Any], keys: Sequence[str] | None = None) -> pd.DataFrame:
    """The paper's numbers beside ours: what, where in the paper, paper, ours, difference, status, note; one row a result.

    `metrics` are named as in run records, nested or flat; ours is shown in the paper's unit (percent or fraction), and the
    difference is ours minus the paper's. `keys` chooses results of the paper; all of them otherwise.
    """
    this, flat = papers.paper(short_name), flatten(metrics)
    results = this.results if keys is None else [this.result(key) for key in keys]
    return pd.DataFrame(
        [_paper_row(result, flat) for result in results], index=pd.Index([r.key for r in results], name="key")
    )


def interval_table(
    metrics: Mapping[str, Any],
    labels: Mapping[str, str] | None = None,
    *,
    chance: float | Mapping[str, float] | None = None,
    short_name: str | None = None,
) -> pd.DataFrame:
    """One row for each metric, for `plots.plot_intervals`: metric, name, value, low, high, n, chance, paper.

    `labels` chooses metrics and says how they are called; all of them otherwise. `paper` is what the paper `short_name`
    prints for the metric, as a fraction, nan where it has none.
    """
    flat = flatten(metrics)
    labels = dict(zip(flat, flat, strict=True)) if labels is None else labels
    if missing := [metric for metric in labels if metric not in flat]:
        raise ValueError(f"no metric {', '.join(missing)}; known: {', '.join(flat)}")
    printed = {r.ours: r.value / _scale(r) for r in papers.paper(short_name).results if r.ours} if short_name else {}
    rows = []
    for metric, name in labels.items():
        by_chance = chance.get(metric) if isinstance(chance, Mapping) else chance
        entry = {"metric": metric, "name": name, **{part: flat[metric].get(part) for part in INTERVAL}}
        rows.append(entry | {"chance": by_chance, "paper": printed.get(metric)})
    table = pd.DataFrame(rows, columns=["metric", "name", *INTERVAL, "chance", "paper"])
    return table.astype(dict.fromkeys((*INTERVAL, "chance", "paper"), float))


def top_k_table(
    ours: Mapping[str, Mapping[str, Any]], paper: Mapping[str, Sequence[float]] | None = None
) -> pd.DataFrame:
    """One row for each curve and k, for `plots.plot_top_k`: name, k, value, low, high, source ("ours" or "paper").

    `ours` are metrics as of `top_k_metrics` by the name of their curve, `paper` the paper's values from k = 1 on.
    """
    rows = [
        {
            "name": name,
            "k": int(metric[3:]),
            **{part: entry.get(part) for part in INTERVAL[:3]},
            "source": "ours",
        }
        for name, metrics in ours.items()
        for metric, entry in metrics.items()
        if re.fullmatch("top[0-9]+", metric)
    ]
    for name, values in (paper or {}).items():
        rows += [{"name": name, "k": k, "value": value, "source": "paper"} for k, value in enumerate(values, 1)]
    table = pd.DataFrame(rows, columns=["name", "k", "value", "low", "high", "source"])
    return table.astype({"value": float, "low": float, "high": float})


def interval_text(metric: Mapping[str, Any], scale: float = 1.0) -> str:
    """A metric as text, "0.152 [0.140, 0.165]"; without its interval where that is unknown."""

    def number(part: str) -> float:
        value = metric.get(part)
        return math.nan if value is None else value * scale

    digits = 3 if scale == 1 else 1
    value, low, high = (number(part) for part in INTERVAL[:3])
    if math.isnan(value):
        return "undefined"
    text = f"{value:.{digits}f}"
    return text if math.isnan(low) or math.isnan(high) else f"{text} [{low:.{digits}f}, {high:.{digits}f}]"


def _paper_row(result: papers.Result, flat: Mapping[str, Any]) -> dict[str, str]:
    percent = " %" if result.unit == "percent" else ""
    metric, scale = flat.get(result.ours), _scale(result)
    row = {
        "what": f"{result.method}: {result.measure}, {result.data}",
        "where in the paper": result.where,
        "paper": f"{'about ' if result.approximate else ''}{result.value:g}{percent}",
        "ours": "",
        "difference": "",
        "status": result.status,
        "note": result.note,
    }
    if metric is not None:
        n = metric.get("n")
        row["ours"] = interval_text(metric, scale) + percent + (f", n = {n:.0f}" if n else "")
        if metric.get("value") is not None:
            row["difference"] = f"{metric['value'] * scale - result.value:+.{3 if scale == 1 else 1}f}"
    elif result.ours:
        row["ours"] = "not in this run"
    return row


def _scale(result: papers.Result) -> float:
    return 100.0 if result.unit in ("percent", "points") else 1.0

"""Numbers for the tests of plots: a table for each kind, and what is read off an `Axes`."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ferkit import plots
from ferkit.evaluation.scores import confusion
from ferkit.papers.tables import interval_table, top_k_table

MADE_BY = {"notebook": "02_landmark_residuals", "level": "smoke", "seed": 0}
VOTES = {"neutral": 2, "happiness": 5, "unknown": 1, "NF": 2}


def face(seed: int = 0, size: float = 224) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 0.8, (68, 2)) * size


def texts(ax: Axes) -> dict[tuple[float, float], str]:
    return {tuple(text.get_position()): text.get_text() for text in ax.texts}


def labels(axis) -> list[str]:
    return [label.get_text() for label in axis.get_ticklabels()]


def intervals() -> pd.DataFrame:
    ours = {
        "stills/50/raw/top1": {"value": 0.26, "low": 0.24, "high": 0.28, "n": 100},
        "london": 0.8,
        "cmu": {"value": None},
    }
    return interval_table(ours, chance={"london": 0.5}, short_name="multimodal")


def curves() -> pd.DataFrame:
    ours = {f"top{k}": {"value": 0.1 * k, "low": 0.08 * k, "high": 0.12 * k} for k in (1, 2, 3)}
    return top_k_table(
        {"raw": ours, "residuals": {"top1": {"value": 0.5}, "top2": {"value": 0.6}}},
        {"theirs": [0.2, 0.3, 0.4]},
    )


def trainings() -> pd.DataFrame:
    columns = {"value": [0.02, -0.01], "low": [0.01, -0.04], "high": [0.03, 0.02], "n": [9, 9]}
    each = {"training_0": [0.01, -0.05], "training_1": [0.03, 0.03]}
    return pd.DataFrame({"name": ["a minus b", "a minus c"], **columns, **each})


def histories() -> pd.DataFrame:
    """Two folds of one training, the second stopped earlier."""
    rows = [(1, 4.0, "1"), (2, 2.0, "1"), (3, 1.0, "1"), (1, 3.0, "2"), (2, 2.5, "2")]
    table = pd.DataFrame(rows, columns=["x", "value", "fold"])
    return pd.concat(table.assign(curve="hinge", part=part) for part in ("training", "validation"))


def ranked() -> pd.DataFrame:
    rows = {"name": ["a", "b", "c"], "value": [0.9, 0.8, 0.5], "low": [0.85, 0.7, 0.4]}
    rows |= {"high": [0.95, 0.9, 0.6], "group": ["one", "others", "one"], "runs": ["0", "0 1", "1"]}
    return pd.DataFrame(rows)


TABLES = {
    "plot_pairs": pd.DataFrame(
        {
            "name": ["one", "one", "two", "two"],
            "series": ["honest", "with the leak"] * 2,
            "value": [0.5, 0.8, 0.6, 0.6],
            "low": [0.4, 0.7, 0.5, 0.5],
            "high": [0.6, 0.9, 0.7, 0.7],
        }
    ),
    "plot_sweep": pd.DataFrame(
        {
            "x": [1, 10] * 2,
            "series": ["raw"] * 2 + ["residuals"] * 2,
            "value": [0.3, 0.4, 0.5, 0.7],
            "low": [0.2, 0.3, 0.4, 0.6],
            "high": [0.4, 0.5, 0.6, 0.8],
        }
    ),
    "plot_methods": pd.DataFrame(
        {
            "panel": ["blur", "blur", "noise", "noise"] * 2,
            "x": [0, 2, 0, 20] * 2,
            "series": ["found"] * 4 + ["HOG"] * 4,
            "value": [1.0, 0.8, 1.0, 0.9, 0.7, 0.4, 0.7, 0.6],
        }
    ),
    "plot_ranks": ranked(),
    "plot_rank_probabilities": pd.DataFrame({"name": ["a", "b"], "1": [0.9, 0.1], "2": [0.1, 0.9]}),
    "plot_differences": pd.DataFrame(
        {"first": ["a"], "second": ["b"], "value": [0.1], "adjusted": [0.01]}
    ),
    "plot_cost": ranked().assign(cost=[1.0, 10.0, 100.0]).drop(columns="runs"),
    "plot_landmarks": plots.points_table([face(0), face(1)], label=["neutral", "mine"]),
    "plot_residuals": plots.points_table(
        [face(i) for i in range(6)], panel=["before"] * 3 + ["after"] * 3, person="007"
    ),
    "plot_displacement": plots.points_table([face(0), face(1)]),
    "plot_votes": pd.DataFrame({"name": list(VOTES), "votes": list(VOTES.values())}),
    "plot_compound_grid": pd.DataFrame({"value": np.linspace(0, 1, 50)}),
    "plot_confusion": confusion([0, 1, 1], [0, 1, 0], ("anger", "fear", "sadness")),
    "plot_top_k": curves(),
    "plot_intervals": intervals(),
    "plot_grouped_intervals": pd.DataFrame(
        {
            "name": ["neutral", "fear"] * 2,
            "group": ["one picture"] * 2 + ["other pictures"] * 2,
            "value": [0.4, 0.5, 0.6, 0.7],
            "low": [0.3, 0.4, 0.5, 0.6],
            "high": [0.5, 0.6, 0.7, 0.8],
        }
    ),
    "plot_resampled": pd.DataFrame(
        {
            "name": ["people"] * 2 + ["pictures"] * 2,
            "left": [0.3, 0.5] * 2,
            "right": [0.5, 0.7] * 2,
            "share": [0.5, 0.5, 0.4, 0.6],
            "value": 0.5,
            "low": [0.4, 0.4, 0.45, 0.45],
            "high": [0.6, 0.6, 0.55, 0.55],
        }
    ),
    "plot_trainings": trainings(),
    "plot_history": histories(),
    "plot_courses": pd.DataFrame({"emotion": ["fear", "fear"], "time": [0, 1], "value": [0, 0.4]}),
    "plot_embedding": pd.DataFrame(
        {
            "panel": ["a"] * 3 + ["b"] * 3,
            "x": range(6),
            "y": [0, 3, 1, 4, 2, 5],
            "part": ["training", "test"] * 3,
            "emotion": ["fear", "fear", "anger"] * 2,
        }
    ),
    "plot_roc": pd.DataFrame(
        {
            "name": ["one"] * 3 + ["other"] * 2,
            "threshold": [9, 1, 0, 9, 0],
            "false_accepts": [0, 0.25, 1, 0, 1],
            "true_accepts": [0, 0.75, 1, 0, 1],
        }
    ),
    "plot_similarities": pd.DataFrame(
        {"similarity": [0.9, 0.5, 0.4, -0.2], "pair": ["one person"] * 2 + ["two people"] * 2}
    ),
    "plot_reliability": pd.DataFrame(
        {
            "name": ["drawn", "drawn", "press"],
            "confidence": [0.5, 0.9, 0.8],
            "accuracy": [0.4, 0.8, 0.3],
            "count": [3, 1, 5],
        }
    ),
    "plot_gap": pd.DataFrame(
        {
            "part": ["nose", "mouth"],
            "value": [0.4, 0.9],
            "low": [0.1, 0.5],
            "high": [0.8, 1.4],
            "same": [0.3, np.nan],
            "base": 0,
            "goal_low": 0,
            "goal_high": 0.5,
        }
    ),
    "plot_judged": pd.DataFrame(
        {
            "name": ["fear", "all seven"] * 2,
            "value": [0.1, 0.3, 0.5, 0.8],
            "low": [0.05, 0.25, 0.4, 0.7],
            "high": [0.2, 0.4, 0.6, 0.9],
            "aim": [0.45, 0.7] * 2,
            "when": ["before", "before", "now", "now"],
        }
    ),
    "plot_displacements": pd.DataFrame(
        {
            "panel": "fear",
            "measure": ["mouth open", "mouth wide"] * 2,
            "value": [10, 4, 5, 6],
            "kind": ["photographed", "photographed", "drawn", "drawn"],
            "low": [8, 3, 4, 5],
            "high": [12, 5, 6, 7],
        }
    ),
    "plot_alpha": pd.DataFrame(
        {"alpha": [0.0, 0.5, 1.0], "value": [0.4, 0.6, 0.5], "low": 0.3, "high": 0.7}
    ),
    "plot_timeline": pd.DataFrame(
        {
            "time": [0.0, 0.2, 0.4] * 2,
            "emotion": ["fear"] * 3 + ["anger"] * 3,
            "probability": [1.0, 0.0, 0.5, 0.0, 1.0, 0.5],
            "smoothed": [0.5] * 6,
            "true": ["fear", "anger", "anger"] * 2,
        }
    ),
}
OPTIONS = {
    "plot_displacement": {"times": 2},
    "plot_top_k": {"chance": 50},
    "plot_votes": {"line": 5},
}

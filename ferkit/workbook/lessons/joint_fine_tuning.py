"""Notebook 06: tables and figures of two networks combined in several ways."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import softmax
from torch import nn

from ferkit import plots
from ferkit.data.folds import fold_hash
from ferkit.evaluation.intervals import INTERVAL, McNemar, Score, compare_paired, mcnemar
from ferkit.evaluation.predictions import Predictions
from ferkit.evaluation.scores import score
from ferkit.papers import reported, tables
from ferkit.papers.dtagn import experiment, specs
from ferkit.papers.dtagn.data import SequenceSet, load_sequences
from ferkit.papers.dtagn.network import DTGN_NOTATION
from ferkit.papers.dtagn.plans import PLANS
from ferkit.papers.study_records import load_study, method_means, paired_differences
from ferkit.training.by_folds import CrossTrained
from ferkit.training.layers import count_parameters
from ferkit.training.spec import Network
from ferkit.workbook.lessons.temporal_networks import grey_wall, lighten
from ferkit.workbook.networks import keep_networks, training_of
from ferkit.workbook.notebook_run import NotebookRun

# The methods by the names of their metrics, in the order of the figures.
COMBINATIONS = {
    "dtan": "DTAN",
    "dtgn": "DTGN",
    "weighted_sum": "weighted sum",
    "logits_added": "logits added",
    "joint_l3": "joint, L3 only",
    "joint": "joint, three losses",
    "concatenation": "concatenation",
}
# First minus second.
COMPARED = (
    ("joint", "weighted_sum"),
    ("joint", "logits_added"),
    ("logits_added", "weighted_sum"),
    ("joint", "joint_l3"),
    ("joint", "concatenation"),
    ("joint", "dtan"),
    ("joint", "dtgn"),
    ("weighted_sum", "dtan"),
    ("weighted_sum", "dtgn"),
)
CLAIMS = (
    "joint_best",
    "three_losses",
    "joint_beats_concatenation",
    "concatenation_below_dtan",
    "concatenation_worse_than_either",
    "complementary",
    "alpha_half",
    "dropout_leaves_something",
    "contempt_by_dtan",
    "fear_by_dtgn",
    "fear_is_hard",
)
_SMALL_SET = "sequences-mmi"
_SHOWN = ("dtan", "dtgn", "joint")  # emotion by emotion


# What there is to gain


def count_right(predictions: Mapping[str, Predictions]) -> pd.DataFrame:
    """Count sequences by whether DTAN and DTGN are right."""
    words = {True: "right", False: "wrong"}
    columns = [
        pd.Series(predictions[name].correct(), name=COMBINATIONS[name]).map(words)
        for name in ("dtan", "dtgn")
    ]
    return pd.crosstab(*columns).reindex(index=words.values(), columns=words.values(), fill_value=0)


def probabilities(predictions: Predictions) -> np.ndarray:
    """Return softmax probabilities `(N, K)` of logits."""
    return softmax(predictions.scores.astype(np.float64), axis=1)


def alpha_metrics(sweep: pd.DataFrame, dataset: str) -> dict[str, dict[str, float]]:
    """Name the best alpha of `sweep_alpha`, and what 0.5 loses to it, as metrics."""
    highest = sweep.loc[sweep["value"].idxmax()]
    half = sweep.loc[(sweep["alpha"] - 0.5).abs().idxmin()]
    return {
        f"{dataset}/alpha/highest": {"value": float(highest["alpha"])},
        f"{dataset}/alpha/lost_at_half": {"value": float(highest["value"] - half["value"])},
    }


# Training


def count_learning(tuned: Mapping[str, CrossTrained]) -> pd.DataFrame:
    """Count each network's parameters, and those that fine-tuning still changes."""
    rows = {}
    for name, result in tuned.items():
        network: nn.Module = result.trained[0].network
        rows[COMBINATIONS[name]] = {
            "parameters": f"{count_parameters(network):,}",
            "that still learn": f"{count_parameters(network, trainable=True):,}",
        }
    return pd.DataFrame(rows).T


def tuning_history(tuned: Mapping[str, CrossTrained]) -> pd.DataFrame:
    """Tabulate the losses of the fine-tunings for `plots.plot_history`, a panel each."""
    return tables.history_table(
        {(COMBINATIONS[name], "loss"): result.history for name, result in tuned.items()}
    )


# Results


def method_rows(
    metrics: Mapping[str, Any], dataset: str, kind: str, names: Mapping[str, str] = COMBINATIONS
) -> pd.DataFrame:
    """Tabulate all methods beside the paper's numbers for the networks of this kind."""
    table = tables.interval_table(metrics, {f"{dataset}/{key}": names[key] for key in names})
    known = {result.key: result.value / 100 for result in reported.paper("dtagn").results}
    table["paper"] = [known.get(f"{kind}/{key}", np.nan) for key in names]
    return table


def axis_start(table: pd.DataFrame) -> float:
    """Choose where an axis of accuracies begins: a tenth below the lowest interval."""
    lowest = float(np.nanmin(table[["low", "paper"]].to_numpy()))
    return max(0.0, float(np.floor(10 * lowest) / 10))


def compare_combinations(
    predictions: Mapping[str, Predictions],
    pairs: Sequence[tuple[str, str]],
    dataset: str,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """Compare pairs of methods on the same sequences: a table for figures, and metrics.

    Columns name, value, low, high, only first, only second and p, of McNemar's exact test.
    """
    rows = []
    metrics = {}
    for first, second in pairs:
        difference, test = compare_pair(predictions[first], predictions[second], seed)
        key = f"{dataset}/{first}_minus_{second}"
        metrics[key] = difference.metric()
        metrics[f"{key}/p"] = {"value": test.p}
        row = {"name": f"{COMBINATIONS[first]} minus {COMBINATIONS[second]}", **difference.metric()}
        rows.append(row | {"only first": test.only_a, "only second": test.only_b, "p": test.p})
    return pd.DataFrame(rows).drop(columns="n"), metrics


def compare_pair(first: Predictions, second: Predictions, seed: int) -> tuple[Score, McNemar]:
    """Return the difference of two accuracies with its interval, and McNemar's test."""
    correct = first.correct(), second.correct()
    return compare_paired(*correct, first.people, seed=seed), mcnemar(*correct)


def emotion_recalls(
    predictions: Mapping[str, Predictions], dataset: str, seed: int
) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """Measure the recall of each emotion by both networks and the joint one: table, metrics."""
    parts = []
    metrics = {}
    for name in _SHOWN:
        recall = predictions[name].recall_table(seed)
        for emotion, row in recall.to_dict("index").items():
            metrics[f"{dataset}/{name}/{emotion}"] = row
        parts.append(recall.assign(group=COMBINATIONS[name]).reset_index(names="name"))
    return pd.concat(parts, ignore_index=True), metrics


def joint_confusions(predictions: Mapping[str, Predictions], kind: str) -> pd.DataFrame:
    """Tabulate the joint network's confusions, beside the paper's where it has them."""
    matrices = {"ours, joint": predictions["joint"].count_confusions()}
    for matrix in reported.paper("dtagn").matrices:  # tables 3, 5 and 7
        if matrix.key == f"{kind}/joint":
            rows = pd.DataFrame(matrix.values, matrix.classes, matrix.classes)
            matrices[f"the paper's, {matrix.data}"] = rows.rename_axis("true")
    return tables.confusion_panels(matrices)


def draw_failures(loaded: SequenceSet, trained: CrossTrained, count: int = 5) -> Axes:
    """Draw the sequences of which the network was surest while it was wrong."""
    joint = trained.predictions(loaded.classes)
    rows = np.flatnonzero(np.isfinite(trained.scores).all(1))  # the tested sequences
    wrong = np.flatnonzero(~joint.correct())
    surest = wrong[np.argsort(-probabilities(joint).max(1)[wrong])][:count]
    walls = []
    for row in rows[surest]:
        frames = list(lighten(loaded.data.pictures[row, ::2].numpy()))
        walls.append(plots.cover_restricted(frames, loaded.dataset))
    shown, said = joint.truth[surest], joint.predicted[surest]
    names = [
        f"{loaded.classes[a]},\nsaid {loaded.classes[b]}" for a, b in zip(shown, said, strict=True)
    ]
    return grey_wall(walls, [f"frame {t + 1}" for t in range(0, 12, 2)], names, width=6)


# The smaller networks, and what is kept


def measure_small_networks(
    level: str, *, seed: int, centred: bool, **options: Any
) -> dict[str, dict[str, float]]:
    """Train MMI's smaller networks each way on `sequences-mmi`, and return all metrics.

    Below `study` nothing is trained: the metrics are those of the study that comes with the
    package. `options` are those of `experiment.train_pair`.
    """
    if level in ("smoke", "lesson"):
        return _kept_small_networks()
    kind, data, classes, folds = load_sequences(_SMALL_SET, level, seed)
    task = (data, folds, level)
    pair = experiment.train_pair(kind, *task, seed=seed, centred=centred, **options)
    tuned = experiment.fine_tune_each_way(pair, *task, seed=seed, **options)
    trained = {"dtan": pair[0], "dtgn": pair[1], **tuned}
    predictions = experiment.combine_predictions(trained, classes)
    metrics = score_methods(predictions, _SMALL_SET, seed)
    gain, _ = compare_pair(predictions["joint"], predictions["weighted_sum"], seed)
    return metrics | {f"{_SMALL_SET}/joint_minus_weighted_sum": gain.metric()}


def _kept_small_networks() -> dict[str, dict[str, float]]:
    predictions = load_study("dtagn").predictions
    predictions = predictions[predictions["data"] == _SMALL_SET]
    means = method_means(predictions)
    means = means[means["name"].isin(COMBINATIONS)]
    gain = paired_differences(predictions, [("joint", "weighted_sum")])
    metrics = {}
    for row in [*means.to_dict("records"), *gain.to_dict("records")]:
        name = row["name"].replace(" minus ", "_minus_")
        metrics[f"{_SMALL_SET}/{name}"] = {key: row[key] for key in INTERVAL}
    return metrics


def compare_sets(metrics: Mapping[str, Any], datasets: Iterable[str]) -> pd.DataFrame:
    """Tabulate the accuracy of each method on each data set, in percent."""
    columns = {}
    for dataset in datasets:
        columns[dataset] = {
            title: tables.interval_text(metrics[f"{dataset}/{name}"], 100)
            for name, title in COMBINATIONS.items()
        }
    return pd.DataFrame(columns)


def score_methods(
    predictions: Mapping[str, Predictions], dataset: str, seed: int
) -> dict[str, dict[str, float]]:
    """Name the accuracy of each method as a metric."""
    return {f"{dataset}/{name}": one.accuracy_metric(seed) for name, one in predictions.items()}


def score_either(first: Predictions, second: Predictions, seed: int) -> dict[str, float]:
    """Return how often at least one of two predictions is right, as a metric."""
    return score(first.correct() | second.correct(), first.people, seed=seed)


def save_joint(
    run: NotebookRun,
    loaded: SequenceSet,
    joint: CrossTrained,
    level: str,
    seed: int,
    *,
    centred: bool,
) -> str:
    """Keep the first fold's joint network for `ferkit predict`, and save all metrics."""
    arguments = {
        "dtan": PLANS[level].dtan_notation(loaded.kind),
        "dtgn": DTGN_NOTATION[loaded.kind],
        "frames": 12,
        "centred": centred,
    }
    network = Network(
        specs.DTAGN,
        arguments,
        loaded.classes,
        specs.DTAGN.views(),
        joint.trained[0].network,
        frames=12,
        about=training_of(loaded.dataset, level, seed),
    )
    keep_networks(run.out, [network])
    headline = ("joint", "weighted_sum", "joint_minus_weighted_sum")
    names = [f"{loaded.dataset}/{name}" for name in headline]
    return run.save(*names, folds=fold_hash(loaded.folds))

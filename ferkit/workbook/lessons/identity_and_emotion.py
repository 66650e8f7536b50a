"""Tables of notebook 07: who somebody is, and what their face shows.

Functions that take a `run` add what they measure to its metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from pandas.io.formats.style import Styler

from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, fold_hash
from ferkit.evaluation import intervals
from ferkit.evaluation.intervals import Score
from ferkit.evaluation.predictions import Predictions
from ferkit.papers.tables import interval_table, measured_table
from ferkit.papers.tfe import specs
from ferkit.papers.tfe.plans import UNALIGNED, Plan, plan_for
from ferkit.training.by_folds import CrossTrained
from ferkit.workbook.networks import keep_networks, training_of
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.words import compare_in_words

METHODS = {
    "joint": "joint learning",
    "resnet": "ResNet alone",
    "longer": "ResNet, trained longer",
    "frozen": "both features, frozen",
    "untrained": "joint, identity untrained",
    "svm": "identity feature, SVM",
}
# The same inside a sentence.
_IN_SENTENCES = {
    "joint": "joint learning",
    "resnet": "the ResNet alone",
    "longer": "the ResNet trained longer",
    "untrained": "joint learning with an untrained identity network",
}
_DECISIVE = (("joint", "resnet"), ("joint", "longer"), ("joint", "untrained"))
COMPARISONS = (
    *_DECISIVE,
    ("joint", "frozen"),
    ("joint", "svm"),
    ("longer", "resnet"),
)


@dataclass(frozen=True, eq=False)
class Measured:
    """What each method predicts for the same N faces.

    `predictions` are those of the first start; `right` has for each method a row for each start,
    `(S, N)`, 1 where the face is recognised; `people` is `(N,)`.
    """

    classes: tuple[str, ...]
    predictions: Mapping[str, Predictions]
    right: Mapping[str, np.ndarray]

    @property
    def people(self) -> np.ndarray:
        """The person of each face, `(N,)`."""
        return self.predictions["joint"].people

    @property
    def truth(self) -> np.ndarray:
        """The class of each face, `(N,)`."""
        return self.predictions["joint"].truth


# --- data ---


def plan_table(level: str, dataset: str) -> pd.DataFrame:
    """Tabulate how each phase learns in the paper and at this level."""
    plans = {name: plan_for(name, dataset) for name in dict.fromkeys(("paper", level))}
    phases = {"identity": "identity network", "emotion": "emotion network", "joint": "both, joined"}
    rows = {}
    for phase, words in phases.items():
        for name, plan in plans.items():
            learning = getattr(plan, phase)
            rows[words, name] = {
                "epochs, at most": learning.epochs,
                "learning rate": learning.rate,
                "optimiser": learning.optimiser,
            }
    return pd.DataFrame(rows).T


def tested_stills(folds: Sequence[Fold]) -> list[Clip]:
    """List the pictures of all test parts; of one fold those of all its parts."""
    if len(folds) == 1:
        return [*folds[0].train, *folds[0].val, *folds[0].test]
    return [clip for fold in folds for clip in fold.test]


# --- results ---


def measure(
    run: NotebookRun,
    dataset: str,
    classes: tuple[str, ...],
    results: Mapping[str, CrossTrained],
    restarts: Sequence[Mapping[str, CrossTrained]],
    svm: Predictions,
    seed: int,
) -> Measured:
    """Collect the predictions of all methods, and their accuracies over people."""
    predictions = {name: one.predictions(classes) for name, one in results.items()} | {"svm": svm}
    right = {}
    for name in METHODS:
        trainings = [predictions[name]]
        trainings += [again[name].predictions(classes) for again in restarts if name in again]
        right[name] = np.stack([one.correct().astype(float) for one in trainings])
    measured = Measured(classes, {name: predictions[name] for name in METHODS}, right)
    for name, rows in right.items():
        score = intervals.bootstrap(rows.mean(0), measured.people, seed=seed, bounds=(0, 1))
        run.metrics[f"{dataset}/{name}"] = score.metric()
        if len(rows) > 1:
            shares = rows.mean(1).tolist()
            starts = {f"{dataset}/{name}/start_{i}": {"value": s} for i, s in enumerate(shares)}
            run.metrics.update(starts)
    return measured


def methods_table(run: NotebookRun, dataset: str, measured: Measured) -> pd.DataFrame:
    """Tabulate the methods' accuracies for `plot_intervals`, beside the most frequent class."""
    most_frequent = np.bincount(measured.truth).max() / len(measured.truth)
    labels = {f"{dataset}/{name}": words for name, words in METHODS.items()}
    chance = float(most_frequent)
    return interval_table(run.metrics, labels, chance=chance, short_name="tfe")


def compare(
    run: NotebookRun, dataset: str, measured: Measured, seed: int
) -> dict[tuple[str, str], Score]:
    """Subtract accuracies of COMPARISONS on the same faces, means over starts."""
    differences = {}
    for first, second in COMPARISONS:
        right = measured.right[first].mean(0) - measured.right[second].mean(0)
        score = intervals.bootstrap(right, measured.people, seed=seed, bounds=(-1, 1))
        run.metrics[f"{dataset}/{first}_minus_{second}"] = score.metric()
        differences[first, second] = score
    return differences


def differences_table(differences: Mapping[tuple[str, str], Score]) -> pd.DataFrame:
    """Tabulate differences for `plot_trainings`."""
    rows = []
    for (first, second), score in differences.items():
        name = f"{METHODS[first]}\nminus {METHODS[second]}"
        rows.append({"name": name, **score.metric()})
    return pd.DataFrame(rows)


def describe_differences(differences: Mapping[tuple[str, str], Score]) -> str:
    """Say what joint learning gains over the ResNet and over the two decisive controls."""
    sentences = []
    for first, second in _DECISIVE:
        words = _IN_SENTENCES[first], _IN_SENTENCES[second]
        sentences.append(compare_in_words(*words, differences[first, second]))
    return " ".join(sentences)


def describe_starts(measured: Measured) -> str:
    """Say how far repeated trainings of a method lie apart."""
    ranges = []
    count = 1
    for name, rows in measured.right.items():
        accuracies = 100 * rows.mean(1)
        if np.ptp(accuracies):
            count = len(rows)
            low, high = accuracies.min(), accuracies.max()
            ranges.append(f"{_IN_SENTENCES[name]} recognises {low:.1f} to {high:.1f} %")
    if not ranges:
        return ""
    return f"Over {count} trainings of phase 2, {' and '.join(ranges)} of the faces."


def recall_table(run: NotebookRun, dataset: str, measured: Measured, seed: int) -> pd.DataFrame:
    """Tabulate each class's recall for the ResNet and for joint learning."""
    tables = []
    for method in ("resnet", "joint"):
        table = measured.predictions[method].recall_table(seed)
        rows = table.T.to_dict()
        run.metrics.update({f"{dataset}/{method}/recall/{name}": row for name, row in rows.items()})
        table = table.reset_index(names="name")
        tables.append(table.assign(panel=METHODS[method], chance=1 / len(measured.classes)))
    return pd.concat(tables, ignore_index=True)


def describe_recalls(table: pd.DataFrame) -> str:
    """Say which classes joint learning hardly recognises, and where it gains."""
    first, second = (rows.set_index("name") for _, rows in table.groupby("panel", sort=False))
    rare = second[second["value"] < second["chance"]]
    if rare.empty:
        text = "Joint learning recognises every class more often than chance."
    else:
        found = [
            f"{name} ({row.value * row.n:.0f} of {row.n:.0f} pictures)"
            for name, row in rare.iterrows()
        ]
        text = (
            "These classes joint learning recognises less often than chance would: "
            f"{', '.join(found)}."
        )
    return f"{text} {_describe_gains(100 * (second['value'] - first['value']))}"


def _describe_gains(gains: pd.Series) -> str:
    """Name the three classes whose recall rises most, and the one where it falls most."""
    order = gains.sort_values(ascending=False, kind="stable")
    named = [f"{name} ({gain:+.0f})" for name, gain in order.items()]
    risen = named[: min(3, int((order > 0).sum()))]
    fallen = named[-1:] if order.iloc[-1] < 0 else []
    return (
        f"Compared with the ResNet, recall rises most for {', '.join(risen) or 'no class'} "
        f"and falls most for {', '.join(fallen) or 'no class'}, in points."
    )


# --- what is kept ---


def paper_rows(run: NotebookRun, dataset: str, results: Mapping[str, CrossTrained]) -> Styler:
    """Put the paper's numbers beside those measured here.

    Figure 5 shows one fold: ours is the highest validation accuracy of the first.
    """
    for method in ("resnet", "joint"):
        best = results[method].trained[0].history["val_accuracy"].max()
        run.metrics[f"{dataset}/fold/{method}"] = {"value": float(best)}
    return measured_table("tfe", run.metrics)


def keep_for_gallery(
    run: NotebookRun,
    plan: Plan,
    results: Mapping[str, CrossTrained],
    classes: tuple[str, ...],
) -> None:
    """Keep the networks of the first fold for notebook 09 and `ferkit predict`.

    Both align faces, so they cannot use networks of unaligned ones.
    """
    dataset, level, seed = (run.parameters[name] for name in ("dataset", "level", "seed"))
    if dataset != UNALIGNED:
        about = training_of(dataset, level, seed)
        keep_networks(run.out, specs.as_networks(plan, results, classes, about))


def save(run: NotebookRun, dataset: str, folds: Sequence[Fold]) -> str:
    """Save all metrics, the most important ones first."""
    headline = [f"{dataset}/{name}" for name in ("joint", "resnet", "joint_minus_resnet")]
    return run.save(*headline, "verification/identities", folds=fold_hash(folds))

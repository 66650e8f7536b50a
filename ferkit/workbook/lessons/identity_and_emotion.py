"""Tables of notebook 07: who somebody is, and what their face shows.

Functions that take a `run` add what they measure to its metrics.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import nn

from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, fold_hash
from ferkit.evaluation import intervals, scores
from ferkit.evaluation.intervals import Score
from ferkit.evaluation.predictions import Predictions
from ferkit.papers.tables import interval_table, interval_text, paper_table
from ferkit.papers.tfe import identity, specs
from ferkit.papers.tfe.plans import UNALIGNED, Plan, plan_for
from ferkit.training.by_folds import CrossTrained
from ferkit.workbook.networks import keep_networks, training_of
from ferkit.workbook.notebook_run import NotebookRun

METHODS = {
    "joint": "joint learning",
    "resnet": "ResNet alone",
    "longer": "ResNet, trained longer",
    "frozen": "both features, frozen",
    "untrained": "joint, identity untrained",
    "svm": "identity feature, SVM",
}
COMPARISONS = (
    ("joint", "resnet"),
    ("joint", "longer"),
    ("joint", "untrained"),
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
                "epochs": learning.epochs,
                "learning rate": learning.rate,
                "optimiser": learning.optimiser,
            }
    return pd.DataFrame(rows).T


def people_table(everybody: identity.Identities) -> pd.DataFrame:
    """Tabulate people and pictures of each part."""
    words = {"train": "training", "val": "validation", "unseen": "held-out people"}
    rows = {}
    for part, word in words.items():
        _, people = everybody.of(part)
        rows[word] = {"people": len(set(people)), "pictures": len(people)}
    return pd.DataFrame(rows).T


def tested_stills(folds: Sequence[Fold]) -> list[Clip]:
    """List the pictures of all test parts; of one fold those of all its parts."""
    if len(folds) == 1:
        return [*folds[0].train, *folds[0].val, *folds[0].test]
    return [clip for fold in folds for clip in fold.test]


# --- verification ---


def verify_networks(
    run: NotebookRun,
    sets: Mapping[str, identity.VerificationSet],
    networks: Mapping[str, nn.Module],
    seed: int,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verify pairs of each set with each network; return a table and the ROC curves.

    `networks` are named by the end of their metrics: "" for the trained one, "/untrained".
    """
    words = {"": "trained", "/untrained": "before training"}
    rows, curves = {}, []
    for place, (faces, people, pairs) in sets.items():
        for ending, network in networks.items():
            measured, _, curve = identity.verify_network(network, faces, people, pairs, seed=seed)
            name = f"verification/{place}{ending}"
            run.metrics[name] = measured.pop("accuracy")
            run.metrics.update({f"{name}/{what}": value for what, value in measured.items()})
            curves.append(curve.assign(panel=place, name=words[ending]))
            rows[place, words[ending]] = {
                "people": len(set(people)),
                "pairs": len(pairs),
                "accuracy": interval_text(run.metrics[name]),
                "accuracy at 0.15": interval_text(measured["at_0.15"]),
                "area under the ROC curve": f"{measured['area']['value']:.3f}",
            }
    columns = ["panel", "name", "false_accepts", "true_accepts"]
    return pd.DataFrame(rows).T, pd.concat(curves, ignore_index=True)[columns]


def describe_verification(run: NotebookRun) -> str:
    """Say how good the identity network is on people it never saw."""
    trained, untrained = (
        100 * run.metrics[f"verification/identities{ending}"]["value"]
        for ending in ("", "/untrained")
    )
    area = run.metrics["verification/identities/area"]["value"]
    return (
        f"Of the pairs of people it never saw, the trained network judges {trained:.1f} % "
        f"correctly, {trained - untrained:+.1f} points against the same network before training; "
        f"chance is 50 %, the paper's network has 91 % on LFW. Its area under the curve is "
        f"{area:.2f}."
    )


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
        score = intervals.bootstrap(rows.mean(0), measured.people, seed=seed)
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


def describe_starts(measured: Measured) -> str:
    """Say how far the starts of a method lie apart."""
    sentences = []
    for name, rows in measured.right.items():
        if len(rows) > 1:
            low, high = 100 * rows.mean(1).min(), 100 * rows.mean(1).max()
            sentences.append(
                f"The {len(rows)} starts of “{METHODS[name]}” lie between {low:.1f} and "
                f"{high:.1f} %."
            )
    return " ".join(sentences)


def recall_table(run: NotebookRun, dataset: str, measured: Measured, seed: int) -> pd.DataFrame:
    """Tabulate each class's recall for the ResNet and for joint learning."""
    tables = []
    for method in ("resnet", "joint"):
        predictions = measured.predictions[method]
        table = scores.recalls(
            predictions.truth, predictions.predicted, measured.classes, measured.people, seed=seed
        )
        rows = table.drop(columns="people").T.to_dict()
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
        text = f"Less often than by chance, joint learning recognises {', '.join(found)}."
    gains = 100 * (second["value"] - first["value"]).sort_values(ascending=False, kind="stable")
    ends = [f"{name} {gains[name]:+.0f}" for name in (*gains.index[:3], gains.index[-1])]
    return f"{text} The recall changes most in points: {', '.join(ends[:3])}; least: {ends[3]}."


# --- what is kept ---


def paper_rows(run: NotebookRun, dataset: str, results: Mapping[str, CrossTrained]) -> pd.DataFrame:
    """Put the paper's numbers beside those measured here.

    Figure 5 shows one fold: ours is the highest validation accuracy of the first.
    """
    for method in ("resnet", "joint"):
        best = results[method].trained[0].history["val_accuracy"].max()
        run.metrics[f"{dataset}/fold/{method}"] = {"value": float(best)}
    table = paper_table("tfe", run.metrics)
    return table[table["our data"] != ""].drop(columns=["note", "status"])


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

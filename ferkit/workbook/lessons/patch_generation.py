"""Tables, figures and sentences of notebook 04, patch generation."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.evaluation.intervals import Score, compare_paired
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.align import cut_boxes
from ferkit.papers import tables
from ferkit.papers.i2cnn import patches
from ferkit.papers.i2cnn.compare import BY_IMAGE, BY_PERSON, Comparison
from ferkit.papers.i2cnn.plans import PLANS
from ferkit.papers.i2cnn.task import PatchTask
from ferkit.workbook.lessons.leak_pairs import LeakPair, added_in_words, pairs_table
from ferkit.workbook.words import compare_in_words

# The methods in the order of the figures.
METHODS = {
    "cnn": "whole face, softmax",
    "k1": "whole face, k = 1",
    "k5": "five local patches, k = 5",
    "k60": "all patches, k = 60",
    "lbp": "LBP, radial SVM",
    "gabor": "Gabor, radial SVM",
}
_IN_WORDS = {"k1": "$k=1$", "k5": "$k=5$", "k60": "$k=60$", "lbp": "LBP", "gabor": "Gabor"}
PAIRS = (("k60", "k1"), ("k60", "k5"), ("k5", "k1"), ("k60", "lbp"), ("k60", "gabor"))
_PATCH_PIXELS = 96  # in the figure of all patches
_GAP = 3  # white pixels around each


# Patches


def draw_regions(face: np.ndarray, points: np.ndarray) -> Figure:
    """Draw the five global and the five local regions on a face, at scale 1."""
    boxes = patches.patch_boxes(points[None], len(face))[0]
    figure, axes = plt.subplots(1, 2, figsize=(8, 5.4), layout="constrained")
    regions = {
        "five global regions": patches.GLOBAL_REGIONS,
        "five local regions": patches.LOCAL_REGIONS,
    }
    for ax, (title, names) in zip(axes, regions.items(), strict=True):
        numbers = [patches.patch_number(name) for name in names]
        plots.plot_boxes(face, boxes[numbers], list(names), ax=ax)
        ax.set_title(title)
    return figure


def draw_patches(face: np.ndarray, points: np.ndarray) -> Axes:
    """Draw all 60 patches of a face: a column for each region, a row for each scale and flip."""
    boxes = patches.patch_boxes(points[None], len(face))
    margins = ((0, 0), (_GAP, _GAP), (_GAP, _GAP), (0, 0))
    cut = np.pad(cut_boxes(face[None], boxes, _PATCH_PIXELS)[0], margins, constant_values=255)
    regions = [*patches.GLOBAL_REGIONS, *patches.LOCAL_REGIONS]
    wall = []
    names = []
    for flipped in (False, True):
        for scale in patches.PATCH_SCALES:
            numbers = [patches.patch_number(name, scale, flipped=flipped) for name in regions]
            wall.append([cut[number] for number in numbers])
            names.append(f"x {scale:g}{', flipped' if flipped else ''}")
    return plots.plot_wall(wall, [name.replace(" ", "\n") for name in regions], names)


def mouth_patches() -> list[int]:
    """List the numbers of the patches around the mouth: three regions, all scales and flips."""
    regions = ("lower face", "right mouth corner", "left mouth corner")
    return [
        patches.patch_number(region, scale, flipped=flipped)
        for region in regions
        for scale in patches.PATCH_SCALES
        for flipped in (False, True)
    ]


def settings_table(level: str) -> pd.DataFrame:
    """Put a level's settings that differ from the paper's beside these."""
    columns = {}
    for title, name in (("paper", "paper"), (f"level {level}", level)):
        plan = PLANS[name]
        steps = ", ".join(f"{count:,}" for count in plan.iterations.values())
        if title == "paper":
            steps = f"not given; ours {steps}"
        columns[title] = {
            "aligned face, pixels": plan.face,
            "patch that the network sees, pixels": plan.crop,
            "filters, as a share of AlexNet's": f"{plan.width:g}",
            "features of one patch": plan.dense,
            "features of one face": f"{patches.PATCH_COUNT * plan.dense:,}",
            "training steps for k = 1, 5, 60": steps,
            "dropout": plan.dropout,
            "normalisation": "batch" if plan.batch_norm else "response",
            "optimiser, learning rate": f"{plan.optimiser}, {plan.rate:g}",
            "folds, at most": plan.folds,
        }
    table = pd.DataFrame(columns)
    return table[table["paper"].astype(str) != table[f"level {level}"].astype(str)]


# Methods


def method_metrics(comparison: Comparison, prefix: str, seed: int) -> dict[str, Any]:
    """Score all methods, their differences and the steps from one patch to 60.

    `prefix` is such as "posed/7"; each recall of k = 60, k = 1 and LBP is a metric too.
    """
    metrics: dict[str, Any] = {}
    for name in METHODS:
        metrics[f"{prefix}/{name}/top1"] = comparison.methods[name].accuracy_metric(seed)
    for (first, second), gain in method_gains(comparison, seed).items():
        metrics[f"{prefix}/{first}_minus_{second}"] = gain.metric()
    whole_face = metrics[f"{prefix}/k1/top1"]["value"]
    if whole_face:
        gain = metrics[f"{prefix}/k60_minus_k1"]["value"]
        metrics[f"{prefix}/relative_gain"] = {"value": gain / whole_face}
    for (trained, features), predictions in comparison.steps.items():
        key = f"{prefix}/why/trained_on_{trained}_svm_on_{features}"
        metrics[key] = predictions.accuracy_metric(seed)
    metrics[f"{prefix}/why/mean_of_60_softmaxes"] = comparison.softmax.accuracy_metric(seed)
    for name in ("k60", "k1", "lbp"):
        recalls = comparison.methods[name].recall_table(seed).to_dict("index")
        metrics |= {f"{prefix}/{name}/recall/{key}": recall for key, recall in recalls.items()}
    return metrics


def method_gains(comparison: Comparison, seed: int) -> dict[tuple[str, str], Score]:
    """Compare the pairs of methods of PAIRS on the same faces: first minus second."""
    correct = {name: predictions.correct() for name, predictions in comparison.methods.items()}
    people = comparison.methods["k1"].people
    return {
        (first, second): compare_paired(correct[first], correct[second], people, seed=seed)
        for first, second in PAIRS
    }


def describe_gains(comparison: Comparison, seed: int) -> str:
    """Say for each pair of methods which is better, with the number of classes in front."""
    sentences = [f"**{len(comparison.softmax.names)} classes.**"]
    for (first, second), gain in method_gains(comparison, seed).items():
        sentences.append(compare_in_words(_IN_WORDS[first], _IN_WORDS[second], gain))
    return " ".join(sentences)


def method_table(metrics: Mapping[str, Any], prefix: str) -> pd.DataFrame:
    """Tabulate the methods for `plot_intervals`, with the paper's values on the same data set."""
    labels = {f"{prefix}/{name}/top1": title for name, title in METHODS.items()}
    chance = 1 / int(prefix.rpartition("/")[2])
    return tables.interval_table(metrics, labels, chance=chance, short_name="i2cnn")


def step_table(metrics: Mapping[str, Any], prefix: str) -> pd.DataFrame:
    """Tabulate the steps from one patch to 60 for `plot_intervals`."""
    labels = {
        "trained_on_1_svm_on_1": "trained on 1 patch, SVM on 1",
        "trained_on_60_svm_on_1": "trained on 60 patches, SVM on 1",
        "trained_on_60_svm_on_5": "trained on 60 patches, SVM on 5",
        "trained_on_60_svm_on_60": "trained on 60 patches, SVM on 60",
        "mean_of_60_softmaxes": "trained on 60 patches, no SVM",
    }
    chosen = {f"{prefix}/why/{step}": label for step, label in labels.items()}
    return tables.interval_table(metrics, chosen, chance=1 / int(prefix.rpartition("/")[2]))


def describe_steps(comparison: Comparison, seed: int) -> list[str]:
    """Say what more training patches alone bring, and what more features for the SVM bring."""
    steps = {key: predictions.correct() for key, predictions in comparison.steps.items()}
    people = comparison.softmax.people
    training = compare_paired(steps[60, 1], steps[1, 1], people, seed=seed)
    features = compare_paired(steps[60, 60], steps[60, 1], people, seed=seed)
    of_training = compare_in_words("training on 60 patches", "training on one", training)
    of_features = compare_in_words("an SVM on 60 patches", "an SVM on one", features)
    return [
        f"**More training pictures**, with the SVM on the whole face. {of_training}",
        f"**More features**, with the network trained on 60 patches. {of_features}",
    ]


def confusion_table(comparison: Comparison) -> pd.DataFrame:
    """Count true and predicted classes of k = 60 and LBP, for `plot_confusion`."""
    shown = ("k60", "lbp")
    return tables.confusion_panels(
        {METHODS[name]: comparison.methods[name].count_confusions() for name in shown}
    )


def describe_recalls(comparison: Comparison, seed: int) -> str:
    """Say for which classes the recalls of k = 60 and LBP differ, and how wide intervals are."""
    lbp = comparison.methods["lbp"]
    patches_correct = comparison.methods["k60"].correct().astype(int)
    better: list[str] = []
    worse: list[str] = []
    widths: list[float] = []
    for code, name in enumerate(lbp.names):
        rows = lbp.truth == code
        gain = compare_paired(
            patches_correct[rows], lbp.correct()[rows], lbp.people[rows], seed=seed
        )
        widths.append(100 * (gain.high - gain.low))
        if gain.low > 0:
            better.append(name)
        if gain.high < 0:
            worse.append(name)
    return (
        f"Recognised better with 60 patches than by LBP, with intervals above zero: "
        f"{', '.join(better) or 'no expression'}; recognised better by LBP: "
        f"{', '.join(worse) or 'no expression'}. The intervals of these differences are "
        f"{min(widths):.0f} to {max(widths):.0f} points wide."
    )


# The leak


def pair_folds(
    leak: Mapping[tuple[str, str, str], Predictions], tasks: Mapping[str, PatchTask], seed: int
) -> dict[tuple[str, str], LeakPair]:
    """Pair the results by folds of people and of images, as of `compare_folds`.

    The keys are the name of the task and the method.
    """
    return {
        (place, name): LeakPair(
            by_person.correct(), leak[place, name, BY_IMAGE].correct(), tasks[place].people, seed
        )
        for (place, name, kind), by_person in leak.items()
        if kind == BY_PERSON
    }


def leak_metrics(
    pairs: Mapping[tuple[str, str], LeakPair], dataset: str
) -> dict[str, dict[str, float]]:
    """Return the accuracies by both kinds of folds, and what folds by image add."""
    metrics: dict[str, dict[str, float]] = {}
    for (place, name), pair in pairs.items():
        metrics |= pair.metrics(f"{dataset}/leak/{place}/{name}".replace(" ", "_"))
    return metrics


def leak_table(pairs: Mapping[tuple[str, str], LeakPair]) -> pd.DataFrame:
    """Tabulate the leak for `plot_pairs`, a panel for each task."""
    panels = [
        pairs_table(of_task).assign(panel=place) for place, of_task in _by_task(pairs).items()
    ]
    return pd.concat(panels, ignore_index=True)


def describe_leak(pairs: Mapping[tuple[str, str], LeakPair]) -> list[str]:
    """Say for each task how much folds by image add to the accuracy of each method."""
    sentences = []
    for place, of_task in _by_task(pairs).items():
        added = [f"{title} {added_in_words(pair)}" for title, pair in of_task.items()]
        raised = sum(pair.difference.low > 0 for pair in of_task.values())
        fallen = sum(pair.difference.high < 0 for pair in of_task.values())
        fall = f", a fall for {fallen}" if fallen else ""
        sentences.append(
            f"**{place.capitalize()}.** Folds by image add: {'; '.join(added)}. "
            f"A rise is shown for {raised} of {len(added)} methods{fall}."
        )
    return sentences


def _by_task(pairs: Mapping[tuple[str, str], LeakPair]) -> dict[str, dict[str, LeakPair]]:
    """Sort pairs by task, and name their methods in words."""
    tasks: dict[str, dict[str, LeakPair]] = {}
    for (place, name), pair in pairs.items():
        tasks.setdefault(place, {})[METHODS[name].partition(",")[0]] = pair
    return tasks

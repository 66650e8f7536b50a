"""Tables and figures of notebook 03: inputs, losses, both branches against each alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Markdown
from matplotlib.figure import Figure
from pandas.io.formats.style import Styler

from ferkit import plots
from ferkit.core.labels import COMPOUND
from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, fold_hash
from ferkit.evaluation import intervals, scores
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.papers import tables
from ferkit.papers.multimodal.comparisons import OTHERS_PICTURE, OTHERS_RESIDUAL, OWN
from ferkit.papers.multimodal.data import CompoundFaces, compound_faces
from ferkit.papers.multimodal.experiment import training_count
from ferkit.papers.multimodal.network import SingleBranch
from ferkit.papers.multimodal.plans import PLANS, Plan
from ferkit.papers.multimodal.specs import SINGLE_BRANCH
from ferkit.papers.multimodal.study import linear_methods
from ferkit.training.by_folds import CrossTrained
from ferkit.training.layers import constant_hinge, count_parameters, layer_table
from ferkit.training.spec import Network
from ferkit.workbook import networks
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.words import compare_in_words, say

_CLASSES = len(COMPOUND.names)
_BOTH = ("both, hinge", "both, cross-entropy")
# The methods, in the order of the figure, with the names of their metrics after the data set.
_METHOD_KEYS = {
    "SVM, raw landmarks": "same_folds/raw",
    "HOG, ridge": "same_folds/hog",
    "pictures alone": "50/alexnet",
    "SVM, residuals": "same_folds/residual",
    "softmax, residuals": "same_folds/residual_softmax",
    "both, hinge": "50/two_branches_hinge",
    "both, cross-entropy": "50/two_branches_cross_entropy",
}
_LINEAR = {
    "SVM, raw landmarks": "svm_raw",
    "HOG, ridge": "hog",
    "SVM, residuals": "svm_residual",
    "softmax, residuals": "softmax_residual",
}
_FROM_ONE_PICTURE = ("SVM, raw landmarks", "HOG, ridge", "pictures alone")
_COMPARED = (
    ("both, hinge", "SVM, residuals"),
    ("both, cross-entropy", "SVM, residuals"),
    ("both, cross-entropy", "softmax, residuals"),
    ("both, cross-entropy", "pictures alone"),
    ("both, cross-entropy", "both, hinge"),
    ("SVM, residuals", "pictures alone"),
    ("pictures alone", "HOG, ridge"),
)
_PAPER_TOP_K = {
    "two branches, landmarks of 224 pixels": [0.2222, 0.3662, 0.4658, 0.5471, 0.6129],
    "two branches, landmarks of 1200 pixels": [0.2227, 0.3800, 0.4764, 0.5613, 0.6293],
}

# --- data and method ---


def load_faces(
    dataset: str, level: str, seed: int, data_root: str
) -> tuple[list[Clip], CompoundFaces]:
    """Load and prepare a data set at the size of the level's networks."""
    clips = load_clips(dataset, level, seed, data_root)
    return clips, compound_faces(prepare(clips, 224, progress=False), PLANS[level].size)


def compare_settings(plan: Plan, faces: CompoundFaces, folds: Sequence[Fold]) -> pd.DataFrame:
    """Put the settings of a level beside the paper's."""
    count = training_count(faces, folds)
    recipe = plan.recipes(count)["pictures alone"]
    here = {
        "pixels of a picture": plan.size,
        "width of the convolutions": plan.width,
        "dropout": plan.dropout,
        "normalisation": "batch" if plan.batch_norm else "response",
        "training faces": count,
        "batches, at most": recipe.iterations or recipe.epochs * recipe.batch_count(count),
        "optimiser": recipe.optimiser.upper() if recipe.optimiser == "sgd" else "Adam",
        "learning rate": plan.rate,
        "the rate rises and falls": "yes" if plan.learning else "no",
        "pictures mirrored, turned and shifted": "yes" if plan.augment else "no",
    }
    theirs = [224, 1.0, 0.8, "response", 20_719, 100_000, "SGD", 0.0005, "no", "no"]
    return pd.DataFrame({"the paper": theirs, "here": here.values()}, index=list(here))


def draw_inputs(run: NotebookRun, faces: CompoundFaces, dataset: str) -> Figure:
    """Draw what each branch sees of one face: the picture, and the residual as arrows."""
    row = faces.labels.index("happiness") if "happiness" in faces.labels else 0
    picture = faces.pictures[row].permute(1, 2, 0).numpy()
    own_mean = faces.landmarks[row] - faces.residuals[row].numpy().reshape(68, 2)
    figure, axes = plt.subplots(1, 2, figsize=(6, 3.1), layout="constrained")
    axes[0].imshow(plots.cover_restricted([picture], dataset)[0])
    axes[0].set_axis_off()
    axes[0].set_title("branch 1: the picture")
    plots.plot_displacement(own_mean, faces.landmarks[row], ax=axes[1], times=2)
    axes[1].set_title("branch 2: the residual")
    run.picture(figure, "inputs")
    plt.close(figure)
    return figure


def alexnet_layers() -> Styler:
    """Tabulate the convolutions and poolings of AlexNet at the paper's size."""
    alexnet = SingleBranch()  # 224 pixels, all filters
    rows = layer_table(alexnet.visual.trunk, torch.zeros(1, 3, 224, 224))
    shown = [row for row in rows if row["layer"].startswith(("Conv", "MaxPool"))]
    names = [row["layer"].split("(")[0] for row in shown]
    table = pd.DataFrame(
        {
            "layer": names,
            "maps": [row["output"][0] for row in shown],
            "pixels": ["{1} x {2}".format(*row["output"]) for row in shown],
            "parameters": [f"{row['parameters']:,}" for row in shown],
        }
    )
    total = (
        f"with dense layers of 256, 256 and {_CLASSES}: {count_parameters(alexnet):,} parameters"
    )
    return table.style.hide().set_caption(total)


# --- results ---


def collect_predictions(
    designs: Mapping[str, CrossTrained], faces: CompoundFaces, folds: Sequence[Fold]
) -> dict[str, Predictions]:
    """Collect the predictions of the networks and of classifiers without a network."""
    linear = linear_methods(faces, list(folds))
    found = {name: linear[method] for name, method in _LINEAR.items()}
    found |= {name: run.predictions(COMPOUND.names) for name, run in designs.items()}
    return {name: found[name] for name in _METHOD_KEYS}


def keep_results(
    run: NotebookRun, found: Mapping[str, Predictions], dataset: str, seed: int
) -> None:
    """Measure top-k of each method."""
    for name, key in _METHOD_KEYS.items():
        result = found[name]
        top_k = scores.top_k_metrics(result.scores, result.truth, result.people, seed=seed)
        run.metrics.update({f"{dataset}/{key}/{k}": value for k, value in top_k.items()})


def draw_top_1(run: NotebookRun, dataset: str) -> Figure:
    """Draw top-1 of all methods."""
    labels = {f"{dataset}/{key}/top1": name for name, key in _METHOD_KEYS.items()}
    table = tables.interval_table(run.metrics, labels, chance=1 / _CLASSES, short_name="multimodal")
    is_one = table["name"].isin(_FROM_ONE_PICTURE)
    table["group"] = np.where(is_one, "one picture", "uses the person's other pictures")
    title = f"{_CLASSES} classes, people never seen in training"
    return run.figure("plot_intervals", table, "two_branches", size=(7, 3.8), title=title)


def say_comparisons(
    run: NotebookRun, found: Mapping[str, Predictions], dataset: str, seed: int
) -> Markdown:
    """Keep and say the paired differences that the claims are about."""
    lines = []
    for first, second in _COMPARED:
        gain = intervals.compare_paired(
            found[first].correct(), found[second].correct(), found[first].people, seed=seed
        )
        name = f"{dataset}/{_METHOD_KEYS[first]}/minus_{_METHOD_KEYS[second].split('/')[-1]}"
        run.metrics[name] = gain.metric()
        lines.append("- " + compare_in_words(f"*{first}*", f"*{second}*", gain))
    return Markdown("\n".join(lines))


def draw_losses(run: NotebookRun, designs: Mapping[str, CrossTrained]) -> Figure:
    """Draw the loss of both branches on training and validation people after the first epoch.

    In the first epoch the hinge loss falls from so far above that nothing else could be seen.
    """
    table = tables.history_table({(name, name): designs[name].history for name in _BOTH})
    if table["x"].max() > 2:
        table = table[table["x"] > 1]
    return run.figure("plot_history", table, "loss", size=(4, 3.2), ylabel="loss")


def draw_validation(run: NotebookRun, designs: Mapping[str, CrossTrained]) -> Figure:
    """Draw top-1 on validation people by epoch."""
    curves = [
        design.history[["epoch", "val_accuracy", "fold"]]
        .set_axis(["x", "value", "fold"], axis=1)
        .assign(curve=name, part="validation")
        for name, design in designs.items()
    ]
    title = "Top-1 on validation people"
    table = pd.concat(curves)
    size = (7, 3.4)
    return run.figure("plot_history", table, "top_1", size=size, title=title, ylabel="accuracy")


def say_losses(
    run: NotebookRun, designs: Mapping[str, CrossTrained], faces: CompoundFaces, dataset: str
) -> Markdown:
    """Keep and say the lowest validation losses, and the loss of constant scores."""
    sentences = []
    for name in _BOTH:
        lowest = float(designs[name].history.groupby("fold")["val_loss"].min().mean())
        run.metrics[f"{dataset}/{_METHOD_KEYS[name]}/lowest_val_loss"] = {"value": lowest}
        sentences.append(f"The lowest validation loss of *{name}* is {lowest:.2f}.")
    tested = designs[_BOTH[0]].fold != ""
    floor = constant_hinge(torch.from_numpy(faces.classes[tested]), _CLASSES)
    run.metrics[f"{dataset}/50/constant_scores/hinge"] = {"value": floor}
    sentences.append(f"Scores that are the same for all faces reach a hinge loss of {floor:.2f}.")
    return say(*sentences)


def draw_top_k(run: NotebookRun, dataset: str) -> Figure:
    """Draw top-1 to top-5 of four methods beside the paper's."""
    names = ("both, cross-entropy", "both, hinge", "SVM, residuals", "pictures alone")
    curves = {
        name: {
            f"top{k}": run.metrics[f"{dataset}/{_METHOD_KEYS[name]}/top{k}"] for k in range(1, 6)
        }
        for name in names
    }
    table = tables.top_k_table(curves, _PAPER_TOP_K)
    title = f"{_CLASSES} classes: is the truth among the first k?"
    size = (7.5, 4)
    return run.figure("plot_top_k", table, "top_5", size=size, title=title, chance=_CLASSES)


def draw_rejected(
    run: NotebookRun,
    rejected: Mapping[str, CrossTrained],
    found: Mapping[str, Predictions],
    dataset: str,
    seed: int,
) -> Figure:
    """Draw the rejected designs beside the others, on the test people of the first fold."""
    designs = {name: design.predictions(COMPOUND.names) for name, design in rejected.items()}
    same = np.isin(found["pictures alone"].people, designs["two heads"].people)
    whole = {
        "pictures alone, 50 classes": "pictures alone",
        "both, 50 classes": "both, cross-entropy",
        "both, hinge, 50 classes": "both, hinge",
    }
    designs = {text: found[name].select(same) for text, name in whole.items()} | designs
    rows = []
    for name, result in designs.items():
        score = result.accuracy_metric(seed)
        metric = name.replace(", ", "_").replace(" ", "_")
        run.metrics[f"{dataset}/first_fold/{metric}"] = score
        words = name.replace("as_authors_code", "the authors' code").replace(", 50 classes", "")
        group = "one picture" if "both" not in name else "uses the person's other pictures"
        rows.append({"name": words, "group": group, "chance": 1 / _CLASSES, **score})
    table = pd.DataFrame(rows).replace({"name": {"both": "both, cross-entropy"}})
    title = "Rejected designs and variants, first fold"
    return run.figure("plot_intervals", table, "rejected", size=(7, 3.8), title=title)


def keep_dropout(
    run: NotebookRun, plan: Plan, rejected: Mapping[str, CrossTrained], found: Any, dataset: str
) -> None:
    """Keep top-k of the hinge loss with dropout 0.5, the network of the paper's table II."""
    half = found["both, hinge"]
    if plan.dropout != 0.5:
        half = rejected["both, hinge, dropout 0.5"].predictions(COMPOUND.names)
    top_k = scores.top_k_metrics(half.scores, half.truth, half.people)
    run.metrics.update({f"{dataset}/50/hinge_dropout_0.5/{k}": top_k[k] for k in top_k})


def draw_swapped(
    run: NotebookRun, swapped: Mapping[str, Predictions], dataset: str, seed: int
) -> Figure:
    """Draw accuracy with own inputs and with one input of somebody else."""
    metric = f"{dataset}/{_METHOD_KEYS['both, cross-entropy']}"
    names = {OTHERS_PICTURE: "strange_pictures", OTHERS_RESIDUAL: "strange_residuals"}
    rows = []
    for name, result in swapped.items():
        score = result.accuracy_metric(seed)
        if name in names:
            run.metrics[f"{metric}/{names[name]}"] = score
        rows.append({"name": name, "chance": 1 / _CLASSES, **score})
    title = "What does the trained network use? Both branches, cross-entropy"
    size = (7, 2.2)
    return run.figure("plot_intervals", pd.DataFrame(rows), "swapped", size=size, title=title)


def say_swapped(swapped: Mapping[str, Predictions], seed: int) -> Markdown:
    """Say what the trained network loses without its own picture, and without its residual."""
    own = swapped[OWN]
    if len(swapped) == 1:
        return say("Too few people are tested to swap their inputs.")
    sentences = []
    for other in (OTHERS_PICTURE, OTHERS_RESIDUAL):
        result = swapped[other]
        gain = intervals.compare_paired(own.correct(), result.correct(), own.people, seed=seed)
        sentences.append(compare_in_words(f"*{OWN}*", f"*{other}*", gain))
    return say(*sentences)


def keep_network(
    designs: Mapping[str, CrossTrained], plan: Plan, about: tuple[str, str, int], out: Path
) -> None:
    """Keep the first fold's network of pictures for notebook 09 and `ferkit predict`.

    `about` is the data set, level and seed.
    """
    module = designs["pictures alone"].trained[0].network
    network = Network(
        SINGLE_BRANCH,
        plan.shape,
        COMPOUND.names,
        SINGLE_BRANCH.views(plan.size),
        module,
        about=networks.training_of(*about),
    )
    networks.keep_networks(out, [network])


def save_run(run: NotebookRun, dataset: str, folds: Sequence[Fold]) -> str:
    """Save all metrics, the three main ones first."""
    first = ("both, cross-entropy", "SVM, residuals", "pictures alone")
    headline = [f"{dataset}/{_METHOD_KEYS[name]}/top1" for name in first]
    return run.save(*headline, folds=fold_hash(folds))

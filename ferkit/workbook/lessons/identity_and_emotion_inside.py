"""Pictures of notebook 07, and what its identity branch contributes."""

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from scipy.special import softmax
from torch import nn

from ferkit import plots
from ferkit.data.folds import Fold
from ferkit.evaluation import intervals, scores
from ferkit.explain.tsne import embed_repeatedly, same_neighbours
from ferkit.papers.tables import interval_table
from ferkit.papers.tfe import experiment, identity
from ferkit.papers.tfe.data import TandemFaces
from ferkit.training.by_folds import CrossTrained
from ferkit.workbook.lessons.identity_and_emotion import Measured
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.words import compare_in_words

_GAMMA = 0.7  # lightens faces, so that dark ones can be seen in print
_MOST_EMBEDDED = 600  # pictures in the t-SNE figure


def draw_people_and_emotions(faces: TandemFaces, dataset: str, rows: int = 3) -> Axes:
    """Draw some people in rows and their expressions in columns; grey where there is no picture."""
    shown = _people_and_emotions(faces, rows)
    blank = np.full(faces.picture.shape[2:] + (3,), 230, np.uint8)
    pictures = []
    for person in shown.index:
        row = [_picture(faces, number, dataset, blank) for number in shown.loc[person]]
        pictures.append(row)
    names = [f"person {number}" for number in range(1, len(pictures) + 1)]
    return plots.plot_wall(pictures, list(shown.columns), names, width=1.5 * len(shown.columns))


def _picture(faces: TandemFaces, number: float, dataset: str, blank: np.ndarray) -> np.ndarray:
    if np.isnan(number):
        return blank
    image = lighten(faces.picture[int(number)].permute(1, 2, 0).numpy())
    return plots.cover_restricted([image], dataset)[0]


def _people_and_emotions(faces: TandemFaces, people: int, emotions: int = 4) -> pd.DataFrame:
    """Row numbers of pictures, NaN for none: a row a person, a column an emotion."""
    numbered = pd.DataFrame({"person": faces.people, "emotion": faces.emotion})
    numbered["row"] = np.arange(len(faces))
    table = numbered.pivot_table(index="person", columns="emotion", values="row", aggfunc="max")
    most_frequent = table.notna().sum().nlargest(emotions).index
    table = table[[name for name in faces.classes if name in most_frequent]]
    order = table.notna().sum(axis=1).sort_values(ascending=False, kind="stable").index
    return table.loc[order[:people]]


def phase_curves(results: Mapping[str, CrossTrained]) -> pd.DataFrame:
    """Tabulate both phases for `plot_history`; the second begins where the first ends."""
    names = {"resnet": "ResNet", "longer": "ResNet, longer", "joint": "joint"}
    panels = {
        "train_loss": "cross-entropy, training people",
        "val_accuracy": "accuracy, validation people",
    }
    first_epochs = int(results["resnet"].history["epoch"].max())
    rows = []
    for column, panel in panels.items():
        for method, name in names.items():
            history = results[method].history
            values = {
                "x": history["epoch"] + (0 if method == "resnet" else first_epochs),
                "value": history[column],
                "fold": history["fold"],
            }
            part = column.split("_")[0]
            rows.append(pd.DataFrame(values).assign(panel=panel, curve=name, part=part))
    return pd.concat(rows, ignore_index=True)


def draw_corrected(
    measured: Measured, faces: TandemFaces, joint: CrossTrained, dataset: str, count: int = 4
) -> tuple[Figure, pd.DataFrame]:
    """Draw faces that the ResNet got wrong and joint learning right, the surest first.

    One picture of a sequence at most. Returns the figure and the drawn probabilities.
    """
    before, after = (
        softmax(measured.predictions[name].scores, axis=1) for name in ("resnet", "joint")
    )
    tested = np.flatnonzero(np.isfinite(joint.scores).all(1))
    fixed = measured.predictions["joint"].correct() & ~measured.predictions["resnet"].correct()
    order = np.argsort(-after.max(1), kind="stable")
    surest: dict[str, int] = {}
    for row in order[fixed[order]]:
        surest.setdefault(faces.names[tested[row]].partition("/")[0], row)
    chosen = list(surest.values())[:count]
    figure, axes = plt.subplots(2, count, figsize=(8, 5), layout="constrained", squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for (above, below), row in zip(axes.T, chosen, strict=False):
        truth = measured.classes[measured.truth[row]]
        image = lighten(faces.picture[tested[row]].permute(1, 2, 0).numpy())
        above.imshow(plots.cover_restricted([image], dataset)[0], interpolation="antialiased")
        above.set_title(f"shows {truth}")
        below.set_axis_on()
        both = {"ResNet": before[row], "joint": after[row]}
        plots.plot_scores(both, measured.classes, ax=below, truth=truth)
        below.tick_params(axis="y", labelleft=bool(below is axes[1, 0]))
    if chosen:
        handles = axes[1, 0].get_legend_handles_labels()
        figure.legend(*handles, loc="outside lower center", ncols=2, frameon=False)
    columns = [f"{name} {label}" for name in ("resnet", "joint") for label in measured.classes]
    return figure, pd.DataFrame(np.c_[before[chosen], after[chosen]], columns=columns)


# --- what the identity branch contributes ---


def show_other_faces(
    run: NotebookRun,
    dataset: str,
    joint: CrossTrained,
    faces: TandemFaces,
    folds: Sequence[Fold],
    seed: int,
) -> tuple[Figure | None, str]:
    """Give the identity branch another picture; return a figure and what it shows.

    Only faces that are not neutral count. Without neutral pictures of the same people there is
    nothing to draw.
    """
    if "neutral" not in faces.classes or len(set(faces.people)) == len(faces):
        return None, f"`{dataset}` has no neutral picture of people who show something else too."
    predicted = experiment.predict_with_other_faces(joint, faces, folds, seed)
    if predicted.empty:
        return None, f"No fold of `{dataset}` tests two people with a neutral picture."
    predicted = predicted[predicted["truth"] != faces.classes.index("neutral")]
    people = predicted["person"].to_numpy()
    names = ("own picture", "own neutral face", "somebody else's neutral face")
    right = {name: (predicted[name] == predicted["truth"]).to_numpy() for name in names}
    labels = {}
    for name, correct in right.items():
        key = f"{dataset}/joint/{name.replace(' ', '_')}"
        run.metrics[key] = scores.score(correct, people, seed=seed)
        labels[key] = name
    same = intervals.compare_paired(right[names[1]], right[names[2]], people, seed=seed)
    run.metrics[f"{dataset}/joint/own_minus_other_neutral"] = same.metric()
    table = interval_table(run.metrics, labels)
    title = "The identity branch sees"
    figure = run.figure("plot_intervals", table, "other_faces", size=(7.2, 2.4), title=title)
    return figure, compare_in_words("the person's own neutral face", "somebody else's", same)


# --- the two features ---


def describe_by_both(
    deepid: nn.Module, results: Mapping[str, CrossTrained], faces: TandemFaces, fold: Fold
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Return both features of a fold's test faces, and their emotions and persons.

    One picture of each person and emotion.
    """
    joint = results["joint"]
    tested = np.flatnonzero((joint.fold == fold.name) & np.isfinite(joint.scores).all(1))
    last = {(faces.people[row], faces.emotion[row]): row for row in tested}
    rows = np.array(sorted(last.values()))[:_MOST_EMBEDDED]
    chosen = torch.from_numpy(rows)
    emotion = results["resnet"].trained[0].network
    features = {
        "identity feature": identity.describe_faces(deepid, faces.face[chosen]),
        "emotion feature": identity.describe_faces(emotion, faces.picture[chosen]),
    }
    return features, {"emotion": faces.emotion[rows], "person": faces.people[rows]}


def embed_both(
    features: Mapping[str, np.ndarray], known: Mapping[str, Sequence[Any]], seed: int
) -> pd.DataFrame:
    """Place both features in the plane, for `plot_embedding`."""
    tables = []
    for name, feature in features.items():
        perplexity = min(30.0, len(feature) // 4)
        table = embed_repeatedly(feature, known, perplexities=[perplexity], seeds=[seed])
        tables.append(table.assign(panel=name))
    return pd.concat(tables, ignore_index=True).drop(columns="person")


def neighbours_table(
    run: NotebookRun,
    dataset: str,
    features: Mapping[str, np.ndarray],
    known: Mapping[str, np.ndarray],
    seed: int,
) -> pd.DataFrame:
    """Tabulate how many of five nearest neighbours share emotion or person, beside chance."""
    tables = []
    for what, groups in known.items():
        labels = {}
        for name, feature in features.items():
            share = same_neighbours(feature, groups)
            key = f"{dataset}/{name.split()[0]}/same_{what}"
            value = intervals.bootstrap(share, known["person"], seed=seed)
            run.metrics[key] = value.metric()
            labels[key] = name
        sizes = pd.Series(groups).value_counts()
        chance = float((sizes * (sizes - 1)).sum() / (len(groups) * (len(groups) - 1)))
        table = interval_table(run.metrics, labels, chance=chance)
        tables.append(table.assign(panel=f"same {what}"))
    return pd.concat(tables, ignore_index=True)


def lighten(image: np.ndarray) -> np.ndarray:
    """Lighten a picture uint8 for print."""
    return (255 * (image / 255) ** _GAMMA).round().astype(np.uint8)

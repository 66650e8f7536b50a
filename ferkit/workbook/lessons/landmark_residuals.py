"""Tables and figures of notebook 02: alignment, residuals, intervals, photographs."""

import warnings
from collections.abc import Iterable, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.core.labels import EMOTIONS
from ferkit.data import dataset as data_set
from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, fold_hash
from ferkit.evaluation import scores
from ferkit.evaluation.intervals import TAILS, Score, compare_paired, over_trainings
from ferkit.evaluation.predictions import Predictions
from ferkit.faces import align, detect
from ferkit.faces.load import load_clips
from ferkit.faces.pictures import read_image
from ferkit.faces.prepare import prepare
from ferkit.papers import tables
from ferkit.papers.multimodal.landmark_svm import (
    GROUPS,
    RAW,
    RESIDUAL,
    LandmarkFaces,
    landmark_faces,
    measure_resolution,
)
from ferkit.workbook.explorers.base import Explorer
from ferkit.workbook.explorers.landmarks import landmark_explorer
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.words import compare_in_words, say

_SIZE = 224  # pixels of an aligned face
_INPUTS = {RAW: "raw landmarks", RESIDUAL: "residuals"}
_PAPER_CLASSES = "50"
_LONGER = 2.5  # arrows, in the figure of mean residuals
_BINS = 40

# --- faces and residuals ---


def load_faces(
    dataset: str, level: str, seed: int, data_root: str
) -> tuple[list[Clip], LandmarkFaces, pd.DataFrame]:
    """Load and prepare a data set; return clips, faces and how many of them were found."""
    clips = load_clips(dataset, level, seed, data_root)
    with warnings.catch_warnings():
        # They are counted in the summary.
        warnings.filterwarnings("ignore", message=".*have no prepared face.*")
        prepared = prepare(clips, _SIZE, progress=False)
    return clips, landmark_faces(prepared), prepared.summary()


def save_run(run: NotebookRun, dataset: str, count: str, folds: Sequence[Fold]) -> str:
    """Save all metrics, those of the task with `count` classes first."""
    headline = [f"{dataset}/{count}/{name}/top1" for name in (RESIDUAL, RAW)]
    return run.save(*headline, "drawn_to_london/single/present", folds=fold_hash(folds))


def emotions_of(classes: Iterable[str]) -> list[str]:
    """List the emotions among classes, in their usual order."""
    present = set(classes)
    return [emotion for emotion in EMOTIONS if emotion in present]


def choose_emotion(faces: LandmarkFaces) -> str:
    """Choose the emotion that figures show: happiness where it is there."""
    emotions = emotions_of(faces.classes[faces.pure])
    return "happiness" if "happiness" in emotions else emotions[-1]


def two_emotions(faces: LandmarkFaces) -> LandmarkFaces:
    """Select two emotions that differ clearly, for a rule made by hand."""
    chosen = choose_emotion(faces)
    others = [name for name in emotions_of(faces.classes[faces.pure]) if name != chosen]
    other = "sadness" if "sadness" in others else others[0]
    return faces.select(faces.pure & np.isin(faces.classes, [chosen, other]))


def class_mix(emotions: Iterable[str]) -> str:
    """Say how often each emotion occurs, the most frequent first."""
    counts = pd.Series(list(emotions)).value_counts()
    return ", ".join(f"{emotion} {count}" for emotion, count in counts.items())


def draw_residuals(run: NotebookRun, faces: LandmarkFaces) -> Figure:
    """Draw faces of one emotion as they are, and their residuals on the mean face."""
    emotion = choose_emotion(faces)
    shown = faces.pure & (faces.classes == emotion)
    both = np.concatenate([faces.points[shown], faces.points.mean(0) + faces.residuals[shown]])
    panels = np.repeat(["raw landmarks", "residuals, on the mean face"], shown.sum())
    table = plots.points_table(both, panel=panels, person=np.tile(faces.people[shown], 2))
    title = f"{emotion.capitalize()}, one thin line per person"
    return run.figure("plot_residuals", table, "residuals", size=(4.2, 4.2), title=title)


def explore(faces: LandmarkFaces) -> Explorer:
    """Explore the faces of one emotion, as they are and as residuals."""
    pure = faces.select(faces.pure)
    return landmark_explorer(pure.points, pure.people, pure.classes)


def draw_alignment(run: NotebookRun, faces: LandmarkFaces) -> Figure:
    """Draw the steps of one face: picture, landmarks, aligned, landmarks found again."""
    row = faces.prepared.table.iloc[int(np.flatnonzero(faces.pure)[0])]
    picture = read_image(row["path"])
    face = detect.find_face(picture)
    if face is None:
        raise ValueError(f"no face is found in {row['name']}, although it was before")
    matrix = align.alignment(face.landmarks, _SIZE)
    aligned = align.align(picture, matrix, _SIZE)
    again = detect.landmarks_in(aligned, align.apply_box(matrix, face.box))
    before = align.anchors(face.landmarks)
    after = align.anchors(align.apply(matrix, face.landmarks))
    figure, ax = plt.subplots(figsize=(8, 2.8), layout="constrained")
    plots.plot_alignment_steps(
        plots.cover_restricted([picture, picture, aligned, aligned], row["dataset"]),
        [None, face.landmarks, None, again],
        ["the picture", "68 landmarks", "aligned by two points", "landmarks found again"],
        anchors=[None, before, after, None],
        ax=ax,
    )
    run.picture(figure, "alignment")
    plt.close(figure)
    return figure


def draw_mean_residuals(run: NotebookRun, faces: LandmarkFaces) -> Figure:
    """Draw the mean residual of each emotion as arrows on the mean face."""
    mean_face = faces.points.mean(0)
    emotions = emotions_of(faces.classes[faces.pure])
    pairs = []
    for emotion in emotions:
        shown = faces.pure & (faces.classes == emotion)
        pairs += [mean_face, mean_face + _LONGER * faces.residuals[shown].mean(0)]
    table = plots.points_table(np.stack(pairs), panel=np.repeat(emotions, 2))
    title = f"Mean residual of each emotion; arrows {_LONGER} times as long"
    size = (2.1, 2.3)
    return run.figure(
        "plot_displacement", table, "mean_residuals", size=size, columns=4, title=title
    )


# --- results of one data set ---


def keep_results(
    run: NotebookRun, results: Mapping[str, Mapping[str, Predictions]], dataset: str, seed: int
) -> None:
    """Measure top-k of each task and input, and the gain of residuals.

    `results` are as of `compare_inputs`, by the number of classes.
    """
    for count, by_input in results.items():
        for name, found in by_input.items():
            top_k = scores.top_k_metrics(found.scores, found.truth, found.people, seed=seed)
            run.metrics.update({f"{dataset}/{count}/{name}/{k}": top_k[k] for k in top_k})
        run.metrics[f"{dataset}/{count}/gain"] = gain_of(by_input, seed).metric()


def gain_of(results: Mapping[str, Predictions], seed: int) -> Score:
    """Subtract the accuracy of raw landmarks from that of residuals, on the same faces."""
    raw, residual = results[RAW], results[RESIDUAL]
    return compare_paired(residual.correct(), raw.correct(), raw.people, seed=seed)


def say_gains(results: Mapping[str, Mapping[str, Predictions]], seed: int) -> Markdown:
    """Say for each task what residuals gain."""
    sentences = []
    for count, by_input in results.items():
        gain = gain_of(by_input, seed)
        words = compare_in_words("the SVM on residuals", "the SVM on raw landmarks", gain)
        sentences.append(f"**{count} classes.** {words}")
    return say(*sentences)


def draw_top_1(run: NotebookRun, dataset: str, counts: Iterable[str]) -> Figure:
    """Draw top-1 of each task and input."""
    labels = {
        f"{dataset}/{count}/{name}/top1": f"{count} classes, {text}"
        for count in counts
        for name, text in _INPUTS.items()
    }
    chance = {metric: 1 / int(metric.split("/")[1]) for metric in labels}
    table = tables.interval_table(run.metrics, labels, chance=chance, short_name="multimodal")
    table["group"] = [GROUPS[metric.split("/")[2]] for metric in labels]
    size = (7, 0.4 * len(labels) + 1.3)
    title = f"{dataset}: top-1, people never seen in training"
    return run.figure("plot_intervals", table, "raw_and_residuals", size=size, title=title)


def draw_top_k(run: NotebookRun, dataset: str, count: str) -> Figure:
    """Draw top-1 to top-5 of both inputs, and the paper's where it has as many classes."""
    curves = {}
    for name, text in _INPUTS.items():
        prefix = f"{dataset}/{count}/{name}/"
        names = [metric for metric in run.metrics if metric.startswith(prefix)]
        curves[text] = {metric.removeprefix(prefix): run.metrics[metric] for metric in names}
    paper = {"raw landmarks": [0.09], "residuals": [0.15]} if count == _PAPER_CLASSES else {}
    table = tables.top_k_table(curves, paper)
    title = f"{count} classes: is the truth among the first k?"
    size = (7, 3.8)
    return run.figure("plot_top_k", table, "top_k", size=size, title=title, chance=int(count))


def draw_confusion(run: NotebookRun, predictions: Predictions) -> Figure:
    """Draw which emotions are taken for which, from residuals."""
    names = np.array(predictions.names)
    truth, predicted = names[predictions.truth], names[predictions.predicted]
    table = scores.confusion(truth, predicted, emotions_of(names.tolist()))
    title = f"{len(names)} classes, residuals"
    return run.figure("plot_confusion", table, "confusion", size=(5.2, 4.4), title=title)


def draw_accuracies(
    run: NotebookRun, results: Mapping[str, Predictions], name: str, title: str, seed: int
) -> Figure:
    """Draw the accuracy of predictions with intervals."""
    rows = [{"name": label, **found.accuracy_metric(seed)} for label, found in results.items()]
    size = (7, 0.35 * len(rows) + 1)
    return run.figure("plot_intervals", pd.DataFrame(rows), name, size=size, title=title)


def say_resolution(run: NotebookRun, dataset: str, level: str, seed: int) -> Markdown:
    """Measure and say what 1200 pixels gain; only where the data set is drawn."""
    if not data_set(dataset).drawn:
        return say(f"`{dataset}` is not drawn: the drawn pictures of 1200 pixels are left out.")
    found = measure_resolution(level, seed)
    for pixels, score in found.by_size.items():
        run.metrics[f"large/{found.classes}/residual_{pixels}/top1"] = score.metric()
    run.metrics[f"large/{found.classes}/resolution_gain"] = found.gain.metric()
    return say(compare_in_words("the SVM at 1200 pixels", "the SVM at 224", found.gain))


# --- intervals ---


def draw_resampled(
    run: NotebookRun, draws: Mapping[str, Iterable[float]], correct: np.ndarray
) -> Figure:
    """Draw histograms of bootstrap means of `correct`, with their intervals.

    The means are multiples of 1 / N where people have equally many of the N pictures, so that each
    bin holds equally many of them.
    """
    means = {name: np.asarray(list(values), dtype=np.float64) for name, values in draws.items()}
    everything = np.concatenate(list(means.values()))
    value, step = correct.mean(), 1 / len(correct)
    first, last = (round(end / step) for end in (everything.min(), everything.max()))
    stride = max(1, round((last - first) / _BINS))
    edges = (np.arange(first, last + stride + 1, stride) - 0.5) * step
    rows = []
    for name, values in means.items():
        low, high = np.quantile(values, TAILS)
        share = np.histogram(values, edges)[0] / len(values)
        bins = pd.DataFrame({"left": edges[:-1], "right": edges[1:], "share": share})
        rows.append(bins.assign(name=name, value=value, low=low, high=high))
    title = "Accuracy of residuals in 2000 draws"
    table = pd.concat(rows, ignore_index=True)
    return run.figure("plot_resampled", table, "bootstrap", size=(6.5, 3.8), title=title)


def draw_trainings(
    run: NotebookRun, correct: Mapping[str, np.ndarray], people: np.ndarray
) -> Figure:
    """Draw the gain of residuals in repeated trainings, as of `repeat_folds`.

    One interval is over people alone, of the first training, one over people and trainings.
    """
    gains = correct[RESIDUAL].astype(float) - correct[RAW]
    rows = []
    for name, used in (("first training, people", gains[:1]), ("people and trainings", gains)):
        score = over_trainings(used, people, bounds=(-1, 1))
        ends = {"value": score.value, "low": score.low, "high": score.high}
        each = {f"training_{k}": gain for k, gain in enumerate(used.mean(1))}
        rows.append({"name": name, **ends, **each})
    title = f"Gain of residuals in {len(gains)} divisions into folds"
    table = pd.DataFrame(rows)
    return run.figure("plot_trainings", table, "five_divisions", size=(7, 2.4), title=title)

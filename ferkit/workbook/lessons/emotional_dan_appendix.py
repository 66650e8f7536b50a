"""Tables and pictures of notebook 08's appendix.

Functions that take a `run` add what they measure to its metrics.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from scipy.special import softmax

from ferkit import plots
from ferkit.data.sets.drawn import DRAWN_SETS
from ferkit.evaluation import intervals, scores
from ferkit.evaluation.intervals import INTERVAL
from ferkit.faces.load import load_photographs
from ferkit.papers.emotionaldan import crops
from ferkit.papers.emotionaldan.crops import CLASSES, FaceCrops, landmark_errors
from ferkit.papers.emotionaldan.experiment import (
    SHOWN_VARIANT,
    emotion_scores,
    find_landmarks,
    predict_faces,
    three_of_seven,
)
from ferkit.papers.emotionaldan.train import TrainedDan
from ferkit.papers.study_records import kept_studies, load_study, method_means
from ferkit.papers.tables import interval_table, interval_text
from ferkit.training.recipe import Trained
from ferkit.workbook.lessons.emotional_dan import (
    METHODS,
    Recognised,
    mean_recall,
    predicted_names,
)
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.studies.neutral_faces import align_eyes

_STRENGTHS = {"weak": (0.0, 0.5), "middle": (0.5, 0.8), "strong": (0.8, 2.0)}


def trains_here(level: str, datasets: Iterable[str]) -> bool:
    """Whether sections B and C train networks; else a kept study of drawn faces tells more."""
    return level in ("study", "paper") or not set(datasets) <= set(DRAWN_SETS)


# --- when stage 2 stalls ---


def trials_table(
    run: NotebookRun,
    trained: TrainedDan,
    trials: Mapping[str, Trained | None],
    faces: FaceCrops,
    *,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Tabulate the landmark error of several trainings of stage 2, for `plot_intervals`.

    A training whose loss became infinite has no value.
    """
    networks: dict[str, Any] = {"stage 1 alone": trained.first}
    for name, trial in trials.items():
        networks[f"stage 2, {name}"] = trial.network if trial else None
    networks["stage 2, ours, to the end"] = trained.both
    rows = []
    for name, network in networks.items():
        row = dict.fromkeys(INTERVAL, np.nan)
        if network is not None:
            landmarks = predict_faces(network, faces, **options)[1]
            error = landmark_errors(landmarks, faces.points)
            row = intervals.bootstrap(error, faces.people, seed=seed).metric()
            run.metrics[f"stage_2/{name}"] = row
        rows.append({"name": name, **row})
    return pd.DataFrame(rows)


# --- text against code ---


def variants_table(run: NotebookRun, places: Iterable[str]) -> pd.DataFrame:
    """Tabulate accuracy and landmark errors of both variants on drawn faces."""
    words = {"as_paper": "as in the paper's text", SHOWN_VARIANT: "as in the authors' code"}
    rows = {}
    for place in places:
        if place not in DRAWN_SETS:
            continue
        for variant, name in words.items():
            key = f"{place}/landmarks/{variant}"
            rows[place, name] = {
                "accuracy": interval_text(run.metrics[f"{place}/7/{variant}/open"]),
                "error of stage 1": interval_text(run.metrics[f"{key}/stage 1/all"]),
                "error of stage 2": interval_text(run.metrics[f"{key}/stage 2/all"]),
            }
    return pd.DataFrame(rows).T


# --- three classes ---


def three_table(
    trained: TrainedDan,
    faces: FaceCrops,
    found: Recognised | None,
    place: str,
    **options: Any,
) -> pd.DataFrame:
    """Tabulate accuracy and mean recall of three classes.

    Of the seven classes of `trained`, taken together, of one constant answer, and of the networks
    trained for three that are `found`.
    """
    shown, truth = faces.named(3)
    seven = softmax(emotion_scores(trained.both, shown, **options), axis=1)
    outputs = {"seven classes, taken together": three_of_seven(seven)}
    if found:
        for method in found.methods:
            name = f"{METHODS.get(method, method)}, trained for three"
            outputs[name] = found.scores[method, place]
    labels = CLASSES[3]
    guesses = {name: labels.decode(output.argmax(1)) for name, output in outputs.items()}
    guesses["always “negative”"] = ["negative"] * len(truth)
    rows = {}
    for name, guess in guesses.items():
        rows[name] = {
            "accuracy": f"{np.mean(np.asarray(guess) == np.asarray(truth)):.3f}",
            "mean recall": f"{mean_recall(truth, list(guess)):.3f}",
        }
    return pd.DataFrame(rows).T


def take_kept_three_classes(run: NotebookRun) -> None:
    """Take the accuracies of three classes on drawn faces from the kept study, if there is one."""
    if "three_classes" not in kept_studies():
        return
    for row in method_means(load_study("three_classes").predictions).to_dict("records"):
        if row["data"] in DRAWN_SETS:
            key = f"{row['data']}/3/{row['name']}/open"
            run.metrics[key] = {name: row[name] for name in INTERVAL}


# --- what landmarks alone tell ---


def landmarks_alone_table(
    run: NotebookRun,
    trained: TrainedDan,
    parts: Mapping[str, FaceCrops],
    tested: Mapping[str, FaceCrops],
    *,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Tabulate how many expressions a linear classifier recognises from landmarks alone."""
    sources = {"the truth": None, "stage 1": trained.first, "stage 2": trained.both}
    training = parts["train"]
    tables = []
    for place, faces in tested.items():
        if place not in DRAWN_SETS:
            continue
        labels = {}
        for name in ("the truth", "dlib", "stage 1", "stage 2"):
            learnt, asked = (
                each.dlib if name == "dlib" else find_landmarks(sources[name], each, **options)
                for each in (training, faces)
            )
            classify = crops.fit_landmark_classifier(learnt, training.table["emotion"].tolist())
            known = np.isfinite(asked).all((1, 2))
            correct = classify(asked[known]) == faces.table["emotion"].to_numpy()[known]
            key = f"{place}/7/landmarks_alone/{name}"
            run.metrics[key] = scores.score(correct, faces.people[known], seed=seed)
            labels[key] = name
        tables.append(interval_table(run.metrics, labels).assign(panel=place))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


# --- right and wrong ---


def draw_surest(found: Recognised, faces: FaceCrops, place: str) -> Axes:
    """Draw for each class the face recognised, and the one mistaken, with the largest probability.

    Right ones above, wrong ones below.
    """
    shown, truth = faces.named(found.classes)
    names = CLASSES[found.classes].names
    sure = softmax(found.scores[SHOWN_VARIANT, place], axis=1)
    guess = CLASSES[found.classes].decode(sure.argmax(1))
    correct, true = found.right[SHOWN_VARIANT, place], np.array(truth)
    classes = [name for name in names if name in truth]
    pictures, titles = [], []
    for wanted in (True, False):
        for name in classes:
            values = np.where((true == name) & (correct == wanted), sure.max(1), -1)
            row = int(values.argmax())
            exists = values[row] >= 0
            picture = shown.pictures[row, 0].numpy()
            blank = np.full_like(picture, 255)
            pictures.append(plots.cover_restricted([picture], place)[0] if exists else blank)
            titles.append(_title(guess[row], name) if exists else f"none\n(shown: {name})")
    _, ax = plt.subplots(figsize=(9.8, 3.8), layout="constrained")
    plots.plot_contact_sheet(pictures, titles, len(classes), ax=ax)
    ax.set_title("Surest right predictions (above) and surest wrong ones (below)")
    return ax


def _title(guess: str, truth: str) -> str:
    return guess if guess == truth else f"{guess}\n(shown: {truth})"


def confusion_table(found: Recognised, place: str) -> pd.DataFrame:
    """Count EmotionalDAN's predictions by true class, for `plot_confusion`."""
    names = CLASSES[found.classes].names
    return scores.confusion(found.truth[place], predicted_names(found, place), names)


def strength_table(
    run: NotebookRun, found: Recognised, faces: FaceCrops, place: str, seed: int
) -> pd.DataFrame:
    """Tabulate accuracy for weak, middle and strong expressions of drawn faces.

    For `plot_intervals`; empty where nobody knows how strong the expressions are.
    """
    shown, _ = faces.named(found.classes)
    intensity = shown.table["intensity"]
    correct = found.right[SHOWN_VARIANT, place]
    labels = {}
    for name, (low, high) in _STRENGTHS.items():
        rows = intensity.between(low, high, inclusive="right").to_numpy()
        if rows.any():
            key = f"{place}/{found.classes}/{SHOWN_VARIANT}/{name}"
            run.metrics[key] = scores.score(correct[rows], shown.people[rows], seed=seed)
            labels[key] = f"{name} expressions"
    return interval_table(run.metrics, labels) if labels else pd.DataFrame()


# --- photographs with points placed by hand ---


def hand_placed(
    run: NotebookRun,
    trained: TrainedDan,
    tested: Mapping[str, FaceCrops],
    data_root: str,
    *,
    seed: int = 0,
    **options: Any,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Compare London's neutral faces with their hand-placed points.

    Returns the errors of the ten points that both schemes define alike, for `plot_intervals`, and
    the mean landmarks, for `plot_landmarks`; both empty without these photographs.
    """
    photographs = load_photographs(data_root).get("london", ())
    clips = [clip for clip in photographs if clip.emotion == "neutral"]
    if not clips:
        return pd.DataFrame(), pd.DataFrame()
    faces = tested["london"]
    faces = faces.select((faces.table["emotion"] == "neutral").to_numpy())
    placed = crops.read_hand_placed(faces, clips)
    both = np.isfinite(placed).all((1, 2)) & faces.table["found"].to_numpy(bool)
    found = {"dlib": faces.dlib}
    for stage, network in (("stage 1", trained.first), ("stage 2", trained.both)):
        found[f"{SHOWN_VARIANT}/{stage}"] = predict_faces(network, faces, **options)[1]
    labels = {}
    for name, points in found.items():
        error = landmark_errors(points[both], placed[both], crops.SAME_POINTS)
        key = f"london/landmarks/{name}/error"
        run.metrics[key] = intervals.bootstrap(error, faces.people[both], seed=seed).metric()
        labels[key] = name.rpartition("/")[2]
    drawn = (placed, found["dlib"], found[f"{SHOWN_VARIANT}/stage 2"])
    straight = np.stack([align_eyes(points[both]).mean(0) for points in drawn])
    names = ["placed by hand", "dlib", "EmotionalDAN, stage 2"]
    return interval_table(run.metrics, labels), plots.points_table(straight, label=names)

"""Tables and pictures of notebook 08: landmarks and emotion in one loss.

Functions that take a `run` add what they measure to its metrics. Data sets are named as of
`load_tested_faces`; a network's answers are those of `emotion_scores`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import recall_score
from torch import nn

from ferkit.data.folds import Fold, fold_hash
from ferkit.data.sets.drawn import DRAWN_SETS
from ferkit.evaluation import intervals, scores
from ferkit.evaluation.intervals import Score
from ferkit.papers.emotionaldan import specs
from ferkit.papers.emotionaldan.crops import CLASSES, FaceCrops, landmark_errors
from ferkit.papers.emotionaldan.experiment import SHOWN_VARIANT, emotion_scores, predict_faces
from ferkit.papers.emotionaldan.plans import PLANS
from ferkit.papers.emotionaldan.train import TrainedDan
from ferkit.papers.tables import interval_table
from ferkit.training.recipe import Trained
from ferkit.workbook.networks import keep_networks, training_of
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.words import compare_in_words

METHODS = {
    "cnn2": "CNN (2)",
    "cnn5": "CNN (5)",
    "emotionnet2": "EmotionNet 2 (ours)",
    "inception": "Inception-V3",
    "emotion_alone": "DAN without landmarks",
    SHOWN_VARIANT: "EmotionalDAN",
}
# What EmotionalDAN is compared with in sentences, and its name there.
_DECISIVE = {
    "cnn2": "CNN (2)",
    "cnn5": "CNN (5)",
    "emotion_alone": "the same network without landmarks in its loss",
}


@dataclass(frozen=True, eq=False)
class Recognised:
    """What networks for 7 or 3 classes predict on each data set, by (method, data set).

    `scores` are `(N, K)`, `right` `(N,)` bool among all classes of the network; `people` and
    `truth` are those of each data set.
    """

    classes: int
    scores: Mapping[tuple[str, str], np.ndarray]
    right: Mapping[tuple[str, str], np.ndarray]
    people: Mapping[str, np.ndarray]
    truth: Mapping[str, list[str]]

    @property
    def methods(self) -> list[str]:
        """The methods, in the order of METHODS, then others."""
        found = dict.fromkeys(method for method, _ in self.right)
        known = [name for name in METHODS if name in found]
        return known + [name for name in found if name not in METHODS]


# --- data ---


def faces_table(
    parts: Mapping[str, FaceCrops], tested: Mapping[str, FaceCrops], trained_on: str
) -> pd.DataFrame:
    """Tabulate people and faces that train, choose the epoch, and are tested."""
    words = {"train": "training", "val": "validation"}
    named = {f"{trained_on}, {word}": parts[part] for part, word in words.items()}
    named |= {f"{name}, tested": faces for name, faces in tested.items()}
    rows = {}
    for name, faces in named.items():
        rows[name] = {
            "people": len(set(faces.people)),
            "faces": len(faces),
            "found by the detector": int(faces.table["found"].sum()),
            "expressions": faces.table["emotion"].nunique(),
        }
    return pd.DataFrame(rows).T


def count_iterations(faces: FaceCrops, level: str, epochs: int) -> int:
    """Count the iterations of stage 2 in so many epochs on these faces."""
    return epochs * -(-len(faces) // PLANS[level].as_authors_code[1].batch)


# --- emotions ---


def recognise(
    run: NotebookRun,
    networks: Mapping[str, nn.Module],
    tested: Mapping[str, FaceCrops],
    classes: int = 7,
    *,
    seed: int = 0,
    **options: Any,
) -> Recognised:
    """Let networks recognise the faces of each data set, and keep their accuracies.

    "open" chooses among all classes of the network, "present" among those that the data set shows.
    `options` go to `emotion_scores`.
    """
    answers, right, people, truths = {}, {}, {}, {}
    names = CLASSES[classes].names
    for place, faces in tested.items():
        shown, truth = faces.named(classes)
        people[place], truths[place] = shown.people, truth
        for method, network in networks.items():
            answer = emotion_scores(network, shown, **options)
            chosen = scores.right_among(answer, names, truth)
            for choice, correct in chosen.items():
                key = f"{place}/{classes}/{method}/{choice}"
                run.metrics[key] = scores.score(correct, shown.people, seed=seed)
            answers[method, place], right[method, place] = answer, chosen["open"]
            recall = mean_recall(truth, CLASSES[classes].decode(answer.argmax(1)))
            run.metrics[f"{place}/{classes}/{method}/recall"] = {"value": recall}
    return Recognised(classes, answers, right, people, truths)


def mean_recall(truth: list[str], predicted: list[str]) -> float:
    """Return the mean over the classes that occur of the share recognised."""
    return float(recall_score(truth, predicted, labels=np.unique(truth), average="macro"))


def accuracy_table(run: NotebookRun, found: Recognised, places: Iterable[str]) -> pd.DataFrame:
    """Tabulate accuracies for `plot_intervals`, a panel for each data set.

    Drawn sets among all classes, beside the most frequent class; photographs, which show few of
    them, among those that they show, beside an even guess.
    """
    tables = []
    for place in places:
        shares = pd.Series(found.truth[place]).value_counts(normalize=True)
        is_drawn = place in DRAWN_SETS
        choice = "open" if is_drawn else "present"
        labels = {
            f"{place}/{found.classes}/{method}/{choice}": METHODS.get(method, method)
            for method in found.methods
        }
        chance = float(shares.iloc[0]) if is_drawn else 1 / len(shares)
        tables.append(interval_table(run.metrics, labels, chance=chance).assign(panel=place))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def predicted_names(found: Recognised, place: str) -> list[str]:
    """Name the expressions that EmotionalDAN predicts for a data set."""
    return CLASSES[found.classes].decode(found.scores[SHOWN_VARIANT, place].argmax(1))


def compare_with_others(run: NotebookRun, found: Recognised, seed: int) -> dict[tuple, Score]:
    """Subtract each other method's accuracy from EmotionalDAN's, by (method, data set)."""
    differences = {}
    for method, place in found.right:
        if method == SHOWN_VARIANT:
            continue
        pair = found.right[SHOWN_VARIANT, place], found.right[method, place]
        score = intervals.compare_paired(*pair, found.people[place], seed=seed)
        end = f"{SHOWN_VARIANT}_minus_{method}"
        if method == "emotion_alone":
            end = "landmark_term"
        run.metrics[f"{place}/{found.classes}/{end}"] = score.metric()
        differences[method, place] = score
    return differences


def describe_leads(differences: Mapping[tuple, Score], places: Iterable[str]) -> str:
    """Say for each data set whether EmotionalDAN leads the plain networks and its own control."""
    sentences = []
    for place in places:
        for method, words in _DECISIVE.items():
            said = compare_in_words("EmotionalDAN", words, differences[method, place])
            sentences.append(f"On `{place}`: {said}")
    return " ".join(sentences)


# --- landmarks ---


def measure_landmarks(
    run: NotebookRun,
    trained: TrainedDan,
    tested: Mapping[str, FaceCrops],
    variant: str = SHOWN_VARIANT,
    *,
    seed: int = 0,
    **options: Any,
) -> pd.DataFrame:
    """Tabulate the landmark errors of both stages and of dlib on drawn faces, a panel a data set.

    Errors are in distances between the eyes, of the faces that dlib found. The metrics "all" and
    "stage_2_minus_1" are of all faces.
    """
    tables = []
    for place, faces in tested.items():
        if place not in DRAWN_SETS:
            continue
        key = f"{place}/landmarks/{variant}"
        found = faces.table["found"].to_numpy(bool)
        errors = {
            "stage 1": landmark_errors(
                predict_faces(trained.first, faces, **options)[1], faces.points
            ),
            "stage 2": landmark_errors(
                predict_faces(trained.both, faces, **options)[1], faces.points
            ),
        }
        labels = {}
        for stage, error in errors.items():
            everywhere = intervals.bootstrap(error, faces.people, seed=seed)
            where_found = intervals.bootstrap(error[found], faces.people[found], seed=seed)
            run.metrics[f"{key}/{stage}/all"] = everywhere.metric()
            run.metrics[f"{key}/{stage}"] = where_found.metric()
            labels[f"{key}/{stage}"] = stage
        gain = intervals.bootstrap(errors["stage 2"] - errors["stage 1"], faces.people, seed=seed)
        run.metrics[f"{key}/stage_2_minus_1"] = gain.metric()
        error = landmark_errors(faces.dlib, faces.points)[found]
        dlib = intervals.bootstrap(error, faces.people[found], seed=seed)
        run.metrics[f"{place}/landmarks/dlib"] = dlib.metric()
        labels[f"{place}/landmarks/dlib"] = "dlib"
        tables.append(interval_table(run.metrics, labels).assign(panel=place))
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def describe_stages(run: NotebookRun, places: Iterable[str], variant: str = SHOWN_VARIANT) -> str:
    """Say whether stage 2 lowers stage 1's landmark error."""
    sentences = []
    for place in places:
        key = f"{place}/landmarks/{variant}"
        if f"{key}/stage_2_minus_1" not in run.metrics:
            continue
        first = run.metrics[f"{key}/stage 1/all"]["value"]
        gain = run.metrics[f"{key}/stage_2_minus_1"]
        share, low, high = (100 * gain[name] / first for name in ("value", "low", "high"))
        effect = f"is not shown to change the landmark error: {share:+.1f} %"
        if gain["high"] < 0:
            effect = f"lowers the landmark error by {-share:.1f} %"
        if gain["low"] > 0:
            effect = f"raises the landmark error by {share:.1f} %"
        sentences.append(
            f"On `{place}` stage 2 {effect} "
            f"(95 % interval of the change {low:+.1f} to {high:+.1f} %)."
        )
    return " ".join(sentences) or "Of photographs the true landmarks are not known."


# --- what is kept ---


def keep_for_gallery(
    run: NotebookRun, trained: TrainedDan, rivals: Mapping[str, Trained], trained_on: str
) -> None:
    """Keep the networks for notebook 09; Inception-V3 is too large."""
    level, seed = run.parameters["level"], run.parameters["seed"]
    small = {name: one for name, one in rivals.items() if name != "inception"}
    about = training_of(trained_on, level, seed)
    keep_networks(run.out, specs.as_networks(level, trained, small, about))


def save(run: NotebookRun, headline: Iterable[str], people: Fold) -> str:
    """Save all metrics, those of the headline and the landmark errors first."""
    trained_on = people.name
    stages = [f"{trained_on}/landmarks/{SHOWN_VARIANT}/stage {number}" for number in (1, 2)]
    return run.save(*headline, *stages, folds=fold_hash([people]))

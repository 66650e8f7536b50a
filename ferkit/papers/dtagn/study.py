"""Paper 3's study: every method, trained several times, and controls.

H. Jung et al., ICCV 2015, sections 5 and 6. The controls, which the paper lacks, differ from its
networks in one thing each, at the same learning rate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import spearmanr
from torch import Tensor, nn

from ferkit.data.folds import Fold
from ferkit.evaluation.predictions import Predictions, sample_rows
from ferkit.explain.tsne import same_neighbours
from ferkit.papers.dtagn import look_inside
from ferkit.papers.dtagn.data import load_sequences
from ferkit.papers.dtagn.experiment import (
    average_predictions,
    build_networks,
    combine_predictions,
    fine_tune,
    fine_tune_each_way,
    train_dtan,
    train_dtgn,
    train_dtgn_on_movement,
    train_pair,
)
from ferkit.papers.dtagn.network import DTGN_NOTATION, JointLoss, join_without_dropout
from ferkit.papers.dtagn.sequences import Sequences
from ferkit.training.by_folds import CrossTrained, part_rows
from ferkit.training.linear import hog_ridge
from ferkit.training.seeds import restart_seed
from ferkit.training.spec import Restart, training_rows

_SINGLE_EMOTIONS = ("contempt", "fear")  # of which the paper names the better network (figure 8)


def restart_methods(dataset: str, level: str, seed: int, start: int, **options: Any) -> Restart:
    """Train every method of one data set from restart number `start`.

    The predictions tell which sequences each method has right. "DATASET/fear" and
    "DATASET/contempt" are of one emotion alone, and of what fear is taken for; of CK+'s networks
    "DATASET/first layer", "/important landmarks" and "/neighbours" hold what section 4 measures.
    Restart 0 also trains the controls, "DATASET/controls".
    """
    kind, data, classes, folds = load_sequences(dataset, level, seed)
    options["seed"] = restart_seed(seed, start)
    trained = train_combinations(kind, data, folds, level, **options)
    methods = combine_predictions(trained, classes)
    methods["best_alpha"] = best_weighted_sum(methods["dtan"], methods["dtgn"])
    methods["hog"] = predict_sequences_by_hog(data, classes, folds)
    rows = _right_rows(dataset, start, methods)
    rows += emotion_rows(dataset, start, methods, classes)
    if kind == "ckplus":
        rows += _inside_rows(dataset, start, data, trained, options["seed"], folds)
    trainings = [training_rows(dataset, name, start, one.trained) for name, one in trained.items()]
    if start == 0:  # no claim depends on the controls: they are trained once
        controls = train_controls(kind, data, folds, level, **options)
        compared = {"dtan": methods["dtan"], "dtgn": methods["dtgn"]}
        compared |= {name: one.predictions(classes) for name, one in controls.items()}
        rows += _right_rows(f"{dataset}/controls", start, compared)
        for name, one in controls.items():
            trainings.append(training_rows(f"{dataset}/controls", name, start, one.trained))
    return Restart(pd.concat(rows, ignore_index=True), pd.concat(trainings, ignore_index=True))


def train_combinations(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **options: Any
) -> dict[str, CrossTrained]:
    """Train both networks, and fine-tune them each way, without dropout too."""
    task = (data, folds, level)
    pair = train_pair(kind, *task, **options)
    return {
        "dtan": pair[0],
        "dtgn": pair[1],
        **fine_tune_each_way(pair, *task, **options),
        "joint_undropped": fine_tune(join_without_dropout, JointLoss(), pair, *task, **options),
    }


def train_controls(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **options: Any
) -> dict[str, CrossTrained]:
    """Train the networks with one thing changed each.

    Both on plain inputs; DTGN without augmentation, and on the movement since the first frame.
    """
    task = (folds, level)
    return {
        "dtan_plain": train_dtan(kind, data, *task, centred=False, **options),
        "dtgn_plain": train_dtgn(kind, data, *task, centred=False, **options),
        "dtgn_unaugmented": train_dtgn(kind, data, *task, augment=None, **options),
        "dtgn_movement": train_dtgn_on_movement(kind, data, *task, **options),
    }


def _right_rows(data: str, start: int, methods: Mapping[str, Predictions]) -> list[pd.DataFrame]:
    """Tabulate which sequences each method has right."""
    rows = []
    for name, predictions in methods.items():
        rows.append(sample_rows(data, name, start, predictions.correct(), predictions.people))
    return rows


def predict_sequences_by_hog(
    data: Sequences, classes: Sequence[str], folds: Sequence[Fold]
) -> Predictions:
    """Predict by a ridge classifier on HOG features of the pictures that DTAN sees."""
    shown = np.array(classes)[data.labels].tolist()
    return hog_ridge(data.pictures, shown, data.people, folds, names=classes)


def emotion_rows(
    dataset: str, start: int, methods: Mapping[str, Predictions], classes: Sequence[str]
) -> list[pd.DataFrame]:
    """Tabulate single emotions: both networks and the joint one, and what fear is taken for.

    Of the joint network's mistakes "said_surprise" counts one kind, "said_other" the most frequent
    of the others.
    """
    rows = []
    joint = methods["joint"]
    for emotion in _SINGLE_EMOTIONS:
        if emotion not in classes:
            continue
        shown = joint.truth == list(classes).index(emotion)
        people = joint.people[shown]
        for name in ("dtan", "dtgn", "joint"):
            correct = methods[name].correct()[shown]
            rows.append(sample_rows(f"{dataset}/{emotion}", name, start, correct, people))
    afraid = joint.truth == list(classes).index("fear")
    said = np.array(classes)[joint.predicted[afraid]]
    others = [name for name in classes if name not in ("fear", "surprise")]
    most = max(others, key=lambda name: int((said == name).sum()))
    for method, name in (("said_surprise", "surprise"), ("said_other", most)):
        people = joint.people[afraid]
        rows.append(sample_rows(f"{dataset}/fear", method, start, said == name, people))
    return rows


def best_weighted_sum(dtan: Predictions, dtgn: Predictions) -> Predictions:
    """Choose alpha on the test people themselves: no result, but what alpha = 0.5 may lose."""
    sums = [average_predictions(dtan, dtgn, alpha) for alpha in np.linspace(0, 1, 101)]
    return max(sums, key=lambda predictions: predictions.correct().mean())


def _inside_rows(
    dataset: str,
    start: int,
    data: Sequences,
    trained: Mapping[str, CrossTrained],
    seed: int,
    folds: Sequence[Fold],
) -> list[pd.DataFrame]:
    """Tabulate what the trained networks show inside, on test people (section 4)."""
    notation = DTGN_NOTATION["ckplus"]
    untrained = build_networks(notation, data.points, data.people, folds, seed)
    movement = (data.points - data.points[:, :1]).abs().amax(1).mean((0, 2)).numpy()
    rows = []
    ranks: dict[str, list[float]] = {"trained": [], "untrained": []}
    for number, fold in enumerate(folds):
        test = torch.from_numpy(part_rows(data.people, fold)["test"])
        people = data.people[test.numpy()]
        dtan = trained["dtan"].trained[number].network
        dtgn = trained["dtgn"].trained[number].network
        measured = {
            "first layer": look_inside.response_shares(dtan, data.pictures[test]),
            "neighbours": _neighbours(dtgn, data.points[test], data.labels[test]),
        }
        for what, values in measured.items():
            for method, value in values.items():
                one = sample_rows(f"{dataset}/{what}", method, start, value, people)
                rows.append(one.assign(sample=np.flatnonzero(test)))
        for state, network in (("trained", dtgn), ("untrained", untrained[number])):
            importance = look_inside.landmark_importance(network)
            ranks[state].append(spearmanr(importance, movement).statistic)
    names = [fold.name for fold in folds]
    for state, correlations in ranks.items():
        what = f"{dataset}/important landmarks"
        rows.append(sample_rows(what, state, start, correlations, names))
    return rows


@torch.no_grad()
def _neighbours(dtgn: nn.Module, points: Tensor, labels: Tensor) -> dict[str, np.ndarray]:
    """The share of ten nearest sequences of the same emotion, by input and by hidden layer."""
    k = min(10, len(points) - 1)
    features = {"input": points.flatten(1), "hidden": dtgn.eval().get_submodule("hidden")(points)}
    return {name: same_neighbours(values.numpy(), labels, k) for name, values in features.items()}

"""Paper 5's experiments: the emotion network, and both networks joined.

M. Li et al., IEEE Transactions on Affective Computing 2021, sections 3 and 4. Notebooks 07 and 09
call the same functions with the same folder, and so find the same trained networks.
"""

import copy
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ferkit.data.folds import Fold, tested_clips
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.load import load_clips
from ferkit.papers.tfe.data import TandemFaces, cut_faces, expression_folds
from ferkit.papers.tfe.identity import (
    describe_faces,
    identity_faces,
    load_identities,
    train_identity,
)
from ferkit.papers.tfe.network import ConvNet, ResNet, Tandem
from ferkit.papers.tfe.plans import Plan, plan_for
from ferkit.training import linear
from ferkit.training.by_folds import CrossTrained, cross_train, part_rows
from ferkit.training.loop import scores
from ferkit.training.seeds import mixed, restart_seed, seeded

SVM_PENALTY = 0.01
SECOND_PHASES = ("joint", "frozen", "untrained", "longer")


def train_emotion(
    plan: Plan,
    identity: nn.Module,
    faces: TandemFaces,
    folds: Sequence[Fold],
    second_phases: Iterable[str] = SECOND_PHASES,
    *,
    neutral: nn.Module | None = None,
    seed: int = 0,
    start: int = 0,
    folder: str | Path | None = None,
    **options: Any,
) -> dict[str, CrossTrained]:
    """Train the emotion network of each fold ("resnet"), then each of the second phases.

    "joint" is the paper's; "frozen" trains the new layers alone; "untrained" is joint learning with
    an untrained identity network, "neutral" with the network `neutral`; "longer" trains the emotion
    network alone for as long as joint learning does. These controls show what identity, and what
    further training, contributes. Another `start` repeats the second phases with other random
    numbers. The trained `identity` network is copied. `folder` and `options` go to `cross_train`.
    """
    training_rows = [part_rows(faces.people, fold)["train"] for fold in folds]
    count = max(int(rows.sum()) for rows in training_rows)
    task = (faces.labels, faces.people, folds)
    options = {**options, "folder": folder, "augment": plan.augment}
    networks: list[nn.Module] = [_build_emotion(plan, faces, rows, seed) for rows in training_rows]
    recipe = plan.emotion.recipe(count)
    inputs: tuple[Tensor, ...] = (faces.picture,)
    first = cross_train(networks, recipe, inputs, *task, seed=seed, **options)
    resnets = [trained.network for trained in first.trained]
    results = {"resnet": first}
    second_seed = mixed(seed, start)
    untrained = _build_untrained(identity, second_seed)
    recipe = plan.joint.recipe(count)
    for phase in second_phases:
        if phase == "longer":
            networks = resnets
            inputs = (faces.picture,)
        else:
            known = {"untrained": untrained, "neutral": neutral}.get(phase, identity)
            frozen = phase == "frozen"
            networks = [_join(known, resnet, faces, frozen, second_seed) for resnet in resnets]
            inputs = (faces.face, faces.picture)
        results[phase] = cross_train(networks, recipe, inputs, *task, seed=second_seed, **options)
    return results


def train_on_drawn(
    level: str,
    seed: int,
    second_phases: Iterable[str],
    *,
    start: int = 0,
    **options: Any,
) -> tuple[TandemFaces, dict[str, CrossTrained]]:
    """Train both phases of notebook 07 on drawn people; return the faces and the networks.

    The faces are those of `sequences`. Another `start` trains all networks again on the same faces,
    the identity network among them. `options` go to `train_identity` and `train_emotion`.
    """
    plan = plan_for(level, "sequences")
    options["seed"] = restart_seed(seed, start)
    people = identity_faces(load_identities("identities", level, seed), seed)
    identity = train_identity(plan.identity, people, **options).network
    folds = expression_folds(load_clips("sequences", level, seed), plan.folds, seed)
    faces = cut_faces(tested_clips(folds), plan.size)
    return faces, train_emotion(plan, identity, faces, folds, second_phases, **options)


def fit_identity_svm(identity: nn.Module, faces: TandemFaces, folds: Sequence[Fold]) -> Predictions:
    """Train a linear SVM on the identity feature, to compare with joint learning (section 4.6)."""
    features = describe_faces(identity, faces.face)
    tested_in = linear.listed_folds(faces.people, folds, all_tested=False)
    return linear.cross_validate(
        features,
        faces.emotion.tolist(),
        faces.people,
        tested_in,
        names=faces.classes,
        C=SVM_PENALTY,
    )


def predict_with_other_faces(
    joint: CrossTrained, faces: TandemFaces, folds: Sequence[Fold], seed: int = 0
) -> pd.DataFrame:
    """Predict with joint networks whose identity branch sees another picture.

    A row for each tested face of a person with a neutral face: person, truth, and the predicted
    class when the identity branch sees the "own picture", the "own neutral face", or "somebody
    else's neutral face", of the same fold, drawn by `seed`. A fold that tests fewer than two such
    people is left out; without others the table is empty.
    """
    is_neutral = faces.emotion == "neutral"
    neutral = dict(zip(faces.people[is_neutral], np.flatnonzero(is_neutral), strict=True))
    rng = np.random.default_rng(seed)
    tables = []
    for fold, trained in zip(folds, joint.trained, strict=True):
        test = np.flatnonzero(part_rows(faces.people, fold)["test"])
        test = test[np.isin(faces.people[test], list(neutral))]
        people = faces.people[test]
        if len(np.unique(people)) < 2:
            continue
        order = rng.permutation(np.unique(people))
        others = dict(zip(order, np.roll(order, 1), strict=True))  # no person keeps their own
        identity_rows: dict[str, Any] = {
            "own picture": test,
            "own neutral face": [neutral[person] for person in people],
            "somebody else's neutral face": [neutral[others[person]] for person in people],
        }
        table = pd.DataFrame({"person": people, "truth": faces.labels[test]})
        for name, rows in identity_rows.items():
            inputs = (faces.face[rows], faces.picture[test])
            table[name] = scores(trained.network, inputs, precision="32").argmax(1)
        tables.append(table)
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()


def _build_emotion(plan: Plan, faces: TandemFaces, rows: np.ndarray, seed: int) -> ResNet:
    """Build an untrained emotion network, standardised for the pictures in these rows."""
    network = seeded(lambda: ResNet(len(faces.classes), plan.kind, plan.size), seed)
    network.standardise.learn(faces.picture[torch.from_numpy(rows)])
    return network


def _build_untrained(identity: nn.Module, seed: int) -> ConvNet:
    """Build an untrained network like `identity`, standardised for the same pictures."""
    assert isinstance(identity, ConvNet)
    identities = identity.top.out_features
    network = seeded(lambda: ConvNet(identities), seed)
    network.standardise.load_state_dict(identity.standardise.state_dict())
    return network


def _join(
    identity: nn.Module | None, emotion: nn.Module, faces: TandemFaces, frozen: bool, seed: int
) -> Tandem:
    """Join copies of both networks by new layers that start from `seed`."""
    assert isinstance(identity, ConvNet)
    assert isinstance(emotion, ResNet)
    copies = copy.deepcopy((identity, emotion))
    return seeded(lambda: Tandem(*copies, len(faces.classes), frozen), seed)

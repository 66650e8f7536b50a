"""Paper 3's experiments: DTAN and DTGN by folds, fine-tuned together, and summed over alpha.

H. Jung et al., ICCV 2015, sections 3.5 and 5, figures 5 and 11.

The `options` of functions that train go to `cross_train`: folder, device, precision, progress.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from scipy.special import softmax
from torch import Tensor, nn

from ferkit.data.folds import Fold
from ferkit.evaluation.intervals import REPEATS, bootstrap
from ferkit.evaluation.predictions import Predictions
from ferkit.evaluation.scores import hits
from ferkit.papers.dtagn.network import (
    DTGN_NOTATION,
    Concatenated,
    Joint,
    JointLoss,
    SequenceNetwork,
    build,
    centre_inputs,
    weighted_sum,
)
from ferkit.papers.dtagn.plans import PLANS
from ferkit.papers.dtagn.sequences import Sequences, vary_sequences
from ferkit.training.by_folds import CrossTrained, cross_train, part_rows
from ferkit.training.layers import cross_entropy
from ferkit.training.recipe import Augment, Loss, Recipe
from ferkit.training.seeds import seeded

_ALPHA_STEPS = 100

# How the two trained networks are fine-tuned together.
FINE_TUNINGS: Mapping[str, tuple[Callable[..., nn.Module], Loss]] = {
    "joint": (Joint, JointLoss()),
    "joint_l3": (Joint, JointLoss((0.0, 0.0, 1.0))),
    "concatenation": (Concatenated, cross_entropy),
}


# Training


def build_networks(
    notation: str,
    inputs: Tensor,
    people: ArrayLike,
    folds: Sequence[Fold],
    seed: int = 0,
    *,
    centred: bool = True,
) -> list[SequenceNetwork]:
    """Build a network for each fold, untrained, centred on its training people's inputs.

    `inputs` are picture sequences `(N, T, H, W)` or trajectories `(N, T, 49, 2)`. All networks
    have the same first weights. Without `centred` they see plain inputs, as in the paper.
    """
    networks = []
    for fold in folds:
        network = seeded(lambda: build(notation, inputs.shape[1]), seed)
        if centred:
            training_rows = torch.from_numpy(part_rows(people, fold)["train"])
            network = centre_inputs(network, inputs[training_rows])
        networks.append(network)
    return networks


def train_dtan(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **options: Any
) -> CrossTrained:
    """Train DTAN by folds, or load it from `folder`, where notebooks 05 and 06 keep theirs.

    `options` may hold a seed, `centred` (whether the mean input is subtracted) and `augment`, None
    for no augmentation.
    """
    plan = PLANS[level]
    recipe = plan.dtan_of(kind)
    return _train(plan.dtan_notation(kind), recipe, data.pictures, data, folds, **options)


def train_dtgn(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **options: Any
) -> CrossTrained:
    """Train DTGN by folds, or load it from `folder`; `options` are those of `train_dtan`."""
    return _train(DTGN_NOTATION[kind], PLANS[level].dtgn, data.points, data, folds, **options)


def train_dtgn_on_movement(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **options: Any
) -> CrossTrained:
    """Train DTGN by the same recipe on landmarks without their sequence's first frame."""
    movement = replace(data, points=data.points - data.points[:, :1])
    return train_dtgn(kind, movement, folds, level, **options)


def _train(
    notation: str,
    recipe: Recipe,
    inputs: Tensor,
    data: Sequences,
    folds: Sequence[Fold],
    *,
    seed: int = 0,
    centred: bool = True,
    augment: Augment | None = vary_sequences,
    **options: Any,
) -> CrossTrained:
    return cross_train(
        build_networks(notation, inputs, data.people, folds, seed, centred=centred),
        recipe,
        (inputs,),
        data.labels,
        data.people,
        folds,
        seed=seed,
        augment=augment,
        **options,
    )


def train_pair(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **options: Any
) -> tuple[CrossTrained, CrossTrained]:
    """Train DTAN and DTGN; `options` may hold a seed too."""
    dtan = train_dtan(kind, data, folds, level, **options)
    return dtan, train_dtgn(kind, data, folds, level, **options)


def join_networks(
    make: Callable[..., nn.Module], dtan: CrossTrained, dtgn: CrossTrained, *, seed: int = 0
) -> list[nn.Module]:
    """Call `make(DTAN, DTGN)` for each fold on copies of its two trained networks.

    New layers are initialised from `seed`. ValueError when the two were trained by other folds.
    """
    if dtan.fold.tolist() != dtgn.fold.tolist() or len(dtan.trained) != len(dtgn.trained):
        raise ValueError(
            "the two networks were trained by different folds, so their test people are not "
            "held out; train both by the same folds"
        )
    joined = []
    for appearance, geometry in zip(dtan.trained, dtgn.trained, strict=True):
        pair = copy.deepcopy((appearance.network, geometry.network))
        joined.append(seeded(partial(make, *pair), seed))
    return joined


def fine_tune(
    make: Callable[..., nn.Module],
    loss: Loss,
    pair: Sequence[CrossTrained],
    data: Sequences,
    folds: Sequence[Fold],
    level: str,
    *,
    seed: int = 0,
    augment: Augment | None = vary_sequences,
    **options: Any,
) -> CrossTrained:
    """Join each fold's trained DTAN and DTGN by `make` and fine-tune them (section 3.5.2)."""
    return cross_train(
        join_networks(make, *pair, seed=seed),
        replace(PLANS[level].joint, loss=loss),
        (data.pictures, data.points),
        data.labels,
        data.people,
        folds,
        seed=seed,
        augment=augment,
        **options,
    )


def fine_tune_each_way(
    pair: Sequence[CrossTrained],
    data: Sequences,
    folds: Sequence[Fold],
    level: str,
    **options: Any,
) -> dict[str, CrossTrained]:
    """Fine-tune a pair in each way of FINE_TUNINGS."""
    tuned = {}
    for name, (make, loss) in FINE_TUNINGS.items():
        tuned[name] = fine_tune(make, loss, pair, data, folds, level, **options)
    return tuned


# Predictions


def average_predictions(dtan: Predictions, dtgn: Predictions, alpha: float = 0.5) -> Predictions:
    """Average the softmax outputs of both networks (equation 7; alpha is DTAN's weight)."""
    p = softmax(dtan.scores.astype(np.float64), axis=1)
    q = softmax(dtgn.scores.astype(np.float64), axis=1)
    return replace(dtan, scores=weighted_sum(p, q, alpha))


def combine_predictions(
    trained: Mapping[str, CrossTrained], classes: Sequence[str]
) -> dict[str, Predictions]:
    """Return the predictions of trained networks, "dtan" and "dtgn" among them, and of two sums.

    "weighted_sum" is equation 7; "logits_added" the sum of both networks' logits, from which joint
    fine-tuning starts.
    """
    predictions = {name: one.predictions(classes) for name, one in trained.items()}
    dtan = predictions["dtan"]
    dtgn = predictions["dtgn"]
    predictions["weighted_sum"] = average_predictions(dtan, dtgn)
    predictions["logits_added"] = replace(dtan, scores=dtan.scores + dtgn.scores)
    return predictions


def sweep_alpha(
    p: ArrayLike,
    q: ArrayLike,
    truth: ArrayLike,
    people: ArrayLike,
    *,
    repeats: int = REPEATS,
    seed: int = 0,
) -> pd.DataFrame:
    """Measure the accuracy of `alpha p + (1 - alpha) q` for alpha 0, 0.01, ... 1 (figure 11).

    `p` and `q` are the softmax outputs `(N, K)` of DTAN and DTGN. Columns alpha, value, low, high,
    the interval over people.
    """
    rows = []
    for alpha in np.arange(_ALPHA_STEPS + 1) / _ALPHA_STEPS:
        correct = hits(weighted_sum(np.asarray(p), np.asarray(q), alpha), truth)
        accuracy = bootstrap(correct, people, repeats=repeats, seed=seed)
        rows.append((alpha, accuracy.value, accuracy.low, accuracy.high))
    return pd.DataFrame(rows, columns=["alpha", "value", "low", "high"])

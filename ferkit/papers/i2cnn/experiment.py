"""Paper 2 fold by fold: a network on patches of the training people, and an SVM on its features.

C. Zhang et al. 2017, sections 3 and 4.

Convention
- k = 1, 5 or 60 is the number of patches of a face, for the network's training and for its features
  alike. The paper's tables 3 and 4 give one number to "CNN" and "k = 1", so for k = 1 the network
  saw no other patch; likewise for k = 5.
- A test face is used for nothing before it is tested: the network and the SVM see the fold's other
  faces.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import nn
from tqdm import tqdm

from ferkit.core.labels import LabelSet
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn.data import FoldRows, tested_fold
from ferkit.papers.i2cnn.gram_svm import fit_on_kernel, gram_matrix
from ferkit.papers.i2cnn.patches import PATCHES_OF_K
from ferkit.papers.i2cnn.plans import PLANS, Plan
from ferkit.papers.i2cnn.train import ProbabilityMean, patch_features, train_patches
from ferkit.training.recipe import Trained
from ferkit.training.seeds import mixed


@dataclass(frozen=True, eq=False)
class PatchResult:
    """The predictions of all folds for one k by name, and the history of each training.

    "svm" is the paper's method, "softmax" the network's own prediction, its probabilities averaged
    over the patches. `history` has the column `fold`; `trained`, a training a fold, keeps no
    networks: at full size ten of them would fill the memory.
    """

    predictions: dict[str, Predictions]
    history: pd.DataFrame
    trained: tuple[Trained, ...]


def train_by_folds(
    plan: Plan,
    faces: Prepared,
    labels: Sequence[str],
    people: ArrayLike,
    folds: Sequence[FoldRows],
    k: int,
    *,
    names: Iterable[str],
    seed: int = 0,
    device: str = "auto",
    precision: str = "auto",
    folder: str | Path | None = None,
    subsets: Mapping[str, Sequence[int]] | None = None,
) -> PatchResult:
    """Train a network and an SVM for each fold; predict the fold's held-out people.

    `people` `(N,)` also make the SVM's inner folds. `subsets` names further choices of patches, by
    their numbers, whose features of the same network get an SVM of their own. Trainings are kept in
    `folder`, one folder each. ValueError for faces that no fold tests.
    """
    classes = tuple(names)
    people = np.asarray(people, dtype=str)
    codes = LabelSet(classes).encode(labels)
    fold_of = tested_fold(folds, len(codes))
    patch_sets = {**(subsets or {}), "svm": PATCHES_OF_K[k]}
    no_scores = np.full((len(codes), len(classes)), np.nan)
    scores = {name: no_scores.copy() for name in (*patch_sets, "softmax")}
    options = {"device": device, "precision": precision}
    trainings = []
    for number, fold in enumerate(tqdm(folds, f"k = {k}, folds", leave=False)):
        fold_seed = mixed(seed, number)
        network = plan.network(len(classes), fold_seed)
        fold_folder = Path(folder) / f"k{k}" / fold.name if folder else None
        trained = train_patches(
            network, plan, faces, codes, fold, k, seed=fold_seed, folder=fold_folder, **options
        )
        features_of = patch_features(trained.network, plan, faces, **options)
        softmax = ProbabilityMean(trained.network, features_of)
        training_rows = np.concatenate([fold.train, fold.val])
        for name, patches in patch_sets.items():
            kernel = gram_matrix(softmax if name == "svm" else features_of, patches)
            svm = fit_on_kernel(
                kernel, labels, people, training_rows, fold.test, names=classes, seed=seed
            )
            scores[name][fold.test] = svm.scores
        scores["softmax"][fold.test] = softmax.mean[fold.test]
        trainings.append(replace(trained, network=nn.Identity()))
    predictions = {
        name: Predictions(classes, scores[name], codes, people, fold_of) for name in scores
    }
    histories = [
        training.history.assign(fold=fold.name)
        for training, fold in zip(trainings, folds, strict=True)
    ]
    return PatchResult(predictions, pd.concat(histories, ignore_index=True), tuple(trainings))


def training_folder(out: str | Path, dataset: str, level: str, seed: int) -> Path:
    """Where a run keeps these trainings, in a folder for each number of classes."""
    return Path(out) / "networks" / "04" / f"{dataset}-{level}-{seed}-{PLANS[level].mark}"

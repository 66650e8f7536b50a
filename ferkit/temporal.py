"""Paper 3's experiments: how long each level trains, where networks start, the weighted sum over alpha, true motion.

H. Jung et al., ICCV 2015, sections 3.5, 4.1 and 5, figures 3, 5 and 11. The paper gives no rates, batches and epochs: those
of `PLANS` are ours, found on another drawing of the sequences than the one that notebooks 05 and 06 show.
"""

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ferkit.baselines import Answers
from ferkit.cross_train import CrossTrained, cross_train, parts_of
from ferkit.data.clips import Clip
from ferkit.data.folds import Fold, folds_ascending
from ferkit.evaluate import REPEATS, bootstrap, hits
from ferkit.faces import align
from ferkit.faces.sequence_examples import Sequences, sequence_examples
from ferkit.faces.sequences import vary
from ferkit.faces.store import Prepared, prepare
from ferkit.labels import BASIC7
from ferkit.loaders import load_clips
from ferkit.models.dtagn import DTAN, DTGN, Concatenated, Joint, JointLoss, Network, build, centred, weighted_sum
from ferkit.models.layers import cross_entropy, seeded
from ferkit.redrawn import peak_frames
from ferkit.train import Loss, Recipe

STEPS = 100  # of alpha, 0.01 each
NETWORKS = {"sequences": "ckplus", "sequences-mmi": "mmi", "ckplus": "ckplus", "oulu": "oulu", "mmi": "mmi"}


@dataclass(frozen=True)
class Plan:
    """What one level trains: how many folds of people, and how each network learns."""

    folds: int
    dtan: Recipe
    small: Recipe  # of the smaller DTAN for MMI
    dtgn: Recipe
    joint: Recipe  # of joint fine-tuning and of the layer on concatenated features

    def dtan_of(self, kind: str) -> Recipe:
        """The recipe of DTAN for a data set of this kind, one of the values of NETWORKS."""
        return self.small if kind == "mmi" else self.dtan


PLANS = {
    "smoke": Plan(2, Recipe(1, rate=0.002), Recipe(1, rate=0.01), Recipe(3, rate=0.01), Recipe(1, rate=0.01)),
    "lesson": Plan(3, Recipe(25, rate=0.002), Recipe(50, rate=0.01), Recipe(200, rate=0.01), Recipe(5, rate=0.01)),
    "paper": Plan(10, Recipe(60, rate=0.002), Recipe(120, rate=0.01), Recipe(400, rate=0.01), Recipe(40, rate=0.01)),
}  # fmt: skip


def starts(notation: str, inputs: Tensor, people: ArrayLike, folds: Sequence[Fold], seed: int = 0) -> list[Network]:
    """For each fold the network the notation describes, untrained, behind the centre of its training people's inputs.

    `inputs` are picture sequences `(N, T, H, W)` or trajectories `(N, T, 49, 2)`; all networks have the same first weights.
    """
    return [
        centred(seeded(lambda: build(notation, inputs.shape[1]), seed), inputs[parts_of(people, fold)["train"]])  # type: ignore[arg-type]
        for fold in folds
    ]


def together(
    make: Callable[..., nn.Module], dtan: CrossTrained, dtgn: CrossTrained, *, seed: int = 0
) -> list[nn.Module]:
    """For each fold `make(DTAN, DTGN)` of copies of its two trained networks; what is new in it starts from `seed`.

    ValueError when the two were not trained by the same folds.
    """
    if dtan.fold.tolist() != dtgn.fold.tolist() or len(dtan.trained) != len(dtgn.trained):
        raise ValueError("the two networks were trained by different folds: their test people would have been seen")
    pairs = [copy.deepcopy((a.network, b.network)) for a, b in zip(dtan.trained, dtgn.trained, strict=True)]
    return [seeded(partial(make, *pair), seed) for pair in pairs]


def sequences_of(
    dataset: str, level: str, seed: int = 0, root: str | None = None
) -> tuple[str, Sequences, tuple[str, ...], list[Fold]]:
    """The kind of networks for a data set (a value of NETWORKS), its sequences of twelve frames, their classes, folds of its people."""
    clips, kind = load_clips(dataset, level, seed, root), NETWORKS.get(dataset, "ckplus")
    classes = tuple(emotion for emotion in BASIC7 if kind == "ckplus" or emotion != "contempt")
    data = sequence_examples(clips, prepare(clips, 64, grey=True), classes, frames=12)
    folds = folds_ascending(clips, PLANS[level].folds, val_people=max(1, len(set(data.people)) // 10))
    return kind, data, classes, folds


def train_dtan(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, *, seed: int = 0, **how: object
) -> CrossTrained:
    """DTAN by folds, behind the mean face, as in notebooks 05 and 06: found again where they keep it (`folder`)."""
    first = starts(DTAN[kind], data.pictures, data.people, folds, seed)
    given = (PLANS[level].dtan_of(kind), (data.pictures,), data.labels, data.people, folds)
    return cross_train(first, *given, seed=seed, augment=vary, **how)  # type: ignore[arg-type]


def train_dtgn(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, *, seed: int = 0, **how: object
) -> CrossTrained:
    """DTGN by folds, as `train_dtan`."""
    first = starts(DTGN[kind], data.points, data.people, folds, seed)
    given = (PLANS[level].dtgn, (data.points,), data.labels, data.people, folds)
    return cross_train(first, *given, seed=seed, augment=vary, **how)  # type: ignore[arg-type]


WAYS: dict[str, tuple[Callable[..., nn.Module], Loss]] = {  # of fine-tuning the two trained networks together
    "joint": (Joint, JointLoss()),
    "joint_l3": (Joint, JointLoss((0.0, 0.0, 1.0))),
    "concatenation": (Concatenated, cross_entropy),
}


def fine_tuned(
    make: Callable[..., nn.Module],
    loss: Loss,
    pair: Sequence[CrossTrained],
    data: Sequences,
    folds: Sequence[Fold],
    level: str,
    *,
    seed: int = 0,
    **how: object,
) -> CrossTrained:
    """Each fold's trained DTAN and DTGN (`pair`) put together by `make` and trained on under `loss` (section 3.5.2)."""
    recipe, inputs = replace(PLANS[level].joint, loss=loss), (data.pictures, data.points)
    first = together(make, *pair, seed=seed)
    return cross_train(first, recipe, inputs, data.labels, data.people, folds, seed=seed, augment=vary, **how)  # type: ignore[arg-type]


def train_pair(
    kind: str, data: Sequences, folds: Sequence[Fold], level: str, **how: object
) -> tuple[CrossTrained, CrossTrained]:
    """DTAN and DTGN; `how` as of `train_dtan`, seed among it."""
    return train_dtan(kind, data, folds, level, **how), train_dtgn(kind, data, folds, level, **how)  # type: ignore[arg-type]


def fine_tuned_ways(
    pair: Sequence[CrossTrained], data: Sequences, folds: Sequence[Fold], level: str, **how: object
) -> dict[str, CrossTrained]:
    """The pair `fine_tuned` in each of WAYS."""
    return {name: fine_tuned(*way, pair, data, folds, level, **how) for name, way in WAYS.items()}  # type: ignore[arg-type]


def averaged(dtan: Answers, dtgn: Answers) -> Answers:
    """What the mean of the two networks' softmax outputs answers (equation 7 with the paper's alpha)."""
    return replace(dtan, scores=weighted_sum(softmax(dtan.scores), softmax(dtgn.scores)))


def all_methods(
    kind: str, data: Sequences, classes: Sequence[str], folds: Sequence[Fold], level: str, **how: object
) -> dict[str, Answers]:
    """What every method of the paper answers, by its name in the result tables; `how` as of `train_dtan`, seed among it.

    And "logits_added": the sum of both networks' logits, which is what joint fine-tuning starts from.
    """
    pair = train_pair(kind, data, folds, level, **how)
    dtan, dtgn = (one.answers(classes) for one in pair)
    tuned = fine_tuned_ways(pair, data, folds, level, **how)
    answers = {name: one.answers(classes) for name, one in tuned.items()}
    added = replace(dtan, scores=dtan.scores + dtgn.scores)
    return {"dtan": dtan, "dtgn": dtgn, "weighted_sum": averaged(dtan, dtgn), "logits_added": added} | answers


def true_motion(clips: Sequence[Clip], prepared: Prepared, level: str, seed: int) -> np.ndarray:
    """How far the expression moved what is seen at each pixel of each clip's peak frame, `(N, S, S)` float32.

    In pixels of the drawing, on the aligned face; drawn again, as pictures keep no motion. `prepared` has all frames of the
    clips. ValueError for clips that are of no drawn set of this level and seed.
    """
    maps, rows = [], prepared.table.reset_index().set_index(["name", "frame"])["index"]
    for clip, drawn in zip(clips, peak_frames(clips, level, seed), strict=True):
        matrix = align.alignment(prepared.original[rows[clip.name, clip.peak]], prepared.size)
        maps.append(align.align(drawn.motion, matrix, prepared.size).clip(min=0))
    return np.stack(maps)


def softmax(logits: ArrayLike) -> np.ndarray:
    """Probabilities of logits `(N, K)`."""
    shifted = np.asarray(logits, dtype=np.float64)
    shifted = np.exp(shifted - shifted.max(-1, keepdims=True))
    return shifted / shifted.sum(-1, keepdims=True)


def alpha_sweep(
    p: ArrayLike, q: ArrayLike, truth: ArrayLike, people: ArrayLike, *, repeats: int = REPEATS, seed: int = 0
) -> pd.DataFrame:
    """The accuracy of `alpha p + (1 - alpha) q` for alpha from 0 to 1 in steps of 0.01: alpha, value, low, high (figure 11).

    `p` and `q` are the softmax outputs `(N, K)` of DTAN and DTGN; the interval is over people.
    """
    rows = []
    for alpha in np.arange(STEPS + 1) / STEPS:
        found = bootstrap(
            hits(weighted_sum(np.asarray(p), np.asarray(q), alpha), truth), people, repeats=repeats, seed=seed
        )
        rows.append((alpha, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["alpha", "value", "low", "high"])


def fewer_frames(pictures: Tensor, count: int) -> Tensor:
    """`count` of the T frames of sequences `(N, T, H, W)`: evenly from the first to the last, a single one is the last."""
    given = pictures.shape[1]
    if not 1 <= count <= given:
        raise ValueError(f"{count} frames cannot be chosen from {given}; choose 1 to {given}")
    places = np.linspace(0, given - 1, count).round().astype(int) if count > 1 else [given - 1]
    return pictures[:, list(places)]

"""Paper 5's identity network: the faces it learns, its training, and its verification.

M. Li et al., IEEE Transactions on Affective Computing 2021, sections 4.1, 4.3 and 4.4.

Convention
- Pictures are the middle of the aligned face, 55 x 47 pixels. Drawn faces are aligned by the
  landmarks they were drawn with, all others by detected landmarks.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn

from ferkit import data
from ferkit.core.files import data_root, digest
from ferkit.data.clip import Clip
from ferkit.data.folds import people
from ferkit.data.sets import lfw
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.scene import PORTRAIT
from ferkit.drawn.sets import SETS, Size
from ferkit.faces import align, load
from ferkit.faces.pictures import read_image
from ferkit.faces.prepare import prepare
from ferkit.papers.tfe.network import ConvNet
from ferkit.papers.tfe.verification import (
    Pairs,
    Verified,
    cosine_similarity,
    lfw_pairs,
    make_pairs,
    pair_score,
    roc,
    verify,
)
from ferkit.training import augment
from ferkit.training.layers import FeatureReader
from ferkit.training.learning import Learning
from ferkit.training.loop import scores, train_kept
from ferkit.training.recipe import Examples, Trained
from ferkit.training.seeds import seeded

ALIGNED_SIDE = 64  # pixels of the aligned picture
# The part of it that the identity network sees.
CROP_ROWS = slice(6, 61)
CROP_COLUMNS = slice(8, 55)
PAPER_THRESHOLD = 0.15  # of the cosine, on LFW (section 4.4)

# The drawn people of the identity network are portraits, as most pictures of CASIA-WebFace and LFW.
# In the set's own, wider ranges of pose and light a network of so few people learns less.
IDENTITIES = replace(
    SETS["identities"],
    name="identities-portraits",
    ranges=PORTRAIT,
    levels={
        "smoke": Size(20, 3),
        "lesson": Size(150, 8),
        "study": Size(250, 8),
        "paper": Size(1000, 40),
    },
)

# Faces, their persons, and pairs of them.
VerificationSet = tuple[Tensor, np.ndarray, Pairs]


@dataclass(frozen=True, eq=False)
class Identities:
    """Faces `(N, 3, 55, 47)`, their persons `(N,)`, and the `part` `(N,)` of each.

    Parts are "train", "val" (one picture of each of the same people) and "unseen".
    """

    face: Tensor
    people: np.ndarray
    part: np.ndarray

    def of(self, part: str) -> tuple[Tensor, np.ndarray]:
        """The faces of one part and their persons."""
        rows = self.part == part
        return self.face[torch.from_numpy(rows)], self.people[rows]

    @property
    def known(self) -> np.ndarray:
        """The people whom the network learns, in the order of its outputs."""
        return np.unique(self.people[self.part == "train"])


def load_identities(
    name: str = "identities", level: str = "lesson", seed: int = 0, root: str | Path | None = None
) -> list[Clip]:
    """Load the pictures of many people: drawn portraits, or a data set with persons (`casia`)."""
    if name == "identities":
        return read_drawn(draw_set(IDENTITIES, level, seed), dataset=name)
    return load.load_clips(name, level, seed, root)


def hold_out_pictures(clips: Sequence[Clip], seed: int = 0) -> tuple[list[Clip], list[Clip]]:
    """Draw one picture of each person for validation; return (train, val).

    Section 4.3, for CASIA-WebFace. The same people are in both parts; a person of one picture stays
    in the training part. The draw depends on `seed`, not on the order of the clips.
    """

    def rank(clip: Clip) -> str:
        return digest(json.dumps([seed, clip.dataset, clip.person, clip.name]), length=64)

    pictures_of: defaultdict[tuple[str, str], list[Clip]] = defaultdict(list)
    for clip in clips:
        pictures_of[clip.dataset, clip.person].append(clip)
    drawn = [min(own, key=rank) for own in pictures_of.values() if len(own) > 1]
    keys = {(clip.dataset, clip.person, clip.name) for clip in drawn}
    train = [clip for clip in clips if (clip.dataset, clip.person, clip.name) not in keys]
    val = [clip for clip in clips if (clip.dataset, clip.person, clip.name) in keys]
    return train, val


def identity_faces(clips: Sequence[Clip], seed: int = 0, unseen: float = 0.2) -> Identities:
    """Cut the faces of many people and split them into parts.

    The share `unseen` of the people, the last ones, is kept for verification.
    """
    images, clips = align_clips(clips)
    everybody = people(clips)
    unseen_people = set(everybody[len(everybody) - round(unseen * len(everybody)) :])
    is_unseen = np.array([(clip.dataset, clip.person) in unseen_people for clip in clips])
    seen = [clip for clip, held_out in zip(clips, is_unseen, strict=True) if not held_out]
    _, val = hold_out_pictures(seen, seed)
    is_val = np.isin([clip.name for clip in clips], [clip.name for clip in val])
    part = np.select([is_unseen, is_val], ["unseen", "val"], "train")
    return Identities(crop_identity(images), _persons(clips), part)


def build_identity(faces: Identities, seed: int = 0) -> ConvNet:
    """Build the untrained identity network, standardised for the training pictures."""
    network = seeded(lambda: ConvNet(len(faces.known)), seed)
    network.standardise.learn(faces.of("train")[0])
    return network


def train_identity(
    learning: Learning,
    faces: Identities,
    *,
    seed: int = 0,
    folder: str | Path | None = None,
    **options: Any,
) -> Trained:
    """Train the identity network to name the people (section 4.4).

    `folder` keeps each training in a folder of its own; `options` go to `training.loop.train`.
    """
    parts = []
    for part in ("train", "val"):
        face, persons = faces.of(part)
        codes = torch.from_numpy(np.searchsorted(faces.known, persons))
        parts.append(Examples((face,), codes))
    training, validation = parts
    recipe = learning.recipe(len(training.labels))
    return train_kept(
        build_identity(faces, seed),
        recipe,
        training,
        validation,
        "identity",
        seed=seed,
        folder=folder,
        augment=augment.mirror_views,
        **options,
    )


def verification_sets(
    faces: Identities, root: str | Path | None = None, seed: int = 0
) -> dict[str, VerificationSet]:
    """Make the sets on which the network is verified, by name.

    "identities" are people never seen. Photographs are added where they are found under `root`:
    "london", two of each person, neutral and smiling; "lfw", LFW's own 6 000 pairs, without those
    in which a face is not found.
    """
    sets = {"identities": _pair_people(*faces.of("unseen"), seed)}
    photographs = load.load_photographs(root)
    if "london" in photographs:
        images, clips = align_clips(photographs["london"])
        sets["london"] = _pair_people(crop_identity(images), _persons(clips), seed)
    folder = data.dataset("lfw").find_folder(data_root(root))
    if folder:
        sets["lfw"] = _read_lfw(folder)
    return sets


def verify_network(
    network: nn.Module, face: Tensor, people: np.ndarray, pairs: Pairs, *, seed: int = 0
) -> tuple[dict[str, dict[str, float]], Verified, pd.DataFrame]:
    """Verify pairs of faces; return metrics, decisions and the ROC curve.

    Faces, persons and pairs are as of `verification_sets`. The metrics are "accuracy", its mean
    "threshold", the "area" under the ROC curve, and "at_0.15", the accuracy at the paper's
    threshold.
    """
    similarity = cosine_similarity(describe_faces(network, face), pairs)
    verified = verify(similarity, pairs, people, seed=seed)
    at_paper = (similarity >= PAPER_THRESHOLD) == pairs.same
    metrics = {
        "accuracy": verified.score.metric(),
        "threshold": {"value": float(verified.thresholds.mean())},
        "area": {"value": float(roc_auc_score(pairs.same, similarity))},
        f"at_{PAPER_THRESHOLD}": pair_score(at_paper, pairs, people, seed=seed).metric(),
    }
    return metrics, verified, roc(similarity, pairs.same)


def describe_faces(network: nn.Module, *inputs: Tensor) -> np.ndarray:
    """The feature by which a network describes each face, `(N, D)` float32."""
    return scores(FeatureReader(network), inputs, precision="32")


def align_clips(clips: Sequence[Clip], *, progress: bool = True) -> tuple[np.ndarray, list[Clip]]:
    """Align the first picture of each clip, `(N, 64, 64, 3)` uint8; return also the clips.

    Clips without a face are left out. Drawn faces are aligned by the landmarks they were drawn
    with: in pictures of 64 pixels dlib finds little more than half of the faces.
    """
    if all("landmarks" in clip.extra for clip in clips):
        images = []
        for clip in clips:
            matrix = align.alignment(clip.extra["landmarks"][0], ALIGNED_SIDE)
            images.append(align.align(read_image(clip.frames[0]), matrix, ALIGNED_SIDE))
        return np.stack(images), list(clips)
    prepared = prepare(clips, ALIGNED_SIDE, progress=progress)
    assert prepared.images is not None
    found = prepared.table["found"].to_numpy(bool)
    kept = [clip for clip, has_face in zip(clips, found, strict=True) if has_face]
    return prepared.images[found], kept


def crop_identity(images: np.ndarray) -> Tensor:
    """Crop aligned pictures to the part that the identity network sees, `(N, 3, 55, 47)`.

    It reaches from the brows to the chin (section 4.3).
    """
    return as_tensor(images[:, CROP_ROWS, CROP_COLUMNS])


def as_tensor(images: np.ndarray) -> Tensor:
    """Convert pictures `(N, H, W, C)` to a tensor `(N, C, H, W)`."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))


def _persons(clips: Sequence[Clip]) -> np.ndarray:
    return np.array([clip.person for clip in clips])


def _pair_people(face: Tensor, people: np.ndarray, seed: int) -> VerificationSet:
    folds = min(10, len(set(people)) // 2)
    return face, people, make_pairs(people, folds, seed=seed)


def _read_lfw(folder: Path) -> VerificationSet:
    """LFW's pairs of view 2, without those in which a face is not found."""
    pairs = lfw.read_pairs(folder)
    names = {pair.first for pair in pairs} | {pair.second for pair in pairs}
    images, clips = align_clips([clip for clip in lfw.read_lfw(folder) if clip.name in names])
    found = {clip.name for clip in clips}
    complete = [pair for pair in pairs if {pair.first, pair.second} <= found]
    return crop_identity(images), _persons(clips), lfw_pairs(complete, clips)

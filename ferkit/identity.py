"""Paper 5's identity network: whose faces it learns, its training, and the pairs on which it is tested.

M. Li et al., IEEE Transactions on Affective Computing 2021, sections 4.1, 4.3 and 4.4.

Convention
- Pictures are the middle of the aligned face, 55 x 47 pixels. Drawn faces are aligned by the landmarks that they were drawn with,
  all others by those found.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ferkit import augment, checkpoints, data, loaders
from ferkit.data import lfw, protocols
from ferkit.data.clips import Clip
from ferkit.data.drawn import read_drawn
from ferkit.data.folds import people
from ferkit.faces import align
from ferkit.faces.detect import read_image
from ferkit.faces.store import prepare
from ferkit.models.layers import seeded
from ferkit.models.tfe import ConvNet, Features, ResNet, Tandem
from ferkit.paths import data_root
from ferkit.synthetic.scene import PORTRAIT
from ferkit.synthetic.sets import SETS, Size, draw_set
from ferkit.train import Examples, Recipe, Trained, scores, train
from ferkit.verification import Pairs, Verified, area, cosine, make_pairs, pair_score, roc, verify

ALIGNED = 64  # pixels of the aligned picture
ROWS, COLUMNS = slice(6, 61), slice(8, 55)  # what the network sees of it
THRESHOLD = 0.15  # of the cosine, on LFW (section 4.4)

# The drawn people of the identity network: portraits, as CASIA-WebFace's and LFW's pictures mostly are. (Of 300 people in the set's own
# wide ranges of pose and light the lesson's network learns less: 68 % of the pairs of people never seen, against 85 % with portraits.)
IDENTITIES = replace(
    SETS["identities"],
    name="identities-portraits",
    ranges=PORTRAIT,
    levels={"smoke": Size(20, 3), "lesson": Size(250, 8), "paper": Size(1000, 40)},
)


@dataclass(frozen=True)
class Falling:
    """A rate that rises over the first tenth of the iterations, then falls evenly to a fiftieth."""

    rate: float
    iterations: int

    def __call__(self, iteration: int) -> float:
        return self.rate * min((iteration + 1) / (0.1 * self.iterations), max(0.02, 1 - iteration / self.iterations))


@dataclass(frozen=True)
class Learning:
    """How one phase learns."""

    epochs: int
    rate: float
    batch: int = 128
    optimiser: str = "adam"
    weight_decay: float = 0.0
    falling: bool = True  # the rate, else it stays

    def recipe(self, count: int) -> Recipe:
        """The recipe for `count` training examples."""
        schedule = Falling(self.rate, self.epochs * -(-count // self.batch)) if self.falling else None
        return Recipe(
            self.epochs,
            batch=self.batch,
            rate=self.rate,
            optimiser=self.optimiser,
            weight_decay=self.weight_decay,
            schedule=schedule,
        )


# --- faces ---


@dataclass(frozen=True, eq=False)
class Identities:
    """Faces of the identity network: `part` `(N,)` is "train", "val" (one picture of each of the same people) or "unseen"."""

    face: Tensor
    people: np.ndarray
    part: np.ndarray

    def of(self, part: str) -> tuple[Tensor, np.ndarray]:
        """The faces of one part and whose they are."""
        rows = self.part == part
        return self.face[torch.from_numpy(rows)], self.people[rows]

    @property
    def known(self) -> np.ndarray:
        """The people that the network tells apart, in the order of its outputs."""
        return np.unique(self.people[self.part == "train"])


def load_identities(
    name: str = "identities", level: str = "lesson", seed: int = 0, root: str | Path | None = None
) -> list[Clip]:
    """The pictures of many people: drawn portraits, or a data set that says who is on each picture (`casia`)."""
    if name == "identities":
        return read_drawn(draw_set(IDENTITIES, level, seed), dataset=name)
    return loaders.load_clips(name, level, seed, root)


def identity_faces(clips: Sequence[Clip], seed: int = 0, unseen: float = 0.2) -> Identities:
    """The faces of many people; the share `unseen` of the people, the last ones, is kept for verification."""
    images, clips = aligned(clips)
    everybody = people(clips)
    apart = set(everybody[len(everybody) - round(unseen * len(everybody)) :])
    val = protocols.tfe_identities([clip for clip in clips if (clip.dataset, clip.person) not in apart], seed)[1]
    validated = {clip.name for clip in val}
    parts = ["unseen" if (c.dataset, c.person) in apart else "val" if c.name in validated else "train" for c in clips]
    return Identities(middle(images), np.array([clip.person for clip in clips]), np.array(parts))


def new_identity(faces: Identities, seed: int = 0) -> ConvNet:
    """The identity network before its training; it knows mean and spread of the training pictures."""
    network = seeded(lambda: ConvNet(len(faces.known)), seed)
    network.standardise.learn(faces.of("train")[0])  # type: ignore[union-attr, operator]
    return network  # type: ignore[return-value]


def train_identity(
    learning: Learning, faces: Identities, *, seed: int = 0, folder: str | Path | None = None, **how: Any
) -> Trained:
    """The identity network trained to name the people (section 4.4), kept in `folder` under what it was made from."""
    parts = []
    for part in ("train", "val"):
        face, who = faces.of(part)
        parts.append(Examples((face,), torch.from_numpy(np.searchsorted(faces.known, who))))
    start, recipe = new_identity(faces, seed), learning.recipe(len(parts[0].labels))
    made_of = checkpoints.fingerprint(*(x for each in parts for x in (*each.inputs, each.labels)))
    mark = hashlib.sha256(f"{learning}{seed}{how}{made_of}".encode()).hexdigest()[:10]
    place = Path(folder) / f"identity-{mark}" if folder else None
    return train(start, recipe, parts[0], parts[1], seed=seed, augment=augment.mirrored, folder=place, **how)


def to_verify(
    faces: Identities, root: str | Path | None = None, seed: int = 0
) -> dict[str, tuple[Tensor, np.ndarray, Pairs]]:
    """Faces, whose they are, and ten folds of pairs, by name: "drawn" people never seen, and photographs that are at hand.

    Of "london" each person has two, neutral and smiling; "lfw" are LFW's own 6 000 pairs, without those of which a face is not found.
    """
    face, who = faces.of("unseen")
    found = {"drawn": (face, who, make_pairs(who, min(10, len(set(who)) // 2), seed=seed))}
    if "london" in (photographs := loaders.load_photographs(root)):
        images, clips = aligned(photographs["london"])
        who = np.array([clip.person for clip in clips])
        found["london"] = (middle(images), who, make_pairs(who, min(10, len(set(who)) // 2), seed=seed))
    base = data_root(root)
    for folder in (base / name for name in data.dataset("lfw").folders) if base else ():
        if folder.is_dir() and "lfw" not in found:
            found["lfw"] = _lfw(folder)
    return found


def told_apart(
    network: ConvNet, face: Tensor, whose: np.ndarray, pairs: Pairs, *, seed: int = 0
) -> tuple[dict[str, dict[str, float]], Verified, pd.DataFrame]:
    """How a network's feature tells pairs of people (see `to_verify`): metrics, every pair's answer, and the ROC.

    The metrics: "accuracy", its mean "threshold", the "area" under the ROC, and "at_0.15", the accuracy at the paper's threshold.
    """
    similar = cosine(features(network, face), pairs)
    told, curve = verify(similar, pairs, whose, seed=seed), roc(similar, pairs.same)
    fixed = pair_score((similar >= THRESHOLD) == pairs.same, pairs, whose, seed=seed)
    metrics = {"accuracy": told.score.metric(), "threshold": {"value": float(told.thresholds.mean())}}
    return metrics | {"area": {"value": area(curve)}, f"at_{THRESHOLD}": fixed.metric()}, told, curve


def _lfw(folder: Path) -> tuple[Tensor, np.ndarray, Pairs]:
    pairs = lfw.read_pairs(folder)
    used = {name for pair in pairs for name in (pair.first, pair.second)}
    images, clips = aligned([clip for clip in lfw.read_lfw(folder) if clip.name in used])
    there = {clip.name for clip in clips}
    kept = [pair for pair in pairs if {pair.first, pair.second} <= there]
    return middle(images), np.array([clip.person for clip in clips]), Pairs(*protocols.tfe_pairs(kept, clips))


def features(network: ConvNet | ResNet | Tandem, *inputs: Tensor) -> np.ndarray:
    """The numbers by which a network describes faces, `(N, D)` float32."""
    return scores(Features(network), inputs, precision="32")


def aligned(clips: Sequence[Clip], *, progress: bool = True) -> tuple[np.ndarray, list[Clip]]:
    """Aligned pictures `(N, 64, 64, 3)` uint8 and the clips they are of.

    Drawn faces are aligned by the landmarks that they were drawn with: in pictures of 64 pixels dlib finds little more than half.
    """
    if all("landmarks" in clip.extra for clip in clips):
        shown = [(read_image(clip.frames[0]), align.alignment(clip.extra["landmarks"][0], ALIGNED)) for clip in clips]
        return np.stack([align.align(image, matrix, ALIGNED) for image, matrix in shown]), list(clips)
    prepared = prepare(clips, ALIGNED, progress=progress)
    found = prepared.table["found"].to_numpy(bool)
    return np.asarray(prepared.images[found]), [clip for clip, there in zip(clips, found, strict=True) if there]  # type: ignore[index]


def middle(images: np.ndarray) -> Tensor:
    """What the identity network sees of aligned pictures: `(N, 3, 55, 47)`, from the brows to the chin (section 4.3)."""
    return as_tensor(images[:, ROWS, COLUMNS])


def as_tensor(images: np.ndarray) -> Tensor:
    """Pictures `(N, H, W, C)` as `(N, C, H, W)`."""
    return torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))

"""Paper 5's experiments: what each level trains, the emotion network, and both networks joined.

M. Li et al., IEEE Transactions on Affective Computing 2021, sections 3 and 4. Notebooks 07 and 09 call the same functions with the
same folder, and so find the same trained networks.

Convention
- A face is cut twice from one aligned picture: `face` (55 x 47 pixels) is what the identity network sees, `picture` (a square) what
  the emotion network sees.
- Drawn faces are aligned by the landmarks they were drawn with, all others by those found.
"""

import copy
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from ferkit import augment, baselines, loaders
from ferkit.cross_train import CrossTrained, cross_train, parts_of
from ferkit.data import fer2013, protocols
from ferkit.data.clips import Clip
from ferkit.data.folds import Fold, folds_ascending, people
from ferkit.identity import (
    ALIGNED,
    COLUMNS,
    ROWS,
    Learning,
    aligned,
    as_tensor,
    features,
    identity_faces,
    load_identities,
    middle,
    train_identity,
)
from ferkit.labels import EMOTIONS, LabelSet
from ferkit.models.layers import mixed, restarted, seeded
from ferkit.models.tfe import INPUT, ConvNet, ResNet, Tandem
from ferkit.portable import save_network
from ferkit.train import scores
from ferkit.views import View


@dataclass(frozen=True)
class Setup:
    """What one level trains."""

    folds: int
    size: int  # of the emotion network's picture
    identity: Learning
    emotion: Learning
    joint: Learning
    kind: str = "resnet12"
    starts: int = 3  # how often joint learning is started anew, from other new layers and another order of the pictures


PAPER: dict[str, Any] = {"optimiser": "sgd", "weight_decay": 5e-4, "falling": False}
SETUPS = {
    "smoke": Setup(2, 32, Learning(2, 0.002, 16), Learning(1, 0.005, 64), Learning(1, 0.001, 64), starts=2),
    "lesson": Setup(3, 48, Learning(16, 0.002, 64), Learning(15, 0.005, 64), Learning(5, 0.001, 64)),
    "paper": Setup(10, 48, Learning(200, 0.01, **PAPER), Learning(200, 0.16, **PAPER), Learning(100, 0.01, **PAPER)),
}
UNALIGNED = "fer2013"  # its pictures of 48 x 48 pixels are taken as they are (section 4.3)
LARGE = (UNALIGNED, "affectnet")


def setup_of(level: str, dataset: str) -> Setup:
    """The setup for a data set: ResNet18 and its own rates where there are tens of thousands of pictures (section 4.2)."""
    chosen = SETUPS[level]
    if dataset not in LARGE:
        return chosen
    if level == "paper":
        rates = {"emotion": replace(chosen.emotion, rate=0.1), "joint": replace(chosen.joint, rate=0.001)}
    else:  # as many iterations need fewer epochs
        rates = {p: replace(h, epochs=-(-h.epochs // 8)) for p in ("emotion", "joint") for h in [getattr(chosen, p)]}
    return replace(chosen, kind="resnet18", **rates)  # type: ignore[arg-type]


# --- faces ---


@dataclass(frozen=True, eq=False)
class Faces:
    """N faces as both networks see them, and what is known of them.

    `face` `(N, 3, 55, 47)` and `picture` `(N, 3, S, S)` uint8; `people`, `emotion` and `names` (of the clips) `(N,)`.
    """

    face: Tensor
    picture: Tensor
    people: np.ndarray
    emotion: np.ndarray
    names: np.ndarray

    def __len__(self) -> int:
        return len(self.people)

    @property
    def classes(self) -> tuple[str, ...]:
        """The emotions that occur, in the order of EMOTIONS."""
        return tuple(name for name in EMOTIONS if name in self.emotion)

    @property
    def labels(self) -> np.ndarray:
        """The class of each face, `(N,)`."""
        return LabelSet(self.classes).encode(self.emotion.tolist())


def faces_of(clips: Sequence[Clip], size: int, *, progress: bool = True) -> Faces:
    """The faces of clips of one picture each; those without a face that can be found are left out.

    FER2013's pictures are taken whole; of others `face` is the middle of the aligned picture, from the brows to the chin.
    """
    if clips and clips[0].dataset == UNALIGNED:
        images = np.repeat(fer2013.pictures(clips)[..., None], 3, axis=3)
        face = as_tensor(np.stack([cv2.resize(image, INPUT[::-1]) for image in images]))
    else:
        images, clips = aligned(clips, progress=progress)
        face = middle(images)
    known = (np.array([getattr(clip, what) for clip in clips], dtype=str) for what in ("person", "emotion", "name"))
    return Faces(face, loaders.pictures(images, size), *known)


def expression_folds(clips: Sequence[Clip], folds: int, seed: int = 0) -> list[Fold]:
    """Folds of people of the stills of the data set (section 4.1), a tenth of each training part for validation.

    Of a sequence the first frame is neutral and the last three show the emotion; compound emotions are left out. FER2013 has its
    provider's split instead.
    """
    if clips and clips[0].dataset == UNALIGNED:
        return protocols.tfe_ferplus(clips)
    shown = protocols.stills(clip for clip in clips if clip.complementary is None)
    everybody = len(people(shown))
    return folds_ascending(shown, min(folds, everybody), val_people=max(1, everybody // 10), seed=seed)


# --- what a face shows ---

PENALTY = 0.01  # of the linear machine
WAYS = ("joint", "frozen", "untrained", "longer")


def train_emotion(
    setup: Setup,
    identity: ConvNet,
    faces: Faces,
    folds: Sequence[Fold],
    ways: Iterable[str] = WAYS,
    *,
    seed: int = 0,
    start: int = 0,
    folder: str | Path | None = None,
    **how: Any,
) -> dict[str, CrossTrained]:
    """The emotion network of each fold ("resnet"), and what is made of it in the second phase.

    "joint" is the paper's; "frozen" trains the new layers alone; "untrained" is joint learning whose identity network was never
    trained; "longer" trains the emotion network alone for as long as joint learning does. The last two tell what identity,
    and what mere further training, contributes. Another `start` is another second phase of the same networks. `identity` is
    copied. Trainings are kept in `folder`.
    """
    labels, who, classes = faces.labels, faces.people, len(faces.classes)
    rows = [parts_of(who, fold)["train"] for fold in folds]
    count = max(int(mine.sum()) for mine in rows)
    move = augment.moved if setup.kind == "resnet18" else augment.mirrored
    given = (labels, who, folds)
    how = {**how, "seed": seed, "folder": folder, "augment": move}
    starts = [_new_emotion(setup, classes, faces.picture[torch.from_numpy(mine)], seed) for mine in rows]
    found = {"resnet": cross_train(starts, setup.emotion.recipe(count), (faces.picture,), *given, **how)}
    resnets = [done.network for done in found["resnet"].trained]
    how["seed"] = second = mixed(seed, start)
    for way in ways:
        recipe, inputs = setup.joint.recipe(count), (faces.face, faces.picture)
        if way == "longer":
            found[way] = cross_train(resnets, recipe, inputs[1:], *given, **how)
            continue
        known = _untrained(identity, second) if way == "untrained" else identity
        joined = [_joined(known, resnet, classes, way == "frozen", second) for resnet in resnets]
        found[way] = cross_train(joined, recipe, inputs, *given, **how)
    return found


def train_drawn(
    level: str, seed: int, ways: Iterable[str], *, start: int = 0, **how: Any
) -> tuple[Faces, dict[str, CrossTrained]]:
    """Both phases of notebook 07 on drawn people: the faces of `sequences`, and `train_emotion` of them.

    Another `start` is another training of every network on the same faces, the identity network among them.
    """
    setup, how = setup_of(level, "sequences"), {**how, "seed": restarted(seed, start)}
    everybody = identity_faces(load_identities("identities", level, seed), seed)
    known = train_identity(setup.identity, everybody, **how).network
    folds = expression_folds(loaders.load_clips("sequences", level, seed), setup.folds, seed)
    faces = faces_of([clip for fold in folds for clip in fold.test], setup.size)
    return faces, train_emotion(setup, known, faces, folds, ways, **how)  # type: ignore[arg-type]


def identity_svm(identity: ConvNet, faces: Faces, folds: Sequence[Fold], seed: int = 0) -> baselines.Answers:
    """The identity feature with a linear SVM, the transfer that joint learning is compared with (section 4.6)."""
    rows, who, shown = features(identity, faces.face), faces.people, faces.emotion
    said = np.full((len(faces), len(faces.classes)), np.nan)
    tested_in = np.full(len(faces), "", dtype=object)
    for fold in folds:
        test = parts_of(who, fold)["test"]
        parts = [(rows[part], shown[part].tolist(), who[part]) for part in (~test, test)]
        said[test] = baselines.train_test(*parts, names=faces.classes, C=PENALTY, seed=seed).scores
        tested_in[test] = fold.name
    tested = ~np.isnan(said).any(1)  # a class that a fold could not train has the score -inf
    return baselines.Answers(
        faces.classes,
        said[tested],
        faces.labels[tested],
        who[tested],
        tested_in[tested],
        dict.fromkeys(tested_in, PENALTY),
    )


def with_other_faces(joint: CrossTrained, faces: Faces, folds: Sequence[Fold], seed: int = 0) -> pd.DataFrame:
    """What joint networks answer when the identity branch sees another picture than the emotion branch.

    A row for each tested face of somebody who has a neutral one: person, truth, and the class answered when the identity branch sees
    the "own picture", the "own neutral face", or "somebody else's neutral face", of the same fold, drawn by `seed`.
    """
    neutral = {who: row for row, who in enumerate(faces.people) if faces.emotion[row] == "neutral"}
    tables, rng = [], np.random.default_rng(seed)
    for fold, one in zip(folds, joint.trained, strict=True):
        test = np.flatnonzero(parts_of(faces.people, fold)["test"])
        test = test[[who in neutral for who in faces.people[test]]]
        order = rng.permutation(np.unique(faces.people[test]))
        other = dict(zip(order, np.roll(order, 1), strict=True))  # nobody's is their own
        seen = {
            "own picture": test,
            "own neutral face": np.array([neutral[who] for who in faces.people[test]]),
            "somebody else's neutral face": np.array([neutral[other[who]] for who in faces.people[test]]),
        }
        answers = {
            name: scores(one.network, (faces.face[rows], faces.picture[test]), precision="32").argmax(1)
            for name, rows in seen.items()
        }
        tables.append(pd.DataFrame({"person": faces.people[test], "truth": faces.labels[test], **answers}))
    return pd.concat(tables, ignore_index=True)


def keep_networks(
    folder: str | Path, setup: Setup, found: Mapping[str, CrossTrained], classes: Iterable[str], about: str = ""
) -> list[Path]:
    """Writes the first fold's emotion network and joint network as resnet.safetensors and tandem.safetensors in `folder`."""
    names = tuple(classes)
    emotion = {"classes": len(names), "kind": setup.kind, "size": setup.size}
    joint = found["joint"].trained[0].network
    arguments: dict[str, dict[str, Any]] = {
        "resnet": emotion,
        "tandem": {
            "classes": len(names),
            "identity": {"identities": joint.identity.top.out_features},  # type: ignore[union-attr]
            "emotion": emotion,
        },
    }
    networks = {"resnet": found["resnet"].trained[0].network, "tandem": joint}
    window = (COLUMNS.start, ROWS.start, COLUMNS.stop, ROWS.stop)
    picture, face = View(setup.size, face=ALIGNED), View(ALIGNED, face=ALIGNED, window=window)
    views = {"resnet": [picture], "tandem": [face, picture]}
    return [
        save_network(
            Path(folder) / f"{kind}.safetensors",
            kind,
            arguments[kind],
            network,
            names,
            views[kind],
            about=about,
        )
        for kind, network in networks.items()
    ]


def _new_emotion(setup: Setup, classes: int, pictures: Tensor, seed: int) -> ResNet:
    network = seeded(lambda: ResNet(classes, setup.kind, setup.size), seed)
    network.standardise.learn(pictures)  # type: ignore[union-attr, operator]
    return network  # type: ignore[return-value]


def _joined(identity: ConvNet, emotion: nn.Module, classes: int, frozen: bool, seed: int) -> nn.Module:
    """Copies of both networks and new layers that start from `seed`."""
    pair = copy.deepcopy((identity, emotion))
    return seeded(lambda: Tandem(*pair, classes, frozen), seed)  # type: ignore[arg-type]


def _untrained(identity: ConvNet, seed: int) -> ConvNet:
    """A network like it with first weights; it knows mean and spread of the same pictures."""
    fresh = seeded(lambda: ConvNet(identity.top.out_features), seed)
    fresh.standardise.load_state_dict(identity.standardise.state_dict())  # type: ignore[union-attr]
    return fresh  # type: ignore[return-value]

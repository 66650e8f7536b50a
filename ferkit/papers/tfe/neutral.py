"""A second identity network, ours: it predicts a person's neutral face from any picture of them.

M. Li et al. 2021 train their identity network to name people. A name does not say what to take off
a face to be left with its expression; the person's neutral face does. Only of drawn people it is
known, so this network has more supervision than the paper's.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ferkit.core.landmarks import SUBSET_49, mirror, normalise
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.scene import STUDIO
from ferkit.drawn.sets import Size
from ferkit.papers.tfe.identity import IDENTITIES, Identities
from ferkit.papers.tfe.network import ConvNet
from ferkit.training import augment
from ferkit.training.learning import Learning
from ferkit.training.loop import train_kept
from ferkit.training.recipe import Examples, Trained
from ferkit.training.seeds import seeded

# The people of the identity network once more, neutral and nearly frontal.
_NEUTRAL = replace(
    IDENTITIES,
    name="identities-neutral",
    classes="neutral",
    ranges=STUDIO,
    levels={level: Size(size.people, 1) for level, size in IDENTITIES.levels.items()},
)


def load_neutral_shapes(level: str, seed: int = 0) -> dict[str, np.ndarray]:
    """Load each drawn person's neutral face: 98 numbers, 49 normalised landmarks.

    The mean of the face and its mirror image, so that mirrored pictures have the same.
    """
    clips = read_drawn(draw_set(_NEUTRAL, level, seed), dataset="identities")
    shapes = {}
    for clip in clips:
        points = normalise(clip.extra["landmarks"][0][SUBSET_49])
        shapes[clip.person] = ((points + mirror(points, 0)) / 2).ravel()
    return shapes


def train_neutral(
    learning: Learning,
    faces: Identities,
    shapes: Mapping[str, np.ndarray],
    *,
    seed: int = 0,
    folder: str | Path | None = None,
    **options: Any,
) -> Trained:
    """Train the identity network's layers to predict neutral faces, standardised.

    The people kept for verification choose the epoch. KeyError for people without a neutral face;
    the other arguments are those of `identity.train_identity`.
    """
    known = np.stack([shapes[person] for person in faces.known])
    middle = known.mean(0)
    # The nose tip, the origin, is alike in all, and so is the midline of a symmetric face.
    spread = np.where(known.std(0) > 1e-6, known.std(0), 1.0)
    parts = []
    for part in ("train", "unseen"):
        pictures, persons = faces.of(part)
        wanted = (np.stack([shapes[person] for person in persons]) - middle) / spread
        parts.append(Examples((pictures,), torch.from_numpy(wanted).float()))
    training, validation = parts
    network = seeded(lambda: ConvNet(known.shape[1]), seed)
    network.standardise.learn(training.inputs[0])
    return train_kept(
        network,
        learning.recipe(len(training.labels), F.mse_loss),
        training,
        validation,
        "neutral",
        seed=seed,
        folder=folder,
        augment=augment.mirror_views,
        **options,
    )

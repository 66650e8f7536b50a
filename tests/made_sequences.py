"""A small set of sequences whose pictures and landmarks tell the emotion by their change."""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from ferkit.core.labels import BASIC7
from ferkit.core.landmarks import SUBSET_49, normalise
from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.faces.prepared import Prepared
from ferkit.papers.dtagn.data import SequenceSet
from ferkit.papers.dtagn.sequences import Sequences

PEOPLE = 4
FRAMES = 12
SIZE = 64


def make_sequence_set(dataset: str = "sequences") -> SequenceSet:
    """Four people show seven emotions; the true landmarks move as the found ones do."""
    rng = np.random.default_rng(0)
    clips, pictures, points = [], [], []
    for person in range(PEOPLE):
        face = rng.uniform(20, 44, (68, 2))
        shade = 90 + 20 * person
        for code, emotion in enumerate(BASIC7):
            times = np.linspace(0, 1, FRAMES)[:, None, None]
            movement = np.zeros((68, 2))
            movement[17 + 7 * code : 24 + 7 * code, 1] = 6
            moved = face + times * movement
            film = np.full((FRAMES, SIZE, SIZE), shade, np.uint8)
            film[:, 8 * code : 8 * code + 8] += np.arange(0, 60, 5, dtype=np.uint8)[:, None, None]
            frames = tuple(f"{person}{emotion}{t}" for t in range(FRAMES))
            extra = {"landmarks": moved}
            name = f"{person}-{emotion}"
            clips.append(Clip(dataset, f"p{person}", name, emotion, frames, extra=extra))
            pictures.append(film)
            points.append(moved)
    rows = np.repeat(np.arange(len(clips)), FRAMES)
    landmarks = np.concatenate(points).astype(np.float32)
    table = pd.DataFrame({"clip": rows, "found": True})
    boxes = np.zeros((len(table), 4))
    faces = Prepared(Path("unused"), SIZE, table, None, landmarks, landmarks, boxes)
    data = Sequences(
        torch.from_numpy(np.stack(pictures)),
        torch.from_numpy(normalise(np.stack(points)[:, :, SUBSET_49]).astype(np.float32)),
        torch.tensor([BASIC7.index(clip.emotion) for clip in clips]),
        np.array([clip.person for clip in clips]),
        np.zeros(len(clips), int),
    )
    folds = folds_ascending(clips, 2, val_people=1)
    return SequenceSet(dataset, True, clips, faces, "ckplus", BASIC7, data, folds)

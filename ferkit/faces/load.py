"""Clips, labels and photographs of a data set by its name, and pictures as tensors."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ferkit import data
from ferkit.core.files import data_root
from ferkit.data.clip import Clip
from ferkit.data.sets.cmu import select_frontal
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import DrawnSet, find_set
from ferkit.faces.videos import videos_to_frames

# Photographs that drawn faces are compared with: frontal ones, with open eyes.
PHOTOGRAPHS: dict[str, Callable[[list[Clip]], list[Clip]]] = {"london": list, "cmu": select_frontal}


def load_clips(
    name: str,
    level: str = "lesson",
    seed: int = 0,
    root: str | Path | None = None,
    *,
    people: int | None = None,
) -> list[Clip]:
    """Load the clips of a data set.

    A drawn set is drawn at `level` when it does not exist yet, whatever `root` is; other sets are
    read from `root` (else FERKIT_DATA). Videos are decoded to frames once (`faces.videos`).

    `people` draws the first people of a drawn set alone, who show other expressions than in the
    whole set where these are drawn by lot (`wild`, `identities`, sequences).
    """
    if data.dataset(name).drawn:
        drawn_set = name if people is None else _limit_people(name, level, people)
        return read_drawn(draw_set(drawn_set, level, seed), dataset=name)
    return videos_to_frames(data.read_clips(name, root or None))


def _limit_people(name: str, level: str, people: int) -> DrawnSet:
    drawn_set = find_set(name, level)
    size = drawn_set.size(level)
    fewer = replace(size, people=min(people, size.people))
    return replace(drawn_set, levels={level: fewer})


def load_labels(
    name: str, level: str = "lesson", seed: int = 0, root: str | Path | None = None
) -> pd.DataFrame:
    """Load the labels of a data set: person, emotion (None: unlabelled) and complementary.

    Each row is a picture, sequence or video, and none of them is opened. So FER+ has labels too (by
    majority), although its pictures are elsewhere.
    """
    record = data.dataset(name)
    if not record.offer.pictures:
        table = record.read(data.find_root(name, root or None))
        return pd.DataFrame(
            {"person": table["name"], "emotion": table["emotion"], "complementary": None}
        )
    if record.drawn:
        clips = load_clips(name, level, seed)
    else:
        clips = data.read_clips(name, root or None)
    rows = [(clip.person, clip.emotion or None, clip.complementary) for clip in clips]
    return pd.DataFrame(rows, columns=["person", "emotion", "complementary"])


def load_photographs(root: str | Path | None = None) -> dict[str, list[Clip]]:
    """Load the photographs found under `root` or FERKIT_DATA, by data set; may be empty."""
    base = data_root(root)
    photographs = {}
    for name, select in PHOTOGRAPHS.items():
        record = data.dataset(name)
        if folder := record.find_folder(base):
            photographs[name] = select(record.read(folder, verify="off"))
    return photographs


def resize_pictures(images: np.ndarray, size: int) -> Tensor:
    """Resize aligned pictures and return them as a tensor for networks.

    Pictures are `(N, S, S, 3)` or `(N, S, S)` uint8, the result `(N, C, size, size)` uint8.
    """
    shrinks = size <= images.shape[1]
    interpolation = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    resized = [cv2.resize(image, (size, size), interpolation=interpolation) for image in images]
    stacked = np.stack(resized)
    if stacked.ndim == 3:
        stacked = stacked[..., None]
    channels_first = stacked.transpose(0, 3, 1, 2)  # (N, C, size, size)
    return torch.from_numpy(np.ascontiguousarray(channels_first))

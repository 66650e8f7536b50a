"""Data by name: drawn sets are drawn first, others are read where they lie; labels alone; photographs at hand; pictures as tensors."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ferkit import data
from ferkit.data import ferplus
from ferkit.data.clips import Clip
from ferkit.data.cmu import frontal
from ferkit.data.drawn import read_drawn
from ferkit.data.shards import WHOLE, shard_of
from ferkit.faces.films import as_frames
from ferkit.paths import data_root
from ferkit.synthetic.sets import SETS, draw_set

# Photographs that drawn faces are compared with: those that look straight at the camera with open eyes.
PHOTOGRAPHS = {"london": lambda clips: clips, "cmu": frontal}


def load_clips(
    name: str,
    level: str = "lesson",
    seed: int = 0,
    root: str | Path | None = None,
    shard: tuple[int, int] = WHOLE,
) -> list[Clip]:
    """The clips of a data set: a drawn set at `level` (drawn now when it is not there yet), or one read from `root`.

    With `root`, a drawn set is read from there too, and nothing is drawn. Films become frames (`faces.films`), once. A
    large set is prepared in shards (`data.shards`), one after the other or on several computers:

        for i in range(1, 9):
            part = prepare(load_clips("casia", shard=(i, 8)), 224)
    """
    if name in SETS and not root:
        return shard_of(read_drawn(draw_set(name, level, seed), dataset=name), shard)
    return as_frames(shard_of(data.read(name, root or None), shard))


def load_labels(name: str, level: str = "lesson", seed: int = 0, root: str | Path | None = None) -> pd.DataFrame:
    """What a data set says of its pictures, sequences or films, a row each: person, emotion (None: not marked), complementary.

    No picture or film is opened, so FER+ has labels too (by majority), though its pictures are elsewhere.
    """
    if name == "ferplus":
        votes = ferplus.read_ferplus_labels(data.find_root(name, root or None))
        return pd.DataFrame({"person": votes["name"], "emotion": votes["emotion"], "complementary": None})
    clips = load_clips(name, level, seed) if name in SETS and not root else data.read(name, root or None)
    return pd.DataFrame(
        [(clip.person, clip.emotion or None, clip.complementary) for clip in clips],
        columns=["person", "emotion", "complementary"],
    )


def load_photographs(root: str | Path | None = None) -> dict[str, list[Clip]]:
    """The real photographs found under `root` or FERKIT_DATA, by the name of their data set; empty when there are none."""
    base, found = data_root(root), {}
    for name, choose in PHOTOGRAPHS.items():
        known = data.dataset(name)
        folders = [base / folder for folder in known.folders if (base / folder).is_dir()] if base else []
        if folders:
            found[name] = choose(known.read(folders[0], verify="off"))
    return found


def pictures(images: np.ndarray, size: int) -> Tensor:
    """Aligned pictures `(N, S, S, 3)` or `(N, S, S)` uint8 brought to `size` pixels: `(N, C, size, size)` uint8, for networks."""
    how = cv2.INTER_AREA if size <= images.shape[1] else cv2.INTER_LINEAR
    small = np.stack([cv2.resize(image, (size, size), interpolation=how) for image in images])
    small = small[..., None] if small.ndim == 3 else small
    return torch.from_numpy(np.ascontiguousarray(small.transpose(0, 3, 1, 2)))

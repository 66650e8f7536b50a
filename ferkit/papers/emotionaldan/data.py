"""Who trains, chooses the epoch and is tested, and the examples made of their faces.

I. Tautkute and T. Trzcinski, Fundamenta Informaticae 2019, section 4. The networks are trained on
AffectNet, for which the drawn set `wild` stands, and tested on other data sets.
"""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch

from ferkit.data.folds import FOLD_PARTS, Fold, by_split, fold_held_out, people
from ferkit.faces.load import load_clips, load_photographs
from ferkit.papers.emotionaldan.crops import CLASSES, FaceCrops, crop_faces
from ferkit.papers.emotionaldan.loss import join_labels
from ferkit.papers.emotionaldan.plans import PLANS
from ferkit.training.recipe import Examples

# One person in five is tested, and a tenth of all, of the others, chooses the epoch.
_PEOPLE_PER_TESTED = 5
_PEOPLE_PER_VALIDATED = 10


@lru_cache(maxsize=2)
def split_people(
    level: str, seed: int, trained_on: str = "wild", data_root: str | Path | None = None
) -> Fold:
    """Split the people of a data set into those who train, validate and are tested.

    Of AffectNet the provider's training part trains; of its validation part one half chooses the
    epoch and the other is tested (section 4.1 sets 7 000 pictures aside for both).
    """
    clips = load_clips(trained_on, level, seed, data_root)
    if clips[0].split:
        parts = by_split(clips, ("train", "val"), "emotionaldan")
        val, test = parts["val"][::2], parts["val"][1::2]  # every picture is another person
        return Fold(trained_on, tuple(parts["train"]), tuple(val), tuple(test))
    everybody = people(clips)
    tested_count = math.ceil(len(everybody) / _PEOPLE_PER_TESTED)
    tested = everybody[-tested_count:]
    val_people = max(1, len(everybody) // _PEOPLE_PER_VALIDATED)
    return fold_held_out(clips, tested, trained_on, val_people=val_people, seed=seed)


@lru_cache(maxsize=2)
def crop_parts(
    level: str, seed: int, trained_on: str = "wild", data_root: str | Path | None = None
) -> dict[str, FaceCrops]:
    """Crop the faces of each part of `split_people`."""
    faces = crop_faces(load_clips(trained_on, level, seed, data_root), PLANS[level].size)
    fold = split_people(level, seed, trained_on, data_root)
    parts = {}
    for part in FOLD_PARTS:
        members = [clip.person for clip in getattr(fold, part)]
        parts[part] = faces.select(faces.table["person"].isin(members).to_numpy())
    return parts


def make_examples(parts: Mapping[str, FaceCrops], classes: int, seed: int) -> dict[str, Examples]:
    """Make the training and validation examples, with labels as of `join_labels`.

    Landmarks are those that the data set knows, else dlib's; faces with neither are left out. Three
    classes are balanced in both, since two thirds of the seven classes' faces are negative: else an
    epoch that happens to say "negative" often would be the best.
    """
    examples = {}
    for part in ("train", "val"):
        faces, names = parts[part].named(classes)
        codes = CLASSES[classes].encode(names)
        points = np.where(np.isfinite(faces.points), faces.points, faces.dlib)
        rows = np.flatnonzero(np.isfinite(points).all((1, 2)))
        if classes == 3:
            rows = rows[balance_classes(codes[rows], seed)]
        labels = join_labels(torch.from_numpy(points[rows]), torch.from_numpy(codes[rows]))
        pictures = faces.pictures
        if not np.array_equal(rows, np.arange(len(faces))):
            pictures = pictures[torch.from_numpy(rows)]  # a copy: gigabytes of AffectNet
        examples[part] = Examples((pictures,), labels)
    return examples


def balance_classes(codes: np.ndarray, seed: int) -> np.ndarray:
    """Choose about N rows of `codes` `(N,)`, equally many of each class.

    Frequent classes lose rows, rare ones have theirs repeated.
    """
    order = np.random.default_rng(seed).permutation(len(codes))
    kinds = np.unique(codes)
    count = len(codes) // len(kinds)
    return np.concatenate([np.resize(order[codes[order] == kind], count) for kind in kinds])


def load_tested_faces(
    datasets: Sequence[str],
    level: str,
    seed: int,
    data_root: str | Path | None = None,
    trained_on: str = "wild",
    *,
    progress: bool = True,
) -> dict[str, FaceCrops]:
    """Crop the faces tested: held-out people of `trained_on`, `datasets`, available photographs."""
    tested = {trained_on: crop_parts(level, seed, trained_on, data_root)["test"]}
    sets = {
        name: load_clips(name, level, seed, data_root) for name in datasets if name != trained_on
    }
    for name, clips in {**load_photographs(data_root), **sets}.items():
        tested[name] = crop_faces(clips, PLANS[level].size, progress=progress)
    return tested

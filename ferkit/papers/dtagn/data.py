"""Paper 3's data: folds of people, sequences of a data set, fewer frames, true motion.

H. Jung et al., ICCV 2015, sections 4.1 and 5, figure 3.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from torch import Tensor

from ferkit.core.labels import BASIC7
from ferkit.data import DATASETS
from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, folds_ascending, people
from ferkit.data.listing import is_video
from ferkit.data.reports import shorten
from ferkit.evaluation.intervals import bootstrap
from ferkit.explain.drawn_faces import redraw_peak_frames
from ferkit.faces import align
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.faces.resample import INTERPOLATIONS, resample
from ferkit.papers.dtagn.plans import NETWORK_KINDS, PLANS
from ferkit.papers.dtagn.sequences import Sequences, build_sequences


def dtagn_folds(
    clips: Sequence[Clip],
    count: int = 10,
    *,
    val_people: int = 0,
    seed: int = 0,
) -> list[Fold]:
    """Split people into folds by ascending id (section 5.2; the paper has ten).

    CK+ has 327 sequences of 118 people, Oulu-CASIA 480 of 80, MMI 205 of 30. Of ten folds,
    each tests every tenth id, as a published list for CK+ does; ten consecutive parts would be the
    other reading. ValueError for clips of a single picture and for fewer people than folds.
    """
    stills = [c.name for c in clips if len(c.frames) == 1 and not is_video(c.frames[0])]
    if stills:
        raise ValueError(
            f"dtagn needs sequences, got {len(stills)} single pictures: {shorten(stills, 3)}; "
            "leave them out"
        )
    return folds_ascending(clips, count, val_people=val_people, seed=seed)


@dataclass(frozen=True, eq=False)
class SequenceSet:
    """A data set of sequences: its clips with their faces, network inputs, and folds of people.

    `kind` says which of the paper's networks it trains, `classes` orders the labels. The true
    landmarks and motion are known where `is_drawn`.
    """

    dataset: str
    is_drawn: bool
    clips: list[Clip]
    faces: Prepared
    kind: str
    classes: tuple[str, ...]
    data: Sequences
    folds: list[Fold]

    @property
    def emotions(self) -> np.ndarray:
        """The emotion of each sequence, `(N,)`."""
        return np.array(self.classes)[self.data.labels]

    def find_peak(self, frames: int) -> int:
        """Return the strongest of `frames` evenly spread frames; MMI's faces return to neutral."""
        return frames // 2 if self.kind == "mmi" else frames - 1


def load_sequence_set(
    dataset: str, level: str, seed: int = 0, root: str | None = None
) -> SequenceSet:
    """Load a data set, align its faces, and bring each sequence to twelve frames."""
    clips = load_clips(dataset, level, seed, root)
    with warnings.catch_warnings():
        # Sequences count their frames without a face in `filled`.
        warnings.filterwarnings("ignore", message=".*have no prepared face.*")
        faces = prepare(clips, 64, grey=True)
    kind = NETWORK_KINDS.get(dataset, "ckplus")
    classes = tuple(emotion for emotion in BASIC7 if kind == "ckplus" or emotion != "contempt")
    data = build_sequences(clips, faces, classes, frames=12)
    val_people = max(1, len(set(data.people)) // 10)
    count = min(PLANS[level].folds, len(people(clips)))
    folds = dtagn_folds(clips, count, val_people=val_people, seed=seed)
    is_drawn = DATASETS[dataset].drawn
    return SequenceSet(dataset, is_drawn, clips, faces, kind, classes, data, folds)


def load_sequences(
    dataset: str, level: str, seed: int = 0, root: str | None = None
) -> tuple[str, Sequences, tuple[str, ...], list[Fold]]:
    """Load a data set's network kind, sequences of twelve frames, classes and folds of people."""
    loaded = load_sequence_set(dataset, level, seed, root)
    return loaded.kind, loaded.data, loaded.classes, loaded.folds


def choose_frames(pictures: Tensor, count: int) -> Tensor:
    """Choose `count` of the T frames of `(N, T, H, W)`, evenly spread; a single one is the last."""
    available = pictures.shape[1]
    if not 1 <= count <= available:
        raise ValueError(
            f"{count} frames cannot be chosen from {available}; choose 1 to {available}"
        )
    first = 0 if count > 1 else available - 1
    places = np.linspace(first, available - 1, count).round().astype(int)
    return pictures[:, list(places)]


def redraw_motion(clips: Sequence[Clip], prepared: Prepared, level: str, seed: int) -> np.ndarray:
    """Return how far the expression moved each pixel of the peak frames, `(N, S, S)` float32.

    In pixels of the drawing, on the aligned face; drawn again, since pictures keep no motion.
    `prepared` has all frames of the clips. ValueError for clips that belong to no drawn set of
    this level and seed.
    """
    rows = prepared.table.reset_index().set_index(["name", "frame"])["index"]
    motion = []
    for clip, frame in zip(clips, redraw_peak_frames(clips, level, seed), strict=True):
        landmarks = prepared.original[rows[clip.name, clip.peak]]
        matrix = align.alignment(landmarks, prepared.size)
        motion.append(align.align(frame.motion, matrix, prepared.size).clip(min=0))
    return np.stack(motion)


def measure_interpolation(data: Sequences, seed: int) -> pd.DataFrame:
    """Leave out every second of eleven frames and interpolate: mean absolute errors.

    Rows "pictures" (grey levels of 255) and "landmarks" (standard deviations of a face), a column
    for each method, values `Score`.
    """
    errors = {}
    for name, sequences in (("pictures", data.pictures), ("landmarks", data.points)):
        frames = sequences[:, :11].numpy().astype(np.float32)
        errors[name] = {
            method: bootstrap(_left_out_errors(frames, method), data.people, seed=seed)
            for method in INTERPOLATIONS
        }
    return pd.DataFrame(errors).T


def _left_out_errors(frames: np.ndarray, method: str) -> np.ndarray:
    """Return each sequence's mean absolute error at its odd frames, `(N,)`."""
    between = np.stack([resample(x[::2], 11, method=method)[1::2] for x in frames])
    return np.abs(between - frames[:, 1::2]).reshape(len(frames), -1).mean(1)

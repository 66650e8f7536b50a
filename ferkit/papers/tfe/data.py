"""The pictures of paper 5: its folds, and each face as both networks see it.

M. Li et al. 2021, sections 4.1 and 4.3.

Convention
- A face is cut twice from one aligned picture: the identity network sees `face` (55 x 47 pixels),
  the emotion network sees `picture` (a square).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from torch import Tensor

from ferkit.core.labels import EMOTIONS, LabelSet
from ferkit.data.clip import Clip
from ferkit.data.folds import FOLD_PARTS, Fold, by_split, folds_ascending, people
from ferkit.data.sets import fer2013
from ferkit.data.stills import stills
from ferkit.explain.drawn_faces import redraw_peak_frames
from ferkit.faces import align
from ferkit.faces.load import resize_pictures
from ferkit.papers.tfe.identity import ALIGNED_SIDE, align_clips, as_tensor, crop_identity
from ferkit.papers.tfe.network import IDENTITY_INPUT
from ferkit.papers.tfe.plans import UNALIGNED


def tfe_folds(
    clips: Sequence[Clip],
    folds: int = 10,
    *,
    val_people: int = 0,
    seed: int = 0,
) -> list[Fold]:
    """Make the paper's folds of stills: the first and the last three frames (section 4.1).

    Of CK+'s 327 sequences these are 1 308 stills in eight classes. The paper does not say whether
    its folds are by person; these are.
    """
    return folds_ascending(stills(clips), folds, val_people=val_people, seed=seed)


def ferplus_folds(clips: Sequence[Clip]) -> list[Fold]:
    """Make one fold of the provider's own split of FER+ (section 4.1).

    25 060 pictures train, 3 199 choose the epoch and 3 153 test: those to which the majority of
    votes gives one of eight emotions. Nobody knows who is on them: the split is by picture.
    ValueError for clips without a split and for parts without a clip.
    """
    parts = by_split(clips, FOLD_PARTS, "tfe_ferplus")
    return [Fold("official", *(tuple(parts[part]) for part in FOLD_PARTS))]


def expression_folds(clips: Sequence[Clip], folds: int, seed: int = 0) -> list[Fold]:
    """Make the folds of a data set: `tfe_folds`, or `ferplus_folds` where nobody is named.

    A tenth of the people, taken from each training part, choose the epoch; compound emotions are
    left out.
    """
    if clips and not any(clip.person_known for clip in clips):
        return ferplus_folds(clips)
    single = [clip for clip in clips if clip.complementary is None]
    count = len(people(single))
    return tfe_folds(single, min(folds, count), val_people=max(1, count // 10), seed=seed)


@dataclass(frozen=True, eq=False)
class TandemFaces:
    """N faces as both networks see them, with people, emotions and names of clips.

    `face` is `(N, 3, 55, 47)` and `picture` `(N, 3, S, S)` uint8; `people`, `emotion` and `names`
    are `(N,)`.
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


def spread_faces(
    shown: Sequence[Clip], clips: Sequence[Clip], size: int, level: str, seed: int, spread: float
) -> TandemFaces:
    """Draw the stills `shown` of drawn sequences again, with people of another spread.

    `spread` multiplies how far each person's face is from the mean shape. Actions, scenes and
    light stay. ValueError as of `redraw_peak_frames`.
    """
    sequences = {clip.name: clip for clip in clips}
    frames = []
    for still in shown:
        index = int(still.name.rpartition("/")[2])
        frames.append(replace(sequences[still.sequence or ""], peak=index))
    images = []
    for frame in redraw_peak_frames(frames, level, seed, spread=spread):
        matrix = align.alignment(frame.landmarks, ALIGNED_SIDE)
        images.append(align.align(frame.image, matrix, ALIGNED_SIDE))
    aligned = np.stack(images)
    return _tandem(crop_identity(aligned), aligned, shown, size)


def cut_faces(clips: Sequence[Clip], size: int, *, progress: bool = True) -> TandemFaces:
    """Cut the faces of clips of one picture each; leave out those in which none is found.

    FER2013's pictures are taken whole; of others `face` is the middle of the aligned picture, from
    the brows to the chin.
    """
    if clips and clips[0].dataset == UNALIGNED:
        images = np.repeat(fer2013.read_pictures(clips)[..., None], 3, axis=3)
        height, width = IDENTITY_INPUT
        face = as_tensor(np.stack([cv2.resize(image, (width, height)) for image in images]))
    else:
        images, clips = align_clips(clips, progress=progress)
        face = crop_identity(images)
    return _tandem(face, images, clips, size)


def _tandem(face: Tensor, images: np.ndarray, clips: Sequence[Clip], size: int) -> TandemFaces:
    return TandemFaces(
        face,
        resize_pictures(images, size),
        people=np.array([clip.person for clip in clips], dtype=str),
        emotion=np.array([clip.emotion for clip in clips], dtype=str),
        names=np.array([clip.name for clip in clips], dtype=str),
    )

"""Prepared clips as what DTAN and DTGN see: sequences of one length, pictures and normalised points.

H. Jung et al., ICCV 2015, sections 3.1 and 3.3.

Where we differ
- Each frame is aligned on its own, by eye centre and upper lip (`faces.align`); the paper crops what the detector found
  and says nothing of turning. A raised upper lip therefore enlarges the face a little.
- Points are found on the aligned crop, as in the paper on the crop, by dlib in place of IntraFace.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ferkit.data.clips import Clip
from ferkit.faces.sequences import resample
from ferkit.faces.store import Prepared
from ferkit.landmarks import SUBSET_49, normalise


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences of T frames, one row a clip.

    `pictures` `(N, T, S, S)` uint8 grey, `points` `(N, T, 49, 2)` float32, normalised by equation 3, `labels` `(N,)` int64
    classes, `people` `(N,)` names, `filled` `(N,)` how many of a clip's own frames had no face.
    """

    pictures: torch.Tensor
    points: torch.Tensor
    labels: torch.Tensor
    people: np.ndarray
    filled: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def sequence_examples(
    clips: Sequence[Clip], prepared: Prepared, classes: Sequence[str], frames: int = 12, *, method: str = "cosine"
) -> Sequences:
    """The clips, prepared in grey, brought to `frames` frames; `classes` gives the labels their order.

    Frames without a face, a first one too, are filled from those beside them in time. Raises ValueError naming the clip
    when it has no face at all or an emotion that is no class, and when `prepared` is of other clips or in colour.
    """
    images, table = prepared.images, prepared.table
    if images is None or images.ndim != 3:
        raise ValueError("expected pictures prepared in grey and kept; call `prepare(clips, 64, grey=True)`")
    if [str(frame) for clip in clips for frame in clip.frames] != table["path"].tolist():
        raise ValueError(f"these {len(clips)} clips are not those that were prepared; prepare them in this order")
    if odd := [clip for clip in clips if clip.emotion not in classes]:
        raise ValueError(
            f"{odd[0].dataset} {odd[0].name} shows {odd[0].emotion}, which is none of {', '.join(classes)}; "
            "leave such clips out first"
        )
    found, pictures, points, filled = table["found"].to_numpy(bool), [], [], []
    ends = np.cumsum([len(clip.frames) for clip in clips])
    for clip, end in zip(clips, ends, strict=True):
        part, name = slice(end - len(clip.frames), end), f"{clip.dataset} {clip.name}"
        given = {"method": method, "found": found[part], "name": name}
        pictures.append(resample(np.asarray(images[part]), frames, **given))
        points.append(normalise(resample(prepared.landmarks[part][:, SUBSET_49], frames, **given)))
        filled.append(int((~found[part]).sum()))
    return Sequences(
        torch.from_numpy(np.stack(pictures)),
        torch.from_numpy(np.stack(points).astype(np.float32)),
        torch.tensor([list(classes).index(clip.emotion) for clip in clips]),
        np.array([clip.person for clip in clips]),
        np.array(filled),
    )

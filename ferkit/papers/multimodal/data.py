"""The faces of paper 1 as its networks see them: pictures, residuals and compound classes."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from ferkit.core.labels import COMPOUND, compound_name
from ferkit.core.landmarks import residuals
from ferkit.data.reports import count_noun, shorten
from ferkit.faces.load import resize_pictures
from ferkit.faces.prepared import Prepared


@dataclass(frozen=True, eq=False)
class CompoundFaces:
    """N faces that dlib found, with one of the 50 classes each."""

    pictures: Tensor  # (N, 3, S, S) uint8, aligned
    landmarks: np.ndarray  # (N, 68, 2) in pixels of the aligned face
    residuals: Tensor  # (N, 136), less the person's mean landmarks
    labels: list[str]
    people: np.ndarray  # (N,)

    @property
    def classes(self) -> np.ndarray:
        """The index of each face's class, `(N,)`."""
        return COMPOUND.encode(self.labels)

    @property
    def both(self) -> Callable[[np.ndarray], tuple[Tensor, ...]]:
        """Pictures, and residuals divided by their spread among the training people.

        The paper does not say how it scaled pixels and residuals to each other.
        """

        def inputs(training: np.ndarray) -> tuple[Tensor, ...]:
            spread = self.residuals[torch.from_numpy(training)].std()
            return self.pictures, self.residuals / spread

        return inputs


def faces_with_residuals(prepared: Prepared) -> Prepared:
    """Take the labelled faces found of people who have several.

    One face alone is the person's mean, so it has no residual: a warning says how many such people
    are left out. ValueError when there are no others.
    """
    usable = prepared.table["found"] & prepared.table["emotion"].notna()
    counts = usable.groupby(prepared.table["person"]).transform("sum")
    alone = prepared.table["person"][usable & (counts == 1)].tolist()
    kept = usable & (counts > 1)
    if not kept.any():
        raise ValueError(
            f"residuals need several found faces with labels of a person, got {usable.sum()} faces "
            f"of {len(alone)} people; give more pictures of each person"
        )
    if alone:
        warnings.warn(
            f"{count_noun(alone, 'person', 'people')} left out, of whom only one face was found: "
            f"{shorten(alone, 3)}",
            stacklevel=2,
        )
    return prepared.select(kept.to_numpy(dtype=bool))


def compound_faces(prepared: Prepared, size: int) -> CompoundFaces:
    """Resize the pictures of `faces_with_residuals` to `size` pixels."""
    found = faces_with_residuals(prepared)
    people = found.table["person"].to_numpy(dtype=str)
    pairs = zip(found.table["complementary"], found.table["emotion"], strict=True)
    labels = [compound_name(None if pd.isna(first) else first, second) for first, second in pairs]
    landmarks = found.landmarks.astype(float)
    assert found.images is not None
    flat = torch.from_numpy(residuals(landmarks, people).reshape(-1, 136)).float()
    return CompoundFaces(resize_pictures(found.images, size), landmarks, flat, labels, people)

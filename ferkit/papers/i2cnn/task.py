"""A task of paper 2: faces with their labels and people, and the folds that test them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ferkit.core.labels import EMOTIONS
from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, people, tested_clips
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn.data import FoldRows, fold_rows, i2cnn_folds
from ferkit.papers.i2cnn.plans import Plan
from ferkit.training.linear import listed_folds


@dataclass(frozen=True, eq=False)
class PatchTask:
    """Faces with their labels and people, and the folds that test them."""

    faces: Prepared
    labels: list[str]
    people: np.ndarray
    folds: list[Fold]

    @property
    def names(self) -> list[str]:
        """The classes that the faces show."""
        return [name for name in EMOTIONS if name in self.labels]

    @property
    def rows(self) -> list[FoldRows]:
        """The folds as row numbers of the faces."""
        return fold_rows(self.people, self.folds)

    @property
    def tested(self) -> np.ndarray:
        """The name of the fold that tests each face, `(N,)`."""
        return listed_folds(self.people, self.folds)

    @property
    def images(self) -> np.ndarray:
        """The aligned pictures `(N, S, S, 3)`."""
        assert self.faces.images is not None
        return self.faces.images

    def of_classes(self, names: Iterable[str]) -> "PatchTask":
        """Keep the faces of some classes, in the same folds."""
        kept = np.flatnonzero(np.isin(self.labels, list(names)))
        labels = [self.labels[row] for row in kept]
        faces = self.faces.select(kept)
        return replace(self, faces=faces, labels=labels, people=self.people[kept])


def make_task(plan: Plan, clips: Sequence[Clip], folds: int, *, seed: int = 0) -> PatchTask:
    """Make the paper's folds of clips and prepare their faces; leave out those not found."""
    count = len(people(clips))
    split = i2cnn_folds(
        clips,
        folds=min(folds, count),
        val_people=plan.val_people(count),
        seed=seed,
    )
    faces = prepare(tested_clips(split), plan.face)
    faces = faces.select(faces.table["found"].to_numpy())
    shown = faces.table["person"].to_numpy(dtype=str)
    return PatchTask(faces, faces.table["emotion"].tolist(), shown, split)

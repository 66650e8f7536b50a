"""Paper 1's landmarks with a linear SVM: raw, as residuals, and variations of the residual.

J. Guo et al., FG 2017, section III-A. Residuals are taken over all pictures of a person, those with
two emotions included. Every prediction is of people on whom the classifier was not trained.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.core.labels import BASIC7, EMOTIONS, compound_name
from ferkit.core.landmarks import REGIONS, residuals
from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, folds_random, people
from ferkit.evaluation.intervals import Score, bootstrap, compare_paired
from ferkit.evaluation.predictions import Predictions
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.papers.multimodal.data import faces_with_residuals
from ferkit.training import linear

RAW = "raw"
RESIDUAL = "residual"
# What each input needs.
GROUPS = {RAW: "one picture", RESIDUAL: "uses the person's other pictures"}
_FOLDS = 5
_SMOKE_FOLDS = 3
_SIZES = (224, 1200)  # pixels in which landmarks are found (section V-C)


@dataclass(frozen=True, eq=False)
class LandmarkFaces:
    """N labelled faces that dlib found. Where `pure` is false, a face mixes two emotions."""

    prepared: Prepared
    points: np.ndarray  # (N, 68, 2) in pixels of the aligned face
    residuals: np.ndarray  # (N, 68, 2)
    people: np.ndarray  # (N,)
    classes: np.ndarray  # (N,), an emotion or a mix
    pure: np.ndarray  # (N,) bool

    def __len__(self) -> int:
        return len(self.people)

    @property
    def class_count(self) -> int:
        """How many classes the faces show."""
        return len(np.unique(self.classes))

    @property
    def tasks(self) -> dict[str, "LandmarkFaces"]:
        """The recognition tasks by their number of classes.

        The first has faces of one emotion. Where there are mixed emotions, the second has all.
        """
        tasks = [self.select(self.pure), self]
        return {str(task.class_count): task for task in tasks}

    def select(self, rows: np.ndarray) -> "LandmarkFaces":
        """Return the faces of a mask `(N,)`; their residuals stay as they are."""
        return LandmarkFaces(
            self.prepared.select(rows),
            self.points[rows],
            self.residuals[rows],
            self.people[rows],
            self.classes[rows],
            self.pure[rows],
        )


def landmark_faces(prepared: Prepared) -> LandmarkFaces:
    """Take the faces of `faces_with_residuals`, their classes and residuals."""
    found = faces_with_residuals(prepared)
    emotions = found.table["emotion"].to_numpy(dtype=str)
    is_mixed = found.table["complementary"].notna().to_numpy()
    # Where nobody mixes emotions, neutral is a class like the others.
    basic = BASIC7 if is_mixed.any() else EMOTIONS
    pairs = zip(found.table["complementary"], emotions, strict=True)
    classes = [compound_name(None if pd.isna(first) else first, second) for first, second in pairs]
    points = found.landmarks.astype(np.float64)
    persons = found.table["person"].to_numpy(dtype=str)
    pure = ~is_mixed & np.isin(emotions, basic)
    return LandmarkFaces(
        found, points, residuals(points, persons), persons, np.array(classes), pure
    )


def predict(features: ArrayLike, faces: LandmarkFaces, folds: ArrayLike) -> Predictions:
    """Score every face by a linear SVM trained on the other folds.

    Features are `(N, ...)`; `folds` `(N,)` names the fold that tests each face.
    """
    flat = np.asarray(features, dtype=np.float64).reshape(len(faces), -1)
    return linear.cross_validate(flat, faces.classes.tolist(), faces.people, folds)


def compare_inputs(faces: LandmarkFaces, folds: ArrayLike) -> dict[str, Predictions]:
    """Predict from raw landmarks, which need one picture, and from residuals."""
    return {
        RAW: predict(faces.points, faces, folds),
        RESIDUAL: predict(faces.residuals, faces, folds),
    }


def make_folds(clips: Sequence[Clip], level: str, seed: int) -> list[Fold]:
    """Divide the people at random into five folds, or fewer at smoke and for few people."""
    most = _SMOKE_FOLDS if level == "smoke" else _FOLDS
    return folds_random(clips, min(most, len(people(clips))), seed)


def compare_tasks(faces: LandmarkFaces, folds: Sequence[Fold]) -> dict[str, dict[str, Predictions]]:
    """Compare the inputs on each task of the faces, by its number of classes."""
    results = {}
    for count, task in faces.tasks.items():
        tested_in = linear.listed_folds(task.people, folds)
        results[count] = compare_inputs(task, tested_in)
    return results


def repeat_folds(faces: LandmarkFaces, seeds: Iterable[int]) -> dict[str, np.ndarray]:
    """Repeat `compare_inputs` with other folds; say which faces are right, `(seeds, N)` each."""
    count = min(_FOLDS, len(np.unique(faces.people)))
    correct: dict[str, list[np.ndarray]] = {RAW: [], RESIDUAL: []}
    for seed in seeds:
        folds = linear.random_folds(faces.people, count, seed)
        for name, predictions in compare_inputs(faces, folds).items():
            correct[name].append(predictions.correct())
    return {name: np.stack(rows) for name, rows in correct.items()}


def predict_regions(faces: LandmarkFaces, folds: Sequence[Fold]) -> dict[str, Predictions]:
    """Predict pure faces from the residuals of one region alone, for each region."""
    pure = faces.select(faces.pure)
    tested_in = linear.listed_folds(pure.people, folds)
    return {
        region: predict(pure.residuals[:, rows], pure, tested_in)
        for region, rows in REGIONS.items()
    }


def predict_from_few(
    faces: LandmarkFaces, counts: Iterable[int], folds: Sequence[Fold], seed: int = 0
) -> dict[str, Predictions]:
    """Predict pure faces when the mean is that of a few random pictures of the person.

    Before these comes the mean of everybody. Counts of which nobody has more pictures are left out.
    """
    pure = faces.select(faces.pure)
    tested_in = linear.listed_folds(pure.people, folds)
    general = predict(pure.points - faces.points.mean(0), pure, tested_in)
    predictions = {"everybody's mean": general}
    most = np.unique(faces.people, return_counts=True)[1].max()
    for count in counts:
        if count < most:
            means = _means_of_few(faces, count, seed)
            shifted = pure.points - np.stack([means[person] for person in pure.people])
            pictures = "one picture" if count == 1 else f"{count} pictures"
            predictions[f"mean of {pictures}"] = predict(shifted, pure, tested_in)
    return predictions


def _means_of_few(faces: LandmarkFaces, count: int, seed: int) -> dict[str, np.ndarray]:
    """Average `count` random pictures of each person, or all where there are fewer."""
    rng = np.random.default_rng(seed)
    means = {}
    for person in np.unique(faces.people):
        own = rng.permutation(np.flatnonzero(faces.people == person))
        means[person] = faces.points[own[:count]].mean(0)
    return means


def variance_shares(faces: LandmarkFaces) -> pd.Series:
    """Split the variance of landmarks into what person and class explain, and the rest."""
    flat = pd.DataFrame(faces.points.reshape(len(faces), -1))
    by_person = flat.groupby(faces.people).transform("mean")
    own = pd.DataFrame(faces.residuals.reshape(len(faces), -1))
    by_class = own.groupby(faces.classes).transform("mean")
    parts = {
        "who it is": by_person,
        "which class it shows": by_class,
        "the rest: intensity, style, error of the landmarks": flat - by_person - by_class,
    }
    variances = pd.Series({name: part.var().sum() for name, part in parts.items()})
    return variances / flat.var().sum()


@dataclass(frozen=True)
class ResolutionGain:
    """Accuracy by the size in which landmarks were found, and the gain of the larger."""

    classes: int
    by_size: Mapping[int, Score]
    gain: Score


def measure_resolution(level: str, seed: int = 0) -> ResolutionGain:
    """Compare residuals of landmarks found at 224 and at 1200 pixels, on the drawn set `large`."""
    clips = load_clips("large", level, seed)
    correct = {}
    scores = {}
    for size in _SIZES:
        faces = landmark_faces(prepare(clips, size, keep_images=False))
        # Three people are all that `large` has at smoke.
        folds = linear.random_folds(faces.people, 3, seed)
        predictions = predict(faces.residuals, faces, folds)
        names = faces.prepared.table["name"].to_numpy(dtype=str)
        right = pd.Series(predictions.correct(), index=names)
        correct[size] = right
        scores[size] = bootstrap(right.to_numpy(bool), faces.people, seed=seed)
        person = pd.Series(faces.people, index=names)
    small, large = _SIZES
    both = correct[small].index.intersection(correct[large].index)
    gain = compare_paired(correct[large][both], correct[small][both], person[both], seed=seed)
    return ResolutionGain(faces.class_count, scores, gain)

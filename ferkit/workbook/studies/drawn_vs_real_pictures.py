"""Measure how far pictures of drawn neutral faces are from photographs.

A classifier tells them apart, and simple measures compare them. Unlike `drawn_vs_real`, this needs
the photographs themselves; pictures are aligned in the same way, both eyes fixed in 96 pixels.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.metrics import roc_auc_score

from ferkit.evaluation.intervals import TAILS, Score, bootstrap
from ferkit.faces import align
from ferkit.faces.pictures import read_picture
from ferkit.faces.prepared import Prepared
from ferkit.training.linear import (
    cross_validate,
    hog_features,
    linear_softmax,
    one_thread,
    random_folds,
)
from ferkit.workbook.studies.neutral_faces import (
    GAP_SIZE,
    Statistics,
    eye_similarity,
    frechet_distance,
    shrink_correlations,
)

# Of the aligned pictures: brows to chin, little hair, next to no background.
_INSIDE = np.s_[:, 12:84, 16:80]
_HOG_COMPONENTS = 10
_HALVINGS = 40
_FOLDS = 5


def crop_pictures(faces: Prepared) -> np.ndarray:
    """Cut grey pictures `(N, 96, 96)` uint8 with the eyes fixed."""
    pictures = []
    for path, landmarks in zip(faces.table["path"], faces.original, strict=True):
        picture = read_picture(path, longest=2048)
        grey = cv2.cvtColor(picture.pixels, cv2.COLOR_RGB2GRAY)
        similarity = eye_similarity(landmarks.astype(np.float64) * picture.scale)
        pictures.append(align.align(grey, similarity, GAP_SIZE))
    return np.stack(pictures)


@one_thread
def picture_gap(
    drawn: ArrayLike,
    photos: ArrayLike,
    drawn_people: ArrayLike,
    photo_people: ArrayLike,
    *,
    seed: int = 0,
) -> dict[str, Score | Mapping[str, Score]]:
    """Compare aligned grey pictures `(N, 96, 96)` of drawn and photographed faces.

    As many of each are used: the larger side is thinned out at random. Results:

    - `told_apart`: area under the ROC curve of a classifier (HOG and logistic regression, folds by
      person) on the face and on the whole picture; 0.5 is chance, 1 is always right.
    - `hog_distance`: Frechet distance of HOG features (10 principal components) between half of the
      photographs and as many drawn faces, divided by that between two halves of the photographs;
      the interval is over ways to halve.
    - `grey`, `contrast` (standard deviation), `detail` (what a blur of one pixel removes): of the
      face, drawn and photographed.

    ValueError for other shapes and for fewer than 6 people on a side.
    """
    rng = np.random.default_rng(seed)
    drawn, drawn_people = _check_side(drawn, drawn_people, "drawn ")
    photos, photo_people = _check_side(photos, photo_people, "photo ")
    count = min(len(drawn), len(photos))
    chosen_drawn = np.sort(rng.permutation(len(drawn))[:count])
    chosen_photos = np.sort(rng.permutation(len(photos))[:count])
    people = np.concatenate([drawn_people[chosen_drawn], photo_people[chosen_photos]])
    fewest = min(len(np.unique(people[:count])), len(np.unique(people[count:])))
    if fewest < 6:
        raise ValueError(
            f"telling drawn from photographed faces needs 6 people of each, got {fewest}"
        )
    pictures = np.concatenate([drawn[chosen_drawn], photos[chosen_photos]])
    names = np.repeat(["drawn", "photographed"], count)
    whole = hog_features(pictures)
    face = hog_features(pictures[_INSIDE])
    gap: dict[str, Score | Mapping[str, Score]] = {
        "told_apart": {
            "face": _tell_apart(face, names, people, seed),
            "whole picture": _tell_apart(whole, names, people, seed),
        },
        "hog_distance": _compare_halves(face[:count], face[count:], rng),
    }
    for name, measure in _MEASURES.items():
        values = np.array([measure(picture) for picture in pictures[_INSIDE].astype(np.float32)])
        gap[name] = {
            side: bootstrap(values[names == side], people[names == side], seed=seed)
            for side in np.unique(names)
        }
    return gap


def _check_side(
    pictures: ArrayLike, people: ArrayLike, prefix: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures as an array, people as names unique to this side."""
    pictures = np.asarray(pictures)
    names = np.char.add(prefix, np.asarray(people, str))
    if pictures.shape != (len(names), GAP_SIZE, GAP_SIZE):
        raise ValueError(
            f"expected pictures (N, {GAP_SIZE}, {GAP_SIZE}) and N people, "
            f"got {pictures.shape} and {len(names)} people"
        )
    return pictures, names


def _tell_apart(features: np.ndarray, names: np.ndarray, people: np.ndarray, seed: int) -> Score:
    """Train a classifier of drawn against photographed faces; return its ROC area."""
    fold = np.zeros(len(names), dtype=int)
    for name in np.unique(names):
        fold[names == name] = random_folds(people[names == name], _FOLDS, seed)
    predictions = cross_validate(
        features, names, people, fold, classifier=linear_softmax, C=0.01, seed=seed
    )
    truth_and_score = np.stack([predictions.truth, predictions.scores[:, 1]], axis=1)
    return bootstrap(truth_and_score, people, statistic=_area_under_curve, repeats=500, seed=seed)


def _area_under_curve(rows: np.ndarray) -> float:
    """The ROC area of rows (truth, score); NaN where a class is missing."""
    truth, scores = rows.T
    if len(np.unique(truth)) < 2:
        return float("nan")
    return float(roc_auc_score(truth, scores))


def _compare_halves(drawn: np.ndarray, photos: np.ndarray, rng: np.random.Generator) -> Score:
    """The distance drawn to photographed, over that between photographs."""
    count = len(photos)
    half = count // 2
    components = PCA(_HOG_COMPONENTS, svd_solver="full")
    drawn, photos = np.split(components.fit_transform(np.concatenate([drawn, photos])), [count])
    apart = np.empty(_HALVINGS)
    same = np.empty(_HALVINGS)
    for repeat in range(_HALVINGS):
        order = rng.permutation(count)
        first_half = _shrunken_statistics(photos[order[:half]])
        second_half = _shrunken_statistics(photos[order[half : 2 * half]])
        some_drawn = _shrunken_statistics(drawn[rng.permutation(count)[:half]])
        same[repeat] = frechet_distance(first_half, second_half)
        apart[repeat] = frechet_distance(first_half, some_drawn)
    low, high = np.quantile(apart / np.sqrt((same**2).mean()), TAILS).tolist()
    ratio = float(np.sqrt((apart**2).mean() / (same**2).mean()))
    return Score(ratio, low, high, 2 * count, 2 * count)


def _shrunken_statistics(features: np.ndarray) -> Statistics:
    return shrink_correlations(Statistics(features.mean(0), np.cov(features.T), len(features)))


def _detail(picture: np.ndarray) -> float:
    removed = picture - cv2.GaussianBlur(picture, (0, 0), 1)
    return float(np.sqrt((removed**2).mean()))


_MEASURES: dict[str, Callable[[np.ndarray], float]] = {
    "grey": np.mean,
    "contrast": np.std,
    "detail": _detail,
}

"""The textures that paper 2 compares its patches with: LBP and Gabor responses of the whole face.

C. Zhang et al. 2017, table 2. The paper cites its rows of local binary patterns (LBP) and Gabor
filters and gives no settings. Ours are the usual ones: patterns of 8 neighbours at radius 2 in a
grid (Shan et al. 2009 for expressions), Gabor filters of 5 wavelengths and 8 directions.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike
from skimage.feature import local_binary_pattern
from skimage.filters import gabor_kernel
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ferkit.core.labels import LabelSet
from ferkit.core.processes import count_processors
from ferkit.evaluation.predictions import Predictions
from ferkit.training.linear import one_thread, scores_of

TEXTURE_SIDE = 96  # pixels to which the pictures are resized
_NEIGHBOURS = 8
_RADIUS = 2
LBP_CELLS = 6  # along each side
_PATTERNS = _NEIGHBOURS * (_NEIGHBOURS - 1) + 3  # the uniform ones, and one for all others
LBP_LENGTH = LBP_CELLS**2 * _PATTERNS
GABOR_WAVELENGTHS = (4.0, 5.7, 8.0, 11.3, 16.0)  # pixels of TEXTURE_SIDE
GABOR_DIRECTIONS = 8
GABOR_POINTS = 8  # along each side, where the magnitudes are read
GABOR_LENGTH = len(GABOR_WAVELENGTHS) * GABOR_DIRECTIONS * GABOR_POINTS**2
_PENALTIES = (1.0, 10.0, 100.0)
_WIDTHS = (0.25, 1.0, 4.0)  # in units of 1 / (features x variance)
_INNER_FOLDS = 3


def lbp(images: Iterable[np.ndarray]) -> np.ndarray:
    """Compute histograms `(N, LBP_LENGTH)` of uniform local binary patterns in a grid of cells.

    The histogram of each cell sums to 1. Pictures are `(S, S, 3)` or `(S, S)` uint8, as aligned.
    """
    side = TEXTURE_SIDE // LBP_CELLS
    histograms = []
    for image in images:
        # The outermost pixels are repeated: beyond the border there is no black.
        padded = np.pad(_to_grey(image), _RADIUS, mode="edge")
        codes = local_binary_pattern(padded, _NEIGHBOURS, _RADIUS, method="nri_uniform")
        codes = codes[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS].astype(int)
        cells = codes.reshape(LBP_CELLS, side, LBP_CELLS, side).transpose(0, 2, 1, 3)
        cells = cells.reshape(LBP_CELLS**2, -1)
        counts = np.concatenate([np.bincount(cell, minlength=_PATTERNS) for cell in cells])
        histograms.append(counts / side**2)
    return np.array(histograms, dtype=np.float32).reshape(-1, LBP_LENGTH)


def gabor(images: Iterable[np.ndarray]) -> np.ndarray:
    """Compute magnitudes `(N, GABOR_LENGTH)` of Gabor responses, averaged over a grid of areas.

    Pictures as for `lbp`.
    """
    features = []
    for image in images:
        grey = _to_grey(image).astype(np.float32) / 255
        magnitudes = [np.hypot(_filter(grey, real), _filter(grey, odd)) for real, odd in _filters()]
        features.append([_average_areas(magnitude) for magnitude in magnitudes])
    return np.array(features, dtype=np.float32).reshape(-1, GABOR_LENGTH)


@one_thread
def cross_validate_rbf(
    features: np.ndarray,
    labels: Sequence[str],
    people: ArrayLike,
    fold_of: ArrayLike,
    *,
    names: Iterable[str],
) -> Predictions:
    """Predict every face with a radial SVM behind scaling, trained on the other folds.

    Inner folds of training people choose penalty and width. `features` are `(N, D)`; `fold_of`
    `(N,)` is the fold in which each face is tested.
    """
    classes = tuple(names)
    truth = np.asarray(labels, dtype=str)
    people = np.asarray(people)
    fold_of = np.asarray(fold_of)
    # The features are scaled, so their variance is 1.
    grid = {
        "svc__C": _PENALTIES,
        "svc__gamma": [width / features.shape[1] for width in _WIDTHS],
    }

    def train_and_score(fold: str) -> np.ndarray:
        train = fold_of != fold
        count = len(set(people[train]))
        if count < 2:
            raise ValueError(
                f"inner folds need two training people, but fold {fold} has {count}; "
                "give pictures of more people"
            )
        inner = GroupKFold(min(_INNER_FOLDS, count))
        svm = make_pipeline(StandardScaler(), SVC())
        search = GridSearchCV(svm, grid, cv=inner, error_score="raise")
        search.fit(features[train], truth[train], groups=people[train])
        return scores_of(search.best_estimator_, features[~train], classes)

    scores = np.empty((len(truth), len(classes)))
    folds = np.unique(fold_of).tolist()
    with ThreadPoolExecutor(min(count_processors(), len(folds))) as pool:
        for fold, fold_scores in zip(folds, pool.map(train_and_score, folds), strict=True):
            scores[fold_of == fold] = fold_scores
    codes = LabelSet(classes).encode(labels)
    return Predictions(classes, scores, codes, people, fold_of)


def cross_validate_textures(
    images: Sequence[np.ndarray] | np.ndarray,
    labels: Sequence[str],
    people: ArrayLike,
    fold_of: ArrayLike,
    *,
    names: Iterable[str],
) -> dict[str, Predictions]:
    """Predict every face by its "lbp" and "gabor" features, as of `cross_validate_rbf`."""
    classes = tuple(names)
    predictions = {}
    for name, features_of in (("lbp", lbp), ("gabor", gabor)):
        features = features_of(images)
        predictions[name] = cross_validate_rbf(features, labels, people, fold_of, names=classes)
    return predictions


@lru_cache(maxsize=1)
def _filters() -> list[tuple[np.ndarray, np.ndarray]]:
    """The real and the imaginary part of each filter, without its response to even grey."""
    filters = []
    for wavelength in GABOR_WAVELENGTHS:
        for direction in range(GABOR_DIRECTIONS):
            kernel = gabor_kernel(1 / wavelength, theta=np.pi * direction / GABOR_DIRECTIONS)
            kernel = kernel - kernel.mean()
            filters.append((kernel.real.astype(np.float32), kernel.imag.astype(np.float32)))
    return filters


def _filter(grey: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    return cv2.filter2D(grey, cv2.CV_32F, kernel, borderType=cv2.BORDER_REFLECT)


def _average_areas(magnitude: np.ndarray) -> np.ndarray:
    size = (GABOR_POINTS, GABOR_POINTS)
    return cv2.resize(magnitude, size, interpolation=cv2.INTER_AREA).ravel()


def _to_grey(image: np.ndarray) -> np.ndarray:
    """Convert an aligned picture to grey at `TEXTURE_SIDE` pixels."""
    side = (TEXTURE_SIDE, TEXTURE_SIDE)
    return cv2.resize(_grey_aligned(image), side, interpolation=cv2.INTER_AREA)


def _grey_aligned(image: np.ndarray) -> np.ndarray:
    """Convert an aligned picture to grey `(S, S)`; ValueError unless it is square and uint8."""
    image = np.asarray(image)
    size = len(image) if image.ndim else 0
    if image.shape not in ((size, size), (size, size, 3)) or image.dtype != np.uint8 or not size:
        raise ValueError(
            "expected aligned pictures, each (S, S, 3) or (S, S) of uint8, "
            f"got {image.shape} of {image.dtype}"
        )
    return cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image

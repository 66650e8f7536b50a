"""What paper 2 compares its patches with: local binary patterns and Gabor responses of the whole face (`i2cnn`, table 2).

The paper cites its LBP and Gabor rows and gives no settings. Ours are the usual ones: patterns of 8 neighbours at radius 2 in a grid
(Shan et al. 2009 for expressions), Gabor filters of 5 wavelengths and 8 directions.
"""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import ArrayLike
from skimage.feature import local_binary_pattern
from skimage.filters import gabor_kernel
from sklearn.model_selection import GridSearchCV, GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ferkit.baselines import Answers, one_thread, scores_of
from ferkit.labels import LabelSet

SIDE = 96  # pixels the pictures are brought to
NEIGHBOURS, RADIUS = 8, 2
GRID = 6  # cells along each side
PATTERNS = NEIGHBOURS * (NEIGHBOURS - 1) + 3  # uniform ones, and one for all others
WAVELENGTHS, DIRECTIONS = (4.0, 5.7, 8.0, 11.3, 16.0), 8  # pixels of SIDE
POINTS = 8  # along each side, where the magnitudes are read
PENALTIES, WIDTHS = (1.0, 10.0, 100.0), (0.25, 1.0, 4.0)  # widths in units of 1 / (numbers x variance)
INNER_FOLDS = 3
LBP_LENGTH, GABOR_LENGTH = GRID**2 * PATTERNS, len(WAVELENGTHS) * DIRECTIONS * POINTS**2


def lbp(images: Iterable[np.ndarray]) -> np.ndarray:
    """Histograms `(N, LBP_LENGTH)` of uniform local binary patterns in a grid of cells; each cell's sums to 1.

    Pictures are `(S, S, 3)` or `(S, S)` uint8, as aligned.
    """
    cell = SIDE // GRID
    found = []
    for image in images:
        wide = np.pad(_grey(image), RADIUS, mode="edge")  # beyond the border there is no black
        codes = local_binary_pattern(wide, NEIGHBOURS, RADIUS, method="nri_uniform").astype(int)
        codes = codes[RADIUS:-RADIUS, RADIUS:-RADIUS]
        cells = codes.reshape(GRID, cell, GRID, cell).transpose(0, 2, 1, 3).reshape(GRID**2, -1)
        found.append(np.concatenate([np.bincount(each, minlength=PATTERNS) for each in cells]) / cell**2)
    return np.array(found, dtype=np.float32).reshape(-1, LBP_LENGTH)


def gabor(images: Iterable[np.ndarray]) -> np.ndarray:
    """Magnitudes `(N, GABOR_LENGTH)` of Gabor responses, averaged over a grid of areas; pictures as for `lbp`."""
    found = []
    for image in images:
        grey = _grey(image).astype(np.float32) / 255
        magnitudes = [
            np.hypot(*(cv2.filter2D(grey, cv2.CV_32F, part, borderType=cv2.BORDER_REFLECT) for part in pair))
            for pair in _filters()
        ]
        found.append([cv2.resize(each, (POINTS, POINTS), interpolation=cv2.INTER_AREA).ravel() for each in magnitudes])
    return np.array(found, dtype=np.float32).reshape(-1, GABOR_LENGTH)


def rbf_svm(C: float = 10.0, seed: int = 0) -> Pipeline:
    """Scaling and a support vector machine with radial kernels, of width 1 / (numbers x variance); one class against the rest."""
    return make_pipeline(StandardScaler(), SVC(C=C, kernel="rbf", gamma="scale", random_state=seed))


@one_thread
def rbf_by_folds(
    features: np.ndarray,
    labels: Sequence[str],
    people: ArrayLike,
    fold_of: ArrayLike,
    *,
    names: Iterable[str],
    seed: int = 0,
) -> Answers:
    """Every face's scores from a radial machine that saw nobody of its fold; penalty and width by inner folds of training people.

    `features` `(N, D)`; `fold_of` `(N,)` is the fold each face is tested in. The answers' `chosen` are the penalties.
    """
    known, truth, who, fold = tuple(names), np.asarray(labels, dtype=str), np.asarray(people), np.asarray(fold_of)
    scores, chosen = np.empty((len(truth), len(known))), {}
    grid = {
        "svc__C": PENALTIES,
        "svc__gamma": [width / features.shape[1] for width in WIDTHS],
    }  # scaled: the variance is 1

    def tested(name: str) -> tuple[np.ndarray, float]:
        train = fold != name
        inner = GroupKFold(min(INNER_FOLDS, len(set(who[train]))))
        search = GridSearchCV(rbf_svm(seed=seed), grid, cv=inner, error_score="raise")
        search.fit(features[train], truth[train], groups=who[train])
        return scores_of(search.best_estimator_, features[~train], known), search.best_params_["svc__C"]

    everyone = np.unique(fold).tolist()
    with ThreadPoolExecutor(min(os.cpu_count() or 1, len(everyone))) as pool:
        for name, (found, C) in zip(everyone, pool.map(tested, everyone), strict=True):
            scores[fold == name], chosen[name] = found, C
    return Answers(known, scores, LabelSet(known).encode(truth.tolist()), who, fold, chosen)


@lru_cache(maxsize=1)
def _filters() -> tuple[tuple[np.ndarray, np.ndarray], ...]:
    """The real and imaginary part of each filter, without its answer to even grey."""
    pairs = []
    for wavelength in WAVELENGTHS:
        for direction in range(DIRECTIONS):
            kernel = gabor_kernel(1 / wavelength, theta=np.pi * direction / DIRECTIONS)
            pairs.append(tuple((part - part.mean()).astype(np.float32) for part in (kernel.real, kernel.imag)))
    return tuple(pairs)


def _grey(image: np.ndarray) -> np.ndarray:
    size = len(image) if np.ndim(image) else 0
    if np.shape(image) not in ((size, size), (size, size, 3)) or image.dtype != np.uint8 or not size:
        raise ValueError(f"expected aligned pictures, each (S, S, 3) or (S, S) of uint8, got {np.shape(image)}")
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) if image.ndim == 3 else image
    return cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA)

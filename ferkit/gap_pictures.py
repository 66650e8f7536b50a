"""How far pictures of drawn neutral faces are from photographs: a classifier that tells them apart, and simple measures.

Needs photographs at hand, unlike the landmarks' gap (`ferkit.gap`), and aligns pictures as that does: both eyes fixed in 96 pixels.
"""

from collections.abc import Callable, Mapping

import cv2
import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata
from skimage.feature import hog
from sklearn.decomposition import PCA

from ferkit.baselines import cross_validate, linear_softmax, one_thread, random_folds
from ferkit.evaluate import Score, bootstrap
from ferkit.faces import align, detect
from ferkit.faces.store import Prepared
from ferkit.gap import SIZE, TAILS, Statistics, eye_alignment, frechet, shrunk

INSIDE = np.s_[:, 12:84, 16:80]  # of the aligned pictures: brows to chin, little hair, next to no background
HOG_COMPONENTS, HALVES = 10, 40
FOLDS = 5


def crops(faces: Prepared) -> np.ndarray:
    """Grey pictures `(N, 96, 96)` uint8 with the eyes fixed, each resampled once from its file."""
    found = []
    for path, points in zip(faces.table["path"], faces.original, strict=True):
        image, factor = detect.read_reduced(path, longest=2048)
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        found.append(align.align(grey, eye_alignment(points.astype(np.float64) * factor), SIZE))
    return np.stack(found)


@one_thread
def picture_gap(
    drawn: ArrayLike, photos: ArrayLike, drawn_people: ArrayLike, photo_people: ArrayLike, *, seed: int = 0
) -> dict[str, Score | Mapping[str, Score]]:
    """How far aligned grey pictures `(N, 96, 96)` are apart, as many of each: the larger side is thinned out at random.

    `told_apart`: area under the ROC curve of a classifier (HOG and logistic regression, folds by person) on the face and on the
    whole picture; 0.5 cannot tell, 1 always can. `hog_distance`: Frechet distance of HOG features (10 principal components)
    between half of the photographs and as many drawn faces, over that between two halves of the photographs; its interval is
    over ways to halve. `grey`, `contrast` (standard deviation), `detail` (what a blur of one pixel takes away): of the face,
    drawn and photographed.
    """
    rng = np.random.default_rng(seed)
    sides = [np.asarray(drawn), np.asarray(photos)]
    who = [
        np.char.add(prefix, np.asarray(p, str)) for prefix, p in (("drawn ", drawn_people), ("photo ", photo_people))
    ]
    if any(s.shape != (len(w), SIZE, SIZE) for s, w in zip(sides, who, strict=True)):
        raise ValueError(f"expected pictures (N, {SIZE}, {SIZE}) and N people, got {[s.shape for s in sides]}")
    count = min(map(len, sides))
    chosen = [np.sort(rng.permutation(len(side))[:count]) for side in sides]
    sides, who = ([part[i] for part, i in zip(parts, chosen, strict=True)] for parts in (sides, who))
    if (fewest := min(len(np.unique(w)) for w in who)) < 6:
        raise ValueError(f"telling drawn from photographed faces needs 6 people of each, got {fewest}")
    pictures, people = np.concatenate(sides), np.concatenate(who)
    whole, face = _hog(pictures), _hog(pictures[INSIDE])
    names = np.repeat(["drawn", "photographed"], count)
    found: dict[str, Score | Mapping[str, Score]] = {
        "told_apart": {
            "face": _told_apart(face, names, people, seed),
            "whole picture": _told_apart(whole, names, people, seed),
        },
        "hog_distance": _halves(face[:count], face[count:], rng),
    }
    for name, measure in MEASURES.items():
        values = np.array([measure(picture) for picture in pictures[INSIDE].astype(np.float32)])
        found[name] = {
            side: bootstrap(values[names == side], people[names == side], seed=seed) for side in np.unique(names)
        }
    return found


def auc(truth: ArrayLike, scores: ArrayLike) -> float:
    """The area under the ROC curve: how often a true sample scores above a false one; nan where either is missing."""
    truth, ranks = np.asarray(truth, dtype=bool), rankdata(scores)
    yes, no = truth.sum(), (~truth).sum()
    return float((ranks[truth].sum() - yes * (yes + 1) / 2) / (yes * no)) if yes and no else float("nan")


def _told_apart(features: np.ndarray, names: np.ndarray, people: np.ndarray, seed: int) -> Score:
    fold = np.zeros(len(names), dtype=int)
    for name in np.unique(names):
        fold[names == name] = random_folds(people[names == name], FOLDS, seed)
    answers = cross_validate(features, names, people, fold, classifier=linear_softmax, C=0.01, seed=seed)
    both = np.stack([answers.truth, answers.scores[:, 1]], axis=1)
    return bootstrap(both, people, statistic=lambda rows: auc(rows[:, 0], rows[:, 1]), repeats=500, seed=seed)


def _halves(drawn: np.ndarray, photos: np.ndarray, rng: np.random.Generator) -> Score:
    count = len(photos)
    rows = PCA(HOG_COMPONENTS, svd_solver="full").fit_transform(np.concatenate([drawn, photos]))
    drawn, photos, half = rows[:count], rows[count:], count // 2
    apart, same = np.empty(HALVES), np.empty(HALVES)
    for i in range(HALVES):
        mine, other = np.split(photos[rng.permutation(count)[: 2 * half]], 2)
        one, two, three = (
            shrunk(Statistics(part.mean(0), np.cov(part.T), half))
            for part in (mine, other, drawn[rng.permutation(count)[:half]])
        )
        same[i], apart[i] = frechet(one, two), frechet(one, three)
    low, high = np.quantile(apart / np.sqrt((same**2).mean()), TAILS).tolist()
    return Score(float(np.sqrt((apart**2).mean() / (same**2).mean())), low, high, 2 * count, 2 * count)


def _hog(pictures: np.ndarray) -> np.ndarray:
    return np.stack([hog(picture, pixels_per_cell=(8, 8), cells_per_block=(2, 2)) for picture in pictures])


def _detail(picture: np.ndarray) -> float:
    return float(np.sqrt(((picture - cv2.GaussianBlur(picture, (0, 0), 1)) ** 2).mean()))


MEASURES: dict[str, Callable[[np.ndarray], float]] = {"grey": np.mean, "contrast": np.std, "detail": _detail}

"""A linear support vector machine on the features of all patches, which are never in memory at once (`i2cnn`, section 3.3).

The inner products of N faces are an N x N matrix that grows patch by patch. One matrix serves every penalty and every inner fold of
the network that made the features. That network saw the outer fold's training people, so each outer fold has a matrix of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.svm import SVC

from ferkit.baselines import one_thread, random_folds

GRID = (0.01, 0.1, 1.0, 10.0, 100.0)  # penalties, for kernels scaled to a mean training diagonal of 1
INNER_FOLDS = 10  # section 3.3


@dataclass(frozen=True, eq=False)
class Fitted:
    """The answers on the test faces: `scores` (n, K), one a class in the order of `names`, and the penalty `C` that was chosen."""

    names: tuple[str, ...]
    scores: np.ndarray
    C: float

    @property
    def guess(self) -> np.ndarray:
        """The names of the best classes, `(n,)`."""
        return np.array(self.names)[self.scores.argmax(1)]


def gram(features_of: Callable[[int], ArrayLike], patches: Iterable[int]) -> np.ndarray:
    """The inner products `(N, N)` float64 of the patches' features laid end to end; `features_of(p)` gives `(N, D)` of one patch.

    ValueError without patches, or when two patches have different numbers of faces.
    """
    total: np.ndarray | None = None
    for patch in patches:
        rows = np.asarray(features_of(patch), dtype=np.float32)
        part = (rows @ rows.T).astype(np.float64)
        if total is not None and part.shape != total.shape:
            raise ValueError(f"patch {patch} has {len(rows)} faces, those before it {len(total)}")
        total = part if total is None else total + part
    if total is None:
        raise ValueError("no patches: a matrix of inner products needs at least one")
    return total


def centred(kernel: ArrayLike, train: ArrayLike) -> np.ndarray:
    """The inner products after the training faces' mean feature is taken away, scaled to a mean training diagonal of 1.

    Only the rows named in `train` say where the mean is and how large the scale: no test face touches another's numbers.
    """
    k, rows = np.asarray(kernel, dtype=np.float64), np.asarray(train)
    if k.ndim != 2 or k.shape[0] != k.shape[1]:
        raise ValueError(f"expected a square matrix of inner products, got {k.shape}")
    to_mean = k[:, rows].mean(1)
    moved = k - to_mean[:, None] - to_mean[None, :] + k[np.ix_(rows, rows)].mean()
    scale = float(np.mean(np.diag(moved)[rows]))
    if scale <= 0:
        raise ValueError("all training faces have the same features: there is nothing to tell them apart by")
    return moved / scale


@one_thread
def fit(
    kernel: ArrayLike,
    labels: Sequence[str],
    people: ArrayLike,
    train: ArrayLike,
    test: ArrayLike,
    *,
    names: Iterable[str] | None = None,
    grid: Sequence[float] = GRID,
    inner_folds: int = INNER_FOLDS,
    seed: int = 0,
) -> Fitted:
    """The machine trained on the faces `train` (row numbers) and its answers on `test`; C by inner folds of training people.

    `kernel` `(N, N)` as of `gram`. With fewer training people than `inner_folds` each is left out once. ValueError when somebody is
    in both parts, or a class of the test faces was not trained on.
    """
    truth, who = np.asarray(labels, dtype=str), np.asarray(people, dtype=str)
    rows, asked = np.asarray(train), np.asarray(test)
    if both := sorted(set(who[rows]) & set(who[asked])):
        raise ValueError(f"{', '.join(both[:3])} would be in training and test")
    known = tuple(names) if names is not None else tuple(sorted(set(truth[rows])))
    if absent := sorted((set(truth[asked]) | set(known)) - set(truth[rows])):
        raise ValueError(f"no training face shows {', '.join(absent)}")
    k = centred(kernel, rows)
    inner = random_folds(who[rows], min(inner_folds, len(set(who[rows]))), seed)
    C = grid[0] if len(grid) == 1 else max(grid, key=lambda c: _inner_accuracy(k, truth, rows, inner, c))
    return Fitted(known, _scores(k, truth, rows, asked, C, known), float(C))


def _inner_accuracy(k: np.ndarray, truth: np.ndarray, rows: np.ndarray, inner: np.ndarray, C: float) -> float:
    """The share of training faces that machines without their person get right; `max` takes the weaker of equally good penalties."""
    right = 0
    for fold in np.unique(inner):
        here, there = rows[inner != fold], rows[inner == fold]
        model = SVC(C=C, kernel="precomputed").fit(k[np.ix_(here, here)], truth[here])
        right += int((model.predict(k[np.ix_(there, here)]) == truth[there]).sum())
    return right / len(rows)


def _scores(
    k: np.ndarray, truth: np.ndarray, rows: np.ndarray, asked: np.ndarray, C: float, names: tuple[str, ...]
) -> np.ndarray:
    model = SVC(C=C, kernel="precomputed", decision_function_shape="ovr").fit(k[np.ix_(rows, rows)], truth[rows])
    found = model.decision_function(k[np.ix_(asked, rows)])
    if found.ndim == 1:
        found = np.stack([-found, found], axis=1)
    return found[:, [model.classes_.tolist().index(name) for name in names]]

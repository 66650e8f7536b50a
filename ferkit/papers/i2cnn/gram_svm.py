"""A linear SVM on the features of all patches, which are never in memory at once.

C. Zhang et al. 2017, section 3.3.

The inner products of N faces form an N x N matrix, the sum of one matrix for each patch. The sum
serves every penalty and every inner fold of the network that computed the features. That network
saw the outer fold's training people, so each outer fold has a matrix of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.svm import SVC

from ferkit.training.linear import one_thread, random_folds

# For kernels scaled to a mean training diagonal of 1.
_PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)
_INNER_FOLDS = 10  # section 3.3


@dataclass(frozen=True, eq=False)
class KernelFit:
    """Scores `(n, K)` of the test faces, and the chosen penalty."""

    scores: np.ndarray
    C: float


def gram_matrix(features_of: Callable[[int], ArrayLike], patches: Iterable[int]) -> np.ndarray:
    """Sum the inner products `(N, N)` float64 of the patches' features.

    They equal those of the patches' features laid end to end. `features_of(patch)` gives the
    features `(N, D)` of one patch. ValueError without patches, or when two patches have different
    numbers of faces.
    """
    total: np.ndarray | None = None
    for patch in patches:
        # In float32 the faces' common mean would drown small differences between them.
        features = np.asarray(features_of(patch), dtype=np.float64)
        products = features @ features.T  # (N, N)
        if total is None:
            total = products
        elif products.shape == total.shape:
            total = total + products
        else:
            raise ValueError(
                f"patch {patch} has {len(features)} faces, those before it {len(total)}"
            )
    if total is None:
        raise ValueError("no patches: a matrix of inner products needs at least one")
    return total


def centre_kernel(kernel: ArrayLike, train: ArrayLike) -> np.ndarray:
    """Subtract the training faces' mean feature; scale to a mean training diagonal of 1.

    Mean and scale come from the rows named in `train` alone, so no test face influences another.
    """
    kernel = np.asarray(kernel, dtype=np.float64)
    rows = np.asarray(train)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1]:
        raise ValueError(f"expected a square matrix of inner products, got {kernel.shape}")
    with_mean = kernel[:, rows].mean(1)
    mean_with_mean = kernel[np.ix_(rows, rows)].mean()
    centred = kernel - with_mean[:, None] - with_mean[None, :] + mean_with_mean
    scale = float(np.mean(np.diag(centred)[rows]))
    if scale <= 0:
        raise ValueError(
            "all training faces have the same features, so no SVM can separate them; "
            "check that the network has learnt"
        )
    return centred / scale


@one_thread
def fit_on_kernel(
    kernel: ArrayLike,
    labels: Sequence[str],
    people: ArrayLike,
    train: ArrayLike,
    test: ArrayLike,
    *,
    names: Iterable[str] | None = None,
    grid: Sequence[float] = _PENALTIES,
    seed: int = 0,
) -> KernelFit:
    """Train an SVM on the faces `train` (row numbers) and score the faces `test`.

    `kernel` `(N, N)` is as of `gram_matrix`. Inner folds of training people choose C; with fewer
    than ten training people each is left out once. ValueError when somebody is in both
    parts, when training faces show one class alone, or none of a class of the test faces.
    """
    truth = np.asarray(labels, dtype=str)
    people = np.asarray(people, dtype=str)
    rows = np.asarray(train)
    test_rows = np.asarray(test)
    if both := sorted(set(people[rows]) & set(people[test_rows])):
        raise ValueError(f"{', '.join(both[:3])} would be in training and test")
    trained_classes = set(truth[rows])
    names = tuple(sorted(trained_classes)) if names is None else tuple(names)
    if missing := sorted({*truth[test_rows], *names} - trained_classes):
        raise ValueError(
            f"no face of these {len(set(people[rows]))} training people shows "
            f"{', '.join(missing)}; leave the class out, or add pictures of others who show it"
        )
    if len(trained_classes) < 2:
        raise ValueError(
            f"all {len(rows)} training faces show {', '.join(trained_classes)}; an SVM needs two "
            "classes: give pictures of more people"
        )
    kernel = centre_kernel(kernel, rows)
    C = grid[0]
    if len(grid) > 1:
        inner = random_folds(people[rows], min(_INNER_FOLDS, len(set(people[rows]))), seed)
        # `max` takes the first, the weaker, of equally good penalties.
        C = max(grid, key=lambda penalty: _inner_accuracy(kernel, truth, rows, inner, penalty))
    svm = SVC(C=C, kernel="precomputed", decision_function_shape="ovr")
    svm.fit(kernel[np.ix_(rows, rows)], truth[rows])
    scores = svm.decision_function(kernel[np.ix_(test_rows, rows)])
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], axis=1)
    columns = [svm.classes_.tolist().index(name) for name in names]
    return KernelFit(scores[:, columns], float(C))


def _inner_accuracy(
    kernel: np.ndarray, truth: np.ndarray, rows: np.ndarray, inner: np.ndarray, C: float
) -> float:
    """The share of training faces that SVMs without their person predict correctly."""
    correct = 0
    for fold in np.unique(inner):
        train = rows[inner != fold]
        val = rows[inner == fold]
        predicted = np.unique(truth[train])
        if len(predicted) > 1:  # else the others show one class, which is all that can be said
            svm = SVC(C=C, kernel="precomputed").fit(kernel[np.ix_(train, train)], truth[train])
            predicted = svm.predict(kernel[np.ix_(val, train)])
        correct += int((predicted == truth[val]).sum())
    return correct / len(rows)

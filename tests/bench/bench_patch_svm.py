"""SVMs on 245 760 numbers a face.

The matrix holds the inner products of all faces, at the sizes of JAFFE and CK+; each fit needs only
the matrix. The usual way fits on the features themselves.
"""

import time

import numpy as np
import pytest
from sklearn.svm import SVC, LinearSVC

from ferkit.papers.i2cnn.gram_svm import centre_kernel, gram_matrix

PATCHES, NUMBERS, CLASSES = 60, 4096, 7
SIZES = {"JAFFE": 213, "CK+": 1236}  # faces
PENALTIES = (0.01, 0.1, 1.0, 10.0, 100.0)


@pytest.fixture(scope="module", params=SIZES)
def made(request) -> tuple[str, np.ndarray, np.ndarray]:
    """Features `(PATCHES, N, NUMBERS)` float32, sparse and showing their class weakly; labels."""
    count = SIZES[request.param]
    rng = np.random.default_rng(0)
    labels = np.arange(count) % CLASSES
    shown = 0.1 * rng.standard_normal((CLASSES, NUMBERS), dtype=np.float32)
    features = np.empty((PATCHES, count, NUMBERS), np.float32)
    for patch in features:
        patch[:] = np.maximum(
            rng.standard_normal((count, NUMBERS), dtype=np.float32) + shown[labels] - 0.5, 0
        )
    return request.param, features, labels


def timed(work) -> tuple[float, object]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def bench_svms(made, remark):
    """Each once: the slow ones take minutes at CK+'s size, where one fit stands for all."""
    name, features, labels = made
    matrix, kernel = timed(
        lambda: centre_kernel(
            gram_matrix(lambda p: features[p], range(PATCHES)), np.arange(len(labels))
        )
    )
    fits = [
        timed(lambda C=C: SVC(C=C, kernel="precomputed").fit(kernel, labels))[0] for C in PENALTIES
    ]
    one = float(np.median(fits))
    remark(f"{name}, matrix once", f"{matrix:.2f} s")
    remark(f"{name}, a fit on it", f"{one:.4f} s")
    flat = features.transpose(1, 0, 2).reshape(len(labels), -1)
    flat -= flat.mean(0)
    flat /= np.sqrt((flat**2).sum(1).mean())
    for usual, model in (
        ("LinearSVC", LinearSVC(C=1.0)),
        ("SVC(linear)", SVC(C=1.0, kernel="linear")),
    ):
        seconds = timed(lambda model=model: model.fit(flat, labels))[0]
        remark(f"{name}, a fit of {usual}", f"{seconds:.1f} s = {seconds / one:.0f} of ours")
        many = 50 * seconds / (matrix + 50 * one)  # ten inner folds x five penalties
        remark(f"{name}, ten inner folds x five penalties", f"{many:.0f} x {usual}")

"""Features on a plane by t-SNE (L. van der Maaten and G. Hinton 2008), several times beside each other.

Two perplexities and two seeds are drawn because one picture misleads: t-SNE keeps neighbours and nothing else. How large a group
is, how far two groups lie apart and how dense they are mean nothing, and what one picture shows and the next does not is chance.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE

PERPLEXITIES, SEEDS = (10.0, 30.0), (0, 1)
COMPONENTS = 50  # to which features are brought first, as the method's authors do


def tsne(features: ArrayLike, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """Places `(N, 2)` of features `(N, D)`, which are brought to 50 principal components first where they are more.

    It starts at random places drawn by `seed`. ValueError for features that are no numbers, and for fewer than three times
    `perplexity`: each place looks at about so many neighbours.
    """
    rows = np.asarray(features, dtype=np.float64)
    rows = rows.reshape(len(rows), -1)
    if not np.isfinite(rows).all():
        raise ValueError(
            f"{int((~np.isfinite(rows)).any(1).sum())} of {len(rows)} features are no numbers: leave them out"
        )
    if len(rows) < 3 * perplexity:
        raise ValueError(
            f"{len(rows)} features are too few for a perplexity of {perplexity:g}; take {len(rows) // 3} or less"
        )
    if min(rows.shape) > COMPONENTS:
        rows = PCA(COMPONENTS, svd_solver="full").fit_transform(rows)
    return (
        TSNE(perplexity=perplexity, init="random", random_state=seed, n_jobs=1).fit_transform(rows).astype(np.float64)
    )


def embeddings(
    features: ArrayLike,
    columns: Mapping[str, Sequence[Any]] | None = None,
    *,
    perplexities: Iterable[float] = PERPLEXITIES,
    seeds: Iterable[int] = SEEDS,
) -> pd.DataFrame:
    """A table for `plots.plot_embedding`: panel ("perplexity 10, seed 0", ...), x, y and the columns given, such as emotion.

    Every panel has a row for each of N features, in their order.
    """
    given = pd.DataFrame(dict(columns or {}))
    if len(given.columns) and len(given) != len(np.asarray(features)):
        raise ValueError(f"expected columns of {len(np.asarray(features))} values, got {len(given)}")
    seeds, tables = list(seeds), []
    for perplexity in perplexities:
        for seed in seeds:
            x, y = tsne(features, perplexity, seed).T
            tables.append(
                pd.DataFrame({"panel": f"perplexity {perplexity:g}, seed {seed}", "x": x, "y": y}).join(given)
            )
    return pd.concat(tables, ignore_index=True)


def neighbours_kept(features: ArrayLike, places: ArrayLike, k: int = 10) -> float:
    """The share of every feature's `k` nearest neighbours that are among its place's `k` nearest: how far to trust the picture."""
    one, two = (_nearest(values, k) for values in (features, places))
    return float((one[:, :, None] == two[:, None, :]).any(2).mean())


def same_neighbours(features: ArrayLike, groups: ArrayLike, k: int = 5) -> np.ndarray:
    """The share of every feature's `k` nearest neighbours that are of its own group, `(N,)`; `groups` `(N,)`."""
    codes = pd.factorize(np.asarray(groups))[0]
    return (codes[_nearest(features, k)] == codes[:, None]).mean(1)


def _nearest(values: ArrayLike, k: int) -> np.ndarray:
    """The `k` nearest rows of each row, `(N, k)`."""
    rows = np.asarray(values, dtype=np.float64).reshape(len(np.asarray(values)), -1)
    if not 1 <= k < len(rows):
        raise ValueError(f"k must lie in 1..{len(rows) - 1}, got {k}")
    squares = (rows**2).sum(1)
    apart = squares[:, None] + squares - 2 * rows @ rows.T
    np.fill_diagonal(apart, np.inf)
    return np.argsort(apart, axis=1, kind="stable")[:, :k]

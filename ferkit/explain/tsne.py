"""Features in the plane by t-SNE (L. van der Maaten and G. Hinton 2008), several times over.

Two perplexities and two seeds are drawn because one picture misleads: t-SNE keeps neighbourhoods
and nothing else. The size of a cluster, its density and the distance between two clusters mean
nothing, and what one picture shows and the next does not is chance.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors

_COMPONENTS = 50  # to which features are reduced first, as the method's authors do


def embed(features: ArrayLike, perplexity: float = 30.0, seed: int = 0) -> np.ndarray:
    """Place features `(N, D)` in the plane, `(N, 2)`, by t-SNE from random positions.

    More than 50 dimensions are first reduced to 50 principal components. ValueError for features
    that are not finite, and for fewer than three times `perplexity`, which is roughly the number
    of neighbours that each point takes into account.
    """
    rows = np.asarray(features, dtype=np.float64)
    rows = rows.reshape(len(rows), -1)
    broken = ~np.isfinite(rows).all(1)
    if broken.any():
        raise ValueError(
            f"{broken.sum()} of {len(rows)} features contain NaN or infinity; leave them out"
        )
    if len(rows) < 3 * perplexity:
        raise ValueError(
            f"{len(rows)} features are too few for a perplexity of {perplexity:g}; "
            f"take {len(rows) // 3} or less"
        )
    if min(rows.shape) > _COMPONENTS:
        rows = PCA(_COMPONENTS, svd_solver="full").fit_transform(rows)
    method = TSNE(perplexity=perplexity, init="random", random_state=seed, n_jobs=1)
    return method.fit_transform(rows).astype(np.float64)


def embed_repeatedly(
    features: ArrayLike,
    columns: Mapping[str, Sequence[Any]] | None = None,
    *,
    perplexities: Iterable[float] = (10.0, 30.0),
    seeds: Sequence[int] = (0, 1),
) -> pd.DataFrame:
    """Embed features for each perplexity and seed; return a table for `plots.plot_embedding`.

    Columns: panel ("perplexity 10, seed 0", ...), x, y, and those given, such as emotion. Every
    panel has a row for each of N features, in their order.
    """
    count = len(np.asarray(features))
    given = pd.DataFrame(dict(columns or {}))
    if len(given.columns) and len(given) != count:
        raise ValueError(f"expected columns of {count} values, got {len(given)}")
    tables = []
    for perplexity in perplexities:
        for seed in seeds:
            x, y = embed(features, perplexity, seed).T
            panel = f"perplexity {perplexity:g}, seed {seed}"
            tables.append(pd.DataFrame({"panel": panel, "x": x, "y": y}).join(given))
    return pd.concat(tables, ignore_index=True)


def same_neighbours(features: ArrayLike, groups: ArrayLike, k: int = 5) -> np.ndarray:
    """Return the share of each feature's `k` nearest neighbours in its own group, `(N,)`."""
    rows = np.asarray(features, dtype=np.float64)
    rows = rows.reshape(len(rows), -1)
    if not 1 <= k < len(rows):
        raise ValueError(f"k must lie in 1..{len(rows) - 1}, got {k}")
    neighbours = NearestNeighbors(n_neighbors=k).fit(rows).kneighbors(return_distance=False)
    codes, _ = pd.factorize(np.asarray(groups))
    return (codes[neighbours] == codes[:, None]).mean(1)

"""Which pictures a figure may show: those whose terms allow it, and those the user allows."""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from ferkit.data import may_show

GREY = 0.8  # of white: what stands in for a picture


def shown(pictures: Sequence[np.ndarray], datasets: str | Iterable[str]) -> list[np.ndarray]:
    """The pictures, even grey ones of their shapes in place of those that may not be shown; points drawn on them stay right.

    `datasets` is the data set of all of them, or of each, such as `faces.table["dataset"]`. Whether its pictures may be
    shown says its card, or the variable FERKIT_SHOW, which names sets whose pictures the user may show. A warning names
    what is covered. Raises ValueError for an unknown set, and where there are not as many names as pictures.
    """
    names = [datasets] * len(pictures) if isinstance(datasets, str) else list(datasets)
    if len(names) != len(pictures):
        raise ValueError(
            f"{len(pictures)} pictures and {len(names)} names of data sets; give one name, or one for each"
        )
    open_to_all = {name: may_show(name) for name in dict.fromkeys(names)}
    if covered := [name for name, may in open_to_all.items() if not may]:
        warnings.warn(
            f"pictures of {', '.join(covered)} are covered: their terms do not let them be shown. If you may, say so with "
            f"FERKIT_SHOW='{' '.join(covered)}'; the terms: `ferkit data card {covered[0]}`",
            stacklevel=2,
        )
    return [picture if open_to_all[name] else _covered(picture) for picture, name in zip(pictures, names, strict=True)]


def _covered(picture: np.ndarray) -> np.ndarray:
    picture = np.asarray(picture)
    white = np.iinfo(picture.dtype).max if picture.dtype.kind in "iu" else 1
    return np.full_like(picture, GREY * white)

"""Decide which pictures a figure may show."""

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from ferkit.data import may_show

_GREY = 0.8  # of white: what stands in for a picture


def cover_restricted(
    pictures: Sequence[np.ndarray], datasets: str | Iterable[str]
) -> list[np.ndarray]:
    """Replace pictures that may not be shown by plain grey.

    The grey pictures have the same shape, so points drawn on them stay right. `datasets` is the
    data set of all pictures, or of each, such as `faces.table["dataset"]`. The card of a data set
    says whether its pictures may be shown; the environment variable FERKIT_SHOW names data sets
    that the user may show as well. A warning names what is covered. ValueError for an unknown data
    set and for a wrong number of names.
    """
    names = [datasets] * len(pictures) if isinstance(datasets, str) else list(datasets)
    if len(names) != len(pictures):
        raise ValueError(
            f"{len(pictures)} pictures and {len(names)} names of data sets; "
            "give one name, or one for each picture"
        )
    allowed = {name: may_show(name) for name in dict.fromkeys(names)}
    covered = [name for name, may in allowed.items() if not may]
    if covered:
        warnings.warn(
            f"pictures of {', '.join(covered)} are covered, as their terms forbid showing them; "
            f"if you have permission, set FERKIT_SHOW='{' '.join(covered)}'; "
            f"for the terms see `ferkit data card {covered[0]}`",
            stacklevel=2,
        )
    return [
        picture if allowed[name] else _cover(picture)
        for picture, name in zip(pictures, names, strict=True)
    ]


def _cover(picture: np.ndarray) -> np.ndarray:
    picture = np.asarray(picture)
    white = np.iinfo(picture.dtype).max if picture.dtype.kind in "iu" else 1
    return np.full_like(picture, _GREY * white)

"""How tests ask `ferkit predict`, and what its tables look like."""

import warnings

import numpy as np
import pandas as pd
from typer.testing import CliRunner

from ferkit import cli
from ferkit.core.labels import SEVEN
from ferkit.predict.command import predict_path

BOX = ["x0", "y0", "x1", "y1"]
STILL = ["path", "face", *BOX, "emotion", *SEVEN]
FILM = ["path", "frame", "time", *STILL[1:]]


def ask(*arguments, **options) -> pd.DataFrame:
    return predict_path(*arguments, progress=False, **options)


def chances(table: pd.DataFrame) -> np.ndarray:
    return table[list(SEVEN)].to_numpy(float)


def edge(box: np.ndarray, shape: tuple[int, ...], wide: int) -> np.ndarray:
    """The pixels within `wide` of a box's edge."""
    rows, columns = np.indices(shape[:2])
    x0, y0, x1, y1 = np.rint(box).astype(int)
    outer = (
        (columns >= x0 - wide) & (columns < x1 + wide) & (rows >= y0 - wide) & (rows < y1 + wide)
    )
    inner = (
        (columns >= x0 + wide) & (columns < x1 - wide) & (rows >= y0 + wide) & (rows < y1 - wide)
    )
    return outer & ~inner


def ferkit(*words: object):
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        return CliRunner().invoke(cli.app, [str(word) for word in words])

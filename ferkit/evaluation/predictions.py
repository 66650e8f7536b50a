"""Predictions of a classifier by folds of people."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.evaluation.intervals import INTERVAL
from ferkit.evaluation.scores import confusion, hits, recalls, score


@dataclass(frozen=True, eq=False)
class Predictions:
    """Scores of held-out people, in the order of the samples.

    `scores` (N, K) has a column for each of `names`; `truth` (N,) holds class indices, `people`
    (N,) the person of each sample and `fold` (N,) the fold that tested it. The score of a class
    that a fold could not train is -inf.
    """

    names: tuple[str, ...]
    scores: np.ndarray
    truth: np.ndarray
    people: np.ndarray
    fold: np.ndarray

    @property
    def predicted(self) -> np.ndarray:
        """The index of the class with the highest score, `(N,)`."""
        return self.scores.argmax(1)

    def correct(self, k: int = 1) -> np.ndarray:
        """Tell whether the true class is among the k best, `(N,)`."""
        return hits(self.scores, self.truth, k)

    def accuracy_metric(self, seed: int = 0) -> dict[str, float]:
        """Return the accuracy as a metric, with its interval over people."""
        return score(self.correct(), self.people, seed=seed)

    def recall_table(self, seed: int = 0) -> pd.DataFrame:
        """Tabulate each class's recall with its interval: value, low, high, n."""
        table = recalls(self.truth, self.predicted, self.names, self.people, seed=seed)
        return table[list(INTERVAL)]

    def count_confusions(self) -> pd.DataFrame:
        """Count samples by true class (rows) and predicted class (columns)."""
        return confusion(self.truth, self.predicted, self.names)

    def select(self, rows: np.ndarray) -> "Predictions":
        """Return the predictions for some samples: a mask `(N,)` or row numbers."""
        return replace(
            self,
            scores=self.scores[rows],
            truth=self.truth[rows],
            people=self.people[rows],
            fold=self.fold[rows],
        )


def sample_rows(
    data: str, method: str, start: int, values: ArrayLike, people: ArrayLike
) -> pd.DataFrame:
    """Tabulate one value for each sample of a method's training number `start`.

    The columns are sample, person, value, data, method and start.
    """
    values = np.asarray(values, dtype=np.float64)
    people = np.asarray(people, dtype=str)
    rows = pd.DataFrame({"sample": range(len(values)), "person": people, "value": values})
    return rows.assign(data=data, method=method, start=start)

"""The same faces tested honestly and with a leak, as notebooks 04 and 11 show them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from ferkit.evaluation.intervals import Score, bootstrap, compare_paired


@dataclass(frozen=True, eq=False)
class LeakPair:
    """Which faces are right without and with a leak, `(N,)`, and whose faces they are."""

    honest: np.ndarray
    leaky: np.ndarray
    people: np.ndarray
    seed: int = 0

    @cached_property
    def difference(self) -> Score:
        """What the leak adds, with its interval over people."""
        return compare_paired(self.leaky, self.honest, self.people, seed=self.seed)

    def metrics(self, prefix: str) -> dict[str, dict[str, float]]:
        """Return the metrics PREFIX/honest, PREFIX/leaky and PREFIX/added."""
        results = {"honest": self.honest, "leaky": self.leaky}
        scores = {
            name: bootstrap(right, self.people, seed=self.seed) for name, right in results.items()
        }
        scores["added"] = self.difference
        return {f"{prefix}/{name}": score.metric() for name, score in scores.items()}


def pairs_table(pairs: Mapping[str, LeakPair]) -> pd.DataFrame:
    """Tabulate pairs by their titles for `plots.plot_pairs`, two rows each."""
    rows = []
    for title, pair in pairs.items():
        metrics = pair.metrics("")
        for series, name in (("honest", "/honest"), ("with the leak", "/leaky")):
            rows.append({"name": title, "series": series, **metrics[name]})
    return pd.DataFrame(rows)


def added_in_words(pair: LeakPair) -> str:
    """Say what a leak adds, such as "+46.4 points (95 % interval over 40 people: 41 to 51)"."""
    added = pair.difference
    value, low, high = (100 * bound for bound in (added.value, added.low, added.high))
    interval = f"95 % interval over {added.people} people: {low:.1f} to {high:.1f}"
    return f"{value:+.1f} points ({interval})"

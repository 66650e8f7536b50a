"""What each level trains: the networks of each data set, folds, and recipes of DTAN and DTGN.

The paper gives no learning rates, batch sizes and epochs: those of `PLANS` are ours. Most were
chosen on another drawn data set, seed 1, than the one that notebooks 05 and 06 show, those of
`study` by its validation people. DTGN's rate is half of what suits it alone, since its control on
movement diverges at twice as much, and controls are compared at one rate.
"""

import re
from dataclasses import dataclass

from ferkit.papers.dtagn.network import DTAN_NOTATION
from ferkit.training.recipe import Recipe

# The networks of each data set, a key of the notations.
NETWORK_KINDS = {
    "sequences": "ckplus",
    "sequences-mmi": "mmi",
    "ckplus": "ckplus",
    "oulu": "oulu",
    "mmi": "mmi",
}


@dataclass(frozen=True)
class Plan:
    """What one level trains: how many folds of people, and how each network learns."""

    folds: int
    dtan: Recipe
    small_dtan: Recipe  # of MMI, with fewer filters
    dtgn: Recipe
    joint: Recipe  # of joint fine-tuning and of the layer on concatenated features
    filters: int | None = None  # of DTAN's convolutions; None: the paper's 64, or 32 for MMI

    def dtan_of(self, kind: str) -> Recipe:
        """Return the recipe of DTAN for a data set of this kind, a value of NETWORK_KINDS."""
        return self.small_dtan if kind == "mmi" else self.dtan

    def dtan_notation(self, kind: str) -> str:
        """Return DTAN in the paper's notation, with this plan's number of filters."""
        notation = DTAN_NOTATION[kind]
        if self.filters is None:
            return notation
        return re.sub(r"(C\(\d+),\d+\)", rf"\1,{self.filters})", notation)


def _plan(
    folds: int,
    dtan: int,
    small_dtan: int,
    dtgn: int,
    joint: int,
    *,
    rate: float = 0.002,
    filters: int | None = None,
) -> Plan:
    """Return the plan with these numbers of folds and epochs; `rate` is that of DTAN."""
    return Plan(
        folds,
        dtan=Recipe(dtan, rate=rate),
        small_dtan=Recipe(small_dtan, rate=0.01),
        dtgn=Recipe(dtgn, rate=0.005),
        joint=Recipe(joint, rate=0.01),
        filters=filters,
    )


PLANS = {
    "smoke": _plan(folds=2, dtan=1, small_dtan=1, dtgn=3, joint=1),
    # DTAN has a quarter of the paper's filters, and the rate that suits them in the study.
    "lesson": _plan(folds=3, dtan=25, small_dtan=50, dtgn=200, joint=5, rate=0.005, filters=16),
    # DTAN has 16 filters in place of 64 and 32, which leaves time to train until it converges. A
    # restart of both data sets takes some 8 minutes of one core. An epoch has 7 or 8 iterations, of
    # MMI 5; trainings end when the validation people have gained nothing for 25 to 100 epochs.
    "study": Plan(
        folds=3,
        dtan=Recipe(100, rate=0.005, patience_iterations=200),
        small_dtan=Recipe(120, rate=0.01, patience_iterations=150),
        dtgn=Recipe(400, rate=0.005, patience_iterations=800),
        joint=Recipe(60, rate=0.01, patience_iterations=80),
        filters=16,
    ),
    # 15, 30, 50 and 5 passes over the paper's fourteen versions, of which each epoch draws one.
    "paper": _plan(folds=10, dtan=210, small_dtan=420, dtgn=700, joint=70),
}

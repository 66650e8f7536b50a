"""The records of paper 3's networks and study: DTAN, DTGN and both joined."""

from pathlib import Path
from typing import Any

import pandas as pd

from ferkit.faces.views import View
from ferkit.papers.dtagn.network import build_centred, build_joint
from ferkit.papers.dtagn.plans import PLANS
from ferkit.papers.dtagn.study import restart_methods
from ferkit.training.spec import NetworkSpec, Restart, Study

_APPEARANCE = View(64, grey=True, face=64)
_GEOMETRY = View(64, "points", face=64)

DTAN = NetworkSpec("dtan", "DTAN", build_centred, lambda: (_APPEARANCE,), window=True)
DTGN = NetworkSpec("dtgn", "DTGN", build_centred, lambda: (_GEOMETRY,), window=True)
DTAGN = NetworkSpec(
    "dtagn", "DTAGN, joint", build_joint, lambda: (_APPEARANCE, _GEOMETRY), window=True
)
NETWORKS = (DTAN, DTGN, DTAGN)


def _restart(level: str, seed: int, start: int, out: Path, **options: Any) -> Restart:
    """Train every method on both drawn sets from restart number `start`."""
    folder = out / "trained" / "dtagn"
    restarts = []
    for dataset in ("sequences", "sequences-mmi"):
        restarts.append(restart_methods(dataset, level, seed, start, folder=folder, **options))
    return Restart(
        pd.concat([restart.predictions for restart in restarts], ignore_index=True),
        pd.concat([restart.trainings for restart in restarts], ignore_index=True),
    )


STUDIES = (
    Study(
        name="dtagn",
        folder="dtagn",
        title="Paper 3",
        measure="accuracy",
        other_measures=dict.fromkeys(
            ("sequences/first layer", "sequences/neighbours", "sequences/important landmarks"),
            "correlation, or share of neighbours",
        ),
        pairs=(
            ("joint", "weighted_sum"),
            ("joint", "logits_added"),
            ("logits_added", "weighted_sum"),
            ("joint", "joint_l3"),
            ("joint", "concatenation"),
            ("joint", "dtan"),
            ("joint", "dtgn"),
            ("weighted_sum", "dtan"),
            ("weighted_sum", "dtgn"),
            ("dtgn", "concatenation"),
            ("joint", "joint_undropped"),
            ("dtan", "dtan_plain"),
            ("dtgn", "dtgn_plain"),
            ("dtgn", "dtgn_unaugmented"),
            ("dtgn_movement", "dtgn"),
            ("dtan", "hog"),
        ),
        train_restart=_restart,
        plans=PLANS,
        titles={
            "weighted_sum": "weighted sum",
            "logits_added": "logits added",
            "joint_l3": "L3 only",
            "dtan": "DTAN",
            "dtgn": "DTGN",
            "joint_undropped": "joint, no dropout",
            "dtan_plain": "DTAN, plain input",
            "dtgn_plain": "DTGN, plain input",
            "dtgn_unaugmented": "DTGN, no augmentation",
            "dtgn_movement": "DTGN, movement",
            "best_alpha": "weighted sum, best alpha on test people",
            "hog": "HOG and ridge",
            "said_surprise": "fear taken for surprise",
            "said_other": "fear taken for another",
        },
        baseline="hog",
    ),
)

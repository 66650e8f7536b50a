"""Steps of the notebook of controlled experiments that compare methods and inputs."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from ferkit.evaluation.intervals import bootstrap, compare_paired
from ferkit.workbook.lessons.controlled_experiments import SPREADS, Studio
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.studies import identity_features, picture_methods
from ferkit.workbook.studies.controlled import SeenPictures
from ferkit.workbook.studies.picture_methods import FACE_FOUND
from ferkit.workbook.words import compare_in_words, say

# People that the networks and regressions of identity learn from.
OTHERS = {"smoke": 12, "lesson": 100, "study": 200, "paper": 400}
# People that the methods of pictures learn from, seven pictures of each.
TRAINED = {"smoke": 3, "lesson": 30, "study": 80, "paper": 200}

Judged = Mapping[str, Mapping[float, Mapping[str, np.ndarray]]]


# --- identity features ---


def sweep_features(level: str, people: int, seed: int = 0) -> pd.DataFrame:
    """Measure what identity features gain over landmarks, for the spreads of a level."""
    return identity_features.sweep_features(people, OTHERS[level], SPREADS[level], seed)


def plot_features(run: NotebookRun, table: pd.DataFrame) -> Figure:
    """Draw and save what identity features gain over the identity spread."""
    return run.figure(
        "plot_sweep",
        table,
        "identity_features",
        size=(8.5, 3.8),
        xlabel="identity spread g",
        ylabel="accuracy gained over landmarks",
    )


def say_features(table: pd.DataFrame) -> Markdown:
    """Say what each identity feature gains at the smallest and at the largest spread."""
    sentences = []
    for spread in (table["x"].min(), table["x"].max()):
        rows = table[table["x"] == spread].to_dict("records")
        gains = [
            f"{100 * row['value']:+.1f} {row['series']} "
            f"({100 * row['low']:.1f} to {100 * row['high']:.1f})"
            for row in rows
        ]
        sentences.append(f"At a spread of {spread:g}: {', '.join(gains)}.")
    return say("Points gained over the landmarks, with 95 % intervals.", *sentences)


# --- methods on spoiled pictures ---


def judge_methods(
    studio: Studio, sweeps: Mapping[str, Mapping[float, SeenPictures]], level: str, seed: int = 0
) -> Judged:
    """Train the methods on other people, and judge them on all settings of the sweeps."""
    models = picture_methods.train_picture_methods(TRAINED[level], seed)
    emotions = [each.emotion for each in studio.planned]
    return picture_methods.judge_sweeps(models, sweeps, emotions)


def plot_methods(run: NotebookRun, table: pd.DataFrame) -> Figure:
    """Draw and save how often each method is right, a panel for each thing that is spoiled."""
    return run.figure(
        "plot_methods",
        table,
        "methods",
        size=(3.4, 2.7),
        columns=3,
        title="share of all pictures that are named rightly",
        ceiling=FACE_FOUND,
        chance=1 / 7,
    )


def say_methods(judged: Judged, studio: Studio) -> Markdown:
    """Say which method is best at the mildest and the strongest settings, and which one loses most.

    Numbers are means over the panels, of the first and the last setting of each.
    """
    people = studio.seen.people
    mildest = _without_found(picture_methods.average_ends(judged, 0))
    strongest = _without_found(picture_methods.average_ends(judged, -1))
    best = max(mildest, key=lambda name: mildest[name].mean())
    ranked = sorted(strongest, key=lambda name: -strongest[name].mean())
    drops = {name: compare_paired(strongest[name], mildest[name], people) for name in mildest}
    weakest = min(drops, key=lambda name: drops[name].value)
    lost = drops[weakest]
    kept = bootstrap(strongest[ranked[0]], people, bounds=(0, 1))
    compared = compare_in_words(
        f"*{ranked[0]}*",
        f"*{ranked[1]}*",
        compare_paired(strongest[ranked[0]], strongest[ranked[1]], people),
    )
    return say(
        f"Averaged over the {len(judged)} panels: at the mildest settings *{best}* is best "
        f"({mildest[best].mean():.0%}), at the strongest settings *{ranked[0]}* "
        f"({kept.value:.0%}, 95 % interval {kept.low:.0%} to {kept.high:.0%}).",
        f"{compared} *{weakest}* loses most: {-100 * lost.value:.1f} points "
        f"({-100 * lost.high:.1f} to {-100 * lost.low:.1f}).",
    )


def methods_metrics(table: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the table of methods as metrics methods/panel/setting/method."""
    metrics = {}
    for row in table.to_dict("records"):
        panel = row["panel"].split(",")[0]
        key = f"methods/{panel}/{row['x']:g}/{row['series']}".replace(", ", "_").replace(" ", "_")
        metrics[key] = {name: row[name] for name in ("value", "low", "high", "n")}
    return metrics


def _without_found(shares: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: share for name, share in shares.items() if name != FACE_FOUND}

"""Differences between methods over several trainings: trained, tabled and drawn by one call, `make restarts`.

Trainings are kept in OUT, where the notebooks keep theirs, so an interrupted call goes on where it was.
"""

from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from ferkit import plots, restarts
from ferkit.gallery import CALLED
from ferkit.loaders import PHOTOGRAPHS

STARTS = 5
FIGURES = {  # name of the tables -> folder of the figures, title, what is measured
    "dtagn": ("dtagn", "Paper 3", "accuracy"),
    "emotionaldan": ("emotionaldan", "Paper 4", "accuracy"),
    "landmarks": ("emotionaldan", "Paper 4, landmarks", "error, distances between the eyes"),
    "tfe": ("tfe", "Paper 5", "accuracy"),
    "visualization": ("visualization", "Grad-CAM", "area under the ROC curve"),
}
KINDS = {  # what is drawn -> its plot, the end of the file's name, what stands below the axis
    "means": ("plot_intervals", "_means", "{}"),
    "differences": ("plot_trainings", "", "difference: {}"),
}
WORDS = CALLED | {
    "weighted_sum": "weighted sum",
    "logits_added": "logits added",
    "joint_l3": "L3 only",
    "dtan": "DTAN",
    "dtgn": "DTGN",
    "resnet": "ResNet",
    "longer": "ResNet, longer",
    "untrained": "identity untrained",
    "as_paper": "DAN as in the paper",
    "as_authors_code": "EmotionalDAN",
    "emotion_alone": "DAN without landmarks",
}


def repeat(
    names: tuple[str, ...] = tuple(FIGURES),
    *,
    starts: int = STARTS,
    level: str = "lesson",
    seed: int = 0,
    out: str | Path = "build/run",
    figures: str | Path = "figures",
    progress: bool = True,
) -> dict[str, tuple[pd.DataFrame, pd.DataFrame]]:
    """Trains what `restarts` compares from `starts` first weights each; the tables of means and of differences, by name.

    Both are drawn into the papers' folders under FIGURES, as trainings.png and trainings_means.png with their .csv and .json. At `lesson`
    all of it takes half an hour on two cores.
    """
    found = {}
    for name in names:
        bar = tqdm(range(starts), name, disable=not progress)
        table = pd.concat([answers(name, start, level, seed, Path(out), progress) for start in bar])
        found[name] = restarts.means(table), restarts.differences(table, restarts.PAIRS[name])
        made_by = {"command": "make restarts", "level": level, "seed": seed, "starts": starts}
        for kind, mine in zip(KINDS, found[name], strict=True):
            drawable = mine.dropna(subset=["low", "high"])  # a single number a training has no people to draw
            photographs = drawable["data"].isin(PHOTOGRAPHS)  # they have figures of their own
            for rows, ending in ((~photographs, ""), (photographs, "_photographs")):
                if rows.any():
                    _save(kind, name, ending, drawable[rows], Path(figures), made_by)
    return found


def _save(kind: str, name: str, ending: str, table: pd.DataFrame, figures: Path, made_by: dict[str, Any]) -> None:
    """One figure: trainings, after the name where the folder has another one, and the ending."""
    folder, title, what = FIGURES[name]
    plot, last, words = KINDS[kind]
    shown = table.assign(name=[in_words(each) for each in table["name"]]).rename(columns={"data": "panel"})
    plots.save_figure(
        plot,
        shown,
        figures / folder,
        ("trainings" if name == folder else f"trainings_{name}") + ending + last,
        made_by=made_by,
        size=(5.2 if shown["panel"].nunique() > 1 else 7.5, 1.6 + 0.42 * shown["panel"].value_counts().max()),
        title=f"{title}: {made_by['starts']} trainings of each, 95 % over people and trainings",
        xlabel=words.format(what),
    )


def in_words(pair: str) -> str:
    """`joint minus joint_l3` as a reader would say it."""
    methods = [each.partition(", ") for each in pair.split(" minus ")]
    return " minus ".join(WORDS.get(name, name) + comma + state for name, comma, state in methods)


def answers(name: str, start: int, level: str, seed: int, out: Path, progress: bool = True) -> pd.DataFrame:
    """One start's table, as of `ferkit.restarts`."""
    how: dict[str, Any] = {"progress": progress}
    if name == "dtagn":
        kept = out / "trained" / "dtagn"
        sets = ("sequences", "sequences-mmi")
        return pd.concat([restarts.sequences_again(each, level, seed, start, folder=kept, **how) for each in sets])
    if name == "tfe":
        return restarts.identities_again(level, seed, start, folder=out / "networks" / "07", **how)
    how["folder"] = out / "networks" / "08"
    if name == "visualization":
        return restarts.maps_again(level, seed, start, out / "restarts" / f"models-{level}-{seed}-{start}", **how)
    make = {"emotionaldan": restarts.databases_again, "landmarks": restarts.landmarks_again}[name]
    return make(level, seed, start, **how)

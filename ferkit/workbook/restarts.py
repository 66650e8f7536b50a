"""Differences between methods over several trainings: trained, tabled and drawn by one call, `make restarts`.

Each start's answers are kept as OUT/restarts/NAME-START.parquet, and its networks in OUT, so an interrupted call goes on where it was.
"""

from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
from tqdm import tqdm

from ferkit import paths, plots, restarts

STARTS = 5
FIGURES = {  # name of the tables -> folder of the figures, title, what is measured
    "dtagn": ("dtagn", "Paper 3", "difference of accuracies"),
    "emotionaldan": ("emotionaldan", "Paper 4", "difference of accuracies"),
    "landmarks": ("emotionaldan", "Paper 4: stage 2 minus stage 1", "difference of landmark errors"),
    "tfe": ("tfe", "Paper 5", "difference of accuracies"),
    "visualization": ("visualization", "Grad-CAM against what moved", "difference of areas under the ROC curve"),
}
WORDS = {
    "weighted_sum": "weighted sum",
    "joint_l3": "L3 only",
    "dtan": "DTAN",
    "dtgn": "DTGN",
    "resnet": "ResNet",
    "longer": "ResNet, longer",
    "untrained": "identity untrained",
    "cnn2": "CNN (2)",
    "cnn5": "CNN (5)",
    "emotionnet2": "EmotionNet 2",
    "as_paper": "as in the paper",
    "as_authors_code": "EmotionalDAN",
    "emotionaldan": "EmotionalDAN",
    "emotion_alone": "without landmarks",
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
) -> dict[str, pd.DataFrame]:
    """Trains what `restarts` compares from `starts` first weights each; tables of means and differences, by name.

    Differences are drawn to FIGURES/FOLDER/NAME.png, .csv and .json, means written to OUT/restarts/NAME.csv. At `lesson` all of it takes
    half an hour on two cores.
    """
    found = {}
    for name in names:
        table = pd.concat(
            [
                answers(name, start, level, seed, Path(out), progress)
                for start in tqdm(range(starts), name, disable=not progress)
            ]
        )
        gain = restarts.differences(table, restarts.PAIRS[name])
        means = restarts.means(table)
        folder, title, what = FIGURES[name]
        drawn = gain.assign(name=[in_words(each) for each in gain["name"]]).rename(columns={"data": "panel"})
        made_by = {"command": "make restarts", "level": level, "seed": seed, "starts": starts}
        plots.save_figure(
            "plot_trainings",
            drawn,
            Path(figures) / folder,
            "trainings" if name == folder else f"trainings_{name}",
            made_by=made_by,
            size=(5.2, 1.4 + 0.42 * len(restarts.PAIRS[name])),
            title=f"{title}, {starts} trainings of each",
            xlabel=what,
        )
        paths.write_whole(Path(out) / "restarts" / f"{name}.csv", partial(means.to_csv, index=False))
        found[name] = pd.concat([means, gain], ignore_index=True)
    return found


def answers(name: str, start: int, level: str, seed: int, out: Path, progress: bool = True) -> pd.DataFrame:
    """One start's table, as it was kept or made now."""
    file = out / "restarts" / f"{name}-{level}-{seed}-{start}.parquet"
    if not file.is_file():
        table = _make(name, start, level, seed, out, progress)
        paths.write_whole(file, lambda path: table.to_parquet(path, index=False))
    return pd.read_parquet(file)


def in_words(pair: str) -> str:
    """`joint minus joint_l3` as a reader would say it."""
    return " minus ".join(WORDS.get(each, each) for each in pair.split(" minus "))


def _make(name: str, start: int, level: str, seed: int, out: Path, progress: bool) -> pd.DataFrame:
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

"""Steps of notebook 00's appendix: how far drawn people are from photographed ones."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ferkit import data
from ferkit.drawn.sets import SETS, plan_clips
from ferkit.faces.prepared import Prepared
from ferkit.papers.tables import flatten_metrics
from ferkit.workbook.studies import drawn_vs_real, neutral_faces
from ferkit.workbook.studies.drawn_vs_real_pictures import crop_pictures, picture_gap

_COLUMNS = {
    "mean_difference": "mean difference",
    "mean_difference_same": "same population",
    "ratio": "spread, drawn / photographed",
    "frechet": "Fréchet",
    "frechet_same": "same population ",
}
_KEPT = ("mean_difference", "ratio", "frechet")
_AIM = 0.5  # pixels of 96, for the mean difference


def gap_panels(faces: Prepared, gap: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tabulate what `plots.plot_gap` draws: the mean faces, then the bars in two panels."""
    drawn = neutral_faces.face_statistics(neutral_faces.align_eyes(faces.landmarks))
    panels = drawn_vs_real.gap_panels(drawn, neutral_faces.real_neutral(), gap)
    is_face = panels["panel"] == "mean faces"
    return panels[is_face], panels[~is_face]


def show_gap(gap: pd.DataFrame) -> pd.DataFrame:
    """Choose and name the columns of a gap for the reader."""
    return gap[list(_COLUMNS)].rename(columns=_COLUMNS).round(2)


def gap_metrics(gap: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Return the metrics `gap/PART/MEASURE` with intervals."""
    return {
        f"gap/{part}/{name}": {
            "value": row[name],
            "low": row[f"{name}_low"],
            "high": row[f"{name}_high"],
        }
        for part, row in gap.iterrows()
        for name in _KEPT
    }


def describe_gap(gap: pd.DataFrame) -> str:
    """Say which mean faces meet the aim, and which differences are shown."""
    regions = gap.drop(index=["inner", "all"])
    near = regions.index[regions["mean_difference"] < _AIM]
    shown = regions.index[regions["mean_difference_low"] > 0]
    least = regions["ratio"].idxmin()
    return (
        f"Mean faces differ by less than {_AIM:g} pixels in: {', '.join(near) or 'no region'}. The "
        f"interval excludes zero in: {', '.join(shown) or 'no region'}; elsewhere the difference "
        f"may be chance. The spread of drawn people is smallest, compared with photographed ones, "
        f"in the {least} (ratio {regions.loc[least, 'ratio']:.2f})."
    )


def compare_pictures(faces: Prepared, root: str | Path | None, seed: int) -> Mapping[str, Any]:
    """Compare pictures of drawn and photographed neutral faces; empty where there are none."""
    photographs = neutral_faces.photographed_neutral(root)
    if photographs is None:
        return {}
    people = [side.table["person"] for side in (faces, photographs)]
    gap = picture_gap(crop_pictures(faces), crop_pictures(photographs), *people, seed=seed)
    return flatten_metrics(gap)


def describe_pictures(looks: Mapping[str, Any]) -> str:
    """Say how well a classifier tells drawn from photographed faces."""
    if not looks:
        return "No photographs were found, so pictures are not compared in this run."
    area = looks["told_apart/face"]
    text = (
        f"The area under the ROC curve is {area['value']:.2f} on the face alone "
        f"([{area['low']:.2f}, {area['high']:.2f}]): "
    )
    if area["low"] > 0.95:
        return text + "no drawn picture passes for a photograph, however well its landmarks fit."
    if area["low"] > 0.5:
        return text + "drawn pictures can be told from photographs, though not always."
    return text + "a difference is not shown."


def list_drawn_sets(level: str, seed: int) -> pd.DataFrame:
    """Tabulate the drawn sets: what each stands for, and its size at a level."""
    rows = {}
    for name, drawn_set in SETS.items():
        size = drawn_set.levels[level]
        rows[name] = {
            "stands for": drawn_set.like,
            "pixels": drawn_set.pixels,
            "people": size.people,
            "clips": len(plan_clips(name, level, seed)),
            "frames a clip": size.frames,
        }
    return pd.DataFrame(rows).T


def list_data_sets(root: str | Path | None) -> pd.DataFrame:
    """Tabulate all data sets that ferkit reads, and whether each is on this computer."""
    table = data.available(root or None)
    drawn = [data.dataset(name).drawn for name in table["name"]]
    table["here"] = np.select([table["found"] != "", drawn], ["yes", "drawn when needed"], "no")
    return table.set_index("name")[["title", "here", "licence"]]

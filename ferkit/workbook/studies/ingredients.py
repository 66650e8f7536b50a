"""Measure what each ingredient of the drawn faces is worth.

The predictor is trained on faces drawn without the ingredient, and tested on photographs. These
are the development photographs, so the results compare ingredients and are no test of the whole.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferkit.core.files import write_whole
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.expressions import Variation
from ferkit.drawn.scene import FIXED
from ferkit.drawn.sets import SETS, DrawnSet, Size
from ferkit.evaluation.intervals import bootstrap
from ferkit.evaluation.scores import right_among
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.predict import train

LIGHT_RANGES = (
    "light_azimuth",
    "light_elevation",
    "key",
    "ambient",
    "softness",
    "warmth",
    "ambient_warmth",
    "ambient_side",
    "exposure",
    "metering",
    "vignette",
    "contrast",
    "gamma",
    "white_balance",
    "side_lit",
)
ALL_SEVERE = (0.0, 0.0, 0.0, 1.0, 0.0)  # every expression is of FACS intensity D
# The set that trains the predictor leaves matched geometry out, as this study first advised.
EVERYTHING = replace(SETS["portraits"], matched=True)


def _with_ranges(drawn: DrawnSet, **ranges: Any) -> DrawnSet:
    """The set with other ranges of its scenes."""
    return replace(drawn, ranges=replace(drawn.ranges, **ranges))


INGREDIENTS: dict[str, Callable[[DrawnSet], DrawnSet]] = {
    "nothing": lambda drawn: drawn,
    "matched geometry": lambda drawn: replace(drawn, matched=False),
    "varied intensity": lambda drawn: replace(drawn, variation=Variation(intensity=ALL_SEVERE)),
    "wrinkles": lambda drawn: _with_ranges(drawn, wrinkles=(0.0, 0.0)),
    "texture": lambda drawn: _with_ranges(drawn, texture=(0.0, 0.0)),
    "varied light": lambda drawn: _with_ranges(
        drawn, **{name: getattr(FIXED, name) for name in LIGHT_RANGES}
    ),
}
ANSWER_COLUMNS = ["without", "people", "seed", "data", "choice", "person", "right"]
_CONDITION = ["without", "people", "data", "choice"]


def draw_without(without: str, people: int, seed: int, folder: Path) -> Prepared:
    """Draw and prepare the set `portraits` of some people without one ingredient.

    Pictures are kept in `folder`.
    """
    drawn = replace(INGREDIENTS[without](EVERYTHING), levels={"paper": Size(people, 1)})
    clips = read_drawn(draw_set(drawn, "paper", seed, folder / "drawn"))
    faces = prepare(clips, train.FACE_SIZE, cache=folder / "prepared")
    return faces.select(faces.table["found"].to_numpy())


def score_photographs(
    trained: Mapping[str, train.TrainedFaceModel],
    photographs: Mapping[str, Prepared],
    **about: object,
) -> pd.DataFrame:
    """Tabulate which photographs the one-photograph model gets right.

    A row for each photograph and choice of classes (open, present).
    """
    model = trained["single"].model
    rows = []
    for data, faces in photographs.items():
        scores = model.scores(train.face_features(faces))
        truth = faces.table["emotion"].tolist()
        for choice, correct in right_among(scores, model.names, truth).items():
            predictions = pd.DataFrame({"person": faces.table["person"], "right": correct})
            rows.append(predictions.assign(**about, data=data, choice=choice))
    return pd.concat(rows, ignore_index=True)[ANSWER_COLUMNS]


def measure_ingredients(
    photographs: Mapping[str, Prepared],
    file: str | Path,
    *,
    people: Iterable[int] = (50, 200, 1000),
    off: int = 200,
    seeds: Iterable[int] = (0, 1, 2),
) -> pd.DataFrame:
    """Train without each ingredient and tabulate which photographs come out right.

    The table is written to `file` (Parquet) after every training set, so a stopped call continues.
    With all ingredients the predictor is trained on each number of `people` (nested: the 50 are
    among the 200), without an ingredient on `off` people.
    """
    file = Path(file)
    people = tuple(people)
    table = pd.read_parquet(file) if file.exists() else pd.DataFrame(columns=ANSWER_COLUMNS)
    todo = list(product(seeds, INGREDIENTS))
    for seed, without in tqdm(todo, "ingredients", unit="set"):
        is_done = (table["without"] == without) & (table["seed"] == seed)
        wanted = set(people) if without == "nothing" else {off}
        sizes = sorted(wanted - set(table[is_done]["people"]))
        if not sizes:
            continue
        with tempfile.TemporaryDirectory(prefix="ferkit-ingredients-") as folder:
            drawn = draw_without(without, max(sizes), seed, Path(folder))
            person = drawn.table["person"].to_numpy(dtype=str)
            for count in sizes:
                first_people = drawn.select(np.isin(person, np.unique(person)[:count]))
                trained = train.train_face_models(first_people, seed, kinds=["single"])
                condition = {"without": without, "people": count, "seed": seed}
                predictions = score_photographs(trained, photographs, **condition)
                table = (
                    pd.concat([table, predictions], ignore_index=True)
                    if len(table)
                    else predictions
                )
        write_whole(file, table.to_parquet)
    return table


def load_summary() -> pd.DataFrame:
    """Load the summary of the last full measurement, which its first line describes."""
    with (files("ferkit.workbook.studies") / "ingredients.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


def summarize(table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Average accuracy over seeds, with its interval over the photographed people.

    Adds to each condition value, low, high, the number of `seeds` and their standard deviation
    `across_seeds`.
    """
    rows = []
    for condition, predictions in table.groupby(_CONDITION, sort=False):
        by_seed = predictions.groupby("seed")["right"].mean()
        person = predictions["person"].to_numpy(str)
        score = bootstrap(predictions["right"].to_numpy(bool), person, seed=seed)
        row = dict(zip(_CONDITION, condition, strict=True))
        row |= {"value": score.value, "low": score.low, "high": score.high}
        row |= {"seeds": len(by_seed), "across_seeds": by_seed.std()}
        rows.append(row)
    return pd.DataFrame(rows)


def ingredient_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Order and name a summary's rows for `plots.plot_intervals`.

    First all ingredients, by number of people, then without each ingredient.
    """
    is_complete = table["without"] == "nothing"
    people = table["people"].astype(str)
    name = (people + " people").where(is_complete, "without " + table["without"] + ", " + people)
    rows = table.assign(
        name=name, group=table["data"] + ", " + table["choice"], is_reduced=~is_complete
    )
    rows = rows.sort_values(["is_reduced", "people"], kind="stable")
    return rows[["name", "group", "value", "low", "high"]]

"""What each ingredient of the drawn faces is worth: the predictor is trained without it, and tested on photographs.

Every training set is drawn anew with one ingredient switched off. Photographs are the development ones, so the numbers tell
ingredients apart and are no test of the whole.
"""

import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm import tqdm

from ferkit import predict
from ferkit.data.drawn import read_drawn
from ferkit.evaluate import bootstrap, right_among
from ferkit.faces.store import Prepared, prepare
from ferkit.paths import write_whole
from ferkit.synthetic.expressions import Variation
from ferkit.synthetic.scene import FIXED
from ferkit.synthetic.sets import SETS, DrawnSet, Size, draw_set

LIGHT = (
    "light_azimuth", "light_elevation", "key", "ambient", "warmth", "exposure", "contrast", "gamma", "white_balance", "side_lit",
)  # fmt: skip
# The set that trains the predictor leaves the matched geometry out, as this table's first measurement advised.
EVERYTHING = replace(SETS["portraits"], matched=True)


def _scenes(drawn: DrawnSet, **ranges: Any) -> DrawnSet:
    """The set with these ranges of its scenes in place of its own."""
    return replace(drawn, ranges=replace(drawn.ranges, **ranges))


INGREDIENTS: dict[str, Callable[[DrawnSet], DrawnSet]] = {
    "nothing": lambda drawn: drawn,
    "matched geometry": lambda drawn: replace(drawn, matched=False),
    "varied intensity": lambda drawn: replace(drawn, variation=Variation(intensity=(1.0, 1.0))),
    "wrinkles": lambda drawn: _scenes(drawn, wrinkles=(0.0, 0.0)),
    "texture": lambda drawn: _scenes(drawn, texture=(0.0, 0.0)),
    "varied light": lambda drawn: _scenes(drawn, **{name: getattr(FIXED, name) for name in LIGHT}),
}
COLUMNS = ["without", "people", "seed", "experts", "data", "choice", "person", "right"]


def faces(without: str, people: int, seed: int, folder: Path) -> Prepared:
    """Faces of the drawn set `portraits`, of so many people, with one ingredient switched off; pictures are kept in `folder`."""
    drawn = replace(INGREDIENTS[without](EVERYTHING), levels={"paper": Size(people, 1)})
    clips = read_drawn(draw_set(drawn, "paper", seed, folder / "drawn"))
    found = prepare(clips, predict.SIZE, cache=folder / "prepared")
    return found.select(found.table["found"].to_numpy())


def right(trained: Mapping[str, predict.Trained], photographs: Mapping[str, Prepared], **about: object) -> pd.DataFrame:
    """Which photographs the one-photograph model gets right: a row per photograph, experts and choice (open, present)."""
    model, rows = trained["single"].model, []
    for data, found in photographs.items():
        seen, truth = predict.features(found), found.table["emotion"].tolist()
        for experts in dict.fromkeys([tuple(model.experts), *((name,) for name in model.experts)]):
            shown = {"experts": " + ".join(experts), "data": data, "person": found.table["person"]}
            for choice, correct in right_among(model.only(*experts).scores(seen), model.names, truth).items():
                rows.append(pd.DataFrame({**about, **shown, "choice": choice, "right": correct}))
    return pd.concat(rows, ignore_index=True)[COLUMNS]


def measure(
    photographs: Mapping[str, Prepared],
    file: str | Path,
    *,
    people: Iterable[int] = (50, 200, 1000),
    off: int = 200,
    seeds: Iterable[int] = (0, 1, 2),
) -> pd.DataFrame:
    """The table of answers, written to `file` (Parquet) after every training set, so that a stopped run goes on.

    "nothing" is switched off for each number of `people` (nested: the 50 are among the 200), each ingredient for `off` people.
    """
    file, people = Path(file), tuple(people)
    table = pd.read_parquet(file) if file.exists() else pd.DataFrame(columns=COLUMNS)
    todo = [(without, seed) for seed in seeds for without in INGREDIENTS]
    for without, seed in tqdm(todo, "ablation", unit="set"):
        done = set(table[(table["without"] == without) & (table["seed"] == seed)]["people"])
        sizes = sorted(set(people if without == "nothing" else [off]) - done)
        if not sizes:
            continue
        with tempfile.TemporaryDirectory(prefix="ferkit-ablation-") as folder:
            drawn = faces(without, max(sizes), seed, Path(folder))
            who = drawn.table["person"].to_numpy(dtype=str)
            for count in sizes:
                part = drawn.select(np.isin(who, np.unique(who)[:count]))
                found = right(
                    predict.train(part, seed, kinds=["single"]), photographs, without=without, people=count, seed=seed
                )
                table = pd.concat([table, found], ignore_index=True) if len(table) else found
        write_whole(file, table.to_parquet)
    return table


def kept() -> pd.DataFrame:
    """The summary of the last full measurement; the file's first line says what made it."""
    with (files("ferkit") / "ablation.csv").open(encoding="utf-8") as file:
        return pd.read_csv(file, comment="#")


def summary(table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Accuracy, the mean of the seeds, with its interval over the people photographed: value, low, high, and how the seeds spread."""
    rows = []
    for key, part in table.groupby(COLUMNS[:2] + COLUMNS[3:6], sort=False):
        by_seed = part.groupby("seed")["right"].mean()
        found = bootstrap(part["right"].to_numpy(bool), part["person"].to_numpy(str), seed=seed)
        rows.append(
            dict(zip(COLUMNS[:2] + COLUMNS[3:6], key, strict=True))
            | {
                "value": found.value,
                "low": found.low,
                "high": found.high,
                "seeds": len(by_seed),
                "across_seeds": by_seed.std(),
            }
        )
    return pd.DataFrame(rows)


def figure_table(table: pd.DataFrame) -> pd.DataFrame:
    """The summary as `plots.plot_intervals` takes it: everything for each number of people first, then each ingredient off."""
    plain = table["without"] == "nothing"
    name = np.where(
        plain,
        table["people"].astype(str) + " people",
        "without " + table["without"] + ", " + table["people"].astype(str),
    )
    shown = table.assign(name=name, group=table["data"] + ", " + table["choice"])
    return shown.loc[
        shown.assign(last=~plain).sort_values(["last", "people"], kind="stable").index,
        ["name", "group", "value", "low", "high"],
    ]

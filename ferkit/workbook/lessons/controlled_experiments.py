"""Steps of the notebook of controlled experiments: their sizes, figures and comparisons."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from ferkit import plots
from ferkit.evaluation.intervals import Score, compare_paired
from ferkit.workbook.notebook_run import NotebookRun
from ferkit.workbook.studies import controlled, landmark_sweeps, undrawn
from ferkit.workbook.studies.controlled import PlannedPicture, SeenPictures
from ferkit.workbook.words import compare_in_words

SPREADS = {
    "smoke": (0.0, 1.0, 4.0),
    "lesson": (0.0, 0.5, 1.0, 2.0, 3.0, 4.0),
    "study": (0.0, 0.5, 1.0, 2.0, 3.0, 4.0),
    "paper": (0.0, 0.25, 0.5, 1.0, 2.0, 3.0, 4.0),
}
# By how much the training set of ten people grows.
FACTORS = {"smoke": (1, 2), "lesson": (1, 2, 4, 8), "study": (1, 2, 4, 8), "paper": (1, 2, 4, 8)}
TESTED = {"smoke": 10, "lesson": 40, "study": 100, "paper": 200}
# People who are drawn, and pictures of each.
_DRAWN = {"smoke": (2, 1), "lesson": (21, 2), "study": (42, 3), "paper": (100, 7)}
LIGHTEST = 0.1  # melanin that others are compared with
_MIDDLE = 0.5
_AGES = (20.0, 75.0)
_SEXES = (0.0, 1.0)
_YAWS = (30.0, 45.0, 60.0)
_LIGHTS = (45.0, 85.0)
_GLASSES = 0.25  # thickness of the rims, centimetres
_SPOILED = {
    "blur": (2.0, 4.0, 8.0),
    "noise": (20.0, 40.0, 80.0),
    "resolution": (56.0, 40.0, 28.0),
}
_UNSPOILED = {"blur": 0.0, "noise": 0.0, "resolution": 224.0}
_OUTLINES = 5  # people in a panel


@dataclass(frozen=True, eq=False)
class Studio:
    """Pictures as they are before anything is changed, and what the predictor makes of them."""

    planned: list[PlannedPicture]
    images: list[np.ndarray]
    seen: SeenPictures


def open_studio(level: str, seed: int = 0) -> Studio:
    """Draw the pictures that the experiments begin with."""
    planned = controlled.plan_pictures(*_DRAWN[level], seed)
    images = controlled.draw_pictures(planned)
    return Studio(planned, images, controlled.look_at(images, planned))


# --- sweeps over pictures ---


def vary_skin(studio: Studio, melanin: float) -> dict[float, SeenPictures]:
    """Draw the same people with light, middle and `melanin` skin."""
    values = sorted({LIGHTEST, _MIDDLE, melanin})
    return controlled.vary_person(studio.planned, "melanin", values)


def vary_age(studio: Studio) -> dict[str, SeenPictures]:
    """Draw the same people young and old."""
    seen = controlled.vary_person(studio.planned, "age", _AGES)
    return {f"{age:g} years": each for age, each in seen.items()}


def vary_sex(studio: Studio) -> dict[str, SeenPictures]:
    """Draw the same people with a female and with a male face."""
    seen = controlled.vary_person(studio.planned, "sex", _SEXES)
    return dict(zip(("female shape", "male shape"), seen.values(), strict=True))


def vary_view(studio: Studio, what: str) -> dict[float, SeenPictures]:
    """Change the view, or spoil the pictures.

    `what` is "yaw", "light" or "glasses", "blur", "noise" or "resolution"; KeyError for another.
    """
    if what == "yaw":
        return {0.0: studio.seen} | controlled.vary_scene(studio.planned, "yaw", _YAWS)
    if what == "glasses":
        return {0.0: studio.seen} | controlled.vary_person(studio.planned, "glasses", [_GLASSES])
    if what == "light":
        dim = controlled.change_scene(studio.planned, ambient=0.1)
        return controlled.vary_scene(dim, "light_azimuth", (0.0, *_LIGHTS))
    if what in _SPOILED:
        spoiled = controlled.vary_pixels(studio.images, studio.planned, what, _SPOILED[what])
        return {_UNSPOILED[what]: studio.seen} | spoiled
    raise KeyError(what)


def difference(seen: Mapping, last: float | str, first: float | str) -> tuple[Score, Score]:
    """Subtract `first` from `last`: faces found, and pictures named rightly of all pictures."""
    a, b = seen[last], seen[first]
    return (
        compare_paired(a.found, b.found, a.people),
        compare_paired(a.right, b.right, a.people),
    )


def difference_in_words(seen: Mapping, last: float | str, first: float | str, what: str) -> str:
    """Say whether faces are found and named more or less often at `last` than at `first`."""
    found, right = difference(seen, last, first)
    names = (f"{what} {last}", f"{what} {first}") if what else (str(last), str(first))
    return (
        f"Faces found: {_lower(compare_in_words(*names, found))} "
        f"Named rightly, of all pictures: {_lower(compare_in_words(*names, right))}"
    )


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


# --- tables and metrics ---


def gap_in_words(table: pd.DataFrame) -> str:
    """Say for the first and last setting how far the second series is above the first."""
    wide = table.pivot(index="x", columns="series", values="value")
    first, second = table["series"].unique()[:2]
    gaps = 100 * (wide[second] - wide[first])
    ends = (gaps.index[0], gaps.index[-1])
    return " and ".join(f"{gaps[x]:+.0f} points at {x:g}" for x in ends)


def sweep_metrics(table: pd.DataFrame, what: str) -> dict[str, dict[str, float]]:
    """Return a sweep's table as metrics `what`/setting/series."""
    metrics = {}
    for row in table.to_dict("records"):
        x = row["x"] if isinstance(row["x"], str) else f"{row['x']:g}"
        key = f"{what}/{x}/{row['series']}".replace(", ", "_").replace(" ", "_")
        metrics[key] = {name: row[name] for name in ("value", "low", "high", "n")}
    return metrics


# --- figures ---


def plot_pictures(run: NotebookRun, seen: Mapping, name: str, xlabel: str = "") -> Figure:
    """Draw and save how many faces are found and named over a setting."""
    options = {"xlabel": xlabel, "ylabel": "share of pictures", "log": name == "resolution"}
    table = controlled.tabulate(seen)
    return run.figure("plot_sweep", table, name, size=(8.5, 3), **options)


def draw_changes(seed: int = 0) -> Figure:
    """Draw one smile with one thing changed in each picture."""
    planned = next(
        each for each in controlled.plan_pictures(20, 1, seed) if each.emotion == "happiness"
    )
    base = controlled.change_person([planned], melanin=_MIDDLE, age=30.0)
    changed = {
        "as it is": base,
        "light skin": controlled.change_person(base, melanin=LIGHTEST),
        "dark skin": controlled.change_person(base, melanin=0.9),
        "75 years": controlled.change_person(base, age=75.0),
        "turned 45°": controlled.change_scene(base, yaw=45.0),
        "side light": controlled.change_scene(base, light_azimuth=85.0, ambient=0.1),
        "glasses": controlled.change_person(base, glasses=_GLASSES),
    }
    images = [controlled.draw_pictures(each)[0] for each in changed.values()]
    images.append(controlled.spoil(images[0], "blur", 4.0))
    return _sheet(images, [*changed, "blurred"], 4, (7.2, 4.2))


def draw_skins(studio: Studio, melanin: float, people: int = 4) -> Figure:
    """Draw the first pictures of some people with light, middle and `melanin` skin."""
    seeds = [each.person.seed for each in studio.planned]
    _, first = np.unique(seeds, return_index=True)
    shown = [studio.planned[k] for k in first[:people]]
    values = sorted({LIGHTEST, _MIDDLE, melanin})
    rows = [
        controlled.draw_pictures(controlled.change_person(shown, melanin=value)) for value in values
    ]
    images = [image for row in rows for image in row]
    titles = [f"melanin {value:g}" for value in values for _ in shown]
    return _sheet(images, titles, len(shown), (1.8 * len(shown), 2.1 * len(values)))


def draw_spread(seed: int = 0, spreads: Sequence[float] = (0.0, 1.0, 4.0)) -> Figure:
    """Draw the outlines of the same people at rest, for several spreads of identity."""
    who = landmark_sweeps.choose_people(40, seed)
    shapes = undrawn.rest_shapes(who)
    figure = Figure(figsize=(7.2, 2.9), layout="constrained")
    for ax, spread in zip(figure.subplots(1, len(spreads)), spreads, strict=True):
        chosen = undrawn.spread_shapes(shapes, spread)[:_OUTLINES]
        faces = undrawn.make_landmarks(
            who[:_OUTLINES], chosen, emotions=("neutral",), noise=0.0, seed=seed
        )
        for number, points in enumerate(faces.landmarks):
            colour = plots.SERIES[number % len(plots.SERIES)]
            plots.plot_landmarks(points, ax=ax, colour=colour, width=1.2)
        ax.set_title(f"spread {spread:g}")
    return figure


def _sheet(
    images: Sequence[np.ndarray], titles: Sequence[str], columns: int, size: tuple[float, float]
) -> Figure:
    figure = Figure(figsize=size, layout="constrained")
    plots.plot_contact_sheet(images, titles, columns, ax=figure.subplots())
    return figure

"""The methods of papers 3, 4 and 5 trained again from other first weights: how much of a difference is the chance of training.

    tables = [databases_again("lesson", 0, start, folder="build/run/networks/08") for start in range(5)]
    differences(pd.concat(tables), PAIRS["emotionaldan"])

Convention
- A start is a number; start 0 is the training of the notebooks. Faces, people and folds are the same in all of them.
- Tables have a row for each answer: data, method, start, sample, person, value (1 right, 0 wrong; of maps their area under the ROC
  curve, of landmarks their error).
- Comparisons are paired: the same start, the same sample, two methods.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit import cross_database as cross
from ferkit import moved, tandem, temporal
from ferkit.cropped import CLASSES, errors
from ferkit.evaluate import over_trainings, right_among
from ferkit.models import emotionaldan as dan
from ferkit.models.layers import restarted
from ferkit.portable import load_network
from ferkit.train import scores

VARIANT = "as_authors_code"  # as_paper learns less at `lesson`
SHUFFLED = "{}, shuffled"  # the control of a network's maps
Pairs = tuple[tuple[str, str], ...]
PAIRS: dict[str, Pairs] = {
    "dtagn": (
        ("joint", "weighted_sum"),
        ("joint", "logits_added"),
        ("logits_added", "weighted_sum"),
        ("joint", "joint_l3"),
        ("joint", "concatenation"),
        ("joint", "dtan"),
        ("joint", "dtgn"),
        ("weighted_sum", "dtan"),
    ),
    "emotionaldan": (
        *((VARIANT, name) for name in cross.SMALL),
        (VARIANT, "as_paper"),
        (VARIANT, "emotion_alone"),
    ),
    "tfe": (("joint", "resnet"), ("joint", "longer"), ("joint", "untrained")),
    "landmarks": (("stage 2", "stage 1"),),
    "visualization": tuple((kind, SHUFFLED.format(kind)) for kind in (*cross.SMALL, "emotionaldan")),
}


def sequences_again(dataset: str, level: str, seed: int, start: int, **how: Any) -> pd.DataFrame:
    """Which sequences each method of paper 3 answers rightly. `how`, here and below: folder, device, precision, progress."""
    kind, data, classes, folds = temporal.sequences_of(dataset, level, seed)
    found = temporal.all_methods(kind, data, classes, folds, level, seed=restarted(seed, start), **how)
    rows = [_rows(dataset, name, start, answers.correct(), answers.people) for name, answers in found.items()]
    return pd.concat(rows, ignore_index=True)


def databases_again(level: str, seed: int, start: int, **how: Any) -> pd.DataFrame:
    """Which faces each network of paper 4 answers rightly: drawn ones among seven classes, photographs among those they show."""
    how |= {"start": start}
    dans = {variant: cross.train_dan(level, seed, 7, variant, **how) for variant in dan.VARIANTS}
    dans["emotion_alone"] = cross.train_dan(level, seed, 7, VARIANT, loss=cross.EMOTION_ALONE, **how)
    plain = {name: cross.train_compared(name, level, seed, **how).network for name in cross.PLANS[level].compared}
    rows = []
    for place, faces in cross.faces_tested("posed", level, seed).items():
        these, truth = faces.named(7)
        answers = {name: cross.predicted(one.both, these)[0] for name, one in dans.items()}
        answers |= {name: scores(network, (these.pictures,)) for name, network in plain.items()}
        choice = "open" if np.isfinite(these.points).all() else "present"
        for name, answer in answers.items():
            right = right_among(answer, CLASSES[7].names, truth)[choice]
            rows.append(_rows(place, name, start, right, these.people))
    return pd.concat(rows, ignore_index=True)


def landmarks_again(level: str, seed: int, start: int, **how: Any) -> pd.DataFrame:
    """The landmark error of each stage of EmotionalDAN on drawn faces, in distances between the eyes."""
    one = cross.train_dan(level, seed, 7, VARIANT, start=start, **how)
    rows = []
    for place, faces in cross.faces_tested("posed", level, seed).items():
        for stage, network in (("stage 1", one.first), ("stage 2", one.both)):
            value = errors(cross.predicted(network, faces)[1], faces.points)
            rows.append(_rows(place, stage, start, value, faces.people))
    return pd.concat(rows, ignore_index=True).dropna(subset="value")  # of photographs nobody knows the truth


def maps_again(level: str, seed: int, start: int, models: str | Path, **how: Any) -> pd.DataFrame:
    """The score of each network's Grad-CAM against what moved, and of the same network with shuffled weights.

    Networks are written to `models`. The share of related landmarks of EmotionalDAN's mean maps stands under "related", a number a layer.
    """
    faces, rows = moved.drawn_faces(level, seed), []
    for file in cross.train_and_keep(models, level, seed, start=start, **how):
        network = load_network(file)
        control = moved.unlearnt(network, restarted(seed, start))
        for name, asked in ((network.kind, network), (SHUFFLED.format(network.kind), control)):
            found = moved.compared(asked, faces)
            rows.append(_rows("moved", name, start, found["auc"], found["person"]))
        if network.kind == "emotionaldan":
            for layer in ("conv4a", "conv4b"):
                share = moved.related_mean(network, faces, layer=f"stage2.{layer}")
                rows.append(_rows("related", layer, start, [share], ["everybody"]))
    return pd.concat(rows, ignore_index=True)


def identities_again(level: str, seed: int, start: int, **how: Any) -> pd.DataFrame:
    """Which faces of `sequences` the emotion network of paper 5 answers rightly, and what is made of it; all networks start anew."""
    faces, found = tandem.train_drawn(level, seed, ("joint", "longer", "untrained"), start=start, **how)
    answers = {name: one.answers(faces.classes) for name, one in found.items()}
    return pd.concat(
        [_rows("sequences", name, start, each.correct(), each.people) for name, each in answers.items()],
        ignore_index=True,
    )


def means(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each data set and method: the mean over trainings with its interval over people and trainings, and that of each.

    Columns data, name, value, low, high, n, training_0, training_1, ...
    """
    rows = []
    for data, part in table.groupby("data", sort=False):
        for method, mine in part.groupby("method", sort=False):
            rows.append({"data": data, "name": method, **_over(_wide(mine), mine)})
    return pd.DataFrame(rows)


def differences(table: pd.DataFrame, pairs: Iterable[tuple[str, str]]) -> pd.DataFrame:
    """A row for each data set and pair of methods that it has: the first's value minus the second's, as `means`."""
    rows = []
    for data, part in table.groupby("data", sort=False):
        values = {method: _wide(mine) for method, mine in part.groupby("method")}
        for a, b in pairs:
            if {a, b} <= set(values):
                rows.append({"data": data, "name": f"{a} minus {b}", **_over(values[a] - values[b], part)})
    return pd.DataFrame(rows)


def _wide(rows: pd.DataFrame) -> pd.DataFrame:
    """The values of one method, a row a start, a column a sample."""
    return rows.pivot(index="start", columns="sample", values="value")


def _over(values: pd.DataFrame, rows: pd.DataFrame) -> dict[str, Any]:
    """The mean of values as of `_wide` with its interval, and that of each training; samples without a value are left out."""
    values = values.dropna(axis=1)
    person = rows.drop_duplicates("sample").set_index("sample")["person"]
    found = over_trainings(values.to_numpy(), person[values.columns].to_numpy())
    return {**found.metric(), **{f"training_{start}": mean for start, mean in values.mean(axis=1).items()}}


def _rows(data: str, method: str, start: int, values: ArrayLike, people: ArrayLike) -> pd.DataFrame:
    values = np.asarray(values, dtype=np.float64)
    rows = pd.DataFrame({"sample": range(len(values)), "person": np.asarray(people, dtype=str), "value": values})
    return rows.assign(data=data, method=method, start=start)

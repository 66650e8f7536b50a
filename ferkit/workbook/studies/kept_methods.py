"""Kept decisions of the papers' networks, on the faces of the benchmark.

Networks train longer than a notebook may take. The studies keep what each network decided for every
picture of the drawn sequences; these are the decisions of their first training.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ferkit.drawn.draw_sets import drawing_fingerprint
from ferkit.papers.study_records import kept_studies, load_study
from ferkit.workbook.studies.benchmark import ONE, OTHERS, BenchmarkFaces


@dataclass(frozen=True)
class KeptMethod:
    """A method of a study; `pictures` of each sequence were decided, the last at the peak."""

    study: str
    method: str
    title: str
    sees: str
    pictures: int = 1


KEPT_METHODS = (
    KeptMethod("dtagn", "dtan", "DTAN (paper 3)", OTHERS),
    KeptMethod("dtagn", "dtgn", "DTGN (paper 3)", OTHERS),
    KeptMethod("dtagn", "joint", "DTAGN, joint (paper 3)", OTHERS),
    KeptMethod("tfe", "resnet", "ResNet (paper 5)", ONE, 4),
    KeptMethod("tfe", "joint", "ResNet with identity (paper 5)", ONE, 4),
)


def load_kept_rows(faces: BenchmarkFaces, seed: int = 0) -> pd.DataFrame:
    """Tabulate what kept networks decided for these faces, with the columns of `run_methods`.

    Seconds and parameters are not known. Empty unless the faces are those of the studies: the same
    drawn set, seed, drawing code and people.
    """
    tables = [_rows(kept, faces, seed) for kept in KEPT_METHODS]
    known = [table for table in tables if table is not None]
    return pd.concat(known, ignore_index=True) if known else pd.DataFrame()


def _rows(kept: KeptMethod, faces: BenchmarkFaces, seed: int) -> pd.DataFrame | None:
    if kept.study not in kept_studies():
        return None
    record = load_study(kept.study)
    if (record.made_by["seed"], record.made_by["drawing"]) != (seed, drawing_fingerprint()):
        return None
    decided = record.predictions
    decided = decided[(decided["data"] == faces.name) & (decided["method"] == kept.method)]
    right = match_people(decided[decided["start"] == 0], faces.people, kept.pictures)
    if right is None:
        return None
    rows = pd.DataFrame({"sample": np.arange(len(right)), "person": faces.people, "right": right})
    return rows.assign(
        data=faces.name, method=kept.title, sees=kept.sees, seconds=np.nan, parameters=np.nan
    )


def match_people(decided: pd.DataFrame, people: np.ndarray, pictures: int = 1) -> np.ndarray | None:
    """Bring kept decisions into the order of faces; `(N,)` whether each face was named rightly.

    `people` `(N,)` are the faces' people. Each person's sequences stand in the same order in both,
    with `pictures` decisions for each, of which the last is taken. None where a person has another
    number of sequences.
    """
    right = np.zeros(len(people), dtype=bool)
    if set(decided["person"]) != set(people):
        return None
    for person, own in decided.sort_values("sample").groupby("person"):
        at_peak = own["value"].to_numpy()[pictures - 1 :: pictures]
        places = np.flatnonzero(people == person)
        if len(own) != pictures * len(places):
            return None
        right[places] = at_peak > 0
    return right

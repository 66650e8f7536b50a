"""Measure how far an emotion moves the face, on drawn and on photographed people.

The displacement of a measure, such as "mouth open", is its mean over faces that show an emotion
minus its mean over neutral faces. dlib finds the landmarks of both kinds of faces in the same way.
Means, standard errors and counts are kept, nobody's own face:

    displacement_press.csv   photographs from the press, for daily life: their labels are noisy
    displacement_drawn.csv   the drawn set `portraits`, with the fingerprint of the drawing code

Convention
- Faces are turned, moved and scaled until the eye centres lie on a level line, 100 apart. So all
  numbers are percent of the distance between the eye centres.
- Turned heads are left out: those whose nose tip is a fifth of that distance off the middle.
- Standard errors are over people: what all pictures of one person add to a displacement counts as
  one observation. Where each picture shows another person, the squared error is the familiar sum
  of variance / number of faces of both means.
"""

from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ferkit.core.files import data_root, write_text
from ferkit.core.labels import SEVEN
from ferkit.data import read_clips
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set, drawing_fingerprint
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.workbook.studies.neutral_faces import EYE_CENTRES, GAP_SIZE, PREPARED_SIZE, align_eyes

FACE_MEASURES = (
    "inner brow up",
    "outer brow up",
    "brows apart",
    "eye open",
    "mouth corners up",  # above the middle of the inner lips
    "mouth wide",
    "mouth open",
    "upper lip down",  # below the nose
)
_MOST_OFF_MIDDLE = 20  # percent of the distance between the eye centres
_INTERVAL = 1.96  # standard errors on either side
_NEAR_SHARE = 0.3  # of the photographed displacement, by which a drawn one may differ
_NEAR_ERRORS = 2.0  # or by so many standard errors of the difference
_NEAR_LEAST = 1.0  # or by so many percent of the distance between the eye centres
_STUDIES = files("ferkit.workbook.studies")
# Of each table, what its first line says.
_ABOUT = {
    "press": "dlib's landmarks on 791 labelled press photographs of 570 people, "
    "github.com/muxspace/facial_expressions (Apache 2.0)",
    "drawn": "dlib's landmarks on the drawn set portraits at level lesson, 300 people",
}


# --- measures and displacements ---


def eye_coordinates(landmarks: ArrayLike) -> np.ndarray:
    """Landmarks `(N, 68, 2)` with the eye centres at (-50, 0) and (50, 0)."""
    eyes = np.array(EYE_CENTRES) * GAP_SIZE
    distance = np.linalg.norm(eyes[1] - eyes[0])
    return (align_eyes(landmarks) - eyes.mean(0)) * 100 / distance


def measure_faces(landmarks: ArrayLike) -> pd.DataFrame:
    """Compute the eight measures of faces `(N, 68, 2)`, a row for each face."""
    x, y = np.moveaxis(eye_coordinates(landmarks), -1, 0)  # (N, 68) each, y down
    lower_lids = y[:, [40, 41, 46, 47]].mean(1)
    upper_lids = y[:, [37, 38, 43, 44]].mean(1)
    measures = (
        -y[:, [21, 22]].mean(1),
        -y[:, [17, 26]].mean(1),
        x[:, 22] - x[:, 21],
        lower_lids - upper_lids,
        y[:, [62, 66]].mean(1) - y[:, [48, 54]].mean(1),
        x[:, 54] - x[:, 48],
        y[:, 66] - y[:, 62],
        y[:, 51] - y[:, 33],
    )
    return pd.DataFrame(dict(zip(FACE_MEASURES, measures, strict=True)))


def looks_ahead(landmarks: ArrayLike) -> np.ndarray:
    """Which of the faces `(N, 68, 2)` look nearly straight ahead, `(N,)` bool."""
    nose_tip = eye_coordinates(landmarks)[:, 30, 0]
    return np.abs(nose_tip) < _MOST_OFF_MIDDLE


def face_displacements(
    landmarks: ArrayLike, emotions: ArrayLike, people: ArrayLike
) -> pd.DataFrame:
    """Tabulate displacements of faces `(N, 68, 2)` that look ahead.

    A row for each emotion and measure: value, standard_error, and how many `faces` show it.
    ValueError unless there are at least two neutral faces.
    """
    ahead = looks_ahead(landmarks)
    values = measure_faces(landmarks)[ahead].to_numpy()  # (n, 8)
    shown_emotions = np.asarray(emotions, dtype=str)[ahead]
    codes = pd.factorize(np.asarray(people)[ahead])[0]
    is_neutral = np.equal(shown_emotions, "neutral")
    if is_neutral.sum() < 2:
        raise ValueError(f"expected at least 2 neutral faces, got {is_neutral.sum()}")
    tables = []
    for emotion in SEVEN:
        shown = np.equal(shown_emotions, emotion)
        if emotion == "neutral" or shown.sum() < 2:
            continue
        shifts = values[shown].mean(0) - values[is_neutral].mean(0)
        table = pd.DataFrame(
            {
                "emotion": emotion,
                "measure": FACE_MEASURES,
                "value": shifts,
                "standard_error": _standard_errors(values, shown, is_neutral, codes),
                "faces": int(shown.sum()),
            }
        )
        tables.append(table)
    return pd.concat(tables, ignore_index=True)


def _standard_errors(
    values: np.ndarray, shown: np.ndarray, is_neutral: np.ndarray, people: np.ndarray
) -> np.ndarray:
    """Standard errors `(8,)` of the difference of two means, over people."""
    deviations = np.zeros((people.max() + 1, values.shape[1]))
    for chosen, sign in ((shown, 1), (is_neutral, -1)):
        count = chosen.sum()
        own = sign * (values[chosen] - values[chosen].mean(0)) / np.sqrt(count * (count - 1))
        np.add.at(deviations, people[chosen], own)
    return np.sqrt((deviations**2).sum(0))


# --- photographed and drawn ---


def measure_press(root: str | Path | None = None) -> pd.DataFrame:
    """Measure the press photographs, `press/labels.csv` under `root` or FERKIT_DATA.

    FileNotFoundError when there are none.
    """
    base = data_root(root)
    labels = None if base is None else Path(base) / "press" / "labels.csv"
    if labels is None or not labels.is_file():
        raise FileNotFoundError(
            "no press photographs to measure: FERKIT_DATA names no folder with press/labels.csv"
        )
    clips = read_clips("folder", labels, verify="off")
    return _measure_prepared(prepare(clips, PREPARED_SIZE, keep_images=False))


def measure_portraits(level: str = "lesson", seed: int = 0) -> pd.DataFrame:
    """Measure the drawn set `portraits`, with the fingerprint of the drawing code."""
    clips = read_drawn(draw_set("portraits", level, seed), dataset="portraits")
    table = _measure_prepared(prepare(clips, PREPARED_SIZE))
    return table.assign(drawing=drawing_fingerprint())


def _measure_prepared(faces: Prepared) -> pd.DataFrame:
    found = faces.select(faces.table["found"].to_numpy())
    return face_displacements(found.landmarks, found.table["emotion"], found.table["person"])


def load_displacements(kind: str) -> pd.DataFrame:
    """Load the committed displacements of "press" or "drawn" faces."""
    if kind not in _ABOUT:
        raise ValueError(f"unknown displacements {kind!r}; known: {', '.join(_ABOUT)}")
    with (_STUDIES / f"displacement_{kind}.csv").open(encoding="utf-8") as file:
        # A fingerprint such as 0012345678 is no number.
        return pd.read_csv(file, comment="#", dtype={"drawing": str})


def save_displacements(table: pd.DataFrame, kind: str, to: Path | None = None) -> None:
    """Write displacements of "press" or "drawn" faces, by default as the committed ones."""
    to = Path(str(_STUDIES)) if to is None else to
    text = f"# {_ABOUT[kind]}\n" + table.round(2).to_csv(index=False, lineterminator="\n")
    file = to / f"displacement_{kind}.csv"
    write_text(file, text)


# --- drawn against photographed ---


def set_against(drawn: pd.DataFrame, photographed: pd.DataFrame) -> pd.DataFrame:
    """Set drawn displacements against photographed ones, a row for each emotion and measure.

    `is_near` says whether they differ by at most 30 % of the photographed one, two standard errors
    of the difference, or 1 % of the distance between the eye centres.
    """
    both = drawn.merge(photographed, on=["emotion", "measure"], suffixes=("_drawn", "_press"))
    difference = both["value_drawn"] - both["value_press"]
    error = np.hypot(both["standard_error_drawn"], both["standard_error_press"])
    allowed = np.maximum(_NEAR_SHARE * both["value_press"].abs(), _NEAR_ERRORS * error)
    allowed = allowed.clip(lower=_NEAR_LEAST)
    columns = ["emotion", "measure", "value_drawn", "value_press"]
    return both[columns].assign(difference=difference, is_near=difference.abs() <= allowed)


def displacement_panels(drawn: pd.DataFrame, photographed: pd.DataFrame) -> pd.DataFrame:
    """Tabulate what `plots.plot_displacements` draws: a panel for each emotion.

    Two rows for each measure, photographed and drawn: value and 95 % interval.
    """
    tables = []
    for kind, table in (("photographed", photographed), ("drawn", drawn)):
        reach = _INTERVAL * table["standard_error"]
        rows = table[["measure", "value"]].assign(
            kind=kind, low=table["value"] - reach, high=table["value"] + reach
        )
        rows.insert(0, "panel", table["emotion"])
        tables.append(rows)
    return pd.concat(tables, ignore_index=True)

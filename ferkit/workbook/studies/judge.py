"""Ask an independent judge what it sees on drawn faces, and keep its answers.

The judge is a recogniser that somebody else trained on photographs: the expression network of the
npm package @vladmandic/face-api (MIT). It is an instrument and no part of ferkit: its answers are
counted here and train nothing. `save_judge_pictures` draws what it is shown, the judge writes a
table for each of its face detectors, and `record_answers` keeps the answers; `make judge` does all.

    judged_before.csv   answers on faces drawn as they were before expressions were tuned
    judged.csv          answers on faces drawn as they are now
    judged.json         the judge, how often it was asked, and which code drew the faces

Convention
- The judge's table has the columns path, said and one for each emotion: its probability. A picture
  without a face says "none", and its probabilities are empty.
- A picture without a face counts as wrong, with probability 0.
- A run is one detector on one set of pictures. All runs count, those while tuning too: the more
  often a judge is asked, the less a good answer of it means.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.stats import binomtest

from ferkit.core.files import write_text, write_whole
from ferkit.core.labels import SEVEN
from ferkit.drawn.draw_sets import draw_clip, drawing_fingerprint
from ferkit.drawn.sets import SETS, DrawnSet, Size, plan_clips
from ferkit.evaluation.intervals import bootstrap
from ferkit.evaluation.scores import confusion
from ferkit.training.linear import one_thread

JUDGE_PIXELS = 320
JUDGED_PERSON = 70_000  # the first of the people who are reported; none of them serves for tuning
DETECTORS = ("ssd", "tiny")  # the judge's larger and its smaller face detector
_NO_FACE = "none"
ANSWERS = ["detector", "person", "emotion", "said", "probability"]
_STUDIES = files("ferkit.workbook.studies")
# What is aimed at with the larger detector, and how many faces both should find.
_ACCURACY_AIM = 0.70
_RECALL_AIM = 0.45
_FOUND_AIM = 0.97


@dataclass(frozen=True)
class Judged:
    """The judge's answers on the pictures of some drawn people.

    `answers` has a row for each detector and picture (`ANSWERS`); `drawing` is the fingerprint of
    the code that drew them.
    """

    answers: pd.DataFrame
    drawing: str
    first_person: int

    @property
    def people(self) -> int:
        return int(self.answers["person"].nunique())

    @property
    def is_current(self) -> bool:
        """Whether the faces were drawn by the code that draws now."""
        return self.drawing == drawing_fingerprint()


# --- the pictures ---


def judge_set(first_person: int = JUDGED_PERSON, people: int = 24, takes: int = 1) -> DrawnSet:
    """The set `posed` with other people and other expressions, a little larger."""
    return replace(
        SETS["posed"],
        name=f"judge-{first_person}",  # expressions and scenes depend on the name
        levels={"paper": Size(people, takes)},
        pixels=JUDGE_PIXELS,
        first_person=first_person,
    )


@one_thread
def save_judge_pictures(
    folder: str | Path, first_person: int = JUDGED_PERSON, people: int = 24, takes: int = 1
) -> pd.DataFrame:
    """Draw the pictures the judge is shown; return their table.

    Writes PNG pictures and TABLE.csv (path, emotion, person) to the folder. ValueError when it
    holds a table already, since its pictures may be others.
    """
    folder = Path(folder)
    if (folder / "TABLE.csv").exists():
        raise ValueError(f"{folder} holds pictures for the judge already; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    drawn_set = judge_set(first_person, people, takes)
    rows = []
    for clip in plan_clips(drawn_set, "paper"):
        for frame, truth in draw_clip(clip, drawn_set):
            path = f"{clip.name}.png"
            Image.fromarray(frame.image).save(folder / path)
            rows.append({"path": path, "emotion": clip.emotion, "person": truth["person"]})
    table = pd.DataFrame(rows)
    write_whole(folder / "TABLE.csv", lambda part: table.to_csv(part, index=False))
    return table


# --- the answers ---


def read_answers(folder: str | Path) -> pd.DataFrame:
    """Read the judge's tables ssd.csv and tiny.csv, for pictures of `save_judge_pictures`.

    ValueError when a table has other pictures.
    """
    folder = Path(folder)
    pictures = pd.read_csv(folder / "TABLE.csv")
    tables = []
    for detector in DETECTORS:
        file = folder / f"{detector}.csv"
        said = pd.read_csv(file)
        if sorted(said["path"]) != sorted(pictures["path"]):
            raise ValueError(f"{file} does not answer for the pictures in {folder}; ask again")
        table = pictures.merge(said.drop(columns="emotion"), on="path")
        columns = [table.columns.get_loc(emotion) for emotion in table["emotion"]]
        probability = table.to_numpy()[np.arange(len(table)), columns].astype(float)
        table = table.assign(detector=detector, probability=np.nan_to_num(probability))
        tables.append(table[ANSWERS])
    return pd.concat(tables, ignore_index=True)


def record_answers(
    folder: str | Path,
    *,
    first_person: int = JUDGED_PERSON,
    runs: int | None = None,
    to: Path | None = None,
) -> Judged:
    """Keep the judge's answers on pictures that the present code drew, as `judged.csv`.

    `runs` is how often the judge has been asked so far; by default once more for each detector.
    `to` is the folder of the three files, by default that of this module.
    """
    to = Path(str(_STUDIES)) if to is None else to
    judged = Judged(read_answers(folder), drawing_fingerprint(), first_person)
    about = json.loads((to / "judged.json").read_text(encoding="utf-8"))
    about["runs"] = about["runs"] + len(DETECTORS) if runs is None else runs
    about["now"] = {
        "drawing": judged.drawing,
        "first_person": first_person,
        "people": judged.people,
    }
    table = judged.answers.assign(probability=judged.answers["probability"].round(3))
    write_whole(to / "judged.csv", lambda part: table.to_csv(part, index=False))
    text = json.dumps(about, indent=1) + "\n"
    write_text(to / "judged.json", text)
    return judged


def load_judged(when: str = "now") -> Judged:
    """Load the committed answers, "now" or "before"."""
    name = {"now": "judged.csv", "before": "judged_before.csv"}[when]
    with (_STUDIES / name).open(encoding="utf-8") as file:
        answers = pd.read_csv(file, keep_default_na=False)
    about = judge_record()[when]
    return Judged(answers, about["drawing"], about["first_person"])


def judge_record() -> dict:
    """Load what is known of the judge: `judge`, `runs`, and of `before` and `now` who drew whom."""
    return json.loads((_STUDIES / "judged.json").read_text(encoding="utf-8"))


# --- what they come to ---


def summarize_answers(answers: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Compute accuracy, share of faces found and recall of each emotion, with 95 % intervals.

    A row for each detector and name ("all seven", "face found", then emotions): value, low, high,
    pictures. Intervals are Wilson's for recalls, where each picture shows another person, and over
    people for the other two.
    """
    rows = []
    for detector, table in answers.groupby("detector", sort=False):
        correct = (table["said"] == table["emotion"]).to_numpy()
        found = (table["said"] != _NO_FACE).to_numpy()
        for name, values in {"all seven": correct, "face found": found}.items():
            score = bootstrap(values, table["person"].to_numpy(str), seed=seed)
            rows.append((detector, name, score.value, score.low, score.high, score.n))
        for emotion in SEVEN:
            shown = correct[table["emotion"] == emotion]
            rows.append((detector, emotion, *_wilson(shown), len(shown)))
    columns = ["detector", "name", "value", "low", "high", "pictures"]
    return pd.DataFrame(rows, columns=columns)


def _wilson(correct: np.ndarray) -> tuple[float, float, float]:
    """The share of correct answers and Wilson's 95 % interval; NaN without answers."""
    if not len(correct):
        return np.nan, np.nan, np.nan
    interval = binomtest(int(correct.sum()), len(correct)).proportion_ci(method="wilson")
    return float(correct.mean()), float(interval.low), float(interval.high)


def judged_panels(before: Judged, now: Judged) -> pd.DataFrame:
    """Tabulate what `plots.plot_judged` draws in two panels.

    Recalls, accuracy and faces found, before and now; and what the judge says now of each emotion.
    """
    sides = []
    for when, judged in (("before", before), ("now", now)):
        sides.append(_summary_rows(judged.answers).assign(when=when))
    recalls = pd.concat(sides, ignore_index=True)
    panel = f"how often it names the drawn emotion ({now.people} drawn people)"
    ssd = now.answers[now.answers["detector"] == DETECTORS[0]]
    names = [*SEVEN, "no face"]
    said = ssd["said"].replace(_NO_FACE, "no face")
    counts = confusion(ssd["emotion"], said, names).loc[list(SEVEN)]
    counts = counts.rename_axis("true").reset_index().assign(panel="what it says now")
    return pd.concat([recalls.assign(panel=panel), counts], ignore_index=True)


def _summary_rows(answers: pd.DataFrame) -> pd.DataFrame:
    """Name the summary's rows for the figure, in its order, each with its aim."""
    summary = summarize_answers(answers).set_index(["detector", "name"])
    ssd, tiny = DETECTORS
    aims: dict[tuple[str, str], tuple[str, float]] = {
        (ssd, emotion): (emotion, _RECALL_AIM) for emotion in SEVEN
    }
    aims[ssd, "all seven"] = ("all seven", _ACCURACY_AIM)
    aims[ssd, "face found"] = ("face found", _FOUND_AIM)
    aims[tiny, "face found"] = ("found by the small detector", _FOUND_AIM)
    rows = summary.loc[list(aims), ["value", "low", "high"]].reset_index(drop=True)
    names: Iterable[str] = (name for name, _ in aims.values())
    return rows.assign(name=list(names), aim=[aim for _, aim in aims.values()])

"""The laboratory of notebook 11: faces, the leaks measured on them, and their tables."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from ferkit.core.landmarks import flatten, residuals
from ferkit.data.clip import Clip
from ferkit.evaluation.intervals import Score, bootstrap
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.plots import plot_folds
from ferkit.workbook.lessons.leak_list import CHOSEN, KINDS, LEAKS
from ferkit.workbook.lessons.leak_pairs import LeakPair, added_in_words, pairs_table
from ferkit.workbook.studies import leaks, undrawn
from ferkit.workbook.studies.leaks import Faces
from ferkit.workbook.studies.transfer import LESSON_PEOPLE
from ferkit.workbook.words import say

PEOPLE = {"smoke": 16, "lesson": LESSON_PEOPLE, "study": 150, "paper": 300}
FEW_PEOPLE = 10
SEQUENCE_PEOPLE = {"smoke": 10, "lesson": 40, "study": 40, "paper": 100}
_SIZE = 224
_FRAMES = 8  # of a sequence, where sequences are made here
_LAST = 3
_FIRST_PERSON = 60_000  # people of no drawn set


@dataclass(frozen=True, eq=False)
class Laboratory:
    """Faces of one data set, frames of sequences, and the leaks measured so far.

    `shared` are faces to test, and two training sets: of other people, and of the same.
    """

    faces: Faces
    frames: Faces
    shared: tuple[Faces, Faces, Faces]
    frames_from: str
    measured: dict[str, LeakPair] = field(default_factory=dict)

    def measure(self, name: str) -> Markdown:
        """Measure a leak of LEAKS and say what it adds."""
        samples = self._samples(name)
        honest, leaky = LEAKS[name].function(*samples)
        pair = LeakPair(honest, leaky, samples[0].people)
        self.measured[name] = pair
        effect = "it is not shown to change the score"
        if pair.difference.low > 0:
            effect = "it inflates the score"
        if pair.difference.high < 0:
            effect = "it lowers the score"
        return say(
            f"Honest {100 * honest.mean():.0f} %, with the leak **{100 * leaky.mean():.0f} %**.",
            f"The leak adds {added_in_words(pair)}: {effect}.",
        )

    def _samples(self, name: str) -> tuple[Faces, ...]:
        if name == "folds_by_frame":
            return (self.frames,)
        if name == "data_sets_share_people":
            return self.shared
        if LEAKS[name].kind == CHOSEN:
            return (self.faces.of_people(FEW_PEOPLE),)
        return (self.faces,)


def open_laboratory(
    dataset: str, level: str = "lesson", seed: int = 0, data_root: str = ""
) -> Laboratory:
    """Prepare single emotions of a data set's first people; make what it lacks without pictures.

    ValueError for fewer than ten people who show two emotions each.
    """
    everybody = load_clips(dataset, level, seed, data_root or None, people=PEOPLE[level])
    clips = _first_people(everybody, PEOPLE[level])
    faces = _prepare_faces([_still(clip) for clip in clips], seed)
    frames, source = _last_frames(dataset, clips, level, seed)
    return Laboratory(faces, frames, _shared_sets(level, seed), source)


def _first_people(clips: list[Clip], count: int) -> list[Clip]:
    """The clips of one emotion of the first people who show several."""
    single = _of_one_emotion(clips)
    people = _people_with_several(single)
    if len(people) < FEW_PEOPLE:
        raise ValueError(
            f"{len(people)} people show two emotions or more, {FEW_PEOPLE} are needed; "
            "choose another data set"
        )
    first = set(people[:count])
    return [clip for clip in single if clip.person in first]


def _of_one_emotion(clips: list[Clip]) -> list[Clip]:
    return [clip for clip in clips if clip.emotion and not clip.complementary]


def _people_with_several(clips: list[Clip]) -> list[str]:
    """The people who are in two clips or more, in order."""
    counts = Counter(clip.person for clip in clips)
    return sorted(person for person, count in counts.items() if count > 1)


def _still(clip: Clip) -> Clip:
    """The clip's picture of the strongest expression; of a video's frames the last."""
    return replace(clip, frames=(clip.frames[clip.strongest],), peak=0, extra={})


def _prepare_faces(stills: list[Clip], seed: int) -> Faces:
    """Align faces; leave out those not found, and people with a single one."""
    prepared = prepare(stills, _SIZE, keep_images=False)
    prepared = prepared.select(prepared.table["found"].to_numpy())
    people = prepared.table["person"]
    prepared = prepared.select((people.groupby(people).transform("size") > 1).to_numpy())
    table = prepared.table
    return Faces(
        flatten(prepared.landmarks),
        table["emotion"].to_numpy(dtype=str),
        table["person"].to_numpy(dtype=str),
        seed,
    )


def _last_frames(dataset: str, clips: list[Clip], level: str, seed: int) -> tuple[Faces, str]:
    """The last three frames of sequences, and where they are from."""
    long = [clip for clip in clips if len(clip.frames) > _LAST]
    if len(_people_with_several(_of_one_emotion(long))) >= FEW_PEOPLE:
        chosen = _first_people(long, SEQUENCE_PEOPLE[level])
        return _prepare_faces(
            [
                replace(clip, name=f"{clip.name}/{number}", frames=(frame,), peak=0, extra={})
                for clip in chosen
                for number, frame in enumerate(clip.frames[-_LAST:])
            ],
            seed,
        ), f"frames of `{dataset}`"
    people = range(_FIRST_PERSON, _FIRST_PERSON + SEQUENCE_PEOPLE[level])
    shapes = undrawn.rest_shapes(people)
    made = undrawn.make_landmarks(people, shapes, frames=_FRAMES, seed=seed)
    last = np.arange(len(made.people)) % _FRAMES >= _FRAMES - _LAST
    made_faces = Faces(made.features[last], made.emotions[last], made.people[last], seed)
    return made_faces, "landmarks computed from the head model, without pictures"


def _shared_sets(level: str, seed: int) -> tuple[Faces, Faces, Faces]:
    """Faces to test, and two sets from another day: of other people, and of the same."""
    tested = range(_FIRST_PERSON, _FIRST_PERSON + PEOPLE[level])
    others = range(_FIRST_PERSON + 1000, _FIRST_PERSON + 1000 + PEOPLE[level])
    sets = []
    for people, day in ((tested, 0), (others, 1), (tested, 1)):
        shapes = undrawn.rest_shapes(people)
        made = undrawn.make_landmarks(people, shapes, seed=2 * seed + day)
        sets.append(Faces(made.features, made.emotions, made.people, seed))
    first, second, third = sets
    return first, second, third


# --- figures and tables ---


def draw_folds(faces: Faces, people: int = 10) -> Figure:
    """Draw both ways to make folds, for the first people: a row a person."""
    figure = Figure(figsize=(7.5, 4), layout="constrained")
    panels = (("folds of people", faces.by_person), ("folds of pictures: a leak", faces.by_picture))
    for ax, (title, folds) in zip(figure.subplots(1, 2), panels, strict=True):
        rows = [folds[faces.people == person] for person in np.unique(faces.people)[:people]]
        table = np.full((len(rows), max(map(len, rows))), np.nan)
        for line, row in zip(table, rows, strict=True):
            line[: len(row)] = row
        plot_folds(table, ax=ax, title=title)
    return figure


def leak_table(measured: Mapping[str, LeakPair], kind: str = "") -> pd.DataFrame:
    """Tabulate leaks for `plots.plot_pairs`: those of one kind, or all, the largest first."""
    names = [name for name in measured if kind in ("", LEAKS[name].kind)]
    if not kind:
        names.sort(key=lambda name: -measured[name].difference.value)
    return pairs_table({LEAKS[name].title: measured[name] for name in names})


def leak_metrics(measured: Mapping[str, LeakPair], dataset: str) -> dict[str, dict[str, float]]:
    """Return the accuracies and what each leak adds, as metrics of a run."""
    metrics: dict[str, dict[str, float]] = {}
    for name, pair in measured.items():
        metrics |= pair.metrics(f"{dataset}/{name}")
    return metrics


def added_points(measured: Mapping[str, LeakPair]) -> dict[str, Score]:
    """Return what each leak adds, by its name."""
    return {name: pair.difference for name, pair in measured.items()}


def kinds_in_words(measured: Mapping[str, LeakPair]) -> str:
    """Say for each kind of leak from how much to how much it adds."""
    parts = []
    for kind in KINDS[1:]:
        points = [
            round(100 * pair.difference.value)
            for name, pair in measured.items()
            if LEAKS[name].kind == kind
        ]
        if points:
            parts.append(f"{min(points)} to {max(points)} where {kind}")
    return f"In points, a leak adds {'; '.join(parts)}."


def repertoire_table(faces: Faces) -> pd.DataFrame:
    """Compare raw landmarks with residuals from one neutral picture and from all pictures.

    On the same pictures, those that are not neutral, of people with a neutral one: accuracy with
    its interval, `name`, value, low, high.
    """
    neutral = faces.emotions == "neutral"
    known = np.isin(faces.people, faces.people[neutral])
    rest = known & ~neutral
    # The first neutral picture of each person.
    names, first = np.unique(faces.people[neutral], return_index=True)
    at_rest = faces.features[neutral][first]
    inputs = {
        "one picture": faces.features[rest],
        "minus one neutral picture": faces.features[rest]
        - at_rest[np.searchsorted(names, faces.people[rest])],
        "minus the mean of all pictures": residuals(faces.features[known], faces.people[known])[
            rest[known]
        ],
    }
    rows = []
    for name, features in inputs.items():
        right = leaks.test(leaks.svm(), features, faces.emotions[rest], faces.by_person[rest])
        rows.append({"name": name, **bootstrap(right, faces.people[rest]).metric()})
    return pd.DataFrame(rows)

"""The laboratory of notebook 11: faces, the leaks measured on them, and their tables."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.figure import Figure

from ferkit.core.landmarks import flatten, residuals
from ferkit.data.clip import Clip
from ferkit.evaluation.intervals import Score, bootstrap, compare_paired
from ferkit.faces.load import load_clips
from ferkit.faces.prepare import prepare
from ferkit.plots import plot_folds
from ferkit.workbook.studies import leaks, undrawn
from ferkit.workbook.studies.leaks import Faces
from ferkit.workbook.words import compare_in_words

PEOPLE = {"smoke": 16, "lesson": 60, "study": 150, "paper": 300}
FEW_PEOPLE = 10
SEQUENCE_PEOPLE = {"smoke": 10, "lesson": 40, "study": 40, "paper": 100}
_SIZE = 224
_FRAMES = 8  # of a sequence, where sequences are made here
_LAST = 3
_FIRST_PERSON = 60_000  # people of no drawn set

NO_LEAK = "no leak"
LABELS = "test labels are used"
COPIES = "copies of test faces are trained on"
CHOSEN = "something is chosen on test people"
OTHERS = "other test pictures are used, without labels"
KINDS = (NO_LEAK, LABELS, COPIES, CHOSEN, OTHERS)


@dataclass(frozen=True)
class Leak:
    """A leak of `studies.leaks`: what it is called, how it leaks, and the line that does it."""

    title: str
    kind: str
    function: Callable[..., tuple[np.ndarray, np.ndarray]]
    line: str


LEAKS = {
    leak.function.__name__: leak
    for leak in (
        Leak(
            "folds by picture, separate pictures",
            COPIES,
            leaks.folds_by_picture,
            "test(svm(), features, emotions, folds=by_picture)",
        ),
        Leak(
            "folds by picture, last three frames",
            COPIES,
            leaks.folds_by_frame,
            "test(nearest(), last_three_frames, emotions, folds=by_picture)",
        ),
        Leak(
            "augmented before the split, nearest face",
            COPIES,
            leaks.augment_then_split,
            "test(nearest(), with_noisy_copies, emotions, folds=by_picture)",
        ),
        Leak(
            "augmented before the split, SVM",
            COPIES,
            leaks.augment_then_split_linear,
            "test(svm(), with_noisy_copies, emotions, folds=by_picture)",
        ),
        Leak(
            "two data sets share people",
            COPIES,
            leaks.data_sets_share_people,
            "svm().fit(other_pictures_of_the_same_people, emotions).predict(features)",
        ),
        Leak(
            "one network for all folds",
            LABELS,
            leaks.one_network_for_all_folds,
            "test(svm(), HiddenLayer().fit_transform(features, emotions), emotions, by_person)",
        ),
        Leak(
            "supervised projection on all",
            LABELS,
            leaks.projection_on_all,
            "test(nearest(5), LDA().fit_transform(features, emotions), emotions, by_person)",
        ),
        Leak(
            "known set of emotions",
            LABELS,
            leaks.known_set_of_emotions,
            "assign(scores, names, emotions, people) == emotions",
        ),
        Leak(
            "best epoch on test people",
            CHOSEN,
            leaks.best_epoch_on_test,
            "pick_by_fold(right, on_test, by_person)",
        ),
        Leak(
            "best of 14 settings on test people",
            CHOSEN,
            leaks.best_settings_on_test,
            "max(right_of_each_setting, key=np.mean)",
        ),
        Leak(
            "normalised on all",
            OTHERS,
            leaks.normalise_on_all,
            "test(bare_svm(), StandardScaler().fit_transform(features), emotions, by_person)",
        ),
        Leak(
            "principal components of all",
            OTHERS,
            leaks.components_on_all,
            "test(svm(), PCA(20).fit_transform(features), emotions, by_person)",
        ),
        Leak(
            "person's mean with the test picture",
            OTHERS,
            leaks.mean_with_the_test_picture,
            "test(svm(), residuals(features, people), emotions, by_person)",
        ),
        Leak(
            "t-SNE of all, then nearest faces",
            OTHERS,
            leaks.map_of_all,
            "test(nearest(5), embed(features), emotions, by_person)",
        ),
    )
}
# Lines of the quiz in which nothing leaks.
HONEST_LINES = (
    "test(pipeline(PCA(20), svm()), features, emotions, by_person)",
    "test(pipeline(HiddenLayer(), svm()), features, emotions, by_person)",
)


@dataclass(frozen=True, eq=False)
class Measured:
    """Which faces are right without and with a leak, `(N,)`, and whose faces they are."""

    honest: np.ndarray
    leaky: np.ndarray
    people: np.ndarray

    @cached_property
    def difference(self) -> Score:
        """What the leak adds, with its interval over people."""
        return compare_paired(self.leaky, self.honest, self.people)


@dataclass(frozen=True, eq=False)
class Laboratory:
    """Faces of one data set, frames of sequences, and the leaks measured so far.

    `shared` are faces to test, and two training sets: of other people, and of the same.
    """

    faces: Faces
    frames: Faces
    shared: tuple[Faces, Faces, Faces]
    frames_from: str
    measured: dict[str, Measured] = field(default_factory=dict)

    def measure(self, name: str) -> Markdown:
        """Measure a leak of LEAKS and say what it adds."""
        samples = self._samples(name)
        honest, leaky = LEAKS[name].function(*samples)
        result = Measured(honest, leaky, samples[0].people)
        self.measured[name] = result
        said = compare_in_words("the leaky score", "the honest score", result.difference)
        accuracies = f"Honest {honest.mean():.0%}, with the leak **{leaky.mean():.0%}**"
        return Markdown(f"{accuracies}: {said[0].lower()}{said[1:]}")

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
    clips = _first_people(load_clips(dataset, level, seed, data_root or None), PEOPLE[level])
    faces = _prepare_faces([_still(clip) for clip in clips], seed)
    frames, source = _last_frames(dataset, clips, level, seed)
    return Laboratory(faces, frames, _shared_sets(level, seed), source)


def _first_people(clips: list[Clip], count: int) -> list[Clip]:
    """The clips of one emotion of the first people who show several."""
    single = [clip for clip in clips if clip.emotion and not clip.complementary]
    shown = pd.DataFrame({"person": [clip.person for clip in single], "clip": single})
    counts = shown.groupby("person").size()
    people = counts.index[counts > 1][:count]
    if len(people) < FEW_PEOPLE:
        raise ValueError(
            f"{len(people)} people show two emotions or more, {FEW_PEOPLE} are needed; "
            "choose another data set"
        )
    return shown["clip"][shown["person"].isin(people)].tolist()


def _still(clip: Clip) -> Clip:
    """The clip's picture of the strongest expression; of a video's frames the last."""
    peak = len(clip.frames) - 1 if clip.peak is None else clip.peak
    return replace(clip, frames=(clip.frames[peak],), peak=0, extra={})


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
    if long:
        chosen = _first_people(long, SEQUENCE_PEOPLE[level])
        return _prepare_faces(
            [
                replace(clip, name=f"{clip.name}/{number}", frames=(frame,), peak=0, extra={})
                for clip in chosen
                for number, frame in enumerate(clip.frames[-_LAST:])
            ],
            seed,
        ), dataset
    people = range(_FIRST_PERSON, _FIRST_PERSON + SEQUENCE_PEOPLE[level])
    shapes = undrawn.rest_shapes(people)
    made = undrawn.make_landmarks(people, shapes, frames=_FRAMES, seed=seed)
    last = np.arange(len(made.people)) % _FRAMES >= _FRAMES - _LAST
    made_faces = Faces(made.features[last], made.emotions[last], made.people[last], seed)
    return made_faces, "landmarks computed from the head"


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


def leak_table(measured: dict[str, Measured], kind: str = "") -> pd.DataFrame:
    """Tabulate leaks, those of one kind or all, for `plots.plot_pairs`.

    Two rows a leak, "honest" and "with the leak": name, series, value, low, high.
    """
    rows = []
    for name, result in measured.items():
        leak = LEAKS[name]
        if kind and leak.kind != kind:
            continue
        for series, right in (("honest", result.honest), ("with the leak", result.leaky)):
            score = bootstrap(right, result.people)
            rows.append({"name": leak.title, "series": series, **score.metric()})
    return pd.DataFrame(rows)


def leak_metrics(measured: dict[str, Measured], dataset: str) -> dict[str, dict[str, float]]:
    """Return the accuracies and what each leak adds, as metrics of a run."""
    metrics = {}
    for name, result in measured.items():
        key = f"{dataset}/{name}"
        metrics[f"{key}/honest"] = bootstrap(result.honest, result.people).metric()
        metrics[f"{key}/leaky"] = bootstrap(result.leaky, result.people).metric()
        metrics[f"{key}/added"] = result.difference.metric()
    return metrics


def added_points(measured: dict[str, Measured]) -> dict[str, Score]:
    """Return what each leak adds, by its name."""
    return {name: result.difference for name, result in measured.items()}


def kinds_in_words(measured: dict[str, Measured]) -> str:
    """Say for each kind of leak from how much to how much it adds."""
    parts = []
    for kind in KINDS[1:]:
        points = [100 * r.difference.value for n, r in measured.items() if LEAKS[n].kind == kind]
        if points:
            parts.append(f"where {kind}: {min(points):+.0f} to {max(points):+.0f} points")
    return "; ".join(parts) + "."


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

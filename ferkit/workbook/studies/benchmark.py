"""One protocol for many methods: the same faces, the same folds of people, a row for each decision.

    faces = load_benchmark("sequences", "lesson")
    table = run_methods(faces, "lesson")
    right = right_table(table)

A method predicts each face from classifiers trained on the other folds' people. `own_method` reads
one more from a Python file with two functions:

    def fit(pictures, landmarks, labels): ...           # (N, S, S) uint8, (N, 68, 2), (N,) -> model
    def predict(model, pictures, landmarks): ...        # -> labels (N,)
"""

import runpy
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ferkit.core import landmarks as points
from ferkit.core.labels import EMOTIONS
from ferkit.data.clip import Clip
from ferkit.data.folds import Fold, folds_ascending
from ferkit.evaluation.intervals import bootstrap
from ferkit.evaluation.ranking import compare_all, join_similar, rank_probabilities
from ferkit.faces.load import load_clips, load_photographs
from ferkit.faces.prepare import prepare
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn import textures
from ferkit.predict.shipped import load_model
from ferkit.predict.train import face_features
from ferkit.training import linear
from ferkit.training.layers import count_parameters
from ferkit.workbook.studies.compact import build_compact, train_compact
from ferkit.workbook.studies.pretrained import imagenet_features

ONE = "sees one picture"
OTHERS = "sees the person's other pictures, too"
_FOLDS = 5
_SIDE = 96  # pixels of the grey pictures


@dataclass(frozen=True, eq=False)
class BenchmarkFaces:
    """One face a row, with what the methods see of it, and the folds of people.

    `pictures` `(N, S, S)` uint8, `landmarks` `(N, 68, 2)`; `first_landmarks` are those of the first
    frame of the face's sequence, None for separate pictures.
    """

    name: str
    prepared: Prepared
    pictures: np.ndarray
    landmarks: np.ndarray
    first_landmarks: np.ndarray | None
    labels: np.ndarray
    people: np.ndarray
    classes: tuple[str, ...]
    folds: list[Fold]

    @property
    def truth(self) -> np.ndarray:
        """The index of each face's class, `(N,)`."""
        return np.array([self.classes.index(label) for label in self.labels])

    @property
    def fold_names(self) -> np.ndarray:
        """The fold that tests each face, `(N,)`."""
        return linear.listed_folds(self.people, self.folds)


@dataclass(frozen=True)
class Method:
    """A method: what it sees, and how it predicts labels and counts its parameters.

    `predict(faces, level, seed)` returns the predicted labels `(N,)` of held-out people and the
    number of numbers that were learnt; None where the faces lack what it needs.
    """

    title: str
    sees: str
    predict: Callable[[BenchmarkFaces, str, int], tuple[np.ndarray, int] | None]


def load_benchmark(
    dataset: str, level: str, seed: int = 0, root: str | Path | None = None
) -> BenchmarkFaces:
    """Load faces with known people: the peak frame of each sequence, or each picture."""
    return _make_faces(dataset, load_clips(dataset, level, seed, root))


def load_photograph_benchmarks(root: str | Path | None = None) -> dict[str, BenchmarkFaces]:
    """Load the development photographs at hand, by the name of their data set."""
    return {name: _make_faces(name, clips) for name, clips in load_photographs(root).items()}


def _make_faces(name: str, clips: list[Clip]) -> BenchmarkFaces:
    clips = [_first_and_peak(clip) for clip in clips if clip.emotion in EMOTIONS]
    prepared = prepare(clips, _SIDE, grey=True)
    rows, first_rows = _choose_rows(clips, prepared)
    faces = prepared.select(rows)
    labels = faces.table["emotion"].to_numpy(dtype=str)
    people = faces.table["person"].to_numpy(dtype=str)
    kept = [clip for clip in clips if clip.person in set(people)]
    return BenchmarkFaces(
        name,
        faces,
        np.asarray(faces.images),
        faces.landmarks.astype(float),
        None if first_rows is None else prepared.landmarks[first_rows].astype(float),
        labels,
        people,
        tuple(emotion for emotion in EMOTIONS if emotion in set(labels)),
        folds_ascending(kept, min(_FOLDS, len(set(people)))),
    )


def run_methods(
    faces: BenchmarkFaces,
    level: str,
    *,
    seed: int = 0,
    methods: Mapping[str, Method] | None = None,
    progress: bool = True,
) -> pd.DataFrame:
    """Run each method; a row for each face it decides.

    Columns data, method, sees, sample, person, right, seconds (for all faces, training included)
    and parameters. Methods that lack what they need have no rows.
    """
    parts = []
    chosen = METHODS if methods is None else methods
    for method in tqdm(chosen.values(), unit="method", disable=not progress):
        begun = time.perf_counter()
        result = method.predict(faces, level, seed)
        if result is None:
            continue
        predicted, parameters = result
        part = pd.DataFrame({"sample": np.arange(len(faces.labels)), "person": faces.people})
        part["right"] = np.asarray(predicted) == faces.labels
        seconds = time.perf_counter() - begun
        parts.append(
            part.assign(
                data=faces.name,
                method=method.title,
                sees=method.sees,
                seconds=seconds,
                parameters=parameters,
            )
        )
    return pd.concat(parts, ignore_index=True)


def right_table(table: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """Pivot decisions to samples by methods, with the person of each sample.

    Samples that some method does not decide are left out.
    """
    right = table.pivot_table(index="sample", columns="method", values="right", sort=False).dropna()
    person = table.drop_duplicates("sample").set_index("sample")["person"]
    return right, person[right.index].to_numpy()


def summarise_methods(table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Tabulate methods, best first: accuracy and interval, what they see and cost, their runs.

    `runs` numbers the groups of methods that cannot be told apart (`join_similar`).
    """
    right, people = right_table(table)
    runs = join_similar(right.mean(), compare_all(right, people, seed=seed))
    rows = []
    for name in right.columns:
        first = table[table["method"] == name].iloc[0]
        score = bootstrap(right[name], people, seed=seed, bounds=(0, 1))
        member = " ".join(str(k) for k, run in enumerate(runs) if name in run)
        rows.append(
            {"name": name, **score.metric(), "group": first["sees"], "runs": member}
            | {"seconds": first["seconds"], "parameters": first["parameters"]}
        )
    return pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)


def rank_table(table: pd.DataFrame, *, seed: int = 0) -> pd.DataFrame:
    """Tabulate how probable each rank is, best methods first; ranks are text columns."""
    right, people = right_table(table)
    ranks = rank_probabilities(right, people, seed=seed)
    ranks = ranks.loc[right.mean().sort_values(ascending=False).index]
    ranks.columns = ranks.columns.astype(str)
    return ranks.rename_axis("name").reset_index()


def own_method(path: str | Path) -> Method:
    """Read a method from a Python file with `fit` and `predict`; the file's code is run.

    ValueError where one of the two is missing or `predict` gives another number of labels.
    """
    file = Path(path)
    functions = runpy.run_path(str(file))
    if missing := [name for name in ("fit", "predict") if not callable(functions.get(name))]:
        raise ValueError(f"{file} lacks the function {' and '.join(missing)}; write both")

    def predict(faces: BenchmarkFaces, level: str, seed: int) -> tuple[np.ndarray, int]:
        predicted = np.empty(len(faces.labels), dtype=object)
        for train, test in _folds(faces):
            seen = (faces.pictures[train], faces.landmarks[train], faces.labels[train])
            model = functions["fit"](*seen)
            answers = functions["predict"](model, faces.pictures[test], faces.landmarks[test])
            count = int(test.sum())
            if np.shape(answers) != (count,):
                raise ValueError(
                    f"{file}: predict gave labels of shape {np.shape(answers)} for {count} faces; "
                    "return one label for each face, in their order"
                )
            predicted[test] = answers
        return predicted.astype(str), 0

    return Method(file.stem, ONE, predict)


# --- the methods ---


def _linear(
    features: Callable[[BenchmarkFaces], np.ndarray | None],
    classifier: linear.Classifier = linear.linear_softmax,
) -> Callable[[BenchmarkFaces, str, int], tuple[np.ndarray, int] | None]:
    def predict(faces: BenchmarkFaces, level: str, seed: int) -> tuple[np.ndarray, int] | None:
        rows = features(faces)
        if rows is None:
            return None
        result = linear.cross_validate(
            rows,
            faces.labels.tolist(),
            faces.people,
            faces.fold_names,
            names=faces.classes,
            classifier=classifier,
            seed=seed,
        )
        parameters = (rows.shape[1] + 1) * len(faces.classes)
        return np.array(result.names)[result.predicted], parameters

    return predict


def _change(faces: BenchmarkFaces) -> np.ndarray | None:
    if faces.first_landmarks is None:
        return None
    return points.flatten(faces.landmarks - faces.first_landmarks)


def _residuals(faces: BenchmarkFaces) -> np.ndarray | None:
    alone = pd.Series(faces.people).value_counts().min() < 2
    return None if alone else points.person_residuals(faces.landmarks, faces.people)


def _predict_compact(faces: BenchmarkFaces, level: str, seed: int) -> tuple[np.ndarray, int]:
    trained = train_compact(
        faces.pictures, faces.truth, faces.people, faces.folds, level, seed=seed
    )
    predictions = trained.predictions(faces.classes)
    return (
        np.array(faces.classes)[predictions.predicted],
        count_parameters(build_compact(len(faces.classes))),
    )


def _predict_shipped(faces: BenchmarkFaces, level: str, seed: int) -> tuple[np.ndarray, int]:
    """The weights of the package, trained on other drawn people; nothing is trained here."""
    model = load_model()
    scores = model.scores(face_features(faces.prepared))
    known = [name for name in faces.classes if name in model.names]
    chosen = scores[:, [model.names.index(name) for name in known]].argmax(1)
    return np.array(known)[chosen], model.weights.size + model.bias.size


METHODS: dict[str, Method] = {
    "landmarks": Method(
        "landmarks, softmax", ONE, _linear(lambda faces: points.flatten(faces.landmarks))
    ),
    "hog": Method(
        "HOG, ridge",
        ONE,
        _linear(lambda faces: linear.hog_features(faces.pictures), linear.linear_ridge),
    ),
    "lbp": Method(
        "LBP, SVM", ONE, _linear(lambda faces: textures.lbp(faces.pictures), linear.linear_svm)
    ),
    "gabor": Method(
        "Gabor, SVM", ONE, _linear(lambda faces: textures.gabor(faces.pictures), linear.linear_svm)
    ),
    "compact": Method("compact network", ONE, _predict_compact),
    "imagenet": Method(
        "ImageNet features, ridge",
        ONE,
        _linear(
            lambda faces: imagenet_features(faces.pictures, progress=False), linear.linear_ridge
        ),
    ),
    "shipped": Method("shipped predictor", ONE, _predict_shipped),
    "residual": Method("landmark residuals", OTHERS, _linear(_residuals)),
    "change": Method("change since the first frame", OTHERS, _linear(_change)),
}


def _first_and_peak(clip: Clip) -> Clip:
    """Return a sequence with these two frames alone, since preparing the others takes time."""
    if len(clip.frames) == 1:
        return clip
    frames = (clip.frames[0], clip.frames[clip.strongest])
    return replace(clip, frames=frames, peak=1)


def _choose_rows(clips: list[Clip], prepared: Prepared) -> tuple[np.ndarray, np.ndarray | None]:
    """The row of each clip's peak frame, and of its first frame where there are sequences.

    Clips in which one of them has no face are left out.
    """
    table = prepared.table
    place = {(row.clip, row.frame): row.Index for row in table.itertuples()}
    found = table["found"].to_numpy()
    has_sequences = any(len(clip.frames) > 1 for clip in clips)
    rows = []
    first_rows = []
    for number, clip in enumerate(clips):
        peak = place[number, clip.strongest]
        first = place[number, 0]
        if found[peak] and (found[first] or not has_sequences):
            rows.append(peak)
            first_rows.append(first)
    return np.array(rows), np.array(first_rows) if has_sequences else None


def _folds(faces: BenchmarkFaces) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the masks of training and test faces of each fold."""
    names = faces.fold_names
    for name in np.unique(names):
        yield names != name, names == name

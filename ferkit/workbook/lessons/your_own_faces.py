"""Steps of the notebook about one's own faces: a drawn clip, calibration, and their figures."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from ferkit import plots
from ferkit.core.landmarks import inter_ocular
from ferkit.drawn.draw_sets import draw_clip
from ferkit.drawn.examples import draw_mixture, find_prototype
from ferkit.drawn.scene import Scene
from ferkit.drawn.sets import SETS, Size, plan_clips
from ferkit.evaluation.intervals import Score, bootstrap, compare_paired
from ferkit.faces.detect import Face, find_face
from ferkit.papers.tables import interval_table
from ferkit.predict.analysis import Analysis, analyse
from ferkit.predict.calibrate import calibrate, landmark_gradient
from ferkit.predict.frames import InputFrame
from ferkit.predict.geometry import geometry_features, level_eyes
from ferkit.predict.predictors import load_predictor
from ferkit.predict.shipped import load_model
from ferkit.workbook.explorers.own_faces import clip_frames

_FRAMES = {"smoke": 9, "lesson": 25, "study": 25, "paper": 75}  # of the clip
_SECONDS = 5.0
_SHOWN = ("happiness", "surprise")  # one after the other, with a neutral face between
_PRESENT = 0.3  # strength from which the clip's truth is the emotion, not neutral
_PIXELS = 256
# People of the test of calibration, each with two pictures of every emotion.
_PEOPLE = {"smoke": 2, "lesson": 14, "study": 30, "paper": 60}
_ARROW = 0.3  # of the longest arrow of a gradient, in units of the distance between the eyes
_OTHER_PEOPLE = 700_000  # no model was trained on people from this number on


@dataclass(frozen=True, eq=False)
class DrawnClip:
    """Frames of a drawn clip, and the emotion that each really shows."""

    frames: list[InputFrame]
    truth: np.ndarray  # (T,) names


@dataclass(frozen=True, eq=False)
class CalibrationTest:
    """Faces of drawn people, predicted alone and compared with a neutral picture.

    `alone` and `compared` are probabilities `(N, K)`.
    """

    names: tuple[str, ...]
    truth: np.ndarray  # (N,) indices of names
    people: np.ndarray
    alone: np.ndarray
    compared: np.ndarray

    def correct(self, probabilities: np.ndarray) -> np.ndarray:
        """Whether each face is named rightly, `(N,)`."""
        return probabilities.argmax(1) == self.truth

    @property
    def gain(self) -> Score:
        """Compared minus alone, over people."""
        return compare_paired(self.correct(self.compared), self.correct(self.alone), self.people)


def draw_own_clip(level: str, seed: int = 0) -> DrawnClip:
    """Draw five seconds of a person who smiles, is calm, and is surprised."""
    strengths, shown = _course(np.linspace(0, 1, _FRAMES[level]))
    times = np.linspace(0, _SECONDS, _FRAMES[level], endpoint=False)
    pictures = []
    for time, strength, emotion in zip(times, strengths, shown, strict=True):
        mixture, sides = find_prototype(emotion)
        weaker = {action: strength * amount for action, amount in mixture.items()}
        scene = Scene(yaw=8 * np.sin(time), pitch=3 * np.cos(1.7 * time))
        frame, _ = draw_mixture(seed, weaker, sides=sides, scene=scene, size=_PIXELS)
        pictures.append((float(time), frame.image))
    truth = np.where(strengths >= _PRESENT, shown, "neutral")
    return DrawnClip(clip_frames(pictures, "drawn clip"), truth)


def _course(part: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strength and the emotion at each part of the clip, 0 to 1."""
    within = (2 * part) % 1.0
    strengths = np.clip(1.6 * np.sin(np.pi * within), 0, 1)
    return strengths, np.where(part < 0.5, *_SHOWN)


def analyse_clip(clip: DrawnClip) -> Analysis:
    """Find and name the faces of a clip with the package's own model."""
    return analyse(clip.frames, load_predictor(None, False, []))


def right_share(analysis: Analysis, truth: np.ndarray) -> float:
    """The share of the frames with a face whose best face is named as the clip's truth."""
    table = analysis.table()
    best = table[table["x0"].notna() & (table["face"] == 0)]
    return float((best["emotion"].to_numpy() == truth[best["frame"].to_numpy(int)]).mean())


def timeline_table(analysis: Analysis, truth: np.ndarray, seconds: float) -> pd.DataFrame:
    """The analysis of a clip over time, for `plot_timeline`, with what it really shows."""
    table = analysis.timeline(seconds)
    times = [found.frame.time or 0.0 for found in analysis.predictions]
    true_at = dict(zip(np.round(times, 3), truth, strict=True))
    return table.assign(true=[true_at[time] for time in table["time"].round(3)])


def draw_test_faces(level: str, seed: int = 0) -> list[tuple[str, str, Face]]:
    """Draw people whom no model saw: person, emotion and face of each picture with a face."""
    people = replace(
        SETS["posed"], levels={level: Size(_PEOPLE[level], 2)}, first_person=_OTHER_PEOPLE
    )
    faces = []
    for clip in plan_clips(people, level, seed):
        frame, _ = next(draw_clip(clip, people))
        face = find_face(frame.image)
        if face:
            faces.append((str(clip.person), clip.emotion, face))
    return faces


def compare_with_neutral(faces: Sequence[tuple[str, str, Face]]) -> CalibrationTest:
    """Predict faces alone, and compared with each person's first neutral picture.

    That picture is not among the faces that are tested.
    """
    single, residual = load_model(), load_model("residual")
    rows = []
    for person in dict.fromkeys(person for person, _, _ in faces):
        own = [(emotion, face) for name, emotion, face in faces if name == person]
        neutral = next((face for emotion, face in own if emotion == "neutral"), None)
        if neutral is None:
            continue
        tested = [(emotion, face) for emotion, face in own if face is not neutral]
        features = geometry_features([face.landmarks for _, face in tested])
        compared = calibrate(residual, neutral).probabilities(features)
        truth = [single.names.index(emotion) for emotion, _ in tested]
        rows.append((truth, [person] * len(tested), single.probabilities(features), compared))
    joined = [np.concatenate(parts) for parts in zip(*rows, strict=True)]
    return CalibrationTest(single.names, *joined)


def calibration_table(test: CalibrationTest) -> pd.DataFrame:
    """Both accuracies with their intervals, for `plot_intervals`."""
    ours = {
        "one picture alone": _accuracy(test, test.alone),
        "compared with a neutral picture": _accuracy(test, test.compared),
    }
    return interval_table(ours, chance=dict.fromkeys(ours, 1 / len(test.names)))


def calibration_metrics(test: CalibrationTest) -> dict[str, dict[str, float]]:
    """The metrics of the comparison, for the record of the run."""
    return {
        "calibration/gain": test.gain.metric(),
        "calibration/compared": _accuracy(test, test.compared),
        "calibration/alone": _accuracy(test, test.alone),
    }


def _accuracy(test: CalibrationTest, probabilities: np.ndarray) -> dict[str, float]:
    return bootstrap(test.correct(probabilities), test.people).metric()


def alarm_rates(test: CalibrationTest, emotion: str) -> tuple[float, float]:
    """How often an emotion is named where it is shown, and where it is not.

    Each is (count + 1) / (number + 2), so that few pictures never give 0 or 1.
    """
    k = test.names.index(emotion)
    named = test.alone.argmax(1) == k
    shown = test.truth == k
    hits, misses = named[shown], named[~shown]
    return (hits.sum() + 1) / (len(hits) + 2), (misses.sum() + 1) / (len(misses) + 2)


def plot_steps(frame: InputFrame, face: Face) -> Figure:
    """Draw the way from a picture to the probabilities: landmarks, levelled landmarks, bars."""
    figure = Figure(figsize=(8.4, 3.0), layout="constrained")
    picture, levelled, bars = figure.subplots(1, 3, width_ratios=(1, 1, 1.1))
    plots.plot_contact_sheet(
        [np.asarray(frame.image)], None, 1, points=[face.landmarks], ax=picture
    )
    picture.set_title("1. the picture, 68 landmarks")
    points = level_eyes(face.landmarks[None])[0]
    plots.plot_landmarks(np.stack([points.real, points.imag], axis=1), ax=levelled)
    levelled.set_title("2. eyes level and 1 apart")
    model = load_model()
    chances = model.probabilities(geometry_features(face.landmarks[None]))[0]
    plots.plot_scores({"": chances}, model.names, ax=bars)
    bars.set_title("3. probabilities")
    return figure


def plot_thumbnails(analysis: Analysis, most: int = 8) -> Figure:
    """Draw small pictures of some faces, spread evenly, with what each is named and when."""
    table = analysis.table()
    rows = table[table["x0"].notna()].to_dict("records")
    chosen = np.unique(np.linspace(0, len(rows) - 1, min(most, len(rows))).round().astype(int))
    pictures = [np.asarray(Image.open(io.BytesIO(analysis.thumbnails[i]))) for i in chosen]
    titles = []
    for i in chosen:
        row = rows[i]
        titles.append(f"{row.get('time', 0):.1f} s\n{row['emotion']} {row[row['emotion']]:.2f}")
    lines = -(-len(pictures) // 4)
    figure = Figure(figsize=(7.2, 2.3 * lines), layout="constrained")
    plots.plot_contact_sheet(pictures, titles, 4, ax=figure.subplots())
    return figure


def gradient_table(face: Face, emotions: Sequence[str]) -> pd.DataFrame:
    """Where each landmark would have to go for the log odds to rise, for `plot_displacement`.

    A panel for each emotion. The longest arrow of each is 30 % of the distance between the eyes.
    """
    model = load_model()
    points = face.landmarks
    parts = []
    for emotion in emotions:
        slopes = landmark_gradient(model.probabilities, points, model.names.index(emotion))
        longest = np.hypot(*slopes.T).max()
        arrows = _ARROW * inter_ocular(points) * slopes / longest
        parts.append(plots.points_table(np.stack([points, points + arrows]), panel=emotion))
    return pd.concat(parts, ignore_index=True)


def draw_face(mixture: dict[str, float], person: int = 0) -> tuple[np.ndarray, Face | None]:
    """Draw a person with facial actions by name, 0 to 1: the picture and the face found in it."""
    frame, _ = draw_mixture(person, mixture, size=_PIXELS)
    return frame.image, find_face(frame.image)


def name_face(mixture: dict[str, float], person: int = 0) -> pd.Series:
    """The probabilities of a face drawn with these facial actions, most probable first."""
    _, face = draw_face(mixture, person)
    if face is None:
        raise ValueError("no face is found in this picture; give weaker actions")
    model = load_model()
    chances = model.probabilities(geometry_features(face.landmarks[None]))[0]
    return pd.Series(chances, index=model.names).sort_values(ascending=False)

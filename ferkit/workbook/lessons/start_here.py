"""Steps of notebook 00: draw people, their expressions and the knobs of a scene.

Pictures of faces are cut to brows, cheeks and chin (`crop_face`), so that expressions are large.
"""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ferkit import plots
from ferkit.core.labels import EMOTIONS
from ferkit.core.landmarks import REGIONS
from ferkit.drawn.draw import Frame, draw
from ferkit.drawn.examples import draw_mixture
from ferkit.drawn.expressions import sample_expression
from ferkit.drawn.head import load_head
from ferkit.drawn.model import PersonModel, make_person_model
from ferkit.drawn.people import make_person
from ferkit.drawn.prototypes import ACTION_UNIT_OF
from ferkit.drawn.scene import Scene
from ferkit.workbook.explorers.base import Explorer

BRIGHT = Scene(exposure=0.5, metering=0.7)  # so that every skin tone shows its expression
SMILE = {"mouthSmile": 0.8, "cheekSquint": 0.5, "eyeSquint": 0.2}
# Fields of a scene that are shown one by one, each with its first and last value.
_KNOBS = {
    "yaw": (-40, 40),
    "light_azimuth": (-80, 80),  # where the light comes from
    "noise": (0, 12),
    "resolution": (112, 28),
}


@lru_cache(maxsize=12)
def _model(person: int, size: int) -> PersonModel:
    head = load_head()
    return make_person_model(make_person(person, head), head, size)


def draw_expression(
    person: int,
    emotion: str,
    *,
    take: int = 0,
    strength: float = 1.0,
    size: int = 224,
    scene: Scene = BRIGHT,
) -> Frame:
    """Draw a person showing an emotion; each `take` is another try."""
    head = load_head()
    rng = np.random.default_rng([person, EMOTIONS.index(emotion), take])
    amounts, _ = sample_expression(
        emotion, head.action_names, rng, person_seed=person, intensity=strength
    )
    return draw(_model(person, size), head, amounts, scene, size)


def crop_face(image: np.ndarray) -> np.ndarray:
    """Cut a drawn picture `(S, S, 3)` to the face, without hair and shoulders."""
    size = len(image)
    top, bottom, left, right = (round(share * size) for share in (0.21, 0.96, 0.18, 0.82))
    return image[top:bottom, left:right]


def emotion_rows(people: Sequence[int], size: int = 224) -> list[list[np.ndarray]]:
    """Draw every emotion of every person, a row for each person."""
    return [
        [crop_face(draw_expression(person, emotion, size=size).image) for emotion in EMOTIONS]
        for person in people
    ]


def plot_sheet(people: Sequence[int], *, pixels: int = 224, width: float = 6.4) -> Axes:
    """Draw all emotions (columns) of people (rows, named by age)."""
    ages = describe_sitters(people)["label"]
    return plots.plot_wall(emotion_rows(people, pixels), EMOTIONS, ages, width=width, text_size=10)


def describe_sitters(people: Sequence[int]) -> pd.DataFrame:
    """Tabulate age and melanin of people, and a label such as "35 years"."""
    drawn = [make_person(person, load_head()) for person in people]
    ages = [round(person.age) for person in drawn]
    return pd.DataFrame(
        {
            "person": people,
            "age": ages,
            "melanin": [person.melanin for person in drawn],
            "label": [f"{age} years" for age in ages],
        }
    )


def plot_people(people: Sequence[int], columns: int = 8) -> Axes:
    """Draw people at rest from the lightest skin to the darkest, in rows."""
    order = describe_sitters(people).sort_values("melanin")["person"]
    faces = [draw_expression(int(i), "neutral", size=128).image for i in order]
    rows = [faces[start : start + columns] for start in range(0, len(faces), columns)]
    return plots.plot_wall(rows, width=7)


def knob_rows(person: int) -> tuple[list[list[np.ndarray]], list[str]]:
    """Draw one face with one knob a row, five values each; return the rows and their names."""
    settings: dict[str, list[dict]] = {
        "strength\n0 to 1.2": [
            {
                "mixture": {action: share * value for action, value in SMILE.items()},
                "scene": BRIGHT,
            }
            for share in np.linspace(0, 1.5, 5)
        ],
        "one side\nright to left": [
            {"mixture": SMILE, "sides": side, "scene": BRIGHT} for side in np.linspace(-1, 1, 5)
        ],
    }
    for name, (first, last) in _KNOBS.items():
        label = f"{name.split('_')[0]}\n{first:g} to {last:g}"
        settings[label] = [
            {"mixture": SMILE, "scene": replace(BRIGHT, **{name: value})}
            for value in np.linspace(first, last, 5).tolist()
        ]
    rows = [
        [crop_face(draw_mixture(person, **setting, size=128)[0].image) for setting in row]
        for row in settings.values()
    ]
    return rows, list(settings)


def plot_knobs(person: int) -> Axes:
    """Draw one face with one knob a row."""
    rows, names = knob_rows(person)
    return plots.plot_wall(rows, names=names, width=3.9, text_size=10)


def plot_actions(person: int) -> Axes:
    """Draw every facial action alone at its full amount, after the face at rest."""
    mixtures = [{}, *({name: 1.0} for name in ACTION_UNIT_OF)]
    titles = ["at rest", *(f"AU {unit}\n{name}" for name, unit in ACTION_UNIT_OF.items())]
    frames = [draw_mixture(person, mixture, scene=BRIGHT, size=160)[0] for mixture in mixtures]
    _, ax = plt.subplots(figsize=(6.4, 6.6), layout="constrained")
    pictures = [crop_face(frame.image) for frame in frames]
    return plots.plot_contact_sheet(pictures, titles, columns=5, ax=ax)


def plot_tries(person: int, emotion: str, strength: float, tries: int = 5) -> Axes:
    """Draw several tries of one emotion by one person."""
    frames = [draw_expression(person, emotion, strength=strength, take=k) for k in range(tries)]
    names = [f"try {k + 1}" for k in range(tries)]
    return plots.plot_wall(
        [[crop_face(frame.image) for frame in frames]], names, width=6.2, text_size=10
    )


def plot_large(people: Sequence[int], emotions: Sequence[str]) -> Axes:
    """Draw faces of 1200 pixels at a quarter of their size, an eye and the mouth at full size."""
    columns = []
    for person, emotion in zip(people, emotions, strict=False):
        frame = draw_expression(person, emotion, size=1200)
        small = frame.image.reshape(300, 4, 300, 4, 3).mean((1, 3)).astype(np.uint8)
        centres = [frame.landmarks[REGIONS[part]].mean(0) for part in ("left_eye", "mouth")]
        details = [
            frame.image[y - 120 : y + 120, x - 120 : x + 120] for x, y in np.array(centres, int)
        ]
        columns.append([small[35:275, 30:270], *details])
    names = ["a quarter\nof its size", "an eye,\nfull size", "the mouth,\nfull size"]
    rows = list(zip(*columns, strict=True))
    return plots.plot_wall(rows, emotions, names, width=4.2, text_size=10)


def measure_redraws(explorer: Explorer, steps: int = 20) -> float:
    """Return how many times a second a face explorer draws its face again; leave it smiling."""
    start = time.perf_counter()
    for step in range(steps):
        explorer.controls["mouthSmile"].value = 0.05 * (step + 1)
    speed = steps / (time.perf_counter() - start)
    explorer.controls["emotion"].value = "happiness"
    return speed


def hash_pixels(frame: Frame) -> str:
    """The first 16 digits of the SHA-256 hash of a picture's pixels."""
    return hashlib.sha256(frame.image.tobytes()).hexdigest()[:16]

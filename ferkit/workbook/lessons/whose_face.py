"""Steps of notebook 00: how far identity and expression move the landmarks of a face.

Distances between faces are those of `landmark_distance`, in percent of the distance between the
eyes.
"""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Markdown
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist

from ferkit import plots
from ferkit.core.landmarks import five_points, inter_ocular
from ferkit.drawn.head import load_head
from ferkit.drawn.landmarks import landmark_points
from ferkit.drawn.people import make_person
from ferkit.drawn.shape import neutral_shape
from ferkit.evaluation.intervals import bootstrap
from ferkit.plots.colours import INK
from ferkit.workbook.lessons.start_here import draw_expression
from ferkit.workbook.words import show_checked_claims

_TAKES = 6  # pictures of each person's neutral and smiling face


def landmark_distance(first: ArrayLike, second: ArrayLike) -> float:
    """Return how far two faces `(68, 2)` are apart, in percent of the distance between the eyes.

    The middle between the eyes is laid on the middle; the result is the root mean square distance
    of the points.
    """
    points = np.stack([np.asarray(first), np.asarray(second)])
    centred = points - five_points(points)[:, :2].mean(1, keepdims=True)
    scaled = centred / inter_ocular(points)[:, None, None]
    squares = ((scaled[0] - scaled[1]) ** 2).sum(-1)
    return float(100 * np.sqrt(squares.mean()))


def _comparable(points: np.ndarray) -> np.ndarray:
    """Rows `(N, 136)` of faces whose Euclidean distance is `landmark_distance`."""
    centred = points - five_points(points)[:, :2].mean(1, keepdims=True)
    scaled = centred / inter_ocular(points)[:, None, None]
    return (100 / np.sqrt(68) * scaled).reshape(len(points), -1)


def _takes(person: int, emotion: str) -> np.ndarray:
    """The landmarks of one person's tries of an emotion, as rows of `_comparable`."""
    frames = [draw_expression(person, emotion, take=take, size=64) for take in range(_TAKES)]
    return _comparable(np.stack([frame.landmarks for frame in frames]))


def identity_distances(count: int, smiling: int, seed: int) -> dict[str, np.ndarray]:
    """Measure distances within and between people.

    Between `count` people at rest: each one's most similar other person, and all pairs. Within each
    of the first `smiling` people: between neutral pictures, and from neutral to smiling ones.
    """
    head = load_head()
    shapes = [neutral_shape(make_person(seed * 1000 + i, head), head) for i in range(count)]
    at_rest = _comparable(np.stack([landmark_points(shape).numpy()[:, :2] for shape in shapes]))
    between = cdist(at_rest, at_rest)
    same, smile = [], []
    for person in range(seed * 1000, seed * 1000 + smiling):
        neutral = _takes(person, "neutral")
        same.append(cdist(neutral, neutral)[np.triu_indices(_TAKES, 1)])
        smile.append(cdist(neutral, _takes(person, "happiness")).ravel())
    return {
        "one person, two neutral pictures": np.concatenate(same),
        "one person, neutral and smiling": np.concatenate(smile),
        "each person and the most similar other": np.where(np.eye(count), np.inf, between).min(1),
        "any two people": between[np.triu_indices(count, 1)],
    }


def describe_distances(groups: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """Tabulate groups of distances: count, mean, quartiles and extremes."""
    table = pd.DataFrame({name: pd.Series(values).describe() for name, values in groups.items()})
    return table.T.reset_index(names="what")


def plot_distances(groups: Mapping[str, np.ndarray]) -> Axes:
    """Draw a box for each group of distances, with whiskers to the extremes."""
    _, ax = plt.subplots(figsize=(7.4, 2.4), layout="constrained")
    boxes = ax.boxplot(
        list(groups.values()),
        orientation="horizontal",
        whis=(0, 100),
        widths=0.6,
        patch_artist=True,
        medianprops={"color": INK, "lw": 2},
    )
    for box, colour in zip(boxes["boxes"], plots.SERIES, strict=False):
        box.set(facecolor=colour, alpha=0.6)
    ax.set_yticks(range(1, len(groups) + 1), list(groups))
    ax.set(xlim=(0, None), xlabel="distance of landmarks, % of the distance between the eyes")
    ax.invert_yaxis()
    ax.spines[["top", "right"]].set_visible(False)
    return ax


def describe_identity(groups: Mapping[str, np.ndarray]) -> str:
    """Say whether another person or a smile is the larger step, for groups of distances."""
    smiles = groups["one person, neutral and smiling"]
    any_two = groups["any two people"]
    smile = bootstrap(smiles, np.arange(len(smiles)) // _TAKES**2, statistic=np.median)
    other = np.median(any_two)
    closer = np.mean(any_two < smile.value)
    if other > smile.high:
        lesson = "who you are moves your landmarks at least as much as a full smile does"
    elif other < smile.low:
        lesson = "in this run a smile moves landmarks more than another person does"
    else:
        lesson = "in this run it is not shown which of the two is the larger step"
    return (
        f"At the median, a full smile moves a face by {smile.value:.1f} % (95 % interval over "
        f"{smile.people} people: {smile.low:.1f} to {smile.high:.1f}), and two people at rest are "
        f"{other:.1f} % apart: **{lesson}**. The boxes overlap: in {closer:.0%} of all pairs, the "
        "two people are closer to each other than the median smile moves a face."
    )


def distance_metrics(groups: Mapping[str, np.ndarray]) -> dict[str, float]:
    """Return the medians of groups of distances as metrics."""
    names = {
        "same_person_percent": "one person, two neutral pictures",
        "smile_percent": "one person, neutral and smiling",
        "any_two_people_percent": "any two people",
    }
    return {metric: float(np.median(groups[name])) for metric, name in names.items()}


def show_drawn_claims(
    *, same_pixels: bool, nearest: float, same_person: float, found: float, redraws: float
) -> Markdown:
    """Return the notebook's claims for display, each with what this run measured."""
    hashes = "equal hashes" if same_pixels else "different hashes"
    distances = (
        f"the most similar pair is {nearest:.2f} % apart, one person's neutral pictures at most "
        f"{same_person:.2f} %"
    )
    speed = f"{redraws:.0f} times a second on this computer"
    return show_checked_claims(
        ("The same seed gives the same pixels.", hashes, same_pixels),
        ("No two drawn people are alike.", distances, nearest > same_person),
        (
            "dlib finds at least 99 % of the drawn frontal faces.",
            f"{100 * found:.1f} % found",
            found >= 0.99,
        ),
        ("A face is redrawn at least five times a second.", speed, redraws >= 5),
    )

"""Explorer of landmarks: faces or residuals of one emotion."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ferkit.core.labels import EMOTIONS
from ferkit.core.landmarks import residuals
from ferkit.plots import plot_residuals
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    encode_figure,
    load_ipywidgets,
    make_text,
    make_view,
    slider_layout,
)
from ferkit.workbook.explorers.drawn import spread

_MOST_FACES = 200  # drawn at once


def landmark_explorer(
    points: ArrayLike, people: ArrayLike, emotions: ArrayLike, fallback: ArrayLike | None = None
) -> Explorer:
    """Explore landmarks of one emotion across people, as faces or residuals.

    Shapes: `points` (N, 68, 2), best aligned; `people` (N,); `emotions` (N,); `fallback` as for the
    residuals. Controls: `emotion`; `residuals`, on or off; `faces`, at most how many are drawn.
    """
    points = np.asarray(points, dtype=np.float64)
    people = np.asarray(people)
    emotions = np.asarray(emotions)
    if points.ndim != 3 or not len(points) == len(people) == len(emotions):
        raise ValueError(
            "expected (N, 68, 2), (N,) and (N,), "
            f"got {points.shape}, {people.shape} and {emotions.shape}"
        )
    w = load_ipywidgets()
    names = [name for name in EMOTIONS if name in emotions] or sorted(set(emotions.tolist()))
    most = min(_MOST_FACES, max(int((emotions == name).sum()) for name in names))
    shown = {False: points, True: points.mean(0) + residuals(points, people, fallback)}
    controls = {
        "emotion": w.Dropdown(options=names, description="emotion"),
        "residuals": w.Checkbox(
            False,
            description="subtract each person's mean",
            indent=False,
            layout={"width": "auto"},
        ),
        "faces": w.IntSlider(
            min(40, most),
            min=1,
            max=most,
            description="faces at most",
            style={"description_width": "110px"},
            layout=slider_layout(),
        ),
    }
    view = make_view(400, "png")
    text = make_text(lines=3)

    def redraw(_: object = None) -> None:
        faces = shown[controls["residuals"].value][emotions == controls["emotion"].value]
        drawn = faces[: controls["faces"].value]
        view.value = landmark_picture(drawn, points)
        text.value = (
            f"{len(drawn)} of {len(faces)} faces of this emotion are drawn; the spread of all is "
            f"{spread(faces):.1f} % of the distance between the eyes"
        )

    return assemble(controls, view, text, redraw)


def landmark_picture(faces: np.ndarray, frame: np.ndarray) -> bytes:
    """Draw faces `(n, 68, 2)` as PNG, within the limits of `frame`."""
    figure = Figure(figsize=(4, 4), dpi=100)
    ax = plot_residuals(faces, ax=figure.add_axes((0, 0, 1, 1)))
    (x0, y0), (x1, y1) = frame.min((0, 1)), frame.max((0, 1))
    ax.set(xlim=(x0, x1), ylim=(y1, y0))
    return encode_figure(figure)

"""Explorers of paper 3: interpolated frames, and weights of two networks."""

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ferkit.evaluation.scores import accuracy, confusion
from ferkit.faces.resample import INTERPOLATIONS, positions, resample
from ferkit.papers.dtagn.network import weighted_sum
from ferkit.plots import plot_confusion
from ferkit.workbook.explorers.base import (
    Explorer,
    assemble,
    encode_figure,
    encode_image,
    load_ipywidgets,
    make_text,
    make_view,
    slider_layout,
)

_STEPS_BETWEEN = 4  # steps from one frame to the next
_ENLARGED = 4  # how many times differences are enlarged


def sequence_explorer(frames: ArrayLike, *, size: int = 192) -> Explorer:
    """Explore interpolation in time of a sequence `(T, H, W)` uint8.

    Their enlarged difference stands beside them. Control: `time`, in frames of the sequence, in
    quarters.
    """
    frames = np.asarray(frames)
    if frames.ndim != 3 or frames.dtype != np.uint8:
        raise ValueError(
            f"expected grey pictures (T, H, W) uint8, got {frames.shape} {frames.dtype}"
        )
    w = load_ipywidgets()
    count = _STEPS_BETWEEN * (len(frames) - 1) + 1
    cosine, linear = (resample(frames, count, method=method) for method in INTERPOLATIONS)
    times = [float(time) for time in positions(len(frames), count)]
    controls = {
        "time": w.SelectionSlider(
            options=times, value=times[0], description="frame", layout=slider_layout()
        )
    }
    view = make_view(3 * size, "png")
    text = make_text()

    def redraw(_: object = None) -> None:
        step = times.index(controls["time"].value)
        view.value = between_picture(cosine[step], linear[step])
        most = int(np.abs(cosine[step].astype(int) - linear[step]).max())
        text.value = (
            f"cosine, linear, and {_ENLARGED} times their difference (at most {most} of 255)"
        )

    return assemble(controls, view, text, redraw)


def alpha_explorer(
    p: ArrayLike, q: ArrayLike, truth: ArrayLike, names: tuple[str, ...]
) -> Explorer:
    """Explore the weighted sum of two networks' softmax outputs `(N, K)`.

    Shows its accuracy and confusion. Control: `alpha`, the weight of the first network.
    """
    w = load_ipywidgets()
    p = np.asarray(p)
    q = np.asarray(q)
    truth = np.asarray(truth)
    weighted_sum(p, q)  # raises ValueError for outputs that do not fit
    both = {"DTAN": accuracy(truth, p.argmax(1)), "DTGN": accuracy(truth, q.argmax(1))}
    controls = {
        "alpha": w.FloatSlider(
            0.5, min=0, max=1, step=0.01, description="alpha", layout=slider_layout()
        )
    }
    view = make_view(420, "png")
    text = make_text()

    def redraw(_: object = None) -> None:
        predicted = weighted_sum(p, q, controls["alpha"].value).argmax(1)
        figure = Figure(figsize=(4.6, 4.2), dpi=100, layout="constrained")
        plot_confusion(confusion(truth, predicted, names), ax=figure.add_subplot())
        view.value = encode_figure(figure)
        alone = ", ".join(f"{name} alone {value:.3f}" for name, value in both.items())
        text.value = f"<b>accuracy {accuracy(truth, predicted):.3f}</b> ({alone})"

    return assemble(controls, view, text, redraw)


def between_picture(cosine: np.ndarray, linear: np.ndarray) -> bytes:
    """Draw two pictures `(H, W)` uint8 beside their enlarged difference, as PNG."""
    difference = (128 + _ENLARGED * (cosine.astype(int) - linear)).clip(0, 255).astype(np.uint8)
    return encode_image(np.concatenate([cosine, linear, difference], axis=1), "png")

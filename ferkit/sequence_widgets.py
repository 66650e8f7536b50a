"""Explorers of paper 3: time between frames, and the weight of two networks."""

import io

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from PIL import Image

from ferkit.evaluate import accuracy, confusion
from ferkit.faces.sequences import METHODS, positions, resample
from ferkit.models.dtagn import weighted_sum
from ferkit.plots import plot_confusion
from ferkit.widgets import Explorer, _ipywidgets, _on_change

BETWEEN = 4  # steps from one frame to the next
TIMES = 4  # how much differences are enlarged


def sequence_explorer(frames: ArrayLike, *, size: int = 192) -> Explorer:
    """A slider through time of a sequence `(T, H, W)` uint8: cosine interpolation, linear, and their difference.

    Control: `time`, in frames given, from the first to the last in quarters.
    """
    frames = np.asarray(frames)
    if frames.ndim != 3 or frames.dtype != np.uint8:
        raise ValueError(f"expected grey pictures (T, H, W) uint8, got {frames.shape} {frames.dtype}")
    w = _ipywidgets()
    count = BETWEEN * (len(frames) - 1) + 1
    cosine, linear = (resample(frames, count, method=method) for method in METHODS)
    times = [float(time) for time in positions(len(frames), count)]
    controls = {
        "time": w.SelectionSlider(options=times, value=times[0], description="frame", layout={"width": "560px"})
    }
    view, text = w.Image(format="png", width=3 * size, height=size), w.HTML()

    def redraw(_: object = None) -> None:
        at = times.index(controls["time"].value)
        view.value = between_picture(cosine[at], linear[at])
        most = int(np.abs(cosine[at].astype(int) - linear[at]).max())
        text.value = f"cosine, linear, and {TIMES} times their difference (at most {most} of 255)"

    _on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, view, text, w.VBox([view, controls["time"], text]))


def alpha_explorer(p: ArrayLike, q: ArrayLike, truth: ArrayLike, names: tuple[str, ...]) -> Explorer:
    """The weighted sum of two networks' softmax outputs `(N, K)`, its accuracy and confusion, for any alpha.

    Control: `alpha`, the weight of the first network.
    """
    w = _ipywidgets()
    p, q, truth = np.asarray(p), np.asarray(q), np.asarray(truth)
    weighted_sum(p, q)  # refuses outputs that do not fit, before anything is shown
    both = {"DTAN": accuracy(truth, p.argmax(1)), "DTGN": accuracy(truth, q.argmax(1))}
    controls = {"alpha": w.FloatSlider(0.5, min=0, max=1, step=0.01, description="alpha", layout={"width": "400px"})}
    view, text = w.Image(format="png", width=420, height=380), w.HTML()

    def redraw(_: object = None) -> None:
        guess = weighted_sum(p, q, controls["alpha"].value).argmax(1)
        figure = Figure(figsize=(4.6, 4.2), dpi=100, layout="constrained")
        plot_confusion(confusion(truth, guess, names), ax=figure.add_subplot())
        file = io.BytesIO()
        figure.savefig(file, format="png")
        view.value = file.getvalue()
        alone = ", ".join(f"{name} alone {value:.3f}" for name, value in both.items())
        text.value = f"<b>accuracy {accuracy(truth, guess):.3f}</b> ({alone})"

    _on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, view, text, w.VBox([controls["alpha"], text, view]))


def between_picture(cosine: np.ndarray, linear: np.ndarray) -> bytes:
    """Two pictures `(H, W)` uint8 and their enlarged difference around mid-grey, side by side, as the bytes of a PNG file."""
    difference = (128 + TIMES * (cosine.astype(int) - linear)).clip(0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(np.concatenate([cosine, linear, difference], axis=1)).save(file, "png")
    return file.getvalue()

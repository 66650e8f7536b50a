"""What all explorers share: controls, a picture and its text.

An explorer holds its controls by name, so `explorer.controls["emotion"].value = "fear"` does what a
click does, also where no browser listens. Callbacks only read the controls, call the package's
functions and show what those return. ipywidgets is needed when an explorer is made, not when this
module is imported.
"""

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

_JPEG_QUALITY = 88


@dataclass(frozen=True)
class Explorer:
    """Controls by name, the picture's widget, its text, and their box."""

    controls: Mapping[str, Any]
    view: Any
    text: Any
    box: Any

    def _ipython_display_(self) -> None:
        from IPython.display import display

        display(self.box)


def load_ipywidgets() -> ModuleType:
    """Import ipywidgets; ImportError with the remedy where it is missing."""
    try:
        import ipywidgets
    except ImportError as error:
        raise ImportError(
            "explorers need ipywidgets, which is not installed: `pip install ipywidgets` and "
            "restart the kernel; the static pictures of the notebooks show the same without it"
        ) from error
    return ipywidgets


def make_slider(name: str, value: float, low: float, high: float, step: float = 0.05) -> Any:
    """A slider of fixed width; whole numbers where the step is one."""
    return load_ipywidgets().FloatSlider(
        value,
        min=low,
        max=high,
        step=step,
        description=name,
        readout_format=".0f" if step >= 1 else ".2f",
        style={"description_width": "120px"},
        layout={"width": "320px"},
    )


def connect(explorer: Explorer, redraw: Callable[..., None]) -> Explorer:
    """Draw once, and again whenever a control changes; return the explorer."""
    on_change(explorer.controls.values(), redraw)
    redraw()
    return explorer


def on_change(controls: Iterable[Any], callback: Callable[..., None]) -> None:
    """Call back whenever the value of one of these controls changes."""
    for control in controls:
        control.observe(callback, "value")


@contextmanager
def silenced(controls: Sequence[Any], callback: Callable[..., None]) -> Iterator[None]:
    """While this lasts, changes of the controls do not call back."""
    for control in controls:
        control.unobserve(callback, "value")
    try:
        yield
    finally:
        on_change(controls, callback)


def encode_image(image: np.ndarray, kind: str = "jpeg") -> bytes:
    """Encode a picture `(H, W, 3)` or `(H, W)` uint8 as a file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, kind, quality=_JPEG_QUALITY)
    return buffer.getvalue()


def encode_figure(figure: Figure) -> bytes:
    """A figure as the bytes of a PNG file."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()

"""What all explorers share: controls, a picture and its text.

An explorer holds its controls by name, so `explorer.controls["emotion"].value = "fear"` does what a
click does, also where no browser listens. Callbacks only read the controls, call the package's
functions and show what those return. ipywidgets is needed when an explorer is made, not when this
module is imported.

Explorers fit the width of their window: parts that stand side by side in a wide one stand below
each other in a narrow one.
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
WINDOW = "calc(100% - 4px)"  # its width, without the margins of a widget
SLIDER_STYLE = {"description_width": "158px"}


@dataclass(frozen=True)
class Explorer:
    """Controls by name, the picture's widget, its text, their box, and the button "reset"."""

    controls: Mapping[str, Any]
    view: Any
    text: Any
    box: Any
    reset: Any

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
    """A slider with its name at the left; whole numbers where the step is one."""
    return load_ipywidgets().FloatSlider(
        value,
        min=low,
        max=high,
        step=step,
        description=name,
        readout_format=".0f" if step >= 1 else ".2f",
        style=SLIDER_STYLE,
        layout=slider_layout(),
    )


def slider_layout() -> dict[str, str]:
    """As wide as the space allows, and never so narrow that name or number is cut."""
    return {"width": "auto", "min_width": "260px", "max_width": "420px"}


def make_view(width: int, kind: str) -> Any:
    """A picture of so many pixels, or less in a narrow window; its proportions stay."""
    layout = {"width": f"{width}px", "max_width": WINDOW, "height": "auto"}
    return load_ipywidgets().Image(format=kind, layout=layout)


def make_text(lines: int = 2) -> Any:
    """A text that takes the place of so many lines, so that the page does not jump."""
    layout = {"min_height": f"{1.5 * lines:g}em", "max_width": "100%", "overflow": "auto"}
    return load_ipywidgets().HTML(layout=layout)


def side_by_side(*parts: Any) -> Any:
    """Put parts side by side, or below each other where the window is narrow."""
    layout = {"display": "flex", "flex_flow": "row wrap", "grid_gap": "4px 16px", "width": "100%"}
    return load_ipywidgets().Box(parts, layout=layout)


def assemble(
    controls: Mapping[str, Any], view: Any, text: Any, redraw: Callable[..., None]
) -> Explorer:
    """Lay out an explorer, draw once, and again whenever a control changes."""
    w = load_ipywidgets()
    for control in controls.values():
        control.layout.max_width = control.layout.max_width or WINDOW
    reset = make_reset(controls, redraw)
    column = w.VBox(
        [*controls.values(), reset, text], layout={"flex": "1 1 300px", "max_width": "100%"}
    )
    box = side_by_side(*([view] if view else []), column)
    on_change(controls.values(), redraw)
    redraw()
    return Explorer(controls, view, text, box, reset)


def make_reset(controls: Mapping[str, Any], redraw: Callable[..., None]) -> Any:
    """A button that returns the controls to their present values, and draws once."""
    first = {name: control.value for name, control in controls.items()}

    def return_to_first(_: object) -> None:
        with silenced(list(controls.values()), redraw):
            for name, value in first.items():
                controls[name].value = value
        redraw()

    button = load_ipywidgets().Button(description="reset", layout={"width": "90px"})
    button.on_click(return_to_first)
    return button


def on_change(controls: Iterable[Any], callback: Callable[..., None]) -> None:
    """Call back whenever the value of one of these controls changes."""
    for control in controls:
        control.observe(callback, "value")


@contextmanager
def busy(controls: Iterable[Any]) -> Iterator[None]:
    """Disable controls while something is computed that takes a second or more.

    Sliders that redraw at once stay enabled, since disabling one ends its drag.
    """
    enabled = [control for control in controls if not control.disabled]
    for control in enabled:
        control.disabled = True
    try:
        yield
    finally:
        for control in enabled:
            control.disabled = False


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

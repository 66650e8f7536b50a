"""The camera of the browser as a widget: it works where the kernel runs on another computer.

The browser asks for permission, and the widget for consent before that. Pictures arrive as
messages, not as state of the widget, so no notebook file can keep them.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CONSENT = (
    "I, and everybody whom the camera sees, agree that its pictures are sent to the computer on "
    "which this notebook's kernel runs, and are analysed there. They stay in memory until you "
    "press “forget everything” or stop the kernel."
)
_MOST_FRAMES = 100  # of one clip
_SCRIPT = Path(__file__).with_name("camera.js")

Frames = list[tuple[float, np.ndarray]]  # seconds from the first, and the picture (H, W, 3) uint8


def make_camera(on_clip: Callable[[Frames], str]) -> Any:
    """Make the camera's widget.

    `on_clip` receives the frames of each picture or clip and returns what the widget then says.
    ImportError with the remedy where anywidget is missing.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(
            "the camera needs anywidget, which is not installed: `pip install anywidget` and "
            "restart JupyterLab"
        ) from error

    class Camera(anywidget.AnyWidget):
        _esm = _SCRIPT
        seconds = traitlets.Float(4.0).tag(sync=True)
        consent_text = traitlets.Unicode(CONSENT).tag(sync=True)

    camera = Camera()
    frames: Frames = []

    def receive(_: object, message: dict[str, Any], buffers: list[Any]) -> None:
        if message["kind"] == "frame":
            if len(frames) < _MOST_FRAMES:
                frames.append((float(message["time"]), decode_jpeg(bytes(buffers[0]))))
            camera.send({"kind": "received"})
        elif message["kind"] == "end":
            clip = frames.copy()
            frames.clear()
            try:
                text = on_clip(clip)
            except Exception as error:  # the browser waits for an answer
                text = f"that failed: {error}"
            camera.send({"kind": "done", "text": text})

    camera.on_msg(receive)
    return camera


def decode_jpeg(content: bytes) -> np.ndarray:
    """Decode a JPEG as `(H, W, 3)` uint8."""
    return np.asarray(Image.open(io.BytesIO(content), formats=["JPEG"]).convert("RGB"))

"""Films for tests, written with OpenCV."""

from pathlib import Path

import cv2
import numpy as np

WALL = np.full((240, 320, 3), 127, np.uint8)  # a frame without a face
KINDS = {".avi": "MJPG", ".mp4": "mp4v", ".flv": "FLV1"}


def write_film(path: Path, frames) -> Path:
    """A film of RGB frames, in the usual codec of its suffix."""
    height, width = frames[0].shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(
        str(path), cv2.VideoWriter.fourcc(*KINDS[path.suffix]), 25, (width, height)
    )
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def at(face: np.ndarray, x: int) -> np.ndarray:
    """A frame of 320 x 240 with the drawn face `x` pixels from the left."""
    frame = WALL.copy()
    frame[8:232, x : x + 224] = face
    return frame

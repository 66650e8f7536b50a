"""Films for tests, written with OpenCV."""

from pathlib import Path

import cv2
import numpy as np

KINDS = {".avi": "MJPG", ".mp4": "mp4v", ".flv": "FLV1"}


def write_film(path: Path, frames) -> Path:
    """A film of RGB frames, in the usual codec of its suffix."""
    height, width = frames[0].shape[:2]
    path.parent.mkdir(parents=True, exist_ok=True)
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*KINDS[path.suffix]), 25, (width, height))
    assert writer.isOpened()
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path

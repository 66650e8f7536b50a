"""Small pictures of faces, each with its box and landmarks, for reports and notebooks."""

import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from ferkit.faces.detect import Face
from ferkit.predict.copies import heat_maps
from ferkit.predict.frames import InputFrame
from ferkit.predict.marks import DARK, LIGHT, overlay_heat
from ferkit.predict.read_faces import FrameFaces

if TYPE_CHECKING:
    from ferkit.training.spec import Network

SIDE = 160  # pixels
_MARGIN = 0.35  # around the box, in shares of its width
_QUALITY = 85


def face_thumbnail(
    image: np.ndarray,
    face: Face,
    heat: np.ndarray | None = None,
    matrix: np.ndarray | None = None,
) -> np.ndarray:
    """Cut a face out of a picture, with its box and its landmarks drawn: `(SIDE, SIDE, 3)` uint8.

    The heat map `(H, W)` in 0..1, to whose pixels `matrix` leads, is laid over the face first.
    """
    if heat is not None and matrix is not None:
        image = overlay_heat(image, heat, matrix)
    width = face.box[2] - face.box[0]
    scale = SIDE / (width * (1 + 2 * _MARGIN))
    corner = face.box[:2] - _MARGIN * width
    # OpenCV counts from the centre of the first pixel, we from its corner.
    shift = 0.5 * scale - 0.5 - scale * corner
    cut = cv2.warpAffine(
        image,
        np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]),
        (SIDE, SIDE),
        flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR,
        borderValue=(128, 128, 128),
    )
    box = np.rint((face.box.reshape(2, 2) - corner) * scale).astype(int)
    for colour, thickness in ((DARK, 3), (LIGHT, 1)):
        cv2.rectangle(cut, box[0].tolist(), box[1].tolist(), colour, thickness)
    for x, y in np.rint((face.landmarks - corner) * scale).astype(int).tolist():
        cv2.circle(cut, (x, y), 2, DARK, cv2.FILLED)
        cv2.circle(cut, (x, y), 1, LIGHT, cv2.FILLED)
    return cut


def encode_jpeg(image: np.ndarray) -> bytes:
    """Encode a picture `(H, W, 3)` uint8 as JPEG."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "JPEG", quality=_QUALITY)
    return buffer.getvalue()


def face_pictures(
    predictions: Sequence[FrameFaces],
    frames: Iterable[InputFrame],
    network: "Network | None" = None,
    target: str | None = None,
    most: int | None = None,
) -> list[list[bytes]]:
    """Make the thumbnails of all faces as JPEG, a list for each frame.

    `frames` are those of the predictions, with their pixels. With `network` a Grad-CAM map lies
    over each face, of the class `target` or else of the predicted one. Of more than `most` faces
    so many are chosen evenly; the others have an empty picture.
    """
    chosen = _spread([len(found.faces) for found in predictions], most)
    pictures = []
    for frame, found, wanted in zip(frames, predictions, chosen, strict=True):
        if not any(wanted):
            pictures.append([b""] * len(found.faces))
            continue
        image = frame.read().pixels
        heats = heat_maps(image, found, network, target)
        pictures.append(
            [
                encode_jpeg(face_thumbnail(image, face, *heat)) if keep else b""
                for face, heat, keep in zip(found.faces, heats, wanted, strict=True)
            ]
        )
    return pictures


def _spread(counts: Sequence[int], most: int | None) -> list[list[bool]]:
    """Choose at most `most` of all faces, evenly; one flag a face, a list for each frame."""
    total = sum(counts)
    chosen = np.ones(total, dtype=bool)
    if most is not None and total > most:
        chosen[:] = False
        chosen[np.linspace(0, total - 1, most).round().astype(int)] = True
    ends = np.cumsum([0, *counts])
    return [chosen[first:last].tolist() for first, last in zip(ends, ends[1:], strict=False)]

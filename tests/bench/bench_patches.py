"""Cutting the 60 patches of a face.

Patches a second, against the usual crop and resize.
"""

import os

import numpy as np
import pytest
from bench.bench_drawing import draw_some
from PIL import Image

from ferkit.faces.align import cut_boxes
from ferkit.papers.i2cnn.patches import patch_boxes

SIZE, SIDE, FACES = 224, 227, 8
CORES = os.cpu_count() or 1


@pytest.fixture(scope="module")
def faces() -> tuple[np.ndarray, np.ndarray]:
    """Drawn faces `(FACES, SIZE, SIZE, 3)` and the boxes of their patches."""
    frames = draw_some(SIZE, FACES)
    return np.stack([frame.image for frame in frames]), patch_boxes(
        np.stack([frame.landmarks for frame in frames]), SIZE
    )


def as_usual(images: np.ndarray, where: np.ndarray) -> list[Image.Image]:
    """Crop to whole pixels, resize, flip: patch by patch, with PIL."""
    found = []
    for image, row in zip(images, where, strict=True):
        face = Image.fromarray(image)
        for x0, y0, x1, y1 in row.round().astype(int).tolist():
            patch = face.crop((min(x0, x1), y0, max(x0, x1), y1)).resize(
                (SIDE, SIDE), Image.Resampling.BILINEAR
            )
            found.append(patch.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if x0 > x1 else patch)
    return found


def bench_the_usual_patches(faces, speed):
    speed("60 patches, PIL crop and resize", lambda: as_usual(*faces), 60 * FACES)


@pytest.mark.parametrize("workers", sorted({1, CORES}))
def bench_cut(workers, faces, speed):
    what = f"60 patches, OpenCV, {workers} thread{'s' if workers > 1 else ''}"
    speed(
        what,
        lambda: cut_boxes(*faces, SIDE, workers=workers),
        60 * FACES,
        "60 patches, PIL crop and resize",
    )

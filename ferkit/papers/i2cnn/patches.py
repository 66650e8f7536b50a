"""The 60 patches of an aligned face: ten regions, three scales, original and flipped.

C. Zhang et al. 2017, section 3.1. The paper takes its regions from the DeepID work (Sun et al.
2014), which shows them as pictures: five are parts of the weakly aligned face, five are centred on
the eye centres, the nose tip and the mouth's corners. The rectangles here are ours, in one table.

Convention
- A box is `(x0, y0, x1, y1)` in pixels of the aligned face, from edge to edge, not between pixel
  centres: the whole picture is `(0, 0, S, S)`. It may lie between pixels, and reach beyond the
  border, where the outermost pixels are repeated.
- A box with x0 > x1 is read from right to left: a flipped patch.
- The order of the patches: for each region its three scales, from tight to wide; then all of it
  again, flipped.
"""

from itertools import product

import numpy as np
from numpy.typing import ArrayLike

from ferkit.core.landmarks import five_points

# Centre x, centre y, width and height of the global regions at scale 1, as shares of the aligned
# face's side (the eyes are at 0.30 of it, the upper lip at 0.58).
GLOBAL_REGIONS = {
    "face": (0.50, 0.46, 0.84, 0.84),
    "upper face": (0.50, 0.30, 0.84, 0.50),
    "lower face": (0.50, 0.62, 0.84, 0.56),
    "left half": (0.68, 0.46, 0.52, 0.84),  # the subject's left
    "right half": (0.32, 0.46, 0.52, 0.84),
}
LOCAL_REGIONS = ("right eye", "left eye", "nose tip", "right mouth corner", "left mouth corner")
_LOCAL_SIDE = 0.36  # of the squares around the five points at scale 1
PATCH_SCALES = (0.75, 1.0, 1.3)
# Of the 30 patches that are not flipped.
PATCH_NAMES = tuple(
    f"{name} x {scale:g}"
    for name, scale in product((*GLOBAL_REGIONS, *LOCAL_REGIONS), PATCH_SCALES)
)
PATCH_COUNT = 2 * len(PATCH_NAMES)
# Which patches stand for the paper's k.
PATCHES_OF_K = {
    1: (PATCH_NAMES.index("face x 1"),),
    5: tuple(PATCH_NAMES.index(f"{name} x 1") for name in LOCAL_REGIONS),
    60: tuple(range(PATCH_COUNT)),
}


def patch_number(region: str, scale: float = 1.0, *, flipped: bool = False) -> int:
    """The place of a patch among all 60; ValueError for an unknown region or scale."""
    name = f"{region} x {scale:g}"
    if name not in PATCH_NAMES:
        regions = ", ".join((*GLOBAL_REGIONS, *LOCAL_REGIONS))
        scales = ", ".join(f"{scale:g}" for scale in PATCH_SCALES)
        raise ValueError(f"no patch {name!r}; regions: {regions}; scales: {scales}")
    return PATCH_NAMES.index(name) + flipped * len(PATCH_NAMES)


def patch_boxes(landmarks: ArrayLike, size: int) -> np.ndarray:
    """The boxes `(N, 60, 4)` of faces with landmarks `(N, 68, 2)`.

    The landmarks lie on aligned pictures of `size` pixels.
    """
    landmarks = np.asarray(landmarks, dtype=np.float64)
    if landmarks.ndim != 3 or landmarks.shape[1:] != (68, 2):
        raise ValueError(f"expected landmarks (N, 68, 2), got {landmarks.shape}")
    points = five_points(landmarks)  # (N, 5, 2)
    if not np.isfinite(points).all():
        raise ValueError("landmarks must be finite, got NaN; leave out faces that were not found")
    regions = np.array(list(GLOBAL_REGIONS.values())) * size
    global_centres = np.tile(regions[:, :2], (len(points), 1, 1))
    centres = np.concatenate([global_centres, points], axis=1)[:, :, None]  # (N, 10, 1, 2)
    local_sides = np.full((len(LOCAL_REGIONS), 2), _LOCAL_SIDE * size)
    sides = np.concatenate([regions[:, 2:], local_sides])[:, None]  # (10, 1, 2)
    half = sides * np.array(PATCH_SCALES)[:, None] / 2  # (10, 3, 2)
    upright = np.concatenate([centres - half, centres + half], axis=-1)  # (N, 10, 3, 4)
    upright = upright.reshape(len(points), -1, 4)
    flipped = upright[..., [2, 1, 0, 3]]
    return np.concatenate([upright, flipped], axis=1)

"""The 60 patches of an aligned face: ten regions, three scales, original and flipped (`i2cnn`, section 3.1).

The paper takes its regions from the DeepID work (Sun et al. 2014), which shows them as pictures: five are parts of the weakly aligned
face, five are centred on the eye centres, the nose tip and the mouth's corners. The rectangles here are ours, in one table.

Convention
- A box is `(x0, y0, x1, y1)` in pixels of the aligned face, edges not pixel centres: the whole picture is `(0, 0, S, S)`. It may lie
  between pixels and reach beyond the border, where the outermost pixels are repeated.
- A box whose x0 is the larger is read from right to left: a flipped patch.
- The patches' order: for each region its three scales, from tight to wide; then all of it again, flipped.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import ArrayLike
from torch import Tensor

from ferkit.landmarks import REGIONS

# Centre, width and height of the global regions at scale 1, shares of the aligned face's side (eyes at 0.30, upper lip at 0.58 of it).
GLOBAL = {
    "face": (0.50, 0.46, 0.84, 0.84),
    "upper face": (0.50, 0.30, 0.84, 0.50),
    "lower face": (0.50, 0.62, 0.84, 0.56),
    "left half": (0.68, 0.46, 0.52, 0.84),  # the subject's left
    "right half": (0.32, 0.46, 0.52, 0.84),
}
LOCAL = ("right eye", "left eye", "nose tip", "right mouth corner", "left mouth corner")
LOCAL_SIDE = 0.36  # of the squares around the five points at scale 1
SCALES = (0.75, 1.0, 1.3)
NAMES = tuple(f"{name} x {scale:g}" for name in (*GLOBAL, *LOCAL) for scale in SCALES)  # of the 30 that are not flipped
COUNT = 2 * len(NAMES)
CHOSEN = {  # which patches stand for the paper's k
    1: (NAMES.index("face x 1"),),
    5: tuple(NAMES.index(f"{name} x 1") for name in LOCAL),
    60: tuple(range(COUNT)),
}


def number(region: str, scale: float = 1.0, *, flipped: bool = False) -> int:
    """The place of a patch in the order of all 60; ValueError for an unknown region or scale."""
    if (name := f"{region} x {scale:g}") not in NAMES:
        scales = ", ".join(f"{known:g}" for known in SCALES)
        raise ValueError(f"no patch {name!r}; regions: {', '.join((*GLOBAL, *LOCAL))}; scales: {scales}")
    return NAMES.index(name) + flipped * len(NAMES)


def five_points(landmarks: ArrayLike) -> np.ndarray:
    """The subject's right and left eye centre, nose tip, right and left mouth corner: `(N, 68, 2)` to `(N, 5, 2)`."""
    points = np.asarray(landmarks, dtype=np.float64)
    if points.ndim != 3 or points.shape[1:] != (68, 2):
        raise ValueError(f"expected landmarks (N, 68, 2), got {points.shape}")
    eyes = [points[:, REGIONS[name]].mean(1) for name in ("right_eye", "left_eye")]
    return np.stack([*eyes, points[:, 30], points[:, 48], points[:, 54]], axis=1)


def boxes(landmarks: ArrayLike, size: int) -> np.ndarray:
    """The boxes `(N, 60, 4)` of faces with landmarks `(N, 68, 2)` on aligned pictures of `size` pixels."""
    points = five_points(landmarks)
    if not np.isfinite(points).all():
        raise ValueError("some faces have landmarks that are nan: leave faces that were not found out first")
    whole = np.tile(np.array([place[:2] for place in GLOBAL.values()]) * size, (len(points), 1, 1))
    sides = np.array([*(place[2:] for place in GLOBAL.values()), *[(LOCAL_SIDE, LOCAL_SIDE)] * len(LOCAL)]) * size
    centres = np.concatenate([whole, points + 0.5], axis=1)[:, :, None]  # a landmark names a pixel's middle
    half = (sides[:, None] * np.array(SCALES)[:, None] / 2)[None]
    upright = np.concatenate([centres - half, centres + half], axis=-1).reshape(len(points), -1, 4)
    return np.concatenate([upright, upright[..., [2, 1, 0, 3]]], axis=1)


def cut(images: np.ndarray, boxes: ArrayLike, side: int, *, workers: int | None = None) -> np.ndarray:
    """The patches `(N, P, side, side[, 3])` uint8 in boxes `(N, P, 4)` of pictures `(N, S, S[, 3])` uint8, one bilinear sample a pixel.

    `workers` threads share the pictures (default: one for each processor).
    """
    where = _checked(np.asarray(boxes, dtype=np.float64), len(images), side)
    out = np.empty((*where.shape[:2], side, side, *images.shape[3:]), np.uint8)
    count = max(1, min(workers or os.cpu_count() or 1, len(images)))
    shares = [slice(i * len(images) // count, (i + 1) * len(images) // count) for i in range(count)]
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(lambda share: _cut(images[share], where[share], out[share]), shares))
    return out


def _cut(images: np.ndarray, where: np.ndarray, out: np.ndarray) -> None:
    side, flags = out.shape[2], cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    for image, row, patches in zip(images, where, out, strict=True):
        for (x0, y0, x1, y1), patch in zip(row, patches, strict=True):
            a, b = (x1 - x0) / side, (y1 - y0) / side
            matrix = np.array([[a, 0, x0 + a / 2 - 0.5], [0, b, y0 + b / 2 - 0.5]])
            cv2.warpAffine(image, matrix, (side, side), dst=patch, flags=flags, borderMode=cv2.BORDER_REPLICATE)


def cut_tensor(images: Tensor, boxes: Tensor, side: int) -> Tensor:
    """The same patches `(N, P, C, side, side)` as float, of pictures `(N, C, S, S)` on any device, in one batched call."""
    where = _checked(boxes, len(images), side)
    steps = (torch.arange(side, device=images.device, dtype=torch.float32) + 0.5) / side
    start, span = where[..., :2].float(), (where[..., 2:] - where[..., :2]).float()
    at = start[..., None, :] + span[..., None, :] * steps[:, None]  # (N, P, side, 2)
    size = torch.tensor([images.shape[3], images.shape[2]], device=images.device)
    at = 2 * at / size - 1
    n, p = where.shape[:2]
    grid = torch.stack([at[..., None, :, 0].expand(n, p, side, side), at[..., :, None, 1].expand(n, p, side, side)], -1)
    found = F.grid_sample(
        images.float(), grid.reshape(n, p * side, side, 2), padding_mode="border", align_corners=False
    )
    return found.view(n, images.shape[1], p, side, side).transpose(1, 2)


def _checked(boxes, count: int, side: int):
    if boxes.ndim != 3 or boxes.shape[0] != count or boxes.shape[2] != 4:
        raise ValueError(f"expected boxes ({count}, P, 4), one row for each picture, got {tuple(boxes.shape)}")
    if side < 1:
        raise ValueError(f"patches need at least one pixel, got {side}")
    if bool((boxes[..., 2] == boxes[..., 0]).any()) or bool((boxes[..., 3] <= boxes[..., 1]).any()):
        raise ValueError("a box has no width, or its y1 is not below its y0")
    return boxes

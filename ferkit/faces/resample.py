"""Resample sequences of pictures or points to another number of frames.

H. Jung et al., "Joint Fine-Tuning in Deep Neural Networks for Facial Expression Recognition", ICCV
2015, section 3.1; the interpolation is Z. Zhou, G. Zhao and M. Pietikäinen's, "Towards a practical
lipreading system", CVPR 2011, section 3.

The frames x_0 ... x_{n-1} are the nodes of a path, each joined to the next. The eigenvectors of its
Laplacian are cosines, and the k-th, `cos(pi k (2 i + 1) / 2 n)` at frame i, is also defined between
the frames, at any real s in place of i. Zhou et al. map the frames to these curves by an SVD and
least squares. Since n cosines span everything that n frames can be, the result is the one sum of
cosines through all frames:

    x(s) = sum_i w_i(s) x_i
    w_i(s) = 1/n + 2/n sum_{k=1}^{n-1} cos(pi k (2 i + 1) / 2 n) cos(pi k (2 s + 1) / 2 n)

So one `(m, n)` matrix brings a sequence to m frames, whatever a frame is made of. The result is
exact at the given frames, for hundreds of them, and overshoots: a sudden step by up to 14 %, so
pictures are clipped to 0 ... 255. One frame is repeated; between two, half a cosine blends.
Interpolation by `linear` does not overshoot.

Convention
- Time is the first axis of a sequence `(T, ...)`. Positions in time count given frames from 0; m
  frames lie evenly from the first frame to the last, and m = 1 is the middle.

Where we differ
- Faces are found in the given frames, and the crops are interpolated. The paper interpolates first
  and then looks for faces, in blended frames too.
- Frames without a face are filled linearly in time, the ends with the nearest face. The paper does
  not say.
"""

from collections.abc import Sequence

import numpy as np

INTERPOLATIONS = ("cosine", "linear")


def positions(given: int, count: int) -> np.ndarray:
    """The positions of `count` frames among `given` ones, evenly from 0 to given - 1.

    A single one lies in the middle.
    """
    if given < 1 or count < 1:
        raise ValueError(
            f"expected at least one frame given and one wanted, got {given} and {count}"
        )
    if count == 1:
        return np.array([(given - 1) / 2])
    return np.linspace(0, given - 1, count)


def cosine_weights(given: int, at: np.ndarray) -> np.ndarray:
    """The weights `(M, given)` of cosine interpolation at positions `(M,)`."""
    k = np.arange(given)
    old = _cosines(k, given)
    new = _cosines(np.asarray(at, float), given)
    return new * np.where(k == 0, 1, 2) / given @ old.T


def _cosines(at: np.ndarray, given: int) -> np.ndarray:
    return np.cos(np.pi * np.arange(given) * (2 * at[:, None] + 1) / (2 * given))


def linear_weights(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """The weights `(M, K)` of linear interpolation, from K ascending positions to M.

    Beyond the ends the nearest frame is held.
    """
    return np.stack([np.interp(at, known, column) for column in np.eye(len(known))], axis=1)


def resample(
    frames: np.ndarray | Sequence[np.ndarray],
    count: int,
    *,
    method: str = "cosine",
    found: np.ndarray | None = None,
    name: str = "the sequence",
) -> np.ndarray:
    """Bring a sequence `(T, ...)` of pictures or points to `count` frames, `(count, ...)`.

    uint8 pictures stay uint8, rounded and clipped. A missing frame (with a NaN in it, or not in the
    mask `found` `(T,)`) is filled first. ValueError, with the sequence's `name`, when all frames
    are missing or when they differ in size.
    """
    if method not in INTERPOLATIONS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(INTERPOLATIONS)}")
    frames = _stack(frames, name)
    length = len(frames)
    present = ~np.isnan(frames).reshape(length, -1).any(1)
    if found is not None:
        if np.shape(found) != present.shape:
            raise ValueError(
                f"{name}: expected a mask of {length} frames, got shape {np.shape(found)}"
            )
        present = present & np.asarray(found, dtype=bool)
    if not present.any():
        raise ValueError(f"{name}: none of its {length} frames has a face; leave it out")
    known = np.flatnonzero(present)
    at = positions(length, count)
    if method == "cosine":
        weights = cosine_weights(length, at) @ linear_weights(known, np.arange(length))
    else:
        weights = linear_weights(known, at)
    rows = frames[known].reshape(len(known), -1).astype(float)
    values = (weights @ rows).reshape(count, *frames.shape[1:])
    if frames.dtype == np.uint8:
        return np.rint(values).clip(0, 255).astype(np.uint8)
    return values.astype(frames.dtype)


def _stack(frames: np.ndarray | Sequence[np.ndarray], name: str) -> np.ndarray:
    """The frames as one array, uint8 or floating point."""
    sizes = [np.shape(frame) for frame in frames]
    if not sizes:
        raise ValueError(f"{name}: a sequence needs at least one frame")
    for index, size in enumerate(sizes):
        if size != sizes[0]:
            raise ValueError(
                f"{name}: frame {index} is {_as_text(size)} but frame 0 is {_as_text(sizes[0])}; "
                "crop the faces to one size before interpolating"
            )
    array = np.asarray(frames)
    return array if array.dtype == np.uint8 or array.dtype.kind == "f" else array.astype(float)


def _as_text(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size)) or "a single number"

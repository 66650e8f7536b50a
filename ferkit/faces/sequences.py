"""Sequences of one length: frames between frames, for pictures and for points, and the fourteen versions of each.

H. Jung et al., "Joint Fine-Tuning in Deep Neural Networks for Facial Expression Recognition", ICCV 2015, sections 3.1,
3.3 and 3.4; the interpolation is Z. Zhou, G. Zhao and M. Pietikäinen's, "Towards a practical lipreading system", CVPR
2011, section 3.

The frames x_0 ... x_{n-1} are taken for the nodes of a path, each joined to the next. The eigenvectors of its Laplacian
are cosines, and the k-th, `cos(pi k (2 i + 1) / 2 n)` at frame i, is as well defined between the frames, at any real s
in place of i. Zhou et al. map the frames to these curves by an SVD and least squares. As n cosines span everything n
frames can be, what comes out is the one sum of cosines through all frames:

    x(s) = sum_i w_i(s) x_i,    w_i(s) = 1/n + 2/n sum_{k=1}^{n-1} cos(pi k (2 i + 1) / 2 n) cos(pi k (2 s + 1) / 2 n)

So a sequence is brought to m frames by one `(m, n)` matrix, whatever a frame is made of. It is exact at the frames
given, for hundreds of them, and it overshoots: a sudden step by up to 14 %, so pictures are clipped to 0 ... 255.
One frame is repeated; between two, half a cosine blends. `linear` interpolation does not overshoot.

Convention
- Time is the first axis of a sequence `(T, ...)` and the second of a batch `(N, T, ...)`. Positions in time count frames
  given from 0; m frames lie evenly from the first frame to the last, and m = 1 is the middle.
- Version 0 is the example itself, 1 to 6 are its six variations, 7 to 13 the same seven mirrored.

Where we differ
- Faces are found in the frames that were taken, and the crops are interpolated. The paper interpolates first and then
  looks for faces, also in blended frames.
- Frames without a face are filled linearly in time, the ends with the nearest face. The paper does not say.
- `vary` draws one of the fourteen versions of each example in each epoch; fourteen epochs stand for one of the paper's.
- The versions are made when they are needed, so noise and angles of points differ from one epoch to the next.
- Corners that a rotation uncovers repeat the picture's edge, and noise has one level for all points. The paper gives no
  borders, and sigma_i = 0.01 for every i.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F

from ferkit.landmarks import mirror

ANGLES = (-15, -10, -5, 5, 10, 15)  # of pictures, degrees, positive clockwise as seen
NOISE = 0.01  # sigma of equation 5, in units of normalised points
TURN = math.pi / 10  # theta(t) of equation 6 is uniform between minus and plus this
VERSIONS = 14

METHODS = ("cosine", "linear")


def positions(given: int, count: int) -> np.ndarray:
    """Where `count` frames lie among `given` ones, `(count,)`: evenly from 0 to given - 1; a single one in the middle."""
    if given < 1 or count < 1:
        raise ValueError(f"expected at least one frame given and one wanted, got {given} and {count}")
    return np.linspace(0, given - 1, count) if count > 1 else np.array([(given - 1) / 2])


def cosine_weights(given: int, at: np.ndarray) -> np.ndarray:
    """The temporal interpolation model as a matrix `(M, given)`: a row of weights for each position in `at` `(M,)`."""
    k = np.arange(given)
    new, old = (np.cos(np.pi * k * (2 * where[:, None] + 1) / (2 * given)) for where in (np.asarray(at, float), k))
    return new * np.where(k == 0, 1, 2) / given @ old.T


def linear_weights(known: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Linear interpolation as a matrix `(M, K)`, from K ascending positions to M; beyond the ends the nearest is held."""
    return np.stack([np.interp(at, known, column) for column in np.eye(len(known))], axis=1)


def resample(
    frames: np.ndarray | Sequence[np.ndarray],
    count: int,
    *,
    method: str = "cosine",
    found: np.ndarray | None = None,
    name: str = "the sequence",
) -> np.ndarray:
    """A sequence `(T, ...)` of pictures or points brought to `count` frames: `(count, ...)`.

    uint8 pictures stay uint8, rounded and clipped. A frame that is missing (with a NaN in it, or not in the mask `found`
    `(T,)`) is filled first. ValueError, with the sequence's `name`, when all frames are missing or differ in size.
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; known: {', '.join(METHODS)}")
    frames = _stacked(frames, name)
    there = (
        ~np.isnan(frames).reshape(len(frames), -1).any(1) if frames.dtype.kind == "f" else np.ones(len(frames), bool)
    )
    if found is not None:
        if np.shape(found) != there.shape:
            raise ValueError(f"{name}: expected a mask of {len(frames)} frames, got shape {np.shape(found)}")
        there = there & np.asarray(found, dtype=bool)
    if not there.any():
        raise ValueError(f"{name}: none of its {len(frames)} frames has a face; leave it out")
    known, at = np.flatnonzero(there), positions(len(frames), count)
    if method == "cosine":
        weights = cosine_weights(len(frames), at) @ linear_weights(known, np.arange(len(frames)))
    else:
        weights = linear_weights(known, at)
    kept = frames[known]
    values = (weights @ kept.reshape(len(kept), -1).astype(float)).reshape(count, *frames.shape[1:])
    return np.rint(values).clip(0, 255).astype(np.uint8) if frames.dtype == np.uint8 else values.astype(frames.dtype)


def _stacked(frames: np.ndarray | Sequence[np.ndarray], name: str) -> np.ndarray:
    sizes = [np.shape(frame) for frame in frames]
    if not sizes:
        raise ValueError(f"{name}: a sequence needs at least one frame")
    if odd := [place for place, size in enumerate(sizes) if size != sizes[0]]:
        raise ValueError(
            f"{name}: frame {odd[0]} is {_times(sizes[odd[0]])} but frame 0 is {_times(sizes[0])}; "
            "crop the faces to one size before interpolating"
        )
    array = np.asarray(frames)
    return array if array.dtype == np.uint8 or array.dtype.kind == "f" else array.astype(float)


def _times(size: tuple[int, ...]) -> str:
    return " x ".join(map(str, size)) or "a single number"


# The fourteen versions of section 3.4


def vary_pictures(pictures: torch.Tensor, versions: torch.Tensor) -> torch.Tensor:
    """The version of each sequence `(N, T, H, W)` that `versions` `(N,)` names: turned by an angle, mirrored, or neither.

    The picture is turned first and then mirrored. Floats stay what they are, uint8 is rounded.
    """
    _check(pictures, versions, 4)
    degrees = torch.tensor([0, *ANGLES], device=pictures.device)[versions % 7]
    theta = degrees * (math.pi / 180)
    sign = torch.where(versions >= 7, -1.0, 1.0)
    cos, sin, zero = theta.cos(), theta.sin(), torch.zeros_like(theta)
    # From a place in the result to the place in the picture it shows: first mirrored back, then turned back.
    back = torch.stack([torch.stack([sign * cos, sin, zero], -1), torch.stack([-sign * sin, cos, zero], -1)], -2)
    grid = F.affine_grid(back.to(torch.float32), list(pictures.shape), align_corners=False)
    values = pictures if pictures.is_floating_point() else pictures.float()
    turned = F.grid_sample(values, grid.to(values.dtype), padding_mode="border", align_corners=False)
    return turned if pictures.is_floating_point() else turned.round().to(pictures.dtype)


def vary_points(points: torch.Tensor, versions: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The version of each normalised trajectory `(N, T, 49, 2)` that `versions` `(N,)` names: equations 5 and 6.

    1 to 3 add Gaussian noise, 4 to 6 turn each frame about the nose by its own angle; mirrored ones swap left and right.
    """
    _check(points, versions, 4)
    kind, shape = versions % 7, (*points.shape[:2], 1, 1)
    device, dtype = points.device, points.dtype
    noise = NOISE * torch.randn(points.shape, generator=generator, device=device, dtype=dtype)
    theta = TURN * (2 * torch.rand(shape, generator=generator, device=device, dtype=dtype) - 1)
    x, y = points.split(1, dim=-1)
    turned = torch.cat([theta.cos() * x - theta.sin() * y, theta.sin() * x + theta.cos() * y], dim=-1)
    at = kind.reshape(-1, 1, 1, 1)
    varied = torch.where(at == 0, points, torch.where(at <= 3, points + noise, turned))
    return torch.where((versions >= 7).reshape(-1, 1, 1, 1), mirror_points(varied), varied)


def mirror_points(points: torch.Tensor) -> torch.Tensor:
    """Normalised points `(..., 49 or 68, 2)` of the mirrored face, as `landmarks.mirror` with width 0 gives them."""
    numbers = np.arange(points.shape[-2])
    order = torch.from_numpy(mirror(np.stack([numbers, numbers], axis=-1), 0)[:, 1]).long()
    return points[..., order.to(points.device), :] * torch.tensor([-1, 1], dtype=points.dtype, device=points.device)


def draw_versions(count: int, generator: torch.Generator) -> torch.Tensor:
    """One of the fourteen for each of `count` examples, `(count,)`, on the generator's device."""
    return torch.randint(VERSIONS, (count,), generator=generator, device=generator.device)


def every_version(count: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The complete set: which example and which version each of the 14 x `count` rows is, twice `(14 * count,)`."""
    return torch.arange(count).repeat_interleave(VERSIONS), torch.arange(VERSIONS).repeat(count)


def vary(inputs: tuple[torch.Tensor, ...], generator: torch.Generator) -> tuple[torch.Tensor, ...]:
    """One of the fourteen versions of each example, drawn anew: what `train` takes as `augment`.

    Of the inputs those with points in their last axes `(N, T, 49, 2)` are points, the others pictures `(N, T, H, W)`.
    Both get the same version, so they are mirrored together.
    """
    versions = draw_versions(len(inputs[0]), generator)
    return tuple(
        vary_points(x, versions, generator) if x.shape[-2:] == (49, 2) else vary_pictures(x, versions) for x in inputs
    )


def _check(values: torch.Tensor, versions: torch.Tensor, axes: int) -> None:
    if values.ndim != axes or versions.shape != values.shape[:1]:
        got = f"{tuple(values.shape)} and {tuple(versions.shape)}"
        raise ValueError(f"expected sequences of {axes} axes and a version for each, got {got}")

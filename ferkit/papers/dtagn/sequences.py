"""What DTAN and DTGN are trained on: sequences of one length, and their fourteen versions.

H. Jung et al., ICCV 2015, sections 3.1, 3.3 and 3.4.

Where we differ
- Each frame is aligned on its own, by eye centre and upper lip (`faces.align`); the paper crops
  what the detector found and says nothing of rotation. A raised upper lip therefore enlarges the
  face a little.
- Landmarks are found on the aligned crop, as in the paper on the crop, by dlib in place of
  IntraFace.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from ferkit.core.landmarks import SUBSET_49, mirror, normalise
from ferkit.data.clip import Clip
from ferkit.faces.prepared import Prepared
from ferkit.faces.resample import resample

VERSIONS = 14
_ANGLES = (-15, -10, -5, 5, 10, 15)  # of pictures, degrees, positive clockwise as seen
_NOISE = 0.01  # sigma of equation 5, in units of normalised points
_MAX_ROTATION = math.pi / 10  # theta(t) of equation 6 is uniform between minus and plus this


# From prepared clips to tensors


@dataclass(frozen=True, eq=False)
class Sequences:
    """Sequences of T frames, one for each clip.

    `pictures` `(N, T, S, S)` uint8 grey, `points` `(N, T, 49, 2)` float32, normalised by
    equation 3, `labels` `(N,)` int64 classes, `people` `(N,)` names, `filled` `(N,)` how many of a
    clip's own frames had no face.
    """

    pictures: torch.Tensor
    points: torch.Tensor
    labels: torch.Tensor
    people: np.ndarray
    filled: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


def build_sequences(
    clips: Sequence[Clip], prepared: Prepared, classes: Sequence[str], frames: int = 12
) -> Sequences:
    """Resample clips, prepared in grey, to `frames` frames; `classes` orders the labels.

    Frames without a face, a first one too, are filled from their neighbours in time. ValueError
    names a clip without any face or with an emotion that is no class, and is raised when
    `prepared` belongs to other clips or is in colour.
    """
    _check_prepared(clips, prepared, classes)
    found = prepared.table["found"].to_numpy(bool)
    images = np.asarray(prepared.images)
    landmarks = prepared.landmarks[:, SUBSET_49]
    pictures = []
    points = []
    filled = []
    end = 0
    for clip in clips:
        rows = slice(end, end + len(clip.frames))
        end = rows.stop
        name = f"{clip.dataset} {clip.name}"
        pictures.append(resample(images[rows], frames, found=found[rows], name=name))
        own_points = resample(landmarks[rows], frames, found=found[rows], name=name)
        points.append(normalise(own_points))
        filled.append(int((~found[rows]).sum()))
    return Sequences(
        torch.from_numpy(np.stack(pictures)),
        torch.from_numpy(np.stack(points).astype(np.float32)),
        torch.tensor([list(classes).index(clip.emotion) for clip in clips]),
        np.array([clip.person for clip in clips]),
        np.array(filled),
    )


def _check_prepared(clips: Sequence[Clip], prepared: Prepared, classes: Sequence[str]) -> None:
    if prepared.images is None or prepared.images.ndim != 3:
        raise ValueError(
            "expected pictures prepared in grey and kept; call `prepare(clips, 64, grey=True)`"
        )
    paths: list[str] = []
    for clip in clips:
        paths += [str(frame) for frame in clip.frames]
    if paths != prepared.table["path"].tolist():
        raise ValueError(
            f"these {len(clips)} clips are not those that were prepared; prepare them in this order"
        )
    for clip in clips:
        if clip.emotion not in classes:
            raise ValueError(
                f"{clip.dataset} {clip.name} shows {clip.emotion}, "
                f"which is none of {', '.join(classes)}; leave such clips out first"
            )


# The fourteen versions of section 3.4


def vary_pictures(pictures: torch.Tensor, versions: torch.Tensor) -> torch.Tensor:
    """Rotate and mirror sequences `(N, T, H, W)` by version, 0 to 13, `(N,)`.

    The picture is first rotated, then mirrored. Floats keep their type, uint8 is rounded.
    """
    _check_versions(pictures, versions)
    degrees = torch.tensor([0, *_ANGLES], device=pictures.device)[versions % 7]
    theta = degrees * (math.pi / 180)
    sign = torch.where(versions >= 7, -1.0, 1.0)
    cos = theta.cos()
    sin = theta.sin()
    zero = torch.zeros_like(theta)
    # From a place in the result to the place in the picture: mirrored back, then rotated back.
    x_row = torch.stack([sign * cos, sin, zero], -1)
    y_row = torch.stack([-sign * sin, cos, zero], -1)
    back = torch.stack([x_row, y_row], -2).to(torch.float32)  # (N, 2, 3)
    grid = F.affine_grid(back, list(pictures.shape), align_corners=False)
    values = pictures if pictures.is_floating_point() else pictures.float()
    varied = F.grid_sample(
        values, grid.to(values.dtype), padding_mode="border", align_corners=False
    )
    return varied if pictures.is_floating_point() else varied.round().to(pictures.dtype)


def vary_points(
    points: torch.Tensor, versions: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Vary normalised trajectories `(N, T, 49, 2)` by version `(N,)` (equations 5 and 6).

    Versions 1 to 3 add Gaussian noise, 4 to 6 rotate each frame about the nose by its own angle,
    0 changes nothing; 7 to 13 are the mirrored ones.
    """
    _check_versions(points, versions)
    options = {"generator": generator, "device": points.device, "dtype": points.dtype}
    noise = _NOISE * torch.randn(points.shape, **options)  # type: ignore[call-overload]
    uniform = torch.rand((*points.shape[:2], 1, 1), **options)  # type: ignore[call-overload]
    theta = _MAX_ROTATION * (2 * uniform - 1)
    x, y = points.split(1, dim=-1)
    rotated_x = theta.cos() * x - theta.sin() * y
    rotated_y = theta.sin() * x + theta.cos() * y
    rotated = torch.cat([rotated_x, rotated_y], dim=-1)
    version = versions.reshape(-1, 1, 1, 1)
    kind = version % 7
    varied = torch.where(kind <= 3, points + noise, rotated)
    varied = torch.where(kind == 0, points, varied)
    return torch.where(version >= 7, mirror_points(varied), varied)


def mirror_points(points: torch.Tensor) -> torch.Tensor:
    """Mirror normalised points `(..., 49 or 68, 2)`, as `landmarks.mirror` does at width 0."""
    numbers = np.arange(points.shape[-2])
    order = mirror(np.stack([numbers, numbers], axis=-1), 0)[:, 1]
    rows = torch.from_numpy(order).long().to(points.device)
    sign = torch.tensor([-1, 1], dtype=points.dtype, device=points.device)
    return points[..., rows, :] * sign


def draw_versions(count: int, generator: torch.Generator) -> torch.Tensor:
    """Draw one of the fourteen versions for each example, `(count,)`, on the generator's device."""
    return torch.randint(VERSIONS, (count,), generator=generator, device=generator.device)


def vary_sequences(
    inputs: tuple[torch.Tensor, ...], generator: torch.Generator
) -> tuple[torch.Tensor, ...]:
    """Replace each example by one of its fourteen versions: the `augment` of a training.

    Inputs `(N, T, 49, 2)` are points, the others pictures `(N, T, H, W)`. Both get the same
    version, so they are mirrored together.
    """
    versions = draw_versions(len(inputs[0]), generator)
    varied = []
    for values in inputs:
        if values.shape[-2:] == (49, 2):
            varied.append(vary_points(values, versions, generator))
        else:
            varied.append(vary_pictures(values, versions))
    return tuple(varied)


def _check_versions(values: torch.Tensor, versions: torch.Tensor) -> None:
    if values.ndim != 4 or versions.shape != values.shape[:1]:
        raise ValueError(
            "expected sequences of 4 axes and a version for each, "
            f"got {tuple(values.shape)} and {tuple(versions.shape)}"
        )

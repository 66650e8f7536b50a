"""Grad-CAM maps of many drawn faces: of the emotion shown, of control networks, on average.

Convention
- Maps are `(N, H, W)` as of `grad_cam`, each with a matrix `(2, 3)` from its picture's pixels to
  the map's. Landmarks are `(N, 68, 2)` in the map's pixels, pixel centres at integer + 0.5.
"""

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from ferkit.core.labels import compound_name
from ferkit.explain.drawn_faces import DrawnFace, DrawnSequence
from ferkit.explain.grad_cam import grad_cam, map_placement, network_maps
from ferkit.faces import align
from ferkit.training.layers import as_floats
from ferkit.training.seeds import mixed
from ferkit.training.spec import Network

_OUTER_EYE_CORNERS = [36, 45]  # of the subject's right and left eye
# How far an outer eye corner may lie from its mean in a frontal face, in widths of the map.
_FRONTAL_SHARE = 0.06


# Maps


def find_class(network: Network, emotion: str) -> int | None:
    """Find the index of an emotion among a network's classes, single or compound, or None."""
    for name in (emotion, compound_name(None, emotion)):
        if name in network.names:
            return network.names.index(name)
    return None


def map_faces(
    network: Network,
    faces: Sequence[DrawnFace],
    layer: str | None = None,
    *,
    all_classes: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """Explain the emotion shown: maps `(N, H, W)` and matrices `(N, 2, 3)`.

    With `all_classes` the sum of all scores of a network of single pictures. ValueError when the
    network has no class of an emotion shown.
    """
    indices: list[int] = []
    missing = set()
    for face in faces:
        index = find_class(network, face.emotion)
        if index is None:
            missing.add(face.emotion)
        else:
            indices.append(index)
    if missing:
        raise ValueError(
            f"the network has no class {', '.join(sorted(missing))}; "
            f"it has {', '.join(network.names)}"
        )
    if network.frames > 1:
        return _map_sequences(network, faces, indices, layer)
    shown = [(face.image, face.face) for face in faces]
    pairs = network_maps(network, shown, None if all_classes else indices, layer)
    return np.stack([heat for heat, _ in pairs]), np.stack([matrix for _, matrix in pairs])


def list_convolutions(network: Network) -> list[str]:
    """Name the rectified convolutions of a sequence network, which Grad-CAM can explain."""
    hidden: Iterable[nn.Module] = network.module.hidden  # type: ignore[assignment]
    return [
        f"hidden.{place}"
        for place, layer in enumerate(hidden, start=1)
        if isinstance(layer, nn.Conv2d)
    ]


def _map_sequences(
    network: Network, faces: Sequence[DrawnFace], classes: Sequence[int], layer: str | None
) -> tuple[np.ndarray, np.ndarray]:
    """Explain the last convolution, or the layer named: one map for all pictures of a sequence."""
    sequences = [face for face in faces if isinstance(face, DrawnSequence)]
    if len(sequences) < len(faces):
        raise ValueError(
            f"{network.kind} sees {network.frames} pictures at once; "
            "give it sequences as of `redraw_sequences`"
        )
    name = layer or list_convolutions(network)[-1]
    pictures = np.stack([sequence.pictures for sequence in sequences])
    module = network.module
    heat = grad_cam(module, module.get_submodule(name), torch.from_numpy(pictures), classes)
    last = int(name.removeprefix("hidden."))
    placement = map_placement(module.hidden[: last + 1], pictures.shape[-1])  # type: ignore[index]
    matrices = [align.compose(placement, sequence.matrix) for sequence in sequences]
    return heat, np.stack(matrices)


def map_changes(sequences: Sequence[DrawnSequence]) -> tuple[np.ndarray, np.ndarray]:
    """Map the change of grey levels from the first picture to the peak, without any network.

    Maps `(N, S, S)` and matrices as of `map_faces`.
    """
    ends = [sequence.pictures[[0, sequence.peak]] for sequence in sequences]
    matrices = [sequence.matrix for sequence in sequences]
    changes = mean_change(torch.from_numpy(np.stack(ends).astype(np.float32)))
    return changes, np.stack(matrices)


def mean_change(pictures: Tensor) -> np.ndarray:
    """Return the mean absolute difference of successive frames, `(N, T, H, W)` to `(N, H, W)`."""
    (frames,) = as_floats((pictures,))
    return frames.diff(dim=1).abs().mean(1).numpy()


def shuffle_weights(network: Network, seed: int = 0) -> Network:
    """Copy a network with the numbers of every weight tensor in random order: the control.

    Its maps score what they would without training (J. Adebayo et al. 2018, "Sanity checks for
    saliency maps").
    """
    module = copy.deepcopy(network.module)
    generator = torch.Generator().manual_seed(mixed(seed))
    with torch.no_grad():
        for weights in module.parameters():
            order = torch.randperm(weights.numel(), generator=generator).to(weights.device)
            weights.copy_(weights.flatten()[order].view_as(weights))
    return replace(network, module=module)


# Frontal faces and mean maps


def find_frontal(landmarks: ArrayLike, epsilon: float) -> np.ndarray:
    """Tell which faces look straight ahead, `(N,)` bool.

    Both outer eye corners lie within `epsilon` pixels of their means (I. Tautkute and
    T. Trzcinski, Fundamenta Informaticae 2019, equation 5).
    """
    corners = np.asarray(landmarks, dtype=np.float64)[:, _OUTER_EYE_CORNERS]
    return (np.linalg.norm(corners - corners.mean(0), axis=2) < epsilon).all(1)


def find_upright(
    faces: Sequence[DrawnFace], heat: np.ndarray, matrices: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Tell which faces look straight ahead, and return all landmarks in the maps' pixels."""
    landmarks = np.stack(
        [align.apply(matrix, face.landmarks) for face, matrix in zip(faces, matrices, strict=True)]
    )
    return find_frontal(landmarks, _FRONTAL_SHARE * heat.shape[1]), landmarks


def mean_maps(
    maps: np.ndarray, labels: Sequence[str], names: Iterable[str]
) -> dict[str, np.ndarray]:
    """Average the maps of each of the emotions `names`, `(H, W)`; absent emotions have none."""
    if len(labels) != len(maps):
        raise ValueError(
            f"expected a label for each map, got {len(maps)} maps and {len(labels)} labels"
        )
    shown = np.asarray(labels)
    return {name: maps[shown == name].mean(0) for name in names if (shown == name).any()}


def find_nearest_map(maps: np.ndarray, mean: np.ndarray) -> int:
    """Find the map with the smallest squared difference from a mean map; return its row."""
    return int(((maps - mean) ** 2).sum((1, 2)).argmin())


# From pictures to maps


def bring_to_map(values: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample values at a picture's pixels `(S, S)` at a map's, `size` (width, height)."""
    square = align.align(np.ascontiguousarray(values, np.float32), matrix, max(size))
    return square[: size[1], : size[0]]


def bring_picture_to_map(face: DrawnFace, matrix: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Cut the picture `(H, W, 3)` uint8 that lies under a map of this shape and matrix."""
    return align.align(face.image, matrix, max(shape))[: shape[0], : shape[1]]

"""What DTAN and DTGN have learnt: first-layer filters, responses to motion, important landmarks.

H. Jung et al., ICCV 2015, section 4.
"""

import warnings

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.explain.face_maps import mean_change
from ferkit.explain.features import find_first_layer, layer_outputs
from ferkit.training.layers import as_floats


def first_filters(network: nn.Module) -> np.ndarray:
    """Return the weights of the first convolution, `(n, T, k, k)`: a kernel for each frame."""
    return _weights(find_first_layer(network, nn.Conv2d))


def first_responses(network: nn.Module, pictures: Tensor) -> np.ndarray:
    """Return the first feature maps of sequences, `(N, T, H, W)` to `(N, n, h, w)`.

    `max(0, w * x + b)`, equation 1.
    """
    layer = find_first_layer(network, nn.Conv2d)
    return np.maximum(layer_outputs(network, layer, (pictures,)), 0)


def landmark_importance(network: nn.Module, landmarks: int = 49) -> np.ndarray:
    """Return the mean absolute first-layer weight of each landmark, `(L,)` (figure 7).

    The mean is over coordinates, frames and units.
    """
    weights = _weights(find_first_layer(network, nn.Linear))
    if weights.shape[1] % (2 * landmarks):
        raise ValueError(
            f"{weights.shape[1]} inputs are no trajectories of {landmarks} landmarks; give DTGN"
        )
    return np.abs(weights).reshape(len(weights), -1, landmarks, 2).mean((0, 1, 3))


def find_most_important(importance: ArrayLike, count: int = 10) -> np.ndarray:
    """Return the indices of the `count` largest values, the largest first."""
    return np.argsort(-np.asarray(importance), kind="stable")[:count]


def _weights(layer: nn.Module) -> np.ndarray:
    return layer.get_parameter("weight").detach().cpu().numpy()


# Does the first layer respond to change?


def filter_shares(weights: np.ndarray) -> dict[str, np.ndarray]:
    """Split the power of filters `(n, T, k, k)` into shares, `(n,)` each.

    `change`: the part that differs from the filter's mean over time; a filter that consists of it
    alone does not see still pictures. `even`: the part left when each frame's kernel is replaced by
    its mean, as in figure 5's plain squares. `even_change`: both at once. Random weights have
    (T - 1) / T, 1 / k^2 and their product.
    """
    total = (weights**2).sum((1, 2, 3))
    varying = weights - weights.mean(1, keepdims=True)
    pixels = weights.shape[2] * weights.shape[3]
    even = pixels * (weights.mean((2, 3)) ** 2).sum(1)
    even_change = pixels * (varying.mean((2, 3)) ** 2).sum(1)
    return {
        "change": (varying**2).sum((1, 2, 3)) / total,
        "even": even / total,
        "even_change": even_change / total,
    }


def average_windows(values: ArrayLike, window: int) -> np.ndarray:
    """Average maps `(N, H, W)` over each window an unpadded convolution sees, `(N, h, w)`."""
    maps = torch.as_tensor(np.asarray(values, dtype=np.float32))
    return F.avg_pool2d(maps[:, None], window, 1)[:, 0].numpy()


def map_agreement(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Correlate feature maps `(N, n, h, w)` with their sequence's truth `(N, h, w)`: `(N, n)`.

    Over places; NaN where a map or the truth is the same everywhere.
    """
    if maps.shape[:1] + maps.shape[2:] != truth.shape:
        raise ValueError(
            "expected feature maps (N, n, h, w) and truth (N, h, w), "
            f"got {maps.shape} and {truth.shape}"
        )
    a = _centre_places(maps.reshape(*maps.shape[:2], -1))
    b = _centre_places(truth.reshape(len(truth), 1, -1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))


def _centre_places(values: np.ndarray) -> np.ndarray:
    values = values.astype(float)
    return values - values.mean(-1, keepdims=True)


def partial_agreement(with_a: ArrayLike, with_b: ArrayLike, a_with_b: ArrayLike) -> np.ndarray:
    """Return the partial correlation with `a`, holding `b` fixed, from three correlations."""
    x = np.asarray(with_a, dtype=float)
    y = np.asarray(with_b, dtype=float)
    z = np.asarray(a_with_b, dtype=float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x - y * z) / np.sqrt((1 - y**2) * (1 - z**2))


def response_shares(network: nn.Module, pictures: Tensor) -> dict[str, np.ndarray]:
    """Correlate the first feature maps of sequences `(N, T, H, W)` with change and with edges.

    Each is a partial correlation `(N,)`, the other held fixed, mean over the filters: "change" is
    the mean change of pixels from frame to frame, "edges" the gradient of the mean frame.
    """
    window = first_filters(network).shape[-1]
    (frames,) = as_floats((pictures,))
    responses = first_responses(network, pictures)
    change = average_windows(mean_change(pictures), window)
    edges = average_windows(edge_strength(frames.mean(1)), window)
    with_change = map_agreement(responses, change)
    with_edges = map_agreement(responses, edges)
    between = map_agreement(edges[:, None], change)
    with warnings.catch_warnings():
        # Maps that are zero everywhere correlate with nothing.
        warnings.simplefilter("ignore", RuntimeWarning)
        return {
            "change": np.nanmean(partial_agreement(with_change, with_edges, between), axis=1),
            "edges": np.nanmean(partial_agreement(with_edges, with_change, between), axis=1),
        }


def edge_strength(pictures: Tensor) -> np.ndarray:
    """Return the length of the gradient by central differences, `(N, H, W)` to `(N, H, W)`."""
    (frames,) = as_floats((pictures,))
    y, x = torch.gradient(frames, dim=(1, 2))
    return torch.hypot(x, y).numpy()

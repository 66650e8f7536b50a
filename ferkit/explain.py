"""What networks have learnt: features recorded on the way, first-layer filters, important landmarks, responses to motion.

H. Jung et al., ICCV 2015, section 4. Nothing here changes a network: hooks live in a `with` block.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn import functional as F

from ferkit.models.layers import as_floats


@contextmanager
def recording(layer: nn.Module) -> Iterator[list[Tensor]]:
    """Collects what `layer` puts out while the block runs, one tensor a call; the hook goes with the block."""
    outputs: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.detach().clone()))
    try:
        yield outputs
    finally:
        handle.remove()


def features(network: nn.Module, layer: nn.Module, inputs: tuple[Tensor, ...]) -> np.ndarray:
    """What `layer` puts out for these inputs in evaluation mode, `(N, ...)` float32, on the network's device.

    ValueError when the layer is not reached, or more than once.
    """
    device, training = next(network.parameters()).device, network.training
    with recording(layer) as outputs, torch.no_grad():
        network.eval()(*as_floats(tuple(x.to(device) for x in inputs)))
    network.train(training)
    if len(outputs) != 1:
        raise ValueError(f"expected the layer to be reached once, it was {len(outputs)} times: {layer}")
    return outputs[0].float().cpu().numpy()


# First layers


def first_of(network: nn.Module, kind: type[nn.Module]) -> nn.Module:
    """The first layer of this kind in the network; ValueError when it has none."""
    for layer in network.modules():
        if isinstance(layer, kind):
            return layer
    raise ValueError(f"the network has no {kind.__name__}: {network}")


def filters(network: nn.Module) -> np.ndarray:
    """The weights of the first convolution, `(n, T, k, k)`: n filters with a kernel for each frame."""
    return first_of(network, nn.Conv2d).weight.detach().cpu().numpy()  # type: ignore[union-attr, operator]


def responses(network: nn.Module, pictures: Tensor) -> np.ndarray:
    """The first feature maps `max(0, w * x + b)` `(N, n, h, w)` of picture sequences `(N, T, H, W)` (equation 1)."""
    return np.maximum(features(network, first_of(network, nn.Conv2d), (pictures,)), 0)


def landmark_importance(network: nn.Module, landmarks: int = 49) -> np.ndarray:
    """The mean absolute first-layer weight of each landmark over its coordinates, frames and units, `(L,)` (figure 7)."""
    weights = first_of(network, nn.Linear).weight.detach().cpu().numpy()  # type: ignore[union-attr, operator]
    if weights.shape[1] % (2 * landmarks):
        raise ValueError(f"{weights.shape[1]} inputs are no trajectories of {landmarks} landmarks")
    return np.abs(weights).reshape(len(weights), -1, landmarks, 2).mean((0, 1, 3))


def most_important(importance: ArrayLike, count: int = 10) -> np.ndarray:
    """The places of the `count` largest values, the largest first."""
    return np.argsort(-np.asarray(importance), kind="stable")[:count]


# Does the first layer respond to change?


def filter_shares(weights: np.ndarray) -> dict[str, np.ndarray]:
    """What filters `(n, T, k, k)` are made of, as shares of the sum of their squared weights, `(n,)` each.

    `change`: what differs from their mean over time; a filter that sees still pictures only through this part does not see
    them. `even`: what is left when each frame's kernel is replaced by its mean, as in figure 5's plain squares.
    `even_change`: both at once. Weights drawn without regard to place and time have (T - 1) / T, 1 / k^2 and their product.
    """
    whole = (weights**2).sum((1, 2, 3))
    varying = weights - weights.mean(1, keepdims=True)
    pixels = weights.shape[2] * weights.shape[3]

    def share(part: np.ndarray) -> np.ndarray:
        return (part**2).sum((1, 2, 3)) / whole

    def even(part: np.ndarray) -> np.ndarray:
        return pixels * (part.mean((2, 3)) ** 2).sum(1) / whole

    return {"change": share(varying), "even": even(weights), "even_change": even(varying)}


def seen_through(values: ArrayLike, window: int) -> np.ndarray:
    """The mean of maps `(N, H, W)` over the window that each place of a convolution without padding sees, `(N, h, w)`."""
    maps = torch.as_tensor(np.asarray(values, dtype=np.float32))
    return F.avg_pool2d(maps[:, None], window, 1)[:, 0].numpy()


def map_agreement(maps: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """The correlation over places of each feature map `(N, n, h, w)` with its sequence's map of truth `(N, h, w)`: `(N, n)`.

    nan where a map or the truth is the same everywhere.
    """
    if maps.shape[:1] + maps.shape[2:] != truth.shape:
        raise ValueError(f"expected feature maps (N, n, h, w) and truth (N, h, w), got {maps.shape} and {truth.shape}")
    a = maps.reshape(*maps.shape[:2], -1).astype(float)
    b = truth.reshape(len(truth), 1, -1).astype(float)
    a, b = (x - x.mean(-1, keepdims=True) for x in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (a * b).sum(-1) / np.sqrt((a**2).sum(-1) * (b**2).sum(-1))


def partial_agreement(with_a: ArrayLike, with_b: ArrayLike, a_with_b: ArrayLike) -> np.ndarray:
    """The correlation with `a` that is left when `b` is held fixed, from the three correlations."""
    x, y, z = (np.asarray(each, dtype=float) for each in (with_a, with_b, a_with_b))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (x - y * z) / np.sqrt((1 - y**2) * (1 - z**2))


def change(pictures: Tensor) -> np.ndarray:
    """How much sequences `(N, T, H, W)` change at each pixel: the mean absolute difference of successive frames, `(N, H, W)`."""
    (frames,) = as_floats((pictures,))
    return frames.diff(dim=1).abs().mean(1).numpy()


def edges(pictures: Tensor) -> np.ndarray:
    """How strong edges are in pictures `(N, H, W)`: the length of the gradient of central differences, `(N, H, W)`."""
    (frames,) = as_floats((pictures,))
    y, x = torch.gradient(frames, dim=(1, 2))
    return torch.hypot(x, y).numpy()

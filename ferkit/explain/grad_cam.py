"""Grad-CAM of any network and layer.

R. Selvaraju et al. 2017, equations 1 and 2. The maps are made by the package pytorch-grad-cam.

Convention
- Maps are `(N, H, W)` float32 at the size of the picture. The package stretches each map to its
  own range, from 0 to 1, and enlarges it bilinearly. So the strength of two maps cannot be
  compared, mean maps weigh every face alike, and a map that is the same everywhere becomes 0.
"""

import copy
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from ferkit.faces.detect import Face
from ferkit.faces.views import see
from ferkit.training.devices import choose_device
from ferkit.training.layers import as_floats, first_output
from ferkit.training.spec import Network, stack_inputs

_BATCH = 32  # pictures explained at once


def grad_cam(
    network: nn.Module,
    layer: nn.Module,
    x: Tensor | tuple[Tensor, ...],
    target: int | ArrayLike | None,
) -> np.ndarray:
    """Map where `layer` finds evidence for class `target`, `(N, H, W)` in 0..1.

    `x` is `(N, C, H, W)`, uint8 or float, or the tuple of a network's inputs, of which the first
    is explained; `target` is a class index or one for each picture, or None for the sum of the
    scores of all classes. `layer` is a module of the network that gives `(N, maps, h, w)` once in
    a pass. Where a function follows it in place, such as torchvision's ReLU, give the module that
    holds both. A copy of the network is used, so the network does not change. ValueError for a
    layer or a class that the network does not have.
    """
    inputs = as_floats(x if isinstance(x, tuple) else (x,))
    targets = np.broadcast_to(np.asarray(0 if target is None else target), len(inputs[0]))
    if not np.issubdtype(targets.dtype, np.integer):
        raise ValueError(f"a class is named by its index, got {target!r}")
    names = [name for name, module in network.named_modules() if module is layer]
    if not names:
        raise ValueError(f"the layer is no part of the network: {layer}; give one of its modules")
    explained = _Explained(copy.deepcopy(network)).to(choose_device("auto")).eval()
    copied_layer = explained.network.get_submodule(names[0])
    if len(targets):
        _check(explained, copied_layer, tuple(part[:1] for part in inputs), targets)
    maps = np.zeros((len(targets), *inputs[0].shape[-2:]), np.float32)
    with GradCAM(explained, [copied_layer]) as cam:
        for start in range(0, len(targets), _BATCH):
            rows = slice(start, start + _BATCH)
            picture, *explained.others = (part[rows].to(cam.device) for part in inputs)
            if target is None:
                outputs = [torch.sum] * len(picture)
            else:
                outputs = [ClassifierOutputTarget(int(index)) for index in targets[rows]]
            maps[rows] = cam(picture.detach().clone().requires_grad_(), outputs)
    return maps


def network_maps(
    network: Network,
    shown: Sequence[tuple[np.ndarray, Face]],
    classes: Sequence[int] | None,
    layer: str | None = None,
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Explain one class index for each of N faces, each given with its image.

    None explains the sum of all scores.

    For each face a map `(H, W)` in 0..1 and the matrix `(2, 3)` from the image's pixels to the
    map's. `layer` names a module of the network in place of the usual one. Where the network has
    two views, the last is explained. ValueError as of `cam_layer` and `grad_cam`.
    """
    name = layer or cam_layer(network)
    seen = []
    matrices = []
    for image, face in shown:
        views = [see(image, face, view) for view in network.views]
        seen.append(tuple(pixels for pixels, _ in views))
        matrices.append(views[-1][1])
    scorer = network.scorer
    inputs = stack_inputs(seen)
    if len(inputs) > 1:  # `grad_cam` explains the first input
        scorer = _ReversedInputs(scorer)
        inputs = inputs[::-1]
    heat = grad_cam(scorer, network.module.get_submodule(name), inputs, classes)
    if network.spec.place_map:
        heat = network.spec.place_map(network.module, name, inputs, heat)
    return list(zip(heat, matrices, strict=True))


def layer_evidence(
    network: Network, image: np.ndarray, face: Face, index: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the explained layer's maps of one face and the gradients of a class score.

    Both are `(K, h, w)`; `index` is the class. ValueError as of `cam_layer`.
    """
    layer = network.module.get_submodule(cam_layer(network))
    outputs: list[Tensor] = []
    handle = layer.register_forward_hook(lambda _module, _inputs, output: outputs.append(output))
    device = next(network.module.parameters()).device
    inputs = as_floats(stack_inputs([network.look(image, face)]))
    try:
        with torch.enable_grad():
            moved = [part.to(device).requires_grad_() for part in inputs]
            scores = first_output(network.scorer.eval()(*moved))
    finally:
        handle.remove()
    (gradients,) = torch.autograd.grad(scores[0, index], outputs[0])
    return outputs[0][0].detach().cpu().numpy(), gradients[0].cpu().numpy()


def sum_weighted_maps(maps: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Weigh each map `(K, h, w)` by the mean of its gradient and add them up, `(h, w)`.

    Grad-CAM is what lies above zero of this sum (equations 1 and 2).
    """
    weights = gradients.mean(axis=(1, 2))  # (K,)
    return np.tensordot(weights, maps, axes=1)


def cam_layer(network: Network) -> str:
    """Name the layer that Grad-CAM explains; ValueError for a sequence network, which has none."""
    layer = network.spec.cam_layer
    if layer is None:
        raise ValueError(
            f"Grad-CAM needs a network of single pictures, "
            f"{network.kind} looks at {network.frames} frames"
        )
    return layer


class _ReversedInputs(nn.Module):
    """A network that takes its inputs in the opposite order."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.network(*inputs[::-1])


class _Explained(nn.Module):
    """A network reduced to one output and, once `others` is set, one input, for the package."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.others: list[Tensor] = []

    def forward(self, picture: Tensor) -> Tensor:
        return first_output(self.network(picture, *self.others))


def _check(
    explained: _Explained, layer: nn.Module, inputs: tuple[Tensor, ...], targets: np.ndarray
) -> None:
    """Refuse a layer or class that cannot be explained; the package would mislead silently."""
    outputs: list[Tensor] = []
    copies: list[Tensor] = []

    def record(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        outputs.append(output)
        copies.append(output.detach().clone())

    device = next(explained.parameters()).device
    handle = layer.register_forward_hook(record)
    try:
        with torch.enable_grad():
            picture, *explained.others = (part.to(device) for part in inputs)
            scores = explained(picture.detach().clone().requires_grad_())
    finally:
        handle.remove()
    if scores.ndim != 2:
        raise ValueError(f"expected class scores (N, K), the network gives {tuple(scores.shape)}")
    if targets.min() < 0 or targets.max() >= scores.shape[1]:
        raise ValueError(
            f"the network has the classes 0..{scores.shape[1] - 1}, "
            f"asked for {targets.min()}..{targets.max()}"
        )
    if len(outputs) != 1 or not isinstance(outputs[0], Tensor) or outputs[0].ndim != 4:
        shapes = [tuple(getattr(output, "shape", ())) for output in outputs]
        raise ValueError(
            "Grad-CAM needs a layer that gives (N, maps, h, w) once in a pass, "
            f"this one gives {shapes}: {layer}"
        )
    if not torch.equal(outputs[0], copies[0]):
        raise ValueError(
            "the next layer changes this layer's output in place; "
            f"explain the module around both: {layer}"
        )
    gradient = None
    if outputs[0].requires_grad:
        (gradient,) = torch.autograd.grad(scores.sum(), outputs[0], allow_unused=True)
    if gradient is None:
        raise ValueError(f"the scores do not depend on this layer, or not by a gradient: {layer}")


def map_placement(layers: Iterable[nn.Module], side: int) -> np.ndarray:
    """Return the matrix `(2, 3)` from a picture's pixels to those of a map stretched to its size.

    The picture is `side` x `side`, the map that of the last layer. Unpadded convolutions and
    poolings do not reach the picture's edge, so their map shows its inside, enlarged. `layers`
    follow each other from the picture on and have square kernels; all but convolutions and max
    poolings move nothing.
    """
    first_centre = 0.5  # of the first cell, in pixels
    step = 1  # from one cell to the next
    cells = side
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            sizes = (layer.kernel_size, layer.stride, layer.padding)
            kernel, stride, padding = (int(np.ravel(size)[0]) for size in sizes)
            first_centre += step * ((kernel - 1) / 2 - padding)
            step *= stride
            cells = (cells + 2 * padding - kernel) // stride + 1
    ratio = side / cells / step
    shift = side / cells / 2 - ratio * first_centre
    return np.array([[ratio, 0, shift], [0, ratio, shift]])

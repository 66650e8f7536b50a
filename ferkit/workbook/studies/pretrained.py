"""Features of a network that was trained on ImageNet, for the benchmark.

Weights are read where torchvision keeps what it has downloaded; nothing is downloaded here.
"""

from pathlib import Path

import numpy as np
import torch
from torch import nn
from torchvision.models import ResNet18_Weights, resnet18
from tqdm.auto import tqdm

_WEIGHTS = ResNet18_Weights.DEFAULT
_BATCH = 32


def find_weights() -> Path | None:
    """Return the file of torchvision's ResNet-18, or None where it was never downloaded."""
    file = Path(torch.hub.get_dir()) / "checkpoints" / Path(_WEIGHTS.url).name
    return file if file.is_file() else None


def imagenet_features(pictures: np.ndarray, *, progress: bool = True) -> np.ndarray | None:
    """Return 512 features `(N, 512)` of grey pictures `(N, S, S)` uint8.

    They are the input of ResNet-18's last layer. None where its weights are not at hand.
    """
    file = find_weights()
    if file is None:
        return None
    network = resnet18()
    network.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    network.fc = nn.Identity()
    network.eval()
    prepare = _WEIGHTS.transforms(antialias=True)
    features = []
    starts = tqdm(range(0, len(pictures), _BATCH), unit="batch", disable=not progress, leave=False)
    with torch.inference_mode():
        for start in starts:
            grey = torch.from_numpy(pictures[start : start + _BATCH])
            colour = grey[:, None].expand(-1, 3, -1, -1)
            features.append(network(prepare(colour)).numpy())
    return np.concatenate(features)

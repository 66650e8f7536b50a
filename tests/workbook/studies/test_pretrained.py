"""ImageNet features: read where torchvision keeps weights, and never downloaded."""

import numpy as np
import pytest
import torch
from torchvision.models import ResNet18_Weights, resnet18

from ferkit.workbook.studies import pretrained


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty folder of torchvision's weights; loading anything from outside fails."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", pytest.fail)
    return tmp_path


def test_without_weights_there_are_no_features(hub):
    assert pretrained.imagenet_features(np.zeros((2, 96, 96), np.uint8)) is None


def test_features_are_the_input_of_the_last_layer(hub):
    torch.manual_seed(0)
    network = resnet18().eval()
    (hub / "checkpoints").mkdir()
    torch.save(network.state_dict(), hub / "checkpoints" / "resnet18-f37072fd.pth")
    pictures = np.random.default_rng(0).integers(0, 256, (3, 96, 96), dtype=np.uint8)
    found = pretrained.imagenet_features(pictures, progress=False)
    colour = torch.from_numpy(pictures)[:, None].repeat(1, 3, 1, 1)
    prepare = ResNet18_Weights.DEFAULT.transforms(antialias=True)
    with torch.inference_mode():
        scores = network(prepare(colour)).numpy()
        ours = network.fc(torch.from_numpy(found)).numpy()
    assert found.shape == (3, 512)
    np.testing.assert_allclose(ours, scores, atol=1e-5)

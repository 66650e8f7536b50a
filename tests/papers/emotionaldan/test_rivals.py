"""The networks EmotionalDAN is compared with."""

from urllib.error import URLError

import pytest
import torch
from torchvision.models import Inception_V3_Weights

from ferkit.papers.emotionaldan import rivals
from ferkit.training.layers import count_parameters
from ferkit.training.seeds import seeded

NETWORKS = {
    "cnn2": (
        lambda: rivals.cnn2(7),
        32,
        32 * 25
        + 32
        + 64 * 32 * 49
        + 64
        + 4 * 4 * 64 * 256
        + 256
        + 256 * 7
        + 7
        + 2 * (32 + 64 + 256),
    ),
    "cnn5": (
        lambda: rivals.cnn5(7, 64, 0.5),
        64,
        sum(9 * a * b + b for a, b in [(1, 16), (16, 32), (32, 48), (48, 64), (64, 64)])
        + 64 * 64 * 128
        + 128
        + 128 * 7
        + 7
        + 2 * (16 + 32 + 48 + 64 + 64 + 128),  # of batch normalisation
    ),
    "emotionnet2": (lambda: rivals.emotionnet2(7, 64), 64, None),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_counts_and_that_everything_learns(name):
    build, size, count = NETWORKS[name]
    network = seeded(build, 0)
    scores = network(torch.rand(3, 1, size, size, generator=torch.Generator().manual_seed(0)))
    assert scores.shape == (3, 7)
    assert count in (None, count_parameters(network))
    scores.square().sum().backward()
    assert not [
        name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()
    ]


def test_emotionnet2_has_ten_layers():
    network = rivals.emotionnet2(7, 32)
    weighted = [
        p for name, p in network.named_parameters() if p.ndim > 1 and "downsample" not in name
    ]
    assert len(weighted) == 10


def test_inception_takes_weights_but_those_of_the_classes():
    random = seeded(lambda: rivals.inception_v3(7, 75), 0)
    state = {
        name.removeprefix("network."): value + 1
        for name, value in random.state_dict().items()
        if "network." in name
    }
    state |= {"fc.weight": torch.zeros(1000, 2048), "AuxLogits.fc.bias": torch.zeros(1000)}
    taught = rivals.inception_v3(7, 75, state)
    assert torch.equal(taught.network.Conv2d_1a_3x3.conv.weight, state["Conv2d_1a_3x3.conv.weight"])
    assert taught.network.fc.out_features == 7
    assert taught.eval()(torch.rand(2, 1, 75, 75)).shape == (2, 7)
    del state["Mixed_7c.branch1x1.conv.weight"]
    with pytest.raises(
        ValueError, match=r"lack 1 of Inception-V3's, first Mixed_7c\.branch1x1\.conv\.weight"
    ):
        rivals.inception_v3(7, 75, state)
    with pytest.raises(ValueError, match="no weights of Inception-V3: it has no layer"):
        rivals.inception_v3(7, 75, state | {"layer": torch.zeros(1)})


def test_without_a_connection_it_is_said_where_the_weights_are(monkeypatch):
    def fail(self, **_options):
        raise URLError("no network")

    rivals.imagenet_weights.cache_clear()
    monkeypatch.setattr(type(Inception_V3_Weights.IMAGENET1K_V1), "get_state_dict", fail)
    with pytest.raises(OSError, match=r"no network.*save https://.*pth in .*/checkpoints"):
        rivals.imagenet_weights()


def test_small_pictures_are_refused():
    with pytest.raises(ValueError, match="at least 75 pixels, got 64"):
        rivals.inception_v3(7, 64)
    with pytest.raises(ValueError, match="4 pixels are too small for 5 convolutions"):
        rivals.cnn5(7, 4)

"""Paper 5's networks: the paper's shapes and counts, the feature, and what is frozen."""

import numpy as np
import pytest
import torch
from torch import nn

from ferkit.papers.tfe.network import RESNETS, ConvNet, ResNet, Tandem
from ferkit.training.layers import FeatureReader, count_parameters
from ferkit.training.loop import scores, train
from ferkit.training.normalisation import Standardise
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded

SMALL = {"size": (31, 31), "width": 0.25}


def tandem(frozen: bool = False) -> Tandem:
    return seeded(
        lambda: Tandem(
            ConvNet(5, feature=12, **SMALL), ResNet(4, "resnet12", 16, 0.25), 3, frozen=frozen
        ),
        0,
    )


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(6, 3, 31, 31, generator=generator), torch.rand(
        6, 3, 16, 16, generator=generator
    )


def test_the_identity_network_has_the_published_sizes_and_count():
    network = ConvNet(10)
    assert network.feature.in_features == 2160
    assert count_parameters(network) - count_parameters(network.top) == 394_920
    seen = []
    for layer in (network.conv1, network.conv2, network.conv3, network.conv4):
        layer.register_forward_hook(lambda _m, _i, out: seen.append(tuple(out.shape[1:])))
    assert network.features(torch.zeros(1, 3, 55, 47)).shape == (1, 160)
    assert seen == [(20, 52, 44), (40, 24, 20), (60, 10, 8), (80, 4, 3)]


@pytest.mark.parametrize(("kind", "layers", "side"), [("resnet18", 18, 6), ("resnet12", 12, 3)])
def test_emotion_networks_have_as_many_layers_as_their_names_say(kind, layers, side):
    network = ResNet(8, kind)
    weighted = [
        m
        for name, m in network.named_modules()
        if isinstance(m, nn.Conv2d | nn.Linear) and "shortcut" not in name
    ]
    assert len(weighted) == layers
    assert network.features(torch.zeros(2, 3, 48, 48)).shape == (2, 64)
    assert network.blocks(torch.zeros(1, 16, 48, 48)).shape == (1, 64, side, side)
    assert [m for m in network.modules() if isinstance(m, nn.MaxPool2d)] == []


def block_count(kind: str, before: int, maps: int) -> int:
    shortcut = before * maps + 2 * maps if kind == "project" else 0
    return 9 * maps * (before + maps) + 4 * maps + shortcut


@pytest.mark.parametrize("kind", RESNETS)
def test_parameters_are_those_of_the_rows(kind):
    maps = [16, *(n for _, n in RESNETS[kind])]
    rows = sum(
        block_count(block, before, n)
        for (block, n), before in zip(RESNETS[kind], maps, strict=False)
    )
    assert count_parameters(ResNet(8, kind)) == 3 * 16 * 9 + 2 * 16 + rows + 64 * 8 + 8


def test_resnet12_is_resnet18_without_four_identity_blocks_and_with_one_more_project_block():
    removed = [("identity", 16), ("identity", 16), ("identity", 32), ("identity", 64)]
    assert sorted([*RESNETS["resnet12"], *removed]) == sorted(
        [*RESNETS["resnet18"], ("project", 16)]
    )


def test_the_tandem_feature_has_224_numbers():
    network = Tandem(ConvNet(3), ResNet(8), 8)
    feature = FeatureReader(network).eval()(torch.rand(2, 3, 55, 47), torch.rand(2, 3, 48, 48))
    assert feature.shape == (2, 224)
    new = sum(count_parameters(part) for part in (network.norms, network.top))
    assert new == 2 * 224 + (224 * 224 + 224) + (224 * 8 + 8)


def test_features_are_brought_to_one_scale(batch):
    network = tandem()
    network.dropout.p = 0.0
    with torch.no_grad():
        network.identity.feature.weight.mul_(100)
    feature = network.train().features(*batch)
    assert torch.allclose(feature.mean(0), torch.zeros(()), atol=1e-4)
    assert torch.allclose(feature.std(0, unbiased=False), torch.ones(()), atol=1e-2)


def test_everything_learns_but_the_layers_of_the_pre_training(batch):
    network = tandem()
    network(*batch).square().sum().backward()
    silent = {name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()}
    assert silent == {
        f"{branch}.top.{part}" for branch in ("identity", "emotion") for part in ("weight", "bias")
    }


def test_frozen_features_stay_those_of_the_pre_training(batch):
    network = tandem(frozen=True)
    recipe = Recipe(epochs=2, batch=6, rate=0.1)
    trained = train(
        network, recipe, Examples(batch, torch.tensor([0, 1, 2, 0, 1, 2])), progress=False
    ).network
    for branch in ("identity", "emotion"):
        before, after = (getattr(n, branch).state_dict() for n in (network, trained))
        assert all(torch.equal(before[name], after[name]) for name in before)
    assert not torch.equal(network.top[0].weight, trained.top[0].weight)


def test_each_branch_is_heard(batch):
    network = tandem().eval()
    out = network(*batch)
    assert not torch.allclose(out, network(1 - batch[0], batch[1]))
    assert not torch.allclose(out, network(batch[0], 1 - batch[1]))


def test_joint_learning_starts_from_both_networks_and_learns_by_heart(batch):
    labels = torch.tensor([0, 1, 2, 2, 1, 0])
    trained = train(
        tandem(),
        Recipe(epochs=30, batch=6, rate=0.05),
        Examples(batch, labels),
        precision="32",
        progress=False,
    )
    assert (scores(trained.network, batch, precision="32").argmax(1) == labels.numpy()).all()


def test_features_come_in_batches(batch):
    network = tandem().identity.eval()
    got = scores(FeatureReader(network), (batch[0],), batch=4, precision="32")
    assert np.allclose(got, network.features(batch[0]).detach(), atol=1e-5)


def test_pictures_are_standardised_pixel_by_pixel():
    pictures = torch.randint(
        0, 256, (300, 2, 3, 4), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    pictures[:, 0, 0, 0] = 7
    layer = Standardise(2, 3, 4)
    layer.learn(pictures)
    values = pictures.float() / 255
    assert torch.allclose(layer.mean, values.mean(0), atol=1e-6)
    assert torch.allclose(layer.spread, values.std(0, unbiased=False).clamp_min(0.02), atol=1e-6)
    assert layer(values).abs().max() < 10
    assert set(layer.state_dict()) == {"mean", "spread"}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ConvNet(3, (22, 40)), "22 x 40 pixels are too small"),
        (lambda: ResNet(3, "resnet34"), "unknown network 'resnet34'; known: resnet18, resnet12"),
        (
            lambda: ResNet(3)(torch.zeros(1, 1, 48, 48)),
            r"expected pictures \(N, 3, 48, 48\), got \(1, 1, 48, 48\)",
        ),
        (lambda: Standardise(1, 2, 2).learn(torch.zeros(1, 1, 2, 2)), "two or more pictures"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Paper 2's AlexNet: its sides, counts and features, and the crops of training and testing."""

import pytest
import torch

from ferkit.papers.i2cnn.network import AlexNet, centre_crop, random_crop
from ferkit.training.layers import count_parameters, cross_entropy
from ferkit.training.seeds import seeded

SMALL = {"size": 48, "width": 0.125, "dense": 32}


def test_it_has_alexnets_number_of_parameters():
    trunk, first, second = 2_334_080, 9216 * 4096 + 4096, 4096 * 4096 + 4096
    assert count_parameters(AlexNet(7)) == trunk + first + second + 4096 * 7 + 7 == 56_896_903


def test_scores_are_the_top_layer_of_the_features_and_all_weights_learn():
    network = seeded(lambda: AlexNet(6, start="he", **SMALL), 0).eval()
    patches = torch.rand(5, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    features = network.features(patches)
    assert features.shape == (5, 32)
    assert features.min() >= 0  # after ReLU
    torch.testing.assert_close(network(patches), network.top(features))
    cross_entropy(network(patches), torch.arange(5)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_crops_are_parts_of_their_patches():
    number = torch.arange(4 * 3 * 10 * 12 * 12).view(40, 3, 12, 12).float()
    (crops,) = random_crop((number,), torch.Generator().manual_seed(0), 9)
    corners = set()
    for patch, crop in zip(number, crops, strict=True):
        y, x = divmod(int(crop[0, 0, 0] - patch[0, 0, 0]), 12)
        corners.add((y, x))
        assert crop.equal(patch[:, y : y + 9, x : x + 9])
    assert len(corners) > 8  # of 16 places, drawn anew for each patch
    assert centre_crop(number, 8).equal(number[..., 2:10, 2:10])


def test_crops_repeat_with_the_generator_and_leave_other_inputs():
    patches, other = (
        torch.rand(6, 3, 16, 16, generator=torch.Generator().manual_seed(0)),
        torch.arange(6),
    )
    first, again = (
        random_crop((patches, other), torch.Generator().manual_seed(5), 12) for _ in range(2)
    )
    assert first[0].equal(again[0])
    assert first[1] is other


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: AlexNet(7, start="zero"), "unknown start of the weights 'zero'"),
        (
            lambda: AlexNet(7, **SMALL)(torch.zeros(1, 3, 47, 47)),
            r"expected patches \(N, 3, 48, 48\), got \(1, 3, 47, 47\)",
        ),
        (
            lambda: random_crop((torch.zeros(1, 3, 8, 8),), torch.Generator(), 9),
            "8 pixels are too small for a crop of 9",
        ),
        (lambda: centre_crop(torch.zeros(1, 3, 8, 8), 9), "8 pixels are too small for a crop of 9"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_standardised_patches_do_not_show_the_light():
    patches = 0.2 + 0.3 * torch.rand(4, 3, 48, 48, generator=torch.Generator().manual_seed(0))
    kept, fixed = (
        seeded(lambda s=s: AlexNet(6, start="he", standardise=s, **SMALL), 0).eval()
        for s in (True, False)
    )
    torch.testing.assert_close(
        kept.features(1.7 * patches + 0.1), kept.features(patches), rtol=0.1, atol=0.05
    )
    assert (fixed.features(1.7 * patches + 0.1) - fixed.features(patches)).abs().max() > 0.5
    assert kept.features(torch.full((1, 3, 48, 48), 0.3)).isfinite().all()

"""Losses, dropout that can be repeated, local contrast normalisation and building from a seed."""

import numpy as np
import pytest
import torch
from torch import nn

from ferkit.models.layers import (
    Dropout,
    LocalContrastNorm,
    LocalResponseNorm,
    alexnet_trunk,
    count_parameters,
    cross_entropy,
    hinge,
    layer_table,
    mixed,
    seeded,
    set_keys,
    start_gaussian,
)


def test_hinge_is_caffes_with_norm_l2():
    assert hinge(torch.zeros(4, 50), torch.arange(4)) == 50  # the paper's start
    # true class 0: (1 - 0.5)^2 + (1 - 1)^2 + (1 + 2)^2 = 9.25; true class 1: (1 - 2)^2 is cut off, 0 + 0
    scores = torch.tensor([[0.5, -1.0, 2.0], [-1.0, 2.0, -3.0]])
    assert hinge(scores, torch.tensor([0, 1])) == pytest.approx(9.25 / 2)


@pytest.mark.parametrize("loss", [hinge, cross_entropy])
def test_gradients_of_losses(loss):
    scores = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True)
    assert torch.autograd.gradcheck(lambda s: loss(s, torch.tensor([0, 1, 2, 3, 0])), scores)


def slow_contrast_norm(x: np.ndarray, size: int) -> np.ndarray:
    """Jarrett et al. 2009, section 2.1, one point at a time."""
    half, (maps, height, width) = size // 2, x.shape

    def weighted(values: np.ndarray) -> np.ndarray:
        out = np.zeros((height, width))
        for j, k in np.ndindex(height, width):
            total = weights = 0.0
            for p, q in np.ndindex(size, size):
                row, column = j + p - half, k + q - half
                if 0 <= row < height and 0 <= column < width:
                    w = np.exp(-((p - half) ** 2 + (q - half) ** 2) / (2 * (size / 4) ** 2))
                    weights += maps * w
                    total += w * values[:, row, column].sum()
            out[j, k] = total / weights
        return out

    v = x - weighted(x)
    s = np.sqrt(weighted(v**2))
    return v / np.maximum(s, s.mean())


@pytest.mark.parametrize("size", [3, 5])
def test_contrast_norm_is_the_papers(size):
    x = torch.rand(2, 3, 7, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = np.stack([slow_contrast_norm(picture, size) for picture in x.numpy()])
    np.testing.assert_allclose(LocalContrastNorm(size).double()(x), expected, atol=1e-6)


def test_contrast_norm_has_the_gradient_of_its_formula():
    layer = LocalContrastNorm(3).double()
    x = torch.rand(2, 3, 6, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(1), requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)
    flat = torch.ones(1, 2, 5, 5, requires_grad=True)  # no contrast at all
    layer(flat).sum().backward()
    assert flat.grad.isfinite().all()


def test_contrast_norm_forgets_brightness_and_contrast():
    x = torch.rand(1, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    layer = LocalContrastNorm(5)
    torch.testing.assert_close(layer(3 * x + 2), layer(x), rtol=0, atol=1e-4)
    assert layer(torch.ones(1, 1, 12, 12)).abs().max() < 0.01  # nothing to normalise, and no nan
    with pytest.raises(ValueError, match="odd, got 4"):
        LocalContrastNorm(4)


def test_dropout_drops_its_share_and_keeps_the_mean():
    layer, x = Dropout(0.8), torch.ones(500, 400)
    y = layer(x)
    assert sorted(y.unique().tolist()) == pytest.approx([0, 5])
    assert float((y > 0).float().mean()) == pytest.approx(0.2, abs=0.005)
    again = layer(x)
    both = ((y > 0) & (again > 0)).float().mean()
    assert float(both) == pytest.approx(0.04, abs=0.003)  # one call says nothing of the next
    assert torch.equal(layer.eval()(x), x)
    with pytest.raises(ValueError, match="got 1"):
        Dropout(1)


def test_dropout_repeats_by_key_and_leaves_torchs_generator_alone():
    network, x = nn.Sequential(Dropout(), Dropout()), torch.ones(8, 30)
    state = torch.random.get_rng_state()
    set_keys(network, [5])
    first = network(x)
    set_keys(network, [5])
    assert torch.equal(network(x), first)
    set_keys(network, [6])
    assert not torch.equal(network(x), first)
    assert torch.equal(torch.random.get_rng_state(), state)
    set_keys(network, [7, 5])
    assert torch.equal(network(torch.ones(16, 30))[8:], first)  # batches of two networks one after another


def test_seeded_building_depends_on_the_seed_alone():
    state = torch.random.get_rng_state()
    a, b, c = (seeded(lambda: nn.Linear(5, 4), seed) for seed in (1, 1, 2))
    assert torch.equal(a.weight, b.weight)
    assert not torch.equal(a.weight, c.weight)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert count_parameters(a) == 24
    a.bias.requires_grad_(False)
    assert count_parameters(a, trainable=True) == 20


def test_numbers_are_mixed_well():
    found = {mixed(a, b) for a in range(50) for b in range(50)}
    assert len(found) == 2500
    assert all(0 <= number < 2**63 for number in found)


def test_gaussian_start():
    layer = seeded(lambda: nn.Linear(300, 300), 0)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        start_gaussian(layer, 0.005, 0.1)
    assert float(layer.weight.detach().std()) == pytest.approx(0.005, rel=0.02)
    assert bool((layer.bias == 0.1).all())


def test_the_table_of_layers_is_the_papers():
    """Caffe's AlexNet on 227 pixels: 55, 27, 13 and 6 points a side."""
    rows = layer_table(alexnet_trunk(), torch.zeros(1, 3, 227, 227))
    pooled = [row["output"] for row in rows if row["layer"].startswith("MaxPool")]
    assert pooled == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]
    assert rows[0]["output"] == (96, 55, 55)
    assert rows[0]["parameters"] == 96 * (3 * 11 * 11 + 1)
    assert sum(row["parameters"] for row in rows) == count_parameters(alexnet_trunk())


@pytest.mark.parametrize(
    ("shape", "size", "beta"), [((2, 7, 3, 4), 5, 0.75), ((3, 2, 2, 2), 5, 0.75), ((2, 6, 3, 3), 4, 0.5)]
)
def test_response_normalisation_is_torchs(shape, size, beta):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64) * 3
    ours, theirs = (kind(size, 0.3, beta, 1.5) for kind in (LocalResponseNorm, nn.LocalResponseNorm))
    first, second = x.clone().requires_grad_(), x.clone().requires_grad_()
    torch.testing.assert_close(ours(first), theirs(second))
    ours(first).pow(3).sum().backward()
    theirs(second).pow(3).sum().backward()
    torch.testing.assert_close(first.grad, second.grad)
    assert torch.autograd.gradcheck(ours, x.requires_grad_())


def test_alexnet_uses_it_and_half_precision_passes_through():
    norm = next(layer for layer in alexnet_trunk(0.1) if isinstance(layer, nn.LocalResponseNorm))
    assert isinstance(norm, LocalResponseNorm)
    x = torch.randn(1, 6, 3, 3).bfloat16().requires_grad_()
    norm(x).sum().backward()
    assert x.grad.dtype == torch.bfloat16

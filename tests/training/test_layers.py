"""Losses, dropout that can be repeated, local contrast normalisation and building from a seed."""

import pytest
import torch
from torch import nn

from ferkit.training.alexnet import alexnet_trunk
from ferkit.training.layers import (
    Dropout,
    constant_hinge,
    count_parameters,
    cross_entropy,
    hinge,
    layer_table,
    set_keys,
    start_gaussian,
)
from ferkit.training.seeds import mixed, seeded


def test_hinge_is_caffes_with_norm_l2():
    assert hinge(torch.zeros(4, 50), torch.arange(4)) == 50  # the paper's start
    # true class 0: (1 - 0.5)^2 + (1 - 1)^2 + (1 + 2)^2 = 9.25
    # true class 1: (1 - 2)^2 is cut off, 0 + 0
    scores = torch.tensor([[0.5, -1.0, 2.0], [-1.0, 2.0, -3.0]])
    assert hinge(scores, torch.tensor([0, 1])) == pytest.approx(9.25 / 2)


def test_no_constant_scores_have_a_lower_hinge_loss():
    assert constant_hinge(torch.arange(50), 50) == pytest.approx(3.92)
    labels = torch.tensor([0, 0, 0, 1, 2, 2])
    lowest = constant_hinge(labels, 3)
    best = torch.tensor([0.0, -2 / 3, -1 / 3])
    assert float(hinge(best.expand(6, 3), labels)) == pytest.approx(lowest)
    others = best + 0.2 * torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    assert all(float(hinge(one.expand(6, 3), labels)) > lowest for one in others)


@pytest.mark.parametrize("loss", [hinge, cross_entropy])
def test_gradients_of_losses(loss):
    scores = torch.randn(
        5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0), requires_grad=True
    )
    assert torch.autograd.gradcheck(lambda s: loss(s, torch.tensor([0, 1, 2, 3, 0])), scores)


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
    assert torch.equal(
        network(torch.ones(16, 30))[8:], first
    )  # batches of two networks one after another


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

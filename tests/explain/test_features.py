"""What networks have learnt: recording without traces, and measures with known answers."""

import numpy as np
import pytest
import torch
from torch import nn

from ferkit.explain import face_maps, features
from ferkit.papers.dtagn import look_inside
from ferkit.papers.dtagn.network import DTGN_NOTATION, build

SMALL = "I16-C(3,4)-L3-P2-FC6-S3"


@pytest.fixture
def network():
    torch.manual_seed(0)
    return build(SMALL, 3)


def test_features_are_the_layers_and_leave_no_trace(network):
    pictures = torch.randint(0, 256, (5, 3, 16, 16), dtype=torch.uint8)
    layer = features.find_first_layer(network, nn.Conv2d)
    network.train()
    found = features.layer_outputs(network, layer, (pictures,))
    assert np.allclose(found, layer(pictures.float() / 255).detach().numpy(), atol=1e-6)
    assert not layer._forward_hooks
    assert network.training
    hidden = features.layer_outputs(network, network.hidden, (pictures,))
    again = features.layer_outputs(network, network.hidden, (pictures,))
    assert np.array_equal(hidden, again)  # dropout is off


def test_the_hook_goes_when_the_block_fails(network):
    layer = features.find_first_layer(network, nn.Conv2d)
    with pytest.raises(RuntimeError), features.record_outputs(layer):
        network(torch.zeros(1, 5, 16, 16))
    assert not layer._forward_hooks


def test_what_is_recorded_does_not_change_when_the_next_layer_works_in_place():
    layers = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True))
    nn.init.constant_(layers[0].weight, -1.0)
    nn.init.zeros_(layers[0].bias)
    assert (features.layer_outputs(layers, layers[0], (torch.ones(1, 2),)) == -2).all()


def test_layers_that_are_not_there_are_named(network):
    with pytest.raises(ValueError, match="no LSTM"):
        features.find_first_layer(network, nn.LSTM)
    with pytest.raises(ValueError, match="it ran 0 times"):
        features.layer_outputs(network, nn.Linear(2, 2), (torch.zeros(1, 3, 16, 16),))


def test_responses_are_equation_1(network):
    pictures = torch.rand(2, 3, 16, 16)
    w, b = look_inside.first_filters(network), network.hidden[0].bias.detach().numpy()
    x, y, i = 4, 7, 2
    wanted = (pictures[:, :, y : y + 3, x : x + 3].numpy() * w[i]).sum((1, 2, 3)) + b[i]
    assert np.allclose(
        look_inside.first_responses(network, pictures)[:, i, y, x], np.maximum(wanted, 0), atol=1e-5
    )


def test_the_landmark_with_the_large_weights_is_the_most_important():
    torch.manual_seed(0)
    network = build(DTGN_NOTATION["ckplus"])
    first = features.find_first_layer(network, nn.Linear)
    with torch.no_grad():
        first.weight.view(100, 12, 49, 2)[:, :, 31, 1] *= 5
        first.weight.view(100, 12, 49, 2)[:, 3, 7] *= 12
    importance = look_inside.landmark_importance(network)
    assert importance.shape == (49,)
    assert look_inside.find_most_important(importance, 2).tolist() == [31, 7]
    mean = first.weight.detach().abs().view(100, 12, 49, 2)[:, :, 5].mean()
    assert importance[5] == pytest.approx(float(mean))
    with pytest.raises(ValueError, match="1176 inputs are no trajectories of 68"):
        look_inside.landmark_importance(network, 68)


def test_shares_of_filters_made_by_hand():
    even = np.ones((3, 3, 3))
    edge = np.broadcast_to([-1.0, 0, 1], (3, 3, 3))
    difference = np.array([-1.0, 0, 1])[:, None, None] * even
    shares = look_inside.filter_shares(np.stack([even, edge, difference]))
    assert np.allclose(shares["change"], [0, 0, 1])
    assert np.allclose(shares["even"], [1, 0, 1])
    assert np.allclose(shares["even_change"], [0, 0, 1])


def test_shares_of_weights_drawn_at_random():
    shares = look_inside.filter_shares(np.random.default_rng(0).normal(size=(4000, 3, 5, 5)))
    assert shares["change"].mean() == pytest.approx(2 / 3, abs=0.01)
    assert shares["even"].mean() == pytest.approx(1 / 25, abs=0.01)
    assert shares["even_change"].mean() == pytest.approx(2 / 75, abs=0.01)


def test_agreement_is_the_correlation_over_places():
    rng = np.random.default_rng(0)
    truth = rng.normal(size=(2, 6, 6))
    maps = np.stack([3 * truth + 1, -truth, rng.normal(size=(2, 6, 6)), np.ones((2, 6, 6))], axis=1)
    found = look_inside.map_agreement(maps, truth)
    assert np.allclose(found[:, :2], [[1, -1]] * 2)
    assert found[1, 2] == pytest.approx(np.corrcoef(maps[1, 2].ravel(), truth[1].ravel())[0, 1])
    assert np.isnan(found[:, 3]).all()
    with pytest.raises(ValueError, match="expected feature maps"):
        look_inside.map_agreement(maps, truth[:, 1:])


def test_a_filter_of_differences_finds_what_moves_and_an_edge_filter_what_stands():
    pictures = torch.zeros(1, 3, 16, 16)
    pictures[:, :, :, 4:] = 0.5  # an edge that stands
    for t, x in enumerate((9, 10, 11)):
        pictures[:, t, 6:9, x] = 1.0  # a bar that moves
    moving, standing = (
        face_maps.mean_change(pictures),
        look_inside.edge_strength(pictures[:, -1]),
    )
    assert moving[0, :, :8].max() == 0
    assert standing[0, 0, 3] > 0
    network = build(SMALL, 3)
    with torch.no_grad():
        conv = features.find_first_layer(network, nn.Conv2d)
        conv.weight.zero_()
        conv.bias.zero_()
        conv.weight[0, 0], conv.weight[0, 2] = -1.0, 1.0
        conv.weight[1, :, :, 0], conv.weight[1, :, :, 2] = -1.0, 1.0
    maps = look_inside.first_responses(network, pictures)[:, :2]
    motion, edge = (
        look_inside.map_agreement(maps, look_inside.average_windows(x, 3))[0]
        for x in (moving, standing)
    )
    assert motion[0] > 0.3 > motion[1]
    assert edge[1] > 0.5 > edge[0]


def test_seen_through_is_the_mean_over_the_window():
    values = np.arange(25.0).reshape(1, 5, 5)
    assert np.allclose(look_inside.average_windows(values, 3), values[:, 1:4, 1:4])


def test_what_agrees_only_through_a_third_does_not_agree_when_that_is_held_fixed():
    rng = np.random.default_rng(0)
    b, noise, other = rng.normal(size=(3, 200_000))
    x, a = b + noise, b + other
    r = np.corrcoef([x, a, b])
    assert r[0, 1] > 0.4
    assert look_inside.partial_agreement(r[0, 1], r[0, 2], r[1, 2]) == pytest.approx(0, abs=0.01)
    assert look_inside.partial_agreement(0.5, 0.0, 0.0) == 0.5

"""DTAN, DTGN and what joins them: counts, notation, what is frozen, the losses."""

import copy

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from ferkit.papers.dtagn.network import (
    DTAN_NOTATION,
    DTGN_NOTATION,
    Concatenated,
    Joint,
    JointLoss,
    build,
    centre_inputs,
    parse_notation,
    weighted_sum,
)
from ferkit.training.layers import count_parameters, set_keys

SMALL = "I16-C(3,4)-L3-P2-FC6-S3", "D196-FC5-S3"


@pytest.fixture
def pair():
    torch.manual_seed(0)
    return build(SMALL[0], 2), build(SMALL[1])


@pytest.fixture
def batch():
    torch.manual_seed(1)
    return torch.rand(5, 2, 16, 16), torch.randn(5, 2, 49, 2)


@pytest.mark.parametrize(
    ("notation", "frames", "count"),
    [
        (DTAN_NOTATION["ckplus"], 12, 5_784_235),
        (DTAN_NOTATION["ckplus"], 3, 5_769_835),
        (DTAN_NOTATION["mmi"], 12, 718_936),
        (DTGN_NOTATION["ckplus"], 12, 182_507),
        (DTGN_NOTATION["mmi"], 12, 139_106),
    ],
)
def test_parameter_counts(notation, frames, count):
    assert count_parameters(build(notation, frames)) == count


@pytest.mark.parametrize("data", DTAN_NOTATION)
def test_every_parameter_learns(data):
    torch.manual_seed(0)
    for network, x in (
        (build(DTAN_NOTATION[data], 3), torch.rand(2, 3, 64, 64)),
        (build(DTGN_NOTATION[data]), torch.randn(2, 12, 49, 2)),
    ):
        network(x).square().sum().backward()
        assert not [
            name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()
        ]


@pytest.mark.parametrize(
    ("notation", "words"),
    [
        ("I64-C(5,64)-Q2-S7", "layer 3, 'Q2'"),
        ("I64-C5-S7", "layer 2, 'C5'"),
        ("C(5,64)-S7", "layer 1, .*stands first"),
        ("I64-S7-FC5", "layer 2, .*stands last"),
        ("D10-C(3,4)-S7", "layer 2, .*need pictures"),
        ("I8-C(9,4)-S7", "layer 2, .*larger than the 8 x 8"),
        ("I8-L4-S7", "layer 2, .*odd"),
    ],
)
def test_wrong_notation_is_placed(notation, words):
    with pytest.raises(ValueError, match=words):
        build(notation)


def test_the_notation_is_read_in_order():
    kinds = [
        (layer.kind, layer.size, layer.filters)
        for layer in parse_notation("I64-C(5,32)-P3-FC30-S6")
    ]
    assert kinds == [("I", 64, 0), ("C", 5, 32), ("P", 3, 0), ("FC", 30, 0), ("S", 6, 0)]


def test_centred_inputs_have_mean_zero_and_spread_one(pair):
    pictures = torch.randint(0, 256, (20, 2, 16, 16), dtype=torch.uint8)
    network = centre_inputs(pair[0], pictures)
    seen = network.hidden[0](pictures.float() / 255)
    assert torch.allclose(seen.mean(0), torch.zeros(2, 16, 16), atol=1e-5)
    assert float(seen.square().mean()) == pytest.approx(1, abs=1e-4)
    assert count_parameters(network) == count_parameters(pair[0])
    assert {name for name in network.state_dict() if "mean" in name or "scale" in name} == {
        "hidden.0.mean",
        "hidden.0.scale",
    }
    with pytest.raises(ValueError, match="no spread"):
        centre_inputs(pair[0], pictures[:1].expand(3, -1, -1, -1))


def test_centring_only_rewrites_the_first_layer(pair, batch):
    """The claim of "Where we differ": the same functions can be learnt without it."""
    points = batch[1] + 3
    network = centre_inputs(pair[1], points).eval()
    plain = copy.deepcopy(pair[1]).eval()
    centre, first = network.hidden[0], plain.hidden[1]
    with torch.no_grad():
        first.weight /= centre.scale
        first.bias -= first.weight @ centre.mean.flatten()
    assert torch.allclose(network(points), plain(points), atol=1e-4)


def test_weighted_sum():
    p, q = np.array([[0.8, 0.2]]), np.array([[0.1, 0.9]])
    assert np.allclose(weighted_sum(p, q), [[0.45, 0.55]])
    assert np.allclose(weighted_sum(p, q, 1), p)
    with pytest.raises(ValueError, match="alpha"):
        weighted_sum(p, q, 1.1)


@pytest.mark.parametrize("kind", [Joint, Concatenated])
def test_only_the_top_moves(kind, pair, batch):
    network = kind(*pair).train()
    before = copy.deepcopy(network.state_dict())
    loss = JointLoss() if kind is Joint else F.cross_entropy
    optimiser = torch.optim.SGD(
        [p for p in network.parameters() if p.requires_grad], lr=0.1, weight_decay=0.1
    )
    loss(network(*batch), torch.tensor([0, 1, 2, 0, 1])).backward()
    optimiser.step()
    moved = {
        name for name, value in network.state_dict().items() if not torch.equal(value, before[name])
    }
    tops = ("dtan.top.", "dtgn.top.") if kind is Joint else ("top.",)
    assert moved == {top + part for top in tops for part in ("weight", "bias")}


def test_dropout_stays_on_below_the_frozen_layers(pair, batch):
    joint = Joint(*pair).train()
    outputs = []
    for key in (1, 2):
        set_keys(joint, [key])
        outputs.append(joint(*batch)[0])
    assert not torch.equal(*outputs)
    joint.eval()
    assert torch.equal(joint(*batch)[0], joint(*batch)[0])


def test_joint_loss_is_three_cross_entropies(pair, batch):
    labels = torch.tensor([0, 1, 2, 0, 1])
    outputs = Joint(*pair).eval()(*batch)
    one, two = pair[0](batch[0]), pair[1](batch[1])
    assert torch.equal(outputs[0], one + two)
    wanted = (
        F.cross_entropy(one, labels)
        + F.cross_entropy(two, labels)
        + 0.1 * F.cross_entropy(one + two, labels)
    )
    assert torch.allclose(JointLoss()(outputs, labels), wanted)
    assert torch.allclose(JointLoss((0, 0, 1))(outputs, labels), F.cross_entropy(one + two, labels))

"""Paper 1's networks: the paper's shapes and counts, both variants, and the designs it rejected."""

import pytest
import torch
from torch import nn

from ferkit.core.labels import compound_parts
from ferkit.papers.multimodal.network import (
    SingleBranch,
    TwoBranches,
    TwoHeads,
    TwoNetworks,
    combine_heads,
    split_compound,
    sum_over_heads,
)
from ferkit.training.alexnet import alexnet_side, alexnet_trunk
from ferkit.training.layers import count_parameters, cross_entropy, hinge
from ferkit.training.seeds import seeded

SMALL = {"size": 64, "width": 0.125}


def sides(trunk: nn.Sequential, size: int) -> list[tuple[int, ...]]:
    """The shape after each convolution and pooling."""
    x, found = torch.zeros(1, 3, size, size), []
    for layer in trunk:
        x = layer(x)
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d):
            found.append(tuple(x.shape[1:3]))
    return found


def test_the_trunk_has_the_sides_of_caffes_alexnet():
    assert sides(alexnet_trunk(), 224) == [
        (96, 54),
        (96, 27),
        (256, 27),
        (256, 13),
        (384, 13),
        (384, 13),
        (256, 13),
        (256, 6),
    ]


@pytest.mark.parametrize("size", [43, 44, 47, 64, 95, 96, 112, 224, 227])
def test_the_side_is_what_the_trunk_leaves(size):
    assert alexnet_trunk(0.05)(torch.zeros(1, 3, size, size)).shape[2] == alexnet_side(size)


def test_pictures_that_are_too_small_are_refused():
    with pytest.raises(ValueError, match="at least 43 pixels, got 42"):
        alexnet_side(42)


def test_response_normalisation_is_caffes():
    """y = x / (1 + alpha / n * sum of squares over n maps)^beta; alpha 1e-4, beta 0.75, n 5."""
    norm = next(layer for layer in alexnet_trunk() if isinstance(layer, nn.LocalResponseNorm))
    x = 100 * torch.rand(1, 7, 1, 1, generator=torch.Generator().manual_seed(0))
    expected = [
        x[0, i] / (1 + 1e-4 / 5 * (x[0, max(0, i - 2) : i + 3] ** 2).sum()) ** 0.75
        for i in range(7)
    ]
    torch.testing.assert_close(norm(x)[0], torch.stack(expected))


def test_single_branch_has_the_papers_number_of_parameters():
    network = SingleBranch()
    assert count_parameters(network) == 4_772_274
    assert network.visual.dense[0].in_features == 9216


@pytest.mark.parametrize(
    ("network", "count"),
    [
        (lambda: TwoBranches(), 4_772_274 + 136 * 50),
        # the trunk with five slopes, 9216 -> 256, 392 -> 256 with a slope, 256 -> 50
        (
            lambda: TwoBranches(variant="as_authors_code"),
            2_334_080 + 5 + 2_359_552 + 392 * 256 + 256 + 1 + 256 * 50 + 50,
        ),
        (lambda: TwoHeads(), 4_772_274 - (256 * 50 + 50) + 2 * (256 * 8 + 8)),
        (lambda: TwoNetworks(), 2 * (4_772_274 - (256 * 50 + 50) + 256 * 8 + 8)),
    ],
)
def test_parameters_of_the_other_designs(network, count):
    assert count_parameters(network()) == count


def test_order_of_normalisation_and_pooling_differs_between_the_variants():
    def order(variant):
        kinds = [
            type(layer).__name__ for layer in SingleBranch(variant=variant, **SMALL).visual.trunk
        ]
        return kinds.index("LocalResponseNorm") < kinds.index("MaxPool2d"), "PReLU" in kinds

    assert order("as_paper") == (True, False)
    assert order("as_authors_code") == (False, True)


@pytest.mark.parametrize("variant", ["as_paper", "as_authors_code"])
def test_both_branches_reach_the_scores_and_learn(variant):
    network = seeded(lambda: TwoBranches(variant=variant, start="he", **SMALL), 0)
    generator = torch.Generator().manual_seed(0)
    picture, residual = (
        torch.rand(4, 3, 64, 64, generator=generator),
        torch.randn(4, 136, generator=generator),
    )
    scores = network.eval()(picture, residual)
    assert scores.shape == (4, 50)
    assert not torch.allclose(scores, network(1 - picture, residual))
    assert not torch.allclose(scores, network(picture, -residual))
    hinge(scores, torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_the_loss_of_fresh_networks_is_that_of_zero_scores():
    network = seeded(lambda: SingleBranch(**SMALL), 0).eval()
    with torch.no_grad():
        network.top.weight.zero_(), network.top.bias.zero_()
    scores = network(torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1)))
    assert hinge(scores, torch.tensor([0, 20, 49])).item() == 50


def test_parts_are_the_label_mappings():
    c, d = split_compound(torch.arange(50))
    expected = [compound_parts(n) for n in range(50)]
    assert list(zip(c.tolist(), d.tolist(), strict=True)) == expected
    assert split_compound(torch.tensor([20])) == (
        torch.tensor([3]),
        torch.tensor([6]),
    )  # disgust and sadness, section III-B


@pytest.mark.parametrize("design", [TwoHeads, TwoNetworks])
def test_the_rejected_designs_answer_a_pair_and_lose_the_sum_over_both(design):
    network = seeded(lambda: design(**SMALL), 0).eval()
    labels = torch.tensor([0, 1, 20, 33, 49])
    outputs = network(torch.rand(5, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    assert [tuple(each.shape) for each in outputs] == [(5, 50), (5, 8), (5, 8)]
    torch.testing.assert_close(outputs[0], combine_heads(*outputs[1:]))
    c, d = split_compound(labels)
    expected = cross_entropy(outputs[1], c) + cross_entropy(outputs[2], d)
    torch.testing.assert_close(sum_over_heads(cross_entropy)(outputs, labels), expected)


def test_two_networks_learn_apart():
    """The loss of one emotion leaves the other's network alone."""
    network = seeded(lambda: TwoNetworks(**SMALL), 0)
    _, complementary, _ = network(torch.rand(2, 3, 64, 64))
    cross_entropy(complementary, torch.tensor([1, 2])).backward()
    assert all(p.grad is not None for p in network.complementary.parameters())
    assert all(p.grad is None for p in network.dominant.parameters())


def test_combined_answers_are_the_likeliest_pair():
    labels = torch.arange(50)
    c, d = split_compound(labels)
    sure = [5 * nn.functional.one_hot(codes, 8).float() for codes in (c, d)]
    assert combine_heads(*sure).argmax(1).equal(labels)
    uneven = torch.zeros(1, 8), torch.zeros(1, 8)
    assert combine_heads(*uneven)[0].allclose(
        torch.full((50,), -2 * torch.log(torch.tensor(8.0)).item())
    )


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: SingleBranch(variant="as_code"),
            "unknown variant 'as_code'; known: as_paper, as_authors_code",
        ),
        (lambda: SingleBranch(start="zero"), "unknown start of the weights 'zero'"),
        (
            lambda: SingleBranch(**SMALL)(torch.zeros(1, 1, 64, 64)),
            r"expected pictures \(N, 3, 64, 64\), got \(1, 1, 64, 64\)",
        ),
        (
            lambda: TwoBranches(**SMALL)(torch.zeros(1, 3, 64, 64), torch.zeros(1, 68, 2)),
            r"expected residuals \(1, 136\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Folds trained together equal folds trained apart, and continue after an interruption."""

import copy
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from ferkit.papers.dtagn import network as dtagn_network
from ferkit.training import checkpoints, stacked_folds
from ferkit.training.alexnet import alexnet_trunk
from ferkit.training.batched_folds import pays, train_folds
from ferkit.training.checkpoints import TrainingState
from ferkit.training.loop import train
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded
from ferkit.training.stacked import Affine, check_alike, stack

QUIET = {"device": "cpu", "precision": "32", "progress": False}
RECIPE = Recipe(epochs=3, batch=8, rate=0.02)
SIZES = (40, 33, 19)  # 5, 5 and 3 batches
COLUMNS = ["epoch", "iteration", "rate", "train_loss", "val_loss", "val_accuracy"]


class Residual(nn.Module):
    """A small residual network with a projection: what paper 5's are made of."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
        self.norm, self.second = nn.BatchNorm2d(4), nn.Conv2d(4, 6, 3, 2, 1)
        self.project, self.norms = (
            nn.Conv2d(4, 6, 1, 2),
            nn.ModuleList([nn.BatchNorm2d(6), nn.BatchNorm1d(6)]),
        )
        self.top = nn.Linear(6, 4)

    def forward(self, x):
        x = F.relu(self.norm(self.first(x)))
        x = F.relu(self.norms[0](self.second(x)) + self.project(x))
        return self.top(self.norms[1](x.mean((2, 3))))


def dtgn() -> nn.Module:
    return dtagn_network.build("D24-FC10-FC12-S4")


class Centre(nn.Module):
    """Subtracts what it has been given: a layer that learns nothing and differs by fold."""

    def __init__(self, mean):
        super().__init__()
        self.register_buffer("mean", mean)

    def forward(self, x):
        assert x.shape[1:] == self.mean.shape
        return x - self.mean


def centred() -> nn.Module:
    return nn.Sequential(Centre(torch.randn(24)), dtgn())


def dtan() -> nn.Module:
    return dtagn_network.build("I16-C(3,4)-L3-P2-C(3,5)-P3-FC8-S4", frames=3)


def alexnet() -> nn.Module:
    trunk = alexnet_trunk(0.04, prelu=True)
    return nn.Sequential(
        trunk, nn.Flatten(), nn.Linear(trunk[-3].out_channels, 9), nn.PReLU(9), nn.Linear(9, 4)
    )


def joint() -> nn.Module:
    return dtagn_network.Joint(dtan(), dtgn())


def plain() -> nn.Module:
    return nn.Linear(24, 4)


def examples(shapes, count, seed) -> Examples:
    generator = torch.Generator().manual_seed(seed)
    inputs = tuple(torch.randn(count, *shape, generator=generator) for shape in shapes)
    return Examples(inputs, torch.randint(4, (count,), generator=generator))


def folds(build, *shapes, sizes=SIZES):
    """Networks, examples and validation examples of each fold."""
    numbers = range(len(sizes))
    networks = [seeded(build, number) for number in numbers]
    return (
        networks,
        [examples(shapes, n, k) for k, n in enumerate(sizes)],
        [examples(shapes, 9 + k, 50 + k) for k in numbers],
    )


def apart(networks, recipe, parts, validations=None, **how):
    """The reference: fold by fold."""
    validations = validations or [None] * len(networks)
    return [
        train(n, recipe, e, v, seed=seed, **QUIET, **how)
        for seed, (n, e, v) in enumerate(zip(networks, parts, validations, strict=True))
    ]


def jointly(networks, *given, **how):
    return train_folds(networks, *given, seeds=range(len(networks)), together=True, **QUIET, **how)


def assert_equal(some, others, tolerance=1e-4):
    for one, other in zip(some, others, strict=True):
        assert one.best_epoch == other.best_epoch
        pd.testing.assert_frame_equal(
            one.history[COLUMNS], other.history[COLUMNS], rtol=tolerance, atol=tolerance
        )
        for name, value in one.network.state_dict().items():
            torch.testing.assert_close(
                value, other.network.state_dict()[name], rtol=tolerance, atol=tolerance, msg=name
            )


CASES = {
    "dtgn": (dtgn, [(4, 3, 2)], RECIPE),
    "dtgn, adam": (dtgn, [(24,)], replace(RECIPE, optimiser="adam", rate=0.003)),
    "dtgn, falling rate": (dtgn, [(24,)], replace(RECIPE, rate_factor=0.3, rate_every=4)),
    "centred": (centred, [(24,)], RECIPE),
    "dtan": (dtan, [(3, 16, 16)], RECIPE),
    "residual": (Residual, [(3, 8, 8)], RECIPE),
    "alexnet": (alexnet, [(3, 67, 67)], replace(RECIPE, rate=0.1)),
    "joint": (joint, [(3, 16, 16), (24,)], replace(RECIPE, loss=dtagn_network.JointLoss())),
}


@pytest.mark.parametrize("case", CASES)
def test_together_equals_apart(case):
    build, shapes, recipe = CASES[case]
    networks, *data = folds(build, *shapes)
    before = copy.deepcopy([network.state_dict() for network in networks])
    one_by_one = apart(networks, recipe, *data)
    together = jointly(networks, recipe, *data)
    assert_equal(together, one_by_one)
    for network, start, done in zip(networks, before, together, strict=True):
        assert all(torch.equal(value, start[name]) for name, value in network.state_dict().items())
        moved = max(
            float((p.detach() - start[n]).abs().max()) for n, p in done.network.named_parameters()
        )
        assert moved > 0.01  # far more than the tolerance
        for name, parameter in done.network.named_parameters():
            assert parameter.requires_grad or torch.equal(parameter, start[name])
            assert parameter.is_leaf
            assert (
                parameter.untyped_storage().nbytes() == parameter.nbytes
            )  # no slice of what all share


@pytest.mark.parametrize("case", ["dtgn", "residual", "joint"])
def test_in_bf16_together_nearly_equals_apart(case):
    build, shapes, recipe = CASES[case]
    networks, *data = folds(build, *shapes)
    how = {**QUIET, "precision": "bf16", "seeds": range(3)}
    one_by_one, together = (
        train_folds(networks, recipe, *data, **how, together=so) for so in (False, True)
    )
    for one, other, network in zip(one_by_one, together, networks, strict=True):
        np.testing.assert_allclose(one.history.train_loss, other.history.train_loss, rtol=0.03)
        if case == "residual" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
            continue  # without bf16 units a processor rounds elsewhere: equal losses, other weights
        for p, q, start in zip(
            one.network.parameters(), other.network.parameters(), network.parameters(), strict=True
        ):
            assert (p - q).norm() <= 0.2 * (p - start).norm() + 1e-3


def test_the_gradient_of_stacked_linear_layers():
    generator = torch.Generator().manual_seed(0)
    x, weight = (
        torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
        for shape in ((2, 3, 4), (2, 5, 4))
    )
    assert torch.autograd.gradcheck(Affine.apply, (x, weight))


def test_seeds_of_one_network_on_the_same_examples():
    network, data = seeded(dtgn, 0), examples([(24,)], 30, 0)
    together = jointly([network] * 2, RECIPE, [data] * 2)
    assert_equal(together, apart([network] * 2, RECIPE, [data] * 2))
    assert not torch.equal(together[0].network.top.weight, together[1].network.top.weight)


def test_each_fold_stops_when_its_own_validation_says():
    networks, *data = folds(dtgn, (24,))
    recipe = replace(RECIPE, epochs=30, rate=0.1, patience_iterations=6)
    one_by_one = apart(networks, recipe, *data)
    lengths = [len(done.history) for done in one_by_one]
    assert len(set(lengths)) > 1
    assert_equal(jointly(networks, recipe, *data), one_by_one, 1e-3)


def test_augmentation_is_each_folds_own():
    def noisy(inputs, generator):
        return tuple(x + 0.5 * torch.randn(x.shape, generator=generator) for x in inputs)

    networks, *data = folds(dtgn, (24,))
    assert_equal(
        jointly(networks, RECIPE, *data, augment=noisy),
        apart(networks, RECIPE, *data, augment=noisy),
    )


def test_pictures_of_bytes_become_floats():
    parts = [
        Examples((torch.randint(0, 256, (20, 24), dtype=torch.uint8),), torch.randint(4, (20,)))
        for _ in range(2)
    ]
    networks = [seeded(dtgn, k) for k in range(2)]
    assert_equal(jointly(networks, RECIPE, parts), apart(networks, RECIPE, parts))


class Killed(Exception):
    pass


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
@pytest.mark.parametrize(
    "call", [5, 8]
)  # measurements: all of the second epoch but one are done; the third's second
def test_a_killed_training_goes_on_together_or_apart(optimiser, call, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVED_EVERY", 0)
    networks, *data = folds(Residual, (3, 8, 8))
    recipe = replace(RECIPE, optimiser=optimiser, rate=0.005)
    unbroken = jointly(networks, recipe, *data)
    save = TrainingState.save

    def killing(*arguments):
        killing.calls += 1
        if killing.calls == call:
            raise Killed
        save(*arguments)

    killing.calls = 0
    monkeypatch.setattr(TrainingState, "save", killing)
    with pytest.raises(Killed):
        jointly(networks, recipe, *data, folder=tmp_path)
    resumed = jointly(networks, recipe, *data, folder=tmp_path)
    assert killing.calls == call + 3 * 3 - (call - 1)  # what was kept is not done again
    assert_equal(resumed, unbroken)
    assert_equal(
        train_folds(
            networks, recipe, *data, seeds=range(3), together=False, folder=tmp_path, **QUIET
        ),
        resumed,
    )
    at_once = jointly(networks, recipe, *data, folder=tmp_path)
    assert killing.calls == call + 3 * 3 - (call - 1)
    assert_equal(at_once, resumed, 0)
    with pytest.raises(
        ValueError, match=r"fold_00.*is another training .*rate: 0.005 there, 0.01 now"
    ):
        jointly(networks, replace(recipe, rate=0.01), *data, folder=tmp_path)


def test_what_does_not_pay_is_trained_fold_by_fold(monkeypatch):
    networks, *data = folds(dtan, (3, 16, 16))
    assert not pays(networks[0])
    assert pays(dtgn())
    monkeypatch.setattr(stacked_folds, "stack", None)  # not used
    done = train_folds(networks, RECIPE, *data, seeds=range(3), **QUIET)
    assert_equal(done, apart(networks, RECIPE, *data), 0)


@pytest.mark.parametrize("build", [dtan, Residual, alexnet])
def test_a_stack_gives_each_networks_outputs_and_shares_its_weights(build):
    size = {dtan: 16, Residual: 8, alexnet: 67}[build]
    networks = [seeded(build, seed).eval() for seed in range(3)]
    x = torch.randn(3, 5, 3, size, size, generator=torch.Generator().manual_seed(0))
    stacked = stack(networks).eval()
    with torch.no_grad():
        for _ in range(2):
            outputs = stacked(x.flatten(0, 1)).unflatten(0, (3, 5))
            torch.testing.assert_close(
                outputs, torch.stack([n(mine) for n, mine in zip(networks, x, strict=True)])
            )
            for network in networks:  # what the networks change, the stack has
                for parameter in network.parameters():
                    parameter += 0.01


class Whole(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))
        self.inner = nn.Linear(24, 4)

    def forward(self, x):
        return self.scale * self.inner(x)


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            nn.Sequential(nn.Linear(24, 4), nn.Dropout()),
            r"'1' \(Dropout\) .* torch's own generator.*together=False",
        ),
        (
            nn.Sequential(nn.Linear(24, 4), nn.LayerNorm(4)),
            r"'1' \(LayerNorm\) cannot be stacked: no stacked form",
        ),
        (nn.Sequential(nn.Linear(24, 4), nn.Dropout1d()), r"'1' \(Dropout1d\)"),
        (nn.Sequential(nn.Linear(24, 4), nn.BatchNorm1d(4, momentum=None)), "no momentum"),
        (nn.Sequential(nn.Conv2d(24, 4, 1, padding_mode="reflect")), "padding is 'reflect'"),
        (
            Whole(),
            r"'network' \(Whole\) cannot be stacked: it has weights of its own beside its layers",
        ),
    ],
)
def test_a_layer_that_cannot_be_stacked_is_named(network, words):
    with pytest.raises(ValueError, match=words):
        check_alike([network])
    assert not pays(network)


def test_what_cannot_be_stacked_still_trains_fold_by_fold():
    networks = [nn.Sequential(nn.Linear(24, 4), nn.LayerNorm(4)) for _ in range(2)]
    parts = [examples([(24,)], 20, k) for k in range(2)]
    assert_equal(
        train_folds(networks, RECIPE, parts, seeds=(0, 1), **QUIET),
        apart(networks, RECIPE, parts),
        0,
    )


def test_what_does_not_fit_is_refused():
    networks, parts, validations = folds(plain, (24,))
    with pytest.raises(ValueError, match=r"as many of each .*'networks': 3, 'examples': 2"):
        jointly(networks, RECIPE, parts[:2])
    with pytest.raises(ValueError, match="as many of each"):
        train_folds([], RECIPE, [], seeds=[], **QUIET)
    with pytest.raises(ValueError, match="of one architecture.*number 2 differs from number 0"):
        jointly([*networks[:2], nn.Linear(24, 5)], RECIPE, parts)
    frozen = copy.deepcopy(networks[1])
    frozen.bias.requires_grad_(False)
    with pytest.raises(ValueError, match="same parts frozen; number 1 differs"):
        jointly([networks[0], frozen, networks[2]], RECIPE, parts)
    with pytest.raises(ValueError, match=r"examples of fold 1 are .*25.* those of fold 0 .*24"):
        jointly(networks, RECIPE, [parts[0], examples([(25,)], 20, 0), parts[2]])
    wrong = Examples(validations[1].inputs, validations[1].labels + 1)
    with pytest.raises(ValueError, match="validation labels must lie in 0..3"):
        jointly(networks, RECIPE, parts, [validations[0], wrong, validations[2]])
    parts[1].inputs[0][3] = np.nan
    with pytest.raises(FloatingPointError, match=r"the loss of fold 1 became nan in epoch 1"):
        jointly(networks, RECIPE, parts)

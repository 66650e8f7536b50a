"""The training loop: it learns, repeats, resumes, and refuses what does not fit."""

import math
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from ferkit.papers.emotionaldan.loss import Triangular
from ferkit.training import checkpoints, epochs, loop
from ferkit.training.layers import Dropout, cross_entropy, hinge
from ferkit.training.loop import scores, train
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded

QUIET = {"device": "cpu", "precision": "32", "progress": False}
RECIPE = Recipe(epochs=6, batch=16, rate=0.05)
PER_EPOCH = 4  # batches of 50 examples


def toy(dropout: float = 0.3) -> nn.Module:
    return seeded(
        lambda: nn.Sequential(
            nn.Linear(6, 20),
            nn.BatchNorm1d(20),
            nn.ReLU(),
            Dropout(dropout),
            nn.Dropout(0.1),
            nn.Linear(20, 3),
        ),
        1,
    )


def plain() -> nn.Module:
    return seeded(lambda: nn.Sequential(nn.Linear(6, 20), nn.ReLU(), nn.Linear(20, 3)), 1)


def data(count: int, seed: int = 0) -> Examples:
    x = torch.randn(count, 6, generator=torch.Generator().manual_seed(seed))
    return Examples((x,), x[:, :3].argmax(1))


def same(a: nn.Module, b: nn.Module) -> bool:
    return all(
        torch.equal(p, q)
        for p, q in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("loss", [cross_entropy, hinge])
def test_it_learns_and_tells_its_history(loss):
    network = plain()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    recipe = Recipe(epochs=30, batch=16, rate=0.05, rate_factor=0.5, rate_every=50, loss=loss)
    done = train(network, recipe, data(90), data(40, 1), **QUIET)
    table = done.history
    assert list(table) == [
        "epoch",
        "iteration",
        "rate",
        "train_loss",
        "val_loss",
        "val_accuracy",
        "seconds",
    ]
    assert table.epoch.tolist() == list(range(1, 31))
    assert table.iteration.tolist() == [
        6 * epoch for epoch in range(1, 31)
    ]  # 90 examples are 6 batches
    assert table.rate.iloc[[7, 8, -1]].tolist() == [0.05, 0.025, 0.05 / 8]
    assert table.val_accuracy.max() > 0.85
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    test = data(40, 1)
    hit = scores(done.network, test.inputs, device="cpu").argmax(1) == test.labels.numpy()
    assert hit.mean() == pytest.approx(table.val_accuracy[done.best_epoch - 1])


def test_the_history_counts_the_truth_among_the_first_k():
    recipe = Recipe(epochs=2, batch=16, rate=0.05, top_k=3)
    done = train(plain(), recipe, data(90), data(40, 1), **QUIET)
    last = done.history.iloc[done.best_epoch - 1]
    found = scores(done.network, data(40, 1).inputs, device="cpu").argsort(1)[:, ::-1]
    is_true = found == data(40, 1).labels.numpy()[:, None]
    assert last["val_accuracy"] == pytest.approx(is_true[:, 0].mean())
    assert last["val_top_2"] == pytest.approx(is_true[:, :2].any(1).mean())
    assert last["val_top_3"] == 1  # there are three classes
    alone = train(plain(), replace(recipe, top_k=1), data(90), data(40, 1), **QUIET)
    assert same(done.network, alone.network)


def test_steps_are_those_of_momentum_and_weight_decay():
    """Caffe: v = momentum v + rate (gradient + decay w), w = w - v, biases too."""
    network = nn.Linear(2, 1)
    w0 = network.weight.detach().clone()

    def slope(outputs, labels):
        return outputs.mean()

    recipe = Recipe(epochs=2, batch=1, rate=0.1, momentum=0.9, weight_decay=0.01, loss=slope)
    x = torch.tensor([[1.0, 2.0]])
    done = train(network, recipe, Examples((x,), torch.zeros(1, 1)), **QUIET)
    v1 = 0.1 * (x + 0.01 * w0)
    w1 = w0 - v1
    w2 = w1 - 0.9 * v1 - 0.1 * (x + 0.01 * w1)
    torch.testing.assert_close(done.network.weight, nn.Parameter(w2))


def test_batches_are_full_and_go_round():
    rows = epochs.shuffle_batches(Recipe(epochs=1, batch=4), 10, 0, 1)
    assert [len(batch) for batch in rows] == [4, 4, 4]
    flat = torch.cat(rows).tolist()
    assert sorted(flat[:10]) == list(range(10))
    assert flat[10:] == flat[:2]
    few = torch.cat(epochs.shuffle_batches(Recipe(epochs=1, batch=8), 3, 0, 1)).tolist()
    assert few == (few[:3] * 3)[:8]


def test_the_seed_decides_and_nothing_else():
    state = torch.random.get_rng_state()
    first, again, other = (
        train(toy(), RECIPE, data(50), data(20, 1), seed=s, **QUIET) for s in (3, 3, 4)
    )
    assert same(first.network, again.network)
    assert not same(first.network, other.network)
    assert torch.equal(torch.random.get_rng_state(), state)
    pd.testing.assert_frame_equal(
        first.history.drop(columns="seconds"), again.history.drop(columns="seconds")
    )


def test_augmentation_repeats_and_is_used():
    def noisy(inputs, generator):
        return (inputs[0] + 0.1 * torch.randn(inputs[0].shape, generator=generator),)

    plainly, first, again = (
        train(toy(), RECIPE, data(50), augment=how, **QUIET) for how in (None, noisy, noisy)
    )
    assert same(first.network, again.network)
    assert not same(first.network, plainly.network)


class Killed(Exception):
    pass


@pytest.mark.parametrize("optimiser", ["sgd", "adam", "adamw"])
def test_a_killed_training_ends_as_an_unbroken_one(optimiser, tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoints, "SAVED_EVERY", 0)
    recipe = replace(RECIPE, optimiser=optimiser, rate=0.01)
    unbroken = train(toy(), recipe, data(50), data(20, 1), **QUIET)
    validate = epochs.validate

    def killing(*arguments):
        killing.calls += 1
        if killing.calls == 4:
            raise Killed
        return validate(*arguments)

    killing.calls = 0
    monkeypatch.setattr(loop, "validate", killing)
    with pytest.raises(Killed):
        train(toy(), recipe, data(50), data(20, 1), folder=tmp_path, **QUIET)
    resumed = train(toy(), recipe, data(50), data(20, 1), folder=tmp_path, **QUIET)
    assert killing.calls == 4 + 3  # epochs 1 to 3 were kept, the fourth was not
    assert same(resumed.network, unbroken.network)
    assert resumed.best_epoch == unbroken.best_epoch
    pd.testing.assert_frame_equal(
        resumed.history.drop(columns="seconds"), unbroken.history.drop(columns="seconds")
    )
    at_once = train(toy(), recipe, data(50), data(20, 1), folder=tmp_path, **QUIET)
    assert killing.calls == 7
    assert same(at_once.network, unbroken.network)
    assert [path.name for path in tmp_path.iterdir()] == ["training.safetensors"]
    assert not [
        name
        for name in load_file(tmp_path / "training.safetensors")
        if not name.startswith("best/")
    ]


def test_a_damaged_checkpoint_is_said_and_trained_again(tmp_path):
    asked = {"network": plain(), "recipe": RECIPE, "examples": data(50), **QUIET}
    first = train(**asked, folder=tmp_path)
    file = tmp_path / "training.safetensors"
    content = file.read_bytes()
    for damaged in (content[:-3] + b"abc", content[:100], b""):
        file.write_bytes(damaged)
        with pytest.warns(UserWarning, match=r"training\.safetensors is damaged.*from the beginn"):
            again = train(**asked, folder=tmp_path)
        assert same(first.network, again.network)


@pytest.mark.parametrize("optimiser", ["sgd", "adam"])
def test_a_killed_training_in_bf16_goes_on_with_its_momentum(optimiser, tmp_path, monkeypatch):
    """Weights of convolutions lie channels last there, and what a checkpoint holds does not."""
    network = seeded(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 3)), 0
    )
    examples = Examples(
        (data(40).inputs[0].repeat(1, 13)[:, :75].view(40, 3, 5, 5),), data(40).labels
    )
    asked = {
        "network": network,
        "recipe": replace(RECIPE, epochs=4, rate=0.02, optimiser=optimiser),
    }
    asked |= {"examples": examples, **QUIET, "precision": "bf16"}
    unbroken = train(**asked)
    write = checkpoints.write_checkpoint
    monkeypatch.setattr(checkpoints, "SAVED_EVERY", 0)

    def killing(*arguments):
        write(*arguments)
        raise Killed

    monkeypatch.setattr(checkpoints, "write_checkpoint", killing)
    with pytest.raises(Killed):
        train(**asked, folder=tmp_path)
    monkeypatch.setattr(checkpoints, "write_checkpoint", write)
    resumed = train(**asked, folder=tmp_path)
    for p, q in zip(resumed.network.parameters(), unbroken.network.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"recipe": replace(RECIPE, rate=0.01)}, "rate: 0.05 there, 0.01 now"),
        ({"seed": 1}, "seed: 0 there, 1 now"),
        ({"examples": data(51)}, "examples: "),
        ({"network": plain()}, "architecture: "),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(change, words, tmp_path):
    asked = {"network": toy(), "recipe": RECIPE, "examples": data(50), **QUIET, "folder": tmp_path}
    train(**asked)
    with pytest.raises(ValueError, match=f"is another training .*{words}.*delete it"):
        train(**{**asked, **change})


def test_validation_chooses_the_epoch_and_stops(monkeypatch):
    accuracies, losses = [0.3, 0.5, 0.5, 0.5, 0.4, 0.9], [1.0, 0.8, 0.9, 0.7, 0.1, 0.1]
    said = iter(zip(accuracies, losses, strict=True))
    seen = []

    def fake(network, *_):
        seen.append({name: value.clone() for name, value in network.state_dict().items()})
        accuracy, loss = next(said)
        return {"val_loss": loss, "val_accuracy": accuracy}

    monkeypatch.setattr(loop, "validate", fake)
    done = train(
        toy(),
        replace(RECIPE, epochs=20, patience_iterations=PER_EPOCH),
        data(50),
        data(20, 1),
        **QUIET,
    )
    assert (len(done.history), done.best_epoch) == (
        3,
        2,
    )  # equal accuracy and a higher loss is no improvement
    assert all(
        torch.equal(value, seen[1][name]) for name, value in done.network.state_dict().items()
    )
    said, seen = iter(zip(accuracies, losses, strict=True)), []
    done = train(
        toy(), replace(RECIPE, patience_iterations=2 * PER_EPOCH), data(50), data(20, 1), **QUIET
    )
    assert (len(done.history), done.best_epoch) == (6, 6)


def test_patience_can_begin_after_some_iterations(monkeypatch):
    said = iter([(0.5, 1.0), *[(0.4, 1.0)] * 4])

    def fake(*_):
        accuracy, loss = next(said)
        return {"val_loss": loss, "val_accuracy": accuracy}

    monkeypatch.setattr(loop, "validate", fake)
    recipe = replace(RECIPE, epochs=20, patience_iterations=PER_EPOCH, patience_after=3 * PER_EPOCH)
    done = train(toy(), recipe, data(50), data(20, 1), **QUIET)
    # The first epoch is the best one, but waiting begins after the third.
    assert (len(done.history), done.best_epoch) == (4, 1)


def test_without_validation_the_last_epoch_counts():
    recipe = replace(RECIPE, patience_iterations=1)  # nothing to wait for
    done = train(toy(), recipe, data(50), **QUIET)
    assert done.best_epoch == RECIPE.epochs
    assert done.history.val_loss.isna().all()


def test_a_training_ends_at_its_exact_iteration(tmp_path):
    recipe = replace(RECIPE, iterations=10)  # two and a half epochs of 50 examples
    done = train(toy(), recipe, data(50), data(20, 1), **QUIET)
    assert done.history.iteration.tolist() == [4, 8, 10]
    whole = train(toy(), replace(recipe, iterations=8), data(50), data(20, 1), **QUIET)
    assert done.history.val_loss[:2].tolist() == whole.history.val_loss.tolist()


def test_labels_move_with_their_inputs():
    """Both turned by 180 degrees, a linear problem is the same; inputs alone turned, it is not."""

    def slope(outputs, labels):
        return (outputs - labels).square().mean()

    def turned(inputs, labels, generator):
        return (-inputs[0],), -labels

    examples = Examples(data(50).inputs, data(50).inputs[0][:, :1])
    network = seeded(lambda: nn.Linear(6, 1, bias=False), 1)
    recipe = replace(RECIPE, loss=slope)
    plainly = train(network, recipe, examples, **QUIET)
    both = train(network, recipe, examples, augment_both=turned, **QUIET)
    torch.testing.assert_close(both.network.weight, plainly.network.weight)
    inputs_alone = train(
        network, recipe, examples, augment=lambda inputs, _: (-inputs[0],), **QUIET
    )
    assert (inputs_alone.network.weight - plainly.network.weight).abs().max() > 0.1


def test_checkpoints_are_written_once_a_minute(tmp_path, monkeypatch):
    written = []
    save = checkpoints.TrainingState.save
    monkeypatch.setattr(
        checkpoints.TrainingState,
        "save",
        lambda state, *arguments: (written.append(len(state.rows)), save(state, *arguments)),
    )
    train(toy(), RECIPE, data(50), folder=tmp_path / "fast", **QUIET)
    assert written == [6]
    monkeypatch.setattr(checkpoints, "SAVED_EVERY", 0)
    train(toy(), RECIPE, data(50), folder=tmp_path / "slow", **QUIET)
    assert written[1:] == [1, 2, 3, 4, 5, 6]


def test_pictures_become_floats_and_other_losses_work():
    pictures = torch.arange(48, dtype=torch.uint8).view(3, 1, 4, 4)
    assert scores(nn.Flatten(), (pictures,), device="cpu").max() == pytest.approx(47 / 255)

    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(6, 3), nn.Linear(6, 2)

        def forward(self, x):
            return self.a(x), self.b(x)

    def both(outputs, labels):
        return outputs[0].square().mean() + (outputs[1] - labels).square().mean()

    x = data(40).inputs
    done = train(
        Two(),
        replace(RECIPE, loss=both),
        Examples(x, x[0][:, :2]),
        Examples(x, x[0][:, :2]),
        **QUIET,
    )
    assert done.history.val_accuracy.isna().all()
    assert done.history.val_loss.iloc[-1] < done.history.val_loss.iloc[0]
    assert scores(done.network, x, batch=7, device="cpu").shape == (40, 3)


def test_frozen_weights_stay():
    network = toy()
    network[0].requires_grad_(False)
    done = train(network, RECIPE, data(50), **QUIET)
    assert torch.equal(done.network[0].weight, network[0].weight)
    assert not torch.equal(done.network[-1].weight, network[-1].weight)


def test_bf16_gives_nearly_the_same_scores():
    network = seeded(
        lambda: nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 36, 4)), 0
    )
    pictures = torch.randint(
        0, 256, (9, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    exact, fast = (scores(network, (pictures,), device="cpu", precision=p) for p in ("32", "bf16"))
    assert fast.dtype == np.float32
    assert 0 < np.abs(exact - fast).max() < 0.02


@pytest.mark.loopback
def test_two_processes_equal_one():
    recipe = replace(RECIPE, epochs=2)
    one, two = (train(plain(), recipe, data(50), data(20, 1), devices=n, **QUIET) for n in (1, 2))
    for p, q in zip(one.network.parameters(), two.network.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=1e-4, atol=1e-6)
    columns = ["epoch", "iteration", "rate", "train_loss", "val_loss", "val_accuracy"]
    pd.testing.assert_frame_equal(one.history[columns], two.history[columns], rtol=1e-4)


def test_a_loss_that_is_no_number_stops():
    examples = data(50)
    examples.inputs[0][7] = math.nan
    with pytest.raises(
        FloatingPointError, match=r"nan in epoch 1, iteration \d; try a lower learning rate"
    ):
        train(plain(), RECIPE, examples, **QUIET)
    with pytest.raises(FloatingPointError, match="loss of the validation people became nan"):
        train(plain(), RECIPE, data(50), examples, **QUIET)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Examples((torch.ones(3, 2),), torch.zeros(4)), r"same length, got \[3\] and 4"),
        (lambda: Examples((torch.ones(0, 2),), torch.zeros(0)), "leave `validation` out"),
        (
            lambda: Recipe(epochs=1, optimiser="sgdd"),
            "unknown optimiser 'sgdd'; known: sgd, adam, adamw",
        ),
        (lambda: Recipe(epochs=0), "must be positive"),
        (lambda: Recipe(epochs=1, iterations=0), "must be positive"),
        (lambda: Recipe(epochs=1, rate_every=-1), "must not be negative"),
        (lambda: Recipe(epochs=1, patience_after=-1), "must not be negative"),
        (
            lambda: train(
                plain(), RECIPE, Examples((torch.ones(2, 6),), torch.tensor([0, 3])), **QUIET
            ),
            "0..2.* 0..3",
        ),
        (
            lambda: train(plain().requires_grad_(False), RECIPE, data(9), **QUIET),
            "nothing to train",
        ),
        (
            lambda: train(plain(), RECIPE, data(9), devices=3, **QUIET),
            "cannot be shared evenly by 3",
        ),
        (lambda: train(plain(), RECIPE, data(9), device="gpu"), "unknown device 'gpu'"),
        (lambda: scores(plain(), data(9).inputs, precision="16"), "unknown precision '16'"),
    ],
)
def test_what_does_not_fit_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_arrays_are_no_tensors():
    with pytest.raises(TypeError, match=r"got tuple and ndarray; see torch.from_numpy"):
        Examples((torch.ones(3, 2),), np.zeros(3))
    with pytest.raises(TypeError, match=r"give one input x as \(x,\)"):
        scores(plain(), torch.ones(3, 6))


def test_a_schedule_is_the_rate_of_every_iteration(tmp_path):
    """A training resumes with the schedule it began with, and no other."""
    triangle = Triangular(0.01, 0.05, half=4)
    recipe = Recipe(2, batch=8, schedule=triangle)
    assert [recipe.rate_at(i) for i in (0, 2, 4, 6, 8)] == pytest.approx(
        [0.01, 0.03, 0.05, 0.03, 0.01]
    )
    x, y = torch.randn(32, 3, generator=torch.Generator().manual_seed(0)), torch.arange(32) % 2
    how = {"progress": False, "device": "cpu", "folder": tmp_path}
    done = train(nn.Linear(3, 2), recipe, Examples((x,), y), **how)
    assert done.history["rate"].tolist() == pytest.approx([triangle(3), triangle(7)])
    with pytest.raises(ValueError, match="is another training .schedule"):
        train(
            nn.Linear(3, 2),
            Recipe(2, batch=8, schedule=Triangular(0.01, 0.04, half=4)),
            Examples((x,), y),
            **how,
        )


_TRAIN_AND_SCORE = """
import sys
import torch
from torch import nn
from safetensors.torch import save_file
from ferkit.training.loop import scores, train
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded

assert torch.get_num_threads() == int(sys.argv[2])
network = seeded(
    lambda: nn.Sequential(
        nn.Conv2d(1, 16, 5), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 16, 5), nn.ReLU(),
        nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16 * 144, 4)
    ),
    0,
)
x = torch.randn(256, 1, 32, 32, generator=torch.Generator().manual_seed(1))
examples = Examples((x,), torch.arange(256) % 4)
options = {"device": "cpu", "precision": "32"}
trained = train(network, Recipe(2, batch=128), examples, progress=False, **options)
assert torch.get_num_threads() == int(sys.argv[2])
outputs = torch.from_numpy(scores(trained.network, (x,), **options))
save_file({"outputs": outputs, **trained.network.state_dict()}, sys.argv[1])
"""


def test_the_number_of_threads_changes_nothing(tmp_path):
    """With two threads, sums would be rounded differently."""
    results = []
    for threads in ("1", "2"):
        file = tmp_path / f"{threads}.safetensors"
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "MKL_NUM_THREADS": threads}
        command = [sys.executable, "-c", _TRAIN_AND_SCORE, str(file), threads]
        subprocess.run(command, check=True, env=environment)
        results.append(load_file(file))
    one, two = results
    assert all(torch.equal(value, two[name]) for name, value in one.items())


def _joint_loss(outputs, labels):
    return cross_entropy(outputs, labels[:, 0].long()) + labels[:, 1].mean()


def _first_is_right(outputs, labels):
    return outputs.argmax(1) == labels[:, 0].long()


def test_the_best_epoch_is_that_of_what_the_recipe_calls_right(tmp_path):
    plain_data, other = data(50), data(40, 1)
    joint, joint_val = (
        Examples(part.inputs, torch.stack([part.labels.float(), torch.ones(len(part.labels))], 1))
        for part in (plain_data, other)
    )
    recipe = replace(RECIPE, loss=_joint_loss, is_right=_first_is_right)
    done = train(plain(), recipe, joint, joint_val, folder=tmp_path, **QUIET)
    known = train(plain(), RECIPE, plain_data, other, **QUIET)
    assert done.history["val_accuracy"].equals(known.history["val_accuracy"])
    assert done.best_epoch == known.best_epoch
    assert (done.history["val_loss"] - known.history["val_loss"]).round(4).eq(1).all()
    # Another measure is another training; without one the loss decides.
    with pytest.raises(ValueError, match="is_right"):
        train(plain(), replace(recipe, is_right=None), joint, joint_val, folder=tmp_path, **QUIET)

"""Networks by folds of people: each person is scored by a network not trained on them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_random
from ferkit.papers.dtagn.network import JointLoss
from ferkit.training import devices
from ferkit.training.by_folds import cross_train, part_rows
from ferkit.training.checkpoints import describe_training, hash_tensors, training_key
from ferkit.training.layers import cross_entropy, hinge
from ferkit.training.loop import scores, train
from ferkit.training.recipe import Examples, Recipe
from ferkit.training.seeds import seeded

PEOPLE = np.repeat([f"p{i}" for i in range(6)], 8)
CLIPS = [
    Clip("made up", who, f"{who}/{i}", "neutral", (Path(f"{who}-{i}.png"),))
    for i, who in enumerate(PEOPLE)
]
LABELS = np.tile(np.arange(2), 24)
X = (
    0.5 * torch.randn(48, 3, generator=torch.Generator().manual_seed(0))
    + torch.from_numpy(LABELS)[:, None] * 2.0
    - 1
)
RECIPE = Recipe(3, batch=8, rate=0.1)
HOW = {"progress": False, "device": "cpu"}


def build() -> nn.Module:
    return nn.Linear(3, 2)


def test_each_fold_equals_a_training_of_its_own():
    folds = folds_random(CLIPS, 3, 0, val_people=1)
    result = cross_train(build, RECIPE, (X,), LABELS, PEOPLE, folds, seed=5, **HOW)
    assert result.predictions(("no", "yes")).correct().mean() > 0.8
    for fold, done in zip(folds, result.trained, strict=True):
        rows = part_rows(PEOPLE, fold)
        part = {
            p: Examples((X[torch.from_numpy(r)],), torch.from_numpy(LABELS[r]))
            for p, r in rows.items()
        }
        alone = train(seeded(build, 5), RECIPE, part["train"], part["val"], seed=5, **HOW)
        torch.testing.assert_close(done.network.weight, alone.network.weight)
        np.testing.assert_allclose(
            result.scores[rows["test"]],
            scores(alone.network, part["test"].inputs, device="cpu"),
            rtol=1e-5,  # sums of batches of another size are rounded differently
        )
        assert set(result.fold[rows["test"]]) == {fold.name}
    assert result.history.groupby("fold").size().tolist() == [3, 3, 3]


def test_a_test_persons_numbers_change_nobody_elses_scores():
    """Scaling is measured on training people: absurd values of a test person do not leak."""
    folds = folds_random(CLIPS, 3, 0)[:1]
    tested = part_rows(PEOPLE, folds[0])["test"]
    first = np.flatnonzero(tested)[:8]
    spoiled = X.clone()
    spoiled[first] = 1e6
    scale = lambda x: lambda rows: ((x - x[torch.from_numpy(rows)].mean(0)),)  # noqa: E731
    one, two = (
        cross_train(build, RECIPE, scale(x), LABELS, PEOPLE, folds, **HOW) for x in (X, spoiled)
    )
    others = np.setdiff1d(np.flatnonzero(tested), first)
    np.testing.assert_array_equal(one.scores[others], two.scores[others])


def test_one_fold_alone_answers_for_its_people_only():
    folds = folds_random(CLIPS, 3, 0)[:1]
    result = cross_train(build, RECIPE, (X,), LABELS, PEOPLE, folds, **HOW)
    answers = result.predictions(("no", "yes"))
    assert len(answers.truth) == 16
    assert set(answers.people) == {clip.person for clip in folds[0].test}
    assert np.isnan(result.scores).all(1).sum() == 32


def test_test_samples_without_finite_scores_are_not_left_out():
    folds = folds_random(CLIPS, 3, 0)
    spoiled = X.clone()
    spoiled[np.flatnonzero(part_rows(PEOPLE, folds[0])["test"])[:5]] = float("nan")
    with pytest.raises(FloatingPointError, match=f"fold {folds[0].name}: .* 5 of 16 test samples"):
        cross_train(build, RECIPE, (spoiled,), LABELS, PEOPLE, folds[:1], **HOW)


@pytest.mark.parametrize("precision", ["32", "bf16"])
def test_test_samples_are_scored_in_the_precision_of_the_training(precision):
    folds = folds_random(CLIPS, 3, 0)[:1]
    pictures = torch.randn(48, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    small = lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(128, 2))  # noqa: E731
    how = {**HOW, "precision": precision}
    result = cross_train(small, RECIPE, (pictures,), LABELS, PEOPLE, folds, **how)
    rows = np.flatnonzero(result.fold == folds[0].name)
    network = result.trained[0].network
    alone = scores(network, (pictures[rows],), device="cpu", precision=precision)
    np.testing.assert_array_equal(result.scores[rows], alone)
    assert result.precision == precision


def test_trainings_are_kept_and_taken_up_again(tmp_path):
    folds = folds_random(CLIPS, 3, 0)
    one = cross_train(build, RECIPE, (X,), LABELS, PEOPLE, folds, folder=tmp_path, **HOW)
    times = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    assert len(times) == 3
    two = cross_train(build, RECIPE, (X,), LABELS, PEOPLE, folds, folder=tmp_path, **HOW)
    np.testing.assert_array_equal(one.scores, two.scores)
    assert times == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.safetensors")}
    cross_train(
        build, Recipe(3, batch=8, rate=0.2), (X,), LABELS, PEOPLE, folds[:1], folder=tmp_path, **HOW
    )
    cross_train(build, RECIPE, (X + 1,), LABELS, PEOPLE, folds[:1], folder=tmp_path, **HOW)
    assert (
        len(list(tmp_path.rglob("*.safetensors"))) == 5
    )  # other settings and other data are trainings of their own


def test_trainings_of_another_kind_of_processor_do_not_stop_one(tmp_path, monkeypatch):
    folds = folds_random(CLIPS, 3, 0)[:1]
    pictures = torch.zeros(48, 3, 6, 6)
    small = lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.Flatten(), nn.Linear(128, 2))  # noqa: E731
    how = {**HOW, "folder": tmp_path}
    for fast in (True, False, True):
        monkeypatch.setattr(devices, "_is_bf16_fast", lambda accelerator, fast=fast: fast)
        cross_train(small, RECIPE, (pictures,), LABELS, PEOPLE, folds, **how)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_what_is_frozen_makes_another_training(tmp_path):
    folds = folds_random(CLIPS, 3, 0)[:1]
    half = build()
    half.bias.requires_grad_(False)
    for network in (build(), half):
        network.load_state_dict(half.state_dict())
        result = cross_train([network], RECIPE, (X,), LABELS, PEOPLE, folds, folder=tmp_path, **HOW)
        assert torch.equal(result.trained[0].network.bias, half.bias) == (network is half)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_people_without_a_fold_and_folds_without_people_are_refused():
    folds = folds_random(CLIPS, 3, 0)
    strange = PEOPLE.astype(object)
    strange[0] = "somebody"
    with pytest.raises(ValueError, match="lacks 1 people .first: somebody."):
        cross_train(build, RECIPE, (X,), LABELS, strange, folds, **HOW)
    with pytest.raises(ValueError, match="at least one fold"):
        cross_train(build, RECIPE, (X,), LABELS, PEOPLE, [], **HOW)
    few = np.isin(PEOPLE, [clip.person for clip in folds[0].train])
    with pytest.raises(ValueError, match="no people to train or to test"):
        cross_train(
            build, RECIPE, (X[torch.from_numpy(few)],), LABELS[few], PEOPLE[few], folds, **HOW
        )


def test_each_fold_may_start_from_a_network_of_its_own(tmp_path):
    folds = folds_random(CLIPS, 3, 0, val_people=1)
    before = cross_train(build, RECIPE, (X,), LABELS, PEOPLE, folds, seed=5, **HOW)
    own = [done.network for done in before.trained]
    weights = [network.weight.clone() for network in own]
    result = cross_train(own, RECIPE, (X,), LABELS, PEOPLE, folds, seed=5, folder=tmp_path, **HOW)
    for fold, network, weight, done in zip(folds, own, weights, result.trained, strict=True):
        rows = part_rows(PEOPLE, fold)
        part = {
            p: Examples((X[torch.from_numpy(r)],), torch.from_numpy(LABELS[r]))
            for p, r in rows.items()
        }
        alone = train(network, RECIPE, part["train"], part["val"], seed=5, **HOW)
        torch.testing.assert_close(done.network.weight, alone.network.weight)
        assert torch.equal(network.weight, weight)
    cross_train(own[::-1], RECIPE, (X,), LABELS, PEOPLE, folds, seed=5, folder=tmp_path, **HOW)
    assert (
        len(list(tmp_path.rglob("*.safetensors"))) == 5
    )  # the middle fold starts from the same network
    with pytest.raises(ValueError, match="2 networks cannot start 3 folds"):
        cross_train(own[:2], RECIPE, (X,), LABELS, PEOPLE, folds, **HOW)


def test_the_description_of_a_training_is_the_same_in_every_process():
    network = build()
    examples = Examples((X,), torch.from_numpy(LABELS))

    def describe(recipe: Recipe) -> dict:
        return describe_training(network, recipe, examples, None, 0, None, "32", 1)

    for loss in (cross_entropy, hinge, JointLoss()):
        assert " at 0x" not in str(describe(Recipe(3, loss=loss)))
    assert describe(Recipe(3)) == describe(Recipe(3))
    assert describe(Recipe(3)) != describe(Recipe(3, loss=hinge))


def test_each_label_of_many_counts():
    labels = torch.arange(5000) % 7
    exchanged = labels.clone()
    exchanged[[1, 4997]] = labels[[4997, 1]]
    assert not torch.equal(labels, exchanged)
    assert hash_tensors(labels) != hash_tensors(exchanged)
    assert hash_tensors(labels, torch.tensor(1.0)) == hash_tensors(
        labels.clone(), torch.tensor(1.0)
    )


def test_another_training_has_another_key():
    network = build()
    examples = Examples((X,), torch.from_numpy(LABELS))
    given = {
        "network": network,
        "recipe": RECIPE,
        "examples": examples,
        "validation": None,
        "seed": 0,
    }
    key = training_key(**given)
    assert key == training_key(**given)
    others = [
        {"recipe": Recipe(3, batch=8, rate=0.2)},
        {"examples": Examples((X + 1,), examples.labels)},
        {"validation": examples},
        {"seed": 1},
        {"network": nn.Sequential(network)},
        {"precision": "bf16"},
    ]
    keys = {training_key(**{**given, **change}) for change in others}
    assert len(keys | {key}) == 1 + len(others)

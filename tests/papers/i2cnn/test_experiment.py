"""Paper 2 fold by fold: the faces each step sees, which patches are cut, which network is read."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending, image_folds_leaky
from ferkit.faces.align import cut_boxes
from ferkit.faces.prepared import Prepared
from ferkit.papers.i2cnn import gram_svm
from ferkit.papers.i2cnn.data import fold_rows, leaky_rows
from ferkit.papers.i2cnn.experiment import train_by_folds
from ferkit.papers.i2cnn.patches import PATCHES_OF_K, patch_boxes
from ferkit.papers.i2cnn.plans import PLANS, Plan
from ferkit.papers.i2cnn.specs import first_fold_network
from ferkit.papers.i2cnn.task import PatchTask
from ferkit.papers.i2cnn.train import patch_examples, patch_features, train_patches
from ferkit.predict.network_file import load_network, save_network
from ferkit.training import devices
from ferkit.training.seeds import mixed

NAMES = ("anger", "fear", "happiness")
PEOPLE = np.repeat([f"p{i}" for i in range(4)], 6)
LABELS = np.tile(NAMES, 8)
SMALL = Plan(
    48, 43, 43, 0.06, 8, dict.fromkeys((1, 5), 4), 24, 0.05, 1.0, dropout=0.0, start="he", folds=2
)


@pytest.fixture(scope="module")
def faces() -> Prepared:
    """24 noisy pictures whose brightness tells the class, with landmarks somewhere inside."""
    rng = np.random.default_rng(0)
    shade = np.tile([40, 120, 200], 8)[:, None, None, None]
    images = (shade + rng.integers(-30, 30, (24, 48, 48, 3))).astype(np.uint8)
    points = rng.uniform(12, 36, (24, 68, 2)).astype(np.float32)
    table = pd.DataFrame({"person": PEOPLE, "emotion": LABELS})
    return Prepared(None, 48, table, images, points, points, np.zeros((24, 4)))


@pytest.fixture
def clip_folds():
    clips = [Clip("d", who, f"{who}/{i}", "fear", ("x.png",)) for i, who in enumerate(PEOPLE)]
    return folds_ascending(clips, 2, val_people=1)


@pytest.fixture
def folds(clip_folds):
    return fold_rows(PEOPLE, clip_folds)


def test_rows_hold_every_person_once(folds):
    for fold in folds:
        parts = [set(PEOPLE[rows]) for rows in (fold.train, fold.val, fold.test)]
        assert [len(part) for part in parts] == [1, 1, 2]
        assert len(set.union(*parts)) == 4
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(24))


def test_folds_by_image_have_the_same_people_on_both_sides():
    for fold in leaky_rows(image_folds_leaky(list(PEOPLE), 3, 0)):
        assert set(PEOPLE[fold.test]) <= set(PEOPLE[fold.train])
        assert not set(fold.train) & set(fold.test)
        assert not len(fold.val)


@pytest.mark.parametrize("k", [1, 5, 60])
def test_each_patch_has_the_label_of_its_face(faces, k):
    codes, rows = np.arange(24), [7, 2]
    examples = patch_examples(faces, rows, codes, k, 20)
    assert examples.inputs[0].shape == (2 * k, 3, 20, 20)
    assert examples.labels.tolist() == [7] * k + [2] * k
    where = patch_boxes(faces.landmarks[rows], 48)[:, list(PATCHES_OF_K[k])]
    cut_out = cut_boxes(faces.images[rows], where, 20).reshape(-1, 20, 20, 3)
    np.testing.assert_array_equal(examples.inputs[0].permute(0, 2, 3, 1).numpy(), cut_out)


def test_a_recipe_has_the_iterations_of_its_k():
    lesson = PLANS["lesson"]
    for k in (1, 5, 60):
        recipe = lesson.recipe(k)
        assert recipe.iterations == lesson.iterations[k]
        assert recipe.rate_at(lesson.iterations[k] - 1) == pytest.approx(0.1 * recipe.rate)
    paper = PLANS["paper"].recipe(60)
    assert [paper.rate_at(i) for i in (49_999, 50_000, 100_000)] == pytest.approx(
        [0.01, 0.001, 0.0001]
    )
    assert paper.optimiser == "sgd"
    assert paper.patience_iterations == 50_000  # one step of the rate, whatever k


def test_trainings_are_as_long_for_one_patch_as_for_five_and_end_without_validation(faces, folds):
    """Patience in epochs stopped k = 1 after a few batches; without validation it was refused."""
    plan = replace(SMALL, iterations=dict.fromkeys((1, 5), 7), patience=100)
    codes = np.tile([0, 1, 2], 8)
    options = {"device": "cpu", "precision": "32"}
    for k in (1, 5):
        unvalidated = replace(folds[0], val=np.zeros(0, dtype=int))
        for fold in (folds[0], unvalidated):
            trained = train_patches(plan.network(3, 0), plan, faces, codes, fold, k, **options)
            assert trained.history["iteration"].iloc[-1] == 7


def test_validation_people_are_a_share_of_all():
    assert [PLANS["paper"].val_people(count) for count in (4, 10, 118)] == [1, 1, 12]
    assert PLANS["lesson"].val_people(10) == 0


def test_the_papers_settings():
    paper = PLANS["paper"]
    assert (paper.side, paper.crop, paper.width, paper.dense, paper.dropout) == (
        256,
        227,
        1.0,
        4096,
        0.5,
    )
    assert (paper.rate, paper.weight_decay, paper.folds, paper.standardise) == (
        0.01,
        5e-4,
        10,
        False,
    )
    assert len({setup.mark for setup in PLANS.values()}) == len(PLANS)


def test_features_are_those_of_the_middle_of_each_patch(faces):
    setup = replace(SMALL, side=50)
    network = setup.network(3, 1).eval()
    of_patch = patch_features(network, setup, faces, device="cpu", precision="32")
    pixels = cut_boxes(faces.images, patch_boxes(faces.landmarks, 48)[:, [4]], 50)[:, 0, 3:46, 3:46]
    with torch.no_grad():
        expected = network.features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_allclose(of_patch(4), expected, atol=1e-5)


def test_the_svm_stands_on_the_folds_own_network(faces, folds, tmp_path):
    options = {"device": "cpu", "precision": "32"}
    whole = {"five": PATCHES_OF_K[5], "the first": PATCHES_OF_K[5][:1]}
    found = train_by_folds(
        SMALL,
        faces,
        LABELS.tolist(),
        PEOPLE,
        folds,
        5,
        names=NAMES,
        folder=tmp_path,
        subsets=whole,
        **options,
    )
    assert list(found.predictions) == ["five", "the first", "svm", "softmax"]
    np.testing.assert_array_equal(found.predictions["svm"].scores, found.predictions["five"].scores)
    assert len(found.history) == 2 * 2  # 4 batches of 30 patches are two epochs
    assert [len(one.history) for one in found.trained] == [2, 2]
    codes = np.tile([0, 1, 2], 8)
    fold = folds[1]
    own = mixed(0, 1)
    start = SMALL.network(3, own)
    network = train_patches(
        start, SMALL, faces, codes, fold, 5, seed=own, folder=tmp_path / "k5" / "2", **options
    )
    kernel = gram_svm.gram_matrix(
        patch_features(network.network, SMALL, faces, **options), PATCHES_OF_K[5]
    )
    seen = np.concatenate([fold.train, fold.val])
    expected = gram_svm.fit_on_kernel(kernel, LABELS.tolist(), PEOPLE, seen, fold.test, names=NAMES)
    np.testing.assert_allclose(
        found.predictions["svm"].scores[fold.test], expected.scores, atol=1e-6
    )
    np.testing.assert_allclose(found.predictions["softmax"].scores.sum(1), 1, atol=1e-5)


def test_it_learns_what_brightness_tells(faces, folds):
    setup = replace(SMALL, iterations={1: 120})
    found = train_by_folds(
        setup, faces, LABELS.tolist(), PEOPLE, folds, 1, names=NAMES, device="cpu", precision="32"
    )
    assert {
        name: answers.correct().mean() > 0.9 for name, answers in found.predictions.items()
    } == {
        "svm": True,
        "softmax": True,
    }


def test_trainings_of_another_kind_of_processor_do_not_stop_one(
    faces, folds, tmp_path, monkeypatch
):
    codes = np.tile([0, 1, 2], 8)
    for fast in (True, False, True):
        monkeypatch.setattr(devices, "_is_bf16_fast", lambda accelerator, fast=fast: fast)
        network = SMALL.network(3, 0)
        train_patches(network, SMALL, faces, codes, folds[0], 1, folder=tmp_path, device="cpu")
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2


def test_labels_of_test_faces_change_nothing(faces, folds):
    shuffled = LABELS.copy()
    shuffled[folds[0].test] = shuffled[folds[0].test][::-1]
    options = {"names": NAMES, "device": "cpu", "precision": "32"}
    one, other = (
        train_by_folds(SMALL, faces, labels.tolist(), PEOPLE, folds, 1, **options).predictions
        for labels in (LABELS, shuffled)
    )
    for name in one:
        np.testing.assert_array_equal(
            one[name].scores[folds[0].test], other[name].scores[folds[0].test]
        )


def test_what_does_not_fit_is_refused(faces, folds):
    grey = replace(faces, images=faces.images[..., 0])
    with pytest.raises(ValueError, match="aligned colour pictures"):
        patch_examples(grey, [0], np.zeros(24, int), 1, 20)
    with pytest.raises(ValueError, match="12 of 24 faces are tested in no fold"):
        train_by_folds(
            SMALL,
            faces,
            LABELS.tolist(),
            PEOPLE,
            folds[:1],
            1,
            names=NAMES,
            device="cpu",
            precision="32",
        )


def test_the_kept_network_is_the_first_folds_and_sees_the_whole_face(faces, clip_folds, tmp_path):
    plan = replace(SMALL, iterations={60: 3})
    task = PatchTask(faces, LABELS.tolist(), PEOPLE, clip_folds)
    options = {"seed": 3, "device": "cpu", "precision": "32"}
    trained = tmp_path / "trained"
    arguments = (plan, faces, task.labels, PEOPLE, task.rows, 60)
    train_by_folds(*arguments, names=NAMES, folder=trained, **options)
    files = {file: file.stat().st_mtime_ns for file in trained.rglob("*.*")}
    network = first_fold_network(plan, task, folder=trained, about="made up", **options)
    assert files == {file: file.stat().st_mtime_ns for file in trained.rglob("*.*")}
    loaded = load_network(save_network(tmp_path / "kept.safetensors", network))
    assert (loaded.names, loaded.about) == (NAMES, "made up")
    assert (loaded.views[0].cut, loaded.views[0].shape) == ("region", (3, 43, 43))
    again = first_fold_network(plan, task, **options)
    for name, value in again.module.state_dict().items():
        torch.testing.assert_close(value, loaded.module.state_dict()[name])

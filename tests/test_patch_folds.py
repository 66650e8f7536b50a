"""Paper 2 fold by fold: who is seen when, what is cut for whom, and that the machine stands on the fold's own network."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch

from ferkit import patch_folds, patch_svm
from ferkit.data.clips import Clip
from ferkit.data.folds import folds_ascending, image_folds_leaky
from ferkit.faces.patches import CHOSEN, boxes, cut
from ferkit.faces.store import Prepared
from ferkit.patch_folds import SETUPS, Setup, by_folds, features_of, leaky_rows, patch_examples, rows_of, train_patches
from ferkit.portable import load_network

NAMES = ("anger", "fear", "happiness")
PEOPLE = np.repeat([f"p{i}" for i in range(4)], 6)
LABELS = np.tile(NAMES, 8)
SMALL = Setup(48, 43, 43, 0.06, 8, dict.fromkeys((1, 5), 4), 24, 0.05, 1.0, dropout=0.0, start="he", folds=2)


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
def folds():
    clips = [Clip("d", who, f"{who}/{i}", "fear", ("x.png",)) for i, who in enumerate(PEOPLE)]
    return rows_of(PEOPLE, folds_ascending(clips, 2, val_people=1))


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
    where = boxes(faces.landmarks[rows], 48)[:, list(CHOSEN[k])]
    cut_out = cut(faces.images[rows], where, 20).reshape(-1, 20, 20, 3)
    np.testing.assert_array_equal(examples.inputs[0].permute(0, 2, 3, 1).numpy(), cut_out)


def test_a_recipe_has_the_iterations_of_its_k():
    lesson = SETUPS["lesson"]
    for k in (1, 5, 60):
        recipe = lesson.recipe(k, 168 * k)
        assert recipe.epochs * -(-168 * k // recipe.batch) == pytest.approx(
            lesson.iterations[k], rel=0.1
        )  # full batches
        assert recipe.rate_at(lesson.iterations[k] - 1) == pytest.approx(0.1 * recipe.rate)
    paper = SETUPS["paper"].recipe(60, 10_000)
    assert [paper.rate_at(i) for i in (49_999, 50_000, 100_000)] == pytest.approx([0.01, 0.001, 0.0001])
    assert paper.optimiser == "sgd"


def test_the_papers_settings():
    paper = SETUPS["paper"]
    assert (paper.side, paper.crop, paper.width, paper.dense, paper.dropout) == (256, 227, 1.0, 4096, 0.5)
    assert (paper.rate, paper.weight_decay, paper.folds, paper.standardise) == (0.01, 5e-4, 10, False)
    assert len({setup.mark for setup in SETUPS.values()}) == len(SETUPS)


def test_features_are_those_of_the_middle_of_each_patch(faces):
    setup = replace(SMALL, side=50)
    network = setup.network(3, 1).eval()
    of_patch = features_of(network, setup, faces, device="cpu", precision="32")
    pixels = cut(faces.images, boxes(faces.landmarks, 48)[:, [4]], 50)[:, 0, 3:46, 3:46]
    with torch.no_grad():
        expected = network.features(torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255)
    np.testing.assert_allclose(of_patch(4), expected, atol=1e-5)


def test_the_machine_stands_on_the_folds_own_network(faces, folds, tmp_path):
    options = {"device": "cpu", "precision": "32"}
    whole = {"five": CHOSEN[5], "the first": CHOSEN[5][:1]}
    found = by_folds(
        SMALL, faces, LABELS.tolist(), PEOPLE, folds, 5, names=NAMES, folder=tmp_path, subsets=whole, **options
    )
    assert list(found.answers) == ["five", "the first", "machine", "softmax"]
    np.testing.assert_array_equal(found.answers["machine"].scores, found.answers["five"].scores)
    assert len(found.history) == 2 * SMALL.recipe(5, 30).epochs
    codes = np.tile([0, 1, 2], 8)
    fold = folds[1]
    own = patch_folds.mixed(0, 1)
    start = SMALL.network(3, own)
    network = train_patches(start, SMALL, faces, codes, fold, 5, seed=own, folder=tmp_path / "k5" / "2", **options)
    kernel = patch_svm.gram(features_of(network.network, SMALL, faces, **options), CHOSEN[5])
    seen = np.concatenate([fold.train, fold.val])
    expected = patch_svm.fit(kernel, LABELS.tolist(), PEOPLE, seen, fold.test, names=NAMES)
    np.testing.assert_allclose(found.answers["machine"].scores[fold.test], expected.scores, atol=1e-6)
    assert found.answers["machine"].chosen["2"] == expected.C
    np.testing.assert_allclose(found.answers["softmax"].scores.sum(1), 1, atol=1e-5)


def test_it_learns_what_brightness_tells(faces, folds):
    setup = replace(SMALL, iterations={1: 120})
    found = by_folds(setup, faces, LABELS.tolist(), PEOPLE, folds, 1, names=NAMES, device="cpu", precision="32")
    assert {name: answers.correct().mean() > 0.9 for name, answers in found.answers.items()} == {
        "machine": True,
        "softmax": True,
    }


def test_labels_of_test_faces_change_nothing(faces, folds):
    shuffled = LABELS.copy()
    shuffled[folds[0].test] = shuffled[folds[0].test][::-1]
    options = {"names": NAMES, "device": "cpu", "precision": "32"}
    one, other = (
        by_folds(SMALL, faces, labels.tolist(), PEOPLE, folds, 1, **options).answers for labels in (LABELS, shuffled)
    )
    for name in one:
        np.testing.assert_array_equal(one[name].scores[folds[0].test], other[name].scores[folds[0].test])


def test_what_does_not_fit_is_refused(faces, folds):
    grey = replace(faces, images=faces.images[..., 0])
    with pytest.raises(ValueError, match="aligned colour pictures"):
        patch_examples(grey, [0], np.zeros(24, int), 1, 20)
    with pytest.raises(ValueError, match="12 of 24 faces are tested in no fold"):
        by_folds(SMALL, faces, LABELS.tolist(), PEOPLE, folds[:1], 1, names=NAMES, device="cpu", precision="32")


def test_the_kept_network_is_the_first_folds_and_answers_the_whole_face(faces, folds, tmp_path):
    setup = replace(SMALL, iterations={60: 3})
    task = (setup, faces, LABELS.tolist(), folds)
    options = {"seed": 3, "device": "cpu", "precision": "32", "folder": tmp_path / "trained"}
    by_folds(*task[:3], PEOPLE, folds, 60, names=NAMES, **options)
    path = patch_folds.keep_network(tmp_path / "kept.safetensors", *task, names=NAMES, about="made up", **options)
    found = load_network(path)
    assert (found.names, found.about) == (NAMES, "made up")
    assert (found.views[0].cut, found.views[0].shape) == ("patch", (3, 43, 43))
    again = patch_folds.keep_network(tmp_path / "again.safetensors", *task, names=NAMES, **options | {"folder": None})
    for name, value in load_network(again).module.state_dict().items():
        torch.testing.assert_close(value, found.module.state_dict()[name])

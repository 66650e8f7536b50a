"""The sweep over alpha, the choice of frames, and the explorers around them."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from made_sequences import make_sequence_set
from PIL import Image

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.data.sets.drawn import read_drawn
from ferkit.drawn.draw_sets import draw_set
from ferkit.drawn.sets import SETS, DrawnSet, Size
from ferkit.faces.prepare import prepare
from ferkit.faces.resample import resample
from ferkit.papers.dtagn import data, experiment
from ferkit.papers.dtagn.network import DTGN_NOTATION, Concatenated, Joint, build
from ferkit.papers.dtagn.plans import PLANS
from ferkit.training.by_folds import cross_train
from ferkit.training.recipe import Recipe
from ferkit.workbook.explorers import dtagn as widgets


@pytest.fixture
def outputs():
    """Two networks, right on one half each, and unsure where they are wrong."""
    truth = np.arange(40) % 4
    sure, unsure = np.eye(4)[truth], np.eye(4)[(truth + 1) % 4] * 0.4 + 0.15
    half = np.arange(40)[:, None] < 20
    return np.where(half, sure, unsure), np.where(half, unsure, sure), truth, np.arange(40) // 4


def test_the_sweep_ends_at_each_network_and_is_best_between(outputs):
    table = experiment.sweep_alpha(*outputs, repeats=50)
    assert table["alpha"].tolist() == pytest.approx(np.linspace(0, 1, 101))
    assert table["value"].iloc[[0, 50, 100]].tolist() == [0.5, 1.0, 0.5]
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


def test_fewer_frames_are_spread_and_a_single_one_is_the_last():
    pictures = torch.arange(12).reshape(1, 12, 1, 1)
    assert data.choose_frames(pictures, 3).flatten().tolist() == [0, 6, 11]
    assert data.choose_frames(pictures, 1).flatten().tolist() == [11]
    assert torch.equal(data.choose_frames(pictures, 12), pictures)
    with pytest.raises(ValueError, match="13 frames cannot be chosen from 12"):
        data.choose_frames(pictures, 13)


def test_the_sequence_explorer_shows_the_packages_frames():
    frames = np.random.default_rng(0).integers(0, 256, (5, 8, 8)).astype(np.uint8)
    explorer = widgets.sequence_explorer(frames)
    assert len(explorer.controls["time"].options) == 17
    for place, time in ((0, 0.0), (6, 1.5), (16, 4.0)):
        explorer.controls["time"].value = time
        picture = np.asarray(Image.open(io.BytesIO(explorer.view.value)))
        cosine, linear = (
            resample(frames, 17, method=method)[place] for method in ("cosine", "linear")
        )
        assert np.array_equal(picture[:, :8], cosine)
        assert np.array_equal(picture[:, 8:16], linear)
        assert (picture[:, 16:] == 128).all() == (
            time % 1 == 0
        )  # both are exact at the frames given
    with pytest.raises(ValueError, match="grey pictures"):
        widgets.sequence_explorer(frames[0])


def test_the_alpha_explorer_says_what_the_sum_gets_right(outputs):
    p, q, truth, _ = outputs
    explorer = widgets.alpha_explorer(p, q, truth, ("a", "b", "c", "d"))
    assert "accuracy 1.000" in explorer.text.value
    before = explorer.view.value
    explorer.controls["alpha"].value = 1.0
    assert "accuracy 0.500" in explorer.text.value
    assert explorer.view.value != before
    with pytest.raises(ValueError, match="outputs of one shape"):
        widgets.alpha_explorer(p, q[:, :3], truth, ("a", "b", "c", "d"))


def test_a_class_missing_from_a_fold_keeps_its_place_and_too_few_people_are_refused():
    clips = [
        Clip("d", f"p{i}", f"c{i}", "fear" if i == 0 else "anger", ("a", "b")) for i in range(4)
    ]
    folds = folds_ascending(clips, 2)
    assert {clip.emotion for clip in folds[1].test} == {"anger"}
    labels = np.array([("anger", "fear").index(clip.emotion) for clip in folds[1].test])
    table = experiment.sweep_alpha(
        np.tile([0.9, 0.1], (2, 1)), np.tile([0.1, 0.9], (2, 1)), labels, ["p1", "p3"], repeats=20
    )
    assert table["value"].iloc[[0, 100]].tolist() == [0, 1]
    with pytest.raises(ValueError, match="5 folds need at least 5 people"):
        folds_ascending(clips, 5)


def test_networks_start_alike_behind_the_centre_of_their_training_people():
    clips = [Clip("d", f"p{i}", f"c{i}", "fear", ("a", "b")) for i in range(6)]
    people, x = np.array([clip.person for clip in clips]), torch.randn(6, 12, 49, 2)
    folds = folds_ascending(clips, 3, val_people=1)
    made = experiment.build_networks(DTGN_NOTATION["ckplus"], x, people, folds, seed=3)
    for fold, network in zip(folds, made, strict=True):
        rows = np.isin(people, [clip.person for clip in fold.train])
        assert torch.allclose(network.hidden[0].mean, x[torch.from_numpy(rows)].mean(0))
        assert torch.equal(network.top.weight, made[0].top.weight)
    other = experiment.build_networks(DTGN_NOTATION["ckplus"], x, people, folds, seed=4)
    assert not torch.equal(other[0].top.weight, made[0].top.weight)


def test_true_motion_is_where_the_expression_moved_the_face(tmp_path, monkeypatch):
    monkeypatch.setitem(
        SETS, "short", DrawnSet("short", "CK+", "sequences", {"smoke": Size(1, 1, 3)}, 96)
    )
    clips = read_drawn(
        draw_set("short", "smoke", 0, tmp_path / "drawn", workers=1, progress=False),
        dataset="short",
    )
    clips = [clip for clip in clips if clip.emotion in ("happiness", "surprise")]
    prepared = prepare(clips, 64, cache=tmp_path, grey=True, progress=False)
    motion = data.redraw_motion(clips, prepared, "smoke", 0)
    assert motion.shape == (len(clips), 64, 64)
    for clip, moved in zip(clips, motion, strict=True):
        truth = np.linalg.norm(
            clip.extra["landmarks"][clip.peak] - clip.extra["landmarks"][0], axis=-1
        )
        assert moved.max() == pytest.approx(truth.max(), rel=0.35)  # the head drifts a little too
        row = int(
            np.flatnonzero(
                (prepared.table["name"] == clip.name) & (prepared.table["frame"] == clip.peak)
            )[0]
        )
        x, y = prepared.landmarks[row, truth.argmax()].astype(int)
        assert moved[y - 8 : y + 8, x - 8 : x + 8].max() > 0.65 * moved.max()
    with pytest.raises(ValueError, match="the motion of .* is unknown"):
        data.redraw_motion([replace(clips[0], name="another")], prepared, "smoke", 0)


def test_each_fold_puts_its_own_two_trained_networks_together():
    clips = [Clip("d", f"p{i}", f"c{i}", "fear", ("a", "b")) for i in range(4)]
    people, labels, folds = (
        np.array([clip.person for clip in clips]),
        [0, 1, 0, 1],
        folds_ascending(clips, 2),
    )
    pictures, points = torch.rand(4, 2, 16, 16), torch.randn(4, 2, 49, 2)
    how = {"progress": False, "device": "cpu"}
    dtan = cross_train(
        lambda: build("I16-C(3,2)-P2-FC4-S2", 2),
        Recipe(1),
        (pictures,),
        labels,
        people,
        folds,
        **how,
    )
    dtgn = cross_train(
        lambda: build("D196-FC4-S2"), Recipe(1), (points,), labels, people, folds, **how
    )
    for joint, a, b in zip(
        experiment.join_networks(Joint, dtan, dtgn), dtan.trained, dtgn.trained, strict=True
    ):
        summed = joint(pictures, points)[0]
        assert torch.allclose(summed, a.network(pictures) + b.network(points))
        assert joint.dtan is not a.network
        assert all(p.requires_grad for p in a.network.parameters())  # freezing is the copy's affair
    one, two = (experiment.join_networks(Concatenated, dtan, dtgn, seed=seed)[0] for seed in (0, 1))
    assert not torch.equal(one.top.weight, two.top.weight)
    with pytest.raises(ValueError, match="different folds"):
        experiment.join_networks(Joint, dtan, replace(dtgn, fold=dtgn.fold[::-1]))


def test_controls_of_dtgn_change_one_thing_and_keep_the_learning_rate(monkeypatch):
    """Augmentation, or the first frame: recipe, seed and first weights stay."""
    calls = []

    def record(networks, recipe, inputs, labels, people, folds, **options):
        calls.append((networks, recipe, inputs[0], options))

    monkeypatch.setattr(experiment, "cross_train", record)
    loaded = make_sequence_set()
    task = (loaded.kind, loaded.data, loaded.folds, "lesson")
    experiment.train_dtgn(*task, seed=3)
    experiment.train_dtgn(*task, seed=3, augment=None)
    experiment.train_dtgn_on_movement(*task, seed=3)
    (usual, *rest), (bare, *bare_rest), (movement, *movement_rest) = calls
    for recipe, inputs, options in (bare_rest, movement_rest):
        assert recipe == rest[0]
        assert recipe.rate == PLANS["lesson"].dtgn.rate
        assert options["seed"] == rest[2]["seed"] == 3
        assert inputs.shape == rest[1].shape
    assert bare_rest[2]["augment"] is None
    assert movement_rest[2]["augment"] is rest[2]["augment"]
    assert torch.equal(bare_rest[1], rest[1])
    assert not movement_rest[1][:, 0].any()
    for networks in (bare, movement):
        assert torch.equal(networks[0].top.weight, usual[0].top.weight)


def test_the_peak_of_fewer_frames_is_the_last_or_with_mmi_the_middle():
    loaded = make_sequence_set()
    assert [loaded.find_peak(frames) for frames in (1, 3, 12)] == [0, 2, 11]
    back = replace(loaded, kind="mmi")
    assert [back.find_peak(frames) for frames in (1, 3, 12)] == [0, 1, 6]
    assert loaded.emotions[:7].tolist() == list(loaded.classes)

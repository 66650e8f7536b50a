"""The study of paper 3: controls, single emotions, and what the first layer responds to."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ferkit.data.clip import Clip
from ferkit.data.folds import folds_ascending
from ferkit.evaluation.predictions import Predictions
from ferkit.papers.dtagn import experiment, look_inside, plans, study
from ferkit.papers.dtagn.network import (
    DTAN_NOTATION,
    DTGN_NOTATION,
    Centre,
    build,
    join_without_dropout,
)
from ferkit.papers.dtagn.sequences import Sequences
from ferkit.training.layers import Dropout
from ferkit.training.recipe import Recipe

QUICK = {"progress": False, "device": "cpu", "precision": "32"}


@pytest.fixture
def task(monkeypatch):
    """Random sequences of six people in two folds, and a plan of one epoch."""
    clips = [Clip("d", f"p{i}", f"c{i}", "fear", ("a", "b")) for i in range(6)]
    people = np.array([clip.person for clip in clips])
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randint(0, 256, (6, 12, 64, 64), generator=generator, dtype=torch.uint8)
    points = torch.randn(6, 12, 49, 2, generator=generator)
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    data = Sequences(pictures, points, labels, people, np.zeros(6, dtype=int))
    quick = replace(plans.PLANS["smoke"], filters=2)
    for name in ("dtan", "dtgn", "joint"):
        quick = replace(quick, **{name: Recipe(1, batch=4, rate=0.01)})
    monkeypatch.setitem(plans.PLANS, "smoke", quick)
    return data, folds_ascending(clips, 2, val_people=1)


def test_fewer_filters_change_only_the_convolutions():
    plan = replace(plans.PLANS["lesson"], filters=16)
    assert plan.dtan_notation("ckplus") == "I64-C(5,16)-L5-P2-C(5,16)-L3-P2-FC500-FC500-S7"
    assert plan.dtan_notation("mmi") == "I64-C(5,16)-P3-C(3,16)-FC30-S6"
    assert plans.PLANS["paper"].dtan_notation("oulu") == DTAN_NOTATION["oulu"]


def test_plain_networks_start_alike_without_a_centre(task):
    data, folds = task
    plain, centred = (
        experiment.build_networks(
            DTGN_NOTATION["ckplus"], data.points, data.people, folds, centred=centred
        )[0]
        for centred in (False, True)
    )
    assert not any(isinstance(layer, Centre) for layer in plain.modules())
    assert isinstance(centred.hidden[0], Centre)
    assert torch.equal(plain.hidden[1].weight, centred.hidden[2].weight)


def test_each_control_is_a_training_of_its_own(task, tmp_path):
    options = {"folder": tmp_path, **QUICK}
    methods = study.train_combinations("ckplus", *task, "smoke", **options)
    trained = methods | study.train_controls("ckplus", *task, "smoke", **options)
    folders = [path.name for path in tmp_path.iterdir()]
    assert len(folders) == 2 * len(trained)  # folds
    weights = {name: one.trained[0].network.state_dict() for name, one in trained.items()}
    dtgn = weights["dtgn"]["hidden.2.weight"]
    assert not torch.equal(dtgn, weights["dtgn_unaugmented"]["hidden.2.weight"])
    assert not torch.equal(dtgn, weights["dtgn_movement"]["hidden.2.weight"])
    assert trained["dtan_plain"].scores.shape == (6, 7)
    predictions = experiment.combine_predictions(trained, [str(i) for i in range(7)])
    added = predictions["dtan"].scores + predictions["dtgn"].scores
    assert np.array_equal(predictions["logits_added"].scores, added)


def test_without_dropout_training_sees_what_prediction_sees():
    dtan = build("I16-C(3,2)-P2-FC8-S2", 2)
    dtgn = build("D196-FC8-S2")
    joint = join_without_dropout(dtan, dtgn).train()
    inputs = (torch.rand(5, 2, 16, 16), torch.randn(5, 2, 49, 2))
    assert torch.equal(joint(*inputs)[0], joint.eval()(*inputs)[0])
    kept = [layer.p for layer in dtan.modules() if isinstance(layer, Dropout)]
    assert kept == [0.5]  # the given networks keep theirs
    learning = [name for name, value in joint.named_parameters() if value.requires_grad]
    assert learning == ["dtan.top.weight", "dtan.top.bias", "dtgn.top.weight", "dtgn.top.bias"]


def test_a_filter_of_differences_responds_to_change_and_a_gradient_to_edges():
    """A bright square appears at the left, a still one stays at the right."""
    network = build("I32-C(3,1)-P2-FC4-S2", 2)
    pictures = torch.zeros(4, 2, 32, 32, dtype=torch.uint8)
    for row in range(4):
        pictures[row, :, 4 + row : 14 + row, 18:28] = 200
        pictures[row, 1, 12 + row : 24 + row, 4:12] = 200
    weight = torch.zeros(1, 2, 3, 3)
    weight[0, 0], weight[0, 1] = -1 / 9, 1 / 9
    correlations = {}
    for name in ("difference", "gradient"):
        with torch.no_grad():
            network.hidden[0].weight.copy_(weight)
            network.hidden[0].bias.zero_()
        correlations[name] = look_inside.response_shares(network, pictures)
        weight = torch.tensor([[1.0, 0, -1]] * 3).expand(1, 2, 3, 3)
    assert (correlations["difference"]["change"] > 0.9).all()
    assert (correlations["difference"]["edges"] < 0.5).all()
    assert (correlations["gradient"]["edges"] > correlations["gradient"]["change"]).all()


def test_single_emotions_are_those_of_the_truth():
    classes = ("anger", "contempt", "fear", "surprise")
    truth = np.array([2, 2, 2, 2, 1, 0])
    said = np.array([3, 3, 0, 2, 1, 0])
    people = np.array(list("abcdef"))
    right = Predictions(classes, np.eye(4)[truth], truth, people, np.zeros(6))
    joint = replace(right, scores=np.eye(4)[said])
    methods = {"dtan": right, "dtgn": joint, "joint": joint}
    rows = {}
    for table in study.emotion_rows("sequences", 1, methods, classes):
        rows[table["data"].iloc[0], table["method"].iloc[0]] = table
    assert rows["sequences/fear", "dtan"]["value"].mean() == 1
    assert rows["sequences/fear", "joint"]["value"].tolist() == [0, 0, 0, 1]
    assert rows["sequences/fear", "said_surprise"]["value"].mean() == 0.5
    assert rows["sequences/fear", "said_other"]["value"].tolist() == [0, 0, 1, 0]  # anger
    assert rows["sequences/contempt", "dtgn"]["person"].tolist() == ["e"]


def test_the_best_alpha_is_at_least_as_good_as_one_half():
    truth = np.array([0, 0, 1, 1])
    people = np.arange(4).astype(str)
    sure = Predictions(
        ("a", "b"), np.array([[4.0, 0], [4, 0], [0, 4], [0, 4]]), truth, people, truth
    )
    wrong = replace(sure, scores=-2 * sure.scores)
    half = experiment.average_predictions(sure, wrong)
    assert half.correct().mean() == 0
    assert study.best_weighted_sum(sure, wrong).correct().mean() == 1

"""What a first layer follows, and what a network uses: planted answers are found."""

import numpy as np
import pytest
import torch
from made_sequences import make_sequence_set
from torch import nn

from ferkit.evaluation.predictions import Predictions
from ferkit.papers.dtagn import few_frames
from ferkit.papers.dtagn.few_frames import CHANGE, EDGES, MOTION, FewFrames
from ferkit.papers.dtagn.network import SequenceNetwork


def first_layer(weights: torch.Tensor) -> SequenceNetwork:
    """A network whose first layer has these weights `(n, T, k, k)` and no bias."""
    count, frames, side, _ = weights.shape
    layer = nn.Conv2d(frames, count, side, bias=False)
    layer.weight.data = weights
    hidden = nn.Sequential(layer, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return SequenceNetwork(hidden, nn.Linear(count, 2))


@pytest.fixture
def moving():
    """Three-frame films of a dot that moves, over a still grid: `(N, 3, 16, 16)` uint8."""
    pictures = np.zeros((6, 3, 16, 16), np.uint8)
    pictures[:, :, 2] = 100  # a still edge
    for row in range(6):
        for frame in range(3):
            pictures[row, frame, 8 + row % 3, 4 + 3 * frame] = 200
    return torch.from_numpy(pictures)


def test_a_filter_that_subtracts_frames_follows_change_and_not_edges(moving):
    differences = torch.zeros(2, 3, 1, 1)
    differences[0, :, 0, 0] = torch.tensor([-1.0, 0.0, 1.0])
    differences[1, :, 0, 0] = torch.tensor([1.0, 0.0, -1.0])
    still = torch.zeros(2, 3, 3, 3)
    still[:, 2, 0, 1], still[:, 2, 2, 1] = -1.0, 1.0
    one = FewFrames(moving, np.ones(6, bool), first_layer(still), first_layer(differences), None)
    references = few_frames.reference_maps(moving, 2, None)
    people = np.repeat(["a", "b", "c"], 2)
    table = few_frames.measure_agreement({3: one}, references, np.arange(6), people)
    values = table.set_index(["state", "quantity"])["value"]
    assert values["trained", CHANGE] > 0.4 > values["trained", EDGES] + 0.2
    assert values["before training", EDGES] > values["before training", CHANGE] + 0.2
    assert values["trained", CHANGE] > values["before training", CHANGE] + 0.2
    assert f"{CHANGE}, edges fixed" in values["trained"]
    assert MOTION not in values["trained"]  # nobody knows it here
    assert (table["low"] <= table["value"] + 1e-9).all()
    assert (table["value"] <= table["high"] + 1e-9).all()


def test_tricks_keep_the_peak_and_reverse_time(moving):
    ways = few_frames.trick_sequences(moving, 2)
    assert torch.equal(ways["backwards"], moving[:, [2, 1, 0]])
    assert all(torch.equal(ways["standing still"][:, t], moving[:, 2]) for t in range(3))


def test_a_network_of_change_fails_on_films_that_stand_still():
    """It says class 1 where the last frame is brighter than the first."""
    pictures = torch.zeros(8, 3, 16, 16, dtype=torch.uint8)
    labels = np.arange(8) % 2
    pictures[torch.from_numpy(labels == 1), 2] = 200
    pictures[torch.from_numpy(labels == 0), 0] = 200
    hidden = nn.Sequential(nn.Conv2d(3, 2, 16, bias=False), nn.Flatten())
    hidden[0].weight.data[0] = torch.tensor([1.0, 0, -1]).reshape(3, 1, 1)
    hidden[0].weight.data[1] = torch.tensor([-1.0, 0, 1]).reshape(3, 1, 1)
    top = nn.Linear(2, 2, bias=False)
    top.weight.data = torch.eye(2)
    network = SequenceNetwork(hidden, top)
    people = np.arange(8).astype(str)
    scores = np.eye(2)[labels]
    predictions = Predictions(("a", "b"), scores, labels, people, people)
    one = FewFrames(pictures, np.ones(8, bool), network, network, predictions)
    correct = few_frames.correct_when_tricked(one, 2)
    assert correct["as they are"].all()
    assert correct["standing still"].mean() == 0.5  # it always says the first class
    assert not correct["backwards"].any()


def test_few_frames_are_trained_on_the_first_fold(monkeypatch):
    sequence_set = make_sequence_set()
    plan = few_frames.PLANS["smoke"]
    monkeypatch.setattr(type(plan), "dtan_notation", lambda *_: "I64-C(9,2)-P2-FC4-S7")
    one = few_frames.train_few_frames(3, sequence_set, "smoke", progress=False, device="cpu")
    assert one.pictures.shape[1] == 3
    tested = {clip.person for clip in sequence_set.folds[0].test}
    assert set(sequence_set.data.people[one.tested]) == tested
    assert one.predictions.people.tolist() == sequence_set.data.people[one.tested].tolist()
    before, after = (net.state_dict() for net in (one.untrained, one.trained))
    assert before.keys() == after.keys()
    assert not torch.equal(before["top.weight"], after["top.weight"])

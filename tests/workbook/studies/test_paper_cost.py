"""The expected cost of level `paper`: counts on worked examples, and the committed page."""

import pytest
from torch import nn

from ferkit.workbook.studies import paper_cost


def test_operations_of_a_linear_layer_are_counted_forward_and_for_the_weights():
    operations, _ = paper_cost.count_operations(nn.Linear(10, 5), ((10,),))
    assert operations == 2 * (2 * 10 * 5)  # no gradient of the input is needed


def test_operations_of_a_hidden_layer_include_the_gradient_of_its_input():
    network = nn.Sequential(nn.Linear(10, 5), nn.Linear(5, 3))
    operations, _ = paper_cost.count_operations(network, ((10,),))
    assert operations == 2 * (2 * 10 * 5) + 3 * (2 * 5 * 3)


def test_operations_of_a_convolution():
    layer = nn.Conv2d(3, 8, 3, padding=1)
    operations, _ = paper_cost.count_operations(layer, ((3, 8, 8),))
    assert operations == 2 * (2 * 3 * 3 * 3 * 8 * 64)


def test_kept_activations_are_counted_without_the_weights():
    network = nn.Sequential(nn.Linear(10, 500), nn.ReLU(), nn.Linear(500, 3))
    _, activations = paper_cost.count_operations(network, ((10,),))
    assert activations == 4 * (10 + 500)  # the input and the hidden layer, in float32


def test_small_steps_take_the_time_that_launches_take():
    assert paper_cost.expected_seconds(1.0, 1000) == pytest.approx(1000 * paper_cost.STEP)
    large = paper_cost.PEAK * paper_cost.USED  # a second of work
    assert paper_cost.expected_seconds(large, 10) == pytest.approx(10)


def test_every_notebook_that_trains_is_planned_at_the_papers_length():
    planned = paper_cost.planned_trainings()
    assert {training.notebook for training in planned} == {"03", "04", "05", "06", "07", "08"}
    lengths = {training.network: training.iterations for training in planned}
    assert lengths["AlexNet"] == 100_000  # section IV-C
    assert lengths["EmotionalDAN, stage 1"] == 40 * 560  # 28 000 faces in batches of 50


def test_the_page_lists_the_planned_trainings():
    page = paper_cost.COST_PAGE.read_text(encoding="utf-8")
    for training in paper_cost.planned_trainings():
        cells = (training.notebook, training.network, training.trainings, training.iterations)
        assert "| " + " | ".join(map(str, cells)) + " |" in page

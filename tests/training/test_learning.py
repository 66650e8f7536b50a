"""Learning rates that rise and fall, and recipes made from them."""

import numpy as np
import pytest

from ferkit.training.learning import Learning, RiseAndFall, one_cycle


def test_the_rate_rises_over_a_tenth_and_falls_to_a_fiftieth():
    rates = [RiseAndFall(0.1, 200)(i) for i in range(200)]
    assert rates[0] == pytest.approx(0.1 / 20)
    assert 15 <= np.argmax(rates) < 20
    assert 0.08 < max(rates) < 0.1
    assert rates[100] == pytest.approx(0.05)
    assert min(rates[20:]) == pytest.approx(0.002)
    assert RiseAndFall(0.1, 200)(500) == pytest.approx(0.002)  # longer than the cycle


def test_a_cycle_counts_epochs_and_a_recipe_counts_batches():
    recipe = one_cycle(4, 0.1, 32).recipe(100)
    assert recipe.schedule == RiseAndFall(0.1, 16)  # four batches in each of four epochs
    assert recipe.patience_iterations is None
    assert Learning(4, 0.1).recipe(100).rate_at(3) == 0.1


def test_after_its_cycle_a_training_waits_at_the_lowest_rate():
    recipe = one_cycle(20, 0.1, 32, patience=10).recipe(100)
    assert recipe.epochs == 40
    assert recipe.patience_iterations == 40
    assert recipe.patience_after == 80
    assert [recipe.rate_at(i) for i in (80, 119)] == pytest.approx([0.002, 0.002])

import numpy as np
import pytest

from ferkit.evaluation.calibration import calibration_error, reliability


def test_a_worked_example():
    """Four answers with 0.6, of which two are right; one with 0.95, which is right."""
    chances = [[0.6, 0.4]] * 4 + [[0.05, 0.95]]
    table = reliability(chances, [0, 0, 1, 1, 1])
    assert table["confidence"].tolist() == pytest.approx([0.6, 0.95])
    assert table["accuracy"].tolist() == [0.5, 1]
    assert table["count"].tolist() == [4, 1]
    assert calibration_error(table) == pytest.approx((4 * 0.1 + 0.05) / 5)


def test_classes_drawn_from_the_probabilities_are_calibrated():
    rng = np.random.default_rng(0)
    chances = rng.dirichlet(np.ones(3), 20_000)
    truth = (rng.random(20_000)[:, None] > chances.cumsum(1)).sum(1)
    assert calibration_error(reliability(chances, truth)) < 0.02
    sharpened = chances**3 / (chances**3).sum(1, keepdims=True)
    assert calibration_error(reliability(sharpened, truth)) > 0.1


def test_certain_answers_fall_in_the_last_part():
    table = reliability([[1.0, 0.0]], [0])
    assert table.to_dict("list") == {"confidence": [1.0], "accuracy": [1.0], "count": [1]}


def test_scores_are_refused():
    with pytest.raises(ValueError, match="apply softmax to scores"):
        reliability([[2.0, 5.0]], [0])
    with pytest.raises(ValueError, match=r"got \(1, 2\) and \(2,\)"):
        reliability([[0.5, 0.5]], [0, 1])

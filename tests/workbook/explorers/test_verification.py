"""The explorer of thresholds counts both kinds of mistakes."""

import numpy as np
import pytest

from ferkit.workbook.explorers import verification

SIMILARITY = np.array([0.9, 0.6, 0.2, 0.5, 0.1, -0.3])
SAME = np.array([True, True, True, False, False, False])


@pytest.mark.parametrize(
    ("threshold", "shares"),
    [(-1, (1, 1, 0.5)), (0.55, (2 / 3, 0, 5 / 6)), (0.5, (2 / 3, 1 / 3, 4 / 6)), (1, (0, 0, 0.5))],
)
def test_pairs_from_the_threshold_on_count_as_one_person(threshold, shares):
    assert verification.judge_pairs(SIMILARITY, SAME, threshold) == pytest.approx(shares)


def test_the_text_and_the_picture_follow_the_slider():
    explorer = verification.threshold_explorer(SIMILARITY, SAME)
    explorer.controls["threshold"].value = 0.55
    assert "found: <b>67%</b>" in explorer.text.value
    assert "taken for one: <b>0%</b>" in explorer.text.value
    assert "judged correctly: <b>83.3%</b>" in explorer.text.value
    table = verification.similarity_table(SIMILARITY, SAME)
    assert explorer.view.value == verification.threshold_picture(table, 0.55)
    assert explorer.view.value != verification.threshold_picture(table, 0.2)


def test_the_table_keeps_each_similarity_with_its_kind():
    table = verification.similarity_table(SIMILARITY, SAME)
    one = table[table["pair"] == "pairs of one person"]
    assert sorted(one["similarity"]) == [0.2, 0.6, 0.9]

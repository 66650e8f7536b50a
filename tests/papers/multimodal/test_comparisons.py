"""Swapped inputs: everybody gets another person's, each input once."""

import numpy as np
import pytest

from ferkit.papers.multimodal.comparisons import rows_of_others


@pytest.mark.parametrize("counts", [(5, 5), (3, 1, 2), (1, 1, 1, 1), (2, 7, 3, 4)])
def test_nobody_keeps_an_own_input_and_each_is_used_once(counts):
    people = np.random.default_rng(1).permutation(np.repeat(list("abcd")[: len(counts)], counts))
    rows = rows_of_others(people, seed=3)
    assert sorted(rows) == list(range(len(people)))
    assert (people[rows] != people).all()


def test_another_seed_swaps_otherwise():
    people = np.repeat(["a", "b", "c"], 20)
    assert not np.array_equal(rows_of_others(people, 0), rows_of_others(people, 1))


def test_one_person_with_most_of_the_faces_is_refused():
    with pytest.raises(ValueError, match="one person has 3 of 5 samples"):
        rows_of_others(["a", "a", "a", "b", "c"])

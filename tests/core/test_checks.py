"""Checks of values, and suggestions for unknown names."""

import numpy as np
import pytest

from ferkit.core.checks import check_class_names, is_number, is_whole, suggestion


def test_numbers_are_neither_nan_nor_text_nor_booleans():
    assert is_number(0.5, 0, 1)
    assert is_number(np.float32(1), 0, 1)
    assert is_whole(np.int64(3), 1, 3)
    for value in (float("nan"), float("inf"), True, "1", None, [1], 2):
        assert not is_number(value, 0, 1)
    assert not is_whole(1.0, 0, 2)


def test_class_names_are_different_texts():
    check_class_names(["fear", "joy"])
    for names in ([], [""], ["fear", "fear"], [None, "fear"], [["fear"]]):
        with pytest.raises(ValueError, match="class names must be"):
            check_class_names(names)


def test_a_suggestion_is_close_to_the_word():
    assert suggestion("jafee", ["jaffe", "london"]) == ", did you mean 'jaffe'?"
    assert suggestion("xyz", ["level", "seed"]) == ""

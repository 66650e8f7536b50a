"""Checks of values that are read from files, and suggestions for unknown names."""

import difflib
from collections.abc import Collection, Iterable
from numbers import Integral, Real


def is_whole(value: object, least: int, most: int) -> bool:
    """Whether a value is a whole number in a range."""
    return isinstance(value, Integral) and is_number(value, least, most)


def is_number(value: object, least: float, most: float) -> bool:
    """Whether a value is a number in a range; NaN and booleans are not."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return False
    return bool(least <= value <= most)  # type: ignore[operator]


def check_class_names(names: Iterable[object]) -> None:
    """ValueError unless class names are texts, none of them empty or repeated."""
    names = tuple(names)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"class names must be texts, got {names}")
    if repeated := [name for name in names if names.count(name) > 1]:
        raise ValueError(f"class names must be unique, got {repeated[0]!r} twice; rename one")


def suggestion(word: str, known: Collection[str]) -> str:
    """ ", did you mean ...?" when a known word is close to this one, else nothing."""
    close = difflib.get_close_matches(word, list(known), n=1)
    return f", did you mean {close[0]!r}?" if close else ""

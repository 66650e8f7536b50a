"""The order in which the notebooks are best read."""

from collections.abc import Iterable

READING_ORDER = tuple("00 01 02 11 03 04 05 06 07 08 09 13 10 12".split())


def sort_for_reading(names: Iterable[str]) -> list[str]:
    """Sort names of notebooks, such as `02_landmark_residuals`; unknown numbers come last."""
    places = {number: place for place, number in enumerate(READING_ORDER)}
    return sorted(names, key=lambda name: (places.get(name[:2], len(places)), name))

"""Options of data sets' readers, by name: words SET.OPTION=VALUE in FERKIT_DATA_OPTIONS."""

import os
import re
from collections.abc import Mapping
from typing import Any

from ferkit.core.checks import suggestion
from ferkit.core.files import data_options
from ferkit.data.card import DataSet


def set_options(record: DataSet, options: Mapping[str, str]) -> None:
    """Set a reader's options for this process and those it starts; other readers' stay.

    Raises ValueError for unknown names, and for values that do not fit or have a blank.
    """
    words = [word for word in data_options() if not word.startswith(f"{record.name}.")]
    for key, value in options.items():
        _parse(record, key, value)
        if len(value.split()) != 1:
            raise ValueError(
                rf"option {key}={value!r} is empty or has a blank; in a regular expression, \s is "
                "a blank"
            )
        words.append(f"{record.name}.{key}={value}")
    os.environ["FERKIT_DATA_OPTIONS"] = " ".join(words)


def get_options(record: DataSet) -> dict[str, Any]:
    """Return the keyword arguments of a data set's reader that FERKIT_DATA_OPTIONS sets."""
    chosen = {}
    for word in data_options():
        place, equals, value = word.partition("=")
        owner, _, key = place.partition(".")
        if not equals or not key:
            raise ValueError(f"FERKIT_DATA_OPTIONS: expected SET.OPTION=VALUE, got {word!r}")
        if owner == record.name:
            chosen[key] = _parse(record, key, value)
    return chosen


def _parse(record: DataSet, key: str, value: str) -> Any:
    if key not in record.options:
        known = ", ".join(record.options) or "none"
        hint = suggestion(key, record.options)
        raise ValueError(f"{record.name} has no option {key!r}{hint}; it has: {known}")
    option = record.options[key]
    try:
        return option.parse(value)
    except (ValueError, re.error) as error:
        raise ValueError(
            f"option {key}={value} of {record.name}: {error}; {option.about}"
        ) from None
